"""A purchase is sent once, and any answer is whole before anybody looks at it.

Up to the moment at which the first byte of a purchase leaves, nothing can have been booked, and it
may be sent again. From then on only a complete answer tells; whatever else comes is in doubt.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal

import httpx

from agentes.wire.said import Unintelligible
from agentes.wire.unpacking import unpacked
from shared_knowledge.errors import AgentesError, InDoubt, Unreachable

__all__ = ["Call", "Kind", "Once", "Whole", "read_whole"]

Kind = Literal["prepare", "start", "check", "last_look", "find", "cancel", "standing"]

_LEAVES = "http11.send_request_headers.started"
_MOST_IN_MEMORY = 10_000_000
_MOST_OF_AN_ERROR = 64 * 1024
_ERROR_PAGE_S = 10.0
_UNSENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    TimeoutError,
)
_TROUBLE = (httpx.HTTPError, httpx.StreamError, TimeoutError, OSError, Unintelligible)
_TODO = "`agentes review` shows what is known and takes your decision."

_log = logging.getLogger(__name__)


async def read_whole(response: httpx.Response) -> httpx.Response:
    """The answer with its body in memory, if it is one that fits there."""
    return await _in_memory(response, _MOST_IN_MEMORY)


async def _nothing(*_: httpx.Response) -> None:
    """What is done where nothing is to be done."""


async def _leaves() -> None:
    """What costs nothing may leave at any time."""


@dataclass(eq=False)
class Call:
    """One question or purchase: of what kind, where its answer goes, and how far it came.

    A purchase awaits `clear` before each sending, `may_leave` when its first byte is about to leave, and `note`
    for each answer that is not 2xx.
    `sent` counts the requests an adapter made of it, `left` says whether the last one was on its way.
    """

    kind: Kind
    take: Callable[[httpx.Response], Awaitable[httpx.Response]] = read_whole
    clear: Callable[[], Awaitable[None]] = _nothing
    may_leave: Callable[[], Awaitable[None]] = _leaves
    note: Callable[[httpx.Response], Awaitable[None]] = _nothing
    sent: int = 0
    left: bool = False
    answer: httpx.Response | None = None

    @property
    def paid(self) -> bool:
        """Whether it costs money."""
        return self.kind == "start"

    @property
    def looks(self) -> bool:
        """Whether it asks how an order stands."""
        return self.kind in ("check", "last_look")


class Whole(httpx.AsyncBaseTransport):
    """Asks, and brings the answer whole within a deadline; what goes wrong on the way is Unreachable."""

    def __init__(self, inner: httpx.AsyncBaseTransport, *, platform: str, deadline_s: float) -> None:
        self._inner = inner
        self._platform = platform
        self._deadline_s = deadline_s

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The complete answer, or Unreachable."""
        call: Call = request.extensions["call"]
        try:
            async with asyncio.timeout(self._deadline_s):
                return await _answer(await self._inner.handle_async_request(request), request, call)
        except _TROUBLE as trouble:
            what = _named(trouble, self._deadline_s)
        # Out here, so that the first error, whose frames have seen the key, is not attached.
        raise Unreachable(f"{self._platform} could not be asked: {what}.")

    async def aclose(self) -> None:
        """Closes what is below."""
        await self._inner.aclose()


class Once(httpx.AsyncBaseTransport):
    """Buys: Unreachable while provably nothing was sent, InDoubt after that unless a whole answer came."""

    def __init__(self, inner: httpx.AsyncBaseTransport, *, platform: str, deadline_s: float) -> None:
        self._inner = inner
        self._platform = platform
        self._deadline_s = deadline_s

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The complete answer, or one of the two."""
        call: Call = request.extensions["call"]
        call.left = False

        async def watch(event: str, _: dict[str, Any]) -> None:
            if event == _LEAVES:
                await call.may_leave()
                call.left = True

        request.extensions["trace"] = watch
        error: AgentesError
        try:
            async with asyncio.timeout(self._deadline_s):
                await call.clear()
                response = await self._inner.handle_async_request(request)
                call.left = True
                return await _answer(response, request, call)
        except asyncio.CancelledError as cancelled:
            if call.left:
                cancelled.add_note(
                    f"A purchase had left for {self._platform}; whether it was booked is open."
                )
                _log.warning("a purchase at %s was abandoned after it had left", self._platform)
            raise
        except AgentesError as trouble:
            if not call.left:
                raise
            error = self._doubt(trouble.what)
        except _TROUBLE as trouble:
            what = f"{_named(trouble, self._deadline_s)}."
            if call.left or not isinstance(trouble, _UNSENT):
                error = self._doubt(what)
            else:
                error = Unreachable(
                    f"{self._platform} could not be reached: {what} Nothing was sent.",
                )
        # Out here, so that the first error, whose frames have seen the key, is not attached.
        raise error

    def _doubt(self, what: str) -> InDoubt:
        return InDoubt(
            f"{self._platform} may have booked this order, but its answer did not arrive: {what}",
            todo=_TODO,
        )

    async def aclose(self) -> None:
        """Closes what is below."""
        await self._inner.aclose()


async def _answer(response: httpx.Response, request: httpx.Request, call: Call) -> httpx.Response:
    response.request = request
    try:
        if response.is_success:
            taken = await call.take(response)
        else:
            taken = await _error_page(response)
            await call.note(taken)
    finally:
        await response.aclose()
    taken.request = request
    taken.extensions["received_bytes"] = response.num_bytes_downloaded
    call.answer = taken
    return taken


async def _error_page(response: httpx.Response) -> httpx.Response:
    """An answer that is not 2xx: its status is what counts, so of its body whatever can be had will do."""
    heard = bytearray()
    try:
        async with asyncio.timeout(_ERROR_PAGE_S):
            async for piece in unpacked(response, 2 * _MOST_OF_AN_ERROR):
                heard += piece
                if len(heard) >= _MOST_OF_AN_ERROR:
                    break
    except (httpx.HTTPError, Unintelligible, TimeoutError):
        pass
    return _rebuilt(response, bytes(heard[:_MOST_OF_AN_ERROR]))


async def _in_memory(response: httpx.Response, most: int) -> httpx.Response:
    if response.is_stream_consumed:
        return response
    return _rebuilt(response, b"".join([piece async for piece in unpacked(response, most)]))


def _rebuilt(response: httpx.Response, content: bytes) -> httpx.Response:
    coat = ("content-encoding", "content-length", "transfer-encoding")
    headers = [(name, value) for name, value in response.headers.multi_items() if name not in coat]
    return httpx.Response(
        response.status_code, headers=headers, content=content, extensions=response.extensions
    )


def _named(trouble: Exception, deadline_s: float) -> str:
    """What happened, without a word that could hold a key."""
    match trouble:
        case httpx.ConnectTimeout() | httpx.ConnectError() | httpx.PoolTimeout():
            return f"no connection came about ({str(trouble)[:120] or type(trouble).__name__})"
        case TimeoutError() | httpx.TimeoutException():
            return f"no whole answer within {deadline_s:g} s"
        case httpx.DecodingError() | Unintelligible():
            return "the answer was not readable"
        case ssl.SSLError() | httpx.TransportError():
            return f"the connection broke ({type(trouble).__name__})"
        case OSError():
            return f"the answer could not be kept ({trouble.strerror or type(trouble).__name__})"
        case _:
            return type(trouble).__name__
