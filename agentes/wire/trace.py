"""One line for each call, without a key in it; numbers for whoever counts; and news of what will be switched off."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any, NamedTuple

import httpx

from agentes.wire.clock import Clock
from agentes.wire.hints import request_number
from shared_knowledge.errors import AgentesError

__all__ = ["Counted", "Notices", "Trace"]

_log = logging.getLogger(__name__)
_ANNOUNCING = ("deprecation", "sunset")
_SHUTDOWN = b'"shutdown_date"'


class Counted(NamedTuple):
    """One call, as the numbers want it; `status` is None where no answer came, and `error` says why."""

    platform: str
    method: str
    host: str
    path: str
    status: int | None
    ms: float
    size_bytes: int
    request_id: str
    error: str


class Notices:
    """What a vendor announced; each piece of news is told once."""

    def __init__(self, platform: str) -> None:
        self._platform = platform
        self.told: list[str] = []

    def tell(self, news: str) -> None:
        """Warns, if it is new."""
        if news not in self.told:
            self.told.append(news)
            _log.warning("%s announces: %s", self._platform, news)


class Trace(httpx.AsyncBaseTransport):
    """Tells of each call, and lets no cookie in."""

    def __init__(
        self,
        inner: httpx.AsyncBaseTransport,
        *,
        notices: Notices,
        platform: str,
        clock: Clock,
        mask: Callable[[str], str],
        count: Callable[[Counted], None] | None = None,
    ) -> None:
        self._inner = inner
        self._notices = notices
        self._platform = platform
        self._now = clock.now
        self._mask = mask
        self._count = count

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer from below, untouched but for its cookies."""
        telling = self._count is not None or _log.isEnabledFor(logging.DEBUG)
        began = self._now()
        try:
            response = await self._inner.handle_async_request(request)
        except AgentesError as error:
            if telling:
                self._tell(request, began, None, type(error).__name__)
            raise
        if telling:
            self._tell(request, began, response)
        self._listen(request, response)
        return response

    def _tell(
        self, request: httpx.Request, began: float, response: httpx.Response | None, error: str = ""
    ) -> None:
        counted = Counted(
            platform=self._platform,
            method=request.method,
            host=request.url.host,
            path=self._mask(request.url.path),
            status=response.status_code if response else None,
            ms=1000 * (self._now() - began),
            size_bytes=_size(response),
            request_id=request_number(response) if response else "",
            error=error,
        )
        if self._count is not None:
            self._count(counted)
        if _log.isEnabledFor(logging.DEBUG):
            line = (
                f"{counted.platform}: {counted.method} {counted.host}{counted.path} "
                f"{counted.status or counted.error} {counted.ms:.0f} ms {counted.size_bytes} bytes"
                f"{f' request {counted.request_id}' if counted.request_id else ''}"
            )
            _log.debug("%s", self._mask(line))

    def _listen(self, request: httpx.Request, response: httpx.Response) -> None:
        names = [name.lower() for name, _ in response.headers.raw]
        if b"set-cookie" in names:
            del response.headers["set-cookie"]
        for name in _ANNOUNCING:
            if name.encode() in names:
                said = self._mask(response.headers[name][:120])
                self._notices.tell(f"{name} {said} ({request.url.host})")
        if _SHUTDOWN in response.content:
            for day in _shutdown_dates(response.content):
                self._notices.tell(f"shutdown_date {self._mask(day)} ({request.url.host})")

    async def aclose(self) -> None:
        """Closes what is below."""
        await self._inner.aclose()


def _size(response: httpx.Response | None) -> int:
    if response is None:
        return 0
    received: int = response.extensions.get("received_bytes", 0)
    return received or len(response.content)


def _shutdown_dates(content: bytes) -> list[str]:
    try:
        said = json.loads(content)
    except (ValueError, RecursionError):
        return []
    waiting: list[Any] = [said]
    days = []
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            day = each.get("shutdown_date")
            if isinstance(day, str | int) and day:
                days.append(str(day)[:40])
            waiting.extend(each.values())
        elif isinstance(each, list):
            waiting.extend(each)
    return sorted(set(days))
