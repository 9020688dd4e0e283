"""How often each model made what it was asked for: one that fails every second time costs twice its price."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import NamedTuple, Protocol

__all__ = ["LedgerRow", "TrackRecord", "as_text", "from_text", "track_records"]

_BELIEVED = 10


class LedgerRow(Protocol):
    """What is read of a row of the ledger."""

    @property
    def platform(self) -> str: ...
    @property
    def model(self) -> str: ...
    @property
    def made(self) -> int: ...
    @property
    def failed(self) -> int: ...


class TrackRecord(NamedTuple):
    """How many orders of one model came to something and how many did not; how long one takes, if measured."""

    made: int = 0
    failed: int = 0
    takes_s: float | None = None

    def expected(self, price: int) -> int:
        """What a thing of that price costs on the average until it is made: the price over the success rate.

        Ten successes are believed in beforehand, so that the price stands until something fails and a
        single mishap decides nothing. Rounded up to the micro-dollar.
        """
        made = self.made + _BELIEVED
        return -(-price * (made + self.failed) // made)


def track_records(rows: Iterable[LedgerRow]) -> dict[tuple[str, str], TrackRecord]:
    """The ledger's rows as a record of every platform and model."""
    found: dict[tuple[str, str], TrackRecord] = {}
    for row in rows:
        if row.made or row.failed:
            so_far = found.get((row.platform, row.model), TrackRecord())
            found[row.platform, row.model] = TrackRecord(so_far.made + row.made, so_far.failed + row.failed)
    return found


def as_text(records: Mapping[tuple[str, str], TrackRecord]) -> str:
    """The records as a small file that can be read without the ledger."""
    return json.dumps([[*name, *record] for name, record in sorted(records.items())])


def from_text(text: str) -> dict[tuple[str, str], TrackRecord]:
    """The records of such a file; none where it is not one, for then every price stands as it is."""
    try:
        rows = [(str(a), str(b), int(c), int(d), e) for a, b, c, d, e in json.loads(text)]
    except (ValueError, TypeError):
        return {}
    return {
        (platform, model): TrackRecord(made, failed, float(takes_s) if takes_s else None)
        for platform, model, made, failed, takes_s in rows
        if made >= 0 and failed >= 0 and isinstance(takes_s, int | float | None)
    }
