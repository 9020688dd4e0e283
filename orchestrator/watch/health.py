"""Whether the service can work at all: each check returns, or says in one sentence what is wrong and what to do."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from shared_knowledge.errors import AgentesError, Broken

__all__ = ["Shelved", "check_disk", "check_shelf", "kept_for_a_while"]

_ROOM_MB = 500
_KEPT_S = 30.0


class Shelved(Protocol):
    """A shelf, as far as it is tried out here."""

    def try_out(self) -> str:
        """Writes a little, reads it, takes it away; says where."""
        ...


def check_disk(folder: Path, least_mb: int = _ROOM_MB) -> str:
    """How much room there is where the state lies; Broken if a film does not fit there any more."""
    nearest = next(place for place in (folder, *folder.parents) if place.exists())
    free_mb = shutil.disk_usage(nearest).free >> 20
    if free_mb < least_mb:
        raise Broken(
            f"Only {free_mb:,} MB are free in {nearest}; a film wants {least_mb} MB.",
            todo="Free some space, or move AGENTES_HOME to a larger disk.",
        )
    return f"{free_mb:,} MB free"


def check_shelf(shelf: Shelved) -> str:
    """Where finished files are kept; Broken if nothing can be kept there."""
    return shelf.try_out()


def kept_for_a_while(
    check: Callable[[], str], kept_s: float = _KEPT_S, clock: Callable[[], float] = time.monotonic
) -> Callable[[], None]:
    """The same check, made at most every so often however often it is asked for; its last verdict stands meanwhile."""
    lock = threading.Lock()
    made_at: float | None = None
    trouble: AgentesError | None = None

    def once() -> None:
        nonlocal made_at, trouble
        with lock:
            if made_at is None or clock() - made_at > kept_s:
                try:
                    check()
                    trouble = None
                except AgentesError as error:
                    trouble = error
                made_at = clock()
            if trouble is not None:
                raise trouble

    return once
