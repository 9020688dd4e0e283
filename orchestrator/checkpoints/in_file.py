"""Checkpoints in a SQLite file of their own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import aiosqlite
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import WRITES_IDX_MAP
from langgraph.checkpoint.serde.base import SerializerProtocol
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from shared_knowledge.errors import Broken

__all__ = ["open_file"]

_BUSY_S = 30
_REFUSALS = (aiosqlite.Error, ValueError)  # the latter once the connection is closed
_KEEP = """
    insert or {} into writes (thread_id, checkpoint_ns, checkpoint_id, task_id, task_path, idx, channel, type, value)
    values (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""


@asynccontextmanager
async def open_file(file: Path, serde: SerializerProtocol) -> AsyncIterator[AsyncSqliteSaver]:
    """A saver for one run."""
    try:
        async with aiosqlite.connect(file, timeout=_BUSY_S) as connection:
            saver = _SharingSaver(connection, serde=serde)
            await saver.setup()
            try:
                yield saver
            finally:
                await saver.finish()
    except aiosqlite.Error as error:
        raise Broken(
            f"How far the run got cannot be kept in {file}: {error}.",
            todo="Free some space and run `agentes resume`. If the file is damaged, remove it first: "
            "everything that was made is in the ledger.",
        ) from error


class _Written(NamedTuple):
    """What one task of a step has written, and who waits until it is kept."""

    query: str
    rows: Sequence[tuple[object, ...]]
    kept: asyncio.Future[None]


class _SharingSaver(AsyncSqliteSaver):
    """Keeps what many tasks of a step write at the same time with one sync to the disk, as the ledger does."""

    def __init__(self, connection: aiosqlite.Connection, *, serde: SerializerProtocol) -> None:
        super().__init__(connection, serde=serde)
        self._waiting: list[_Written] = []
        self._keeping: asyncio.Task[None] | None = None

    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """Keeps what one task of a step has written."""
        place = [
            str(config["configurable"][name]) for name in ("thread_id", "checkpoint_ns", "checkpoint_id")
        ]
        rows = [
            (
                *place,
                task_id,
                task_path,
                WRITES_IDX_MAP.get(channel, n),
                channel,
                *self.serde.dumps_typed(value),
            )
            for n, (channel, value) in enumerate(writes)
        ]
        query = _KEEP.format(
            "replace" if all(channel in WRITES_IDX_MAP for channel, _ in writes) else "ignore"
        )
        written = _Written(query, rows, asyncio.get_running_loop().create_future())
        self._waiting.append(written)
        if self._keeping is None or self._keeping.done():
            self._keeping = asyncio.create_task(self._keep())
        await written.kept

    async def finish(self) -> None:
        """Returns when everything that was written is kept."""
        if self._keeping is not None:
            await self._keeping

    async def _keep(self) -> None:
        while self._waiting:
            async with self.lock:
                together, self._waiting = self._waiting, []
                failure = await self._write(together)
            for written in together:
                if written.kept.done():
                    continue  # whoever waited was cancelled
                if failure is None:
                    written.kept.set_result(None)
                else:
                    written.kept.set_exception(failure)

    async def _write(self, together: Sequence[_Written]) -> Exception | None:
        try:
            for written in together:
                await self.conn.executemany(written.query, written.rows)
            await self.conn.commit()
        except _REFUSALS as error:
            with suppress(*_REFUSALS):
                await self.conn.rollback()
            return error
        return None
