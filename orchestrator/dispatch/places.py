"""The places of a process: so many runs at once, and one that only waits for vendors makes room for one that can work.

A run is interrupted for that as it would be by a restart: what it bought stays in the ledger, and it carries
on from there. Outside, a job is a few names on a wheel; when one of its orders has news, it comes back in.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from agentes.wire.wheel import Wheel
from shared_knowledge.errors import AgentesError

__all__ = ["Look", "Place", "Places", "Waits"]

_LOOKS_EVERY_S = 0.5
_WORTH_IT_S = 1.0
_COMES_BACK_AFTER_S = 900.0

Look = Callable[[str, str], Awaitable[float | None]]
"""Asks the vendor about an order of a job; in how many seconds to ask again, or None if there is news."""

Waits = Callable[[str], Mapping[str, float]]
"""For which orders a job's purchases wait, and how much longer; nothing if one of them is at work."""


class _Run(Protocol):
    @property
    def at_work(self) -> int:
        """How many of its tasks do not wait for another."""
        ...


@dataclass(eq=False)
class Place:
    """What a run stands on while it works."""

    job: str
    held: bool = False
    run: _Run | None = None
    work: asyncio.Task[None] | None = None
    leaves_for: Mapping[str, float] = field(default_factory=dict)
    stays: bool = False


class Places:
    """Gives places to runs in the order in which they came."""

    def __init__(self, most: int, waits: Waits, look: Look) -> None:
        self._most = most
        self._waits = waits
        self._look = look
        self._inside: set[Place] = set()
        self._line: deque[tuple[Place, asyncio.Future[None]]] = deque()
        self._making_room: asyncio.Task[None] | None = None
        self._wheel: Wheel | None = None
        self._news: dict[str, asyncio.Future[None]] = {}

    @property
    def outside(self) -> int:
        """How many jobs wait for their vendors outside."""
        return len(self._news)

    async def take(self, place: Place) -> None:
        """Returns when the run has a place."""
        if len(self._inside) < self._most:
            self._give(place)
            return
        turn = asyncio.get_running_loop().create_future()
        self._line.append((place, turn))
        if self._making_room is None or self._making_room.done():
            self._making_room = asyncio.create_task(self._make_room(), name="making room")
        try:
            await turn
        except asyncio.CancelledError:
            if place.held:
                self.give_back(place)
            with suppress(ValueError):  # it may have been passed over already
                self._line.remove((place, turn))
            raise

    def give_back(self, place: Place) -> None:
        """The run needs its place no more; the next one has it."""
        if not place.held:
            return
        place.held = False
        self._inside.discard(place)
        while self._line and len(self._inside) < self._most:
            comes, turn = self._line.popleft()
            if not turn.done():
                self._give(comes)
                turn.set_result(None)

    async def until_news(self, place: Place) -> None:
        """Waits outside, until a look at one of its orders says that there is something to do."""
        here = asyncio.get_running_loop()
        if self._wheel is None or not len(self._wheel):
            self._wheel = Wheel(self._looked_at)  # whatever loop the last one turned in
        news = self._news[place.job] = here.create_future()
        names = [f"{place.job}/{order}" for order in place.leaves_for]
        for name, in_s in zip(names, place.leaves_for.values(), strict=True):
            self._wheel.park(name, in_s)
        try:
            async with asyncio.timeout(_COMES_BACK_AFTER_S):
                await news
        except TimeoutError:
            place.stays = True  # what takes so long is a matter for the run's own patience
        finally:
            del self._news[place.job]
            place.leaves_for = {}
            for name in names:
                self._wheel.take_out(name)

    def _give(self, place: Place) -> None:
        place.held = True
        self._inside.add(place)

    async def _make_room(self) -> None:
        """While somebody waits for a place: whoever only waits for vendors is asked to wait outside."""
        while self._line:
            wanted = len(self._line)
            for place in list(self._inside):
                if wanted and self._leaves(place):
                    wanted -= 1
            await asyncio.sleep(_LOOKS_EVERY_S)

    def _leaves(self, place: Place) -> bool:
        if place.leaves_for:
            return True
        if place.stays or place.run is None or place.work is None:
            return False
        waits = self._waits(place.job)
        if not waits or place.run.at_work > len(waits) or min(waits.values()) < _WORTH_IT_S:
            return False
        place.leaves_for = waits
        place.work.cancel()
        return True

    async def _looked_at(self, name: str) -> float | None:
        job, _, order = name.partition("/")
        try:
            again_s = await self._look(job, order)
        except AgentesError:  # the run asks again, and knows what to do
            again_s = None
        if again_s is None and (news := self._news.get(job)) is not None and not news.done():
            news.set_result(None)
        return again_s
