"""A voice in words: the text exactly as it is to be spoken, and beside it how."""

from __future__ import annotations

import re

from shared_knowledge.errors import Unsuitable
from shared_knowledge.prompts import Dialect, Prompt, fits, manner_of, named_in, render
from shared_knowledge.speech_pace import rate_to_fit
from shared_knowledge.vocabulary import Medium, Task, VoiceIntent, VoiceSpec

__all__ = ["delivery_notes", "intent_of", "speaking_rate", "spoken_text", "write_prompt"]

_TURN = re.compile(r"^\s*(?P<speaker>[^\W\d_][\w .'’-]{0,24}?)\s*(?::\s+|：\s*)(?P<says>\S.*)$")
_DIALOGUE = (
    "dialogue", "dialog", "conversation", "diálogo", "conversa", "conversación", "dialogo", "conversazione",
    "gespräch",
)  # fmt: skip
_ACCENTS = {
    "pt-BR": "Brazilian Portuguese", "pt-PT": "European Portuguese", "pt": "Portuguese",
    "en": "English", "en-US": "American English", "en-GB": "British English",
    "es": "Spanish", "es-ES": "Castilian Spanish", "es-MX": "Mexican Spanish",
    "es-AR": "Rioplatense Spanish", "es-CO": "Colombian Spanish",
    "fr": "French", "fr-CA": "Canadian French", "de": "German", "it": "Italian",
    "nl": "Dutch", "pl": "Polish", "ja": "Japanese", "zh": "Mandarin Chinese", "ko": "Korean",
}  # fmt: skip


def write_prompt(task: Task, dialect: Dialect) -> Prompt:
    """What is to be spoken, word for word; an adapter whose vendor reads markup makes it of this.

    A text is never cut to fit: a platform that reads too little is Unsuitable, and the next may do.
    """
    spec = _voice(task)
    prompt = render(
        f"voice/{spec.intent.value}.j2",
        manner=manner_of(Medium.VOICE, dialect.name),
        words=spec.script,
        turns=_turns(spec),
    )
    if not fits(prompt, dialect):
        raise Unsuitable(
            f"The text of {task.id} is longer than the {dialect.limit:,} {dialect.unit} {dialect.name} reads.",
            todo="Use a shorter text, or divide it into several voices.",
        )
    return Prompt(prompt)


def delivery_notes(task: Task) -> str:
    """How it is to be spoken: accent, manner, pace, names; for platforms that take this beside the text."""
    spec = _voice(task)
    seconds = spec.duration_s or spec.at_most_s
    return " ".join(
        render(
            "voice/delivery.j2",
            accent=_ACCENTS.get(spec.language) or _ACCENTS.get(spec.language.split("-")[0]) or spec.language,
            gender=spec.gender,
            style=spec.style,
            turns=len(_turns(spec)) if spec.intent is VoiceIntent.DIALOGUE else 1,
            seconds=f"{seconds:g}" if seconds else None,
            rate=speaking_rate(spec),
            names=_names(spec.script),
        ).split()
    )


def speaking_rate(spec: VoiceSpec) -> float:
    """How much faster (above 1) or slower than usual the text must be spoken to meet its length."""
    return rate_to_fit(spoken_text(spec), spec.language, duration_s=spec.duration_s, at_most_s=spec.at_most_s)


def spoken_text(spec: VoiceSpec) -> str:
    """The words that are heard: a dialogue without the names of its speakers."""
    return "\n".join(_turns(spec)) if spec.intent is VoiceIntent.DIALOGUE else spec.script


def intent_of(script: str, words: str) -> VoiceIntent:
    """Whether one voice narrates or several speak in turn."""
    turns = [line for line in script.splitlines() if _TURN.match(line)]
    several = len({_TURN.sub(r"\g<speaker>", line).strip() for line in turns}) > 1
    said = bool(turns) and named_in(words, _DIALOGUE) is not None
    return VoiceIntent.DIALOGUE if several or said else VoiceIntent.NARRATION


def _turns(spec: VoiceSpec) -> list[str]:
    if spec.intent is VoiceIntent.NARRATION:
        return [spec.script]
    lines = [line.strip() for line in spec.script.splitlines() if line.strip()]
    return [match["says"].strip() if (match := _TURN.match(line)) else line for line in lines]


def _names(script: str) -> list[str]:
    """Words written as only names are: all in capitals, or with a capital further on."""
    found = re.findall(r"\b(?:[A-Z]{2,6}|[A-Z]?[a-z]+[A-Z]\w*)\b", script)
    return [] if script.isupper() else list(dict.fromkeys(found))[:6]


def _voice(task: Task) -> VoiceSpec:
    assert isinstance(task.spec, VoiceSpec)
    return task.spec
