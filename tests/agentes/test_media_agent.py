"""The engine: each piece bought once, carried on from whatever state it is found in."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agentes.contract import Done, File, Forgotten, Link, Pending
from agentes.media.shelf import Shelf
from agentes.media_agent import Errand, MediaAgent, Progress
from agentes.purchase import Workroom
from orchestrator.store.book import SqlBook
from orchestrator.store.database import open_database
from orchestrator.store.jobs import Jobs
from shared_knowledge.caps import Limits
from shared_knowledge.cost_tracker import CostTracker
from shared_knowledge.errors import (
    BadRequest,
    Broken,
    Failed,
    Garbled,
    InDoubt,
    LedgerAway,
    MissingSecret,
    Refused,
    Unavailable,
    Unreachable,
    Unsuitable,
)
from shared_knowledge.prompts import Prompt
from shared_knowledge.vocabulary import (
    Asset,
    Brief,
    Medium,
    Money,
    Offer,
    Order,
    OrderState,
    PhotoSpec,
    Piece,
    Shortfall,
    Task,
)

TASK = Task(id="photo-1", spec=PhotoSpec(subject="a candle"))


class ScriptedLine:
    """A vendor that answers what the test says, and counts what it was asked."""

    def __init__(self, shelf: Shelf, answers: list[Any]) -> None:
        self.shelf = shelf
        self.answers = answers
        self.started: list[str] = []
        self.prepared: list[dict[str, Any]] = []
        self.checked = 0
        self.cancelled = 0
        self.searched = 0
        self.can_cancel = False
        self.left = True
        self.brings: dict[str, Any] | BaseException = {}

    async def prepare(self, order: Order) -> Order:
        if isinstance(self.brings, BaseException):
            raise self.brings
        return order.model_copy(update={"prepared": self.brings})

    async def find(self, order: Order) -> Pending | Done | None:
        self.searched += 1
        return await self._answer(order)

    async def salvage(self, order: Order) -> Pending | Done | None:
        return None

    async def cancel(self, order: Order) -> bool:
        self.cancelled += 1
        return self.can_cancel

    async def last_look(self, order: Order) -> Pending | Done:
        return await self.check(order)

    async def start(self, order: Order, may_leave: Any = None) -> Pending | Done:
        self.started.append(order.id)
        self.prepared.append(order.prepared)
        return await self._answer(order)

    async def check(self, order: Order) -> Pending | Done:
        self.checked += 1
        return await self._answer(order)

    async def collect(self, order: Order, done: Done) -> Path:
        path = self.shelf.desk(order.id) / "picture.png"
        path.write_bytes(b"picture of " + order.id.encode())
        return path

    async def _answer(self, order: Order) -> Pending | Done:
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        if callable(answer):
            return await answer(order)
        return answer


class PlainAgent(MediaAgent):
    medium = Medium.PHOTO

    def write_prompt(self, task: Task, offer: Offer, piece: Piece) -> Prompt:
        return Prompt(f"{task.spec.subject} for {offer.platform}", ("a word was left out",))

    async def check_file(self, path: Path, order: Order) -> None:
        assert path.is_file()

    async def describe(self, path: Path) -> dict[str, Any]:
        return {"mime": "image/png", "width": 4, "height": 4}

    async def join(self, pieces, task: Task, desk: Path) -> Path:
        joined = desk / "joined.png"
        joined.write_bytes(b"+".join(piece.read_bytes() for piece in pieces))
        return joined


class World:
    """An agent with its ledger, its shelf and its vendors."""

    def __init__(self, home: Path, *, recovery: str = "OPAQUE", local: bool = False) -> None:
        self.database = open_database(home / "ledger.db")
        self.book = SqlBook(self.database)
        self.desks = home / "desks"
        self.shelf = Shelf(home / "shelf", self.desks)
        self.lines: dict[str, ScriptedLine] = {}
        self.said: list[str] = []
        self.brought: list[str] = []
        self.shut: set[str] = set()
        facts = SimpleNamespace(
            recovery=recovery,
            settles_s=None,
            local=local,
            deadline_s=2.0,
            look_again_s=0.0,
            pictures=None,
            model=lambda _: None,
        )
        room = Workroom(
            catalogue=SimpleNamespace(platform=lambda _: facts),  # type: ignore[arg-type]
            tracker=CostTracker(self.book, Limits(a_day=Money(10_000_000))),
            shelf=self.shelf,
            connect=self._connect,
            bring=self._bring,
        )
        self.tracker = room.tracker
        self.room = room
        self.agent = PlainAgent(room)

    @asynccontextmanager
    async def _connect(self, platform: str):
        if platform in self.shut:
            raise MissingSecret("A_KEY")
        yield self.lines[platform]

    async def _bring(self, url: str, into: Path) -> Path:
        self.brought.append(url)
        if "nowhere" in url:
            raise Unreachable("there is no machine called nowhere.example")
        file = into.with_suffix(".png")
        file.write_bytes(b"a picture")
        return file

    def vendor(self, name: str, *answers: Any) -> ScriptedLine:
        self.lines[name] = ScriptedLine(self.shelf, list(answers))
        return self.lines[name]

    def let_time_pass(self, waits: list[float]) -> None:
        """From now on a wait only writes down how long it would have been."""

        async def wait(seconds: float) -> None:
            waits.append(seconds)

        self.agent = PlainAgent(replace(self.room, wait=wait))

    def errand(self, *platforms: str, pieces: int = 1, **more: Any) -> Errand:
        offers = [
            Offer(
                task="photo-1",
                platform=name,
                model="m",
                price=Money(100 * pieces),
                pieces=tuple(Piece(number=n + 1, price=Money(100)) for n in range(pieces)),
            )
            for name in platforms
        ]
        given = {"ceiling": Money(1000), "colleagues": None, "say": self._hear, **more}
        return Errand(job="job_1", task=TASK, offers=offers, **given)

    def _hear(self, progress: Progress) -> None:
        self.said.append(progress.phase)

    @property
    def states(self) -> list[tuple[str, OrderState]]:
        return [(order.platform, order.state) for order in self.book.orders("job_1")]

    async def owed(self) -> tuple[int, int]:
        row = self.database.read(lambda t: t.row("budget", id="job:job_1"))
        return row["reserved"], row["spent"]


@pytest.fixture
async def world(tmp_path: Path):
    world = World(tmp_path)
    await Jobs(world.database).add("job_1", Brief(text="x"), "/tmp/x")
    yield world
    world.database.close()


@pytest.fixture(params=["LISTABLE", "REFETCHABLE"])
async def searchable(request: pytest.FixtureRequest, tmp_path: Path):
    world = World(tmp_path, recovery=request.param)
    await Jobs(world.database).add("job_1", Brief(text="x"), "/tmp/x")
    yield world
    world.database.close()


@pytest.fixture
async def draft_world(tmp_path: Path):
    world = World(tmp_path, recovery="IDEMPOTENT", local=True)
    await Jobs(world.database).add("job_1", Brief(text="x"), "/tmp/x")
    yield world
    world.database.close()


DONE = Done(Link("https://vendor/x.png"), cost=Money(70))


async def test_a_quick_platform_answers_at_once(world):
    line = world.vendor("a", DONE)
    asset = await world.agent.perform(world.errand("a"))
    assert isinstance(asset, Asset)
    assert (asset.platform, asset.cost) == ("a", 70)
    assert Path(asset.path).read_bytes().startswith(b"picture of ord_")
    assert asset.sha256 in asset.path
    assert len(line.started) == 1
    assert await world.owed() == (0, 70)
    assert world.said == ["preparing", "making", "done"]


async def test_a_queued_platform_is_started_once_and_asked_again(world):
    waiting = Pending({"id": "t1"}, look_again_in_s=0)
    line = world.vendor("a", waiting, waiting, waiting, DONE)
    asset = await world.agent.perform(world.errand("a"))
    assert isinstance(asset, Asset)
    assert (len(line.started), line.checked) == (1, 3)


async def test_the_next_offer_takes_over_and_the_first_frees_its_money(world):
    world.vendor("a", Failed("the vendor gave up", charged=Money(0)))
    world.vendor("b", DONE)
    asset = await world.agent.perform(world.errand("a", "b"))
    assert asset.platform == "b"
    assert world.states == [("a", OrderState.FAILED_FREE), ("b", OrderState.SETTLED)]
    assert await world.owed() == (0, 70)


async def test_a_lone_platform_is_tried_twice_and_then_it_is_said(world):
    line = world.vendor("a", Failed("no luck", charged=Money(0)), Failed("no luck again", charged=Money(0)))
    shortfall = await world.agent.perform(world.errand("a"))
    assert isinstance(shortfall, Shortfall)
    assert shortfall.why == "no luck again"
    assert [attempt.outcome for attempt in shortfall.tried] == ["no luck", "no luck again"]
    assert len(line.started) == 2
    assert await world.owed() == (0, 0)


async def test_a_refusal_stops_by_default_and_goes_elsewhere_when_told(world):
    world.vendor("a", Refused("not this"), Refused("not this"))
    line = world.vendor("b", DONE)
    shortfall = await world.agent.perform(world.errand("a", "b"))
    assert (shortfall.kind, line.started) == ("refused", [])
    asset = await world.agent.perform(world.errand("a", "b", on_refusal="elsewhere"))
    assert asset.platform == "b"


async def test_over_the_ceiling_nothing_is_asked_of_anybody(world):
    line = world.vendor("a", DONE)
    shortfall = await world.agent.perform(world.errand("a", ceiling=Money(99)))
    assert shortfall.kind == "over_budget"
    assert line.started == []


async def test_our_own_trouble_on_this_machine_is_a_shortfall_that_can_be_resumed(draft_world):
    world = draft_world
    line = world.vendor("a", Broken("the disk is full"), OSError(28, "No space left on device"), DONE)
    assert (await world.agent.perform(world.errand("a"))).why == "the disk is full"
    assert "No space left on device" in (await world.agent.perform(world.errand("a"))).why
    assert await world.owed() == (0, 0)
    assert isinstance(await world.agent.perform(world.errand("a")), Asset)
    assert len(line.started) == 3
    assert not list(world.desks.iterdir())


async def test_our_own_trouble_after_the_purchase_does_not_buy_again(world, monkeypatch):
    line = world.vendor("a", DONE)
    put = world.shelf.put

    def full(file: Path):
        raise Broken("the disk is full")

    monkeypatch.setattr(world.shelf, "put", full)
    assert (await world.agent.perform(world.errand("a"))).why == "the disk is full"
    assert world.states == [("a", OrderState.READY)]
    assert await world.owed() == (100, 0)
    monkeypatch.setattr(world.shelf, "put", put)
    assert isinstance(await world.agent.perform(world.errand("a")), Asset)
    assert len(line.started) == 1
    assert await world.owed() == (0, 70)


async def test_without_the_books_nothing_is_decided_and_what_was_bought_is_collected_later(
    world, monkeypatch
):
    line = world.vendor("a", DONE)
    put = world.shelf.put

    def away(file: Path):
        raise LedgerAway("the books do not answer")

    monkeypatch.setattr(world.shelf, "put", away)
    with pytest.raises(LedgerAway):
        await world.agent.perform(world.errand("a"))
    assert world.states == [("a", OrderState.READY)]
    monkeypatch.setattr(world.shelf, "put", put)
    assert isinstance(await world.agent.perform(world.errand("a")), Asset)
    assert len(line.started) == 1


async def test_our_own_trouble_in_the_middle_of_a_purchase_leaves_it_in_doubt(world):
    world.vendor("a", Broken("the disk is full"))
    await world.agent.perform(world.errand("a"))
    assert world.states == [("a", OrderState.IN_DOUBT)]
    assert await world.owed() == (100, 0)


async def test_a_file_that_was_paid_for_and_is_not_what_was_asked_is_written_off(world, monkeypatch):
    async def reject(path: Path, order: Order) -> None:
        if order.platform == "a":
            raise Unsuitable("it is a square")

    monkeypatch.setattr(world.agent, "check_file", reject)
    world.vendor("a", DONE)
    world.vendor("b", DONE)
    asset = await world.agent.perform(world.errand("a", "b"))
    assert asset.platform == "b"
    assert world.states == [("a", OrderState.FAILED_CHARGED), ("b", OrderState.SETTLED)]
    assert await world.owed() == (0, 140)


async def test_a_started_order_that_cannot_be_asked_about_is_carried_on_later(world):
    line = world.vendor("a", Pending({"id": "t1"}, 0), *[Unreachable("no route")] * 5, DONE)
    other = world.vendor("b", DONE)
    assert (await world.agent.perform(world.errand("a", "b"))).why == "no route"
    assert world.states == [("a", OrderState.SUBMITTED)]
    assert isinstance(await world.agent.perform(world.errand("a", "b")), Asset)
    assert (len(line.started), len(other.started)) == (1, 0)


async def test_an_order_somebody_else_took_further_is_let_go_of(world):
    async def settled_by_a_person(order: Order) -> Done:
        (now,) = world.book.orders("job_1")
        await world.tracker.doubt(now, "a person looks at it")
        return DONE

    world.vendor("a", settled_by_a_person)
    shortfall = await world.agent.perform(world.errand("a"))
    assert shortfall.kind == "in_doubt"


@pytest.mark.parametrize("dies_in", ["stored", "settle"])
async def test_killed_between_the_shelf_and_the_ledger_it_goes_on(world, monkeypatch, dies_in):
    line = world.vendor("a", DONE)
    written = getattr(world.tracker, dies_in)

    async def die(*_: Any) -> Order:
        raise asyncio.CancelledError

    monkeypatch.setattr(world.tracker, dies_in, die)
    with pytest.raises(asyncio.CancelledError):
        await world.agent.perform(world.errand("a"))
    monkeypatch.setattr(world.tracker, dies_in, written)
    assert isinstance(await world.agent.perform(world.errand("a")), Asset)
    assert len(line.started) == 1
    assert not list(world.desks.iterdir())
    assert await world.owed() == (0, 70)


async def test_two_takes_are_joined_without_a_desk_left_behind(world, monkeypatch):
    world.vendor("a", DONE, DONE)

    async def fail(pieces, task: Task, desk: Path) -> Path:
        (desk / "half.png").write_bytes(b"half")
        raise OSError(28, "No space left on device")

    join = world.agent.join
    monkeypatch.setattr(world.agent, "join", fail)
    shortfall = await world.agent.perform(world.errand("a", pieces=2))
    assert "No space left on device" in shortfall.why
    assert not list(world.desks.iterdir())
    monkeypatch.setattr(world.agent, "join", join)
    assert (await world.agent.perform(world.errand("a", pieces=2))).cost == 140


async def test_two_pieces_are_two_orders_and_one_asset(world):
    world.vendor("a", DONE, DONE)
    asset = await world.agent.perform(world.errand("a", pieces=2))
    assert asset.cost == 140
    assert [piece.cost for piece in asset.pieces] == [70, 70]
    assert Path(asset.path).read_bytes().count(b"picture of") == 2


async def test_a_further_piece_works_from_what_the_one_before_it_brought(world, monkeypatch):
    async def grown(errand: Errand, offer: Offer, before: Order, inputs: tuple[str, ...]) -> tuple[str, ...]:
        return (str(world.agent.shelved(before)),)

    async def cut(order: Order) -> Order:
        return order.model_copy(update={"inputs": tuple(f"{name}-cut" for name in order.inputs)})

    line = world.vendor("a", DONE, Pending({"id": "t2"}, 0), asyncio.CancelledError(), DONE)
    monkeypatch.setattr(world.agent, "inputs_after", grown)
    monkeypatch.setattr(line, "prepare", cut)
    with pytest.raises(asyncio.CancelledError):
        await world.agent.perform(world.errand("a", pieces=2))
    monkeypatch.setattr(world.agent, "inputs_after", None)  # what was ordered is not asked for anew
    asset = await world.agent.perform(world.errand("a", pieces=2))
    first, second = world.book.orders("job_1")
    assert (first.inputs, second.inputs) == ((), (str(world.agent.shelved(first)),))
    assert [piece.grown_from for piece in asset.pieces] == [None, world.agent.shelved(first).stem]
    assert len(line.started) == 2


async def test_a_second_performance_buys_nothing(world):
    line = world.vendor("a", DONE)
    first = await world.agent.perform(world.errand("a"))
    second = await world.agent.perform(world.errand("a"))
    assert first == second
    assert len(line.started) == 1


async def test_a_started_order_is_asked_about_never_started_again(world):
    async def crash(order: Order) -> Done:
        raise asyncio.CancelledError

    line = world.vendor("a", Pending({"id": "t1"}, 0), crash, DONE)
    with pytest.raises(asyncio.CancelledError):
        await world.agent.perform(world.errand("a"))
    assert world.states == [("a", OrderState.SUBMITTED)]
    assert isinstance(await world.agent.perform(world.errand("a")), Asset)
    assert len(line.started) == 1


async def test_an_unanswered_order_is_in_doubt_and_keeps_its_money(world):
    order = await world.agent._place(
        world.errand("a"), world.errand("a").offers[0], Piece(number=1, price=Money(100)), ()
    )
    await world.tracker.sending(order)
    line = world.vendor("a", DONE)
    shortfall = await world.agent.perform(world.errand("a"))
    assert shortfall.kind == "in_doubt"
    assert line.started == []
    assert await world.owed() == (100, 0)
    again = await world.agent.perform(world.errand("a"))
    assert again.kind == "in_doubt"


async def test_what_is_free_to_repeat_is_made_again_after_a_crash(draft_world):
    world = draft_world
    order = await world.agent._place(
        world.errand("a"), world.errand("a").offers[0], Piece(number=1, price=Money(0)), ()
    )
    await world.tracker.sending(order)
    line = world.vendor("a", Done(File("picture.png")))
    assert isinstance(await world.agent.perform(world.errand("a")), Asset)
    assert line.started == [order.id]


async def test_a_sending_outlives_the_cancellation_of_its_run(world):
    left = asyncio.Event()

    async def slowly(order: Order) -> Pending:
        left.set()
        await asyncio.sleep(0.1)
        return Pending({"id": "t1"}, 0)

    world.vendor("a", slowly)
    run = asyncio.create_task(world.agent.perform(world.errand("a")))
    await left.wait()
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    (order,) = world.book.orders("job_1")
    assert (order.state, order.receipt) == (OrderState.SUBMITTED, {"id": "t1"})


async def test_an_unavailable_platform_that_failed_before_is_not_asked_first_again(world):
    first = world.vendor("a", Unavailable("resting"), DONE)
    second = world.vendor("b", asyncio.CancelledError(), DONE)
    with pytest.raises(asyncio.CancelledError):
        await world.agent.perform(world.errand("a", "b"))
    outcome = await world.agent.perform(world.errand("a", "b"))
    assert len(first.started) == 1
    assert outcome.kind == "in_doubt"
    assert len(second.started) == 1


# ── what only a vendor on a wire can do ─────────────────────────────────────────────────────────


async def test_a_lost_answer_keeps_the_money_and_nobody_else_is_asked(world):
    world.vendor("a", InDoubt("the line broke after the order had left"))
    other = world.vendor("b", DONE)
    shortfall = await world.agent.perform(world.errand("a", "b"))
    assert shortfall.kind == "in_doubt"
    assert world.states == [("a", OrderState.IN_DOUBT)]
    assert await world.owed() == (100, 0)
    assert other.started == []


async def test_a_failure_without_a_stated_charge_counts_in_full(world):
    world.vendor("a", Pending({"id": "t1"}, 0), Failed("it broke"))
    world.vendor("b", DONE)
    await world.agent.perform(world.errand("a", "b"))
    assert world.states[0] == ("a", OrderState.FAILED_CHARGED)
    assert (await world.owed())[1] == 100 + 70


async def test_what_a_failure_took_is_booked_to_the_cent(world):
    world.vendor("a", Pending({"id": "t1"}, 0), Refused("not this", charged=Money(40)))
    shortfall = await world.agent.perform(world.errand("a"))
    assert shortfall.kind == "refused"
    assert await world.owed() == (0, 40)


async def test_one_look_that_fails_is_not_the_end(world):
    line = world.vendor("a", Pending({"id": "t1"}, 0), Unreachable("a blink"), Pending({"id": "t1"}, 0), DONE)
    assert isinstance(await world.agent.perform(world.errand("a")), Asset)
    assert line.checked == 3


async def test_patience_ends_with_a_last_look_and_a_late_result_is_taken_not_bought_again(world):
    line = world.vendor("a", Pending({"id": "t1"}, 0), *[Pending({"id": "t1"}, 1.5)] * 3)
    waits: list[float] = []
    world.let_time_pass(waits)
    shortfall = await world.agent.perform(world.errand("a"))
    assert shortfall.kind == "in_doubt"
    assert "after 2 s" in shortfall.why
    assert (waits, line.cancelled) == ([1.5, 1.5], 1)
    assert world.states == [("a", OrderState.IN_DOUBT)]
    assert await world.owed() == (100, 0)
    line.answers = [DONE]
    assert isinstance(await world.agent.perform(world.errand("a")), Asset)
    assert len(line.started) == 1
    assert world.states == [("a", OrderState.SETTLED)]


async def test_a_cancelled_order_that_was_finished_all_the_same_is_taken(world):
    line = world.vendor("a", Pending({"id": "t1"}, 0), *[Pending({"id": "t1"}, 1.5)] * 3, DONE)
    line.can_cancel = True
    world.let_time_pass([])
    assert isinstance(await world.agent.perform(world.errand("a")), Asset)
    assert line.cancelled == 1


async def test_waiting_in_the_vendors_queue_is_patience_not_slowness(world):
    in_line = [Pending({"id": "t1"}, 1.5, queued=True)] * 7
    line = world.vendor("a", Pending({"id": "t1"}, 0), *in_line, DONE)
    waits: list[float] = []
    world.let_time_pass(waits)
    assert isinstance(await world.agent.perform(world.errand("a")), Asset)
    assert (len(waits), line.cancelled) == (7, 0)


async def test_what_was_prepared_travels_with_the_order(world):
    line = world.vendor("a", DONE)
    line.brings = {"voice": "v1"}
    await world.agent.perform(world.errand("a"))
    assert line.prepared == [{"voice": "v1"}]


async def test_trouble_while_preparing_costs_nothing(world):
    line = world.vendor("a")
    line.brings = Unavailable("the key is refused")
    world.vendor("b", DONE)
    asset = await world.agent.perform(world.errand("a", "b"))
    assert asset.platform == "b"
    assert (line.started, world.states[0]) == ([], ("a", OrderState.FAILED_FREE))


# ── who is asked next ───────────────────────────────────────────────────────────────────────────


async def test_three_failures_are_enough(world):
    for name in "abcd":
        world.vendor(name, Failed("no luck", charged=Money(0)))
    shortfall = await world.agent.perform(world.errand(*"abcd"))
    assert [attempt.platform for attempt in shortfall.tried] == ["a", "b", "c"]


async def test_a_closed_door_counts_for_all_its_models_and_not_as_a_failure(world):
    shut = world.vendor("a", Unavailable("the purse is empty", because="credit", charged=Money(0)))
    for name in "bcd":
        world.vendor(name, Unavailable("no such model", because="model", charged=Money(0)))
    world.vendor("e", DONE)
    errand = world.errand(*"abcde")
    twin = errand.offers[0].model_copy(update={"model": "other"})
    asset = await world.agent.perform(replace(errand, offers=[errand.offers[0], twin, *errand.offers[1:]]))
    assert asset.platform == "e"
    assert len(shut.started) == 1


async def test_a_key_that_cannot_be_read_sends_the_task_elsewhere(world):
    line = world.vendor("a")
    line.brings = BadRequest("GOOGLE_APPLICATION_CREDENTIALS names no file.")
    world.vendor("b", DONE)
    assert (await world.agent.perform(world.errand("a", "b"))).platform == "b"
    assert line.started == []


async def test_elsewhere_after_a_refusal_is_another_platform_not_another_model(world):
    line = world.vendor("a", Refused("not this", charged=Money(0), vendor_says="safety_violations=[x]"))
    world.vendor("b", DONE)
    errand = world.errand("a", "b", on_refusal="elsewhere")
    twin = errand.offers[0].model_copy(update={"model": "other"})
    asset = await world.agent.perform(replace(errand, offers=[errand.offers[0], twin, errand.offers[1]]))
    assert asset.platform == "b"
    assert len(line.started) == 1


# ── pictures named by an address ────────────────────────────────────────────────────────────────


async def test_a_picture_named_by_an_address_is_brought_once_for_a_job(world):
    world.vendor("a", Failed("no luck", charged=Money(0)))
    world.vendor("b", DONE)
    url = "https://shop.example/mug.png"
    task = Task(id="photo-1", spec=PhotoSpec(subject="a mug", references=(url, "own.png")))
    await world.agent.perform(replace(world.errand("a", "b"), task=task))
    assert world.brought == [url]
    (order,) = (order for order in world.book.orders("job_1") if order.platform == "b")
    assert [Path(name).suffix for name in order.inputs] == [".png", ".png"]
    assert all(Path(name).is_absolute() for name in order.inputs)


async def test_a_picture_that_cannot_be_brought_ends_the_task_before_anything_is_ordered(world):
    line = world.vendor("a", DONE)
    task = Task(id="photo-1", spec=PhotoSpec(subject="a mug", references=("https://nowhere.example/x.png",)))
    shortfall = await world.agent.perform(replace(world.errand("a"), task=task))
    assert "https://nowhere.example/x.png could not be fetched" in shortfall.why
    assert "name its file instead" in shortfall.why
    assert (line.started, world.book.orders("job_1")) == ([], ())


# ── orders that can be looked for ───────────────────────────────────────────────────────────────

LOST = InDoubt("the answer was lost")


async def test_a_lost_order_that_the_vendor_can_show_is_taken_up(searchable):
    world = searchable
    line = world.vendor("a", LOST, Pending({"id": "t1"}, 0), DONE)
    assert isinstance(await world.agent.perform(world.errand("a")), Asset)
    assert (len(line.started), line.searched) == (1, 1)
    assert await world.owed() == (0, 70)


async def test_a_list_may_lag_so_it_is_read_twice(searchable):
    world = searchable
    waits: list[float] = []
    world.let_time_pass(waits)
    line = world.vendor("a", LOST, None, DONE)
    assert isinstance(await world.agent.perform(world.errand("a")), Asset)
    assert len(line.started) == 1
    assert waits == [pytest.approx(60, abs=1)]


async def test_what_no_list_shows_is_held_and_not_bought_again(searchable):
    world = searchable
    world.let_time_pass([])
    line = world.vendor("a", LOST, None, Unreachable("no route"), None)
    other = world.vendor("b", DONE)
    shortfall = await world.agent.perform(world.errand("a", "b"))
    assert shortfall.kind == "in_doubt"
    assert (len(line.started), len(other.started)) == (1, 0)
    assert await world.owed() == (100, 0)


# ── stopping, and what is learnt meanwhile ──────────────────────────────────────────────────────


async def stopped_while_sending(world: World, line: ScriptedLine, then: Any) -> None:
    """Cancels the run while its purchase is being sent; the vendor answers a moment later."""
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(order: Order) -> Done:
        begun.set()
        await go_on.wait()
        if isinstance(then, BaseException):
            raise then
        return then

    line.answers = [slowly]
    run = asyncio.ensure_future(world.agent.perform(world.errand("a")))
    await begun.wait()
    run.cancel()
    asyncio.get_running_loop().call_later(0.02, go_on.set)
    with pytest.raises(asyncio.CancelledError):
        await run


async def test_what_has_not_left_is_not_bought_after_a_cancel(world):
    line = world.vendor("a")
    line.left = False
    await stopped_while_sending(world, line, DONE)
    assert world.states == [("a", OrderState.RESERVED)]
    line.answers = [DONE]
    assert isinstance(await world.agent.perform(world.errand("a")), Asset)
    assert len(world.book.orders("job_1")) == 1


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (DONE, OrderState.READY),
        (Refused("not this", charged=Money(0)), OrderState.FAILED_FREE),
        (Failed("no luck"), OrderState.FAILED_CHARGED),
        (InDoubt("the answer was lost"), OrderState.IN_DOUBT),
    ],
)
async def test_what_comes_back_after_a_cancel_is_written_down(world, answer, state):
    line = world.vendor("a")
    await stopped_while_sending(world, line, answer)
    assert world.states == [("a", state)]


async def test_nobody_waits_for_ever_in_a_vendors_line(world):
    line = world.vendor("a", Pending({"id": "t1"}, 0), *[Pending({"id": "t1"}, 1.5, queued=True)] * 20)
    waits: list[float] = []
    world.let_time_pass(waits)
    assert (await world.agent.perform(world.errand("a"))).kind == "in_doubt"
    assert (sum(waits), line.cancelled) == (13.5, 1)


async def test_what_was_stopped_and_is_then_unknown_is_counted_in_full(world):
    line = world.vendor("a", Pending({"id": "t1"}, 0), *[Pending({"id": "t1"}, 1.5)] * 3, Forgotten("who?"))
    line.can_cancel = True
    world.vendor("b", DONE)
    world.let_time_pass([])
    assert (await world.agent.perform(world.errand("a", "b"))).platform == "b"
    assert world.states[0] == ("a", OrderState.FAILED_CHARGED)
    assert await world.owed() == (0, 100 + 70)


async def test_an_answer_that_stays_garbled_is_for_a_person(world):
    world.vendor("a", Pending({"id": "t1"}, 0), *[Garbled("made, but shows nothing")] * 5, DONE)
    world.let_time_pass([])
    shortfall = await world.agent.perform(world.errand("a"))
    assert shortfall.kind == "in_doubt"
    assert "asked 5 times" in shortfall.why
    assert isinstance(await world.agent.perform(world.errand("a")), Asset)


async def test_trouble_of_ours_while_looking_leaves_a_lost_order_where_it_is(searchable):
    line = searchable.vendor("a", LOST, Broken("the disk is full"))
    await searchable.agent.perform(searchable.errand("a"))
    assert searchable.states == [("a", OrderState.IN_DOUBT)]
    assert await searchable.owed() == (100, 0)
    assert len(line.started) == 1


async def test_an_order_under_way_is_not_bought_elsewhere_because_its_door_is_shut(world):
    world.vendor("a", Pending({"id": "t1"}, 0), *[Unreachable("no route")] * 5)
    other = world.vendor("b", DONE)
    world.let_time_pass([])
    await world.agent.perform(world.errand("a", "b"))
    world.shut = {"a"}
    shortfall = await world.agent.perform(world.errand("b", "a"))
    assert shortfall.kind == "in_doubt"
    assert "under way at a" in shortfall.why
    assert other.started == []
