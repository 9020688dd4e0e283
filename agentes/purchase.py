"""One order on its way: from its reservation to its settlement, one written step at a time.

An order is taken up in whatever state it is found. That is why a run that was killed carries on
where it was: recovery is not a second path, it is this one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import TypeAdapter

from agentes.contract import Done, Line, Pending
from agentes.media.pictures import cut_to_shape, fit_picture
from agentes.media.shelf import Shelf, disk_in_words
from shared_knowledge.cost_tracker import CostTracker
from shared_knowledge.errors import (
    AgentesError,
    BadRequest,
    Broken,
    Failed,
    Garbled,
    InDoubt,
    MissingSecret,
    PlatformError,
    Refused,
    TryAgain,
    TryElsewhere,
)
from shared_knowledge.tariff import bill
from shared_knowledge.vocabulary import Money, Order, OrderState, VideoSpec

if TYPE_CHECKING:
    from shared_knowledge.catalogue import Catalogue

__all__ = ["Purchase", "Workroom", "answer_of"]

T = TypeVar("T")
_DONE = TypeAdapter(Done)
_STUMBLES_MOST = 4
_LISTS_LAG_S = 60.0
_LINES_LAST = 6
_SEARCHABLE = frozenset({"CLIENT_REF", "LISTABLE", "REFETCHABLE"})


@dataclass(frozen=True)
class Workroom:
    """What the three agents share: one catalogue, one CostTracker, one shelf, one switchboard.

    `bring` fetches a reference from an address, into a folder; `wait` lets time pass between two looks.
    """

    catalogue: Catalogue
    tracker: CostTracker
    shelf: Shelf
    connect: Callable[[str], AbstractAsyncContextManager[Line]]
    bring: Callable[[str, Path], Awaitable[Path]]
    wait: Callable[[float], Awaitable[None]] = asyncio.sleep


class Purchase:
    """Sees one order through; the only one who speaks to the platform about it."""

    def __init__(
        self, room: Workroom, line: Line, order: Order, accept: Callable[[Path, Order], Awaitable[None]]
    ) -> None:
        self._tracker = room.tracker
        self._shelf = room.shelf
        self._wait = room.wait
        self._facts = room.catalogue.platform(order.platform)
        self._model = self._facts.model(order.model)
        self._line = line
        self._accept = accept
        self._order = order
        self._waited_s = 0.0
        self._queued_s = 0.0
        self._stumbles = 0
        self._searched = False

    async def see_through(self) -> Order:
        """The order, settled; or the reason why it cannot be, with its money where it belongs."""
        while self._order.state is not OrderState.SETTLED:
            try:
                with disk_in_words(f"{self._order.task} could not be written"):
                    self._order = await self._next()
            except InDoubt as doubt:
                await self._hold(doubt)
                if not self._may_search:
                    raise
            except (TryElsewhere, TryAgain, Refused, Broken, BadRequest, MissingSecret) as error:
                await self._give_up(error)
                raise
        return self._order

    async def _next(self) -> Order:
        """Takes the order one written step further, from whatever state it is found in."""
        order = self._order
        match order.state:
            case OrderState.RESERVED:
                prepared = await self._line.prepare(await self._fitted(order))
                return await self._unhurried(self._send(prepared))
            case OrderState.SUBMITTED:
                return await self._ask_how_it_stands()
            case OrderState.READY:
                return await self._fetch()
            case OrderState.STORED:
                self._shelf.clear(order.id)
                return await self._tracker.settle(order, self._charged())
            case OrderState.SENDING | OrderState.IN_DOUBT:
                return await self._settle_doubt()
            case _:
                raise InDoubt(
                    f"Order {order.id} on {order.platform} waits for a person ({order.why or order.state}).",
                    platform=order.platform,
                    todo="`agentes review` shows what is known.",
                )

    async def _fitted(self, order: Order) -> Order:
        """The order with its pictures as the platform takes them, the first of a clip in the clip's own shape."""
        limits = self._facts.pictures
        if limits is None or not order.inputs:
            return order
        desk = self._shelf.desk(order.id)
        pictures, warnings = [Path(name) for name in order.inputs], order.warnings
        if isinstance(order.spec, VideoSpec):
            shaped = await cut_to_shape(pictures[0], order.spec.aspect_ratio, desk)
            if shaped != pictures[0]:
                warnings += (
                    f"{pictures[0].name} was cut to {order.spec.aspect_ratio}, the shape of the clip.",
                )
                pictures[0] = shaped
        fitted = [str(await fit_picture(picture, limits, desk)) for picture in pictures]
        return order.model_copy(update={"inputs": tuple(fitted), "warnings": warnings})

    async def _send(self, prepared: Order) -> Order:
        self._order = await self._tracker.sending(prepared)
        return await self._write_down(await self._line.start(self._order))

    async def _write_down(self, answer: Pending | Done) -> Order:
        if isinstance(answer, Pending):
            return await self._tracker.started(self._order, answer.receipt)
        return await self._tracker.ready(self._order, {"done": _DONE.dump_python(answer, mode="json")})

    async def _ask_how_it_stands(self) -> Order:
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
            return self._order
        self._stumbles = 0
        if isinstance(answer, Done):
            return await self._write_down(answer)
        await self._pass_time(answer.look_again_in_s, at_work=not answer.queued)
        return self._order

    def _unclear(self, trouble: Garbled) -> InDoubt:
        return InDoubt(
            f"{trouble.what} It was asked {self._stumbles} times, and {self._order.price.short} stays set aside.",
            platform=self._order.platform,
            request_id=trouble.request_id,
            vendor_says=trouble.vendor_says,
            todo="`agentes resume` asks again; `agentes show` has what is known.",
        )

    async def _pass_time(self, seconds: float, *, at_work: bool = True) -> None:
        """Waits, until patience is over; then the vendor is asked to stop, and looked at once more.

        Standing in the vendor's line is not work, and is borne for longer; but nobody waits for ever.
        """
        patience_s = self._facts.deadline_s
        if self._waited_s <= patience_s and self._queued_s <= patience_s * _LINES_LAST:
            self._waited_s += seconds if at_work else 0
            self._queued_s += 0 if at_work else seconds
            return await self._wait(seconds)
        answer = await self._last_look() if await self._line.cancel(self._order) else None
        if isinstance(answer, Done):
            self._order = await self._write_down(answer)
            return None
        raise InDoubt(
            f"{self._order.platform} was not done with {self._order.task} after {self._facts.deadline_s:.0f} s "
            f"of work; {self._order.price.short} stays set aside.",
            platform=self._order.platform,
            todo="`agentes resume` looks again: what is finished by then is taken, not bought again.",
        )

    async def _last_look(self) -> Pending | Done:
        """How the order stands after the vendor was told to stop; some then know nothing of it any more."""
        try:
            return await self._line.check(self._order)
        except InDoubt:
            raise Failed(
                f"{self._order.task} was stopped at {self._order.platform} after {self._facts.deadline_s:.0f} s; "
                f"what that took is not told, so {self._order.price.short} is counted.",
                platform=self._order.platform,
            ) from None

    async def _fetch(self) -> Order:
        path = await self._line.collect(self._order, answer_of(self._order))
        await self._accept(path, self._order)
        stored = await asyncio.to_thread(self._shelf.put, path)
        return await self._tracker.stored(self._order, Path(stored.path).name)

    async def _settle_doubt(self) -> Order:
        """What has a receipt is asked about, what is free is done again; the rest keeps its money set aside."""
        order = self._order
        if self._facts.recovery == "IDEMPOTENT":
            return await self._tracker.again(order, "interrupted while it was being made")
        if order.state is OrderState.IN_DOUBT and order.receipt:
            return await self._tracker.started(order, order.receipt)
        if self._may_search:
            self._searched = True
            found = await self._search()
            if found is not None:
                return await self._write_down(found)
        raise InDoubt(
            f"{order.platform} may or may not have booked order {order.id}; {order.price.short} stays set aside.",
            platform=order.platform,
            todo="`agentes review` shows what is known and takes your decision.",
        )

    @property
    def _may_search(self) -> bool:
        """Whether the vendor can be asked for an order whose answer was lost, and was not asked yet."""
        lost = self._order.state in {OrderState.SENDING, OrderState.IN_DOUBT} and not self._order.receipt
        return lost and self._facts.recovery in _SEARCHABLE and not self._searched

    async def _search(self) -> Pending | Done | None:
        """The lost order as the vendor knows it, looked for twice: a list may lag behind the purchase."""
        for pause_s in (0.0, _LISTS_LAG_S):
            await self._wait(pause_s)
            try:
                found = await self._line.find(self._order)
            except TryAgain:
                continue  # what cannot be asked now is not thereby known
            if found is not None:
                return found
        return None

    async def _hold(self, doubt: InDoubt) -> None:
        """Keeps the money of an order set aside until somebody knows."""
        if self._order.state in {OrderState.SENDING, OrderState.SUBMITTED}:
            self._order = await self._tracker.doubt(self._order, str(doubt))

    async def _give_up(self, error: AgentesError) -> None:
        """Ends a failed order at what it cost; where only we are in trouble, a paid one is carried on later."""
        order = self._order
        sent = not self._facts.local and order.state is not OrderState.RESERVED
        ours = isinstance(error, Broken | TryAgain)
        if order.state.over or order.state is OrderState.STORED:
            return
        if sent and ours and order.state in {OrderState.SUBMITTED, OrderState.READY, OrderState.IN_DOUBT}:
            return
        if sent and order.state is OrderState.SENDING and isinstance(error, Broken):
            await self._tracker.doubt(order, str(error))
            return
        self._shelf.clear(order.id)
        taken = self._taken(error) if sent else Money(0)
        if taken:
            await self._tracker.write_off(order, taken, str(error))
        else:
            await self._tracker.drop(order, str(error))

    def _taken(self, error: AgentesError) -> Money:
        """What a failure cost: what the vendor says, else nothing at the door and the whole price behind it."""
        if self._order.state is OrderState.READY:
            return self._charged()
        if isinstance(error, PlatformError) and error.charged is not None:
            return error.charged
        at_the_door = self._order.state is OrderState.SENDING and isinstance(error, TryAgain)
        return Money(0) if at_the_door else self._order.price

    def _charged(self) -> Money:
        """What the vendor says a finished order cost, or what it counted comes to; else its price."""
        done = answer_of(self._order)
        if done.cost is not None:
            return done.cost
        counted = (
            bill(self._model, done.used, datetime.now(UTC).date()) if done.used and self._model else None
        )
        return self._order.price if counted is None else counted

    async def _unhurried(self, step: Coroutine[Any, Any, T]) -> T:
        """Sees a paid sending through its receipt although the run is being cancelled."""
        if self._facts.local:
            return await step
        sending = asyncio.ensure_future(step)
        try:
            return await asyncio.shield(sending)
        except asyncio.CancelledError:
            if not self._line.left:
                sending.cancel()  # nothing is under way, so nothing need be bought any more
            await asyncio.wait([sending], timeout=self._facts.deadline_s)
            await self._book_the_end_of(sending)
            raise

    async def _book_the_end_of(self, sending: asyncio.Future[Any]) -> None:
        """Writes down what became of a sending that nobody waits for any more."""
        if not sending.done():
            return
        if sending.cancelled():
            if not self._line.left:
                await self._take_back()
            return
        error = sending.exception()
        if isinstance(error, InDoubt):
            await self._hold(error)
        elif isinstance(error, AgentesError):
            await self._give_up(error)

    async def _take_back(self) -> None:
        """An order that was written down as sent, and provably never left, is where it was before."""
        order = self._order
        latest = next(o for o in await self._tracker.orders_of(order.job, order.task) if o.id == order.id)
        if latest.state is OrderState.SENDING:
            await self._tracker.again(latest, "stopped before it left")


def answer_of(order: Order) -> Done:
    """The answer that said an order is made."""
    return _DONE.validate_python((order.receipt or {})["done"])
