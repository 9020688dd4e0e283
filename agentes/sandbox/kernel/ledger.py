"""The billing book: every paid start a vendor accepted, in order, whether its answer arrived or not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from shared_knowledge.money import Money

__all__ = ["Entry", "Ledger"]


@dataclass
class Entry:
    """One paid start."""

    n: int
    platform: str
    model: str
    id: str
    usd: Money
    at: datetime
    request_id: str | None = None

    def document(self) -> dict[str, str | int | None]:
        """The entry as it is read from outside."""
        return {
            "n": self.n,
            "platform": self.platform,
            "model": self.model,
            "id": self.id,
            "usd": self.usd.usd,
            "at": self.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "request_id": self.request_id,
        }


class Ledger:
    """The book of all platforms of one sandbox."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def write(self, platform: str, model: str, number: str, usd: Money) -> int:
        """Adds a line and gives its number, which counts from 1."""
        line = len(self.entries) + 1
        self.entries.append(Entry(line, platform, model, number, usd, datetime.now(UTC)))
        return line

    def sign(self, lines: list[int], request_id: str | None) -> None:
        """Adds the number of the request that caused these lines."""
        for line in lines:
            if line <= len(self.entries):
                self.entries[line - 1].request_id = request_id

    def total(self, platform: str | None = None) -> Money:
        """What was charged, by one platform or by all."""
        return Money(sum(e.usd for e in self.entries if platform in (None, e.platform)))

    def clear(self) -> None:
        """Tears out every page."""
        self.entries.clear()
