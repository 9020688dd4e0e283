"""The wheel: one timer for everything in this process that waits for a vendor, however much of it there is.

What is parked here is a name and a moment, not a coroutine: a run that waits with all its memory costs a
thousand times more. When its moment comes somebody looks, and either parks it again or lets it go.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable
from heapq import heappop, heappush

from shared_knowledge.errors import AgentesError

__all__ = ["Look", "Wheel"]

_STEP_S = 0.1
_AT_ONCE = 64
_A_BREATH_S = 0.005

_log = logging.getLogger(__name__)

Look = Callable[[str], Awaitable[float | None]]
"""Looks at what is parked under a name; in how many seconds to look again, or None to let it go."""


class Wheel:
    """Parks names until their moment, in steps; at most so many looks are under way at once."""

    def __init__(
        self,
        look: Look,
        *,
        step_s: float = _STEP_S,
        at_once: int = _AT_ONCE,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._look = look
        self._step_s = step_s
        self._at_once = at_once
        self._now = now
        self._steps: dict[int, list[str]] = {}
        self._ahead: list[int] = []
        self._parked: dict[str, int] = {}
        self._due: deque[str] = deque()
        self._looking: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._parked)

    @property
    def late(self) -> int:
        """How many looks are due and have to wait for a free hand."""
        return len(self._due)

    def park(self, name: str, in_s: float) -> None:
        """Has somebody look in so many seconds; whatever was said of that name before is forgotten."""
        step = int((self._now() + max(0.0, in_s)) / self._step_s) + 1
        self._parked[name] = step
        names = self._steps.get(step)
        if names is None:
            self._steps[step] = [name]
            heappush(self._ahead, step)
            self._set_timer()
        else:
            names.append(name)

    def take_out(self, name: str) -> bool:
        """Forgets a name; whether it was there."""
        return self._parked.pop(name, None) is not None

    def close(self) -> None:
        """Ends every look and forgets all names."""
        if self._timer is not None:
            self._timer.cancel()
        for task in self._looking:
            task.cancel()
        self._parked.clear()
        self._steps.clear()
        self._ahead.clear()
        self._due.clear()

    def _set_timer(self) -> None:
        """One timer, for the nearest step; a step that is nearer moves it."""
        if not self._ahead:
            return
        in_s = max(0.0, self._ahead[0] * self._step_s - self._now())
        loop = asyncio.get_running_loop()
        if self._timer is not None:
            if not self._timer.cancelled() and self._timer.when() <= loop.time() + in_s:
                return
            self._timer.cancel()
        self._timer = loop.call_later(in_s, self._turn)

    def _turn(self) -> None:
        self._timer = None
        reached = int(self._now() / self._step_s)
        while self._ahead and self._ahead[0] <= reached:
            step = heappop(self._ahead)
            self._due.extend(name for name in self._steps.pop(step) if self._parked.get(name) == step)
        for _ in range(min(self._at_once - len(self._looking), len(self._due))):
            task = asyncio.create_task(self._go_round(), name="wheel")
            self._looking.add(task)
            task.add_done_callback(self._looking.discard)
        self._set_timer()

    async def _go_round(self) -> None:
        """One pair of eyes: looks at what is due until nothing is, and lets others work in between."""
        breath = time.perf_counter() + _A_BREATH_S
        while self._due:
            name = self._due.popleft()
            step = self._parked.get(name)
            if step is None:
                continue
            again_s = await self._looked_at(name)
            if self._parked.get(name) == step:  # nobody has parked it anew, or taken it out, meanwhile
                if again_s is None:
                    del self._parked[name]
                else:
                    self.park(name, again_s)
            if time.perf_counter() > breath:
                await asyncio.sleep(0)
                breath = time.perf_counter() + _A_BREATH_S

    async def _looked_at(self, name: str) -> float | None:
        try:
            return await self._look(name)
        except AgentesError as error:
            _log.info("%s is let go: %s", name, error)
            return None
