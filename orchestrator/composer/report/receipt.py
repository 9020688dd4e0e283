"""What each cent bought: one row for each task, whoever asked for it, and a sum that equals its rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from orchestrator.composer.documents import unique
from orchestrator.composer.manifest import Delivery
from orchestrator.composer.report.cards import address
from orchestrator.composer.report.words import count, in_step, listed, seconds, what
from shared_knowledge.vocabulary import Asset, Money, Order, OrderState

__all__ = ["Asked", "Receipt", "Row", "make_receipt", "who_asked_whom"]


@dataclass(frozen=True, slots=True)
class Row:
    """One task on the receipt."""

    task: str
    what: str
    platform: str
    model: str
    billed_as: str
    cost: str
    asked_by: str = ""
    depth: int = 0
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Receipt:
    """The rows, and the sums a reader compares: spent, quoted, ceiling."""

    rows: tuple[Row, ...]
    total: str
    quoted: str
    ceiling: str
    budget: str
    held: str
    spent_share: float | None
    quoted_share: float | None


@dataclass(frozen=True, slots=True)
class Asked:
    """One ask between agents, and those made to fulfil it."""

    task: str
    medium: str
    because: str
    cost: str
    made_by: str
    picture: str
    then: tuple[Asked, ...]


def make_receipt(delivery: Delivery) -> Receipt:
    """The receipt of a delivery."""
    tasks = _in_order(delivery)
    ceiling, spent, quoted, budget = (
        delivery.quote.ceiling,
        delivery.cost,
        delivery.quote.estimate,
        delivery.plan.budget,
    )
    amounts = [delivery.spent_on(task) for task, _ in tasks]
    shown = in_step([*amounts, quoted, ceiling, delivery.held])
    return Receipt(
        rows=tuple(_row(delivery, task, depth, shown) for task, depth in tasks),
        total=shown(spent),
        quoted=shown(quoted),
        ceiling=shown(ceiling),
        budget=budget.short if budget is not None else "",
        held=shown(delivery.held) if delivery.held else "",
        spent_share=min(100.0, round(100 * spent / ceiling, 2)) if ceiling else None,
        quoted_share=min(100.0, round(100 * quoted / ceiling, 2)) if ceiling else None,
    )


def who_asked_whom(delivery: Delivery) -> tuple[tuple[str, tuple[Asked, ...]], ...]:
    """For each agent or task that asked for help: its asks, each with those below it."""
    all_asks = delivery.delegations
    asked_for = {one.delegation.task for one in all_asks}

    def asks_of(asker: str, above: frozenset[str]) -> tuple[Asked, ...]:
        return tuple(
            Asked(
                task=one.delegation.task,
                medium=one.delegation.medium.value,
                because=one.delegation.because,
                cost=one.delegation.cost.short,
                made_by=f"{one.asset.platform} {one.asset.model}" if one.asset else "",
                picture=_picture(delivery, one.asset),
                then=asks_of(one.delegation.task, above | {asker}),
            )
            for one in all_asks
            if one.delegation.asked_by == asker and asker not in above
        )

    askers = dict.fromkeys(one.delegation.asked_by for one in all_asks)
    return tuple((asker, asks_of(asker, frozenset())) for asker in askers if asker not in asked_for)


def _in_order(delivery: Delivery) -> list[tuple[str, int]]:
    """Every task with its depth, those that were asked for below the one that asked."""
    below: dict[str, list[str]] = {}
    for one in delivery.delegations:
        below.setdefault(one.delegation.asked_by, []).append(one.delegation.task)
    ordered: dict[str, int] = {}

    def take(task: str, depth: int) -> None:
        if task not in ordered:
            ordered[task] = depth
            for deeper in below.get(task, []):
                take(deeper, depth + 1)

    for task in delivery.tasks:
        if task not in ordered and all(task not in asked for asked in below.values()):
            take(task, 0)
    for task in delivery.tasks:
        take(task, 1)
    return list(ordered.items())


def _row(delivery: Delivery, task_id: str, depth: int, shown: Callable[[Money], str]) -> Row:
    task = next((task for task in delivery.plan.tasks if task.id == task_id), None)
    asked = next((one for one in delivery.delegations if one.delegation.task == task_id), None)
    orders = tuple(order for order in delivery.orders if order.task == task_id)
    asset = asked.asset if asked else next((a for a in delivery.assets if a.task == task_id), None)
    maker: Asset | Order | None = asset or (orders[-1] if orders else None)
    in_doubt = bool(orders) and all(order.cost is None for order in orders) and any(map(_doubtful, orders))
    if task:
        name = what(task.spec)
    elif orders:
        name = what(orders[-1].spec)
    else:
        name = asked.delegation.medium.value.capitalize() if asked else task_id
    return Row(
        task=task_id,
        what=name,
        platform=maker.platform if maker else "—",
        model=maker.model if maker else "",
        billed_as=_billed_as(delivery, task_id, maker, asset),
        cost="in doubt" if in_doubt else shown(delivery.spent_on(task_id)),
        asked_by=asked.delegation.asked_by if asked else "",
        depth=depth,
        remarks=_remarks(orders),
    )


def _billed_as(delivery: Delivery, task_id: str, maker: Asset | Order | None, asset: Asset | None) -> str:
    if asset and len(asset.pieces) > 1:
        bought = (
            f"{seconds(piece.duration_s)} {piece.cost.short}" if piece.duration_s else piece.cost.short
            for piece in asset.pieces
        )
        return " + ".join(bought)
    offers = (offer for line in delivery.quote.lines if line.task == task_id for offer in line.offers)
    return next(
        (
            offer.billed_as
            for offer in offers
            if maker and (offer.platform, offer.model) == (maker.platform, maker.model)
        ),
        "",
    )


def _remarks(orders: tuple[Order, ...]) -> tuple[str, ...]:
    """What a sum alone would hide: failures that were charged, and money still set aside."""
    said = []
    for platform in unique(order.platform for order in orders):
        mine = [order for order in orders if order.platform == platform]
        wasted = [order for order in mine if order.state is OrderState.FAILED_CHARGED]
        doubts = [order for order in mine if _doubtful(order)]
        if wasted:
            lost = listed(order.cost.short for order in wasted if order.cost)
            said.append(f"{platform} charged {lost or 'something'} and failed")
        if any(order.state is OrderState.FAILED_FREE for order in mine):
            said.append(f"{platform} failed, free of charge")
        said += [f"{order.price.short} at {platform} in doubt, held" for order in doubts]
    tries = len({order.attempt for order in orders})
    return (*said, *([count(tries, "attempt")] if tries > 1 else []))


def _doubtful(order: Order) -> bool:
    return order.state in (OrderState.IN_DOUBT, OrderState.NEEDS_REVIEW)


def _picture(delivery: Delivery, asset: Asset | None) -> str:
    return address(delivery, asset.path) if asset and asset.mime.startswith("image/") else ""
