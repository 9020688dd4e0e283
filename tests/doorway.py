"""A door in front of a database: while it is shut, the database is away."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self

from psycopg.conninfo import conninfo_to_dict

__all__ = ["Doorway"]

_AT_A_TIME = 1 << 16


class Doorway:
    """Listens on this machine and passes everything on, in a thread of its own."""

    def __init__(self, url: str) -> None:
        self._told = conninfo_to_dict(url)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="doorway", daemon=True)
        self._through: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    @property
    def url(self) -> str:
        """The address of the database, through the door."""
        return (
            f"postgresql://{self._told.get('user', 'postgres')}@127.0.0.1:{self._port}/{self._told['dbname']}"
        )

    def open(self) -> None:
        """Whoever comes is let through."""
        asyncio.run_coroutine_threadsafe(self._open(), self._loop).result(10)

    def shut(self) -> None:
        """Whoever is through is thrown out, and nobody is let in."""
        asyncio.run_coroutine_threadsafe(self._shut(), self._loop).result(10)

    async def _open(self) -> None:
        self._server = await asyncio.start_server(self._let_through, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def _shut(self) -> None:
        if self._server is not None:
            self._server.close()
        for writer in tuple(self._through):
            writer.transport.abort()
        self._server = None

    async def _let_through(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, port = str(self._told["host"]), self._told.get("port") or 5432
        there = (
            asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
            if host.startswith("/")
            else asyncio.open_connection(host, int(port))
        )
        with suppress(OSError):
            inner, outer = await there
            self._through |= {writer, outer}
            await asyncio.gather(_pass_on(reader, outer), _pass_on(inner, writer))
            self._through -= {writer, outer}
        writer.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while some := await reader.read(_AT_A_TIME):
            writer.write(some)
            await writer.drain()
    writer.close()
