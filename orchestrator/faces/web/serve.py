"""The service as a process: joined, listening, and on SIGTERM brought to rest without losing a job."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from shared_knowledge.errors import AgentesError

if TYPE_CHECKING:
    from socket import socket

    from starlette.types import ASGIApp, Receive, Scope, Send
    from uvicorn import Config

    from orchestrator.faces.web.service import Service

__all__ = ["configured", "open_service", "serve", "served"]

_SERVED = "orchestrator.faces.web.serve:served"

_KEEPS_ALIVE_S = 75
_CLOSES_WITHIN_S = 20
_BACKLOG = 2048
_AT_ONCE = 2000

_log = logging.getLogger("agentes.web")


@asynccontextmanager
async def open_service() -> AsyncIterator[Service]:
    """The service with everything behind it, and whatever works beside it while it is open."""
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
    base = settings.public_url or ""
    tell = partial(describe, studio, shelf, links, base)
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
        if not is_shared:
            await _carry_on(service)
        try:
            yield service
        finally:
            await studio.stop()
            await service.keys.count()


async def _carry_on(service: Service) -> None:
    """Whatever an earlier process of this ledger left is begun again; what was bought is not bought again."""
    for job in service.studio.interrupted():
        try:
            await service.studio.resume(job.id)
        except AgentesError as trouble:
            _log.warning("job %s is not carried on: %s", job.id, trouble)


class _Opening:
    """The service from the moment a server begins to the moment it has ended: opened, served, closed."""

    def __init__(self) -> None:
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
                self._inside = web_app(await stack.enter_async_context(open_service()))
            except AgentesError as trouble:
                await send({"type": "lifespan.startup.failed", "message": str(trouble)})
                return
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})


def served() -> ASGIApp:
    """The whole service as an application that opens and closes itself."""
    return _Opening()


def configured(app: ASGIApp | str, workers: int = 1) -> Config:
    """How a server of the service behaves: limits of size, number and time, and no word about itself."""
    import uvicorn

    from orchestrator.faces.web.protocol import PatientProtocol
    from orchestrator.faces.web.reading import MOST_HEADER_BYTES

    return uvicorn.Config(
        app,
        factory=isinstance(app, str),
        workers=workers,
        http=PatientProtocol,
        ws="none",
        lifespan="on" if isinstance(app, str) else "off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=_KEEPS_ALIVE_S,
        timeout_graceful_shutdown=_CLOSES_WITHIN_S,
        limit_concurrency=_AT_ONCE,
        backlog=_BACKLOG,
        h11_max_incomplete_event_size=MOST_HEADER_BYTES,
    )


def serve(listening: socket, workers: int) -> None:
    """Serves at a door that is open already, with so many processes, until SIGTERM or Ctrl-C."""
    from uvicorn import Server

    config = configured(_SERVED, workers)
    if workers == 1:
        Server(config).run([listening])
        return
    from uvicorn.supervisors import Multiprocess

    from orchestrator import assembly

    assembly.count_together()
    Multiprocess(config, [listening]).run()
