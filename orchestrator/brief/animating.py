"""Clips made by moving a picture: "animate that photo", "turn it into a video"."""

from __future__ import annotations

from orchestrator.brief.groups import Group, Wanted
from orchestrator.brief.nouns import Noun
from orchestrator.brief.page import Mark, Page

__all__ = ["animate", "set_in_motion", "turns_into_clip"]

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


def set_in_motion(page: Page, wanted: Wanted) -> None:
    """ "take that photo and make the flame flicker for 5 seconds": only a clip lasts, so the picture becomes one."""
    if wanted.latest("video") is not None or wanted.latest("voice") is not None:
        return
    for mark in page.of("duration"):
        file = _moved_file(page, wanted, mark)
        if file is not None:
            file.medium, file.animated = "video", True
            for anchor in wanted.anchors:
                anchor.medium = "video" if anchor.group is file else anchor.medium
            return
        photo = wanted.latest("photo", before=mark.first)
        sentence = page.sentence_range(mark.first)
        if photo is not None and mark.value != "aside" and _is_taken_up(page, wanted, photo, sentence):
            group = Group("video", mark.first, animated=True, depends=[photo])
            wanted.add(group, first=mark.first, end=mark.first)
            return


def _moved_file(page: Page, wanted: Wanted, length: Mark) -> Group | None:
    """ "make the photo shoe.jpg spin, 4 s": the file is there already, and only a clip of it lasts."""
    if length.value == "aside":
        return None
    for group in wanted.groups:
        noun = group.noun
        if (
            noun is None
            or noun.determiner not in _KNOWN
            or page.sentence[noun.at] != page.sentence[length.first]
        ):
            continue
        mark = page.owner[noun.end] if noun.end < page.size else None
        if mark is not None and mark.kind == "reference":
            return group
    return None


def _is_taken_up(page: Page, wanted: Wanted, photo: Group, sentence: range) -> bool:
    """Whether this sentence takes a picture asked for earlier and does something with it."""
    for anchor in wanted.anchors:
        known = anchor.noun is not None and anchor.noun.determiner in _KNOWN
        if known and anchor.role == "back" and anchor.group is photo and anchor.at in sentence:
            return True
    return any(
        page.has(at, "take") and page.has(page.end(at, "take"), "pronoun", "it")
        for at in sentence
        if at > photo.at
    )


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
