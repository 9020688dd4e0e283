"""Never faster than a platform takes it, and nobody waits for ever: against a vendor that counts."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import httpx
import pytest
from how_long import a_taste, everything
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from virtual_time import VirtualLoop

from agentes.wire.clock import Clock
from agentes.wire.pace import Lane, Pace
from shared_knowledge.errors import Throttled

ASK = httpx.Request("POST", "https://api.tiny.example/v1")
MOMENT_S = 0.01


@dataclass
class Visit:
    """One call: when it came, when it was let in, how it ended."""

    number: int
    came_s: float
    task: asyncio.Task[httpx.Response] | None = None
    entered_s: float | None = None
    answer: asyncio.Future[httpx.Response] | None = None


@dataclass
class Vendor(httpx.AsyncBaseTransport):
    """Counts who is inside and who ever came in; keeps everybody until the machine lets them go."""

    loop: VirtualLoop
    inside: list[Visit] = field(default_factory=list)
    entered: list[float] = field(default_factory=list)
    waiting: dict[asyncio.Task[httpx.Response], Visit] = field(default_factory=dict)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        task = asyncio.current_task()
        assert task is not None
        visit = self.waiting.pop(task)  # type: ignore[arg-type]
        visit.entered_s = self.loop.time()
        visit.answer = self.loop.create_future()
        self.inside.append(visit)
        self.entered.append(self.loop.time())
        try:
            return await visit.answer
        finally:
            self.inside.remove(visit)


class PaceMachine(RuleBasedStateMachine):
    """Callers come in crowds, give up, fail and finish; the vendor sees no more of them than was agreed."""

    @initialize(
        per_minute=st.sampled_from([None, 1, 2, 5, 20, 30]),
        at_once=st.sampled_from([None, None, 1, 2, 4]),
        patience_s=st.sampled_from([30.0, 300.0, 1e9]),
        talks=st.booleans(),
        seed=st.integers(0, 99),
    )
    def opens(
        self, per_minute: int | None, at_once: int | None, patience_s: float, talks: bool, seed: int
    ) -> None:
        self.loop = VirtualLoop(seed)
        self.per_minute, self.at_once, self.patience_s = per_minute, at_once, patience_s
        clock = Clock(now=self.loop.time, sleep=asyncio.sleep)
        self.vendor = Vendor(self.loop)
        self.lane = Lane("Tiny", clock, per_minute=per_minute, at_once=at_once, patience_s=patience_s)
        self.pace = Pace(self.vendor, self.lane)
        self.came = 0
        self.visits: list[Visit] = []
        self.talks, self.was_told = talks, False
        self.told_left: tuple[float, float, int] | None = None

    def teardown(self) -> None:
        if not hasattr(self, "loop"):
            return
        try:
            self.nobody_starves()
        finally:
            for visit in self.visits:
                visit.task.cancel()  # type: ignore[union-attr]
            self.loop.settle()
            self.loop.close()

    @rule(crowd=st.sampled_from([1, 2, 3, 6, 25]))
    def a_crowd_comes(self, crowd: int) -> None:
        for _ in range(crowd):
            visit = Visit(self.came, self.loop.time())
            visit.task = self.loop.create_task(self.pace.handle_async_request(ASK))
            self.vendor.waiting[visit.task] = visit
            self.visits.append(visit)
            self.came += 1
            self.loop.settle()  # one after the other, so that there is an order to keep

    @precondition(lambda self: self.vendor.inside)
    @rule(which=st.integers(0, 9), fails=st.booleans())
    def one_is_answered(self, which: int, fails: bool) -> None:
        visit = self.vendor.inside[which % len(self.vendor.inside)]
        assert visit.answer is not None
        if fails:
            visit.answer.set_exception(httpx.ReadError("no"))
        else:
            visit.answer.set_result(httpx.Response(200))
        self.loop.settle()

    @precondition(lambda self: self.vendor.inside and self.talks)
    @rule(left=st.integers(0, 5), reset_s=st.integers(1, 40))
    def one_hears_how_much_is_left(self, left: int, reset_s: int) -> None:
        """The vendor's answers shut the lane when they say that nothing is left."""
        visit, now = self.vendor.inside[0], self.loop.time()
        headers = {"x-ratelimit-remaining": str(left), "x-ratelimit-reset": str(reset_s)}
        assert visit.answer is not None
        visit.answer.set_result(httpx.Response(200, headers=headers))
        self.told(now, now + reset_s, max(0, left - len(self.vendor.inside) + 1))
        self.loop.settle()

    @precondition(lambda self: self.vendor.inside and self.talks)
    @rule(after_s=st.integers(1, 40))
    def one_is_told_to_come_later(self, after_s: int) -> None:
        """A refusal that names a time holds everybody back who was not yet let through."""
        visit, now = self.vendor.inside[0], self.loop.time()
        assert visit.answer is not None
        visit.answer.set_result(httpx.Response(429, headers={"retry-after": str(after_s)}))
        self.told(now, now + min(after_s, self.patience_s), 0)
        self.loop.settle()

    @precondition(lambda self: self.vendor.inside)
    @rule()
    def one_is_answered_as_another_gives_up(self) -> None:
        """Whoever was given the place in this very moment, and does not want it any more, hands it on."""
        answer = self.vendor.inside[0].answer
        waiting = [visit for visit in self.visits if visit.entered_s is None]
        assert answer is not None
        answer.set_result(httpx.Response(200))
        self.loop.call_soon(self.cancel_all, waiting[:2])
        self.loop.settle()

    def cancel_all(self, visits: list[Visit]) -> None:
        for visit in visits:
            assert visit.task is not None
            visit.task.cancel()
            self.vendor.waiting.pop(visit.task, None)

    @precondition(lambda self: self.visits)
    @rule(which=st.integers(0, 99))
    def somebody_gives_up(self, which: int) -> None:
        visit = self.visits[which % len(self.visits)]
        assert visit.task is not None
        visit.task.cancel()
        self.loop.settle()
        self.vendor.waiting.pop(visit.task, None)

    @rule(seconds=st.sampled_from([0.5, 1.0, 3.0, 10.0, 60.0]))
    def time_passes(self, seconds: float) -> None:
        self.loop.advance(seconds)

    def told(self, now: float, until: float, left: int) -> None:
        """News counts for whoever has no turn yet; a turn that was given is not taken back."""
        places = len(self.vendor.waiting) if self.at_once is None else self.at_once - len(self.vendor.inside)
        turns_given = min(places, len(self.vendor.waiting))
        self.told_left = None if turns_given else (now, until, left)
        self.was_told = True

    @invariant()
    def no_more_at_once_than_agreed(self) -> None:
        if hasattr(self, "loop") and self.at_once is not None:
            assert len(self.vendor.inside) <= self.at_once

    @invariant()
    def no_more_in_a_minute_than_agreed(self) -> None:
        if not hasattr(self, "loop") or self.per_minute is None:
            return
        entered = self.vendor.entered
        for first, last in zip(entered, entered[self.per_minute :], strict=False):
            assert last - first >= 60 - MOMENT_S

    @invariant()
    def what_the_vendor_said_is_left_is_not_passed(self) -> None:
        if not hasattr(self, "loop") or self.told_left is None:
            return
        since, until, left = self.told_left
        assert sum(since < at < until - MOMENT_S for at in self.vendor.entered) <= left

    @invariant()
    def first_come_first_served(self) -> None:
        if not hasattr(self, "loop") or self.was_told:
            return  # better news is not brought to those who already wait for the hour of the worse
        times = [visit.entered_s for visit in self.visits if visit.entered_s is not None]
        assert times == sorted(times)
        waiting = [v.number for v in self.vendor.waiting.values() if v.task and not v.task.done()]
        entered = [v.number for v in self.visits if v.entered_s is not None]
        assert not waiting or not entered or min(waiting) > max(entered), "somebody was overtaken"

    @invariant()
    def nobody_waits_longer_than_there_is_patience(self) -> None:
        if hasattr(self, "loop") and self.at_once is None:
            now = self.loop.time()
            waits = [(v.entered_s if v.entered_s is not None else now) - v.came_s for v in self.in_line]
            assert max(waits, default=0.0) <= self.patience_s + MOMENT_S

    @property
    def in_line(self) -> list[Visit]:
        """Whoever was let in, or still hopes to be."""
        return [v for v in self.visits if v.entered_s is not None or (v.task and not v.task.done())]

    @invariant()
    def nobody_waits_without_a_reason(self) -> None:
        if hasattr(self, "loop") and self.per_minute is None and not self.was_told:
            free = self.at_once is None or len(self.vendor.inside) < self.at_once
            assert not (free and any(not v.task.done() for v in self.vendor.waiting.values() if v.task))

    def nobody_starves(self) -> None:
        """When whoever is inside goes, everybody gets in, or was told that it would take too long."""
        for _ in range(10 + 2 * self.came):
            while self.vendor.inside:
                self.one_is_answered(0, fails=False)
            if not any(not visit.task.done() for visit in self.visits if visit.task):
                break
            self.loop.advance(61)
            self.no_more_in_a_minute_than_agreed()
        for visit in self.visits:
            assert visit.task is not None
            assert visit.task.done(), (
                f"caller {visit.number} still waits {self.loop.time() - visit.came_s} s later"
            )
            if not visit.task.cancelled() and isinstance(visit.task.exception(), Throttled):
                error = visit.task.exception()
                assert isinstance(error, Throttled)
                assert (error.after_s or 0) > self.patience_s
        assert self.lane._under_way == 0


class TestPace(PaceMachine.TestCase):
    settings = a_taste(45, 25)


@pytest.mark.torture
class TestPaceAtLength(PaceMachine.TestCase):
    settings = everything()
