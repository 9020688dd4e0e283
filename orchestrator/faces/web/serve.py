"""The service as a process: joined, listening, and on SIGTERM brought to rest without losing a job."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from shared_knowledge.errors import AgentesError

if TYPE_CHECKING:
    from socket import socket

    from starlette.types import ASGIApp, Receive, Scope, Send
    from uvicorn import Config

    from orchestrator.faces.web.service import Service

__all__ = ["configured", "open_service", "serve", "served"]

_KEEPS_ALIVE_S = 75
_CLOSES_WITHIN_S = 20
_BACKLOG = 2048
_MOST_CONNECTIONS = 10_000

_LOOKS_EVERY_S = 60.0
_SETTLED_S = 10.0
_TRIES = 3
_ERASES_EVERY_S = 3600.0

_log = logging.getLogger("agentes.web")


@asynccontextmanager
async def open_service(at: str = "") -> AsyncIterator[Service]:
    """The service with everything behind it, and whatever works beside it while it is open.

    `at` is where it listens: where it says to be found, if nobody has said where it is found from outside.
    """
    from orchestrator import assembly
    from orchestrator.faces.web.links import Links
    from orchestrator.faces.web.service import Service
    from orchestrator.faces.web.standing import describe
    from orchestrator.store.service import ServiceShelf
    from shared_knowledge.catalogue import Catalogue

    settings = assembly.settings()
    is_shared = settings.database_url.startswith("postgresql://")
    database = assembly.ledger(settings.database_url)
    shelf = ServiceShelf(database)
    studio = assembly.studio(passes_on=is_shared)
    links = Links(lambda: shelf.seal("links"))
    tell = partial(describe, studio, shelf, links, settings.public_url or at)
    async with AsyncExitStack() as open_now:
        watcher = open_now.enter_context(assembly.watching())
        outbox = await open_now.enter_async_context(assembly.post_office(tell))
        service = Service(
            studio=studio,
            database=database,
            shelf=shelf,
            keys=assembly.keys(),
            limiter=assembly.limiter(),
            outbox=outbox,
            guard=assembly.guard(),
            links=links,
            catalogue=Catalogue.load(),
            version=assembly.version(),
            public_url=settings.public_url,
            hooks=assembly.hooks().receive,
            checks={"database": shelf.look, **assembly.checks()},
            watcher=watcher,
        )
        beside = [asyncio.create_task(_erase_what_is_old(service), name="erase")]
        if not is_shared:
            beside.append(asyncio.create_task(_look_after(service), name="look after"))
        try:
            yield service
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
            await studio.stop()
            await service.keys.count()


async def _look_after(service: Service) -> None:
    """Whatever should be under way here and is not is begun again; what was bought is not bought again.

    At first that is what an earlier process of this ledger left; later, what a mistake of ours let fall.
    """
    tried: Counter[str] = Counter()
    settled_s = 0.0
    while True:
        try:
            before = datetime.now(UTC) - timedelta(seconds=settled_s)
            for job in await asyncio.to_thread(service.studio.interrupted):
                # Who was taken in just now is begun by whoever took it in.
                if job.created_at <= before and tried[job.id] < _TRIES:
                    tried[job.id] += 1
                    await service.studio.resume(job.id)
        except AgentesError as trouble:
            _log.warning("what was interrupted is not carried on: %s", trouble)
        settled_s = _SETTLED_S
        await asyncio.sleep(_LOOKS_EVERY_S)


async def _erase_what_is_old(service: Service) -> None:
    """Every hour: the content of jobs that their tenants do not want kept any longer."""
    from orchestrator.faces.web.api.account import take_away

    while True:
        try:
            for tenant, days in await asyncio.to_thread(service.shelf.keepers):
                erased = await service.shelf.erase(tenant, datetime.now(UTC) - timedelta(days=days))
                await asyncio.to_thread(take_away, service.studio, erased)
        except AgentesError as trouble:
            _log.warning("what is old is not erased yet: %s", trouble)
        await asyncio.sleep(_ERASES_EVERY_S)


class _Opening:
    """The service from the moment a server begins to the moment it has ended: opened, served, closed."""

    def __init__(self, at: str) -> None:
        self._at = at
        self._inside: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif self._inside is not None:
            await self._inside(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        from orchestrator.faces.web.app import web_app

        await receive()
        async with AsyncExitStack() as stack:
            try:
                self._inside = web_app(await stack.enter_async_context(open_service(self._at)))
            except AgentesError as trouble:
                await send({"type": "lifespan.startup.failed", "message": str(trouble)})
                return
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})


def served(at: str = "") -> ASGIApp:
    """The whole service as an application that opens and closes itself; `at` is where it listens."""
    return _Opening(at)


def configured(
    app: ASGIApp | Callable[[], ASGIApp] | str, *, opens: bool = False, workers: int = 1
) -> Config:
    """How a server of the service behaves: limits of size, number and time, and no word about itself.

    What `opens`, as whatever is only named does, is made afresh in every process of the server, and opens and
    closes itself there.
    """
    opens = opens or isinstance(app, str)
    import uvicorn

    from orchestrator.faces.web.protocol import PatientProtocol
    from orchestrator.faces.web.reading import MOST_HEADER_BYTES

    return uvicorn.Config(
        app,
        factory=opens,
        workers=workers,
        http=PatientProtocol,
        ws="none",
        lifespan="on" if opens else "off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=_KEEPS_ALIVE_S,
        timeout_graceful_shutdown=_CLOSES_WITHIN_S,
        limit_concurrency=_MOST_CONNECTIONS,
        backlog=_BACKLOG,
        h11_max_incomplete_event_size=MOST_HEADER_BYTES,
    )


def serve(listening: socket, workers: int) -> None:
    """Serves at a door that is open already, with so many processes, until SIGTERM or Ctrl-C."""
    from uvicorn import Server

    host, port = listening.getsockname()[:2]
    near = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - everywhere is also here
    at = f"http://[{near}]:{port}" if ":" in near else f"http://{near}:{port}"
    config = configured(partial(served, at), opens=True, workers=workers)
    if workers == 1:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _end_well)  # the server raises it once more when it has come to rest
        Server(config).run([listening])
        return
    from uvicorn.supervisors import Multiprocess

    from orchestrator import assembly

    assembly.count_together()
    Multiprocess(config, [listening]).run()


def _end_well(*_: object) -> None:
    raise SystemExit(0)
