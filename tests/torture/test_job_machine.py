"""The shelf of jobs against a model of it: cancelled is for good, what was made is kept, asked is asked once."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from how_long import a_taste, everything
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from two_houses import OpenedTwice, in_memory, opened_twice

from orchestrator.store.database import Conflict
from orchestrator.store.jobs import AskRow, Event, Jobs
from shared_knowledge.cost_tracker import OrderMoved
from shared_knowledge.errors import BadRequest
from shared_knowledge.vocabulary import (
    Asset,
    Brief,
    JobState,
    Medium,
    Money,
    Outcome,
    PhotoSpec,
    Shortfall,
    Task,
)

NAMES = ("job_a1", "job_a1", "job_a2", "job_b1")
TASKS = ("photo-1", "photo-2", "voice-1")
UNDER_WAY = {"queued", "running", "awaiting_approval"}
ENDED = {"done", "partial", "failed"}
TOLD = {*ENDED, "cancelled", "in_doubt", "paused"}


@dataclass
class Kept:
    """One job as it should stand."""

    state: str = "queued"
    fence: int = 0
    outcomes: dict[str, tuple[str, str]] = field(default_factory=dict)
    asks: dict[str, str] = field(default_factory=dict)
    events: list[str] = field(default_factory=list)

    def may_become(self, state: str) -> bool:
        """Cancelled is for good, and what has ended cannot be cancelled any more."""
        return self.state != "cancelled" and not (state == "cancelled" and self.state in ENDED)


@dataclass
class Runs:
    """A run of a job: which number it holds, what it still has to do, whether it was told to stop."""

    job: str
    fence: int
    to_do: list[str]
    began: bool = False
    stopped: bool = False


class JobMachine(RuleBasedStateMachine):
    """Runs, persons and zombies, each with its own opening of the ledger, in any order."""

    def __init__(self, house: OpenedTwice) -> None:
        super().__init__()
        self.house = house
        house.wipe()
        self.now = datetime(2026, 11, 21, 22, tzinfo=UTC)
        self.shelves = [Jobs(database, lambda: self.now) for database in house.databases]
        self.jobs: dict[str, Kept] = {}
        self.runs: list[Runs] = []
        self.marks = 0

    def wait(self, work: Any) -> Any:
        return self.house.loop.run_until_complete(work)

    def a_mark(self) -> str:
        self.marks += 1
        return f"mark {self.marks}"

    # ── persons ────────────────────────────────────────────────────────────────────────────────

    @rule(name=st.sampled_from(NAMES), which=st.integers(0, 1))
    def a_job_comes_in(self, name: str, which: int) -> None:
        self.now += timedelta(seconds=1)
        adding = self.shelves[which].add(name, Brief(text="a mug"), "/tmp/x")
        if name in self.jobs:
            with pytest.raises(Conflict):
                self.wait(adding)
        else:
            self.wait(adding)
            self.jobs[name] = Kept()

    @precondition(lambda self: self.jobs)
    @rule(number=st.integers(0, 9), which=st.integers(0, 1))
    def a_person_cancels(self, number: int, which: int) -> None:
        name = sorted(self.jobs)[number % len(self.jobs)]
        self.move(which, name, "cancelled", None)

    @precondition(lambda self: self.jobs)
    @rule(number=st.integers(0, 9), which=st.integers(0, 1), state=st.sampled_from(list(JobState)))
    def a_job_is_moved_by_anybody(self, number: int, which: int, state: JobState) -> None:
        self.move(which, sorted(self.jobs)[number % len(self.jobs)], state, None)

    @precondition(lambda self: self.jobs)
    @rule(number=st.integers(0, 9), which=st.integers(0, 1))
    def a_watcher_is_told(self, number: int, which: int) -> None:
        name, mark = sorted(self.jobs)[number % len(self.jobs)], self.a_mark()
        self.wait(self.shelves[which].note(name, Event(what="task", note=mark)))
        self.jobs[name].events.append(mark)

    @precondition(lambda self: self.jobs)
    @rule(number=st.integers(0, 9), which=st.integers(0, 1), task=st.sampled_from(TASKS))
    def an_agent_asks_another(self, number: int, which: int, task: str) -> None:
        """Whoever asks first, asked; a resumed run that asks again changes nothing."""
        name, mark = sorted(self.jobs)[number % len(self.jobs)], self.a_mark()
        child = Task(id=task, spec=PhotoSpec(subject=mark))
        self.wait(self.shelves[which].keep_ask(name, AskRow(task=child, asked_by="video-1", because=mark)))
        self.jobs[name].asks.setdefault(task, mark)

    # ── runs ───────────────────────────────────────────────────────────────────────────────────

    @precondition(lambda self: self.jobs)
    @rule(number=st.integers(0, 9), which=st.integers(0, 1))
    def a_run_takes_a_job_up(self, number: int, which: int) -> None:
        """The one before it may still be at work, and does not know."""
        name = sorted(self.jobs)[number % len(self.jobs)]
        fence = self.wait(self.shelves[which].take(name))
        self.jobs[name].fence += 1
        assert fence == self.jobs[name].fence
        self.runs.append(Runs(name, fence, list(TASKS)))

    @precondition(lambda self: self.runs)
    @rule(
        which=st.integers(0, 1),
        number=st.integers(0, 2),
        steps=st.integers(1, 6),
        makes=st.sampled_from(["all", "none", "some"]),
        ends=st.sampled_from(sorted(TOLD - {"cancelled"})),
    )
    def a_run_goes_on(self, which: int, number: int, steps: int, makes: str, ends: str) -> None:
        """As the dispatch does it: begin or try again, keep one outcome after the other, end."""
        run = self.runs[-1 - number % len(self.runs)]
        for step in range(steps):
            if not run.stopped:
                self.goes_on(which, run, makes == "all" or (makes == "some" and step % 2 == 0), ends)

    def goes_on(self, which: int, run: Runs, made: bool, ends: str) -> None:
        job = self.jobs[run.job]
        if not run.began:
            run.began = True
            if job.state not in UNDER_WAY:
                self.wait(self.shelves[which].retry(run.job))
                job.outcomes = {task: kept for task, kept in job.outcomes.items() if kept[0] == "asset"}
            run.stopped = not self.move(which, run.job, "running", run.fence)
        elif run.to_do:
            self.keep(which, run, run.to_do.pop(0), made)
        else:
            self.move(which, run.job, ends, run.fence)
            run.stopped = True

    @precondition(lambda self: self.runs)
    @rule(
        which=st.integers(0, 1),
        number=st.integers(0, 1),
        task=st.sampled_from(TASKS[:2]),
        made=st.booleans(),
        overtaken=st.booleans(),
    )
    def a_run_keeps_what_became_of_a_task(
        self, which: int, number: int, task: str, made: bool, overtaken: bool
    ) -> None:
        run = self.runs[-1 - number % len(self.runs)]
        if overtaken:
            self.a_run_takes_a_job_up(sorted(self.jobs).index(run.job), 1 - which)
        self.keep(which, run, task, made)

    @precondition(lambda self: self.runs)
    @rule(which=st.integers(0, 1), state=st.sampled_from(list(JobState)), number=st.integers(0, 2))
    def a_run_says_how_its_job_stands(self, which: int, state: JobState, number: int) -> None:
        run = self.runs[-1 - number % len(self.runs)]
        self.move(which, run.job, state, run.fence)

    def keep(self, which: int, run: Runs, task: str, makes: bool) -> None:
        job, mark = self.jobs[run.job], self.a_mark()
        if job.outcomes.get(task, ("",))[0] == "asset" and run.fence == job.fence:
            return  # the board knows it already
        keeping = self.shelves[which].keep(run.job, _outcome(task, mark, makes), fence=run.fence)
        if run.fence < job.fence:
            with pytest.raises(OrderMoved):
                self.wait(keeping)
            run.stopped = True
        else:
            self.wait(keeping)
            job.outcomes[task] = ("asset" if makes else "shortfall", mark)

    def move(self, which: int, name: str, state: str, fence: int | None) -> bool:
        job = self.jobs[name]
        given = {} if fence is None else {"fence": fence}
        expected = job.may_become(state) and (fence is None or fence >= job.fence)
        self.now += timedelta(seconds=1)
        moved: bool = self.wait(self.shelves[which].move(name, JobState(state), "because", **given))
        assert moved == expected, f"{name}: {job.state} to {state} by {fence} of {job.fence} was {moved}"
        if moved:
            job.state = state
            if state in TOLD:
                job.events.append(f"job {state}")
        return moved

    # ── what is always true ────────────────────────────────────────────────────────────────────

    @invariant()
    def every_job_stands_as_promised_for_whoever_looks(self) -> None:
        for shelf in self.shelves:
            for name, kept in self.jobs.items():
                job = shelf.get(name)
                assert shelf.state(name) == job.state == kept.state
                assert (job.ended_at is not None) == (kept.state in ENDED | {"cancelled"})
        by_state = defaultdict(set)
        for name, kept in self.jobs.items():
            by_state[kept.state].add(name)
        for state in JobState:
            assert {job.id for job in self.shelves[0].in_state(state)} == by_state[state]

    @invariant()
    def what_was_made_and_asked_is_kept(self) -> None:
        for name, kept in self.jobs.items():
            told = {
                task: ("asset", outcome.prompt) if isinstance(outcome, Asset) else ("shortfall", outcome.why)
                for task, outcome in self.shelves[1].outcomes(name).items()
            }
            assert told == kept.outcomes
            assert {ask.task.id: ask.because for ask in self.shelves[0].asks(name)} == kept.asks

    @invariant()
    def every_event_is_told_once_and_in_its_order(self) -> None:
        for name, kept in self.jobs.items():
            told, seen = [], 0
            while news := self.shelves[0].events(name, seen, most=5):
                for number, event in news:
                    assert number > seen
                    seen = number
                    told.append(event.note if event.what == "task" else f"job {event.phase}")
            assert told == kept.events

    @invariant()
    def a_job_is_found_by_a_beginning_that_is_its_alone(self) -> None:
        for beginning in ("job_a", "job_b", "job_", "nothing", "job_%"):
            plain = beginning.replace("%", "")
            alike = [name for name in self.jobs if name.startswith(plain)]
            if len(alike) == 1:
                assert self.shelves[0].get(beginning).id == alike[0]
            else:
                with pytest.raises(BadRequest):
                    self.shelves[0].get(beginning)


def _outcome(task: str, mark: str, made: bool) -> Outcome:
    if not made:
        return Shortfall(task=task, why=mark)
    return Asset(
        task=task,
        medium=Medium.PHOTO,
        path="/shelf/x.png",
        sha256="ab",
        size_bytes=1,
        mime="image/png",
        platform="p",
        model="m",
        cost=Money(70),
        prompt=mark,
    )


def _prove(url: str, how_long: settings) -> None:
    with opened_twice(url) as house:
        run_state_machine_as_test(lambda: JobMachine(house), settings=how_long)  # type: ignore[arg-type]


def test_the_shelf_of_jobs_keeps_its_promises() -> None:
    with in_memory() as url:
        _prove(url, a_taste(35, 30))


@pytest.mark.torture
def test_the_shelf_of_jobs_keeps_its_promises_at_length() -> None:
    with in_memory() as url:
        _prove(url, everything(0.2))


@pytest.mark.torture
def test_the_shelf_of_jobs_keeps_its_promises_on_postgres(postgres: str) -> None:
    _prove(postgres, everything(0.05))
