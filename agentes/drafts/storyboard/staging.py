"""How pictograms behave in a frame: which fly, which are views, which call for the sea."""

from __future__ import annotations

from pathlib import Path

import tomli

__all__ = ["DARK_WORDS", "IN_THE_BACKDROP", "LEAFY", "NIGHT", "PLACE_OF", "SKY", "VIEWS"]

_FACTS = tomli.loads((Path(__file__).parent / "staging.toml").read_text("utf-8"))

SKY = frozenset(_FACTS["sky"])
VIEWS = frozenset(_FACTS["views"])
IN_THE_BACKDROP = VIEWS | frozenset(_FACTS["in_the_backdrop"])
LEAFY = frozenset(_FACTS["leafy"])
NIGHT = frozenset(_FACTS["night"])
DARK_WORDS = frozenset(_FACTS["dark_words"])
PLACE_OF: dict[str, str] = {
    caller: place for place, callers in _FACTS["places"].items() for caller in callers
}
