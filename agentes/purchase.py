"""One order on its way: from its reservation to its settlement, one written step at a time.

An order is taken up in whatever state it is found. That is why a run that was killed carries on
where it was: recovery is not a second path, it is this one.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path

from agentes.calling_off import call_off
from agentes.contract import Candidates, Done, Forgotten, Line, Pending
from agentes.media.shelf import disk_in_words
from agentes.search import SEARCHABLE, Nowhere, look_for
from agentes.steps import Steps, Workroom, answer_of
from shared_knowledge.errors import (
    BadRequest,
    Broken,
    Failed,
    Garbled,
    InDoubt,
    MissingSecret,
    Refused,
    TryAgain,
    TryElsewhere,
    Unavailable,
)
from shared_knowledge.platform_facts import Recovery
from shared_knowledge.vocabulary import Money, Order, OrderState

__all__ = ["Purchase", "Workroom", "answer_of"]

_STUMBLES_MOST = 4
_LINES_LAST = 6
_SENDINGS_MOST = 3
_BARE_LOOKS_MOST = 4
_BARE_S = 10.0

_log = logging.getLogger(__name__)


class Purchase:
    """Sees one order through; the only one who speaks to the platform about it."""

    def __init__(
        self,
        room: Workroom,
        line: Line,
        order: Order,
        accept: Callable[[Path, Order], Awaitable[float | None]],
    ) -> None:
        self._steps = Steps(room, line, order, accept)
        self._facts = self._steps.facts
        self._line = line
        self._room = room
        self._begun: datetime | None = None
        self._waited_s = 0.0
        self._queued_s = 0.0
        self._stumbles = 0
        self._bare = 0
        self._sendings = 0
        self._lost: InDoubt | None = None
        self._is_searched = False

    async def see_through(self, *, buys: bool = True) -> Order:
        """The order, settled; or the reason why it cannot be, with its money where it belongs.

        Unless it `buys`, an order that turns out not to be booked comes back as it was before its sending.
        """
        with self._room.at_it(self._order):
            return await self._see_through(buys=buys)

    async def _see_through(self, *, buys: bool) -> Order:
        while self._order.state is not OrderState.SETTLED:
            if self._order.state is OrderState.RESERVED and not buys:
                break
            try:
                with disk_in_words(f"{self._order.task} could not be written"):
                    await self._next()
            except InDoubt as doubt:
                await self._steps.hold(doubt)
                if not self._may_be_found:
                    raise
                self._lost = doubt
            except (TryElsewhere, TryAgain, Refused, Broken, BadRequest, MissingSecret) as error:
                await self._steps.give_up(error)
                raise
        return self._order

    async def call_off(self) -> Order:
        """Ends the order of a cancelled job as its vendor lets it end; its `why` then tells the person how."""
        return await call_off(self._steps)

    @property
    def _order(self) -> Order:
        return self._steps.order

    async def _next(self) -> None:
        """Takes the order one written step further, from whatever state it is found in."""
        match self._order.state:
            case OrderState.RESERVED:
                self._sendings += 1
                self._is_searched = False
                await self._steps.send()
                await self._begin_to_wait()
            case OrderState.SUBMITTED:
                await self._ask_how_it_stands()
            case OrderState.READY:
                await self._steps.fetch()
            case OrderState.STORED:
                await self._steps.settle()
            case OrderState.SENDING | OrderState.IN_DOUBT:
                await self._settle_doubt()
            case _:
                raise InDoubt(
                    f"Order {self._order.id} on {self._order.platform} waits for a person "
                    f"({self._order.why or self._order.state}).",
                    platform=self._order.platform,
                    todo="`agentes review` shows what is known.",
                )

    # ── waiting ────────────────────────────────────────────────────────────────────────────────

    async def _begin_to_wait(self) -> None:
        """What was never finished sooner is not looked at sooner."""
        if self._order.state is not OrderState.SUBMITTED:
            return
        self._begun = self._room.now()
        first_s = self._room.patience.first_look_s((self._order.platform, self._order.model))
        if first_s:
            await self._pass_time(first_s, hears=True)

    async def _ask_how_it_stands(self) -> None:
        """One look; where nothing can be seen or it is not done, some time passes before the next."""
        try:
            answer = await self._line.check(self._order)
        except TryAgain as trouble:
            self._stumbles += 1
            if self._stumbles > _STUMBLES_MOST:
                if isinstance(trouble, Garbled):
                    raise self._unclear(trouble) from None
                raise
            await self._pass_time(self._facts.look_again_s)
            return
        self._stumbles = 0
        if isinstance(answer, Done):
            if self._begun is not None:
                took_s = (self._room.now() - self._begun).total_seconds()
                self._room.patience.learn((self._order.platform, self._order.model), took_s)
            await self._steps.write_down(answer)
            return
        self._bare = self._bare + 1 if answer.bare else 0
        if self._bare >= _BARE_LOOKS_MOST:
            raise self._nothing_to_show()
        pause_s = max(answer.look_again_in_s, _BARE_S) if answer.bare else answer.look_again_in_s
        await self._pass_time(pause_s, at_work=not answer.queued, hears=not answer.bare)

    def _unclear(self, trouble: Garbled) -> InDoubt:
        return InDoubt(
            f"{trouble.what} It was asked {self._stumbles} times, and {self._order.price.short} stays set aside.",
            platform=self._order.platform,
            request_id=trouble.request_id,
            vendor_says=trouble.vendor_says,
            todo="`agentes resume` asks again; `agentes show` has what is known.",
        )

    def _nothing_to_show(self) -> Failed:
        """The vendor took the money and says that it is made."""
        order = self._order
        number = ", ".join(str(value)[:120] for value in (order.receipt or {}).values())
        failed = Failed(
            f"{order.platform} says {order.task} is made, and shows nothing after {self._bare} looks; "
            f"{order.price.short} is counted as lost.",
            platform=order.platform,
            todo=f"Ask {order.platform} for it, or for the money, by the number {number}.",
        )
        _log.warning("order %s: %s", order.id, failed.what)
        return failed

    async def _pass_time(self, seconds: float, *, at_work: bool = True, hears: bool = False) -> None:
        """Waits, until patience is over; then the vendor is asked to stop, and looked at once more.

        Standing in the vendor's line is not work, and is borne for longer; but nobody waits for ever.
        """
        patience_s = self._facts.deadline_s
        if self._waited_s <= patience_s and self._queued_s <= patience_s * _LINES_LAST:
            if hears:  # a hint ends no pause that stands between us and a verdict
                seconds = await self._room.pause(self._order, seconds)
            else:
                await self._room.wait(seconds)
            self._waited_s += seconds if at_work else 0
            self._queued_s += 0 if at_work else seconds
            return None
        answer = await self._last_look() if await self._line.cancel(self._order) else None
        if isinstance(answer, Done):
            return await self._steps.write_down(answer)
        raise InDoubt(
            f"{self._order.platform} was not done with {self._order.task} after {patience_s:.0f} s "
            f"of work; {self._order.price.short} stays set aside.",
            platform=self._order.platform,
            todo="`agentes resume` looks again: what is finished by then is taken, not bought again.",
        )

    async def _last_look(self) -> Pending | Done:
        """How the order stands after the vendor was told to stop; some then know nothing of it any more."""
        try:
            return await self._line.last_look(self._order)
        except Forgotten:
            raise Failed(
                f"{self._order.task} was stopped at {self._order.platform} after {self._facts.deadline_s:.0f} s; "
                f"what that took is not told, so {self._order.price.short} is counted.",
                platform=self._order.platform,
            ) from None

    # ── doubt ──────────────────────────────────────────────────────────────────────────────────

    @property
    def _may_be_found(self) -> bool:
        """Whether the answer to the last sending was lost, and what became of it was not looked for yet."""
        is_lost = self._order.state in {OrderState.SENDING, OrderState.IN_DOUBT} and not self._order.receipt
        return is_lost and not self._is_searched

    async def _settle_doubt(self) -> None:
        """What has a receipt is asked about, what came is read, what is free is done again; then it is looked for."""
        if self._order.receipt:
            return await self._steps.take_up()
        self._is_searched = True
        if not self._facts.local and await self._steps.salvage():
            return None
        if self._facts.recovery == Recovery.IDEMPOTENT and self._sendings < _SENDINGS_MOST:
            return await self._steps.again("interrupted while it was being made")
        if self._facts.recovery in SEARCHABLE:
            return await self._search()
        raise self._lost or self._nobody_knows()

    async def _search(self) -> None:
        found = await look_for(
            self._line,
            self._facts,
            self._order,
            alike=self._room.tracker.alike,
            wait=self._room.wait,
            now=self._room.now,
            just_lost=self._sendings > 0,
        )
        match found:
            case Pending() | Done():
                await self._steps.write_down(found)
            case Candidates():
                raise await self._steps.review(found)
            case Nowhere(proven=True) if self._sendings < _SENDINGS_MOST:
                await self._steps.again("its vendor never had it")
            case Nowhere(proven=True):
                raise Unavailable(
                    f"{self._order.platform} lost {self._order.task} {self._sendings} times, and booked none.",
                    platform=self._order.platform,
                    charged=Money(0),
                )
            case _:
                raise self._nobody_knows(" No list of its showed it, which proves nothing.")

    def _nobody_knows(self, more: str = "") -> InDoubt:
        order, lost = self._order, self._lost
        what = lost.what if lost else f"{order.platform} may or may not have booked order {order.id}."
        return InDoubt(
            f"{what}{more} {order.price.short} stays set aside.",
            platform=order.platform,
            request_id=lost.request_id if lost else "",
            todo="`agentes review` shows what is known and takes your decision.",
        )
