"""How long a text takes to say, and how many tokens it is, before anything was bought."""

from __future__ import annotations

import math
import tomllib
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import NamedTuple

__all__ = ["Pace", "characters_for", "pace", "spoken_s", "tokens"]


class Pace(NamedTuple):
    """How a language is spoken and cut into tokens."""

    characters_per_s: Decimal
    characters_per_token: Decimal


@cache
def _paces() -> tuple[dict[str, Pace], Pace]:
    text = Path(__file__).with_name("speech.toml").read_text(encoding="utf-8")
    table = tomllib.loads(text, parse_float=Decimal)

    def read(row: dict[str, Decimal | int]) -> Pace:
        return Pace(Decimal(row["characters_per_s"]), Decimal(row["characters_per_token"]))

    return {code: read(row) for code, row in table["languages"].items()}, read(table["other"])


def pace(language: str) -> Pace:
    """The pace of a language such as "pt-BR"; one that is not on file counts as a middling one."""
    known, other = _paces()
    return known.get(language.split("-")[0].casefold(), other)


def spoken_s(text: str, language: str) -> Decimal:
    """The seconds a calm voice needs for the text."""
    return (len(" ".join(text.split())) / pace(language).characters_per_s).quantize(Decimal("0.01"))


def characters_for(seconds: float, language: str) -> int:
    """How many characters fit into so many seconds of calm speech."""
    return int(Decimal(str(seconds)) * pace(language).characters_per_s)


def tokens(text: str, language: str) -> int:
    """About how many tokens the text is; never less than one."""
    return max(1, math.ceil(len(text) / pace(language).characters_per_token))
