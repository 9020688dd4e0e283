"""The bottom of the wire: httpx's own transport, over connections that are taken and put back.

Its `handle_async_request` is httpx's and stays untouched: a recording of the wire is made and played
back exactly there, below every layer of ours.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import cache, partial
from typing import Protocol, cast

import httpcore
import httpx

from agentes.wire.guard import Dialler

__all__ = ["Network", "trusted"]

_KEEPALIVE_S = 90.0  # longer than any platform asks us to wait between two looks
_AT_ONCE = 64


@cache
def trusted() -> ssl.SSLContext:
    """Whom we believe, for all connections of this process; making it takes tens of milliseconds."""
    return httpx.create_ssl_context(trust_env=False)


class Network(httpx.AsyncHTTPTransport):
    """Connections to anywhere the dialler lets us; `fresh` keeps none, so that each call has its own."""

    def __init__(
        self,
        dialler: Dialler,
        *,
        fresh: bool = False,
        trust: ssl.SSLContext | None = None,
        at_once: int | None = None,
    ) -> None:
        self._pool = _Stacks(dialler, trust or trusted(), fresh=fresh, at_once=at_once or _AT_ONCE)


class _Stacks(httpcore.AsyncConnectionPool):
    """Idle connections to each place in a stack, the warmest on top.

    httpcore's own pool walks through all its connections on every call, which at sixty-four of them
    costs more than the call itself; here a call costs the same however many there are.
    """

    def __init__(self, dialler: Dialler, trust: ssl.SSLContext, *, fresh: bool, at_once: int) -> None:
        super().__init__(ssl_context=trust, keepalive_expiry=_KEEPALIVE_S, network_backend=dialler)
        self._fresh = fresh
        self._idle: dict[tuple[bytes, bytes, int], list[httpcore.AsyncConnectionInterface]] = {}
        self._rooms = asyncio.Semaphore(at_once)
        self._tidied = time.monotonic()
        self._over = False

    @property
    def connections(self) -> list[httpcore.AsyncConnectionInterface]:
        """Those that wait for a call."""
        return [connection for stack in self._idle.values() for connection in stack]

    async def handle_async_request(self, request: httpcore.Request) -> httpcore.Response:
        """Sends over the warmest connection to that place, or over a new one."""
        origin = request.url.origin
        stack = self._idle.setdefault((origin.scheme, origin.host, origin.port), [])
        await self._rooms.acquire()
        connection: httpcore.AsyncConnectionInterface | None = None
        try:
            while stack and connection is None:
                connection = stack.pop()
                if connection.has_expired():
                    await connection.aclose()
                    connection = None
            connection = connection or self.create_connection(origin)
            response = await connection.handle_async_request(request)
        except BaseException:
            self._rooms.release()
            if connection is not None:
                await connection.aclose()
            raise
        response.stream = _Borrowed(cast(_Stream, response.stream), partial(self._back, connection, stack))
        return response

    async def _back(
        self, connection: httpcore.AsyncConnectionInterface, stack: list[httpcore.AsyncConnectionInterface]
    ) -> None:
        self._rooms.release()
        if self._fresh or self._over or not connection.is_idle():
            await connection.aclose()
            return
        stack.append(connection)
        if time.monotonic() > self._tidied + _KEEPALIVE_S:
            self._tidied = time.monotonic()
            await self._tidy()

    async def _tidy(self, *, all_of_them: bool = False) -> None:
        for stack in self._idle.values():
            old = [connection for connection in stack if all_of_them or connection.has_expired()]
            stack[:] = [connection for connection in stack if connection not in old]
            for connection in old:
                await connection.aclose()

    async def aclose(self) -> None:
        """Closes every connection; those in use as soon as they come back."""
        self._over = True
        await self._tidy(all_of_them=True)


class _Stream(Protocol):
    def __aiter__(self) -> AsyncIterator[bytes]: ...

    async def aclose(self) -> None: ...


class _Borrowed:
    """An answer on its way in; when it is closed, its connection goes back."""

    def __init__(self, stream: _Stream, give_back: Callable[[], Awaitable[None]]) -> None:
        self._stream = stream
        self._give_back: Callable[[], Awaitable[None]] | None = give_back

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._stream.__aiter__()

    async def aclose(self) -> None:
        give_back, self._give_back = self._give_back, None
        try:
            await self._stream.aclose()
        finally:
            if give_back is not None:
                await give_back()
