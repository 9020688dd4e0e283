"""Which generation services a person wants or shuns; a network to publish on is none of them."""

from __future__ import annotations

from orchestrator.brief.lexicon import shared
from orchestrator.brief.page import Page

__all__ = ["find_brands", "wishes"]

_REACH = 6


def find_brands(page: Page) -> None:
    """Claims every service that is named as one: `prefer` or `avoid`."""
    previous_end, previous = -9, ""
    at = 0
    while at < page.size:
        if not page.has(at, "brand") or not page.free(at, page.end(at, "brand")):
            at += 1
            continue
        end = _with_version(page, page.end(at, "brand"))
        wish = _wish(page, at, end, previous if _is_listed(page, previous_end, at) else "")
        if wish:
            page.claim(wish, at, end, page.value(at, "brand"), means=f"platform.{wish}")
            _claim_cue(page, at, wish)
            previous_end, previous = end, wish
        at = end


def wishes(page: Page) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The services preferred and avoided, each once; of two contrary wishes the later counts."""
    last: dict[str, str] = {}
    for mark in page.of("prefer", "avoid"):
        last.pop(mark.value, None)
        last[mark.value] = mark.kind
    preferred = tuple(name for name, wish in last.items() if wish == "prefer")
    return preferred, tuple(name for name, wish in last.items() if wish == "avoid")


def _with_version(page: Page, end: int) -> int:
    """The place after a version such as "3.1", "Gen-4" or "Turbo"."""
    while end < page.size and page.free(end, end + 1):
        token = page.tokens[end]
        is_version = token.text[0].isdecimal() and not page.has(
            end + 1, "medium", "second", "minute", "versions"
        )
        if not is_version and token.word not in {
            "gen",
            "turbo",
            "pro",
            "ultra",
            "fast",
            "lite",
            "v2",
            "v3",
            "max",
            "ai",
        }:
            break
        if page.segment[end] != page.segment[end - 1]:
            break
        end += 1
    return end


def _is_listed(page: Page, previous_end: int, at: int) -> bool:
    """Whether only commas and conjunctions stand between two services."""
    if previous_end < 0 or at - previous_end > 3:
        return False
    return all(
        page.has(place, "and", "or", "nor", "without")
        or page.tokens[place].text in ",/&+"
        or page.has(place, "definite", "article")
        for place in range(previous_end, at)
    )


def _wish(page: Page, at: int, end: int, listed: str) -> str:
    negative, positive, direct = _cues(page, at, end)
    name = page.tokens[at].word
    written_big = page.tokens[at].text[0].isupper() or end > page.end(at, "brand")
    everyday = name in shared("everyday")["names"] and page.end(at, "brand") == at + 1
    followed = _noun_follows(page, end)
    if everyday and followed and not listed:
        return ""
    if everyday and not written_big and not (direct or listed):
        return ""
    if page.before(at, "article", "possessive") is not None and everyday:
        return ""
    if negative:
        return "avoid"
    if positive:
        return "prefer"
    if listed:
        return listed
    if page.before(at, "of", "about") is not None or (everyday and not _stands_out(page, at, end)):
        return ""
    return "prefer" if _stands_out(page, at, end) else ""


def _cues(page: Page, at: int, end: int) -> tuple[bool, bool, bool]:
    """Whether the words before say to shun or to use it, and whether they say so just before."""
    after = range(end, min(page.segment_end(end - 1), end + 4))
    if any(page.has(place, "shun_after") for place in after):
        return True, False, True
    start = max(page.sentence_range(at).start, at - _REACH)
    for place in range(at - 1, start - 1, -1):
        mark = page.owner[place]
        if mark is not None and mark.kind in {"prefer", "avoid"}:
            break
        if page.segment[place] != page.segment[at] and page.tokens[place].text not in ":,":
            break
        near = all(page.has(k, "definite", "chat") or _inside(page, k, place) for k in range(place + 1, at))
        if page.has(place, "shun") and not page.has(place, "harmless"):
            return True, False, near
        shunned = page.before(place, "shun") if page.has(place, "use_weak") else None
        if near and shunned is not None and not page.has(shunned, "apart"):
            return True, False, near
        if page.has(place, "use") or (
            page.has(place, "use_weak") and near and not page.has(place, "and", "or")
        ):
            return False, True, near and page.has(place, "use")
        if page.has(place, "but", "then"):
            break
    if any(page.has(place, "use_after") for place in after):
        return False, True, True
    return False, False, False


def _inside(page: Page, at: int, start: int) -> bool:
    return any(tag.end > at for tag in page.tags[start].values())


def _noun_follows(page: Page, end: int) -> bool:
    if end >= page.size or page.segment[end] != page.segment[end - 1]:
        return False
    token = page.tokens[end]
    return token.is_word and not page.tags[end] and page.owner[end] is None


def _stands_out(page: Page, at: int, end: int) -> bool:
    """Whether the name is a segment of its own, or stands right at a medium."""
    alone = page.segment_start(at) == at and (end >= page.size or page.segment[end] != page.segment[at])
    if alone or page.has(end, "medium", "for", "network") or page.before(at, "medium", "mark") is not None:
        return True
    return page.segment_start(at) == at and page.has(end, "and", "or", "please", "chat", "if")


def _claim_cue(page: Page, at: int, wish: str) -> None:
    start = max(page.segment_start(at), at - _REACH)
    for place in range(at - 1, start - 1, -1):
        if page.owner[place] is not None:
            break
        if page.has(place, "use", "use_weak", "shun"):
            stop = max(
                tag.end for name, tag in page.tags[place].items() if name in {"use", "use_weak", "shun"}
            )
            if page.free(place, min(stop, at)):
                page.claim("cue", place, min(stop, at), means=f"platform.{wish}")
            break
