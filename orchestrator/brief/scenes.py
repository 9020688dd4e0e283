"""Scenes, shots and sequences: clips of their own where they are counted and timed."""

from __future__ import annotations

from orchestrator.brief.numerals import number_at
from orchestrator.brief.page import Page

__all__ = ["timed_scene"]

_BETWEEN = ("of", "from", "with", "each", "place", "for", "approx", "about", "mark", "all")
_FARTHEST = 3


def timed_scene(page: Page, at: int) -> bool:
    """ "four scenes of 6 seconds", "3 fünfsekündige Einstellungen": counted, with a length of their own."""
    if not page.has(at, "scene") or not page.free(at, page.end(at, "scene")):
        return False
    start = page.segment_start(at)
    counted = any(_counts(page, first, at) for first in range(max(start, at - _FARTHEST), at))
    return counted and (_timed_before(page, at) or _timed_after(page, page.end(at, "scene")))


def _counts(page: Page, first: int, at: int) -> bool:
    """Whether a number above one stands here, and only adjectives or a length up to the scene."""
    number = number_at(page, first) if page.free(first, first + 1) else None
    if number is None or number.value < 2 or number.value != int(number.value):
        return False
    return all(page.owner[place] is not None or not page.tags[place] for place in range(number.end, at))


def _timed_before(page: Page, at: int) -> bool:
    mark = page.owner[at - 1] if at else None
    return mark is not None and mark.kind == "duration"


def _timed_after(page: Page, at: int) -> bool:
    """A length right behind the word, or behind a comma or an opening bracket."""
    if at < page.size and page.tokens[at].text in ",(":
        at += 1
    place = page.skip(at, *_BETWEEN)
    mark = page.owner[place] if place < page.size else None
    return mark is not None and mark.kind == "duration" and page.sentence[place] == page.sentence[at - 1]
