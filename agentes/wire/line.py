"""The line to a platform: an adapter, joined by the wire to its vendor, as the engine wants it.

Here the wire keeps its promises towards the engine. One purchase is one request. What an adapter cannot
read is in doubt, or asked again. And no error comes out that is not one of ours.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, NoReturn, TypeVar, cast

from pydantic import JsonValue

from agentes.contract import (
    Body,
    Candidates,
    Done,
    Forgotten,
    LinkExpired,
    MayLeave,
    Pending,
    Standing,
    at_any_time,
)
from agentes.contract import Platform as Adapter
from agentes.wire.asking import REVIEW, Asking
from agentes.wire.client import Http, Manners
from agentes.wire.clock import Clock
from agentes.wire.collecting import AnswerLost, bring
from agentes.wire.errand import Desks, Errand
from agentes.wire.kept import Kept
from agentes.wire.once import Call, Kind
from agentes.wire.replay import Replay
from agentes.wire.verdict import Gone, Unknown
from shared_knowledge.errors import (
    BadRequest,
    Broken,
    InDoubt,
    PlatformError,
    Refused,
    TryAgain,
    TryElsewhere,
    Unavailable,
    Unreachable,
    Unsuitable,
)
from shared_knowledge.vocabulary import Money, Order

__all__ = ["WireLine"]

T = TypeVar("T")
_NUMBER = re.compile(r"(?:[A-Za-z0-9_-][A-Za-z0-9._:-]{0,127}/?){1,24}")

_RESUME = "`agentes resume` asks again."

_log = logging.getLogger(__name__)


class WireLine:
    """Joins an adapter to its platform and to the desk of each order."""

    def __init__(
        self,
        adapter: Adapter,
        http: Http,
        manners: Manners,
        desks: Desks,
        *,
        mask: Callable[[str], str],
        clock: Clock,
    ) -> None:
        self._adapter = adapter
        self._http = http
        self._facts = http.facts
        self._circuit = manners.circuit
        self._asking = Asking(http.facts, manners.circuit, mask)
        self._desks = desks
        self._purchase: Call | None = None
        self._mask = mask
        self._clock = clock

    async def prepare(self, order: Order) -> Order:
        """Does what is free and may be repeated, before the order is written down as sent."""
        prepare = getattr(self._adapter, "prepare", None)
        if prepare is None:
            return order
        try:
            return await self._ask(self._errand("prepare", order), prepare, order)
        except TryAgain as tired:
            self._go_elsewhere(tired)

    async def start(self, order: Order, may_leave: MayLeave = at_any_time) -> Pending | Done:
        """Buys the order with exactly one request; InDoubt if it may have been booked and nothing says so.

        What would be repeated in vain becomes Unavailable: nothing was booked, another platform may do it.
        """
        try:
            errand = self._errand("start", order)
        except (OSError, Broken) as trouble:  # not even a desk could be made for it
            raise Unreachable(
                f"{trouble} Nothing was sent.", platform=self._facts.id, todo="Free some space."
            ) from None
        self._purchase = errand.call
        errand.call.may_leave = may_leave
        try:
            answer = await self._ask(errand, self._adapter.start, order)
        except TryAgain as tired:
            self._go_elsewhere(tired)
        except PlatformError as error:
            if not errand.call.left and error.charged is None:
                error.charged = Money(0)
            raise
        except Broken as broken:
            if errand.call.left:
                raise
            raise Unreachable(
                f"{broken.what} Nothing was sent.", platform=self._facts.id, todo=broken.todo
            ) from None
        if not errand.call.sent:
            raise Unsuitable(
                f"The adapter of {self._facts.id} bought nothing.", platform=self._facts.id, charged=Money(0)
            )
        return self._seen_to_be_media(errand, answer)

    async def salvage(self, order: Order) -> Pending | Done | None:
        """The answer to the purchase, if it came and lies on the desk; read again, and nothing is sent.

        TryAgain says that nothing was booked by that answer. Of one that was cut off, a receipt is all that counts.
        """
        kept = await asyncio.to_thread(Kept.on, self._desks.desk(order.id))
        if kept is None:
            return None
        errand = self._errand("start", order)
        errand.call.left = True
        http = self._http.reading(errand.call, Replay(kept))
        try:
            answer = await self._asking.ask(errand.call, http, self._adapter.start, kept.as_sent(order))
        except (PlatformError, Broken) as error:
            if kept.head.cut or isinstance(error, Broken) or not errand.call.sent:
                _log.info("the answer to order %s could not be read again: %s", order.id, error.what)
                return None
            raise
        if kept.head.cut:
            return answer if isinstance(answer, Pending) else None
        return self._seen_to_be_media(errand, answer) if errand.call.sent else None

    def _seen_to_be_media(self, errand: Errand, answer: Pending | Done) -> Pending | Done:
        if isinstance(answer, Done) and answer.media == Body() and not errand.brought_a_file():
            raise self._asking.unreadable(errand.call, "it is no picture, clip or sound")
        return answer

    @property
    def left(self) -> bool:
        """Whether a purchase is under way to the vendor, so that nobody may let go of it now."""
        return self._purchase is not None and self._purchase.left

    async def check(self, order: Order) -> Pending | Done:
        """Asks once how a started order stands; a platform that is left alone is asked when its rest is over."""
        return await self._look("check", order)

    async def last_look(self, order: Order) -> Pending | Done:
        """As `check`, after the vendor was told to stop: Forgotten at once where nothing is known of it any more."""
        return await self._look("last_look", order)

    async def _look(self, kind: Kind, order: Order) -> Pending | Done:
        order = order.model_copy(update={"receipt": _receipt(order)})
        errand = self._errand(kind, order)
        try:
            answer = await self._ask(errand, self._adapter.check, order)
        except (Gone, Unknown) as unknown:
            raise self._doubt(order, unknown, Forgotten) from None
        except (TryElsewhere, Refused) as error:
            if isinstance(error, Unavailable) and error.because == "resting":
                rest_s = max(1.0, self._circuit.resting_s)
                return Pending(order.receipt or {}, look_again_in_s=rest_s, queued=True)
            # A status question holds no content that could be refused.
            if isinstance(error, Refused) or self._is_about_the_order(error, errand):
                raise
            raise self._doubt(order, error) from None
        return await errand.kept(answer)

    async def find(self, order: Order) -> Pending | Done | Candidates | None:
        """Asks for an order whose answer was lost; None if the list lacks it, InDoubt if nobody can be asked."""
        find = getattr(self._adapter, "find", None)
        if find is None:
            raise InDoubt(
                f"{self._facts.name} cannot be asked for a lost order.", platform=self._facts.id, todo=REVIEW
            )
        errand = self._errand("find", order)
        try:
            answer = await self._ask(errand, find, order)
        except (TryElsewhere, Refused) as error:
            if self._is_about_the_order(error, errand):
                raise
            raise Unreachable(error.what, platform=self._facts.id, todo=error.todo) from None
        return None if answer is None else await errand.kept(answer)

    @staticmethod
    def _is_about_the_order(error: PlatformError, errand: Errand) -> bool:
        """Whether the vendor spoke about the order, and not about our question or our key."""
        answered = errand.call.answer is not None and errand.call.answer.is_success
        return error.charged is not None or (answered and not isinstance(error, Unavailable))

    async def collect(self, order: Order, done: Done) -> Path:
        """Brings the finished media to this machine; free, and repeatable.

        A link that has expired and an answer that was lost are asked for once more, where that is free.
        """
        try:
            return await self._bring(order, done)
        except (LinkExpired, AnswerLost) as lost:
            try:
                again = await self._once_more(order)
            except Forgotten:
                again = None
            if again is None:
                raise lost from None
        except Unavailable as shut:  # the key, not the file: it waits where it is
            raise Unreachable(shut.what, platform=self._facts.id, todo=_RESUME) from None
        if isinstance(again, Pending):
            raise Unreachable(
                f"{self._facts.name} does not say now where the file is.",
                platform=self._facts.id,
                todo=_RESUME,
            )
        return await self._bring(order, again)

    def receipt_for(self, order: Order, number: str) -> dict[str, JsonValue]:
        """The receipt of an order that a person found at the vendor's; BadRequest where there is none."""
        receipt_for = getattr(self._adapter, "receipt_for", None)
        if receipt_for is None:
            raise BadRequest(
                f"{self._facts.name} answers at once, so nothing waits there to be adopted.",
                todo="Decide never-charged, charged-and-lost or buy-again.",
            )
        if not _NUMBER.fullmatch(number):
            raise BadRequest(f"{number[:60]!r} is no number that {self._facts.name} gives to its work.")
        return cast("dict[str, JsonValue]", receipt_for(order, number))

    async def cancel(self, order: Order) -> bool:
        """Asks the vendor to stop; False where nobody can be asked, or nobody answers."""
        cancel = getattr(self._adapter, "cancel", None)
        if cancel is None:
            return False
        try:
            await self._ask(self._errand("cancel", order), cancel, order)
        except PlatformError as error:
            _log.info("%s did not take the cancellation of %s: %s", self._facts.id, order.id, error.what)
            return False
        return True

    async def standing(self) -> Standing | None:
        """How our key stands at the vendor's; None where that cannot be asked free of charge."""
        standing = getattr(self._adapter, "standing", None)
        if standing is None:
            return None
        return cast(Standing, await self._ask(self._errand("standing", None), standing))

    def _errand(self, kind: Kind, order: Order | None) -> Errand:
        may_bring_media = order is not None and kind in ("start", "check", "last_look", "find")
        desk = self._desks.desk(order.id) if order is not None and may_bring_media else None
        return Errand(kind, order, desk, self._facts.medium)

    async def _ask(self, errand: Errand, ask: Callable[..., Awaitable[T]], *order: Order) -> T:
        return await self._asking.ask(errand.call, self._http.client(errand.call), ask, *order)

    def _go_elsewhere(self, tired: TryAgain) -> NoReturn:
        raise Unavailable(
            tired.what,
            platform=self._facts.id,
            request_id=tired.request_id,
            vendor_says=tired.vendor_says,
            todo=tired.todo,
            charged=tired.charged or Money(0),
        ) from None

    def _doubt(self, order: Order, why: PlatformError, kind: type[InDoubt] = InDoubt) -> InDoubt:
        return kind(
            f"Order {order.id} was bought, but how it stands cannot be asked: {why.what}",
            platform=self._facts.id,
            request_id=why.request_id,
            vendor_says=why.vendor_says,
            todo=f"{why.todo} {_RESUME}".strip(),
        )

    async def _bring(self, order: Order, done: Done) -> Path:
        try:
            desk = self._desks.desk(order.id)
            return await bring(done, desk, self._http, mask=self._mask, clock=self._clock)
        except PlatformError as error:
            raise self._asking.complete(error) from None

    async def _once_more(self, order: Order) -> Pending | Done | None:
        """The same finished work, told again, if the vendor can be asked."""
        if _receipt(order) and hasattr(self._adapter, "check"):
            return await self.check(order)
        found = await self.find(order) if hasattr(self._adapter, "find") else None
        return None if isinstance(found, Candidates) else found


def _receipt(order: Order) -> dict[str, Any]:
    """What the vendor gave, without what the engine noted beside it."""
    return {name: value for name, value in (order.receipt or {}).items() if name != "done"}
