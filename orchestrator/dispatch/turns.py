"""Turns: so many jobs of one tenant at the same time; the others wait in the order in which they came."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

__all__ = ["Turns"]


@dataclass
class _Line:
    """Whose turn it is, and who waits for one."""

    inside: int = 0
    waiting: deque[asyncio.Future[None]] = field(default_factory=deque)


class Turns:
    """Gives turns to the jobs of tenants; `room` says how many of a tenant may have one, None that all may."""

    def __init__(self, room: Callable[[str], int | None]) -> None:
        self._room = room
        self._lines: dict[str, _Line] = {}

    async def take(self, tenant: str) -> None:
        """Returns when a job of this tenant has its turn."""
        line, room = self._lines.setdefault(tenant, _Line()), self._room(tenant)
        if room is None or line.inside < room:
            line.inside += 1
            return
        turn = asyncio.get_running_loop().create_future()
        line.waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.give_back(tenant)
            with suppress(ValueError):  # it may have been passed over already
                line.waiting.remove(turn)
            raise

    def give_back(self, tenant: str) -> None:
        """A job has had its turn; whoever waits longest has it now."""
        line = self._lines[tenant]
        line.inside -= 1
        while line.waiting:
            turn = line.waiting.popleft()
            if not turn.done():
                line.inside += 1
                turn.set_result(None)
                return
        if not line.inside:
            del self._lines[tenant]
