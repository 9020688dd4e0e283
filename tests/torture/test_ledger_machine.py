"""The ledger against a model of what it promises: money is set aside before, booked once, and never beyond a cap."""

from __future__ import annotations

from collections import Counter
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
from ledger_promise import FROM, ONWARD, OPEN, TO, Entry, Promise, Purse
from two_houses import OpenedTwice, in_memory, opened_twice

from orchestrator.store.book import SqlBook
from orchestrator.store.jobs import Jobs
from shared_knowledge.caps import ANY, Limits, OverCap
from shared_knowledge.cost_tracker import CostTracker, OrderMoved
from shared_knowledge.errors import OverBudget
from shared_knowledge.vocabulary import Brief, Money, Order, OrderState, PhotoSpec

JOBS = {"job_1": "acme", "job_2": "acme", "job_3": "globex"}
PLATFORMS = ("runway", "kling")
DOLLARS = st.sampled_from([0, 100, 250, 400, 1000])


class LedgerMachine(RuleBasedStateMachine):
    """Any verb at any time, by whoever holds an old or a new copy of an order; the ledger does as promised."""

    def __init__(self, house: OpenedTwice) -> None:
        super().__init__()
        self.house = house
        self.witness = house.witness
        house.wipe()
        self.promise = Promise()
        self.now = datetime(2026, 11, 21, 22, tzinfo=UTC)
        self.books = [SqlBook(database, lambda: self.now) for database in house.databases]
        self.jobs = Jobs(house.databases[0], lambda: self.now)
        self.limits = Limits(a_day=Money(3000))
        self.copies: list[Order] = []
        for job, tenant in JOBS.items():
            self.wait(self.jobs.add(job, Brief(text="a mug"), "/tmp/x", tenant=tenant, key="k"))

    def wait(self, work: Any) -> Any:
        return self.house.loop.run_until_complete(work)

    def tracker(self, which: int) -> CostTracker:
        return CostTracker(self.books[which], self.limits, now=lambda: self.now)

    # ── what can happen ────────────────────────────────────────────────────────────────────────

    @rule(
        job=st.sampled_from(sorted(JOBS)),
        task=st.sampled_from(["photo-1", "photo-2"]),
        piece=st.integers(1, 2),
        platform=st.sampled_from(PLATFORMS),
        price=DOLLARS,
        ceiling=st.sampled_from([0, 400, 1000, 5000]),
        key=st.sampled_from([None, "k"]),
        late=st.sampled_from([0, 0, 0, 1]),
        which=st.integers(0, 1),
    )
    def somebody_orders(
        self,
        job: str,
        task: str,
        piece: int,
        platform: str,
        price: int,
        ceiling: int,
        key: str | None,
        late: int,
        which: int,
    ) -> None:
        promise, number = self.promise, f"ord_{len(self.promise.orders) + 1}"
        fence = promise.fences[job] - late
        order = Order(
            id=number,
            job=job,
            tenant=JOBS[job],
            key=key,
            fence=fence,
            task=task,
            piece=piece,
            attempt=1,
            platform=platform,
            model="m",
            price=Money(price),
            prompt="a mug",
            spec=PhotoSpec(subject="a mug"),
        )
        walls = self.walls(order, ceiling)
        place = (job, task, piece)
        refusals: set[type[Exception]] = set()
        if fence < promise.fences[job] or promise.is_open(place):
            refusals.add(OrderMoved)
        purses = {name: promise.purses.get(name, Purse()) for name in walls}
        if any(
            most is not None and purses[name].reserved + purses[name].spent + price > most
            for name, most in walls.items()
        ):
            refusals.add(OverBudget)
        try:
            placed = self.wait(self.tracker(which).place(order, Money(ceiling)))
        except (OrderMoved, OverBudget) as refusal:
            refusal_told: Exception | None = refusal
            placed = order
        else:
            refusal_told = None
        if refusal_told is not None:
            assert type(refusal_told) in refusals, f"refused without a reason: {refusal_told}"
            return
        assert not refusals, f"let through in spite of {refusals}"
        assert (placed.state, placed.attempt) == (OrderState.RESERVED, promise.attempts(place) + 1)
        for name, most in walls.items():
            purse = promise.purses.setdefault(name, Purse())
            purse.reserved += price
            purse.most = 2**62 if most is None else most
        promise.orders[number] = Entry(
            job, place, platform, price, f"{self.now:%Y-%m-%d}", list(walls), placed.attempt
        )
        self.copies.append(placed)

    def walls(self, order: Order, ceiling: int) -> dict[str, int | None]:
        """Every purse this comes out of, and how much may be in it; None where passing it is only said."""
        day, limits = f"{self.now:%Y-%m-%d}", self.limits
        walls: dict[str, int | None] = {f"job:{order.job}": ceiling, f"day:{day}": int(limits.a_day)}
        named = (
            ("tenant", order.tenant, limits.by_tenant),
            ("key", order.key, limits.by_key),
            ("platform", order.platform, limits.by_platform),
        )
        for scope, name, most in named:
            if name is not None and (name in most or ANY in most):
                hard = int(most[name] if name in most else most[ANY])
                walls[f"{scope}:{name}:{day}"] = None if limits.over_cap is OverCap.WARN else hard
        return walls

    @precondition(lambda self: self.copies)
    @rule(which=st.integers(0, 1), copy=st.integers(0, 99), verb=st.sampled_from(sorted(FROM)), cost=DOLLARS)
    def somebody_moves_some_copy(self, which: int, copy: int, verb: str, cost: int) -> None:
        self.move(which, self.copies[copy % len(self.copies)], verb, cost)

    @precondition(lambda self: self.copies)
    @rule(which=st.integers(0, 1), copy=st.integers(0, 3), steps=st.integers(1, 5), cost=DOLLARS)
    def somebody_carries_one_on(self, which: int, copy: int, steps: int, cost: int) -> None:
        """The usual way, from the newest copy that is known."""
        order = self.copies[-1 - copy % len(self.copies)]
        for _ in range(steps):
            verb = next((verb for verb in ONWARD if order.state in FROM[verb]), None)
            moved = self.move(which, order, verb, cost) if verb else None
            if moved is None:
                return
            order = moved

    @rule(
        job=st.sampled_from(sorted(JOBS)),
        price=DOLLARS,
        ceiling=st.sampled_from([400, 1000]),
        ends=st.sampled_from(["settle", "settle", "write_off", "review"]),
        cost=DOLLARS,
    )
    def somebody_buys_from_beginning_to_end(
        self, job: str, price: int, ceiling: int, ends: str, cost: int
    ) -> None:
        known = len(self.copies)
        self.somebody_orders(job, "photo-3", 1, "runway", price, ceiling, "k", 0, 0)
        verbs = {"settle": ONWARD, "write_off": (*ONWARD[:2], ends), "review": ("sending", "doubt", ends)}[
            ends
        ]
        if len(self.copies) > known:
            for verb in verbs:
                self.move(0, self.copies[-1], verb, cost)

    @precondition(lambda self: self.copies)
    @rule(
        which=st.integers(0, 1),
        copy=st.integers(0, 3),
        verb=st.sampled_from(["settle", "drop", "write_off", "cancel", "again"]),
        cost=DOLLARS,
    )
    def two_end_the_same_order(self, which: int, copy: int, verb: str, cost: int) -> None:
        """Whoever comes second finds it moved: nothing is booked or given back twice."""
        order = self.copies[-1 - copy % len(self.copies)]
        self.move(which, order, verb, cost)
        self.move(1 - which, order, verb, cost)

    def move(self, which: int, order: Order, verb: str, cost: int) -> Order | None:
        entry = self.promise.orders[order.id]
        is_lawful = order.state in FROM[verb]
        is_current = order.state == entry.state and (order.fence or 0) >= self.promise.fences[entry.job]
        tracker = self.tracker(which)
        given: dict[str, tuple[Any, ...]] = {
            "started": ({"id": "v1"},),
            "ready": ({"done": {"url": "x"}},),
            "stored": ("abc.png",),
            "settle": (Money(cost),),
            "write_off": (Money(cost), "charged and lost"),
            "sending": (),
        }
        try:
            moved: Order = self.wait(getattr(tracker, verb)(order, *given.get(verb, ("why",))))
        except AssertionError:
            assert not is_lawful, f"{verb} is lawful from {order.state}, and was refused"
            return None
        except OrderMoved:
            assert is_lawful
            assert not is_current, f"{verb} of {order.id} was refused to whoever held it rightly"
            return None
        assert is_lawful, f"{verb} from {order.state} went through"
        assert is_current, f"{verb} of {order.id} went through for whoever no longer held it"
        assert moved.state == TO[verb]
        entry.state = TO[verb]
        if verb in ("settle", "write_off"):
            entry.cost = cost
        if entry.state not in OPEN:
            self.promise.ends(entry, entry.cost or 0)
        self.copies.append(moved)
        return moved

    @rule(job=st.sampled_from(sorted(JOBS)), takes_up=st.booleans())
    def another_run_takes_the_job(self, job: str, takes_up: bool) -> None:
        """From now on, whoever had the job before changes nothing."""
        fence = self.wait(self.jobs.take(job))
        self.promise.fences[job] += 1
        assert fence == self.promise.fences[job]
        if takes_up:
            for task in ("photo-1", "photo-2"):
                self.copies += self.wait(self.tracker(1).orders_of(job, task, fence))

    @precondition(lambda self: self.copies)
    @rule(copy=st.integers(0, 3), verb=st.sampled_from(sorted(FROM)), which=st.integers(0, 1))
    def a_zombie_takes_a_step(self, copy: int, verb: str, which: int) -> None:
        """Whoever was overtaken holds the newest copy there is, and still changes nothing."""
        order = self.copies[-1 - copy % len(self.copies)]
        if order.state in OPEN:
            self.another_run_takes_the_job(order.job, False)
            lawful = [verb for verb, states in FROM.items() if order.state in states]
            assert self.move(which, order, verb if verb in lawful else lawful[0], 100) is None

    @rule(
        a_day=st.sampled_from([0, 500, 3000, 10**6]),
        tenant=st.sampled_from([None, "acme", ANY]),
        key=st.sampled_from([None, "k"]),
        platform=st.sampled_from([None, "runway", ANY]),
        most=st.sampled_from([0, 300, 1000, 5000]),
        over_cap=st.sampled_from(list(OverCap)),
    )
    def a_person_changes_the_limits(
        self,
        a_day: int,
        tenant: str | None,
        key: str | None,
        platform: str | None,
        most: int,
        over_cap: OverCap,
    ) -> None:
        def some(name: str | None) -> dict[str, Money]:
            return {} if name is None else {name: Money(most)}

        self.limits = Limits(
            a_day=Money(a_day),
            by_tenant=some(tenant),
            by_key=some(key),
            by_platform=some(platform),
            over_cap=over_cap,
        )

    @rule(hours=st.sampled_from([1, 3, 24]))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    # ── what is always true ────────────────────────────────────────────────────────────────────

    @invariant()
    def the_orders_stand_as_promised(self) -> None:
        told = {row[0]: row[1:] for row in self.witness.look("select id, state, cost, attempt from orders")}
        entries = self.promise.orders.items()
        assert told == {number: (entry.state, entry.cost, entry.attempt) for number, entry in entries}

    @invariant()
    def the_purses_hold_what_was_promised(self) -> None:
        told = {row[0]: row[1:] for row in self.witness.look("select id, reserved, spent, cap from budgets")}
        for name, (reserved, spent, cap) in told.items():
            purse = self.promise.purses.get(name, Purse())
            assert (reserved, spent) == (purse.reserved, purse.spent), name
            assert 0 <= reserved + spent <= cap
        assert set(self.promise.purses) <= set(told)

    @invariant()
    def holds_match_open_orders(self) -> None:
        told = set(self.witness.look("select order_id, budget, amount from holds"))
        assert told == self.promise.holds()

    @invariant()
    def the_books_say_the_sum_of_their_rows(self) -> None:
        true: Counter[tuple[str, str, str, str]] = Counter()
        for entry in self.promise.orders.values():
            where = (entry.day, entry.job, entry.platform)
            match entry.state:
                case "settled":
                    true[(*where, "spent")] += entry.cost or 0
                case "failed_charged":
                    true[(*where, "wasted")] += entry.cost or 0
                case "in_doubt" | "needs_review":
                    true[(*where, "in_doubt")] += entry.price
                case state if state in OPEN:
                    true[(*where, "reserved")] += entry.price
        told: Counter[tuple[str, str, str, str]] = Counter()
        for row in self.books[0].costs():
            for what in ("spent", "wasted", "in_doubt", "reserved"):
                told[(row.day, row.job, row.platform, what)] += int(getattr(row, what))
        assert +told == +true


def _prove(url: str, how_long: settings) -> None:
    with opened_twice(url) as house:
        run_state_machine_as_test(lambda: LedgerMachine(house), settings=how_long)  # type: ignore[arg-type]


def test_the_ledger_keeps_its_promises() -> None:
    with in_memory() as url:
        _prove(url, a_taste(40, 40))


@pytest.mark.torture
def test_the_ledger_keeps_its_promises_at_length() -> None:
    with in_memory() as url:
        _prove(url, everything(0.2))


@pytest.mark.torture
def test_the_ledger_keeps_its_promises_on_postgres(postgres: str) -> None:
    _prove(postgres, everything(0.05))
