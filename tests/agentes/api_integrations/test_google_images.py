"""What we say to Gemini images by API key, word for word, and what we make of its answers."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from agentes.contract import Done, Inline, Standing
from agentes.photo_agent.api_integrations.google_images import Adapter
from shared_knowledge.errors import Failed, Refused
from shared_knowledge.money import Money
from shared_knowledge.platform_facts import Unit
from shared_knowledge.vocabulary import Order, PhotoSpec, Quality

PNG = b"\x89PNG\r\n\x1a\n and so on"
JPEG = b"\xff\xd8\xff and so on"
MADE = {
    "candidates": [
        {
            "content": {
                "parts": [{"inlineData": {"mimeType": "image/jpeg", "data": "/9j/"}}],
                "role": "model",
            },
            "finishReason": "STOP",
        }
    ],
    "usageMetadata": {"promptTokenCount": 20, "candidatesTokenCount": 1120, "totalTokenCount": 1140},
    "responseId": "r-1",
}


def order(model: str = "gemini-nano-banana-2.1", *, inputs: tuple[str, ...] = (), **spec: Any) -> Order:
    said = PhotoSpec(**{"subject": "a mug", "aspect_ratio": "9:16", **spec})
    return Order(
        id="ord_1", job="job_1", task="photo-1", piece=1, attempt=1, platform="google_images", model=model,
        price=Money(33_600), prompt="A mug on a table.", spec=said, inputs=inputs,
    )  # fmt: skip


async def start(placed: Order, answer: Any = MADE) -> tuple[Done, httpx.Request]:
    seen: list[httpx.Request] = []

    def vendor(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json=answer)

    async with httpx.AsyncClient(
        transport=httpx.MockTransport(vendor), base_url="http://x.test/google_images"
    ) as http:
        done = await Adapter().start(http, placed)
    [request] = seen
    return done, request


async def test_words_become_a_picture() -> None:
    done, request = await start(order(seed=7))
    assert request.method == "POST"
    assert request.url.path == "/google_images/v1beta/models/gemini-nano-banana-2.1:generateContent"
    assert json.loads(request.content) == {
        "contents": [{"role": "user", "parts": [{"text": "A mug on a table."}]}],
        "generationConfig": {
            "responseModalities": ["IMAGE"],
            "imageConfig": {"aspectRatio": "9:16", "imageSize": "1K"},
            "thinkingConfig": {"thinkingLevel": "MINIMAL"},
            "seed": 7,
        },
    }
    assert done == Done(
        Inline("/candidates/0/content/parts/0/inlineData/data"), used={Unit.TEXT_IN: 20, Unit.IMAGE_OUT: 1120}
    )


async def test_high_quality_is_larger_and_thinks_more() -> None:
    _, request = await start(order(quality=Quality.HIGH, aspect_ratio="16:9"))
    wishes = json.loads(request.content)["generationConfig"]
    assert wishes["imageConfig"] == {"aspectRatio": "16:9", "imageSize": "2K"}
    assert wishes["thinkingConfig"] == {"thinkingLevel": "MEDIUM"}
    assert "seed" not in wishes


@pytest.mark.parametrize(
    ("model", "image"),
    [
        ("gemini-3-pro-image", {"aspectRatio": "9:16", "imageSize": "1K"}),
        ("gemini-3.1-flash-lite-image", {"aspectRatio": "9:16"}),
        ("gemini-2.5-flash-image", {"aspectRatio": "9:16"}),
    ],
)
async def test_a_model_is_told_only_what_it_takes(model: str, image: dict[str, str]) -> None:
    _, request = await start(order(model))
    wishes = json.loads(request.content)["generationConfig"]
    assert wishes == {"responseModalities": ["IMAGE"], "imageConfig": image}


async def test_references_stand_before_the_words(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PNG)
    (tmp_path / "b.jpg").write_bytes(JPEG)
    inputs = (str(tmp_path / "a.png"), str(tmp_path / "b.jpg"))
    _, request = await start(order(inputs=inputs, references=("a.png", "b.jpg")))
    assert json.loads(request.content)["contents"][0]["parts"] == [
        {"inlineData": {"mimeType": "image/png", "data": base64.b64encode(PNG).decode()}},
        {"inlineData": {"mimeType": "image/jpeg", "data": base64.b64encode(JPEG).decode()}},
        {"text": "A mug on a table."},
    ]


async def test_the_last_picture_is_taken() -> None:
    blob = {"inlineData": {"mimeType": "image/png", "data": "iVBORw0K"}}
    parts = [{"text": "First a sketch."}, blob, {**blob, "thought": True}, blob, {"text": "There."}]
    done, _ = await start(order(), {"candidates": [{"content": {"parts": parts}, "finishReason": "STOP"}]})
    assert done.media == Inline("/candidates/0/content/parts/3/inlineData/data")
    assert done.used == {}


async def test_a_refusal_with_status_200_is_one() -> None:
    with pytest.raises(Refused):
        await start(order(), {"promptFeedback": {"blockReason": "IMAGE_SAFETY"}})
    with pytest.raises(Refused):
        await start(order(), {"candidates": [{"content": {}, "finishReason": "IMAGE_SAFETY"}]})


async def test_no_picture_is_a_failure() -> None:
    with pytest.raises(Failed, match="NO_IMAGE"):
        await start(order(), {"candidates": [{"content": {}, "finishReason": "NO_IMAGE"}]})


async def test_the_standing_is_asked_of_the_list_of_models() -> None:
    def vendor(request: httpx.Request) -> httpx.Response:
        assert (request.method, request.url.path) == ("GET", "/v1beta/models")
        return httpx.Response(200, json={"models": [{"name": "models/x"}]})

    async with httpx.AsyncClient(transport=httpx.MockTransport(vendor), base_url="http://x.test") as http:
        assert await Adapter().standing(http) == Standing()
