"""Reads from a font file which characters it has, without a font library."""

from __future__ import annotations

from functools import lru_cache
from struct import unpack_from
from typing import TYPE_CHECKING

from shared_knowledge.errors import Broken

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["coverage"]

_SEGMENTED, _GROUPED = 4, 12  # the two formats of character map in use


@lru_cache(maxsize=16)
def coverage(path: Path) -> frozenset[int]:
    """The code points a TrueType or OpenType file has a shape for."""
    font = path.read_bytes()
    (tables,) = unpack_from(">H", font, 4)
    start = next(
        (
            offset
            for tag, _, offset, _ in (unpack_from(">4sLLL", font, 12 + 16 * n) for n in range(tables))
            if tag == b"cmap"
        ),
        None,
    )
    if start is None:
        raise Broken(f"{path.name} is not a font with a character map.", todo="Reinstall the package.")
    (maps,) = unpack_from(">H", font, start + 2)
    known: set[int] = set()
    for number in range(maps):
        (offset,) = unpack_from(">L", font, start + 8 + 8 * number)
        (form,) = unpack_from(">H", font, start + offset)
        if form == _GROUPED:
            known |= _grouped(font, start + offset)
        elif form == _SEGMENTED:
            known |= _segmented(font, start + offset)
    return frozenset(known - {0xFFFF})


def _grouped(font: bytes, at: int) -> set[int]:
    (groups,) = unpack_from(">L", font, at + 12)
    found: set[int] = set()
    for number in range(groups):
        first, last, _ = unpack_from(">LLL", font, at + 16 + 12 * number)
        found.update(range(first, last + 1))
    return found


def _segmented(font: bytes, at: int) -> set[int]:
    (twice,) = unpack_from(">H", font, at + 6)
    count = twice // 2
    ends = unpack_from(f">{count}H", font, at + 14)
    starts = unpack_from(f">{count}H", font, at + 16 + twice)
    found: set[int] = set()
    for first, last in zip(starts, ends, strict=True):
        found.update(range(first, last + 1))
    return found
