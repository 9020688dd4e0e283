"""How many, when the brief says it by the things it is for: "a clip for each flavour: mint, lemon, rose"."""

from __future__ import annotations

from orchestrator.brief.groups import Group, Wanted
from orchestrator.brief.numerals import number_at
from orchestrator.brief.page import Page

__all__ = ["count_each"]

_MOST = 20
_LONGEST_ITEM = 4


def count_each(page: Page, wanted: Wanted) -> None:
    """Counts the assets of which one is wanted for each of several things."""
    counted: list[Group] = []
    for at in range(page.size):
        if not page.has(at, "every") or not page.free(at, page.end(at, "every")):
            continue
        group = _group_before(page, wanted, at)
        things = _things(page, page.end(at, "every"))
        if things < 2:
            continue
        if group is None:
            counted += _count_leading(page, wanted, at, things)
            continue
        if group in counted:
            continue
        beside = group.noun is not None and group.noun.end == at
        if group.count == 1 or (beside and group.counted and group.count * things <= _MOST):
            group.count, group.counted, group.vague = group.count * things, True, False


def _count_leading(page: Page, wanted: Wanted, at: int, things: int) -> list[Group]:
    """ "For each of our 3 cottages: a photo and a clip": every asset of the sentence is made for each."""
    here = [group for group in wanted.groups if page.sentence[group.at] == page.sentence[at]]
    here = [group for group in here if group.count * things <= _MOST]
    for group in here:
        group.count, group.counted, group.vague = group.count * things, True, False
    return here


def _group_before(page: Page, wanted: Wanted, at: int) -> Group | None:
    here = [
        group for group in wanted.groups if page.sentence[group.at] == page.sentence[at] and group.at < at
    ]
    return here[-1] if here else None


def _things(page: Page, at: int) -> int:
    """How many things are named or counted after "for each"."""
    at = page.skip(at, "of", "definite", "possessive", "article")
    number = number_at(page, at)
    if number is not None and page.free(at, number.end):
        plain = number.end < page.size and page.tokens[number.end].is_word
        named = (
            plain
            and page.owner[number.end] is None
            and not page.has(number.end, "medium", "second", "minute")
        )
        return int(number.value) if named and number.value <= _MOST else 0
    end = page.segment_end(at) if at < page.size else at
    if (
        end >= page.size
        or page.tokens[end].text not in "(:"
        or page.owner[end] is not None
        or end - at > _LONGEST_ITEM + 3
    ):
        return 0
    return _listed(page, end + 1, ")" if page.tokens[end].text == "(" else "")


def _listed(page: Page, at: int, closing: str) -> int:
    items, words, first = 1, 0, at
    while (
        at < page.size
        and page.sentence[at] == page.sentence[first]
        and page.tokens[at].text not in {closing, "."}
    ):
        if page.tokens[at].text in ",/" or page.has(at, "and"):
            items += page.tokens[at - 1].text not in ",/"
            words = 0
        elif not page.tokens[at].is_word or page.owner[at] is not None:
            return 0
        else:
            words += 1
        if words > _LONGEST_ITEM:
            return 0
        at += 1
    return items if words else 0
