"""An event loop with real sockets whose clock can be put forward: nobody sits through a deadline."""

from __future__ import annotations

import asyncio
from time import perf_counter

__all__ = ["LeapingLoop"]


class LeapingLoop(asyncio.SelectorEventLoop):
    """An ordinary loop, but for `leap`, after which every timer within that span is due."""

    def __init__(self) -> None:
        super().__init__()
        self.leapt_s = 0.0

    def time(self) -> float:
        return perf_counter() + self.leapt_s  # which nobody sets, whatever becomes of the other clocks

    def leap(self, seconds: float) -> None:
        """Puts the clock forward."""
        self.leapt_s += max(0.0, seconds)

    async def sleep(self, seconds: float) -> None:
        """Lets time pass that nobody has to wait for."""
        self.leap(seconds)
        await asyncio.sleep(0)
