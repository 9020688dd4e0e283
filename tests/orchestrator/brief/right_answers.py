"""Compares what was read in a brief with the right answer, as a person would: order and wording do not matter."""

from __future__ import annotations

import json
import re
import unicodedata
from fractions import Fraction
from itertools import permutations
from pathlib import Path
from typing import Any

from shared_knowledge.vocabulary import Understanding

__all__ = ["cases", "differences"]

HERE = Path(__file__).parent
_LOOKED_AT = {
    "photo": ("count", "aspect_ratio", "quality", "reference"),
    "video": ("count", "duration_s", "aspect_ratio", "quality", "reference"),
    "voice": ("count", "duration_s", "language", "quality", "script", "reference"),
}
_MOST_WORDS_AROUND = 3

Task = dict[str, Any]


def cases(name: str) -> list[dict[str, Any]]:
    """The briefs of one file, each with its right answer."""
    lines = (HERE / name).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines if line.strip()]


def differences(case: dict[str, Any], understood: Understanding) -> list[str]:
    """What was read differently from the right answer; empty when all is right."""
    plan = understood.model_dump(mode="json")
    wanted, accepted = case["expect"], case["accept"]
    wrong = [] if _tasks_agree(case, plan["tasks"]) else ["tasks"]
    for field in ("compose", "ambiguous"):
        others = [
            value for rule in accepted.get("top", []) if rule["field"] == field for value in rule["values"]
        ]
        if plan[field] not in [wanted[field], *others]:
            wrong.append(field)
    money = (wanted["budget_usd"], wanted.get("budget_currency"), wanted.get("budget_amount"))
    if money != (plan["budget_usd"], plan["budget_currency"], plan["budget_amount"]):
        wrong.append("budget")
    named = plan["platform"]
    wrong += [wish for wish in ("prefer", "avoid") if set(named[wish]) != set(wanted["platform"][wish])]
    return wrong if _negatives_agree(wanted["negative"], accepted, plan["negative"]) else [*wrong, "negative"]


def _tasks_agree(case: dict[str, Any], found: list[Task]) -> bool:
    answers = [(case["expect"]["tasks"], case["accept"])]
    answers += [(tasks, {}) for tasks in case["accept"].get("alt_tasks", [])]
    return any(_same_tasks(tasks, found, accepted, case["expect"]["compose"]) for tasks, accepted in answers)


def _same_tasks(wanted: list[Task], found: list[Task], accepted: dict[str, Any], composed: bool) -> bool:
    """Whether some pairing makes every wanted task equal to a found one; equal found tasks are one."""
    merged = _merged(found)
    for order in permutations(range(len(merged))) if len(wanted) == len(merged) else ():
        pairs = [(place, task, merged[order[place]]) for place, task in enumerate(wanted)]
        if all(_same_task(place, task, other, accepted) for place, task, other in pairs):
            back = {found_at: place for place, found_at in enumerate(order)}
            if all(_same_sources(*pair, back, wanted, accepted, composed=composed) for pair in pairs):
                return True
    return False


def _merged(found: list[Task]) -> list[Task]:
    kept: list[Task] = []
    places: dict[int, int] = {}
    for number, task in enumerate(found):
        sources = {places[source] for source in task["depends_on"]}
        told = {name: task[name] for name in _LOOKED_AT[task["medium"]] if name != "count"}
        for place, other in enumerate(kept):
            if (other["medium"], other["told"], other["sources"]) == (task["medium"], told, sources):
                other["count"] += task["count"]
                places[number] = place
                break
        else:
            places[number] = len(kept)
            kept.append({**task, "told": told, "sources": sources})
    return kept


def _same_task(place: int, wanted: Task, found: Task, accepted: dict[str, Any]) -> bool:
    if wanted["medium"] != found["medium"]:
        return False
    for name in _LOOKED_AT[wanted["medium"]]:
        rules = [
            rule for rule in accepted.get("fields", []) if (rule["task"], rule["field"]) == (place, name)
        ]
        if any(rule.get("any") or _within(rule.get("range"), found[name]) for rule in rules):
            continue
        right = [wanted[name], *(value for rule in rules for value in rule.get("values", []))]
        if not any(_same_value(name, one, found[name]) for one in right):
            return False
    return True


def _within(limits: list[float] | None, value: float | None) -> bool:
    return limits is not None and value is not None and limits[0] <= value <= limits[1]


def _same_value(name: str, wanted: Any, found: Any) -> bool:
    if wanted is None or found is None:
        return wanted is found
    if name == "language" and "-" not in wanted:
        return bool(str(found).split("-")[0] == wanted)
    if name == "aspect_ratio":
        return _shape(wanted) == _shape(found)
    if name == "script":
        return _plain(wanted) == _plain(found)
    return bool(wanted == found)


def _shape(ratio: str) -> Fraction:
    """The value of a ratio or of a size in pixels: 1080x1350 is 4:5."""
    across, down = re.split(r"[:x×]", ratio)
    return Fraction(across) / Fraction(down)


def _same_sources(
    place: int,
    wanted: Task,
    found: Task,
    back: dict[int, int],
    tasks: list[Task],
    accepted: dict[str, Any],
    *,
    composed: bool,
) -> bool:
    sources = {back[source] for source in found["sources"]}
    free = {source for user, source in accepted.get("optional_edges", []) if user == place}
    if composed:
        free |= {
            at for at, task in enumerate(tasks) if {task["medium"], wanted["medium"]} == {"video", "voice"}
        }
    return sources - free == set(wanted["depends_on"]) - free


def _negatives_agree(wanted: list[str], accepted: dict[str, Any], found: list[str]) -> bool:
    met: set[str] = set()
    for item in found:
        names = {
            one for one in wanted if _names(item, [one, *accepted.get("negative_aliases", {}).get(one, [])])
        }
        if not names and not _names(item, accepted.get("negative_optional", [])):
            return False
        met |= names
    return met == set(wanted)


def _names(item: str, aliases: list[str]) -> bool:
    words = _plain(item).split()
    for alias in aliases:
        parts = _plain(alias).split()
        starts = range(len(words) - len(parts) + 1)
        if len(words) <= len(parts) + _MOST_WORDS_AROUND and any(
            words[at : at + len(parts)] == parts for at in starts
        ):
            return True
    return False


def _plain(text: str) -> str:
    folded = "".join(
        c for c in unicodedata.normalize("NFKD", text).casefold() if not unicodedata.combining(c)
    )
    return " ".join(re.sub(r"[\"'“”„«»‘’]", "", folded).split())
