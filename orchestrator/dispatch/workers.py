"""Passes jobs on to workers, on any number of machines: who takes them in need not be who does them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from orchestrator.dispatch.here import Here
from orchestrator.store.database import Transaction
from orchestrator.store.queue import Queue, waits_already
from shared_knowledge.vocabulary import Order

__all__ = ["Workers"]

_LOOK_AGAIN_S, _LONGEST_PAUSE_S = 0.1, 1.0


class Workers:
    """The workers who share a ledger on PostgreSQL.

    Whoever `passes_on` leaves every job to them, as the service does; who does not, as a person with a
    terminal, does its own jobs itself and leaves alone what is in their hands.
    """

    def __init__(self, here: Here, queue: Queue, *, passes_on: bool) -> None:
        self._here = here
        self._queue = queue
        self._passes_on = passes_on

    def enlist(self, transaction: Transaction, job_id: str, tenant: str) -> None:
        """Lines a job up in the transaction that takes it in."""
        if self._passes_on:
            self._queue.enlist(transaction, job_id, tenant)

    def start(self, job_id: str) -> None:
        """Begins a job that nobody is to wait for in the queue."""
        if not self._passes_on:
            self._here.start(job_id)

    async def carry_on(self, job_id: str, *, answer: bool | None = None) -> None:
        """Carries a job on, or tries once more what could not be made."""
        if self._passes_on:
            await self._queue.put_back(job_id, answer=answer)
        elif self._queue.holds(job_id):
            raise waits_already(job_id)
        else:
            await self._here.carry_on(job_id, answer=answer)

    def works_on(self, job_id: str) -> bool:
        """Whether this process is busy with a job, or the workers have it."""
        return self._here.works_on(job_id) or self._queue.holds(job_id)

    def leave_line(self, job_id: str) -> None:
        """Takes a cancelled job out of this process's line; the queue lets go of it by itself."""
        self._here.leave_line(job_id)

    async def see_through(self, job_id: str) -> Sequence[Order]:
        """Collects and books what a run that is no more had bought; buys nothing."""
        return await self._here.see_through(job_id)

    async def let_go(self, job_id: str) -> None:
        """Ends what a cancelled job left open."""
        await self._here.let_go(job_id)

    async def finish(self, job_id: str) -> None:
        """Waits until a job has ended or paused; raises what stopped it, if it ran here."""
        if self._here.works_on(job_id):
            return await self._here.finish(job_id)
        pause_s = _LOOK_AGAIN_S
        while self._queue.holds(job_id):
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 1.5, _LONGEST_PAUSE_S)
        return await self._here.finish(job_id)

    async def stop(self) -> None:
        """Lets go of every job of this process; what the workers have stays with them."""
        await self._here.stop()
