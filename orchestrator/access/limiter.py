"""The limiter: how many requests of one tenant may pass, at once and in a minute, whatever its keys."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import NamedTuple, Protocol

from orchestrator.access.caller import Caller
from orchestrator.access.tiers import TIERS, Tier
from orchestrator.store.database import Database, Row, Transaction
from shared_knowledge.errors import BadRequest

__all__ = [
    "UNLIMITED",
    "Level",
    "Limiter",
    "LimiterHere",
    "SharedLimiter",
    "Standing",
    "draw",
    "open_limiter",
]

UNLIMITED = 2**31 - 1
"""What stands where there is no limit: a number, for programs read one."""

_MINUTE_MS = 60_000
_TENANTS_REMEMBERED = 10_000


class Standing(NamedTuple):
    """Where a tenant stands after a request; it was let through unless it is told when to come back."""

    limit: int
    remaining: int
    reset_at: int
    retry_after_s: int | None

    def headers(self) -> dict[str, str]:
        """The figures as every answer carries them."""
        told = {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.reset_at),
        }
        return told if self.retry_after_s is None else told | {"Retry-After": str(self.retry_after_s)}


class Limiter(Protocol):
    """Whoever counts the requests: this process, or the database that several share."""

    async def admit(self, caller: Caller, cost: int = 1) -> Standing:
        """Lets a request through that counts for so many, or says when to come back."""


class Level(NamedTuple):
    """How full a tenant's bucket is, in units of which a token has 60,000, and what this minute has seen."""

    at_ms: int
    tokens: int
    window_ends_ms: int
    used: int


def draw(level: Level | None, tier: Tier, cost: int, now_ms: int) -> tuple[Level, int]:
    """The level afterwards, and for how many milliseconds to wait; none means that the tokens are taken.

    Never more than the burst at once, never more than the rate in the minute that the first request begins.
    """
    rate, burst = tier.requests_a_minute or UNLIMITED, tier.burst or UNLIMITED
    full = burst * _MINUTE_MS
    if level is None:
        level = Level(now_ms, full, now_ms + _MINUTE_MS, 0)
    tokens = min(full, level.tokens + max(0, now_ms - level.at_ms) * rate)
    fresh = not now_ms < level.window_ends_ms
    used, ends_ms = (0, now_ms + _MINUTE_MS) if fresh else (level.used, level.window_ends_ms)
    short = cost * _MINUTE_MS - tokens
    wait_ms = max(math.ceil(short / rate) if short > 0 else 0, ends_ms - now_ms if used + cost > rate else 0)
    if wait_ms:
        return Level(now_ms, tokens, ends_ms, used), wait_ms
    return Level(now_ms, tokens - cost * _MINUTE_MS, ends_ms, used + cost), 0


class LimiterHere:
    """Counts in the memory of this process, on a clock that nobody sets."""

    def __init__(
        self,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._monotonic = monotonic
        self._wall = wall
        self._levels: dict[str, Level] = {}

    async def admit(self, caller: Caller, cost: int = 1) -> Standing:
        """Lets a request through that counts for so many, or says when to come back."""
        tier = TIERS[caller.tier]
        if tier.requests_a_minute is None:
            return _unlimited(self._wall())
        _check_cost(tier, cost)
        now_ms = int(self._monotonic() * 1000)
        level, wait_ms = draw(self._levels.get(caller.tenant), tier, cost, now_ms)
        if len(self._levels) >= _TENANTS_REMEMBERED:
            self._levels = {name: one for name, one in self._levels.items() if one.window_ends_ms > now_ms}
        self._levels[caller.tenant] = level
        return _standing(tier.requests_a_minute, level, now_ms, self._wall(), wait_ms)


class SharedLimiter:
    """Counts in the ledger, where every process that shares it counts: one statement decides."""

    def __init__(self, database: Database, wall: Callable[[], float] = time.time) -> None:
        self._database = database
        self._wall = wall

    async def admit(self, caller: Caller, cost: int = 1) -> Standing:
        """Lets a request through that counts for so many, or says when to come back."""
        tier = TIERS[caller.tier]
        wall = self._wall()
        if tier.requests_a_minute is None or tier.burst is None:
            return _unlimited(wall)
        _check_cost(tier, cost)
        now_ms = int(wall * 1000)
        asked = {"tenant": caller.tenant, "now": now_ms, "cost": cost, "rate": tier.requests_a_minute}
        units = {"units": cost * _MINUTE_MS, "full": tier.burst * _MINUTE_MS}

        def ask(transaction: Transaction) -> tuple[Level, int]:
            row = transaction.row("draw", **asked, **units)
            if row is not None:
                return _level(row), 0
            row = transaction.row("rate", tenant=caller.tenant)
            level, wait_ms = draw(None if row is None else _level(row), tier, cost, now_ms)
            return level, max(1, wait_ms)

        level, wait_ms = await self._database.write(ask)
        return _standing(tier.requests_a_minute, level, now_ms, wall, wait_ms)


def open_limiter(database: Database, *, shared: bool) -> Limiter:
    """The limiter for one process, or for several that share a ledger."""
    return SharedLimiter(database) if shared else LimiterHere()


def _level(row: Row) -> Level:
    return Level(*(row[column] for column in Level._fields))


def _standing(limit: int, level: Level, now_ms: int, wall: float, wait_ms: int) -> Standing:
    reset_at = math.ceil(wall + max(0, level.window_ends_ms - now_ms) / 1000)
    if wait_ms:
        return Standing(limit, 0, reset_at, math.ceil(wait_ms / 1000))
    return Standing(limit, limit - level.used, reset_at, None)


def _unlimited(wall: float) -> Standing:
    return Standing(UNLIMITED, UNLIMITED, math.ceil(wall) + _MINUTE_MS // 1000, None)


def _check_cost(tier: Tier, cost: int) -> None:
    if tier.burst is not None and cost > tier.burst:
        raise BadRequest(
            f"{cost} at once is more than this tier ever lets through ({tier.burst}).",
            todo="Send them in smaller parts.",
        )
