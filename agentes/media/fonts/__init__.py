"""The typefaces shipped with Agentes, and which characters they can write."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Literal

from agentes.media.fonts.coverage import coverage

__all__ = ["DISPLAY_FAMILY", "FOLDER", "TEXT_FAMILY", "Style", "can_write", "face", "missing", "visible"]

FOLDER = Path(__file__).parent / "faces"
TEXT_FAMILY = "Inter"
DISPLAY_FAMILY = "Fraunces"

Style = Literal["text", "display", "poster"]

_TEXT = {400: "Inter-Regular.ttf", 600: "Inter-SemiBold.ttf", 700: "Inter-Bold.ttf"}
_STYLES = {
    "display": "Fraunces-SemiBold.ttf",
    "poster": "BricolageGrotesque-ExtraBold.ttf",
}
_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn"}


def face(weight: int = 400, style: Style = "text") -> Path:
    """The font file nearest to a weight; only the text style has several."""
    if style == "text":
        return FOLDER / _TEXT[min(_TEXT, key=lambda shipped: abs(shipped - weight))]
    return FOLDER / _STYLES[style]


def can_write(text: str, style: Style = "text") -> bool:
    """Whether every visible character of a text has a shape in that style."""
    return not missing(text, style)


def missing(text: str, style: Style = "text") -> str:
    """The characters of a text that would come out as boxes, each once, in order."""
    known = coverage(face(style=style))
    return "".join(dict.fromkeys(sign for sign in visible(text) if ord(sign) not in known))


def visible(text: str) -> str:
    """A text composed and in one line, without control signs, joiners and variation marks."""
    composed = unicodedata.normalize("NFC", " ".join(text.split()))
    return "".join(
        sign
        for sign in composed
        if unicodedata.category(sign) not in _INVISIBLE and not "\ufe00" <= sign <= "\ufe0f"
    )
