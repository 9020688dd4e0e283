"""The best combination under limits: one option for every unit of work, proven against all the others.

Money and time are limits. Where neither binds, each unit takes its own best and nothing is searched.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import ceil

from orchestrator.selection.options import Clock, Option, Solution, Unit, in_order

__all__ = ["cheapest", "time_needed_ms"]


def cheapest(units: Sequence[Unit], budget: int | None = None, clock: Clock | None = None) -> Solution | None:
    """The best combination within budget and deadline; None where there is none."""
    best = tuple(min(unit.options) for unit in units)
    in_time = clock is None or time_needed_ms(units, best, clock) <= clock.deadline_ms
    if in_time and (budget is None or sum(option.price for option in best) <= budget):
        return Solution(best)
    if budget is not None and sum(min(o.price for o in unit.options) for unit in units) > budget:
        return None
    from orchestrator.selection.search import Search  # few plans need it, and all would pay for its import

    return Search(units, budget, clock).run()


def time_needed_ms(units: Sequence[Unit], options: Sequence[Option], clock: Clock) -> int:
    """How long a combination takes at least: its longest chain of waiting, or its busiest platform."""
    takes: dict[str, int] = {}
    queues = dict.fromkeys(clock.places, 0)
    for unit, option in zip(units, options, strict=True):
        takes.update(zip(unit.tasks, option.takes_ms, strict=True))
        if option.name[0] in queues:
            queues[option.name[0]] += sum(option.takes_ms)
    ends: dict[str, int] = {}
    for task in in_order(list(takes), lambda name: clock.waits_for.get(name, ())):
        ends[task] = takes[task] + max(
            (ends.get(name, 0) for name in clock.waits_for.get(task, ())), default=0
        )
    busiest = max((ceil(Fraction(queue, clock.places[name])) for name, queue in queues.items()), default=0)
    return max(busiest, max(ends.values(), default=0))
