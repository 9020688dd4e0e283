"""What we say to Gemini speech: the text as it stands, the manner beside it, one voice."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from agentes.contract import Done, Inline
from agentes.voice_agent.api_integrations.google_speech import Adapter
from shared_knowledge.errors import Failed, Refused
from shared_knowledge.money import Money
from shared_knowledge.platform_facts import Unit
from shared_knowledge.vocabulary import Order, VoiceIntent, VoiceSpec

TEXT = "Uma caneca feita à mão."
POINTER = "/candidates/0/content/parts/0/inlineData/data"


def spoken(mime: str = "audio/wav", *, parts: int = 1, reason: str = "STOP") -> dict[str, Any]:
    part = {"inlineData": {"mimeType": mime, "data": "UklG"}}
    usage = {
        "promptTokenCount": 40,
        "candidatesTokenCount": 60,
        "candidatesTokensDetails": [{"modality": "AUDIO", "tokenCount": 60}],
    }
    candidate = {"content": {"parts": [part] * parts, "role": "model"}, "finishReason": reason}
    return {"candidates": [candidate], "usageMetadata": usage}


def order(**spec: Any) -> Order:
    said = VoiceSpec(**{"script": TEXT, "language": "pt-BR", **spec})
    return Order(
        id="ord_1", job="job_1", task="voice-1", piece=1, attempt=1, platform="google_speech",
        model="gemini-3.8-flash-tts", price=Money(2_000), prompt=said.script, spec=said,
    )  # fmt: skip


async def start(placed: Order, answer: Any) -> tuple[Done, httpx.Request]:
    seen: list[httpx.Request] = []

    def vendor(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json=answer)

    async with httpx.AsyncClient(
        transport=httpx.MockTransport(vendor), base_url="http://x.test/google_speech"
    ) as http:
        done = await Adapter().start(http, placed)
    [request] = seen
    return done, request


async def test_the_text_stands_alone_and_the_manner_beside_it() -> None:
    done, request = await start(order(style="cheerful", duration_s=3.0), spoken())
    assert request.url.path == "/google_speech/v1beta/models/gemini-3.8-flash-tts:generateContent"
    body = json.loads(request.content)
    [part] = body["contents"][0].pop("parts")
    assert part.pop("text") == TEXT
    style = part.pop("speechMetadata")["style"]
    assert style.startswith("Brazilian Portuguese. Cheerful")
    assert "3 seconds" in style
    assert part == {}
    assert body == {
        "contents": [{"role": "user"}],
        "generationConfig": {
            "responseModalities": ["AUDIO"],
            "speechConfig": {"languageCode": "pt-BR", "voiceConfig": {"voice": "Kore"}},
        },
    }
    assert done == Done(Inline(POINTER, pcm_rate=24_000), used={Unit.TEXT_IN: 40, Unit.AUDIO_OUT: 60})


@pytest.mark.parametrize(("gender", "voice"), [(None, "Kore"), ("female", "Kore"), ("male", "Charon")])
async def test_the_voice_is_chosen_by_gender(gender: str | None, voice: str) -> None:
    _, request = await start(order(gender=gender), spoken())
    body = json.loads(request.content)
    assert body["generationConfig"]["speechConfig"]["voiceConfig"] == {"voice": voice}


@pytest.mark.parametrize(
    ("mime", "rate"),
    [
        ("audio/wav", 24_000),
        ("audio/L16;codec=pcm;rate=24000", 24_000),
        ("audio/l16; rate=16000; channels=1", 16_000),
        ("audio/pcm;rate=nonsense", 24_000),
    ],
)
async def test_bare_samples_are_told_apart_by_their_label(mime: str, rate: int) -> None:
    done, _ = await start(order(), spoken(mime))
    assert done.media == Inline(POINTER, pcm_rate=rate)


async def test_one_voice_for_a_dialogue_is_said_so() -> None:
    said = order(script="Ana: Olá.\nRui: Oi.", intent=VoiceIntent.DIALOGUE).model_copy(
        update={"prompt": "Olá.\nOi."}
    )
    done, request = await start(said, spoken())
    assert json.loads(request.content)["contents"][0]["parts"][0]["text"] == "Olá.\nOi."
    assert done.warnings == ("One voice speaks all the turns of the dialogue.",)


@pytest.mark.parametrize(
    "answer", [spoken(parts=2), spoken(reason="MAX_TOKENS"), spoken("text/plain"), spoken(parts=0)]
)
async def test_speech_that_is_not_whole_has_failed(answer: dict[str, Any]) -> None:
    with pytest.raises(Failed):
        await start(order(), answer)


async def test_a_refusal_with_status_200_is_one() -> None:
    with pytest.raises(Refused):
        await start(order(), {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}})
