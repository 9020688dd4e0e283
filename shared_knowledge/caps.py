"""What may be spent: by a job, in a day, and of that by one tenant, with one key, at one platform.

A hard cap is a wall: the ledger refuses what does not fit under it. A soft one only says that it was passed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from enum import StrEnum

from pydantic import Field

from shared_knowledge.vocabulary import Frozen, Money, Order

__all__ = ["ANY", "Cap", "Limits", "OverCap"]

ANY = "*"
"""The name under which a limit stands that holds for each one without a limit of its own."""


class OverCap(StrEnum):
    """What becomes of a purchase that would pass a cap."""

    REFUSE = "refuse"
    ASK = "ask"
    WARN = "warn"


class Cap(Frozen):
    """One purse and what may be in it: set aside and spent together."""

    budget: str
    limit: Money
    soft: bool = False

    def words(self) -> str:
        """The cap as a person knows it, with the setting that moves it."""
        scope, _, rest = self.budget.partition(":")
        name, _, day = rest.rpartition(":")
        match scope:
            case "job":
                return "this job's ceiling"
            case "day":
                return f"the cap for {rest} (AGENTES_MAX_USD_PER_DAY)"
            case "own-tenant" | "own-key":
                return f"the limit that was set for {scope.removeprefix('own-')} {name}, for {day},"
            case _:
                return f"the cap of {scope} {name} for {day} (AGENTES_MAX_USD_PER_{scope.upper()})"


class Limits(Frozen):
    """The limits a person set. A tenant's, a key's or a platform's is for each day too, and may be soft."""

    a_day: Money
    by_tenant: Mapping[str, Money] = Field(default_factory=dict)
    by_key: Mapping[str, Money] = Field(default_factory=dict)
    by_platform: Mapping[str, Money] = Field(default_factory=dict)
    over_cap: OverCap = OverCap.REFUSE

    def caps(self, order: Order, ceiling: Money, day: date) -> tuple[Cap, ...]:
        """Every cap under which a purchase falls; its job's ceiling and the day's cap are never soft."""
        return (
            Cap(budget=f"job:{order.job}", limit=ceiling),
            Cap(budget=f"day:{day}", limit=self.a_day),
            *self._for_one("tenant", order.tenant, self.by_tenant, day),
            *self._for_one("key", order.key, self.by_key, day),
            *self._for_one("platform", order.platform, self.by_platform, day),
        )

    def _for_one(self, scope: str, name: str | None, limits: Mapping[str, Money], day: date) -> Iterator[Cap]:
        limit = limits.get(name, limits.get(ANY)) if name is not None else None
        if limit is not None:
            soft = self.over_cap is OverCap.WARN
            yield Cap(budget=f"{scope}:{name}:{day}", limit=limit, soft=soft)
