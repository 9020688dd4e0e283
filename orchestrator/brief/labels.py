"""What every word of a brief was used for: a field of the plan, the prompts, or nothing."""

from __future__ import annotations

from orchestrator.brief.expand import Draft
from orchestrator.brief.groups import Anchor, Group, Wanted
from orchestrator.brief.numerals import number_at
from orchestrator.brief.page import Mark, Page
from orchestrator.brief.tokens import Kind
from shared_knowledge.vocabulary import Understanding

__all__ = ["CREATIVE", "LINK", "LOST", "NOISE", "UNMET", "label"]

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
_PLATFORM = {"prefer": "platform.prefer", "avoid": "platform.avoid"}
_LINKS = (
    "article", "definite", "possessive", "demonstrative", "of", "with", "for", "from", "place", "and", "or", "nor",
    "then", "but", "each", "it", "about", "say_link", "spoken_in", "mark", "plus", "show", "have", "approx", "any",
    "range_to", "only", "all",
)  # fmt: skip
_ASKED_WITH = frozenset({"count", "article", "another", "vague"})
_ASKING = ("ask", "turn", "have", "use", "correct", "correction", "then", "and", "but", "chat", "total")
_FILMS = ("join", "apart", "laid")
_SPOKEN = ("speak", "says")
_SIGNED_BY = 3
_GAP = 5
_SHORT = 3
_BESIDE = frozenset({"with", "and", "plus", "start", "ask", "mark"})
_LOOSE = frozenset({"money", "voice", "time", "shown"})


class _Desk:
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


def label(page: Page, wanted: Wanted, drafts: list[Draft], understood: Understanding) -> list[str]:
    """One label for each token: a field path, one of the words above, or "" for a connecting word."""
    desk = _Desk(page, wanted, drafts, understood)
    for mark in page.of(*{mark.kind for mark in page.marks}):
        desk.write(mark.first, mark.end, _means_of_mark(desk, mark))
    _label_limits(desk)
    for anchor in wanted.anchors:
        _label_anchor(desk, anchor)
    _label_beside_facts(desk)
    _label_films(desk)
    _label_words(desk)
    if not drafts:
        return [LOST if means == CREATIVE else means or LINK for means in desk.labels]
    return [means if means is not None else CREATIVE for means in desk.labels]


def _label_limits(desk: _Desk) -> None:
    """Formats and services nobody here can deliver."""
    page = desk.page
    for at in range(page.size):
        if page.has(at, "limit") and page.free(at, page.end(at, "limit")):
            desk.write(at, page.end(at, "limit"), UNMET)
        elif page.has(at, "carousel") and page.value(at, "carousel") == "of" and desk.drafts:
            desk.write(at, page.end(at, "carousel"), UNMET)


def _means_of_mark(desk: _Desk, mark: Mark) -> str:
    if mark.kind == "hostile":
        return LOST
    if mark.kind in _PLATFORM:
        return _PLATFORM[mark.kind]
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
    if mark.kind == "time":
        first = max(desk.page.segment_start(mark.first), mark.first - 3)
        return LOST if any(desk.page.has(at, "deadline") for at in range(first, mark.first)) else CREATIVE
    return CREATIVE if mark.kind in _LOOSE else LOST


def _budget_field(understood: Understanding) -> str:
    if understood.budget_usd is not None:
        return "budget_usd"
    return "budget_amount" if understood.budget_amount is not None else LOST


def _field_of_fact(desk: _Desk, mark: Mark) -> str:
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
            says = place is not None and (getattr(desk.drafts[place], name) is not None or mark.kind == "shape")
            return f"tasks[{place}].{name}" if says else _unused(mark)
    group = _nearest_before(desk, mark.first)
    place = desk.place(group)
    if mark.kind == "versions":
        return desk.field(group, "count")
    if place is not None and getattr(desk.drafts[place], _FIELD[mark.kind]) is not None:
        return f"tasks[{place}].{_FIELD[mark.kind]}"
    return _unused(mark)


def _unused(mark: Mark) -> str:
    return NOISE if mark.kind == "network" else LOST


def _nearest_before(desk: _Desk, at: int) -> Group | None:
    before = [anchor.group for anchor in desk.wanted.anchors if anchor.group is not None and anchor.at <= at]
    groups = before or [group for group in desk.wanted.groups]
    return groups[-1] if groups else None


def _label_anchor(desk: _Desk, anchor: Anchor) -> None:
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
            if page.has(at, "medium", "animate", "network"):
                end = max(page.end(at, name) for name in ("medium", "animate", "network") if page.has(at, name))
                desk.write(at, end, desk.field(group, "medium"))


def _means_of_copy(desk: _Desk, anchor: Anchor) -> str:
    """Captions of what is said come with every film; other texts and music cannot be made."""
    captions = any(desk.page.word(at) in _CAPTIONS for at in range(anchor.first, anchor.end))
    return "compose" if captions and desk.understood.compose else UNMET


_CAPTIONS = frozenset(
    ["captions", "subtitles", "legendas", "legenda", "subtitulos", "sous-titres", "untertitel", "sottotitoli", "cc"]
)


def _label_count(desk: _Desk, anchor: Anchor, group: Group | None) -> None:
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


def _label_beside_facts(desk: _Desk) -> None:
    """Words that only make sense with the fact they stand at: "accent", "versions of", "says", "ads"."""
    page = desk.page
    for mark in page.of("duration", "budget"):
        lower = mark.first - 2
        ranged = lower >= 0 and page.tokens[lower].kind is Kind.NUMBER and len(page.tokens[lower + 1].text) <= _SHORT
        if ranged and page.segment[lower] == page.segment[mark.first]:
            desk.write(lower, mark.first, desk.labels[mark.first] or LINK)
    for mark in page.of("prefer", "avoid"):
        if page.has(mark.end, "use_after", "shun_after"):
            names = [name for name in ("use_after", "shun_after") if page.has(mark.end, name)]
            desk.write(mark.end, max(page.end(mark.end, name) for name in names), desk.labels[mark.first] or LINK)
    for mark in page.of("language", "accent", "script", "money"):
        if mark.kind == "money" and "budget" not in mark.means:
            first, end = page.segment_start(mark.first), page.segment_end(mark.end - 1)
            if any(page.has(at, "other_money") for at in range(first, end)):
                for at in range(first, end):
                    desk.labels[at] = LOST
        elif mark.kind == "script":
            first = mark.first
            colon = first > 0 and page.tokens[first - 1].text == ":"
            said = page.before(first - colon, *_SPOKEN)
            if said is not None:
                desk.write(said, mark.first, desk.labels[mark.first] or LINK)
        else:
            said = page.before(mark.first, "accent_word")
            desk.write(mark.first if said is None else said, mark.first, desk.labels[mark.first] or LINK)
            if page.has(mark.end, "accent_word"):
                desk.write(mark.end, page.end(mark.end, "accent_word"), desk.labels[mark.first] or LINK)
    voice = next((group for group in desk.wanted.groups if group.medium == "voice"), None)
    for at in range(page.size):
        if voice is not None and page.has(at, "speak") and page.owner[at] is None:
            desk.write(at, page.end(at, "speak"), desk.field(voice, "medium"))
        if page.has(at, "versions") and page.owner[at] is None and desk.drafts:
            number = next((one for one in (number_at(page, first) for first in range(max(0, at - 3), at)) if one and one.end == at), None)
            if number is not None:
                desk.write(at - 1, page.end(at, "versions"), desk.field(_nearest_before(desk, at), "count"))


def _label_films(desk: _Desk) -> None:
    """Words about the film that joins the pieces."""
    page = desk.page
    for at in range(page.size):
        for name in _FILMS:
            if page.has(at, name) and page.owner[at] is None and desk.wanted.groups:
                film = (name == "apart" and len(desk.wanted.groups) > 1) or (desk.understood.compose and not _is_of_platform(page, at))
                if film:
                    desk.write(at, page.end(at, name), "compose")
    told = [at for at, means in enumerate(desk.labels) if means == "compose"]
    for left, right in zip(told, told[1:], strict=False):
        open_between = all(desk.labels[at] is None for at in range(left + 1, right))
        if open_between and right - left <= _GAP and page.segment[left] == page.segment[right]:
            desk.write(left, right, "compose")


def _is_of_platform(page: Page, at: int) -> bool:
    """"Veo for the video": the words are about the service before them."""
    mark = page.owner[at - 1] if at else None
    return mark is not None and mark.kind in _PLATFORM


def _label_words(desk: _Desk) -> None:
    """Words that are no fact: small talk, and those that only connect."""
    page = desk.page
    for anchor in desk.wanted.anchors:
        first = page.segment_start(anchor.first)
        asked = anchor.role == "request" and anchor.noun is not None and anchor.noun.determiner in _ASKED_WITH
        if asked and 0 < anchor.first - first <= 2:
            desk.write(first, anchor.first, LINK)
    opening = True
    for at, token in enumerate(page.tokens):
        if at and page.segment[at] != page.segment[at - 1]:
            opening = True
        if desk.labels[at] is None:
            desk.labels[at] = _means_of_word(desk, at, opening=opening)
        opening = opening and desk.labels[at] in {LINK, NOISE} and token.is_word
    _label_signature(desk)


def _label_signature(desk: _Desk) -> None:
    """The name under a mail, after the last greeting."""
    page = desk.page
    first = page.sentence_range(page.size - 1).start
    names = range(first, page.size)
    while first > 0 and not page.tokens[first - 1].is_word:
        first -= 1
    after = first > 0 and any(page.has(at, "chat") for at in page.sentence_range(first - 1))
    short = len(names) <= _SIGNED_BY and all(page.tokens[at].text[0].isupper() for at in names if page.tokens[at].is_word)
    if after and short:
        for at in names:
            desk.labels[at] = NOISE if desk.labels[at] in {None, CREATIVE} else desk.labels[at]


def _means_of_word(desk: _Desk, at: int, *, opening: bool) -> str | None:
    page = desk.page
    token = page.tokens[at]
    if page.hidden[at]:
        return CREATIVE
    if not token.is_word:
        return CREATIVE if token.kind is Kind.NUMBER or token.text[0] in "#@" else LINK
    held = [(name, start) for start in range(max(0, at - 7), at + 1) for name, tag in page.tags[start].items() if tag.end > at]
    names = {name for name, _ in held}
    if "chat" in names and not names & {"place", "for"}:
        return NOISE
    if opening and names & set(_ASKING) or names & {"deadline", "total", "series", "laid"}:
        return LINK
    return LINK if names & set(_LINKS) else None
