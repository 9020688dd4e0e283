"""What it costs to set money aside so that it stays set aside: many askers, one file, every answer on the disk.

Sixteen askers of one process, each with sixteen purchases at a time, place orders under the same two caps. The
writing thread keeps many of them with one sync to the disk; the peer is the same writer with a batch of one,
and ours must place 4.5 times as many. Then sixteen askers come at once with one purchase each: the slowest of
a hundred such bursts may take 0.05 times what one purchase takes the slowest of a hundred times where sixteen
processes compete for the file, each with the same transaction. They take turns, and what is compared is the
median. Every turn ends with a look into the ledger: its sums must be exact.

    python benchmarks/reservations.py [--turns N] [--seconds S] [--folder WHERE] [--json]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import NamedTuple

from orchestrator.store.book import SqlBook
from orchestrator.store.database import Database, open_database
from orchestrator.store.jobs import Jobs
from shared_knowledge.caps import Cap
from shared_knowledge.vocabulary import Brief, Money, Order, PhotoSpec

ASKERS = AT_ONCE = 16
MOST = 256
TIMES_AS_MANY = 4.5
BURST_LIMIT = 0.05
CROWD_FOR = 2  # turns of the crowd are longer: whoever has to wait there waits for about a second
MOST_A_SECOND = 30_000
PRICE, PLENTY = Money(4_000), Money(10**12)
JOB = "job_1"
CAPS = (Cap(budget=f"job:{JOB}", limit=PLENTY), Cap(budget="day:2026-11-21", limit=PLENTY))


class Turn(NamedTuple):
    """What came of one turn: answers in a second, CPU for each, and what the slowest of a hundred waited."""

    a_second: float
    cpu_us: float
    p99_ms: float


class Goal(NamedTuple):
    """What was measured and what it must be."""

    name: str
    ratio: float
    limit: float
    at_least: bool = False

    @property
    def met(self) -> bool:
        return self.ratio >= self.limit if self.at_least else self.ratio <= self.limit


def main() -> int:
    """Measures, prints a table, and answers 1 if a goal was missed."""
    asked = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    asked.add_argument("--turns", type=int, default=5, help="how often each takes its turn (default 5)")
    asked.add_argument("--seconds", type=float, default=1.0, help="how long a turn takes (default 1)")
    asked.add_argument("--folder", type=Path, default=Path(), help="on which disk (default: here)")
    asked.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix=".reservations-", dir=options.folder) as folder:
        turns = measure(Path(folder), options.turns, options.seconds)
        syncs = syncs_a_second(Path(folder))
    goals = judge(turns)
    if options.json:
        rows = {name: [turn._asdict() for turn in taken] for name, taken in turns.items()}
        told = [{**goal._asdict(), "met": goal.met} for goal in goals]
        print(json.dumps({"turns": rows, "goals": told, "syncs_a_second": syncs}))
    else:
        print_table(turns, goals, syncs)
    return 0 if all(goal.met for goal in goals) else 1


def measure(folder: Path, turns: int, seconds: float) -> dict[str, list[Turn]]:
    """The turns of every way; the first of each only warms up."""
    crowd = Crowd()  # before there is any thread
    ways: dict[str, Callable[[Path], Turn]] = {
        "many with one sync": lambda file: asyncio.run(ask_together(file, seconds, MOST)),
        "one with each sync": lambda file: asyncio.run(ask_together(file, seconds, 1)),
        "a burst of 16": lambda file: asyncio.run(ask_in_bursts(file, seconds)),
        "16 processes": lambda file: crowd.race(file, CROWD_FOR * seconds),
    }
    taken: dict[str, list[Turn]] = {name: [] for name in ways}
    for turn in range(turns + 1):
        for number, (name, take) in enumerate(ways.items()):
            result = take(folder / f"{turn}-{number}.db")
            if turn:
                taken[name].append(result)
    crowd.go_home()
    return taken


# ── askers in one process ──────────────────────────────────────────────────────────────────────


async def ask_together(file: Path, seconds: float, batch: int) -> Turn:
    """Sixteen askers with sixteen purchases each at any time; how long each was waited for."""
    await open_ledger(file)
    database = open_database(file, batch=batch)
    book, orders, waits_s = SqlBook(database), iter(many_orders(int(MOST_A_SECOND * seconds))), list[float]()
    began, until, cpu = time.perf_counter(), time.perf_counter() + seconds, time.process_time()

    async def one_of_an_asker() -> None:
        while (now := time.perf_counter()) < until and (order := next(orders, None)):
            await book.place(order, CAPS)
            waits_s.append(time.perf_counter() - now)

    await asyncio.gather(*(one_of_an_asker() for _ in range(ASKERS * AT_ONCE)))
    took_s, cpu_s = time.perf_counter() - began, time.process_time() - cpu
    check(database, len(waits_s))
    database.close()
    return Turn(len(waits_s) / took_s, 1e6 * cpu_s / len(waits_s), 1000 * p99(waits_s))


async def ask_in_bursts(file: Path, seconds: float) -> Turn:
    """Sixteen askers who come at the same moment, and again when all have been answered; how long that took."""
    await open_ledger(file)
    database = open_database(file)
    book, orders, bursts_s = SqlBook(database), many_orders(int(MOST_A_SECOND * seconds)), list[float]()
    began, until, cpu = time.perf_counter(), time.perf_counter() + seconds, time.process_time()
    while (now := time.perf_counter()) < until and len(orders) >= ASKERS:
        await asyncio.gather(*(book.place(orders.pop(), CAPS) for _ in range(ASKERS)))
        bursts_s.append(time.perf_counter() - now)
    took_s, cpu_s = time.perf_counter() - began, time.process_time() - cpu
    placed = ASKERS * len(bursts_s)
    check(database, placed)
    database.close()
    return Turn(placed / took_s, 1e6 * cpu_s / placed, 1000 * p99(bursts_s))


async def open_ledger(file: Path) -> None:
    """A new ledger with a job in it."""
    database = open_database(file)
    await Jobs(database).add(JOB, Brief(text="candles"), str(file.parent))
    database.close()


def many_orders(number: int, whose: str = "us") -> list[Order]:
    """As many small pictures."""
    first = Order(
        id="ord",
        job=JOB,
        fence=0,
        task="photo",
        piece=1,
        attempt=1,
        platform="runway",
        model="gen4_image",
        price=PRICE,
        prompt="A candle on a wooden table, soft light from a window on the left, nothing else in the picture.",
        spec=PhotoSpec(subject="candle"),
    )
    names = (f"{whose}_{n}" for n in range(number))
    return [first.model_copy(update={"id": f"ord_{name}", "task": f"photo-{name}"}) for name in names]


def check(database: Database, placed: int) -> None:
    """Ends the benchmark if a single micro-dollar is missing or too many."""
    budgets = [database.read(lambda t, cap=cap: t.row("budget", id=cap.budget)) for cap in CAPS]
    held = [(row["reserved"], row["spent"]) if row else None for row in budgets]
    rows = sum(row.reserved for row in SqlBook(database).costs())
    if held != [(placed * PRICE, 0)] * len(CAPS) or rows != placed * PRICE:
        sys.exit(f"The ledger is wrong: {placed} placed, {held} held, {rows} in its rows.")


# ── processes that compete ─────────────────────────────────────────────────────────────────────


class Crowd:
    """Sixteen processes with a connection of their own each, which wait for the word."""

    def __init__(self) -> None:
        fork = multiprocessing.get_context("fork")
        self._lines: list[Connection] = []
        self._processes = []
        for number in range(ASKERS):
            here, there = fork.Pipe()
            process = fork.Process(target=compete, args=(there, f"p{number}"), daemon=True)
            process.start()
            self._lines.append(here)
            self._processes.append(process)

    def race(self, file: Path, seconds: float) -> Turn:
        """One turn, all at once."""
        asyncio.run(open_ledger(file))
        for line in self._lines:
            line.send(str(file))
        for line in self._lines:
            line.recv()  # its connection is open
        until = time.perf_counter() + seconds
        for line in self._lines:
            line.send(until)
        waited, cpus = zip(*(line.recv() for line in self._lines), strict=True)
        waits_s = [wait_s for one in waited for wait_s in one]
        database = open_database(file)
        check(database, len(waits_s))
        database.close()
        return Turn(len(waits_s) / seconds, 1e6 * sum(cpus) / len(waits_s), 1000 * p99(waits_s))

    def go_home(self) -> None:
        """Ends the processes."""
        for line in self._lines:
            line.send(None)
        for process in self._processes:
            process.join()


def compete(line: Connection, name: str) -> None:
    """Places one order after the other until the time is over; says how long each took."""

    async def race(file: str) -> tuple[list[float], float]:
        database = open_database(Path(file), batch=1)
        book, orders, waits_s = SqlBook(database), many_orders(MOST_A_SECOND, name), list[float]()
        line.send("ready")
        until, cpu = line.recv(), time.process_time()
        while (now := time.perf_counter()) < until:
            await book.place(orders.pop(), CAPS)
            waits_s.append(time.perf_counter() - now)
        database.close()
        return waits_s, time.process_time() - cpu

    while (file := line.recv()) is not None:
        line.send(asyncio.run(race(file)))


# ── what comes of it ───────────────────────────────────────────────────────────────────────────


def p99(times: Sequence[float]) -> float:
    """The slowest of a hundred."""
    return sorted(times)[min(len(times) - 1, len(times) * 99 // 100)]


def judge(turns: dict[str, list[Turn]]) -> list[Goal]:
    """Each goal, from the median of all turns: those that stood side by side are compared."""
    many, one, bursts, crowd = turns.values()
    return [
        Goal(
            "as many as with a batch of one",
            median(ours.a_second / peer.a_second for ours, peer in zip(many, one, strict=True)),
            TIMES_AS_MANY,
            at_least=True,
        ),
        Goal(
            "p99 of a burst, against 16 processes",
            median(ours.p99_ms / peer.p99_ms for ours, peer in zip(bursts, crowd, strict=True)),
            BURST_LIMIT,
        ),
    ]


def syncs_a_second(folder: Path) -> float:
    """How often this disk can be made to keep 4 kB: what every writer of one at a time is bound by."""
    times, until = 0, time.perf_counter() + 0.5
    with (folder / "syncs").open("wb", buffering=0) as file:
        while time.perf_counter() < until:
            file.write(bytes(4096))
            os.fdatasync(file.fileno())
            times += 1
    return times / 0.5


def print_table(turns: dict[str, list[Turn]], goals: Sequence[Goal], syncs: float) -> None:
    """One line a way, one line a goal, for a person."""
    print(
        f"{'reservations':<22}{'a second':>10}{'CPU us':>9}{'p99 ms':>10}   (this disk: {syncs:,.0f} syncs a second)"
    )
    for name, taken in turns.items():
        rate, cpu, slow = (median(column) for column in zip(*taken, strict=True))
        print(f"{name:<22}{rate:>10,.0f}{cpu:>9.0f}{slow:>10.1f}")
    print()
    for goal in goals:
        word = "at least" if goal.at_least else "at most"
        print(f"{goal.name:<38}{goal.ratio:>7.3f}  {word} {goal.limit}{'' if goal.met else '  <- missed'}")


if __name__ == "__main__":
    sys.exit(main())
