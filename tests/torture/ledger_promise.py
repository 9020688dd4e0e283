"""The ledger in plain words: dictionaries and sums, written from its promise and not from its code."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

__all__ = ["FROM", "ONWARD", "OPEN", "TO", "Entry", "Promise", "Purse"]

OPEN = {"reserved", "sending", "submitted", "ready", "stored", "in_doubt", "needs_review"}
BACK = {"sending", "ready", "in_doubt", "needs_review"}
ASKED = {"sending", "in_doubt", "needs_review"}
FROM: dict[str, set[str]] = {
    "sending": {"reserved"},
    "started": ASKED,
    "ready": {*ASKED, "submitted"},
    "stored": {"ready"},
    "settle": {"stored"},
    "drop": {"reserved", "sending", "submitted", "ready", "in_doubt", "needs_review"},
    "write_off": {"sending", "submitted", "ready", "in_doubt", "needs_review"},
    "doubt": {"sending", "submitted", "ready"},
    "review": {"in_doubt"},
    "again": BACK,
    "cancel": {"reserved"},
}
TO = {
    "sending": "sending",
    "started": "submitted",
    "ready": "ready",
    "stored": "stored",
    "settle": "settled",
    "drop": "failed_free",
    "write_off": "failed_charged",
    "doubt": "in_doubt",
    "review": "needs_review",
    "again": "reserved",
    "cancel": "cancelled",
}
ONWARD = ("sending", "started", "ready", "stored", "settle")


@dataclass
class Purse:
    """What is set aside under a cap, what is spent, and how much may be."""

    reserved: int = 0
    spent: int = 0
    most: int = 0


@dataclass
class Entry:
    """One order as it should stand."""

    job: str
    place: tuple[str, str, int]
    platform: str
    price: int
    day: str
    purses: list[str]
    attempt: int
    state: str = "reserved"
    cost: int | None = None


@dataclass
class Promise:
    """The ledger in plain words: dictionaries and sums."""

    purses: dict[str, Purse] = field(default_factory=dict)
    orders: dict[str, Entry] = field(default_factory=dict)
    fences: Counter[str] = field(default_factory=Counter)

    def is_open(self, place: tuple[str, str, int]) -> bool:
        return any(entry.place == place and entry.state in OPEN for entry in self.orders.values())

    def attempts(self, place: tuple[str, str, int]) -> int:
        return sum(entry.place == place for entry in self.orders.values())

    def ends(self, entry: Entry, cost: int) -> None:
        """Frees the hold under each cap; what was charged beyond it counts as far as there is room."""
        for name in entry.purses:
            purse = self.purses[name]
            purse.reserved -= entry.price
            purse.spent = min(purse.spent + cost, purse.most - purse.reserved)

    def holds(self) -> set[tuple[str, str, int]]:
        return {
            (number, purse, entry.price)
            for number, entry in self.orders.items()
            if entry.state in OPEN
            for purse in entry.purses
        }
