"""Azure Speech as its manual tells it: markup in, sound out, and not a word when something is wrong."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

from agentes.sandbox.kernel.calls import Answer, Call
from agentes.sandbox.kernel.fake import Fake, Trouble, on

__all__ = ["Vendor"]

_SSML = "{http://www.w3.org/2001/10/synthesis}"
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
_LOCALE = re.compile(r"[a-z]{2,3}-[A-Za-z]{2,8}(-[A-Za-z]+)?")
_SPEED = re.compile(r"[+-]?\d+(\.\d+)?%|\d+(\.\d+)?|x-slow|slow|medium|fast|x-fast|default")
_PREVIEWS = ("en-US-JaneNeural",)
_MOST_VOICES = 50
_MOST_S = 600
_RATES = {
    "8khz": 8000,
    "16khz": 16_000,
    "22050hz": 22_050,
    "24khz": 24_000,
    "44100hz": 44_100,
    "48khz": 48_000,
}
_FORMATS = {
    **{f"riff-{name}-16bit-mono-pcm": ("audio/wav", "audio/x-wav", rate) for name, rate in _RATES.items()},
    **{f"raw-{name}-16bit-mono-pcm": ("audio/l16", "audio/basic", rate) for name, rate in _RATES.items()},
    **{
        f"audio-{name}-{kilobits}kbitrate-mono-mp3": ("audio/mpeg", "audio/mpeg", _RATES[name])
        for name, rates in {"16khz": (32, 64, 128), "24khz": (48, 96, 160), "48khz": (96, 192)}.items()
        for kilobits in rates
    },
    **{
        f"ogg-{name}-16bit-mono-opus": ("audio/ogg", "audio/ogg; codecs=opus", _RATES[name])
        for name in ("16khz", "24khz", "48khz")
    },
}
_VOICES = """
de-DE Katja Female 146 | de-DE Conrad Male 131 cheerful | de-DE Seraphina:DragonHDLatest Female 140
en-GB Sonia Female 150 cheerful sad | en-GB Ryan Male 167 chat cheerful
en-US Jenny Female 152 assistant chat cheerful newscast sad | en-US Guy Male 215 newscast cheerful
en-US Jane Female 150 | en-US Ava:DragonHDLatest Female 160 | en-US Andrew:DragonHDLatest Male 160
es-AR Elena Female 155 | es-AR Tomas Male 155 | es-CO Salome Female 150 | es-CO Gonzalo Male 150
es-ES Elvira Female 164 | es-ES Alvaro Male 164 | es-ES Tristan:DragonHDLatest Male 150
es-MX Dalia Female 149 cheerful | es-MX Jorge Male 151 chat cheerful | fr-CA Sylvie Female 150
fr-FR Denise Female 169 cheerful sad | fr-FR Henri Male 160 cheerful sad
fr-FR Vivienne:DragonHDLatest Female 155 | it-IT Elsa Female 148 | it-IT Diego Male 136
it-IT Isabella:DragonHDLatest Female 145 | ja-JP Nanami Female 309 chat customerservice cheerful
ja-JP Keita Male 310 | ko-KR SunHi Female 165 | ko-KR InJoon Male 165 | nl-NL Colette Female 150
nl-NL Maarten Male 150 | pl-PL Zofia Female 150 | pl-PL Marek Male 150 | pt-BR Francisca Female 149 calm
pt-BR Antonio Male 149 | pt-BR Thalita Female 149 | pt-BR Thalita:DragonHDLatest Female 150
pt-BR Macerio:DragonHDLatest Male 150 | pt-PT Raquel Female 150 | pt-PT Duarte Male 150
zh-CN Yunxi Male 293 assistant chat cheerful
zh-CN Xiaoxiao Female 264 assistant calm chat cheerful newscast
"""


class Vendor(Fake):
    """`POST /cognitiveservices/v1` takes SSML and three headers; the voices are listed beside it."""

    def key(self, call: Call) -> str | None:
        """The header `Ocp-Apim-Subscription-Key`, or a token as Bearer."""
        return call.headers.get("ocp-apim-subscription-key") or super().key(call)

    @on("free", "GET", "/cognitiveservices/voices/list")
    async def voices(self, call: Call) -> Answer:
        """Every voice of the region."""
        return Answer.of(list(_LISTED.values()))

    @on("start", "POST", "/cognitiveservices/v1")
    async def speak(self, call: Call) -> Answer:
        """The markup as sound; what is longer than ten minutes is cut, and nobody is told."""
        kind = call.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/ssml+xml":
            return self._refusal(415, "Unsupported media type")
        if not 0 < len(call.headers.get("user-agent", "")) < 255:
            raise ValueError("User-Agent is required and has fewer than 255 characters")
        mime, said, rate = _FORMATS[call.headers["x-microsoft-outputformat"]]
        text, voice = _read(call.body)
        if call.twist == "fail":
            return self.complain(Trouble.BROKEN, call, status=502)
        model = "neural-hd" if ":" in voice["ShortName"] else "neural"
        number = self.house.new_id(uuid=True).replace("-", "")
        self.house.book(call, model=model, usd=self.house.price(model, times=len(text)), number=number)
        language = voice["Locale"]
        lasting_s = self.house.spoken_s(call, text, language)
        heard = text[: int(len(text) * min(1, _MOST_S / lasting_s))]
        silent = call.twist == "no_output"
        sound = b"" if silent else await self.house.speech(call, heard, mime, rate=rate, language=language)
        return Answer.file(sound, said, X_RequestId=number)

    def complain(
        self, trouble: Trouble, call: Call, *, status: int = 0, retry_after_s: float | None = None
    ) -> Answer:
        """A status, and at most a few words; there is no shape to an error here."""
        waiting = {} if retry_after_s is None else {"retry_after": f"{retry_after_s:g}"}
        match trouble:
            case Trouble.BAD_KEY:
                return self._refusal(401, "")
            case Trouble.THROTTLED:
                return self._refusal(429, "Too many requests", **waiting)
            case Trouble.OUT_OF_CREDIT:
                return self._refusal(429, "Quota exceeded")
            case Trouble.RETIRED:
                return self._refusal(400, "Unsupported voice")
            case Trouble.NOT_FOUND | Trouble.EXPIRED:
                return self._refusal(404, "")
            case Trouble.BAD_REQUEST | Trouble.REFUSED:
                return self._refusal(400, "")
            case _:
                return self._refusal(status or 502, "", **waiting)

    def _refusal(self, status: int, words: str, **headers: str) -> Answer:
        number = self.house.new_id(uuid=True).replace("-", "")
        return Answer.text(words, status, X_RequestId=number, **headers)


def _read(body: bytes) -> tuple[str, dict[str, Any]]:
    """The text to be spoken and its first voice; a ValueError if the markup is not as the manual says."""
    try:
        speak = ElementTree.fromstring(body)  # noqa: S314 - sent by whoever runs this sandbox
    except ElementTree.ParseError as error:
        raise ValueError(f"this is no XML: {error}") from error
    if speak.tag != f"{_SSML}speak" or speak.get("version") != "1.0":
        raise ValueError("the root is speak of version 1.0, in its namespace")
    if not _LOCALE.fullmatch(speak.get(_LANGUAGE, "")):
        raise ValueError("speak needs xml:lang")
    voices = speak.findall(f"{_SSML}voice")
    outside = [speak.text, *(child.tail for child in speak)]
    if (
        not 1 <= len(voices) <= _MOST_VOICES
        or len(voices) != len(speak)
        or any((text or "").strip() for text in outside)
    ):
        raise ValueError(f"speak has 1 to {_MOST_VOICES} voices, and nothing beside them")
    if any(voice.get("name") not in _LISTED for voice in voices):
        raise ValueError("Unsupported voice")
    speeds = [prosody.get("rate") for prosody in speak.iter(f"{_SSML}prosody")]
    if any(speed is not None and not _SPEED.fullmatch(speed) for speed in speeds):
        raise ValueError("a rate is a percentage, a factor or a word")
    text = " ".join("".join(speak.itertext()).split())
    if not text:
        raise ValueError("there is nothing to say")
    return text, _LISTED[str(voices[0].get("name"))]


def _listed(line: str) -> dict[str, Any]:
    """One entry of the list of voices."""
    locale, name, gender, pace, *styles = line.split()
    short = f"{locale}-{name}Neural"
    told: dict[str, Any] = {
        "Name": f"Microsoft Server Speech Text to Speech Voice ({locale}, {name}Neural)",
        "DisplayName": name.partition(":")[0],
        "LocalName": name.partition(":")[0],
        "ShortName": short,
        "Gender": gender,
        "Locale": locale,
        "LocaleName": locale,
        "SampleRateHertz": "48000" if ":" in name else "24000",
        "VoiceType": "Neural",
        "Status": "Preview" if short in _PREVIEWS else "GA",
        "WordsPerMinute": pace,
    }
    return {**told, "StyleList": styles} if styles else told


_LISTED = {voice["ShortName"]: voice for voice in map(_listed, re.split(r"[|\n]", _VOICES.strip()))}
