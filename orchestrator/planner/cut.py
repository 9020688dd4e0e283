"""The film, before it is made: which clips and voices it joins, and how long everything lasts."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, isfinite
from typing import NamedTuple

from agentes.video_agent.wording import are_versions
from orchestrator.planner.groups import Wanted
from orchestrator.planner.notes import Notes, listed
from orchestrator.planner.shapes import Shape
from shared_knowledge.errors import UnclearBrief
from shared_knowledge.speech_pace import predicted_s
from shared_knowledge.vocabulary import Film, Medium

__all__ = ["AFTER_VOICE_S", "Cut", "cut_film", "lengths"]

AFTER_VOICE_S = 0.8
_BETWEEN_VOICES_S = 0.3
_DEFAULT_CLIP_S = 10.0
_LONGEST_S = {Medium.VIDEO: 300.0, Medium.VOICE: 600.0, Medium.PHOTO: 0.0}
_SHORTEST_S = 1.0


class Cut(NamedTuple):
    """The clips and voices of one film, in their order."""

    clips: tuple[Wanted, ...]
    voices: tuple[Wanted, ...]

    def voice_share_s(self, film_s: float) -> float:
        """How long each voice may last, so that all end before the film does."""
        room_s = film_s - AFTER_VOICE_S - _BETWEEN_VOICES_S * (len(self.voices) - 1)
        return max(0.5, round(room_s / len(self.voices), 2))

    def film(self, shapes: Mapping[str, Shape], clip_s: Mapping[str, float], language: str) -> Film:
        """The deliverable that joins them, on the canvas of its first clip."""
        shape = shapes[self.clips[0].id]
        return Film(
            width=shape.width,
            height=shape.height,
            duration_s=round(sum(clip_s[clip.id] for clip in self.clips), 3),
            clips=tuple(clip.id for clip in self.clips),
            voices=tuple(voice.id for voice in self.voices),
            captions=bool(self.voices),
            language=language,
        )


def cut_film(
    wanted: list[Wanted],
    shapes: Mapping[str, Shape],
    languages: Mapping[str, str],
    *,
    compose: bool,
    notes: Notes,
) -> Cut | None:
    """The film, if one is asked for, or if there is just one clip and a voice to lay over it."""
    clips = [one for one in wanted if one.medium is Medium.VIDEO]
    voices = [one for one in wanted if one.medium is Medium.VOICE]
    if not clips:
        if compose:
            notes.warnings.append(
                "A finished film was asked for, but no clip to make it of; none is planned."
            )
        return None
    if not compose and not (len(clips) == 1 and voices):
        return None
    first = shapes[clips[0].id].ratio
    joined = [
        clip
        for clip in clips
        if shapes[clip.id].ratio == first and (clip.number == 0 or not are_versions(clip.evidence))
    ]
    spoken = [
        voice for voice in voices if voice.number == 0 and languages[voice.id] == languages[voices[0].id]
    ]
    apart = [one.id for one in (*clips, *voices) if one not in joined and one not in spoken]
    if apart:
        notes.warnings.append(
            f"The plan holds one film, {first}"
            + (f" in {languages[spoken[0].id]}" if spoken else "")
            + f"; {listed(apart)} {'is' if len(apart) == 1 else 'are'} delivered beside it."
        )
    if not compose:
        notes.assume("One clip and a voice make one film: the voice is laid over {tasks}.", joined[0].id)
    return Cut(tuple(joined), tuple(spoken))


def lengths(
    wanted: list[Wanted], cut: Cut | None, languages: Mapping[str, str], notes: Notes
) -> dict[str, float]:
    """How long every clip lasts: as stated, as long as its voice, or ten seconds."""
    for one in wanted:
        _check(one)
    clips = [one for one in wanted if one.medium is Medium.VIDEO]
    open_clips = [clip for clip in clips if clip.asked.duration_s is None]
    chosen = {clip.id: clip.asked.duration_s for clip in clips if clip.asked.duration_s is not None}
    in_film = [clip for clip in open_clips if cut and clip in cut.clips]
    voice_s, because = _voice_s(cut, languages) if cut and in_film else (0.0, "")
    if cut and voice_s:
        told_s = sum(chosen.get(clip.id, 0.0) for clip in cut.clips)
        each_s = max(2.0, float(ceil((voice_s - told_s) / len(in_film))))
        for clip in in_film:
            chosen[clip.id] = min(each_s, _LONGEST_S[Medium.VIDEO])
            notes.assume(f"No length was given for {{tasks}}: {chosen[clip.id]:g} s, {because}.", clip.id)
    for clip in open_clips:
        if clip.id not in chosen:
            chosen[clip.id] = _DEFAULT_CLIP_S
            notes.assume(f"No length was given for {{tasks}}: {_DEFAULT_CLIP_S:g} s.", clip.id)
    if cut and len(cut.clips) > 1:
        total_s = sum(chosen[clip.id] for clip in cut.clips)
        notes.assume(f"The film is as long as its clips together: {total_s:g} s.")
    return chosen


def _voice_s(cut: Cut, languages: Mapping[str, str]) -> tuple[float, str]:
    """How long a film must be to hold its voices, if that is known before it is made, and why."""
    stated = [voice.asked.duration_s for voice in cut.voices]
    if stated and all(stated):
        return sum(length for length in stated if length), f"as long as {listed(v.id for v in cut.voices)}"
    given = [(voice.asked.script or "", languages[voice.id]) for voice in cut.voices]
    if given and all(script for script, _ in given):
        gaps_s = AFTER_VOICE_S + _BETWEEN_VOICES_S * (len(given) - 1)
        return sum(predicted_s(*line) for line in given) + gaps_s, "to hold the words that were given"
    return 0.0, ""


def _check(one: Wanted) -> None:
    length_s = one.asked.duration_s
    if length_s is None or one.medium is Medium.PHOTO:
        return
    if not isfinite(length_s) or not _SHORTEST_S <= length_s <= _LONGEST_S[one.medium]:
        raise UnclearBrief(
            f"{one.id} cannot last {length_s:g} s: {_SHORTEST_S:g} to {_LONGEST_S[one.medium]:g} s are possible.",
            todo="Give another length, or divide it into several briefs.",
        )
