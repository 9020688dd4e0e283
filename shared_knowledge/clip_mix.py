"""Ten seconds and five make fifteen: the cheapest pieces of allowed lengths that cover a clip."""

from __future__ import annotations

import math
from functools import lru_cache

from shared_knowledge.money import Money

__all__ = ["PIECES_MOST", "cover"]

PIECES_MOST = 24
"""More pieces than this are never joined into one clip."""

_BITS = 20


@lru_cache(maxsize=4096)
def cover(duration_s: float, costs: tuple[tuple[float, Money], ...]) -> tuple[float, ...]:
    """The cheapest mix of allowed lengths that lasts long enough: then the fewest, then the shortest."""
    if len(costs) == 1 and costs[0][0] == duration_s:
        return (duration_s,)
    if not costs:
        return ()
    seconds = math.ceil(round(duration_s, 3))
    mix = _ways(costs).cheapest(seconds)
    if len(mix) > PIECES_MOST:
        mix = _of_few(seconds, _worth(costs))
    return tuple(sorted(mix, reverse=True))


def _worth(costs: tuple[tuple[float, Money], ...]) -> list[tuple[int, int]]:
    """Each length, longest first, with its cost, its place and its seconds in one number that adds up."""
    return [
        (int(length), ((int(cost) << _BITS) + 1 << _BITS) + int(length))
        for length, cost in sorted(costs, reverse=True)
    ]


class _Ways:
    """The best last piece for every number of seconds, as far as anybody has asked."""

    def __init__(self, pieces: list[tuple[int, int]]) -> None:
        self._pieces = pieces
        self._known = ([0], [0])  # replaced as a whole, never changed: several threads may ask at once

    def cheapest(self, seconds: int) -> list[float]:
        """The cheapest mix for so many seconds, however many pieces it takes."""
        best, last = self._known
        if len(best) <= seconds:
            best, last = best[:], last[:]
            for goal in range(len(best), seconds + 1):
                least, taken = -1, 0
                for length, worth in self._pieces:
                    total = worth + best[goal - length if goal > length else 0]
                    if least < 0 or total < least:
                        least, taken = total, length
                best.append(least)
                last.append(taken)
            self._known = best, last
        mix: list[float] = []
        while seconds > 0:
            mix.append(last[seconds])
            seconds -= last[seconds]
        return mix


@lru_cache(maxsize=1024)
def _ways(costs: tuple[tuple[float, Money], ...]) -> _Ways:
    return _Ways(_worth(costs))


def _of_few(seconds: int, pieces: list[tuple[int, int]]) -> list[float]:
    """The cheapest mix of no more pieces than may be joined; none where even the longest are too short."""
    layers: list[dict[int, tuple[int, int]]] = [{0: (0, 0)}]
    for _ in range(PIECES_MOST):
        reached: dict[int, tuple[int, int]] = {}
        for done, (so_far, _) in layers[-1].items():
            for length, worth in pieces:
                lasting, total = min(seconds, done + length), so_far + worth
                if lasting not in reached or total < reached[lasting][0]:
                    reached[lasting] = (total, length)
        layers.append(reached)
    ends = [(layer[seconds][0], count) for count, layer in enumerate(layers) if seconds in layer]
    if not ends:
        return []
    return _traced(seconds, layers[: min(ends)[1] + 1], pieces)


def _traced(
    seconds: int, layers: list[dict[int, tuple[int, int]]], pieces: list[tuple[int, int]]
) -> list[float]:
    """The pieces that led to a cost, read backwards through the layers."""
    worth = dict(pieces)
    mix: list[float] = []
    done = seconds
    for before, layer in zip(reversed(layers[:-1]), reversed(layers[1:]), strict=True):
        total, length = layer[done]
        mix.append(length)
        done = next(
            start
            for start, (so_far, _) in before.items()
            if min(seconds, start + length) == done and so_far + worth[length] == total
        )
    return mix
