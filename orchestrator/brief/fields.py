"""Which field of the plan each fact and each word for an asset went into."""

from __future__ import annotations

from orchestrator.brief.expand import Draft
from orchestrator.brief.groups import Anchor, Group, Wanted
from orchestrator.brief.numerals import number_at
from orchestrator.brief.page import Mark, Page
from shared_knowledge.vocabulary import Understanding

__all__ = [
    "CREATIVE",
    "LINK",
    "LOST",
    "NOISE",
    "PLATFORM",
    "UNMET",
    "Desk",
    "label_anchor",
    "label_limits",
    "means_of_mark",
    "nearest_before",
]

CREATIVE = "creative"
LOST = "not understood"
UNMET = "cannot be met"
NOISE = "noise"
LINK = ""
_FIELD = {
    "duration": "duration_s",
    "ratio": "aspect_ratio",
    "shape": "aspect_ratio",
    "network": "aspect_ratio",
    "language": "language",
    "accent": "language",
    "quality": "quality",
    "reference": "reference",
    "versions": "count",
    "script": "script",
}
PLATFORM = {"prefer": "platform.prefer", "avoid": "platform.avoid"}
_BESIDE = frozenset({"with", "and", "plus", "start", "ask", "mark"})
_LOOSE = frozenset({"money", "voice", "time", "shown"})
_CAPTIONS = frozenset(
    [
        "captions",
        "subtitles",
        "legendas",
        "legenda",
        "subtitulos",
        "sous-titres",
        "untertitel",
        "sottotitoli",
        "cc",
    ]
)


class Desk:
    """The labels being written; the first word on a token stands."""

    def __init__(self, page: Page, wanted: Wanted, drafts: list[Draft], understood: Understanding) -> None:
        self.page, self.wanted, self.drafts, self.understood = page, wanted, drafts, understood
        self.labels: list[str | None] = [None] * page.size

    def write(self, first: int, end: int, means: str) -> None:
        for at in range(first, min(end, self.page.size)):
            if self.labels[at] is None:
                self.labels[at] = means

    def place(self, group: Group | None) -> int | None:
        """The first task of a group or part."""
        for number, draft in enumerate(self.drafts):
            if group is not None and (draft.source is group or draft.group is group):
                return number
        return None

    def field(self, group: Group | None, name: str) -> str:
        place = self.place(group)
        return LOST if place is None else f"tasks[{place}].{name}"


def label_limits(desk: Desk) -> None:
    """Formats and services nobody here can deliver."""
    page = desk.page
    for at in range(page.size):
        if page.has(at, "limit") and page.free(at, page.end(at, "limit")):
            desk.write(at, page.end(at, "limit"), UNMET)
        elif page.has(at, "carousel") and page.value(at, "carousel") == "of" and desk.drafts:
            desk.write(at, page.end(at, "carousel"), UNMET)


def means_of_mark(desk: Desk, mark: Mark) -> str:
    """What became of a fact."""
    if mark.kind == "hostile":
        return LOST
    if mark.kind in PLATFORM:
        return PLATFORM[mark.kind]
    if mark.kind == "negative":
        return "negative"
    if mark.kind == "refused":
        return "tasks"
    if mark.kind == "budget" or "budget" in mark.means:
        return _budget_field(desk.understood)
    if mark.kind == "cue":
        return mark.means
    if mark.kind in _FIELD:
        return _field_of_fact(desk, mark)
    if mark.kind == "detail":
        return LOST if desk.page.has(mark.end - 1, "resolution") else CREATIVE
    if mark.kind == "time" and mark.value == "absurd":
        return UNMET
    if mark.kind == "time":
        first = max(desk.page.segment_start(mark.first), mark.first - 3)
        return LOST if any(desk.page.has(at, "deadline") for at in range(first, mark.first)) else CREATIVE
    return CREATIVE if mark.kind in _LOOSE else LOST


def _budget_field(understood: Understanding) -> str:
    if understood.budget_usd is not None:
        return "budget_usd"
    return "budget_amount" if understood.budget_amount is not None else LOST


def _field_of_fact(desk: Desk, mark: Mark) -> str:
    """The task and field a fact went into; one that is only told in passing belongs to the prompts."""
    for number, draft in enumerate(desk.drafts):
        if id(mark) in draft.marks:
            return f"tasks[{number}].{draft.marks[id(mark)]}"
    if mark.kind == "duration" and mark.value == "aside":
        return CREATIVE
    sources = [*desk.wanted.groups, *(one.part for one in desk.wanted.anchors if one.part is not None)]
    for group in sources:
        if any(mark in marks for marks in group.facts.values()) or mark in group.scripts:
            name = _FIELD[mark.kind]
            place = desk.place(group)
            says = place is not None and (
                getattr(desk.drafts[place], name) is not None or mark.kind == "shape"
            )
            return f"tasks[{place}].{name}" if says else _unused(mark)
    nearest = nearest_before(desk, mark.first)
    place = desk.place(nearest)
    if mark.kind == "versions":
        return desk.field(nearest, "count")
    if place is not None and getattr(desk.drafts[place], _FIELD[mark.kind]) is not None:
        return f"tasks[{place}].{_FIELD[mark.kind]}"
    return _unused(mark)


def _unused(mark: Mark) -> str:
    return NOISE if mark.kind == "network" else LOST


def nearest_before(desk: Desk, at: int) -> Group | None:
    """The asset spoken of last, or any at all."""
    before = [anchor.group for anchor in desk.wanted.anchors if anchor.group is not None and anchor.at <= at]
    groups = before or list(desk.wanted.groups)
    return groups[-1] if groups else None


def label_anchor(desk: Desk, anchor: Anchor) -> None:
    """Labels the words for an asset: what is to be made and how many, or what it is made from."""
    page = desk.page
    if anchor.medium in {"music", "copy"}:
        beside = anchor.noun is not None and anchor.noun.governor in _BESIDE
        if anchor.role in {"request", "back"} or (beside and anchor.role in {"for", "subject"}):
            desk.write(anchor.first, anchor.end, _means_of_copy(desk, anchor))
        return
    if anchor.role == "cancel":
        desk.write(anchor.first, anchor.end, "tasks")
    elif anchor.role == "back" and anchor.group is not None:
        user = next((group for group in desk.wanted.groups if anchor.group in group.depends), None)
        means = desk.field(user, "depends_on") if user else desk.field(anchor.group, "medium")
        desk.write(anchor.first, anchor.end, means)
    elif anchor.role == "input":
        given = any(page.has(at, "attached", "existing", "have") for at in range(anchor.first, anchor.end))
        lost = given and not page.of("reference") and anchor.medium != "voice"
        desk.write(anchor.first, anchor.end, LOST if lost else NOISE)
    elif anchor.role == "whole" or (anchor.role == "for" and page.has(anchor.first - 1, "join")):
        desk.write(anchor.first, anchor.end, "compose")
    elif anchor.role == "generic" or page.has(anchor.at, "network"):
        desk.write(anchor.first, anchor.end, NOISE)
    elif anchor.role in {"for", "subject"}:
        desk.write(anchor.at, anchor.end, CREATIVE)
    elif anchor.role in {"request", "part"}:
        group = anchor.part or anchor.group
        _label_count(desk, anchor, group)
        for at in range(anchor.first, anchor.end):
            names = [name for name in ("medium", "animate", "network", "scene") if page.has(at, name)]
            if names and (names != ["scene"] or at == anchor.at):
                end = max(page.end(at, name) for name in names)
                desk.write(at, end, desk.field(group, "medium"))


def _means_of_copy(desk: Desk, anchor: Anchor) -> str:
    """Captions of what is said come with every film; other texts and music cannot be made."""
    captions = any(desk.page.word(at) in _CAPTIONS for at in range(anchor.first, anchor.end))
    return "compose" if captions and desk.understood.compose else UNMET


def _label_count(desk: Desk, anchor: Anchor, group: Group | None) -> None:
    page = desk.page
    at = anchor.first
    while at < anchor.end:
        number = number_at(page, at) if page.owner[at] is None else None
        if number is not None and number.end <= anchor.end:
            desk.write(at, number.end, desk.field(group, "count"))
            at = number.end
            if page.word(at) in {"x", "×"}:
                desk.write(at, at + 1, desk.field(group, "count"))
        elif page.has(at, "series", "vague", "another", "ordinal"):
            names = [name for name in ("series", "vague", "another", "ordinal") if page.has(at, name)]
            desk.write(at, max(page.end(at, name) for name in names), desk.field(group, "count"))
            at += 1
        else:
            at += 1
