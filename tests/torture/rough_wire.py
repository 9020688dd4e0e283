"""A wire that goes wrong on purpose: a proxy before the sandbox, through which every byte of a purchase passes.

It reads each request to its end, so it knows what is asked; then it lets the vendor answer, or not, and
hands the answer over as was planted. What it saw is the truth a judge goes by.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import deque
from collections.abc import Callable, Sequence
from typing import Self
from urllib.parse import unquote, urlsplit

import h11
from passing import Heard, Passed, Toxic, ask
from toxics import Way

from agentes.sandbox.kernel.sandbox import Sandbox
from agentes.sandbox.kernel.witness import Seen
from shared_knowledge.vocabulary import Order

__all__ = ["RoughWire"]

_PIECE = 64 * 1024
_STEP_S = 20.0
_NEXT = {"sending": "start", "submitted": "check", "ready": "download", "in_doubt": "find"}
_EARLY = ("refused", "rst_before")
_SLOW = ("stall:9", "drip", "stuck")


class RoughWire:
    """Listens on this machine, and knows the sandbox behind it; `async with` opens and closes it."""

    def __init__(self, sandbox: Sandbox, leap: Callable[[float], None]) -> None:
        self._sandbox = sandbox
        self._leap = leap
        self._server: asyncio.Server | None = None
        self._port = 0
        self._guests: dict[asyncio.StreamWriter, asyncio.Task[None] | None] = {}
        self.begin(0, ())

    def begin(self, seed: int, toxics: Sequence[Toxic]) -> None:
        """Forgets what passed, and plants what is to happen next."""
        self._dice = random.Random(seed)
        self._planted = [[toxic, 0] for toxic in toxics]
        self.passed: list[Passed] = []
        self.sitting = 0
        self.standing: Callable[[], Order | None] = lambda: None
        self.watched: Callable[[Passed], None] = lambda _: None

    def calm(self) -> None:
        """From now on nothing goes wrong."""
        self._planted.clear()

    def due(self, platform: str, kind: str, early: str = "") -> Toxic | None:
        """Counts a call, or the connection made for it, towards what is planted; says what happens to it."""
        for planted in self._planted:
            toxic, met = planted
            fits = (toxic.platform, toxic.on) == (platform, kind)
            if fits and toxic.do == early if early else fits and toxic.do not in _EARLY:
                planted[1] = met + 1
                if toxic.nth <= met + 1 < toxic.nth + toxic.times:
                    return toxic
        return None

    def expects(self, early: str) -> Passed | None:
        """The call that comes next by the book, if something was planted for its very first moment."""
        order = self.standing()
        kind = _NEXT.get(order.state, "prepare") if order else ""
        if order is None or self.due(order.platform, kind, early) is None:
            return None
        passed = Passed(order.platform, kind, self.sitting, order.id, order.state, early)
        self.passed.append(passed)
        return passed

    @property
    def url(self) -> str:
        """The address that stands for the sandbox's."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def guests(self) -> int:
        """How many connections are open."""
        return len(self._guests)

    async def __aenter__(self) -> Self:
        await self.reopen()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.shut()

    async def reopen(self) -> None:
        """Listens, again where it listened before."""
        if self._server is None:
            self._server = await asyncio.start_server(self._welcome, "127.0.0.1", self._port, backlog=512)
            self._port = self._server.sockets[0].getsockname()[1]

    async def shut(self) -> None:
        """Hangs up on everybody; whoever dials now is refused."""
        if self._server is not None:
            server, self._server = self._server, None
            server.close()
            tasks = [task for task in self._guests.values() if task is not None]
            for writer in list(self._guests):
                writer.transport.abort()
            await asyncio.gather(*tasks, return_exceptions=True)
            await server.wait_closed()

    async def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._guests[writer] = asyncio.current_task()
        way = Way(reader, writer, self._leap, self._dice)
        try:
            more = way.reset() if self.expects("rst_before") else True
            while more:
                more = await self._exchange(reader, way)
        except (ConnectionError, TimeoutError, h11.ProtocolError):
            writer.transport.abort()
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError, TimeoutError):
                await writer.wait_closed()
            del self._guests[writer]

    async def _exchange(self, reader: asyncio.StreamReader, way: Way) -> bool:
        """One request and what becomes of it; whether another may follow on this connection."""
        http, raw, head, passed = h11.Connection(h11.SERVER, 1 << 20), bytearray(), None, None
        while True:
            event = http.next_event()
            if event is h11.NEED_DATA:
                piece = await reader.read(_PIECE)
                raw += piece
                http.receive_data(piece)
            elif isinstance(event, h11.Request):
                head, passed = event, self._passing(event)
                if passed.toxic == "rst_in":
                    return way.reset()
            elif isinstance(event, h11.EndOfMessage):
                assert head is not None
                assert passed is not None
                return await self._answered(head, bytes(raw), passed, reader, way)
            elif isinstance(event, h11.ConnectionClosed):
                return False

    def _passing(self, head: h11.Request) -> Passed:
        order = self.standing()
        platform, kind = self._sort(head.method.decode(), urlsplit(head.target.decode()).path, order)
        passed = Passed(platform, kind, self.sitting)
        if order is not None:
            passed.order, passed.state = order.id, order.state
        toxic = self.due(platform, kind)
        passed.toxic = toxic.do if toxic else ""
        self.passed.append(passed)
        self.watched(passed)
        return passed

    def _sort(self, method: str, path: str, order: Order | None) -> tuple[str, str]:
        """Whom a request is for, and of what kind it is."""
        first, _, rest = path.removeprefix("/").partition("/")
        if first == "_files":
            return rest.partition("/")[0], "download"
        desk = self._sandbox._desk(first) if first in self._sandbox.platforms else None
        if desk is None:
            return order.platform if order else "", "sign_in"
        found = desk.find(method, "/" + unquote(rest))
        kind: str = found[0].kind if found else "free"
        if kind == "free":  # what is asked beside the point belongs to what comes next; no purchase does
            wanted = _NEXT.get(order.state, "prepare") if order else "prepare"
            kind = "prepare" if wanted == "start" else wanted
        return first, kind

    async def _answered(
        self, head: h11.Request, raw: bytes, passed: Passed, reader: asyncio.StreamReader, way: Way
    ) -> bool:
        before = len(self._sandbox.ledger.entries)
        unheard = passed.toxic.startswith("no_")
        heard = Heard(whole=True) if unheard else await self._vendor(head, raw, passed, reader)
        passed.booked = len(self._sandbox.ledger.entries) - before
        passed.status = None if unheard else heard.status
        if heard.reset:
            return way.reset()
        return await way.deliver(heard, passed.toxic.removeprefix("no_"), head.target.decode())

    async def _vendor(
        self, head: h11.Request, raw: bytes, passed: Passed, reader: asyncio.StreamReader
    ) -> Heard:
        """What the sandbox answers; where it was told to be slow, the clock is put forward."""
        booked = len(self._sandbox.ledger.entries)
        asking = asyncio.ensure_future(ask(self._sandbox.port, head, raw))
        try:
            while not (await asyncio.wait({asking}, timeout=0.002))[0]:
                seen = self._seen()
                if reader.at_eof():
                    return Heard(reset=True)
                ready = seen is not None and (seen.status or len(self._sandbox.ledger.entries) > booked)
                if seen is not None and ready and any(slow in seen.fault for slow in _SLOW):
                    self._leap(_STEP_S)
            return asking.result()
        finally:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            if (seen := self._seen()) is not None and passed.kind != "sign_in":
                passed.struck = seen.fault

    def _seen(self) -> Seen | None:
        """What the sandbox saw last."""
        return deque(self._sandbox.seen, maxlen=1).pop() if any(self._sandbox.seen) else None
