"""What the wire costs on top of the network: CPU per small call with all its layers, against the openai SDK.

Both ask the same small server, which runs in another process, in turns, over warm connections; what is
compared is the median CPU of this process per call. A purchase, which goes over a connection of its own
and is on the disk before anybody reads it, is measured beside them: its price is stated, not judged.

    python benchmarks/wire.py [--rounds N] [--calls N] [--json]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import re
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import NamedTuple

import httpx
import openai

from agentes.contract import Pending
from agentes.media.shelf import Shelf
from agentes.wire.client import Manners, open_http
from agentes.wire.clock import Clock
from agentes.wire.line import WireLine
from agentes.wire.said import Said
from config.secrets import SecretManager
from config.settings import Settings
from shared_knowledge.catalogue import Catalogue
from shared_knowledge.vocabulary import Money, Order, PhotoSpec

AT_ONCE = 64
ALONE_LIMIT = 1.0
CROWD_LIMIT = 0.6
GROWTH_LIMIT = 1.5
ANSWER = json.dumps({"id": "m1", "object": "model", "created": 1, "owned_by": "us"}).encode()
LENGTH = re.compile(rb"(?i)content-length: *(\d+)")

Ask = Callable[[], Awaitable[object]]


class Row(NamedTuple):
    """One way to ask: its CPU in milliseconds per call, alone and in a crowd."""

    name: str
    alone_ms: float
    crowd_ms: float


class Model(Said):
    """The answer, as an adapter reads it."""

    id: str


class Adapter:
    """The smallest adapter there can be."""

    async def start(self, http: httpx.AsyncClient, order: Order) -> Pending:
        """Buys."""
        answer = await http.post("/models/m1", json={"prompt": order.prompt})
        return Pending({"id": Model.of(answer).id}, look_again_in_s=1)

    async def check(self, http: httpx.AsyncClient, order: Order) -> Pending:
        """Asks."""
        return Pending({"id": Model.of(await http.get("/models/m1")).id}, look_again_in_s=1)

    def explain(self, response: httpx.Response) -> None:
        """Nothing to say."""


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers everything on one connection with the same few bytes."""
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-request-id: r1\r\ncontent-length: "
    whole = head + str(len(ANSWER)).encode() + b"\r\n\r\n" + ANSWER
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            length = LENGTH.search(await reader.readuntil(b"\r\n\r\n"))
            await reader.readexactly(int(length[1]) if length else 0)
            writer.write(whole)
    writer.close()


def serve(caller: Connection) -> None:
    """Answers until it is stopped; says its port first."""

    async def forever() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        caller.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    with suppress(KeyboardInterrupt):
        asyncio.run(forever())


def main() -> int:
    """Measures, prints a table, and answers 1 if a goal was missed."""
    asked = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    asked.add_argument("--rounds", type=int, default=7, help="how often each takes its turn (default 7)")
    asked.add_argument("--calls", type=int, default=320, help="calls in each turn (default 320)")
    asked.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = asked.parse_args()
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(there,), daemon=True)
    server.start()
    try:
        with tempfile.TemporaryDirectory() as folder:
            rows = asyncio.run(measure(here.recv(), options.rounds, options.calls, Path(folder)))
    finally:
        server.terminate()
        server.join()
    goals = judge(rows)
    if options.json:
        print(json.dumps({"rows": [row._asdict() for row in rows], "goals": goals}))
    else:
        print_table(rows, goals)
    return 0 if all(ratio <= limit for _, ratio, limit in goals) else 1


async def measure(port: int, rounds: int, calls: int, folder: Path) -> list[Row]:
    """The median of all turns: the SDK, our questions, our purchases."""
    environ = {
        "AGENTES_HOME": str(folder),
        "AGENTES_BASE_URL_OPENAI_IMAGES": f"http://127.0.0.1:{port}/v1",
        "OPENAI_API_KEY": "no key at all",
    }
    secrets = SecretManager(environ, folder / "none", folder / "none")
    facts = Catalogue.load().platform("openai_images")
    clock, adapter = Clock(), Adapter()
    manners = Manners.towards(facts, clock)
    http = open_http(
        facts,
        secrets=secrets,
        settings=Settings.read(secrets=secrets),
        manners=manners,
        explain=adapter.explain,
        clock=clock,
    )
    shelf = Shelf(folder / "shelf", folder / "desks")
    line = WireLine(adapter, http, manners, shelf, mask=secrets.mask, clock=clock)  # type: ignore[arg-type]
    sdk = openai.AsyncOpenAI(api_key="none", base_url=f"http://127.0.0.1:{port}/v1")
    order, numbers = an_order(), count(1)
    ways: dict[str, Ask] = {
        "openai SDK": lambda: sdk.models.retrieve("m1"),
        "a question": lambda: line.check(order),
        "a purchase": lambda: line.start(order.model_copy(update={"id": f"ord_{next(numbers)}"})),
    }
    spent: dict[tuple[str, int], list[float]] = {}
    for turn in range(rounds + 1):
        for at_once in (1, AT_ONCE):
            for name, ask in ways.items():
                await drive(ask, 3 * at_once, at_once)  # warms its connections after the others' turn
                used_ms = await drive(ask, calls, at_once)
                if turn:
                    spent.setdefault((name, at_once), []).append(used_ms)
    await http.aclose()
    await sdk.close()
    return [Row(name, median(spent[name, 1]), median(spent[name, AT_ONCE])) for name in ways]


async def drive(ask: Ask, calls: int, at_once: int) -> float:
    """CPU milliseconds of this process per call."""
    left = calls

    async def one_of_many() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            await ask()

    began = time.process_time()
    await asyncio.gather(*(one_of_many() for _ in range(at_once)))
    return 1000 * (time.process_time() - began) / calls


def an_order() -> Order:
    """A small picture."""
    return Order(
        id="ord_bench",
        job="j",
        task="t",
        piece=1,
        attempt=1,
        platform="openai_images",
        model="gpt-image-2",
        price=Money(1),
        prompt="a mug",
        spec=PhotoSpec(subject="a mug"),
        receipt={"id": "m1"},
    )


def judge(rows: Sequence[Row]) -> list[tuple[str, float, float]]:
    """Each goal: what it is, what was measured, what it may be."""
    sdk, question, _ = rows
    return [
        ("alone, against the SDK", question.alone_ms / sdk.alone_ms, ALONE_LIMIT),
        (f"{AT_ONCE} at once, against the SDK", question.crowd_ms / sdk.crowd_ms, CROWD_LIMIT),
        (f"growth from 1 to {AT_ONCE}", question.crowd_ms / question.alone_ms, GROWTH_LIMIT),
    ]


def print_table(rows: Sequence[Row], goals: Sequence[tuple[str, float, float]]) -> None:
    """One line a way, one line a goal, for a person."""
    print(f"{'CPU ms per call':<16}{'alone':>10}{f'{AT_ONCE} at once':>14}")
    for row in rows:
        print(f"{row.name:<16}{row.alone_ms:>10.3f}{row.crowd_ms:>14.3f}")
    print()
    for name, ratio, limit in goals:
        print(f"{name:<34}{ratio:>6.2f}  of {limit:.2f}{'' if ratio <= limit else '  <- missed'}")


if __name__ == "__main__":
    sys.exit(main())
