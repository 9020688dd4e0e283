"""From groups of equal assets, as a brief counts them, to single assets with names of their own."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from orchestrator.brief.reading import Reading
from orchestrator.planner.notes import Notes
from shared_knowledge.errors import UnclearBrief
from shared_knowledge.vocabulary import BriefTask, Medium

__all__ = ["Wanted", "expand", "links"]

MOST_TASKS = 12
MOST_VARIANTS = 4
_ABSURD = 60

_NAMED = re.compile(r"https?://[^\s\"'“”«»<>]+|[^\s\"'“”«»<>]+\.[A-Za-z0-9]{2,5}(?!\w)")
_LIST = re.compile(r"[(:]\s*([^():]+?)\s*(?:\)|$)")
_BETWEEN = re.compile(r"\s*[,;/]\s*(?:(?:and|e|y|et|und|ed)\s+)?|\s+(?:and|e|y|et|und|ed)\s+", re.IGNORECASE)
_ONE_EACH = re.compile(
    r"\b(?:one|another|the other|uma?|outr[oa]|una|uno|otr[oa]|une|l'autre|eine?s?|altr[oa])\s+"
    r"(?=(?:on|in|with|at|em|no|na|com|numa?|en|con|sobre|avec|sur|dans|auf|mit|im|su|nel|nella)\b)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Wanted:
    """One asset that is wanted: its name, its group, and the words that are about it alone."""

    id: str
    group: int
    number: int
    asked: BriefTask
    words: str
    evidence: str
    references: tuple[str, ...]

    @property
    def medium(self) -> Medium:
        return self.asked.medium

    @property
    def field(self) -> str:
        """The place of its group in the understanding."""
        return f"tasks[{self.group}]"


def expand(reading: Reading, notes: Notes) -> list[Wanted]:
    """Every asset that is wanted, counted and named, within the limits of one plan."""
    groups = reading.understanding.tasks
    if not groups:
        raise UnclearBrief(
            "Nothing to make was found in this brief.",
            todo=" ".join(reading.questions)
            or "Say what it should be: a photo, a video or a voice, of what.",
        )
    counts = _allowed(reading, notes)
    numbers: Counter[Medium] = Counter()
    wanted = []
    for index, (asked, count) in enumerate(zip(groups, counts, strict=True)):
        words = reading.details[index] if index < len(reading.details) else ""
        spans = [span for span in reading.coverage if span.means.startswith(f"tasks[{index}]")]
        told = [span.text for span in spans if span.means == f"tasks[{index}].reference"]
        given = [name.rstrip(".,;:!?)") for text in told for name in _NAMED.findall(text)]
        references = tuple(dict.fromkeys([*([asked.reference] if asked.reference else []), *given]))
        each = _one_each(words, asked.count) or [words] * asked.count
        for number in range(count):
            numbers[asked.medium] += 1
            wanted.append(
                Wanted(
                    id=f"{asked.medium}-{numbers[asked.medium]}",
                    group=index,
                    number=number,
                    asked=asked,
                    words=each[number],
                    evidence=" ".join([each[number], *(span.text for span in spans)]),
                    references=references,
                )
            )
    return wanted


def links(wanted: list[Wanted]) -> dict[str, tuple[str, ...]]:
    """What each asset is made from, as the brief states it: one to one where the counts agree."""
    groups: dict[int, list[Wanted]] = {}
    for one in wanted:
        groups.setdefault(one.group, []).append(one)
    made_from = {}
    for one in wanted:
        sources = []
        for index in dict.fromkeys(one.asked.depends_on):
            source = groups.get(index, [])
            if index == one.group or not source:
                raise UnclearBrief(
                    f"{one.id} is to be made from something that this brief does not ask for.",
                    todo="Say which picture, clip or file it should be made from.",
                )
            sources.append(source[one.number % len(source)].id)
        made_from[one.id] = tuple(sources)
    return made_from


def _allowed(reading: Reading, notes: Notes) -> list[int]:
    """How many of each group one plan may hold; every group keeps at least one while there is room."""
    groups = reading.understanding.tasks
    asked = [max(1, group.count) for group in groups]
    if sum(asked) > _ABSURD or len(groups) > MOST_TASKS:
        raise UnclearBrief(
            f"This brief asks for {sum(asked)} assets; one plan holds at most {MOST_TASKS}.",
            todo="Divide it into several briefs.",
        )
    counts = []
    for index, count in enumerate(asked):
        words = reading.details[index] if index < len(reading.details) else ""
        all_differ = _one_each(words, count) is not None
        counts.append(count if all_differ else min(count, MOST_VARIANTS))
    while sum(counts) > MOST_TASKS:
        counts[counts.index(max(counts))] -= 1
    for index, (count, most) in enumerate(zip(asked, counts, strict=True)):
        if most < count:
            notes.cannot_meet(
                f"tasks[{index}].count",
                f"{count} of one {groups[index].medium} were asked for; {most} are planned: a plan holds "
                f"at most {MOST_VARIANTS} variants of one thing and {MOST_TASKS} tasks in all.",
            )
    return counts


def _one_each(words: str, count: int) -> list[str] | None:
    """The words for each of several assets, where they are listed: "latte art (heart, swan, tulip)"."""
    if count < 2:
        return None
    for found in _LIST.finditer(words):
        items = [item for item in _BETWEEN.split(found[1]) if item]
        if len(items) == count:
            shared = f"{words[: found.start()]} {words[found.end() :]}"
            return [", ".join(part for part in (item, " ".join(shared.split())) if part) for item in items]
    shared, *items = (part.strip(" ,;.") for part in _ONE_EACH.split(words))
    items = [re.sub(r"\s+(?:and|e|y|et|und|ed)$", "", item) for item in items]
    if len(items) == count:
        return [", ".join(part for part in (item, shared) if part) for item in items]
    return None
