"""Time that passes for worker and vendor alike, without anybody waiting; and the order to strike.

A few bytes of memory that forked processes share: by how many seconds the clocks are ahead, and whom
the vendor is to kill right after it has booked a purchase.
"""

from __future__ import annotations

import asyncio
import mmap
import os
import signal
import struct
import time
from datetime import UTC, datetime
from typing import Any

from agentes.wire.clock import Clock

__all__ = ["SharedTime"]

_AHEAD = struct.Struct("d")
_VICTIM = struct.Struct("q")
_SHORT_S = 0.5
_sleep = asyncio.sleep


class SharedTime:
    """Made by whoever forks both; each fork has the same bytes."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, mmap.PAGESIZE)

    def reset(self) -> None:
        """The clocks are right again, and nobody is to be killed."""
        self._memory[:16] = bytes(16)

    @property
    def ahead_s(self) -> float:
        """By how much."""
        return float(_AHEAD.unpack_from(self._memory, 0)[0])

    async def sleep(self, seconds: float, result: Any = None) -> Any:
        """Long waits are over at once, and the clocks are ahead by so much; short ones really take their time."""
        if seconds < _SHORT_S:
            return await _sleep(seconds, result)
        _AHEAD.pack_into(self._memory, 0, self.ahead_s + seconds)
        return await _sleep(0, result)

    def worker_clock(self) -> Clock:
        """The clock of a worker's wire."""
        return Clock(now=lambda: time.monotonic() + self.ahead_s, sleep=self.sleep)

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time() + self.ahead_s

    def date(self) -> datetime:
        """The same, as the ledger writes it."""
        return datetime.fromtimestamp(self.now(), UTC)

    def strike_me(self) -> None:
        """The vendor shall kill this process as soon as it has booked something."""
        _VICTIM.pack_into(self._memory, 8, os.getpid())

    def strike(self) -> bool:
        """Kills whoever asked for it."""
        (victim,) = _VICTIM.unpack_from(self._memory, 8)
        _VICTIM.pack_into(self._memory, 8, 0)
        if victim:
            os.kill(victim, signal.SIGKILL)
        return bool(victim)
