"""One purchase in a world where things go wrong: lived through, run after run, and written down."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import random
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from fault_facts import ON_THE_WIRE
from fault_plans import Plan
from leaping_time import LeapingLoop
from passing import Passed
from practising import Counter, exchange_to
from rough_wire import RoughWire

from agentes.media import probe
from agentes.sandbox.kernel.house import House
from agentes.sandbox.kernel.sandbox import Sandbox
from agentes.wire.clock import Clock
from shared_knowledge.errors import AgentesError, Broken
from shared_knowledge.vocabulary import Asset, Order, OrderState, Shortfall

__all__ = ["Sitting", "Story", "Watch", "World", "open_world"]


@dataclass(frozen=True)
class Sitting:
    """One run of the engine at the task: how it ended (None: it was stopped), and how the book stood after it."""

    outcome: Asset | Shortfall | None
    orders: tuple[Order, ...]


@dataclass
class Story:
    """All that came of a plan."""

    plan: Plan
    sittings: list[Sitting] = field(default_factory=list)
    passed: list[Passed] = field(default_factory=list)
    ledger: list[dict[str, Any]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    """What was seen on the way that must never be."""
    file_is_whole: bool = True

    @property
    def was_stopped(self) -> bool:
        """Whether a person pressed Ctrl-C."""
        return any(sitting.outcome is None for sitting in self.sittings)

    def __str__(self) -> str:
        """How it ended, in a word or two."""
        outcome = self.sittings[-1].outcome
        return outcome.kind if isinstance(outcome, Shortfall) else "made" if outcome else "stopped"

    @property
    def orders(self) -> Mapping[str, Order]:
        """Every order as it ended."""
        return {order.id: order for order in self.sittings[-1].orders} if self.sittings else {}


class Watch:
    """Who looks on while a plan is lived through, and may do something about it."""

    sittings = 3
    gone_until_s = 0.0
    """Until when nobody can be reached, by the clock of the loop."""

    def __init__(self) -> None:
        self.work: asyncio.Future[Any] | None = None

    def before(self, sitting: int, home: Path) -> None:
        """Nobody works at the task just now; that sitting comes next."""

    def moved(self, state: OrderState, sitting: int) -> None:
        """The book has taken a step."""

    def after(self, sitting: int, home: Path) -> None:
        """That sitting is over."""


class World:
    """A sandbox, a rough wire before it, and a clock that waits for nobody."""

    def __init__(self, loop: LeapingLoop, sandbox: Sandbox, wire: RoughWire, folder: Path) -> None:
        self._loop = loop
        self._sandbox = sandbox
        self._wire = wire
        self._folder = folder
        self._dark_for = 0

    async def live(self, plan: Plan, *, watch: Watch | None = None) -> Story:
        """Buys until it is there or nothing more can be done; the last sitting has no faults."""
        story, watch = Story(plan), watch or Watch()
        home = Path(tempfile.mkdtemp(prefix=f"seed-{plan.seed}-", dir=self._folder))
        self._sandbox.reset()
        on_the_wire = [f for f in plan.faults if f.do.removeprefix("no_") in ON_THE_WIRE]
        self._wire.begin(plan.seed, on_the_wire)
        for f in plan.faults:
            if f not in on_the_wire:
                told = {"platform": f.platform, "on": f.on, "do": f.do, "nth": f.nth, "times": f.times}
                self._sandbox.plant(told)
        for number in range(1, watch.sittings + 1):
            if number == watch.sittings:
                self._sandbox.faults.clear()
                self._wire.calm()
            self._wire.sitting = number
            watch.before(number, home)
            sitting = await self._sit(plan, home, story, watch)
            watch.after(number, home)
            story.sittings.append(sitting)
            if isinstance(sitting.outcome, Asset):
                break
        story.passed = self._wire.passed
        story.ledger = [entry.document() for entry in self._sandbox.ledger.entries]
        self._look_around(story, home)
        if last := story.sittings[-1].outcome:
            story.file_is_whole = isinstance(last, Shortfall) or _is_whole(Path(last.path), last.sha256)
        shutil.rmtree(home)
        return story

    async def _sit(self, plan: Plan, home: Path, story: Story, watch: Watch) -> Sitting:
        others = asyncio.all_tasks()
        await self._dark_or_light(watch)
        orders = story.sittings[-1].orders if story.sittings else ()
        outcome: Asset | Shortfall | None = None
        try:
            async with self._counter(plan, home, watch) as counter:
                self._keep_an_eye_on(counter, plan, story, watch)
                try:
                    outcome = await self._perform(counter, plan, watch)
                finally:
                    orders = counter.book.orders("job_1")
        except asyncio.CancelledError:
            pass
        except Broken as broken:  # before there was any order
            outcome = Shortfall(task=plan.task.id, why=str(broken), kind="failed")
        self._dark_for = 0
        await self._nobody_is_left(others, story)
        return Sitting(outcome, orders)

    @asynccontextmanager
    async def _counter(self, plan: Plan, home: Path, watch: Watch) -> AsyncIterator[Counter]:
        """The agents and the ledger, as a process of its own would have them."""
        dice = random.Random(plan.seed)

        async def pause(seconds: float) -> None:
            await self._loop.sleep(seconds)
            self._dark_for -= 1
            await self._dark_or_light(watch)

        clock = Clock(now=self._loop.time, sleep=pause, up_to=lambda most: dice.uniform(0, most))
        async with exchange_to(plan.platform, home, sandbox=self._wire.url, clock=clock) as exchange:
            counter = Counter(exchange, home, wait=pause)
            try:
                yield counter
            finally:
                counter.database.close()

    async def _perform(self, counter: Counter, plan: Plan, watch: Watch) -> Asset | Shortfall:
        terms = {"ceiling": plan.ceiling, "on_doubt": plan.on_doubt, "on_refusal": plan.on_refusal}
        work = asyncio.ensure_future(counter.perform(plan.task, *plan.offers, **terms))
        self._stop(work, plan)
        watch.work = work
        return await work

    def _keep_an_eye_on(self, counter: Counter, plan: Plan, story: Story, watch: Watch) -> None:
        """Looks into the book at every move: what is open, and whether the purse holds."""
        book = counter.book
        move = book.move

        def standing() -> Order | None:
            return next((o for o in reversed(book.orders("job_1")) if not o.state.over), None)

        async def moved(step: Any) -> bool:
            done = await move(step)
            story.wrong += _purse(counter, plan)
            watch.moved(step.state, self._wire.sitting)
            if self._wire.expects("refused"):
                self._dark_for = max(f.times for f in plan.faults if f.do == "refused")
                await self._wire.shut()
            await self._dark_or_light(watch)
            return done

        book.move = moved  # type: ignore[method-assign]
        self._wire.standing = standing

    def _stop(self, work: asyncio.Future[Any], plan: Plan) -> None:
        """Presses Ctrl-C in the first sitting, at the exchange the plan says, or a little later."""
        dice = random.Random(plan.seed)

        def watched(_: Passed) -> None:
            if self._wire.sitting == 1 and len(self._wire.passed) == plan.stopped_at:
                self._loop.call_later(dice.choice((0.0, 0.001, 0.005)), work.cancel)

        self._wire.watched = watched

    async def _dark_or_light(self, watch: Watch) -> None:
        """Who was not there before may be there again, and the other way round."""
        if self._loop.time() < watch.gone_until_s:
            await self._wire.shut()
        elif self._dark_for <= 0:
            await self._wire.reopen()

    async def _nobody_is_left(self, others: set[asyncio.Task[Any]], story: Story) -> None:
        for _ in range(200):
            mine = {task for task in asyncio.all_tasks() - others if not _is_the_worlds(task)}
            if not self._wire.guests and not mine:
                return
            await asyncio.sleep(0.001)
        if self._wire.guests:
            story.wrong.append(f"{self._wire.guests} connections stayed open")
        story.wrong += [f"a task is left: {task!r}" for task in mine]

    def _look_around(self, story: Story, home: Path) -> None:
        """What lies about when all is over."""
        story.wrong += [f"left on the shelf: {path.name}" for path in (home / "shelf").rglob("*.part")]
        for order in story.orders.values():
            desk = home / "desks" / order.id
            if order.state.over and desk.exists() and not story.was_stopped:
                left = sorted(path.name for path in desk.iterdir())
                story.wrong.append(f"the desk of order {order.id} ({order.state}) is still there: {left}")
        strangers = [p.name for p in (home / "desks").glob("*") if p.name not in story.orders]
        story.wrong += [f"a desk nobody knows: {name}" for name in strangers]


def _is_the_worlds(task: asyncio.Task[Any]) -> bool:
    return "_welcome" in repr(task.get_coro()) or "_Guest" in repr(task.get_coro())


def _purse(counter: Counter, plan: Plan) -> list[str]:
    """What is wrong with the job's purse, counted anew from its orders."""
    row = counter.database.read(lambda t: t.row("budget", id="job:job_1"))
    if row is None:
        return []
    orders = counter.book.orders("job_1")
    held = sum(order.price for order in orders if not order.state.over)
    spent = sum(order.cost or 0 for order in orders if order.state.over)
    wrong = []
    if row["reserved"] + row["spent"] > plan.ceiling:
        wrong.append(f"{row['reserved']} + {row['spent']} is over the ceiling {plan.ceiling}")
    if row["reserved"] != held:
        wrong.append(f"{row['reserved']} is set aside, where the open orders come to {held}")
    if row["spent"] != spent and spent <= plan.ceiling - held:
        wrong.append(f"{row['spent']} counts as spent, where the orders come to {spent}")
    return wrong


def _is_whole(file: Path, sha256: str) -> bool:
    return file.is_file() and hashlib.sha256(file.read_bytes()).hexdigest() == sha256


_measured: dict[tuple[int, bytes], Any] = {}


def _remembering(measure: Any) -> Any:
    """Probing, but each content once: a thousand purchases bring the same ten files."""

    async def remembered(path: Path) -> Any:
        content = path.read_bytes()
        key = (len(content), hashlib.sha256(content).digest())
        if key not in _measured:
            try:
                _measured[key] = await measure(path)
            except AgentesError as error:
                _measured[key] = error
        found = _measured[key]
        if isinstance(found, AgentesError):
            raise type(found)(found.what, todo=found.todo)
        return found

    return remembered


@asynccontextmanager
async def open_world(folder: Path, patch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """The world, for as long as it is needed; runs on a LeapingLoop."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, LeapingLoop)
    patch.setattr(probe, "measure", _remembering(probe.measure))
    began = time.time() - time.perf_counter()
    patch.setattr(House, "now", lambda _: began + time.perf_counter())  # nobody sets the vendors' clocks
    async with Sandbox() as sandbox, RoughWire(sandbox, loop.leap) as wire:
        yield World(loop, sandbox, wire, folder)
    gc.collect()
