"""A worker's line to a simulated vendor, as the wire would hold it: its errors are the wire's errors."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim_vendors import DEADLINE_S, MEDIA, Booking, Clerk, Vendor

from agentes.contract import Candidates, Done, File, Forgotten, Link, MayLeave, Pending, at_any_time
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
from shared_knowledge.vocabulary import Money, Order

if TYPE_CHECKING:
    from sim_world import World

__all__ = ["VendorLine"]

_ANSWER = "answer.json"


class VendorLine:
    """The line of one worker to one vendor, as the wire would hold it: its errors are the wire's errors."""

    def __init__(self, world: World, vendor: Vendor) -> None:
        self._world = world
        self._vendor = vendor
        self._clerk = Clerk(world, vendor)
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

    async def start(self, order: Order, may_leave: MayLeave = at_any_time) -> Pending | Done:
        """The paid request: up to the first byte it is nothing, after that only an answer tells."""
        world, vendor = self._world, self._vendor
        if vendor.local:
            return await self._make_here(order)
        await world.takes(0.0, 0.4)
        if vendor.is_dead(world.loop.time()):
            raise Unavailable(f"{vendor.id} cannot be reached.", charged=Money(0))
        if self._strike("resting", 0.01):
            raise Unavailable(f"{vendor.id} is left alone.", because="resting", charged=Money(0))
        (world.shelf.desk(order.id) / _ANSWER).unlink(missing_ok=True)
        await may_leave()
        self._left = True
        answer: asyncio.Future[dict[str, Any]] = world.loop.create_future()
        world.later(world.dice.uniform(0.05, 1.5), lambda: self._clerk.arrives(order, answer))
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
        return self._clerk.stands(booking)

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
        return self._clerk.stands(found[0])

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
        part = desk / f"{MEDIA}.part"
        part.write_bytes(b"wrong" if booking.ends == "bad file" else booking.media)
        await self._world.takes(0.1, 2.0)
        return part.replace(desk / MEDIA)

    # ── our side of the answer ─────────────────────────────────────────────────────────────────

    def _keep(self, order: Order, told: Mapping[str, Any]) -> None:
        """The wire spools a paid answer to the order's desk before anybody reads it."""
        desk = self._world.shelf.desk(order.id)
        booking = self._vendor.of(str(told.get("id")))
        if self._vendor.at_once and booking is not None:
            (desk / MEDIA).write_bytes(booking.media)
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
        if not (self._world.shelf.desk(order.id) / MEDIA).exists():
            (self._world.shelf.desk(order.id) / MEDIA).write_bytes(booking.media)
        return Done(File(MEDIA), cost=booking.charged)

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
        (self._world.shelf.desk(order.id) / MEDIA).write_bytes(f"draft for {order.id}".encode())
        return Done(File(MEDIA), cost=Money(0))
