"""A map of the brief: every stretch of it, and what became of it, with no letter left out."""

from __future__ import annotations

from orchestrator.brief.fields import CREATIVE, LINK, NOISE
from orchestrator.brief.page import Page
from shared_knowledge.vocabulary import Span

__all__ = ["cover"]

_CLOSING = frozenset(".,;:!?)]}…”’»\"'")


def cover(page: Page, labels: list[str]) -> tuple[Span, ...]:
    """Spans in the order of the original text; between them is nothing but space."""
    text = page.source.original
    means = _settled(page, labels)
    spans: list[Span] = []
    first = 0
    for at in range(page.size):
        if at + 1 < page.size and means[at + 1] == means[first]:
            continue
        start = _skip_space(text, spans[-1].end if spans else 0)
        end = page.tokens[at + 1].start if at + 1 < page.size else len(text)
        end = start + len(text[start:end].rstrip())
        if end > start:
            spans.append(Span(text=text[start:end], start=start, end=end, means=means[first]))
        first = at + 1
    return tuple(spans)


def _skip_space(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _settled(page: Page, labels: list[str]) -> list[str]:
    """Every connecting word joins what it leads to; closing marks and last words what they follow."""
    means = [CREATIVE if one == NOISE else one for one in labels]
    for at, one in enumerate(means):
        if one == LINK and at and page.tokens[at].text in _CLOSING:
            means[at] = means[at - 1]
    following = LINK
    for at in range(page.size - 1, -1, -1):
        if means[at] == LINK:
            ends = at + 1 >= page.size or page.segment[at + 1] != page.segment[at]
            means[at] = LINK if ends else following
        following = means[at]
    for at, one in enumerate(means):
        if one == LINK:
            means[at] = means[at - 1] if at else LINK
    following = CREATIVE
    for at in range(page.size - 1, -1, -1):
        means[at] = following = means[at] or following
    return means
