"""A ledger on SQLite and on PostgreSQL, a clock that stands still, and jobs that take no work to make."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from standing_clock import StandingClock

from orchestrator.access import Caller
from orchestrator.store.database import Database, open_database


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture
def elsewhere(ledger: str, database: Database) -> Iterator[Database]:
    """The same ledger, as another process has it open."""
    other = open_database(ledger)
    yield other
    other.close()


@pytest.fixture
def acme() -> Caller:
    scopes = frozenset({"jobs:read", "jobs:write"})
    return Caller(tenant="acme", key_id="key_1", tier="free", scopes=scopes, is_test=False)
