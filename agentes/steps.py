"""The steps of one order: each asks its vendor or the disk for one thing, and writes down what came of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import TypeAdapter

from agentes.contract import LEAVES_WITHIN_S, Candidates, Done, Line, Pending
from agentes.media.pictures import cut_to_shape, fit_picture
from agentes.media.shelf import Shelf
from agentes.waiting import WaitingDesk
from agentes.wire.patience import Patience
from shared_knowledge.cost_tracker import CostTracker
from shared_knowledge.errors import (
    AgentesError,
    Broken,
    Failed,
    InDoubt,
    PlatformError,
    TryAgain,
    Unreachable,
)
from shared_knowledge.tariff import bill
from shared_knowledge.vocabulary import Money, Order, OrderState, VideoSpec

if TYPE_CHECKING:
    from shared_knowledge.catalogue import Catalogue

__all__ = ["Steps", "Workroom", "answer_of"]

T = TypeVar("T")
_DONE = TypeAdapter(Done)
_MUCH_MORE = 11  # tenths of the price

_log = logging.getLogger(__name__)


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Workroom:
    """What the three agents share: one catalogue, one CostTracker, one shelf, one switchboard.

    `bring` fetches a reference from an address, into a folder; `wait` lets time pass between two looks;
    `desk`, if there is one, hears when a vendor says that it may be time for the next, at an address below
    `hooks_at`; `patience` knows when a first look is worth its price.
    """

    catalogue: Catalogue
    tracker: CostTracker
    shelf: Shelf
    connect: Callable[[str], AbstractAsyncContextManager[Line]]
    bring: Callable[[str, Path], Awaitable[Path]]
    wait: Callable[[float], Awaitable[None]] = asyncio.sleep
    now: Callable[[], datetime] = _utc_now
    desk: WaitingDesk | None = None
    hooks_at: str | None = None
    patience: Patience = field(default_factory=Patience)

    def at_it(self, order: Order) -> AbstractContextManager[None]:
        """Says that somebody sees to an order while this is open."""
        return nullcontext() if self.desk is None else self.desk.at_it(order)

    async def pause(self, order: Order, seconds: float) -> float:
        """Lets time pass before the next look at an order; a hint may end it early. How many seconds passed."""
        if self.desk is not None:
            return await self.desk.pause(order, seconds)
        await self.wait(seconds)
        return seconds


class Steps:
    """What can be done with an order; `order` is how it stands."""

    def __init__(
        self,
        room: Workroom,
        line: Line,
        order: Order,
        accept: Callable[[Path, Order], Awaitable[float | None]],
    ) -> None:
        self.room = room
        self.facts = room.catalogue.platform(order.platform)
        self.line = line
        self.order = order
        self._tracker = room.tracker
        self._shelf = room.shelf
        self._accept = accept

    # ── buying ─────────────────────────────────────────────────────────────────────────────────

    async def send(self) -> None:
        """Prepares the order, writes down that it is being sent, and sends it."""
        prepared = await self.line.prepare(await self._fitted(await self._at_hand(self.order)))
        await self._unhurried(self._send(self._with_a_way_back(prepared)))

    async def salvage(self) -> bool:
        """Takes up the answer that lies here, if one does; what proves that nothing was booked frees the order."""
        try:
            answer = await self.line.salvage(self.order)
        except TryAgain as refusal:
            await self.again(f"it was turned away: {refusal.what}")
            return True
        except InDoubt:
            return False
        if answer is None:
            return False
        await self.write_down(answer)
        return True

    async def write_down(self, answer: Pending | Done) -> None:
        """Keeps a receipt, or where the finished media wait."""
        if isinstance(answer, Pending):
            self.order = await self._tracker.started(self.order, answer.receipt)
            return
        done = self._with_an_eye_on_the_bill(answer)
        self.order = await self._tracker.ready(self.order, {"done": _DONE.dump_python(done, mode="json")})

    async def take_up(self) -> None:
        """An order that was in doubt and has a receipt is one that can be asked about."""
        receipt = self.order.receipt or {}
        if "done" in receipt:
            self.order = await self._tracker.ready(self.order, {})
        else:
            self.order = await self._tracker.started(self.order, receipt)

    async def again(self, why: str) -> None:
        """Puts an order that provably was not booked, or is free to repeat, back before its sending."""
        self.order = await self._tracker.again(self.order, why)

    # ── ending well ────────────────────────────────────────────────────────────────────────────

    async def in_time(self, answer: Awaitable[T], most_s: float) -> T:
        """What is awaited, or Unreachable if it takes longer than that."""
        try:
            async with asyncio.timeout(most_s):
                return await answer
        except TimeoutError:
            what = f"{self.order.platform} did not answer within {most_s:.0f} s."
            raise Unreachable(what, platform=self.order.platform) from None

    async def fetch(self, most_s: float | None = None) -> None:
        """Brings the media here and puts them on the shelf; a file that is lost for good is not bought again."""
        collecting = self.line.collect(self.order, answer_of(self.order))
        try:
            path = await (collecting if most_s is None else self.in_time(collecting, most_s))
        except Failed as lost:
            await self.give_up(lost)
            raise Unreachable(
                f"{lost.what} {(self.order.cost or Money(0)).short} was charged for {self.order.task}.",
                platform=self.order.platform,
                request_id=lost.request_id,
                todo="Nothing is bought in its place unless you ask for it.",
            ) from None
        lasts_s = await self._accept(path, self.order)
        stored = await asyncio.to_thread(self._shelf.put, path)
        self.order = await self._tracker.stored(self.order, Path(stored.path).name, lasts_s)

    async def settle(self) -> None:
        """Books what it cost, and clears its desk."""
        self._shelf.clear(self.order.id)
        self.order = await self._tracker.settle(self.order, self.charged(answer_of(self.order)))

    # ── ending otherwise ───────────────────────────────────────────────────────────────────────

    async def hold(self, doubt: InDoubt) -> None:
        """Keeps the money of an order set aside until somebody knows."""
        if self.order.state in {OrderState.SENDING, OrderState.SUBMITTED}:
            self.order = await self._tracker.doubt(self.order, str(doubt))

    async def review(self, candidates: Candidates) -> InDoubt:
        """Hands the order to a person, with the works of which it may be one; gives the words for it."""
        platform, numbers = self.order.platform, ", ".join(candidates.numbers[:10])
        several = len(candidates.numbers) > 1
        works = f"{len(candidates.numbers)} works there could be it" if several else "one there may be it"
        doubt = InDoubt(
            f"Order {self.order.id} was lost on its way back from {platform}, and {works}: {numbers}.",
            platform=platform,
            vendor_says=numbers,
            todo="Look at them there; `agentes review` takes your decision.",
        )
        await self.hold(doubt)
        self.order = await self._tracker.review(self.order, doubt.what)
        return doubt

    async def give_up(self, error: AgentesError) -> None:
        """Ends a failed order at what it cost; where only we are in trouble, a paid one is carried on later."""
        order = self.order
        sent = not self.facts.local and order.state is not OrderState.RESERVED
        ours = isinstance(error, Broken | TryAgain)
        if order.state.over or order.state is OrderState.STORED:
            return
        if sent and ours and order.state in {OrderState.SUBMITTED, OrderState.READY, OrderState.IN_DOUBT}:
            return
        if sent and order.state is OrderState.SENDING and isinstance(error, Broken):
            self.order = await self._tracker.doubt(order, str(error))
            return
        taken = self._taken(error) if sent else Money(0)
        if taken:
            self.order = await self._tracker.write_off(order, taken, str(error))
        else:
            self.order = await self._tracker.drop(order, str(error))
        self._shelf.clear(order.id)  # not before: the answer that lies there is what proves it

    async def cancel(self, why: str) -> None:
        """Ends an order that was never sent, or made here for nothing."""
        verb = self._tracker.cancel if self.order.state is OrderState.RESERVED else self._tracker.drop
        self._shelf.clear(self.order.id)
        self.order = await verb(self.order, why)

    # ── what it cost ───────────────────────────────────────────────────────────────────────────

    def charged(self, done: Done) -> Money:
        """What the vendor says a finished order cost, or what it counted comes to; else its price."""
        if done.cost is not None:
            return done.cost
        model = self.facts.model(self.order.model)
        counted = bill(model, done.used, self.room.now().date()) if done.used and model else None
        return self.order.price if counted is None else counted

    def _taken(self, error: AgentesError) -> Money:
        """What a failure cost: what the vendor says, else nothing at the door and the whole price behind it."""
        if self.order.state is OrderState.READY:
            return self.charged(answer_of(self.order))
        if isinstance(error, PlatformError) and error.charged is not None:
            return error.charged
        at_the_door = self.order.state is OrderState.SENDING and isinstance(error, TryAgain)
        return Money(0) if at_the_door else self.order.price

    def _with_an_eye_on_the_bill(self, done: Done) -> Done:
        """The same, with a warning where much more was charged than was expected."""
        charged, price = self.charged(done), self.order.price
        if charged * 10 <= price * _MUCH_MORE:
            return done
        more = (
            f"{(charged - price) / price:.0%} more than the {price.short} expected"
            if price
            else "and nothing was expected"
        )
        warning = f"{self.order.platform} charged {charged.short}, {more}."
        _log.warning("order %s: %s", self.order.id, warning)
        return replace(done, warnings=(*done.warnings, warning))

    # ── sending ────────────────────────────────────────────────────────────────────────────────

    async def _at_hand(self, order: Order) -> Order:
        """The order with the files it works from on this machine, wherever they were made."""
        if not order.inputs or not self._shelf.is_shared:
            return order
        inputs = [str(await asyncio.to_thread(self._shelf.here, name)) for name in order.inputs]
        return order.model_copy(update={"inputs": tuple(inputs)})

    async def _fitted(self, order: Order) -> Order:
        """The order with its pictures as the platform takes them, the first of a clip in the clip's own shape."""
        limits = self.facts.pictures
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

    def _with_a_way_back(self, prepared: Order) -> Order:
        """The order with the address at which its vendor may call us, where both of us can."""
        if not self.room.hooks_at or self.facts.local or self.facts.hooks is None:
            return prepared
        hook = f"{self.room.hooks_at}/{prepared.platform}"
        return prepared.model_copy(update={"prepared": {**prepared.prepared, "hook": hook}})

    async def _send(self, prepared: Order) -> None:
        clock = asyncio.get_running_loop().time
        noted_s = clock()
        self.order = await self._tracker.sending(prepared)

        async def may_leave() -> None:
            """Whoever was held up, or stood still, asks whether the order is still his: somebody may have taken it."""
            nonlocal noted_s
            while clock() - noted_s > LEAVES_WITHIN_S:
                asked_s = clock()
                self.order = await self._tracker.sending(self.order)
                noted_s = asked_s

        await self.write_down(await self.line.start(self.order, may_leave))

    async def _unhurried(self, step: Coroutine[Any, Any, T]) -> T:
        """Sees a paid sending through its receipt although the run is being cancelled."""
        if self.facts.local:
            return await step
        sending = asyncio.ensure_future(step)
        try:
            return await asyncio.shield(sending)
        except asyncio.CancelledError:
            if not self.line.left:
                sending.cancel()  # nothing is under way, so nothing need be bought any more
            await asyncio.wait([sending], timeout=self.facts.deadline_s)
            await self._book_the_end_of(sending)
            raise

    async def _book_the_end_of(self, sending: asyncio.Future[Any]) -> None:
        """Writes down what became of a sending that nobody waits for any more."""
        if not sending.done():
            return
        if sending.cancelled():
            if not self.line.left:
                await self._take_back()
            return
        error = sending.exception()
        if isinstance(error, InDoubt):
            await self.hold(error)
        elif isinstance(error, AgentesError):
            await self.give_up(error)

    async def _take_back(self) -> None:
        """An order that was written down as sent, and provably never left, is where it was before."""
        order = self.order
        standing = await self._tracker.orders_of(order.job, order.task, order.fence)
        self.order = next(each for each in standing if each.id == order.id)
        if self.order.state is OrderState.SENDING:
            await self.again("stopped before it left")


def answer_of(order: Order) -> Done:
    """The answer that said an order is made."""
    return _DONE.validate_python((order.receipt or {})["done"])
