"""On which line of a TOML file does a value stand? Asked only when something is wrong with it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

__all__ = ["line_of"]

_HEADER = re.compile(r"\s*(\[\[?)\s*([^\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"\s*((?:[\w-]+|\"[^\"]*\")(?:\s*\.\s*(?:[\w-]+|\"[^\"]*\"))*)\s*=\s*(.*)$")
_STRING = re.compile(r"\"(?:\\.|[^\"\\])*\"|'[^']*'")

Path = tuple[str | int, ...]


def line_of(text: str, path: Sequence[str | int]) -> int:
    """The line of the value at that path, or of the nearest thing around it that is written down."""
    wanted = tuple(path)
    known = dict(_places(text))
    for length in range(len(wanted), 0, -1):
        if wanted[:length] in known:
            return known[wanted[:length]]
    return 1


def _places(text: str) -> Iterator[tuple[Path, int]]:
    """Every header, key and array item of the file, with its line."""
    counts: Counter[Path] = Counter()
    table: Path = ()
    open_list: Path | None = None
    item = depth = 0
    for number, raw in enumerate(text.splitlines(), start=1):
        line = _STRING.sub('""', raw)
        bare = line.split("#", 1)[0]
        if open_list is not None:
            if depth == 1 and bare.strip() and not bare.strip().startswith("]"):
                yield (*open_list, item), number
                item += 1
            depth += bare.count("[") - bare.count("]")
            if depth <= 0:
                open_list = None
        elif header := _HEADER.match(raw):
            table = _table(_names(header[2]), header[1] == "[[", counts)
            yield table, number
        elif key := _KEY.match(raw):
            place = (*table, *_names(key[1]))
            yield place, number
            value = bare.split("=", 1)[1]
            depth = value.count("[") - value.count("]")
            if depth > 0:
                open_list, item = place, 0


def _names(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip().strip('"') for part in dotted.split("."))


def _table(names: tuple[str, ...], is_list: bool, counts: Counter[Path]) -> Path:
    """The full path of a header, with the number of the list entry it belongs to or begins."""
    path: Path = ()
    for depth, name in enumerate(names, start=1):
        path = (*path, name)
        if is_list and depth == len(names):
            counts[path] += 1
        if counts[path]:
            path = (*path, counts[path] - 1)
    return path
