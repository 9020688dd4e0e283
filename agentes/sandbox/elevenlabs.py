"""ElevenLabs: speech for a text, in the answer itself; voices to choose from, and a history of what was spoken."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Mapping
from typing import Any

from agentes.sandbox.kernel.calls import Answer, Call
from agentes.sandbox.kernel.fake import Fake, Trouble, on
from agentes.sandbox.kernel.house import House

__all__ = ["Vendor"]

# The longest text of a model, and what a character of it costs in credits.
_MODELS = {
    "eleven_v4": (10_000, 1.0),
    "eleven_v4_turbo": (10_000, 0.5),
    "eleven_v3": (5_000, 1.0),
    "eleven_v3_conversational": (5_000, 0.5),
    "eleven_multilingual_v2": (10_000, 1.0),
    "eleven_flash_v2_5": (40_000, 0.5),
    "eleven_turbo_v2_5": (40_000, 0.5),
    "eleven_flash_v2": (30_000, 0.5),
    "eleven_turbo_v2": (30_000, 0.5),
}
_DEFAULT = "eleven_multilingual_v2"
# The account's voices: number, name, gender, main language, the locales it is verified for.
_VOICES = (
    ("wA7mPz3cQx9LtVb2RkYd", "Marlow", "male", "en", "en-US en-GB"),
    ("hN4sJe8uWf1GoXi6TqZc", "Odile", "female", "fr", "fr-FR fr-CA"),
    ("yB5kDr2vMn7HpSa9LwEj", "Henrike", "female", "de", "de-DE"),
    ("cU8tFg6iOq3KzRx1VmNh", "Bryn", "neutral", "en", "en-GB"),
    ("pL1bYh9eCs5AwJd7QfTk", "Tavira", "female", "pt", "pt-PT"),
    ("dX6nQv4oRk8ZuGm2WjBi", "Renzo", "male", "it", "it-IT"),
    ("fS3aLt7yEp1MhNc5VxUg", "Paloma", "female", "es", "es-ES es-MX"),
    ("kJ9wZo2rBd6TqHf8GsXe", "Isamu", "male", "ja", "ja-JP"),
    ("mV7cRi5nAl4UyPk3DzOb", "Wren", "female", "en", "en-US pt-BR"),
    ("tG2xEw8hYf9SjQa6NuLc", "Calder", "male", "en", "en-US pt-PT"),
    ("qZ4vMb1kTo7RdXs9HiFp", "Jandira", "female", "pt", "pt-BR"),
    ("gH8eUy3pJn5CwLt2BaVr", "Caetano", "male", "pt", "pt-BR"),
)
_AT_ONCE = 3
_FORMATS = {  # the telephone's own, ulaw_8000 and alaw_8000, are not played here
    f"{codec}_{rest}": mime
    for codec, mime, rests in (
        ("mp3", "audio/mpeg", "22050_32 24000_48 44100_32 44100_64 44100_96 44100_128 44100_192"),
        ("wav", "audio/wav", "8000 16000 22050 24000 32000 44100 48000"),
        ("pcm", "audio/l16", "8000 16000 22050 24000 32000 44100 48000"),
        ("opus", "audio/ogg", "48000_32 48000_64 48000_96 48000_128 48000_192"),
    )
    for rest in rests.split()
}
_GATED = {"mp3_44100_192": "Creator", "wav_44100": "Pro", "pcm_44100": "Pro"}
_SETTINGS = {"speed": (0.7, 1.2), **dict.fromkeys(("stability", "similarity_boost", "style"), (0.0, 1.0))}


def _are_settings(value: Any) -> bool:
    return isinstance(value, dict) and all(
        type(setting) in (int, float) and _SETTINGS[name][0] <= setting <= _SETTINGS[name][1]
        if name in _SETTINGS
        else name == "use_speaker_boost" and isinstance(setting, bool)
        for name, setting in value.items()
    )


_FIELDS: Mapping[str, Callable[[Any], bool]] = {
    "text": lambda value: isinstance(value, str) and value != "",
    "model_id": lambda value: isinstance(value, str),
    "language_code": lambda value: isinstance(value, str) and len(value) == 2,
    "voice_settings": _are_settings,
    "seed": lambda value: type(value) is int and 0 <= value <= 4_294_967_295,
    "previous_text": lambda value: isinstance(value, str),
    "next_text": lambda value: isinstance(value, str),
    "previous_request_ids": lambda value: isinstance(value, list) and len(value) <= 3,
    "next_request_ids": lambda value: isinstance(value, list) and len(value) <= 3,
    "apply_text_normalization": lambda value: value in ("auto", "on", "off"),
}


class Vendor(Fake):
    """ElevenLabs' side of the conversation."""

    def __init__(self, house: House) -> None:
        super().__init__(house)
        self._spoken: list[dict[str, Any]] = []
        self._sounds: dict[str, bytes] = {}
        self._spoken_at: dict[str, float] = {}
        self._credits_used = 0

    def key(self, call: Call) -> str | None:
        """The key stands in a header of its own."""
        return call.headers.get("xi-api-key")

    # ── speech ─────────────────────────────────────────────────────────────────────────────────

    @on("start", "POST", "/v1/text-to-speech/{voice_id}")
    @on("start", "POST", "/v1/text-to-speech/{voice_id}/stream")
    async def convert(self, call: Call) -> Answer:
        """The sound, as the body."""
        if (wrong := self._wrong(call)) is not None:
            return wrong
        item = await self._speak(call)
        sound = b"" if call.twist == "no_output" else self._sounds[item["history_item_id"]]
        return Answer(200, {"content-type": item["content_type"], **_counted(item)}, sound)

    @on("start", "POST", "/v1/text-to-speech/{voice_id}/with-timestamps")
    async def convert_with_timestamps(self, call: Call) -> Answer:
        """The sound in JSON, and when each letter is heard."""
        if (wrong := self._wrong(call)) is not None:
            return wrong
        item = await self._speak(call)
        sound = b"" if call.twist == "no_output" else self._sounds[item["history_item_id"]]
        told = Answer.of({"audio_base64": base64.b64encode(sound).decode(), **item["alignments"]})
        return Answer(200, {**told.headers, **_counted(item)}, told.body)

    async def _speak(self, call: Call) -> dict[str, Any]:
        """Books it, speaks it, and keeps it in the history."""
        asked, form = call.json, call.query.get("output_format", "mp3_44100_128")
        voice, model, text = call.params["voice_id"], asked.get("model_id", _DEFAULT), asked["text"]
        language, number = asked.get("language_code", "default"), self.house.new_id()
        self.house.book(call, model=model, usd=self.house.price(model, times=len(text)), number=number)
        rate = int(form.split("_")[1])
        self._sounds[number] = await self.house.speech(
            call, text, _FORMATS[form], rate=rate, language=language
        )
        letters = _spread(text, self.house.spoken_s(call, text, language))
        before, self._credits_used = self._credits_used, self._credits_used + _price(model, text)
        item = {
            "history_item_id": number,
            "request_id": self.house.new_id(),
            "voice_id": voice,
            "voice_name": next(name for known, name, *_ in _VOICES if known == voice),
            "model_id": model,
            "text": text,
            "date_unix": int(self.house.now()),
            "character_count_change_from": before,
            "character_count_change_to": self._credits_used,
            "content_type": _FORMATS[form],
            "state": "created",
            "settings": asked.get("voice_settings", {}),
            "source": "TTS",
            "alignments": {"alignment": letters, "normalized_alignment": letters},
            "output_format": form,
        }
        self._spoken.insert(0, item)
        self._spoken_at[number] = self.house.now()
        return item

    def _wrong(self, call: Call) -> Answer | None:
        """What the request is refused for; a wrong voice or model is looked at after the fields."""
        asked, form = call.json, call.query.get("output_format", "mp3_44100_128")
        if "text" not in asked:
            return self._invalid("body", "text", "Field required")
        for name, value in asked.items():
            if name not in _FIELDS or not _FIELDS[name](value):
                return self._invalid("body", name, f"{value!r} is not valid here")
        if form not in _FORMATS:
            return self._invalid("query", "output_format", f"{form!r} is not an output format")
        voice, model, text = call.params["voice_id"], asked.get("model_id", _DEFAULT), asked["text"]
        if form in _GATED:
            return self._detail(403, "output_format_not_allowed", f"{form} needs the {_GATED[form]} tier.")
        if voice not in {known for known, *_ in _VOICES}:
            return self._detail(404, "voice_not_found", f"A voice with voice_id {voice} was not found.")
        if model not in _MODELS:
            return self._detail(400, "model_not_found", f"A model with model_id {model} does not exist.")
        if len(text) > _MODELS[model][0]:
            says = f"This text has {len(text)} characters; {model} reads {_MODELS[model][0]}."
            return self._detail(400, "max_character_limit_exceeded", says)
        return self.complain(Trouble.FAILED, call) if call.twist == "fail" else None

    # ── voices, models, the account ────────────────────────────────────────────────────────────

    @on("free", "GET", "/v2/voices")
    async def search_voices(self, call: Call) -> Answer:
        """The account's voices, ten to a page; `language` and `gender` look at the labels alone."""
        size, begin = int(call.query.get("page_size", "10")), int(call.query.get("next_page_token", "0"))
        if not 1 <= size <= 100:
            return self._invalid("query", "page_size", "Input should be from 1 to 100")
        asked = {name: call.query[name] for name in ("gender", "language") if name in call.query}
        found = [voice for voice in map(_voice, _VOICES) if asked.items() <= voice["labels"].items()]
        end = begin + size
        told = {"voices": found[begin:end], "has_more": end < len(found), "total_count": len(found)}
        return Answer.of(told | {"next_page_token": str(end) if end < len(found) else None})

    @on("free", "GET", "/v1/models")
    async def models(self, call: Call) -> Answer:
        """What each model reads, and at what rate it counts."""
        return Answer.of(
            [
                {
                    "model_id": name,
                    "name": name,
                    "can_do_text_to_speech": True,
                    "maximum_text_length_per_request": longest,
                    "languages": [{"language_id": "en", "name": "English"}],
                    "model_rates": {"character_cost_multiplier": rate},
                    "concurrency_group": "turbo" if rate < 1 else "standard",
                }
                for name, (longest, rate) in _MODELS.items()
            ]
        )

    @on("free", "GET", "/v1/user/subscription")
    async def subscription(self, call: Call) -> Answer:
        """The plan, and what of it is used."""
        return Answer.of(
            {
                "tier": "starter",
                "status": "active",
                "character_count": self._credits_used,
                "character_limit": 100_000,
                "next_character_count_reset_unix": int(self.house.now()) + 20 * 86_400,
                "can_extend_character_limit": False,
                "max_credit_limit_extension": 0,
                "voice_slots_used": 0,
                "voice_limit": 10,
                "current_overage": {"amount": "0", "currency": "usd"},
                "open_invoices": [],
            }
        )

    # ── the history ────────────────────────────────────────────────────────────────────────────

    @on("find", "GET", "/v1/history")
    async def history(self, call: Call) -> Answer:
        """What was spoken, newest first; `date_after_unix` counts itself, `date_before_unix` does not."""
        asked, size = call.query, int(call.query.get("page_size", "100"))
        if "model_id" in asked and "source" not in asked:
            return self._invalid("query", "source", "Field required with model_id")
        if not 1 <= size <= 1000:
            return self._invalid("query", "page_size", "Input should be from 1 to 1000")
        found = [
            item
            for item in self._spoken
            if all(item[name] == asked[name] for name in ("voice_id", "model_id", "source") if name in asked)
            and int(asked.get("date_after_unix", "0")) <= item["date_unix"]
            and item["date_unix"] < int(asked.get("date_before_unix", "99999999999"))
            and asked.get("search", "").casefold() in item["text"].casefold()
            and self.house.shows(call, self._spoken_at[item["history_item_id"]])
        ]
        numbers = [item["history_item_id"] for item in found]
        after = asked.get("start_after_history_item_id")
        begin = numbers.index(after) + 1 if after in numbers else 0
        page = found[begin : begin + size]
        last = page[-1]["history_item_id"] if page else None
        more = begin + size < len(found)
        return Answer.of({"history": page, "last_history_item_id": last, "has_more": more})

    @on("find", "GET", "/v1/history/{item_id}")
    async def history_item(self, call: Call) -> Answer:
        """One of them."""
        found = [item for item in self._spoken if item["history_item_id"] == call.params["item_id"]]
        return Answer.of(found[0]) if found else self.complain(Trouble.EXPIRED, call)

    @on("download", "GET", "/v1/history/{item_id}/audio")
    async def history_audio(self, call: Call) -> Answer:
        """Its sound, again, at no cost."""
        found = [item for item in self._spoken if item["history_item_id"] == call.params["item_id"]]
        if not found:
            return self.complain(Trouble.EXPIRED, call)
        return Answer.file(self._sounds[found[0]["history_item_id"]], found[0]["content_type"])

    # ── complaints ─────────────────────────────────────────────────────────────────────────────

    def complain(
        self, trouble: Trouble, call: Call, *, status: int = 0, retry_after_s: float | None = None
    ) -> Answer:
        """`detail` is an object; a list where a field is wrong; a sentence where there is no such path."""
        match trouble:
            case Trouble.BAD_KEY:
                return self._detail(401, "invalid_api_key", "Invalid API key")
            case Trouble.OUT_OF_CREDIT:
                return self._detail(401, "quota_exceeded", "This request exceeds your quota.")
            case Trouble.THROTTLED:
                told = self._detail(429, "too_many_concurrent_requests", "Too many concurrent requests.")
                wait = {} if retry_after_s is None else {"retry-after": f"{retry_after_s:g}"}
                return Answer(429, {**told.headers, **_busy(_AT_ONCE), **wait}, told.body)
            case Trouble.REFUSED:
                return self._detail(400, "content_against_policy", "The text violates our Terms of Service.")
            case Trouble.RETIRED:
                return self._detail(400, "model_not_found", "This model is no longer available.")
            case Trouble.EXPIRED:
                return self._detail(404, "history_item_not_found", "There is no such history item.")
            case Trouble.NOT_FOUND:
                return Answer.of({"detail": "Not Found"}, 404)
            case Trouble.BAD_REQUEST:
                return self._invalid("body", "", "Input should be valid")
            case _:
                code = "system_busy" if status == 503 else "internal_server_error"
                return self._detail(status or 500, code, "Something went wrong on our side.")

    def _detail(self, status: int, code: str, says: str) -> Answer:
        """`code` is the newer name of `status`; both are sent."""
        number = self.house.new_id()
        told = {"code": code, "status": code, "message": says, "request_id": number}
        return Answer.of({"detail": told}, status, request_id=number)

    def _invalid(self, place: str, field: str, says: str) -> Answer:
        told = {"loc": [place, field], "msg": says, "type": "value_error"}
        return Answer.of({"detail": [told]}, 422, request_id=self.house.new_id())


def _price(model: str, text: str) -> int:
    return math.ceil(len(text) * _MODELS[model][1])


def _counted(item: dict[str, Any]) -> dict[str, str]:
    cost = item["character_count_change_to"] - item["character_count_change_from"]
    numbers = {"request-id": item["request_id"], "history-item-id": item["history_item_id"]}
    return {**numbers, "character-cost": str(cost), **_busy(1)}


def _busy(count: int) -> dict[str, str]:
    return {"current-concurrent-requests": str(count), "maximum-concurrent-requests": str(_AT_ONCE)}


def _spread(text: str, seconds: float) -> dict[str, list[Any]]:
    """Every letter, and its even share of the time."""
    times = [round(seconds * number / len(text), 3) for number in range(len(text) + 1)]
    return {
        "characters": list(text),
        "character_start_times_seconds": times[:-1],
        "character_end_times_seconds": times[1:],
    }


def _voice(known: tuple[str, str, str, str, str]) -> dict[str, Any]:
    """A voice, verified for locale after locale and model after model."""
    number, name, gender, language, locales = known
    return {
        "voice_id": number,
        "name": name,
        "category": "premade",
        "labels": {"gender": gender, "language": language, "use_case": "narration"},
        "verified_languages": [
            {"language": locale[:2], "locale": locale, "model_id": model, "accent": None}
            for locale in locales.split()
            for model in _MODELS
        ],
    }
