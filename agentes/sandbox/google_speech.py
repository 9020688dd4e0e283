"""Gemini speech by API key: `POST /{v1|v1beta}/models/{model}:generateContent` with the text as it is to be spoken.

gemini-3.8-flash-tts answers with a WAV file, the lite model with bare samples labelled
`audio/L16;codec=pcm;rate=24000`: both have been seen of Google. Flash refuses the words, lite the finished sound.
"""

from __future__ import annotations

import base64
import math
from typing import Any

from agentes.sandbox.kernel.calls import Answer, Call
from agentes.sandbox.kernel.fake import Trouble, on
from agentes.sandbox.kernel.google import GeminiFake, require

__all__ = ["Vendor"]

_MODELS = {"gemini-3.8-flash-tts": "audio/wav", "gemini-3.8-flash-lite-tts": "audio/L16;codec=pcm;rate=24000"}
_VOICES = frozenset(
    {
        "Achernar", "Achird", "Algenib", "Algieba", "Alnilam", "Aoede", "Autonoe", "Callirrhoe",
        "Charon", "Despina", "Enceladus", "Erinome", "Fenrir", "Gacrux", "Iapetus", "Kore",
        "Laomedeia", "Leda", "Orus", "Puck", "Pulcherrima", "Rasalgethi", "Sadachbia", "Sadaltager",
        "Schedar", "Sulafat", "Umbriel", "Vindemiatrix", "Zephyr", "Zubenelgenubi",
    }
)  # fmt: skip
_MOST_TOKENS = 8192
_TOKENS_PER_S = 25


class Vendor(GeminiFake):
    """Speech at the Developer API."""

    refused_afterwards = ("gemini-3.8-flash-lite-tts",)

    @on("start", "POST", "/v1beta/models/{model}:generateContent")
    @on("start", "POST", "/v1/models/{model}:generateContent")
    async def generate(self, call: Call) -> Answer:
        """One take of everything; style stands beside a part, never in it."""
        model = call.params["model"]
        label = _MODELS.get(model)
        if label is None:
            return self.complain(Trouble.RETIRED, call)
        parts, wishes = self.request(call)
        require(
            set(wishes) <= {"responseModalities", "speechConfig", "seed", "candidateCount"}, "unknown name"
        )
        require(wishes["responseModalities"] == ["AUDIO"], "responseModalities")
        language = _speech(wishes["speechConfig"])
        text = "\n".join(_spoken(part) for part in parts)
        styles = [part.get("speechMetadata", {}).get("style", "") for part in parts]
        sent = math.ceil(len("".join([text, *styles]).encode()) / 4)
        require(sent <= _MOST_TOKENS, "too long")
        counted = {"sent TEXT": sent}
        if call.twist == "fail":
            return self.answer(call, model, counted, {"content": {}, "finishReason": "OTHER"})
        if call.twist == "no_output":
            nothing = {"content": {"role": "model", "parts": []}, "finishReason": "STOP"}
            return self.answer(call, model, counted, nothing)
        kind = "audio/wav" if label == "audio/wav" else "audio/l16"
        content = await self.house.speech(call, text, kind, rate=24_000, language=language)
        counted["made AUDIO"] = math.ceil(self.house.spoken_s(call, text, language) * _TOKENS_PER_S)
        blob = {"mimeType": label, "data": base64.b64encode(content).decode()}
        whole = {"content": {"role": "model", "parts": [{"inlineData": blob}]}, "finishReason": "STOP"}
        return self.answer(call, model, counted, whole)

    @on("free", "GET", "/v1beta/models")
    @on("free", "GET", "/v1/models")
    async def models(self, call: Call) -> Answer:
        """What there is, a page at a time."""
        page = list(_MODELS)[: int(call.query.get("pageSize", "50"))]
        return Answer.of({"models": [{"name": f"models/{name}", "displayName": name} for name in page]})


def _spoken(part: dict[str, Any]) -> str:
    require(set(part) <= {"text", "speechMetadata"}, f"unknown name in {set(part)}")
    about = part.get("speechMetadata", {})
    require(set(about) <= {"style", "speaker"}, f"unknown name in {set(about)}")
    require(all(isinstance(word, str) for word in about.values()), "speechMetadata")
    text = part["text"]
    require(isinstance(text, str) and text.strip(), "no text")
    return str(text)


def _speech(speech: dict[str, Any]) -> str:
    """The language; one voice, or exactly two speakers."""
    require(set(speech) <= {"languageCode", "voiceConfig", "multiSpeakerVoiceConfig"}, "unknown name")
    require(("voiceConfig" in speech) != ("multiSpeakerVoiceConfig" in speech), "one voice, or two speakers")
    if "voiceConfig" in speech:
        _voice(speech["voiceConfig"])
    else:
        speakers = speech["multiSpeakerVoiceConfig"]["speakerVoiceConfigs"]
        require(len(speakers) == 2, "exactly two speakers")
        for one in speakers:
            require(one["speaker"], "a speaker has a name")
            _voice(one["voiceConfig"])
    language = speech.get("languageCode", "default")
    require(isinstance(language, str), "languageCode")
    return str(language)


def _voice(voice: dict[str, Any]) -> None:
    named = [voice.get("voice"), voice.get("prebuiltVoiceConfig", {}).get("voiceName")]
    require(sum(name is not None for name in named) == 1, "a voice has one name")
    require(any(name in _VOICES for name in named), "no such voice")
