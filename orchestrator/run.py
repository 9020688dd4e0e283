"""One job from its brief to its folder: what the nodes of the graph call, each safe to call again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentes.media.shelf import Shelf, disk_in_words
from agentes.media_agent import REFERENCES, MediaAgent
from orchestrator.board import Board
from orchestrator.composer.film import FILM, make_film
from orchestrator.composer.handover import Record, hand_over, result
from orchestrator.locks import Locks
from orchestrator.quoting import Quoter
from orchestrator.settlement import Settlement
from orchestrator.stages import Stages, Tell
from orchestrator.store.book import SqlBook
from orchestrator.store.jobs import Event, Jobs
from orchestrator.team import Team
from shared_knowledge.cost_tracker import CostTracker
from shared_knowledge.errors import AgentesError, QuoteChanged
from shared_knowledge.vocabulary import (
    Asset,
    Job,
    JobState,
    Medium,
    Order,
    Outcome,
    Plan,
    Quote,
    Shortfall,
    Task,
)

__all__ = ["Office", "Run"]


@dataclass(frozen=True)
class Office:
    """What every run of this process works with."""

    quoter: Quoter
    jobs: Jobs
    book: SqlBook
    tracker: CostTracker
    shelf: Shelf
    agents: Mapping[Medium, MediaAgent]
    locks: Locks  # whoever shares the ledger shares its locks and its checkpoints
    checkpoints: str | Path
    version: str
    pauses_at_caps: bool = False

    def record(self, job_id: str) -> Record:
        """Everything the store knows about a job."""
        return Record(
            job=self.jobs.get(job_id),
            outcomes=self.jobs.outcomes(job_id),
            asks=self.jobs.asks(job_id),
            orders=self.book.orders(job_id),
            version=self.version,
        )

    def result(self, job_id: str) -> dict[str, Any]:
        """How a job stands, as `make --json` says it."""
        return result(self.record(job_id))

    def is_locked(self, job_id: str) -> bool:
        """Whether any process that shares the ledger is at work on a job."""
        return self.locks.is_locked(job_id)


class Run:
    """One job being done. Everything it learns is in the store before anybody else hears of it.

    `fence` is the number under which the job was taken; once a later run has taken it, nothing more is written.
    """

    def __init__(self, office: Office, job_id: str, fence: int) -> None:
        self._office = office
        self._jobs = office.jobs
        self._id = job_id
        self._fence = fence
        self._quoted: Job | None = None
        self._board = Board(
            {task: known for task, known in self._jobs.outcomes(job_id).items() if not _is_gone(known)}
        )

    @property
    def stages(self) -> Stages:
        """What the graph calls, in its order."""
        return Stages(
            understand=self.understand,
            plan=self.plan,
            quote=self.quote,
            needs_approval=self._job.brief.approval == "ask" and not self._jobs.outcomes(self._id),
            perform=self.perform,
            compose=self.compose,
            deliver=self.deliver,
        )

    async def understand(self) -> None:
        """Reads the brief, so that an unclear one stops here."""
        await asyncio.to_thread(self._office.quoter.read, self._job.brief)

    async def plan(self) -> Sequence[str]:
        """The tasks of the plan; the plan made once is kept."""
        plan = self._job.plan
        if plan is None:
            plan = await asyncio.to_thread(self._office.quoter.plan, self._job.brief)
            await self._jobs.plan(self._id, plan)
        return [task.id for task in plan.tasks]

    async def quote(self) -> str:
        """The hash of the promise; refused if it is not the one that was accepted."""
        job = self._job
        quote = job.quote or self._office.quoter.quote(self._plan, job.brief)
        accepted = job.brief.accepted_quote
        if accepted is not None and accepted != quote.hash:
            raise QuoteChanged(
                f"The quote is now {quote.hash} at {quote.estimate.short}, not the accepted {accepted}.",
                todo="Look at it with `agentes plan` and accept the new one; nothing was spent.",
            )
        self._office.quoter.check_budget(self._plan, quote, job.brief)
        if job.quote is None:
            await self._jobs.quote(self._id, quote)
        return quote.hash

    async def perform(self, task: str, tell: Tell) -> str:
        """Has one task done; says only which kind of outcome it came to."""
        outcome = await self._team(_events(tell)).perform(self._plan.task(task))
        return "asset" if isinstance(outcome, Asset) else "shortfall"

    async def compose(self, tell: Tell) -> None:
        """Joins clips and voice into the film, if one was asked for and is not there yet."""
        film = self._plan.film
        if film is None or isinstance(self._board.look(FILM), Asset):
            return
        say = _events(tell)
        say(Event(what="film", phase="joining"))
        try:
            with disk_in_words("The film could not be written"):
                outcome: Outcome = await make_film(
                    self._plan, film, self._jobs.outcomes(self._id), self._office.shelf, self._desk(FILM)
                )
        except AgentesError as error:
            outcome = Shortfall(task=FILM, why=str(error))
        await self._jobs.keep(self._id, outcome, fence=self._fence)
        self._board.pin(outcome)
        note = outcome.why if isinstance(outcome, Shortfall) else None
        say(Event(what="film", phase="failed" if note else "done", note=note))

    async def deliver(self) -> None:
        """Puts everything into the folder, with its manifest and report."""
        with disk_in_words("The job could not be handed over"):
            await asyncio.to_thread(
                hand_over, self._office.record(self._id), self._verdict(), self._office.shelf
            )
        self._office.shelf.clear(self._desk(REFERENCES))
        self._settlement.tidy()

    async def end(self) -> None:
        """Ends a job of which every outcome is known; the last thing that is written about it."""
        if all(self._board.look(name) is not None for name in self._wanted):
            why = "; ".join(shortfall.why for shortfall in self._missing) or None
            await self._jobs.move(self._id, self._verdict(), why, fence=self._fence)

    async def let_go(self) -> None:
        """Ends the orders of a cancelled job: the unsent for nothing, the sent as the vendor lets them end."""
        orders = self._office.book.orders(self._id)
        for desk in {self._desk(task) for task in (FILM, REFERENCES, *(order.task for order in orders))}:
            self._office.shelf.clear(desk)
        await self._settlement.let_go()

    async def see_through(self) -> Sequence[Order]:
        """Collects and books what an earlier run of this job bought, and buys nothing: the orders that ended."""
        return await self._settlement.see_through(over=self._jobs.state(self._id).over)

    @property
    def _settlement(self) -> Settlement:
        office = self._office
        return Settlement(
            office.agents, office.jobs, office.book, office.tracker, office.shelf, self._id, self._fence
        )

    def _verdict(self) -> JobState:
        missing = self._missing
        if any(shortfall.kind == "in_doubt" for shortfall in missing):
            return JobState.IN_DOUBT
        if not missing:
            return JobState.DONE
        if any(shortfall.kind == "over_budget" for shortfall in missing) and self._office.pauses_at_caps:
            return JobState.PAUSED
        return JobState.FAILED if len(missing) == len(self._wanted) else JobState.PARTIAL

    @property
    def _missing(self) -> list[Shortfall]:
        """What could not be made of what was wanted."""
        outcomes = [self._board.look(name) for name in self._wanted]
        return [outcome for outcome in outcomes if isinstance(outcome, Shortfall)]

    @property
    def _wanted(self) -> list[str]:
        return [*(task.id for task in self._plan.tasks), *([FILM] if self._plan.film else [])]

    def _desk(self, task: str) -> str:
        return f"{self._id}-{task}"

    @property
    def _job(self) -> Job:
        """The job; once it is planned and quoted, nothing that a run reads of it changes any more."""
        job = self._quoted or self._jobs.get(self._id)
        if job.plan is not None and job.quote is not None:
            self._quoted = job
        return job

    @property
    def _plan(self) -> Plan:
        plan = self._job.plan
        assert plan is not None, "the graph plans before it asks for the plan"
        return plan

    @property
    def _quote(self) -> Quote:
        quote = self._job.quote
        assert quote is not None, "the graph quotes before it performs"
        return quote

    def _team(self, say: Callable[[Event], None]) -> Team:
        job = self._job
        return Team(
            job=job,
            fence=self._fence,
            quote=self._quote,
            tasks={task.id: task for task in self._plan.tasks},
            agents=self._office.agents,
            jobs=self._jobs,
            board=self._board,
            price=lambda task: self._office.quoter.offers(task, self._plan, job.brief),
            tell=say,
            earlier=self._earlier(job),
        )

    def _earlier(self, job: Job) -> Mapping[str, tuple[Task, Asset]]:
        if job.brief.from_job is None:
            return {}
        before = self._jobs.get(job.brief.from_job)
        outcomes = self._jobs.outcomes(before.id)
        tasks = before.plan.tasks if before.plan else ()
        return {
            task.id: (task, outcome) for task in tasks if isinstance(outcome := outcomes.get(task.id), Asset)
        }


def _is_gone(outcome: Outcome) -> bool:
    return isinstance(outcome, Asset) and not Path(outcome.path).is_file()


def _events(tell: Tell) -> Callable[[Event], None]:
    def say(event: Event) -> None:
        fields: dict[str, Any] = event.model_dump(mode="json", exclude_none=True)
        tell(fields)

    return say
