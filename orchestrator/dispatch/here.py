"""Runs jobs in this process, one lock per job, so that no second run ever works on the same one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from config.log_context import log_about
from orchestrator.dispatch.cancelled import CancelWatch
from orchestrator.run import Office, Run
from orchestrator.store.database import Transaction
from orchestrator.store.jobs import Event
from shared_knowledge.errors import AgentesError, BadRequest, LedgerAway
from shared_knowledge.vocabulary import JobState, Order, Shortfall

__all__ = ["Here"]

_LOOK_FOR_CANCEL_S = 0.3
_UNDER_WAY = {JobState.QUEUED, JobState.RUNNING, JobState.AWAITING_APPROVAL}


class Here:
    """This process, as a worker."""

    def __init__(self, office: Callable[[], Office]) -> None:
        self._office = office
        self._runs: dict[str, asyncio.Task[None]] = {}
        self._watch: CancelWatch | None = None

    def enlist(self, transaction: Transaction, job_id: str, tenant: str) -> None:
        """Nothing: what this process cannot begin any more is found by its state, as interrupted."""

    def start(self, job_id: str, *, answer: bool | None = None) -> None:
        """Begins, or carries on, a job in the background of this process."""
        if self.works_on(job_id):
            raise BadRequest(f"Job {job_id} is already running.", todo="Let it come to its end.")
        self._runs[job_id] = asyncio.create_task(self.run(job_id, answer=answer), name=f"run {job_id}")

    async def carry_on(self, job_id: str, *, answer: bool | None = None) -> None:
        """Begins a job again, in the background of this process."""
        self.start(job_id, answer=answer)

    def works_on(self, job_id: str) -> bool:
        """Whether this process is still busy with a job."""
        run = self._runs.get(job_id)
        return run is not None and not run.done()

    async def see_through(self, job_id: str) -> Sequence[Order]:
        """Collects and books what a run that is no more had bought; buys nothing. The orders that ended by it."""
        office = self._office().of(job_id)
        with office.locks.only_one(job_id):
            return await Run(office, job_id, await office.jobs.take(job_id)).see_through()

    async def let_go(self, job_id: str) -> None:
        """Ends what a cancelled job left open."""
        office = self._office().of(job_id)
        with office.locks.only_one(job_id):
            await Run(office, job_id, await office.jobs.take(job_id)).let_go()

    async def finish(self, job_id: str) -> None:
        """Waits for a job this process runs; raises what stopped it."""
        if (run := self._runs.get(job_id)) is not None:
            await run

    async def stop(self) -> None:
        """Lets go of every job; what was bought is kept, and `resume` carries on."""
        for run in self._runs.values():
            run.cancel()
        await asyncio.gather(*self._runs.values(), return_exceptions=True)

    async def run(self, job_id: str, *, answer: bool | None = None, again: bool = False) -> None:
        """Sees a job through to its end or pause, `again` from its beginning; raises what stopped it."""
        office = self._office().of(job_id)
        with (
            log_about(job=job_id, tenant=office.jobs.tenant(job_id)),
            office.locks.only_one(job_id),
        ):
            fence = await office.jobs.take(job_id)
            work = asyncio.create_task(self._through_the_graph(office, job_id, fence, answer, again=again))
            watch = asyncio.create_task(self._until_cancelled(office, job_id))
            try:
                await asyncio.wait({work, watch}, return_when=asyncio.FIRST_COMPLETED)
                if work.done():
                    await work
                else:
                    await watch
                    work.cancel()
                    await asyncio.gather(work, return_exceptions=True)
                    await Run(office, job_id, fence).let_go()
            except LedgerAway:
                raise  # the job is as it was, and is carried on when its ledger is there again
            except AgentesError as error:
                await office.jobs.move(job_id, JobState.FAILED, str(error), fence=fence)
                raise
            finally:
                work.cancel()
                watch.cancel()
                await asyncio.gather(work, watch, return_exceptions=True)

    async def _through_the_graph(
        self, office: Office, job_id: str, fence: int, answer: bool | None, *, again: bool
    ) -> None:
        from orchestrator import checkpoints, graph  # takes seconds to import: only a run pays for it

        jobs = office.jobs

        async def tell(event: dict[str, Any]) -> None:
            await jobs.note(job_id, Event(**event))

        async with checkpoints.open_checkpoints(office.checkpoints) as saver:
            fell_short = any(isinstance(each, Shortfall) for each in jobs.outcomes(job_id).values())
            stood = jobs.state(job_id)
            if fell_short or stood not in _UNDER_WAY or (again and stood is JobState.QUEUED):
                # Killed in here, it still stands as it did, and this is simply done again.
                await saver.adelete_thread(job_id)
                await jobs.retry(job_id)
            if not await jobs.move(job_id, JobState.RUNNING, fence=fence):
                return
            if office.shelf.is_shared:  # what others made is brought here before anybody waits for it
                await asyncio.to_thread(office.outcomes, job_id)
            run = Run(office, job_id, fence)
            paused = await graph.run(job_id, run.stages, saver, tell, answer)
            if paused is None:
                # In this order: of a job that has ended, no memory is left, however the process goes.
                await saver.adelete_thread(job_id)
                await run.end()
        if paused is not None:
            await jobs.move(job_id, JobState.AWAITING_APPROVAL, fence=fence)
            await tell({"what": "job", "phase": "awaiting_approval", "note": paused.quote})

    async def _until_cancelled(self, office: Office, job_id: str) -> None:
        self._watch = self._watch or CancelWatch(office.jobs)
        await self._watch.until_cancelled(job_id, _LOOK_FOR_CANCEL_S)
