"""The creative words of a brief in chunks: what stands together, without the small words around it."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.brief.fields import CREATIVE, LINK
from orchestrator.brief.groups import Anchor, Group, Wanted
from orchestrator.brief.lexicon import Tag, lexicon
from orchestrator.brief.page import Page
from orchestrator.brief.tokens import Kind

__all__ = ["OPENERS", "Chunk", "cut_chunks", "tail", "trimmed"]

_LEADS = (
    "article", "definite", "possessive", "demonstrative", "of", "about", "with", "for", "and", "or", "but", "then",
    "ask", "chat", "have", "it", "each", "all", "only", "every", "range_to", "from", "correct", "approx", "any", "nor",
)  # fmt: skip
_DETERMINERS = ("article", "definite", "possessive", "demonstrative")
_TAILS = (
    "article", "definite", "possessive", "demonstrative", "of", "with", "for", "and", "or", "but", "then",
    "about", "nor", "range_to", "each", "chat", "it", "have", "every", "says",
)  # fmt: skip
OPENERS = {"of": 4, "about": 4, "possessive": 3, "for": 2, "article": 2, "definite": 2}


@dataclass(slots=True)
class Chunk:
    """Creative words that stand together, and the words before them that say what they are."""

    start: int
    first: int
    end: int
    lead: str = ""
    owner: Group | None = None
    listed: bool = False
    rest: bool = False
    subject_first: int = 0
    subject_end: int = 0


def cut_chunks(page: Page, wanted: Wanted, labels: list[str]) -> list[Chunk]:
    """Runs of creative words within a segment; a list in brackets or after a colon is one."""
    chunks: list[Chunk] = []
    at = 0
    while at < page.size:
        listed = _list_from(page, labels, at) if _is_after_several(wanted, at) else at
        if listed > at:
            chunks.append(Chunk(at, at, listed, listed=True))
            at = listed
            continue
        end = at
        while end < page.size and page.segment[end] == page.segment[at] and _is_creative(page, labels, end):
            end += 1
        if any(labels[place] == CREATIVE and page.tokens[place].is_word for place in range(at, end)):
            chunks.append(trimmed(page, at, end))
        at = max(end, at + 1)
    kept = [chunk for chunk in chunks if chunk.end > chunk.first and _says_something(page, labels, chunk)]
    for chunk in kept:
        chunk.owner = _owner(page, wanted, chunk)
    return kept


def _is_creative(page: Page, labels: list[str], at: int) -> bool:
    if page.tokens[at].kind is Kind.LINE:
        return False
    mark = page.owner[at]
    if mark is not None and mark.kind in {"voice", "money"}:
        return False
    return labels[at] == CREATIVE or (labels[at] == LINK and page.tokens[at].is_word)


def _is_after_several(wanted: Wanted, at: int) -> bool:
    before = [group for group in wanted.groups if group.at < at]
    return bool(before) and max(before[-1].count, before[-1].versions) > 1


def _list_from(page: Page, labels: list[str], at: int) -> int:
    """Where the list that starts here ends: "(heart, swan, tulip)" or ": sea, cliffs, gulls"."""
    if at == 0 or page.tokens[at - 1].text not in "(:" or page.owner[at - 1] is not None:
        return at
    closes = ")" if page.tokens[at - 1].text == "(" else ""
    parts, end = 1, at
    while end < page.size and page.sentence[end] == page.sentence[at]:
        token = page.tokens[end]
        if token.text == closes or token.text in ".;!":
            break
        if token.text in ",;/" or page.has(end, "and"):
            parts += page.tokens[end - 1].text not in ",;/"
        elif not (_is_creative(page, labels, end) and token.is_word):
            return at
        end += 1
    if end < page.size and closes and page.tokens[end].text != closes:
        return at
    while end > at and not page.tokens[end - 1].is_word:
        end -= 1
    short = end - at <= 5 * parts
    return end if parts > 1 and short else at


def trimmed(page: Page, start: int, end: int) -> Chunk:
    """The chunk between two places, without connecting words at either end."""
    chunk, determined = Chunk(start, start, end), False
    while chunk.first < end:
        tags = _tags(page, chunk.first)
        names = [name for name in (_DETERMINERS if determined else _LEADS) if name in tags]
        if not names or ("ask" in tags and chunk.first > start and not chunk.lead):
            break
        after = max(tags[name].end for name in names)
        determined = any(name in names for name in _DETERMINERS)
        chunk.lead = max((*names, chunk.lead), key=lambda name: OPENERS.get(name, 1 if name else 0))
        chunk.first = min(after, end)
    while chunk.end > chunk.first:
        place = tail(page, chunk.end)
        if place is None or place < chunk.first:
            break
        chunk.end = place
    return chunk


def _tags(page: Page, at: int) -> dict[str, Tag]:
    """What the word here can mean, even within a longer phrase."""
    if page.tags[at] or page.hidden[at]:
        return page.tags[at]
    return lexicon(page.language_of(at)).tags(page.tokens, at)


def tail(page: Page, end: int) -> int | None:
    """Where the connecting word starts that stands before `end`; a preposition counts if more follows."""
    goes_on = end < page.size and page.segment[end] == page.segment[end - 1] and page.tokens[end].is_word
    place = page.before(end, *_TAILS, *(("place",) if goes_on or page.owner[min(end, page.size - 1)] else ()))
    return None if place is None or page.has(place, "number") else place


def _says_something(page: Page, labels: list[str], chunk: Chunk) -> bool:
    """Whether any word here is neither a connecting word nor one that every brief holds."""
    return any(
        labels[at] == CREATIVE
        and (
            page.hidden[at]
            or not page.has(at, "common", "have", "ask", "correct", "deadline", "existing", "attached")
        )
        for at in range(chunk.first, chunk.end)
    )


def _owner(page: Page, wanted: Wanted, chunk: Chunk) -> Group | None:
    """The asset these words stand beside: within its phrase, or after it in the same sentence."""
    here = [
        anchor
        for anchor in wanted.anchors
        if anchor.group is not None
        and anchor.role in {"request", "back", "part"}
        and page.sentence[anchor.at] == page.sentence[chunk.first]
        and (anchor.medium != "voice" or page.segment[anchor.end - 1] == page.segment[chunk.start])
    ]
    inside = [anchor for anchor in here if anchor.first <= chunk.first < anchor.end]
    before = [anchor for anchor in here if anchor.first <= chunk.first]
    nearest = (inside or before)[-1:] or _ahead(page, here, chunk)
    return (nearest[0].part or nearest[0].group) if nearest else None


def _ahead(page: Page, here: list[Anchor], chunk: Chunk) -> list[Anchor]:
    return [anchor for anchor in here if page.segment[anchor.at] == page.segment[chunk.first]][:1]
