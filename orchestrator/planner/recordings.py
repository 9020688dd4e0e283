"""A sound that comes with the brief: it is heard as it is, no voice is bought beside it, and the film is cut to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from orchestrator.brief.reading import Reading
from orchestrator.planner.groups import Wanted
from orchestrator.planner.notes import Notes, listed
from shared_knowledge.vocabulary import Medium, Recording

if TYPE_CHECKING:
    from agentes.media.hearing import Heard

__all__ = ["named_recordings", "take_recording"]

_SOUND_FILES = (".mp3", ".wav", ".m4a", ".ogg", ".flac", ".aac", ".opus", ".aif", ".aiff")


def named_recordings(reading: Reading) -> tuple[str, ...]:
    """The sound files that a brief names as what its films should be heard with."""
    given = (task.reference for task in reading.understanding.tasks if task.medium is Medium.VIDEO)
    return tuple(dict.fromkeys(name for name in given if name and _is_sound(name)))


def take_recording(
    wanted: list[Wanted], heard: Mapping[str, Heard], notes: Notes
) -> tuple[list[Wanted], Recording | None]:
    """The assets without the sound files they named, without the voice such a file stands for, and the file."""
    clips = [one for one in wanted if one.medium is Medium.VIDEO]
    named = list(dict.fromkeys(name for clip in clips for name in clip.references if _is_sound(name)))
    wanted = [
        one
        if one.medium is Medium.VOICE
        else replace(one, references=tuple(name for name in one.references if not _is_sound(name)))
        for one in wanted
    ]
    if not named:
        return wanted, None
    name, *others = named
    if others:
        notes.warnings.append(f"A film is heard with one recording: {name}; {listed(others)} is not used.")
    voices = [one for one in wanted if one.medium is Medium.VOICE]
    silent = [one for one in voices if one.asked.language == voices[0].asked.language]
    if silent:
        notes.assume(
            f"{{tasks}} is not bought: {name} is the voice of the film.", *(one.id for one in silent)
        )
    says = "\n".join(one.asked.script for one in silent if one.asked.script)
    return [one for one in wanted if one not in silent], _recording(name, says, clips[0], heard, notes)


def _recording(
    name: str, says: str, clip: Wanted, heard: Mapping[str, Heard], notes: Notes
) -> Recording | None:
    if "://" in name:
        notes.questions.append(
            f"Can you save {name} and name its file? A sound cannot be fetched from an address."
        )
        notes.cannot_meet(f"{clip.field}.reference", f"{name} is not heard: it is an address, not a file.")
        return None
    if says:
        notes.assume(f"The words in quotes are those heard in {name}: they become its captions.")
    told = heard.get(name)
    if told is None:
        notes.questions.append(
            f"Where is {name}? It is not there to be heard, so its length is not known yet."
        )
    return Recording(
        path=name, lasts_s=told.lasts_s if told else None, says=says, pauses_s=told.pauses_s if told else ()
    )


def _is_sound(name: str) -> bool:
    return name.lower().split("?")[0].endswith(_SOUND_FILES)
