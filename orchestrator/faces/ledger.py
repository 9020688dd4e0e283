"""The ledger as a report: rows and their sums, which are always the same money."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from shared_knowledge.vocabulary import Money

if TYPE_CHECKING:
    from orchestrator.store.book import BoughtRow, CostRow

__all__ = ["EXPORTED", "GROUPS", "Delivered", "Estimate", "Report", "Sums", "export", "report"]

GROUPS = ("day", "job", "platform", "tenant")

_MONEY = ("spent", "reserved", "wasted", "in_doubt")
_COUNTED_BY_LENGTH = {"video", "voice"}


class Delivered(NamedTuple):
    """What of one medium was delivered, and what it truly cost: what failed on the way is in it."""

    medium: str
    made: int
    lasts_s: float
    cost: Money

    @property
    def per_one(self) -> Money | None:
        """What one second of clip or voice, or one picture, cost; None where nothing was delivered."""
        amount = self.lasts_s if self.medium in _COUNTED_BY_LENGTH else self.made
        return Money(round(self.cost / amount)) if amount else None

    @property
    def unit(self) -> str:
        """What `per_one` is for."""
        return "second" if self.medium in _COUNTED_BY_LENGTH else "picture"

    def document(self) -> dict[str, Any]:
        """The deliveries as a program reads them."""
        return {
            "medium": self.medium,
            "made": self.made,
            "seconds": round(self.lasts_s, 3),
            "cost_usd": self.cost.usd,
            f"usd_per_{self.unit}": self.per_one.usd if self.per_one is not None else None,
        }


class Sums(NamedTuple):
    """What a group of orders came to."""

    orders: int
    spent: Money
    reserved: Money
    wasted: Money
    in_doubt: Money
    delivered: tuple[Delivered, ...] = ()

    def document(self) -> dict[str, Any]:
        """The sums as a program reads them."""
        money = {f"{name}_usd": getattr(self, name).usd for name in _MONEY}
        return {
            "orders": self.orders,
            **money,
            "delivered": [each.document() for each in self.delivered],
        }


class Estimate(NamedTuple):
    """What was promised for a model's orders that were charged, what was charged, and how often it succeeds."""

    platform: str
    model: str
    made: int
    failed: int
    promised: Money
    charged: Money

    @property
    def ratio(self) -> float | None:
        """How much of the promise was charged; None where nothing was promised."""
        return self.charged / self.promised if self.promised else None

    def document(self) -> dict[str, Any]:
        """The comparison as a program reads it."""
        return {
            "platform": self.platform,
            "model": self.model,
            "made": self.made,
            "failed": self.failed,
            "estimated_usd": self.promised.usd,
            "charged_usd": self.charged.usd,
            "charged_of_estimated": None if self.ratio is None else round(self.ratio, 4),
        }


class Report(NamedTuple):
    """The ledger, added up several ways."""

    groups: dict[str, dict[str, Sums]]
    estimates: tuple[Estimate, ...]
    total: Sums

    def document(self) -> dict[str, Any]:
        """The report as a program reads it."""
        by = {
            f"by_{group}": [{group: name, **sums.document()} for name, sums in rows.items()]
            for group, rows in self.groups.items()
        }
        estimates = [estimate.document() for estimate in self.estimates]
        return {**by, "estimates": estimates, "total": self.total.document()}


def report(rows: Sequence[CostRow]) -> Report:
    """Adds the ledger up by day, job, platform and tenant, and sets promises beside charges."""
    groups = {group: _by(rows, attrgetter(group)) for group in GROUPS}
    sums = {group: {name: _sum(part) for name, part in parts.items()} for group, parts in groups.items()}
    return Report(sums, _estimates(rows), _sum(rows))


def _by(rows: Sequence[CostRow], key: Callable[[CostRow], Any]) -> dict[Any, list[CostRow]]:
    parts: dict[Any, list[CostRow]] = {}
    for row in rows:
        parts.setdefault(key(row), []).append(row)
    return parts


def _sum(rows: Sequence[CostRow]) -> Sums:
    media = sorted(_by(rows, lambda row: row.medium).items())
    return Sums(
        orders=sum(row.orders for row in rows),
        spent=_money(rows, "spent"),
        reserved=_money(rows, "reserved"),
        wasted=_money(rows, "wasted"),
        in_doubt=_money(rows, "in_doubt"),
        delivered=tuple(_delivered(medium, part) for medium, part in media if any(row.made for row in part)),
    )


def _delivered(medium: str, rows: Sequence[CostRow]) -> Delivered:
    return Delivered(
        medium=medium,
        made=sum(row.made for row in rows),
        lasts_s=sum(row.made_ms for row in rows) / 1000,
        cost=_money(rows, "spent", "wasted"),
    )


def _estimates(rows: Sequence[CostRow]) -> tuple[Estimate, ...]:
    """For every model that charged anything, or failed to; the free ones of this machine promise nothing."""
    models = sorted(_by(rows, lambda row: (row.platform, row.model)).items())
    compared = (
        Estimate(
            platform,
            model,
            sum(row.made for row in part),
            sum(row.failed for row in part),
            _money(part, "estimated"),
            _money(part, "spent", "wasted"),
        )
        for (platform, model), part in models
    )
    return tuple(each for each in compared if each.promised or each.charged)


def _money(rows: Sequence[CostRow], *fields: str) -> Money:
    return Money(sum(getattr(row, field) for row in rows for field in fields))


EXPORTED = (
    *("placed_at", "ended_at", "tenant", "job", "task", "piece", "attempt", "order"),
    *("medium", "platform", "model", "seconds", "state", "estimated_usd", "charged_usd"),
)
"""The columns of an export, in their order."""


def export(rows: Sequence[BoughtRow]) -> list[dict[str, Any]]:
    """The ledger order by order, with plain values for an accountant's program."""
    return [
        row.model_dump(mode="json", include={name for name in EXPORTED if name in type(row).model_fields})
        | {
            "seconds": None if row.duration_ms is None else row.duration_ms / 1000,
            "estimated_usd": row.price.usd,
            "charged_usd": None if row.cost is None else row.cost.usd,
        }
        for row in rows
    ]
