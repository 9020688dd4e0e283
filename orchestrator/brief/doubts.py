"""What a person should be asked, and what they should know cannot be had."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.brief.budget import Budget
from orchestrator.brief.expand import MOST_OF_ONE, MOST_TASKS, Draft, agrees
from orchestrator.brief.fields import LOST, UNMET
from orchestrator.brief.groups import Wanted
from orchestrator.brief.hostile import NOT_FOLLOWED
from orchestrator.brief.page import Page
from orchestrator.brief.tokens import Kind

__all__ = ["Doubts", "find_doubts"]

_NEAR = 4
_LIMITS = {
    "live": "Live streams cannot be made: only finished files.",
    "gif": "A GIF cannot be made: moving pictures are delivered as MP4.",
    "vector": "Vector files cannot be made: pictures are delivered as pixels.",
    "pages": "Documents and slides cannot be made: only pictures, clips and voices.",
    "solid": "3D models cannot be made: only pictures, clips and voices.",
    "interactive": "Nothing interactive can be made: only pictures, clips and voices.",
    "real": "Nobody is sent out to film or to photograph: everything is generated.",
    "print": "Nothing is printed or posted: the files are delivered.",
}


@dataclass(frozen=True, slots=True)
class Doubts:
    """Questions and warnings in English, and whether the brief is open to more than one reading."""

    questions: tuple[str, ...]
    warnings: tuple[str, ...]
    ambiguous: bool


def find_doubts(
    page: Page, wanted: Wanted, drafts: list[Draft], budget: Budget | None, labels: list[str]
) -> Doubts:
    """Everything about a brief that a careful reader would ask back."""
    asked = [
        *_about_media(page, wanted, drafts),
        *_about_counts(wanted, drafts),
        *_about_missing(page, wanted),
    ]
    asked += _about_contradictions(page, wanted, drafts)
    if budget is not None and budget.below_nothing:
        asked += _about_money(page, budget)
    ambiguous = bool(asked) and not (not drafts and _is_off_topic(page))
    return Doubts(
        questions=tuple(dict.fromkeys([*asked, *_about_money(page, budget)])),
        warnings=tuple(dict.fromkeys(_warnings(page, wanted, drafts, labels))),
        ambiguous=ambiguous,
    )


def _is_off_topic(page: Page) -> bool:
    return any(page.has(at, "offtopic") for at in range(page.size)) and not any(
        page.has(at, "creative") for at in range(page.size)
    )


def _about_media(page: Page, wanted: Wanted, drafts: list[Draft]) -> list[str]:
    if not drafts and _is_off_topic(page):
        return ["This asks for no picture, clip or voice: what should be made?"]
    if not drafts:
        return ["Should it be a photo, a video or a voice, and of what?"]
    if "medium" in wanted.doubts or _is_undecided(page):
        return [f"Is a {drafts[0].medium} what you want, or another medium?"]
    return []


def _is_undecided(page: Page) -> bool:
    """ "a video, or rather a photo, or both?": the person has not settled it."""
    asked = [
        at for at in range(page.size) if page.has(at, "medium") and _is_asked(page, page.end(at, "medium"))
    ]
    if len({page.value(at, "medium").rstrip("?+") for at in asked}) > 1:
        return True
    said = [at for at in range(page.size) if page.has(at, "undecided")]
    return any(page.has(place, "medium") for at in said for place in range(page.sentence_range(at).start, at))


def _is_asked(page: Page, at: int) -> bool:
    return at < page.size and page.tokens[at].text == "?"


def _about_counts(wanted: Wanted, drafts: list[Draft]) -> list[str]:
    asked = [
        f"{draft.count:,} {_PLURAL[draft.medium]} are more than one job makes: is {MOST_OF_ONE} right?"
        for draft in drafts[:MOST_TASKS]
        if draft.count > MOST_OF_ONE
    ]
    if len(drafts) > MOST_TASKS:
        asked.append(
            f"{len(drafts)} different assets are more than one job makes: which {MOST_TASKS} come first?"
        )
    return asked + [
        f"How many {_PLURAL[group.medium]} do you want? One is planned."
        for group in wanted.groups
        if group.vague and group.count == 1 and group.versions < 2
    ]


_PLURAL = {"photo": "photos", "video": "videos", "voice": "voices"}


def _about_missing(page: Page, wanted: Wanted) -> list[str]:
    """Words that point at something that did not come with the brief."""
    asked = []
    files = bool(page.of("reference"))
    scripts = any(group.scripts for group in wanted.groups) or bool(page.of("script"))
    if not files and any(_is_given(page, at) for at in range(page.size)):
        asked.append("Which file is meant? Nothing came with the brief: give its name or address.")
    voices = any(group.medium == "voice" for group in wanted.groups)
    if voices and not (files or scripts) and any(page.has(at, "below") for at in range(page.size)):
        asked.append("Which words should be spoken? Put them in quotes.")
    if any(page.has(at, "as_before") for at in range(page.size)):
        asked.append("What was agreed before is not known here: say it again.")
    return asked


def _is_given(page: Page, at: int) -> bool:
    return page.has(at, "attached") and page.owner[at] is None


def _about_contradictions(page: Page, wanted: Wanted, drafts: list[Draft]) -> list[str]:
    asked = []
    for group in wanted.groups:
        used = {name for draft in drafts if draft.group is group for name in draft.marks}
        ratios = [mark for mark in group.facts.get("ratio", []) if id(mark) in used]
        for shape in group.facts.get("shape", []):
            if ratios and id(shape) not in used and not agrees(shape.value, ratios[0].value):
                first, second = (page.words_in(one.first, one.end) for one in (shape, ratios[0]))
                asked.append(f"“{first}” and “{second}” do not go together: which of them holds?")
    refused = {mark.value for mark in page.of("refused")}
    asked += [
        f"The brief both asks for a {medium} and says no to one: which of them holds?"
        for medium in dict.fromkeys(group.medium for group in wanted.groups)
        if medium in refused
    ]
    asked += [
        f"“{page.words_in(mark.first, mark.end)}” is no shape that is made: which one should it be?"
        for mark in page.of("odd_ratio")
        if wanted.groups
    ]
    asked += [
        f"“{page.words_in(mark.first, mark.end)}” is no length that can be made: how long should it be?"
        for mark in page.of("time")
        if mark.value == "absurd" and wanted.groups
    ]
    return asked


def _about_money(page: Page, budget: Budget | None) -> list[str]:
    if budget is None:
        unread = any(page.has(at, "budget") and _leads_nowhere(page, at) for at in range(page.size))
        unread = unread or bool(page.of("odd_money"))
        return ["The budget could not be read: how much may it cost?"] if unread else []
    if budget.below_nothing:
        return ["A budget below zero allows nothing: how much may it cost?"]
    if not budget.guessed:
        return []
    return [f"Is the budget of {budget.figure:g} in {budget.currency}? The brief names no known currency."]


def _leads_nowhere(page: Page, at: int) -> bool:
    """ "budget 99999999999999999999", "budget infinity dollars": a figure or a currency nobody could read."""
    end = page.end(at, "budget")
    near = range(end, min(page.segment_end(at), end + _NEAR))
    return page.free(at, end) and any(
        page.free(place, place + 1)
        and (page.tokens[place].kind is Kind.NUMBER or page.has(place, "currency"))
        for place in near
    )


def _warnings(page: Page, wanted: Wanted, drafts: list[Draft], labels: list[str]) -> list[str]:
    said = []
    for anchor in wanted.anchors:
        if anchor.medium in {"music", "copy"} and labels[anchor.at] == UNMET:
            words = page.words_in(anchor.first, anchor.end)
            what = "Music is not made" if anchor.medium == "music" else "Texts are not written"
            said.append(f"{what}: “{words}” is left to you.")
    for at in range(page.size):
        if labels[at] == UNMET and page.has(at, "limit"):
            said.append(_LIMITS[page.value(at, "limit")])
        elif labels[at] == UNMET and page.has(at, "carousel"):
            said.append("A carousel is delivered as single pictures, in the order of the plan.")
    details = [
        page.words_in(mark.first, mark.end) for mark in page.of("detail") if labels[mark.first] == LOST
    ]
    said += [f"“{one}” is not promised: give a size in pixels, or a quality." for one in details]
    if page.of("hostile"):
        said.append(NOT_FOLLOWED)
    if any(draft.count > MOST_OF_ONE for draft in drafts):
        said.append(f"At most {MOST_OF_ONE} of one kind can be asked for in one brief.")
    if len(drafts) > MOST_TASKS:
        said.append(
            f"At most {MOST_TASKS} different assets can be asked for in one brief; the others are left out."
        )
    return said
