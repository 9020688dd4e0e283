"""The ledger: money set aside before it is spent, settled once, never over a cap."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from itertools import chain, repeat

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.store import sql
from orchestrator.store.book import SqlBook
from orchestrator.store.database import Conflict, Database, open_database
from orchestrator.store.jobs import AskRow, Event, Jobs
from shared_knowledge.caps import Limits
from shared_knowledge.cost_tracker import CostTracker, OrderMoved
from shared_knowledge.errors import BadRequest, Broken, OverBudget
from shared_knowledge.vocabulary import (
    Asset,
    Brief,
    JobState,
    Medium,
    Money,
    Order,
    OrderState,
    PhotoSpec,
    Shortfall,
    Task,
)

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.fixture
async def book(database: Database):
    await Jobs(database).add("job_1", Brief(text="a candle"), "/tmp/x")
    return SqlBook(database)


@pytest.fixture
def tracker(book: SqlBook):
    return CostTracker(book, Limits(a_day=Money(10_000_000)), now=lambda: NOW)


def an_order(number: int = 1, *, price: int = 400_000, task: str = "photo-1", piece: int = 1) -> Order:
    return Order(
        id=f"ord_{task}_{piece}_{number}",
        job="job_1",
        task=task,
        piece=piece,
        attempt=1,
        platform="runway",
        model="gen4_turbo",
        price=Money(price),
        prompt="a candle, 'quoted'",
        spec=PhotoSpec(subject="candle"),
    )


CEILING = Money(1_000_000)


async def budget(database: Database, name: str = "job:job_1") -> tuple[int, int]:
    row = database.read(lambda t: t.row("budget", id=name))
    return row["reserved"], row["spent"]


class TestWhatLooksAlike:
    """In a vendor's list, orders of the same words can be told apart by nothing but the moment they were sent."""

    async def test_whatever_was_booked_within_a_day_counts_however_its_clock_was_set(self, book):
        wall = [NOW]
        tracker = CostTracker(book, Limits(a_day=Money(10_000_000)), now=lambda: wall[0])

        async def sent(task: str, after: timedelta, **more: str) -> Order:
            wall[0] = NOW + after
            order = an_order(task=task, price=10_000).model_copy(update=more)
            return await tracker.sending(await tracker.place(order, CEILING))

        lost = await sent("photo-1", timedelta())
        made = await tracker.started(await sent("photo-2", timedelta(hours=-1)), {"id": "t2"})
        failed = await tracker.drop(
            await tracker.started(await sent("photo-3", timedelta(hours=3)), {"id": "t3"}), "it failed"
        )
        await tracker.drop(await sent("photo-4", timedelta()), "turned away at the door")
        await sent("photo-5", timedelta(), prompt="a mug")
        await sent("photo-6", timedelta(days=-2))
        assert {order.id for order in await tracker.alike(lost)} == {made.id, failed.id}

    async def test_a_sending_may_be_noted_again_and_only_by_whoever_has_the_job(self, tracker, database):
        jobs = Jobs(database)
        mine = an_order().model_copy(update={"fence": await jobs.take("job_1")})
        mine = await tracker.sending(await tracker.place(mine, CEILING))
        mine = await tracker.sending(mine)
        assert mine.state is OrderState.SENDING
        await jobs.take("job_1")
        with pytest.raises(OrderMoved):
            await tracker.sending(mine)


class TestOneOrder:
    async def test_walks_through_every_state_and_frees_what_it_did_not_cost(self, tracker, book, database):
        order = await tracker.place(an_order(), CEILING)
        assert await budget(database) == (400_000, 0)
        order = await tracker.sending(order)
        order = await tracker.started(order, {"id": "task_9"})
        order = await tracker.ready(order, {"url": "https://x"})
        order = await tracker.stored(order, "abc.png")
        order = await tracker.settle(order, Money(250_000))
        assert await budget(database) == (0, 250_000)
        assert await budget(database, "day:2026-11-21") == (0, 250_000)
        (kept,) = await tracker.orders_of("job_1", "photo-1")
        assert kept == order
        assert kept.receipt == {"id": "task_9", "url": "https://x"}

    async def test_is_settled_only_once(self, tracker, database):
        order = await tracker.place(an_order(), CEILING)
        for step in (tracker.sending, lambda o: tracker.started(o, {}), lambda o: tracker.ready(o, {})):
            order = await step(order)
        stored = await tracker.stored(order, "abc.png")
        await tracker.settle(stored, Money(300_000))
        with pytest.raises(OrderMoved):
            await tracker.settle(stored, Money(300_000))
        assert await budget(database) == (0, 300_000)

    async def test_charged_more_than_promised_counts_in_full_as_far_as_the_caps_have_room(
        self, tracker, book, database
    ):
        order = await tracker.place(an_order(), CEILING)
        order = await tracker.ready(await tracker.sending(order), {})
        await tracker.settle(await tracker.stored(order, "a.png"), Money(1_900_000))
        assert await budget(database) == (0, CEILING)  # a cap is never passed, not even by a vendor
        assert await budget(database, "day:2026-11-21") == (0, 1_900_000)
        assert book.orders("job_1")[0].cost == 1_900_000
        with pytest.raises(OverBudget):
            await tracker.place(an_order(2, price=1, piece=2), CEILING)

    async def test_in_doubt_keeps_its_money_set_aside(self, tracker, database):
        order = await tracker.sending(await tracker.place(an_order(), CEILING))
        await tracker.doubt(order, "the answer was lost")
        assert await budget(database) == (400_000, 0)

    async def test_dropped_frees_all_and_the_next_attempt_counts_up(self, tracker, database):
        order = await tracker.place(an_order(), CEILING)
        await tracker.drop(order, "refused")
        assert await budget(database) == (0, 0)
        again = await tracker.place(an_order(2), CEILING)
        assert again.attempt == 2

    async def test_may_not_skip_a_state(self, tracker):
        order = await tracker.place(an_order(), CEILING)
        with pytest.raises(AssertionError, match="reserved to settled"):
            await tracker.settle(order, Money(1))

    async def test_a_second_open_order_for_the_same_piece_is_impossible(self, tracker, database):
        await tracker.place(an_order(), CEILING)
        with pytest.raises(OrderMoved, match="already has an open order"):
            await tracker.place(an_order(2), CEILING)
        assert await budget(database) == (400_000, 0)


class TestCaps:
    async def test_the_job_ceiling_refuses_and_leaves_no_trace(self, tracker, book, database):
        await tracker.place(an_order(1, price=700_000), CEILING)
        with pytest.raises(OverBudget, match=r"this job's ceiling leaves \$0\.30"):
            await tracker.place(an_order(2, price=400_000, task="photo-2"), CEILING)
        assert await budget(database) == (700_000, 0)
        assert len(book.orders("job_1")) == 1

    async def test_the_day_refuses_what_the_job_would_allow(self, book, database):
        tracker = CostTracker(book, Limits(a_day=Money(500_000)), now=lambda: NOW)
        await tracker.place(an_order(1, price=400_000), CEILING)
        with pytest.raises(OverBudget, match="AGENTES_MAX_USD_PER_DAY"):
            await tracker.place(an_order(2, price=400_000, task="photo-2"), CEILING)
        assert await budget(database) == (400_000, 0)

    async def test_an_order_is_booked_on_the_day_it_was_placed(self, book, database):
        days = chain((NOW,), repeat(NOW + timedelta(days=1)))
        tracker = CostTracker(book, Limits(a_day=Money(500_000)), now=lambda: next(days))
        late = await tracker.place(an_order(1, price=400_000), CEILING)
        await tracker.place(an_order(2, price=400_000, task="photo-2"), CEILING)
        late = await tracker.ready(await tracker.sending(late), {})
        await tracker.settle(await tracker.stored(late, "a.png"), Money(300_000))
        assert await budget(database, "day:2026-11-21") == (0, 300_000)
        assert await budget(database, "day:2026-11-22") == (400_000, 0)

    async def test_what_is_free_may_be_ordered_under_a_ceiling_of_nothing(self, book, database):
        tracker = CostTracker(book, Limits(a_day=Money(0)), now=lambda: NOW)
        order = await tracker.place(an_order(price=0), Money(0))
        order = await tracker.ready(await tracker.sending(order), {})
        await tracker.settle(await tracker.stored(order, "a.png"), Money(0))
        assert await budget(database) == (0, 0)
        with pytest.raises(OverBudget):
            await tracker.place(an_order(2, price=1, task="photo-2"), Money(0))

    async def test_afford_tells_what_the_tightest_cap_leaves(self, tracker):
        assert await tracker.afford(an_order(), CEILING) == 1_000_000
        await tracker.place(an_order(1, price=999_999), CEILING)
        assert await tracker.afford(an_order(), CEILING) == 1

    async def test_two_hundred_racers_admit_exactly_what_the_budget_holds(self, tracker, database):
        racers = [tracker.place(an_order(n, price=300_000, task=f"photo-{n}"), CEILING) for n in range(200)]
        outcomes = await asyncio.gather(*racers, return_exceptions=True)
        assert sum(isinstance(outcome, Order) for outcome in outcomes) == 3
        assert sum(isinstance(outcome, OverBudget) for outcome in outcomes) == 197
        assert await budget(database) == (900_000, 0)

    @pytest.mark.parametrize(
        "statement",
        ["update budgets set reserved = cap + 1 where id = 'job:job_1'", "update orders set state = 'paid'"],
    )
    async def test_the_constraints_hold_even_against_a_statement_of_our_own(
        self, tracker, database, monkeypatch, statement
    ):
        await tracker.place(an_order(), CEILING)
        monkeypatch.setitem(sql._queries(), f"loose {statement}", statement)
        with pytest.raises(Conflict, match=r"(?i)check constraint"):
            await database.write(lambda t: t.run(f"loose {statement}"))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    prices=st.lists(st.integers(0, 600_000), min_size=1, max_size=12),
    ends=st.lists(st.booleans(), min_size=12),
)
def test_sums_always_equal_the_rows(database, prices, ends):
    async def walk() -> None:
        job = f"job_{len(Jobs(database).latest(1000))}"
        await Jobs(database).add(job, Brief(text="x"), "/tmp/x")
        book = SqlBook(database)
        tracker = CostTracker(book, Limits(a_day=Money(1_000_000_000)), now=lambda: NOW)
        for number, (price, ended) in enumerate(zip(prices, ends, strict=False)):
            order = an_order(number, price=price, task=f"photo-{number}")
            order = order.model_copy(update={"job": job, "id": f"{job}_{number}"})
            try:
                order = await tracker.place(order, CEILING)
            except OverBudget:
                continue
            if ended:
                order = await tracker.ready(await tracker.sending(order), {})
                await tracker.settle(await tracker.stored(order, "a.png"), Money(price // 2))
        rows = book.orders(job)
        held = sum(order.price for order in rows if not order.state.over)
        spent = sum(order.cost or 0 for order in rows)
        if rows:
            assert await budget(database, f"job:{job}") == (held, spent)
        assert held + spent <= CEILING
        assert sum(row.spent + row.reserved for row in book.costs() if row.job == job) == held + spent

    asyncio.run(walk())


class TestJobs:
    async def test_a_job_is_found_by_the_beginning_of_its_id(self, database):
        jobs = Jobs(database)
        await jobs.add("job_abc1", Brief(text="one"), "/tmp/1")
        await jobs.add("job_abd2", Brief(text="two"), "/tmp/2")
        assert jobs.get("job_abc").brief.text == "one"
        with pytest.raises(BadRequest, match=r"job_ab'.*job_abd2, job_abc1|job_ab'.*job_abc1, job_abd2"):
            jobs.get("job_ab")
        with pytest.raises(BadRequest, match="no job"):
            jobs.get("job_%")

    async def test_outcomes_events_and_asks_survive_a_restart(self, database, ledger):
        jobs = Jobs(database)
        await jobs.add("job_1", Brief(text="one"), "/tmp/1")
        asset = Asset(
            task="photo-1",
            medium=Medium.PHOTO,
            path="/x.png",
            sha256="ab",
            size_bytes=3,
            mime="image/png",
            platform="draft_picture",
            model="storyboard",
            cost=Money(0),
        )
        lack = Shortfall(task="voice-1", why="no voice")
        task = Task(id="photo-1.1", spec=PhotoSpec(subject="x"), asked_by="video-1", because="keyframe")
        await jobs.keep("job_1", asset)
        await jobs.keep("job_1", lack)
        await jobs.keep_ask("job_1", AskRow(task=task, asked_by="video-1", because="keyframe"))
        await jobs.note("job_1", Event(what="task", task="photo-1", phase="done"))
        reopened = open_database(ledger)
        again = Jobs(reopened)
        assert again.outcomes("job_1") == {"photo-1": asset, "voice-1": lack}
        assert again.asks("job_1")[0].task == task
        assert [event.phase for _, event in again.events("job_1")] == ["done"]
        await jobs.retry("job_1")
        assert again.outcomes("job_1") == {"photo-1": asset}
        reopened.close()

    async def test_state_follows_the_job(self, database):
        jobs = Jobs(database)
        await jobs.add("job_1", Brief(text="one"), "/tmp/1")
        await jobs.move("job_1", JobState.DONE)
        assert jobs.state("job_1") is JobState.DONE
        assert jobs.get("job_1").ended_at is not None

    async def test_cancelled_is_for_good(self, database):
        jobs = Jobs(database)
        await jobs.add("job_1", Brief(text="one"), "/tmp/1")
        assert await jobs.move("job_1", JobState.CANCELLED, "by a person")
        assert not await jobs.move("job_1", JobState.RUNNING)
        assert not await jobs.move("job_1", JobState.DONE)
        assert (jobs.get("job_1").state, jobs.get("job_1").why) == (JobState.CANCELLED, "by a person")

    async def test_what_has_ended_cannot_be_cancelled(self, database):
        jobs = Jobs(database)
        await jobs.add("job_1", Brief(text="one"), "/tmp/1")
        await jobs.move("job_1", JobState.PARTIAL)
        assert not await jobs.move("job_1", JobState.CANCELLED)
        assert jobs.state("job_1") is JobState.PARTIAL


class TestTheFile:
    def test_a_folder_that_cannot_be_written_is_said_in_words(self, tmp_path):
        (tmp_path / "home").write_text("a file where a folder should be")
        with pytest.raises(Broken, match="AGENTES_HOME"):
            open_database(tmp_path / "home" / "ledger.db")

    def test_a_file_that_is_no_database_is_said_in_words(self, tmp_path):
        (tmp_path / "ledger.db").write_bytes(b"this is not a database, it is a letter" * 40)
        with pytest.raises(Broken, match="cannot be used"):
            open_database(tmp_path / "ledger.db")

    def test_a_ledger_of_a_newer_program_is_left_alone(self, tmp_path):
        open_database(tmp_path / "ledger.db").close()
        newer = sqlite3.connect(tmp_path / "ledger.db")
        newer.execute("pragma user_version = 999")
        newer.close()
        with pytest.raises(Broken, match="newer Agentes"):
            open_database(tmp_path / "ledger.db")


class TestAsks:
    def test_what_write_returned_survives_a_kill(self, ledger):
        script = f"""
import asyncio, os, signal
from orchestrator.store.database import open_database
from orchestrator.store.jobs import Jobs
from shared_knowledge.vocabulary import Brief
async def go():
    jobs = Jobs(open_database({ledger!r}))
    await jobs.add("job_kept", Brief(text="kept"), "/tmp/x")
    os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(go())
"""
        died = subprocess.run([sys.executable, "-c", script], check=False)
        assert died.returncode == -9
        database = open_database(ledger)
        assert Jobs(database).get("job_kept").brief.text == "kept"
        database.close()

    async def test_one_failed_ask_does_not_take_its_neighbours_along(self, database):
        jobs = Jobs(database)
        await jobs.add("job_1", Brief(text="one"), "/tmp/1")
        good = jobs.note("job_1", Event(what="job", phase="a"))
        bad = jobs.note("job_nobody", Event(what="job", phase="b"))
        outcomes = await asyncio.gather(good, bad, return_exceptions=True)
        assert outcomes[0] is None
        assert isinstance(outcomes[1], Conflict)
        assert len(jobs.events("job_1")) == 1

    async def test_whoever_is_cancelled_while_waiting_does_not_stop_the_ledger(self, database):
        jobs = Jobs(database)
        await jobs.add("job_1", Brief(text="one"), "/tmp/1")
        busy, gate = threading.Event(), threading.Event()
        database.ask(lambda _: (busy.set(), gate.wait(10)))
        await asyncio.to_thread(busy.wait, 5)
        waiting = asyncio.create_task(jobs.note("job_1", Event(what="job", phase="given up")))
        await asyncio.sleep(0.05)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        gate.set()
        await asyncio.wait_for(jobs.note("job_1", Event(what="job", phase="later")), timeout=5)
        assert [event.phase for _, event in jobs.events("job_1")] == ["later"]


def test_every_ended_order_state_is_over():
    assert {state for state in OrderState if state.over} == {
        OrderState.SETTLED,
        OrderState.FAILED_FREE,
        OrderState.FAILED_CHARGED,
        OrderState.CANCELLED,
    }
