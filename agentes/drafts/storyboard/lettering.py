"""Sets words into a box: at the largest size at which they fit, and shortened rather than spilled."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from PIL import ImageFont

from agentes.media import fonts

if TYPE_CHECKING:
    from agentes.drafts.storyboard.colour import Colour
    from agentes.drafts.storyboard.easel import Easel

__all__ = ["SMALLEST_PX", "Lettering", "Line", "fit", "letter"]

SMALLEST_PX = 8.5  # below this nobody reads it, so it is left out
_CUT_WORDS_AT = 0.62  # of the largest size: first make words smaller, then cut them


@dataclass(frozen=True)
class Lettering:
    """How words look: the face, how large at most, how many lines, how far apart."""

    style: fonts.Style = "text"
    weight: int = 400
    largest: float = 40.0
    smallest: float = SMALLEST_PX
    lines: int = 3
    leading: float = 1.2
    tracking: float = 0.0


@dataclass(frozen=True)
class Line:
    """Words that were fitted: ready to be written."""

    lines: tuple[str, ...]
    font: ImageFont.FreeTypeFont
    leading: float
    tracking: float

    @property
    def height(self) -> float:
        """From the top of the capitals to the foot of the last line."""
        ascent, descent = self.font.getmetrics()
        return self.leading * (len(self.lines) - 1) + 0.80 * ascent + 0.9 * descent

    @property
    def without_last(self) -> Line:
        """All lines but the last."""
        return replace(self, lines=self.lines[:-1])

    @property
    def only_last(self) -> Line:
        """The last line alone."""
        return replace(self, lines=self.lines[-1:])

    @property
    def width(self) -> float:
        """The length of the longest line."""
        return max(_length(each, self.font, self.tracking) for each in self.lines)


def fit(text: str, width: float, height: float, look: Lettering) -> Line | None:
    """The words at the largest size that fits the box; shortened at the smallest; None if nothing fits."""
    text = fonts.visible(text)
    style = look.style if fonts.can_write(text, look.style) else "text"
    weight = look.weight if style == look.style else 700
    path = str(fonts.face(weight, style))
    if not text or width <= 0 or height <= 0:
        return None
    size = min(look.largest, height)
    smallest = min(look.smallest, size)
    while size >= SMALLEST_PX:
        font = _font(path, round(size * 2) / 2)
        set_lines = _wrapped(text, font, width, look, cut=size <= _CUT_WORDS_AT * look.largest)
        done = Line(tuple(set_lines), font, size * look.leading, look.tracking * size)
        if len(set_lines) <= look.lines and done.height <= height and done.width <= width:
            return done
        if size <= smallest:
            return _shortened(set_lines, font, size, width, height, look)
        size = max(size * 0.93 - 0.1, smallest)
    return None


def letter(easel: Easel, line: Line, left: float, top: float, colour: Colour) -> float:
    """Writes fitted words from a corner; says where they end below."""
    pen = easel.pen
    ascent, _ = line.font.getmetrics()
    y = top - 0.2 * ascent  # a font leaves that much air above its capitals
    for words in line.lines:
        if line.tracking:
            x = left
            for sign in words:
                pen.text((x, y), sign, fill=colour.rgb, font=line.font)
                x += line.font.getlength(sign) + line.tracking
        else:
            pen.text((left, y), words, fill=colour.rgb, font=line.font)
        y += line.leading
    return top + line.height


def _wrapped(
    text: str, font: ImageFont.FreeTypeFont, width: float, look: Lettering, *, cut: bool
) -> list[str]:
    """As few lines as possible, then as even as possible; too long a word is cut only when allowed."""
    tracking = look.tracking * font.size
    if cut:
        text = " ".join(_cut(word, font, width, tracking) for word in text.split(" "))
    greedy = _broken(text, font, width, tracking)
    if not 1 < len(greedy) <= look.lines:
        return greedy
    low, high = width / 2, width
    for _ in range(6):
        middle = (low + high) / 2
        if len(_broken(text, font, middle, tracking)) > len(greedy):
            low = middle
        else:
            high = middle
    return _broken(text, font, high, tracking)


def _broken(text: str, font: ImageFont.FreeTypeFont, width: float, tracking: float) -> list[str]:
    lines: list[str] = []
    current = ""
    for word in text.split(" "):
        longer = f"{current} {word}" if current else word
        if not current or _length(longer, font, tracking) <= width:
            current = longer
        else:
            lines.append(current)
            current = word
    return [*lines, current]


def _cut(word: str, font: ImageFont.FreeTypeFont, width: float, tracking: float) -> str:
    """A word in pieces that fit a line each, with hyphens."""
    pieces = []
    while _length(word, font, tracking) > width and len(word) > 3:
        pieces.append(_start(word, font, width, tracking))
        word = word[len(pieces[-1]) - 1 :]
    return " ".join((*pieces, word))


def _start(word: str, font: ImageFont.FreeTypeFont, width: float, tracking: float) -> str:
    """As much of a word as fits, with a hyphen."""

    def long(keep: int) -> float:
        return _length(f"{word[:keep]}-", font, tracking)

    keep = bisect_right(range(1, len(word)), width, key=long)
    return f"{word[: max(keep, 1)]}-"


def _shortened(
    lines: list[str], font: ImageFont.FreeTypeFont, size: float, width: float, height: float, look: Lettering
) -> Line | None:
    """What fits of the words at this size, with dots for the rest."""
    tracking = look.tracking * size
    kept: list[str] = []
    whole = True
    for words in lines:
        candidate = Line((*kept, words), font, size * look.leading, tracking)
        if len(kept) == look.lines or candidate.height > height:
            whole = False
            break
        kept.append(words)
    if not kept:
        return None
    fitted = [
        words if _length(words, font, tracking) <= width else _clipped(words, font, width, tracking)
        for words in kept
    ]
    if not whole and not fitted[-1].endswith("…"):
        fitted[-1] = _clipped(fitted[-1] + " …", font, width, tracking)
    if any(words in {"", "…"} for words in fitted):
        return None
    return Line(tuple(fitted), font, size * look.leading, tracking)


def _clipped(words: str, font: ImageFont.FreeTypeFont, width: float, tracking: float) -> str:
    bare = words.rstrip("… ")
    while bare and _length(f"{bare}…", font, tracking) > width:
        bare = bare[:-1].rstrip(" ,.;:·-–—")
    return f"{bare}…"


def _length(words: str, font: ImageFont.FreeTypeFont, tracking: float) -> float:
    return font.getlength(words) + tracking * len(words)


@lru_cache(maxsize=64)
def _font(path: str, size: float) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(path, size)
