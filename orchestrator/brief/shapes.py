"""Which shape: ratios by figures, by pixels and by name."""

from __future__ import annotations

from math import gcd

from orchestrator.brief.lexicon import shared
from orchestrator.brief.numerals import Number, digits, number_at
from orchestrator.brief.page import Page
from orchestrator.brief.tokens import Kind

__all__ = ["find_shapes", "network_ratio", "ratio_of_shape"]

_SIGNS = frozenset(":x×/X*")
_FEWEST_PIXELS = 100
_MOST_PIXELS = 20_000
_MINUTES = 60
_MOST_MINUTES = 9


def find_shapes(page: Page) -> None:
    """Claims ratios and pixel sizes as `ratio`, "4K" and the like as `detail`, named shapes as `shape`."""
    for at in range(page.size):
        if not page.free(at, at + 1):
            continue
        if page.tokens[at].kind is Kind.NUMBER or page.has(at, "number"):
            if not _ratio_at(page, at):
                _trap_at(page, at)
        elif page.has(at, "shape") and _is_shape(page, at):
            page.claim("shape", at, page.end(at, "shape"), page.value(at, "shape"))
            if page.has(at, "medium") and page.end(at, "medium") == page.end(at, "shape"):
                page.owner[at] = None
        elif page.has(at, "shape_alone") and (_is_alone(page, at) or _is_of_clip(page, at)):
            page.claim("shape", at, page.end(at, "shape_alone"), page.value(at, "shape_alone"))


def _ratio_at(page: Page, at: int) -> bool:
    across = number_at(page, at)
    if across is None or across.end >= page.size:
        return False
    sign = page.tokens[across.end]
    by = page.has(across.end, "by_ratio")
    if not (by or (sign.text in _SIGNS and (sign.glued or sign.text in "x×X"))):
        return False
    second = page.end(across.end, "by_ratio") if by else across.end + 1
    down = _plain_figure(page, second) or number_at(page, second)
    if down is None or (sign.text in ":/" and not page.tokens[second].glued):
        return False
    found = _named_ratio(page, at, across.value, down.value, by=by, sign=sign.text)
    end = down.end + 1 if page.has(down.end, "pixels") else down.end
    if found is None:
        if not _is_odd_ratio(page, at, end, sign.text):
            return False
        page.claim("odd_ratio", at, end)
        return True
    page.claim("ratio", at, end, found, number=across.value if across.value >= _FEWEST_PIXELS else 0)
    return True


def _plain_figure(page: Page, at: int) -> Number | None:
    """The figure alone: in "9:16 and half in 16:9" no half belongs to the ratio."""
    token = page.tokens[at] if at < page.size else None
    value = digits(token.text, page.language_of(at)) if token and token.kind is Kind.NUMBER else None
    return None if value is None or page.hidden[at] else Number(value, at + 1)


def _named_ratio(page: Page, at: int, across: float, down: float, *, by: bool, sign: str) -> str | None:
    if _FEWEST_PIXELS <= across <= _MOST_PIXELS and _FEWEST_PIXELS <= down <= _MOST_PIXELS:
        if sign in ":/":
            return None
        divisor = gcd(int(across), int(down))
        return f"{int(across) // divisor}:{int(down) // divisor}"
    name = f"{across:g}:{down:g}"
    known = shared("ratio")["by_x" if by or sign in "x×X*" else "known"]
    if name not in known:
        return None
    after = page.tokens[at + 3] if at + 3 < page.size else None
    if after is not None and page.has(at + 3, "length"):
        return None
    if sign == "/" and name not in {"16:9", "9:16"} and not _is_told(page, at):
        return None
    return name


def _is_odd_ratio(page: Page, at: int, end: int, sign: str) -> bool:
    """ "a 17:13 photo", "in 7:11 format", "…, 100:1": figures where a ratio stands, and no time of day or length."""
    across, down = page.tokens[at].text, page.tokens[end - 1].text
    if sign != ":" or end != at + 3 or not (across.isdecimal() and down.isdecimal()):
        return False
    clock = len(down) == 2 and int(down) < _MINUTES and int(across) < _MINUTES
    if clock and int(across) <= _MOST_MINUTES:
        return False
    told = page.before(at, "mark") is not None or page.has(end, "mark", "medium")
    alone = page.segment_start(at) == at and (end >= page.size or page.segment[end] != page.segment[at])
    # People meet on the hour, the quarter and the five minutes.
    return told or (alone and not (clock and int(down) % 5 == 0))


def _is_told(page: Page, at: int) -> bool:
    """Whether a word such as "format" stands before, or the figures stand alone."""
    return (
        page.before(at, "mark") is not None
        or page.segment_start(at) == at
        or (at > 0 and page.has(at - 1, "medium", "for", "network", "place"))
    )


def _trap_at(page: Page, at: int) -> None:
    """Figures that are something else: 4K, 1080p, 50 %, iPhone 15, 33 cl, 24/12, 3 km."""
    token = page.tokens[at]
    if token.kind is not Kind.NUMBER:
        return
    after = at + 1
    following = page.tokens[after] if after < page.size else None
    if following is None:
        return
    if following.text in "%°‰" or (following.glued and page.has(after, "resolution")):
        first = at - 1 if at and page.tokens[at - 1].text in "-+–−" else at
        page.claim("detail", first, after + 1)
    elif page.has(after, "length") and (following.glued or len(following.text) <= 2):
        page.claim("detail", at, after + 1)
    elif following.text in "/." and following.glued and after + 1 < page.size:
        month = page.tokens[after + 1]
        day = digits(token.text, "en")
        if month.kind is Kind.NUMBER and month.glued and day and day <= 31 and month.text.isdecimal():
            page.claim("time", at, after + 2)


def _is_alone(page: Page, at: int) -> bool:
    """ "…, landscape": a word that is a shape only when it says nothing else."""
    rest = page.skip(page.end(at, "shape_alone"), "chat")
    return at > 0 and page.segment_start(at) == at and rest >= page.segment_end(at)


def _is_of_clip(page: Page, at: int) -> bool:
    """ "30 s landscape spot", "vidéo paysage": beside a word for a clip, and not of what it shows."""
    end = page.end(at, "shape_alone")
    if page.has(end, "medium") and page.value(end, "medium").startswith("video"):
        return page.language_of(at) in {"en", "de"}
    before = page.before(at, "medium")
    clip = before is not None and page.value(before, "medium").startswith("video")
    told = not page.has(end, "of") or number_at(page, page.end(end, "of")) is not None
    return clip and told and page.language_of(at) not in {"en", "de"}


def _is_shape(page: Page, at: int) -> bool:
    """A shape of the asset, not of a thing in it: no "square table", no "vertical garden"."""
    end = page.end(at, "shape")
    if page.before(at, "shaped_thing") is not None or page.has(end, "shaped_thing"):
        return False
    if end >= page.size or page.segment[end] != page.segment[at] or not page.tokens[end].is_word:
        return True
    if page.language_of(at) not in {"en", "de"} or page.tags[end] or page.owner[end] is not None:
        return True
    near = range(end, min(page.segment_end(at), end + 4))
    for place in near:
        if page.has(place, "medium", "network", "versions"):
            return True
        if page.has(place, "of", "with", "for", "about", "place", "and"):
            return False
    return False


def ratio_of_shape(shape: str, medium: str) -> str | None:
    """The ratio a named shape says for this medium; an upright photo has none by convention."""
    if shape == "square":
        return "1:1"
    if medium == "video":
        return {"vertical": "9:16", "horizontal": "16:9"}[shape]
    return None


def network_ratio(network: str, medium: str, noun: str = "") -> str | None:
    """The ratio a network's convention says; YouTube's holds for videos and thumbnails."""
    if network == "youtube" and medium != "video" and noun != "thumbnail":
        return None
    ratios = shared("network_ratio").get(network)
    return ratios[0] if ratios else None
