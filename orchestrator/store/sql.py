"""The store's questions, each with a name and a sentence, and the scripts that change the shape of its tables."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from shared_knowledge.errors import BadRequest

__all__ = ["newest", "query", "route"]

_BACK = ".down.sql"

_FILES = ("queries.sql", "queue.sql", "figures.sql")
_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


@cache
def _queries() -> dict[str, str]:
    parts = [part for file in _FILES for part in _NAME.split(_read(file))[1:]]
    return {name: _without_comments(body) for name, body in zip(parts[0::2], parts[1::2], strict=True)}


def _read(file: str) -> str:
    return files(__package__).joinpath(file).read_text("utf-8")


def _without_comments(body: str) -> str:
    return "\n".join(line for line in body.splitlines() if not line.startswith("--")).strip()


def query(name: str) -> str:
    """The SQL of that name."""
    return _queries()[name]


def newest() -> int:
    """How many scripts build the schema; a database remembers how many it has seen."""
    return len(_scripts())


def route(seen: int, to: int | None = None) -> Sequence[str]:
    """The scripts that lead from the shape a database has to another one; to the newest, if none is named."""
    scripts = _scripts()
    if to is None or to >= seen:
        return [script.forward for script in scripts[seen:to]]
    back = [script.back for script in reversed(scripts[to:seen])]
    if to < 1 or None in back:
        raise BadRequest(
            f"There is no way back to shape {to}: that would be to throw the ledger away.",
            todo="Name a later one, or delete the database yourself.",
        )
    return [script for script in back if script is not None]


class _Script(NamedTuple):
    forward: str
    back: str | None


@cache
def _scripts() -> Sequence[_Script]:
    entries = {entry.name: entry for entry in files(__package__).joinpath("migrations").iterdir()}
    forward = sorted(name for name in entries if name.endswith(".sql") and not name.endswith(_BACK))
    back = (entries.get(name.removesuffix(".sql") + _BACK) for name in forward)
    return [
        _Script(entries[name].read_text("utf-8"), way.read_text("utf-8") if way else None)
        for name, way in zip(forward, back, strict=True)
    ]
