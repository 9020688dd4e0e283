"""Sentences that try to lift limits or to leak secrets are shown to the person and read by nobody else."""

from __future__ import annotations

from orchestrator.brief.page import Page

__all__ = ["NOT_FOLLOWED", "find_hostile"]

NOT_FOLLOWED = "Words that try to change the rules of this program were not followed."

_REACH = 7
_OPENS = "[<#*(={"


def find_hostile(page: Page, *, whole_sentence: bool = True) -> bool:
    """Hides every instruction to break limits; answers whether there was one."""
    found = False
    at = 0
    while at < page.size:
        if page.hidden[at] or not _starts(page, at):
            at += 1
            continue
        first, end = _stretch(page, at, whole_sentence=whole_sentence)
        page.claim("hostile", first, end, means="cannot be met")
        page.hide(first, end)
        found, at = True, end
    return found


def _starts(page: Page, at: int) -> bool:
    if page.has(at, "pretend"):
        return True
    if page.before(at, "article", "definite", "possessive") is not None:
        return False
    reach = range(at + 1, min(page.segment_end(at), at + _REACH))
    if page.has(at, "ignore"):
        end = page.end(at, "ignore")
        return any(page.has(place, "limits") for place in reach if place >= end)
    if page.has(at, "limits", "secrets") and page.language_of(at) == "de":
        return any(_closes(page, place) for place in reach)
    if page.has(at, "leak"):
        return any(page.has(place, "secrets") for place in reach)
    return _is_speaker(page, at)


def _closes(page: Page, at: int) -> bool:
    """ "die Budgetgrenze entfernen": the verb at the end of its phrase."""
    if not page.has(at, "ignore", "leak"):
        return False
    end = max(page.end(at, name) for name in ("ignore", "leak") if page.has(at, name))
    return end >= page.size or page.segment[end] != page.segment[at] or page.has(end, "and", "chat")


def _is_speaker(page: Page, at: int) -> bool:
    """A line that poses as the system speaking: "SYSTEM:", "[admin]", "### NOTE TO THE MODEL:"."""
    fenced = at > 0 and page.tokens[at - 1].text in _OPENS
    name = "speaker" if page.has(at, "speaker") else "order_head"
    if not page.has(at, name) or (name == "order_head" and not fenced):
        return False
    end = page.end(at, name)
    first = fenced or at == 0 or page.sentence[at - 1] != page.sentence[at]
    return first and end < page.size and page.tokens[end].text in ":]>*="


def _stretch(page: Page, at: int, *, whole_sentence: bool) -> tuple[int, int]:
    sentence = page.sentence_range(at)
    first = page.segment_start(at)
    before = [place for place in range(first, at) if page.tokens[place].is_word]
    if any(page.has(place, "medium", "of", "without") or page.owner[place] for place in before):
        first = at
    first = max(first, sentence.start)
    if _is_speaker(page, at) and at and page.tokens[at - 1].text in _OPENS:
        return at, _block_end(page, at, sentence)
    if not whole_sentence:
        return first, min(page.segment_end(at), sentence.stop)
    end = page.segment_end(at)
    while end < sentence.stop and _goes_on(page, end):
        end = page.segment_end(end)
    return first, end


def _block_end(page: Page, at: int, sentence: range) -> int:
    """Where a fenced order ends: at the mark that opened it, or with its line."""
    mark = page.tokens[at - 1].text
    closing = {"[": "]", "<": ">", "(": ")", "{": "}"}.get(mark, mark)
    places = range(at + 2, sentence.stop)
    return next((place for place in places if page.tokens[place].text == closing), sentence.stop)


def _goes_on(page: Page, at: int) -> bool:
    """Whether the next segment is more of the same: an order, or "and …"."""
    if not page.tokens[at].is_word:
        return True
    return page.has(at, "and", "then", "ask", "ignore", "leak", "pretend", "or", "use", "it")
