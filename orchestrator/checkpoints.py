"""Where the graph remembers how far it got: a file of its own, apart from the ledger."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

os.environ.setdefault("LANGGRAPH_STRICT_MSGPACK", "true")
os.environ.setdefault("LANGSMITH_TRACING", "false")

import aiosqlite
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from shared_knowledge.errors import Broken

__all__ = ["open_checkpoints"]

_BUSY_S = 30


@asynccontextmanager
async def open_checkpoints(file: Path) -> AsyncIterator[AsyncSqliteSaver]:
    """A saver that reads back plain data only: a forged row cannot run code."""
    try:
        async with aiosqlite.connect(file, timeout=_BUSY_S) as connection:
            saver = AsyncSqliteSaver(connection, serde=JsonPlusSerializer(allowed_msgpack_modules=None))
            await saver.setup()
            yield saver
    except aiosqlite.Error as error:
        raise Broken(
            f"How far the run got cannot be kept in {file}: {error}.",
            todo="Free some space and run `agentes resume`. If the file is damaged, remove it first: "
            "everything that was made is in the ledger.",
        ) from error
