"""What is known of a tenant is looked up once for all who ask at a time, and never older than what it has settled."""

from __future__ import annotations

import asyncio
import threading

import pytest

from orchestrator.store.service import Customs, ServiceShelf
from shared_knowledge.vocabulary import Brand, Money


@pytest.fixture
def shelf(database) -> ServiceShelf:
    return ServiceShelf(database)


async def test_who_asks_at_the_same_time_gets_the_same_answer(shelf, monkeypatch):
    looks, real = [], shelf.customs
    monkeypatch.setattr(shelf, "customs", lambda tenant: looks.append(tenant) or real(tenant))
    told = await asyncio.gather(*(shelf.habits("acme") for _ in range(50)))
    assert set(told) == {(Customs(), None)}
    assert await shelf.habits("acme") == (Customs(), None)
    assert looks == ["acme"]


async def test_what_was_settled_during_a_look_is_not_overlooked(shelf, monkeypatch):
    settled = Customs(avoid=("luma",), budget=Money(5_000_000), brand=Brand(palette=("#0b3d2e",)))
    looks, go_on, real = [], threading.Event(), shelf.customs

    def slowly(tenant: str) -> Customs:
        customs = real(tenant)
        looks.append(customs)
        if len(looks) == 1:
            assert go_on.wait(10)
        return customs

    monkeypatch.setattr(shelf, "customs", slowly)
    early = asyncio.create_task(shelf.habits("acme"))
    while not looks:
        await asyncio.sleep(0.001)
    await shelf.settle("acme", settled)
    assert (await shelf.habits("acme")).customs == settled
    go_on.set()
    assert (await early).customs == Customs()
    assert (await shelf.habits("acme")).customs == settled


async def test_who_gives_up_takes_nobody_along(shelf, monkeypatch):
    real = shelf.customs
    begun, go_on = threading.Event(), threading.Event()

    def slowly(tenant: str) -> Customs:
        begun.set()
        assert go_on.wait(10)
        return real(tenant)

    monkeypatch.setattr(shelf, "customs", slowly)
    first, second = (asyncio.create_task(shelf.habits("acme")) for _ in range(2))
    await asyncio.to_thread(begun.wait, 10)
    first.cancel()
    go_on.set()
    assert (await second).customs == Customs()
    assert first.cancelled()
