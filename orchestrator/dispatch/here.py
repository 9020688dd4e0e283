"""Runs jobs in this process, one lock per job, so that no second run ever works on the same one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any

from config.log_context import log_about
from orchestrator.dispatch.cancelled import CancelWatch
from orchestrator.dispatch.places import Place, Places
from orchestrator.dispatch.turns import Turns
from orchestrator.run import Office, Run
from orchestrator.store.database import Transaction
from orchestrator.store.jobs import Event
from shared_knowledge.errors import AgentesError, BadRequest, LedgerAway
from shared_knowledge.vocabulary import JobState, Order, Shortfall

__all__ = ["Here"]

_LOOK_FOR_CANCEL_S = 0.3
_ALL = 1 << 30
_REMEMBERED = 1000
_UNDER_WAY = {JobState.QUEUED, JobState.RUNNING, JobState.AWAITING_APPROVAL}


_log = logging.getLogger(__name__)


class Here:
    """This process, as a worker."""

    def __init__(
        self, office: Callable[[], Office], places: Places | None = None, turns: Turns | None = None
    ) -> None:
        self._office = office
        self._places = places or Places(_ALL, lambda job: {}, _no_look)
        self._turns = turns or Turns(lambda tenant: None)
        self._runs: dict[str, asyncio.Task[None]] = {}
        self._in_line: dict[str, asyncio.Task[None]] = {}
        self._watch: CancelWatch | None = None

    def enlist(self, transaction: Transaction, job_id: str, tenant: str) -> None:
        """Nothing: what this process cannot begin any more is found by its state, as interrupted."""

    def start(self, job_id: str, *, answer: bool | None = None) -> None:
        """Begins, or carries on, a job in the background of this process."""
        if self.works_on(job_id):
            raise BadRequest(f"Job {job_id} is already running.", todo="Let it come to its end.")
        if len(self._runs) > _REMEMBERED:
            self._forget_ended()
        self._runs[job_id] = asyncio.create_task(self.run(job_id, answer=answer), name=f"run {job_id}")

    def _forget_ended(self) -> None:
        """How a run ended stands in the ledger; a process that lives long need not remember it too."""
        for job_id, run in list(self._runs.items()):
            if run.done():
                del self._runs[job_id]
                if not run.cancelled() and (error := run.exception()) is not None:
                    _log.info("the run of %s ended with: %s", job_id, error)

    async def carry_on(self, job_id: str, *, answer: bool | None = None) -> None:
        """Begins a job again, in the background of this process."""
        self.start(job_id, answer=answer)

    def works_on(self, job_id: str) -> bool:
        """Whether this process is still busy with a job."""
        run = self._runs.get(job_id)
        return run is not None and not run.done()

    def leave_line(self, job_id: str) -> None:
        """Takes a cancelled job out of the line, if it has not had its turn yet."""
        if (waiting := self._in_line.get(job_id)) is not None:
            waiting.cancel()

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
        office, place = self._office().of(job_id), Place(job_id)
        tenant = office.jobs.tenant(job_id)
        if not await self._has_turn(tenant, place):
            return
        try:
            with log_about(job=job_id, tenant=tenant), office.locks.only_one(job_id):
                await self._run_from(place, office, await office.jobs.take(job_id), answer, again=again)
        finally:
            self._places.give_back(place)
            self._turns.give_back(tenant)

    async def _has_turn(self, tenant: str, place: Place) -> bool:
        """Waits for the tenant's turn and a place; False if the job was taken out of the line."""
        waiting = self._in_line[place.job] = asyncio.create_task(self._wait_in_line(tenant, place))
        try:
            await asyncio.wait({waiting})
        except asyncio.CancelledError:
            if not waiting.done():
                waiting.cancel()
                await asyncio.wait({waiting})
            if not waiting.cancelled():
                self._places.give_back(place)
                self._turns.give_back(tenant)
            raise
        finally:
            del self._in_line[place.job]
        return not waiting.cancelled()

    async def _wait_in_line(self, tenant: str, place: Place) -> None:
        await self._turns.take(tenant)
        try:
            await self._places.take(place)
        except asyncio.CancelledError:
            self._turns.give_back(tenant)
            raise

    async def _run_from(
        self, place: Place, office: Office, fence: int, answer: bool | None, *, again: bool
    ) -> None:
        """Works in the place, and outside for as long as there is only waiting to be done."""
        watch = asyncio.create_task(self._until_cancelled(office, place.job))
        try:
            while not await self._is_through(place, office, fence, watch, answer, again=again):
                answer, again = None, False
                self._places.give_back(place)
                news = asyncio.create_task(self._places.until_news(place))
                try:
                    await asyncio.wait({news, watch}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    news.cancel()
                    await asyncio.gather(news, return_exceptions=True)
                await self._places.take(place)
        except LedgerAway:
            raise  # the job is as it was, and is carried on when its ledger is there again
        except AgentesError as error:
            await office.jobs.move(place.job, JobState.FAILED, str(error), fence=fence)
            raise
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)

    async def _is_through(
        self,
        place: Place,
        office: Office,
        fence: int,
        watch: asyncio.Task[None],
        answer: bool | None,
        *,
        again: bool,
    ) -> bool:
        """Whether the job came to its end or pause, or was cancelled; False if it left its place to wait outside."""
        place.leaves_for = {}
        work = asyncio.create_task(self._through_the_graph(office, place, fence, answer, again=again))
        place.work = work
        try:
            await asyncio.wait({work, watch}, return_when=asyncio.FIRST_COMPLETED)
            if work.cancelled() and place.leaves_for:
                return False
            if work.done():
                await work
            else:
                await watch
                work.cancel()
                await asyncio.gather(work, return_exceptions=True)
                await Run(office, place.job, fence).let_go()
            return True
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            place.work = place.run = None

    async def _through_the_graph(
        self, office: Office, place: Place, fence: int, answer: bool | None, *, again: bool
    ) -> None:
        from orchestrator import checkpoints, graph  # takes seconds to import: only a run pays for it

        jobs, job_id = office.jobs, place.job

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
            run = place.run = Run(office, job_id, fence)
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


async def _no_look(job: str, order: str) -> float | None:
    """Where there is a place for everybody, nobody waits outside."""
    return None
