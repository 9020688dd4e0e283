"""Briefs written as a form or as data: "count: 3", {"n": 2, "seconds": 8}, "Anzahl = 4"."""

from __future__ import annotations

from orchestrator.brief.groups import Wanted
from orchestrator.brief.numerals import Number, number_at
from orchestrator.brief.page import Page

__all__ = ["count_in_form", "find_keys", "seconds_in_form"]

_MOST = 50
_LONGEST_S = 3_600
_SIGNS = frozenset(":=")


def find_keys(page: Page) -> None:
    """Claims the words that only say what follows them: "Motiv: Äpfel", {"prompt": …}."""
    for at in range(page.size):
        if page.has(at, "key") and page.free(at, page.end(at, "key")) and _is_key(page, at):
            page.claim("cue", at, page.end(at, "key"))


def _is_key(page: Page, at: int) -> bool:
    """Whether the word opens its segment and a colon or an equals sign follows it."""
    end, first = page.end(at, "key"), page.segment_start(at)
    if end < page.size and page.tokens[end].text == '"':
        end += 1
    opened = first == at or (first == at - 1 and page.tokens[first].text == '"')
    return opened and end < page.size and page.tokens[end].text in _SIGNS


def seconds_in_form(page: Page) -> None:
    """Claims the bare number after a key that means a length in seconds."""
    for at in range(page.size):
        if page.has(at, "length_key"):
            number = _value(page, page.end(at, "length_key"))
            if number is not None and 0 < number.value <= _LONGEST_S:
                page.claim("duration", number.end - 1, number.end, number=number.value)


def count_in_form(page: Page, wanted: Wanted) -> None:
    """Counts the assets named last before, or else first after, a key that means how many."""
    for at in range(page.size):
        number = _value(page, page.end(at, "count_key")) if page.has(at, "count_key") else None
        if number is None or not 0 < number.value <= _MOST or number.value != int(number.value):
            continue
        groups = [group for group in wanted.groups if group.medium != "voice"] or wanted.groups
        before = [group for group in groups if group.at < at]
        group = before[-1] if before else groups[0] if groups else None
        if group is not None and not (group.counted and group.count > 1):
            group.count, group.counted, group.vague = int(number.value), True, False
            page.claim("versions", number.end - 1, number.end, number=number.value)


def _value(page: Page, at: int) -> Number | None:
    """The number that stands alone behind the sign after a key."""
    if at < page.size and page.tokens[at].text == '"':
        at += 1
    first = at + 1
    if at >= page.size or page.tokens[at].text not in _SIGNS:
        return None
    if first < page.size and page.tokens[first].text == '"':
        first += 1
    number = number_at(page, first) if first < page.size and page.free(first, first + 1) else None
    if number is None or not page.free(first, number.end):
        return None
    after = page.tokens[number.end] if number.end < page.size else None
    return (
        number
        if after is None or not (after.is_word and page.segment[number.end] == page.segment[first])
        else None
    )
