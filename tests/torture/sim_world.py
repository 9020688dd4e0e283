"""A small world in virtual time: vendors, a ledger, workers that die and come back, persons who cancel and decide.

Everything in it but the vendors, the clock and the disk's delays is the product: studio, dispatch, graph
or its straight walk, run, team, agents, purchases, tracker, book. One seed is one history.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

from sim_line import VendorLine
from sim_vendors import VENDORS, Vendor
from virtual_time import NOBODY, VirtualLoop

from agentes.media.shelf import Shelf
from orchestrator.store.book import SqlBook
from orchestrator.store.database import Database, Transaction
from orchestrator.store.jobs import Jobs
from orchestrator.store.sqlite import Sqlite
from shared_knowledge.caps import Limits
from shared_knowledge.cost_tracker import CostTracker
from shared_knowledge.errors import BadRequest, Broken
from shared_knowledge.vocabulary import Money, Order

__all__ = ["Locks", "StillDatabase", "Wishes", "World"]

T = TypeVar("T")
_BEGINS = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)  # the day rolls over while the jobs run
_A_WRITE_TAKES_S = 0.02


@dataclass(frozen=True)
class Wishes:
    """What a history is made of; the usual ones find most."""

    jobs: int = 3
    chaos_s: float = 1500.0
    kills: int = 3
    intensity: float = 1.0
    clock_jumps: bool = True
    zombies: bool = True
    through_the_graph: bool = False
    longest_freeze_s: float = 60.0
    hazards: frozenset[str] = frozenset()
    """What is known to go wrong, or is out of reach: wished for by the tests that say so."""


class StillDatabase(Database):
    """The ledger without its writing thread: what is asked is written at once, by whoever asks."""

    world: World

    def ask(self, ask: Callable[[Transaction], T]) -> Future[T]:
        """Writes, and is done."""
        future: Future[T] = Future()
        self._commit([(future, ask)])
        return future

    async def write(self, ask: Callable[[Transaction], T]) -> T:
        """Writes after a moment, and tells after another: in both, a worker may die."""
        await self.world.takes(0.0, _A_WRITE_TAKES_S)
        if self.world.strike("disk full", 0.001):
            raise Broken("The ledger cannot be used: disk full.")
        answer = self.ask(ask)
        self.world.written()
        await self.world.takes(0.0, _A_WRITE_TAKES_S)
        return answer.result()

    def _write_all(self) -> None:
        """Nobody waits in another thread."""


class Locks:
    """The locks of the jobs, held by workers: they go with them, and can be lost to a bad network."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self._held: dict[str, tuple[int, object]] = {}

    @contextmanager
    def only_one(self, job_id: str) -> Iterator[None]:
        """Holds the job's lock."""
        if self.is_locked(job_id):
            raise BadRequest(f"Job {job_id} is already running.")
        mine = object()
        self._held[job_id] = (self._loop.worker_here(), mine)
        try:
            yield
        finally:
            if self._held.get(job_id, (NOBODY, None))[1] is mine:
                del self._held[job_id]

    def is_locked(self, job_id: str) -> bool:
        """Whether a worker that lives holds it."""
        return job_id in self._held and self._loop.lives(self._held[job_id][0])

    def lose(self, job_id: str) -> None:
        """The server forgets who held it; whoever did works on, and does not know."""
        self._held.pop(job_id, None)


@dataclass
class World:
    """What all workers share, and what fate has in store for them."""

    seed: int
    wishes: Wishes
    limits: Limits = field(default_factory=lambda: Limits(a_day=Money(10**9)))

    def __post_init__(self) -> None:
        self.loop = VirtualLoop(self.seed, ends_at_s=1e6)
        self.dice = random.Random(f"fate {self.seed}")
        self.home = Path(tempfile.mkdtemp(prefix="sim-", dir=_fast_disk()))
        self.shelf = Shelf(self.home / "shelf", self.home / "desks")
        self.database = StillDatabase(Sqlite(self.home / "ledger.db"))
        self.database.world = self
        self._witness = sqlite3.connect(self.home / "ledger.db")
        self.locks = Locks(self.loop)
        self.vendors = {vendor.id: vendor for vendor in VENDORS(self.wishes.hazards)}
        self.is_calm = False
        self.clock_is_off_s = 0.0
        self.faults: Counter[str] = Counter()
        self.trace: list[str] = []
        self.violations: list[str] = []
        self.budgets_seen: dict[str, tuple[int, int]] = {}
        self.ceilings: dict[str, int] = {}
        self.sendings: Counter[str] = Counter()
        self.by_a_person: set[str] = set()
        self.number_of_orders = 0
        self.savers: dict[str, Any] = {}

    # ── time and chance ────────────────────────────────────────────────────────────────────────

    def now(self) -> datetime:
        """What the clock on the wall says; it may be put forward or back."""
        return self.utc_of(self.loop.time()) + timedelta(seconds=self.clock_is_off_s)

    def utc_of(self, time_s: float) -> datetime:
        """The true date of a moment."""
        return _BEGINS + timedelta(seconds=time_s)

    async def takes(self, least_s: float, most_s: float) -> None:
        """Lets a little time pass, in which anything may happen."""
        await asyncio.sleep(self.dice.uniform(least_s, most_s))

    def later(self, seconds: float, act: Callable[[], None]) -> None:
        """Something happens at a vendor's, whoever has died in the meantime."""
        self.loop.later(seconds, act)

    def strike(self, fault: str, share: float) -> bool:
        """Whether fate strikes here, now."""
        if self.is_calm and share < 1:
            return False
        if self.dice.random() >= share * self.wishes.intensity:
            return False
        self.faults[fault] += 1
        return True

    # ── witnesses ──────────────────────────────────────────────────────────────────────────────

    def saw(self, *what: object) -> None:
        """Writes down what happened, for the trace."""
        self.trace.append(f"{self.loop.time():.6f} {' '.join(str(each) for each in what)}")

    def look(self, question: str, *given: object) -> list[tuple[Any, ...]]:
        """What is in the ledger's file, past all of our own code."""
        return self._witness.execute(question, given).fetchall()

    def accuse(self, what: str) -> None:
        """Something happened that never may."""
        self.violations.append(f"{self.loop.time():.1f} s: {what}")

    def written(self) -> None:
        """After every commit: no purse holds more than it may."""
        for budget, reserved, spent in self.look("select id, reserved, spent from budgets order by id"):
            if self.budgets_seen.get(budget) == (reserved, spent):
                continue
            self.budgets_seen[budget] = (reserved, spent)
            self.saw("purse", budget, reserved, spent)
            limit = self.limit_of(budget)
            if limit is not None and reserved + spent > limit:
                self.accuse(f"{budget} holds {reserved} + {spent} of {limit}")

    def limit_of(self, budget: str) -> int | None:
        """What a purse may hold, from our own knowledge of it; None where its cap is soft."""
        scope, _, name = budget.partition(":")
        match scope:
            case "job":
                return self.ceilings.get(name)
            case "day":
                return int(self.limits.a_day)
            case "tenant" | "key" | "platform":
                if self.limits.over_cap == "warn":
                    return None
                limits = getattr(self.limits, f"by_{scope}")
                return int(limits[name.partition(":")[0]])
        return 0

    def arrived(self, vendor: Vendor, order: Order) -> None:
        """A paid request is at the vendor's door; the ledger must know that it was being sent."""
        self.sendings[order.id] += 1
        known = self.look("select sent_at from orders where id = ?", order.id)
        if not known or known[0][0] is None:
            self.accuse(f"{order.id} was sent to {vendor.id}, and the ledger knows nothing of it")
        self.saw("sent", vendor.id, order.id, order.fence)

    @property
    def hash(self) -> str:
        """The history in a word."""
        return hashlib.sha256("\n".join(self.trace).encode()).hexdigest()[:16]

    # ── what workers are built from ────────────────────────────────────────────────────────────

    def book(self) -> SqlBook:
        return SqlBook(self.database, self.now)

    def jobs(self) -> Jobs:
        return Jobs(self.database, self.now)

    def tracker(self) -> CostTracker:
        return CostTracker(self.book(), self.limits, now=self.now)

    @asynccontextmanager
    async def connect(self, platform: str) -> AsyncIterator[VendorLine]:
        """A line to a vendor."""
        await self.takes(0.0, 0.01)
        yield VendorLine(self, self.vendors[platform])

    @property
    def catalogue(self) -> Any:
        """The only page of the catalogue that is read on the way."""
        facts = {vendor.id: vendor.facts for vendor in self.vendors.values()}
        return SimpleNamespace(platform=facts.__getitem__)

    async def bring(self, url: str, into: Path) -> Path:
        raise AssertionError("no brief of this world names an address")

    def new_id(self) -> SimpleNamespace:
        """An order's number, the same in the same history."""
        self.number_of_orders += 1
        return SimpleNamespace(hex=f"{self.number_of_orders:020d}")

    def close(self) -> None:
        """Ends the world."""
        self.loop.close()
        self._witness.close()
        self.database.close()
        shutil.rmtree(self.home, ignore_errors=True)

    def run(self, work: Awaitable[T]) -> T:
        """Lives a piece of the history."""
        return self.loop.run_until_complete(work)  # type: ignore[arg-type]


def _fast_disk() -> str | None:
    memory = Path("/dev/shm")
    return str(memory) if memory.is_dir() and shutil.disk_usage(memory).free > 1 << 28 else None
