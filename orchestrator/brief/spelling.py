"""One slip of the finger is forgiven: "fotus", "vidoe" and "imgaes" are what they were meant to be."""

from __future__ import annotations

from functools import cache

from orchestrator.brief.lexicon import LANGUAGES, Lexicon, Tag, evidence, lexicon

__all__ = ["forgiven"]

_FORGIVEN = frozenset({"medium", "second", "minute", "shape", "quality"})
_SHORTEST = 5
_VOWELS = frozenset("aeiouy")


def forgiven(language: str, word: str, at: int) -> dict[str, Tag]:
    """What a word meant that stands in no list and is one slip away from exactly one that does."""
    if len(word) < _SHORTEST or word in evidence():
        return {}
    words = _near(language)
    found = {one for key in _shortened(word) for one in words.get(key, ()) if _is_slip(word, one)}
    if not found:
        return {}
    meant = min(found)
    return {
        entry.category: Tag(at + 1, entry.value)
        for entry in lexicon(language).entries[meant]
        if not entry.rest
    }


@cache
def _near(language: str) -> dict[str, tuple[str, ...]]:
    """The words that may be meant, under every spelling that lacks one of their letters."""
    assert language in LANGUAGES
    near: dict[str, list[str]] = {}
    for word in _known(lexicon(language)):
        for key in _shortened(word):
            near.setdefault(key, []).append(word)
    return {key: tuple(words) for key, words in near.items()}


def _known(words: Lexicon) -> list[str]:
    known = []
    for word, entries in words.entries.items():
        if len(word) < _SHORTEST - 1:
            continue
        for entry in entries:
            if entry.category in _FORGIVEN and not (entry.rest or entry.exact or "?" in entry.value):
                known.append(word)
                break
    return [word for word in known if word.isalpha()]


def _shortened(word: str) -> set[str]:
    return {word, *(word[:at] + word[at + 1 :] for at in range(len(word)))}


def _is_slip(typed: str, meant: str) -> bool:
    """Whether two letters changed places, one was doubled, dropped or added, or a vowel mistaken for another."""
    if typed[0] != meant[0] or typed[-1] != meant[-1] or abs(len(typed) - len(meant)) > 1:
        return False
    if len(typed) != len(meant):
        longer, shorter = sorted((typed, meant), key=len, reverse=True)
        odd = [at for at in range(1, len(longer) - 1) if longer[:at] + longer[at + 1 :] == shorter]
        doubled = any(longer[at] in {longer[at - 1], longer[at + 1]} for at in odd)
        return doubled if len(meant) < _SHORTEST else bool(odd)
    odd = [at for at, (one, other) in enumerate(zip(typed, meant, strict=True)) if one != other]
    if len(odd) == 1:
        return {typed[odd[0]], meant[odd[0]]} <= _VOWELS
    swapped = len(odd) == 2 and odd[1] == odd[0] + 1
    return swapped and typed[odd[0]] == meant[odd[1]] and typed[odd[1]] == meant[odd[0]]
