"""A process has so many places: who only waits for a vendor waits outside, and nothing is bought twice for it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from house import ROOT

from agentes.waiting import WaitingDesk
from orchestrator.dispatch.places import Place, Places
from shared_knowledge.errors import Unreachable

# Four jobs, one place, a vendor that takes two seconds: each is bought while the others wait outside.
FOUR_JOBS = """
import asyncio, json, os, sys, tempfile
from agentes.sandbox.kernel.sandbox import Sandbox

async def main(home):
    async with Sandbox(0, 2.0, 1) as sandbox:
        os.environ.update(AGENTES_HOME=home, AGENTES_SANDBOX_URL=sandbox.document()["url"])
        from orchestrator import assembly
        from shared_knowledge.vocabulary import Brief
        assembly._PLACES = 1
        studio = assembly.studio()
        brief = Brief(text="a 5 s vertical video of a ceramic mug")
        jobs = [await studio.accept(brief, tenant="acme") for _ in range(4)]
        places, most = studio._dispatch._places, 0
        ends = [asyncio.ensure_future(studio.finish(job.id)) for job in jobs]
        while not all(end.done() for end in ends):
            most = max(most, places.outside)
            await asyncio.sleep(0.02)
        orders = [order for job in jobs for order in studio._office.book.orders(job.id)]
        await studio.stop()
        print(json.dumps({
            "ends": [end.result().state for end in ends], "outside": most,
            "orders": [order.state for order in orders], "inside": len(places._inside),
        }))

asyncio.run(main(sys.argv[1]))
"""


def test_jobs_share_one_place_by_waiting_outside_and_each_is_bought_once(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", FOUR_JOBS, str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["ends"] == ["done"] * 4
    assert said["orders"] == ["settled"] * 4
    assert said["outside"] >= 2
    assert said["inside"] == 0


class Runs:
    """Runs that wait for so many orders, as the desk would say."""

    def __init__(self) -> None:
        self.waits: dict[str, Mapping[str, float]] = {}
        self.again_s: dict[str, list[float | None]] = {}
        self.looks: list[tuple[str, str]] = []

    async def look(self, job: str, order: str) -> float | None:
        self.looks.append((job, order))
        again = self.again_s[job].pop(0)
        if again is not None and again < 0:
            raise Unreachable("nobody is there", platform="runway")
        return again


@pytest.fixture
def runs() -> Runs:
    return Runs()


def standing(job: str, at_work: int = 1) -> Place:
    place = Place(job)
    run: Any = SimpleNamespace(at_work=at_work)
    place.run = run
    place.work = asyncio.create_task(asyncio.sleep(100))
    return place


async def test_a_run_that_works_keeps_its_place_and_one_that_waits_gives_it_up(runs: Runs, monkeypatch):
    monkeypatch.setattr("orchestrator.dispatch.places._LOOKS_EVERY_S", 0.01)
    places = Places(2, lambda job: runs.waits.get(job, {}), runs.look)
    works, waits = standing("works"), standing("waits")
    await places.take(works)
    await places.take(waits)
    runs.waits = {"waits": {"ord_1": 5.0}, "works": {}}
    await asyncio.sleep(0.05)
    assert not waits.leaves_for, "nobody wants its place"
    comes = Place("comes")
    coming = asyncio.create_task(places.take(comes))
    await asyncio.sleep(0.05)
    assert (dict(waits.leaves_for), works.leaves_for) == ({"ord_1": 5.0}, {})
    with pytest.raises(asyncio.CancelledError):
        await waits.work  # type: ignore[misc]
    assert not coming.done()
    places.give_back(waits)
    await asyncio.wait_for(coming, 1)
    assert comes.held
    for place in (works, comes):
        places.give_back(place)
        places.give_back(place)
    works.work.cancel()  # type: ignore[union-attr]


async def test_one_that_gives_up_as_its_turn_comes_is_passed_over(runs: Runs):
    places = Places(1, lambda job: {}, runs.look)
    await places.take(first := Place("first"))
    second, third = (asyncio.create_task(places.take(Place(name))) for name in ("second", "third"))
    await asyncio.sleep(0)
    second.cancel()
    places.give_back(first)
    with pytest.raises(asyncio.CancelledError):
        await second
    await asyncio.wait_for(third, 1)


async def test_one_that_has_more_to_do_than_to_wait_for_stays(runs: Runs, monkeypatch):
    monkeypatch.setattr("orchestrator.dispatch.places._LOOKS_EVERY_S", 0.01)
    places = Places(1, lambda job: runs.waits.get(job, {}), runs.look)
    busy = standing("busy", at_work=2)
    await places.take(busy)
    runs.waits = {"busy": {"ord_1": 5.0}}
    coming = asyncio.create_task(places.take(Place("comes")))
    await asyncio.sleep(0.05)
    assert not busy.leaves_for
    coming.cancel()
    with pytest.raises(asyncio.CancelledError):
        await coming
    places.give_back(busy)
    await asyncio.wait_for(places.take(last := Place("last")), 1)
    assert last.held
    busy.work.cancel()  # type: ignore[union-attr]


@pytest.mark.parametrize("looks", [[0.05, 0.05, None], [-1.0]], ids=["made", "trouble"])
async def test_outside_is_looked_after_until_there_is_news(runs: Runs, looks: list[float | None]):
    places = Places(1, lambda job: {}, runs.look)
    runs.again_s = {"job_1": list(looks)}
    place = Place("job_1", leaves_for={"ord_1": 0.01})
    waiting = asyncio.create_task(places.until_news(place))
    await asyncio.sleep(0)
    assert places.outside == 1
    await asyncio.wait_for(waiting, 3)
    assert runs.looks == [("job_1", "ord_1")] * len(looks)
    assert (places.outside, place.leaves_for, place.stays) == (0, {}, False)


async def test_the_desk_knows_when_a_job_only_waits():
    desk = WaitingDesk(least_s=0.01)
    first: Any = SimpleNamespace(id="ord_1", job="job_1", platform="runway", receipt={"id": "t1"})
    second: Any = SimpleNamespace(id="ord_2", job="job_1", platform="runway", receipt={"id": "t2"})
    with desk.at_it(first), desk.at_it(second):
        pauses = asyncio.create_task(desk.pause(first, 5.0))
        await asyncio.sleep(0.03)
        assert desk.waits("job_1") == {}, "the second is worked on"
        other = asyncio.create_task(desk.pause(second, 0.05))
        await asyncio.sleep(0)
        assert set(desk.waits("job_1")) == {"ord_1", "ord_2"}
        assert 4 < desk.waits("job_1")["ord_1"] <= 5
        await other
        assert desk.waits("job_1") == {}
        assert desk.hint("runway", "t1")
        assert await pauses < 1
    assert desk.waits("job_1") == {}
    assert not desk._at_it
    assert not desk._until
