"""The brief with a marker pen: every stretch of its words, and what became of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

from orchestrator.composer.report.words import listed, seconds
from shared_knowledge.money import Money
from shared_knowledge.vocabulary import BriefTask, Plan, Span, Understanding

__all__ = ["Ink", "Stretch", "legend", "mark_up"]

Ink = Literal["plain", "fact", "creative", "lost", "unmet"]

_LEGEND: tuple[tuple[Ink, str, str], ...] = (
    ("fact", "A fact", "it decides what is made"),
    ("creative", "Creative", "it goes into the prompts"),
    ("lost", "Not understood", "it changed nothing"),
    ("unmet", "Cannot be met", "no platform can do it"),
)
_INK: dict[str, Ink] = {"creative": "creative", "not understood": "lost", "cannot be met": "unmet"}
_SAID: dict[Ink, str] = {
    "creative": "Goes into the prompts",
    "lost": "Not understood",
    "unmet": "Cannot be met",
}
_TASK_FIELD = re.compile(r"tasks\[(?a:(\d+))\](?:\.(\w+))?")
_FIELDS = {
    "tasks": "not wanted",
    "medium": "to be made",
    "count": "how many",
    "duration_s": "length",
    "aspect_ratio": "shape",
    "language": "language",
    "quality": "quality",
    "script": "words to speak",
    "depends_on": "made from",
    "reference": "reference",
    "compose": "joined into one film",
    "budget_usd": "budget",
    "budget_amount": "budget",
    "budget_currency": "budget",
    "platform.prefer": "platform to prefer",
    "platform.avoid": "platform to avoid",
    "negative": "must not be shown",
    "ambiguous": "unclear",
}


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some words of the brief in one ink, and what they were taken to mean."""

    text: str
    ink: Ink
    meaning: str = ""


def mark_up(plan: Plan) -> tuple[Stretch, ...]:
    """The whole brief, in order and without a letter lost, cut where its meaning changes."""
    stretches: list[Stretch] = []
    at = 0
    for span in sorted(plan.coverage, key=lambda span: (span.start, -span.end)):
        if span.start < at or span.end <= span.start or span.end > len(plan.brief):
            continue
        if span.start > at:
            stretches.append(Stretch(plan.brief[at : span.start], "plain"))
        ink = _INK.get(span.means, "fact")
        said = _SAID.get(ink) or _fact(span, plan.understanding)
        stretches.append(Stretch(plan.brief[span.start : span.end], ink, said))
        at = span.end
    if at < len(plan.brief):
        stretches.append(Stretch(plan.brief[at:], "plain"))
    return tuple(stretches)


def legend(stretches: tuple[Stretch, ...]) -> tuple[tuple[Ink, str, str], ...]:
    """The inks that are on the page, each with its name and what it means."""
    used = {stretch.ink for stretch in stretches}
    return tuple(entry for entry in _LEGEND if entry[0] in used)


def _fact(span: Span, understanding: Understanding) -> str:
    found = _TASK_FIELD.fullmatch(span.means)
    if not found:
        said = _with_value(span.means, _value(understanding, span.means))
        return said[:1].upper() + said[1:]
    number, field = int(found[1]), found[2] or "medium"
    if number >= len(understanding.tasks):
        return _with_value(field, "")
    task = understanding.tasks[number]
    fellows = [other for other in understanding.tasks if other.medium is task.medium]
    whose = task.medium.value
    if len(fellows) > 1:
        whose += f" {1 + sum(other.medium is task.medium for other in understanding.tasks[:number])}"
    return f"{whose.capitalize()} · {_with_value(field, _task_value(task, field))}"


def _with_value(field: str, value: str) -> str:
    words = _FIELDS.get(field, field.replace("_", " "))
    return f"{words}: {value}" if value else words


def _task_value(task: BriefTask, field: str) -> str:
    value = getattr(task, field, None)
    if field == "duration_s" and isinstance(value, float):
        return seconds(value)
    return "" if field in ("medium", "script", "reference", "depends_on") or value is None else str(value)


def _value(understanding: Understanding, field: str) -> str:
    if field.startswith("budget"):
        if understanding.budget_usd is not None:
            return _dollars(understanding.budget_usd)
        amount, currency = understanding.budget_amount, understanding.budget_currency
        return f"{amount:g} {currency or ''}".strip() if amount is not None else ""
    value: Any = understanding
    for step in field.split("."):
        value = getattr(value, step, None)
    return listed(value) if isinstance(value, tuple) else ""


def _dollars(said: float) -> str:
    return Money(round(said * 1_000_000)).short if 0 <= said <= 1_000_000 else f"${said:g}"
