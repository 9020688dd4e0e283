"""Every test that asks for a ledger or its database runs on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.store.database import Database, open_database


@pytest.fixture(params=["sqlite", "postgres"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a ledger that nobody has opened yet."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ledger.db'}"
    url: str = request.getfixturevalue("postgres")
    return url


@pytest.fixture
def database(ledger: str) -> Iterator[Database]:
    """An empty ledger, open."""
    database = open_database(ledger)
    yield database
    database.close()
