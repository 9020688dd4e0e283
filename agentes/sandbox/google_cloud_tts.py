"""Google Cloud Text-to-Speech: `GET /v1/voices`, `POST /v1/text:synthesize`, base64 in the answer and nothing else.

At most 5,000 bytes a request. A Chirp or Neural voice is named in full (`pt-BR-Chirp3-HD-Kore`); a Gemini
model is named by `modelName` beside the bare name of a speaker, and takes a `prompt` on how to speak.
How it refuses content is not documented: here, as a wrong argument, in words.
"""

from __future__ import annotations

import base64
import re
from typing import Any

from agentes.sandbox.kernel.calls import Answer, Call
from agentes.sandbox.kernel.fake import Fake, Trouble, on
from agentes.sandbox.kernel.google import complaint, require, said
from shared_knowledge.money import Money
from shared_knowledge.speech_pace import predicted_s

__all__ = ["Vendor"]

_STARS = {
    "Aoede": "FEMALE", "Charon": "MALE", "Fenrir": "MALE", "Kore": "FEMALE", "Leda": "FEMALE", "Puck": "MALE",
}  # fmt: skip
_LANGUAGES = (
    "cmn-CN", "de-DE", "en-GB", "en-US", "es-ES", "es-US", "fr-FR", "it-IT", "ja-JP", "ko-KR", "nl-NL", "pl-PL",
    "pt-BR",
)  # fmt: skip
_GEMINI = frozenset({"gemini-2.5-flash-tts", "gemini-2.5-pro-tts"})
_KINDS = {"LINEAR16": "audio/wav", "MP3": "audio/mpeg", "OGG_OPUS": "audio/ogg", "PCM": "audio/l16"}
_INFO = "type.googleapis.com/google.rpc.ErrorInfo"
_MOST_BYTES = 5000


class Vendor(Fake):
    """The list of voices, and a voice."""

    @on("free", "GET", "/v1/voices")
    async def voices(self, call: Call) -> Answer:
        """Every voice, or those of a language; `pt` lists every kind of Portuguese."""
        wanted = call.query.get("languageCode", "")
        return Answer.of({"voices": [_listed(name) for name in _names() if _speaks(name, wanted)]})

    @on("start", "POST", "/v1/text:synthesize")
    async def synthesize(self, call: Call) -> Answer:
        """One text, one sound."""
        body = call.json
        require(set(body) == {"input", "voice", "audioConfig"}, "input, voice and audioConfig")
        voice, model = body["voice"], _model(body["voice"])
        text = _text(body["input"], is_gemini=model in _GEMINI)
        kind, speed = _sound(body["audioConfig"])
        language = voice["languageCode"]
        seconds = predicted_s(text, language) / speed
        usd = self.house.price(model, times=seconds if model in _GEMINI else len(text)) if model else Money(0)
        self.house.book(call, model=model, usd=usd, number=self.house.new_id())
        if call.twist == "fail":
            return complaint(Trouble.FAILED, status=500)
        if call.twist == "no_output":
            return Answer.of({"audioContent": ""})
        content = await self.house.speech(call, text, kind, rate=24_000, language=language)
        return Answer.of({"audioContent": base64.b64encode(content).decode()})

    def complain(
        self, trouble: Trouble, call: Call, *, status: int = 0, retry_after_s: float | None = None
    ) -> Answer:
        """Tokens are refused with 401, a project without billing with 403, words like any wrong argument."""
        match trouble:
            case Trouble.BAD_KEY:
                reason = "ACCESS_TOKEN_TYPE_UNSUPPORTED" if self.key(call) else "CREDENTIALS_MISSING"
                words = "Request had invalid authentication credentials."
                return said(401, "UNAUTHENTICATED", words, {"@type": _INFO, "reason": reason})
            case Trouble.OUT_OF_CREDIT:
                words = "This API method requires billing to be enabled."
                return said(403, "PERMISSION_DENIED", words, {"@type": _INFO, "reason": "BILLING_DISABLED"})
            case Trouble.REFUSED:
                return said(
                    400,
                    "INVALID_ARGUMENT",
                    "The text contains sensitive words that violate Google's Responsible AI practices.",
                )
            case _:
                return complaint(trouble, status=status, retry_after_s=retry_after_s)


def _names() -> list[str]:
    stars = [f"{language}-Chirp3-HD-{star}" for language in _LANGUAGES for star in _STARS]
    return stars + [f"{language}-Neural2-A" for language in _LANGUAGES]


def _speaks(name: str, wanted: str) -> bool:
    return name.casefold().startswith(f"{wanted}-".casefold() if wanted else "")


def _listed(name: str) -> dict[str, Any]:
    language = "-".join(name.split("-")[:2])
    gender = _STARS.get(name.rpartition("-")[2], "FEMALE")
    return {"languageCodes": [language], "name": name, "ssmlGender": gender, "naturalSampleRateHertz": 24000}


def _model(voice: dict[str, Any]) -> str:
    """The model behind a voice; nothing for a family whose price is not on file."""
    require(
        set(voice) <= {"languageCode", "name", "modelName", "ssmlGender"}, f"unknown name in {set(voice)}"
    )
    require(re.fullmatch(r"[a-z]{2,3}-[A-Z0-9]{2,3}", voice["languageCode"]), "languageCode")
    if "modelName" in voice:
        require(voice["modelName"] in _GEMINI and voice["name"] in _STARS, "no such model or speaker")
        return str(voice["modelName"])
    require(voice["name"] in _names(), "no such voice")
    require(voice["name"].startswith(voice["languageCode"]), "the voice speaks another language")
    return "chirp-3-hd" if "-Chirp3-HD-" in voice["name"] else ""


def _text(words: dict[str, Any], *, is_gemini: bool) -> str:
    require(set(words) <= {"text", "ssml", "markup", "prompt"}, f"unknown name in {set(words)}")
    given = [words[name] for name in ("text", "ssml", "markup") if name in words]
    require(len(given) == 1 and given[0].strip(), "one of text, ssml and markup")
    require("prompt" not in words or is_gemini, "this voice takes no prompt")
    require(not is_gemini or "ssml" not in words, "this voice takes no ssml")
    require(sum(len(each.encode()) for each in words.values()) <= _MOST_BYTES, "longer than 5000 bytes")
    return re.sub(r"<[^>]*>", "", given[0]) if "ssml" in words else str(given[0])


def _sound(sound: dict[str, Any]) -> tuple[str, float]:
    known = {"audioEncoding", "speakingRate", "pitch", "volumeGainDb", "sampleRateHertz"}
    require(set(sound) <= known, f"unknown name in {set(sound)}")
    speed = sound.get("speakingRate", 1)
    require(type(speed) in (int, float) and 0.25 <= speed <= 2, "speakingRate")
    return _KINDS[sound["audioEncoding"]], float(speed)
