"""Finds the pictogram a phrase speaks of: the thing itself first, then what stands around it."""

from __future__ import annotations

import re
from typing import NamedTuple

from agentes.media.art.index import LANGUAGES, Dictionary, dictionary, fold, stem, tokens

__all__ = ["find"]

_LONGEST_PHRASE = 5
_SHORTEST_PART = 4  # letters of the last part of a compound: "Fahrradhelm" is a Helm
_COMPOUNDING = frozenset({"de", "nl"})


class _Match(NamedTuple):
    """Pictograms that some words name; the lower the rank, the more the text is about them."""

    rank: int
    place: int
    names: tuple[str, ...]
    colour: bool = False


def find(text: str, language: str) -> tuple[str, ...]:
    """The pictograms a text speaks of, the thing itself first; empty when it names nothing we can draw."""
    spoken = language.partition("-")[0].lower()
    for tongue in dict.fromkeys((spoken if spoken in LANGUAGES else "en", "en")):
        book = dictionary(tongue)
        matches = _in_words(text, book) if book.spaced else _in_letters(text, book)
        things = [match for match in matches if not match.colour] or matches
        typed = tuple(book.emoji[sign] for sign in text if sign in book.emoji)
        first_choices = [match.names[0] for match in sorted(things)]
        others = [name for match in sorted(things) for name in match.names[1:]]
        if found := tuple(dict.fromkeys((*first_choices, *typed, *others))):
            return found
        if not book.breaks.isdisjoint(tokens(text)):
            return ()  # it surely is this language: "legal" in Portuguese is not a matter of law
    return ()


def _in_words(text: str, book: Dictionary) -> list[_Match]:
    """Longest phrase first, from left to right; a match stands in the phrase that its place falls into."""
    words = tokens(text)
    stems = [stem(word, book.language) for word in words]
    chunks = _chunks(words, book)
    matches = []
    place = 0
    while place < len(words):
        length, names = _longest(stems, place, book)
        if names:
            chunk, ahead, behind = chunks[place]
            last = chunks[place + length - 1]
            offset = ahead if book.head == "first" else last.behind
            alone = length == 1 and stems[place] in book.colours
            adjective = alone and (ahead if book.head == "first" else behind) > 0
            matches.append(_Match(10 * chunk + min(offset, 9), place, names, adjective))
        place += length
    return matches


def _longest(stems: list[str], place: int, book: Dictionary) -> tuple[int, tuple[str, ...]]:
    """How many words from here are one name, and what they name."""
    for length in range(min(_LONGEST_PHRASE, len(stems) - place), 0, -1):
        phrase = tuple(stems[place : place + length])
        if length == 1 and (phrase[0] in book.silent or phrase[0] in book.breaks):
            return 1, ()
        if phrase in book.named:
            return length, book.named[phrase]
    return 1, _last_part(stems[place], book)


def _last_part(word: str, book: Dictionary) -> tuple[str, ...]:
    if book.language in _COMPOUNDING:
        for start in range(2, len(word) - _SHORTEST_PART + 1):
            if names := book.named.get((word[start:],)):
                return names
    return ()


class _Place(NamedTuple):
    """Where a word stands: in which phrase of the text, and how many words of it come before and after."""

    chunk: int
    ahead: int
    behind: int


def _chunks(words: list[str], book: Dictionary) -> list[_Place]:
    """Cuts the text into phrases at prepositions, articles and punctuation; empty ones do not count."""
    cut = [word in book.breaks or not word[0].isalnum() for word in words]
    places = []
    chunk, ahead = 0, 0
    for position, is_cut in enumerate(cut):
        if is_cut and ahead:
            chunk, ahead = chunk + 1, 0
        rest = next((later for later in range(position, len(cut)) if cut[later]), len(cut))
        places.append(_Place(chunk, ahead, max(rest - position - 1, 0)))
        ahead += not is_cut
    return places


def _in_letters(text: str, book: Dictionary) -> list[_Match]:
    """For languages written without spaces: the longest name at each place, the last one first."""
    folded = fold(text)
    matches = []
    for clause_number, clause in enumerate(re.split(r"[、。，,.!?！？\n;；:：]", folded)):
        place = 0
        while place < len(clause):
            for length in range(min(12, len(clause) - place), 0, -1):
                if names := book.named.get((clause[place : place + length],)):
                    rank = 100 * clause_number + len(clause) - place
                    matches.append(_Match(rank, place, names))
                    break
            place += length if names else 1
    return matches
