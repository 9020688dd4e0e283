"""Words, numbers and marks, each with its place in the brief as it was written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto

from orchestrator.brief.text import CleanText, fold

__all__ = ["FILE_ENDINGS", "Kind", "Token", "tokenise", "words_of"]

PICTURES = "jpe?g|png|webp|gif|heic|tiff?|bmp|svg|psd|ai|eps|raw|avif|pdf"
FILMS = "mp4|mov|webm|mkv|avi|m4v"
SOUNDS = "mp3|wav|m4a|ogg|flac|aac|opus|aiff?"
FILE_ENDINGS = {"photo": PICTURES, "video": FILMS, "voice": SOUNDS}

_ELISIONS = "jusqu|lorsqu|puisqu|quoiqu|quelqu|dell|nell|sull|dall|all|quell|quest|bell|qu|un|[cdjlmnst]"
_PIECES = re.compile(
    rf"""
    (?P<address>https?://[^\s"“”«»<>]+[^\s"“”«»<>.,;:!?)\]'’] | www\.[\w-]+\.[^\s"“”«»<>]*[^\s"“”«»<>.,;:!?)\]'’])
  | (?P<mail>[\w.+-]+@[\w-]+\.[\w.-]*\w)
  | (?P<file>(?:[A-Za-z]:)?(?!\()[\w.~/\\@()+-]*[\w)]\.(?:{PICTURES}|{FILMS}|{SOUNDS})(?![\w]))
  | (?P<tag>[@\#]\w+)
  | (?P<short>(?<![\w])(?:w/o|[pcsw]/)(?=[\s\w]|$))
  | (?P<number>\d+(?:[.,]\d+)*)
  | (?P<unit>(?<=\d)[^\W\d_]+)
  | (?P<elided>(?<![\w'’])(?:{_ELISIONS})['’](?=\w|\Z))
  | (?P<word>[^\W\d_]\w*(?:['’][^\W\d_]\w*)*)
  | (?P<line>\n[\s]*)
  | (?P<mark>\S)
    """,
    re.VERBOSE | re.IGNORECASE,
)


class Kind(Enum):
    WORD = auto()
    NUMBER = auto()
    MARK = auto()
    LINE = auto()
    ADDRESS = auto()
    FILE = auto()


_KINDS = {
    "address": Kind.ADDRESS,
    "mail": Kind.MARK,
    "file": Kind.FILE,
    "tag": Kind.MARK,
    "number": Kind.NUMBER,
    "line": Kind.LINE,
    "mark": Kind.MARK,
}


@dataclass(frozen=True, slots=True)
class Token:
    """One piece of text; `gap` is what stands between it and the piece before."""

    text: str
    word: str
    kind: Kind
    start: int
    end: int
    gap: str

    @property
    def is_word(self) -> bool:
        return self.kind is Kind.WORD

    @property
    def glued(self) -> bool:
        """Whether nothing stands between this and the token before."""
        return not self.gap


def tokenise(source: CleanText) -> list[Token]:
    """Every word, number and mark in order; hyphens inside words stand in the gaps."""
    tokens: list[Token] = []
    text, before = source.text, 0
    pieces = [(match.lastgroup or "mark", match.start(), match.end()) for match in _PIECES.finditer(text)]
    for at, (group, start, end) in enumerate(pieces):
        piece = text[start:end]
        if piece in "-‐‑" and _joins(pieces, at):
            continue
        kind = _KINDS.get(group, Kind.WORD)
        word = fold(piece) if kind is Kind.WORD else piece
        tokens.append(Token(piece, word, kind, source.start(start), source.end(end), text[before:start]))
        before = end
    return tokens


def _joins(pieces: list[tuple[str, int, int]], at: int) -> bool:
    """Whether the hyphen at this piece ties two words or numbers together."""
    if not 0 < at < len(pieces) - 1:
        return False
    (left, _, left_end), (_, start, end), (right, right_start, _) = pieces[at - 1 : at + 2]
    tied = {"word", "number", "unit", "elided"}
    return left_end == start and right_start == end and left in tied and right in tied


def words_of(phrase: str) -> tuple[str, ...]:
    """The folded words of a phrase, cut as `tokenise` cuts a brief."""
    if phrase.replace(" ", "").isalpha():  # nothing to cut at but spaces: the usual, and the quick, case
        return tuple(fold(phrase).split())
    return tuple(
        fold(match.group())
        for match in _PIECES.finditer(phrase)
        if match.group() not in "-‐‑" or len(phrase) == 1
    )
