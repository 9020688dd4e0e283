"""One order seen through: what came is taken up, what is lost is looked for, and nothing is paid for twice."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from practising import Counter, exchange_to
from scenarios import model_of, offer_of, order_of, task_of

from agentes.contract import (
    LEAVES_WITHIN_S,
    Candidates,
    Done,
    Forgotten,
    Link,
    LinkExpired,
    MayLeave,
    Pending,
)
from agentes.media.shelf import Shelf
from agentes.purchase import Purchase, Workroom, answer_of
from agentes.wire.patience import Patience
from orchestrator.store.book import SqlBook
from orchestrator.store.database import open_database
from orchestrator.store.jobs import Jobs
from shared_knowledge.caps import Limits
from shared_knowledge.catalogue import Catalogue
from shared_knowledge.cost_tracker import CostTracker, OrderMoved
from shared_knowledge.errors import (
    AgentesError,
    Broken,
    Failed,
    InDoubt,
    Refused,
    Throttled,
    Unavailable,
    Unreachable,
    Unsuitable,
)
from shared_knowledge.platform_facts import Platform
from shared_knowledge.vocabulary import Asset, Brief, Money, Order, OrderState, PhotoSpec

if TYPE_CHECKING:
    from practice import Practice

S = OrderState
PLATFORMS = [platform for platform in Catalogue.load().platforms if not platform.local]
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
DONE = Done(Link("https://vendor/x.png"), cost=Money(70))
MADE = Pending({"id": "t1"}, 0)
LOST = InDoubt("the line broke after the order had left.", request_id="r7")


class Vendor:
    """A line whose other end says what the test wrote down for each question."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf
        self.left = True
        self.says: dict[str, list[Any]] = {}
        self.asked: list[str] = []
        self.looked_for: list[Order] = []

    async def prepare(self, order: Order) -> Order:
        brought = self.says["prepare"].pop(0) if self.says.get("prepare") else {}
        if isinstance(brought, BaseException):
            raise brought
        return order.model_copy(update={"prepared": brought})

    async def start(self, order: Order, may_leave: Any = None) -> Any:
        return self._answer("start")

    async def salvage(self, order: Order) -> Any:
        return self._answer("salvage") if self.says.get("salvage") else None

    async def check(self, order: Order) -> Any:
        return self._answer("check")

    async def last_look(self, order: Order) -> Any:
        return self._answer("last_look")

    async def find(self, order: Order) -> Any:
        self.looked_for.append(order)
        return self._answer("find")

    async def cancel(self, order: Order) -> bool:
        return bool(self._answer("cancel"))

    async def collect(self, order: Order, done: Done) -> Path:
        if self.says.get("collect"):
            self._answer("collect")
        path = self.shelf.desk(order.id) / "picture.png"
        path.write_bytes(b"picture of " + order.id.encode())
        return path

    def _answer(self, question: str) -> Any:
        self.asked.append(question)
        answer = self.says[question].pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer


class World:
    """One order at one vendor, with a ledger, a shelf and a clock of its own."""

    def __init__(self, home: Path) -> None:
        self.database = open_database(home / "ledger.db")
        self.book = SqlBook(self.database)
        self.shelf = Shelf(home / "shelf", home / "desks")
        self.vendor = Vendor(self.shelf)
        self.time = NOON
        self.waits: list[float] = []
        self.tracker = CostTracker(self.book, Limits(a_day=Money(10**9)), now=lambda: self.time)
        self.facts = SimpleNamespace(
            recovery="OPAQUE",
            settles_s=None,
            local=False,
            deadline_s=100.0,
            look_again_s=2.0,
            pictures=None,
            model=lambda _: None,
        )
        self.fits: AgentesError | None = None
        self.patience = Patience()

    @property
    def room(self) -> Workroom:
        catalogue: Any = SimpleNamespace(platform=lambda _: self.facts)
        nobody: Any = None
        return Workroom(
            catalogue,
            self.tracker,
            self.shelf,
            nobody,
            nobody,
            wait=self._wait,
            now=lambda: self.time,
            patience=self.patience,
        )

    async def _wait(self, seconds: float) -> None:
        self.waits.append(round(seconds, 3))
        self.time += timedelta(seconds=seconds)

    async def _accept(self, path: Path, order: Order) -> None:
        if self.fits is not None:
            raise self.fits

    def purchase(self) -> Purchase:
        """As a new process finds the order."""
        line: Any = self.vendor
        return Purchase(self.room, line, self.order, self._accept)

    async def see_through(self, **how: Any) -> Any:
        try:
            return await self.purchase().see_through(**how)
        except AgentesError as error:
            return error

    async def begin(self, state: OrderState = S.RESERVED, receipt: dict[str, Any] | None = None) -> None:
        """Places the order and brings it to a state."""
        await Jobs(self.database).add("job_1", Brief(text="x"), "/tmp/x")
        order = Order(
            id="ord_1",
            job="job_1",
            task="photo-1",
            piece=1,
            attempt=1,
            platform="a",
            model="m",
            price=Money(100),
            prompt="a mug",
            spec=PhotoSpec(subject="a mug"),
        )
        order = await self.tracker.place(order, Money(1000))
        if state is S.RESERVED:
            return
        order = await self.tracker.sending(order)
        if state is S.SUBMITTED or receipt:
            order = await self.tracker.started(order, receipt or {"id": "t1"})
        if state is S.READY:
            order = await self.tracker.ready(order, {"done": {"media": {"url": "u", "kind": "link"}}})
        if state is S.IN_DOUBT:
            await self.tracker.doubt(order, "nobody knows")

    @property
    def order(self) -> Order:
        return next(order for order in self.book.orders("job_1") if order.id == "ord_1")

    @property
    def owed(self) -> tuple[int, int]:
        row = self.database.read(lambda t: t.row("budget", id="job:job_1"))
        assert row is not None
        return row["reserved"], row["spent"]

    def sent(self) -> int:
        return self.vendor.asked.count("start")


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = World(tmp_path)
    yield world
    world.database.close()


# ── killed between the answer and the ledger, at every platform ────────────────────────────────

_SAMPLE = ("runway", "elevenlabs", "openai_images", "kling")


async def _killed_before_the_ledger(counter: Counter, platform: Platform, home: Path) -> None:
    """Runs until the answer lies on the desk, and dies before the ledger hears of it."""
    tracker = counter.room.tracker

    async def die(*_: Any) -> Any:
        raise asyncio.CancelledError

    for verb in ("started", "ready"):
        setattr(tracker, verb, die)
    with pytest.raises(asyncio.CancelledError):
        await counter.perform(*_wanted(platform, home))
    counter.database.close()


def _wanted(platform: Platform, home: Path) -> Any:
    model = model_of(platform)
    given = order_of(platform, model, home).inputs
    picture = Path(given[0]) if given else None
    return task_of(platform, model, picture), offer_of(platform, model, picture)


@pytest.mark.parametrize(
    "platform",
    [
        pytest.param(each, id=each.id, marks=() if each.id in _SAMPLE else pytest.mark.torture)
        for each in PLATFORMS
    ],
)
async def test_what_came_before_the_kill_is_taken_up_and_not_bought_again(
    platform: Platform, sandbox: Practice, tmp_path: Path
) -> None:
    def counter() -> Counter:
        return Counter(exchange_to(platform, tmp_path, sandbox=sandbox.url), tmp_path)

    await _killed_before_the_ledger(counter(), platform, tmp_path)
    again = counter()
    (order,) = again.book.orders("job_1")
    assert (order.state, len(sandbox.ledger())) == (S.SENDING, 1)
    asset = await again.perform(*_wanted(platform, tmp_path))
    assert isinstance(asset, Asset), asset
    (entry,) = sandbox.ledger()
    (order,) = again.book.orders("job_1")
    assert order.state is S.SETTLED
    if platform.medium != "voice":  # whose length is guessed beforehand
        assert again.covered() == Money.dollars(entry["usd"])
    assert not any((tmp_path / "desks").iterdir())
    again.database.close()


async def test_a_refusal_before_the_kill_is_free(sandbox: Practice, tmp_path: Path) -> None:
    platform = Catalogue.load().platform("runway")

    def counter() -> Counter:
        return Counter(exchange_to(platform, tmp_path, sandbox=sandbox.url), tmp_path)

    dying = counter()

    async def die(*_: Any) -> Any:
        raise asyncio.CancelledError

    dying.room.tracker.drop = die  # type: ignore[method-assign]
    sandbox.fault("runway", "start", "out_of_credit")
    with pytest.raises(asyncio.CancelledError):
        await dying.perform(*_wanted(platform, tmp_path))
    dying.database.close()
    again = counter()
    assert again.book.orders("job_1")[0].state is S.SENDING
    shortfall = await again.perform(*_wanted(platform, tmp_path))
    assert not isinstance(shortfall, Asset)
    (order,) = again.book.orders("job_1")
    assert (order.state, again.covered(), sandbox.ledger()) == (S.FAILED_FREE, 0, [])
    again.database.close()


# ── what lies here is taken up ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("state", [S.SENDING, S.IN_DOUBT])
async def test_an_answer_that_lies_here_is_the_answer(world: World, state: OrderState) -> None:
    await world.begin(state)
    world.vendor.says = {"salvage": [MADE], "check": [DONE]}
    assert (await world.see_through()).state is S.SETTLED
    assert (world.sent(), world.owed) == (0, (0, 70))


async def test_a_salvaged_refusal_ends_the_order_for_nothing(world: World) -> None:
    await world.begin(S.SENDING)
    world.vendor.says = {"salvage": [Refused("not this", charged=Money(0))]}
    assert isinstance(await world.see_through(), Refused)
    assert (world.order.state, world.owed) == (S.FAILED_FREE, (0, 0))


async def test_a_salvaged_429_is_sent_anew_in_the_same_attempt(world: World) -> None:
    await world.begin(S.SENDING)
    world.vendor.says = {"salvage": [Throttled("patience", charged=Money(0))], "start": [DONE]}
    assert (await world.see_through()).state is S.SETTLED
    assert (world.sent(), world.order.attempt) == (1, 1)


async def test_who_may_not_buy_gets_it_back_before_its_sending(world: World) -> None:
    await world.begin(S.SENDING)
    world.vendor.says = {"salvage": [Throttled("patience", charged=Money(0))]}
    assert (await world.see_through(buys=False)).state is S.RESERVED
    assert world.sent() == 0


async def test_an_unreadable_answer_leaves_the_doubt_as_it_was(world: World) -> None:
    await world.begin()
    world.vendor.says = {"start": [LOST], "salvage": [InDoubt("it was not understood")]}
    assert await world.see_through() is LOST
    assert (world.order.state, world.owed) == (S.IN_DOUBT, (100, 0))


async def test_half_an_answer_with_a_number_is_taken_up_at_once(world: World) -> None:
    await world.begin()
    world.vendor.says = {"start": [LOST], "salvage": [MADE], "check": [DONE]}
    assert (await world.see_through()).state is S.SETTLED
    assert world.vendor.asked == ["start", "salvage", "check"]


async def test_trouble_of_ours_while_reading_it_keeps_the_money(world: World) -> None:
    await world.begin(S.SENDING)
    world.vendor.says = {"salvage": [Broken("the disk is gone")]}
    assert isinstance(await world.see_through(), Broken)
    assert (world.order.state, world.owed) == (S.IN_DOUBT, (100, 0))


# ── doubt, by recovery kind ────────────────────────────────────────────────────────────────────

KINDS = ("CLIENT_REF", "LISTABLE", "REFETCHABLE")


@pytest.mark.parametrize("kind", KINDS)
async def test_what_the_vendor_shows_is_adopted(world: World, kind: str) -> None:
    world.facts.recovery = kind
    await world.begin(S.SENDING)
    world.vendor.says = {"find": [None, MADE], "check": [DONE]}
    assert (await world.see_through()).state is S.SETTLED
    assert (world.sent(), world.waits) == (0, [60])


@pytest.mark.parametrize("kind", KINDS)
async def test_what_a_settled_list_lacks_twice_is_sent_again_in_the_same_attempt(
    world: World, kind: str
) -> None:
    world.facts.recovery, world.facts.settles_s = kind, 30.0
    await world.begin()
    world.vendor.says = {"start": [LOST, DONE], "find": [None, None]}
    settled = await world.see_through()
    assert (settled.state, settled.attempt, world.sent()) == (S.SETTLED, 1, 2)
    assert world.waits == [30]
    assert world.owed == (0, 70)


@pytest.mark.parametrize("kind", KINDS)
async def test_what_an_unsettled_list_lacks_is_held(world: World, kind: str) -> None:
    world.facts.recovery = kind
    await world.begin()
    world.vendor.says = {"start": [LOST], "find": [None, None]}
    doubt = await world.see_through()
    assert isinstance(doubt, InDoubt)
    assert doubt.what.startswith(LOST.what)
    assert (doubt.request_id, world.sent(), world.waits) == ("r7", 1, [60])
    assert (world.order.state, world.owed) == (S.IN_DOUBT, (100, 0))
    world.vendor.says = {"find": [MADE], "check": [DONE]}  # looked at again, an hour later
    assert (await world.see_through()).state is S.SETTLED


async def test_a_list_that_cannot_be_read_is_no_look(world: World) -> None:
    world.facts.recovery, world.facts.settles_s = "LISTABLE", 30.0
    await world.begin(S.SENDING)
    world.vendor.says = {"find": [None, Unreachable("no route"), *[Unreachable("no route")] * 9]}
    assert isinstance(await world.see_through(), InDoubt)
    assert world.order.state is S.IN_DOUBT


async def test_what_was_prepared_is_prepared_again_to_tell_it_from_others(world: World) -> None:
    world.facts.recovery = "REFETCHABLE"
    await world.begin(S.SENDING)
    world.vendor.says = {"prepare": [{"voice": "v1"}], "find": [None, DONE]}
    assert (await world.see_through()).state is S.SETTLED
    assert [order.prepared for order in world.vendor.looked_for] == [{"voice": "v1"}] * 2


async def test_a_shut_door_while_looking_says_nothing_of_the_order(world: World) -> None:
    world.facts.recovery = "REFETCHABLE"
    await world.begin(S.SENDING)
    world.vendor.says = {"prepare": [Unavailable("the key is refused", charged=Money(0))] * 9}
    assert isinstance(await world.see_through(), InDoubt)
    assert (world.order.state, world.owed, world.vendor.looked_for) == (S.IN_DOUBT, (100, 0), [])


async def test_a_list_settles_before_our_eyes_whatever_the_calendar_says(world: World) -> None:
    """A clock that was put forward would make a fresh sending look like an old one."""
    world.facts.recovery, world.facts.settles_s = "LISTABLE", 60.0
    await world.begin(S.SENDING)
    world.time += timedelta(hours=1)
    world.vendor.says = {"find": [None, None], "start": [DONE]}
    assert (await world.see_through()).state is S.SETTLED
    assert sum(world.waits) >= 60


async def test_a_connection_may_have_held_until_its_deadline(world: World) -> None:
    """Killed 90 s ago in a sending that may take 100: it may have been booked a moment ago."""
    world.facts.recovery, world.facts.settles_s = "LISTABLE", 60.0
    await world.begin(S.SENDING)
    world.time += timedelta(seconds=90)
    world.vendor.says = {"find": [None, MADE], "check": [DONE]}
    assert (await world.see_through()).state is S.SETTLED
    assert (world.waits, world.sent()) == ([60 + LEAVES_WITHIN_S], 0)


async def test_a_clock_that_jumped_does_not_shorten_the_wait(world: World) -> None:
    world.facts.recovery, world.facts.settles_s = "LISTABLE", 60.0
    await world.begin()
    start = world.vendor.start

    async def while_the_clock_is_set(order: Order, may_leave: MayLeave) -> Any:
        world.time += timedelta(hours=5)
        return await start(order, may_leave)

    world.vendor.start = while_the_clock_is_set  # type: ignore[method-assign]
    world.vendor.says = {"start": [LOST], "find": [None, MADE], "check": [DONE]}
    assert (await world.see_through()).state is S.SETTLED
    assert world.waits == [60]
    assert world.sent() == 1


async def test_a_clock_set_back_does_not_either(world: World) -> None:
    world.facts.recovery, world.facts.settles_s = "LISTABLE", 60.0
    await world.begin(S.SENDING)
    world.time -= timedelta(hours=5)
    world.vendor.says = {"find": [None, MADE], "check": [DONE]}
    assert (await world.see_through()).state is S.SETTLED
    assert world.waits == [60 + LEAVES_WITHIN_S]


@pytest.mark.parametrize("taken", [False, True], ids=["still his", "taken over"])
async def test_who_stood_still_before_the_first_byte_asks_whether_it_may_leave(
    world: World, monkeypatch: pytest.MonkeyPatch, taken: bool
) -> None:
    """The ledger had said yes; then the machine slept, and somebody may have looked for the order in vain."""
    monkeypatch.setattr("agentes.steps.LEAVES_WITHIN_S", 0.02)
    await world.begin()
    purchase, left = world.purchase(), []

    async def after_a_sleep(order: Order, may_leave: MayLeave) -> Any:
        assert world.order.state is S.SENDING
        await asyncio.sleep(0.05)
        world.time += timedelta(seconds=40)
        if taken:
            await world.tracker.again(world.order, "its vendor never had it")
        await may_leave()
        left.append(world.order.sent_at)
        return DONE

    world.vendor.start = after_a_sleep  # type: ignore[method-assign]
    if taken:
        with pytest.raises(OrderMoved):
            await purchase.see_through()
        assert (left, world.order.state) == ([], S.RESERVED)
    else:
        assert (await purchase.see_through()).state is S.SETTLED
        assert left == [NOON + timedelta(seconds=40)]


async def test_several_that_could_be_it_are_for_a_person(world: World) -> None:
    world.facts.recovery = "LISTABLE"
    await world.begin()
    world.vendor.says = {"start": [LOST], "find": [Candidates(("g1", "g2"))]}
    doubt = await world.see_through()
    assert isinstance(doubt, InDoubt)
    assert doubt.vendor_says == "g1, g2"
    assert world.order.state is S.NEEDS_REVIEW
    assert "2 works there could be it: g1, g2" in (world.order.why or "")
    assert world.owed == (100, 0)
    again = await world.see_through()
    assert isinstance(again, InDoubt)
    assert "waits for a person" in again.what
    assert world.vendor.asked == ["start", "find"]


async def test_a_vendor_that_loses_every_sending_is_left_for_nothing(world: World) -> None:
    world.facts.recovery, world.facts.settles_s = "LISTABLE", 30.0
    await world.begin()
    world.vendor.says = {"start": [LOST] * 3, "find": [None] * 6}
    assert isinstance(await world.see_through(), Unavailable)
    assert (world.sent(), world.order.state, world.owed) == (3, S.FAILED_FREE, (0, 0))


async def test_the_same_key_again_is_the_same_purchase(world: World) -> None:
    world.facts.recovery = "IDEMPOTENT"
    await world.begin()
    world.vendor.says = {"start": [LOST, DONE]}
    assert (await world.see_through()).state is S.SETTLED
    assert (world.sent(), len(world.book.orders("job_1"))) == (2, 1)


async def test_a_key_that_never_helps_is_not_tried_for_ever(world: World) -> None:
    world.facts.recovery = "IDEMPOTENT"
    await world.begin()
    world.vendor.says = {"start": [LOST] * 3}
    assert await world.see_through() is LOST
    assert (world.order.state, world.owed) == (S.IN_DOUBT, (100, 0))


@pytest.mark.parametrize(
    ("fault", "waited_s", "bought"),
    [
        ("reset_before", 0.4, 1),  # it was never booked: once the list has settled, that is known
        ("reset_after", 0.4, 1),  # it was booked, and shows when the list has settled
        ("reset_after", 0.0, 2),  # who does not wait buys twice: so this test can see it
    ],
)
async def test_at_the_sandbox_a_list_that_lags_is_waited_for(
    sandbox: Practice,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
    waited_s: float,
    bought: int,
) -> None:
    platform = Catalogue.load().platform("elevenlabs")
    monkeypatch.setattr(Platform, "settles_s", property(lambda _: 60.0))
    sandbox.fault("elevenlabs", "start", fault)
    sandbox.fault("elevenlabs", "find", "lag:0.3", times=9)

    async def wait(_: float) -> None:
        await asyncio.sleep(waited_s)

    counter = Counter(exchange_to(platform, tmp_path, sandbox=sandbox.url), tmp_path, wait=wait)
    assert isinstance(await counter.perform(*_wanted(platform, tmp_path)), Asset)
    assert len(sandbox.ledger()) == bought
    assert len(counter.book.orders("job_1")) == 1
    counter.database.close()


# ── late, bare, dear, and lost files ───────────────────────────────────────────────────────────


async def test_a_late_result_is_collected_and_booked_when_it_is_looked_at_again(world: World) -> None:
    await world.begin(S.IN_DOUBT, {"id": "t1"})
    world.vendor.says = {"check": [MADE, DONE]}
    assert (await world.see_through()).state is S.SETTLED
    assert (world.sent(), world.owed) == (0, (0, 70))


async def test_a_timeout_is_no_failure_and_buys_nothing(world: World) -> None:
    await world.begin(S.SUBMITTED)
    slow = Pending({"id": "t1"}, 60.0)
    world.vendor.says = {"check": [slow] * 3, "cancel": [False]}
    assert isinstance(await world.see_through(), InDoubt)
    assert (world.order.state, world.owed) == (S.IN_DOUBT, (100, 0))
    world.vendor.says = {"check": [DONE]}
    assert (await world.see_through()).state is S.SETTLED


async def test_a_stop_that_is_not_confirmed_leaves_the_doubt(world: World) -> None:
    await world.begin(S.SUBMITTED)
    slow = Pending({"id": "t1"}, 60.0)
    world.vendor.says = {"check": [slow] * 3, "cancel": [True], "last_look": [slow]}
    assert isinstance(await world.see_through(), InDoubt)
    assert world.vendor.asked == ["check", "check", "check", "cancel", "last_look"]
    world.vendor.says = {"check": [DONE]}
    assert (await world.see_through()).state is S.SETTLED


async def test_made_with_nothing_to_show_is_looked_at_for_half_a_minute_and_counted(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    await world.begin(S.SUBMITTED)
    world.vendor.says = {"check": [Pending({"id": "t1"}, 2.0, bare=True)] * 4}
    with caplog.at_level(logging.WARNING):
        failed = await world.see_through()
    assert isinstance(failed, Failed)
    assert "says photo-1 is made, and shows nothing after 4 looks" in failed.what
    assert "t1" in failed.todo
    assert world.waits == [10, 10, 10]
    assert (world.order.state, world.owed) == (S.FAILED_CHARGED, (0, 100))
    assert "shows nothing" in caplog.text


async def test_made_with_nothing_to_show_yet_is_taken_when_it_shows(world: World) -> None:
    await world.begin(S.SUBMITTED)
    bare = Pending({"id": "t1"}, 2.0, bare=True)
    world.vendor.says = {"check": [bare, bare, bare, DONE]}
    assert (await world.see_through()).state is S.SETTLED


async def test_a_link_that_is_gone_for_good_is_charged_and_not_bought_again(world: World) -> None:
    await world.begin(S.READY)
    world.vendor.says = {"collect": [LinkExpired("The file is not there any more.")]}
    trouble = await world.see_through()
    assert isinstance(trouble, Unreachable), "what sends a task elsewhere would buy it again"
    assert (world.order.state, world.owed) == (S.FAILED_CHARGED, (0, 100))


async def test_a_download_that_fails_for_now_waits(world: World) -> None:
    await world.begin(S.READY)
    world.vendor.says = {"collect": [Unreachable("no route"), None]}
    assert isinstance(await world.see_through(), Unreachable)
    assert (world.order.state, world.owed) == (S.READY, (100, 0))
    assert (await world.see_through()).state is S.SETTLED
    assert world.sent() == 0


async def test_a_file_that_is_not_what_was_ordered_may_be_had_elsewhere(world: World) -> None:
    await world.begin(S.READY)
    world.fits = Unsuitable("it is a square")
    assert await world.see_through() is world.fits
    assert (world.order.state, world.owed) == (S.FAILED_CHARGED, (0, 100))


@pytest.mark.parametrize(("charged", "told"), [(110, False), (111, True), (250, True)])
async def test_much_more_than_the_price_is_booked_and_said(
    world: World, caplog: pytest.LogCaptureFixture, charged: int, told: bool
) -> None:
    await world.begin()
    world.vendor.says = {"start": [Done(Link("u"), warnings=("a note",), cost=Money(charged))]}
    with caplog.at_level(logging.WARNING):
        settled = await world.see_through()
    assert settled.cost == charged
    warnings = answer_of(world.order).warnings
    assert warnings[0] == "a note"
    assert (len(warnings) == 2, "more than" in caplog.text) == (told, told)


# ── a person cancels ───────────────────────────────────────────────────────────────────────────


async def called_off(world: World) -> tuple[OrderState, str]:
    """How the order then stands in the ledger, and what the person is told."""
    told = await world.purchase().call_off()
    assert told.state is world.order.state
    assert told.why
    return told.state, told.why


async def test_what_was_never_sent_is_cancelled(world: World) -> None:
    await world.begin()
    assert await called_off(world) == (
        S.CANCELLED,
        "It was never sent, or never booked: nothing is charged.",
    )
    assert (world.owed, world.vendor.asked) == ((0, 0), [])


@pytest.mark.parametrize(
    ("look", "state", "owed", "told"),
    [
        (Failed("It was stopped.", charged=Money(0)), S.FAILED_FREE, (0, 0), "Nothing is charged"),
        (Failed("It was stopped.", charged=Money(40)), S.FAILED_CHARGED, (0, 40), "is charged"),
        (Failed("It was stopped."), S.FAILED_CHARGED, (0, 100), "not told, so"),
        (Forgotten("who?"), S.FAILED_CHARGED, (0, 100), "not told, so"),
        (MADE, S.SUBMITTED, (100, 0), "was asked to stop, and has not done so yet"),
        (Unreachable("no route"), S.SUBMITTED, (100, 0), "stays set aside"),
        (InDoubt("the key is refused"), S.SUBMITTED, (100, 0), "stays set aside"),
        (DONE, S.SETTLED, (0, 70), "finished already"),
    ],
)
async def test_a_vendor_that_was_told_to_stop(
    world: World, look: Any, state: OrderState, owed: tuple[int, int], told: str
) -> None:
    await world.begin(S.SUBMITTED)
    world.vendor.says = {"cancel": [True], "last_look": [look]}
    assert (await called_off(world))[0] is state
    assert world.owed == owed
    if state is S.SUBMITTED:  # and is looked at again later
        world.vendor.says = {"check": [DONE]}
        assert (await world.see_through()).state is S.SETTLED
    else:
        assert told in (world.order.why or "") or state is not S.SUBMITTED


@pytest.mark.parametrize(
    ("look", "state", "told"),
    [
        (MADE, S.SUBMITTED, "a cannot be asked to stop."),
        (Forgotten("a knows nothing of it."), S.IN_DOUBT, "a knows nothing of it."),
        (DONE, S.SETTLED, "It was finished already: $0.0001 is charged"),
    ],
)
async def test_a_vendor_that_cannot_be_told(world: World, look: Any, state: OrderState, told: str) -> None:
    await world.begin(S.SUBMITTED)
    world.vendor.says = {"cancel": [False], "last_look": [look]}
    now, why = await called_off(world)
    assert now is state
    assert why.startswith(told)


@pytest.mark.parametrize("recovery", ["OPAQUE", "IDEMPOTENT"])
async def test_a_lost_order_of_a_cancelled_job_is_held_and_never_sent_again(
    world: World, recovery: str
) -> None:
    world.facts.recovery = recovery
    await world.begin(S.SENDING)
    state, why = await called_off(world)
    assert (state, world.sent(), world.owed) == (S.IN_DOUBT, 0, (100, 0))
    assert "may or may not have booked it" in why


async def test_a_lost_order_of_a_cancelled_job_is_looked_for_once_and_stopped(world: World) -> None:
    world.facts.recovery = "LISTABLE"
    await world.begin(S.SENDING)
    world.vendor.says = {"find": [MADE], "cancel": [True], "last_look": [Forgotten("who?")]}
    assert (await called_off(world))[0] is S.FAILED_CHARGED
    assert world.waits == []


@pytest.mark.parametrize("settles_s", [60.0, None])
async def test_whoever_cancels_does_not_wait_for_a_list_and_nothing_is_called_free(
    world: World, settles_s: float | None
) -> None:
    world.facts.recovery, world.facts.settles_s = "LISTABLE", settles_s
    await world.begin(S.SENDING)
    world.time += timedelta(hours=1)
    world.vendor.says = {"find": [None, None]}
    assert (await called_off(world))[0] is S.IN_DOUBT
    assert (world.sent(), sum(world.waits) <= 5, world.owed) == (0, True, (100, 0))


async def test_a_list_that_cannot_be_asked_now_is_no_reason_to_call_it_free(world: World) -> None:
    world.facts.recovery = "LISTABLE"
    await world.begin(S.SENDING)
    world.vendor.says = {"find": [Unreachable("no route")]}
    assert (await called_off(world))[0] is S.IN_DOUBT
    assert world.owed == (100, 0)


async def test_trouble_of_ours_while_cancelling_keeps_the_money(world: World) -> None:
    await world.begin(S.SENDING)
    world.vendor.says = {"salvage": [Broken("the disk is gone")]}
    assert (await called_off(world))[0] is S.IN_DOUBT
    assert world.owed == (100, 0)


async def test_an_answer_of_a_cancelled_job_that_lies_here_is_taken_up(world: World) -> None:
    await world.begin(S.SENDING)
    world.vendor.says = {"salvage": [DONE]}
    assert (await called_off(world))[0] is S.SETTLED
    assert world.owed == (0, 70)


async def test_what_is_made_is_fetched_or_waits_for_it(world: World) -> None:
    await world.begin(S.READY)
    world.vendor.says = {"collect": [Unreachable("no route")]}
    state, why = await called_off(world)
    assert (state, world.owed) == (S.READY, (100, 0))
    assert "stays set aside" in why
    state, why = await called_off(world)
    assert (state, world.owed) == (S.SETTLED, (0, 100))


async def test_what_is_over_is_left_alone(world: World) -> None:
    await world.begin()
    await world.tracker.drop(world.order, "it was refused")
    assert await called_off(world) == (S.FAILED_FREE, "it was refused")


async def test_what_is_made_on_this_machine_is_dropped(world: World) -> None:
    world.facts.local = True
    await world.begin(S.SENDING)
    assert (await called_off(world))[0] is S.FAILED_FREE


async def test_a_vendor_that_does_not_answer_does_not_hold_up_a_cancel(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from agentes import calling_off

    monkeypatch.setattr(calling_off, "_ASKING_S", 0.05)
    await world.begin(S.SUBMITTED)

    async def never(order: Order) -> bool:
        await asyncio.Event().wait()
        return True

    world.vendor.cancel = never  # type: ignore[method-assign]
    state, why = await called_off(world)
    assert state is S.SUBMITTED
    assert "did not answer" in why


async def test_at_the_sandbox_a_running_task_is_stopped_and_counted(
    sandbox: Practice, tmp_path: Path
) -> None:
    platform = Catalogue.load().platform("runway")
    counter = Counter(exchange_to(platform, tmp_path, sandbox=sandbox.url), tmp_path)
    sandbox.fault("runway", "start", "stuck")

    async def stop(_: float) -> None:
        raise asyncio.CancelledError

    object.__setattr__(counter.room, "wait", stop)
    with pytest.raises(asyncio.CancelledError):
        await counter.perform(*_wanted(platform, tmp_path))
    (order,) = counter.book.orders("job_1")
    assert order.state is S.SUBMITTED

    async def accept(path: Path, order: Order) -> None:
        raise AssertionError

    async with counter.room.connect("runway") as line:
        order = await Purchase(counter.room, line, order, accept).call_off()
    assert order.state is S.FAILED_CHARGED
    assert (order.why or "").startswith("It was stopped. What that took is not told")
    assert [seen.kind for seen in sandbox.seen] == ["start", "check", "cancel", "check"]
    assert counter.covered() >= sum(Money.dollars(entry["usd"]) for entry in sandbox.ledger())
    counter.database.close()


@pytest.mark.parametrize(
    ("words", "ended", "state"),
    [
        ("a mug", False, S.NEEDS_REVIEW),  # it may be the other's, which is paid for
        ("a mug", True, S.SETTLED),  # the other was never booked
        ("a jug", False, S.SETTLED),
    ],
)
async def test_a_found_work_is_not_taken_from_another_order_of_the_same_words(
    world: World, words: str, ended: bool, state: OrderState
) -> None:
    world.facts.recovery = "REFETCHABLE"
    await world.begin(S.SENDING)
    other = world.order.model_copy(update={"id": "ord_2", "task": "photo-2", "prompt": words})
    other = await world.tracker.sending(await world.tracker.place(other, Money(1000)))
    if ended:
        await world.tracker.drop(other, "refused at the door")
    world.vendor.says = {"find": [DONE]}
    await world.see_through()
    assert world.order.state is state


async def test_what_was_never_made_sooner_is_not_looked_at_sooner(world: World) -> None:
    await world.begin()
    for took_s in (50.0, 41.0, 60.0):
        world.patience.learn(("a", "m"), took_s)
    world.patience.learn(("a", "m"), -3.0)
    world.vendor.says = {"start": [MADE], "check": [Pending({"id": "t1"}, 5.0), DONE]}
    assert (await world.see_through()).state is S.SETTLED
    assert world.waits == [32.8, 5]
    assert world.vendor.asked == ["start", "check", "check"]
    assert world.patience.first_look_s(("a", "m")) == pytest.approx(0.8 * 37.8)
