"""What the words of a language mean, read from `words/<language>.toml` and looked up by phrase."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import tomli

from orchestrator.brief.numerals import compounds, lengths
from orchestrator.brief.text import fold
from orchestrator.brief.tokens import Kind, Token, words_of

__all__ = ["LANGUAGES", "Lexicon", "Tag", "count_evidence", "evidence", "lexicon", "loanwords", "shared"]

LANGUAGES = ("en", "pt", "es", "fr", "de", "it")
_NOT_PHRASES = frozenset(
    {"ratio", "network_ratio", "everyday", "currency_sign", "regional", "shortened", "spoken_in", "thumbnail"}
)
_SHARED = ("shared", "limits")
_BORROWED = frozenset({"medium", "quality", "shape", "language", "carousel", "network"})


class Tag(NamedTuple):
    """A phrase that was found: where it ends, and what it stands for."""

    end: int
    value: str


class _Entry(NamedTuple):
    rest: tuple[str, ...]
    category: str
    value: str
    exact: str


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The phrases of one language by their first word; categories are the keys of its file."""

    language: str
    entries: dict[str, tuple[_Entry, ...]]
    endings: tuple[tuple[str, str, str], ...]

    def tags(self, tokens: list[Token], at: int) -> dict[str, Tag]:
        """Every category a phrase starting at this token belongs to, the longest phrase of each."""
        token = tokens[at]
        found: dict[str, Tag] = {}
        for rest, category, value, exact in self.entries.get(token.word, ()):
            end = at + 1 + len(rest)
            if end > len(tokens) or (rest and not _follow(tokens, at + 1, rest)):
                continue
            if exact and exact != token.text.lower():
                continue
            if category not in found or found[category].end < end:
                found[category] = Tag(end, value)
        if not found and self.endings and token.is_word:
            for ending, category, value in self.endings:
                if token.word.endswith(ending) and len(token.word) > len(ending) + 2:
                    found[category] = Tag(at + 1, value)
                    break
        return found


def _follow(tokens: list[Token], at: int, rest: tuple[str, ...]) -> bool:
    return all(
        tokens[at + step].word == word and tokens[at + step].kind is not Kind.LINE
        for step, word in enumerate(rest)
    )


@cache
def lexicon(language: str) -> Lexicon:
    """The words of one language together with those all languages share."""
    return _compiled(language, frozenset())


@cache
def loanwords(language: str) -> Lexicon:
    """The media words of this language, for a text in another one that uses them."""
    return _compiled(language, _BORROWED)


def _compiled(language: str, only: frozenset[str]) -> Lexicon:
    """The phrases by their first word: all of them, or those of some categories, which is much quicker."""
    entries: dict[str, list[_Entry]] = {}
    endings: list[tuple[str, str, str]] = []
    for name in (*_SHARED, language):
        for category, value, phrase in (*_phrases(name), *_own(name)):
            if only and category not in only:
                continue
            if phrase.startswith("*"):
                endings.append((fold(phrase[1:]), category, value))
                continue
            exact = phrase[1:].split()[0].lower() if phrase.startswith("=") else ""
            first, *rest = words_of(phrase.removeprefix("="))
            entries.setdefault(first, []).append(_Entry(tuple(rest), category, value, exact))
    for word, number in compounds(language).items() if not only else ():
        entries.setdefault(word, []).append(_Entry((), "number", str(number), ""))
    counts = [
        (word, float(one.value))
        for word, found in entries.items()
        for one in found
        if one.category == "number" and not one.rest
    ]
    for word, seconds in lengths(language, counts).items():
        entries.setdefault(word, []).append(_Entry((), "length_in_s", str(seconds), ""))
    endings.sort(key=lambda one: -len(one[0]))
    return Lexicon(language, {word: tuple(found) for word, found in entries.items()}, tuple(endings))


@cache
def evidence() -> dict[str, dict[str, float]]:
    """How strongly each word speaks for each language, as counted beforehand."""
    counted = (files("orchestrator.brief") / "words" / "evidence.json").read_bytes()
    return {word: votes for votes, words in json.loads(counted) for word in words.split()}


def count_evidence() -> dict[str, dict[str, float]]:
    """How strongly each word speaks for each language: rare company weighs more.

    Reading all languages takes longer than reading a brief, so the count is kept beside the lists.
    """
    votes: dict[str, dict[str, float]] = {}
    for language in LANGUAGES:
        for category, _, phrase in (*_phrases(language), *_own(language)):
            if " " in phrase or phrase.startswith("*"):
                continue
            words = words_of(phrase.lstrip("="))
            weight = 2.0 if category in {"common", "frequent"} else 1.0
            if len(words) == 1:
                own = votes.setdefault(words[0], {})
                own[language] = max(own.get(language, 0.0), weight)
    return {
        word: {language: round(weight / len(own), 3) for language, weight in own.items()}
        for word, own in sorted(votes.items())
    }


@cache
def shared(category: str) -> dict[str, tuple[str, ...]]:
    """One table of the shared file: each value with its phrases."""
    table = _tables("shared")[category]
    return {value: tuple(_split(phrases)) for value, phrases in table.items()}


def _phrases(name: str) -> list[tuple[str, str, str]]:
    found: list[tuple[str, str, str]] = []
    for table, values in _tables(name).items():
        if table in _NOT_PHRASES:
            continue
        for key, phrases in values.items():
            category, value = (key, "") if table == "words" else (table, key)
            found.extend((category, value, phrase) for phrase in _split(phrases))
    return found


def _own(language: str) -> list[tuple[str, str, str]]:
    """What the files hold that have one table for each language."""
    shades = [("colour", value, phrases) for value, phrases in _tables("colours").get(language, {}).items()]
    small = [(key, "", phrases) for key, phrases in _tables("grammar").get(language, {}).items()]
    return [(category, value, one) for category, value, many in (*shades, *small) for one in _split(many)]


def _split(phrases: str) -> list[str]:
    return [phrase.strip() for phrase in phrases.split(",") if phrase.strip()]


@cache
def _tables(name: str) -> dict[str, dict[str, str]]:
    with (files("orchestrator.brief") / "words" / f"{name}.toml").open("rb") as file:
        return tomli.load(file)
