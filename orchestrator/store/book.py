"""The Book: orders, budgets and holds, moved together or not at all."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from orchestrator.store.sqlite import Database, Row, Transaction
from shared_knowledge.cost_tracker import OrderMoved, Step
from shared_knowledge.errors import OverBudget
from shared_knowledge.vocabulary import Frozen, Money, Order, OrderState

__all__ = ["CostRow", "SqlBook"]

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


class CostRow(Frozen):
    """What one platform cost one job on one day."""

    day: str
    job: str
    platform: str
    orders: int
    spent: Money
    wasted: Money
    in_doubt: Money
    reserved: Money


class SqlBook:
    """The tracker's book, kept in the ledger's database."""

    def __init__(self, database: Database, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._database = database
        self._now = now

    async def place(self, order: Order, caps: Mapping[str, Money]) -> Order:
        """Adds the next attempt and sets its price aside under every cap, or raises OverBudget."""
        at = self._now().isoformat()

        def ask(transaction: Transaction) -> Order:
            before = transaction.row("attempts", job=order.job, task=order.task, piece=order.piece)
            attempt = (before["attempts"] if before else 0) + 1
            transaction.run(
                "add_order",
                attempt=attempt,
                **{
                    name: getattr(order, name) for name in ("id", "job", "task", "piece", "platform", "model")
                },
                price=int(order.price),
                body=order.model_dump_json(exclude=_COLUMNS),
                placed_at=at,
            )
            for budget, cap in caps.items():
                transaction.run("open_budget", id=budget, cap=int(cap))
                if not transaction.run("reserve", id=budget, amount=int(order.price)):
                    raise _over(order, budget, transaction.row("budget", id=budget))
                transaction.run("hold", order_id=order.id, budget=budget, amount=int(order.price))
            return order.model_copy(update={"attempt": attempt, "state": OrderState.RESERVED})

        try:
            return await self._database.write(ask)
        except sqlite3.IntegrityError as error:
            raise OrderMoved(f"{order.task}, piece {order.piece} already has an open order.") from error

    async def move(self, step: Step) -> bool:
        """Takes the step if the order is where the step says; releases and books when it ends."""
        at = step.at.isoformat()

        def ask(transaction: Transaction) -> bool:
            moved = transaction.run(
                "move_order",
                id=step.order,
                was=step.was,
                state=step.state,
                cost=None if step.cost is None else int(step.cost),
                receipt=None if step.receipt is None else json.dumps(step.receipt),
                file=step.file,
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

    async def left(self, caps: Mapping[str, Money]) -> Money | None:
        """What the tightest of these caps still leaves; None without caps."""

        def ask(transaction: Transaction) -> list[int]:
            rows = [(transaction.row("budget", id=budget), cap) for budget, cap in caps.items()]
            return [int(cap) - (row["reserved"] + row["spent"] if row else 0) for row, cap in rows]

        tightest = min(self._database.read(ask), default=None)
        return None if tightest is None else Money(max(0, tightest))

    def orders(self, job: str) -> tuple[Order, ...]:
        """Every order of a job, in the order they were placed."""
        return tuple(_order(row) for row in self._database.read(lambda t: t.rows("orders_of_job", job=job)))

    def open_questions(self) -> tuple[Order, ...]:
        """Every order of which nobody knows whether it was booked, oldest first."""
        return tuple(_order(row) for row in self._database.read(lambda t: t.rows("open_questions")))

    def costs(self) -> Sequence[CostRow]:
        """The whole ledger, summed by day, job and platform."""
        rows = self._database.read(lambda t: t.rows("costs"))
        return [
            CostRow(
                **{name: row[name] for name in ("day", "job", "platform", "orders")},
                **{name: Money(row[name]) for name in ("spent", "wasted", "in_doubt", "reserved")},
            )
            for row in rows
        ]


def _close_holds(transaction: Transaction, step: Step) -> None:
    """Frees what was set aside and books what was charged, up to what was set aside."""
    for hold in transaction.rows("holds", order_id=step.order):
        spent = min(int(step.cost or 0), hold["amount"])
        transaction.run("release", id=hold["budget"], amount=hold["amount"], spent=spent)
    transaction.run("forget_holds", order_id=step.order)


def _over(order: Order, budget: str, row: Row | None) -> OverBudget:
    left = Money(0) if row is None else Money(row["cap"] - row["reserved"] - row["spent"])
    scope, _, name = budget.partition(":")
    whose = {"job": "this job's ceiling", "day": f"the cap for {name} (AGENTES_MAX_USD_PER_DAY)"}.get(
        scope, budget
    )
    return OverBudget(
        f"{order.task} would cost up to {order.price.short} on {order.platform}, "
        f"but {whose} leaves {left.short}.",
        todo="Raise the budget, or ask for less; nothing was spent on it.",
    )


def _order(row: Row) -> Order:
    body = json.loads(row["body"])
    columns = {name: row[name] for name in _COLUMNS if name not in {"receipt", "price", "cost"}}
    receipt = None if row["receipt"] is None else json.loads(row["receipt"])
    return Order.model_validate(
        {**body, **columns, "price": row["price"], "cost": row["cost"], "receipt": receipt}
    )
