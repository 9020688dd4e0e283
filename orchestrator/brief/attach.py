"""Each fact finds the asset it belongs to: the phrase it stands in, the nearest before it, or all."""

from __future__ import annotations

from orchestrator.brief.groups import Anchor, Group, Wanted
from orchestrator.brief.page import Mark, Page
from orchestrator.brief.references import medium_of

__all__ = ["attach_facts"]

_TAKES = {
    "duration": frozenset({"video", "voice", "music"}),
    "ratio": frozenset({"photo", "video", "copy"}),
    "shape": frozenset({"photo", "video", "copy"}),
    "network": frozenset({"photo", "video"}),
    "quality": frozenset({"photo", "video", "voice"}),
    "language": frozenset({"voice", "copy"}),
    "accent": frozenset({"voice"}),
    "reference": frozenset({"photo", "video"}),
}
_HOLDING = frozenset({"request", "back", "part", "input"})


def attach_facts(page: Page, wanted: Wanted) -> None:
    """Hands every fact mark to its group or part; a later correction replaces what was said before."""
    for mark in page.of(*_TAKES):
        if mark.kind == "duration" and mark.value == "aside":
            continue
        for group in _owners(page, wanted, mark):
            _give(page, wanted, group, mark)


def _give(page: Page, wanted: Wanted, group: Group, mark: Mark) -> None:
    said = group.facts.setdefault(mark.kind, [])
    family = ("ratio", "shape") if mark.kind in {"ratio", "shape"} else (mark.kind,)
    earlier = [old for kind in family for old in group.facts.get(kind, [])]
    if earlier and _replaces(page, earlier[-1], mark):
        for kind in family:
            group.facts.get(kind, []).clear()
        if group.count == 1:
            _forget_parts(wanted, group, mark.kind)
    elif earlier and _is_replaced(page, mark):
        return
    said.append(mark)


def _forget_parts(wanted: Wanted, group: Group, kind: str) -> None:
    for anchor in wanted.anchors:
        if anchor.group is group and anchor.part is not None:
            anchor.part.facts.pop(kind, None)


def _replaces(page: Page, old: Mark, new: Mark) -> bool:
    """Whether a word between the two, or the new sentence itself, takes the old fact back."""
    if _is_replaced(page, old):
        return True
    between = range(old.end, new.first)
    if any(page.has(at, "correction") for at in between):
        return True
    start = page.sentence_range(new.first).start
    return page.sentence[old.first] != page.sentence[new.first] and any(
        page.has(at, "correct") for at in range(start, new.first)
    )


def _is_replaced(page: Page, mark: Mark) -> bool:
    """ "not 15 s", "instead of 1:1": the fact is named to be refused."""
    first = mark.first
    while (
        first > 0
        and page.has(first - 1, "place", "article", "definite")
        and page.before(first, "instead", "without") is None
    ):
        first -= 1
    return page.before(first, "instead") is not None or (
        page.before(first, "without") is not None and mark.kind != "quality"
    )


def _owners(page: Page, wanted: Wanted, mark: Mark) -> list[Group]:
    anchors = [
        anchor for anchor in wanted.anchors if anchor.medium in _TAKES[mark.kind] and anchor.role in _HOLDING
    ]
    if mark.kind == "reference":
        return _owners_of_reference(page, wanted, mark, anchors)
    inside = [anchor for anchor in anchors if anchor.first <= mark.first < anchor.end]
    if inside:
        return _target(inside[-1])
    if _is_of_whole(page, wanted, mark):
        clips = [group for group in wanted.groups if group.medium == "video"]
        return [] if mark.kind == "duration" else clips
    if _is_for_all(page, mark):
        return [group for group in wanted.groups if group.medium in _TAKES[mark.kind]]
    if mark.kind == "quality":
        return _owners_of_quality(page, wanted, mark, anchors)
    here = [anchor for anchor in anchors if page.sentence[anchor.at] == page.sentence[mark.first]]
    if here:
        return _in_sentence(page, mark, here)
    return _loose(page, wanted, mark, anchors)


def _is_of_whole(page: Page, wanted: Wanted, mark: Mark) -> bool:
    """ "four clips cut into one 24 s vertical film": told of the film that the clips become."""
    if mark.kind not in {"duration", "ratio", "shape", "network"}:
        return False
    if sum(group.count for group in wanted.groups if group.medium == "video") < 2:
        return False
    near = [anchor for anchor in wanted.anchors if page.segment[anchor.at] == page.segment[mark.first]]
    inside = [anchor for anchor in near if anchor.first <= mark.first < anchor.end]
    before = [anchor for anchor in near if anchor.end <= mark.first]
    told = inside[-1:] or before[-1:]
    noun = told[0].noun if told else None
    return (
        noun is not None and noun.medium == "video" and not noun.network and told[0].role in {"for", "whole"}
    )


def _target(anchor: Anchor) -> list[Group]:
    if anchor.part is not None:
        return [anchor.part]
    return [anchor.group] if anchor.group is not None else []


def _is_for_all(page: Page, mark: Mark) -> bool:
    """ "16:9 for both", "all vertical"."""
    if mark.kind == "language":
        return False
    first, end = page.segment_start(mark.first), page.segment_end(mark.end - 1)
    near = range(max(first, mark.first - 4), min(end, mark.end + 4))
    return any(page.has(at, "all") for at in near)


def _in_sentence(page: Page, mark: Mark, here: list[Anchor]) -> list[Group]:
    segment = page.segment[mark.first]
    here = [anchor for anchor in here if anchor.role != "input" or page.segment[anchor.at] == segment]
    before = [anchor for anchor in here if anchor.at <= mark.first]
    after = [anchor for anchor in here if anchor.at > mark.first]
    if not before:
        return _leading(page, mark, after) if after else []
    same = [anchor for anchor in before if page.segment[anchor.end - 1] == segment]
    ahead = [anchor for anchor in after if page.segment[anchor.first] == segment]
    if not same and ahead:
        return _target(ahead[0])
    nearest = (same or before)[-1]
    if not same and mark.kind == "duration" and nearest.medium == "voice":
        open_videos = [
            anchor
            for anchor in before
            if anchor.medium == "video" and anchor.group and "duration" not in anchor.group.facts
        ]
        nearest = open_videos[-1] if open_videos else nearest
    if nearest.part is not None and nearest.group is not None and not same and _is_only_one(page, mark):
        return [nearest.group]
    return _target(nearest)


def _is_only_one(page: Page, mark: Mark) -> bool:
    """Whether no other fact of this kind is told in the sentence: then it closes a list and holds for all of it."""
    family = ("ratio", "shape") if mark.kind in {"ratio", "shape"} else (mark.kind,)
    return sum(page.sentence[other.first] == page.sentence[mark.first] for other in page.of(*family)) == 1


def _leading(page: Page, mark: Mark, after: list[Anchor]) -> list[Group]:
    """A fact before any asset: for the next one, or for all when a colon closes it."""
    end = page.segment_end(mark.end - 1)
    first = after[0]
    if (
        end < page.size
        and page.tokens[end].text == ":"
        and page.segment[first.at] != page.segment[mark.first]
    ):
        groups = [group for anchor in after for group in _target(anchor) if anchor.part is None]
        return list(dict.fromkeys(groups))
    return _target(first)


def _loose(page: Page, wanted: Wanted, mark: Mark, anchors: list[Anchor]) -> list[Group]:
    """A fact in a sentence without an asset: for all that lack it, or a correction of those that have it."""
    takers = [group for group in wanted.groups if group.medium in _TAKES[mark.kind]]
    if mark.kind == "duration":
        takers = [group for group in takers if group.medium == "video"] or takers
    lacking = [group for group in takers if not _has(group, mark.kind)]
    if lacking and len(lacking) < len(takers) and _is_corrected(page, mark):
        return [group for group in takers if _has(group, mark.kind)]
    if lacking:
        own = [anchor for anchor in anchors if anchor.at < mark.first and anchor.group in lacking]
        near = own and page.sentence[mark.first] - page.sentence[own[-1].at] == 1 and mark.kind == "duration"
        return [own[-1].group] if near and own[-1].group is not None and len(lacking) > 1 else lacking
    return takers


def _is_corrected(page: Page, mark: Mark) -> bool:
    return any(page.has(at, "correct") for at in range(page.sentence_range(mark.first).start, mark.first))


def _has(group: Group, kind: str) -> bool:
    kinds = ("ratio", "shape", "network") if kind in {"ratio", "shape", "network"} else (kind,)
    return any(group.facts.get(one) for one in kinds)


def _owners_of_quality(page: Page, wanted: Wanted, mark: Mark, anchors: list[Anchor]) -> list[Group]:
    """Quality said beside one asset is its own; said apart, it holds for everything."""
    segment = page.segment[mark.first]
    same = [anchor for anchor in anchors if page.segment[anchor.at] == segment and anchor.at < mark.first]
    qualities = {other.value for other in page.of("quality")}
    if same and (len(qualities) > 1 or len(wanted.groups) == 1):
        return _target(same[-1])
    if same and same[-1].group is not None and page.segment_end(mark.end - 1) - mark.end < 1:
        return [same[-1].group]
    if len(qualities) > 1:
        here = [anchor for anchor in anchors if page.sentence[anchor.at] == page.sentence[mark.first]]
        if here:
            return _in_sentence(page, mark, here)
    return list(wanted.groups)


def _owners_of_reference(page: Page, wanted: Wanted, mark: Mark, anchors: list[Anchor]) -> list[Group]:
    """A file goes to the asset named beside it; a recorded voice or a text to what can use it."""
    medium = medium_of(mark.value)
    if medium == "voice":
        groups = [group for group in wanted.groups if group.medium == "video"]
        return groups[:1] or wanted.groups[:1]
    if medium == "text":
        return [group for group in wanted.groups if group.medium == "voice"][:1]
    takers = [
        anchor
        for anchor in anchors
        if anchor.role in {"request", "back", "part"} and anchor.group is not None
    ]
    here = [anchor for anchor in takers if page.sentence[anchor.at] == page.sentence[mark.first]]
    if here:
        before = [anchor for anchor in here if anchor.at < mark.first]
        chosen = before[-1] if before else here[0]
        return [chosen.group] if chosen.group is not None else []
    loose = [group for group in wanted.groups if group.medium in _TAKES["reference"]]
    return [group for group in loose if not any(source.medium == "photo" for source in group.depends)]
