"""The outbox against a model of it: whoever should hear of something does, once under one id, and not too early."""

from __future__ import annotations

import asyncio
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from receivers import Letter, Post, World

from agentes.wire.post import Reception
from orchestrator.store.database import open_database
from orchestrator.webhooks.events import EVENTS
from orchestrator.webhooks.lanes import PAUSES_S, Lanes
from shared_knowledge.vocabulary import JobState

URLS = ("https://a.example/", "https://b.example/", "https://c.example/")
ENDS = {
    JobState.DONE: "job.completed",
    JobState.PARTIAL: "job.completed",
    JobState.FAILED: "job.failed",
    JobState.IN_DOUBT: "job.failed",
    JobState.CANCELLED: "job.cancelled",
}
LEASE_S = 90


@dataclass
class Kept:
    """A job as it should stand, and what was said of it."""

    state: JobState = JobState.QUEUED
    done: int = 0
    endings: int = 0
    said: set[str] = field(default_factory=set)


class Answering(Post):
    """Receivers that say what the story wants, now."""

    def __init__(self) -> None:
        super().__init__()
        self.status: dict[str, int | None] = {}
        self.delivered: set[tuple[str, str]] = set()
        self.sent: defaultdict[tuple[str, str], list[Letter]] = defaultdict(list)

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Reception:
        letter = Letter(url, headers, body, self.now())
        key = (letter.id, letter.told["webhook_id"])
        self.letters.append(letter)
        self.sent[key].append(letter)
        status = self.status.get(url, 200)
        if status == 200:
            self.delivered.add(key)
        return Reception(status, None if status == 200 else "no", 1)


class WebhookMachine(RuleBasedStateMachine):
    """Customers, jobs, receivers that fall and rise, couriers that come and die, in any order."""

    def __init__(self) -> None:
        super().__init__()
        memory = Path("/dev/shm")
        self.folder = tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None)
        self.runner = asyncio.Runner()
        self.database = open_database(Path(self.folder.name) / "ledger.db")
        self.post = Answering()
        self.world = World(self.database, self.post)
        self.couriers = [self.world.courier, self.world.hire()]
        self.jobs: dict[str, Kept] = {}
        self.wants: dict[str, set[str]] = {}  # by endpoint that is switched on
        self.alive: dict[str, str] = {}  # every endpoint, with its address
        self.expected: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
        self.replayed: set[tuple[str, str]] = set()

    @initialize()
    def begin_with_somebody_who_wants_everything(self) -> None:
        self.register(URLS[0], set(EVENTS))
        self.take()
        self.begin(0)

    # ── customers ──────────────────────────────────────────────────────────────────────────────

    @precondition(lambda self: len(self.alive) < 4)
    @rule(
        url=st.sampled_from(URLS),
        events=st.sampled_from([set(EVENTS), set(EVENTS), {EVENTS[0]}, set(EVENTS[2:])]),
    )
    def register(self, url: str, events: set[str]) -> None:
        made = self.runner.run(self.world.outbox.register("acme", url, sorted(events)))
        self.alive[made.webhook_id] = url
        self.wants[made.webhook_id] = events

    @precondition(lambda self: self.alive)
    @rule(number=st.integers(0, 9), active=st.booleans())
    def switch(self, number: int, active: bool) -> None:
        name = self._endpoint(number)
        changed = self.runner.run(self.world.outbox.update("acme", name, active=active))
        self.wants.pop(name, None)
        if active:
            self.wants[name] = set(changed.events)

    @precondition(lambda self: self.alive)
    @rule(number=st.integers(0, 9))
    def delete(self, number: int) -> None:
        name = self._endpoint(number)
        self.runner.run(self.world.outbox.delete("acme", name))
        self.wants.pop(name, None)
        del self.alive[name]
        self.expected.pop(name, None)

    @precondition(lambda self: self.alive)
    @rule(number=st.integers(0, 9))
    def rotate(self, number: int) -> None:
        self.runner.run(self.world.outbox.rotate("acme", self._endpoint(number)))

    @precondition(lambda self: self.alive)
    @rule(number=st.integers(0, 9), which=st.integers(0, 99))
    def replay(self, number: int, which: int) -> None:
        name = self._endpoint(number)
        sent, count = self.world.outbox.deliveries("acme", name)
        if count:
            delivery = sent[which % len(sent)]
            self.runner.run(self.world.outbox.replay("acme", name, delivery.delivery_id))
            self.replayed.add((delivery.message_id, name))

    # ── jobs ───────────────────────────────────────────────────────────────────────────────────

    @precondition(lambda self: len(self.jobs) < 4)
    @rule()
    def take(self) -> None:
        name = f"job_{len(self.jobs)}"
        self.runner.run(self.world.job(name, tasks=2))
        self.jobs[name] = Kept()

    @precondition(lambda self: self.jobs)
    @rule(number=st.integers(0, 9))
    def begin(self, number: int) -> None:
        name, job = self._job(number)
        moved = self.runner.run(self.world.jobs.move(name, JobState.RUNNING))
        assert moved is (job.state is not JobState.CANCELLED)
        if moved:
            job.state = JobState.RUNNING
            self._say(name, "job.started", f"start {job.endings + 1}")

    @precondition(lambda self: self.jobs)
    @rule(number=st.integers(0, 9))
    def work(self, number: int) -> None:
        name, job = self._job(number)
        job.done = min(2, job.done + 1)
        self.runner.run(self.world.short(name, job.done))
        if job.state is JobState.RUNNING:
            for milestone in (30, 60, 90):
                if 50 * job.done >= milestone:
                    self._say(name, "job.progress", f"{milestone} {job.endings + 1}")

    @precondition(lambda self: self.jobs)
    @rule(number=st.integers(0, 9), state=st.sampled_from(sorted(ENDS)))
    def end(self, number: int, state: JobState) -> None:
        name, job = self._job(number)
        moved = self.runner.run(self.world.jobs.move(name, state))
        if not moved:
            return
        was_over = job.state in ENDS
        job.state = state
        if not was_over:
            self._say(name, ENDS[state], f"end {job.endings + 1}")

    # ── the world ──────────────────────────────────────────────────────────────────────────────

    @rule(url=st.sampled_from(URLS), status=st.sampled_from([200, 200, 500, 302, None]))
    def answer(self, url: str, status: int | None) -> None:
        self.post.status[url] = status

    @rule(seconds=st.sampled_from([0.1, 1, 2, 6, 31, LEASE_S + 1, 86_400]))
    def pass_time(self, seconds: float) -> None:
        self.world.time += timedelta(seconds=seconds)

    @rule(number=st.integers(0, 1))
    def deliver(self, number: int) -> None:
        self.runner.run(self.couriers[number].deliver_due())

    @rule()
    def deliver_together(self) -> None:
        async def both() -> None:
            await asyncio.gather(*(courier.deliver_due() for courier in self.couriers))

        self.runner.run(both())

    @rule(failing=st.booleans())
    def die(self, failing: bool) -> None:
        """A courier claims what is due, and is never heard of again."""
        world = self.world
        dead = Lanes(self.database, me="dead", lease_s=LEASE_S, now=world.now, jitter=lambda: 1.0)
        self.runner.run(dead.claim(2, each=9, failing=failing))

    # ── what holds ─────────────────────────────────────────────────────────────────────────────

    @invariant()
    def whatever_is_due_will_be_found(self) -> None:
        lanes = {row[0]: row[1] for row in self._look("select lane, due_at from webhook_lanes")}
        for lane, due in self._look("select lane, due_at from webhook_deliveries where state = 'due'"):
            assert lanes[lane] is not None
            at_latest = max(due, self.world.time.isoformat())
            assert lanes[lane] <= at_latest or self._is_claimed(lane)

    @invariant()
    def the_log_is_what_happened(self) -> None:
        rows = self._look("select message, endpoint, state, attempts, id from webhook_deliveries")
        tries: defaultdict[str, list[int]] = defaultdict(list)
        for delivery, n in self._look("select delivery, n from webhook_attempts order by delivery, n"):
            tries[delivery].append(n)
        for message, endpoint, state, attempts, delivery in rows:
            letters = self.post.sent.get((message, endpoint), [])
            assert attempts == len(letters)
            assert tries.pop(delivery, []) == list(range(1, attempts + 1))
            assert state != "delivered" or (message, endpoint) in self.post.delivered
            assert len({letter.body for letter in letters}) <= 1
        assert not tries

    @invariant()
    def nobody_is_asked_too_early_or_too_often(self) -> None:
        for key, letters in self.post.sent.items():
            if key in self.replayed:
                continue
            assert len(letters) <= len(PAUSES_S) + 1
            for before, after, pause_s in zip(letters, letters[1:], PAUSES_S, strict=False):
                assert (after.at - before.at).total_seconds() >= pause_s

    @invariant()
    def whoever_should_hear_of_it_will(self) -> None:
        asked = "select endpoint, job, slot from webhook_deliveries as d join webhook_messages as m on m.id = d.message"
        found: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
        for endpoint, job, slot in self._look(asked):
            assert (job, slot) not in found[endpoint]
            found[endpoint].add((job, slot))
        assert {name: said for name, said in found.items() if said} == {
            name: said for name, said in self.expected.items() if said
        }

    def teardown(self) -> None:
        """In the end everybody answers, and then nothing is left waiting."""
        self.post.status.clear()
        for name in self.alive:
            self.runner.run(self.world.outbox.update("acme", name, active=True))
        for _ in range(8):
            self.world.time += timedelta(seconds=86_400)
            self.runner.run(self.couriers[0].deliver_due())
        states = {state for (state,) in self._look("select state from webhook_deliveries")}
        self.the_log_is_what_happened()
        self.database.close()
        self.runner.close()
        self.folder.cleanup()
        assert states <= {"delivered", "failed"}

    # ── in short ───────────────────────────────────────────────────────────────────────────────

    def _endpoint(self, number: int) -> str:
        return sorted(self.alive)[number % len(self.alive)]

    def _job(self, number: int) -> tuple[str, Kept]:
        name = sorted(self.jobs)[number % len(self.jobs)]
        return name, self.jobs[name]

    def _say(self, job: str, event: str, slot: str) -> None:
        """Puts down who is to hear of it; what was said once, to anybody, is not said again."""
        told = {name for name, wanted in self.wants.items() if event in wanted}
        if slot in self.jobs[job].said or not told:
            return
        self.jobs[job].said.add(slot)
        self.jobs[job].endings += slot.startswith("end")
        for name in told:
            self.expected[name].add((job, slot))

    def _is_claimed(self, lane: str) -> bool:
        ((until,),) = self._look("select claimed_until from webhook_lanes where lane = ?", lane)
        return until is not None

    def _look(self, question: str, *values: str) -> list[tuple]:  # type: ignore[type-arg]
        import sqlite3

        with sqlite3.connect(Path(self.folder.name) / "ledger.db") as connection:
            rows = connection.execute(question, values).fetchall()
        connection.close()
        return rows


def _as_many(examples: int, steps: int, **more: object) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        **more,  # type: ignore[arg-type]
    )


def test_the_outbox_keeps_its_promises() -> None:
    run_state_machine_as_test(
        WebhookMachine, settings=_as_many(12, 40, derandomize=True, phases=[Phase.generate])
    )


@pytest.mark.torture
def test_the_outbox_keeps_its_promises_for_long() -> None:
    run_state_machine_as_test(WebhookMachine, settings=_as_many(2000, 100, print_blob=True))
