"""Films and the clips they are made of: told apart by their lengths, and listed items by their shapes."""

from __future__ import annotations

from orchestrator.brief.groups import Group, Wanted
from orchestrator.brief.nouns import Noun
from orchestrator.brief.page import Mark, Page

__all__ = ["adds_up", "has_own_shape", "is_within_timed", "makes_up_film"]

_ABOUT_S = 1.5
_NEAR = 5


def is_within_timed(page: Page, wanted: Wanted, noun: Noun) -> bool:
    """ "a 30 s film with 4 scenes of 7 s": the film has its own length, so the scenes are its content."""
    film = wanted.latest("video")
    if film is None or not _length_of(page, film, noun):
        return False
    if not _own_length(page, noun):
        return True
    joined = any(page.has(at, "join") for at in page.sentence_range(noun.at) if at >= noun.end)
    return not (joined or adds_up(page, film, noun))


def makes_up_film(page: Page, wanted: Wanted, noun: Noun) -> bool:
    """ "a 20 s video edited from 4 clips of 5 s": counted clips whose lengths add up to the film's."""
    film = wanted.latest("video")
    if film is None or noun.medium != "video" or noun.determiner != "count" or (noun.count or 1) < 2:
        return False
    return film.count == 1 and adds_up(page, film, noun)


def adds_up(page: Page, film: Group, noun: Noun) -> bool:
    """Whether so many clips of this length are as long as the film named before in the same sentence."""
    whole, piece = _length_of(page, film, noun), _own_length(page, noun)
    return bool(whole and piece) and abs((noun.count or 1) * piece[0].number - whole[-1].number) < _ABOUT_S


def _length_of(page: Page, film: Group, noun: Noun) -> list[Mark]:
    """The lengths told of the film: between its phrase and that of its pieces."""
    first = film.at if film.noun is None else film.noun.first
    return [
        mark
        for mark in page.of("duration")
        if first <= mark.first
        and mark.end <= noun.at
        and not noun.first <= mark.first
        and page.sentence[mark.first] == page.sentence[noun.at]
    ]


def _own_length(page: Page, noun: Noun) -> list[Mark]:
    near = range(noun.first, min(page.sentence_range(noun.at).stop, noun.end + _NEAR))
    return [mark for mark in page.of("duration") if mark.first in near]


def has_own_shape(page: Page, noun: Noun) -> bool:
    """ "…, poster 2:3": an item of a list, with a ratio or length of its own right beside it."""
    if page.segment_start(noun.at) != noun.first:
        return False
    place = noun.end
    while place < page.size and page.segment[place] == page.segment[noun.at]:
        mark = page.owner[place]
        if mark is not None:
            return mark.kind in {"ratio", "duration"}
        if len(page.tokens[place].text) > 1 and not page.has(place, "place", "of", "for", "network"):
            return False
        place += 1
    return False
