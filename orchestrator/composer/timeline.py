"""The timeline of a film: which clip, which voice, which caption, from when to when."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from pathlib import Path

from agentes.media.join import Cut, cuts
from agentes.media.probe import Probed
from orchestrator.composer.captions import Caption, Mark, columns, subtitle
from shared_knowledge.errors import BadRequest
from shared_knowledge.vocabulary import Film, Frozen

__all__ = ["BETWEEN_S", "LEAD_S", "TAIL_S", "Laid", "Timeline", "Voiced", "lay"]

LEAD_S = 0.3
TAIL_S = 0.5
BETWEEN_S = 0.35
_WORTH_SAYING_S = 0.25


class Voiced(Frozen):
    """A recording, the words spoken in it, and when, if that is known."""

    path: Path
    script: str
    marks: tuple[Mark, ...] = ()


class Laid(Frozen):
    """When a recording begins, and for how long it is heard."""

    start_s: float
    lasts_s: float


class Timeline(Frozen):
    """What happens in a film, frame by frame; nothing in it is left to the encoder."""

    fps: int
    frames: int
    cuts: tuple[Cut, ...]
    voices: tuple[Laid, ...]
    captions: tuple[Caption, ...]
    warnings: tuple[str, ...]

    @property
    def lasts_s(self) -> float:
        return self.frames / self.fps


def lay(
    film: Film, clips: Sequence[Probed], voices: Sequence[Voiced], recordings: Sequence[Probed]
) -> Timeline:
    """Lays clips end to end and voices over them.

    A film of no stated length lasts as long as its clips, or its voice if that is longer. One of a
    stated length lasts exactly that: the voice keeps its pace, and what does not fit is said.
    """
    if not clips:
        raise BadRequest("A film needs at least one clip.", todo="Ask for a clip, or for loose files.")
    lengths_s = [clip.duration_s or 0.0 for clip in clips]
    spoken_s = [recording.duration_s or 0.0 for recording in recordings]
    speech_s = sum(spoken_s) + BETWEEN_S * max(len(spoken_s) - 1, 0)
    if film.duration_s is None:
        shown = sum(round(length_s * film.fps) for length_s in lengths_s)
        frames = max(shown, ceil((LEAD_S + speech_s + TAIL_S) * film.fps) if speech_s else 0)
    else:
        frames = round(film.duration_s * film.fps)
    total_s = frames / film.fps
    lead_s = min(LEAD_S, max(total_s - speech_s, 0.0))
    laid, at_s = [], lead_s
    for length_s in spoken_s:
        laid.append(Laid(start_s=at_s, lasts_s=max(min(length_s, total_s - at_s), 0.0)))
        at_s += length_s + BETWEEN_S
    return Timeline(
        fps=film.fps,
        frames=frames,
        cuts=cuts(lengths_s, film.fps, frames),
        voices=tuple(laid),
        captions=_captions(film, voices, spoken_s, laid, total_s) if film.captions else (),
        warnings=tuple(_warnings(sum(lengths_s), lead_s + speech_s, total_s, voiced=bool(voices))),
    )


def _captions(
    film: Film, voices: Sequence[Voiced], spoken_s: Sequence[float], laid: Sequence[Laid], total_s: float
) -> tuple[Caption, ...]:
    found: list[Caption] = []
    for number, (voice, length_s, place) in enumerate(zip(voices, spoken_s, laid, strict=True)):
        after_s = laid[number + 1].start_s - 0.04 if number + 1 < len(laid) else total_s
        found += subtitle(
            voice.script,
            voice.marks,
            starts_s=place.start_s,
            lasts_s=length_s,
            most_columns=columns(film.width, film.height),
            until_s=min(after_s, total_s),
        )
    return tuple(found)


def _warnings(shown_s: float, spoken_until_s: float, total_s: float, *, voiced: bool) -> list[str]:
    said = []
    if voiced and spoken_until_s > total_s + 0.05:
        said.append(
            f"The voice is {spoken_until_s - total_s:.1f} s longer than the film of {total_s:g} s: its end is cut."
        )
    if total_s - shown_s > _WORTH_SAYING_S:
        said.append(
            f"The clips are {total_s - shown_s:.1f} s short: the last picture stands still for that long."
        )
    if shown_s - total_s > _WORTH_SAYING_S:
        said.append(f"The clips are {shown_s - total_s:.1f} s longer than the film: the end is left out.")
    return said
