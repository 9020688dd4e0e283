"""The best combination where money or time is short: found by walking the units, and proven on the way.

It is a walk over partial plans. Those are dropped that cannot be paid or be ready in time, that another
beats, or that cannot beat the best one known even if all that is left were traded at the best rate.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

from orchestrator.selection.options import Clock, Option, Solution, Unit, in_order
from orchestrator.selection.rows import Row, hull, limited, needed, scored

__all__ = ["Search"]

_BEAM = 64
_EFFORT = 400_000
"""About so many steps are taken, a second or so; where that is too few, the best one found is not proven."""


class _Taken(NamedTuple):
    row: Row
    before: _Taken | None


class _State(NamedTuple):
    """A plan begun: what it costs and weighs so far, and how it came about."""

    price: int
    score: int
    taken: _Taken | None


_When = tuple[tuple[int, ...], tuple[int, ...]]
_Layer = dict[_When, list[_State]]


class Search:
    """Walks the units, keeping of all plans begun those that nothing proves to be no better."""

    def __init__(self, units: Sequence[Unit], budget: int | None, clock: Clock | None) -> None:
        self._units = units
        self._budget = budget
        self._clock = clock
        self._limited = limited(units, clock) if clock else []
        self._rows = [needed(rows, self._limited, clock) for rows in scored(units)]
        self._most = max(_BEAM, _EFFORT // sum(map(len, self._rows)))
        self._order = self._unit_order()
        self._members = [in_order(list(unit.tasks), self._waits_for) for unit in units]
        self._gain, self._per = self._exchange()
        self._least_price = self._suffixes(lambda row: row.price)
        self._least_worth = self._suffixes(self._worth)

    def run(self) -> Solution | None:
        """The best combination; a narrow walk first, whose find spares the thorough one most of its way."""
        found, _ = self._walk(None, _BEAM)
        best, whole = self._walk(found, None)
        best = best or found
        if best is None:
            return None
        rows: dict[int, Option] = {}
        taken = best.taken
        for unit in reversed(self._order):
            assert taken is not None, "every unit on the way took one of its rows"
            rows[unit] = taken.row.option
            taken = taken.before
        return Solution(tuple(rows[unit] for unit in range(len(self._units))), whole)

    def _walk(self, known: _State | None, beam: int | None) -> tuple[_State | None, bool]:
        """The best end of all ways, if it is no worse than what is known; and whether none was left out."""
        layer: _Layer = {((0,) * len(self._limited), ()): [_State(0, 0, None)]}
        open_tasks: list[str] = []
        whole = True
        for step, unit in enumerate(self._order):
            awaited = self._needed_after(step)
            reached: _Layer = {}
            for when, states in layer.items():
                for row in self._rows[unit]:
                    then = self._advance(when, open_tasks, unit, row.option, awaited)
                    if then is None:
                        continue
                    kept = reached.setdefault(then, [])
                    for before in states:
                        price, score = before.price + row.price, before.score + row.score
                        if self._may_win(price, score, step + 1, known):
                            kept.append(_State(price, score, _Taken(row, before.taken)))
            layer = {when: self._undominated(states) for when, states in reached.items() if states}
            open_tasks = awaited
            most = beam or self._most
            if sum(map(len, layer.values())) > most:
                layer, whole = self._most_promising(layer, most), False
        ends = [state for states in layer.values() for state in states]
        return min(ends, key=lambda state: state.score, default=None), whole

    def _may_win(self, price: int, score: int, step: int, known: _State | None) -> bool:
        """Whether a plan begun can still be paid, and still beat what is known."""
        if self._budget is not None and price + self._least_price[step] > self._budget:
            return False
        if known is None:
            return True
        worth = self._per * score + self._gain * price + self._least_worth[step]
        return worth - self._gain * (self._budget or 0) <= self._per * known.score

    def _worth(self, one: _State | Row) -> int:
        """Score and price in one number, at the rate at which the budget trades them."""
        return self._per * one.score + self._gain * one.price

    def _undominated(self, states: list[_State]) -> list[_State]:
        """Those that no other beats in score at no higher price."""
        kept: list[_State] = []
        for state in sorted(states, key=lambda state: (state.price, state.score)):
            if not kept or state.score < kept[-1].score:
                kept.append(state)
        return kept if self._budget is not None else kept[-1:]

    def _most_promising(self, layer: _Layer, most: int) -> _Layer:
        found = [(self._worth(state), when, state) for when, states in layer.items() for state in states]
        found.sort(key=lambda one: one[0])
        narrow: _Layer = {}
        for _, when, state in found[:most]:
            narrow.setdefault(when, []).append(state)
        return narrow

    def _suffixes(self, value: Callable[[Row], int]) -> list[int]:
        """What the units from each step on come to at least."""
        least = [0]
        for unit in reversed(self._order):
            least.append(least[-1] + min(value(row) for row in self._rows[unit]))
        return least[::-1]

    def _exchange(self) -> tuple[int, int]:
        """What one more micro-dollar would save where the money runs out, as a fraction."""
        if self._budget is None:
            return 0, 1
        hulls = [hull(rows) for rows in self._rows]
        left = self._budget - sum(line[0].price for line in hulls)
        steps = (
            (Fraction(here.score - there.score, there.price - here.price), there.price - here.price)
            for line in hulls
            for here, there in pairwise(line)
        )
        for gain, costs in sorted(steps, reverse=True):
            left -= costs
            if left < 0:
                return gain.numerator, gain.denominator
        return 0, 1

    # ── the clock ──────────────────────────────────────────────────────────────────────────────

    def _unit_order(self) -> list[int]:
        """The units in an order in which what is waited for comes first, as far as there is one."""
        clock = self._clock
        if clock is None:
            return list(range(len(self._units)))
        home = {task: number for number, unit in enumerate(self._units) for task in unit.tasks}
        waits = {
            number: {
                home[name] for task in unit.tasks for name in clock.waits_for.get(task, ()) if name in home
            }
            - {number}
            for number, unit in enumerate(self._units)
        }
        return in_order(list(waits), lambda number: waits[number])

    def _waits_for(self, task: str) -> tuple[str, ...]:
        return self._clock.waits_for.get(task, ()) if self._clock else ()

    def _needed_after(self, step: int) -> list[str]:
        """The tasks done by then for which somebody later waits."""
        if self._clock is None:
            return []
        done = [task for unit in self._order[: step + 1] for task in self._units[unit].tasks]
        later = [task for unit in self._order[step + 1 :] for task in self._units[unit].tasks]
        waited = {name for task in later for name in self._clock.waits_for.get(task, ())}
        return [task for task in done if task in waited]

    def _advance(
        self, when: _When, open_tasks: list[str], unit: int, option: Option, awaited: list[str]
    ) -> _When | None:
        """The queues and the ends after one more unit; None where that is too late."""
        clock = self._clock
        if clock is None:
            return when
        queues = list(when[0])
        if option.name[0] in self._limited:
            place = self._limited.index(option.name[0])
            queues[place] += sum(option.takes_ms)
            if queues[place] > clock.deadline_ms * clock.places[option.name[0]]:
                return None
        ends = dict(zip(open_tasks, when[1], strict=True))
        takes = dict(zip(self._units[unit].tasks, option.takes_ms, strict=True))
        for task in self._members[unit]:
            ends[task] = takes[task] + max((ends.get(name, 0) for name in self._waits_for(task)), default=0)
            if ends[task] > clock.deadline_ms:
                return None
        return tuple(queues), tuple(ends[name] for name in awaited)
