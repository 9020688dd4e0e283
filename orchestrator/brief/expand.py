"""From groups to the tasks of the plan: two ratios, lengths or languages are two tasks."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace

from orchestrator.brief.groups import Group, Wanted
from orchestrator.brief.lexicon import shared
from orchestrator.brief.page import Mark, Page
from orchestrator.brief.shapes import network_ratio, ratio_of_shape
from orchestrator.brief.spoken import region, script_language

__all__ = ["MOST_OF_ONE", "MOST_TASKS", "Draft", "agrees", "expand"]

MOST_TASKS = 12
MOST_OF_ONE = 50


@dataclass(slots=True)
class Draft:
    """One task in the making, with the marks its fields were read from."""

    medium: str
    group: Group
    source: Group | None = None
    count: int = 1
    duration_s: float | None = None
    aspect_ratio: str | None = None
    language: str | None = None
    quality: str | None = None
    script: str | None = None
    reference: str | None = None
    references: tuple[str, ...] = ()
    size: tuple[int, int] | None = None
    depends_on: tuple[int, ...] = ()
    marks: dict[int, str] = field(default_factory=dict)


def expand(page: Page, wanted: Wanted) -> list[Draft]:
    """All tasks in the order of the text, each knowing which earlier ones it is made from."""
    drafts: list[Draft] = []
    for group in sorted(wanted.groups, key=lambda one: one.at):
        drafts.extend(_drafts_of(page, wanted, group))
    places = {id(draft): place for place, draft in enumerate(drafts)}
    for draft in drafts:
        sources = [other for other in drafts if other.group in draft.group.depends]
        draft.depends_on = tuple(places[id(other)] for other in sources)
    return drafts


def _drafts_of(page: Page, wanted: Wanted, group: Group) -> list[Draft]:
    parts = [anchor.part for anchor in wanted.anchors if anchor.group is group and anchor.part is not None]
    parts = [part for part in parts if part.facts or part.scripts]
    base = _variants(page, group, group)
    if parts:
        return _with_parts(page, group, base, parts)
    total = group.count
    if len(base) > 1 and group.counted and total == len(base):
        counts = [1] * len(base)
    elif group.versions > 1 and group.versions != len(base):
        counts = [total * group.versions if not _counts_versions(group) else group.versions] * len(base)
    else:
        counts = [total] * len(base)
    for draft, count in zip(base, counts, strict=True):
        draft.count = count
    return base


def _counts_versions(group: Group) -> bool:
    return group.count == group.versions


def _with_parts(page: Page, group: Group, base: list[Draft], parts: list[Group]) -> list[Draft]:
    """The parts with what the group says of all; the group itself only where it says something else."""
    drafts: list[Draft] = []
    told = {kind for part in parts for kind in part.facts}
    for part in parts:
        for draft in _variants(page, part, group):
            shared = base[0]
            if draft.duration_s is None:
                draft.duration_s = shared.duration_s
            if draft.aspect_ratio is None and not {"ratio", "shape", "network"} & set(part.facts):
                draft.aspect_ratio = shared.aspect_ratio
            draft.language = draft.language or shared.language
            draft.quality = draft.quality or shared.quality
            draft.reference, draft.references = (
                draft.reference or shared.reference,
                draft.references or shared.references,
            )
            draft.count = part.count
            drafts.append(draft)
    family = told | ({"ratio", "shape", "network"} if told & {"ratio", "shape"} else set())
    own = family & set(group.facts)
    named = sum(part.count for part in parts if not part.again)
    rest = group.count - named
    if rest > 0 and any(part.again for part in parts):
        return [*_counted(base[:1], rest), *drafts]
    if group.count == 1 and named >= 1 and own:
        return [*_counted(base, 1), *drafts]
    if group.counted and rest > 0:
        return [*_counted(base[:1], rest), *drafts]
    return drafts


def _counted(drafts: list[Draft], count: int) -> list[Draft]:
    for draft in drafts:
        draft.count = count
    return drafts


def _variants(page: Page, source: Group, group: Group) -> list[Draft]:
    """One draft for each combination of the lengths, ratios and languages of a group or part."""
    ratios = _ratios(page, source, group) or [(None, None)]
    lengths = _lengths(page, source, group) or [(None, None)]
    languages = _languages(page, source) or [(None, None)]
    scripts: list[Mark | None] = [*source.scripts] or [None]
    plain = Draft(group.medium, group, source)
    _quality_and_references(source, plain)
    drafts: list[Draft] = []
    paired = len(scripts) > 1 and len(scripts) == len(languages)
    for place, (ratio, length, language) in enumerate(itertools.product(ratios, lengths, languages)):
        draft = replace(
            plain, marks=dict(plain.marks), aspect_ratio=ratio[0], duration_s=length[0], language=language[0]
        )
        for mark, name in ((ratio[1], "aspect_ratio"), (length[1], "duration_s"), (language[1], "language")):
            if mark is not None:
                draft.marks[id(mark)] = name
                if name == "aspect_ratio" and mark.number:
                    draft.size = _size(page, mark)
        if group.medium == "voice":
            _add_script(page, draft, [scripts[place]] if paired else scripts)
        drafts.append(draft)
    if group.medium == "voice" and len(scripts) > 1 and len(drafts) == 1 and group.count == len(scripts):
        group.count = 1
        return [_single(page, drafts[0], script) for script in scripts]
    if group.medium == "voice" and len(drafts) == 1 and group.count == 1 and _differ(page, scripts):
        return [_single(page, drafts[0], script) for script in scripts]
    return drafts


def _differ(page: Page, scripts: list[Mark | None]) -> bool:
    """Whether the scripts of one voice are written in several languages: then each is a voice of its own."""
    return len({script_language(page, script.value) for script in scripts if script is not None}) > 1


def _single(page: Page, draft: Draft, script: Mark | None) -> Draft:
    one = replace(draft, marks=dict(draft.marks), language=None if draft.script else draft.language)
    _add_script(page, one, [script])
    if one.language is None or (draft.language or "")[:2] == one.language[:2]:
        one.language = draft.language
    return one


def _add_script(page: Page, draft: Draft, scripts: list[Mark | None]) -> None:
    texts = [script.value for script in scripts if script is not None]
    if not texts:
        return
    draft.script = " ".join(texts)
    for script in scripts:
        if script is not None:
            draft.marks[id(script)] = "script"
    if draft.language is None:
        draft.language = script_language(page, draft.script)


def _quality_and_references(source: Group, draft: Draft) -> None:
    for mark in source.facts.get("quality", []):
        draft.quality = mark.value
        draft.marks[id(mark)] = "quality"
    references = source.facts.get("reference", [])
    draft.references = tuple(dict.fromkeys(mark.value for mark in references))
    draft.reference = draft.references[0] if draft.references else None
    for mark in references:
        draft.marks[id(mark)] = "reference"


def _size(page: Page, mark: Mark) -> tuple[int, int] | None:
    digits = [
        int(page.tokens[at].text) for at in range(mark.first, mark.end) if page.tokens[at].text.isdecimal()
    ]
    return (digits[0], digits[1]) if len(digits) >= 2 and min(digits[:2]) >= 100 else None


_Told = tuple[str | None, Mark | None]


def _ratios(page: Page, source: Group, group: Group) -> list[_Told]:
    told = _series(page, source.facts.get("ratio", []))
    shapes = _series(page, source.facts.get("shape", []))
    found: list[_Told] = [(mark.value, mark) for mark in told]
    for mark in shapes:
        ratio = ratio_of_shape(mark.value, _shaped_as(page, group, mark))
        if ratio and not any(agrees(mark.value, value) for value, _ in found if value):
            if told and not any(_is_parted_list(page, *sorted((one, mark), key=_place)) for one in told):
                continue
            found.append((ratio, mark))
    if found:
        shapely = [mark for _, mark in found if mark is not None]
        for mark in source.facts.get("network", []):
            ratio = network_ratio(mark.value, group.medium)
            if ratio and _is_one_of(page, mark, shapely):
                found.append((ratio, mark))
    else:
        noun = "thumbnail" if group.noun is not None and group.noun.thumbnail else ""
        for mark in source.facts.get("network", []):
            ratio = network_ratio(mark.value, group.medium, noun)
            if ratio:
                found.append((ratio, mark))
    return list({value: (value, mark) for value, mark in reversed(found)}.values())[::-1]


def _is_parted_list(page: Page, left: Mark, right: Mark) -> bool:
    """Whether two shapes are items of one list; "square 9:16" side by side are a contradiction."""
    return _is_list(page, left, right) and any(_parts(page, at) for at in range(left.end, right.first))


def _is_one_of(page: Page, network: Mark, others: list[Mark]) -> bool:
    """ "as a story, square and in 16:9": the network is one item of a list that a conjunction closes."""
    run = sorted(
        [network, *(one for one in others if _is_list(page, *sorted((one, network), key=_place)))], key=_place
    )
    gaps = [range(left.end, right.first) for left, right in itertools.pairwise(run)]
    parted = all(any(_parts(page, at) for at in gap) for gap in gaps)
    closed = any(page.has(at, "and") or page.tokens[at].text in "/+&" for gap in gaps for at in gap)
    return bool(gaps) and parted and closed


def _parts(page: Page, at: int) -> bool:
    return page.has(at, "and") or page.tokens[at].text in ",/+&"


def _shaped_as(page: Page, group: Group, mark: Mark) -> str:
    """An upright photo has no ratio by convention, but one that shares "all vertical" with a clip has."""
    near = range(
        max(page.segment_start(mark.first), mark.first - 4), min(page.segment_end(mark.first), mark.end + 4)
    )
    return "video" if any(page.has(at, "all") for at in near) else group.medium


def _place(mark: Mark) -> int:
    return mark.first


def agrees(shape: str, ratio: str) -> bool:
    """Whether a ratio has this shape."""
    across, down = (float(side) for side in ratio.split(":"))
    return {"square": across == down, "vertical": across < down, "horizontal": across > down}[shape]


def _lengths(page: Page, source: Group, group: Group) -> list[tuple[float | None, Mark | None]]:
    found: list[tuple[float | None, Mark | None]] = []
    said = source.facts.get("duration", [])
    own = [mark for mark in said if mark.value != "total"]
    for mark in _series(page, own or said):
        share = group.count if mark.value == "total" and group.count > 1 else 1
        found.append((round(mark.number / share, 2), mark))
    return list({value: (value, mark) for value, mark in reversed(found)}.values())[::-1]


def _languages(page: Page, source: Group) -> list[_Told]:
    accents = [mark.value for mark in source.facts.get("accent", [])]
    found: dict[str, Mark] = {}
    for mark in source.facts.get("language", []):
        value = region(page, mark.value)
        for accent in accents:
            value = _accented(value, accent)
        found.setdefault(value, mark)
    if not found:
        for mark in source.facts.get("accent", []):
            if "-" in mark.value:
                found.setdefault(mark.value, mark)
    return list(found.items())


def _accented(language: str, accent: str) -> str:
    """French with a Swiss accent is the French of Switzerland, whichever tongue the accent was listed for."""
    country = accent.partition("-")[2]
    if country and (accent[:2] == language[:2] or language[:2] in shared("spoken_in").get(country, ())):
        return accent if accent[:2] == language[:2] else f"{language[:2]}-{country}"
    return language


def _series(page: Page, marks: list[Mark]) -> list[Mark]:
    """Marks that are one list ("15 and 30 s"); of others the first or, in a later sentence, the last."""
    if len(marks) < 2:
        return marks
    runs: list[list[Mark]] = [[marks[0]]]
    for mark in marks[1:]:
        if _is_list(page, runs[-1][-1], mark):
            runs[-1].append(mark)
        elif page.sentence[mark.first] != page.sentence[runs[-1][-1].first]:
            runs.append([mark])
    return runs[-1]


def _is_list(page: Page, left: Mark, right: Mark) -> bool:
    if page.sentence[left.first] != page.sentence[right.first] or right.first - left.end > 9:
        return False
    return all(
        page.owner[at] is not None
        or page.has(
            at,
            "and",
            "or",
            "of",
            "place",
            "article",
            "for",
            "definite",
            "another",
            "versions",
            "mark",
            "number",
            "network",
            "each",
            "shape",
            "then",
            "with",
            "spoken_in",
            "as",
        )
        or not page.tokens[at].is_word
        for at in range(left.end, right.first)
    )
