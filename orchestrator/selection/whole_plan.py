"""The cheapest way to make a whole plan: one model for each task or group, within money and time."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from orchestrator.selection.combination import cheapest, time_needed_ms
from orchestrator.selection.keeping import kept_offer
from orchestrator.selection.options import Clock, Option, Solution, Unit
from orchestrator.selection.weighing import Candidate, Weigher
from orchestrator.selection.wishes import Circumstances
from shared_knowledge.catalogue import Catalogue
from shared_knowledge.vocabulary import Asset, Money, Offer, Plan, QuoteLine, Task, WhyNot

__all__ = ["Weighed", "WholePlan", "choose", "weigh_plan"]


class Weighed(NamedTuple):
    """A plan with everything that was found out about its tasks, before anything is chosen."""

    plan: Plan
    candidates: Mapping[str, Sequence[Candidate]]
    kept: Mapping[str, Asset]
    units: tuple[Unit, ...]
    apart: tuple[tuple[str, ...], ...]
    clock: Clock | None


class WholePlan(NamedTuple):
    """What was chosen: a line for each task, the sum, and what had to give way."""

    lines: tuple[QuoteLine, ...]
    estimate: Money
    late_by_ms: int = 0
    disliked: bool = False
    proven: bool = True


def weigh_plan(
    plan: Plan, catalogue: Catalogue, circumstances: Circumstances, kept: Mapping[str, Asset]
) -> Weighed:
    """Weighs every task, and finds which tasks stand or fall together."""
    weigher = Weigher(catalogue, circumstances)
    candidates = {task.id: weigher.candidates(task, plan.tasks) for task in plan.tasks}
    units, apart = _units(plan.tasks, candidates, kept)
    return Weighed(plan, candidates, kept, units, apart, _clock(plan, catalogue, circumstances.deadline_s))


def choose(weighed: Weighed, cap: Money | None) -> WholePlan:
    """The least disliked, then least expected way that the cap and the clock allow.

    Where no way meets the cap, every offer that is too dear says so, and the sum is that of the lowest
    prices. Where none meets the deadline, the choice is made without it and says by how much it is late.
    """
    units, late_by_ms = weighed.units, 0
    purse = None if cap is None else int(cap)
    found = cheapest(units, purse, weighed.clock)
    if found is None and weighed.clock is not None:
        found = cheapest(units, purse)
        if found is not None:
            late_by_ms = time_needed_ms(units, found.options, weighed.clock) - weighed.clock.deadline_ms
    lines = _lines(weighed, found, purse)
    if found is None:
        return WholePlan(lines, Money(sum(_least(unit) for unit in units)))
    liked = sum(min(option.liking for option in unit.options) for unit in units)
    return WholePlan(
        lines=lines,
        estimate=Money(sum(option.price for option in found.options)),
        late_by_ms=max(0, late_by_ms),
        disliked=sum(option.liking for option in found.options) > liked,
        proven=found.proven,
    )


# ── who stands or falls together ───────────────────────────────────────────────────────────────


def _units(
    tasks: Sequence[Task], candidates: Mapping[str, Sequence[Candidate]], kept: Mapping[str, Asset]
) -> tuple[tuple[Unit, ...], tuple[tuple[str, ...], ...]]:
    """The tasks that share a model, and those that cannot though they should."""
    together: dict[object, list[str]] = {}
    for task in tasks:
        able = task.id not in kept and any(one.suitable for one in candidates[task.id])
        if able:
            alone = task.group is None
            together.setdefault(task.id if alone else (task.medium, task.group), []).append(task.id)
    made_by = {
        (task.medium, task.group): (kept[task.id].platform, kept[task.id].model)
        for task in tasks
        if task.id in kept and task.group is not None
    }
    units, apart = [], []
    for key, names in together.items():
        shared = _shared([candidates[name] for name in names])
        pinned = [option for option in shared if key not in made_by or option.name == made_by[key]]
        if pinned:
            units.append(Unit(tuple(names), tuple(pinned)))
            continue
        apart.append(tuple(names))
        if shared:
            units.append(Unit(tuple(names), tuple(shared)))
        else:
            units += [Unit((name,), tuple(_shared([candidates[name]]))) for name in names]
    return tuple(units), tuple(apart)


def _shared(found: Sequence[Sequence[Candidate]]) -> list[Option]:
    """The models that can do all of these tasks, the best first."""
    by_name = [{one.name: one for one in candidates if one.suitable} for candidates in found]
    everywhere = [name for name in by_name[0] if all(name in others for others in by_name[1:])]
    return sorted(_option(name, [named[name] for named in by_name]) for name in everywhere)


def _option(name: tuple[str, str], members: Sequence[Candidate]) -> Option:
    """One model for all of these, its numbers added up."""
    if len(members) == 1:
        (one,) = members
        latency_ms, takes_ms = round(one.latency_s * 1000), (math.ceil(one.takes_s * 1000),)
        price = int(one.offer.price or 0)
        return Option(one.liking, one.expected, one.age, latency_ms, name, price, takes_ms)
    return Option(
        liking=sum(one.liking for one in members),
        expected=sum(one.expected for one in members),
        age=sum(one.age for one in members),
        latency_ms=sum(round(one.latency_s * 1000) for one in members),
        name=name,
        price=sum(int(one.offer.price or 0) for one in members),
        takes_ms=tuple(math.ceil(one.takes_s * 1000) for one in members),
    )


def _clock(plan: Plan, catalogue: Catalogue, deadline_s: float | None) -> Clock | None:
    if deadline_s is None or not math.isfinite(deadline_s):
        return None
    return Clock(
        deadline_ms=max(0, math.floor(deadline_s * 1000)),
        places={p.id: p.concurrency for p in catalogue.platforms if p.concurrency is not None},
        waits_for={task.id: task.depends_on for task in plan.tasks},
    )


# ── the lines of the quote ─────────────────────────────────────────────────────────────────────


def _least(unit: Unit) -> int:
    return min(option.price for option in unit.options)


def _lines(weighed: Weighed, found: Solution | None, cap: int | None) -> tuple[QuoteLine, ...]:
    """The offers of every task: the chosen one first, then those that the whole group could turn to."""
    offers = {task.id: [one.offer for one in weighed.candidates[task.id]] for task in weighed.plan.tasks}
    least = sum(_least(unit) for unit in weighed.units)
    for number, unit in enumerate(weighed.units):
        chosen = found.options[number].name if found else None
        room = None if cap is None else max(0, cap - (least - _least(unit)))
        places = {option.name: place for place, option in enumerate(unit.options)}
        if chosen is not None:
            places[chosen] = -1
        for task in unit.tasks:
            marked = offers[task] if room is None else _marked(task, unit, weighed, room)
            if found is None:
                ranks = {one.name: one.rank(by_liking=False) for one in weighed.candidates[task]}
                marked.sort(key=lambda offer: (not offer.suitable, ranks[offer.platform, offer.model]))
            else:
                _put_first(places, marked, together=len(unit.tasks) > 1)
            offers[task] = marked
    return tuple(
        QuoteLine(
            task=task,
            offers=tuple(told),
            kept=kept_offer(task, weighed.kept[task]) if task in weighed.kept else None,
        )
        for task, told in offers.items()
    )


def _put_first(places: Mapping[tuple[str, str], int], offers: list[Offer], *, together: bool) -> None:
    """Sorts the chosen one before the others, and what a whole group could turn to before the rest."""
    first = offers[0]
    if together or first.why_not or places.get((first.platform, first.model)) != -1:
        last = len(places)
        offers.sort(key=lambda offer: (not offer.suitable, places.get((offer.platform, offer.model), last)))


def _marked(task: str, unit: Unit, weighed: Weighed, room: int) -> list[Offer]:
    """The offers of a task, those marked that leave too little for the cheapest of all others."""
    totals = {option.name: option.price for option in unit.options}
    beside = sum(_cheapest_price(weighed.candidates[other]) for other in unit.tasks if other != task)
    return [
        one.offer.model_copy(update={"why_not": (WhyNot.OVER_BUDGET,)})
        if one.suitable and totals.get(one.name, int(one.offer.price or 0) + beside) > room
        else one.offer
        for one in weighed.candidates[task]
    ]


def _cheapest_price(candidates: Sequence[Candidate]) -> int:
    return min(int(one.offer.price or 0) for one in candidates if one.suitable)
