"""Cuts fall where the voice breathes: lengths that were meant, moved to the nearest pauses."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
from math import ceil

from shared_knowledge.vocabulary import Shot

__all__ = ["FPS", "shots_at", "snapped", "to_frames"]

FPS = 30
_REACH = 0.4
_SHORTEST_S = 1.0
_SHOT_STEP_S = 0.1


def to_frames(length_s: float, *, up: bool = False) -> float:
    """The nearest length that is a whole number of frames, or the next longer one."""
    frames = ceil(round(length_s * FPS, 6)) if up else round(length_s * FPS)
    return frames / FPS


def snapped(
    lengths_s: Sequence[float], pauses_s: Sequence[float], *, from_s: float = 0.0, step_s: float = 1 / FPS
) -> list[float]:
    """The same number of lengths with the same sum, each cut moved to the nearest pause within reach of it.

    `from_s` is when the first one begins, on the clock of the pauses; cuts fall on whole steps. A cut moves by
    less than half of what lies on either side of it: none overtakes another, nothing is too short to see.
    """
    whole_s = sum(lengths_s)
    meant = [0.0, *accumulate(lengths_s[:-1]), whole_s]
    cuts = [0.0]
    for before, here, after in zip(meant, meant[1:], meant[2:], strict=False):
        reach_s = _REACH * min(here - before, after - here)
        near = [pause - from_s for pause in pauses_s if abs(pause - from_s - here) <= reach_s]
        nearest = min((abs(at - here), at) for at in near)[1] if near else here
        moved = step_s * round(nearest / step_s) if near else here
        fits = moved - cuts[-1] >= _SHORTEST_S and after - moved >= _SHORTEST_S
        cuts.append(moved if fits else max(here, cuts[-1]))
    cuts.append(whole_s)
    return [round(end - begin, 3) for begin, end in pairwise(cuts)]


def shots_at(shots: Sequence[Shot], pauses_s: Sequence[float], *, from_s: float) -> tuple[Shot, ...]:
    """The shots of a clip that begins at `from_s`, each ending where the voice pauses, if it does nearby."""
    lengths_s = snapped([shot.duration_s for shot in shots], pauses_s, from_s=from_s, step_s=_SHOT_STEP_S)
    return tuple(
        shot.model_copy(update={"duration_s": length_s})
        for shot, length_s in zip(shots, lengths_s, strict=True)
    )
