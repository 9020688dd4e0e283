"""The single doorway: everything any face may ask for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from uuid import uuid4

from orchestrator.composer.folder import give_back, open_folder
from orchestrator.quoting import Proposal, Quoter
from shared_knowledge.errors import BadRequest
from shared_knowledge.vocabulary import Asset, Brief, Job, JobState, Plan, Shortfall

if TYPE_CHECKING:
    from orchestrator.run import Office
    from orchestrator.store.book import CostRow
    from orchestrator.store.jobs import Event

__all__ = ["Dispatch", "Studio"]

_LOOK_AGAIN_S = 0.1
_CANCEL_TAKES_S = 10.0


class Dispatch(Protocol):
    """Whoever runs the jobs: this process, or workers elsewhere."""

    def start(self, job_id: str, *, answer: bool | None = None, afresh: bool = False) -> None:
        """Begins, or carries on, a job."""
        ...

    def works_on(self, job_id: str) -> bool:
        """Whether somebody is busy with a job."""
        ...

    async def finish(self, job_id: str) -> None:
        """Waits for a job that runs; raises what stopped it."""
        ...

    async def stop(self) -> None:
        """Lets go of every job, keeping what was done."""
        ...


class Studio:
    """Quotes, takes, follows and hands over jobs. Quoting needs no store, so it opens none."""

    def __init__(
        self,
        quoter: Quoter,
        office: Callable[[], Office],
        dispatch: Callable[[], Dispatch],
    ) -> None:
        self._quoter = quoter
        self._open_office = office
        self._open_dispatch = dispatch

    def quote(self, brief: Brief) -> Proposal:
        """What would be done for a brief, by whom, for how much; buys nothing."""
        return self._quoter.propose(self._with_its_past(brief))

    async def submit(self, brief: Brief, folder: Path | None = None) -> Job:
        """Takes a brief into our keeping and begins it; refuses before anything is made."""
        brief = self._with_its_past(brief)
        proposal = await asyncio.to_thread(self._quoter.propose, brief)
        proposal.insist()
        _check_references(proposal.plan)
        job_id = f"job_{uuid4().hex[:12]}"
        claimed = await asyncio.to_thread(open_folder, folder, job_id, proposal.title)
        try:
            job = await self._office.jobs.add(job_id, brief, str(claimed))
        except BaseException:
            give_back(claimed, job_id)
            raise
        self._dispatch.start(job_id)
        return job

    async def follow(self, job_id: str) -> AsyncIterator[Event]:
        """Everything that happens in a job from its beginning, until it ends or pauses."""
        jobs, seen = self._office.jobs, 0
        while True:
            state = jobs.state(job_id)
            here, elsewhere = self._dispatch.works_on(job_id), self._runs_elsewhere(job_id)
            for number, event in jobs.events(job_id, seen):
                seen = number
                yield event
            if state not in {JobState.QUEUED, JobState.RUNNING} or not (here or elsewhere):
                return
            await asyncio.sleep(_LOOK_AGAIN_S)

    def status(self, job_id: str) -> Job:
        """A job, by its id or the beginning of it."""
        return self._office.jobs.get(job_id)

    def outcomes(self, job_id: str) -> dict[str, Asset | Shortfall]:
        """What became of each task of a job so far."""
        return self._office.jobs.outcomes(job_id)

    def result(self, job_id: str) -> dict[str, Any]:
        """How a job stands, as `make --json` says it."""
        return self._office.result(job_id)

    def is_running(self, job_id: str) -> bool:
        """Whether any process on this machine is at work on a job."""
        return self._dispatch.works_on(job_id) or self._runs_elsewhere(job_id)

    async def finish(self, job_id: str) -> Job:
        """Waits until a job of this process has ended or paused; raises what stopped it."""
        await self._dispatch.finish(job_id)
        return self._office.jobs.get(job_id)

    async def approve(self, job_id: str, yes: bool) -> Job:
        """Says yes or no to the quote a job waits with."""
        job = self._office.jobs.get(job_id)
        if job.state is not JobState.AWAITING_APPROVAL:
            raise BadRequest(f"Job {job.id} does not wait for an approval: it is {job.state}.")
        self._dispatch.start(job.id, answer=yes)
        return job

    async def resume(self, job_id: str) -> Job:
        """Carries on a job that was interrupted, or tries once more what could not be made."""
        job = self._office.jobs.get(job_id)
        if self._runs_elsewhere(job.id):
            raise BadRequest(f"Job {job.id} is already running.", todo=f"Watch it: `agentes show {job.id}`.")
        match job.state:
            case JobState.DONE:
                return job
            case JobState.CANCELLED:
                raise BadRequest(f"Job {job.id} was cancelled.", todo="Make it anew with `agentes make`.")
            case JobState.AWAITING_APPROVAL:
                raise BadRequest(
                    f"Job {job.id} waits for its quote to be approved.",
                    todo="Accept it with `agentes make … --quote HASH`.",
                )
            case JobState.QUEUED | JobState.RUNNING:
                self._dispatch.start(job.id)
            case _:
                await self._office.jobs.retry(job.id)
                self._dispatch.start(job.id, afresh=True)
        return job

    async def cancel(self, job_id: str) -> Job:
        """Stops a job; what was already made or charged stays, and is said."""
        from orchestrator.run import Run

        jobs = self._office.jobs
        job = jobs.get(job_id)
        if job.state.over:
            raise BadRequest(f"Job {job.id} has already ended: it is {job.state}.")
        await jobs.move(job.id, JobState.CANCELLED, "cancelled by a person")
        waited = 0.0
        while self.is_running(job.id) and waited < _CANCEL_TAKES_S:
            await asyncio.sleep(_LOOK_AGAIN_S)
            waited += _LOOK_AGAIN_S
        if not self.is_running(job.id):
            await Run(self._office, job.id).let_go()
        return jobs.get(job.id)

    def list(self, most: int = 20) -> Sequence[Job]:
        """The newest jobs."""
        return self._office.jobs.latest(most)

    def costs(self) -> Sequence[CostRow]:
        """The whole ledger, in rows whose sums are the truth."""
        return self._office.book.costs()

    async def stop(self) -> None:
        """Lets go of everything that runs here; nothing done is lost."""
        await self._dispatch.stop()

    @property
    def _office(self) -> Office:
        return self._open_office()

    @property
    def _dispatch(self) -> Dispatch:
        return self._open_dispatch()

    def _runs_elsewhere(self, job_id: str) -> bool:
        return self._office.is_locked(job_id)

    def _with_its_past(self, brief: Brief) -> Brief:
        """The words of a change, read as a correction at the end of the words they change."""
        if brief.from_job is None:
            return brief
        before = self._office.jobs.get(brief.from_job)
        if before.plan is None or brief.text.startswith(before.brief.text):
            return brief.model_copy(update={"from_job": before.id})
        return brief.model_copy(update={"from_job": before.id, "text": f"{before.brief.text}\n{brief.text}"})


def _check_references(plan: Plan) -> None:
    """Refuses a brief that names files which are not there, before anything is made."""
    named = dict.fromkeys(name for task in plan.tasks for name in task.spec.references if "://" not in name)
    missing = [name for name in named if not Path(name).is_file()]
    if missing:
        raise BadRequest(
            f"The brief names {', '.join(missing)}, but there is no such file in {Path.cwd()}.",
            todo="Put it there, write its path in the brief, or take it out of the brief.",
        )
