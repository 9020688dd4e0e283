"""The voice first, then the cut: a clip as the voices of its film want it, once they are really spoken."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from agentes.media.hearing import Heard, hear
from orchestrator.composer.timeline import BETWEEN_S, LEAD_S, TAIL_S
from orchestrator.planner.snapping import shots_at, snapped, to_frames
from shared_knowledge.vocabulary import Asset, Film, Outcome, Plan, Task, VideoSpec

__all__ = ["Cutter", "recut"]

_SHORTEST_S, _LONGEST_S = 1.0, 300.0


@dataclass(frozen=True)
class Cutter:
    """Cuts the clips of one plan to their voices; each voice is listened to once."""

    plan: Plan
    look: Callable[[str], Outcome | None]
    heard: MutableMapping[str, Heard]

    async def __call__(self, task: Task) -> tuple[Task, Mapping[str, str]]:
        """The task as its film's voices want it, and how long each of them was found to be."""
        film = self.plan.film
        if film is None or task.id not in film.clips:
            return task, {}
        for voice in film.voices:
            asset = self.look(voice)
            if isinstance(asset, Asset) and voice not in self.heard:
                self.heard[voice] = await hear(Path(asset.path))
        there = [voice for voice in film.voices if voice in self.heard]
        return recut(task, self.plan, self.heard), {
            voice: f"{self.heard[voice].lasts_s:.1f} s" for voice in there
        }


def recut(task: Task, plan: Plan, heard: Mapping[str, Heard]) -> Task:
    """The clip with the length and the shots that its film's voices set; as planned where they say nothing.

    A clip of a stated length keeps it, and so does the number of shots: only where they end moves.
    """
    film = plan.film
    if film is None or task.id not in film.clips or not film.voices:
        return task
    if any(voice not in heard for voice in film.voices):
        return task
    spoken = [heard[voice] for voice in film.voices]
    lengths_s = _clip_lengths(film, plan, spoken)
    number = film.clips.index(task.id)
    spec, length_s = task.spec, lengths_s[number]
    assert isinstance(spec, VideoSpec)
    stretch = length_s / spec.duration_s
    meant = [round(shot.duration_s * stretch, 1) for shot in spec.shots[:-1]]
    meant.append(round(length_s - sum(meant), 3))
    shots = [shot.model_copy(update={"duration_s": at}) for shot, at in zip(spec.shots, meant, strict=True)]
    begins_s = sum(lengths_s[:number])
    cut = shots_at(shots if stretch != 1 else spec.shots, _pauses(spoken, sum(lengths_s)), from_s=begins_s)
    return task.model_copy(update={"spec": spec.model_copy(update={"duration_s": length_s, "shots": cut})})


def _clip_lengths(film: Film, plan: Plan, spoken: Sequence[Heard]) -> list[float]:
    planned = {
        name: spec.duration_s for name in film.clips if isinstance(spec := plan.task(name).spec, VideoSpec)
    }
    told_s = sum(planned[name] for name in film.clips if name not in film.open)
    left_s = to_frames(LEAD_S + _speech_s(spoken) + TAIL_S, up=True) - told_s
    count = len(film.open)
    if not count or not _SHORTEST_S * count <= left_s <= _LONGEST_S * count:
        return list(planned.values())
    each_s = [to_frames(left_s / count)] * (count - 1)
    each_s.append(left_s - sum(each_s))
    if count == len(film.clips):
        each_s = snapped(each_s, _pauses(spoken, sum(each_s)))
    anew = dict(zip(film.open, (round(length_s, 3) for length_s in each_s), strict=True))
    return [anew.get(name, planned[name]) for name in film.clips]


def _speech_s(spoken: Sequence[Heard]) -> float:
    return sum(voice.lasts_s for voice in spoken) + BETWEEN_S * (len(spoken) - 1)


def _pauses(spoken: Sequence[Heard], film_s: float) -> list[float]:
    """Every pause on the film's own clock: those inside the voices, and those between them."""
    lead_s = min(LEAD_S, max(film_s - _speech_s(spoken), 0.0))
    begins = list(accumulate((voice.lasts_s + BETWEEN_S for voice in spoken), initial=lead_s))
    inside = [begin + at for begin, voice in zip(begins, spoken, strict=False) for at in voice.pauses_s]
    return sorted([*inside, *(begin - BETWEEN_S / 2 for begin in begins[1:-1])])
