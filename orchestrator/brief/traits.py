"""Quality, networks and spoken languages: words that qualify an asset, unless they only describe its subject."""

from __future__ import annotations

from orchestrator.brief.groups import Wanted
from orchestrator.brief.page import Page

__all__ = ["find_networks", "find_qualities", "find_spoken"]

_CODES = {
    "EN": "en", "PT": "pt", "ES": "es", "FR": "fr", "DE": "de", "IT": "it", "PTBR": "pt-BR", "BR": "pt-BR",
    "ENG": "en", "ESP": "es", "FRA": "fr", "ITA": "it", "GER": "de", "POR": "pt",
}  # fmt: skip
_REGIONS = frozenset(
    {"BR", "PT", "US", "GB", "UK", "MX", "ES", "AR", "CO", "CA", "FR", "DE", "IT", "AU", "CH", "AT"}
)


def find_qualities(page: Page) -> None:
    """Claims "draft", "best quality" and the like where they speak of the files."""
    for at in range(page.size):
        if (
            page.has(at, "quality")
            and page.free(at, page.end(at, "quality"))
            and not _is_of_a_thing(page, at)
        ):
            page.claim("quality", at, page.end(at, "quality"), page.value(at, "quality"))


def _is_of_a_thing(page: Page, at: int) -> bool:
    """ "high quality leather", "couro de alta qualidade", "draft beer"."""
    end = page.end(at, "quality")
    if page.has(end, "drink"):
        return True
    article = page.skip(page.segment_start(at), "chat", "only", "article", "quality")
    if page.language_of(at) in {"en", "de"}:
        follows = end < page.size and page.segment[end] == page.segment[at] and page.tokens[end].is_word
        near = range(end, min(page.segment_end(at), end + 3))
        bare = follows and not page.tags[end] and page.owner[end] is None
        return (
            bare
            and article < at + 1
            and not any(page.has(place, "medium") for place in near)
            and _in_subject(page, at)
        )
    of = page.before(at, "of")
    if of is None or of == 0 or page.segment[of - 1] != page.segment[at]:
        return False
    return page.tokens[of - 1].is_word and not page.tags[of - 1] and page.owner[of - 1] is None


def _in_subject(page: Page, at: int) -> bool:
    start = page.segment_start(at)
    return any(page.has(place, "of", "about", "for", "our", "possessive") for place in range(start, at))


def find_networks(page: Page, wanted: Wanted) -> None:
    """Claims the networks an asset is for; a reel or shorts in the subject are left alone."""
    subjects = [anchor for anchor in wanted.anchors if anchor.role == "subject"]
    for at in range(page.size):
        name = "network" if page.has(at, "network") else "network_alone"
        if not page.has(at, name) or (name == "network_alone" and not _is_a_format(page, wanted, at)):
            continue
        end = page.end(at, name)
        if not page.free(at, end) or any(anchor.first <= at < anchor.end for anchor in subjects):
            continue
        page.claim("network", at, end, page.value(at, name))


def _is_a_format(page: Page, wanted: Wanted, at: int) -> bool:
    """ "a photo for my story", "a video story", "a story, 15 s"; but "the story of …" is something to tell."""
    end = page.end(at, "network_alone")
    head = page.end(end, "medium") if page.has(end, "medium") else end
    if page.has(head, "of", "about", "place") or page.before(at, "definite") is not None:
        return False
    if head > end:
        return True
    clip = page.before(at, "medium")
    if clip is not None and page.value(clip, "medium").startswith("video"):
        return True
    ends = end >= page.size or page.segment[end] != page.segment[at] or page.has(end, "with", "and", "for")
    if any(anchor.role == "generic" and anchor.first <= at < anchor.end for anchor in wanted.anchors):
        return ends and page.before(at, "possessive") is None
    first = page.before(at, "article", "possessive")
    return ends and page.before(at if first is None else first, "for", "place") is not None


def find_spoken(page: Page, wanted: Wanted) -> None:
    """Claims the languages and accents that are to be heard."""
    if not any(group.medium == "voice" for group in wanted.groups):
        return
    at = 0
    while at < page.size:
        found = _code_at(page, at) if page.free(at, at + 1) else None
        if found is None:
            at += 1
            continue
        kind, value, end = found
        if kind == "accent" or _is_spoken(page, wanted, at, end):
            page.claim(kind, at, end, value)
            at = end
        else:
            at += 1


def _code_at(page: Page, at: int) -> tuple[str, str, int] | None:
    """A language or an accent that starts here: its kind, its code and its end."""
    if page.has(at, "accent") and _has_accent_word(page, at) and not _has_accent_besides(page, at):
        return "accent", page.value(at, "accent"), page.end(at, "accent")
    if page.has(at, "language"):
        return "language", page.value(at, "language"), page.end(at, "language")
    if page.has(at, "accent") and page.has(at - 1, "medium", "gender"):
        return "accent", page.value(at, "accent"), page.end(at, "accent")
    token = page.tokens[at]
    code = _CODES.get(token.text) or (_CODES.get(token.text.upper()) if _is_tagged(page, at) else None)
    if code is None:
        return None
    if at + 1 < page.size and page.tokens[at + 1].gap == "-" and page.tokens[at + 1].text.upper() in _REGIONS:
        return "language", f"{code[:2]}-{page.tokens[at + 1].text.upper()}", at + 2
    return "language", code, at + 1


def _is_tagged(page: Page, at: int) -> bool:
    """ "pt-br": a code in small letters counts only with its region."""
    return (
        at + 1 < page.size and page.tokens[at + 1].gap == "-" and page.tokens[at + 1].text.upper() in _REGIONS
    )


def _has_accent_besides(page: Page, at: int) -> bool:
    """ "inglés con acento irlandés": the language comes first, and the accent word leads to another name."""
    with_accent = page.skip(page.end(at, "language"), "with") if page.has(at, "language") else at
    return with_accent > page.end(at, "accent") and page.has(with_accent, "accent_word")


def _has_accent_word(page: Page, at: int) -> bool:
    end, segment = page.end(at, "accent"), page.segment[at]
    near = (place for place in (at - 1, at - 2, end, end + 1) if 0 <= place < page.size)
    return any(page.has(place, "accent_word") and page.segment[place] == segment for place in near) or (
        page.before(at, "accent_word") is not None
    )


def _is_spoken(page: Page, wanted: Wanted, at: int, end: int) -> bool:
    for anchor in wanted.anchors:
        if anchor.medium == "voice" and anchor.role != "subject":
            touches = (
                anchor.first <= at < anchor.end or anchor.end <= at <= anchor.end + 1 or end == anchor.first
            )
            if touches and page.segment[anchor.at] == page.segment[at]:
                return True
        if anchor.part is not None and anchor.medium == "voice" and anchor.first <= at < anchor.end:
            return True
    start = page.segment_start(at)
    if any(page.has(place, "written", "copy") for place in range(max(start, at - 4), at)):
        return False
    if page.before(at, "spoken_in") is not None or page.before(at, "mark") is not None:
        return True
    alone = all(
        page.has(place, "language", "and", "or", "spoken_in")
        or page.owner[place] is not None
        or _in_language(page, place)
        for place in range(start, page.segment_end(at))
    )
    return alone or _is_listed(page, at) or page.has(end, "gender") or page.before(at, "gender") is not None


def _in_language(page: Page, at: int) -> bool:
    """Whether a longer name of a language holds this word."""
    return any(
        page.has(place, "language") and page.end(place, "language") > at
        for place in range(max(0, at - 4), at)
    )


def _is_listed(page: Page, at: int) -> bool:
    """ "in English, Spanish and French": the one before was spoken."""
    place = at - 1
    while place > 0 and (page.has(place, "and", "or", "place") or page.tokens[place].text in ",/+&"):
        place -= 1
    mark = page.owner[place] if place >= 0 else None
    return mark is not None and mark.kind == "language" and at - place <= 3
