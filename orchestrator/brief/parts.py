"""Parts of a group told apart by one trait: "one vertical and one square", "a 6 s version"."""

from __future__ import annotations

from orchestrator.brief.groups import Anchor, Group, Wanted
from orchestrator.brief.numerals import number_at
from orchestrator.brief.page import Page

__all__ = ["find_parts"]

_TRAITS = {
    "photo": frozenset({"ratio", "shape", "network", "quality"}),
    "video": frozenset({"ratio", "shape", "network", "quality", "duration"}),
    "voice": frozenset({"language", "duration", "quality", "accent"}),
}
_MOST = 20


def find_parts(page: Page, wanted: Wanted) -> None:
    """Adds an anchor for every part, in the order of the text, and notes plain numbers of versions."""
    at = 0
    while at < page.size:
        if page.has(at, "versions") and page.free(at, page.end(at, "versions")):
            at = max(at + 1, _versions(page, wanted, at))
        elif page.has(at, "same_again") and page.free(at, page.end(at, "same_again")):
            at = max(at + 1, _again(page, wanted, at))
        elif _begins_part(page, at):
            at = max(at + 1, _part(page, wanted, at))
        else:
            at += 1
    wanted.anchors.sort(key=lambda anchor: anchor.at)


def _host(page: Page, wanted: Wanted, at: int, first: int, end: int) -> Group | None:
    """The latest group before this place that has the trait told here."""
    kinds = {mark.kind for mark in page.marks if first <= mark.first < end}
    kinds |= {"language"} if any(page.has(place, "language") for place in range(first, end)) else set()
    for group in reversed(wanted.groups):
        if group.at < at and (not kinds or kinds & _TRAITS[group.medium]):
            return group
    return None


def _versions(page: Page, wanted: Wanted, at: int) -> int:
    end = page.end(at, "versions")
    count, first, told = _counted(page, at)
    last = _trait_after(page, end)
    if last == end and page.has(at, "series"):
        after = page.end(at, "series")
        last = max(end, _trait_after(page, after) if page.owner[min(after, page.size - 1)] else end)
    first_trait = any(mark is not None and mark.kind in _TRAITS["video"] for mark in page.owner[first:at])
    if page.has(at, "medium") and not told:
        return end
    host = _host(page, wanted, at, first, max(last, end)) or _host(page, wanted, at, 0, 0)
    if host is None:
        return end
    if count is not None and count > 1 and not first_trait:
        host.versions = count
        page.claim("versions", first, end, number=count)
        return end
    if first_trait or last > end:
        _anchor(wanted, host, first, last, count or 1)
        return last
    return end


def _counted(page: Page, at: int) -> tuple[int | None, int, bool]:
    """The number before "versions", where its phrase starts, and whether it is there at all."""
    start = page.segment_start(at)
    place = at
    while place > start:
        for first in range(max(start, place - 3), place):
            number = number_at(page, first) if page.free(first, first + 1) else None
            if number and number.end == place and number.value == int(number.value) <= _MOST:
                return int(number.value), first, True
        article = page.before(place, "article", "another", "definite")
        if article is not None:
            return 1, article, True
        mark = page.owner[place - 1]
        if mark is not None and mark.kind in _TRAITS["video"]:
            place = mark.first
        elif page.tokens[place - 1].is_word and (
            not page.tags[place - 1] or page.has(place - 1, "language", "manner", "another", "and", "shape")
        ):
            if page.has(place - 1, "and"):
                return None, place, place < at
            place -= 1
        else:
            break
    return None, place, place < at


def _begins_part(page: Page, at: int) -> bool:
    """A number or an article at the start of a segment or after "and"."""
    if not page.free(at, at + 1) or (
        not page.has(at, "number", "article", "another", "ordinal", "once", "half_of")
        and not page.tokens[at].text.isdecimal()
    ):
        return False
    starts = page.segment_start(at) == at or page.before(at, "and", "plus", "then") is not None
    return starts or page.tokens[at - 1].text == "/"


def _again(page: Page, wanted: Wanted, at: int) -> int:
    """ "four photos in 1:1 and the same in 9:16": as many once more, with another trait."""
    place = page.end(at, "same_again")
    last = _trait_after(page, place)
    host = _host(page, wanted, at, place, last) if last > place else None
    if host is None:
        return place
    _anchor(wanted, host, at, last, host.count)
    added = wanted.anchors[-1].part
    if added is not None:
        added.again = True
    return last


def _half(page: Page, wanted: Wanted, at: int) -> int:
    """ "4 photos, half square, half 9:16": an even number parted in two."""
    place = page.skip(page.end(at, "half_of"), "place", "for", "definite", "with", "of")
    last = _trait_after(page, place)
    host = _host(page, wanted, at, place, last) if last > place and _ends_part(page, last) else None
    if host is None or not host.counted or host.count % 2:
        return place
    _anchor(wanted, host, at, last, host.count // 2)
    return last


def _part(page: Page, wanted: Wanted, at: int) -> int:
    if page.has(at, "half_of"):
        return _half(page, wanted, at)
    number = number_at(page, at)
    if number and number.value == int(number.value) and 0 < number.value <= _MOST:
        count, place = int(number.value), number.end
    else:
        names = [name for name in ("another", "article", "ordinal", "once") if page.has(at, name)]
        if not names:
            return at + 1
        count, place = 1, max(page.end(at, name) for name in names)
    place = page.skip(
        place, "another", "ordinal", "place", "spoken_in", "for", "definite", "mark", "from", "with", "of"
    )
    last = _trait_after(page, place)
    if last <= place and count == 1 and _is_one_more(page, wanted, at, place):
        return place
    if last <= place or not (_ends_part(page, last) or page.has(at, "another")):
        return at + 1
    host = _host(page, wanted, at, place, last)
    if host is None or any(anchor.first <= at < anchor.end for anchor in wanted.anchors):
        return at + 1
    _anchor(wanted, host, at, last, count)
    return last


def _is_one_more(page: Page, wanted: Wanted, at: int, place: int) -> bool:
    """ "a photo of the beach and another of the hills": counts one more of the same."""
    host = _host(page, wanted, at, 0, 0)
    if (
        host is None
        or host.noun is None
        or host.noun.determiner != "article"
        or page.sentence[host.at] != page.sentence[at]
    ):
        return False
    if not page.has(at, "another") and page.before(at, "and") is None:
        return False
    between = range(at + 1, place)
    if any(page.has(step, "medium") for step in between):
        return False
    if not any(page.has(step, "of", "with", "place", "from") for step in between):
        return False
    host.count += 1
    return True


def _trait_after(page: Page, at: int) -> int:
    """Where the traits that stand here end; the same place if there are none."""
    place = at
    while place < page.size:
        mark = page.owner[place]
        if mark is not None and mark.kind in _TRAITS["video"]:
            place = mark.end
        elif mark is None and page.has(place, "network"):
            place = page.end(place, "network")
        elif mark is None and page.has(place, "language", "accent"):
            place = max(page.end(place, name) for name in ("language", "accent") if page.has(place, name))
        elif (
            page.has(place, "place", "spoken_in", "for", "mark", "of", "from", "with")
            and place + 1 < page.size
            and (page.owner[place + 1] or page.has(place + 1, "language", "network", "mark", "article"))
        ):
            nxt = _trait_after(page, place + 1)
            if nxt == place + 1:
                break
            place = nxt
        else:
            break
    return place


def _ends_part(page: Page, at: int) -> bool:
    if at >= page.size or page.segment[at] != page.segment[at - 1]:
        return True
    return page.has(at, "and", "or", "for", "with", "versions", "of", "place") or page.tokens[at].text == "/"


def _anchor(wanted: Wanted, host: Group, first: int, end: int, count: int) -> None:
    part = Group(host.medium, first, count=count, counted=True)
    wanted.anchors.append(Anchor(first, first, end, "part", host.medium, host, part))
