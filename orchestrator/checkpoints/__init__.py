"""Where the graph remembers how far it got: beside the ledger, and apart from it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

os.environ.setdefault("LANGGRAPH_STRICT_MSGPACK", "true")
os.environ.setdefault("LANGSMITH_TRACING", "false")

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from shared_knowledge.errors import BadRequest

__all__ = ["open_checkpoints"]


@asynccontextmanager
async def open_checkpoints(where: str | Path) -> AsyncIterator[BaseCheckpointSaver[Any]]:
    """A saver, in a file or at a `postgresql://` address.

    It reads back plain data only: a forged row cannot run code.
    """
    plain = JsonPlusSerializer(allowed_msgpack_modules=None)
    if isinstance(where, Path):
        from orchestrator.checkpoints.in_file import open_file

        async with open_file(where, plain) as saver:
            yield saver
    else:
        try:
            from orchestrator.checkpoints.on_server import open_server
        except ImportError as error:
            raise BadRequest(
                "What keeps checkpoints in PostgreSQL is not installed.",
                todo="pip install 'agentes[postgres]'",
            ) from error
        async with open_server(where, plain) as shared:
            yield shared
