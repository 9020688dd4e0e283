"""When no word names the medium, the other facts may: a length means a clip, a picture file a picture."""

from __future__ import annotations

from orchestrator.brief.groups import Anchor, Group, Wanted
from orchestrator.brief.page import Mark, Page
from orchestrator.brief.references import medium_of
from orchestrator.brief.roles import is_question

__all__ = ["guess_groups"]

_SEEN_OR_SAID = frozenset({"photo", "video", "voice", "generic"})
_CLIP_NETWORKS = frozenset({"reels", "tiktok", "shorts"})


def guess_groups(page: Page, wanted: Wanted) -> None:
    """Opens a group from weaker signs if the words asked for nothing outright."""
    _from_counted(page, wanted)
    _from_stories(page, wanted)
    if wanted.groups or all(is_question(page, at) for at in range(page.size)):
        return
    for guess in (_from_purpose, _from_generic, _from_network, _from_length, _from_file, _from_shape):
        guess(page, wanted)
        if wanted.groups:
            return


def _from_counted(page: Page, wanted: Wanted) -> None:
    """ "3 pieces of 6 s", "2 square posts" beside other assets: what is told of them names their medium."""
    if not wanted.groups:
        return
    for anchor in wanted.anchors:
        noun = anchor.noun
        if anchor.role != "generic" or noun is None or noun.determiner != "count":
            continue
        facts = [mark for mark in page.of("duration", "ratio", "shape") if _tells(page, wanted, anchor, mark)]
        if facts:
            medium = "video" if any(mark.kind == "duration" for mark in facts) else "photo"
            _make(wanted, anchor, Group(medium, anchor.at, count=noun.count or 1, counted=True, noun=noun))


def _tells(page: Page, wanted: Wanted, anchor: Anchor, mark: Mark) -> bool:
    """Whether this fact stands in the phrase of this word, and no other media word between them."""
    if mark.value == "aside" or page.segment[mark.first] != page.segment[anchor.at]:
        return False
    if anchor.first <= mark.first < anchor.end:
        return True
    return mark.first >= anchor.end and not any(
        anchor.end <= other.at < mark.first for other in wanted.anchors
    )


def _from_stories(page: Page, wanted: Wanted) -> None:
    """ "3 stories, 8 s each, one voice-over": a length beside stories makes clips of them."""
    if any(group.medium == "video" for group in wanted.groups):
        return
    for anchor in wanted.anchors:
        noun = anchor.noun
        if anchor.role != "generic" or noun is None or not noun.network:
            continue
        stop = min((one.at for one in wanted.anchors if one.at > anchor.at), default=page.size)
        lasts = [
            mark for mark in page.of("duration") if noun.first <= mark.first < stop and mark.value != "aside"
        ]
        if lasts and page.sentence[lasts[0].first] == page.sentence[anchor.at]:
            group = Group("video", anchor.at, count=noun.count or 1, counted=noun.determiner == "count")
            group.noun, group.network = noun, noun.network
            _make(wanted, anchor, group)
            return


def _from_purpose(page: Page, wanted: Wanted) -> None:
    """ "Ideas for a 10 s video": what it is for is what is wanted, if nothing else is."""
    for anchor in wanted.anchors:
        if anchor.role == "for" and anchor.noun is not None and anchor.medium in {"photo", "video", "voice"}:
            noun = anchor.noun
            if noun.determiner in {"definite", "possessive", "demonstrative"} and not page.of(
                "duration", "ratio", "shape"
            ):
                continue
            group = Group(anchor.medium, anchor.at, count=noun.count or 1, counted=noun.determiner == "count")
            group.noun, group.vague = noun, noun.vague or (noun.plural and noun.count is None)
            _make(wanted, anchor, group)
            return


def _make(wanted: Wanted, anchor: Anchor, group: Group) -> None:
    wanted.groups.append(group)
    anchor.group, anchor.role, anchor.medium = group, "request", group.medium


def _from_generic(page: Page, wanted: Wanted) -> None:
    """A post, an ad, a story: a clip if it has a length, else a picture, with a question."""
    for anchor in wanted.anchors:
        if anchor.role != "generic" or anchor.noun is None:
            continue
        noun = anchor.noun
        lasts = any(mark.value != "aside" for mark in page.of("duration"))
        told = lasts or page.of("ratio", "shape", "reference") or noun.count
        if not told:
            continue
        medium = "video" if lasts else "photo"
        group = Group(medium, anchor.at, count=noun.count or 1, counted=noun.determiner == "count")
        group.noun, group.vague, group.network = noun, noun.vague, noun.network
        if not lasts:
            wanted.doubts.append("medium")
        _make(wanted, anchor, group)
        return


def _from_network(page: Page, wanted: Wanted) -> None:
    for at in range(page.size):
        if page.has(at, "network") and page.value(at, "network") in _CLIP_NETWORKS and page.free(at, at + 1):
            group = Group("video", at, network=page.value(at, "network"))
            wanted.add(group, first=at, end=page.end(at, "network"))
            return


def _from_length(page: Page, wanted: Wanted) -> None:
    for mark in page.of("duration"):
        if (
            mark.value != "aside"
            and not page.has(mark.first, "offtopic")
            and not _is_of_music(page, wanted, mark)
        ):
            wanted.add(Group("video", mark.first), first=mark.first, end=mark.end)
            return


def _is_of_music(page: Page, wanted: Wanted, mark: Mark) -> bool:
    """A length told of a jingle or a song says nothing about a clip."""
    if any(anchor.medium in _SEEN_OR_SAID for anchor in wanted.anchors if anchor.role != "subject"):
        wanted_music = [anchor for anchor in wanted.anchors if anchor.medium == "music"]
        return any(page.segment[anchor.at] == page.segment[mark.first] for anchor in wanted_music)
    return any(anchor.medium == "music" and anchor.at < mark.first for anchor in wanted.anchors)


def _from_file(page: Page, wanted: Wanted) -> None:
    """A picture to be changed, or a clip."""
    for mark in page.of("reference"):
        medium = medium_of(mark.value)
        if medium in {None, "photo", "video"}:
            count = next((int(one.number) for one in page.of("versions")), 0) or _versions(page)
            group = Group(medium or "photo", mark.first, count=count, counted=count > 1)
            wanted.add(group, first=mark.first, end=mark.end)
            return


def _versions(page: Page) -> int:
    from orchestrator.brief.numerals import number_at

    for at in range(page.size):
        if page.has(at, "versions"):
            for first in range(max(0, at - 3), at):
                number = number_at(page, first)
                if number and number.end == at and 1 <= number.value <= 50:
                    return int(number.value)
    return 1


def _from_shape(page: Page, wanted: Wanted) -> None:
    for mark in page.of("ratio", "shape"):
        wanted.add(Group("photo", mark.first), first=mark.first, end=mark.end)
        wanted.doubts.append("medium")
        return
