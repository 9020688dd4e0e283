"""No letter is lost, none has two ids, nobody waits for the dead, and no two couriers are in one lane."""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from receivers import NOON, Post, World

from agentes.wire.post import Reception
from orchestrator.store.database import Broken, Database, Transaction
from orchestrator.webhooks.announcing import announce
from orchestrator.webhooks.lanes import Lanes
from shared_knowledge.vocabulary import JobState

URL = "https://yourserver.com/aiprod-webhook"
ALL = ["job.completed"]


# ── in bulk ────────────────────────────────────────────────────────────────────────────────────────


class Crowd:
    """Many receivers, a fifth of which fail: some always, some now and then, some by never answering."""

    def __init__(self, receivers: int, seed: int) -> None:
        self.dice = random.Random(seed)
        self.dead = {f"https://r{n}.example/" for n in range(receivers) if n % 10 == 0}
        self.shaky = {f"https://r{n}.example/" for n in range(receivers) if n % 10 == 1}
        self.got: dict[str, Counter[str]] = {}
        self.tried: Counter[tuple[str, str]] = Counter()

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Reception:
        name = headers["webhook-id"]
        self.tried[url, name] += 1
        if url in self.dead or (url in self.shaky and self.dice.random() < 0.5):
            status = self.dice.choice([None, 500, 302, 404, 503])
            return Reception(status, "no", 1)
        self.got.setdefault(url, Counter())[name] += 1
        return Reception(200, None, 1)


async def in_bulk(database: Database, deliveries: int, receivers: int = 200) -> None:
    """So many deliveries to many receivers on a clock that leaps from one due moment to the next."""
    world = World(database, Post())
    crowd = Crowd(receivers, seed=7)
    endpoints = [
        await world.outbox.register(f"tenant-{n // 10}", f"https://r{n}.example/", ALL)
        for n in range(receivers)
    ]
    expected: dict[str, set[str]] = {each.url: set() for each in endpoints}
    by_id = {each.webhook_id: each for each in endpoints}

    def put(numbers: range) -> None:
        def also(transaction: Transaction) -> None:
            for number in numbers:
                endpoint = endpoints[number % receivers]
                row = {"url": endpoint.url, "id": endpoint.webhook_id, "events": "job.completed"}
                listener = {**row, "tenant": f"tenant-{number % receivers // 10}", "callback": None}
                told = {"job_id": f"job_{number}", "status": "COMPLETED"}
                at = world.time.isoformat()
                announce(transaction, [listener], f"job_{number}", ALL[0], told, slot="end 1", at=at)

        database.ask(also).result()

    for first in range(0, deliveries, 1000):
        put(range(first, min(deliveries, first + 1000)))
        world.time += timedelta(seconds=1)
    rows = database.read(
        lambda t: [t.rows("deliveries", endpoint=name, skip=0, most=10**6) for name in by_id]
    )
    for each in (row for group in rows for row in group):
        expected[by_id[each["endpoint"]].url].add(each["message"])

    couriers = [
        World.hire(world, crowd, jitter=lambda: crowd.dice.uniform(0.9, 1.1))  # type: ignore[arg-type]
        for _ in range(2)
    ]
    while True:
        dues = await asyncio.gather(*(courier.deliver_due() for courier in couriers))
        waiting = [due for due in dues if due is not None]
        if not waiting:
            break
        world.time = max(world.time, min(waiting)) + timedelta(seconds=1)

    states: Counter[str] = Counter()
    for endpoint in endpoints:
        ends, _ = world.outbox.deliveries(
            f"tenant-{endpoints.index(endpoint) // 10}", endpoint.webhook_id, most=10**6
        )
        states.update(each.state for each in ends)
        got = crowd.got.get(endpoint.url, Counter())
        delivered = {each.message_id for each in ends if each.state == "delivered"}
        assert set(got) == delivered  # what is written down as delivered was, and the other way round
        assert all(count == 1 for count in got.values())  # none came twice
        if endpoint.url in crowd.dead:
            assert not got
            assert {each.attempts for each in ends} == {5}  # each was offered as often as was promised
        elif endpoint.url not in crowd.shaky:
            assert delivered == expected[endpoint.url]
    assert sum(states.values()) == deliveries  # none was lost
    assert set(states) <= {"delivered", "failed"}
    ids = [message for messages in expected.values() for message in messages]
    assert len(set(ids)) == deliveries  # none shares its id with another
    assert max(crowd.tried.values()) <= 5


async def test_in_bulk_nothing_is_lost_and_no_id_is_used_twice(quick_database: Database) -> None:
    await in_bulk(quick_database, 3_000, receivers=100)


@pytest.mark.torture
async def test_a_hundred_thousand(quick_database: Database) -> None:
    await in_bulk(quick_database, 100_000, receivers=500)


# ── the dead and the living ────────────────────────────────────────────────────────────────────────


class Hanging(Post):
    """Receivers called dead never answer; the others do at once."""

    def __init__(self, hangs_s: float) -> None:
        super().__init__()
        self._hangs_s = hangs_s
        self.under_way: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.heard: dict[str, float] = {}

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Reception:
        self.under_way[url] += 1
        self.most[url] = max(self.most[url], self.under_way[url])
        try:
            if "dead" in url:
                await asyncio.sleep(self._hangs_s)
                return Reception(None, "no answer", 1)
            await asyncio.sleep(0.001)
            self.heard[headers["webhook-id"]] = time.monotonic()
            return Reception(200, None, 1)
        finally:
            self.under_way[url] -= 1


async def test_a_dead_receiver_delays_nobody(quick_world: World) -> None:
    """Thirty that hang, with much waiting for each, in front of one that listens; four lanes at once."""
    world, post = quick_world, Hanging(hangs_s=5.0)
    for n in range(30):
        await world.outbox.register(f"tenant-{n}", f"https://dead{n}.example/", ALL)
    alive = await world.outbox.register("acme", URL, ALL)
    for n in range(30):
        for k in range(3):
            await world.run(await world.job(f"job_{n}_{k}", tenant=f"tenant-{n}"))
    await world.run(await world.job("job_alive"))
    courier = world.hire(post, at_once=8, brisk_s=0.05)
    begun = time.monotonic()
    running = asyncio.create_task(courier.run())
    while not post.heard and time.monotonic() - begun < 5:
        await asyncio.sleep(0.01)
    waited = time.monotonic() - begun
    assert len(post.heard) == 1
    assert waited < 1.0
    for n in range(20):  # and from then on it waits for nobody at all
        await world.run(await world.job(f"job_later_{n}"))
    courier.wake()
    later = time.monotonic()
    while len(post.heard) < 21 and time.monotonic() - later < 5:
        await asyncio.sleep(0.01)
    assert time.monotonic() - later < 1.0
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert world.outbox.deliveries("acme", alive.webhook_id)[0][0].state == "delivered"
    assert all(most == 1 for url, most in post.most.items() if "dead" in url)


async def test_one_tenant_cannot_take_every_place(quick_world: World) -> None:
    lanes = Lanes(quick_world.database, me="x", lease_s=60, now=quick_world.now, jitter=lambda: 1.0)
    for n in range(12):
        await quick_world.outbox.register("greedy", f"https://g{n}.example/", ALL)
    await quick_world.outbox.register("modest", URL, ALL)
    await quick_world.run(await quick_world.job("job_g", tenant="greedy"))
    await quick_world.run(await quick_world.job("job_m", tenant="modest"))
    claimed = await lanes.claim(100, each=3, failing=False)
    assert len(claimed) == 4
    assert sum("modest" in _tenant(quick_world, lane.name) for lane in claimed) == 1
    assert await lanes.claim(100, each=3, failing=False) == []


def _tenant(world: World, endpoint: str) -> str:
    return next(
        tenant
        for tenant in ("greedy", "modest")
        if endpoint in {each.webhook_id for each in world.outbox.list(tenant)}
    )


async def test_callbacks_to_different_places_do_not_wait_for_each_other(quick_world: World) -> None:
    post = Hanging(hangs_s=0.3)
    await quick_world.run(await quick_world.job("job_a", callback="https://dead.example/cb"))
    await quick_world.run(await quick_world.job("job_b", callback="https://dead.example/other"))
    await quick_world.run(await quick_world.job("job_c", callback="https://alive.example/cb"))
    await quick_world.hire(post).deliver_due()
    assert len(post.heard) == 1
    assert {url for url, _ in post.most.items()} >= {"https://dead.example/cb", "https://alive.example/cb"}


async def test_a_long_queue_does_not_keep_others_waiting(quick_world: World) -> None:
    """A receiver with hundreds of letters gets its turns, and so does the one with a single letter."""
    await quick_world.outbox.register("busy", "https://busy.example/", ALL)
    await quick_world.outbox.register("quiet", URL, ALL)
    for n in range(150):
        await quick_world.run(await quick_world.job(f"job_{n}", tenant="busy"))
    await quick_world.run(await quick_world.job("job_q", tenant="quiet"))
    await quick_world.hire(at_once=1).deliver_due()
    place = [letter.url for letter in quick_world.post.letters].index(URL)
    assert len(quick_world.post.letters) == 151
    assert place <= 64


# ── claims ─────────────────────────────────────────────────────────────────────────────────────────


async def test_two_couriers_are_never_in_one_lane(world: World) -> None:
    post = Hanging(hangs_s=0.01)
    for n in range(4):
        await world.outbox.register(f"tenant-{n}", f"https://r{n}.example/", ALL)
        for k in range(5):
            await world.run(await world.job(f"job_{n}_{k}", tenant=f"tenant-{n}"))
    lanes = [
        Lanes(world.database, me=f"c{n}", lease_s=60, now=world.now, jitter=lambda: 1.0) for n in range(4)
    ]
    claims = await asyncio.gather(*(each.claim(10, each=9, failing=False) for each in lanes))
    names = [lane.name for claimed in claims for lane in claimed]
    assert len(names) == len(set(names)) == 4
    for each, claimed in zip(lanes, claims, strict=True):
        for lane in claimed:
            await each.leave(lane)
    await asyncio.gather(*(world.hire(post).deliver_due() for _ in range(3)))
    assert len(post.heard) == 20


async def test_what_a_killed_courier_had_claimed_is_free_after_its_time(world: World) -> None:
    await world.outbox.register("acme", URL, ALL)
    await world.run(await world.job("job_a"))
    dead = Lanes(world.database, me="dead", lease_s=90, now=world.now, jitter=lambda: 1.0)
    ((lane,)) = (await dead.claim(1, each=9, failing=False),)
    assert len(lane) == 1
    assert await world.courier.deliver_due() is None
    await world.pass_time(89)
    assert not world.post.letters
    await world.pass_time(2)
    assert len(world.post.letters) == 1
    # Whoever was only asleep finds that the lane is somebody else's, and writes nothing.
    assert not await dead.mark(lane[0], lane[0].letters[0], Reception(200, None, 1))
    await dead.leave(lane[0])


async def test_a_courier_that_is_stopped_leaves_its_lanes_at_once(world: World) -> None:
    await world.outbox.register("acme", "https://dead.example/", ALL)
    await world.run(await world.job("job_a"))
    post = Hanging(hangs_s=60)
    running = asyncio.create_task(world.hire(post).run())
    while not post.most:
        await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    world.post.says["https://dead.example/"] = [200]
    await world.courier.deliver_due()
    assert len(world.post.letters) == 1


async def test_a_database_that_goes_away_stops_nothing_for_good(
    quick_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from orchestrator.webhooks import courier as module

    monkeypatch.setattr(module, "_TROUBLE_PAUSE_S", 0.01)
    await quick_world.outbox.register("acme", URL, ALL)
    await quick_world.run(await quick_world.job("job_a"))
    courier = quick_world.hire()
    real, stumbles = courier._lanes.claim, iter(range(3))

    async def claim(*asked: object, **how: object):  # type: ignore[no-untyped-def]
        if next(stumbles, None) is not None:
            raise Broken("The ledger is away.")
        return await real(*asked, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(courier._lanes, "claim", claim)
    running = asyncio.create_task(courier.run())
    while not quick_world.post.letters:
        await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_the_result_that_cannot_be_read_now_holds_up_nothing(quick_world: World) -> None:
    def describe(job: str) -> dict[str, object]:
        raise Broken("the disk is away")

    await quick_world.outbox.register("acme", URL, ALL)
    await quick_world.run(await quick_world.job("job_a"))
    await quick_world.hire(describe=describe).deliver_due()
    assert quick_world.post.letters[0].told["data"]["result"] is None


async def test_the_news_of_one_job_keep_their_order(quick_world: World) -> None:
    await quick_world.outbox.register("acme", URL)
    for n in range(12):
        await quick_world.run(await quick_world.job(f"job_{n}", tasks=3), tasks=3)
    await quick_world.courier.deliver_due()
    told: dict[str, list[str]] = {}
    for letter in quick_world.post.letters:
        word = str(letter.told["data"].get("progress") or letter.told["event"])
        told.setdefault(letter.told["data"]["job_id"], []).append(word)
    assert set(map(tuple, told.values())) == {("job.started", "30", "60", "90", "job.completed")}


async def test_news_of_a_running_service_go_out_within_a_second(quick_world: World) -> None:
    await quick_world.outbox.register("acme", URL)
    quick_world.time = datetime.now(NOON.tzinfo)
    running = asyncio.create_task(quick_world.courier.run())
    job = await quick_world.job("job_a")
    begun = time.monotonic()
    await quick_world.jobs.move(job, JobState.RUNNING)
    while not quick_world.post.letters:
        await asyncio.sleep(0.005)
    assert time.monotonic() - begun < 1.0
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


# ── kill -9 ────────────────────────────────────────────────────────────────────────────────────────


_LIFE = """
import asyncio, os, signal, sys
sys.path[:0] = [{tests!r}, {here!r}]
from datetime import timedelta
from receivers import World, Post
from agentes.wire.post import Reception
from orchestrator.store.database import open_database

class Deadly(Post):
    async def send(self, url, headers, body):
        with open({heard!r}, "a") as file:
            file.write(headers["webhook-id"] + "\\n")
            file.flush()
        if {dies}:
            os.kill(os.getpid(), signal.SIGKILL)
        return Reception(200, None, 1)

async def main():
    database = open_database({ledger!r})
    world = World(database, Deadly())
    world.time += timedelta(seconds={later})
    await world.courier.deliver_due()
    database.close()

asyncio.run(main())
"""


async def test_killed_between_sending_and_marking_it_goes_out_again_under_its_id(
    world: World, ledger: str, tmp_path: Path
) -> None:
    endpoint = await world.outbox.register("acme", URL, ALL)
    await world.run(await world.job("job_a"))
    heard = tmp_path / "heard"

    async def live(*, dies: bool, later: int) -> int:
        here = Path(__file__).parent
        program = _LIFE.format(
            tests=str(here.parent.parent),
            here=str(here),
            heard=str(heard),
            ledger=ledger,
            dies=dies,
            later=later,
        )
        child = await asyncio.create_subprocess_exec(sys.executable, "-c", program)
        return await child.wait()

    assert await live(dies=True, later=0) == -9
    (first,) = heard.read_text().split()
    ((delivery,), _) = world.outbox.deliveries("acme", endpoint.webhook_id)
    assert delivery.state == "due"
    assert await live(dies=False, later=91) == 0
    assert heard.read_text().split() == [first, first]
    ((delivery,), _) = world.outbox.deliveries("acme", endpoint.webhook_id)
    assert (delivery.state, delivery.message_id) == ("delivered", first)
