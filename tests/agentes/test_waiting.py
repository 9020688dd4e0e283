"""A hint ends a pause, and nothing else: whoever polls and whoever is called back buy and settle once, together."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from practising import Counter, exchange_to
from scenarios import model_of, offer_of, task_of
from scenarios import order_of as placed_at
from test_purchase import DONE, World

from agentes.contract import Pending
from agentes.purchase import Purchase
from agentes.waiting import WaitingDesk
from agentes.wire.adapters import adapter_of
from shared_knowledge.catalogue import Catalogue
from shared_knowledge.errors import Unreachable
from shared_knowledge.platform_facts import Platform
from shared_knowledge.vocabulary import Asset, Money, Order, OrderState, PhotoSpec

if TYPE_CHECKING:
    from practice import Practice

PENDING = Pending({"id": "t1"}, 30.0)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = World(tmp_path)
    yield world
    world.database.close()


def order_of(receipt: dict[str, Any] | None = None, platform: str = "a") -> Order:
    return Order(
        id="ord_1",
        job="job_1",
        task="photo-1",
        piece=1,
        attempt=1,
        platform=platform,
        model="m",
        price=Money(100),
        prompt="a mug",
        spec=PhotoSpec(subject="a mug"),
        receipt=receipt,
    )


def at_the_desk(world: World, desk: WaitingDesk) -> Purchase:
    line: Any = world.vendor
    return Purchase(replace(world.room, desk=desk), line, world.order, world._accept)


async def until(condition: Any) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.002)


# ── the desk ───────────────────────────────────────────────────────────────────────────────────────


async def test_without_a_hint_the_pause_is_what_was_asked_for() -> None:
    desk = WaitingDesk(least_s=0.01)
    begun = time.monotonic()
    assert await desk.pause(order_of({"id": "t1"}), 0.1) == 0.1
    assert time.monotonic() - begun >= 0.1
    assert desk._waiting == {}


async def test_a_hint_ends_it_early_and_says_how_long_it_took() -> None:
    desk = WaitingDesk(least_s=0.01)
    pause = asyncio.create_task(desk.pause(order_of({"path": "/x", "task_id": 8402}), 30))
    await until(lambda: desk._waiting)
    assert not desk.hint("a", "8403")
    assert not desk.hint("b", "8402")
    assert desk.hint("a", "8402")
    assert await asyncio.wait_for(pause, 2) < 2
    assert desk._waiting == {}


async def test_however_many_hints_come_nobody_is_asked_more_often() -> None:
    desk = WaitingDesk(least_s=0.05)
    begun = time.monotonic()
    for _ in range(3):
        pause = asyncio.create_task(desk.pause(order_of({"id": "t1"}), 30))
        for _ in range(20):
            await asyncio.sleep(0)
            desk.hint("a", "t1")
        await pause
    assert time.monotonic() - begun >= 0.15


async def test_a_hint_that_comes_during_a_look_is_kept_for_the_next_pause() -> None:
    desk = WaitingDesk(least_s=0.01)
    assert not desk.hint("a", "t1")
    assert await asyncio.wait_for(desk.pause(order_of({"id": "t1"}), 30), 2) == 0.01
    assert await desk.pause(order_of({"id": "t1"}), 0.05) == 0.05  # once


async def test_hints_about_nothing_fill_nothing() -> None:
    desk = WaitingDesk()
    for n in range(5000):
        desk.hint("a", str(n))
    assert len(desk._early) == 1000


async def test_an_order_without_a_number_waits_all_the_same() -> None:
    waits: list[float] = []

    async def wait(seconds: float) -> None:
        waits.append(seconds)

    assert await WaitingDesk(wait=wait).pause(order_of(), 7) == 7
    assert waits == [7]


# ── the purchase ───────────────────────────────────────────────────────────────────────────────────


async def test_a_hint_brings_the_look_forward(world: World) -> None:
    desk = WaitingDesk(least_s=0.01)
    await world.begin()
    world.vendor.says = {"start": [Pending({"id": "t1"}, 0)], "check": [PENDING, DONE]}
    purchase = asyncio.create_task(at_the_desk(world, desk).see_through())
    await until(lambda: desk._waiting)
    begun = time.monotonic()
    desk.hint("a", "t1")
    order = await asyncio.wait_for(purchase, 5)
    assert time.monotonic() - begun < 5
    assert order.state is OrderState.SETTLED
    assert (world.sent(), world.owed) == (1, (0, 70))


@pytest.mark.parametrize("seed", range(6))
async def test_polls_and_hints_race_and_it_is_bought_and_settled_once(world: World, seed: int) -> None:
    dice, desk = random.Random(seed), WaitingDesk(least_s=0.002)
    await world.begin()
    pauses = [Pending({"id": "t1"}, dice.choice([0.001, 0.01, 0.03])) for _ in range(12)]
    world.vendor.says = {"start": [Pending({"id": "t1"}, 0)], "check": [*pauses, DONE]}
    settled: list[str] = []
    real = world.tracker.settle

    async def settle(order: Order, cost: Money) -> Order:
        settled.append(order.id)
        return await real(order, cost)

    world.tracker.settle = settle  # type: ignore[method-assign]

    async def vendor_calls() -> None:
        while True:
            await asyncio.sleep(dice.choice([0, 0.001, 0.005]))
            desk.hint("a", dice.choice(["t1", "t1", "t2"]))

    calls = asyncio.create_task(vendor_calls())
    order = await asyncio.wait_for(at_the_desk(world, desk).see_through(), 10)
    calls.cancel()
    assert order.state is OrderState.SETTLED
    assert (world.sent(), settled, world.owed) == (1, ["ord_1"], (0, 70))
    assert world.vendor.asked.count("check") == 13


async def test_a_flood_of_hints_does_not_use_up_our_patience(world: World) -> None:
    """Patience is counted in time that passed, so that nobody can talk us into giving up an order."""
    desk = WaitingDesk(least_s=0.001)
    await world.begin()
    world.vendor.says = {"start": [Pending({"id": "t1"}, 0)], "check": [PENDING] * 40 + [DONE]}

    async def flood() -> None:
        while True:
            desk.hint("a", "t1")
            await asyncio.sleep(0)

    calls = asyncio.create_task(flood())
    order = await asyncio.wait_for(at_the_desk(world, desk).see_through(), 10)
    calls.cancel()
    assert order.state is OrderState.SETTLED


async def test_hints_shorten_no_pause_that_leads_to_a_verdict(world: World) -> None:
    """After trouble, or where there is nothing to see, the next look counts against the vendor."""
    desk = WaitingDesk(least_s=0.001)
    await world.begin()
    bare = Pending({"id": "t1"}, 1.0, bare=True)
    world.vendor.says = {
        "start": [Pending({"id": "t1"}, 0)],
        "check": [Unreachable("no route"), bare, bare, DONE],
    }
    desk.hint("a", "t1")
    order = await at_the_desk(world, desk).see_through()
    assert order.state is OrderState.SETTLED
    assert world.waits == [2.0, 10.0, 10.0]


# ── asking to be called back ───────────────────────────────────────────────────────────────────────


CALL_BACK = [platform for platform in Catalogue.load().platforms if platform.hooks]
HOOKS = "https://us.example/hooks"
NAMES = {"pika": "fal_webhook", "kling": "callback_url", "luma": "callback_url"}


@pytest.mark.parametrize("platform", CALL_BACK, ids=lambda platform: platform.id)
@pytest.mark.parametrize("hook", [None, f"{HOOKS}/x?y=1&z=2"])
async def test_a_vendor_is_told_where_to_call_and_only_if_it_may(
    platform: Platform, hook: str | None, tmp_path: Path
) -> None:
    sent: list[httpx.Request] = []

    def vendor(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200, json={})

    order = placed_at(platform, model_of(platform), tmp_path)
    order = order.model_copy(update={"prepared": {"hook": hook} if hook else {}})
    transport = httpx.MockTransport(vendor)
    async with httpx.AsyncClient(base_url="https://vendor.example", transport=transport) as http:
        with pytest.raises(ValueError, match=r"\w+"):  # an empty answer is no answer
            await adapter_of(platform).start(http, order)
    (request,) = sent
    told = {**json.loads(request.content), **dict(request.url.params)}
    assert told.get(NAMES[platform.id]) == hook


@pytest.mark.parametrize("platform", CALL_BACK, ids=lambda platform: platform.id)
async def test_at_the_sandbox_an_order_with_a_way_back_is_taken(
    platform: Platform, sandbox: Practice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    real = type(adapter_of(platform)).start

    async def start(adapter: Any, http: httpx.AsyncClient, order: Order) -> Any:
        asked.append(order.prepared["hook"])
        return await real(adapter, http, order)

    monkeypatch.setattr(type(adapter_of(platform)), "start", start)
    counter = Counter(exchange_to(platform, tmp_path, sandbox=sandbox.url), tmp_path)
    counter.room = replace(counter.room, hooks_at=HOOKS)
    model = model_of(platform)
    picture = next(iter(placed_at(platform, model, tmp_path).inputs), None)
    reference = Path(picture) if picture else None
    made = await counter.perform(task_of(platform, model, reference), offer_of(platform, model, reference))
    assert isinstance(made, Asset)
    assert asked == [f"{HOOKS}/{platform.id}"]
    assert len(sandbox.ledger()) == 1
