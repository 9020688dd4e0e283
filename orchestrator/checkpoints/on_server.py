"""Checkpoints in PostgreSQL, over a few connections that all runs of a process share."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import psycopg
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import ChannelVersions, Checkpoint, CheckpointMetadata, CheckpointTuple
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.checkpoint.serde.base import SerializerProtocol
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool

from config.settings import without_credentials
from orchestrator.store.postgres import GREETING, key_of, parameters
from orchestrator.store.redial import Lost

__all__ = ["open_server"]

T = TypeVar("T")
Connections = AsyncConnectionPool[psycopg.AsyncConnection[DictRow]]

_MOST = 4
_IDLE_S = 60.0
_PATIENCE_S = 60.0
_PAUSE_S = 0.2


@dataclass
class _Shared:
    connections: Connections
    runs: int = 0


_shared: dict[tuple[str, asyncio.AbstractEventLoop], _Shared] = {}


@asynccontextmanager
async def open_server(url: str, serde: SerializerProtocol) -> AsyncIterator[AsyncPostgresSaver]:
    """A saver for one run."""
    try:
        async with _connections(url) as connections:
            saver = _PatientSaver(connections, serde=serde)
            await _patiently(lambda: _set_up(connections, serde))
            yield saver
    except psycopg.Error as error:
        raise Lost(
            f"How far the run got cannot be kept in {without_credentials(url)}: {_said(error)}.",
            todo="See that the server is up and run `agentes resume`: everything that was made is in the ledger.",
        ) from error


class _PatientSaver(AsyncPostgresSaver):
    """Does again what broke off: each of these comes to the same if it is done twice."""

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """The checkpoint that is asked for, or the latest."""
        ask = super().aget_tuple
        return await _patiently(lambda: ask(config))

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Keeps a checkpoint."""
        put = super().aput
        return await _patiently(lambda: put(config, checkpoint, metadata, new_versions))

    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """Keeps what one task of a step has written."""
        put = super().aput_writes
        await _patiently(lambda: put(config, writes, task_id, task_path))

    async def adelete_thread(self, thread_id: str) -> None:
        """Forgets a thread."""
        forget = super().adelete_thread
        await _patiently(lambda: forget(thread_id))


async def _patiently(work: Callable[[], Awaitable[T]]) -> T:
    until = time.monotonic() + _PATIENCE_S
    while True:
        try:
            return await work()
        except psycopg.OperationalError:
            if time.monotonic() > until:
                raise
            await asyncio.sleep(_PAUSE_S)


@asynccontextmanager
async def _connections(url: str) -> AsyncIterator[Connections]:
    """Opened for the first run, closed after the last."""
    place = (url, asyncio.get_running_loop())
    shared = _shared.setdefault(place, _Shared(_pool(url)))
    shared.runs += 1
    try:
        await shared.connections.open()
        yield shared.connections
    finally:
        shared.runs -= 1
        if not shared.runs:
            del _shared[place]
            await shared.connections.close()


def _pool(url: str) -> Connections:
    return AsyncConnectionPool(
        kwargs={**parameters(url), "autocommit": True, "prepare_threshold": 0, "row_factory": dict_row},
        min_size=0,
        max_size=_MOST,
        max_idle=_IDLE_S,
        timeout=_PATIENCE_S,
        configure=_greet,
        open=False,
        name="checkpoints",
    )


async def _greet(connection: psycopg.AsyncConnection[DictRow]) -> None:
    await connection.execute(GREETING, prepare=False)


async def _set_up(connections: Connections, serde: SerializerProtocol) -> None:
    """Brings the tables up to date; of many who come at once, one does it."""
    async with connections.connection() as connection:
        if await _is_set_up(connection):
            return
        # Waiting inside a statement would hold up an index that is being built concurrently: so this asks again.
        key = key_of("checkpoints")
        while not await _answer(connection, f"select pg_try_advisory_lock({key}) as yes"):
            await asyncio.sleep(_PAUSE_S)
        try:
            await AsyncPostgresSaver(connection, serde=serde).setup()
        finally:
            await _answer(connection, f"select pg_advisory_unlock({key}) as yes")


async def _is_set_up(connection: psycopg.AsyncConnection[DictRow]) -> bool:
    if not await _answer(connection, "select to_regclass('checkpoint_migrations') is not null as yes"):
        return False
    known = await (await connection.execute("select v from checkpoint_migrations")).fetchall()
    return len(known) >= len(AsyncPostgresSaver.MIGRATIONS)


async def _answer(connection: psycopg.AsyncConnection[DictRow], question: str) -> bool:
    row = await (await connection.execute(question.encode())).fetchone()
    return bool(row and row["yes"])


def _said(error: psycopg.Error) -> str:
    said = error.diag.message_primary or str(error)
    return " ".join(said.split("\n", maxsplit=1)[0].split()).rstrip(".")
