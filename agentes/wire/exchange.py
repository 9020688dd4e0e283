"""The switchboard: it joins lines to platforms, keeps connections warm, and remembers how each platform did."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

import httpx

from agentes.contract import Platform as Adapter
from agentes.contract import Standing
from agentes.wire.adapters import adapter_of
from agentes.wire.client import Http, Manners, open_http
from agentes.wire.clock import Clock
from agentes.wire.download import fetch
from agentes.wire.errand import Desks
from agentes.wire.guard import Dialler, Guard
from agentes.wire.line import WireLine
from agentes.wire.network import Network
from agentes.wire.trace import Counted
from config.secrets import SecretManager
from config.settings import Settings
from shared_knowledge.catalogue import Catalogue
from shared_knowledge.errors import BadRequest
from shared_knowledge.platform_facts import Platform
from shared_knowledge.vocabulary import Medium

__all__ = ["Exchange"]


_REFERENCE_S = {Medium.PHOTO: 60.0, Medium.VIDEO: 900.0}
_Place = tuple[asyncio.AbstractEventLoop, str, int]


@dataclass
class _Warm:
    adapter: Adapter
    http: Http
    lines: int = 0


class Exchange:
    """Gives a line to any platform of the catalogue; what it learns about one lasts as long as it does."""

    def __init__(
        self,
        catalogue: Catalogue,
        secrets: SecretManager,
        settings: Settings,
        desks: Desks,
        *,
        clock: Clock | None = None,
        count: Callable[[Counted], None] | None = None,
        network: Callable[[bool], httpx.AsyncBaseTransport] | None = None,
    ) -> None:
        self._catalogue = catalogue
        self._secrets = secrets
        self._settings = settings
        self._desks = desks
        self._clock = clock or Clock()
        self._count = count
        self._network = network
        self._manners: dict[tuple[str, int], Manners] = {}
        self._warm: dict[_Place, _Warm] = {}
        self._signatures: dict[_Place, httpx.Auth] = {}

    async def __aenter__(self) -> Self:
        """The exchange itself; it need not be entered, but whoever does leaves no connection open."""
        return self

    async def __aexit__(self, *_: object) -> None:
        here = asyncio.get_running_loop()
        for place in [place for place in self._signatures if place[0] is here]:
            del self._signatures[place]
        for place in [place for place in self._warm if place[0] is here]:
            await self._warm.pop(place).http.aclose()

    @asynccontextmanager
    async def connect(self, platform: str) -> AsyncIterator[WireLine]:
        """A line to a platform; MissingSecret or Unavailable if there can be none."""
        facts = self._catalogue.platform(platform)
        if facts.local:
            raise BadRequest(f"{platform} is on this machine; no line leads there.")
        key = self._key(facts)
        manners = self._towards(facts, key)
        place = (asyncio.get_running_loop(), facts.id, key)
        warm = self._warm.get(place) or self._open(facts, manners, self._signatures.get(place))
        self._signatures[place] = warm.http.auth
        self._warm[place] = warm
        warm.lines += 1
        try:
            yield WireLine(
                warm.adapter, warm.http, manners, self._desks, mask=self._secrets.mask, clock=self._clock
            )
        finally:
            warm.lines -= 1
            if not warm.lines and place in self._warm:
                del self._warm[place]
                await warm.http.aclose()

    async def standing(self, platform: str) -> Standing | None:
        """Asks a platform, free of charge, how our key stands; None where that cannot be asked."""
        async with self.connect(platform) as line:
            return await line.standing()

    async def bring(
        self, url: str, into: Path, *, medium: Literal[Medium.PHOTO, Medium.VIDEO] = Medium.PHOTO
    ) -> Path:
        """A picture or a film a person named by its address: asked without any key, like every stranger's address."""
        guard = Guard.of(self._settings)
        network = self._network(False) if self._network else Network(Dialler(guard))
        try:
            fetched = await fetch(
                url,
                into,
                network=network,
                guard=guard,
                medium=medium,
                mask=self._secrets.mask,
                deadline_s=_REFERENCE_S[medium],
                clock=self._clock,
            )
        finally:
            await network.aclose()
        return fetched.path

    @property
    def resting(self) -> frozenset[str]:
        """The platforms that are left alone for the moment: failing, or refusing our key, or with an empty purse."""
        return frozenset(name for (name, _), manners in self._manners.items() if manners.circuit.resting_s)

    def notices(self, platform: str) -> tuple[str, ...]:
        """What a platform has announced since this exchange was opened, such as the end of a model."""
        return tuple(
            news
            for (name, _), manners in self._manners.items()
            if name == platform
            for news in manners.notices.told
        )

    def _open(self, facts: Platform, manners: Manners, auth: httpx.Auth | None) -> _Warm:
        adapter = adapter_of(facts)
        explain = getattr(adapter, "explain", None)
        http = open_http(
            facts,
            secrets=self._secrets,
            settings=self._settings,
            manners=manners,
            explain=explain or (lambda _: None),
            clock=self._clock,
            auth=auth,
            count=self._count,
            network=self._network,
        )
        return _Warm(adapter, http)

    def _towards(self, facts: Platform, key: int) -> Manners:
        place = (facts.id, key)
        if place not in self._manners:
            self._manners[place] = Manners.towards(facts, self._clock)
        return self._manners[place]

    def _key(self, facts: Platform) -> int:
        """Which key it is, told apart from others and from nothing else."""
        hidden = (secret for secret in facts.secrets if secret.hidden)
        return hash(tuple(self._secrets.get(secret.name, *secret.older) for secret in hidden))
