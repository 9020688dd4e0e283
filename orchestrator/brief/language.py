"""Which language a stretch of text is in, told by its small words."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable

from orchestrator.brief.lexicon import LANGUAGES, evidence, shared
from orchestrator.brief.tokens import Token

__all__ = ["best", "is_european_portuguese", "scores"]

_CAPITAL = 0.5
_LETTERS = {
    "pt": re.compile(r"[ãõ]|ções|ção"),
    "es": re.compile(r"[ñ¿¡]|ción"),
    "de": re.compile(r"[äöß]"),
    "fr": re.compile(r"[œîûèëï]|(?<=[\w])ê"),
    "it": re.compile(r"[ìò]|zione\b|[aeiou]tà\b"),
}
_ENDINGS = {
    "pt": re.compile(r"(?:inho|inha|agem|dade|ões|mente)s?$"),
    "es": re.compile(r"(?:ito|ita|dad|ando|iendo)s?$"),
    "en": re.compile(r"(?:ing|ness|ly|ed|'s|n't)$"),
    "de": re.compile(r"(?:ung|ungen|heit|keit|isch|ische|ischen|chen|lich|sch)$"),
    "fr": re.compile(r"(?:eau|eaux|eux|euse|ée|ées|ment|ette)s?$"),
    "it": re.compile(r"(?:zioni|etto|etta|ella|ello|ggio|cchi|cchio|ucci)$"),
}


def scores(tokens: Iterable[Token]) -> dict[str, float]:
    """How much these words speak for each language."""
    votes = evidence()
    tokens = list(tokens)
    total = dict.fromkeys(LANGUAGES, 0.0)
    total["de"] += _CAPITAL * sum(_is_noun_by_capital(*pair) for pair in itertools.pairwise(tokens))
    for token in tokens:
        if not token.is_word:
            continue
        for language, weight in votes.get(token.word, {}).items():
            total[language] += weight
        lowered = token.text.lower()
        for language, letters in _LETTERS.items():
            if not lowered.isascii() and letters.search(lowered):
                total[language] += 0.8
        if len(lowered) > 4 and token.word not in votes:
            for language, ending in _ENDINGS.items():
                if ending.search(lowered):
                    total[language] += 0.3
    return total


def _is_noun_by_capital(before: Token, token: Token) -> bool:
    """ "3 Fotos": only German writes a common noun with a capital in the middle of a sentence."""
    plain = before.text.isdecimal() or (before.is_word and before.text.islower())
    return (
        plain and token.is_word and token.text.istitle() and "de" in evidence().get(token.word, {})
    )  # fmt: skip


def best(total: dict[str, float], otherwise: str, margin: float = 0.0) -> str:
    """The language with most votes, if it leads the one assumed otherwise by the margin."""
    first = max(LANGUAGES, key=lambda language: (total[language], language == otherwise))
    return first if total[first] > total[otherwise] + margin else otherwise


_BY_FORM = re.compile(r"\b(?:est[aáão]{1,2}|estamos|estar|a)\s+a\s+\w+[aei]r\b", re.IGNORECASE)


def is_european_portuguese(text: str, tokens: Iterable[Token]) -> bool:
    """Whether a Portuguese text is rather from Portugal than from Brazil."""
    words = {token.word for token in tokens}
    regional = shared("regional")
    european = len(words & set(regional["pt-PT"])) + (1 if _BY_FORM.search(text) else 0)
    return european > len(words & set(regional["pt-BR"]))
