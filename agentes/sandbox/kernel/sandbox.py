"""The sandbox: every platform's other side behind one address on this machine, with one book and one list of faults."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from agentes.sandbox.kernel.calls import Answer, Call
from agentes.sandbox.kernel.control import Control
from agentes.sandbox.kernel.desk import Desk, Page
from agentes.sandbox.kernel.door import Door, Reply, Request
from agentes.sandbox.kernel.fake import Fake, Kind, Trouble
from agentes.sandbox.kernel.faults import Fault, Faults, Strike
from agentes.sandbox.kernel.files import Files
from agentes.sandbox.kernel.house import House
from agentes.sandbox.kernel.ledger import Ledger
from agentes.sandbox.kernel.ranges import part_of
from agentes.sandbox.kernel.witness import Seen, Witness
from shared_knowledge.catalogue import Catalogue
from shared_knowledge.errors import AgentesError

__all__ = ["Sandbox"]

_BAD = "bad-key"
_UNFIT = (ValueError, TypeError, LookupError, AttributeError)
_BUGS = (AgentesError, ArithmeticError, AssertionError, RuntimeError, OSError)
_OWN_HOST = re.compile(r"(127\.0\.0\.1|localhost)(:\d{1,5})?")
_REQUEST_ID = re.compile(r"(.*-)?request-?id")
_HTML = "<!doctype html><html><head><title>502</title></head><body><h1>Bad gateway</h1></body></html>"
_NEVER_S = 24 * 3600.0
_BESIDE = ("llm",)  # is played too, but sells no media, so no catalogue names it


class Sandbox:
    """The fake platforms on 127.0.0.1; `async with` opens and closes the door."""

    def __init__(
        self,
        port: int = 0,
        latency_s: float = 0.0,
        seed: int = 1,
        *,
        fakes: Mapping[str, type[Fake]] | None = None,
    ) -> None:
        self.port = port
        self.latency_s = latency_s
        self.seed = seed
        self.ledger = Ledger()
        self.faults = Faults()
        self.files = Files(seed)
        self.seen = Witness()
        self.platforms = tuple(p.id for p in Catalogue.load().platforms if not p.local)
        self._fakes = dict(fakes or {})
        self._desks: dict[str, Desk] = {}
        self._door = Door(self._answer)
        self._control = Control(self)

    @property
    def url(self) -> str:
        """The address that `AGENTES_SANDBOX_URL` should name."""
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        self.port = await self._door.open(self.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._door.close()

    def document(self) -> dict[str, Any]:
        """What somebody needs to know who wants to use it."""
        return {
            "url": self.url,
            "port": self.port,
            "latency_s": self.latency_s,
            "seed": self.seed,
            "played": [platform for platform in self.platforms if self.has(platform)],
            "not_played": [platform for platform in self.platforms if not self.has(platform)],
        }

    def reset(self) -> None:
        """Forgets everything: the book, the jobs, the files, the faults, what was seen."""
        self.ledger.clear()
        self.faults.clear()
        self.files.clear()
        self.seen.clear()
        self._desks.clear()

    def plant(self, told: Any) -> int:
        """Plants one fault or a list of them, all or none; gives their number. A BadFault says what is wrong."""
        many = told if isinstance(told, list) else [told]
        known = {*self.platforms, *_BESIDE, *self._fakes}
        faults = [Fault.read(each, f"faults[{number}]", known) for number, each in enumerate(many)]
        for fault in faults:
            self.faults.plant(fault)
        return len(faults)

    def has(self, platform: str) -> bool:
        """Whether there is a fake for that platform."""
        return platform in self._fakes or importlib.util.find_spec(f"agentes.sandbox.{platform}") is not None

    async def _answer(self, request: Request) -> Reply:
        try:
            return await self._route(request)
        except (*_UNFIT, *_BUGS) as error:
            return Reply(_stumbled(f"{type(error).__name__}: {error}"))

    async def _route(self, request: Request) -> Reply:
        address = urlsplit(request.target)
        path = "/".join(unquote(step).replace("/", "%2F") for step in address.path.split("/"))
        query = dict(parse_qsl(address.query, keep_blank_values=True))
        host = request.headers.get("host", "")
        origin = f"http://{host}" if _OWN_HOST.fullmatch(host) else self.url
        first, _, rest = path.removeprefix("/").partition("/")
        if first == "_files":
            return await self._file(request, origin, rest, query)
        if first in (*self.platforms, *_BESIDE) or first in self._fakes:
            call = Call(request.method, f"/{rest}", f"{origin}/{first}", query, request.headers, request.body)
            return await self._platform(first, call)
        return Reply(await self._control.answer(request.method, path, origin, request.body))

    async def _platform(self, platform: str, call: Call) -> Reply:
        seen = self.seen.note(platform, call)
        desk = self._desk(platform)
        if desk is None:
            seen.status = 501
            return Reply(Answer.of({"error": f"The sandbox cannot play {platform} yet."}, 501))
        found = desk.find(call.method, call.path)
        if found is None:
            return self._done(seen, desk.fake.complain(Trouble.NOT_FOUND, call))
        route, page, caught = found
        seen.kind = route.kind
        call = replace(call, params=caught)
        if not route.keyless and not self._is_good(desk, call):
            return self._done(seen, desk.fake.complain(Trouble.BAD_KEY, call))
        strike = Strike() if route.kind == "free" else self.faults.strike(platform, route.kind)
        seen.fault = strike.words
        if strike.instead == "reset_before":
            return Reply(Answer(), "reset")
        refusal = self._refusal(desk.fake, call, strike, route.kind)
        if refusal is not None:
            return self._done(seen, refusal)
        call = replace(call, twist=strike.twist, lag_s=strike.lag_s)
        answer = await self._served(desk, page, call, seen)
        self.ledger.sign(call.slip.lines, _request_id(answer))
        if call.slip.lines and not call.slip.queued:
            if strike.twist == "stuck":
                return Reply(answer, silence_s=_NEVER_S)
            await asyncio.sleep(self.latency_s)
        if route.kind == "download":
            answer = part_of(answer, call)
        return self._done(seen, answer, strike)

    async def _file(self, request: Request, origin: str, rest: str, query: dict[str, str]) -> Reply:
        platform, _, token = rest.partition("/")
        path, headers = f"/_files/{rest}", request.headers
        call = Call(request.method, path, f"{origin}/{platform}", query, headers, request.body)
        desk = self._desk(platform)
        if desk is None or request.method not in ("GET", "HEAD"):
            return Reply(Answer.expired())
        seen = self.seen.note(platform, call)
        seen.kind = "download"
        strike = self.faults.strike(platform, "download")
        seen.fault = strike.words
        if strike.instead == "reset_before":
            return Reply(Answer(), "reset")
        refusal = self._refusal(desk.fake, call, strike, "download")
        if refusal is not None:
            return self._done(seen, refusal)
        kept = self.files.find(token.partition("/")[0], query, desk.house.now())
        if kept is None or kept.platform != platform:
            return self._done(seen, desk.fake.complain(Trouble.EXPIRED, call))
        return self._done(seen, part_of(Answer.file(kept.content, kept.mime), call), strike)

    async def _served(self, desk: Desk, page: Page, call: Call, seen: Seen) -> Answer:
        """What the fake answers; a request it stumbles over is a bad request, unless it was booked already."""
        try:
            return await page(call)
        except _UNFIT as error:
            seen.why = f"{type(error).__name__}: {error}"
            if not call.slip.lines:
                return desk.fake.complain(Trouble.BAD_REQUEST, call)
        except _BUGS as error:
            seen.why = f"{type(error).__name__}: {error}"
        return _stumbled(seen.why)

    def _refusal(self, fake: Fake, call: Call, strike: Strike, kind: Kind) -> Answer | None:
        """What the vendor says instead of an answer, if something was planted that makes it say no."""
        if strike.twist == "refuse" and not fake.refuses_late:
            return fake.complain(Trouble.REFUSED, call)
        if strike.twist == "expired" and kind == "download":
            return fake.complain(Trouble.EXPIRED, call)
        match (strike.instead or "").partition(":")[0]:
            case "":
                return None
            case "429":
                return fake.complain(Trouble.THROTTLED, call, retry_after_s=strike.retry_after_s)
            case "out_of_credit":
                return fake.complain(Trouble.OUT_OF_CREDIT, call)
            case "retired":
                return fake.complain(Trouble.RETIRED, call)
            case status:
                return fake.complain(Trouble.BROKEN, call, status=int(status))

    def _is_good(self, desk: Desk, call: Call) -> bool:
        """Whether a call carries a key, and not the bad one, nor a token of our own that has run out."""
        try:
            key = desk.fake.key(call)
        except _UNFIT:
            return False
        return bool(key) and key != _BAD and not self._control.has_run_out(key or "")

    def _done(self, seen: Seen, answer: Answer, strike: Strike | None = None) -> Reply:
        seen.status = answer.status
        if strike is None or strike.after is None:
            return Reply(answer)
        match strike.after:
            case "reset_after":
                return Reply(answer, "reset")
            case "html":
                return Reply(Answer.text(_HTML, mime="text/html"))
            case "empty":
                return Reply(replace(answer, status=200, body=b""))
            case "bad_json":
                cut = answer.body[: len(answer.body) // 2] if answer.body[:1] in b"{[" else b'{"id": "'
                return Reply(replace(answer, status=200, body=cut or b'{"id": "'))
            case "truncate" | "drip":
                return Reply(answer, strike.after)
            case _:
                return Reply(answer, silence_s=strike.stall_s)

    def _desk(self, platform: str) -> Desk | None:
        if platform not in self._desks:
            kind = self._fakes.get(platform)
            if kind is None:
                if platform not in (*self.platforms, *_BESIDE) or not self.has(platform):
                    return None
                kind = importlib.import_module(f"agentes.sandbox.{platform}").Vendor
            house = House(platform, self.ledger, self.files, latency_s=self.latency_s, seed=self.seed)
            self._desks[platform] = Desk(kind, house)
        return self._desks[platform]


def _stumbled(why: str) -> Answer:
    return Answer.text(f"The sandbox itself stumbled, which no vendor does like this: {why}", 500)


def _request_id(answer: Answer) -> str | None:
    named = (text for name, text in answer.headers.items() if _REQUEST_ID.fullmatch(name.lower()))
    return next(named, None)
