"""One job from its brief to its folder: what the nodes of the graph call, each safe to call again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentes.media.hearing import Heard
from agentes.media.shelf import Shelf, disk_in_words
from agentes.media_agent import REFERENCES, MediaAgent
from orchestrator.board import Board
from orchestrator.composer.film import FILM, make_film
from orchestrator.composer.folder import open_folder
from orchestrator.composer.given import GIVEN, Bring, film_over, nowhere, take_in
from orchestrator.composer.handover import Record, hand_over, result
from orchestrator.composer.recorded import keep_recording
from orchestrator.locks import Locks
from orchestrator.planner.narrating import narrated
from orchestrator.quoting import Quoter
from orchestrator.recut import Cutter
from orchestrator.selection import NO_PAST, Past, as_text, digests, track_records
from orchestrator.settlement import Settlement
from orchestrator.stages import Stages, Tell
from orchestrator.store.book import SqlBook
from orchestrator.store.jobs import Event, Jobs
from orchestrator.team import Team
from shared_knowledge.cost_tracker import CostTracker
from shared_knowledge.errors import AgentesError, LedgerAway, QuoteChanged
from shared_knowledge.vocabulary import (
    Asset,
    Brief,
    Job,
    JobState,
    Medium,
    Order,
    Outcome,
    Plan,
    Quote,
    Shortfall,
    is_rehearsal,
)

if TYPE_CHECKING:
    from orchestrator.brief.model.adviser import Adviser
    from orchestrator.brief.model.purchase import Bought
    from orchestrator.brief.model.question import Question

__all__ = ["Office", "Run"]

_LATELY = timedelta(days=90)


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
    bring_film: Bring = nowhere  # how a film that a person names by its address comes here
    track_record: Path | None = None  # where quotes, which open no ledger, read how reliable each model is
    pauses_at_caps: bool = False
    rehearsal: Office | None = None  # who plays the jobs of test keys, and cannot reach a vendor

    def of(self, job_id: str) -> Office:
        """Whoever a job is for: this office, or the one that only rehearses."""
        return self.rehearsal if self.rehearsal and is_rehearsal(self.jobs.tenant(job_id)) else self

    def record(self, job_id: str) -> Record:
        """Everything the store knows about a job."""
        return Record(
            job=self.jobs.get(job_id),
            outcomes=self.outcomes(job_id),
            asks=self.jobs.asks(job_id),
            orders=self.book.orders(job_id),
            version=self.version,
        )

    def outcomes(self, job_id: str) -> dict[str, Outcome]:
        """What became of each task so far, with every file on this machine that can be brought here."""
        return {task: self._at_hand(outcome) for task, outcome in self.jobs.outcomes(job_id).items()}

    def result(self, job_id: str) -> dict[str, Any]:
        """How a job stands, as `make --json` says it."""
        return result(self.record(job_id))

    def keep_track(self, job_id: str) -> None:
        """Writes down how often each model made what it was asked for lately; two jobs may end at once."""
        if self.track_record is None:
            return
        since = datetime.now(UTC).date() - _LATELY
        text = as_text(track_records(self.book.reliability(since)))
        part = self.track_record.with_name(f".{job_id}-record.part")
        with suppress(OSError):  # the ledger has it all: a disk that is full now is told of elsewhere
            part.write_text(text, "utf-8")
            part.replace(self.track_record)

    def past(self, brief: Brief) -> Past:
        """The job that a brief wants changed, with what it made that is still there."""
        if brief.from_job is None:
            return NO_PAST
        before = self.jobs.get(brief.from_job)
        outcomes = self.outcomes(before.id).items()
        made = {task: it for task, it in outcomes if isinstance(it, Asset) and not _is_gone(it)}
        return Past(before.plan.tasks, made, before.plan.given) if before.plan else NO_PAST

    def is_locked(self, job_id: str) -> bool:
        """Whether any process that shares the ledger is at work on a job."""
        return self.locks.is_locked(job_id)

    def _at_hand(self, outcome: Outcome) -> Outcome:
        if not isinstance(outcome, Asset):
            return outcome
        path, measured = str(self.shelf.here(outcome.path)), outcome.measured
        if captions := measured.get("captions"):
            measured = {**measured, "captions": str(self.shelf.here(captions))}
        if (path, measured) == (outcome.path, outcome.measured):
            return outcome
        return outcome.model_copy(update={"path": path, "measured": measured})


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
        self._spoken: dict[str, Heard] = {}
        self._performing = 0
        self._board = Board(
            {task: known for task, known in office.outcomes(job_id).items() if not _is_gone(known)}
        )

    @property
    def at_work(self) -> int:
        """How many of its tasks do not wait for another."""
        return self._performing - self._board.waiting

    @property
    def stages(self) -> Stages:
        """What the graph calls, in its order."""
        return Stages(
            understand=self.understand,
            plan=self.plan,
            quote=self.quote,
            needs_approval=self.needs_approval,
            reword=self.reword,
            perform=self.perform,
            compose=self.compose,
            deliver=self.deliver,
        )

    async def understand(self) -> None:
        """Reads the brief, so that an unclear one stops here."""
        job = self._job
        await asyncio.to_thread(self._office.quoter.read, job.brief)
        if not Path(job.folder).exists():  # it was taken from afar, where nobody waits for a folder
            await asyncio.to_thread(open_folder, Path(job.folder), job.id, job.id)

    async def plan(self) -> Sequence[str]:
        """The tasks of the plan; the plan made once is kept."""
        plan = self._job.plan
        if plan is None:
            plan = await asyncio.to_thread(self._office.quoter.plan, self._job.brief)
            if plan.film and plan.film.over:
                # Before anything is bought: a film that cannot be used must cost nothing.
                given = await self._given()
                plan = narrated(plan, film_over(plan.film, given), given.duration_s or 0)
            plan = await asyncio.to_thread(self._with_own_files, plan)
            await self._jobs.plan(self._id, plan)
        return [task.id for task in plan.tasks]

    async def quote(self) -> str:
        """The hash of the promise; refused if it is not the one that was accepted."""
        job = self._job
        quote = job.quote or self._office.quoter.quote(self._plan, job.brief, self._office.past(job.brief))
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

    async def needs_approval(self) -> bool:
        """Whether somebody must say yes first: they want to, or it would be paid for and leaves something open."""
        job = self._job
        if self._jobs.outcomes(self._id):  # a yes was said before the first of them was made
            return False
        if job.brief.approval == "ask":
            return True
        if job.brief.accepted_quote is not None or not self._quote.estimate:
            return False
        return bool(await asyncio.to_thread(self._office.quoter.unsettled, job))

    async def reword(self) -> None:
        """Has a language model word what the rules left open, where that was quoted; the promise holds all the same."""
        job = self._job
        if self._plan.words is not None or not self._quote.for_words:
            return
        from orchestrator.brief.model.purchase import buy_words  # only where a model is set

        async def buy(adviser: Adviser, question: Question) -> Bought:
            return await buy_words(
                self._office.tracker, adviser, question, job, self._fence, self._quote.ceiling
            )

        plan, quote = await self._office.quoter.worded(job, self._office.past(job.brief), buy)
        # In this order: a run that is killed in between finds the answer in the ledger, and says the same again.
        await self._jobs.quote(self._id, quote)
        await self._jobs.plan(self._id, plan.model_copy(update={"given": self._plan.given}))
        self._quoted = None

    async def perform(self, task: str, tell: Tell) -> str:
        """Has one task done; says only which kind of outcome it came to."""
        self._performing += 1
        try:
            outcome = await self._team(_events(tell)).perform(self._plan.task(task))
        finally:
            self._performing -= 1
        return "asset" if isinstance(outcome, Asset) else "shortfall"

    async def compose(self, tell: Tell) -> None:
        """Joins clips and voice into the film, if one was asked for and is not there yet."""
        film = self._plan.film
        if film is None or isinstance(self._board.look(FILM), Asset):
            return
        say = _events(tell)
        say(Event(what="film", phase="joining"))
        try:
            if film.over:
                await self._given()
            with disk_in_words("The film could not be written"):
                outcome: Outcome = await make_film(
                    self._plan, film, self._office.outcomes(self._id), self._office.shelf, self._desk(FILM)
                )
        except LedgerAway:
            raise
        except AgentesError as error:
            outcome = Shortfall(task=FILM, why=str(error))
        await self._jobs.keep(self._id, outcome, fence=self._fence)
        self._board.pin(outcome)
        note = outcome.why if isinstance(outcome, Shortfall) else None
        say(Event(what="film", phase="failed" if note else "done", note=note))

    async def _given(self) -> Asset:
        """The film that the person gave: fetched and looked at once, and again only if it is gone since."""
        known = self._board.look(GIVEN)
        if isinstance(known, Asset):
            return known
        asked = self._job.brief.narration
        assert asked is not None, "only a narration is laid over a given film"
        office = self._office
        given = await take_in(asked.video_url, office.bring_film, office.shelf, self._desk(GIVEN))
        await self._jobs.keep(self._id, given, fence=self._fence)
        self._board.pin(given)
        return given

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
        if self._office.book.orders(self._id):  # before the job is over, for then nobody would tidy up
            await asyncio.to_thread(self._office.keep_track, self._id)
        if all(self._board.look(name) is not None for name in self._wanted):
            why = "; ".join(shortfall.why for shortfall in self._missing) or None
            await self._jobs.move(self._id, self._verdict(), why, fence=self._fence)

    async def let_go(self) -> None:
        """Ends the orders of a cancelled job: the unsent for nothing, the sent as the vendor lets them end."""
        orders = self._office.book.orders(self._id)
        for desk in {
            self._desk(task) for task in (FILM, GIVEN, REFERENCES, *(order.task for order in orders))
        }:
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

    def _with_own_files(self, plan: Plan) -> Plan:
        """The plan with the digests of the files it names; a sound is kept, for it is needed at the very end."""
        given = digests(name for task in plan.tasks for name in task.spec.references)
        if plan.film and (sound := plan.film.recording):
            given[sound.path] = keep_recording(sound, self._office.shelf, self._desk("recording"))
        return plan.model_copy(update={"given": given}) if given else plan

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
            kept=self._kept(job),
            recut=Cutter(self._plan, self._board.look, self._spoken),
        )

    def _kept(self, job: Job) -> Mapping[str, Asset]:
        """What the quote promised to keep; a file that is gone since has to be made, inside the same ceiling."""
        promised = {line.task for line in self._quote.lines if line.kept is not None}
        if not promised:
            return {}
        made = self._office.quoter.kept(self._plan, job.brief, self._office.past(job.brief))
        return {task: asset for task, asset in made.items() if task in promised}


def _is_gone(outcome: Outcome) -> bool:
    return isinstance(outcome, Asset) and not Path(outcome.path).is_file()


def _events(tell: Tell) -> Callable[[Event], None]:
    def say(event: Event) -> None:
        fields: dict[str, Any] = event.model_dump(mode="json", exclude_none=True)
        tell(fields)

    return say
