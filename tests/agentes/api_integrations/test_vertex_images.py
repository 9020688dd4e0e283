"""What we say to Gemini images on Vertex AI: the project and the place are left to the wire."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from agentes.contract import Done, Inline, Standing
from agentes.photo_agent.api_integrations.vertex_images import Adapter
from shared_knowledge.errors import Failed, Refused
from shared_knowledge.money import Money
from shared_knowledge.platform_facts import Unit
from shared_knowledge.vocabulary import Order, PhotoSpec, Quality

PNG = b"\x89PNG\r\n\x1a\n and so on"
MADE = {
    "candidates": [
        {
            "content": {
                "parts": [{"inlineData": {"mimeType": "image/png", "data": "iVBO"}}],
                "role": "model",
            },
            "finishReason": "STOP",
        }
    ],
    "usageMetadata": {"promptTokenCount": 20, "candidatesTokenCount": 1120, "trafficType": "ON_DEMAND"},
}


def order(model: str = "gemini-nano-banana-2.1", *, inputs: tuple[str, ...] = (), **spec: Any) -> Order:
    said = PhotoSpec(**{"subject": "a mug", "aspect_ratio": "1:1", **spec})
    return Order(
        id="ord_1", job="job_1", task="photo-1", piece=1, attempt=1, platform="vertex_images", model=model,
        price=Money(33_600), prompt="A mug on a table.", spec=said, inputs=inputs,
    )  # fmt: skip


async def start(placed: Order, answer: Any = MADE) -> tuple[Done, httpx.Request]:
    seen: list[httpx.Request] = []

    def vendor(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json=answer)

    async with httpx.AsyncClient(
        transport=httpx.MockTransport(vendor), base_url="http://x.test/vertex_images"
    ) as http:
        done = await Adapter().start(http, placed)
    [request] = seen
    return done, request


async def test_words_become_a_picture() -> None:
    done, request = await start(order(seed=7))
    assert request.method == "POST"
    assert request.url.path == (
        "/vertex_images/v1beta1/projects/{project}/locations/{location}"
        "/publishers/google/models/gemini-nano-banana-2.1:generateContent"
    )
    assert json.loads(request.content) == {
        "contents": [{"role": "user", "parts": [{"text": "A mug on a table."}]}],
        "generationConfig": {
            "responseModalities": ["IMAGE"],
            "imageConfig": {
                "aspectRatio": "1:1",
                "imageSize": "1K",
                "imageOutputOptions": {"mimeType": "image/png"},
            },
            "thinkingConfig": {"thinkingLevel": "MINIMAL"},
            "seed": 7,
        },
    }
    media = Inline("/candidates/0/content/parts/0/inlineData/data")
    assert done == Done(media, used={Unit.TEXT_IN: 20, Unit.IMAGE_OUT: 1120})


@pytest.mark.parametrize(
    ("model", "size"),
    [
        ("gemini-3-pro-image", "1K"),
        ("gemini-3.1-flash-image", "1K"),
        ("gemini-3.1-flash-lite-image", None),
    ],
)
async def test_a_model_is_told_only_what_it_takes(model: str, size: str | None) -> None:
    _, request = await start(order(model))
    wishes = json.loads(request.content)["generationConfig"]
    assert wishes["imageConfig"].get("imageSize") == size
    assert "thinkingConfig" not in wishes


async def test_an_edit_sends_the_picture_before_the_words(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PNG)
    _, request = await start(
        order("gemini-3-pro-image", inputs=(str(tmp_path / "a.png"),), quality=Quality.STANDARD)
    )
    assert json.loads(request.content)["contents"][0]["parts"] == [
        {"inlineData": {"mimeType": "image/png", "data": base64.b64encode(PNG).decode()}},
        {"text": "A mug on a table."},
    ]


async def test_refused_and_failed_answers_have_status_200() -> None:
    with pytest.raises(Refused):
        await start(order(), {"promptFeedback": {"blockReason": "MODEL_ARMOR"}})
    with pytest.raises(Refused):
        await start(order(), {"candidates": [{"finishReason": "IMAGE_PROHIBITED_CONTENT"}]})
    with pytest.raises(Failed):
        await start(order(), {"candidates": [{"finishReason": "IMAGE_OTHER"}]})


async def test_the_standing_is_asked_of_the_list_of_models() -> None:
    def vendor(request: httpx.Request) -> httpx.Response:
        assert (request.method, request.url.path) == ("GET", "/v1beta1/publishers/google/models")
        return httpx.Response(200, json={"publisherModels": []})

    async with httpx.AsyncClient(transport=httpx.MockTransport(vendor), base_url="http://x.test") as http:
        assert await Adapter().standing(http) == Standing()
