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

__all__ = ["open_checkpoints"]


@asynccontextmanager
async def open_checkpoints(file: Path) -> AsyncIterator[AsyncSqliteSaver]:
    """A saver that reads back plain data only: a forged row cannot run code."""
    async with aiosqlite.connect(file) as connection:
        saver = AsyncSqliteSaver(connection, serde=JsonPlusSerializer(allowed_msgpack_modules=None))
        await saver.setup()
        yield saver
