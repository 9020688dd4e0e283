"""JSON too big to hold: its long strings fall through to the disk, and what remains is small.

Base64 media arrive as one string of millions of characters. The sieve reads the answer as it comes,
keeps everything but such strings, and remembers where in the answer each of them lies.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from agentes.wire.kept import body_in
from agentes.wire.said import Unintelligible

__all__ = ["LONG", "Sieve", "Stretch", "TooBig", "find_text", "read_stretch"]

LONG = 64 * 1024
"""A string of more bytes than this is not kept."""

_MOST_KEPT = 4 * 1024 * 1024
_SHOWN = 32
_CHUNK = 256 * 1024
_BACKSLASH = ord("\\")
_SAFE_TO_SHOW = re.compile(rb"[ !#-\[\]-~]*")


class TooBig(Unintelligible):
    """An answer larger than any honest one."""


class Stretch(NamedTuple):
    """Where the inside of a long string lies in its answer: from this byte, up to before that one."""

    start: int
    end: int


class Sieve:
    """Reads JSON piece by piece; `kept` is the same JSON with a short stand-in for every long string.

    It does not judge: what is not JSON comes out as something that is not JSON either.
    """

    def __init__(self) -> None:
        self.kept = bytearray()
        self.long: dict[str, Stretch] = {}
        self.passing = False
        self._read = 0
        self._opened: int | None = None
        self._start = 0
        self._shown = b""
        self._escaping = False

    def feed(self, chunk: bytes) -> None:
        """Takes the next piece; TooBig if even without its long strings the answer is too long."""
        at = 0
        while at < len(chunk):
            at = self._outside(chunk, at) if self._opened is None else self._inside(chunk, at)
        self._read += len(chunk)
        if len(self.kept) > _MOST_KEPT:
            raise TooBig("the answer is too long")

    def _outside(self, chunk: bytes, at: int) -> int:
        quote = chunk.find(b'"', at)
        if quote < 0:
            self.kept += chunk[at:]
            return len(chunk)
        self.kept += chunk[at : quote + 1]
        self._opened = len(self.kept)
        self._start = self._read + quote + 1
        return quote + 1

    def _inside(self, chunk: bytes, at: int) -> int:
        quote = self._closing(chunk, at)
        upto = len(chunk) if quote < 0 else quote
        if not self.passing:
            self.kept += chunk[at:upto]
            if self._read + upto - self._start > LONG:
                self.passing = True
                self._shown = bytes(self.kept[self._opened :][:_SHOWN])
                del self.kept[self._opened :]
        if quote < 0:
            return upto
        if self.passing:
            self._stand_in(Stretch(self._start, self._read + quote))
        self.kept += b'"'
        self._opened = None
        return quote + 1

    def _stand_in(self, stretch: Stretch) -> None:
        shown = self._shown.decode("ascii") if _SAFE_TO_SHOW.fullmatch(self._shown) else ""
        name = f"{shown}...[{stretch.end - stretch.start} characters on disk, no. {len(self.long) + 1}]"
        self.long[name] = stretch
        self.kept += name.encode("ascii")
        self.passing = False

    def _closing(self, chunk: bytes, at: int) -> int:
        """Where the string that is open at `at` closes; -1 if not in this chunk."""
        look = at
        while (quote := chunk.find(b'"', look)) >= 0:
            if not self._escapes(chunk, at, quote):
                self._escaping = False
                return quote
            look = quote + 1
        self._escaping = self._escapes(chunk, at, len(chunk))
        return -1

    def _escapes(self, chunk: bytes, at: int, end: int) -> bool:
        """Whether the backslashes before `end`, with those of the chunk before, escape what comes next."""
        first = end
        while first > at and chunk[first - 1] == _BACKSLASH:
            first -= 1
        carried = self._escaping and first == at
        return ((end - first) % 2 == 1) != carried


def find_text(answer: Path, pointer: str) -> str | Stretch:
    """The string at a JSON pointer in an answer on disk: itself if it is short, else where it lies."""
    sieve = Sieve()
    for chunk in body_in(answer):
        sieve.feed(chunk)
    try:
        value: Any = json.loads(sieve.kept)
    except (ValueError, RecursionError) as error:
        raise Unintelligible("the answer is not JSON") from error
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        try:
            value = value[int(name)] if isinstance(value, list) else value[name]
        except (ValueError, LookupError, TypeError) as error:
            raise Unintelligible(f"there is nothing at {pointer[:80]}") from error
    if not isinstance(value, str):
        raise Unintelligible(f"there is no text at {pointer[:80]}")
    return sieve.long.get(value, value)


def read_stretch(answer: Path, stretch: Stretch) -> Iterator[bytes]:
    """The bytes of a long string, in chunks, with JSON's escapes still in them."""
    left = stretch.end - stretch.start
    with answer.open("rb") as file:
        file.seek(stretch.start)
        while left and (chunk := file.read(min(_CHUNK, left))):
            left -= len(chunk)
            yield chunk
