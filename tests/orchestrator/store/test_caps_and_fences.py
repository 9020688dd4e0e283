"""Caps of every kind hold together or not at all, and a run that was overtaken is not heard."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.store.book import SqlBook
from orchestrator.store.jobs import Jobs
from shared_knowledge.caps import ANY, Cap, Limits, OverCap
from shared_knowledge.cost_tracker import CostTracker, OrderMoved
from shared_knowledge.errors import OverBudget
from shared_knowledge.vocabulary import Brief, JobState, Money, Order, OrderState, PhotoSpec, Shortfall

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
CEILING = Money(5_000_000)


@pytest.fixture
async def book(database):
    for job, tenant in (("job_1", "acme"), ("job_2", "globex")):
        await Jobs(database).add(job, Brief(text="a candle"), "/tmp/x", tenant=tenant, key="key_9")
    return SqlBook(database)


def an_order(name: str, *, price: int = 400_000, job: str = "job_1", **more: object) -> Order:
    order = Order(
        id=f"ord_{name}",
        job=job,
        tenant="acme" if job == "job_1" else "globex",
        key="key_9",
        task=name,
        piece=1,
        attempt=1,
        platform="runway",
        model="gen4_turbo",
        price=Money(price),
        prompt="a candle",
        spec=PhotoSpec(subject="candle"),
    )
    return order.model_copy(update=more)


def tracker_under(book: SqlBook, **limits: object) -> CostTracker:
    return CostTracker(book, Limits.model_validate({"a_day": Money(10_000_000), **limits}), now=lambda: NOW)


def owed(database, budget: str) -> tuple[int, int] | None:
    row = database.read(lambda t: t.row("budget", id=budget))
    return None if row is None else (row["reserved"], row["spent"])


class TestCaps:
    async def test_each_kind_holds_for_its_own_and_says_which_setting_moves_it(self, book, database):
        tracker = tracker_under(
            book,
            by_tenant={"acme": 500_000},
            by_key={ANY: 900_000},
            by_platform={"runway": 1_000_000, "kling": 0},
        )
        await tracker.place(an_order("a"), CEILING)
        with pytest.raises(OverBudget, match=r"tenant acme .*AGENTES_MAX_USD_PER_TENANT.* leaves \$0\.10"):
            await tracker.place(an_order("b"), CEILING)
        await tracker.place(an_order("c", job="job_2"), CEILING)  # another tenant
        with pytest.raises(OverBudget, match="AGENTES_MAX_USD_PER_KEY"):
            await tracker.place(an_order("d", job="job_2"), CEILING)
        with pytest.raises(OverBudget, match="AGENTES_MAX_USD_PER_PLATFORM"):
            await tracker.place(an_order("e", job="job_2", platform="kling", key=None, price=1), CEILING)
        assert owed(database, "tenant:acme:2026-11-21") == (400_000, 0)
        assert owed(database, "platform:runway:2026-11-21") == (800_000, 0)
        assert owed(database, "key:key_9:2026-11-21") == (800_000, 0)

    async def test_what_one_cap_refuses_is_set_aside_under_none(self, book, database):
        tracker = tracker_under(book, by_platform={"runway": 100_000})
        with pytest.raises(OverBudget):
            await tracker.place(an_order("a"), CEILING)
        assert owed(database, "job:job_1") is None
        assert owed(database, "day:2026-11-21") is None
        assert book.orders("job_1") == ()

    async def test_a_soft_cap_lets_through_and_says_so_for_good(self, book, database):
        tracker = tracker_under(book, by_tenant={ANY: 500_000}, over_cap=OverCap.WARN)
        first = await tracker.place(an_order("a"), CEILING)
        second = await tracker.place(an_order("b"), CEILING)
        assert first.warnings == ()
        (warning,) = second.warnings
        assert warning == (
            "This passed the cap of tenant acme for 2026-11-21 (AGENTES_MAX_USD_PER_TENANT) by $0.30."
        )
        assert book.orders("job_1")[1].warnings == (warning,)
        assert owed(database, "tenant:acme:2026-11-21") == (800_000, 0)

    async def test_the_day_and_the_ceiling_are_never_soft(self, book):
        tracker = tracker_under(book, a_day=Money(500_000), over_cap=OverCap.WARN)
        with pytest.raises(OverBudget, match="this job's ceiling leaves"):
            await tracker.place(an_order("a"), Money(300_000))
        await tracker.place(an_order("b"), CEILING)
        with pytest.raises(OverBudget, match="AGENTES_MAX_USD_PER_DAY"):
            await tracker.place(an_order("c"), CEILING)

    async def test_a_cap_that_was_soft_yesterday_is_a_wall_today(self, book):
        limits = {"by_tenant": {"acme": Money(500_000)}}
        soft = tracker_under(book, over_cap=OverCap.WARN, **limits)
        for name in ("a", "b"):
            await soft.place(an_order(name), CEILING)
        with pytest.raises(OverBudget, match=r"leaves \$0\.00"):
            await tracker_under(book, **limits).place(an_order("c", price=1), CEILING)

    async def test_what_can_be_afforded_is_what_the_tightest_wall_leaves(self, book):
        tracker = tracker_under(book, by_platform={"runway": 700_000})
        assert await tracker.afford(an_order("a"), CEILING) == 700_000
        await tracker.place(an_order("a"), CEILING)
        assert await tracker.afford(an_order("b"), CEILING) == 300_000
        assert await tracker.afford(an_order("b", platform="kling"), Money(450_000)) == 50_000
        assert await book.left([Cap(budget="x", limit=Money(1), soft=True)]) is None

    async def test_a_new_day_has_its_own_purse(self, book, database):
        day = [NOW]
        tracker = CostTracker(
            book,
            Limits(a_day=Money(10_000_000), by_platform={"runway": Money(400_000)}),
            now=lambda: day[0],
        )
        await tracker.place(an_order("a"), CEILING)
        day[0] += timedelta(days=1)
        await tracker.place(an_order("b"), CEILING)
        assert owed(database, "platform:runway:2026-11-22") == (400_000, 0)


class TestFences:
    async def test_every_taking_counts_up(self, book, database):
        assert [await Jobs(database).take("job_1") for _ in range(3)] == [1, 2, 3]

    async def test_one_that_was_overtaken_stops_before_it_sends(self, book, database):
        jobs, tracker = Jobs(database), tracker_under(book)
        old = await jobs.take("job_1")
        order = await tracker.place(an_order("a", fence=old), CEILING)
        new = await jobs.take("job_1")
        with pytest.raises(OrderMoved):
            await tracker.sending(order)
        with pytest.raises(OrderMoved):
            await tracker.place(an_order("b", fence=old), CEILING)
        (kept,) = await tracker.orders_of("job_1", "a", new)
        assert kept.state is OrderState.RESERVED
        assert (await tracker.sending(kept)).state is OrderState.SENDING

    async def test_it_can_neither_end_its_job_nor_say_what_became_of_a_task(self, book, database):
        jobs = Jobs(database)
        old, new = await jobs.take("job_1"), await jobs.take("job_1")
        assert not await jobs.move("job_1", JobState.FAILED, "zombie", fence=old)
        with pytest.raises(OrderMoved):
            await jobs.keep("job_1", Shortfall(task="a", why="zombie"), fence=old)
        assert jobs.outcomes("job_1") == {}
        assert await jobs.move("job_1", JobState.RUNNING, fence=new)

    async def test_of_many_who_take_it_at_once_only_the_last_may_send(self, book, database):
        jobs, tracker = Jobs(database), tracker_under(book)
        order = await tracker.place(an_order("a"), CEILING)
        fences = await asyncio.gather(*(jobs.take("job_1") for _ in range(20)))
        assert sorted(fences) == list(range(1, 21))
        sent = 0
        for fence in fences:
            try:
                await tracker.sending(order.model_copy(update={"fence": fence}))
                sent += 1
            except OrderMoved:
                pass
        assert sent == 1


async def test_sums_are_the_rows_and_lengths_and_tenants_are_in_them(book):
    tracker = tracker_under(book)
    for name, job, cost in (("a", "job_1", 300_000), ("b", "job_2", 410_000)):
        order = await tracker.place(an_order(name, job=job, duration_s=5.0), CEILING)
        order = await tracker.ready(await tracker.sending(order), {})
        measured_s = 5.25 if name == "b" else None
        await tracker.settle(await tracker.stored(order, "a.mp4", measured_s), Money(cost))
    lost = await tracker.place(an_order("c"), CEILING)
    await tracker.write_off(await tracker.sending(lost), Money(400_000), "it failed there")
    await tracker.doubt(await tracker.sending(await tracker.place(an_order("d"), CEILING)), "?")
    await tracker.place(an_order("e"), CEILING)
    rows, bought = book.costs(), book.bought()
    assert sum(row.spent + row.wasted for row in rows) == sum(row.cost or 0 for row in bought) == 1_110_000
    assert sum(row.in_doubt + row.reserved for row in rows) == 800_000
    assert {(row.tenant, row.made, row.failed, row.made_ms) for row in rows} == {
        ("acme", 1, 1, 5000),
        ("globex", 1, 0, 5250),
    }
    assert sum(row.estimated for row in rows) == 1_200_000
    assert [row.order for row in bought] == ["ord_a", "ord_b", "ord_c", "ord_d", "ord_e"]


async def test_a_file_that_was_paid_for_before_is_known_and_a_free_one_is_not(book):
    tracker = tracker_under(book)

    async def made(name: str, file: str, price: int = 100_000) -> Order:
        order = await tracker.place(an_order(name, price=price), CEILING)
        order = await tracker.ready(await tracker.sending(order), {})
        return await tracker.settle(await tracker.stored(order, file), Money(price))

    assert await tracker.twin(await made("a", "one.png")) is None
    assert await tracker.twin(await made("b", "one.png")) == "a of job_1"
    assert await tracker.twin(await made("c", "two.png")) is None
    assert await tracker.twin(await made("d", "one.png", price=0)) is None
