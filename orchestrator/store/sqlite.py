"""The ledger in one file of SQLite: the engine of a single machine, with nothing to set up."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

from orchestrator.store.database import Conflict, Connection, HopedInVain, Row
from orchestrator.store.sql import newest, query, route
from shared_knowledge.errors import Broken

__all__ = ["Sqlite"]

_BUSY_MS = 10_000
_SERIAL = "integer primary key"


class Sqlite:
    """SQLite, as the ledger needs it: safe against a kill and against a power cut."""

    def __init__(self, file: Path) -> None:
        self.where = str(file)
        self._file = file

    def connect(self) -> Connection:
        """A connection of its own; the folder is made if it is not there."""
        with _PlainWords(self.where):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(self._file, isolation_level=None, check_same_thread=False)
            connection.row_factory = sqlite3.Row
            for setting in (
                f"busy_timeout = {_BUSY_MS}",
                "journal_mode = wal",
                "synchronous = full",
                "foreign_keys = on",
            ):
                connection.execute(f"pragma {setting}")
        return _Connection(connection, self.where)

    def migrate(self, connection: Connection, to: int | None = None) -> int:
        """Brings a file to a shape, in one transaction, and says which it had; two processes may try at once."""
        assert isinstance(connection, _Connection)
        return connection.migrate(to)


class _Connection:
    """One open file."""

    def __init__(self, connection: sqlite3.Connection, where: str) -> None:
        self._connection = connection
        self._plain_words = _PlainWords(where)
        self._hopeful = False  # nobody has failed yet, so there are no marks: each is a statement more
        self._changes_before = 0

    def run(self, name: str, values: Mapping[str, object]) -> int:
        with self._plain_words:
            return self._connection.execute(query(name), values).rowcount

    def rows(self, name: str, values: Mapping[str, object]) -> Sequence[Row]:
        with self._plain_words:
            return self._connection.execute(query(name), values).fetchall()

    def begin(self, *, hopeful: bool = False) -> None:
        self._hopeful = hopeful
        self._say("begin immediate")

    def mark(self) -> None:
        self._changes_before = self._connection.total_changes
        if not self._hopeful:
            self._say("savepoint ask")

    def keep(self) -> None:
        if not self._hopeful:
            self._say("release ask")

    def undo(self) -> None:
        if not self._hopeful:
            self._say("rollback to ask")
            self._say("release ask")
        elif self._connection.total_changes != self._changes_before:
            raise HopedInVain

    def commit(self) -> None:
        self._say("commit")

    def rollback(self) -> None:
        if self._connection.in_transaction:
            self._say("rollback")

    def close(self) -> None:
        self._connection.close()

    def migrate(self, to: int | None) -> int:
        self.begin()
        try:
            with self._plain_words:
                (seen,) = self._connection.execute("pragma user_version").fetchone()
                if seen <= newest():
                    for script in route(seen, to):
                        for statement in _statements(script.replace("{serial}", _SERIAL)):
                            self._connection.execute(statement)
                    self._connection.execute(f"pragma user_version = {newest() if to is None else to}")
        except BaseException:
            self.rollback()
            raise
        self.commit()
        if seen > newest():
            raise Broken(
                "The ledger was written by a newer Agentes than this one.",
                todo="Update Agentes, or point AGENTES_HOME at another folder.",
            )
        return int(seen)

    def _say(self, statement: str) -> None:
        with self._plain_words:
            self._connection.execute(statement)


def _statements(script: str) -> Iterable[str]:
    statement = ""
    for line in script.splitlines():
        statement += line + "\n"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


class _PlainWords:
    """Turns SQLite's errors about disk and file into a sentence a person can act on."""

    def __init__(self, where: str) -> None:
        self.where = where

    def __enter__(self) -> None:
        """Nothing: one of these goes around every statement."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, (sqlite3.IntegrityError, sqlite3.DataError, OverflowError)):
            raise Conflict(f"The ledger refuses it: {error}.") from error
        if isinstance(error, (sqlite3.ProgrammingError, sqlite3.InterfaceError)):
            return  # a mistake of ours, of which the disk knows nothing
        if isinstance(error, (sqlite3.DatabaseError, OSError)):
            raise Broken(
                f"The ledger {self.where} cannot be used: {error}.",
                todo="Free some space or choose a writable folder with AGENTES_HOME; nothing was lost.",
            ) from error
