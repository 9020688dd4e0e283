"""Hears, with one look for all runs of this process, which of them somebody has cancelled."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from orchestrator.store.jobs import Jobs
from shared_knowledge.errors import Broken

__all__ = ["CancelWatch"]

_JOBS_A_SECOND = 5_000  # what a look may cost: beyond so many jobs it is taken less often


class CancelWatch:
    """Waits for cancellations, on behalf of any number of runs in one event loop."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._waiting: dict[str, asyncio.Future[None]] = {}
        self._looking: asyncio.Task[None] | None = None

    async def until_cancelled(self, job_id: str, every_s: float) -> None:
        """Returns when a job is cancelled, and not before."""
        here = asyncio.get_running_loop()
        told = self._waiting[job_id] = here.create_future()
        if self._looking is None or self._looking.done() or self._looking.get_loop() is not here:
            self._looking = asyncio.create_task(self._look(every_s), name="cancel watch")
        try:
            await told
        finally:
            self._waiting.pop(job_id, None)
            if not self._waiting and self._looking is not None:
                self._looking.cancel()
                self._looking = None

    async def _look(self, every_s: float) -> None:
        while self._waiting:
            with suppress(Broken):  # each run finds out by itself, when it writes
                for job_id in self._jobs.cancelled(list(self._waiting)):
                    if (told := self._waiting.get(job_id)) is not None and not told.done():
                        told.set_result(None)
            await asyncio.sleep(max(every_s, len(self._waiting) / _JOBS_A_SECOND))
