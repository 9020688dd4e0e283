"""The switch of an mp4's tracks: a subtitle track may lie ready without being shown unasked."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from agentes.media import headers

__all__ = ["is_subtitle_on", "switch_off_subtitles"]

_ON = 1
_SUBTITLES = (b"sbtl", b"subt", b"text", b"clcp")
# Where, after a box begins, its children, the lowest byte of its flags, and its kind of track are.
_CHILDREN, _FLAGS, _HANDLER = 8, 11, 16


class _Box(NamedTuple):
    name: bytes
    start: int
    end: int


def switch_off_subtitles(path: Path) -> None:
    """Leaves the subtitle tracks of an mp4 in place, off until somebody chooses them."""
    index, at = _index(path)
    with path.open("r+b") as file:
        for place in _switches(index):
            file.seek(at + place)
            file.write(bytes([index[place] & ~_ON]))


def is_subtitle_on(path: Path) -> bool:
    """Whether players show a subtitle track of this mp4 without being asked."""
    index, _ = _index(path)
    return any(index[place] & _ON for place in _switches(index))


def _index(path: Path) -> tuple[bytes, int]:
    """The box that describes all tracks, and where it begins in the file."""
    moov = next((atom for atom in headers.atoms(path) if atom.name == "moov"), None)
    if moov is None:
        return b"", 0
    with path.open("rb") as file:
        file.seek(moov.start)
        return file.read(moov.length), moov.start


def _switches(index: bytes) -> Iterator[int]:
    """The places of the bytes that switch subtitle tracks on."""
    for track in _inside(index, _Box(b"moov", 0, len(index)), b"trak"):
        media = next(_inside(index, track, b"mdia"), None)
        handler = next(_inside(index, media, b"hdlr"), None) if media else None
        header = next(_inside(index, track, b"tkhd"), None)
        if handler and header and index[handler.start + _HANDLER :][:4] in _SUBTITLES:
            yield header.start + _FLAGS


def _inside(index: bytes, parent: _Box, name: bytes) -> Iterator[_Box]:
    start = parent.start + _CHILDREN
    while start + _CHILDREN <= parent.end:
        length, found = struct.unpack_from(">I4s", index, start)
        if length < _CHILDREN:
            return
        if found == name:
            yield _Box(found, start, min(start + length, parent.end))
        start += length
