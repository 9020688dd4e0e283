"""What the first bytes of a file say: its kind, the size of a picture, the shape of an mp4."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from shared_knowledge.file_kinds import ENOUGH, Kind, kind_of
from shared_knowledge.vocabulary import Size

__all__ = ["Atom", "atoms", "demuxer_of", "picture_size", "sniff"]


_DEMUXERS = {
    Kind.PNG: "png_pipe",
    Kind.JPEG: "jpeg_pipe",
    Kind.WEBP: "webp_pipe",
    Kind.MP4: "mov",
    Kind.M4A: "mov",
    Kind.WEBM: "matroska",
}


def sniff(path: Path) -> Kind | None:
    """The kind of a file by its first bytes; None if it is nothing we take in."""
    with path.open("rb") as file:
        return kind_of(file.read(ENOUGH))


def demuxer_of(kind: Kind) -> str:
    """The name by which ffmpeg is told to read this kind and no other."""
    return _DEMUXERS.get(kind, kind.name.lower())


class Atom(NamedTuple):
    """One box at the top level of an mp4: its name, where it begins, how long it says it is."""

    name: str
    start: int
    length: int


def atoms(path: Path) -> tuple[Atom, ...]:
    """The top-level boxes of an mp4, in order; the last may claim more than the file holds."""
    return tuple(_atoms(path))


def _atoms(path: Path) -> Iterator[Atom]:
    size = path.stat().st_size
    start = 0
    with path.open("rb") as file:
        while start + 8 <= size:
            file.seek(start)
            length, name = struct.unpack(">I4s", file.read(8))
            if length == 1:
                wide = file.read(8)
                length = struct.unpack(">Q", wide)[0] if len(wide) == 8 else 0
            elif length == 0:
                length = size - start
            yield Atom(name.decode("latin-1"), start, length)
            if length < 8:
                return
            start += length


def picture_size(path: Path, kind: Kind) -> Size | None:
    """Width and height as a picture's header declares them, without decoding a pixel."""
    with path.open("rb") as file:
        try:
            return {Kind.PNG: _png, Kind.JPEG: _jpeg, Kind.WEBP: _webp}[kind](file)
        except struct.error:
            return None


def _png(file: BinaryIO) -> Size | None:
    head = file.read(24)
    return Size(*struct.unpack(">II", head[16:24])) if head[12:16] == b"IHDR" else None


def _jpeg(file: BinaryIO) -> Size | None:
    file.seek(2)
    for _ in range(512):
        mark, code, length = struct.unpack(">BBH", file.read(4))
        if mark != 0xFF:
            return None
        if 0xC0 <= code <= 0xCF and code not in (0xC4, 0xC8, 0xCC):
            _, height, width = struct.unpack(">BHH", file.read(5))
            return Size(width, height)
        file.seek(length - 2, os.SEEK_CUR)
    return None


def _webp(file: BinaryIO) -> Size | None:
    head = file.read(30)
    match head[12:16]:
        case b"VP8X":
            return Size(*(int.from_bytes(head[i : i + 3], "little") + 1 for i in (24, 27)))
        case b"VP8L":
            bits = struct.unpack("<I", head[21:25])[0]
            return Size((bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1)
        case b"VP8 ":
            width, height = struct.unpack("<HH", head[26:30])
            return Size(width & 0x3FFF, height & 0x3FFF)
        case _:
            return None
