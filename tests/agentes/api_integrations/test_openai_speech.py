"""OpenAI speech is asked in its own words, and its complaints are understood."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from agentes.contract import Body, Done
from agentes.voice_agent.api_integrations.openai_speech import Adapter
from shared_knowledge.errors import Refused, Unavailable, Unsuitable
from shared_knowledge.vocabulary import Money, Order, VoiceSpec

SCRIPT = "Esta caneca foi feita à mão, por pessoas que gostam do que fazem, numa vila perto do mar."


def order(model: str = "gpt-4o-mini-tts", **spec: Any) -> Order:
    return Order(
        id="ord_1",
        job="job",
        task="voice1",
        piece=1,
        attempt=1,
        platform="openai_speech",
        model=model,
        price=Money(1000),
        prompt=SCRIPT,
        spec=VoiceSpec(script=SCRIPT, language="pt-BR", **spec),
    )


async def ask(order: Order) -> tuple[Done, dict[str, Any]]:
    """What the adapter makes of an answer, and the one body it sent."""
    sent: list[httpx.Request] = []

    def vendor(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200, content=b"ID3", headers={"content-type": "audio/mpeg"})

    transport = httpx.MockTransport(vendor)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1/openai_speech") as http:
        done = await Adapter().start(http, order)
    (request,) = sent
    assert (request.method, request.url.path) == ("POST", "/openai_speech/v1/audio/speech")
    return done, json.loads(request.content)


async def test_the_text_goes_verbatim_with_its_delivery_beside_it() -> None:
    done, wanted = await ask(order(style="calm"))
    instructions = wanted.pop("instructions")
    assert wanted == {"model": "gpt-4o-mini-tts", "input": SCRIPT, "voice": "marin", "response_format": "mp3"}
    assert "Brazilian Portuguese" in instructions
    assert "Calm" in instructions
    assert done.media == Body()
    assert done.measured == {"voice": "marin"}


@pytest.mark.parametrize("model", ["tts-1", "tts-1-hd"])
async def test_the_older_models_take_no_instructions_and_have_voices_of_their_own(model: str) -> None:
    _, wanted = await ask(order(model, gender="male"))
    assert "instructions" not in wanted
    assert wanted["voice"] == "onyx"


@pytest.mark.parametrize(
    ("model", "gender", "voice"),
    [
        ("gpt-4o-mini-tts", "female", "marin"),
        ("gpt-4o-mini-tts", "male", "cedar"),
        ("tts-1", "female", "nova"),
        ("tts-1-hd", None, "nova"),
    ],
)
async def test_the_voice_has_the_gender_that_was_asked_for(
    model: str, gender: str | None, voice: str
) -> None:
    _, wanted = await ask(order(model, gender=gender))
    assert wanted["voice"] == voice


async def test_a_length_that_must_be_met_becomes_a_speed_within_the_vendors_limits() -> None:
    _, wanted = await ask(order(duration_s=1))
    assert wanted["speed"] == 1.2
    _, wanted = await ask(order(duration_s=60))
    assert wanted["speed"] == 0.85
    _, wanted = await ask(order())
    assert "speed" not in wanted


def said(status: int, body: Any) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return httpx.Response(status, content=content, headers={"x-request-id": "req_9"})


def error(code: str | None, kind: str = "invalid_request_error") -> dict[str, Any]:
    return {"error": {"message": "No.", "type": kind, "param": None, "code": code}}


@pytest.mark.parametrize(
    ("status", "code", "kind", "expected", "because"),
    [
        (429, "insufficient_quota", "insufficient_quota", Unavailable, "credit"),
        (429, "credit_balance_exhausted", "insufficient_quota", Unavailable, "credit"),
        (400, "billing_hard_limit_reached", "invalid_request_error", Unavailable, "credit"),
        (400, "content_policy_violation", "invalid_request_error", Refused, None),
        (400, "moderation_blocked", "invalid_request_error", Refused, None),
        (404, "model_not_found", "invalid_request_error", Unavailable, "model"),
        (403, "x", "invalid_request_error", Unavailable, "key"),
        (400, "string_above_max_length", "invalid_request_error", Unsuitable, None),
    ],
)
def test_complaints_are_understood(
    status: int, code: str, kind: str, expected: type[Exception], because: str | None
) -> None:
    explained = Adapter().explain(said(status, error(code, kind)))
    assert isinstance(explained, expected)
    assert getattr(explained, "because", None) == because
    assert (getattr(explained, "vendor_says", ""), getattr(explained, "request_id", "")) == ("No.", "req_9")


@pytest.mark.parametrize("status", [401, 408, 409, 429, 500, 502, 503])
def test_keys_waiting_and_server_trouble_are_the_houses(status: int) -> None:
    assert Adapter().explain(said(status, error("rate_limit_exceeded", "requests"))) is None


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"\xff\xfe", [], "no", None, {"error": "no"}, {"error": []}]
)
@pytest.mark.parametrize("status", [400, 403, 404, 429, 502])
def test_any_body_is_survived(status: int, body: Any) -> None:
    assert Adapter().explain(said(status, body)) is None


async def test_standing_reads_when_the_models_end() -> None:
    models = [
        {"id": name, "shutdown_date": "2027-01-06"} for name in ("tts-1", "gpt-4o-mini-tts", "whisper-1")
    ]

    def vendor(request: httpx.Request) -> httpx.Response:
        assert (request.method, request.url.path) == ("GET", "/v1/models")
        return httpx.Response(200, json={"data": models})

    async with httpx.AsyncClient(transport=httpx.MockTransport(vendor), base_url="http://127.0.0.1") as http:
        left = (await Adapter().standing(http)).left
    assert left == "gpt-4o-mini-tts until 2027-01-06, tts-1 until 2027-01-06"
