"""Where a script breathes: its sentences and words, each with its place in the text."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

__all__ = ["Sentence", "Word", "sentences", "width", "words"]


class Word(NamedTuple):
    """A word as written, with the punctuation that clings to it."""

    start: int
    text: str

    @property
    def end(self) -> int:
        return self.start + len(self.text)


class Sentence(NamedTuple):
    """A sentence, and whether a paragraph ends with it."""

    start: int
    text: str
    closes: bool

    @property
    def end(self) -> int:
        return self.start + len(self.text)


_PARAGRAPH = re.compile(r"[^\r\n\u2028\u2029]+")
# Full stops end a sentence only before a space; those of scripts without spaces always do.
_STOP = re.compile(r"(?:[.!?…؟۔]+[\"'”’»)\]]*(?=\s|$))|(?:[。！？｡．।॥]+[”’」』）]*)")
_SHORT = re.compile(
    r"(?:\b(?:\w|dra?|sra?|srta|profa?|pág|ex|mrs?|ms|vs|approx|inc|ltd|mme|mlle|bzw|nr|tel|z\.\s?b|u\.\s?a|"
    r"p\.\s?ej|p\.\s?ex|uds?|bijv|blz|np|ul|tys)\.)$",
    re.IGNORECASE,
)


def sentences(script: str) -> tuple[Sentence, ...]:
    """The sentences of a script in order; every character that can be spoken is in exactly one."""
    found: list[Sentence] = []
    for paragraph in _PARAGRAPH.finditer(script):
        begun = paragraph.start()
        ends = [
            stop.end()
            for stop in _STOP.finditer(script, paragraph.start(), paragraph.end())
            if not _SHORT.search(script, begun, stop.end()) or stop.end() == paragraph.end()
        ]
        for end in [*ends, paragraph.end()]:
            text = script[begun:end]
            start = begun + len(text) - len(text.lstrip())
            if text.strip():
                found.append(Sentence(start, text.strip(), closes=False))
            begun = end
        if found:
            found[-1] = found[-1]._replace(closes=True)
    return tuple(found)


def words(script: str, start: int = 0, end: int | None = None) -> tuple[Word, ...]:
    """The words between two places of a script; where no spaces are written, every character is one."""
    found: list[Word] = []
    for chunk in re.compile(r"\S+").finditer(script, start, len(script) if end is None else end):
        begun = chunk.start()
        for place in range(chunk.start() + 1, chunk.end()):
            if _may_part(script[place - 1], script[place]):
                found.append(Word(begun, script[begun:place]))
                begun = place
        found.append(Word(begun, script[begun : chunk.end()]))
    return tuple(found)


def width(text: str) -> int:
    """How many columns a text takes; wide characters take two, combining marks none."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )


def _may_part(before: str, after: str) -> bool:
    """Whether a line may break between two characters that no space separates."""
    if unicodedata.category(after)[0] in "PM" or unicodedata.category(before) in ("Ps", "Pi"):
        return False
    return _spaceless(before) or _spaceless(after)


def _spaceless(char: str) -> bool:
    code = ord(char)
    if 0x0E00 <= code <= 0x0EFF or 0x1780 <= code <= 0x17FF or 0x1000 <= code <= 0x109F:
        return True
    hangul = 0x1100 <= code <= 0x11FF or 0xAC00 <= code <= 0xD7AF
    return not hangul and unicodedata.east_asian_width(char) == "W" and unicodedata.category(char)[0] == "L"
