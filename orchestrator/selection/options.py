"""What a search weighs against each other: the options of each unit of work, as numbers that add up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple, TypeVar

__all__ = ["Clock", "Option", "Solution", "Unit", "in_order"]

T = TypeVar("T")


class Option(NamedTuple):
    """One model for all tasks of a unit: what it is liked, expected to cost, and asks of purse and clock."""

    liking: int
    expected: int
    age: int
    latency_ms: int
    name: tuple[str, str]
    price: int
    takes_ms: tuple[int, ...] = ()


class Unit(NamedTuple):
    """Tasks that one model does, and the options for them; there is at least one."""

    tasks: tuple[str, ...]
    options: tuple[Option, ...]


class Clock(NamedTuple):
    """When all must be ready, how many orders a platform takes at once, and what waits for what."""

    deadline_ms: int
    places: Mapping[str, int]
    waits_for: Mapping[str, tuple[str, ...]]


class Solution(NamedTuple):
    """The option of every unit, and whether none better can exist."""

    options: tuple[Option, ...]
    proven: bool = True


def in_order(items: list[T], waits_for: Callable[[T], Iterable[T]]) -> list[T]:
    """The items, those first that others wait for; in a circle, the first comes first."""
    left, ordered = list(items), []
    while left:
        waiting = set(left)
        free = next((one for one in left if not waiting.intersection(waits_for(one))), left[0])
        left.remove(free)
        ordered.append(free)
    return ordered
