"""One ledger opened twice, as two processes would, and a witness that looks into it past all of our own code."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from orchestrator.store.database import open_database

__all__ = ["OpenedTwice", "Witness", "in_memory", "opened_twice"]

_TABLES = ("holds", "orders", "budgets", "events", "asks", "outcomes", "jobs")


class Witness:
    """A connection of its own to the ledger at an address."""

    def __init__(self, url: str) -> None:
        if url.startswith("sqlite:///"):
            self._connection: Any = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
            self._connection.execute("pragma busy_timeout = 10000")
        else:
            import psycopg

            self._connection = psycopg.connect(url, autocommit=True)

    def look(self, question: str) -> list[tuple[Any, ...]]:
        """What is written there."""
        return [tuple(row) for row in self._connection.execute(question).fetchall()]

    def wipe(self) -> None:
        """Forgets everything, so that the next story begins with an empty ledger."""
        for table in _TABLES:
            self._connection.execute(f"delete from {table}")

    def close(self) -> None:
        """Goes away."""
        self._connection.close()


class OpenedTwice:
    """Two openings of the same ledger, a loop to wait on, and the witness."""

    def __init__(self, url: str) -> None:
        self.loop = asyncio.new_event_loop()
        self.databases = [open_database(url) for _ in range(2)]
        self.witness = Witness(url)

    def wipe(self) -> None:
        """Begins anew."""
        self.witness.wipe()

    def close(self) -> None:
        """Closes everything."""
        self.witness.close()
        for database in self.databases:
            database.close()
        self.loop.close()


@contextmanager
def in_memory() -> Iterator[str]:
    """The address of a ledger where a sync costs nothing: nobody pulls a plug here."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        yield f"sqlite:///{folder}/ledger.db"


@contextmanager
def opened_twice(url: str) -> Iterator[OpenedTwice]:
    """The ledger at an address, opened twice."""
    house = OpenedTwice(url)
    try:
        yield house
    finally:
        house.close()
