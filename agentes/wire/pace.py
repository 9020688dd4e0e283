"""Never faster than the platform takes it: as its price list says, and as its answers say before they refuse."""

from __future__ import annotations

import asyncio
import re
from collections import deque

import httpx

from agentes.wire.clock import Clock
from agentes.wire.hints import asked_wait_s, seconds_in
from shared_knowledge.errors import Throttled

__all__ = ["Lane", "Pace"]

_TELLING = re.compile(rb"(?i)rate-?limit|concurrent-requests|retry-after")
_BURST = 10  # a tenth of a minute's calls may come at once
_REMAINING = ("x-ratelimit-remaining-requests", "x-ratelimit-remaining", "ratelimit-remaining")
_RESET = ("x-ratelimit-reset-requests", "x-ratelimit-reset", "ratelimit-reset")
_LIMIT = ("x-ratelimit-limit-requests", "x-ratelimit-limit", "ratelimit-limit")
_LONGEST_RESET_S = 86_400.0  # a larger number is a moment of the calendar, not a span
_TOO_MANY = 429
_MOMENT_S = 0.001  # less is not worth a wait


class Lane:
    """What may be on its way to one platform with one key: so many a minute, so many at once.

    Both may be unlimited; what the vendor's answers say about either is believed and kept to.
    """

    def __init__(
        self,
        platform: str,
        clock: Clock,
        *,
        per_minute: int | None = None,
        at_once: int | None = None,
        patience_s: float = 60.0,
    ) -> None:
        self._platform = platform
        self._clock = clock
        self._patience_s = patience_s
        self._at_once = at_once
        self._under_way = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        burst = max(1, (per_minute or 0) // _BURST)
        self._step_s = 60.0 / max(1, per_minute - burst) if per_minute else 0.0
        self._slack_s = (burst - 1) * self._step_s
        self._next = 0.0
        self._opens = self._until = 0.0
        self._left = 0
        self._limit: int | None = None

    async def enter(self) -> None:
        """Waits for a turn; Throttled if that would take longer than anybody has patience for."""
        await self._take_place()
        try:
            wait_s = self._reserve(self._clock.now())
            if wait_s > _MOMENT_S:
                await self._clock.sleep(wait_s)
        except BaseException:
            self.leave()
            raise

    def leave(self) -> None:
        """Gives the place to the next."""
        self._under_way -= 1
        self._wake()

    def heard(self, response: httpx.Response) -> None:
        """Takes in what an answer says about how much is left."""
        if not any(_TELLING.search(name) for name, _ in response.headers.raw):
            return
        headers = response.headers
        most, current = (
            _whole(headers, "maximum-concurrent-requests"),
            _whole(headers, "current-concurrent-requests"),
        )
        if most:
            strangers = max(0, (current or 0) - self._under_way - 1)
            self._at_once = max(1, most - strangers)
            self._wake()
        if response.status_code == _TOO_MANY:
            asked_s = asked_wait_s(response)
            if asked_s:
                self._open_at(self._clock.now(), left=0, reset_s=min(asked_s, self._patience_s), limit=None)
                return
        left, reset_s, limit = _allowance(headers)
        if left is not None and reset_s is not None and reset_s <= _LONGEST_RESET_S:
            # Those under way may or may not be counted in it already; to be safe they are not.
            self._open_at(self._clock.now(), left=left - self._under_way, reset_s=reset_s, limit=limit)

    async def _take_place(self) -> None:
        if self._at_once is not None and (self._waiting or self._under_way >= self._at_once):
            place = asyncio.get_running_loop().create_future()
            self._waiting.append(place)
            try:
                await place
            except asyncio.CancelledError:
                if place.done() and not place.cancelled():
                    self.leave()  # it had just been given the place
                raise
        else:
            self._under_way += 1

    def _wake(self) -> None:
        while self._waiting and (self._at_once is None or self._under_way < self._at_once):
            place = self._waiting.popleft()
            if not place.done():
                self._under_way += 1
                place.set_result(None)

    def _reserve(self, now: float) -> float:
        """Takes the next turn, and says in how many seconds it is."""
        full = now < self._until and self._left <= 0
        told = max(now, self._opens, self._until if full else now)
        due = max(told, self._next)
        wait_s = max(told, due - self._slack_s if self._step_s else now) - now
        if wait_s > self._patience_s:
            raise Throttled(
                f"{self._platform} takes nothing for another {wait_s:.0f} s.",
                after_s=wait_s,
            )
        self._next = due + self._step_s
        if full and self._limit is not None:
            span_s = self._until - self._opens
            self._opens, self._until, self._left = self._until, self._until + span_s, self._limit
        self._left -= 1
        return wait_s

    def _open_at(self, now: float, *, left: int, reset_s: float, limit: int | None) -> None:
        if now < self._opens:
            return  # what is left now was given away, and so was some of what comes after
        self._opens, self._until, self._left, self._limit = now, now + reset_s, left, limit


class Pace(httpx.AsyncBaseTransport):
    """Lets each call wait for its turn in the lane."""

    def __init__(self, inner: httpx.AsyncBaseTransport, lane: Lane) -> None:
        self._inner = inner
        self._lane = lane

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer from below, when its turn has come."""
        await self._lane.enter()
        try:
            response = await self._inner.handle_async_request(request)
        finally:
            self._lane.leave()
        self._lane.heard(response)
        return response

    async def aclose(self) -> None:
        """Closes what is below."""
        await self._inner.aclose()


def _allowance(headers: httpx.Headers) -> tuple[int | None, float | None, int | None]:
    """How many calls are left, for how many seconds, out of how many."""
    left = next((number for name in _REMAINING if (number := _whole(headers, name)) is not None), None)
    reset: str = next((headers[name] for name in _RESET if name in headers), "")
    limit = next((number for name in _LIMIT if (number := _whole(headers, name)) is not None), None)
    if left is None and "ratelimit" in headers:
        # `"default";r=50;t=30` and, in an older draft, `limit=100, remaining=50, reset=30`
        parts: dict[str, str] = dict(re.findall(r"(\w+)\s*=\s*(\d{1,9})", headers["ratelimit"], re.ASCII))
        remaining = parts.get("r") or parts.get("remaining")
        left, reset = int(remaining) if remaining else None, parts.get("t") or parts.get("reset") or ""
        limit = int(parts["limit"]) if "limit" in parts else limit
    return left, seconds_in(reset), limit or None


def _whole(headers: httpx.Headers, name: str) -> int | None:
    text = headers.get(name, "").partition(",")[0].partition(";")[0].strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
