"""OpenAI Images is asked in its own words, and its answers are read as its manual means them."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from email.parser import BytesParser
from email.policy import HTTP
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from agentes.contract import Done, Inline
from agentes.photo_agent.api_integrations.openai_images import Adapter
from agentes.wire.said import Unintelligible
from shared_knowledge.errors import Failed, Refused, Unavailable, Unsuitable
from shared_knowledge.platform_facts import Unit
from shared_knowledge.vocabulary import Money, Order, PhotoSpec, Quality

PICTURE = base64.b64encode(b"\x89PNG").decode()
USAGE = {
    "input_tokens": 50,
    "input_tokens_details": {"text_tokens": 50, "image_tokens": 0},
    "output_tokens": 158,
    "output_tokens_details": {"text_tokens": 8, "image_tokens": 150},
    "total_tokens": 208,
}


def order(model: str = "gpt-image-2.5-flare", inputs: tuple[str, ...] = (), **spec: Any) -> Order:
    return Order(
        id="ord_1",
        job="job",
        task="photo1",
        piece=1,
        attempt=1,
        platform="openai_images",
        model=model,
        price=Money(1000),
        prompt="A mug on a table.",
        spec=PhotoSpec(subject="mug", **spec),
        inputs=inputs,
    )


async def ask(
    order: Order, answer: Any = None, look: Callable[[httpx.Request], None] = lambda _: None
) -> tuple[Done, list[httpx.Request]]:
    """What the adapter makes of an answer, and every request it sent for it."""
    sent: list[httpx.Request] = []
    made = {"created": 1, "data": [{"b64_json": PICTURE}], "quality": "medium", "usage": USAGE}

    def vendor(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200, json=made if answer is None else answer, headers={"x-request-id": "req_1"})

    async with httpx.AsyncClient(
        transport=httpx.MockTransport(vendor), base_url="http://127.0.0.1/openai_images"
    ) as http:
        return await Adapter().start(http, order), sent


def picture(folder: Path, name: str, form: str = "PNG") -> str:
    Image.new("RGB", (64, 64), "teal").save(folder / name, form)
    return str(folder / name)


def form_of(request: httpx.Request) -> list[tuple[str, str | None, str, bytes]]:
    """Every part of a form: its name, file name, kind and content."""
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    parts = BytesParser(policy=HTTP).parsebytes(head + request.content).iter_parts()
    return [
        (
            str(part.get_param("name", header="content-disposition")),
            part.get_filename(),
            part.get_content_type(),
            part.get_payload(decode=True),
        )
        for part in parts
    ]


async def test_words_become_one_json_request_that_sets_everything_with_a_price() -> None:
    done, sent = await ask(order(aspect_ratio="2:3", quality=Quality.HIGH), None)
    (request,) = sent
    assert (request.method, request.url.path) == ("POST", "/openai_images/v1/images/generations")
    assert json.loads(request.content) == {
        "model": "gpt-image-2.5-flare",
        "prompt": "A mug on a table.",
        "size": "1024x1536",
        "quality": "high",
        "background": "opaque",
        "output_format": "png",
    }
    assert done.media == Inline("/data/0/b64_json")


@pytest.mark.parametrize(
    ("ratio", "quality", "size", "setting"),
    [
        ("1:1", Quality.DRAFT, "1024x1024", "low"),
        ("9:16", Quality.STANDARD, "1088x1920", "medium"),
        ("16:9", Quality.HIGH, "1920x1088", "high"),
        ("21:9", Quality.STANDARD, None, "medium"),
    ],
)
async def test_sizes_are_legal_and_qualities_are_the_priced_ones(
    ratio: str, quality: Quality, size: str | None, setting: str
) -> None:
    _, (request,) = await ask(order(aspect_ratio=ratio, quality=quality))
    wanted = json.loads(request.content)
    width, height = map(int, wanted["size"].split("x"))
    assert width % 16 == height % 16 == 0
    assert wanted["size"] == (size or wanted["size"])
    assert wanted["quality"] == setting


async def test_habits_of_dall_e_are_gone() -> None:
    _, (request,) = await ask(order(seed=7, negative=("text",)))
    assert (
        not {"response_format", "style", "seed", "negative_prompt", "n"} & json.loads(request.content).keys()
    )


async def test_one_reference_is_the_part_image(tmp_path: Path) -> None:
    shown = picture(tmp_path, "shown.png")
    _, (request,) = await ask(order(inputs=(shown,)))
    assert request.url.path == "/openai_images/v1/images/edits"
    parts = form_of(request)
    assert {name: content.decode() for name, file, _, content in parts if file is None} == {
        "model": "gpt-image-2.5-flare",
        "prompt": "A mug on a table.",
        "size": "1024x1024",
        "quality": "medium",
        "background": "opaque",
        "output_format": "png",
    }
    files = [part for part in parts if part[1] is not None]
    assert files == [("image", "reference.png", "image/png", Path(shown).read_bytes())]


async def test_several_references_are_parts_named_image_brackets_in_order(tmp_path: Path) -> None:
    shown = (
        picture(tmp_path, "a.png"),
        picture(tmp_path, "b.jpg", "JPEG"),
        picture(tmp_path, "c.webp", "WEBP"),
    )
    _, (request,) = await ask(order(inputs=shown))
    files = [part for part in form_of(request) if part[1] is not None]
    assert [(name, mime) for name, _, mime, _ in files] == [
        ("image[]", "image/png"),
        ("image[]", "image/jpeg"),
        ("image[]", "image/webp"),
    ]
    assert [content for *_, content in files] == [Path(path).read_bytes() for path in shown]


async def test_tokens_are_counted_by_unit_and_all_that_came_out_as_picture() -> None:
    usage = {**USAGE, "input_tokens_details": {"text_tokens": 20, "image_tokens": 30}}
    done, _ = await ask(order(), {"data": [{"b64_json": PICTURE}], "usage": usage})
    assert done.used == {Unit.TEXT_IN: 20, Unit.IMAGE_IN: 30, Unit.IMAGE_OUT: 158}


@pytest.mark.parametrize(
    "usage", [None, [], "many", {}, {**USAGE, "output_tokens": -1}, {**USAGE, "output_tokens": "158"}]
)
async def test_a_picture_that_is_there_is_not_lost_over_a_count_that_is_not(usage: Any) -> None:
    done, _ = await ask(
        order(), {"data": [{"b64_json": PICTURE}], "usage": usage, "quality": usage and "medium"}
    )
    assert (done.media, done.used) == (Inline("/data/0/b64_json"), {})


async def test_another_quality_than_asked_for_is_told() -> None:
    done, _ = await ask(order(), {"data": [{"b64_json": PICTURE}], "quality": "low"})
    assert done.warnings == ("OpenAI made it in low quality; medium was asked for.",)


@pytest.mark.parametrize("empty", [{"data": []}, {"data": None}, {}, {"data": [{"b64_json": None}]}])
async def test_an_answer_without_a_picture_is_a_failure(empty: dict[str, Any]) -> None:
    with pytest.raises(Failed):
        await ask(order(), empty)


@pytest.mark.parametrize("garbled", [[], "x", 3, {"data": {}}, {"data": [{"b64_json": 3}]}])
async def test_what_is_not_as_promised_is_unintelligible(garbled: Any) -> None:
    with pytest.raises(Unintelligible):
        await ask(order(), garbled)


def said(status: int, body: Any, **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return httpx.Response(status, content=content, headers={"x-request-id": "req_9", **headers})


def error(code: str | None, kind: str = "invalid_request_error", message: str = "No.") -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


@pytest.mark.parametrize("code", ["moderation_blocked", "content_policy_violation"])
def test_both_codes_of_a_refusal_are_known(code: str) -> None:
    kind = "image_generation_user_error"
    refused = Adapter().explain(said(400, error(code, kind, "safety_violations=[sexual]")))
    assert isinstance(refused, Refused)
    assert refused.vendor_says == "safety_violations=[sexual]"
    assert refused.request_id == "req_9"


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (429, "insufficient_quota", "insufficient_quota"),
        (429, None, "insufficient_quota"),
        (429, "project_spend_limit_exceeded", "insufficient_quota"),
        (400, "billing_hard_limit_reached", "invalid_request_error"),
    ],
)
def test_an_empty_purse_is_not_a_reason_to_wait(status: int, code: str | None, kind: str) -> None:
    unavailable = Adapter().explain(said(status, error(code, kind)))
    assert isinstance(unavailable, Unavailable)
    assert unavailable.because == "credit"


@pytest.mark.parametrize(
    ("status", "code", "kind", "because"),
    [
        (404, "model_not_found", Unavailable, "model"),
        (403, "model_not_found", Unavailable, "model"),
        (403, None, Unavailable, "key"),
        (400, "x", Unsuitable, None),
    ],
)
def test_other_complaints_carry_the_vendors_sentence(
    status: int, code: str | None, kind: type[Exception], because: str | None
) -> None:
    explained = Adapter().explain(said(status, error(code, message="Because.")))
    assert isinstance(explained, kind)
    assert getattr(explained, "because", None) == because
    assert getattr(explained, "vendor_says", "") == "Because."


@pytest.mark.parametrize("status", [401, 408, 409, 429, 500, 502, 503])
def test_keys_waiting_and_server_trouble_are_the_houses(status: int) -> None:
    assert Adapter().explain(said(status, error("rate_limit_exceeded", "requests"))) is None


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"\xff\xfe", [], "no", None, 3, {"error": "no"}, {"error": None}]
)
@pytest.mark.parametrize("status", [400, 403, 404, 429, 502])
def test_any_body_is_survived(status: int, body: Any) -> None:
    assert Adapter().explain(said(status, body)) is None


async def test_standing_asks_for_the_models_and_reads_when_ours_end() -> None:
    models = [
        {"id": "gpt-image-2", "object": "model", "shutdown_date": "2027-06-01"},
        {"id": "gpt-image-2.5-flare", "object": "model", "shutdown_date": None},
        {"id": "dall-e-3", "object": "model", "shutdown_date": "2026-05-12"},
    ]

    def vendor(request: httpx.Request) -> httpx.Response:
        assert (request.method, request.url.path) == ("GET", "/v1/models")
        return httpx.Response(200, json={"object": "list", "data": models})

    async with httpx.AsyncClient(transport=httpx.MockTransport(vendor), base_url="http://127.0.0.1") as http:
        assert (await Adapter().standing(http)).left == "gpt-image-2 until 2027-06-01"
