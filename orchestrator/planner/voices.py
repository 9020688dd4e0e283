"""What the voices say, in which language, and for how long."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from math import ceil

from agentes.voice_agent.scripts.writing import Facts, Script, can_write, mood_of, write_script
from agentes.voice_agent.wording import intent_of, spoken_text
from orchestrator.brief.reading import Reading
from orchestrator.planner.cut import AFTER_VOICE_S, Cut, Lengths
from orchestrator.planner.groups import Wanted
from orchestrator.planner.notes import Notes
from shared_knowledge.errors import UnclearBrief
from shared_knowledge.speech_pace import predicted_s, unit_of, words_too_many
from shared_knowledge.vocabulary import Medium, Quality, VoiceSpec

__all__ = ["languages", "seed_of", "speakable", "voices"]

_DEFAULT_VOICE_S = 12.0
_REGION = {"pt": "pt-BR"}


def seed_of(reading: Reading, task: str) -> int:
    """A seed that the same subject always gives; pictures and clips of one number belong together."""
    number = task.rpartition("-")[2]
    words = f"{reading.subject or reading.text}\n{number}".encode("utf-8", "replace")
    return int.from_bytes(hashlib.sha256(words).digest()[:4], "big") >> 1


def languages(wanted: list[Wanted], reading: Reading, notes: Notes) -> dict[str, str]:
    """The language of every voice: the one stated, or that of the brief."""
    spoken = {}
    for one in wanted:
        if one.medium is Medium.VOICE:
            said = one.asked.language or reading.language or "en"
            spoken[one.id] = _REGION.get(said, said)
            if one.asked.language is None:
                notes.assume(
                    f"No language was given for {{tasks}}: {spoken[one.id]}, the language of the brief.",
                    one.id,
                )
            elif spoken[one.id] != said:
                notes.assume(f"No region was given for the language of {{tasks}}: {spoken[one.id]}.", one.id)
    return spoken


def speakable(wanted: list[Wanted], spoken: Mapping[str, str], notes: Notes) -> list[Wanted]:
    """All but the voices whose words were not given, in a language we cannot write; those become questions."""
    possible = []
    for one in wanted:
        if one.medium is not Medium.VOICE or one.asked.script or can_write(spoken[one.id]):
            possible.append(one)
            continue
        language = spoken[one.id]
        notes.questions.append(f"What should {one.id} say in {language}? Put the words in quotes.")
        notes.cannot_meet(
            f"{one.field}.language", f"{one.id} is not planned: we write no words in {language} ourselves."
        )
    if not possible:
        raise UnclearBrief(" ".join(notes.warnings), todo=" ".join(notes.questions))
    return possible


def voices(
    wanted: list[Wanted],
    reading: Reading,
    cut: Cut | None,
    lasting: Lengths,
    spoken: Mapping[str, str],
    quality: Mapping[str, Quality],
    notes: Notes,
) -> dict[str, VoiceSpec]:
    """What every voice is asked to do, with words written where none were given."""
    specs = {}
    shares_s = cut.shares_s(lasting.of(cut), spoken) if cut and not lasting.open else {}
    for one in (one for one in wanted if one.medium is Medium.VOICE):
        share_s = shares_s.get(one.id)
        script = one.asked.script or _written(one, reading, spoken[one.id], share_s, notes)
        if reading.voice_gender is None:
            notes.assume("No voice was described for {tasks}: the platform's usual one.", one.id)
        spec = VoiceSpec(
            intent=intent_of(script, f"{one.evidence} {reading.voice_style}"),
            script=script,
            script_is_given=bool(one.asked.script),
            language=spoken[one.id],
            duration_s=_duration_s(one, share_s, notes),
            at_most_s=share_s,
            gender=reading.voice_gender,
            style=reading.voice_style,
            quality=quality[one.id],
            references=one.references,
            seed=seed_of(reading, one.id),
        )
        _compare(one, spec, notes)
        specs[one.id] = spec
    return specs


def _written(one: Wanted, reading: Reading, language: str, share_s: float | None, notes: Notes) -> str:
    """Words for a voice that was given none."""
    room_s = share_s or one.asked.duration_s or _DEFAULT_VOICE_S
    scene = ", ".join(part for part in (one.words, reading.scene) if part)
    facts = Facts(
        subject=reading.subject,
        scene=scene,
        language=reading.language or "en",
        mood=mood_of(f"{reading.voice_style} {scene}"),
    )
    script = write_script(facts, language, at_most_s=room_s, seed=seed_of(reading, one.id))
    assert script is not None
    _say_what_was_written(one, script, reading, language, room_s, share_s, notes)
    return script.text


def _say_what_was_written(
    one: Wanted,
    script: Script,
    reading: Reading,
    language: str,
    room_s: float,
    share_s: float | None,
    notes: Notes,
) -> None:
    notes.assume("No words were given for {tasks}: they were written from the brief.", one.id)
    if share_s is None:
        notes.questions.append(f"What should {one.id} say? Put your own words in quotes to replace ours.")
        if one.asked.duration_s is None:
            notes.assume(f"No length was given for {{tasks}}: about {script.predicted_s:.0f} s.", one.id)
    if reading.subject and not script.names_subject:
        notes.assume(
            f"The words of {{tasks}} do not name “{reading.subject}”: we could not put it into {language}.",
            one.id,
        )
    if script.predicted_s > room_s:
        notes.warnings.append(f"{room_s:g} s are too short for the words of {one.id}.")
    elif script.predicted_s < 0.7 * room_s:
        notes.warnings.append(
            f"The words written for {one.id} take about {script.predicted_s:.0f} of {room_s:g} s; "
            "put your own in quotes to fill them."
        )


def _duration_s(one: Wanted, share_s: float | None, notes: Notes) -> float | None:
    """The length a voice was given, unless it is the film's length that it has to stay within."""
    stated_s = one.asked.duration_s
    if stated_s is None or share_s is None or stated_s <= share_s:
        return stated_s
    if stated_s > share_s + 2:
        notes.cannot_meet(
            f"{one.field}.duration_s",
            f"{one.id} was to last {stated_s:g} s; it is kept within the {share_s:g} s that the film leaves it.",
        )
    return None


def _compare(one: Wanted, spec: VoiceSpec, notes: Notes) -> None:
    """Says when given words will not fit the time there is for them."""
    if spec.at_most_s is not None:
        notes.assume(f"{{tasks}} may take {spec.at_most_s:g} s, to end before the film does.", one.id)
    room_s = spec.at_most_s or spec.duration_s
    words = spoken_text(spec)
    over = words_too_many(words, spec.language, room_s) if spec.script_is_given and room_s else 0
    if over and room_s:
        needed_s = predicted_s(words, spec.language)
        unit = unit_of(spec.language) if over == 1 else f"{unit_of(spec.language)}s"
        notes.warnings.append(
            f"The words given for {one.id} take about {needed_s:.0f} s, "
            f"but there are {room_s:g} s: about {over} {unit} too many."
        )
        longer = (
            f"may the film last {ceil(needed_s + AFTER_VOICE_S)} s"
            if spec.at_most_s
            else "may it last longer"
        )
        notes.questions.append(f"Which {over} {unit} of {one.id} can go, or {longer}?")
