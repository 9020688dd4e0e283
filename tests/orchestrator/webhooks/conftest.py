"""An outbox on both engines, a clock that is moved by hand, and receivers that say what a test wrote down."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from receivers import Post, World

from orchestrator.store.database import Database, open_database


@pytest.fixture
def quick_database(tmp_path: Path) -> Iterator[Database]:
    """An empty ledger on SQLite, for what does not depend on the engine."""
    database = open_database(tmp_path / "ledger.db")
    yield database
    database.close()


@pytest.fixture
def world(database: Database) -> World:
    """Jobs, an outbox and a courier around one database and one clock."""
    return World(database, Post())


@pytest.fixture
def quick_world(quick_database: Database) -> World:
    """The same on SQLite."""
    return World(quick_database, Post())
