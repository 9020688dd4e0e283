"""What a run that is no more had bought is brought home; what it only meant to buy costs nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentes.media.shelf import Shelf
from orchestrator.settlement import Settlement
from orchestrator.store.book import SqlBook
from orchestrator.store.database import open_database
from orchestrator.store.jobs import Jobs
from shared_knowledge.caps import Limits
from shared_knowledge.cost_tracker import CostTracker
from shared_knowledge.errors import Failed, InDoubt
from shared_knowledge.vocabulary import Brief, Medium, Money, Order, OrderState, PhotoSpec

S = OrderState
CEILING = Money(10_000_000)


class Ledger:
    """A ledger with one job, and an agent that brings every order it is given to its end."""

    def __init__(self, home: Path) -> None:
        self.database = open_database(home / "ledger.db")
        self.jobs, self.book = Jobs(self.database), SqlBook(self.database)
        self.tracker = CostTracker(self.book, Limits(a_day=CEILING))
        self.desks = home / "desks"
        self.shelf = Shelf(home / "shelf", self.desks)
        self.called: list[tuple[str, str]] = []
        self.lost: set[str] = set()

    async def order(self, name: str, state: OrderState, *, price: int = 400_000) -> Order:
        order = Order(
            id=f"ord_{name}",
            job="job_1",
            task=name,
            piece=1,
            attempt=1,
            platform="runway",
            model="gen4_turbo",
            price=Money(price),
            prompt="a candle",
            spec=PhotoSpec(subject="candle"),
        )
        order = await self.tracker.place(order, CEILING)
        if state is not S.RESERVED:
            order = await self.tracker.sending(order)
        if state is S.IN_DOUBT:
            return await self.tracker.doubt(order, "no answer came")
        if state is S.NEEDS_REVIEW:
            return await self.tracker.review(await self.tracker.doubt(order, "?"), "two look like it")
        if state in {S.SUBMITTED, S.READY, S.STORED}:
            order = await self.tracker.started(order, {"id": "7"})
        if state in {S.READY, S.STORED}:
            order = await self.tracker.ready(order, {})
        return await self.tracker.stored(order, "a.png") if state is S.STORED else order

    async def carry_on(self, order: Order) -> Order:
        self.called.append(("carry_on", order.id))
        if order.id in self.lost:
            raise InDoubt("nobody knows", platform="runway")
        order = await self.tracker.stored(await self.tracker.ready(order, {}), "a.png")
        return await self.tracker.settle(order, order.price)

    async def call_off(self, order: Order) -> Order:
        self.called.append(("call_off", order.id))
        if order.id in self.lost:
            raise Failed("it was half done", platform="runway")
        return await self.tracker.write_off(order, Money(100_000), "stopped")

    async def settlement(self) -> Settlement:
        agents = dict.fromkeys(Medium, self)
        return Settlement(
            agents,  # type: ignore[arg-type]
            self.jobs,
            self.book,
            self.tracker,
            self.shelf,
            "job_1",
            await self.jobs.take("job_1"),
        )

    def states(self) -> dict[str, OrderState]:
        return {order.task: order.state for order in self.book.orders("job_1")}

    def owed(self) -> tuple[int, int]:
        row = self.database.read(lambda t: t.row("budget", id="job:job_1"))
        return row["reserved"], row["spent"]


@pytest.fixture
async def ledger(tmp_path: Path):
    ledger = Ledger(tmp_path)
    await ledger.jobs.add("job_1", Brief(text="candles"), "/tmp/x")
    yield ledger
    ledger.database.close()


async def test_what_was_sent_is_collected_and_what_was_not_waits_for_its_job(ledger: Ledger) -> None:
    await ledger.order("meant", S.RESERVED)
    await ledger.order("sent", S.SUBMITTED)
    await ledger.order("free", S.SUBMITTED, price=0)
    ended = await (await ledger.settlement()).see_through(over=False)
    assert [order.task for order in ended] == ["sent"]
    assert ledger.states() == {"meant": S.RESERVED, "sent": S.SETTLED, "free": S.SUBMITTED}
    assert ledger.owed() == (400_000, 400_000)


async def test_a_job_that_is_over_gives_back_what_it_only_set_aside(ledger: Ledger) -> None:
    await ledger.order("meant", S.RESERVED)
    await ledger.order("drawn", S.STORED, price=0)
    await ledger.order("drawing", S.SENDING, price=0)
    await (await ledger.settlement()).see_through(over=True)
    assert ledger.states() == {"meant": S.CANCELLED, "drawn": S.SETTLED, "drawing": S.FAILED_FREE}
    assert ledger.owed() == (0, 0)
    assert ledger.called == []


async def test_one_that_cannot_be_settled_keeps_its_money_and_stops_no_other(ledger: Ledger) -> None:
    for name in ("first", "second", "third"):
        await ledger.order(name, S.SUBMITTED)
    ledger.lost = {"ord_second"}
    await (await ledger.settlement()).see_through(over=False)
    assert ledger.states() == {"first": S.SETTLED, "second": S.SUBMITTED, "third": S.SETTLED}
    assert ledger.owed() == (400_000, 800_000)


async def test_what_waits_for_a_person_is_left_to_that_person(ledger: Ledger) -> None:
    await ledger.order("odd", S.NEEDS_REVIEW)
    await (await ledger.settlement()).see_through(over=True)
    assert ledger.called == []
    assert ledger.owed() == (400_000, 0)


async def test_a_cancelled_jobs_orders_end_as_their_vendors_let_them(ledger: Ledger) -> None:
    await ledger.order("meant", S.RESERVED)
    await ledger.order("begun", S.SUBMITTED)
    await ledger.order("stubborn", S.SUBMITTED)
    ledger.lost = {"ord_stubborn"}
    (ledger.shelf.desk("ord_begun") / "half.part").write_bytes(b"x")
    (ledger.shelf.desk("ord_stubborn") / "answer").write_bytes(b"x")
    ended = await (await ledger.settlement()).let_go()
    assert {order.task for order in ended} == {"meant", "begun"}
    assert ledger.states() == {"meant": S.CANCELLED, "begun": S.FAILED_CHARGED, "stubborn": S.SUBMITTED}
    assert ledger.owed() == (400_000, 100_000)
    assert [desk.name for desk in ledger.desks.iterdir()] == ["ord_stubborn"]


async def test_a_run_that_was_overtaken_moves_nothing(ledger: Ledger) -> None:
    await ledger.order("meant", S.RESERVED)
    await ledger.order("begun", S.SUBMITTED)
    overtaken = await ledger.settlement()
    await ledger.jobs.take("job_1")
    assert await overtaken.see_through(over=True) == []
    assert ledger.states() == {"meant": S.RESERVED, "begun": S.SUBMITTED}
