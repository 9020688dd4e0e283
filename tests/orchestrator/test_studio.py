"""The doorway: jobs are approved, cancelled, resumed and changed, each exactly once, also after a restart."""

from __future__ import annotations

import asyncio
import fcntl
import threading
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from agentes.media.shelf import Shelf
from agentes.media_agent import Errand, Progress
from orchestrator import assembly, checkpoints
from orchestrator.dispatch.here import Here
from orchestrator.dispatch.turns import Turns
from orchestrator.locks import FileLocks
from orchestrator.quoting import Quoter
from orchestrator.run import Office
from orchestrator.store.book import SqlBook
from orchestrator.store.database import open_database
from orchestrator.store.jobs import Event, Jobs
from orchestrator.studio import Studio
from shared_knowledge.caps import Limits
from shared_knowledge.catalogue import Catalogue
from shared_knowledge.cost_tracker import CostTracker, OrderMoved
from shared_knowledge.errors import BadRequest, Broken, LedgerAway, QuoteChanged
from shared_knowledge.vocabulary import (
    Asset,
    Brief,
    JobState,
    Medium,
    Money,
    Order,
    OrderState,
    Outcome,
    PhotoSpec,
    Shortfall,
)

BRIEF = Brief(text="a square photo of a candle", draft=True)

Does = Callable[[Errand], Awaitable[Outcome]]


@cache
def quoter() -> Quoter:
    catalogue = Catalogue.load()
    return Quoter(catalogue, assembly.directory(), Money(10_000_000))


class House:
    """One process: a studio over the ledger of a home, with agents that do what the test says."""

    def __init__(self, home: Path, does: Does | None = None, turns: Turns | None = None) -> None:
        self.home = home
        self.does = does
        self.performed: list[str] = []
        self.database = open_database(home / "ledger.db")
        self.jobs, book = Jobs(self.database), SqlBook(self.database)
        self.shelf = Shelf(home / "shelf", home / "desks")
        self.office = Office(
            quoter=quoter(),
            jobs=self.jobs,
            book=book,
            tracker=CostTracker(book, Limits(a_day=Money(10_000_000))),
            shelf=self.shelf,
            agents=dict.fromkeys(Medium, self),  # type: ignore[arg-type]
            locks=FileLocks(home),
            checkpoints=home / "graph.db",
            version="0",
        )
        here = Here(lambda: self.office, turns=turns)
        self.studio = Studio(quoter(), lambda: self.office, lambda: here)

    async def perform(self, errand: Errand) -> Outcome:
        """As every agent would: says what it does, and does it."""
        self.performed.append(errand.task.id)
        errand.say(Progress(errand.task, "making"))
        return await self.does(errand) if self.does else self.picture(errand)

    async def carry_on(self, order: Order) -> Order:
        tracker = self.office.tracker
        order = await tracker.stored(await tracker.ready(order, {}), "a.png")
        return await tracker.settle(order, Money(250_000))

    def picture(self, errand: Errand) -> Asset:
        file = self.shelf.desk(errand.task.id) / "picture.png"
        Image.new("RGB", (8, 8), "teal" if errand.task.id == "photo-1" else "tan").save(file)
        stored = self.shelf.put(file)
        self.shelf.clear(errand.task.id)
        return Asset(
            task=errand.task.id,
            medium=errand.task.medium,
            path=stored.path,
            sha256=stored.sha256,
            size_bytes=stored.size_bytes,
            mime="image/png",
            width=8,
            height=8,
            platform="draft_picture",
            model="storyboard",
            cost=Money(0),
        )

    async def submit(self, **more: Any) -> str:
        job = await self.studio.submit(BRIEF.model_copy(update=more), self.home.parent / "out")
        return job.id

    async def made(self, **more: Any) -> str:
        job_id = await self.submit(**more)
        await self.studio.finish(job_id)
        return job_id

    async def followed(self, job_id: str) -> list[str]:
        """What a watcher sees, until there is nothing more to see."""
        return [event.phase async for event in self.studio.follow(job_id)]


@pytest.fixture
async def open_house(agentes_home: Path):
    """Opens houses of the same home; what still runs at the end is let go of."""
    opened: list[House] = []

    def open_one(does: Does | None = None, turns: Turns | None = None) -> House:
        opened.append(House(agentes_home, does, turns))
        return opened[-1]

    yield open_one
    for house in opened:
        await house.studio.stop()
        house.database.close()


CEILING = Money(1_000_000)


def bought(job: str) -> Order:
    return Order(
        id=f"ord_{job}",
        job=job,
        task="photo-1",
        piece=1,
        attempt=1,
        platform="runway",
        model="gen4_turbo",
        price=Money(300_000),
        prompt="a candle",
        spec=PhotoSpec(subject="candle"),
    )


async def for_ever(errand: Errand) -> Outcome:
    await asyncio.sleep(60)
    raise AssertionError


async def fall_short(errand: Errand) -> Outcome:
    return Shortfall(task=errand.task.id, why="no ink")


async def books_away(errand: Errand) -> Outcome:
    raise LedgerAway("the ledger does not answer")


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.02)


class TestApproval:
    async def test_a_yes_after_a_restart_goes_on_to_the_end(self, open_house):
        first = open_house()
        job = await first.made(approval="ask")
        assert first.jobs.state(job) is JobState.AWAITING_APPROVAL
        assert first.performed == []
        assert await first.followed(job) == ["", "awaiting_approval"]
        later = open_house()
        await later.studio.approve(job, yes=True)
        assert (await later.followed(job))[-2:] == ["making", "done"]
        assert (await later.studio.finish(job)).state is JobState.DONE
        assert later.performed == ["photo-1"]

    async def test_a_no_ends_it_with_nothing_made(self, open_house):
        house = open_house()
        job = await house.made(approval="ask")
        assert (await house.studio.approve(job, yes=False)).state is JobState.CANCELLED
        assert house.performed == []
        for again in (house.studio.approve(job, yes=True), house.studio.resume(job)):
            with pytest.raises(BadRequest):
                await again

    async def test_only_what_waits_can_be_approved_and_it_cannot_be_resumed(self, open_house):
        house = open_house()
        with pytest.raises(BadRequest, match="does not wait"):
            await house.studio.approve(await house.made(), yes=True)
        with pytest.raises(BadRequest, match="waits for its quote"):
            await house.studio.resume(await house.made(approval="ask"))

    async def test_an_answer_to_a_forgotten_question_asks_again(self, open_house):
        house = open_house()
        job = await house.made(approval="ask")
        (house.home / "graph.db").unlink()
        await house.studio.approve(job, yes=True)
        assert (await house.studio.finish(job)).state is JobState.AWAITING_APPROVAL
        assert house.performed == []

    async def test_a_changed_quote_is_refused_before_anything_is_made(self, open_house):
        house = open_house()
        with pytest.raises(QuoteChanged):
            await house.made(accepted_quote="0" * 32)
        assert house.studio.list()[0].state is JobState.FAILED
        assert house.performed == []


class TestCancelling:
    async def test_a_running_job_stops_and_stays_cancelled(self, open_house):
        house = open_house(for_ever)
        job = await house.submit()
        await until(lambda: house.performed)
        assert (await house.studio.cancel(job)).state is JobState.CANCELLED
        assert not house.studio.is_running(job)
        with pytest.raises(BadRequest, match="ended: it is cancelled"):
            await house.studio.cancel(job)

    async def test_one_that_was_cancelled_before_it_began_never_begins(self, open_house):
        house = open_house()
        await house.jobs.add("job_1", BRIEF, str(house.home / "out"))
        await house.studio.cancel("job_1")
        worker = Here(lambda: house.office)
        worker.start("job_1")
        await worker.finish("job_1")
        assert house.jobs.state("job_1") is JobState.CANCELLED
        assert house.performed == []

    async def test_what_has_ended_is_not_cancelled(self, open_house):
        house = open_house()
        with pytest.raises(BadRequest, match="ended: it is done"):
            await house.studio.cancel(await house.made())

    async def test_no_desk_of_a_killed_and_then_cancelled_job_is_left(self, open_house):
        house = open_house(for_ever)
        job = await house.submit()
        await until(lambda: house.performed)
        await house.studio.stop()
        house.shelf.desk(f"{job}-film")
        await open_house().studio.cancel(job)
        assert not list((house.home / "desks").iterdir())


class TestWaitingInLine:
    async def test_a_job_in_line_begins_when_the_one_before_has_ended(self, open_house):
        at_work, most, two = [0], [0], asyncio.Barrier(2)

        async def slowly(errand: Errand) -> Outcome:
            at_work[0] += 1
            most[0] = max(most[0], at_work[0])
            if len(house.performed) <= 2:
                await asyncio.wait_for(two.wait(), 20)
            at_work[0] -= 1
            return house.picture(errand)

        house = open_house(slowly, Turns(lambda tenant: 2))
        jobs = [await house.submit() for _ in range(5)]
        ends = [(await house.studio.finish(job)).state for job in jobs]
        assert ends == [JobState.DONE] * 5
        assert most == [2]

    async def test_a_cancelled_one_leaves_at_once_and_is_never_begun(self, open_house):
        house = open_house(for_ever, Turns(lambda tenant: 1))
        first, second, third = [await house.submit() for _ in range(3)]
        async with asyncio.timeout(2):
            assert (await house.studio.cancel(second)).state is JobState.CANCELLED
            assert (await house.studio.finish(second)).state is JobState.CANCELLED
        assert [house.studio.is_running(job) for job in (first, second, third)] == [True, False, True]
        house.does = None
        await house.studio.cancel(first)
        assert (await house.studio.finish(third)).state is JobState.DONE
        assert house.performed == ["photo-1", "photo-1"]


class TestResuming:
    async def test_a_job_whose_ledger_was_away_has_not_failed_and_is_carried_on(self, open_house):
        house = open_house(books_away)
        job = await house.submit()
        with pytest.raises(LedgerAway):
            await house.studio.finish(job)
        assert house.jobs.state(job) is JobState.RUNNING
        house.does = None
        await house.studio.resume(job)
        assert (await house.studio.finish(job)).state is JobState.DONE

    async def test_what_could_not_be_made_is_tried_again_and_watched(self, open_house):
        house = open_house(fall_short)
        job = await house.made()
        assert house.jobs.get(job).state is JobState.FAILED
        house.does = None
        await house.studio.resume(job)
        assert (await house.followed(job))[-2:] == ["making", "done"]
        assert (await house.studio.finish(job)).state is JobState.DONE

    async def test_a_retry_that_was_killed_before_it_began_can_be_resumed(self, open_house, monkeypatch):
        house = open_house(fall_short)
        job = await house.made()
        opened = checkpoints.open_checkpoints

        @asynccontextmanager
        async def stuck(file: Path):
            await asyncio.sleep(60)
            yield

        monkeypatch.setattr(checkpoints, "open_checkpoints", stuck)
        await house.studio.resume(job)
        await asyncio.sleep(0.1)
        await house.studio.stop()
        monkeypatch.setattr(checkpoints, "open_checkpoints", opened)
        later = open_house()
        await later.studio.resume(job)
        assert (await later.studio.finish(job)).state is JobState.DONE

    async def test_what_fell_short_before_an_interruption_is_tried_again_too(self, open_house):
        house = open_house(fall_short)
        job = await house.made()
        await house.jobs.move(job, JobState.RUNNING)  # as if it had been killed before its end was written
        house = open_house()
        await house.studio.resume(job)
        await house.studio.finish(job)
        assert house.studio.status(job).state is JobState.DONE

    async def test_of_two_at_once_one_is_refused(self, open_house):
        house, other = open_house(for_ever), open_house()
        job = await house.submit()
        with pytest.raises(BadRequest, match="already running"):
            await house.studio.resume(job)
        await until(lambda: house.performed)
        with pytest.raises(BadRequest, match="already running"):
            await other.studio.resume(job)
        assert other.performed == []

    async def test_one_who_only_looks_does_not_keep_a_run_from_beginning(self, tmp_path):
        with FileLocks(tmp_path).only_one("job_1"):
            assert FileLocks(tmp_path).is_locked("job_1")
        with (tmp_path / "locks" / "job_1.lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH)
            threading.Timer(0.05, fcntl.flock, (lock, fcntl.LOCK_UN)).start()
            with FileLocks(tmp_path).only_one("job_1"):
                pass
            await asyncio.sleep(0.05)
        assert not FileLocks(tmp_path).is_locked("job_1")

    async def test_a_lock_that_cannot_be_taken_is_said_in_words(self, tmp_path):
        (tmp_path / "locks").write_text("a file where the locks should be")
        with (
            pytest.raises(Broken, match="The lock of job job_1 cannot be taken"),
            FileLocks(tmp_path).only_one("job_1"),
        ):
            pass

    async def test_a_file_that_left_the_shelf_is_made_again(self, open_house):
        house = open_house()
        job = await house.submit()
        with suppress(Broken):
            await house.studio.finish(job)
        (outcome,) = house.studio.outcomes(job).values()
        Path(outcome.path).unlink()
        await house.jobs.move(job, JobState.PARTIAL)
        await house.studio.resume(job)
        assert (await house.studio.finish(job)).state is JobState.DONE
        assert house.performed == ["photo-1", "photo-1"]

    async def test_a_damaged_memory_of_the_graph_is_said_and_mended(self, open_house):
        house = open_house()
        house.home.mkdir(exist_ok=True)
        (house.home / "graph.db").write_bytes(b"this is no database, it is a letter" * 300)
        job = await house.submit()
        with pytest.raises(Broken, match=r"graph\.db: file is not a database"):
            await house.studio.finish(job)
        (house.home / "graph.db").unlink()
        await house.studio.resume(job)
        assert (await house.studio.finish(job)).state is JobState.DONE

    async def test_a_finished_job_leaves_nothing_in_the_memory_of_the_graph(self, open_house):
        house = open_house()
        job = await house.made()
        async with checkpoints.open_checkpoints(house.home / "graph.db") as saver:
            assert [one async for one in saver.alist({"configurable": {"thread_id": job}})] == []

    async def test_a_full_disk_at_the_handing_over_is_said_and_made_up_for(self, open_house, monkeypatch):
        house = open_house()

        def full(*_: Any) -> None:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patched:
            patched.setattr("orchestrator.run.hand_over", full)
            with pytest.raises(Broken, match="handed over: No space left"):
                await house.made()
        (job,) = house.studio.list()
        assert job.state is JobState.FAILED
        await house.studio.resume(job.id)
        assert (await house.studio.finish(job.id)).state is JobState.DONE
        assert house.performed == ["photo-1"]


class TestRecovering:
    async def test_what_a_dead_run_bought_is_brought_home_once_and_its_job_goes_on(self, open_house):
        dead = open_house()
        job = await dead.submit()
        await dead.studio.stop()
        await dead.jobs.move(job, JobState.RUNNING)
        tracker = dead.office.tracker
        order = await tracker.started(await tracker.sending(await tracker.place(bought(job), CEILING)), {})

        house = open_house()
        assert [each.id for each in house.studio.interrupted()] == [job]
        (ended,) = await house.studio.recover()
        assert (ended.id, ended.state, ended.cost) == (order.id, OrderState.SETTLED, Money(250_000))
        assert await house.studio.recover() == []
        await house.studio.resume(job)
        await house.studio.finish(job)
        assert house.studio.interrupted() == []

    async def test_the_desk_of_an_order_whose_end_was_told_but_not_tidied_is_cleared(self, open_house):
        dead = open_house()
        job = await dead.submit()
        await dead.studio.stop()
        tracker = dead.office.tracker
        over = await tracker.place(bought(job), CEILING)
        still = await tracker.place(
            bought(job).model_copy(update={"id": "ord_still", "task": "photo-2"}), CEILING
        )
        for desk in (over.id, still.id, f"{job}-film"):
            (dead.shelf.desk(desk) / "half.png").write_bytes(b"half")
        await tracker.cancel(over, "refused after all")

        house = open_house()
        with FileLocks(house.home).only_one(job):
            await house.studio.recover()
            assert over.id in house.shelf.desks(), "whoever works on the job may still be about to read it"
        await house.studio.recover()
        assert house.shelf.desks() == sorted([still.id, f"{job}-film"])

    async def test_a_job_somebody_works_on_is_left_alone(self, open_house):
        house = open_house(for_ever)
        job = await house.submit()
        tracker = house.office.tracker
        await tracker.started(await tracker.sending(await tracker.place(bought(job), CEILING)), {})
        assert await house.studio.recover() == []
        assert house.studio.interrupted() == []
        with FileLocks(house.home).only_one("job_elsewhere"):
            await house.jobs.add("job_elsewhere", BRIEF, "/tmp/x")
            await tracker.place(bought("job_elsewhere"), CEILING)
            assert await open_house().studio.recover() == []

    async def test_a_run_that_was_overtaken_writes_nothing_more(self, open_house):
        begun, go_on = asyncio.Event(), asyncio.Event()

        async def slowly(errand: Errand) -> Outcome:
            begun.set()
            await go_on.wait()
            return Shortfall(task=errand.task.id, why="the zombie says no")

        house = open_house(slowly)
        job = await house.submit()
        await begun.wait()
        await house.jobs.take(job)
        await house.jobs.keep(job, Shortfall(task="photo-1", why="the living says no"))
        go_on.set()
        with pytest.raises(OrderMoved):
            await house.studio.finish(job)
        assert house.jobs.outcomes(job)["photo-1"].why == "the living says no"
        assert house.jobs.state(job) is JobState.RUNNING


class TestPausing:
    async def test_a_job_that_a_cap_stopped_waits_and_goes_on_when_it_is_raised(self, open_house):
        async def over(errand: Errand) -> Outcome:
            return Shortfall(task=errand.task.id, why="the cap leaves nothing", kind="over_budget")

        house = open_house(over)
        house.office = replace(house.office, pauses_at_caps=True)
        job = await house.made()
        assert house.studio.status(job).state is JobState.PAUSED
        assert house.studio.status(job).ended_at is None
        house.does = None
        await house.studio.resume(job)
        await house.studio.finish(job)
        assert house.studio.status(job).state is JobState.DONE

    async def test_without_that_wish_it_ends(self, open_house):
        async def over(errand: Errand) -> Outcome:
            return Shortfall(task=errand.task.id, why="the cap leaves nothing", kind="over_budget")

        house = open_house(over)
        assert house.studio.status(await house.made()).state is JobState.FAILED


class TestFollowing:
    async def test_a_long_story_is_told_to_its_end(self, open_house):
        house = open_house()
        job = await house.made()
        told = [house.jobs.note(job, Event(what="task", phase=str(number))) for number in range(2_500)]
        await asyncio.gather(*told)
        assert len(await house.followed(job)) > 2_500

    async def test_an_unknown_job_is_refused(self, open_house):
        with pytest.raises(BadRequest, match="no job"):
            await open_house().followed("job_none")


class TestChanging:
    async def test_what_stays_the_same_is_kept_and_only_the_change_is_made(self, open_house):
        house = open_house()
        before = await house.made(text="a square photo of a candle and a square photo of a cup")
        assert sorted(house.performed) == ["photo-1", "photo-2"]
        house.performed.clear()
        after = await house.made(text="and one photo of the cup in 16:9", from_job=before[:9])
        kept = house.studio.outcomes(before)["photo-1"]
        assert house.studio.outcomes(after)["photo-1"].sha256 == kept.sha256
        assert "photo-1" not in house.performed
        assert house.jobs.get(after).brief.from_job == before
        assert [line.kept is not None for line in house.jobs.get(after).quote.lines] == [True, True, False]

    async def test_the_same_again_asks_nobody(self, open_house):
        house = open_house()
        before = await house.made(text="a square photo of a candle and a square photo of a cup")
        house.performed.clear()
        after = await house.made(text="", from_job=before)
        assert house.performed == []
        first, second = (house.studio.outcomes(job) for job in (before, after))
        assert [asset.sha256 for asset in first.values()] == [asset.sha256 for asset in second.values()]
        assert house.jobs.get(after).quote.estimate == 0

    async def test_what_is_not_there_any_more_is_quoted_and_made_anew(self, open_house):
        house = open_house()
        before = await house.made(text="a square photo of a candle and a square photo of a cup")
        Path(house.studio.outcomes(before)["photo-2"].path).unlink()
        house.performed.clear()
        proposal = house.studio.quote(BRIEF.model_copy(update={"text": "", "from_job": before}))
        assert [line.kept is not None for line in proposal.quote.lines] == [True, False]
        await house.made(text="", from_job=before)
        assert house.performed == ["photo-2"]

    async def test_what_goes_after_the_quote_is_made_inside_its_ceiling(self, open_house):
        house = open_house()
        before = await house.made(text="a square photo of a candle and a square photo of a cup")
        house.performed.clear()
        after = await house.submit(text="", from_job=before, approval="ask")
        await house.studio.finish(after)
        Path(house.studio.outcomes(before)["photo-2"].path).unlink()
        await house.studio.approve(after, yes=True)
        assert (await house.studio.finish(after)).state is JobState.DONE
        assert house.performed == ["photo-2"]
