"""One seed, one history: jobs through real code, past vendors that fail and workers that die, judged at the end."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sim_house import Quoter, Worker, as_simulated
from sim_judge import verdict
from sim_world import Wishes, World
from virtual_time import Stuck, TooLong

from shared_knowledge.caps import Limits, OverCap
from shared_knowledge.vocabulary import Brief, Money

__all__ = ["Story", "live"]

_ENOUGH_S = 50_000.0
_A_PAUSE_S = 5.0


@dataclass
class Story:
    """What came of one seed."""

    seed: int
    hash: str = ""
    violations: list[str] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    orders: Counter[str] = field(default_factory=Counter)
    kills: int = 0
    job_minutes: float = 0.0
    steps: int = 0
    trace: list[str] = field(default_factory=list)


class History:
    """The script of one seed: what happens when, and to whom."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.dice = world.dice
        self.quoter = Quoter(world)
        self.workers: list[Worker] = []
        self.jobs: dict[str, float] = {}
        self.ended: dict[str, float] = {}

    async def happens(self) -> None:
        """Chaos, then calm: two clean starts may finish what is left, a third must find nothing to do."""
        world, wishes = self.world, self.world.wishes
        self.new_worker()
        plan = sorted(self.plan(), key=lambda entry: entry[0])
        for at_s, act in plan:
            await asyncio.sleep(max(0.0, at_s - world.loop.time()))
            act()
        await asyncio.sleep(max(0.0, wishes.chaos_s - world.loop.time()))
        self.calm()
        for name in self.jobs:
            world.ceilings.setdefault(name, 10**9)
        first = await self.starts_anew()
        if self.dice.random() < 0.5:
            await self.persons_decide(first)
        await self.starts_anew()
        before = self.standing()
        requests = sum(vendor.requests for vendor in world.vendors.values())
        await self.starts_anew()
        if self.standing() != before:
            world.accuse("a third clean start changed something")
        if sum(vendor.requests for vendor in world.vendors.values()) != requests:
            world.accuse("a third clean start bought something")

    # ── chaos ──────────────────────────────────────────────────────────────────────────────────

    def plan(self) -> Iterator[tuple[float, Callable[[], None]]]:
        """Who comes when, who dies when."""
        dice, wishes = self.dice, self.world.wishes
        end_s = wishes.chaos_s
        begins = [dice.uniform(0, end_s / 3) for _ in range(wishes.jobs)]

        def soon() -> float:
            return dice.choice(begins) + dice.expovariate(1 / 60)

        for number, at_s in enumerate(begins):
            yield at_s, self.submit(f"job-{number}")
        for _ in range(dice.randint(0, wishes.kills)):
            yield soon(), self.kill
        for _ in range(dice.randint(0, 2) if wishes.zombies else 0):
            yield soon(), dice.choice([self.lose_a_lock, self.freeze])
        for _ in range(dice.randint(0, 2)):
            yield soon(), dice.choice([self.cancel, self.resume, self.resume])
        for _ in range(dice.randint(0, 1) if wishes.clock_jumps else 0):
            yield soon(), self.jump
        for vendor in self.world.vendors.values():
            if dice.random() < 0.25 * wishes.intensity and not vendor.local:
                from_s = max(0.0, soon() - 30)
                vendor.dead.append((from_s, from_s + dice.uniform(5, 600)))

    def submit(self, name: str) -> Callable[[], None]:
        """A job comes in, at whatever worker is there."""
        dice = self.dice
        brief = Brief(
            text=name,
            on_doubt="buy-again" if dice.random() < 0.2 else "hold",
            on_refusal="elsewhere" if dice.random() < 0.3 else "stop",
        )
        tenant, key = dice.choice(["local", "acme"]), dice.choice([None, "k1"])

        def act() -> None:
            self.jobs[name] = self.world.loop.time()
            self.world.saw("submit", name)
            worker = self.a_worker()
            worker.does(lambda: worker.takes_in(brief, tenant=tenant, key=key))

        return act

    def kill(self) -> None:
        """kill -9, in the middle of whatever it does, and a new process a moment later."""
        self.lie_in_wait(self.a_worker())

    def lie_in_wait(self, worker: Worker) -> None:
        """It dies before one of its next steps."""
        self.world.loop.ambush(worker.number, int(self.dice.expovariate(1 / 60)), lambda: self.dies(worker))

    def dies(self, worker: Worker) -> None:
        """Nothing of it is left, and another comes for it."""
        world = self.world
        world.loop.kill(worker.number)
        self.workers.remove(worker)
        world.faults["killed"] += 1
        world.saw("killed", worker.number)
        world.later(self.dice.expovariate(1 / 10), self.comes_back)

    def comes_back(self) -> None:
        """The next process; it may die while it recovers, too."""
        worker = self.new_worker()
        if self.dice.random() < 0.35 and not self.world.is_calm:
            self.lie_in_wait(worker)

    def freeze(self) -> None:
        """A worker stands still for a while, somebody else takes over, and then it wakes up."""
        world, worker = self.world, self.a_worker()
        seconds = self.dice.uniform(1, world.wishes.longest_freeze_s)

        def act() -> None:
            nonlocal seconds
            if "late zombies" not in world.wishes.hazards and self.somebody_is_sending:
                seconds = min(seconds, _A_PAUSE_S)
            world.loop.freeze(worker.number)
            world.saw("frozen", worker.number, f"{seconds:.1f}")
            world.faults["frozen"] += 1
            world.later(seconds, lambda: world.loop.thaw(worker.number))
            for job in list(self.jobs):
                world.locks.lose(job)
            self.new_worker()

        world.loop.ambush(worker.number, int(self.dice.expovariate(1 / 40)), act)

    @property
    def somebody_is_sending(self) -> bool:
        """Whether an order is written down as sent, and has not arrived anywhere yet."""
        sending = self.world.look("select id from orders where state = 'sending'")
        return any(order not in self.world.sendings for (order,) in sending)

    def lose_a_lock(self) -> None:
        """A lock is lost although who held it lives; another worker takes the job up beside it."""
        if not self.jobs:
            return
        job = self.dice.choice(sorted(self.jobs))
        self.world.locks.lose(job)
        self.world.saw("lock lost", job)
        self.world.faults["lock lost"] += 1
        self.new_worker()

    def cancel(self) -> None:
        """A person changes their mind."""
        self.a_person_asks("cancel", lambda worker, job: worker.studio.cancel(job))

    def resume(self) -> None:
        """A person says: once more."""
        self.a_person_asks("resume", self._resume)

    async def _resume(self, worker: Worker, job: str) -> None:
        await worker.studio.resume(job)
        await worker.all_done()

    def a_person_asks(self, what: str, ask: Callable[[Worker, str], Any]) -> None:
        if self.jobs:
            worker, job = self.a_worker(), self.dice.choice(sorted(self.jobs))
            self.world.saw("a person:", what, job)
            self.world.faults[f"a person: {what}"] += 1
            worker.does(lambda: ask(worker, job))

    def jump(self) -> None:
        """The clock on the wall is put right, or wrong."""
        self.world.clock_is_off_s += self.dice.choice([-3600, -60, 60, 3600])
        self.world.faults["clock jumps"] += 1
        self.world.saw("clock", self.world.clock_is_off_s)

    def a_worker(self) -> Worker:
        return self.dice.choice(self.workers) if self.workers else self.new_worker()

    def new_worker(self) -> Worker:
        """A process comes up and looks around."""
        worker = Worker(self.world, self.quoter)
        self.workers.append(worker)
        worker.does(worker.starts_up)
        return worker

    # ── calm ───────────────────────────────────────────────────────────────────────────────────

    def calm(self) -> None:
        """From now on everything works."""
        self.world.is_calm = True
        for vendor in self.world.vendors.values():
            vendor.dead.clear()
        self.world.saw("calm")

    async def starts_anew(self) -> Worker:
        """Everybody dies, and one comes up and sees to everything."""
        for worker in self.workers:
            self.world.loop.kill(worker.number)
        await asyncio.sleep(1.0)
        worker = Worker(self.world, self.quoter)
        self.workers = [worker]
        async with asyncio.timeout(_ENOUGH_S):
            await worker.does(worker.starts_up)
        return worker

    async def persons_decide(self, worker: Worker) -> None:
        """Persons look at the vendors', say the truth, and have the jobs carried on."""
        for order in worker.studio.doubtful():
            vendor = self.world.vendors[order.platform]
            booking = next((each for each in vendor.bookings if each.order.id == order.id), None)
            self.world.by_a_person.add(order.id)
            if booking is not None and not vendor.at_once:
                decision = ("adopt", booking.number)
            elif booking is not None and booking.charged:
                decision = (self.dice.choice(["charged-and-lost", "buy-again"]), None)
            else:
                decision = ("never-charged", None)
            self.world.saw("decided", order.id, *decision)
            await worker.does(lambda o=order, d=decision: worker.studio.decide(o.id, *d))
        await worker.does(worker.studio.recover)
        for job in sorted(self.jobs):
            if self.world.look("select 1 from jobs where id = ? and state = 'in_doubt'", job):
                async with asyncio.timeout(_ENOUGH_S):
                    await worker.does(lambda j=job: self._resume(worker, j))

    def standing(self) -> list[tuple[Any, ...]]:
        """How everything stands in the ledger."""
        return [
            *self.world.look("select id, state, cost, why from orders order by id"),
            *self.world.look("select id, state from jobs order by id"),
            *self.world.look("select * from budgets order by id"),
        ]


def live(seed: int, wishes: Wishes | None = None) -> Story:
    """The history of a seed, from its beginning to its judgement."""
    wishes = wishes or Wishes()
    world = World(seed, wishes)
    world.limits = _limits(world)
    history = History(world)
    try:
        with as_simulated(world):
            try:
                world.run(history.happens())
            except (Stuck, TooLong, TimeoutError) as error:
                world.accuse(f"the world stood still: {error}")
            return _told(history)
    finally:
        world.close()


def _limits(world: World) -> Limits:
    """Caps of every kind, some of them tight."""
    dice = world.dice

    def some(*names: str) -> dict[str, Money]:
        return {name: Money(dice.randrange(100_000, 900_000)) for name in names if dice.random() < 0.3}

    tight = dice.random() < 0.2
    return Limits(
        a_day=Money(dice.randrange(200_000, 600_000) if tight else 10**8),
        by_tenant=some("acme", "local"),
        by_key=some("k1"),
        by_platform=some("lists", "words", "quick"),
        over_cap=dice.choice([OverCap.REFUSE, OverCap.WARN]),
    )


def _told(history: History) -> Story:
    world = history.world
    now = world.loop.time()
    return Story(
        seed=world.seed,
        violations=verdict(world),
        hash=world.hash,
        faults=world.faults,
        states=Counter(dict(world.look("select state, count(*) from jobs group by 1"))),
        orders=Counter(dict(world.look("select state, count(*) from orders group by 1"))),
        kills=world.faults["killed"],
        job_minutes=sum(min(now, world.wishes.chaos_s) - begun for begun in history.jobs.values()) / 60,
        steps=world.loop.steps,
        trace=world.trace,
    )
