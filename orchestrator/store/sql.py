"""The store's questions, read once from a file where each has a name and a sentence."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

__all__ = ["migrations", "query"]

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


@cache
def _queries() -> dict[str, str]:
    parts = _NAME.split(files(__package__).joinpath("queries.sql").read_text("utf-8"))
    return {name: _without_comments(body) for name, body in zip(parts[1::2], parts[2::2], strict=True)}


def _without_comments(body: str) -> str:
    return "\n".join(line for line in body.splitlines() if not line.startswith("--")).strip()


def query(name: str) -> str:
    """The SQL of that name."""
    return _queries()[name]


def migrations() -> list[str]:
    """The scripts that build the schema, oldest first; a database remembers how many it has seen."""
    folder = files(__package__).joinpath("migrations")
    scripts = sorted(
        (entry for entry in folder.iterdir() if entry.name.endswith(".sql")), key=lambda e: e.name
    )
    return [script.read_text("utf-8") for script in scripts]
