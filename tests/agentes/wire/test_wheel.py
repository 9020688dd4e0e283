"""The wheel: what is parked is looked at in its time, by few hands, and costs next to nothing while it waits."""

from __future__ import annotations

import asyncio
import gc
import time
import tracemalloc
from collections.abc import AsyncIterator

import pytest

from agentes.wire.patience import Patience
from agentes.wire.wheel import Wheel
from shared_knowledge.errors import Unreachable


class Vendor:
    """Says for each name how often it is still at work."""

    def __init__(self) -> None:
        self.looks: list[tuple[str, float]] = []
        self.left: dict[str, int] = {}
        self.at_once = self.most_at_once = 0
        self.begun = time.monotonic()

    async def look(self, name: str) -> float | None:
        self.looks.append((name, time.monotonic() - self.begun))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0.002)
        self.at_once -= 1
        if self.left.get(name, 0) < 0:
            raise Unreachable("nobody is there", platform="runway")
        self.left[name] = self.left.get(name, 0) - 1
        return 0.02 if self.left[name] > 0 else None


@pytest.fixture
async def turning() -> AsyncIterator[tuple[Wheel, Vendor]]:
    vendor = Vendor()
    wheel = Wheel(vendor.look, step_s=0.01, at_once=4)
    yield wheel, vendor
    wheel.close()


async def until(done: object, seconds: float = 3.0) -> None:
    async with asyncio.timeout(seconds):
        while not done():  # type: ignore[operator]
            await asyncio.sleep(0.01)


async def test_each_is_looked_at_in_its_time_until_it_is_let_go(turning):
    wheel, vendor = turning
    vendor.left = {"soon": 1, "later": 1, "thrice": 3}
    wheel.park("later", 0.15)
    wheel.park("soon", 0.03)
    wheel.park("thrice", 0.0)
    await until(lambda: not len(wheel))
    assert sorted(name for name, _ in vendor.looks) == ["later", "soon", "thrice", "thrice", "thrice"]
    at = dict(vendor.looks)
    assert at["soon"] >= 0.03
    assert at["later"] >= 0.15
    assert at["later"] > at["soon"]


async def test_many_that_fall_due_together_are_looked_at_by_few_hands(turning):
    wheel, vendor = turning
    for number in range(100):
        vendor.left[name := f"ord_{number}"] = 1
        wheel.park(name, 0.02)
    await until(lambda: not len(wheel))
    assert (len(vendor.looks), vendor.most_at_once, wheel.late) == (100, 4, 0)


async def test_what_is_parked_anew_or_taken_out_is_not_looked_at_for_its_old_moment(turning):
    wheel, vendor = turning
    vendor.left = {"moved": 1, "out": 1}
    wheel.park("moved", 0.01)
    wheel.park("moved", 0.1)
    wheel.park("out", 0.01)
    assert wheel.take_out("out")
    assert not wheel.take_out("out")
    await until(lambda: not len(wheel))
    assert [name for name, at in vendor.looks if at >= 0.1] == ["moved"]
    assert len(vendor.looks) == 1


async def test_a_look_that_fails_lets_go(turning):
    wheel, vendor = turning
    vendor.left = {"lost": -1, "fine": 1}
    wheel.park("lost", 0)
    wheel.park("fine", 0.02)
    await until(lambda: not len(wheel))
    assert [name for name, _ in vendor.looks] == ["lost", "fine"]


async def test_three_thousand_cost_less_than_a_kilobyte_each_and_nobody_else_waits():
    async def look(name: str) -> float | None:
        return 0.5

    wheel = Wheel(look)
    for number in range(1_000):
        wheel.park(f"ord_{number:020d}", 0.2 + number / 10_000)
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for number in range(1_000, 3_000):
        wheel.park(f"ord_{number:020d}", 0.2 + number / 10_000)
    gc.collect()
    each = (tracemalloc.get_traced_memory()[0] - before) / 2_000
    tracemalloc.stop()
    assert each < 1_024
    lags = []
    until_then = time.monotonic() + 1
    while time.monotonic() < until_then:
        began = time.monotonic()
        await asyncio.sleep(0.01)
        lags.append(time.monotonic() - began - 0.01)
    assert sorted(lags)[len(lags) // 2] < 0.05
    assert len(wheel) == 3_000
    wheel.close()


def test_a_first_look_waits_for_what_was_never_sooner():
    patience, clip = Patience(), ("runway", "gen4_turbo")
    assert patience.first_look_s(clip) == 0
    for took_s in (40.0, 55.0):
        patience.learn(clip, took_s)
    assert patience.first_look_s(clip) == 0
    patience.learn(clip, 30.0)
    assert patience.first_look_s(clip) == 24.0
    assert patience.first_look_s(("runway", "gen4_aleph")) == 0
    for _ in range(20):
        patience.learn(clip, 1_000.0)
    assert patience.first_look_s(clip) == 120.0
