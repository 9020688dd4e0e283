"""A film of the person's with words over it: planned from what was given in fields, and from no word of the text.

What is to be spoken is spoken, whatever it says; only the fields beside it decide what is done.
"""

from __future__ import annotations

import hashlib
from math import ceil

from orchestrator.brief.reading import Reading
from shared_knowledge.presets import preset
from shared_knowledge.speech_pace import predicted_s
from shared_knowledge.vocabulary import (
    Brief,
    BriefTask,
    Film,
    Medium,
    MusicStyle,
    Narration,
    Plan,
    Quality,
    Task,
    Understanding,
    VoiceSpec,
)

__all__ = ["narrate", "narrated", "reading_of"]

_VOICE = "voice-1"
_NOTICED_S = 1.0


def reading_of(text: str, narration: Narration) -> Reading:
    """What is understood of it: the film, and the voice if there are words."""
    tasks = [BriefTask(medium=Medium.VIDEO, reference=narration.shown_url)]
    if narration.voice_text:
        tasks.append(
            BriefTask(medium=Medium.VOICE, language=narration.voice_language, script=narration.voice_text)
        )
    return Reading(
        text=text,
        language=narration.voice_language,
        understanding=Understanding(tasks=tuple(tasks), compose=True),
        coverage=(),
        details=("",) * len(tasks),
        subjects=("",) * len(tasks),
    )


def narrate(brief: Brief, narration: Narration) -> Plan:
    """What will be done: one voice if there are words to speak, and the film that everything is laid over."""
    reading = reading_of(brief.text, narration)
    look = preset(narration.preset) if narration.preset else None
    captions = narration.captions and (look is None or look.captions)
    quality = brief.quality or (look.quality if look else Quality.STANDARD)
    return Plan(
        brief=brief.text,
        brief_language=narration.voice_language,
        understanding=reading.understanding,
        coverage=reading.coverage,
        tasks=(_voice(narration, quality),) if narration.voice_text else (),
        film=Film(
            width=0,
            height=0,
            clips=(),
            voices=(_VOICE,) if narration.voice_text else (),
            over=narration.shown_url,
            music=narration.music_style,
            captions=captions and bool(narration.voice_text),
            language=narration.voice_language,
        ),
        budget=brief.budget,
        assumptions=tuple(_assumed(narration, captions=captions)),
    )


def _voice(narration: Narration, quality: Quality) -> Task:
    words = narration.voice_text or ""
    seed = int.from_bytes(hashlib.sha256(words.encode("utf-8", "replace")).digest()[:4], "big") >> 1
    spec = VoiceSpec(
        script=words,
        script_is_given=True,
        language=narration.voice_language,
        quality=quality,
        seed=seed,
    )
    return Task(id=_VOICE, spec=spec)


def _assumed(narration: Narration, *, captions: bool) -> list[str]:
    music = narration.music_style
    said = ["The film keeps its shape and its length, at most 1920 by 1080, and comes as H.264 at −16 LUFS."]
    if narration.voice_text:
        said.append("Its own sound is kept, and steps back behind the voice.")
        said += ["The film shows captions of what is said."] if captions else []
    elif music is MusicStyle.NONE:
        said.append(
            "Neither words nor music were given: the film is checked and brought to the right loudness."
        )
    if music is not MusicStyle.NONE:
        said.append(f"The {music} music is made on this machine, free.")
    return said


def narrated(plan: Plan, film: Film, given_s: float) -> Plan:
    """The plan once the given film was seen: its canvas, its length, and whether the words will fit it."""
    rate = f"{film.width}x{film.height} at {film.fps} frames per second"
    said = [*plan.assumptions, f"The given film lasts {given_s:.1f} s; the film is {rate}."]
    warnings = list(plan.warnings)
    for task in plan.tasks:
        if isinstance(task.spec, VoiceSpec):
            needed_s = predicted_s(task.spec.script, task.spec.language)
            if needed_s > given_s + _NOTICED_S:
                warnings.append(
                    f"The words will take about {ceil(needed_s)} s, and the given film lasts {given_s:.1f} s."
                )
    return plan.model_copy(update={"film": film, "assumptions": tuple(said), "warnings": tuple(warnings)})
