"""The waiting desk: who waits for a vendor's work, and a word from outside that it may be worth a look now.

A hint proves nothing and decides nothing. It ends a pause that would have ended anyway, and the look that
follows is the one that counts; so a hint that is forged, late or said twice costs one question at most.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager

from shared_knowledge.vocabulary import Order

__all__ = ["WaitingDesk"]

_LEAST_S = 1.0
_EARLY_MOST = 1000
_EARLY_S = 60.0

_Place = tuple[str, str]


class WaitingDesk:
    """Pauses between two looks at an order, each of which a hint may end early."""

    def __init__(
        self, *, least_s: float = _LEAST_S, wait: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._least_s = least_s
        self._wait = wait
        self._waiting: dict[_Place, asyncio.Event] = {}
        self._early: OrderedDict[_Place, float] = OrderedDict()
        self._at_it: dict[str, int] = {}
        self._until: dict[str, dict[str, float]] = {}

    @contextmanager
    def at_it(self, order: Order) -> Iterator[None]:
        """Somebody sees to an order while this is open, at work or in a pause."""
        self._at_it[order.job] = self._at_it.get(order.job, 0) + 1
        try:
            yield
        finally:
            self._at_it[order.job] -= 1
            if not self._at_it[order.job]:
                del self._at_it[order.job]

    def waits(self, job: str) -> Mapping[str, float]:
        """For which orders a job pauses, and how many seconds more; nothing if any order of it is worked on."""
        until = self._until.get(job, {})
        if len(until) != self._at_it.get(job, 0):
            return {}
        now = time.monotonic()
        return {order: max(0.0, at - now) for order, at in until.items()}

    async def pause(self, order: Order, seconds: float) -> float:
        """Lets so many seconds pass, or fewer if a hint comes; how many did."""
        self._until.setdefault(order.job, {})[order.id] = time.monotonic() + seconds
        try:
            return await self._pause(order, seconds)
        finally:
            until = self._until[order.job]
            del until[order.id]
            if not until:
                del self._until[order.job]

    async def _pause(self, order: Order, seconds: float) -> float:
        places = [(order.platform, number) for number in _numbers(order)]
        if not places or seconds <= self._least_s:
            await self._wait(seconds)
            return seconds
        hinted = asyncio.Event()
        self._waiting.update(dict.fromkeys(places, hinted))
        begun = time.monotonic()
        try:
            # However many hints come, nobody is asked more often than this.
            await self._wait(self._least_s)
            if self._came_early(places):
                return self._least_s
            async with asyncio.timeout(seconds - self._least_s):
                await hinted.wait()
        except TimeoutError:
            return seconds
        finally:
            for place in places:
                if self._waiting.get(place) is hinted:
                    del self._waiting[place]
        return min(seconds, time.monotonic() - begun)

    def hint(self, platform: str, number: str) -> bool:
        """The work of that number may have changed; whether anybody waits for it at this moment."""
        place = (platform, number)
        if (waiting := self._waiting.get(place)) is not None:
            waiting.set()
            return True
        # Whoever is just looking has not heard it: it is kept for the pause that comes next.
        self._early[place] = time.monotonic()
        while len(self._early) > _EARLY_MOST:
            self._early.popitem(last=False)
        return False

    def _came_early(self, places: list[_Place]) -> bool:
        said = [self._early.pop(place) for place in places if place in self._early]
        return any(time.monotonic() - at < _EARLY_S for at in said)


def _numbers(order: Order) -> list[str]:
    """By what its vendor calls an order: whatever stands in its receipt."""
    return [str(value) for value in (order.receipt or {}).values() if isinstance(value, str | int)]
