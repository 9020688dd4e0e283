"""OpenAI speech as its manual tells it: raw sound at once, no usage, and an end on 2027-01-06."""

from __future__ import annotations

import struct
from typing import Any

from agentes.sandbox.kernel.calls import Answer, Call
from agentes.sandbox.kernel.fake import Fake, Trouble, on
from shared_knowledge.money import Money

__all__ = ["Vendor"]

_MODELS = ("gpt-4o-mini-tts", "gpt-4o-mini-tts-2025-12-15", "tts-1", "tts-1-hd")
_ENDS = "2027-01-06"
_VOICES_OF_ALL = {"alloy", "ash", "coral", "echo", "fable", "onyx", "nova", "sage", "shimmer"}
_VOICES_OF_MINI = _VOICES_OF_ALL | {"ballad", "verse", "marin", "cedar"}
_FIELDS = {"model", "input", "voice", "instructions", "response_format", "speed", "stream_format"}
_MOST_CHARACTERS = 4096
_RATE = 24_000
_KINDS = {"mp3": "audio/mpeg", "opus": "audio/ogg", "wav": "audio/wav", "pcm": "audio/pcm"}
_LENGTH_UNKNOWN = 0xFFFFFFFF


class Vendor(Fake):
    """`POST /v1/audio/speech`, with the key as a Bearer."""

    @on("start", "POST", "/v1/audio/speech")
    async def speak(self, call: Call) -> Answer:
        """The words as sound, mp3 unless another format is asked for."""
        wanted = call.json
        complaint = _complaint(wanted)
        if complaint is not None:
            return complaint
        if call.twist == "fail":
            return self.complain(Trouble.BROKEN, call, status=500)
        form = wanted.get("response_format", "mp3")
        number = self.house.new_id("req_")
        usd = self._price(call, wanted["model"].removesuffix("-2025-12-15"), wanted["input"])
        self.house.book(call, model=wanted["model"], usd=usd, number=number)
        sound = b"" if call.twist == "no_output" else await self._sound(call, wanted["input"], form)
        return Answer.file(sound, _KINDS[form], x_request_id=number, openai_processing_ms="412")

    @on("free", "GET", "/v1/models")
    async def models(self, call: Call) -> Answer:
        """Every model, with the day it ends."""
        told = {"object": "model", "created": 1_742_400_000, "owned_by": "system", "shutdown_date": _ENDS}
        return Answer.of({"object": "list", "data": [{"id": name, **told} for name in _MODELS]})

    def complain(
        self, trouble: Trouble, call: Call, *, status: int = 0, retry_after_s: float | None = None
    ) -> Answer:
        """`{"error": {"message", "type", "param", "code"}}`."""
        number = {"x_request_id": self.house.new_id("req_")}
        waiting = {} if retry_after_s is None else {"retry_after": f"{retry_after_s:g}"}
        match trouble:
            case Trouble.BAD_KEY:
                return _error(401, "Incorrect API key provided.", "invalid_api_key", **number)
            case Trouble.THROTTLED:
                says = "Rate limit reached for requests per minute. Please try again later."
                return _error(429, says, "rate_limit_exceeded", kind="requests", **waiting, **number)
            case Trouble.OUT_OF_CREDIT:
                says = "You exceeded your current quota, please check your plan and billing details."
                return _error(429, says, "insufficient_quota", kind="insufficient_quota", **number)
            case Trouble.RETIRED:
                return _error(404, "The model has been shut down.", "model_not_found", "model", **number)
            case Trouble.REFUSED:
                says = "This request was rejected as a result of our safety system."
                return _error(400, says, "content_policy_violation", "input", **number)
            case Trouble.NOT_FOUND | Trouble.EXPIRED:
                return _error(404, f"Invalid URL ({call.method} {call.path})", None, **number)
            case Trouble.BAD_REQUEST:
                return _error(400, "We could not parse the JSON body of your request.", None, **number)
            case Trouble.FAILED | Trouble.BROKEN if status != 502:
                says = "The server had an error while processing your request. Sorry about that!"
                return _error(status or 500, says, "server_error", kind="server_error", **waiting, **number)
            case _:
                return Answer.text("<html><h1>502 Bad Gateway</h1></html>", 502, "text/html")

    def _price(self, call: Call, model: str, text: str) -> Money:
        """By the character; gpt-4o-mini-tts by the second, which stands for its tokens."""
        by_length = model.startswith("tts-1")
        return self.house.price(model, times=len(text) if by_length else self.house.spoken_s(call, text))

    async def _sound(self, call: Call, text: str, form: str) -> bytes:
        if form in ("mp3", "opus"):
            return await self.house.speech(call, text, _KINDS[form])
        samples = await self.house.speech(call, text, "audio/l16", rate=_RATE)
        return _wav_head() + samples if form == "wav" else samples


def _wav_head() -> bytes:
    """It is sent before the sound is over, so it states the greatest lengths there are."""
    shape = struct.pack("<IHHIIHH", 16, 1, 1, _RATE, 2 * _RATE, 2, 16)
    unknown = struct.pack("<I", _LENGTH_UNKNOWN)
    return b"RIFF" + unknown + b"WAVEfmt " + shape + b"data" + unknown


def _complaint(wanted: Any) -> Answer | None:
    """What is wrong with a request, if anything is."""
    model, text, voice = wanted.get("model"), wanted.get("input"), wanted.get("voice")
    for name in wanted.keys() - _FIELDS:
        return _error(400, f"Unknown parameter: '{name}'.", "unknown_parameter", name)
    if model not in _MODELS:
        return _error(404, f"The model '{model}' does not exist.", "model_not_found", "model")
    if not isinstance(text, str) or not text.strip():
        return _error(400, "Missing required parameter: 'input'.", "missing_required_parameter", "input")
    if len(text) > _MOST_CHARACTERS:
        says = f"Input should have at most {_MOST_CHARACTERS} characters."
        return _error(400, says, "string_above_max_length", "input")
    old = model.startswith("tts-1")
    own = isinstance(voice, dict) and str(voice.get("id", "")).startswith("voice_")
    if not own and voice not in (_VOICES_OF_ALL if old else _VOICES_OF_MINI):
        return _error(400, f"Invalid value: {voice!r} is no voice of {model}.", "invalid_value", "voice")
    if old and ("instructions" in wanted or wanted.get("stream_format") == "sse"):
        return _error(
            400, f"{model} takes no instructions and no sse.", "unsupported_parameter", "instructions"
        )
    if wanted.get("response_format", "mp3") not in _KINDS:
        return _error(400, "This format is not played here.", "invalid_value", "response_format")
    if wanted.get("stream_format", "audio") != "audio":
        return _error(400, "Events are not played here.", "invalid_value", "stream_format")
    speed = wanted.get("speed", 1.0)
    if type(speed) not in (int, float) or not 0.25 <= speed <= 4.0:
        return _error(400, "'speed' must be from 0.25 to 4.0.", "invalid_value", "speed")
    return None


def _error(
    status: int,
    message: str,
    code: str | None,
    param: str | None = None,
    *,
    kind: str = "invalid_request_error",
    **headers: str,
) -> Answer:
    return Answer.of(
        {"error": {"message": message, "type": kind, "param": param, "code": code}}, status, **headers
    )
