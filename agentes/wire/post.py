"""Letters to strangers: one request to an address a customer gave, whose answer counts only by its status.

Nothing a receiver does becomes an exception here. A redirect is a failure, for it leads past the guard; of
an answer no more is read than is needed to end it decently.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

import httpcore
import httpx

from agentes.wire.guard import Dialler, Guard, look_up
from agentes.wire.hints import asked_wait_s
from agentes.wire.network import Network
from shared_knowledge.errors import BadRequest, Unsuitable

__all__ = ["Post", "Reception"]

_DEADLINE_S = 30.0
_AT_ONCE = 1024  # whoever sends counts too, and keeps to less
_MOST_READ = 4096
_HEARS_OUT_S = 2.0
_LONGEST_ADDRESS = 2000
_LONGEST_WAIT_S = 86_400.0


@dataclass(frozen=True)
class Reception:
    """How a letter was received: the status, or why there is none; how long to wait, if we were told."""

    status: int | None
    error: str | None
    took_ms: int
    after_s: float | None = None

    @property
    def ok(self) -> bool:
        """Whether it arrived."""
        return self.status is not None and 200 <= self.status < 300


class Post:
    """Sends letters, each to an address that is checked when it is written and again when it is dialled.

    `own` names hosts, with or without a port, under which we are reached ourselves: no letter goes there.
    """

    def __init__(
        self,
        guard: Guard,
        *,
        own: Iterable[str] = (),
        deadline_s: float = _DEADLINE_S,
        look_up: Callable[[str, int], Awaitable[list[str]]] = look_up,
        line: httpcore.AsyncNetworkBackend | None = None,
        trust: ssl.SSLContext | None = None,
        at_once: int = _AT_ONCE,
    ) -> None:
        self._guard = guard
        self._own = Guard(own)
        self._deadline_s = deadline_s

        self._client = httpx.AsyncClient(
            transport=Network(Dialler(guard, look_up=look_up, line=line), trust=trust, at_once=at_once),
            timeout=httpx.Timeout(deadline_s),
            trust_env=False,
            follow_redirects=False,
        )

    def check(self, url: str) -> str:
        """The address as it will be dialled; BadRequest says why it may not be."""
        if len(url) > _LONGEST_ADDRESS:
            raise BadRequest(
                f"An address may have {_LONGEST_ADDRESS} characters, and this one has {len(url)}."
            )
        read = self._guard.check_url(url)
        host = read.raw_host.decode("ascii")
        if self._own.allows(host, read.port or (443 if read.scheme == "https" else 80)):
            raise BadRequest(f"{host} is this service itself.", todo="Name a receiver of your own.")
        return str(read.copy_with(fragment=None))

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Reception:
        """How the letter was received."""
        begun = time.monotonic()
        try:
            async with asyncio.timeout(self._deadline_s):
                status, after_s = await self._send(url, headers, body)
        except (BadRequest, Unsuitable) as refused:
            return Reception(None, refused.what, _since(begun))
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, TimeoutError, OSError) as trouble:
            return Reception(None, self._named(trouble), _since(begun))
        error = None if 200 <= status < 300 else f"the receiver answered {status}"
        return Reception(status, error, _since(begun), after_s)

    async def aclose(self) -> None:
        """Closes every connection."""
        await self._client.aclose()

    async def _send(self, url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, float | None]:
        request = httpx.Request("POST", self.check(url), headers=dict(headers), content=body)
        response = await self._client.send(request, stream=True)
        try:
            await _hear_out(response)
        finally:
            await response.aclose()
        told = response.headers.get("retry-after", "").strip()
        after_s = asked_wait_s(response) if told and response.status_code in (429, 503) else None
        return response.status_code, None if after_s is None else min(after_s, _LONGEST_WAIT_S)

    def _named(self, trouble: Exception) -> str:
        match trouble:
            case httpx.ConnectError() | httpx.ConnectTimeout():
                return f"no connection came about ({str(trouble)[:120] or type(trouble).__name__})"
            case TimeoutError() | httpx.TimeoutException():
                return f"no answer within {self._deadline_s:g} s"
            case httpx.InvalidURL():
                return "it is not an address"
            case _:
                return f"the connection broke ({type(trouble).__name__})"


async def _hear_out(response: httpx.Response) -> None:
    """A short answer to its end, so that the connection can be used again; the status is all that counts."""
    heard = 0
    with suppress(httpx.HTTPError, httpx.StreamError, TimeoutError):
        async with asyncio.timeout(_HEARS_OUT_S):
            async for piece in response.aiter_raw():
                heard += len(piece)
                if heard > _MOST_READ:
                    return


def _since(begun: float) -> int:
    return round((time.monotonic() - begun) * 1000)
