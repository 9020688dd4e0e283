"""The whole service in one process of tests: a real store, real keys, and nobody who does the jobs but the test."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import httpx

from agentes.media.shelf import Shelf
from agentes.wire.guard import Guard
from orchestrator import assembly
from orchestrator.access import Keys, LimiterHere
from orchestrator.faces.web.app import web_app
from orchestrator.faces.web.links import Links
from orchestrator.faces.web.service import Service
from orchestrator.locks import FileLocks
from orchestrator.quoting import Quoter
from orchestrator.run import Office
from orchestrator.store.book import SqlBook
from orchestrator.store.database import Transaction, open_database
from orchestrator.store.jobs import Event, Jobs
from orchestrator.store.service import ServiceShelf
from orchestrator.studio import Studio
from orchestrator.webhooks.announcing import JobNews
from orchestrator.webhooks.outbox import Outbox
from shared_knowledge.caps import Limits
from shared_knowledge.catalogue import Catalogue
from shared_knowledge.cost_tracker import CostTracker
from shared_knowledge.vocabulary import Asset, JobState, Medium, Money, Order

__all__ = ["SmallService"]


@cache
def quoter() -> Quoter:
    return Quoter(Catalogue.load(), assembly.directory(), Money(10_000_000))


class Still:
    """A dispatch that begins nothing, and remembers what it was told to begin."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.answers: list[tuple[str, bool | None]] = []
        self.ends: Callable[[str], Awaitable[None]] | None = None
        self._ending: set[asyncio.Future[None]] = set()

    def enlist(self, transaction: Transaction, job_id: str, tenant: str) -> None:
        pass

    def start(self, job_id: str) -> None:
        self.begun.append(job_id)
        if self.ends is not None:
            ending = asyncio.ensure_future(self.ends(job_id))
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)

    async def carry_on(self, job_id: str, *, answer: bool | None = None) -> None:
        self.answers.append((job_id, answer))

    def works_on(self, job_id: str) -> bool:
        return False

    def leave_line(self, job_id: str) -> None:
        pass

    async def see_through(self, job_id: str) -> Sequence[Order]:
        return ()

    async def let_go(self, job_id: str) -> None:
        pass

    async def finish(self, job_id: str) -> None:
        pass

    async def stop(self) -> None:
        pass


class SmallService:
    """A service over a home of its own, asked without a socket."""

    def __init__(self, home: Path, *, where: str | Path | None = None, clock: Any = None) -> None:
        self.home = home
        self.database = open_database(where or home / "ledger.db")
        self.jobs = Jobs(self.database, announcer=JobNews())
        self.shelf = Shelf(home / "shelf", home / "desks")
        book = SqlBook(self.database)
        self.office = Office(
            quoter=quoter(),
            jobs=self.jobs,
            book=book,
            tracker=CostTracker(book, Limits(a_day=Money(10_000_000))),
            shelf=self.shelf,
            agents={},
            locks=FileLocks(home),
            checkpoints=home / "graph.db",
            version="0",
        )
        self.still = Still()
        self.studio = Studio(
            quoter(),
            lambda: self.office,
            lambda: self.still,
            jobs_folder=home / "jobs",
            rehearsing=quoter(),
        )
        self.keys = Keys(self.database)
        beside = ServiceShelf(self.database)
        self.guard = Guard()
        self.service = Service(
            studio=self.studio,
            database=self.database,
            shelf=beside,
            keys=self.keys,
            limiter=LimiterHere(*([clock] if clock else [])),
            outbox=Outbox(self.database, check=lambda url: str(self.guard.check_url(url))),
            guard=self.guard,
            links=Links(lambda: beside.seal("links")),
            catalogue=Catalogue.load(),
            version="0",
            checks={"database": beside.look},
        )
        self.http = self.client()

    def client(self, app: Any = None) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app or web_app(self.service), client=("192.0.2.7", 1234))
        return httpx.AsyncClient(transport=transport, base_url="http://api.example")

    async def key(self, tenant: str = "acme", tier: str = "enterprise", **more: Any) -> dict[str, str]:
        """The headers of whoever has a new key of that tenant."""
        new = await self.keys.create("a key", tier, tenant=tenant, **more)
        return {"Authorization": f"Bearer {new.key}"}

    async def ask(
        self, method: str, path: str, key: Mapping[str, str] | None = None, **more: Any
    ) -> httpx.Response:
        headers = {**(key or {}), **more.pop("headers", {})}
        return await self.http.request(method, path, headers=headers, **more)

    async def run(self, key: Mapping[str, str], **more: Any) -> str:
        """A job that was taken in."""
        answer = await self.ask("POST", "/pipeline/run", key, json={"brief": "a photo of a candle", **more})
        assert answer.status_code == 202, answer.text
        job_id: str = answer.json()["job_id"]
        return job_id

    async def end(self, job_id: str, state: JobState = JobState.DONE, why: str | None = None) -> None:
        """The job ends so."""
        await self.jobs.move(job_id, JobState.RUNNING)
        await self.jobs.note(job_id, Event(what="film", phase="joining"))
        await self.jobs.move(job_id, state, why)

    async def make(self, job_id: str, content: bytes = b"0123456789", **measured: Any) -> Asset:
        """The film of a job is there, with such content."""
        file = self.shelf.desk(job_id) / "film.mp4"
        file.write_bytes(content)
        stored = self.shelf.put(file)
        self.shelf.clear(job_id)
        asset = Asset(
            task="film",
            medium=Medium.VIDEO,
            path=stored.path,
            sha256=stored.sha256,
            size_bytes=stored.size_bytes,
            mime="video/mp4",
            platform="draft_clip",
            model="storyboard",
            cost=Money(0),
            measured=measured,
        )
        await self.jobs.keep(job_id, asset)
        return asset

    async def close(self) -> None:
        await self.http.aclose()
        await self.keys.count()
        self.database.close()
