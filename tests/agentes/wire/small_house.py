"""A platform made up for tests, the whole wire to it, and a clock on which no time is lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from agentes.contract import Done, Link, Pending
from agentes.media.shelf import Shelf
from agentes.wire.client import Http, Manners, open_http
from agentes.wire.clock import Clock
from agentes.wire.line import WireLine
from agentes.wire.said import Said, VendorId
from agentes.wire.trace import Counted
from config.secrets import SecretManager
from config.settings import Settings
from shared_knowledge.errors import PlatformError
from shared_knowledge.platform_facts import Platform
from shared_knowledge.vocabulary import Money, Order, PhotoSpec

__all__ = ["KEY", "Adapter", "Hours", "House", "facts_of", "order_of"]

KEY = "tiny-canary-7f3a91c2d4e5"


class Hours(Clock):
    """A clock that jumps: waiting takes no time, and is written down; dice always show the most."""

    def __init__(self, start_s: float = 1000.0) -> None:
        self.time_s = start_s
        self.waits: list[float] = []
        super().__init__(now=lambda: self.time_s, sleep=self._jump, up_to=lambda most: most)

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)

    async def _jump(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.time_s += seconds


def facts_of(**other: Any) -> Platform:
    """A platform of which nothing special is known."""
    usual: dict[str, Any] = {
        "id": "tiny",
        "name": "Tiny",
        "medium": "photo",
        "base_url": "https://api.tiny.example",
        "key_hosts": ("api.tiny.example",),
        "secrets": ({"name": "TINY_KEY"},),
        "sign_in": {"by": "header", "header": "x-tiny-key"},
        "headers": {"X-Tiny-Version": "7"},
        "recovery": "OPAQUE",
        "look_again_s": 1,
        "deadline_s": 20,
    }
    return Platform.model_validate(usual | other)


def order_of(**other: Any) -> Order:
    """A small picture, ordered there."""
    usual: dict[str, Any] = {
        "id": "ord_1",
        "job": "j",
        "task": "photo-1",
        "piece": 1,
        "attempt": 1,
        "platform": "tiny",
        "model": "m",
        "price": Money(40_000),
        "prompt": "a mug",
        "spec": PhotoSpec(subject="a mug"),
    }
    return Order(**usual | other)


class _Started(Said):
    id: VendorId


class _Standing(Said):
    status: str
    url: str | None = None


class Adapter:
    """Speaks Tiny: an id when it is bought, a link when it is made."""

    async def start(self, http: httpx.AsyncClient, order: Order) -> Pending | Done:
        started = _Started.of(await http.post("/v1/tasks", json={"prompt": order.prompt}))
        return Pending({"id": started.id}, look_again_in_s=1)

    async def check(self, http: httpx.AsyncClient, order: Order) -> Pending | Done:
        assert order.receipt is not None
        task = _Standing.of(await http.get(f"/v1/tasks/{order.receipt['id']}"))
        return Done(Link(task.url)) if task.url else Pending(order.receipt, look_again_in_s=1)

    def explain(self, response: httpx.Response) -> PlatformError | None:
        return None


class House:
    """The wire to Tiny at some address, or over a transport that stands in for the network."""

    def __init__(
        self,
        home: Path,
        url: str = "",
        *,
        adapter: Any = None,
        clock: Clock | None = None,
        network: Callable[[bool], httpx.AsyncBaseTransport] | None = None,
        count: Callable[[Counted], None] | None = None,
        environ: dict[str, str] | None = None,
        **facts: Any,
    ) -> None:
        self.facts = facts_of(**facts)
        self.clock = clock or Hours()
        self.adapter = adapter or Adapter()
        self.secrets = SecretManager(
            {"TINY_KEY": KEY} if environ is None else environ, home / "no", home / "no"
        )
        self.settings = Settings(
            home=home, database_url="", shelf_url="", base_urls={"tiny": url} if url else {}
        )
        self.shelf = Shelf(home / "shelf", home / "desks")
        self.manners = Manners.towards(self.facts, self.clock)
        self.http: Http = open_http(
            self.facts,
            secrets=self.secrets,
            settings=self.settings,
            manners=self.manners,
            explain=self.adapter.explain,
            clock=self.clock,
            count=count,
            network=network,
        )
        self.line = WireLine(
            self.adapter, self.http, self.manners, self.shelf, mask=self.secrets.mask, clock=self.clock
        )

    async def __aenter__(self) -> House:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.aclose()
