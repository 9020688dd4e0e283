"""Vendors that live in virtual time: they take orders and lose answers, lag, fail, refuse, die for minutes.

Each keeps a book of what it was truly paid for. That book is the witness against our ledger; nothing in
the product can look into it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentes.contract import Candidates, Done, File, Forgotten, Link, Pending
from shared_knowledge.errors import (
    AgentesError,
    BadRequest,
    Failed,
    Garbled,
    InDoubt,
    Refused,
    Throttled,
    Unavailable,
    Unreachable,
)
from shared_knowledge.platform_facts import Platform
from shared_knowledge.vocabulary import Money, Order

if TYPE_CHECKING:
    from sim_world import World

__all__ = ["HOME", "VENDORS", "Booking", "Vendor", "VendorLine"]

_ANSWER = "answer.json"
_MEDIA = "media.png"
DEADLINE_S = 240.0


@dataclass
class Booking:
    """One purchase as the vendor sees it; `charged` is the money it has taken for it."""

    number: str
    order: Order
    at_s: float
    ready_s: float
    price: Money
    charged: Money = field(default_factory=lambda: Money(0))
    ends: str = "made"
    listed_s: float = 0.0
    why_lost: str = ""
    """Why there may rightly be nothing to show for the money: the vendor's own doing."""
    stopped: bool = False
    looks: int = 0

    @property
    def media(self) -> bytes:
        """The file, which tells for which order it was made."""
        return f"{self.number} for {self.order.id} {self.order.job} {self.order.task} {self.order.piece}".encode()


@dataclass
class Vendor:
    """One platform: its catalogue entry, its character, and its book."""

    id: str
    recovery: str
    at_once: bool = False
    settles_s: float | None = None
    lags_s: float = 0.0
    stops: bool = False
    by_words: bool = False
    local: bool = False
    bookings: list[Booking] = field(default_factory=list)
    refusals: dict[str, str] = field(default_factory=dict)
    dead: list[tuple[float, float]] = field(default_factory=list)
    under_way: set[str] = field(default_factory=set)
    requests: int = 0

    @property
    def facts(self) -> Platform:
        """What the catalogue says about it."""
        told: dict[str, Any] = {
            "id": self.id,
            "name": self.id.title(),
            "medium": "photo",
            "recovery": self.recovery,
            "look_again_s": 5,
            "deadline_s": DEADLINE_S,
        }
        if self.local:
            return Platform.model_validate(told | {"local": True})
        door = {
            "base_url": f"https://api.{self.id}.example",
            "key_hosts": (f"api.{self.id}.example",),
            "secrets": ({"name": "A_KEY"},),
            "sign_in": {"by": "header", "header": "x-key"},
        }
        if self.settles_s is not None:
            door["settling"] = {
                "after_s": self.settles_s,
                "source": "it says so",
                "seen_on": date(2026, 11, 1),
            }
        return Platform.model_validate(told | door)

    def is_dead(self, now: float) -> bool:
        """Whether nobody answers there now."""
        return any(begins <= now < ends for begins, ends in self.dead)

    def of(self, number: str) -> Booking | None:
        """The booking of that number."""
        return next((each for each in self.bookings if each.number == number), None)


HOME = "home"


def VENDORS(hazards: frozenset[str] = frozenset()) -> list[Vendor]:  # noqa: N802 - reads as the list it is
    """One of each kind that a catalogue can tell apart."""
    words_settle_s = 45 if "settles by our clock" in hazards else None
    vendors = [
        Vendor(
            "refs", "CLIENT_REF", settles_s=1 if "settles too soon" in hazards else 60, lags_s=50, stops=True
        ),
        Vendor("lists", "LISTABLE", lags_s=300),
        Vendor("words", "LISTABLE", settles_s=words_settle_s, lags_s=40, by_words=True, stops=True),
        Vendor("fetch", "REFETCHABLE", at_once=True, settles_s=30, lags_s=25),
        Vendor("quick", "OPAQUE", at_once=True),
        Vendor("slow", "OPAQUE"),
        Vendor(HOME, "IDEMPOTENT", at_once=True, local=True),
    ]
    if "idempotent and paid" in hazards:
        vendors.append(Vendor("idem", "IDEMPOTENT", stops=True))
    return vendors


class VendorLine:
    """The line of one worker to one vendor, as the wire would hold it: its errors are the wire's errors."""

    def __init__(self, world: World, vendor: Vendor) -> None:
        self._world = world
        self._vendor = vendor
        self._strike = world.strike
        self._left = False

    @property
    def left(self) -> bool:
        """Whether a purchase is under way to the vendor."""
        return self._left

    # ── buying ─────────────────────────────────────────────────────────────────────────────────

    async def prepare(self, order: Order) -> Order:
        """An upload, which is free; now and then nobody is there to take it."""
        await self._world.takes(0.0, 0.5)
        if self._vendor.is_dead(self._world.loop.time()) or self._strike("no upload", 0.01):
            raise Unavailable(f"{self._vendor.id} cannot be reached.", charged=Money(0))
        return order

    async def start(self, order: Order) -> Pending | Done:
        """The paid request: up to the first byte it is nothing, after that only an answer tells."""
        world, vendor = self._world, self._vendor
        if vendor.local:
            return await self._make_here(order)
        await world.takes(0.0, 0.4)
        if vendor.is_dead(world.loop.time()):
            raise Unavailable(f"{vendor.id} cannot be reached.", charged=Money(0))
        if self._strike("resting", 0.01):
            raise Unavailable(f"{vendor.id} is left alone.", because="resting", charged=Money(0))
        self._left = True
        answer: asyncio.Future[dict[str, Any]] = world.loop.create_future()
        world.later(world.dice.uniform(0.05, 1.5), lambda: self._arrives(order, answer))
        try:
            async with asyncio.timeout(DEADLINE_S):
                told = await answer
        except TimeoutError:
            raise InDoubt(f"{vendor.id} did not answer within {DEADLINE_S:.0f} s.") from None
        except ConnectionError as cut:
            raise InDoubt(f"{vendor.id} may or may not have booked it: {cut}.") from None
        if not world.is_calm and world.dice.random() < 0.3:  # what came is not always on the disk by then
            await world.takes(0.0, 0.1)
            return self._read(order, told)
        self._keep(order, told)
        await world.takes(0.0, 0.1)
        return self._read(order, told)

    async def salvage(self, order: Order) -> Pending | Done | None:
        """The answer that lies on the desk."""
        await self._world.takes(0.0, 0.02)
        file = self._world.shelf.desk(order.id) / _ANSWER
        return self._read(order, json.loads(file.read_text()), again=True) if file.exists() else None

    # ── asking ─────────────────────────────────────────────────────────────────────────────────

    async def check(self, order: Order) -> Pending | Done:
        """One look at an order that has a receipt."""
        if self._vendor.local:
            return await self._make_here(order)
        await self._ask()
        receipt = dict(order.receipt or {})
        if self._strike("garbled", 0.02):
            raise Garbled("It makes no sense.")
        booking = self._vendor.of(str(receipt.get("id")))
        if booking is None:
            raise Forgotten("There is no such order.")
        return self._stands(booking)

    async def last_look(self, order: Order) -> Pending | Done:
        """One look at an order that was told to stop; some vendors then know nothing of it."""
        if not self._vendor.local:
            await self._ask()
            booking = self._vendor.of(str((order.receipt or {}).get("id")))
            if booking is not None and booking.stopped and self._vendor.id == "words":
                raise Forgotten("There is no such order any more.")
        return await self.check(order)

    async def find(self, order: Order) -> Pending | Done | Candidates | None:
        """What the list shows, which is not always all."""
        if self._vendor.recovery not in ("CLIENT_REF", "LISTABLE", "REFETCHABLE"):
            raise InDoubt(f"{self._vendor.id} cannot be asked for a lost order.")
        await self._ask()
        now = self._world.loop.time()
        shown = [each for each in self._vendor.bookings if each.listed_s <= now]
        if self._vendor.by_words:
            since = order.sent_at.timestamp() if order.sent_at else 0.0
            alike = [each for each in shown if each.order.prompt == order.prompt]
            found = [each for each in alike if self._world.utc_of(each.at_s).timestamp() >= since - 60]
        else:
            found = [each for each in shown if each.order.id == order.id]
        if len(found) > 1:
            return Candidates(tuple(each.number for each in found))
        if not found:
            return None
        self._strike("found again", 1.0)
        return self._stands(found[0])

    def receipt_for(self, order: Order, number: str) -> dict[str, Any]:
        """The receipt of what a person found there."""
        if self._vendor.at_once:
            raise BadRequest(f"{self._vendor.id} answers at once.")
        return {"id": number}

    async def cancel(self, order: Order) -> bool:
        """Asks the vendor to stop; it may charge for what it did so far."""
        if not self._vendor.stops:
            return False
        try:
            await self._ask()
        except AgentesError:
            return False
        booking = self._vendor.of(str((order.receipt or {}).get("id")))
        if booking is None:
            return False
        if booking.ready_s > self._world.loop.time() and booking.ends == "made":
            booking.stopped, booking.ends = True, "stopped"
            booking.charged = self._world.dice.choice([Money(0), Money(booking.price // 2), booking.price])
            booking.why_lost = "it was stopped"
            self._world.saw("stopped", booking.number, booking.charged)
        return True

    async def collect(self, order: Order, done: Done) -> Path:
        """Brings the file here; a file can be slow, and can be gone for good."""
        desk = self._world.shelf.desk(order.id)
        if isinstance(done.media, File):
            file = desk / done.media.name
            if not file.exists() and self._vendor.local:
                await self._make_here(order)
            elif not file.exists():
                again = await self._again(order)
                if again is None:
                    raise Failed(f"The answer of {self._vendor.id} is lost.", charged=None)
                file.write_bytes(again.media)
            return file
        await self._ask()
        assert isinstance(done.media, Link)
        booking = self._vendor.of(done.media.url)
        assert booking is not None, "a link leads to what was made"
        if self._strike("file is gone", 0.004):
            booking.why_lost = "the file is gone"
            raise Failed(f"{self._vendor.id} does not have the file any more.")
        part = desk / f"{_MEDIA}.part"
        part.write_bytes(b"wrong" if booking.ends == "bad file" else booking.media)
        await self._world.takes(0.1, 2.0)
        return part.replace(desk / _MEDIA)

    # ── the vendor's side ──────────────────────────────────────────────────────────────────────

    def _arrives(self, order: Order, answer: asyncio.Future[dict[str, Any]]) -> None:
        """The request is there: from here on it is the vendor's to book, refuse, lose, or forget to answer."""
        world, vendor = self._world, self._vendor
        vendor.requests += 1
        world.arrived(vendor, order)
        twin = next((b for b in vendor.bookings if b.order.id == order.id), None)
        if vendor.recovery == "IDEMPOTENT" and twin is not None:
            return self._say(answer, {"id": twin.number})
        if vendor.is_dead(world.loop.time()) or self._strike("request lost", 0.03):
            return self._cut(answer, "reset")
        for no, share in (("refused", 0.03), ("throttled", 0.03), ("no credit", 0.01), ("not taken", 0.02)):
            if self._strike(no, share):
                vendor.refusals[order.id] = no
                return self._say(answer, {"no": no})
        booking = self._book(order)
        if self._strike("answer lost", 0.08):
            return self._cut(answer, "reset after booking")
        if self._strike("answer late", 0.02):
            return self._say(answer, {"id": booking.number}, DEADLINE_S + world.dice.uniform(0, 100))
        pause_s = booking.ready_s - booking.at_s if vendor.at_once else world.dice.uniform(0.05, 1.0)
        return self._say(answer, {"id": booking.number}, pause_s)

    def _book(self, order: Order) -> Booking:
        world, vendor, now = self._world, self._vendor, self._world.loop.time()
        takes_s = world.dice.uniform(2, 20) if vendor.at_once else world.dice.uniform(5, 90)
        if self._strike("slow", 0.05) and not vendor.at_once:
            takes_s = world.dice.uniform(DEADLINE_S, 3 * DEADLINE_S)
        booking = Booking(
            number=f"{vendor.id}-{len(vendor.bookings) + 1}",
            order=order,
            at_s=now,
            ready_s=now + takes_s,
            price=order.price,
            charged=order.price if not self._strike("cheaper", 0.1) else Money(order.price * 9 // 10),
            listed_s=now + (0.0 if world.is_calm else world.dice.uniform(0, vendor.lags_s)),
        )
        if not vendor.at_once:
            self._decide(booking)
        vendor.bookings.append(booking)
        world.saw("booked", booking.number, order.id, booking.charged, booking.ends)
        return booking

    def _decide(self, booking: Booking) -> None:
        for end, share, charged in (
            ("failed for free", 0.04, Money(0)),
            ("failed and charged", 0.02, booking.price),
            ("refused after all", 0.02, Money(0)),
            ("shows nothing", 0.01, booking.price),
            ("bad file", 0.03, booking.charged),
        ):
            if self._strike(end, share):
                booking.ends, booking.charged, booking.why_lost = end, charged, end
                return

    def _stands(self, booking: Booking) -> Pending | Done:
        booking.looks += 1
        if self._world.loop.time() < booking.ready_s and booking.ends != "stopped":
            queued = self._strike("queued", 0.1)
            return Pending({"id": booking.number}, self._world.dice.uniform(2, 15), queued=queued)
        told = booking.charged if booking.looks % 4 else None
        match booking.ends:
            case "failed for free" | "failed and charged":
                raise Failed(f"{booking.number} failed.", charged=told)
            case "stopped":
                raise Failed(f"{booking.number} was stopped.", charged=told)
            case "refused after all":
                raise Refused(f"{booking.number} shows what may not be shown.", charged=told)
            case "shows nothing":
                return Pending({"id": booking.number}, 5.0, bare=True)
        link = File(_MEDIA) if self._vendor.at_once else Link(booking.number)
        return Done(link, cost=told)

    def _say(
        self, answer: asyncio.Future[dict[str, Any]], told: Mapping[str, Any], after_s: float = 0.1
    ) -> None:
        self._world.later(after_s, lambda: None if answer.done() else answer.set_result(dict(told)))

    def _cut(self, answer: asyncio.Future[dict[str, Any]], why: str) -> None:
        pause_s = self._world.dice.uniform(0, 5)
        self._world.later(
            pause_s, lambda: None if answer.done() else answer.set_exception(ConnectionError(why))
        )

    # ── our side of the answer ─────────────────────────────────────────────────────────────────

    def _keep(self, order: Order, told: Mapping[str, Any]) -> None:
        """The wire spools a paid answer to the order's desk before anybody reads it."""
        desk = self._world.shelf.desk(order.id)
        booking = self._vendor.of(str(told.get("id")))
        if self._vendor.at_once and booking is not None:
            (desk / _MEDIA).write_bytes(booking.media)
        (desk / _ANSWER).write_text(json.dumps(dict(told)))

    def _read(self, order: Order, told: Mapping[str, Any], *, again: bool = False) -> Pending | Done:
        match told.get("no"):
            case "refused":
                raise Refused("This may not be shown.", charged=Money(0))
            case "throttled" if again:
                raise Throttled("It asks for patience.", charged=Money(0))
            case "throttled":
                raise Unavailable("It asks for patience, again and again.", charged=Money(0))
            case "no credit":
                raise Unavailable("The purse is empty.", because="credit", charged=Money(0))
            case "not taken":
                raise Unavailable("It does not take this.", charged=Money(0))
        booking = self._vendor.of(told["id"])
        assert booking is not None
        if not self._vendor.at_once:
            return Pending({"id": booking.number}, self._world.dice.uniform(2, 15))
        if not (self._world.shelf.desk(order.id) / _MEDIA).exists():
            (self._world.shelf.desk(order.id) / _MEDIA).write_bytes(booking.media)
        return Done(File(_MEDIA), cost=booking.charged)

    async def _ask(self) -> None:
        """A free question, which may find nobody in."""
        await self._world.takes(0.05, 1.0)
        if self._vendor.is_dead(self._world.loop.time()) or self._strike("unreachable", 0.04):
            raise Unreachable(f"{self._vendor.id} cannot be asked.")
        if self._strike("busy", 0.02):
            raise Throttled(f"{self._vendor.id} is busy.")

    async def _again(self, order: Order) -> Booking | None:
        """The finished work once more, where the vendor keeps it."""
        if self._vendor.recovery != "REFETCHABLE":
            return None
        await self._ask()
        return next((each for each in self._vendor.bookings if each.order.id == order.id), None)

    async def _make_here(self, order: Order) -> Done:
        await self._world.takes(0.1, 3.0)
        (self._world.shelf.desk(order.id) / _MEDIA).write_bytes(f"draft for {order.id}".encode())
        return Done(File(_MEDIA), cost=Money(0))
