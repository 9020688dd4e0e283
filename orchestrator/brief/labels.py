"""What every word of a brief was used for: a field of the plan, the prompts, or nothing."""

from __future__ import annotations

from itertools import pairwise

from orchestrator.brief.expand import Draft
from orchestrator.brief.fields import (
    CREATIVE,
    LINK,
    LOST,
    NOISE,
    PLATFORM,
    Desk,
    label_anchor,
    label_limits,
    means_of_mark,
    nearest_before,
)
from orchestrator.brief.groups import Wanted
from orchestrator.brief.numerals import number_at
from orchestrator.brief.page import Mark, Page
from orchestrator.brief.tokens import Kind
from shared_knowledge.vocabulary import Understanding

__all__ = ["label"]

_LINKS = (
    "article", "definite", "possessive", "demonstrative", "of", "with", "for", "from", "place", "and", "or", "nor",
    "then", "but", "each", "it", "about", "say_link", "spoken_in", "mark", "plus", "show", "have", "approx", "any",
    "range_to", "only", "all",
)  # fmt: skip
_ASKED_WITH = frozenset({"count", "article", "another", "vague"})
_ASKING = ("ask", "turn", "have", "use", "correct", "correction", "then", "and", "but", "chat", "total")
_FILMS = ("join", "apart", "laid")
_SPOKEN = ("speak", "says")
_SIGNED_BY = 3
_GAP = 7
_SHORT = 3


def label(page: Page, wanted: Wanted, drafts: list[Draft], understood: Understanding) -> list[str]:
    """One label for each token: a field path, one of the words above, or "" for a connecting word."""
    desk = Desk(page, wanted, drafts, understood)
    for mark in page.of(*{mark.kind for mark in page.marks}):
        desk.write(mark.first, mark.end, means_of_mark(desk, mark))
    label_limits(desk)
    for anchor in wanted.anchors:
        label_anchor(desk, anchor)
    _label_beside_facts(desk)
    _label_speaking(desk)
    _label_films(desk)
    _label_words(desk)
    if not drafts:
        return [LOST if means is None or means == CREATIVE else means for means in desk.labels]
    return [means if means is not None else CREATIVE for means in desk.labels]


def _label_beside_facts(desk: Desk) -> None:
    """Words that only make sense with the fact they stand at: "5 to", "accent", "says", "for ads"."""
    page = desk.page
    for mark in page.of("duration", "budget"):
        lower = mark.first - 2
        ranged = (
            lower >= 0
            and page.tokens[lower].kind is Kind.NUMBER
            and len(page.tokens[lower + 1].text) <= _SHORT
        )
        if ranged and page.segment[lower] == page.segment[mark.first]:
            _join(desk, lower, mark.first, mark)
    for mark in page.of("prefer", "avoid"):
        names = [name for name in ("use_after", "shun_after") if page.has(mark.end, name)]
        _join(desk, mark.end, max((page.end(mark.end, name) for name in names), default=mark.end), mark)
    for mark in page.of("money"):
        first, end = page.segment_start(mark.first), page.segment_end(mark.end - 1)
        if "budget" not in mark.means and any(page.has(at, "other_money") for at in range(first, end)):
            desk.labels[first:end] = [LOST] * (end - first)
    for mark in page.of("script"):
        colon = mark.first > 0 and page.tokens[mark.first - 1].text == ":"
        said = page.before(mark.first - colon, *_SPOKEN)
        _join(desk, mark.first if said is None else said, mark.first, mark)
    for mark in page.of("language", "accent"):
        said = page.before(mark.first, "accent_word")
        _join(desk, mark.first if said is None else said, mark.first, mark)
        if page.has(mark.end, "accent_word"):
            _join(desk, mark.end, page.end(mark.end, "accent_word"), mark)


def _join(desk: Desk, first: int, end: int, mark: Mark) -> None:
    desk.write(first, end, desk.labels[mark.first] or LINK)


def _label_speaking(desk: Desk) -> None:
    """ "Read by", and the numbers of versions."""
    page = desk.page
    voice = next((group for group in desk.wanted.groups if group.medium == "voice"), None)
    for at in range(page.size):
        if voice is not None and page.has(at, "speak") and page.owner[at] is None:
            desk.write(at, page.end(at, "speak"), desk.field(voice, "medium"))
        if page.has(at, "versions") and page.owner[at] is None and desk.drafts:
            numbers = [number_at(page, first) for first in range(max(0, at - 3), at)]
            if any(number is not None and number.end == at for number in numbers):
                desk.write(at - 1, page.end(at, "versions"), desk.field(nearest_before(desk, at), "count"))


def _label_films(desk: Desk) -> None:
    """Words about the film that joins the pieces."""
    page = desk.page
    for at in range(page.size):
        for name in _FILMS:
            if page.has(at, name) and page.owner[at] is None and desk.wanted.groups:
                film = (name == "apart" and len(desk.wanted.groups) > 1) or (
                    desk.understood.compose and not _is_of_platform(page, at)
                )
                if film:
                    desk.write(at, page.end(at, name), "compose")
    told = [at for at, means in enumerate(desk.labels) if means == "compose"]
    for left, right in pairwise(told):
        open_between = all(desk.labels[at] is None for at in range(left + 1, right))
        if open_between and right - left <= _GAP and page.segment[left] == page.segment[right]:
            desk.write(left, right, "compose")


def _is_of_platform(page: Page, at: int) -> bool:
    """ "Veo for the video": the words are about the service before them."""
    mark = page.owner[at - 1] if at else None
    return mark is not None and mark.kind in PLATFORM


def _label_words(desk: Desk) -> None:
    """Words that are no fact: small talk, and those that only connect."""
    page = desk.page
    for anchor in desk.wanted.anchors:
        first = page.segment_start(anchor.first)
        asked = anchor.role == "request" and anchor.noun is not None and anchor.noun.determiner in _ASKED_WITH
        if asked and 0 < anchor.first - first <= 2:
            desk.write(first, anchor.first, LINK)
    opening = True
    for at, token in enumerate(page.tokens):
        if at and page.segment[at] != page.segment[at - 1]:
            opening = True
        if desk.labels[at] is None:
            desk.labels[at] = _means_of_word(desk, at, opening=opening)
        opening = opening and desk.labels[at] in {LINK, NOISE} and token.is_word
    _label_signature(desk)


def _label_signature(desk: Desk) -> None:
    """The name under a mail, after the last greeting."""
    page = desk.page
    first = page.sentence_range(page.size - 1).start
    names = range(first, page.size)
    while first > 0 and not page.tokens[first - 1].is_word:
        first -= 1
    after = first > 0 and any(page.has(at, "chat") for at in page.sentence_range(first - 1))
    short = len(names) <= _SIGNED_BY and all(
        page.tokens[at].text[0].isupper() for at in names if page.tokens[at].is_word
    )
    if after and short:
        for at in names:
            desk.labels[at] = NOISE if desk.labels[at] in {None, CREATIVE} else desk.labels[at]


def _means_of_word(desk: Desk, at: int, *, opening: bool) -> str | None:
    page = desk.page
    token = page.tokens[at]
    if page.hidden[at]:
        return CREATIVE
    if not token.is_word:
        return CREATIVE if token.kind is Kind.NUMBER or token.text[0] in "#@" else LINK
    held = [
        (name, start)
        for start in range(max(0, at - 7), at + 1)
        for name, tag in page.tags[start].items()
        if tag.end > at
    ]
    names = {name for name, _ in held}
    if "chat" in names and not names & {"place", "for"}:
        return NOISE
    if (opening and names & set(_ASKING)) or names & {"deadline", "total", "series", "laid"}:
        return LINK
    return LINK if names & set(_LINKS) else None
