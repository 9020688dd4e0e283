"""A brief arrives in any shape: here it is refused in one sentence, or cleaned with its places kept."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from shared_knowledge.errors import UnclearBrief

__all__ = ["LIMIT", "CleanText", "clean", "fold"]

LIMIT = 20_000
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]")
_COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_WIDE = re.compile(r"[\uff01-\uff5e]")
_FROM_WIDE = 0xFEE0
_MARKS_PER_LETTER = 4
_ZWJ = "\u200d"
_TODO = "Say in a sentence what to make, such as: a 10 s vertical video of a red bicycle."


@dataclass(frozen=True, slots=True)
class CleanText:
    """Readable text, and for each of its characters where it stood in the original."""

    original: str
    text: str
    starts: list[int] | range
    ends: list[int] | range

    def start(self, place: int) -> int:
        return self.starts[place]

    def end(self, place: int) -> int:
        """Where the stretch that stops before `place` ends in the original."""
        return self.ends[place - 1] if place else 0


def clean(text: str) -> CleanText:
    """The brief in NFC without invisible characters, or UnclearBrief with the reason."""
    _refuse_what_is_no_text(text)
    cleaned = _plain(text) or _mended(text)
    if not any(letter.isalnum() for letter in cleaned.text):
        raise UnclearBrief("The brief holds no words.", todo=_TODO)
    return cleaned


def fold(text: str) -> str:
    """Lower case without accents, for looking words up."""
    if text.isascii():
        return text.lower()
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return plain.casefold().replace("’", "'")


def _refuse_what_is_no_text(text: str) -> None:
    if len(text) > LIMIT:
        raise UnclearBrief(
            f"The brief has {len(text):,} characters; at most {LIMIT:,} can be read.",
            todo="Shorten it to what should be made, and hand long texts over as files.",
        )
    if _SURROGATE.search(text):
        raise UnclearBrief(
            "The brief holds broken characters (lone surrogates).", todo="Save it as UTF-8 and send it again."
        )
    controls = len(_CONTROL.findall(text))
    if "\x00" in text or controls * 5 > len(text):
        raise UnclearBrief(
            "The brief is full of control characters; this looks like a binary file, not text.",
            todo="Give a text file in UTF-8.",
        )
    if not text.strip():
        raise UnclearBrief("The brief is empty.", todo=_TODO)


def _plain(text: str) -> CleanText | None:
    """The quick way, for text that is clean already."""
    if not text.isascii() and (
        not unicodedata.is_normalized("NFC", text)
        or any(unicodedata.category(c) in {"Cf", "Mn", "Zl", "Zp"} for c in text if c > "\x7f")
    ):
        return None
    if _CONTROL.search(text) or _WIDE.search(text):
        return None
    spaced = re.sub(r"[^\S\n]", " ", text.replace("\r", "\n" if "\r\n" not in text else " "))
    return CleanText(text, spaced, range(len(text)), range(1, len(text) + 1))


def _mended(text: str) -> CleanText:
    letters: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    place = 0
    while place < len(text):
        escape = _COLOURS.match(text, place)
        if escape:
            place = escape.end()
            continue
        after = place + 1
        while after < len(text) and unicodedata.combining(text[after]):
            after += 1
        cluster = _readable(text, place, after)
        for letter in cluster:
            letters.append(letter)
            starts.append(place)
            ends.append(after)
        place = after
    return CleanText(text, "".join(letters), starts, ends)


def _readable(text: str, place: int, after: int) -> str:
    letter = text[place]
    category = unicodedata.category(letter)
    if letter == "\r" and text[after : after + 1] == "\n":
        return ""
    if letter in "\n\r\x85" or category in {"Zl", "Zp"}:
        return "\n"
    if letter == "\t" or category == "Zs":
        return " "
    if category == "Cc" or (category == "Cf" and not _joins_emoji(text, place)):
        return ""
    if unicodedata.combining(letter):
        return ""
    if _WIDE.match(letter):
        return chr(ord(letter) - _FROM_WIDE)
    return unicodedata.normalize("NFC", text[place : min(after, place + 1 + _MARKS_PER_LETTER)])


def _joins_emoji(text: str, place: int) -> bool:
    if text[place] != _ZWJ or not 0 < place < len(text) - 1:
        return False
    return all(unicodedata.category(text[near]) in {"So", "Sk", "Mn"} for near in (place - 1, place + 1))
