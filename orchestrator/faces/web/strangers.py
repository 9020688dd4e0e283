"""Requests without a good key are counted by where they come from, so that guessing keys is slow."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from orchestrator.access.limiter import Level, Standing, draw
from orchestrator.access.tiers import Tier

__all__ = ["Strangers"]

_A_MINUTE = Tier(requests_a_minute=6000, burst=3000, concurrent_jobs=0, may_batch=False)
_REMEMBERED = 10_000


class Strangers:
    """What each address may still ask in this minute; in the memory of this process."""

    def __init__(
        self,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        *,
        rate: Tier = _A_MINUTE,
    ) -> None:
        self._rate = rate
        self._monotonic = monotonic
        self._wall = wall
        self._levels: dict[str, Level] = {}

    def count(self, address: str) -> Standing:
        """Counts one request; it says when to come back where there were too many."""
        now_ms = int(self._monotonic() * 1000)
        level, wait_ms = draw(self._levels.get(address), self._rate, 1, now_ms)
        if len(self._levels) >= _REMEMBERED:
            self._levels = {one: its for one, its in self._levels.items() if its.window_ends_ms > now_ms}
        self._levels[address] = level
        limit = self._rate.requests_a_minute or 0
        reset_at = math.ceil(self._wall() + max(0, level.window_ends_ms - now_ms) / 1000)
        left = 0 if wait_ms else max(0, limit - level.used)
        return Standing(limit, left, reset_at, math.ceil(wait_ms / 1000) or None)
