"""Azure Speech: speech at once, ordered in speech markup, from voices that every region lists for itself."""

from __future__ import annotations

import re
from contextlib import suppress
from html import escape

import httpx
from pydantic import Field, JsonValue

from agentes.contract import Body, Done, Standing
from agentes.voice_agent.wording import speaking_rate
from agentes.wire.said import Said, Unintelligible, VendorId
from shared_knowledge.errors import PlatformError, Unavailable, Unsuitable
from shared_knowledge.speech_pace import predicted_s
from shared_knowledge.terms import model_of
from shared_knowledge.vocabulary import Order, VoiceSpec

__all__ = ["Adapter"]

_FORMAT = "riff-24khz-16bit-mono-pcm"
_FIRST = {"female": "pt-BR-FranciscaNeural", "male": "pt-BR-AntonioNeural"}
_HOMES = {"en": "en-US", "pt": "pt-BR", "zh": "zh-CN", "ja": "ja-JP", "ko": "ko-KR", "hi": "hi-IN"}
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class _Voice(Said):
    name: VendorId = Field(alias="ShortName")
    locale: str = Field(alias="Locale")
    gender: str = Field(default="", alias="Gender")
    status: str = Field(default="GA", alias="Status")

    @property
    def is_hd(self) -> bool:
        """HD voices carry their model behind a colon: `en-US-Ava:DragonHDLatestNeural`."""
        return ":" in self.name


class Adapter:
    """Speaks Azure Speech's REST interface."""

    async def prepare(self, http: httpx.AsyncClient, order: Order) -> Order:
        """Chooses a voice of the language, the gender and the family that was priced."""
        spec = _spec(order)
        longest_s = model_of(order).longest_s
        if longest_s and predicted_s(order.prompt, spec.language) / speaking_rate(spec) > longest_s:
            raise Unsuitable(
                f"Azure Speech cuts what is longer than {longest_s // 60} minutes.",
                todo="Divide the text into several voices.",
            )
        voices = [voice for voice in await _voices(http) if voice.is_hd == order.model.endswith("-hd")]
        voice = _choice(voices, spec)
        if voice is None:
            raise Unsuitable(f"Azure Speech has no {order.model} voice for {spec.language} in this region.")
        chosen: dict[str, JsonValue] = {"voice": voice.name, "locale": voice.locale}
        doubts = _doubts(voice, spec)
        return order.model_copy(update={"prepared": chosen | ({"doubts": doubts} if doubts else {})})

    async def start(self, http: httpx.AsyncClient, order: Order) -> Done:
        """The text, spoken: a WAV file."""
        voice, locale = order.prepared.get("voice"), order.prepared.get("locale")
        if not isinstance(voice, str) or not isinstance(locale, str):
            raise Unsuitable(f"No Azure voice was chosen for {order.task}.")
        response = await http.post(
            "/cognitiveservices/v1",
            content=_markup(order, voice, locale).encode(),
            headers={"Content-Type": "application/ssml+xml", "X-Microsoft-OutputFormat": _FORMAT},
        )
        if not response.headers.get("content-type", "").startswith(("audio/", "application/octet-stream")):
            raise Unintelligible("the answer is no sound")
        doubts = order.prepared.get("doubts")
        return Done(
            Body(),
            warnings=tuple(str(doubt) for doubt in doubts) if isinstance(doubts, list) else (),
            measured={"voice": voice},
        )

    async def standing(self, http: httpx.AsyncClient) -> Standing:
        """That the key opens this region; what is left is not told here."""
        return Standing(left=f"{len(await _voices(http))} voices")

    def explain(self, response: httpx.Response) -> PlatformError | None:
        """There is no error body to rely on: a wrong region looks like a wrong key."""
        says = response.text[:500]
        if response.status_code == 401:
            return Unavailable(
                "Azure Speech does not accept the key, or not in this region.",
                because="key",
                vendor_says=says,
                todo="AZURE_SPEECH_REGION must be the region the key was made for.",
            )
        if response.status_code == 429 and "quota" in says.casefold():
            return Unavailable("The quota of Azure Speech is used up.", because="credit", vendor_says=says)
        if response.status_code == 400:
            return Unsuitable("Azure Speech cannot speak this text as asked.", vendor_says=says)
        return None


def _spec(order: Order) -> VoiceSpec:
    assert isinstance(order.spec, VoiceSpec)
    return order.spec


async def _voices(http: httpx.AsyncClient) -> list[_Voice]:
    response = await http.get("/cognitiveservices/voices/list")
    try:
        listed = response.json()
    except (ValueError, RecursionError):
        listed = None
    voices = []
    for told in listed if isinstance(listed, list) else ():
        with suppress(Unintelligible):  # one odd voice among five hundred is left out
            voices.append(_Voice.read(told))
    if not voices:
        raise Unintelligible("the list of voices is none")
    return voices


def _choice(voices: list[_Voice], spec: VoiceSpec) -> _Voice | None:
    """The best voice that speaks the language: its region, then the gender, then the one that is best known."""
    base = spec.language.casefold().partition("-")[0]
    speaking = [voice for voice in voices if voice.locale.casefold().partition("-")[0] == base]
    wanted = _region(spec.language).casefold()
    first = _FIRST[spec.gender or "female"]
    return max(
        speaking,
        key=lambda voice: (
            voice.locale.casefold() == wanted,
            not spec.gender or voice.gender.casefold() == spec.gender,
            voice.status.casefold() == "ga",
            voice.name == first,
        ),
        default=None,
    )


def _region(language: str) -> str:
    """The locale of a language that names no region: at home, as pt-BR and de-DE."""
    return language if "-" in language else _HOMES.get(language, f"{language}-{language.upper()}")


def _doubts(voice: _Voice, spec: VoiceSpec) -> list[JsonValue]:
    """What a person should know of a voice that is not quite what was asked for."""
    doubts: list[JsonValue] = []
    if spec.gender and voice.gender.casefold() != spec.gender:
        doubts.append(f"Azure Speech has no {spec.gender} voice for {voice.locale}; {voice.name} speaks.")
    if "-" in spec.language and voice.locale.casefold() != spec.language.casefold():
        doubts.append(f"Azure Speech has no voice for {spec.language}; {voice.name} speaks.")
    if spec.style:
        doubts.append(f"Azure Speech is not told how to speak ({spec.style}); the voice decides.")
    return doubts


def _markup(order: Order, voice: str, locale: str) -> str:
    """The words in speech markup, each escaped; a new line is a short silence."""
    lines = [line.strip() for line in _NOT_IN_XML.sub(" ", order.prompt).splitlines()]
    words = '<break time="400ms"/>'.join(escape(line, quote=False) for line in lines if line)
    percent = round((speaking_rate(_spec(order)) - 1) * 100)
    if percent:
        words = f'<prosody rate="{percent:+d}%">{words}</prosody>'
    return (
        f'<speak version="1.0" xmlns="http://www.w3.org/2001/10/synthesis" xml:lang="{escape(locale)}">'
        f'<voice name="{escape(voice)}">{words}</voice></speak>'
    )
