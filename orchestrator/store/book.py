"""The Book: orders, budgets and holds, moved together or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar

from orchestrator.store.database import Conflict, Database, Row, Transaction
from shared_knowledge.caps import Cap
from shared_knowledge.cost_tracker import OrderMoved, Step
from shared_knowledge.errors import OverBudget
from shared_knowledge.vocabulary import Frozen, Money, Order, OrderState

__all__ = ["BoughtRow", "CostRow", "ReliabilityRow", "SqlBook"]

T = TypeVar("T", bound=Frozen)
_ANY_RUN = 2**62
_NO_WALL = 2**62

_COLUMNS = {
    "id",
    "job",
    "task",
    "piece",
    "attempt",
    "platform",
    "model",
    "price",
    "state",
    "receipt",
    "cost",
    "file",
    "why",
    "sent_at",
}
_NOT_IN_THE_BODY = _COLUMNS | {"fence"}


class CostRow(Frozen):
    """What one model of one platform cost one job on one day, and what came of it."""

    day: str
    job: str
    tenant: str
    platform: str
    model: str
    medium: str
    orders: int
    made: int
    failed: int
    made_ms: int
    spent: Money
    wasted: Money
    in_doubt: Money
    reserved: Money
    estimated: Money


class ReliabilityRow(Frozen):
    """How often one model of one platform made what it was asked for."""

    platform: str
    model: str
    made: int
    failed: int


class BoughtRow(Frozen):
    """One order, as an accountant wants it: when, for whom, of whom, what was promised and what was charged."""

    placed_at: str
    ended_at: str | None
    tenant: str
    job: str
    task: str
    piece: int
    attempt: int
    order: str
    medium: str
    platform: str
    model: str
    duration_ms: int | None
    state: OrderState
    price: Money
    cost: Money | None


class SqlBook:
    """The tracker's book, kept in the ledger's database."""

    def __init__(self, database: Database, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._database = database
        self._now = now

    async def place(self, order: Order, caps: Sequence[Cap]) -> Order:
        """Adds the next attempt and sets its price aside under every cap, or raises OverBudget."""
        at = self._now().isoformat()
        columns = {name: getattr(order, name) for name in ("id", "job", "task", "piece", "platform", "model")}
        lasts_ms = None if order.duration_s is None else round(order.duration_s * 1000)
        columns |= {"medium": order.spec.medium, "duration_ms": lasts_ms, "price": int(order.price)}

        def ask(transaction: Transaction) -> Order:
            known = transaction.row("next_attempt", job=order.job, task=order.task, piece=order.piece)
            if known is None or (order.fence is not None and known["fence"] > order.fence):
                raise OrderMoved(f"Another run has taken over job {order.job}.")
            passed = tuple(words for cap in caps if (words := _reserve(transaction, order, cap)))
            learnt = {
                "attempt": known["attempt"],
                "state": OrderState.RESERVED,
                "warnings": (*order.warnings, *passed),
            }
            placed = order.model_copy(update=learnt)
            body = placed.model_dump_json(exclude=_NOT_IN_THE_BODY)
            transaction.run("add_order", attempt=placed.attempt, body=body, placed_at=at, **columns)
            for cap in caps:
                transaction.run("hold", order_id=order.id, budget=cap.budget, amount=columns["price"])
            return placed

        try:
            return await self._database.write(ask)
        except Conflict as error:
            raise OrderMoved(f"{order.task}, piece {order.piece} already has an open order.") from error

    async def move(self, step: Step) -> bool:
        """Takes the step if the order is where the step says; releases and books when it ends."""
        at = step.at.isoformat()

        def ask(transaction: Transaction) -> bool:
            moved = transaction.run(
                "move_order",
                id=step.order,
                fence=_ANY_RUN if step.fence is None else step.fence,
                was=step.was,
                state=step.state,
                cost=None if step.cost is None else int(step.cost),
                receipt=None if step.receipt is None else json.dumps(step.receipt),
                file=step.file,
                duration_ms=step.lasts_ms,
                why=step.why,
                sent_at=at if step.state is OrderState.SENDING else None,
                ended_at=at if step.state.over else None,
            )
            if moved and step.state.over:
                _close_holds(transaction, step)
            return bool(moved)

        return await self._database.write(ask)

    async def orders_of(self, job: str, task: str) -> tuple[Order, ...]:
        """Every order for a task, oldest first."""
        rows = self._database.read(lambda t: t.rows("orders_of_task", job=job, task=task))
        return tuple(_order(row) for row in rows)

    async def twin(self, order: Order) -> str | None:
        """The task of whatever job that paid for the very same file before, if there is one."""
        asked = {"file": order.file, "id": order.id, "job": order.job, "task": order.task}
        row = self._database.read(lambda t: t.row("twin", **asked))
        return None if row is None else f"{row['task']} of {row['job']}"

    async def sent_about_then(self, order: Order, within: timedelta) -> tuple[Order, ...]:
        """The other orders that left for the same model at about that time or later, and may have been booked."""
        if order.sent_at is None:
            return ()
        asked = {
            "platform": order.platform,
            "model": order.model,
            "id": order.id,
            "since": (order.sent_at - within).isoformat(),
        }
        return tuple(_order(row) for row in self._database.read(lambda t: t.rows("sent_since", **asked)))

    async def left(self, caps: Sequence[Cap]) -> Money | None:
        """What the tightest of these caps still leaves; None where none is hard."""
        walls = [cap for cap in caps if not cap.soft]
        rows = self._database.read(lambda t: [t.row("budget", id=cap.budget) for cap in walls])
        left = (_left(cap, row) for cap, row in zip(walls, rows, strict=True))
        return min(left, default=None)

    def orders(self, job: str) -> tuple[Order, ...]:
        """Every order of a job, in the order they were placed."""
        return tuple(_order(row) for row in self._database.read(lambda t: t.rows("orders_of_job", job=job)))

    def order(self, order_id: str) -> Order | None:
        """One order as it stands; None if nobody ever placed it here."""
        row = self._database.read(lambda t: t.row("order_of_name", id=order_id))
        return _order(row) if row else None

    def open_orders(self) -> tuple[Order, ...]:
        """Every order that has not come to its end, oldest first."""
        return tuple(_order(row) for row in self._database.read(lambda t: t.rows("open_orders")))

    def open_questions(self) -> tuple[Order, ...]:
        """Every order of which nobody knows whether it was booked, oldest first."""
        return tuple(_order(row) for row in self._database.read(lambda t: t.rows("open_questions")))

    def costs(self) -> Sequence[CostRow]:
        """The whole ledger, summed by day, job, tenant, platform and model."""
        return [_told(CostRow, row) for row in self._database.read(lambda t: t.rows("costs"))]

    def reliability(self, since: date) -> Sequence[ReliabilityRow]:
        """How often each model made what it was asked for, from a day on."""
        rows = self._database.read(lambda t: t.rows("reliability", since=since.isoformat()))
        return [_told(ReliabilityRow, row) for row in rows]

    def bought(self) -> Sequence[BoughtRow]:
        """The whole ledger, order by order."""
        rows = self._database.read(lambda t: t.rows("bought"))
        return [_told(BoughtRow, {**dict(row), "order": row["id"]}) for row in rows]


def _told(kind: type[T], row: Any) -> T:
    return kind.model_validate({name: row[name] for name in kind.model_fields})


def _reserve(transaction: Transaction, order: Order, cap: Cap) -> str | None:
    """Sets the price aside under a cap, or raises OverBudget; says so in words where a soft one was passed."""
    wall = _NO_WALL if cap.soft else int(cap.limit)
    asked = {"id": cap.budget, "cap": wall, "amount": int(order.price)}
    if not cap.soft and transaction.run("reserve", **asked):
        return None
    row = transaction.row("open_and_reserve", **asked)
    if row is None:
        raise _over(order, cap, transaction.row("budget", id=cap.budget))
    over = Money(max(0, row["taken"] - int(cap.limit))) if cap.soft else Money(0)
    return f"This passed {cap.words()} by {over.short}." if over else None


def _close_holds(transaction: Transaction, step: Step) -> None:
    """Frees what was set aside and counts what was charged, up to each cap."""
    for hold in transaction.rows("holds", order_id=step.order):
        transaction.run("release", id=hold["budget"], amount=hold["amount"], cost=int(step.cost or 0))
    transaction.run("forget_holds", order_id=step.order)


def _left(cap: Cap, row: Any) -> Money:
    return Money(max(0, int(cap.limit) - (row["reserved"] + row["spent"] if row else 0)))


def _over(order: Order, cap: Cap, row: Any) -> OverBudget:
    return OverBudget(
        f"{order.task} would cost up to {order.price.short} on {order.platform}, "
        f"but {cap.words()} leaves {_left(cap, row).short}.",
        todo="Raise the budget, or ask for less; nothing was spent on it.",
    )


def _order(row: Row) -> Order:
    body = json.loads(row["body"])
    columns = {name: row[name] for name in _COLUMNS if name not in {"receipt", "price", "cost"}}
    receipt = None if row["receipt"] is None else json.loads(row["receipt"])
    return Order.model_validate(
        {**body, **columns, "price": row["price"], "cost": row["cost"], "receipt": receipt}
    )
