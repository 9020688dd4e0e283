"""Several processes behind one door count together: whichever is asked shows what all of them did."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["count_together", "counts_together"]


def count_together(room: Path) -> None:
    """Has every process that is begun from now on count into this folder; called before anything is counted."""
    room.mkdir(parents=True, exist_ok=True)
    for left in room.glob("*.db"):
        left.unlink()
    # The library looks here when it is imported, and nowhere else.
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(room)


def counts_together() -> bool:
    """Whether this process is one of several."""
    from prometheus_client import values

    return values.ValueClass is not values.MutexValue
