"""What must not be in the picture, item by item, in the brief's own words."""

from __future__ import annotations

from orchestrator.brief.page import Page
from orchestrator.brief.unwanted import item_at, lead, may_start, refused_medium

__all__ = ["find_negatives", "negatives"]

_LONGEST = 7


def find_negatives(page: Page) -> None:
    """Claims unwanted things as `negative`, and refusals of speech or of a medium as `refused`."""
    at = 0
    while at < page.size:
        if page.hidden[at] or page.owner[at] is not None:
            at += 1
            continue
        if page.has(at, "harmless"):
            at = page.end(at, "harmless")
        elif page.has(at, "silent"):
            end = page.end(at, "silent")
            if not page.has(end, "mute_tail"):
                page.claim("refused", at, end, "voice", means="tasks")
            at = end
        elif page.has(at, "avoid_list", "without") and _heads_list(page, at):
            at = max(at + 1, _listed(page, at))
        elif page.has(at, "without_after") and _items_before(page, at):
            at = page.end(at, "without_after")
        elif page.has(at, "without") and not _is_tied(page, page.end(at, "without")):
            at = max(at + 1, _items(page, at, page.end(at, "without")))
        else:
            at += 1


def _heads_list(page: Page, at: int) -> bool:
    """ "EVITAR: …", "negative prompt: …": a refusal that a colon makes the head of a list."""
    end = _head_end(page, at)
    if end >= page.size or page.tokens[end].text not in ":=" or page.owner[end] is not None:
        return False
    return page.before(at, "correction", "correct", "chat") is None


def _head_end(page: Page, at: int) -> int:
    end = max(page.end(at, name) for name in ("avoid_list", "without") if page.has(at, name))
    return end + 1 if end < page.size and page.tokens[end].text == '"' else end


def _listed(page: Page, cue: int) -> int:
    """Reads every item up to the end of the sentence; answers where the list ends."""
    colon = _head_end(page, cue)
    at = end = colon + 1
    if at < page.size and page.tokens[at].text == '"':
        at += 1
    while at < page.size and page.sentence[at] == page.sentence[cue]:
        at = lead(page, page.skip(at, "and", "or", "nor"))
        refused = refused_medium(page, at)
        if refused:
            end = refused[1]
            page.claim("refused", at, end, refused[0], means="tasks")
        else:
            after, end = item_at(page, at) if at < page.size else (at, at)
            if end <= at or not may_start(page, at, page.sentence[cue]):
                break
            page.claim("negative", at, end, page.words_in(at, end), means="negative")
            end = after
        at = end
        if at < page.size and (page.tokens[at].text in ",/" or page.has(at, "and", "or", "nor")):
            at += page.tokens[at].text in ",/"
        else:
            break
    if end > colon + 1:
        page.claim("cue", cue, colon + 1, means="negative")
    return end


def _is_tied(page: Page, at: int) -> bool:
    """ "no-entry sign": a negator tied to its word by a hyphen is part of a name."""
    return at < page.size and page.tokens[at].gap in {"-", "‑"}


def negatives(page: Page) -> tuple[str, ...]:
    """Every unwanted thing once."""
    return tuple(dict.fromkeys(mark.value for mark in page.of("negative")))


def _items(page: Page, cue: int, at: int) -> int:
    """Reads the list of things after a negator; answers where it ends."""
    first = at
    at = lead(page, at)
    refused = refused_medium(page, at)
    if refused:
        medium, end = refused
        page.claim("refused", cue, end, medium, means="tasks")
        return _items_after(page, end)
    if not may_start(page, at, page.sentence[cue]):
        return first
    end, found = item_at(page, at)
    if found <= at:
        return first
    page.claim("negative", at, found, page.words_in(at, found), means="negative")
    if page.free(cue, at):
        page.claim("cue", cue, at, means="negative")
    return _items_after(page, end, known=page.has(at - 1, "definite", "possessive"))


def _items_before(page: Page, at: int) -> bool:
    """ "Gesichter und Logos vermeiden", "logos interdits": the refusal ends the segment, the things stand before it."""
    end = page.end(at, "without_after")
    plain = page.language_of(at) == "en" and end == at + 1
    first = lead(page, page.segment_start(at))
    if (
        plain
        or page.skip(end, "chat") < page.segment_end(at)
        or not 0 < at - first <= _LONGEST
        or not page.free(first, at)
    ):
        return False
    kinds = (
        "without",
        "medium",
        "ask",
        "with",
        "for",
        "number",
        "shape",
        "network",
        "language",
        "quality",
        "use",
        "of",
        "then",
        "attribute",
    )
    if any(page.has(place, *kinds) or not page.tokens[place].is_word for place in range(first, at)):
        return False
    starts = [place for place in range(first, at) if page.has(place, "and", "or")]
    for start, stop in zip(
        [first, *(page.end(place, "and" if page.has(place, "and") else "or") for place in starts)],
        [*starts, at],
        strict=True,
    ):
        start = lead(page, start)
        if start < stop:
            page.claim("negative", start, stop, page.words_in(start, stop), means="negative")
    page.claim("cue", at, end, means="negative")
    return True


def _items_after(page: Page, at: int, *, known: bool = False) -> int:
    """Goes on after a comma or a conjunction where more unwanted things follow."""
    nxt = _next_item(page, at, known=known)
    return at if nxt is None else _items(page, nxt, nxt)


def _next_item(page: Page, at: int, *, known: bool = False) -> int | None:
    """Where the list goes on: after "or", after a short "and", after a comma that leads to an "or"."""
    at = page.skip(at, "chat", "show_after")
    if at >= page.size:
        return None
    if page.has(at, "without", "harmless"):
        return None
    if page.has(at, "neither_nor") and any(
        page.has(place, "neither") for place in range(page.segment_start(at), at)
    ):
        return page.end(at, "neither_nor")
    if page.has(at, "nor", "or"):
        end = max(page.end(at, name) for name in ("nor", "or") if page.has(at, name))
        return page.skip(end, "article", "without")
    if page.has(at, "and"):
        after = page.end(at, "and")
        if page.has(after, "without"):
            return None
        return (
            after
            if _is_short_item(page, page.skip(after, "definite", "possessive") if known else after)
            else None
        )
    if page.tokens[at].text == "," and at + 1 < page.size and _leads_to_or(page, at + 1):
        return at + 1
    return None


def _is_short_item(page: Page, at: int) -> bool:
    """ "no people and cars": one or two bare nouns that end the segment."""
    if at >= page.size or page.hidden[at]:
        return False
    end = page.segment_end(at)
    words = [place for place in range(at, end) if page.tokens[place].is_word]
    if not 0 < len(words) <= 2:
        return False
    return not any(
        page.owner[place] is not None
        or page.has(
            place,
            "article",
            "definite",
            "with",
            "ask",
            "medium",
            "background",
            "number",
            "shape",
            "quality",
            "manner",
            "brand",
            "possessive",
            "for",
            "colour",
            "only",
            "place",
        )
        for place in words
    )


def _leads_to_or(page: Page, at: int) -> bool:
    """Whether this comma-separated run of short items is closed by "or" or "nor"."""
    for _ in range(5):
        if at >= page.size:
            return False
        end = page.segment_end(at)
        words = 0
        for place in range(at, end):
            if page.has(place, "nor", "or"):
                return words > 0 or place == at
            if page.has(place, "and") and 0 < words <= 2:
                return _is_short_item(page, page.end(place, "and"))
            if page.owner[place] is not None or page.has(
                place, "with", "medium", "ask", "for", "article", "background", "without"
            ):
                return False
            words += page.tokens[place].is_word
        if words > 3 or end >= page.size or page.tokens[end].text != ",":
            return False
        at = end + 1
    return False
