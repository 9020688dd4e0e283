"""One unwanted thing: where its words begin and end, and whether it is a medium that is refused."""

from __future__ import annotations

from orchestrator.brief.page import Page

__all__ = ["item_at", "lead", "may_start", "refused_medium"]

_LONGEST = 7
_EXTRA = 3


def lead(page: Page, at: int) -> int:
    """The place after articles and words such as "any" or "visible", where the thing itself begins."""
    return page.skip(at, "article", "definite", "show", "any", "possessive", "vague", "approx", "chat")


def refused_medium(page: Page, at: int) -> tuple[str, int] | None:
    """ "no narration", "sem vídeo": a medium that is not wanted, possibly with an adjective."""
    for place in range(at, min(at + 3, page.segment_end(at) if at < page.size else at)):
        if page.has(place, "speaking"):
            return "voice", page.end(place, "speaking")
        if page.has(place, "medium") and page.owner[place] is None:
            medium = page.value(place, "medium").rstrip("?+")
            end = page.end(place, "medium")
            if medium == "photo" and "?" in page.value(place, "medium"):
                return None
            if medium in {"voice", "video", "photo"} and not page.has(end, "tail", "of"):
                return medium, end
            return None
        if page.tags[place] and not page.has(place, "manner", "gender", "language", "network"):
            return None
    return None


def may_start(page: Page, at: int, sentence: int) -> bool:
    """Whether the word here can begin an unwanted thing, in the sentence that refuses it."""
    if at >= page.size or page.sentence[at] != sentence or page.owner[at] is not None or page.hidden[at]:
        return False
    token = page.tokens[at]
    if not token.is_word or page.has(at, "brand") or _is_attribute(page, at):
        return False
    if page.has(at, "chat") and not page.has(at, "medium"):
        return False
    if page.has(at, "medium"):
        return True
    return not page.has(
        at, "with", "for", "then", "but", "it", "ask", "of", "place", "and", "or", "second", "quality"
    )


def _is_attribute(page: Page, at: int) -> bool:
    """ "a cake without sugar" is a kind of cake; ", without sugar lumps" is a wish."""
    if not page.has(at, "attribute"):
        return False
    cue, end = page.before(at, "without"), page.end(at, "attribute")
    apart = cue is not None and page.segment_start(cue) == cue and cue > 0
    goes_on = end < page.size and page.segment[end] == page.segment[at] and page.tokens[end].is_word
    return not (apart and goes_on and not page.tags[end])


def item_at(page: Page, at: int) -> tuple[int, int]:
    """Where reading goes on, and where the item itself ends."""
    place, words, small = at, 0, 0
    segment = page.segment[at]
    while place < page.size and page.segment[place] == segment and words < _LONGEST:
        token = page.tokens[place]
        if page.owner[place] is not None or page.hidden[place] or not token.is_word:
            break
        if page.has(
            place,
            "or",
            "nor",
            "neither_nor",
            "and",
            "but",
            "then",
            "with",
            "for",
            "without",
            "chat",
            "show_after",
            "shun",
            "only",
            "harmless",
            "because",
        ):
            break
        if page.has(place, "ask", "definite_verb") and place > at:
            break
        if page.has(place, "place") and not page.has(place, "medium"):
            rest = _words_left(page, place)
            if not 0 < rest <= _EXTRA:
                break
            small += 1
        words += 1
        place += 1
    return place, place if words else at


def _words_left(page: Page, at: int) -> int:
    count = 0
    for place in range(at, page.segment_end(at)):
        if page.owner[place] is not None or page.has(place, "or", "nor", "and", "with"):
            return 99
        count += page.tokens[place].is_word
    return count
