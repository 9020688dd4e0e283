"""The loop the simulation runs on: time jumps, seeds decide, the dead stay dead."""

from __future__ import annotations

import asyncio

import pytest
from virtual_time import Stuck, TooLong, VirtualLoop


def _order_of_five(seed: int) -> list[int]:
    loop, order = VirtualLoop(seed), []

    async def walk(number: int) -> None:
        for _ in range(3):
            await asyncio.sleep(0)
            order.append(number)

    async def all_five() -> None:
        await asyncio.gather(*(walk(number) for number in range(5)))

    loop.run_until_complete(all_five())
    loop.close()
    return order


def test_an_hour_takes_no_time_and_comes_in_its_order() -> None:
    loop, seen = VirtualLoop(), []

    async def after(seconds: float) -> None:
        await asyncio.sleep(seconds)
        seen.append((seconds, loop.time()))

    async def three() -> None:
        await asyncio.gather(after(3600), after(2), after(60))

    loop.run_until_complete(three())
    loop.close()
    assert seen == [(2, 2), (60, 60), (3600, 3600)]


def test_the_same_seed_is_the_same_order_and_another_seed_another() -> None:
    assert _order_of_five(7) == _order_of_five(7)
    assert len({tuple(_order_of_five(seed)) for seed in range(20)}) > 10


def test_who_is_killed_cleans_nothing_up() -> None:
    loop, said = VirtualLoop(), []

    async def work() -> None:
        try:
            await asyncio.sleep(10)
            said.append("done")
        except BaseException:
            said.append("caught")
            raise
        finally:
            said.append("cleaned up")

    async def world() -> None:
        worker = loop.hire()
        loop.spawn(work(), worker)
        await asyncio.sleep(5)
        loop.kill(worker)
        await asyncio.sleep(100)
        assert not loop.lives(worker)
        assert said == []

    loop.run_until_complete(world())
    loop.close()


def test_who_is_frozen_finds_that_the_world_has_gone_on() -> None:
    loop, woke = VirtualLoop(), []

    async def work() -> None:
        await asyncio.sleep(1)
        woke.append(loop.time())

    async def world() -> None:
        worker = loop.hire()
        loop.spawn(work(), worker)
        await asyncio.sleep(0.5)
        loop.freeze(worker)
        await asyncio.sleep(59.5)
        assert woke == []
        loop.thaw(worker)
        await asyncio.sleep(1)

    loop.run_until_complete(world())
    loop.close()
    assert woke == [60]


def test_what_a_worker_starts_dies_with_it() -> None:
    loop, ticks = VirtualLoop(), []

    async def tick() -> None:
        while True:
            await asyncio.sleep(1)
            ticks.append(loop.time())

    async def parent() -> None:
        child = asyncio.create_task(tick())
        await asyncio.to_thread(ticks.append, 0.0)
        await child

    async def world() -> None:
        worker = loop.hire()
        loop.spawn(parent(), worker)
        await asyncio.sleep(3.5)
        loop.kill(worker)
        await asyncio.sleep(10)

    loop.run_until_complete(world())
    loop.close()
    assert len(ticks) == 4


def test_a_world_in_which_nothing_can_happen_says_so() -> None:
    loop = VirtualLoop(ends_at_s=1000)
    with pytest.raises(Stuck):
        loop.run_until_complete(loop.create_future())
    with pytest.raises(TooLong):
        loop.run_until_complete(asyncio.sleep(2000))
    loop.close()
