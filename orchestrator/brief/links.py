"""What is made from what, and whether it all becomes one film."""

from __future__ import annotations

import itertools

from orchestrator.brief.films import adds_up
from orchestrator.brief.groups import Anchor, Wanted
from orchestrator.brief.page import Page
from orchestrator.brief.references import medium_of

__all__ = ["drop_wholes", "is_composed", "link_groups"]


def link_groups(page: Page, wanted: Wanted) -> None:
    """Notes the clips made from pictures of this job, and the stills taken from its clips."""
    for anchor in wanted.anchors:
        if anchor.role != "back" or anchor.group is None or anchor.noun is None:
            continue
        user = _user(page, wanted, anchor)
        if user is None or user.group is None or user.group is anchor.group:
            continue
        if anchor.group in user.group.depends or user.group in anchor.group.depends:
            continue
        user.group.depends.append(anchor.group)
        if anchor.noun.determiner == "each" and user.group.count == 1:
            user.group.count = anchor.group.count
    for group in wanted.groups:
        if group.medium == "video" and not group.depends:
            _link_pronoun(page, wanted, group.at)


def drop_wholes(page: Page, wanted: Wanted) -> None:
    """Takes out the film that is only named as what the clips become: "a film of three clips"."""
    videos = [group for group in wanted.groups if group.medium == "video" and group.noun is not None]
    for whole, pieces in itertools.pairwise(videos):
        if whole.count > 1 or pieces.count < 2 or page.sentence[whole.at] != page.sentence[pieces.at]:
            continue
        assert whole.noun is not None
        assert pieces.noun is not None
        between = range(whole.noun.end, pieces.noun.first)
        listed = any(page.tokens[at].text == ":" and page.owner[at] is None for at in between)
        made_of = pieces.noun.governor in {"of", "from", "with"} and pieces.noun.governor_at == whole.noun.end
        made_of = made_of or page.has(pieces.noun.at, "scene") or adds_up(page, whole, pieces.noun)
        if not (made_of or listed):
            continue
        wanted.joined = wanted.joined or made_of
        for mark in page.of("duration"):
            if whole.noun.first <= mark.first < pieces.noun.first and not mark.value:
                mark.value = "total"
        noun = whole.noun
        wanted.remove(whole)
        wanted.anchors.append(Anchor(noun.at, noun.first, noun.end, "whole", noun.medium, noun=noun))


def _user(page: Page, wanted: Wanted, source: Anchor) -> Anchor | None:
    """The request in the same sentence that is made from this picture or clip."""
    noun = source.noun
    if noun is None or noun.determiner not in {"definite", "demonstrative", "possessive", "each"}:
        return None
    made_from = noun.governor in {"from", "use", "animate"} or (
        noun.governor in {"of", "with"} and noun.determiner == "demonstrative"
    )
    turned = any(page.has(at, "turn") for at in range(page.segment_start(source.at), source.first))
    starts = (
        noun.governor == "with"
        and source.medium == "photo"
        and any(page.has(at, "first_frame") for at in range(source.end, min(page.size, source.end + 6)))
    )
    alive = noun.determiner == "demonstrative" and any(
        page.has(at, "animate", "alive") for at in page.sentence_range(source.at)
    )
    if not (made_from or starts or turned or alive):
        return None
    other = "video" if source.medium == "photo" else "photo"
    here = [
        anchor
        for anchor in wanted.anchors
        if anchor.role == "request"
        and anchor.medium == other
        and page.sentence[anchor.at] == page.sentence[source.at]
    ]
    before = [anchor for anchor in here if anchor.at < source.at]
    if before:
        return before[-1]
    return here[0] if here and (turned or made_from) else None


def _link_pronoun(page: Page, wanted: Wanted, at: int) -> None:
    """ "a clip from it", "use it as first frame"."""
    video = next(group for group in wanted.groups if group.medium == "video" and group.at == at)
    photo = wanted.latest("photo", before=at)
    if photo is None:
        return
    if page.has(at, "animate") and page.has(page.end(at, "animate"), "pronoun"):
        video.depends.append(photo)
        return
    sentence = page.sentence_range(at)
    for place in range(max(sentence.start, photo.at + 1), sentence.stop):
        if _is_from_it(page, place):
            video.depends.append(photo)
            return
        if page.has(place, "first_frame") and any(
            page.has(near, "pronoun") for near in range(sentence.start, sentence.stop)
        ):
            video.depends.append(photo)
            return


def _is_from_it(page: Page, at: int) -> bool:
    """ "from it", "a partir de ella", and in one word "dela" where it opens the phrase."""
    if page.has(at, "from"):
        return page.has(at, "pronoun") or page.has(page.end(at, "from"), "pronoun")
    if not page.has(at, "of"):
        return False
    best = at if page.has(at, "one_of") else page.end(at, "of")
    if page.has(best, "one_of"):
        after = page.end(best, "one_of")
        return (
            after >= page.size
            or not page.tokens[after].is_word
            or page.has(after, "article", "ask", "number", "pronoun")
        )
    return page.has(at, "pronoun") and page.segment_start(at) == at


def is_composed(page: Page, wanted: Wanted) -> bool:
    """Whether clips and voice, or several clips, are joined into one film."""
    videos = [group for group in wanted.groups if group.medium == "video"]
    voices = [group for group in wanted.groups if group.medium == "voice"]
    if not videos:
        return False
    joins = wanted.joined or any(
        page.has(at, "join") and not _is_negated(page, at) for at in range(page.size)
    )
    clips = sum(max(group.count, group.versions) for group in videos)
    parts = [anchor for anchor in wanted.anchors if anchor.part is not None and anchor.medium == "video"]
    clips += sum(page.has(anchor.first, "another") for anchor in parts)
    apart = any(page.has(at, "apart") for at in range(page.size))
    if apart and not joins:
        return False
    if joins and (clips > 1 or voices or _has_sound_file(wanted)):
        return True
    if not voices:
        return _has_sound_file(wanted)
    if any(page.has(at, "laid") for at in range(page.size)):
        return True
    refused = any(mark.value == "voice" for mark in page.of("refused"))
    return not refused and not all(_is_elsewhere(page, wanted, group.at) for group in voices)


def _is_negated(page: Page, at: int) -> bool:
    """ "nothing joined", and "being assembled", which is what the picture shows."""
    return page.before(at, "without", "shun", "being") is not None


def _has_sound_file(wanted: Wanted) -> bool:
    return any(
        medium_of(mark.value) == "voice"
        for group in wanted.groups
        if group.medium == "video"
        for mark in group.facts.get("reference", [])
    )


def _is_elsewhere(page: Page, wanted: Wanted, at: int) -> bool:
    """Whether this voice is meant for radio, telephone or another place without pictures."""
    start, end = page.segment_start(at), page.segment_end(at)
    if end < page.size and page.tokens[end].text == "(":
        end = page.segment_end(min(end + 1, page.size - 1))
    return any(page.has(place, "elsewhere") for place in range(start, end)) or (
        page.has(at, "medium") and any(page.has(at, name) for name in ("elsewhere",))
    )
