"""Time as the wire sees it: what time it is, how to wait, and how to throw dice; tests bring their own."""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

__all__ = ["Clock", "Tally"]


@dataclass(frozen=True)
class Clock:
    """Seconds that only go forward, a way to let them pass, and a number between nothing and a limit."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    up_to: Callable[[float], float] = lambda most: random.uniform(0, most)  # noqa: S311 - jitter is no secret


class Tally:
    """How often things went one way or the other in the last so many seconds."""

    def __init__(self, window_s: int, now: Callable[[], float]) -> None:
        self._window_s = window_s
        self._now = now
        self._seconds: deque[list[int]] = deque()
        self.ones = 0
        self.others = 0

    def add(self, ones: int = 0, others: int = 0) -> None:
        """Counts what happened in this second."""
        second = int(self._now())
        if not self._seconds or self._seconds[-1][0] != second:
            self._forget(second)
            self._seconds.append([second, 0, 0])
        self._seconds[-1][1] += ones
        self._seconds[-1][2] += others
        self.ones += ones
        self.others += others

    def clear(self) -> None:
        """Begins anew."""
        self._seconds.clear()
        self.ones = self.others = 0

    def _forget(self, second: int) -> None:
        while self._seconds and self._seconds[0][0] <= second - self._window_s:
            _, ones, others = self._seconds.popleft()
            self.ones -= ones
            self.others -= others
