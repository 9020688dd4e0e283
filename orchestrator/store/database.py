"""The ledger: one writing thread, in which many asks become one transaction and one sync to disk."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Protocol, TypeVar

from orchestrator.store.redial import Redial
from shared_knowledge.errors import AgentesError, BadRequest, Broken

__all__ = [
    "Conflict",
    "Connection",
    "Database",
    "Engine",
    "HopedInVain",
    "Row",
    "Transaction",
    "open_database",
    "open_engine",
]

T = TypeVar("T")

_BATCH = 256
_WARY_FOR = 16
_PATIENCE_S = 60.0  # a database that is restarted, or moves to another machine, is back by then
_READ_PATIENCE_S = 15.0  # whoever reads holds up everybody else in this process


class Conflict(AgentesError):
    """A rule of the tables, or a column, refused what was to be written; the ask left no trace."""


class HopedInVain(Exception):
    """An ask of a hopeful transaction is to be undone alone, and cannot be: all begin again, with marks."""


class Row(Protocol):
    """One answer, by the names of its columns."""

    def __getitem__(self, column: str, /) -> Any: ...

    def keys(self) -> Any:
        """The names of its columns."""


class Connection(Protocol):
    """What an engine opens. Raises Conflict for a refused statement, Broken for a database in trouble."""

    def run(self, query: str, values: Mapping[str, object]) -> int:
        """Runs the query of that name and says how many rows it changed."""

    def rows(self, query: str, values: Mapping[str, object]) -> Sequence[Row]:
        """Every row that answers the query of that name."""

    def begin(self, *, hopeful: bool) -> None:
        """Begins a transaction in which nobody else can write; the hopeful do without marks where they cost."""

    def mark(self) -> None:
        """Sets a mark to which `undo` comes back."""

    def keep(self) -> None:
        """Keeps what was done since the mark."""

    def undo(self) -> None:
        """Undoes what was done since the mark; HopedInVain if there is none."""

    def commit(self) -> None:
        """Returns when it is on the disk; Lost means that nobody knows."""

    def rollback(self) -> None:
        """Undoes the transaction, if there is one."""

    def close(self) -> None:
        """Ends the connection."""


class Engine(Protocol):
    """A kind of database."""

    where: str  # as a person may read it: without a password

    def connect(self) -> Connection:
        """A connection of its own."""

    def migrate(self, connection: Connection, to: int | None = None) -> int:
        """Brings the tables up to date, or to a shape of before, and says which they had; two may try at once."""


class Transaction:
    """What an ask may do inside its transaction: run named queries, and nothing else."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.refused: Conflict | None = None

    def run(self, name: str, /, **values: object) -> int:
        """Runs a statement and says how many rows it changed."""
        self._go_on()
        try:
            return self._connection.run(name, _storable(values))
        except Conflict as refused:
            self.refused = refused
            raise

    def rows(self, name: str, /, **values: object) -> Sequence[Row]:
        """Every row that answers the query."""
        self._go_on()
        try:
            return self._connection.rows(name, _storable(values))
        except Conflict as refused:
            self.refused = refused
            raise

    def row(self, name: str, /, **values: object) -> Row | None:
        """The first row that answers the query, if there is one."""
        rows = self.rows(name, **values)
        return rows[0] if rows else None

    def _go_on(self) -> None:
        """After a refusal nothing more is done, on any engine, even if the ask would rather go on."""
        if self.refused is not None:
            raise self.refused


Ask = Callable[[Transaction], Any]


class _Waiting:
    """Somebody in an event loop who waits. All who wait in one loop are told together, which wakes it once."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Any] = self.loop.create_future()

    def set_running_or_notify_cancel(self) -> bool:
        """Whether anybody still waits."""
        return not self.future.cancelled()


_Asked = tuple[Future[Any] | _Waiting, Ask]
_Told = tuple[asyncio.Future[Any], Any, BaseException | None]
_Answer = tuple[Future[Any] | _Waiting, Any, BaseException | None]


class Database:
    """The ledger's tables. What `write` returned is on the disk.

    An ask depends on nothing but its transaction: it may be run again where the connection broke off.
    """

    def __init__(self, engine: Engine, *, batch: int = _BATCH, patience_s: float = _PATIENCE_S) -> None:
        self.where = engine.where
        self._batch = batch
        self._asks: queue.SimpleQueue[_Asked | None] = queue.SimpleQueue()
        self._wary = 0  # so many batches more are begun with marks
        self._reading = threading.Lock()
        self._closing = threading.Event()
        self._writer = Redial(engine.connect, patience_s=patience_s, ending=self._closing)
        patience_s = min(patience_s, _READ_PATIENCE_S)
        self._reader = Redial(engine.connect, patience_s=patience_s, ending=self._closing)
        try:
            self._writer.connection  # noqa: B018 - who cannot be reached at all is not waited for
            self._writer.use(engine.migrate)
        except BaseException:
            self._writer.drop()
            raise
        self._thread = threading.Thread(target=self._write_all, name="ledger", daemon=True)
        self._thread.start()

    def ask(self, ask: Callable[[Transaction], T]) -> Future[T]:
        """Queues a transaction; its future is done when it is on the disk."""
        future: Future[T] = Future()
        self._queue(future, ask)
        return future

    async def write(self, ask: Callable[[Transaction], T]) -> T:
        """Runs a transaction and returns once it is on the disk."""
        waiting = _Waiting()
        self._queue(waiting, ask)
        answer: T = await waiting.future
        return answer

    def read(self, ask: Callable[[Transaction], T]) -> T:
        """Answers from what is committed."""
        with self._reading:
            return self._reader.use(lambda connection: ask(Transaction(connection)))

    def close(self) -> None:
        """Ends the writing thread after everything that was asked is on the disk."""
        self._closing.set()
        self._asks.put(None)
        self._thread.join()
        self._reader.drop()
        self._writer.drop()

    def _queue(self, asker: Future[Any] | _Waiting, ask: Ask) -> None:
        self._asks.put((asker, ask))

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

    def _commit(self, asked: Sequence[_Asked]) -> None:
        # Whoever asked may have been cancelled since; from here on, nobody can be.
        batch = [(future, ask) for future, ask in asked if future.set_running_or_notify_cancel()]
        try:
            answers = self._writer.use(lambda connection: self._carry_out(connection, batch))
            self._writer.connection.commit()
        except Broken as broken:
            self._start_over()
            answers = [(future, None, broken) for future, _ in batch]
        _tell(answers)

    def _carry_out(self, connection: Connection, batch: Sequence[_Asked]) -> list[_Answer]:
        """Hopes that no ask fails; where one did lately, another may, and everybody would have to begin again."""
        hopeful = not self._wary
        self._wary = max(0, self._wary - 1)
        try:
            connection.begin(hopeful=hopeful)
            return [(future, *_attempt(connection, ask)) for future, ask in batch]
        except HopedInVain:
            self._wary = _WARY_FOR
            connection.rollback()
            connection.begin(hopeful=False)
            return [(future, *_attempt(connection, ask)) for future, ask in batch]

    def _start_over(self) -> None:
        """Leaves whatever transaction is open; a connection that cannot is dropped."""
        try:
            if self._writer.is_open:
                self._writer.connection.rollback()
        except Broken:
            self._writer.drop()


def _tell(answers: Sequence[_Answer]) -> None:
    in_loops: dict[asyncio.AbstractEventLoop, list[_Told]] = {}
    for asker, answer, error in answers:
        if isinstance(asker, _Waiting):
            in_loops.setdefault(asker.loop, []).append((asker.future, answer, error))
        else:
            _tell_one(asker, answer, error)
    for loop, told in in_loops.items():
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits there any more
            loop.call_soon_threadsafe(_tell_together, told)


def _tell_together(told: Sequence[_Told]) -> None:
    for future, answer, error in told:
        if not future.done():
            _tell_one(future, answer, error)


def _tell_one(future: Future[Any] | asyncio.Future[Any], answer: Any, error: BaseException | None) -> None:
    if error is None:
        future.set_result(answer)
    else:
        future.set_exception(error)


def _attempt(connection: Connection, ask: Ask) -> tuple[Any, BaseException | None]:
    """One ask after its own mark: its failure is its own, its neighbours are kept."""
    connection.mark()
    transaction = Transaction(connection)
    try:
        answer = ask(transaction)
    except Broken:
        raise  # the database, not this ask: the whole batch is undone
    except Exception as error:  # noqa: BLE001 - whatever it was, it belongs to the one who asked
        connection.undo()
        return None, error
    if transaction.refused is not None:
        connection.undo()
        return None, transaction.refused
    connection.keep()
    return answer, None


def _storable(values: dict[str, object]) -> dict[str, object]:
    """The values as every engine can keep them; a vendor's words may hold what no database takes."""
    for name, value in values.items():
        if isinstance(value, str) and not (type(value) is str and value.isascii() and "\0" not in value):
            values[name] = value.encode("utf-8", "replace").decode("utf-8").replace("\0", "�")
    return values


def open_database(where: str | Path, *, batch: int = _BATCH, patience_s: float = _PATIENCE_S) -> Database:
    """The ledger at a `sqlite:///` or `postgresql://` address, or in a file of SQLite."""
    return Database(open_engine(where), batch=batch, patience_s=patience_s)


def open_engine(where: str | Path) -> Engine:
    """What opens connections to a ledger."""
    if isinstance(where, str) and where.startswith("postgresql://"):
        try:
            from orchestrator.store.postgres import Postgres
        except ImportError as error:
            raise BadRequest(
                "AGENTES_DATABASE_URL names a PostgreSQL database, and what speaks to one is not installed.",
                todo="pip install 'agentes[postgres]'",
            ) from error
        return Postgres(where)
    from orchestrator.store.sqlite import Sqlite

    return Sqlite(Path(where.removeprefix("sqlite:///")) if isinstance(where, str) else where)
