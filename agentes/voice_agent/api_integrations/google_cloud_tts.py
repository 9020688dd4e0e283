"""Google Cloud Text-to-Speech: a voice is chosen from the list of its language, then everything is said at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import httpx

from agentes.contract import Done, Inline, Standing
from agentes.voice_agent.wording import delivery_notes, speaking_rate, spoken_text
from agentes.wire import google
from agentes.wire.said import Said
from shared_knowledge.errors import Failed, PlatformError, Unsuitable
from shared_knowledge.vocabulary import Order, Task, VoiceIntent, VoiceSpec

__all__ = ["Adapter"]

_HOME = {
    "de": "de-DE", "en": "en-US", "es": "es-ES", "fr": "fr-FR", "it": "it-IT", "ja": "ja-JP", "ko": "ko-KR",
    "nl": "nl-NL", "pl": "pl-PL", "pt": "pt-BR", "zh": "cmn-CN", "zh-CN": "cmn-CN", "zh-TW": "cmn-TW",
}  # fmt: skip
_FAMILY = "-Chirp3-HD-"
# Gemini's speakers bear the names of the Chirp stars; the genders are those of Google's tables (2026-11).
_STARS = {"female": "Kore", "male": "Charon"}


class _Voice(Said):
    name: str
    languageCodes: tuple[str, ...]  # noqa: N815 - Google's own name
    ssmlGender: str = ""  # noqa: N815 - Google's own name


class _Voices(Said):
    voices: tuple[_Voice, ...] = ()


class _Spoken(Said):
    audioContent: str = ""  # noqa: N815 - Google's own name


class Adapter:
    """The Chirp and Gemini voices of Cloud Text-to-Speech."""

    async def prepare(self, http: httpx.AsyncClient, order: Order) -> Order:
        """Chooses a voice that speaks the language, of the wanted gender if there is one."""
        spec = _spec(order)
        if _is_gemini(order):
            return order
        language = _language(spec)
        listed = _Voices.of(await http.get("/v1/voices", params={"languageCode": language})).voices
        voice = _best([one for one in listed if _FAMILY in one.name and language in one.languageCodes], spec)
        if voice is None:
            raise Unsuitable(f"Google has no {order.model} voice for {language}.")
        told = {"voice": voice.name, "is_wanted": spec.gender in (None, voice.ssmlGender.lower())}
        return order.model_copy(update={"prepared": told})

    async def start(self, http: httpx.AsyncClient, order: Order) -> Done:
        """Buys the whole text in one take, which is in the answer."""
        spoken = _Spoken.of(await http.post("/v1/text:synthesize", json=_request(order)))
        if not spoken.audioContent:
            raise Failed("Google answered without sound.")
        return Done(Inline("/audioContent"), warnings=_cannot_say(order))

    async def standing(self, http: httpx.AsyncClient) -> Standing:
        """The list of voices is free, and shown to known accounts only."""
        _Voices.of(await http.get("/v1/voices", params={"languageCode": "en-US"}))
        return Standing()

    def explain(self, response: httpx.Response) -> PlatformError | None:
        """Google's error in our words."""
        return google.explain(response)


def _request(order: Order) -> dict[str, Any]:
    spec = _spec(order)
    words = {"text": spoken_text(spec)}
    voice = {"languageCode": _language(spec)}
    sound: dict[str, Any] = {"audioEncoding": "LINEAR16"}
    if _is_gemini(order):
        words["prompt"] = delivery_notes(Task(id=order.task, spec=spec))
        voice |= {"name": _STARS[spec.gender or "female"], "modelName": order.model}
    else:
        voice["name"] = str(order.prepared["voice"])
        if (rate := speaking_rate(spec)) != 1:
            sound["speakingRate"] = rate
    return {"input": words, "voice": voice, "audioConfig": sound}


def _best(voices: Sequence[_Voice], spec: VoiceSpec) -> _Voice | None:
    """The voice of the wanted gender, a well-known one first, the same one every time."""
    return min(
        voices,
        key=lambda voice: (
            spec.gender not in (None, voice.ssmlGender.lower()),
            voice.name.rpartition("-")[2] not in _STARS.values(),
            voice.name.rpartition("-")[2] != _STARS[spec.gender or "female"],
            voice.name,
        ),
        default=None,
    )


def _cannot_say(order: Order) -> tuple[str, ...]:
    spec, warnings = _spec(order), []
    if not order.prepared.get("is_wanted", True):
        warnings.append(f"Google has no {spec.gender} voice for {spec.language}; another one speaks.")
    if spec.intent is VoiceIntent.DIALOGUE:
        warnings.append("One voice speaks all the turns of the dialogue.")
    return tuple(warnings)


def _language(spec: VoiceSpec) -> str:
    """The language as Google Cloud names it, with a region."""
    return _HOME.get(spec.language, spec.language)


def _is_gemini(order: Order) -> bool:
    """Gemini's speakers are named outright and take notes on delivery; a Chirp voice is one of a list."""
    return order.model.startswith("gemini-")


def _spec(order: Order) -> VoiceSpec:
    assert isinstance(order.spec, VoiceSpec)
    return order.spec
