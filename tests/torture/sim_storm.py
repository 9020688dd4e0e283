"""A platform dies for ten minutes while hundreds of orders want something of it: does the wire make it worse?

The whole wire is real, retry, breaker and pace included; only the network and the clock are not.
"""

from __future__ import annotations

import asyncio
import base64
import random
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
from virtual_time import VirtualLoop

from agentes.contract import Done, Inline, Pending
from agentes.media.shelf import Shelf
from agentes.purchase import Purchase
from agentes.steps import Workroom
from agentes.wire.client import Manners, open_http
from agentes.wire.clock import Clock
from agentes.wire.line import WireLine
from agentes.wire.said import Said, VendorId
from config.secrets import SecretManager
from config.settings import Settings
from shared_knowledge.caps import Limits
from shared_knowledge.cost_tracker import CostTracker, Step
from shared_knowledge.errors import AgentesError, PlatformError
from shared_knowledge.platform_facts import Platform
from shared_knowledge.vocabulary import Money, Order, OrderState, PhotoSpec

__all__ = ["Storm", "storm"]

_FACTS = {
    "id": "tiny",
    "name": "Tiny",
    "medium": "photo",
    "base_url": "https://api.tiny.example",
    "key_hosts": ("api.tiny.example",),
    "secrets": ({"name": "TINY_KEY"},),
    "sign_in": {"by": "header", "header": "x-tiny-key"},
    "recovery": "OPAQUE",
    "look_again_s": 5,
    "deadline_s": 1200,
}
_PICTURE = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(64)).decode()
_LOOK_S = 15.0
_LEAVES = "http11.send_request_headers.started"


@dataclass
class Storm:
    """What was wanted of a platform, and what it got to hear, second by second."""

    dies_s: float
    lives_s: float
    wanted: list[float] = field(default_factory=list)
    sent: list[float] = field(default_factory=list)
    booked: list[float] = field(default_factory=list)
    settled: int = 0
    elsewhere: int = 0
    held: int = 0
    stumbled: int = 0

    def ratio(self, since_s: float, until_s: float) -> float:
        """How many requests were sent for each that was wanted."""
        wanted = sum(since_s <= at < until_s for at in self.wanted)
        return sum(since_s <= at < until_s for at in self.sent) / max(1, wanted)

    def busiest(self, since_s: float, until_s: float, window_s: float) -> int:
        """The most that was sent in any stretch of that length."""
        times = [at for at in self.sent if since_s <= at < until_s]
        return max((sum(at <= other < at + window_s for other in times) for at in times), default=0)


class _Started(Said):
    id: VendorId


class _Standing(Said):
    status: str


class _Adapter:
    """Speaks Tiny: a number when it is bought, the picture inside the answer when it is made."""

    async def start(self, http: httpx.AsyncClient, order: Order) -> Pending | Done:
        started = _Started.of(await http.post("/v1/tasks", json={"prompt": order.prompt}))
        return Pending({"id": started.id}, look_again_in_s=_LOOK_S)

    async def check(self, http: httpx.AsyncClient, order: Order) -> Pending | Done:
        task = _Standing.of(await http.get(f"/v1/tasks/{(order.receipt or {})['id']}"))
        if task.status == "made":
            return Done(Inline("/file"), cost=order.price)
        return Pending(order.receipt or {}, look_again_in_s=_LOOK_S)

    def explain(self, response: httpx.Response) -> PlatformError | None:
        return None


class _Network(httpx.AsyncBaseTransport):
    """Everything that leaves, leaves here; for ten minutes nobody is at the other end."""

    def __init__(self, loop: VirtualLoop, story: Storm, how: str, dice: random.Random) -> None:
        self._loop = loop
        self._story = story
        self._how = how
        self._dice = dice
        self._ready: dict[str, float] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        now = self._loop.time()
        self._story.sent.append(now)
        dead = self._story.dies_s <= now < self._story.lives_s
        if dead and self._how == "nobody is there":
            await asyncio.sleep(self._dice.uniform(0.01, 0.2))
            raise httpx.ConnectError("refused", request=request)
        if "trace" in request.extensions:
            await request.extensions["trace"](_LEAVES, {})
        await asyncio.sleep(self._dice.uniform(0.05, 0.4))
        if dead and self._how == "it hangs":
            await asyncio.sleep(1e5)
        if dead:
            return httpx.Response(503, json={"error": "later"}, request=request)
        if request.method == "POST":
            number = str(len(self._ready) + 1)
            self._ready[number] = now + self._dice.uniform(60, 400)
            self._story.booked.append(now)
            return httpx.Response(200, json={"id": number}, request=request)
        number = request.url.path.rpartition("/")[2]
        made = self._ready[number] <= now
        told = {"status": "made", "file": _PICTURE} if made else {"status": "making"}
        return httpx.Response(200, json=told, request=request)


class _Book:
    """A book in memory: the storm is about the wire, not about the ledger."""

    def __init__(self) -> None:
        self.states: dict[str, OrderState] = {}

    async def place(self, order: Order, caps: Sequence[Any]) -> Order:
        self.states[order.id] = OrderState.RESERVED
        return order.model_copy(update={"state": OrderState.RESERVED})

    async def move(self, step: Step) -> bool:
        moved = self.states[step.order] is step.was
        if moved:
            self.states[step.order] = step.state
        return moved

    async def orders_of(self, job: str, task: str) -> tuple[Order, ...]:
        return ()

    async def left(self, caps: Sequence[Any]) -> Money | None:
        return None


def storm(seed: int, *, jobs: int = 500, how: str = "nobody is there") -> Storm:
    """So many jobs in twenty minutes, of which the platform is dead for ten."""
    loop, dice = VirtualLoop(seed, ends_at_s=1e6), random.Random(f"storm {seed}")
    story = Storm(dies_s=300, lives_s=900)
    home = Path(tempfile.mkdtemp(prefix="storm-"))
    try:
        loop.run_until_complete(_happens(loop, story, dice, home, jobs, how))
    finally:
        loop.close()
        shutil.rmtree(home, ignore_errors=True)
    return story


async def _happens(
    loop: VirtualLoop, story: Storm, dice: random.Random, home: Path, jobs: int, how: str
) -> None:
    facts = Platform.model_validate(_FACTS)
    clock = Clock(now=loop.time, sleep=asyncio.sleep, up_to=lambda most: dice.uniform(0, most))
    manners = Manners.towards(facts, clock)
    manners.budget.called = _counting(manners.budget.called, loop, story)  # type: ignore[method-assign]
    network = _Network(loop, story, how, dice)
    shelf, adapter = Shelf(home / "shelf", home / "desks"), _Adapter()
    secrets = SecretManager({"TINY_KEY": "tiny"}, home / "no", home / "no")
    http = open_http(
        facts,
        secrets=secrets,
        settings=Settings(home=home, database_url="", shelf_url="", base_urls={}),
        manners=manners,
        explain=adapter.explain,
        clock=clock,
        network=lambda _: network,
    )
    book = _Book()
    room = Workroom(
        catalogue=SimpleNamespace(platform=lambda _: facts),  # type: ignore[arg-type]
        tracker=CostTracker(book, Limits(a_day=Money(10**9))),
        shelf=shelf,
        connect=lambda _: None,  # type: ignore[arg-type, return-value]
        bring=lambda *_: None,  # type: ignore[arg-type, return-value]
    )

    async def accept(path: Path, order: Order) -> None:
        """Any file will do."""

    async def job(number: int, comes_s: float) -> None:
        await asyncio.sleep(comes_s)
        order = await room.tracker.place(_order(number), Money(10**9))
        line = WireLine(adapter, http, manners, shelf, mask=str, clock=clock)
        try:
            await Purchase(room, line, order, accept).see_through()
        except AgentesError:
            match book.states[order.id]:
                case OrderState.FAILED_FREE:
                    story.elsewhere += 1
                case OrderState.IN_DOUBT:
                    story.held += 1
                case _:
                    story.stumbled += 1
        else:
            story.settled += 1

    await asyncio.gather(*(job(n, dice.uniform(0, 1200)) for n in range(jobs)))
    await http.aclose()


def _counting(called: Callable[[], None], loop: VirtualLoop, story: Storm) -> Callable[[], None]:
    def count() -> None:
        story.wanted.append(loop.time())
        called()

    return count


def _order(number: int) -> Order:
    return Order(
        id=f"ord_{number}",
        job=f"job_{number}",
        task="photo-1",
        piece=1,
        attempt=1,
        platform="tiny",
        model="m",
        price=Money(40_000),
        prompt="a mug",
        spec=PhotoSpec(subject="a mug"),
    )
