"""Options as rows of one number each: whose sum over a whole plan is least, that plan is the best.

Dislike counts before expected cost, then the age of the prices, the latency, and the names in the order of
the plan.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from orchestrator.selection.options import Clock, Option, Unit

__all__ = ["Row", "hull", "limited", "needed", "scored"]


class Row(NamedTuple):
    """An option with its one number; the lower the better."""

    score: int
    price: int
    option: Option


def limited(units: Sequence[Unit], clock: Clock) -> list[str]:
    """The platforms whose queue could become too long."""
    longest = dict.fromkeys(clock.places, 0)
    for unit in units:
        for name in {option.name[0] for option in unit.options} & longest.keys():
            longest[name] += max(sum(one.takes_ms) for one in unit.options if one.name[0] == name)
    return sorted(name for name, ms in longest.items() if ms > clock.deadline_ms * clock.places[name])


def needed(rows: list[Row], limited: Sequence[str], clock: Clock | None) -> list[Row]:
    """The rows without those that another makes needless: no dearer, better, and no slower where time counts."""
    if clock is None:
        return _falling(rows)
    kept: list[Row] = []
    for row in rows:
        home, takes = row.option.name[0], row.option.takes_ms
        needless = any(
            other.score < row.score
            and (other.option.name[0] == home or other.option.name[0] not in limited)
            and all(mine >= theirs for mine, theirs in zip(takes, other.option.takes_ms, strict=True))
            for other in kept
        )
        if not needless:
            kept.append(row)
    return kept


def scored(units: Sequence[Unit]) -> list[list[Row]]:
    """Every option with its one number, the lowest price first."""
    spread = [[(one.expected, one.age, one.latency_ms) for one in unit.options] for unit in units]
    widths = [1 + sum(max(one[field] for one in unit) for unit in spread) for field in range(3)]
    names = 1 + max(len(unit.options) for unit in units)
    rows = []
    for number, unit in enumerate(units):
        places = {name: place for place, name in enumerate(sorted(o.name for o in unit.options))}
        scored = []
        for option in unit.options:
            score = option.liking
            for width, value in zip(widths, (option.expected, option.age, option.latency_ms), strict=True):
                score = score * width + value
            score = score * names ** len(units) + places[option.name] * names ** (len(units) - 1 - number)
            scored.append(Row(score, option.price, option))
        scored.sort(key=lambda row: (row.price, row.score))
        rows.append(scored)
    return rows


def _falling(rows: list[Row]) -> list[Row]:
    kept: list[Row] = []
    for row in rows:
        if not kept or row.score < kept[-1].score:
            kept.append(row)
    return kept


def hull(rows: list[Row]) -> list[Row]:
    """The rows whose trade of price for score no mixture of others improves on."""
    hull: list[Row] = []
    for row in _falling(rows):
        while len(hull) > 1 and _bends(hull[-2], hull[-1], row):
            hull.pop()
        hull.append(row)
    return hull


def _bends(first: Row, middle: Row, last: Row) -> bool:
    """Whether the middle one lies on or above the line between its neighbours."""
    return (first.score - middle.score) * (last.price - first.price) <= (first.score - last.score) * (
        middle.price - first.price
    )
