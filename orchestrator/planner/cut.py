"""The film, before it is made: which clips and voices it joins, and how long everything lasts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, isfinite
from typing import NamedTuple

from agentes.video_agent.wording import are_versions
from orchestrator.planner.groups import Wanted
from orchestrator.planner.notes import Notes, listed
from orchestrator.planner.shapes import Shape
from orchestrator.planner.snapping import snapped, to_frames
from shared_knowledge.errors import UnclearBrief
from shared_knowledge.speech_pace import predicted_s
from shared_knowledge.vocabulary import Film, Medium, Recording

__all__ = ["AFTER_VOICE_S", "Cut", "Lengths", "cut_film", "lengths"]

AFTER_VOICE_S = 0.8
_BETWEEN_VOICES_S = 0.3
_DEFAULT_CLIP_S = 10.0
_LONGEST_S = {Medium.VIDEO: 300.0, Medium.VOICE: 600.0, Medium.PHOTO: 0.0}
_SHORTEST_S = 1.0
_WORTH_SAYING_S = 0.25


class Lengths(NamedTuple):
    """How long every clip lasts, and which of them their voices will lengthen or shorten once they are spoken."""

    clip_s: Mapping[str, float]
    open: tuple[str, ...] = ()

    def of(self, cut: Cut | None) -> float:
        """How long the clips of a film are together."""
        return sum(self.clip_s[clip.id] for clip in cut.clips) if cut else 0.0


class Cut(NamedTuple):
    """The clips and voices of one film, in their order, or the recording that is heard in place of voices."""

    clips: tuple[Wanted, ...]
    voices: tuple[Wanted, ...]
    recording: Recording | None = None

    def shares_s(self, film_s: float, languages: Mapping[str, str]) -> dict[str, float]:
        """How long each voice may last, so that all end before the film does: by their words, or alike."""
        if not self.voices:
            return {}
        room_s = film_s - AFTER_VOICE_S - _BETWEEN_VOICES_S * (len(self.voices) - 1)
        needs_s = [predicted_s(voice.asked.script or "", languages[voice.id]) for voice in self.voices]
        parts = needs_s if all(needs_s) else [1.0] * len(self.voices)
        return {
            voice.id: max(0.5, round(room_s * part / sum(parts), 2))
            for voice, part in zip(self.voices, parts, strict=True)
        }

    def film(self, shapes: Mapping[str, Shape], lasting: Lengths, language: str) -> Film:
        """The deliverable that joins them, on the canvas of its first clip."""
        shape = shapes[self.clips[0].id]
        heard = self.recording
        return Film(
            width=shape.width,
            height=shape.height,
            duration_s=None if lasting.open else round(lasting.of(self), 3),
            clips=tuple(clip.id for clip in self.clips),
            voices=tuple(voice.id for voice in self.voices),
            open=lasting.open,
            recording=heard,
            captions=bool(self.voices) or bool(heard and heard.says),
            language=language,
        )


def cut_film(
    wanted: list[Wanted],
    shapes: Mapping[str, Shape],
    languages: Mapping[str, str],
    *,
    compose: bool,
    recording: Recording | None,
    notes: Notes,
) -> Cut | None:
    """The film, if one is asked for, or if there is just one clip and something to be heard over it."""
    clips = [one for one in wanted if one.medium is Medium.VIDEO]
    voices = [one for one in wanted if one.medium is Medium.VOICE]
    if not clips:
        if compose:
            notes.warnings.append(
                "A finished film was asked for, but no clip to make it of; none is planned."
            )
        return None
    if not compose and not (len(clips) == 1 and (voices or recording)):
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
    if not compose and not recording:
        notes.assume("One clip and a voice make one film: the voice is laid over {tasks}.", joined[0].id)
    if recording:
        notes.assume(f"{recording.path} is heard over {{tasks}}, as it is.", *(clip.id for clip in joined))
    return Cut(tuple(joined), () if recording else tuple(spoken), recording)


def lengths(wanted: list[Wanted], cut: Cut | None, languages: Mapping[str, str], notes: Notes) -> Lengths:
    """How long every clip lasts: as stated, as long as what is heard over it, or ten seconds."""
    for one in wanted:
        _check(one)
    clips = [one for one in wanted if one.medium is Medium.VIDEO]
    open_clips = [clip for clip in clips if clip.asked.duration_s is None]
    chosen = {clip.id: clip.asked.duration_s for clip in clips if clip.asked.duration_s is not None}
    in_film = [clip for clip in open_clips if cut and clip in cut.clips]
    follow: tuple[str, ...] = ()
    if cut and cut.recording:
        chosen |= _as_recorded(cut.recording, cut, in_film, chosen, notes)
    elif cut and in_film and (voice := _voice_s(cut, languages)).lasts_s:
        told_s = sum(chosen.get(clip.id, 0.0) for clip in cut.clips)
        each_s = max(2.0, float(ceil((voice.lasts_s - told_s) / len(in_film))))
        for clip in in_film:
            chosen[clip.id] = min(each_s, _LONGEST_S[Medium.VIDEO])
            notes.assume(
                f"No length was given for {{tasks}}: {chosen[clip.id]:g} s, {voice.because}.", clip.id
            )
        if voice.foreseen and each_s <= _LONGEST_S[Medium.VIDEO]:
            follow = tuple(clip.id for clip in in_film)
            notes.assume("The length of {tasks} is foreseen; the voice sets it once it is spoken.", *follow)
    for clip in open_clips:
        if clip.id not in chosen:
            chosen[clip.id] = _DEFAULT_CLIP_S
            notes.assume(f"No length was given for {{tasks}}: {_DEFAULT_CLIP_S:g} s.", clip.id)
    lasting = Lengths(chosen, follow)
    if cut and len(cut.clips) > 1:
        notes.assume(f"The film is as long as its clips together: {lasting.of(cut):g} s.")
    return lasting


def _as_recorded(
    heard: Recording, cut: Cut, open_clips: Sequence[Wanted], told: Mapping[str, float], notes: Notes
) -> dict[str, float]:
    """The lengths that a recording gives to the clips that have none; says where a stated length is too short."""
    if heard.lasts_s is None:
        return {}
    told_s = sum(told.get(clip.id, 0.0) for clip in cut.clips)
    if not open_clips:
        if heard.lasts_s - told_s > _WORTH_SAYING_S:
            notes.warnings.append(
                f"{heard.path} lasts {heard.lasts_s:.1f} s, but the film is to last {told_s:g} s: "
                f"the last {heard.lasts_s - told_s:.1f} s are not heard."
            )
            notes.questions.append(f"Should the film be as long as {heard.path}, {heard.lasts_s:.1f} s?")
        return {}
    left_s = to_frames(heard.lasts_s, up=True) - told_s
    most_s = _LONGEST_S[Medium.VIDEO] * len(open_clips)
    if not _SHORTEST_S * len(open_clips) <= left_s <= most_s:
        raise UnclearBrief(
            f"{heard.path} lasts {heard.lasts_s:.1f} s, which leaves {left_s:.1f} s for "
            f"{listed(clip.id for clip in open_clips)}: "
            f"{_SHORTEST_S * len(open_clips):g} to {most_s:g} s are possible.",
            todo="Say how long the film shall be, or ask for more or fewer clips.",
        )
    each_s = [to_frames(left_s / len(open_clips))] * (len(open_clips) - 1)
    each_s.append(left_s - sum(each_s))
    if not told_s:
        each_s = snapped(each_s, heard.pauses_s)
    for clip in open_clips:
        notes.assume(
            f"No length was given for {{tasks}}: as long as {heard.path}, {heard.lasts_s:.1f} s.", clip.id
        )
    return {clip.id: round(length_s, 3) for clip, length_s in zip(open_clips, each_s, strict=True)}


class _VoiceLength(NamedTuple):
    """How long the voices of a film are, as far as that is known before they are made, and how."""

    lasts_s: float
    because: str = ""
    foreseen: bool = False


def _voice_s(cut: Cut, languages: Mapping[str, str]) -> _VoiceLength:
    """How long a film must be to hold its voices, if that is known before it is made, and why."""
    stated = [voice.asked.duration_s for voice in cut.voices]
    if stated and all(stated):
        told_s = sum(length for length in stated if length)
        return _VoiceLength(told_s, f"as long as {listed(v.id for v in cut.voices)}")
    given = [(voice.asked.script or "", languages[voice.id]) for voice in cut.voices]
    if given and all(script for script, _ in given):
        gaps_s = AFTER_VOICE_S + _BETWEEN_VOICES_S * (len(given) - 1)
        needed_s = sum(predicted_s(*line) for line in given) + gaps_s
        return _VoiceLength(needed_s, "to hold the words that were given", foreseen=True)
    return _VoiceLength(0.0)


def _check(one: Wanted) -> None:
    length_s = one.asked.duration_s
    if length_s is None or one.medium is Medium.PHOTO:
        return
    if not isfinite(length_s) or not _SHORTEST_S <= length_s <= _LONGEST_S[one.medium]:
        raise UnclearBrief(
            f"{one.id} cannot last {length_s:g} s: {_SHORTEST_S:g} to {_LONGEST_S[one.medium]:g} s are possible.",
            todo="Give another length, or divide it into several briefs.",
        )
