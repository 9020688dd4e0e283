"""What we say to Google Cloud Text-to-Speech, and which voice of its list we choose."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from agentes.contract import Done, Inline, Standing
from agentes.voice_agent.api_integrations.google_cloud_tts import Adapter
from shared_knowledge.errors import Failed, Unsuitable
from shared_knowledge.money import Money
from shared_knowledge.vocabulary import Order, VoiceIntent, VoiceSpec

TEXT = "Uma caneca feita à mão."


def voice(name: str, gender: str = "FEMALE", *languages: str) -> dict[str, Any]:
    codes = list(languages or ["-".join(name.split("-")[:2])])
    return {"name": name, "languageCodes": codes, "ssmlGender": gender, "naturalSampleRateHertz": 24000}


BRAZIL = [
    voice("pt-BR-Neural2-A"),
    voice("pt-BR-Chirp3-HD-Aoede"),
    voice("pt-BR-Chirp3-HD-Charon", "MALE"),
    voice("pt-BR-Chirp3-HD-Kore"),
    voice("pt-BR-Chirp3-HD-Puck", "MALE"),
]


def order(model: str = "chirp-3-hd", **spec: Any) -> Order:
    said = VoiceSpec(**{"script": TEXT, "language": "pt-BR", **spec})
    return Order(
        id="ord_1", job="job_1", task="voice-1", piece=1, attempt=1, platform="google_cloud_tts", model=model,
        price=Money(2_000), prompt=said.script, spec=said,
    )  # fmt: skip


class Vendor:
    """Answers with a list of voices and a sound, and remembers what it was asked."""

    def __init__(self, voices: list[dict[str, Any]], spoken: Any = None) -> None:
        self.voices = voices
        self.spoken = {"audioContent": "UklGRg=="} if spoken is None else spoken
        self.seen: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        return httpx.Response(200, json={"voices": self.voices} if request.method == "GET" else self.spoken)

    async def buy(self, placed: Order) -> Done:
        async with httpx.AsyncClient(
            transport=httpx.MockTransport(self), base_url="http://x.test/tts"
        ) as http:
            return await Adapter().start(http, await Adapter().prepare(http, placed))

    @property
    def asked(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.seen[-1].content)
        return told


async def test_a_chirp_voice_speaks_the_text() -> None:
    vendor = Vendor(BRAZIL)
    done = await vendor.buy(order())
    listed, bought = vendor.seen
    assert (listed.method, listed.url.path) == ("GET", "/tts/v1/voices")
    assert dict(listed.url.params) == {"languageCode": "pt-BR"}
    assert (bought.method, bought.url.path) == ("POST", "/tts/v1/text:synthesize")
    assert vendor.asked == {
        "input": {"text": TEXT},
        "voice": {"languageCode": "pt-BR", "name": "pt-BR-Chirp3-HD-Kore"},
        "audioConfig": {"audioEncoding": "LINEAR16"},
    }
    assert done == Done(Inline("/audioContent"))


@pytest.mark.parametrize(
    ("voices", "gender", "chosen", "warned"),
    [
        (BRAZIL, "male", "pt-BR-Chirp3-HD-Charon", False),
        (BRAZIL, "female", "pt-BR-Chirp3-HD-Kore", False),
        (list(reversed(BRAZIL)), None, "pt-BR-Chirp3-HD-Kore", False),
        ([BRAZIL[1], BRAZIL[4]], "male", "pt-BR-Chirp3-HD-Puck", False),
        ([BRAZIL[1]], "male", "pt-BR-Chirp3-HD-Aoede", True),
        ([BRAZIL[0], BRAZIL[2]], None, "pt-BR-Chirp3-HD-Charon", False),
    ],
)
async def test_the_voice_is_chosen_by_language_and_gender(
    voices: list[dict[str, Any]], gender: str | None, chosen: str, warned: bool
) -> None:
    vendor = Vendor(voices)
    done = await vendor.buy(order(gender=gender))
    assert vendor.asked["voice"]["name"] == chosen
    assert bool(done.warnings) is warned


@pytest.mark.parametrize(
    ("said", "asked"), [("en", "en-US"), ("zh", "cmn-CN"), ("pt", "pt-BR"), ("nb-NO", "nb-NO")]
)
async def test_a_language_is_asked_for_by_its_name_at_google(said: str, asked: str) -> None:
    vendor = Vendor([voice(f"{asked}-Chirp3-HD-Kore")])
    await vendor.buy(order(language=said))
    assert vendor.seen[0].url.params["languageCode"] == asked
    assert vendor.asked["voice"] == {"languageCode": asked, "name": f"{asked}-Chirp3-HD-Kore"}


@pytest.mark.parametrize("voices", [[], [BRAZIL[0]], [voice("pt-PT-Chirp3-HD-Kore")]])
async def test_a_language_without_a_voice_is_said_before_anything_is_bought(
    voices: list[dict[str, Any]],
) -> None:
    vendor = Vendor(voices)
    with pytest.raises(Unsuitable, match="pt-BR"):
        await vendor.buy(order())
    assert [request.method for request in vendor.seen] == ["GET"]


async def test_a_text_that_must_fit_is_spoken_faster() -> None:
    vendor = Vendor(BRAZIL)
    await vendor.buy(order(script=TEXT * 4, at_most_s=2.0))
    assert vendor.asked["audioConfig"] == {"audioEncoding": "LINEAR16", "speakingRate": 1.2}


async def test_a_gemini_voice_takes_its_manner_beside_the_text() -> None:
    vendor = Vendor([])
    done = await vendor.buy(order("gemini-2.5-pro-tts", gender="male", style="cheerful"))
    assert [request.method for request in vendor.seen] == ["POST"]
    prompt = vendor.asked["input"].pop("prompt")
    assert prompt.startswith("Brazilian Portuguese, a male voice. Cheerful")
    assert vendor.asked["input"]["text"] == TEXT
    assert vendor.asked["voice"] == {
        "languageCode": "pt-BR",
        "name": "Charon",
        "modelName": "gemini-2.5-pro-tts",
    }
    assert vendor.asked["audioConfig"] == {"audioEncoding": "LINEAR16"}
    assert done.warnings == ()


async def test_the_names_of_speakers_are_not_spoken() -> None:
    vendor = Vendor(BRAZIL)
    done = await vendor.buy(order(script="Ana: Olá.\nRui: Oi.", intent=VoiceIntent.DIALOGUE))
    assert vendor.asked["input"] == {"text": "Olá.\nOi."}
    assert done.warnings == ("One voice speaks all the turns of the dialogue.",)


@pytest.mark.parametrize("spoken", [{}, {"audioContent": ""}])
async def test_no_sound_is_a_failure(spoken: dict[str, str]) -> None:
    with pytest.raises(Failed):
        await Vendor(BRAZIL, spoken).buy(order())


async def test_the_standing_is_asked_of_the_list_of_voices() -> None:
    vendor = Vendor(BRAZIL)
    async with httpx.AsyncClient(transport=httpx.MockTransport(vendor), base_url="http://x.test") as http:
        assert await Adapter().standing(http) == Standing()
