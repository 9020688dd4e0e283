"""Tenants' jobs take turns: never more at once than there is room for, and none is left waiting."""

from __future__ import annotations

import asyncio
import random

import pytest

from orchestrator.dispatch.turns import Turns

ROOM = {"acme": 2, "globex": 1, "local": None}
"""How many may run at once."""


@pytest.mark.parametrize("seed", range(20))
async def test_no_more_than_there_is_room_for_and_nobody_is_forgotten_whoever_gives_up(seed):
    dice, turns = random.Random(seed), Turns(ROOM.__getitem__)
    inside, most, done = dict.fromkeys(ROOM, 0), dict.fromkeys(ROOM, 0), []

    async def job(name: int, tenant: str) -> None:
        await turns.take(tenant)
        try:
            inside[tenant] += 1
            most[tenant] = max(most[tenant], inside[tenant])
            for _ in range(dice.randrange(4)):
                await asyncio.sleep(0)
            done.append(name)
        finally:
            inside[tenant] -= 1
            turns.give_back(tenant)

    works = [asyncio.create_task(job(name, dice.choice(list(ROOM)))) for name in range(60)]
    quitters = dice.sample(range(60), 15)
    for name in quitters:
        await asyncio.sleep(0)
        works[name].cancel()
    async with asyncio.timeout(5):
        await asyncio.gather(*works, return_exceptions=True)
    assert {name for name, work in enumerate(works) if not work.cancelled()} <= set(done)
    assert len(done) >= 60 - len(quitters)
    assert all(most[tenant] <= room for tenant, room in ROOM.items() if room is not None)
    assert turns._lines == {}


async def test_turns_come_in_the_order_in_which_they_were_asked_for():
    turns, came = Turns(lambda _: 1), []

    async def job(name: int) -> None:
        await turns.take("acme")
        came.append(name)
        turns.give_back("acme")

    await turns.take("acme")
    works = [asyncio.create_task(job(name)) for name in range(9)]
    await asyncio.sleep(0)
    assert came == []
    turns.give_back("acme")
    await asyncio.gather(*works)
    assert came == list(range(9))
