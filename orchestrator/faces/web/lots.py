"""Names drawn by lot: as random as the machine can, drawn many at a time, for asking it once each is slow."""

from __future__ import annotations

import os
from threading import Lock

__all__ = ["draw_name"]

_AT_ONCE = 4096
_lock = Lock()
_left = bytearray()


def draw_name(kind: str, size: int = 6) -> str:
    """A name such as job_3f2a9c017be4 that nothing else has: `size` random bytes behind its kind."""
    with _lock:
        if len(_left) < size:
            _left.extend(os.urandom(_AT_ONCE))
        drawn = bytes(_left[-size:])
        del _left[-size:]
    return f"{kind}_{drawn.hex()}"


# A child of this process must not draw the same lots again.
os.register_at_fork(after_in_child=_left.clear)
