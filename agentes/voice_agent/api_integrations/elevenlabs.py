"""ElevenLabs: speech at once, with the moment of every letter; what was spoken stays in its history."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Annotated, Any

import httpx
from pydantic import Field, JsonValue

from agentes.contract import Candidates, Done, Inline, Link, Standing
from agentes.voice_agent.wording import speaking_rate
from agentes.wire.said import Said, Unintelligible, VendorId
from shared_knowledge.errors import InDoubt, PlatformError, Refused, Unavailable, Unsuitable
from shared_knowledge.platform_facts import Unit
from shared_knowledge.vocabulary import Order, VoiceSpec

__all__ = ["Adapter"]

_FORMAT = "mp3_44100_128"  # every plan may ask for it
_TAKES_NO_LANGUAGE = ("eleven_multilingual_v2",)
_PAGES_MOST = 10
_FLUENT = 5
_INCREDIBLE = 1_000_000
_EARLIER_S, _LATER_S = 120, 900
_POLICY = re.compile(r"(?i)policy|violat|moderat|safety|unsafe|prohibited|blocked|bad_prompt")
_PURSE = re.compile(r"(?i)quota|credit|payment|paid_plan|subscription")

_Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class _Verified(Said):
    language: str | None = None
    locale: str | None = None
    model_id: str | None = None


class _Voice(Said):
    voice_id: VendorId
    name: str | None = None
    labels: dict[str, Any] | None = None
    verified_languages: list[_Verified] | None = None

    def label(self, name: str) -> str:
        """What the vendor's label of that name says."""
        return str((self.labels or {}).get(name, "")).casefold()

    def fluency(self, order: Order) -> int:
        """How sure it is that it speaks the language: 5 for this locale and model, 0 for not at all."""
        wanted = _spec(order).language.casefold()
        base, _, region = wanted.partition("-")
        best = int(self.label("language") in {base, wanted})
        for verified in self.verified_languages or ():
            locale = (verified.locale or "").casefold()
            if (verified.language or locale).casefold().partition("-")[0] != base:
                continue
            if locale == wanted or not region:
                best = max(best, _FLUENT if verified.model_id == order.model else 4)
            else:
                best = max(best, 2 if locale else 3)
        return best


class _Voices(Said):
    voices: list[_Voice]
    has_more: bool = False
    next_page_token: str | None = None


class _Alignment(Said):
    characters: list[str]
    character_start_times_seconds: list[_Seconds]
    character_end_times_seconds: list[_Seconds]


class _Spoken(Said):
    audio_base64: str = Field(min_length=1)
    alignment: Any = None


class _Item(Said):
    history_item_id: VendorId
    date_unix: int
    text: str | None = None
    voice_id: str | None = None
    model_id: str | None = None
    character_count_change_from: int = 0
    character_count_change_to: int = 0
    alignments: Any = None


class _History(Said):
    history: list[_Item]
    has_more: bool = False


class _Subscription(Said):
    character_count: int
    character_limit: int


class _Error(Said):
    detail: Any = None


class Adapter:
    """Speaks ElevenLabs."""

    async def prepare(self, http: httpx.AsyncClient, order: Order) -> Order:
        """Chooses the voice: of the gender that was asked for, and verified for the language."""
        gender, language = _spec(order).gender, _spec(order).language.casefold().partition("-")[0]
        voices = [voice async for voice in _voices(http, order, gender)]
        if gender and not voices:
            voices = [voice async for voice in _voices(http, order, None)]
        if not voices:
            raise Unsuitable("The ElevenLabs account has no voice.", todo="Add one to it, then try again.")
        voice = max(
            voices,
            key=lambda one: (
                gender in (None, one.label("gender")),
                one.fluency(order),
                one.label("language") == language,
            ),
        )
        chosen: dict[str, JsonValue] = {"voice": voice.voice_id, "doubts": _doubts(voice, order)}
        return order.model_copy(update={"prepared": chosen})

    async def start(self, http: httpx.AsyncClient, order: Order) -> Done:
        """The text, spoken."""
        if not isinstance(voice := order.prepared.get("voice"), str):
            raise Unsuitable(f"No ElevenLabs voice was chosen for {order.task}.")
        path, query = f"/v1/text-to-speech/{voice}/with-timestamps", {"output_format": _FORMAT}
        response = await http.post(path, params=query, json=_wanted(order))
        spoken = _Spoken.of(response)
        doubts = order.prepared.get("doubts")
        warnings = [str(doubt) for doubt in doubts] if isinstance(doubts, list) else []
        words = _words_in(spoken.alignment)
        if not words:
            warnings.append("ElevenLabs sent no usable times of the words.")
        stated = response.headers.get("character-cost", "")
        counted = int(stated) if re.fullmatch(r"[0-9]{1,7}", stated) else 0
        return _done(Inline("/audio_base64"), order, counted, words, warnings)

    async def find(self, http: httpx.AsyncClient, order: Order) -> Done | Candidates | None:
        """The one item of the history with these words, model and voice, spoken when the order was sent.

        Where more than one could be it, or the same words were spoken by another voice, all of them.
        """
        said = [item async for item in _history(http, order) if _is_it(item, order)]
        voice = order.prepared.get("voice")
        ours = [item for item in said if voice in (None, item.voice_id)]
        if not said:
            return None
        if len(ours) != 1:
            return Candidates(tuple(item.history_item_id for item in said))
        item = ours[0]
        audio = http.build_request("GET", f"/v1/history/{item.history_item_id}/audio").url
        kept = item.alignments.get("alignment") if isinstance(item.alignments, dict) else None
        counted = item.character_count_change_to - item.character_count_change_from
        return _done(Link(str(audio), signed=True), order, counted, _words_in(kept))

    async def standing(self, http: httpx.AsyncClient) -> Standing:
        """What is left of the month."""
        plan = _Subscription.of(await http.get("/v1/user/subscription"))
        return Standing(left=f"{max(0, plan.character_limit - plan.character_count):,} characters")

    def explain(self, response: httpx.Response) -> PlatformError | None:
        """401 may be an empty purse, and 404 a voice; waiting and server trouble are the house's."""
        status = response.status_code
        try:
            code, told = _complaint(_Error.of(response).detail, response.headers.get("request-id", ""))
        except Unintelligible:
            return None
        if status == 429 or status >= 500:
            return None
        if status == 402 or _PURSE.search(code):
            return Unavailable("ElevenLabs has no characters left for this key.", because="credit", **told)
        if _POLICY.search(code) or "terms of service" in told["vendor_says"].casefold():
            return Refused("ElevenLabs does not speak this text.", **told)
        if status in (401, 403):
            return Unavailable("ElevenLabs does not accept the key.", because="key", **told)
        if "voice" in code:
            return Unsuitable("ElevenLabs no longer has the chosen voice.", **told)
        if "model" in code:
            return Unavailable("ElevenLabs does not have this model.", because="model", **told)
        return Unsuitable("ElevenLabs cannot speak it as asked.", **told) if status in (400, 422) else None


def _spec(order: Order) -> VoiceSpec:
    assert isinstance(order.spec, VoiceSpec)
    return order.spec


async def _voices(http: httpx.AsyncClient, order: Order, gender: str | None) -> AsyncIterator[_Voice]:
    """The account's voices, until one is found that is verified for the very language and model.

    The vendor's language filter reads a voice's main language only, and would hide what it is verified for.
    """
    params: dict[str, str | int] = {"page_size": 100, **({"gender": gender} if gender else {})}
    for _ in range(_PAGES_MOST):
        page = _Voices.of(await http.get("/v2/voices", params=params))
        for voice in page.voices:
            yield voice
        found = any(voice.fluency(order) == _FLUENT for voice in page.voices)
        if found or not page.has_more or not page.next_page_token:
            return
        params["next_page_token"] = page.next_page_token


def _doubts(voice: _Voice, order: Order) -> list[JsonValue]:
    """What a person should know of a voice that is not quite what was asked for."""
    spec, name, fluency = _spec(order), voice.name or voice.voice_id, voice.fluency(order)
    doubts: list[JsonValue] = []
    if spec.gender not in (None, voice.label("gender")):
        doubts.append(f"No {spec.gender} voice is in the ElevenLabs account; {name} speaks.")
    if fluency == 0:
        doubts.append(f"No such voice is verified for {spec.language}; {name} may have an accent.")
    elif fluency == 2:
        doubts.append(f"{name} is verified for the language, but not for {spec.language}.")
    if spec.style:
        doubts.append(f"ElevenLabs is not told how to speak ({spec.style}); the voice and the text decide.")
    return doubts


def _wanted(order: Order) -> dict[str, JsonValue]:
    spec = _spec(order)
    wanted: dict[str, JsonValue] = {"text": order.prompt, "model_id": order.model}
    language = spec.language.partition("-")[0].casefold()
    if len(language) == 2 and order.model not in _TAKES_NO_LANGUAGE:
        wanted["language_code"] = language
    if (rate := speaking_rate(spec)) != 1.0:  # 0.85 to 1.2; the vendor takes 0.7 to 1.2
        wanted["voice_settings"] = {"speed": rate}
    if spec.seed:
        wanted["seed"] = spec.seed % 2**32
    return wanted


def _done(
    media: Inline | Link,
    order: Order,
    counted: int,
    words: list[JsonValue],
    warnings: list[str] | None = None,
) -> Done:
    """What was counted may be credits, which are fewer on half-price models: the letters are never undercut."""
    used = {Unit.CHARACTERS: max(counted if counted < _INCREDIBLE else 0, len(order.prompt))}
    return Done(media, tuple(warnings or ()), used=used, measured={"words": words} if words else {})


def _words_in(alignment: Any) -> list[JsonValue]:
    """[start, end, word] of every word, folded from its letters; none if the letters do not fit their times."""
    try:
        told = _Alignment.read(alignment)
    except Unintelligible:
        return []
    starts, ends = told.character_start_times_seconds, told.character_end_times_seconds
    if not len(told.characters) == len(starts) == len(ends):
        return []
    words: list[JsonValue] = []
    word, begins, stops = "", 0.0, 0.0
    for letter, start, end in zip([*told.characters, " "], [*starts, 0.0], [*ends, 0.0], strict=True):
        if letter.strip():
            word, begins, stops = word + letter.strip(), begins if word else start, end
        elif word:
            words.append([begins, max(begins, stops), word])
            word = ""
    return words


async def _history(http: httpx.AsyncClient, order: Order) -> AsyncIterator[_Item]:
    """What was spoken around the moment the order was sent, however the two clocks differ."""
    params: dict[str, str | int] = {"page_size": 1000}
    if order.sent_at is not None:
        sent = int(order.sent_at.timestamp())
        params |= {"date_after_unix": sent - _EARLIER_S, "date_before_unix": sent + _LATER_S}
    for _ in range(_PAGES_MOST):
        page = _History.of(await http.get("/v1/history", params=params))
        for item in page.history:
            yield item
        if not page.has_more or not page.history:
            return
        params["start_after_history_item_id"] = page.history[-1].history_item_id
    raise InDoubt(f"The history of ElevenLabs is too long to be searched for order {order.id}.")


def _is_it(item: _Item, order: Order) -> bool:
    after_s = item.date_unix - order.sent_at.timestamp() if order.sent_at else 0
    same_words = " ".join((item.text or "").split()) == " ".join(order.prompt.split())
    return same_words and item.model_id in (None, order.model) and -_EARLIER_S <= after_s <= _LATER_S


def _complaint(detail: Any, number: str) -> tuple[str, dict[str, Any]]:
    """The code and the sentence: `detail` is an object (older: with a status), wrong fields, or a sentence."""
    code, says = "", detail
    if isinstance(detail, list):
        says = "; ".join(str(field.get("msg", "")) for field in detail[:3] if isinstance(field, dict))
    elif isinstance(detail, dict):
        code = " ".join(str(detail.get(name) or "") for name in ("code", "status"))
        says, own = detail.get("message"), detail.get("request_id")
        number = own if isinstance(own, str) else number
    return code, {"vendor_says": says[:500] if isinstance(says, str) else "", "request_id": number}
