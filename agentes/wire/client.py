"""How a platform is reached: its address, its signature, and the manners, in one stack of transports.

There are two ways to it. Questions go over warm connections and are repeated; purchases go each over
a connection of their own, and once. An adapter sees neither: it is handed an ordinary httpx client.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import quote

import httpx

from agentes.wire.auth import sign_in
from agentes.wire.breaker import Breaker, Circuit
from agentes.wire.clock import Clock
from agentes.wire.guard import Dialler, Guard
from agentes.wire.network import Network
from agentes.wire.once import Call, Once, Whole
from agentes.wire.pace import Lane, Pace
from agentes.wire.retry import Budget, Retry
from agentes.wire.trace import Counted, Notices, Trace
from agentes.wire.verdict import Verdict
from config.secrets import SecretManager
from config.settings import Settings
from shared_knowledge.errors import BadRequest, InDoubt, MissingSecret, PlatformError
from shared_knowledge.platform_facts import Platform

__all__ = ["Http", "Manners", "open_http"]

_CONNECT_S = 5.0
_READ_S = 120.0  # the longest that one question may take, its answer included
_BRACES = re.compile(r"\{([a-z]+)\}")
_BRACES_IN_PATH = re.compile(rb"%7B([a-z]+)%7D")
_PART_OF_A_HOST = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_CREDENTIALS = "GOOGLE_APPLICATION_CREDENTIALS"  # may be absent: signing in knows where else to look


@dataclass
class Manners:
    """What is remembered about a platform and a key from one call to the next, as long as the program lives."""

    circuit: Circuit
    budget: Budget
    questions: Lane
    purchases: Lane
    notices: Notices

    @classmethod
    def towards(cls, facts: Platform, clock: Clock) -> Manners:
        """What its price list says about its pace, and no bad experience yet."""
        return cls(
            circuit=Circuit(facts.name, clock),
            budget=Budget(clock),
            questions=Lane(facts.name, clock, patience_s=facts.deadline_s),
            purchases=Lane(
                facts.name,
                clock,
                per_minute=facts.requests_per_minute,
                at_once=facts.concurrency,
                patience_s=facts.deadline_s,
            ),
            notices=Notices(facts.name),
        )


class Http:
    """A platform within reach: its address, its signature, its two ways."""

    def __init__(
        self,
        facts: Platform,
        address: str,
        *,
        auth: httpx.Auth,
        guard: Guard,
        network: httpx.AsyncBaseTransport,
        questions: httpx.AsyncBaseTransport,
        purchases: httpx.AsyncBaseTransport,
        judged: Callable[[httpx.AsyncBaseTransport], httpx.AsyncBaseTransport],
        fill_in: Mapping[str, str],
    ) -> None:
        self.facts = facts
        self.auth = auth
        self.guard = guard
        self.network = network

        def client(inner: httpx.AsyncBaseTransport, read_s: float, auth: httpx.Auth | None = auth) -> _Client:
            return _Client(
                transport=_Mouthpiece(facts, inner, fill_in),
                base_url=address,
                auth=auth,
                headers={**_headers(), **facts.headers},
                timeout=httpx.Timeout(read_s, connect=_CONNECT_S),
                trust_env=False,
            )

        self._questions = client(questions, _read_s(facts))
        self._purchases = client(purchases, facts.deadline_s)
        self._unplugged: Callable[[httpx.AsyncBaseTransport], _Client] = lambda stand_in: client(
            judged(stand_in), facts.deadline_s, None
        )

    def client(self, call: Call) -> httpx.AsyncClient:
        """The client for one call; it owns nothing, so it need not be closed."""
        client = copy(self._purchases if call.paid else self._questions)
        client.call = call
        return client

    def reading(self, call: Call, stand_in: httpx.AsyncBaseTransport) -> httpx.AsyncClient:
        """A client that hears a stand-in for the network, unsigned; its answers are judged as any."""
        client = self._unplugged(stand_in)
        client.call = call
        return client

    async def aclose(self) -> None:
        """Closes its connections."""
        await self._questions.aclose()
        await self._purchases.aclose()


def open_http(
    facts: Platform,
    *,
    secrets: SecretManager,
    settings: Settings,
    manners: Manners,
    explain: Callable[[httpx.Response], PlatformError | None],
    clock: Clock,
    auth: httpx.Auth | None = None,
    count: Callable[[Counted], None] | None = None,
    network: Callable[[bool], httpx.AsyncBaseTransport] | None = None,
) -> Http:
    """The way to a platform; MissingSecret names what is not set. Nothing is dialled yet.

    `auth` is the signature of an earlier time, which may hold a token that is still good.
    `network` builds what lies below the manners, fresh for each purchase or not: tests bring their own.
    """
    fill_in = _filling(facts, secrets)
    address = settings.reach(facts.id, "") or _usual(facts, fill_in)
    auth = auth or sign_in(facts, secrets, here=address, sandbox_url=settings.sandbox_url)
    guard = Guard.of(settings)
    dialler = Dialler(guard)

    def bottom(*, fresh: bool) -> httpx.AsyncBaseTransport:
        return network(fresh) if network else Network(dialler, fresh=fresh)

    def judged(below: httpx.AsyncBaseTransport) -> httpx.AsyncBaseTransport:
        return Verdict(below, facts, explain=explain, mask=secrets.mask)

    def stack(below: httpx.AsyncBaseTransport, *, paid: bool) -> httpx.AsyncBaseTransport:
        patience_s = facts.deadline_s
        deadline_s = patience_s if paid else _read_s(facts)
        whole = (Once if paid else Whole)(below, platform=facts.name, deadline_s=deadline_s)
        traced = Trace(
            whole,
            notices=manners.notices,
            platform=facts.id,
            clock=clock,
            mask=secrets.mask,
            count=count,
        )
        paced = Pace(traced, manners.purchases if paid else manners.questions)
        spared = Breaker(judged(paced), manners.circuit, paid=paid)
        return Retry(spared, manners.budget, clock=clock, patience_s=patience_s)

    warm = bottom(fresh=False)
    return Http(
        facts,
        address,
        auth=auth,
        guard=guard,
        network=warm,
        questions=stack(warm, paid=False),
        purchases=stack(bottom(fresh=True), paid=True),
        judged=judged,
        fill_in=fill_in,
    )


class _Client(httpx.AsyncClient):
    """An ordinary client that knows for which call it speaks, and keeps no cookies."""

    call: Call

    async def send(self, request: httpx.Request, **how: Any) -> httpx.Response:
        request.extensions["call"] = self.call
        return await super().send(request, **how)

    @property
    def cookies(self) -> httpx.Cookies:
        return _NO_COOKIES

    @cookies.setter
    def cookies(self, cookies: object) -> None:
        raise AttributeError("no cookies are kept")


class _NoCookies(httpx.Cookies):
    def extract_cookies(self, response: httpx.Response) -> None:
        return None

    def __bool__(self) -> bool:
        return False


_NO_COOKIES = _NoCookies()


class _Mouthpiece(httpx.AsyncBaseTransport):
    """Fills in what stands in braces, and lets a purchase speak once."""

    def __init__(self, facts: Platform, inner: httpx.AsyncBaseTransport, fill_in: Mapping[str, str]) -> None:
        self._facts = facts
        self._inner = inner
        self._fill_in = fill_in

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        call: Call = request.extensions["call"]
        if call.paid and call.sent:
            raise InDoubt(
                f"{self._facts.name} was to be sent a second purchase for one order; only the first was sent.",
                todo="This is a mistake in the adapter.",
            )
        call.sent += 1
        path, mark, query = request.url.raw_path.partition(b"?")
        if b"%7B" in path:
            request.url = request.url.copy_with(raw_path=self._filled(path) + mark + query)
        return await self._inner.handle_async_request(request)

    def _filled(self, path: bytes) -> bytes:
        def value(match: re.Match[bytes]) -> bytes:
            known = self._fill_in.get(match[1].decode())
            return match[0] if known is None else quote(known, safe="").encode()

        return _BRACES_IN_PATH.sub(value, path)

    async def aclose(self) -> None:
        await self._inner.aclose()


def _filling(facts: Platform, secrets: SecretManager) -> dict[str, str]:
    """What goes where the braces are: GOOGLE_CLOUD_PROJECT fills {project}."""
    found = {}
    for secret in facts.secrets:
        if secret.hidden or secret.name == _CREDENTIALS:
            continue
        value = secrets.plain(secret.name, *secret.older)
        if not value:
            raise MissingSecret(secret.name)
        found[secret.name.rpartition("_")[2].lower()] = value
    return found


def _usual(facts: Platform, fill_in: Mapping[str, str]) -> str:
    special = next((facts.base_urls[value] for value in fill_in.values() if value in facts.base_urls), None)

    def value(match: re.Match[str]) -> str:
        part = fill_in[match[1]]
        if not _PART_OF_A_HOST.fullmatch(part):
            names = [secret.name for secret in facts.secrets if secret.name.lower().endswith(match[1])]
            raise BadRequest(f"{names[0]} cannot be part of an address.", todo="It is a word such as eastus.")
        return part

    return _BRACES.sub(value, special or facts.base_url)


def _read_s(facts: Platform) -> float:
    return min(facts.deadline_s, _READ_S)


@cache
def _headers() -> dict[str, str]:
    from importlib.metadata import version

    return {"User-Agent": f"agentes/{version('agentes')}", "Accept-Encoding": "identity"}
