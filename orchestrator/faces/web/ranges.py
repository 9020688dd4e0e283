"""Which stretch of a file somebody wants, read from their Range header, with no room for tricks."""

from __future__ import annotations

import re
from typing import NamedTuple

from orchestrator.faces.web.errors import Refusal

__all__ = ["Stretch", "stretch"]

_RANGE = re.compile(r"(?a:bytes=\s*(\d{0,18})\s*-\s*(\d{0,18})\s*)")


class Stretch(NamedTuple):
    """The bytes from `start` up to, but not including, `end`."""

    start: int
    end: int


def stretch(header: str | None, size: int) -> Stretch | None:
    """The one stretch that is asked for; None means all of it, a Refusal that there is no such stretch.

    A header in another unit, or one nobody can read, asks for nothing, as RFC 9110 has it. Several stretches
    at once are refused: no player needs them, and ten thousand of them are an attack.
    """
    if header is None or not header.startswith("bytes="):
        return None
    if "," in header:
        raise _no_such(size, "Ask for one range at a time")
    read = _RANGE.fullmatch(header)
    if read is None or (not read[1] and not read[2]):
        return None
    if not read[1]:
        last = int(read[2])
        found = Stretch(max(0, size - last), size)
    else:
        start, end = int(read[1]), int(read[2] or size)
        if read[2] and end < start:
            return None
        found = Stretch(start, min(end + 1, size))
    if found.start >= size or found.start >= found.end:
        raise _no_such(size, "The file ends before that")
    return found


def _no_such(size: int, why: str) -> Refusal:
    return Refusal(416, why, headers={"Content-Range": f"bytes */{size}"})
