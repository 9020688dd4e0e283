"""The only place where objects are built and joined. What a command does not use is never built."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import date
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from config.secrets import SecretManager
from config.settings import Settings
from orchestrator.directory import Directory
from shared_knowledge.caps import ANY, Limits, OverCap
from shared_knowledge.catalogue import Catalogue
from shared_knowledge.errors import BadRequest
from shared_knowledge.money import Money

if TYPE_CHECKING:
    from agentes.contract import Line
    from agentes.media.shelf import Shelf
    from agentes.waiting import WaitingDesk
    from agentes.wire.chat import Reply
    from agentes.wire.exchange import Exchange
    from agentes.wire.guard import Guard
    from orchestrator.access import Keys, Limiter, Tenants
    from orchestrator.brief.model.adviser import Adviser
    from orchestrator.dispatch.here import Here
    from orchestrator.dispatch.shift import Shift
    from orchestrator.quoting import Quoter
    from orchestrator.run import Office
    from orchestrator.selection import TrackRecord
    from orchestrator.store.database import Database
    from orchestrator.store.queue import Queue
    from orchestrator.studio import Dispatch, Studio
    from orchestrator.watch.figures import Counted, Figures
    from orchestrator.webhooks.courier import Sender
    from orchestrator.webhooks.incoming import Incoming
    from orchestrator.webhooks.lanes import Received
    from orchestrator.webhooks.outbox import Outbox

__all__ = [
    "checks",
    "count_together",
    "directory",
    "exchange",
    "guard",
    "hooks",
    "keys",
    "ledger",
    "limiter",
    "mask",
    "post_office",
    "secrets",
    "seen_at",
    "set_up_logging",
    "settings",
    "shelf",
    "shift",
    "studio",
    "tenants",
    "version",
    "watching",
]

_LOOKS_EVERY_S = 5.0
_PORTS = 65535
_PLACES = 200  # of runs in one process: 80 MB of memory at most
_watching: list[Figures] = []  # whoever counts what this process does


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

    form, _, level = settings().log.partition(":")
    set_up_log(mask, level=level.upper(), as_json=form == "json")


def directory(*, assume_keys: str | None = None) -> Directory:
    """Who is there: the catalogue with the keys of this machine."""
    return Directory(Catalogue.load(), secrets(), assume_keys=assume_keys, resting=_resting)


def studio(*, assume_keys: str | None = None, today: date | None = None, passes_on: bool = False) -> Studio:
    """The doorway; its store and its workers are opened when they are first needed.

    One that `passes_on` leaves its jobs to the workers who share its ledger, if it is one that can be shared.
    """
    from orchestrator.studio import Studio

    catalogue = Catalogue.load()
    quoter = _quoter(catalogue, assume_keys, today)
    return Studio(
        quoter,
        partial(_office, quoter, catalogue),
        partial(_dispatch, quoter, catalogue, passes_on),
        jobs_folder=settings().home / "jobs",
        rehearsing=_rehearsing(catalogue),
    )


def shift(concurrency: int) -> Shift:
    """A worker for the queue of the ledger; nothing is dialled before it works."""
    url = settings().database_url
    if not url.startswith("postgresql://"):
        raise BadRequest(
            "Workers share a ledger on PostgreSQL, and yours is a file: its jobs run where they are taken in.",
            todo="Set AGENTES_DATABASE_URL=postgresql://… for the service and every worker, or need none.",
        )
    office = partial(_office, quoter := _quoter(catalogue := Catalogue.load()), catalogue)
    _queue(url)
    from orchestrator.dispatch.shift import Shift
    from orchestrator.store.queue_line import QueueLine

    line = QueueLine(url, _desk().hint)
    return Shift(_here(quoter, catalogue), office, line, concurrency=concurrency)


def _quoter(catalogue: Catalogue, assume_keys: str | None = None, today: date | None = None) -> Quoter:
    from orchestrator.quoting import Quoter

    return Quoter(
        catalogue,
        directory(assume_keys=assume_keys),
        settings().limits.a_day,
        today=today,
        practice=settings().sandbox_url is not None,
        records=_track_record,
        adviser=_adviser() if settings().llm_url else None,
    )


@cache
def _rehearsing(catalogue: Catalogue) -> Quoter:
    """Who quotes for test keys: no vendor's key is known, so nothing but drafts can be chosen."""
    from orchestrator.quoting import Quoter

    nowhere = Path(os.devnull)
    return Quoter(
        catalogue, Directory(catalogue, SecretManager({}, nowhere, nowhere)), settings().limits.a_day
    )


@cache
def ledger(url: str) -> Database:
    """The ledger at that address, opened once in this process."""
    from orchestrator.store.database import open_database

    return open_database(url)


def keys() -> Keys:
    """The keys of the service."""
    from orchestrator.access import Keys

    return Keys(ledger(settings().database_url))


def tenants() -> Tenants:
    """The tenants of the service, with their tiers and limits."""
    from orchestrator.access import Tenants

    return Tenants(ledger(settings().database_url))


def limiter() -> Limiter:
    """Who counts requests: this process, or the ledger that several share."""
    from orchestrator.access import open_limiter

    url = settings().database_url
    return open_limiter(ledger(url), shared=url.startswith("postgresql://"))


def guard() -> Guard:
    """Which addresses from outside may be dialled."""
    from agentes.wire.guard import Guard

    return Guard.of(settings())


@contextmanager
def watching() -> Iterator[Figures]:
    """Counts what this process does, and shows it beside what the ledger says of all, while this is open."""
    from orchestrator.watch.figures import Figures
    from orchestrator.watch.ledger import Ledger

    home = settings().home
    figures = Figures(
        Ledger(settings().database_url),
        version=version(),
        platforms=[platform.id for platform in Catalogue.load().platforms if not platform.local],
        resting=_resting,
        disk=next(folder for folder in (home, *home.parents) if folder.exists()),
    )
    _watching.append(figures)
    try:
        yield figures
    finally:
        _watching.remove(figures)
        figures.close()


@contextmanager
def seen_at(place: str | None) -> Iterator[None]:
    """Shows the figures of a process that serves nobody at a place such as 127.0.0.1:9101, if one is named."""
    if place is None:
        yield
        return
    from orchestrator.watch.window import open_window

    host, _, port = place.rpartition(":")
    if not port.isdecimal() or int(port) > _PORTS:
        raise BadRequest(f"{place} is no place to show figures at.", todo="Write one such as 127.0.0.1:9101.")
    with watching() as figures, open_window(host.strip("[]") or "127.0.0.1", int(port), figures.page):
        yield


def _count(call: Counted) -> None:
    for figures in _watching:
        figures.asked(call)


def count_together() -> None:
    """Has the processes that are begun from now on behind one door count together."""
    from orchestrator.watch.together import count_together

    count_together(settings().home / "figures")


def checks() -> Mapping[str, Callable[[], None]]:
    """What must be in order before work can be taken: each raises what stands in its way."""
    from orchestrator.watch.health import check_disk, check_shelf, kept_for_a_while

    return {
        "disk": kept_for_a_while(lambda: check_disk(settings().home), _LOOKS_EVERY_S),
        "shelf": kept_for_a_while(lambda: check_shelf(shelf())),
    }


@asynccontextmanager
async def post_office(describe: Callable[[str], Mapping[str, Any]]) -> AsyncIterator[Outbox]:
    """The outbox of the service; its letters are carried while this is open."""
    import asyncio

    from agentes.wire.post import Post
    from orchestrator.webhooks.courier import Courier
    from orchestrator.webhooks.outbox import Outbox

    database = ledger(settings().database_url)
    public = urlsplit(settings().public_url or "").netloc
    post = Post(guard(), own=[public] if public else [])
    courier = Courier(database, partial(_post, post.send), describe=describe)
    carrying = asyncio.create_task(courier.run(), name="courier")
    try:
        yield Outbox(database, check=post.check, wake=courier.wake)
    finally:
        carrying.cancel()
        await asyncio.gather(carrying, return_exceptions=True)
        await post.aclose()


async def _post(send: Sender, url: str, headers: Mapping[str, str], body: bytes) -> Received:
    began = time.monotonic()
    received = await send(url, headers, body)
    for figures in _watching:
        figures.posted(received.status, time.monotonic() - began)
    return received


def hooks() -> Incoming:
    """Whoever hears vendors that call back, and wakes those who wait for their work, here or at the workers."""
    from agentes.wire.key_set import KeySet
    from orchestrator.webhooks.incoming import Incoming

    def secret(name: str) -> str | None:
        found = secrets().get(name)
        return None if found is None else found.reveal()

    url = settings().database_url

    async def hint(platform: str, number: str) -> None:
        _desk().hint(platform, number)
        if url.startswith("postgresql://"):
            await _waiting_line(url).pass_on(platform, number)

    return Incoming(Catalogue.load().platforms, hint, keys=KeySet(guard()).keys, secret=secret)


@cache
def _desk() -> WaitingDesk:
    from agentes.waiting import WaitingDesk

    return WaitingDesk()


def version() -> str:
    """Which version this is."""
    from importlib import metadata

    return metadata.version("agentes")


@cache
def _office(quoter: Quoter, catalogue: Catalogue) -> Office:
    from importlib.metadata import version

    from agentes.photo_agent.agent import PhotoAgent
    from agentes.purchase import Workroom
    from agentes.video_agent.agent import VideoAgent
    from agentes.voice_agent.agent import VoiceAgent
    from orchestrator.locks import open_locks
    from orchestrator.run import Office
    from orchestrator.store.book import SqlBook
    from orchestrator.store.jobs import Jobs
    from orchestrator.webhooks.announcing import JobNews
    from shared_knowledge.cost_tracker import CostTracker

    database = ledger(settings().database_url)
    book = SqlBook(database)
    limits = settings().limits
    _check_names(catalogue, limits)
    tracker = CostTracker(book, limits, own=tenants().caps)
    public = settings().public_url
    room = Workroom(
        catalogue,
        tracker,
        shelf(),
        partial(_connect, catalogue, shelf()),
        _bring,
        desk=_desk(),
        hooks_at=f"{public.rstrip('/')}/hooks" if public and public.startswith("https://") else None,
    )
    office = Office(
        quoter=quoter,
        jobs=Jobs(database, announcer=JobNews()),
        book=book,
        tracker=tracker,
        shelf=shelf(),
        agents={agent.medium: agent(room) for agent in (PhotoAgent, VideoAgent, VoiceAgent)},
        locks=open_locks(settings().database_url),
        checkpoints=_checkpoints(),
        version=version("agentes"),
        bring_film=_bring_film,
        track_record=_track_record_file(),
        pauses_at_caps=limits.over_cap is OverCap.ASK,
    )
    apart = Workroom(catalogue, tracker, shelf(), partial(_connect_here, shelf()), _bring)
    rehearsal = replace(
        office,
        quoter=_rehearsing(catalogue),
        agents={agent.medium: agent(apart) for agent in (PhotoAgent, VideoAgent, VoiceAgent)},
        track_record=None,
    )
    return replace(office, rehearsal=rehearsal)


@cache
def _adviser() -> Adviser:
    """The language model of the person's own choice; it is dialled when there is something to ask."""
    from agentes.wire.chat import Chat, is_of_this_machine
    from orchestrator.brief.model.adviser import Adviser
    from orchestrator.brief.model.craft import craft
    from orchestrator.brief.model.question import Question, Tariff

    url, model, prices = settings().llm_url or "", settings().llm_model or "", settings().llm_usd_per_m
    chat = Chat(url, model, key=settings().llm_key, mask=mask)
    tariff = Tariff(*prices) if prices else Tariff(Money(0), Money(0)) if is_of_this_machine(url) else None

    async def ask(question: Question) -> Reply:
        return await chat.ask(question.system, question.user, most_tokens=question.most_tokens)

    return Adviser(model, ask, tariff=tariff, answers=settings().home / "answers", craft=craft)


def _check_names(catalogue: Catalogue, limits: Limits) -> None:
    """A cap on a name nobody has would hold nothing back."""
    known = {platform.id for platform in catalogue.platforms}
    from orchestrator.brief.model.purchase import LLM

    if unknown := sorted({*limits.by_platform} - known - {ANY, LLM}):
        raise BadRequest(
            f"AGENTES_MAX_USD_PER_PLATFORM names {', '.join(unknown)}, which is no platform.",
            todo="`agentes platforms` lists them.",
        )


@cache
def _dispatch(quoter: Quoter, catalogue: Catalogue, passes_on: bool) -> Dispatch:
    here = _here(quoter, catalogue)
    if not settings().database_url.startswith("postgresql://"):
        return here
    from orchestrator.dispatch.workers import Workers

    url = settings().database_url
    return Workers(here, _queue(url) if passes_on else _waiting_line(url), passes_on=passes_on)


def _queue(url: str) -> Queue:
    """The queue, with its tables."""
    waiting_line = _waiting_line(url)
    try:
        from orchestrator.store.queue_line import set_up_queue
    except ImportError as error:
        raise BadRequest(
            "What keeps a queue in PostgreSQL is not installed.", todo="pip install 'agentes[postgres]'"
        ) from error
    set_up_queue(url)
    return waiting_line


@cache
def _waiting_line(url: str) -> Queue:
    """The queue as it is, if there is one. Under load a turn of one tier counts as much as so many of another."""
    from orchestrator.access import TIERS
    from orchestrator.store.queue import Queue, Share

    steps = {"enterprise": 1, "pro": 2}
    shares = {name: Share(steps.get(name, 4), tier.concurrent_jobs) for name, tier in TIERS.items()}
    return Queue(ledger(url), shares)


@cache
def _here(quoter: Quoter, catalogue: Catalogue) -> Here:
    from orchestrator.dispatch.here import Here
    from orchestrator.dispatch.places import Places
    from orchestrator.dispatch.turns import Turns

    look = partial(_look_at, quoter, catalogue)
    places = Places(_PLACES, _desk().waits, look)
    return Here(partial(_office, quoter, catalogue), places, Turns(tenants().jobs_at_once))


async def _look_at(quoter: Quoter, catalogue: Catalogue, job: str, name: str) -> float | None:
    """Asks once about an order that nobody runs; in how many seconds to ask again, or None if there is news."""
    from agentes.contract import Pending
    from shared_knowledge.vocabulary import OrderState

    orders = _office(quoter, catalogue).book.orders(job)
    order = next((order for order in orders if order.id == name), None)
    if order is None or order.state is not OrderState.SUBMITTED:
        return None
    async with _connect(catalogue, shelf(), order.platform) as line:
        answer = await line.check(order)
    return answer.look_again_in_s if isinstance(answer, Pending) and not answer.bare else None


def _track_record() -> Mapping[tuple[str, str], TrackRecord]:
    """How reliable each model has been; nothing is held against anybody where that is not written down."""
    from orchestrator.selection import from_text

    try:
        return from_text(_track_record_file().read_text("utf-8"))
    except (OSError, UnicodeDecodeError):
        return {}


def _track_record_file() -> Path:
    """Practice teaches nothing about the vendors, so it has a record of its own."""
    return settings().home / ("practice-record.json" if settings().sandbox_url else "track-record.json")


@cache
def exchange() -> Exchange:
    """The switchboard to the vendors; nothing is dialled before it is needed."""
    from agentes.wire.exchange import Exchange

    return Exchange(Catalogue.load(), secrets(), settings(), shelf(), count=_count if _watching else None)


def _resting() -> frozenset[str]:
    return exchange().resting if exchange.cache_info().currsize else frozenset()


@asynccontextmanager
async def _connect_here(shelf: Shelf, platform: str) -> AsyncIterator[Line]:
    """A line to a platform of this machine; there is no other kind for whoever only rehearses."""
    from agentes.drafts.line import LocalLine

    yield LocalLine(platform, shelf)


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


async def _bring_film(url: str, into: Path) -> Path:
    """A film that a person gave by its address."""
    from shared_knowledge.vocabulary import Medium

    return await exchange().bring(url, into, medium=Medium.VIDEO)


def _checkpoints() -> str | Path:
    """Beside the ledger: in a file of their own, or in tables of their own."""
    file = settings().sqlite_file
    return settings().database_url if file is None else file.with_name("graph.db")


@cache
def shelf() -> Shelf:
    """Where files live: in a folder, or in a bucket of which a folder holds copies; nothing is dialled yet."""
    from agentes.media.shelf import Shelf

    home, folder = settings().home, settings().shelf_folder
    if folder is not None:
        return Shelf(folder, home / "desks")
    from agentes.media.bucket import open_bucket
    from config.buckets import bucket_options

    url = settings().shelf_url
    return Shelf(home / "shelf", home / "desks", open_bucket(url, bucket_options(url, secrets())))
