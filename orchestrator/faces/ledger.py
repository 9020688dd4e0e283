"""The ledger as a report: rows and their sums, which are always the same money."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from shared_knowledge.vocabulary import Money

if TYPE_CHECKING:
    from orchestrator.store.book import CostRow

__all__ = ["GROUPS", "Report", "Sums", "report"]

GROUPS = ("day", "job", "platform")


class Sums(NamedTuple):
    """What a group of orders came to."""

    orders: int
    spent: Money
    reserved: Money
    wasted: Money
    in_doubt: Money

    def document(self) -> dict[str, Any]:
        """The sums as a program reads them."""
        money = {
            f"{name}_usd": getattr(self, name).usd for name in ("spent", "reserved", "wasted", "in_doubt")
        }
        return {"orders": self.orders, **money}


class Report(NamedTuple):
    """The ledger, added up three ways."""

    groups: dict[str, dict[str, Sums]]
    total: Sums

    def document(self) -> dict[str, Any]:
        """The report as a program reads it."""
        by = {
            f"by_{group}": [{group: name, **sums.document()} for name, sums in rows.items()]
            for group, rows in self.groups.items()
        }
        return {**by, "total": self.total.document()}


def report(rows: Sequence[CostRow]) -> Report:
    """Adds the ledger up by day, by job and by platform."""
    return Report({group: _by(rows, group) for group in GROUPS}, _sum(rows))


def _by(rows: Sequence[CostRow], group: str) -> dict[str, Sums]:
    parts: dict[str, list[CostRow]] = {}
    for row in rows:
        parts.setdefault(getattr(row, group), []).append(row)
    return {name: _sum(part) for name, part in parts.items()}


def _sum(rows: Sequence[CostRow]) -> Sums:
    def money(field: str) -> Money:
        return Money(sum(getattr(row, field) for row in rows))

    return Sums(
        sum(row.orders for row in rows), *(money(f) for f in ("spent", "reserved", "wasted", "in_doubt"))
    )
