"""The wire as the program builds it, for one platform: keys in the environment, and no time lost in waiting."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import httpx

from agentes.media.shelf import Shelf
from agentes.media_agent import Errand
from agentes.photo_agent.agent import PhotoAgent
from agentes.purchase import Workroom
from agentes.video_agent.agent import VideoAgent
from agentes.voice_agent.agent import VoiceAgent
from agentes.wire.clock import Clock
from agentes.wire.exchange import Exchange
from config.secrets import SecretManager
from config.settings import Settings
from orchestrator.store.book import SqlBook
from orchestrator.store.database import open_database
from orchestrator.store.jobs import Jobs
from shared_knowledge.caps import Limits
from shared_knowledge.catalogue import Catalogue
from shared_knowledge.cost_tracker import CostTracker
from shared_knowledge.platform_facts import Platform
from shared_knowledge.vocabulary import Asset, Brief, Money, Offer, Shortfall, Task

__all__ = ["Counter", "exchange_to", "keys_for"]

_UNKNOWN = "practice-4711-nobody-knows-it"
_PLENTY = Money(10**9)
_PLACES = {"_LOCATION": "us-central1", "_REGION": "westeurope", "_PROJECT": "practice"}


def keys_for(platform: Platform, key: str, folder: Path, sandbox: str | None = None) -> Mapping[str, str]:
    """What the environment would hold for a platform; its hidden keys all have the value `key`."""
    found = {}
    for secret in platform.secrets:
        place = next((value for end, value in _PLACES.items() if secret.name.endswith(end)), None)
        if secret.name == "GOOGLE_APPLICATION_CREDENTIALS":
            known = key in ("sandbox", "bad-key", _UNKNOWN)
            file = _service_account(folder, sandbox) if known else _persons_own(folder, key, sandbox)
            found[secret.name] = str(file)
        else:
            found[secret.name] = key if place is None else place
    return found


def exchange_to(
    platform: Platform,
    home: Path,
    *,
    sandbox: str | None = None,
    key: str = "sandbox",
    environ: Mapping[str, str] | None = None,
    waits: bool = False,
    clock: Clock | None = None,
    network: Callable[[bool], httpx.AsyncBaseTransport] | None = None,
) -> Exchange:
    """An exchange that reaches the platform at the sandbox, or at its own address to be replayed."""
    if key == "bad-key" and not sandbox:
        key = _UNKNOWN  # a word the sandbox knows is no key elsewhere
    held = dict(keys_for(platform, key, home, sandbox) if environ is None else environ)
    held |= {"AGENTES_HOME": str(home), **({"AGENTES_SANDBOX_URL": sandbox} if sandbox else {})}
    if sandbox and held.get("GOOGLE_APPLICATION_CREDENTIALS") and key == "sandbox":
        del held["GOOGLE_APPLICATION_CREDENTIALS"]  # the sandbox gives out one of its own
    secrets = SecretManager(held)
    settings = Settings.read(held, secrets=secrets)
    shelf = Shelf(home / "shelf", home / "desks")
    clock = clock or (Clock() if waits else Clock(sleep=_at_once))
    return Exchange(Catalogue.load(), secrets, settings, shelf, clock=clock, network=network)


class Counter:
    """An agent with its ledger and its shelf, at work on one task at the practice platforms."""

    def __init__(
        self,
        exchange: Exchange,
        home: Path,
        *,
        limits: Limits = Limits(a_day=_PLENTY),  # noqa: B008 - frozen
        wait: Callable[[float], Awaitable[None]] | None = None,
    ) -> None:
        self.home = home
        self.database = open_database(home / "ledger.db")
        self.book = SqlBook(self.database)
        tracker = CostTracker(self.book, limits)
        shelf = Shelf(home / "shelf", home / "desks")
        self.room = Workroom(
            Catalogue.load(), tracker, shelf, exchange.connect, exchange.bring, wait=wait or _at_once
        )

    async def perform(
        self, task: Task, *offers: Offer, job: str = "job_1", ceiling: Money = _PLENTY, **terms: Any
    ) -> Asset | Shortfall:
        """Has the task done by one of those offers, as the team would; asked again, as a resumed run would."""
        jobs = Jobs(self.database)
        if all(known.id != job for known in jobs.latest(9)):
            await jobs.add(job, Brief(text="a mug"), str(self.home))
        terms |= {"fence": await jobs.take(job)}
        agent = {each.medium: each for each in (PhotoAgent, VideoAgent, VoiceAgent)}[task.medium]
        alone: Any = None  # nothing here asks a colleague
        return await agent(self.room).perform(
            Errand(job, task, offers, ceiling, alone, lambda _: None, **terms)
        )

    def covered(self) -> int:
        """What is spent, written off or still set aside, in micro-dollars."""
        rows = self.book.costs()
        return sum(row.spent + row.wasted + row.in_doubt + row.reserved for row in rows)


async def _at_once(seconds: float) -> None:
    """No time passes."""


def _persons_own(folder: Path, key: str, sandbox: str | None) -> Path:
    """A person's own sign-in at Google, whose refresh token is the key."""
    file = folder / "person.json"
    told = {"type": "authorized_user", "client_id": "made-up", "client_secret": key, "refresh_token": key}
    if sandbox:
        told["token_uri"] = f"{sandbox}/_sandbox/token"
    file.write_text(json.dumps(told))
    return file


def _service_account(folder: Path, sandbox: str | None) -> Path:
    """A service account as Google hands it out, with a key that nobody there knows."""
    file = folder / "service_account.json"
    if not file.exists():
        told = {
            "type": "service_account",
            "project_id": "practice",
            "private_key_id": "practice",
            "private_key": _made_up_key(),
            "client_email": "practice@practice.iam.gserviceaccount.com",
            "token_uri": f"{sandbox}/_sandbox/token" if sandbox else "https://oauth2.googleapis.com/token",
        }
        file.write_text(json.dumps(told))
    return file


@cache
def _made_up_key() -> str:
    """One for all tests of this process: making it takes longer than most of them."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return pem.decode()
