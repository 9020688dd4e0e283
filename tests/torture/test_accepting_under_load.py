"""Two hundred jobs a second are taken in for a minute while a thousand are being made, and none of either is lost."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import quantiles
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from postgres import ask_server
from practice import Practice
from said_where import said_where

from orchestrator.access import TIERS, Keys
from orchestrator.store.database import open_database
from orchestrator.store.queue_line import set_up_queue

if TYPE_CHECKING:
    from warm import Child, Warm

IN_FLIGHT, A_SECOND, SECONDS = 1000, 200, 60
WORKERS, CALLERS = 4, 64
VENDOR_TAKES_S = 420.0
ROOM = TIERS["enterprise"].concurrent_jobs
CLIP, PHOTO = "a 5 s vertical video of a ceramic mug", "a square photo of a candle"
LIVES = "count(*) from orders where state in ('submitted', 'ready')"


class Said(NamedTuple):
    """What came of one request: how it was answered, for which job, and after how long."""

    status: int
    job: str
    waited_s: float


def request(key: str, brief: str) -> bytes:
    body = json.dumps({"brief": brief, "draft": brief is PHOTO}).encode()
    head = f"POST /pipeline/run HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n"
    return f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


async def taken_in(port: int, asked: Sequence[bytes], a_second: float) -> list[Said]:
    """Sends so many a second, each at its moment; a caller who is late sends at once."""
    waiting, answers, began = iter(enumerate(asked)), [], time.monotonic()

    async def caller() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number, sent in waiting:
            await asyncio.sleep(began + number / a_second - time.monotonic())
            due = began + number / a_second
            writer.write(sent)
            head = await reader.readuntil(b"\r\n\r\n")
            body = await reader.readexactly(int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]))
            job = json.loads(body).get("job_id", "")
            answers.append(Said(int(head.split()[1]), job, time.monotonic() - due))
        writer.close()

    await asyncio.gather(*(caller() for _ in range(CALLERS)))
    return answers


class Factory:
    """A service, its workers and their vendors, on one PostgreSQL."""

    def __init__(self, warm: Warm, place: Path, database: str, vendors: Practice) -> None:
        self._warm, self._place, self.database, self.vendors = warm, place, database, vendors
        self._environ = {
            **os.environ,
            "AGENTES_DATABASE_URL": database,
            "AGENTES_SANDBOX_URL": vendors.url,
            "AGENTES_HOME": str(place / "home"),
            "AGENTES_MAX_USD_PER_DAY": "100000",
        }
        self.running: list[Child] = []

    def begin(self, *words: str) -> Child:
        self.running.append(self._warm.spawn(words, env=self._environ, cwd=self._place))
        return self.running[-1]

    def ask(self, question: str) -> Any:
        return ask_server(self.database, f"select {question}")[0][0]

    def until(self, question: str, answer: Any, within_s: float) -> None:
        until = time.monotonic() + within_s
        while (said := self.ask(question)) != answer:
            assert time.monotonic() < until, f"{question}: {said}, not {answer}"
            time.sleep(0.5)

    def close(self) -> None:
        for child in self.running:
            child.kill(signal.SIGTERM)
        for child in self.running:
            child.wait(90)


@pytest.fixture
def factory(warm: Warm, tmp_path: Path, postgres: str) -> Iterator[Factory]:
    sandbox = Practice(latency_s=VENDOR_TAKES_S)
    sandbox.open()
    open_database(postgres).close()
    set_up_queue(postgres)
    factory = Factory(warm, tmp_path, postgres, sandbox)
    yield factory
    factory.close()
    sandbox.close()


async def keys_for(database: str, jobs: int) -> list[str]:
    """A key for each job, so many with each tenant as it has room for."""
    ledger = open_database(database)
    keys = Keys(ledger)
    made = [
        (await keys.create(f"tenant {number}", "enterprise", tenant=f"tenant-{number}")).key
        for number in range(-(-jobs // ROOM))
    ]
    ledger.close()
    return [made[number // ROOM] for number in range(jobs)]


@pytest.mark.torture
def test_nothing_is_lost_while_two_hundred_a_second_come_in(factory: Factory) -> None:
    keys = asyncio.run(keys_for(factory.database, IN_FLIGHT + A_SECOND * SECONDS))
    service = factory.begin("serve", "--port", "0", "--json")
    port = int(said_where(service).rpartition(":")[2])
    for _ in range(WORKERS):
        factory.begin("worker", "--concurrency", str(IN_FLIGHT // WORKERS))

    first = asyncio.run(taken_in(port, [request(key, CLIP) for key in keys[:IN_FLIGHT]], 100))
    assert Counter(said.status for said in first) == {202: IN_FLIGHT}
    factory.until(LIVES, IN_FLIGHT, 300)

    crowd = [request(key, PHOTO) for key in keys[IN_FLIGHT:]]
    began = time.monotonic()
    answers = asyncio.run(taken_in(port, crowd, A_SECOND))
    took_s = time.monotonic() - began
    assert Counter(said.status for said in answers) == {202: len(crowd)}
    assert took_s < SECONDS * 1.05, "they were taken in more slowly than they came"
    p99_s = quantiles([said.waited_s for said in answers], n=100)[98]
    print(f"{len(crowd):,} jobs in {took_s:.1f} s, the slowest of a hundred after {p99_s * 1000:.0f} ms")
    assert factory.ask(LIVES) == IN_FLIGHT, "the thousand were to be in flight all the while"

    jobs = {said.job for said in (*first, *answers)}
    assert len(jobs) == len(keys)
    assert {row[0] for row in ask_server(factory.database, "select id from jobs")} == jobs
    lined_up = "count(*) from procrastinate_jobs where status = 'todo'"
    assert factory.ask(lined_up) == len(crowd), "every one of them has its place in the queue"

    ask_server(
        factory.database,
        "update procrastinate_jobs set scheduled_at = now() + interval '1 day' where status = 'todo'",
    )
    factory.until("count(*) from procrastinate_jobs where status = 'doing'", 0, VENDOR_TAKES_S + 400)
    ended = dict(ask_server(factory.database, "select state, count(*) from jobs group by state"))
    assert ended == {"done": IN_FLIGHT, "queued": len(crowd)}
    assert len(factory.vendors.ledger()) == IN_FLIGHT, "each was bought once"
    assert factory.ask("count(*) from orders where state = 'settled'") == IN_FLIGHT
