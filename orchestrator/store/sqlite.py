"""One SQLite file, one writing thread: many asks become one transaction and one sync to disk."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

from orchestrator.store.sql import migrations, query
from shared_knowledge.errors import Broken

__all__ = ["Database", "Row", "Transaction"]

T = TypeVar("T")
Row = sqlite3.Row

_BATCH = 256
_BUSY_MS = 10_000


class Transaction:
    """What an ask may do inside its transaction: run named queries, and nothing else."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def run(self, name: str, **values: object) -> int:
        """Runs a statement and says how many rows it changed."""
        return self._connection.execute(query(name), values).rowcount

    def rows(self, name: str, **values: object) -> list[Row]:
        """Every row that answers the query."""
        return self._connection.execute(query(name), values).fetchall()

    def row(self, name: str, **values: object) -> Row | None:
        """The first row that answers the query, if there is one."""
        row: Row | None = self._connection.execute(query(name), values).fetchone()
        return row


Ask = Callable[[Transaction], Any]


class Database:
    """The ledger's file. What `write` returned is on the disk."""

    def __init__(self, path: Path, *, batch: int = _BATCH) -> None:
        self.path = path
        self._batch = batch
        self._asks: queue.SimpleQueue[tuple[Future[Any], Ask] | None] = queue.SimpleQueue()
        self._reading = threading.Lock()
        with _plain_words(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = _connect(path)
            _migrate(self._writer)
            self._reader = _connect(path)
        self._thread = threading.Thread(target=self._write_all, name="ledger", daemon=True)
        self._thread.start()

    def ask(self, ask: Callable[[Transaction], T]) -> Future[T]:
        """Queues a transaction; its future is done when it is on the disk."""
        future: Future[T] = Future()
        self._asks.put((future, ask))
        return future

    async def write(self, ask: Callable[[Transaction], T]) -> T:
        """Runs a transaction and returns once it is on the disk."""
        return await asyncio.wrap_future(self.ask(ask))

    def read(self, ask: Callable[[Transaction], T]) -> T:
        """Answers from what is committed."""
        with self._reading, _plain_words(self.path):
            return ask(Transaction(self._reader))

    def close(self) -> None:
        """Ends the writing thread after everything that was asked is on the disk."""
        self._asks.put(None)
        self._thread.join()
        self._reader.close()
        self._writer.close()

    def _write_all(self) -> None:
        while (first := self._asks.get()) is not None:
            batch = [first]
            ending = False
            while len(batch) < self._batch:
                try:
                    more = self._asks.get_nowait()
                except queue.Empty:
                    break
                if more is None:
                    ending = True
                    break
                batch.append(more)
            self._commit(batch)
            if ending:
                return

    def _commit(self, asked: Sequence[tuple[Future[Any], Ask]]) -> None:
        # Whoever asked may have been cancelled since; from here on, nobody can be.
        batch = [(future, ask) for future, ask in asked if future.set_running_or_notify_cancel()]
        answers: list[tuple[Future[Any], Any, BaseException | None]] = []
        try:
            with _plain_words(self.path):
                self._writer.execute("begin immediate")
                answers = [(future, *_attempt(self._writer, ask)) for future, ask in batch]
                self._writer.execute("commit")
        except Broken as broken:
            with contextlib.suppress(sqlite3.Error):
                self._writer.execute("rollback")
            answers = [(future, None, broken) for future, _ in batch]
        for future, answer, error in answers:
            if error is None:
                future.set_result(answer)
            else:
                future.set_exception(error)


def _attempt(connection: sqlite3.Connection, ask: Ask) -> tuple[Any, BaseException | None]:
    """One ask in its own savepoint: its failure is its own, its neighbours are kept."""
    connection.execute("savepoint ask")
    try:
        answer = ask(Transaction(connection))
    except sqlite3.OperationalError:
        raise  # the disk or the file, not this ask: the whole batch is undone
    except Exception as error:  # noqa: BLE001 - whatever it was, it belongs to the one who asked
        connection.execute("rollback to ask")
        connection.execute("release ask")
        return None, error
    connection.execute("release ask")
    return answer, None


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    for setting in (
        f"busy_timeout = {_BUSY_MS}",
        "journal_mode = wal",
        "synchronous = full",
        "foreign_keys = on",
    ):
        connection.execute(f"pragma {setting}")
    return connection


def _migrate(connection: sqlite3.Connection) -> None:
    """Brings an older file up to date, in one transaction; two processes may try at once."""
    scripts = migrations()
    connection.execute("begin immediate")
    try:
        (seen,) = connection.execute("pragma user_version").fetchone()
        for script in scripts[seen:]:
            for statement in _statements(script):
                connection.execute(statement)
        connection.execute(f"pragma user_version = {max(seen, len(scripts))}")
    except BaseException:
        connection.execute("rollback")
        raise
    connection.execute("commit")
    if seen > len(scripts):
        raise Broken(
            "The ledger was written by a newer Agentes than this one.",
            todo="Update Agentes, or point AGENTES_HOME at another folder.",
        )


def _statements(script: str) -> Iterable[str]:
    statement = ""
    for line in script.splitlines():
        statement += line + "\n"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


class _plain_words:  # noqa: N801 - reads as words where it is used
    """Turns SQLite's errors about disk and file into a sentence a person can act on."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, (sqlite3.OperationalError, sqlite3.DatabaseError, OSError)) and not isinstance(
            error, sqlite3.IntegrityError
        ):
            raise Broken(
                f"The ledger {self._path} cannot be used: {error}.",
                todo="Free some space or choose a writable folder with AGENTES_HOME; nothing was lost.",
            ) from error
