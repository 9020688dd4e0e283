"""Clips made by moving a picture: "animate that photo", "turn it into a video"."""

from __future__ import annotations

from orchestrator.brief.groups import Group, Wanted
from orchestrator.brief.nouns import Noun
from orchestrator.brief.page import Page

__all__ = ["animate", "turns_into_clip"]

_KNOWN = frozenset({"definite", "possessive", "demonstrative", "each"})
_REACH = 10
_CLITICS = ("ala", "alas", "alo", "alos", "arla", "arlas", "arlo", "arlos", "tela", "telas", "irla", "irlas")
_PLURAL_CLITICS = tuple(ending for ending in _CLITICS if ending.endswith("s"))


def turns_into_clip(page: Page, at: int, nouns: list[Noun]) -> bool:
    """ "transforma a foto num vídeo", "conviértela en video"."""
    if not page.has(at, "turn"):
        return False
    stop = min(page.sentence_range(at).stop, at + _REACH)
    return any(noun.medium == "video" and at < noun.at < stop and noun.governor == "place" for noun in nouns)


def animate(page: Page, wanted: Wanted, at: int, nouns: list[Noun]) -> None:
    """ "animate that photo": a clip made from what was named, unless a clip is asked for beside it."""
    sentence = page.sentence_range(at)
    end = page.end(at, "animate" if page.has(at, "animate") else "turn")
    source = _animated_source(page, wanted, at, end, nouns)
    video = wanted.latest("video")
    if video is not None and page.sentence[video.at] == page.sentence[at]:
        if source is not None and source not in video.depends:
            video.depends.append(source)
        return
    if source is None and video is not None:
        return
    group = Group("video", at, animated=True)
    group.noun = next(
        (
            noun
            for noun in nouns
            if noun.medium == "video" and end <= noun.at < sentence.stop and noun.governor in {"place", "ask"}
        ),
        None,
    )
    if source is not None:
        group.depends.append(source)
        group.count = _how_many(page, source, at, end, sentence)
        group.counted = group.count > 1
    if group.noun is not None:
        nouns.remove(group.noun)
        group.count = group.noun.count or group.count
        wanted.add(group, group.noun, first=at, end=group.noun.end)
    else:
        wanted.add(group, None, first=at, end=end)


def _animated_source(page: Page, wanted: Wanted, at: int, end: int, nouns: list[Noun]) -> Group | None:
    photo = wanted.latest("photo", before=at)
    if photo is None:
        return None
    if end > at + 1 and any(page.has(place, "it") for place in range(at, end)):
        return photo
    if any(page.tokens[place].word in {"it", "them"} for place in range(at, end)) or page.word(at).endswith(
        _CLITICS
    ):
        return photo
    for place in range(end, min(page.sentence_range(at).stop, end + 7)):
        mark = page.owner[place]
        if mark is not None and mark.kind == "reference":
            return None
        if page.has(place, "it") or (place == end and page.tokens[place].gap == "-"):
            return photo
        noun = next((noun for noun in nouns if noun.at == place), None)
        if noun is not None and noun.medium == "photo" and (noun.determiner in _KNOWN or noun.ordinal):
            return photo
    if page.sentence_range(at).stop <= end + 1 or not page.tokens[end].is_word:
        return photo
    before = [
        noun for noun in nouns if at - 6 <= noun.at < at and page.sentence[noun.at] == page.sentence[at]
    ]
    return photo if any(noun.medium == "photo" and noun.determiner in _KNOWN for noun in before) else None


def _how_many(page: Page, source: Group, at: int, end: int, sentence: range) -> int:
    if any(page.word(place).endswith(_PLURAL_CLITICS) for place in range(at, end)):
        return source.count
    for place in range(end - 1, min(sentence.stop, end + 6)):
        if page.has(place, "ordinal") or page.has(place, "one_of"):
            return 1
        if page.has(place, "plural_it", "each", "all", "every"):
            return source.count
    return 1
