"""What it costs that a run survives its own death, against the same stages as nodes of LangGraph.

Ours is the real thing without the platforms: the graph with its checkpoints, the run, the team, and the ledger,
in which every step of every purchase is on the disk before the next begins. The peer has the same stages as
nodes, four of them for each task, each kept by LangGraph's own SQLite saver before the next begins. Neither does
any work between the steps. They take turns in one process; what is compared is the median.

A run of 50 tasks may take 0.3 times as long as the peer's, and 3 times as long as one of 10. Where each task
is told in 20 kB instead of 0.2 kB, the checkpoints may not grow, and the ledger holds each telling as often as in
a run of 10 tasks: what is stored grows with the tasks, not with tasks times state.

    python benchmarks/durable_run.py [--rounds N] [--folder WHERE] [--json]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import operator
import sqlite3
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from datetime import UTC, datetime
from itertools import count, pairwise
from pathlib import Path
from statistics import median
from types import SimpleNamespace
from typing import Annotated, Any, NamedTuple, TypedDict, cast

from agentes.media.shelf import Shelf
from agentes.media_agent import Errand, MediaAgent, Progress
from orchestrator import checkpoints, graph
from orchestrator.locks import FileLocks
from orchestrator.quoting import Quoter
from orchestrator.run import Office, Run
from orchestrator.store.book import SqlBook
from orchestrator.store.database import Database, open_database
from orchestrator.store.jobs import Event, Jobs
from shared_knowledge.caps import Limits
from shared_knowledge.cost_tracker import CostTracker
from shared_knowledge.vocabulary import (
    Asset,
    Brief,
    JobState,
    Medium,
    Money,
    Offer,
    Order,
    PhotoSpec,
    Piece,
    Plan,
    Quote,
    QuoteLine,
    Task,
    Understanding,
)

# LangGraph comes after our graph, which first tells it to read back plain data only.
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver  # isort: skip
from langgraph.graph import END, START, StateGraph  # isort: skip
from langgraph.types import Send  # isort: skip

FEW, MANY = 10, 50
SHORT, LONG = 200, 20_000
WALL_LIMIT, GROWTH_LIMIT, SAME_LIMIT = 0.3, 3.0, 1.02
PRICE, PLENTY = Money(40_000), Money(10**12)
NOW = datetime(2026, 11, 21, tzinfo=UTC)
PROMPT_LETTERS = 1000


class Size(NamedTuple):
    """A run: how many tasks, and in how many letters each is told."""

    tasks: int
    letters: int


SIZES = (Size(FEW, SHORT), Size(MANY, SHORT), Size(FEW, LONG), Size(MANY, LONG))


class Row(NamedTuple):
    """Runs of one size: how long ours and the peer's took, and what ours left on the disk."""

    size: Size
    ours_ms: float
    peer_ms: float
    ours_cpu_ms: float
    peer_cpu_ms: float
    checkpoint_bytes: int
    ledger_bytes: int


class Goal(NamedTuple):
    """What was measured and what it may be."""

    name: str
    ratio: float
    limit: float

    @property
    def met(self) -> bool:
        return self.ratio <= self.limit


def main() -> int:
    """Measures, prints a table, and answers 1 if a goal was missed."""
    asked = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    asked.add_argument("--rounds", type=int, default=9, help="how often each takes its turn (default 9)")
    asked.add_argument("--folder", type=Path, default=Path(), help="on which disk (default: here)")
    asked.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix=".durable-run-", dir=options.folder) as folder:
        rows = asyncio.run(measure(Path(folder), options.rounds))
    goals = judge(rows)
    if options.json:
        told = [{**goal._asdict(), "met": goal.met} for goal in goals]
        print(json.dumps({"rows": [{**row._asdict(), **row.size._asdict()} for row in rows], "goals": told}))
    else:
        print_table(rows, goals)
    return 0 if all(goal.met for goal in goals) else 1


async def measure(folder: Path, rounds: int) -> list[Row]:
    """The median of all turns; the first of each only warms up, and is looked at for its bytes."""
    database = open_database(folder / "ledger.db")
    ours = {size: Ours(folder, database, size) for size in SIZES}
    peers = {size: Peer(folder, size) for size in SIZES}
    taken: dict[Size, list[tuple[float, ...]]] = {size: [] for size in SIZES}
    stored: dict[Size, tuple[int, int]] = {}
    for turn in range(rounds + 1):
        for size in SIZES:
            if turn == 0:
                stored[size] = await ours[size].bytes_stored()
            ours_s, ours_cpu_s = await timed(ours[size].run)
            peer_s, peer_cpu_s = await timed(peers[size].run)
            if turn:
                taken[size].append((ours_s, peer_s, ours_cpu_s, peer_cpu_s))
    database.close()
    return [
        Row(size, *(1000 * median(column) for column in zip(*taken[size], strict=True)), *stored[size])  # type: ignore[call-arg]
        for size in SIZES
    ]


async def timed(run: Callable[[], Awaitable[None]]) -> tuple[float, float]:
    """Seconds by the clock and of this process."""
    began, cpu = time.perf_counter(), time.process_time()
    await run()
    return time.perf_counter() - began, time.process_time() - cpu


# ── ours ───────────────────────────────────────────────────────────────────────────────────────


class Ours:
    """Runs of one size, as a worker does them."""

    numbers = count(1)

    def __init__(self, folder: Path, database: Database, size: Size) -> None:
        self._folder = folder
        self._database = database
        self._jobs = Jobs(database)
        self._tracker = CostTracker(SqlBook(database), Limits(a_day=PLENTY))
        plan = a_plan(size)
        quoter = SimpleNamespace(
            read=lambda brief: None,
            plan=lambda brief: plan,
            quote=lambda plan, brief, past: a_quote(plan),
            check_budget=lambda plan, quote, brief: None,
            unsettled=lambda job: (),
        )
        self._office = Office(
            quoter=cast(Quoter, quoter),
            jobs=self._jobs,
            book=SqlBook(database),
            tracker=self._tracker,
            shelf=Shelf(folder / "shelf", folder / "desks"),
            agents={Medium.PHOTO: cast(MediaAgent, Buyer(self._tracker))},
            locks=FileLocks(folder),
            checkpoints=folder / "graph.db",
            version="0",
        )

    async def run(self) -> None:
        """One run from its brief to its end."""
        await self._run(forget=True)

    async def bytes_stored(self) -> tuple[int, int]:
        """What one run leaves among the checkpoints, were they not forgotten at its end, and in the ledger."""
        job = await self._run(forget=False)
        with closing(sqlite3.connect(self._folder / "graph.db")) as file:
            kept = file.execute(
                "select sum(length(checkpoint) + length(metadata)) from checkpoints"
            ).fetchone()[0]
            kept += file.execute("select sum(length(value)) from writes").fetchone()[0]
            file.executescript("delete from checkpoints; delete from writes")
        with closing(sqlite3.connect(self._folder / "ledger.db")) as file:
            lengths = (
                "select length(brief) + length(plan) + length(quote) from jobs where id = :job",
                *(
                    f"select sum(length(body)) from {name} where job = :job"
                    for name in ("orders", "outcomes", "events")
                ),
            )
            held = sum(file.execute(question, {"job": job}).fetchone()[0] for question in lengths)
        return kept, held

    async def _run(self, *, forget: bool) -> str:
        job = f"job_{next(self.numbers)}"
        await self._jobs.add(job, Brief(text="candles"), str(self._folder))
        fence = await self._jobs.take(job)

        async def tell(event: dict[str, Any]) -> None:
            await self._jobs.note(job, Event(**event))

        async with checkpoints.open_checkpoints(self._folder / "graph.db") as saver:
            run = Rehearsal(self._office, job, fence)
            await graph.run(job, run.stages, saver, tell)
            if forget:
                await saver.adelete_thread(job)
            await run.end()
        assert self._jobs.state(job) is JobState.DONE
        return job


class Rehearsal(Run):
    """A run that hands nothing over: there is nothing."""

    async def deliver(self) -> None:
        """Delivers nothing."""


class Buyer:
    """An agent that writes down every step of a purchase, and does nothing between them."""

    def __init__(self, tracker: CostTracker) -> None:
        self._tracker = tracker

    async def perform(self, errand: Errand) -> Asset:
        """Buys one piece by the first offer."""
        tracker, task, offer = self._tracker, errand.task, errand.offers[0]
        assert isinstance(task.spec, PhotoSpec)
        assert not await tracker.orders_of(errand.job, task.id, errand.fence)
        errand.say(Progress(task, "preparing", offer))
        order = Order(
            id=f"ord_{errand.job}_{task.id}",
            job=errand.job,
            fence=errand.fence,
            task=task.id,
            piece=1,
            attempt=1,
            platform=offer.platform,
            model=offer.model,
            price=PRICE,
            prompt=task.spec.scene[:PROMPT_LETTERS],
            spec=task.spec,
        )
        order = await tracker.place(order, errand.ceiling)
        errand.say(Progress(task, "making", offer))
        order = await tracker.sending(order)
        order = await tracker.started(order, {"id": order.id})
        order = await tracker.ready(
            order, {"done": {"media": [{"url": f"https://vendor.example/{task.id}.png"}]}}
        )
        order = await tracker.stored(order, f"{'0' * 64}.png")
        order = await tracker.settle(order, PRICE)
        errand.say(Progress(task, "done", offer, cost=PRICE))
        return Asset(
            task=task.id,
            medium=Medium.PHOTO,
            path=f"/shelf/{order.file}",
            sha256="0" * 64,
            size_bytes=1,
            mime="image/png",
            platform=offer.platform,
            model=offer.model,
            prompt=order.prompt,
            cost=PRICE,
        )


def a_plan(size: Size) -> Plan:
    """As many pictures, each told in so many letters."""
    return Plan(
        brief="candles",
        brief_language="en",
        understanding=Understanding(),
        coverage=(),
        tasks=tuple(
            Task(id=f"photo-{n}", spec=PhotoSpec(subject="candle", scene=words(size)))
            for n in range(size.tasks)
        ),
    )


def a_quote(plan: Plan) -> Quote:
    """Every task by one of three platforms."""
    lines = tuple(
        QuoteLine(
            task=task.id,
            offers=tuple(
                Offer(
                    task=task.id,
                    platform=platform,
                    model="one",
                    price=PRICE,
                    pieces=(Piece(number=1, price=PRICE),),
                    price_seen_on=NOW.date(),
                )
                for platform in ("runway", "luma", "kling")
            ),
        )
        for task in plan.tasks
    )
    return Quote(
        lines=lines, estimate=PRICE, ceiling=PLENTY, oldest_price=NOW.date(), hash="q", expires_at=NOW
    )


def words(size: Size) -> str:
    """What one task is told in."""
    return ("a candle " * (size.letters // 9 + 1))[: size.letters]


# ── the peer ───────────────────────────────────────────────────────────────────────────────────


class Errands(TypedDict, total=False):
    """The state of a run."""

    tasks: list[dict[str, str]]
    approved: bool
    outcomes: Annotated[list[dict[str, str]], operator.add]


class One(TypedDict, total=False):
    """The state of one task."""

    id: str
    scene: str
    order: str
    receipt: str
    file: str


class Peer:
    """Runs of one size, as LangGraph's documentation shows them: a graph for the run, and one for each task."""

    numbers = count(1)

    def __init__(self, folder: Path, size: Size) -> None:
        self._file = folder / "peer.db"
        self._size = size
        task = StateGraph(One)
        steps: dict[str, Callable[[One], One]] = {
            "place": lambda state: {"order": f"ord_{state['id']}"},
            "start": lambda state: {"receipt": f"at {state['order']}"},
            "check": lambda state: {"file": f"{state['receipt']}.png"},
            "settle": lambda state: {},
        }
        in_turn(task, {name: as_node(step) for name, step in steps.items()})
        each = task.compile()

        async def perform(state: One) -> Errands:
            done = await each.ainvoke(state)
            return {"outcomes": [{"id": done["id"], "scene": done["scene"], "file": done["file"]}]}

        run: Any = StateGraph(Errands)
        nothing = as_node(lambda state: {})
        tasks = [{"id": f"photo-{n}", "scene": words(size)} for n in range(size.tasks)]
        plan, approve = as_node(lambda state: {"tasks": tasks}), as_node(lambda state: {"approved": True})
        in_turn(run, {"understand": nothing, "plan": plan, "quote": nothing, "approve": approve}, ends=False)
        run.add_node("perform", perform)
        run.add_node("compose", nothing)
        run.add_node("deliver", nothing)
        run.add_conditional_edges(
            "approve", lambda state: [Send("perform", one) for one in state["tasks"]], ["perform"]
        )
        run.add_edge("perform", "compose")
        run.add_edge("compose", "deliver")
        run.add_edge("deliver", END)
        self._graph = run

    async def run(self) -> None:
        """One run from its first node to its last."""
        config: Any = {"configurable": {"thread_id": f"run {next(self.numbers)}"}}
        async with AsyncSqliteSaver.from_conn_string(str(self._file)) as saver:
            ended = await self._graph.compile(checkpointer=saver).ainvoke(
                {"outcomes": []}, config, durability="sync"
            )
        assert len(ended["outcomes"]) == self._size.tasks


def as_node(step: Callable[[Any], Any]) -> Callable[[Any], Awaitable[Any]]:
    """The step as a node that waits for nothing."""

    async def node(state: Any) -> Any:
        return step(state)

    return node


def in_turn(drawn: Any, nodes: dict[str, Any], *, ends: bool = True) -> None:
    """Draws these nodes, one after the other."""
    names = [START, *nodes, *([END] if ends else [])]
    for name, node in nodes.items():
        drawn.add_node(name, node)
    for before, after in pairwise(names):
        drawn.add_edge(before, after)


# ── what comes of it ───────────────────────────────────────────────────────────────────────────


def judge(rows: list[Row]) -> list[Goal]:
    """Each goal: what it is, what was measured, what it may be."""
    few, many, few_long, many_long = rows
    a_telling = (many_long.ledger_bytes - many.ledger_bytes) / (few_long.ledger_bytes - few.ledger_bytes)
    return [
        Goal(f"{MANY} tasks, against LangGraph", many.ours_ms / many.peer_ms, WALL_LIMIT),
        Goal(f"growth from {FEW} to {MANY} tasks", many.ours_ms / few.ours_ms, GROWTH_LIMIT),
        Goal("checkpoints of 20 kB tasks", many_long.checkpoint_bytes / many.checkpoint_bytes, SAME_LIMIT),
        Goal("ledger of 20 kB, growth by tasks", a_telling / (MANY / FEW), SAME_LIMIT),
    ]


def print_table(rows: list[Row], goals: list[Goal]) -> None:
    """One line a size, one line a goal, for a person."""
    print(
        f"{'tasks':>5}{'letters':>9}{'ours ms':>10}{'CPU':>8}{'peer ms':>10}{'CPU':>8}{'ratio':>8}"
        f"{'checkpoints kB':>16}{'ledger kB':>11}"
    )
    for row in rows:
        print(
            f"{row.size.tasks:>5}{row.size.letters:>9,}{row.ours_ms:>10.1f}{row.ours_cpu_ms:>8.1f}"
            f"{row.peer_ms:>10.1f}{row.peer_cpu_ms:>8.1f}{row.ours_ms / row.peer_ms:>8.3f}"
            f"{row.checkpoint_bytes / 1000:>16.1f}{row.ledger_bytes / 1000:>11.1f}"
        )
    print()
    for goal in goals:
        print(f"{goal.name:<34}{goal.ratio:>7.3f}  of {goal.limit:.2f}{'' if goal.met else '  <- missed'}")


if __name__ == "__main__":
    sys.exit(main())
