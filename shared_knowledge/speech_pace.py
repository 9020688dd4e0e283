"""How long a text takes to say: speech length predicted from the words, before anyone has spoken them."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from importlib import resources

import tomli
from pydantic import Field

from shared_knowledge.vocabulary import Frozen

__all__ = ["Pace", "pace_of", "predicted_s", "rate_to_fit", "unit_of", "words_too_many"]

_SENTENCE_END = re.compile(r"[.!?…。！？।]+(?=\s|$|[\"'”’»)\]])|[。！？]+|\n+")
_PHRASE_END = re.compile(r"[,;:、，；：](?!\d)|(?<=\s)[–—-](?=\s)|—")
_SIGN = re.compile(r"[%$€£¥°&@+=]")
_UNVOICED = re.compile(r"[^\w\s'’]|_")
_UNSPACED = ("ja", "zh", "yue", "th")


class Pace(Frozen):
    """One language's narrator: voiced characters a second, the pauses between them, and the breath around them."""

    characters_per_second: float = Field(gt=0)
    lead_s: float = Field(ge=0)
    sentence_pause_s: float = Field(ge=0)
    phrase_pause_s: float = Field(ge=0)
    digit_weight: float = Field(gt=0)
    sign_weight: float = Field(gt=0)


@cache
def pace_of(language: str) -> Pace:
    """The pace of a language such as "pt-BR": its own, its parent's, or a cautious default."""
    path = resources.files("shared_knowledge") / "speech_pace.toml"
    table = tomli.loads(path.read_text("utf-8"))
    parent = language.split("-")[0].lower()

    def own(of: str) -> float:
        rows: dict[str, float] = table[of]
        return rows.get(language) or rows.get(parent) or rows["default"]

    return Pace(
        characters_per_second=own("languages"),
        lead_s=table["pauses"]["lead_s"],
        sentence_pause_s=table["pauses"]["sentence_s"],
        phrase_pause_s=table["pauses"]["phrase_s"],
        digit_weight=own("digits"),
        sign_weight=table["weights"]["sign"],
    )


@lru_cache(maxsize=2048)
def predicted_s(text: str, language: str) -> float:
    """How many seconds a calm narrator needs for these words; 0.0 for none."""
    words = text.strip()
    pace = pace_of(language)
    digits = sum(mark.isdigit() for mark in words)
    voiced = " ".join(_UNVOICED.sub(" ", words).split())
    letters = len(voiced) - digits
    if language.split("-")[0].lower() in _UNSPACED:
        letters -= voiced.count(" ")
    weight = letters + digits * pace.digit_weight + len(_SIGN.findall(words)) * pace.sign_weight
    inside = re.sub(r"\W+$", "", words)
    if not inside:
        return 0.0
    pauses = (
        pace.lead_s
        + len(_SENTENCE_END.findall(inside)) * pace.sentence_pause_s
        + len(_PHRASE_END.findall(inside)) * pace.phrase_pause_s
    )
    return round(weight / pace.characters_per_second + pauses, 3)


def rate_to_fit(text: str, language: str, *, duration_s: float | None, at_most_s: float | None) -> float:
    """How much faster (above 1) or slower a voice should speak to meet its length, within 0.85 to 1.2."""
    natural_s = predicted_s(text, language)
    if not natural_s:
        return 1.0
    rate = natural_s / duration_s if duration_s else 1.0
    if at_most_s and natural_s / rate > at_most_s:
        rate = natural_s / at_most_s
    return round(min(1.2, max(0.85, rate)), 2)


def unit_of(language: str) -> str:
    """What a text is counted in where it must be cut: words, or characters where words are not spaced."""
    return "character" if language.split("-")[0].lower() in _UNSPACED else "word"


def words_too_many(text: str, language: str, at_most_s: float) -> int:
    """How many words must go from the end before the text fits; characters where words are not spaced."""
    if predicted_s(text, language) <= at_most_s:
        return 0
    unspaced = unit_of(language) == "character"
    words = list(text.strip()) if unspaced else text.split()
    glue = "" if unspaced else " "
    fits, over = 0, len(words)
    while over - fits > 1:
        middle = (fits + over) // 2
        if predicted_s(glue.join(words[:middle]), language) <= at_most_s:
            fits = middle
        else:
            over = middle
    return len(words) - fits
