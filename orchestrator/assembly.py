"""The only place where objects are built and joined. What a command does not use is never built."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from config.secrets import SecretManager
from config.settings import Settings
from orchestrator.directory import Directory
from shared_knowledge.caps import ANY, Limits, OverCap
from shared_knowledge.catalogue import Catalogue
from shared_knowledge.errors import BadRequest

if TYPE_CHECKING:
    from agentes.contract import Line
    from agentes.media.shelf import Shelf
    from agentes.wire.exchange import Exchange
    from orchestrator.dispatch.here import Here
    from orchestrator.quoting import Quoter
    from orchestrator.run import Office
    from orchestrator.studio import Studio

__all__ = ["directory", "exchange", "mask", "secrets", "set_up_logging", "settings", "studio"]


@cache
def secrets() -> SecretManager:
    """The one keeper of keys."""
    return SecretManager()


@cache
def settings() -> Settings:
    """What was set from outside."""
    return Settings.read(secrets=secrets())


def mask(text: str) -> str:
    """The text without any key."""
    return secrets().mask(text)


def set_up_logging() -> None:
    """Starts the masked log."""
    from config.log_setup import set_up_log

    set_up_log(mask)


def directory(*, assume_keys: str | None = None) -> Directory:
    """Who is there: the catalogue with the keys of this machine."""
    return Directory(Catalogue.load(), secrets(), assume_keys=assume_keys, resting=_resting)


def studio(*, assume_keys: str | None = None, today: date | None = None) -> Studio:
    """The doorway; its store and its workers are opened when they are first needed."""
    from orchestrator.quoting import Quoter
    from orchestrator.studio import Studio

    catalogue = Catalogue.load()
    cap = settings().limits.a_day
    practice = settings().sandbox_url is not None
    quoter = Quoter(catalogue, directory(assume_keys=assume_keys), cap, today=today, practice=practice)
    return Studio(quoter, partial(_office, quoter, catalogue), partial(_here, quoter, catalogue))


@cache
def _office(quoter: Quoter, catalogue: Catalogue) -> Office:
    from importlib.metadata import version

    from agentes.media.shelf import Shelf
    from agentes.photo_agent.agent import PhotoAgent
    from agentes.purchase import Workroom
    from agentes.video_agent.agent import VideoAgent
    from agentes.voice_agent.agent import VoiceAgent
    from orchestrator.locks import open_locks
    from orchestrator.run import Office
    from orchestrator.store.book import SqlBook
    from orchestrator.store.database import open_database
    from orchestrator.store.jobs import Jobs
    from shared_knowledge.cost_tracker import CostTracker

    database = open_database(settings().database_url)
    book = SqlBook(database)
    shelf = Shelf(_shelf_folder(), settings().home / "desks")
    limits = settings().limits
    _check_names(catalogue, limits)
    tracker = CostTracker(book, limits)
    room = Workroom(catalogue, tracker, shelf, partial(_connect, catalogue, shelf), _bring)
    return Office(
        quoter=quoter,
        jobs=Jobs(database),
        book=book,
        tracker=tracker,
        shelf=shelf,
        agents={agent.medium: agent(room) for agent in (PhotoAgent, VideoAgent, VoiceAgent)},
        locks=open_locks(settings().database_url),
        checkpoints=_checkpoints(),
        version=version("agentes"),
        pauses_at_caps=limits.over_cap is OverCap.ASK,
    )


def _check_names(catalogue: Catalogue, limits: Limits) -> None:
    """A cap on a name nobody has would hold nothing back."""
    known = {platform.id for platform in catalogue.platforms}
    if unknown := sorted({*limits.by_platform} - known - {ANY}):
        raise BadRequest(
            f"AGENTES_MAX_USD_PER_PLATFORM names {', '.join(unknown)}, which is no platform.",
            todo="`agentes platforms` lists them.",
        )


@cache
def _here(quoter: Quoter, catalogue: Catalogue) -> Here:
    from orchestrator.dispatch.here import Here

    return Here(partial(_office, quoter, catalogue))


@cache
def exchange() -> Exchange:
    """The switchboard to the vendors; nothing is dialled before it is needed."""
    from agentes.media.shelf import Shelf
    from agentes.wire.exchange import Exchange

    shelf = Shelf(_shelf_folder(), settings().home / "desks")
    return Exchange(Catalogue.load(), secrets(), settings(), shelf)


def _resting() -> frozenset[str]:
    return exchange().resting if exchange.cache_info().currsize else frozenset()


@asynccontextmanager
async def _connect(catalogue: Catalogue, shelf: Shelf, platform: str) -> AsyncIterator[Line]:
    """A line to a platform, for as long as it is needed."""
    if catalogue.platform(platform).local:
        from agentes.drafts.line import LocalLine

        yield LocalLine(platform, shelf)
    else:
        async with exchange().connect(platform) as line:
            yield line


async def _bring(url: str, into: Path) -> Path:
    """A reference from an address."""
    return await exchange().bring(url, into)


def _checkpoints() -> str | Path:
    """Beside the ledger: in a file of their own, or in tables of their own."""
    file = settings().sqlite_file
    return settings().database_url if file is None else file.with_name("graph.db")


def _shelf_folder() -> Path:
    folder = settings().shelf_folder
    if folder is None:
        raise BadRequest(
            "AGENTES_SHELF_URL names a bucket, which this version cannot use yet.",
            todo="Leave it unset, or name a folder.",
        )
    return folder
