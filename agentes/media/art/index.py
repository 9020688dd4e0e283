"""The dictionary from words to pictograms: one for each language, read from the files beside this module."""

from __future__ import annotations

import re
import unicodedata
import zipfile
from collections import defaultdict
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Literal

import tomli

__all__ = ["LANGUAGES", "Dictionary", "Phrase", "dictionary", "fold", "names", "stem", "tokens"]

_HERE = Path(__file__).parent
LANGUAGES = tuple(sorted(path.stem for path in (_HERE / "keywords").glob("*.tsv")))
_NOTHING = "nothing"

Phrase = tuple[str, ...]


@dataclass
class Dictionary:
    """What one language calls each pictogram, and how that language builds a phrase."""

    language: str
    head: Literal["first", "last"]
    breaks: frozenset[str]
    silent: frozenset[str]
    colours: frozenset[str]
    named: dict[Phrase, tuple[str, ...]] = field(default_factory=dict)
    emoji: dict[str, str] = field(default_factory=dict)

    @property
    def spaced(self) -> bool:
        """Whether the language puts spaces between words."""
        return self.language not in {"ja", "zh"}


@lru_cache(maxsize=1)
def names() -> frozenset[str]:
    """Every pictogram that can be drawn."""
    with zipfile.ZipFile(_HERE / "pictograms.zip") as packed:
        gathered = {Path(name).stem for name in packed.namelist()}
    return frozenset(gathered | {path.stem for path in (_HERE / "drawn").glob("*.svg")})


@lru_cache(maxsize=len(LANGUAGES) or None)
def dictionary(language: str) -> Dictionary:
    """The dictionary of one of `LANGUAGES`."""
    grammar = _grammar()[language]
    result = Dictionary(
        language,
        head="first" if grammar["head"] == "first" else "last",
        breaks=frozenset(tokens(grammar["breaks"])),
        silent=frozenset(stem(word, language) for word in tokens(grammar["silent"])),
        colours=frozenset(stem(word, language) for word in tokens(grammar["colours"])),
    )
    named: dict[Phrase, list[str]] = defaultdict(list)

    def enter(words: str, name: str) -> None:
        phrase = _phrase(words, result)
        if phrase and name not in named[phrase]:
            named[phrase].append(name)

    for name, words in _synonyms():
        for word in words.get(language, "").split("|"):
            enter(word, name)
    for line in (_HERE / "keywords" / f"{language}.tsv").read_text("utf-8").splitlines():
        name, emoji, label = line.split("\t")
        result.emoji[emoji.rstrip("\ufe0f")] = name
        enter(label, name)
        if language == "en":
            enter(name.replace("-", " "), name)
    for phrase, found in named.items():
        result.named[phrase] = () if found[0] == _NOTHING else tuple(found)
    return result


def tokens(text: str) -> list[str]:
    """The words of a text in small letters without accents; punctuation stays, as words of its own."""
    return re.findall(r"[^\W_]+|[^\w\s'’ʼ-]", fold(text))


def fold(text: str) -> str:
    """Small letters without accents; the sound marks of kana are part of the letter and stay."""
    split = unicodedata.normalize("NFKD", text.casefold())
    return unicodedata.normalize(
        "NFC", "".join(mark for mark in split if not unicodedata.combining(mark) or mark in "\u3099\u309a")
    ).replace("ł", "l")


def stem(word: str, language: str) -> str:
    """A folded word without its plural, cut the same way for one thing and for many."""
    if len(word) < 4:
        return word
    for pattern, singular in _PLURALS.get(language, ()):
        shorter, changed = re.subn(pattern, singular, word)
        if changed:
            return shorter
    return word


# The first pattern that fits is applied; singular and plural have to meet in one stem.
_PLURALS: dict[str, tuple[tuple[str, str], ...]] = {
    "en": (
        (r"ies$", "y"),
        (r"(ch|sh|ss|x|z)es$", r"\1"),
        (r"(l|r)ves$", r"\1f"),
        (r"(ea|kni)ves?$", r"\1f"),
        (r"knife$", "knif"),
        (r"oes$", "o"),
        (r"([^su])s$", r"\1"),
    ),
    "pt": (
        (r"(o|a)es$", "ao"),
        (r"aos$", "ao"),
        (r"([aeou])is$", r"\1l"),
        (r"ns$", "m"),
        (r"([rzs])es$", r"\1"),
        (r"s$", ""),
    ),
    "es": ((r"ces$", "z"), (r"([rnlsdjy])es$", r"\1"), (r"s$", "")),
    "fr": ((r"eaux?$", "eau"), (r"aux$", "al"), (r"[sx]$", "")),
    "de": ((r"(e|en|er|ern|n|s|es)$", ""),),
    "it": ((r"ch[ei]$", "c"), (r"gh[ei]$", "g"), (r"[aeio]+$", "")),
    "nl": ((r"([^aeiou])\1en$", r"\1"), (r"(en|s|es|jes?)$", "")),
    "pl": ((r"(ami|ach|ow|om|a|e|i|y|u|o)$", ""),),
}


def _phrase(words: str, book: Dictionary) -> Phrase:
    if not book.spaced:
        return (fold(words),)
    return tuple(stem(word, book.language) for word in tokens(words))


@lru_cache(maxsize=1)
def _grammar() -> dict[str, dict[str, str]]:
    return tomli.loads((_HERE / "grammar.toml").read_text("utf-8"))


@lru_cache(maxsize=1)
def _synonyms() -> tuple[tuple[str, dict[str, str]], ...]:
    return tuple(tomli.loads((_HERE / "synonyms.toml").read_text("utf-8")).items())
