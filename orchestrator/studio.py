"""The single doorway: everything any face may ask for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from uuid import uuid4

from orchestrator.composer.folder import give_back, open_folder
from orchestrator.quoting import Proposal, Quoter
from orchestrator.selection import NO_PAST, Past
from shared_knowledge.errors import BadRequest
from shared_knowledge.vocabulary import Asset, Brief, Job, JobState, Order, Plan, Shortfall, is_rehearsal

if TYPE_CHECKING:
    from orchestrator.run import Office
    from orchestrator.store.book import BoughtRow, CostRow
    from orchestrator.store.database import Transaction
    from orchestrator.store.jobs import Event, Ordering

__all__ = ["Dispatch", "Studio"]

T = TypeVar("T")

_LOOK_AGAIN_S = 0.1
_CANCEL_TAKES_S = 10.0


class Dispatch(Protocol):
    """Whoever runs the jobs: this process, or workers elsewhere."""

    def enlist(self, transaction: Transaction, job_id: str, tenant: str) -> None:
        """Makes sure of a job in the transaction that takes it in, so that it is begun whatever happens next."""
        ...

    def start(self, job_id: str) -> None:
        """Begins a job that was just taken in."""
        ...

    async def carry_on(self, job_id: str, *, answer: bool | None = None) -> None:
        """Carries a job on, or tries once more what could not be made."""
        ...

    def works_on(self, job_id: str) -> bool:
        """Whether somebody is busy with a job."""
        ...

    def leave_line(self, job_id: str) -> None:
        """Takes a cancelled job out of the line, if it waits in one."""
        ...

    async def see_through(self, job_id: str) -> Sequence[Order]:
        """Collects and books what a run that is no more had bought; buys nothing."""
        ...

    async def let_go(self, job_id: str) -> None:
        """Ends what a cancelled job left open."""
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
        *,
        jobs_folder: Path | None = None,
        rehearsing: Quoter | None = None,
    ) -> None:
        self._quoter = quoter
        self._rehearsing = rehearsing
        self._jobs_folder = jobs_folder or Path.cwd()
        self._open_office = office
        self._open_dispatch = dispatch

    def quote(self, brief: Brief, *, tenant: str = "local") -> Proposal:
        """What would be done for a brief, by whom, for how much; buys nothing."""
        brief = self._with_its_past(brief)
        quoter = self._rehearsing if self._rehearsing and is_rehearsal(tenant) else self._quoter
        return quoter.propose(brief, self._past(brief))

    def changing(self, tenant: str, brief: Brief) -> Brief:
        """A brief from afar with the words of the tenant's job that it changes; BadRequest if it has no such job."""
        before = self.of(tenant, brief.from_job or "")
        if before.brief.narration is not None:
            raise BadRequest(f"Job {before.id} has no words that could be changed.", todo="Ask for it anew.")
        return self._with_its_past(brief)

    async def submit(
        self, brief: Brief, folder: Path | None = None, *, tenant: str = "local", key: str | None = None
    ) -> Job:
        """Takes a brief into our keeping and begins it; refuses before anything is made."""
        brief = self._with_its_past(brief)
        proposal = await _in_thread(self._quoter.propose, brief, self._past(brief))
        proposal.insist()
        _check_references(proposal.plan)
        job_id = f"job_{uuid4().hex[:12]}"
        knows = self._office.jobs.knows
        claimed = await _in_thread(lambda: open_folder(folder, job_id, proposal.title, is_known=knows))
        brief = brief.model_copy(update={"words": proposal.plan.words or brief.words})
        try:
            job = await self._take_in(job_id, brief, str(claimed), tenant, key)
        except BaseException:
            give_back(claimed, job_id)
            raise
        self._dispatch.start(job_id)
        return job

    async def accept(
        self,
        brief: Brief,
        *,
        tenant: str,
        key: str | None = None,
        job_id: str | None = None,
        also: Callable[[Transaction], object] = lambda _: None,
    ) -> Job:
        """Takes a brief as it is, from afar, and begins it; what stands in its way is told by its end.

        `also` is written with the job, or neither is.
        """
        job_id = job_id or f"job_{uuid4().hex[:12]}"
        folder = str(self._jobs_folder / job_id)
        brief = brief.model_copy(update={"may_read_files": False})
        job = await self._take_in(job_id, brief, folder, tenant, key, also)
        self._dispatch.start(job.id)
        return job

    async def accept_many(
        self,
        briefs: Mapping[str, Brief],
        *,
        tenant: str,
        key: str | None = None,
        also: Callable[[Transaction, Sequence[Job]], object] = lambda *_: None,
    ) -> Sequence[Job]:
        """Takes briefs as they are, each under the id of its job, all of them or none, and begins them."""
        office, enlist = self._office, self._dispatch.enlist

        def ask(transaction: Transaction) -> Sequence[Job]:
            jobs = []
            for job_id, brief in briefs.items():
                kept = brief.model_copy(update={"may_read_files": False})
                folder = str(self._jobs_folder / job_id)
                jobs.append(office.jobs.put(transaction, job_id, kept, folder, tenant=tenant, key=key))
                enlist(transaction, job_id, tenant)
            also(transaction, jobs)
            return jobs

        jobs = await office.jobs.write(ask)
        for job in jobs:
            self._dispatch.start(job.id)
        return jobs

    async def follow(self, job_id: str) -> AsyncIterator[Event]:
        """Everything that happens in a job from its beginning, until it ends or pauses."""
        jobs, seen = self._office.jobs, 0
        jobs.state(job_id)
        while True:
            running = self.is_running(job_id)
            news = jobs.events(job_id, seen)
            for number, event in news:
                seen = number
                yield event
            if not news:
                if not running:
                    return
                await _pause(_LOOK_AGAIN_S)

    def status(self, job_id: str) -> Job:
        """A job, by its id or the beginning of it."""
        return self._office.jobs.get(job_id)

    def of(self, tenant: str, job_id: str) -> Job:
        """A tenant's job; what belongs to somebody else does not exist."""
        return self._office.jobs.of(tenant, job_id)

    def page(self, tenant: str, order: Ordering, *, skip: int, most: int) -> tuple[Sequence[Job], int]:
        """Some of a tenant's jobs, without their plans, and how many there are in all."""
        return self._office.jobs.page(tenant, order, skip=skip, most=most)

    def events(self, job_id: str, after: int = 0) -> Sequence[tuple[int, Event]]:
        """What happened in a job after an event, each with its number."""
        return self._office.jobs.events(job_id, after)

    def outcomes(self, job_id: str) -> dict[str, Asset | Shortfall]:
        """What became of each task of a job so far."""
        return self._office.jobs.outcomes(job_id)

    def file_of(self, asset: Asset) -> Path:
        """Where a file that was made stands on this machine, brought here if only another one has it."""
        return self._office.shelf.here(asset.path)

    def take_off(self, file: str) -> None:
        """Takes a file that nobody needs any more off the shelf."""
        self._office.shelf.remove(file)

    def result(self, job_id: str) -> dict[str, Any]:
        """How a job stands, as `make --json` says it."""
        return self._office.result(job_id)

    def is_running(self, job_id: str) -> bool:
        """Whether a job is at work in any process that shares the ledger, or waits for one."""
        return self._dispatch.works_on(job_id) or self._office.is_locked(job_id)

    async def finish(self, job_id: str) -> Job:
        """Waits until a job of this process has ended or paused; raises what stopped it."""
        await self._dispatch.finish(job_id)
        return self._office.jobs.get(job_id)

    async def approve(self, job_id: str, yes: bool) -> Job:
        """Says yes or no to the quote a job waits with."""
        job = self._office.jobs.get(job_id)
        if job.state is not JobState.AWAITING_APPROVAL:
            raise BadRequest(f"Job {job.id} does not wait for an approval: it is {job.state}.")
        if yes:
            await self._dispatch.carry_on(job.id, answer=yes)
        else:
            await self._office.jobs.move(job.id, JobState.CANCELLED, "the quote was not approved")
        return self._office.jobs.get(job.id)

    def open_questions(self, job: Job) -> Sequence[str]:
        """What a job that waits with its quote leaves open: a yes takes it as it was understood."""
        return self._quoter.unsettled(job)

    async def resume(self, job_id: str) -> Job:
        """Carries on a job that was interrupted, or tries once more what could not be made."""
        job = self._office.jobs.get(job_id)
        if self.is_running(job.id):
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
        await self._dispatch.carry_on(job.id)
        return job

    async def recover(self) -> Sequence[Order]:
        """Sees through what runs that are no more have bought, and buys nothing: the orders that ended by it."""
        jobs = dict.fromkeys(order.job for order in self._office.book.open_orders())
        left = [job for job in jobs if not self.is_running(job)]
        ended = await _gather(self._see_through(job) for job in left)
        await _in_thread(self._sweep)
        return [order for orders in ended for order in orders]

    def _sweep(self) -> None:
        """Clears the desks of orders that are over: who ended them was killed before it could."""
        for name in self._office.shelf.desks():
            order = self._office.book.order(name)
            if order is not None and order.state.over and not self.is_running(order.job):
                self._office.shelf.clear(name)

    def interrupted(self) -> Sequence[Job]:
        """The jobs that should be running and are not: whoever ran them is no more."""
        jobs = self._office.jobs
        begun = (job for state in (JobState.QUEUED, JobState.RUNNING) for job in jobs.in_state(state))
        return [job for job in begun if not self.is_running(job.id)]

    async def cancel(self, job_id: str) -> Job:
        """Stops a job; what was already made or charged stays, and is said."""
        jobs = self._office.jobs
        job = jobs.get(job_id)
        if not await jobs.move(job.id, JobState.CANCELLED, "cancelled by a person"):
            raise BadRequest(f"Job {job.id} has already ended: it is {jobs.state(job.id)}.")
        self._dispatch.leave_line(job.id)
        waited = 0.0
        while self.is_running(job.id) and waited < _CANCEL_TAKES_S:
            await _pause(_LOOK_AGAIN_S)
            waited += _LOOK_AGAIN_S
        if not self.is_running(job.id):
            await self._dispatch.let_go(job.id)
        return jobs.get(job.id)

    def let_go(self, job_id: str) -> dict[str, str]:
        """What vendors let the orders of a cancelled job come to, in words, by task."""
        from orchestrator.settlement import LET_GO

        events = (event for _, event in self._office.jobs.events(job_id))
        return {
            event.task: event.note for event in events if event.phase == LET_GO and event.task and event.note
        }

    def orders(self, job_id: str) -> Sequence[Order]:
        """Every order of a job, in the order they were placed."""
        return self._office.book.orders(self._office.jobs.get(job_id).id)

    def doubtful(self) -> Sequence[Order]:
        """The orders that wait for a person: they may have been booked, and nobody knows."""
        return [order for order in self._office.book.open_questions() if not self.is_running(order.job)]

    async def decide(self, order_id: str, decision: str, number: str | None = None) -> Order:
        """Writes down what a person found out about a doubtful order; resuming its job does the rest."""
        waiting = [order for order in self.doubtful() if order.id.startswith(order_id)]
        if len(waiting) != 1:
            what = "is not in doubt, or does not exist" if not waiting else "could be several orders"
            raise BadRequest(f"{order_id[:60]!r} {what}.", todo="`agentes review` lists those that are.")
        (order,) = waiting
        if (number is not None) != (decision == "adopt"):
            raise BadRequest("The vendor's number goes with adopt, and only with it.", todo="adopt ID")
        # Whoever still believes to be at work on this job is not heard any more.
        order = order.model_copy(update={"fence": await self._office.jobs.take(order.job)})
        tracker = self._office.tracker
        if decision == "adopt":
            return await self._office.agents[order.spec.medium].adopt(order, number or "")
        if decision == "never-charged":
            ended = await tracker.drop(order, "a person says it was never charged")
        else:
            why = "charged and lost" if decision == "charged-and-lost" else "bought again"
            ended = await tracker.write_off(order, order.price, f"a person says: {why}")
        self._office.shelf.clear(order.id)
        return ended

    def list(self, most: int = 20) -> Sequence[Job]:
        """The newest jobs."""
        return self._office.jobs.latest(most)

    def bought(self) -> Sequence[BoughtRow]:
        """The whole ledger, order by order."""
        return self._office.book.bought()

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

    async def _take_in(
        self,
        job_id: str,
        brief: Brief,
        folder: str,
        tenant: str,
        key: str | None,
        also: Callable[[Transaction], object] = lambda _: None,
    ) -> Job:
        """The job's row and its place in the queue, or neither."""
        enlist = self._dispatch.enlist

        def both(transaction: Transaction) -> None:
            also(transaction)
            enlist(transaction, job_id, tenant)

        return await self._office.jobs.add(job_id, brief, folder, tenant=tenant, key=key, also=both)

    async def _see_through(self, job_id: str) -> Sequence[Order]:
        try:
            return await self._dispatch.see_through(job_id)
        except BadRequest:  # somebody has just taken it up
            return ()

    def _with_its_past(self, brief: Brief) -> Brief:
        """The words of a change, read as a correction at the end of the words they change."""
        if brief.from_job is None:
            return brief
        before = self._office.jobs.get(brief.from_job)
        kept = {"from_job": before.id, "words": before.plan.words if before.plan else None}
        if before.plan is None or brief.text.startswith(before.brief.text):
            return brief.model_copy(update=kept)
        return brief.model_copy(update={**kept, "text": f"{before.brief.text}\n{brief.text}"})

    def _past(self, brief: Brief) -> Past:
        return NO_PAST if brief.from_job is None else self._office.past(brief)


def _check_references(plan: Plan) -> None:
    """Refuses a brief that names files which are not there, before anything is made."""
    named = dict.fromkeys(name for task in plan.tasks for name in task.spec.references if "://" not in name)
    if plan.film and plan.film.recording:
        named[plan.film.recording.path] = None
    missing = [name for name in named if not _is_file(name)]
    if missing:
        raise BadRequest(
            f"The brief names {', '.join(missing)}, but there is no such file in {Path.cwd()}.",
            todo="Put it there, write its path in the brief, or take it out of the brief.",
        )


def _is_file(name: str) -> bool:
    try:
        return Path(name).is_file()
    except OSError:  # longer than any disk can hold, or in a folder that may not be looked into
        return False


async def _in_thread(work: Callable[..., T], *given: object) -> T:
    from asyncio import to_thread  # a quote never waits, and should not pay for what can

    return await to_thread(work, *given)


async def _gather(works: Iterable[Awaitable[T]]) -> Sequence[T]:
    from asyncio import gather

    return await gather(*works)


async def _pause(seconds: float) -> None:
    from asyncio import sleep

    await sleep(seconds)
