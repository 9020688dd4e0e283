"""What an earlier job has made already and nobody needs to make again: the same work from the same inputs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from orchestrator.selection.wishes import Circumstances, Wishes
from shared_knowledge.catalogue import Catalogue
from shared_knowledge.vocabulary import Asset, Money, Offer, Outcome, Task

__all__ = ["NO_PAST", "UNCHANGED", "Past", "digests", "kept_offer", "may_stay", "unchanged"]

UNCHANGED = "unchanged, kept from the earlier job"


class Past(NamedTuple):
    """An earlier job that is to be changed: its tasks, and what was made of them that is still there.

    `given` are the person's own files as that job found them: their digests, by name.
    """

    tasks: Sequence[Task] = ()
    made: Mapping[str, Asset] = MappingProxyType({})
    given: Mapping[str, str] = MappingProxyType({})


NO_PAST = Past()


def may_stay(
    made: Mapping[str, Asset], catalogue: Catalogue, circumstances: Circumstances
) -> dict[str, Asset]:
    """The assets whose makers nobody has said no to since; a draft gives way where more can be had."""
    wishes = {asset.medium: Wishes(catalogue, circumstances, asset.medium) for asset in made.values()}
    return {
        task: asset
        for task, asset in made.items()
        if wishes[asset.medium].welcomes(asset.platform, asset.model)
    }


def digests(names: Iterable[str]) -> dict[str, str]:
    """The digest of every file of this machine among these names."""
    found = {}
    for name in names:
        try:
            if Path(name).is_file():
                with Path(name).open("rb") as file:
                    found[name] = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:  # it may not be read, or its name is longer than any disk can hold
            continue
    return found


def unchanged(
    tasks: Sequence[Task],
    before: Sequence[Task],
    outcomes: Mapping[str, Outcome],
    were: Mapping[str, str] = MappingProxyType({}),
    are: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, Asset]:
    """The tasks whose work and inputs are those of an earlier plan, each with the asset that was made there.

    Work is known by its content, not by its number in the plan, and a person's own file by what it holds:
    `were` and `are` are the digests of these files then and now. Whoever asks hands in only outcomes
    whose files are still there.
    """
    made: dict[str, list[tuple[str, Asset]]] = {}
    earlier = _contents(before, were)
    for task in before:
        outcome = outcomes.get(task.id)
        if isinstance(outcome, Asset):
            made.setdefault(earlier[task.id], []).append((task.id, outcome))
    kept: dict[str, Asset] = {}
    content = _contents(tasks, are)
    for task in sorted(tasks, key=lambda task: (content[task.id], task.id)):
        found = made.get(content[task.id], [])
        if found:
            same = next((one for one in found if one[0] == task.id), found[0])
            kept[task.id] = same[1].model_copy(update={"task": task.id})
            found.remove(same)
    needs = {task.id: task.depends_on for task in tasks}
    while lost := [name for name in kept if any(need in needs and need not in kept for need in needs[name])]:
        for name in lost:
            del kept[name]
    return kept


def kept_offer(task_id: str, asset: Asset) -> Offer:
    """What stands in a quote for work that is done: who did it, at no cost, and why."""
    return Offer(
        task=task_id, platform=asset.platform, model=asset.model, price=Money(0), billed_as=UNCHANGED
    )


def _contents(tasks: Sequence[Task], files: Mapping[str, str]) -> dict[str, str]:
    """Each task as a digest of its work and, in place of their names, of the tasks it waits for and its files."""
    by_id = {task.id: task for task in tasks}
    known: dict[str, str] = {}

    def content(name: str, asked: frozenset[str]) -> str:
        if name not in by_id or name in asked:
            return name
        if name not in known:
            task = by_id[name]
            waits = {need: content(need, asked | {name}) for need in task.depends_on}
            spec = task.spec.model_dump(mode="json")
            if spec.get("first_frame") in waits:
                spec["first_frame"] = waits[spec["first_frame"]]
            spec["references"] = [files.get(name, name) for name in task.spec.references]
            told = json.dumps([spec, sorted(waits.values())], sort_keys=True)
            known[name] = hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()
        return known[name]

    return {task.id: content(task.id, frozenset()) for task in tasks}
