"""From an understood brief to a plan: every asset with its defaults filled in, and what waits for what.

The planner is pure: the same reading and the same conditions give the same plan. Whatever it adds
to the words of the brief it also says, in the plan's assumptions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from agentes.photo_agent import wording as photo_wording
from agentes.video_agent import wording as video_wording
from orchestrator.brief.reading import Reading
from orchestrator.planner.branding import as_branded
from orchestrator.planner.cut import Cut, Lengths, cut_film, lengths
from orchestrator.planner.groups import Wanted, expand, links
from orchestrator.planner.kinship import families, shared_references
from orchestrator.planner.notes import Notes, listed
from orchestrator.planner.purse import purse
from orchestrator.planner.recordings import named_recordings, take_recording
from orchestrator.planner.shapes import Shape, qualities, shapes
from orchestrator.planner.snapping import shots_at
from orchestrator.planner.voices import languages, seed_of, speakable, voices
from shared_knowledge.errors import UnclearBrief
from shared_knowledge.vocabulary import (
    Brief,
    Medium,
    PhotoIntent,
    PhotoSpec,
    Plan,
    Quality,
    Recording,
    Shot,
    Spec,
    Task,
    VideoSpec,
    VoiceSpec,
)

if TYPE_CHECKING:
    from agentes.media.hearing import Heard

__all__ = ["named_recordings", "plan"]

_LONGEST_SUBJECT = 300
_CLIP_FILES = (".mp4", ".mov", ".webm", ".m4v", ".mkv", ".avi")


def plan(reading: Reading, brief: Brief, heard: Mapping[str, Heard] | None = None) -> Plan:
    """What will be done for a brief; raises UnclearBrief where the words cannot be turned into work.

    `heard` tells of the sound files that the brief names how long they are, and where they pause.
    """
    notes = Notes(reading.warnings, reading.questions)
    asked_for = expand(reading, notes)
    if brief.brand:
        reading = as_branded(reading, brief.brand, {one.medium for one in asked_for}, notes)
    made_from = links(asked_for)
    wanted, recording = take_recording(asked_for, heard or {}, notes)
    spoken = languages(wanted, reading, notes)
    wanted = speakable(wanted, spoken, notes)
    sheet = _sheet(wanted, made_from, spoken, recording, reading, brief, notes)
    tasks = tuple(_task(one, sheet, reading) for one in sheet.wanted)
    _check_order(tasks)
    if reading.understanding.ambiguous and not notes.questions:
        notes.questions.append("This brief can be read in more than one way: is this plan what you mean?")
    cut = sheet.cut
    film_language = sheet.voices[cut.voices[0].id].language if cut and cut.voices else reading.language
    return Plan(
        brief=brief.text,
        brief_language=reading.language or "en",
        understanding=reading.understanding,
        budget=purse(reading, brief, notes),
        coverage=notes.marked(reading.coverage),
        tasks=tasks,
        film=cut.film(sheet.shapes, sheet.lasting, film_language or "en") if cut else None,
        assumptions=notes.assumptions,
        questions=tuple(dict.fromkeys(notes.questions)),
        warnings=tuple(dict.fromkeys(notes.warnings)),
    )


@dataclass(frozen=True)
class _Sheet:
    """Everything that was decided about the assets, before they become tasks."""

    wanted: tuple[Wanted, ...]
    family: Mapping[str, str]
    kinds: Mapping[str, PhotoIntent]
    quality: Mapping[str, Quality]
    shapes: Mapping[str, Shape]
    lasting: Lengths
    shots: Mapping[str, tuple[Shot, ...]]
    voices: Mapping[str, VoiceSpec]
    made_from: Mapping[str, tuple[str, ...]]
    first_frames: Mapping[str, str]
    waits_for: Mapping[str, tuple[str, ...]]
    cut: Cut | None


def _sheet(
    wanted: list[Wanted],
    made_from: Mapping[str, tuple[str, ...]],
    spoken: Mapping[str, str],
    recording: Recording | None,
    reading: Reading,
    brief: Brief,
    notes: Notes,
) -> _Sheet:
    names = {one.id for one in wanted}
    made_from = {name: tuple(source for source in made_from[name] if source in names) for name in names}
    kinds = _photo_kinds(wanted, reading, notes)
    quality = qualities(wanted, brief, notes)
    canvases = shapes(wanted, reading, made_from, kinds, quality, notes)
    compose = reading.understanding.compose
    cut = cut_film(wanted, canvases, spoken, compose=compose, recording=recording, notes=notes)
    lasting = lengths(wanted, cut, spoken, notes)
    said = voices(wanted, reading, cut, lasting, spoken, quality, notes)
    family = families(wanted, lambda one: _subject(one, reading), quality, spoken, reading.text, brief, notes)
    given = shared_references(wanted, cut, family, notes)
    wanted = [replace(one, references=given[one.id]) for one in wanted]
    if cut:
        cut = cut._replace(clips=tuple(replace(clip, references=given[clip.id]) for clip in cut.clips))
    if any(one.medium is Medium.VIDEO for one in wanted):
        notes.assume("Clips run at 30 frames per second and carry no sound of their own.")
    if cut and (cut.voices or (recording and recording.says)):
        notes.assume("The film shows captions of what is said.")
    first_frames = _first_frames(wanted, made_from, kinds, canvases, cut, notes)
    return _Sheet(
        wanted=tuple(wanted),
        family=family,
        kinds=kinds,
        quality=quality,
        shapes=canvases,
        lasting=lasting,
        shots=_shots(wanted, reading, lasting.clip_s, cut),
        voices=said,
        made_from=made_from,
        first_frames=first_frames,
        waits_for=_waits(wanted, made_from, first_frames, cut, notes),
        cut=cut,
    )


def _photo_kinds(wanted: list[Wanted], reading: Reading, notes: Notes) -> dict[str, PhotoIntent]:
    """The kind of every picture: named by its own words or, for the only picture, by the whole brief."""
    photos = [one for one in wanted if one.medium is Medium.PHOTO]
    alike = len({(one.group, one.evidence) for one in photos}) == 1
    kinds = {}
    for one in photos:
        kind = photo_wording.intent_of(one.evidence, from_picture=bool(one.references))
        if kind is None and alike:
            kind = photo_wording.intent_of(reading.text, from_picture=False)
        if kind is None:
            notes.assume("No kind of picture was named for {tasks}: a hero photo.", one.id)
        kinds[one.id] = kind or PhotoIntent.HERO
    return kinds


def _first_frames(
    wanted: list[Wanted],
    made_from: Mapping[str, tuple[str, ...]],
    kinds: Mapping[str, PhotoIntent],
    canvases: Mapping[str, Shape],
    cut: Cut | None,
    notes: Notes,
) -> dict[str, str]:
    """The picture each clip begins with: the one it is made from, or the film's hero photo."""
    frames = {}
    for one in (one for one in wanted if one.medium is Medium.VIDEO):
        picture = next((source for source in made_from[one.id] if source in kinds), None)
        if picture:
            frames[one.id] = picture
    opening = cut.clips[0] if cut else None
    if opening is None or opening.id in frames or opening.references or made_from[opening.id]:
        return frames
    for photo in (one for one in wanted if kinds.get(one.id) is PhotoIntent.HERO):
        same_shape = canvases[photo.id].ratio == canvases[opening.id].ratio
        if same_shape and not made_from[photo.id]:
            frames[opening.id] = photo.id
            notes.assume(f"{{tasks}} begins with {photo.id} as its first frame.", opening.id)
            break
    return frames


def _waits(
    wanted: list[Wanted],
    made_from: Mapping[str, tuple[str, ...]],
    first_frames: Mapping[str, str],
    cut: Cut | None,
    notes: Notes,
) -> dict[str, tuple[str, ...]]:
    """What each asset waits for: what it is made from, its first frame, and in a film its voices."""
    waits = {}
    clips = [clip.id for clip in cut.clips] if cut else []
    spoken = [voice.id for voice in cut.voices] if cut else []
    for one in wanted:
        sources = list(made_from[one.id])
        if one.id in spoken:
            sources = [source for source in sources if source not in clips]
        elif set(sources) - {first_frames.get(one.id)} - set(spoken):
            notes.warnings.append(
                f"{one.id} is made after {listed(sources)}, from the same description: "
                "growing it directly out of that file is not possible yet."
            )
        if one.id in first_frames:
            sources.append(first_frames[one.id])
        if one.id in clips and spoken:
            sources.extend(spoken)
            notes.assume("The voice is made before {tasks}, so that the film fits it.", one.id)
        waits[one.id] = tuple(dict.fromkeys(sources))
    return waits


def _shots(
    wanted: list[Wanted], reading: Reading, clip_s: Mapping[str, float], cut: Cut | None
) -> dict[str, tuple[Shot, ...]]:
    """The shots of every clip; those of one film tell one story across its clips."""
    shots: dict[str, tuple[Shot, ...]] = {}
    clips = [one for one in wanted if one.medium is Medium.VIDEO]
    together = list(cut.clips) if cut else []
    for story in (together, *([clip] for clip in clips if clip not in together)):
        for number, clip in enumerate(story):
            told = video_wording.tell_shots(
                _subject(clip, reading),
                _scene(clip, reading),
                reading.language or "en",
                [clip_s[other.id] for other in story],
            )
            shots[clip.id] = told[number]
    return _at_pauses(shots, cut) if cut and cut.recording else shots


def _at_pauses(shots: dict[str, tuple[Shot, ...]], cut: Cut) -> dict[str, tuple[Shot, ...]]:
    """The shots of a film with a recording, each ending where the recording pauses, if it does nearby."""
    pauses_s = cut.recording.pauses_s if cut.recording else ()
    begins_s = 0.0
    for clip in cut.clips:
        told = shots[clip.id]
        shots[clip.id] = shots_at(told, pauses_s, from_s=begins_s)
        begins_s += sum(shot.duration_s for shot in told)
    return shots


def _task(one: Wanted, sheet: _Sheet, reading: Reading) -> Task:
    spec = _spec(one, sheet, reading)
    return Task(id=one.id, spec=spec, depends_on=sheet.waits_for[one.id], group=sheet.family.get(one.id))


def _spec(one: Wanted, sheet: _Sheet, reading: Reading) -> Spec:
    if one.medium is Medium.VOICE:
        return sheet.voices[one.id]
    shape, language = sheet.shapes[one.id], reading.language or "en"
    shared = {
        "subject": _subject(one, reading),
        "aspect_ratio": shape.ratio,
        "width": shape.width,
        "height": shape.height,
        "size_is_stated": shape.size_is_stated,
        "quality": sheet.quality[one.id],
        "language": language,
        "references": one.references,
        "negative": tuple(dict.fromkeys((*reading.understanding.negative, *reading.shunned))),
        "palette": reading.palette,
        "seed": seed_of(reading, one.id),
    }
    if one.medium is Medium.PHOTO:
        kind = sheet.kinds[one.id]
        label = photo_wording.label_of(kind, language)
        scene = _scene(one, reading)
        return PhotoSpec(intent=kind, scene=scene, label=label, badge=shape.ratio, **shared)
    clip_given = any(name.lower().split("?")[0].endswith(_CLIP_FILES) for name in one.references)
    intent = video_wording.intent_of(
        f"{one.evidence} {_scene(one, reading)}",
        from_picture=one.id in sheet.first_frames or bool(one.references),
        from_clip=clip_given,
    )
    return VideoSpec(
        intent=intent,
        shots=sheet.shots[one.id],
        duration_s=sheet.lasting.clip_s[one.id],
        first_frame=sheet.first_frames.get(one.id),
        **shared,
    )


def _subject(one: Wanted, reading: Reading) -> str:
    """What the asset is about: the brief's subject, or the nearest words to one."""
    creative = " ".join(span.text for span in reading.coverage if span.means == "creative")
    own = reading.subjects[one.group] if one.group < len(reading.subjects) else ""
    nearest = own or reading.subject or one.words or reading.scene or creative or reading.text
    return " ".join(nearest.split())[:_LONGEST_SUBJECT]


def _scene(one: Wanted, reading: Reading) -> str:
    """The words beside the subject: those of this asset, then those of the whole brief."""
    parts = [part.strip(" .,;") for part in (one.words, reading.scene)]
    if one.medium is Medium.PHOTO and photo_wording.is_only_a_kind(parts[0]):
        parts = parts[1:]
    told = [part for part in dict.fromkeys(parts) if part and part.casefold() != reading.subject.casefold()]
    if len(told) == 2 and told[0].casefold() in told[1].casefold():
        told = told[1:]
    return ", ".join(told)


def _check_order(tasks: tuple[Task, ...]) -> None:
    """Raises UnclearBrief if tasks would wait for each other."""
    try:
        TopologicalSorter({task.id: task.depends_on for task in tasks}).prepare()
    except CycleError as cycle:
        raise UnclearBrief(
            f"{listed(dict.fromkeys(cycle.args[1]))} would wait for each other.",
            todo="Say which of them comes first.",
        ) from cycle
