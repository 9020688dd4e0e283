"""A race for money: who runs, for which purse, in which way; and what the tables must say afterwards.

A race is drawn from its kind and its number alone, so that every process that takes part knows all of it.
"""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import cached_property
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Any, NamedTuple, Protocol, Self

from warm import Warm

from orchestrator.store.book import SqlBook
from orchestrator.store.database import open_database
from orchestrator.store.jobs import Jobs
from shared_knowledge.caps import Limits, OverCap
from shared_knowledge.cost_tracker import CostTracker, OrderMoved
from shared_knowledge.errors import OverBudget
from shared_knowledge.vocabulary import Brief, Money, Order, OrderState, PhotoSpec

__all__ = ["SERIES", "WAYS", "Kind", "Race", "Totals", "Violation", "control", "run_races", "take_part"]

RACERS = 200
_THREADS, _PROCESSES = 8, 4
_PLENTY = Money(10**12)
_FIRST_DAY = date(2026, 1, 1)
_PLATFORMS = ("runway", "luma", "kling")
_TENANTS = ("ana", "ben")
_LOOK_EVERY_S = 0.01
_AT_MOST_S = 120.0

_LOOK = """
    select budgets.id, cap, reserved, spent, coalesce((select sum(amount) from holds where budget = budgets.id), 0)
    from budgets where budgets.id in ({})
"""
_ROWS = "select job, task, price, cost, state from orders where job in ({})"


class Violation(AssertionError):
    """The tables say what must never be."""


class Kind(StrEnum):
    """What the racers do."""

    ONE_BUDGET = "one budget, one price"
    MANY_CAPS = "job, day, tenant and platform caps at once, any price"
    SOFT_CAPS = "caps that only warn"
    COMING_AND_GOING = "orders settled and dropped while others are placed"
    SETTLED_TWICE = "every order settled by everybody"
    SENT_OR_CANCELLED = "every order sent by some and cancelled by others"


_EVERYBODY_RUNS_ALL = {Kind.SETTLED_TWICE, Kind.SENT_OR_CANCELLED}


class Racer(NamedTuple):
    """One order somebody wants to place, and what becomes of it; or one that is there and is fought for."""

    task: str
    job: str
    platform: str
    tenant: str
    price: Money
    cost: Money | None = None  # what it is settled at; None where it is dropped, or left as it is
    dropped: bool = False


@dataclass(frozen=True)
class Race:
    """One race of a kind."""

    kind: Kind
    number: int
    racers: tuple[Racer, ...]
    ceiling: Money
    limits: Limits

    @classmethod
    def draw(cls, kind: Kind, number: int) -> Race:
        """The race of that number: always the same one."""
        luck = Random(f"{kind.name} {number}")
        price = Money(luck.randint(1, 900_000))
        many = kind not in {Kind.ONE_BUDGET, Kind.SETTLED_TWICE, Kind.SENT_OR_CANCELLED}
        count = 40 if kind in _EVERYBODY_RUNS_ALL else RACERS
        racers = []
        for place in range(count):
            tenant = luck.choice(_TENANTS) if many else _TENANTS[0]
            price = Money(luck.randint(0, 900_000)) if many else price
            settled = kind in _EVERYBODY_RUNS_ALL or (kind is Kind.COMING_AND_GOING and luck.random() < 0.3)
            racers.append(
                Racer(
                    task=f"photo-{place}",
                    job=f"job_{kind.name.lower()}_{number}_{tenant}",
                    platform=luck.choice(_PLATFORMS),
                    tenant=tenant,
                    price=price,
                    cost=Money(luck.randint(0, int(price))) if settled else None,
                    dropped=kind is Kind.COMING_AND_GOING and luck.random() < 0.6,
                )
            )
        whole = sum(racer.price for racer in racers)
        if kind in _EVERYBODY_RUNS_ALL:
            return cls(kind, number, tuple(racers), Money(whole), Limits(a_day=Money(whole)))
        if kind is Kind.ONE_BUDGET:
            return cls(
                kind, number, tuple(racers), Money(luck.randint(0, whole * 6 // 5)), Limits(a_day=_PLENTY)
            )

        def share() -> Money:
            return Money(luck.randint(0, whole // 2))

        limits = Limits(
            a_day=Money(luck.randint(whole // 4, whole)),
            by_tenant={"ana": share(), "*": share()},
            by_platform={"runway": share(), "luma": share()},
            over_cap=OverCap.WARN if kind is Kind.SOFT_CAPS else OverCap.REFUSE,
        )
        return cls(kind, number, tuple(racers), Money(luck.randint(whole // 4, whole)), limits)

    @property
    def jobs(self) -> dict[str, str]:
        """The jobs that take part, and whose they are."""
        return {racer.job: racer.tenant for racer in self.racers}

    @cached_property
    def now(self) -> datetime:
        """A day of its own for each race, so that each has its own purse for the day."""
        kinds = list(Kind)
        day = _FIRST_DAY + timedelta(days=self.number * len(kinds) + kinds.index(self.kind))
        return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)

    def share(self, place: int, of: int) -> Sequence[Racer]:
        """Who runs for one of several parties, in an order of its own."""
        mine = self.racers if self.kind in _EVERYBODY_RUNS_ALL else self.racers[place::of]
        return Random(f"{self.number} {place}").sample(mine, len(mine))

    @cached_property
    def purses(self) -> dict[Racer, dict[str, tuple[int, bool]]]:
        """Every cap over each racer, with its limit and whether it only warns."""
        seen: dict[tuple[str, str], dict[str, tuple[int, bool]]] = {}
        for racer in self.racers:
            if (racer.job, racer.platform) not in seen:
                caps = self.limits.caps(_order(racer), self.ceiling, self.now.date())
                seen[racer.job, racer.platform] = {cap.budget: (int(cap.limit), cap.soft) for cap in caps}
        return {racer: seen[racer.job, racer.platform] for racer in self.racers}


def _order(racer: Racer) -> Order:
    return Order(
        id=f"{racer.job}_{racer.task}",
        job=racer.job,
        tenant=racer.tenant,
        fence=0,
        task=racer.task,
        piece=1,
        attempt=1,
        platform=racer.platform,
        model="m",
        price=racer.price,
        prompt="a candle",
        spec=PhotoSpec(subject="a candle"),
    )


Tracker = Callable[..., CostTracker]


class Party:
    """Some of the racers, with a database of their own; the one place that knows how money is asked for."""

    def __init__(self, url: str, place: int = 0, of: int = 1, tracker: Tracker | None = None) -> None:
        self.database = open_database(url)
        self._place, self._of = place, of
        self._tracker = tracker or CostTracker

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, wrong: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.database.close()

    def run(self, race: Race) -> Counter[str]:
        """All of them at once; how it went for how many."""

        async def all_at_once() -> Counter[str]:
            tracker = self._tracker(SqlBook(self.database), race.limits, now=lambda: race.now)
            racers = race.share(self._place, self._of)
            return Counter(await asyncio.gather(*(self._run(tracker, race, racer) for racer in racers)))

        return asyncio.run(all_at_once())

    async def prepare(self, race: Race) -> None:
        """The jobs, and the orders that are fought for."""
        jobs, tracker = (
            Jobs(self.database),
            CostTracker(SqlBook(self.database), race.limits, now=lambda: race.now),
        )
        for job, tenant in race.jobs.items():
            await jobs.add(job, Brief(text="candles"), "/nowhere", tenant=tenant)
        if race.kind in _EVERYBODY_RUNS_ALL:
            await asyncio.gather(*(self._fought_for(tracker, race, racer) for racer in race.racers))

    async def _fought_for(self, tracker: CostTracker, race: Race, racer: Racer) -> None:
        order = await tracker.place(_order(racer), race.ceiling)
        if race.kind is Kind.SETTLED_TWICE:
            await _stored(tracker, order)

    async def _run(self, tracker: CostTracker, race: Race, racer: Racer) -> str:
        if race.kind in _EVERYBODY_RUNS_ALL:
            return await self._fight(tracker, race, racer)
        try:
            order = await tracker.place(_order(racer), race.ceiling)
        except OverBudget:
            return "refused"
        if racer.dropped:
            await tracker.drop(order, "nobody wants it")
        elif racer.cost is not None:
            await tracker.settle(await _stored(tracker, order), racer.cost)
        return "admitted"

    async def _fight(self, tracker: CostTracker, race: Race, racer: Racer) -> str:
        assert racer.cost is not None
        state = OrderState.STORED if race.kind is Kind.SETTLED_TWICE else OrderState.RESERVED
        order = _order(racer).model_copy(update={"state": state})
        try:
            if race.kind is Kind.SETTLED_TWICE:
                await tracker.settle(order, racer.cost)
            elif self._place % 2:
                await tracker.cancel(order, "the person said so")
            else:
                await tracker.sending(order)
        except OrderMoved:
            return "too late"
        return "first"


class CheckThenSpend(CostTracker):
    """How it is usually done, and what it is for here: a judge that lets this pass is blind."""

    async def place(self, order: Order, ceiling: Money) -> Order:
        """Looks whether there is enough, and if so, takes it."""
        left = await self.afford(order, ceiling)
        if left is not None and left < order.price:
            raise OverBudget("There is not enough left.")
        return await super().place(order, _PLENTY)


async def _stored(tracker: CostTracker, order: Order) -> Order:
    return await tracker.stored(await tracker.ready(await tracker.sending(order), {}), "a.png")


# ── the ways to run ────────────────────────────────────────────────────────────────────────────


class Way(Protocol):
    """How the racers run: it is opened once for many races."""

    def run(self, race: Race) -> Counter[str]:
        """One race; how it went for how many."""


@contextmanager
def _as_coroutines(url: str, warm: Warm) -> Iterator[Way]:
    """All in one loop, before one database."""
    with Party(url) as party:
        yield party


@contextmanager
def _as_threads(url: str, warm: Warm) -> Iterator[Way]:
    """In eight threads of one process, each with a database of its own."""
    with ExitStack() as open_parties:
        yield _Threads([open_parties.enter_context(Party(url, place, _THREADS)) for place in range(_THREADS)])


@contextmanager
def _as_processes(url: str, warm: Warm) -> Iterator[Way]:
    """In four processes, forked from a warm one."""
    with tempfile.TemporaryDirectory(prefix="race") as folder:
        address = f"{folder}/line"
        with Listener(address, "AF_UNIX") as listener:
            here = Path(__file__).parent
            asked = {"url": url, "address": address, "of": _PROCESSES}
            children = [
                warm.spawn(call="racing:take_part", args={**asked, "place": place}, path=[here, here.parent])
                for place in range(_PROCESSES)
            ]
            lines = [listener.accept() for _ in children]
        try:
            yield _Processes(lines)
        except (EOFError, OSError) as gone:
            raise Violation("\n".join(child.said[1] for child in children)) from gone
        finally:
            for line in lines:
                line.close()
            ends = [child.wait(_AT_MOST_S) for child in children]
        if any(end.returncode for end in ends):
            raise Violation("\n".join(end.stderr for end in ends))


WAYS: dict[str, Callable[[str, Warm], Any]] = {
    "coroutines": _as_coroutines,
    "threads": _as_threads,
    "processes": _as_processes,
}


SERIES = [
    (way, kind) for way in WAYS for kind in Kind if way != "coroutines" or kind not in _EVERYBODY_RUNS_ALL
]
"""Every sort of race: what everybody runs for needs more than one who runs."""


class _Threads:
    def __init__(self, parties: Sequence[Party]) -> None:
        self._parties = parties

    def run(self, race: Race) -> Counter[str]:
        outcomes: list[Counter[str]] = []
        start = threading.Barrier(len(self._parties))

        def run(party: Party) -> None:
            start.wait(_AT_MOST_S)
            outcomes.append(party.run(race))

        threads = [threading.Thread(target=run, args=(party,)) for party in self._parties]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if len(outcomes) < len(threads):
            raise Violation(
                f"{len(threads) - len(outcomes)} threads did not finish {race.kind} {race.number}"
            )
        return sum(outcomes, Counter())


class _Processes:
    def __init__(self, lines: Sequence[Connection]) -> None:
        self._lines = lines

    def run(self, race: Race) -> Counter[str]:
        for line in self._lines:
            line.send((race.kind.name, race.number))
        for line in self._lines:
            self._heard(line)
        for line in self._lines:
            line.send("go")
        return sum((Counter(self._heard(line)) for line in self._lines), Counter())

    def _heard(self, line: Connection) -> Any:
        if not line.poll(_AT_MOST_S):
            raise Violation("a process says nothing any more")
        return line.recv()


def take_part(url: str, address: str, place: int, of: int) -> None:
    """One process: runs in every race it is told of, until there are no more."""
    with Client(address) as line, Party(url, place, of) as party:
        while True:
            try:
                kind, number = line.recv()
            except EOFError:
                return
            race = Race.draw(Kind[kind], number)
            line.send("ready")
            line.recv()
            line.send(dict(party.run(race)))


# ── what the tables say ────────────────────────────────────────────────────────────────────────


class Tables:
    """The tables, read from outside the product; each question is answered from one moment."""

    def __init__(self, url: str) -> None:
        self._file = url.removeprefix("sqlite:///") if url.startswith("sqlite:///") else None
        if self._file is not None:
            self._session: Any = sqlite3.connect(
                f"file:{self._file}?mode=ro", uri=True, check_same_thread=False
            )
        else:
            import psycopg

            self._session = psycopg.connect(url, autocommit=True)

    def ask(self, question: str, names: Sequence[str]) -> list[tuple[Any, ...]]:
        """The rows about these."""
        mark = "?" if self._file is not None else "%s"
        rows = self._session.execute(question.format(", ".join([mark] * len(names))), list(names)).fetchall()
        return [tuple(row) for row in rows]

    def close(self) -> None:
        """Ends the session."""
        self._session.close()


@contextmanager
def _watched(url: str, race: Race) -> Iterator[Callable[[], int]]:
    """Looks at the purses while the race is on: never over, and never other than what is held."""
    names = sorted({name for racer in race.racers for name in race.purses[racer]})
    over, looks, wrong = threading.Event(), 0, list[str]()

    def watch() -> None:
        nonlocal looks
        with closing(Tables(url)) as tables:
            while True:
                last = over.is_set()
                looks += 1
                for name, cap, reserved, spent, held in tables.ask(_LOOK, names):
                    if reserved + spent > cap or reserved != held or min(reserved, spent) < 0:
                        wrong.append(f"{name}: {reserved} reserved ({held} held), {spent} spent, of {cap}")
                if last:
                    return
                over.wait(_LOOK_EVERY_S)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield lambda: looks
    finally:
        over.set()
        watcher.join()
    if wrong:
        raise Violation(f"{race.kind} {race.number}: {wrong[0]} ({len(wrong)} times in {looks} looks)")


def judge(url: str, race: Race, outcomes: Counter[str]) -> None:
    """Raises Violation unless the tables say exactly what the race must come to."""
    with closing(Tables(url)) as tables:
        rows = tables.ask(_ROWS, list(race.jobs))
        names = sorted({name for racer in race.racers for name in race.purses[racer]})
        purses = {name: (cap, reserved, spent) for name, cap, reserved, spent, _ in tables.ask(_LOOK, names)}
    by_order = {(racer.job, racer.task): racer for racer in race.racers}
    reserved: defaultdict[str, int] = defaultdict(int)
    spent: defaultdict[str, int] = defaultdict(int)
    states: Counter[str] = Counter()
    for job, task, price, cost, state in rows:
        states[state] += 1
        for name in race.purses[by_order[job, task]]:
            reserved[name] += price if not OrderState(state).over else 0
            spent[name] += cost or 0
    told = f"{race.kind} {race.number}: {dict(outcomes)}, {dict(states)}"
    for name, (cap, held, booked) in purses.items():
        expect(held == reserved[name] and booked == spent[name], f"{told}: {name} differs from its rows")
        expect(held + booked <= cap, f"{told}: {name} is over its cap")
    placed = {(job, task) for job, task, *_ in rows}
    _RULES[race.kind](race, outcomes, states, purses, placed, told)


def expect(holds: bool, said: str) -> None:
    """Raises Violation where it does not hold."""
    if not holds:
        raise Violation(said)


Purses = dict[str, tuple[int, int, int]]
Placed = set[tuple[str, str]]


def _exactly_what_fits(
    race: Race, outcomes: Counter[str], states: Counter[str], purses: Purses, placed: Placed, told: str
) -> None:
    price = race.racers[0].price
    fits = min(len(race.racers), int(race.ceiling) // int(price))
    expect(outcomes["admitted"] == states["reserved"] == len(placed) == fits, f"{told}, but {fits} fit")
    expect(outcomes["refused"] == len(race.racers) - fits, told)


def _nobody_refused_who_fits(
    race: Race, outcomes: Counter[str], states: Counter[str], purses: Purses, placed: Placed, told: str
) -> None:
    expect(outcomes["admitted"] == states["reserved"] == len(placed), told)
    for racer in race.racers:
        if (racer.job, racer.task) in placed:
            continue
        walls = [
            (limit, *purses.get(name, (0, 0, 0))[1:])
            for name, (limit, soft) in race.purses[racer].items()
            if not soft
        ]
        tightest = min(limit - reserved - spent for limit, reserved, spent in walls)
        expect(tightest < racer.price, f"{told}: {racer} was refused and fits")


def _all_over(
    race: Race, outcomes: Counter[str], states: Counter[str], purses: Purses, placed: Placed, told: str
) -> None:
    left = sum(
        1
        for racer in race.racers
        if (racer.job, racer.task) in placed and not racer.dropped and racer.cost is None
    )
    expect(states["reserved"] == left and outcomes["admitted"] == len(placed) == states.total(), told)
    expect(states["settled"] + states["failed_free"] + left == len(placed), told)


def _once_each(
    race: Race, outcomes: Counter[str], states: Counter[str], purses: Purses, placed: Placed, told: str
) -> None:
    expect(outcomes["first"] == len(race.racers) == states.total(), told)
    ends = {"settled"} if race.kind is Kind.SETTLED_TWICE else {"sending", "cancelled"}
    expect(states.keys() <= ends, told)


_RULES = {
    Kind.ONE_BUDGET: _exactly_what_fits,
    Kind.MANY_CAPS: _nobody_refused_who_fits,
    Kind.SOFT_CAPS: _nobody_refused_who_fits,
    Kind.COMING_AND_GOING: _all_over,
    Kind.SETTLED_TWICE: _once_each,
    Kind.SENT_OR_CANCELLED: _once_each,
}


class Totals(NamedTuple):
    """What many races came to."""

    races: int
    outcomes: Counter[str]
    looks: int
    took_s: float


def control(url: str) -> str:
    """What is found where two hundred check first and spend then; Violation if that is nothing."""
    race = Race.draw(Kind.ONE_BUDGET, 0)
    with Party(url, tracker=CheckThenSpend) as party:
        asyncio.run(party.prepare(race))
        outcomes = party.run(race)
    try:
        judge(url, race, outcomes)
    except Violation as found:
        return str(found)
    raise Violation("whoever checks first and spends then was not caught")


def run_races(url: str, way: str, kind: Kind, rounds: int, warm: Warm) -> Totals:
    """As many races of a kind, one after the other, on one ledger; Violation at the first that went wrong."""
    outcomes, looked, began = Counter[str](), 0, time.monotonic()
    with Party(url) as steward, WAYS[way](url, warm) as racers:
        for number in range(rounds):
            race = Race.draw(kind, number)
            asyncio.run(steward.prepare(race))
            with _watched(url, race) as looks:
                came = racers.run(race)
            judge(url, race, came)
            outcomes += came
            looked += looks()
    return Totals(rounds, outcomes, looked, time.monotonic() - began)
