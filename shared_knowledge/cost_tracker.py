"""What we owe: every purchase is written down before it happens, and settled exactly once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Protocol

from pydantic import JsonValue

from shared_knowledge.caps import Cap, Limits
from shared_knowledge.errors import AgentesError
from shared_knowledge.vocabulary import Frozen, Money, Order, OrderState

__all__ = ["Book", "CostTracker", "OrderMoved", "Step"]

S = OrderState
_ABOUT_THEN = timedelta(days=1)  # between two sendings a clock may have been put back, or forward

_MAY_BECOME: Mapping[OrderState, frozenset[OrderState]] = {
    S.PLANNED: frozenset({S.RESERVED}),
    S.RESERVED: frozenset({S.SENDING, S.FAILED_FREE, S.CANCELLED}),
    S.SENDING: frozenset(
        {S.SENDING, S.RESERVED, S.SUBMITTED, S.READY, S.IN_DOUBT, S.FAILED_FREE, S.FAILED_CHARGED}
    ),
    S.SUBMITTED: frozenset({S.READY, S.IN_DOUBT, S.FAILED_FREE, S.FAILED_CHARGED}),
    S.READY: frozenset({S.STORED, S.IN_DOUBT, S.FAILED_FREE, S.FAILED_CHARGED, S.RESERVED}),
    S.STORED: frozenset({S.SETTLED}),
    S.IN_DOUBT: frozenset(
        {S.RESERVED, S.SUBMITTED, S.READY, S.NEEDS_REVIEW, S.FAILED_FREE, S.FAILED_CHARGED}
    ),
    S.NEEDS_REVIEW: frozenset({S.RESERVED, S.SUBMITTED, S.READY, S.FAILED_FREE, S.FAILED_CHARGED}),
    S.SETTLED: frozenset(),
    S.FAILED_FREE: frozenset(),
    S.FAILED_CHARGED: frozenset(),
    S.CANCELLED: frozenset(),
}


class OrderMoved(AgentesError):
    """Somebody else has taken this order, or its whole job, further; whoever held it must let go."""


class Step(Frozen):
    """One step of one order: from which state to which, when, by which run, and what is learnt on the way."""

    order: str
    fence: int | None = None
    at: datetime
    was: OrderState
    state: OrderState
    receipt: dict[str, JsonValue] | None = None
    file: str | None = None
    lasts_ms: int | None = None
    cost: Money | None = None
    why: str | None = None


class Book(Protocol):
    """Where the tracker writes; whatever returned is durable. A run that was overtaken moves nothing."""

    async def place(self, order: Order, caps: Sequence[Cap]) -> Order:
        """Adds the next attempt and sets its price aside under every cap, or raises OverBudget."""
        ...

    async def move(self, step: Step) -> bool:
        """Takes the step if the order is where the step says; releases and books when it ends."""
        ...

    async def orders_of(self, job: str, task: str) -> tuple[Order, ...]:
        """Every order for a task, oldest first."""
        ...

    async def twin(self, order: Order) -> str | None:
        """The task of whatever job that paid for the very same file before, if there is one."""
        ...

    async def sent_about_then(self, order: Order, within: timedelta) -> tuple[Order, ...]:
        """The other orders that left for the same model at about that time, and may have been booked."""
        ...

    async def left(self, caps: Sequence[Cap]) -> Money | None:
        """What the tightest of these caps still leaves; None where none is hard."""
        ...


def _utc_now() -> datetime:
    return datetime.now(UTC)


class CostTracker:
    """The one choke point of money: no order moves but through these verbs."""

    def __init__(
        self,
        book: Book,
        limits: Limits,
        *,
        own: Callable[[Order, date], Iterable[Cap]] = lambda order, day: (),
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._book = book
        self._limits = limits
        self._own = own  # caps that somebody set for one tenant or key, beside those of the limits
        self._now = now

    async def afford(self, order: Order, ceiling: Money) -> Money | None:
        """How much such a purchase could cost at most right now."""
        return await self._book.left(self._caps(order, ceiling))

    async def orders_of(self, job: str, task: str, fence: int | None = None) -> tuple[Order, ...]:
        """What was already bought for a task, in the hands of this run: to be carried on, never bought beside."""
        orders = await self._book.orders_of(job, task)
        return tuple(order.model_copy(update={"fence": fence}) for order in orders)

    async def twin(self, order: Order) -> str | None:
        """Where the very same file was paid for before; None for what is free, or new."""
        return await self._book.twin(order) if order.price else None

    async def alike(self, order: Order) -> tuple[Order, ...]:
        """Other orders of the same words, sent at about that time or since: in a vendor's list they look alike."""
        others = await self._book.sent_about_then(order, _ABOUT_THEN)
        return tuple(other for other in others if other.prompt == order.prompt)

    async def place(self, order: Order, ceiling: Money) -> Order:
        """Writes the intent and sets the money aside in one transaction, or raises OverBudget."""
        return await self._book.place(order, self._caps(order, ceiling))

    async def sending(self, order: Order) -> Order:
        """Writes down that the first byte is about to leave; again, where it has not left for a while."""
        return await self._step(order, S.SENDING)

    async def started(self, order: Order, receipt: dict[str, JsonValue]) -> Order:
        """Writes the vendor's receipt down, before anything else happens."""
        return await self._step(order, S.SUBMITTED, receipt=receipt)

    async def ready(self, order: Order, where: dict[str, JsonValue]) -> Order:
        """Writes down where the finished media wait."""
        return await self._step(order, S.READY, receipt={**(order.receipt or {}), **where})

    async def stored(self, order: Order, file: str, lasts_s: float | None = None) -> Order:
        """Writes down that the checked file is on the shelf under this digest, and how long it was measured to be."""
        lasts_ms = None if lasts_s is None else round(lasts_s * 1000)
        return await self._step(order, S.STORED, file=file, lasts_ms=lasts_ms)

    async def settle(self, order: Order, cost: Money) -> Order:
        """Books what it cost and frees the rest; once."""
        return await self._step(order, S.SETTLED, cost=cost)

    async def drop(self, order: Order, why: str) -> Order:
        """Ends an order that provably cost nothing."""
        return await self._step(order, S.FAILED_FREE, why=why)

    async def write_off(self, order: Order, cost: Money, why: str) -> Order:
        """Ends an order that was charged and gave nothing."""
        return await self._step(order, S.FAILED_CHARGED, cost=cost, why=why)

    async def doubt(self, order: Order, why: str) -> Order:
        """Keeps the money set aside until somebody knows whether it was booked."""
        return await self._step(order, S.IN_DOUBT, why=why)

    async def review(self, order: Order, why: str) -> Order:
        """Hands a doubtful order to a person."""
        return await self._step(order, S.NEEDS_REVIEW, why=why)

    async def again(self, order: Order, why: str) -> Order:
        """Puts an order that provably was not booked, or is free to repeat, back before its sending."""
        return await self._step(order, S.RESERVED, why=why)

    async def cancel(self, order: Order, why: str) -> Order:
        """Ends an order that was never sent."""
        return await self._step(order, S.CANCELLED, why=why)

    async def _step(
        self,
        order: Order,
        state: OrderState,
        *,
        receipt: dict[str, JsonValue] | None = None,
        file: str | None = None,
        lasts_ms: int | None = None,
        cost: Money | None = None,
        why: str | None = None,
    ) -> Order:
        if state not in _MAY_BECOME[order.state]:
            raise AssertionError(f"an order cannot go from {order.state} to {state}")
        now = self._now()
        step = Step(
            order=order.id,
            fence=order.fence,
            at=now,
            was=order.state,
            state=state,
            receipt=receipt,
            file=file,
            lasts_ms=lasts_ms,
            cost=cost,
            why=why,
        )
        if not await self._book.move(step):
            raise OrderMoved(
                f"Order {order.id} is no longer {order.state}, or another run has taken over its job.",
                todo=f"`agentes show {order.job}` says how it stands.",
            )
        sent_at = now if state is S.SENDING else None
        learnt = {"receipt": receipt, "file": file, "cost": cost, "why": why, "sent_at": sent_at}
        return order.model_copy(
            update={"state": state, **{name: value for name, value in learnt.items() if value is not None}}
        )

    def _caps(self, order: Order, ceiling: Money) -> Sequence[Cap]:
        day = self._now().date()
        return (*self._limits.caps(order, ceiling, day), *self._own(order, day))
