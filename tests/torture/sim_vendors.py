"""Vendors that live in virtual time: they take orders and lose answers, lag, fail, refuse, die for minutes.

Each keeps a book of what it was truly paid for. That book is the witness against our ledger; nothing in
the product can look into it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from agentes.contract import Done, File, Link, Pending
from shared_knowledge.errors import (
    Failed,
    Refused,
)
from shared_knowledge.platform_facts import Platform
from shared_knowledge.vocabulary import Money, Order

if TYPE_CHECKING:
    from sim_world import World

__all__ = ["DEADLINE_S", "HOME", "MEDIA", "VENDORS", "Booking", "Clerk", "Vendor"]

MEDIA = "media.png"
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


class Clerk:
    """The vendor's side of the conversation: takes an order or not, loses it or not, and says how it stands."""

    def __init__(self, world: World, vendor: Vendor) -> None:
        self._world = world
        self._vendor = vendor
        self._strike = world.strike

    def arrives(self, order: Order, answer: asyncio.Future[dict[str, Any]]) -> None:
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

    def stands(self, booking: Booking) -> Pending | Done:
        """What is told about a booking to whoever asks; now and then the price is not."""
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
        link = File(MEDIA) if self._vendor.at_once else Link(booking.number)
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
