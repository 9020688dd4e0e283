"""Numbers as people write them: "2,5", "1.500", "vingt-cinq", "fünfundzwanzig", "two and a half"."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orchestrator.brief.page import Page

__all__ = ["Number", "compounds", "digits", "is_below_nothing", "lengths", "number_at"]

_THOUSANDS = {"en": ","}
_DE_UNITS = ("ein", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun")
_DE_TENS = ("zwanzig", "dreißig", "vierzig", "fünfzig", "sechzig", "siebzig", "achtzig", "neunzig")
_IT_UNITS = ("uno", "due", "tre", "quattro", "cinque", "sei", "sette", "otto", "nove")
_IT_TENS = ("venti", "trenta", "quaranta", "cinquanta", "sessanta", "settanta", "ottanta", "novanta")


class Number(NamedTuple):
    """A value and the token after its last word."""

    value: float
    end: int


def compounds(language: str) -> dict[str, float]:
    """The numbers a language writes as one word, folded: "fünfundzwanzig", "zweieinhalb", "venticinque"."""
    if language == "de":
        halves = {f"{unit}einhalb": ones + 0.5 for ones, unit in enumerate(_DE_UNITS, 1)}
        quarters = {f"{unit}einviertel": ones + 0.25 for ones, unit in enumerate(_DE_UNITS, 1)}
        return {
            "anderthalb": 1.5,
            **{word.replace("ü", "u"): number for word, number in (halves | quarters).items()},
        } | {
            f"{unit}und{ten}".replace("ü", "u").replace("ß", "ss"): tens * 10 + ones
            for tens, ten in enumerate(_DE_TENS, 2)
            for ones, unit in enumerate(_DE_UNITS, 1)
        }
    if language == "it":
        return {
            (ten[:-1] if unit in {"uno", "otto"} else ten) + unit: tens * 10 + ones
            for tens, ten in enumerate(_IT_TENS, 2)
            for ones, unit in enumerate(_IT_UNITS, 1)
        }
    return {}


def lengths(language: str, numbers: Iterable[tuple[str, float]]) -> dict[str, float]:
    """The lengths a language writes as one word, folded, in seconds: "fünfzehnsekündig", "zweiminütiges"."""
    if language != "de":
        return {}
    return {
        f"{word}{unit}{ending}": number * seconds
        for word, number in numbers
        for unit, seconds in (("sekund", 1), ("minut", 60), ("stund", 3600))
        for ending in ("ig", "ige", "iger", "iges", "igen", "igem", "er", "ers", "ern")
    }


def digits(text: str, language: str) -> float | None:
    """The value of a number in figures, read with the language's separators."""
    marks = [c for c in text if c in ".,"]
    if not marks:
        return float(text) if len(text) <= 15 else None
    if len(set(marks)) == 2:
        decimal = marks[-1]
        if marks.count(decimal) > 1:
            return None
        whole, part = text.rsplit(decimal, 1)
        return float(re.sub(r"[.,]", "", whole) + "." + part)
    grouped = re.fullmatch(r"[1-9]\d{0,2}(?:[.,]\d{3})+", text) is not None
    if grouped and (len(marks) > 1 or marks[0] == _THOUSANDS.get(language, ".")):
        return float(text.replace(marks[0], ""))
    return float(text.replace(",", ".")) if len(marks) == 1 else None


def number_at(page: Page, at: int) -> Number | None:
    """The number that starts at this token, in figures or in words, with a trailing half."""
    if at >= page.size or page.hidden[at]:
        return None
    token = page.tokens[at]
    found: Number | None = None
    if token.text[0].isdecimal() and token.text[-1].isdecimal():
        value = digits(token.text, page.language_of(at))
        found = None if value is None else Number(value, at + 1)
        if found and page.has(found.end, "thousand"):
            found = Number(found.value * 1000, found.end + 1)
    elif page.has(at, "fraction"):
        return Number(float(page.value(at, "fraction")), at + 1)
    else:
        found = _in_words(page, at)
    return found and _with_half(page, found)


def _in_words(page: Page, at: int) -> Number | None:
    total, current, end = 0, 0, at
    place = at
    while place < page.size:
        tag = page.tag(place, "number")
        if tag is None:
            joins = place > at and page.has(place, "and") and page.tag(place + 1, "number") is not None
            if not joins or not current or not _adds(current, int(float(page.value(place + 1, "number")))):
                break
            place += 1
            continue
        if "." in tag.value:
            return Number(float(tag.value), tag.end) if place == at else Number(total + current, end)
        value = int(tag.value)
        if value == 1000:
            total, current = total + max(1, current) * 1000, 0
        elif value == 100 and 0 < current < 10:
            current *= 100
        elif current == 0 or _adds(current, value):
            current += value
        else:
            break
        place = end = tag.end
    return Number(total + current, end) if end > at else None


def _adds(current: int, value: int) -> bool:
    """Whether a smaller number word may follow: twenty five, hundred twenty, soixante quinze."""
    if current % 100 == 0:
        return value < 100
    tens = current % 100
    return tens % 10 == 0 and tens >= 20 and (value < 10 or (tens in {60, 80} and value < 20))


def _with_half(page: Page, number: Number) -> Number:
    end = number.end
    if page.has(end, "fraction") and page.tokens[end].gap in {"", " "}:
        return Number(number.value + float(page.value(end, "fraction")), end + 1)
    if page.has(end, "and"):
        half = end + 1 if page.has(end + 1, "half") else page.skip(end + 1, "article")
        if page.has(half, "half") and not page.tokens[half].glued:
            return Number(number.value + 0.5, page.end(half, "half"))
    return number


def is_below_nothing(page: Page, at: int) -> bool:
    """ "-5 s": a minus that stands at the figure and at nothing else."""
    if at == 0 or page.tokens[at - 1].text not in "-−–" or not page.tokens[at].glued:
        return False
    return not page.tokens[at - 1].glued
