"""Veo's adapter says what Vertex AI wants to hear, and hears what it says."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
from film_orders import PROMPT, asked, door, film_order, picture, with_receipt

from agentes.contract import Done, Inline, Pending
from agentes.video_agent.api_integrations.google_veo import Adapter
from agentes.wire.said import Unintelligible
from shared_knowledge.catalogue import Catalogue
from shared_knowledge.errors import Failed, PlatformError, Refused, Unsuitable
from shared_knowledge.vocabulary import Order, Quality

MODEL = "veo-3.1-lite-generate-001"
HOME = "/vendor/v1beta1/projects/{project}/locations/{location}/publishers/google/models"
NAME = f"projects/mine/locations/us-central1/publishers/google/models/{MODEL}/operations/0f-1"
VIDEO = {"bytesBase64Encoded": "AAAA", "mimeType": "video/mp4"}


def order(model: str = MODEL, *, seconds: float = 4, **wishes: Any) -> Order:
    return film_order("google_veo", model, seconds=seconds, **wishes)


async def body_of(order: Order) -> dict[str, Any]:
    http, seen = door({"name": NAME})
    pending = await Adapter().start(http, order)
    assert pending == Pending({"operation": NAME}, 10.0)
    [request] = seen
    assert request.method == "POST"
    assert unquote(request.url.path) == f"{HOME}/{order.model}:predictLongRunning"
    found: dict[str, Any] = json.loads(request.content)
    return found


async def looked(answer: dict[str, Any], **wishes: Any) -> Pending | Done:
    http, seen = door(answer)
    found = await Adapter().check(http, with_receipt(order(**wishes), operation=NAME))
    [request] = seen
    assert request.method == "POST"
    assert unquote(request.url.path) == f"{HOME}/{MODEL}:fetchPredictOperation"
    assert json.loads(request.content) == {"operationName": NAME}
    return found


# ── asking ─────────────────────────────────────────────────────────────────────────────────────


async def test_a_silent_clip_out_of_words() -> None:
    assert await body_of(order()) == {
        "instances": [{"prompt": PROMPT}],
        "parameters": {
            "sampleCount": 1,
            "durationSeconds": 4,
            "aspectRatio": "9:16",
            "resolution": "720p",
            "generateAudio": False,
        },
    }


async def test_everything_that_can_be_wished_for() -> None:
    wished = order(
        "veo-3.1-fast-generate-001",
        seconds=8,
        ratio="16:9",
        quality=Quality.HIGH,
        audio=True,
        negative=("text", "logos"),
        seed=77,
    )
    assert (await body_of(wished))["parameters"] == {
        "sampleCount": 1,
        "durationSeconds": 8,
        "aspectRatio": "16:9",
        "resolution": "1080p",
        "generateAudio": True,
        "negativePrompt": "text, logos",
        "seed": 77,
    }


async def test_seconds_are_a_whole_number() -> None:
    seconds = (await body_of(order(seconds=6.0)))["parameters"]["durationSeconds"]
    assert type(seconds) is int


async def test_the_first_picture_opens_the_clip_and_the_second_closes_it(tmp_path: Path) -> None:
    paths = tuple(picture(tmp_path, f"{n}.{end}") for n, end in enumerate(("png", "jpg", "png")))
    [one] = (await body_of(order(inputs=paths[:1])))["instances"]
    assert set(one) == {"prompt", "image"}
    [both] = (await body_of(order(inputs=paths)))["instances"]
    assert set(both) == {"prompt", "image", "lastFrame"}
    assert [both[place]["mimeType"] for place in ("image", "lastFrame")] == ["image/png", "image/jpeg"]
    assert base64.b64decode(both["lastFrame"]["bytesBase64Encoded"]) == Path(paths[1]).read_bytes()


async def test_what_became_of_the_pictures_is_said(tmp_path: Path) -> None:
    paths = tuple(picture(tmp_path, f"{n}.png") for n in range(4))
    answer = {"name": NAME, "done": True, "response": {"videos": [VIDEO]}}
    told = [(await looked(answer, inputs=paths[:count])).warnings for count in (1, 2, 4)]  # type: ignore[union-attr]
    assert told == [
        (),
        ("The clip begins with the first picture and ends with the second.",),
        (
            "The clip begins with the first picture and ends with the second.",
            "Veo takes two pictures; 2 more stayed out.",
        ),
    ]


def test_no_more_pictures_are_promised_than_are_sent() -> None:
    assert {model.references for model in Catalogue.load().platform("google_veo").models} == {2}


@pytest.mark.parametrize("answer", [{}, {"name": ""}, {"name": "a/../b"}, {"name": 7}, [], "x"])
async def test_an_answer_without_a_good_name_is_not_believed(answer: Any) -> None:
    http, _ = door(lambda _: httpx.Response(200, json=answer))
    with pytest.raises(Unintelligible):
        await Adapter().start(http, order())


async def test_a_sign_in_is_tried_on_a_published_model() -> None:
    http, seen = door({"name": "publishers/google/models/x"})
    assert (await Adapter().standing(http)).left == ""
    assert [(r.method, r.url.path) for r in seen] == [
        ("GET", f"/vendor/v1beta1/publishers/google/models/{MODEL}")
    ]


# ── looking ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "answer", [{}, {"name": NAME}, {"name": NAME, "done": False}, {"metadata": {"x": 1}}]
)
async def test_what_is_not_done_is_waited_for(answer: dict[str, Any]) -> None:
    assert await looked(answer) == Pending({"operation": NAME}, 10.0)


async def test_the_video_lies_in_the_answer() -> None:
    done = await looked(
        {"name": NAME, "done": True, "response": {"raiMediaFilteredCount": 0, "videos": [VIDEO]}}
    )
    assert isinstance(done, Done)
    assert done.media == Inline("/response/videos/0/bytesBase64Encoded")
    assert done.used == {}


async def test_a_project_may_be_called_by_its_number() -> None:
    name = NAME.replace("projects/mine", "projects/123456")
    done = await looked({"name": name, "done": True, "response": {"videos": [VIDEO]}})
    assert isinstance(done, Done)


async def test_an_answer_about_another_operation_is_not_believed() -> None:
    with pytest.raises(Unintelligible):
        await looked({"name": f"{NAME}2", "done": True, "response": {"videos": [VIDEO]}})


@pytest.mark.parametrize("videos", [{}, {"videos": []}, {"videos": None}])
async def test_done_without_an_error_and_without_a_video_is_a_refusal(videos: dict[str, Any]) -> None:
    told = {"raiMediaFilteredCount": 1, "raiMediaFilteredReasons": ["Code 15236754."], **videos}
    with pytest.raises(Refused) as refused:
        await looked({"name": NAME, "done": True, "response": told})
    assert refused.value.vendor_says == "Code 15236754."


async def test_a_refusal_may_count_nothing_or_say_nothing() -> None:
    for told in (
        {"raiMediaFilteredCount": 0, "raiMediaFilteredReasons": ["Recitation."]},
        {"raiMediaFilteredCount": 1},
    ):
        with pytest.raises(Refused):
            await looked({"done": True, "response": told})


@pytest.mark.parametrize(
    "response",
    [{"videos": [{"gcsUri": "gs://b/x"}]}, {"videos": [{"bytesBase64Encoded": 5}]}],
)
async def test_done_with_nothing_that_can_be_taken_is_asked_again(response: Any) -> None:
    with pytest.raises(Unintelligible):
        await looked({"name": NAME, "done": True, "response": response})


@pytest.mark.parametrize("response", [None, {}, {"videos": []}])
async def test_done_with_nothing_to_show_is_bare(response: Any) -> None:
    found = await looked({"name": NAME, "done": True, "response": response})
    assert isinstance(found, Pending)
    assert found.bare


@pytest.mark.parametrize(
    ("code", "message", "error"),
    [
        (13, "Video generation failed due to an internal server issue.", Failed),
        (14, "overloaded", Failed),
        (8, "quota", Failed),
        (3, "The input image violates Vertex AI's usage guidelines.", Refused),
        (3, "The image has a wrong size.", Unsuitable),
        (5, "Publisher model not found.", Failed),
        (7, "Permission denied.", Failed),
    ],
)
async def test_a_numbered_error_ends_an_operation(
    code: int, message: str, error: type[PlatformError]
) -> None:
    with pytest.raises(error) as raised:
        await looked({"name": NAME, "done": True, "error": {"code": code, "message": message}})
    assert raised.value.vendor_says == message


# ── errors ─────────────────────────────────────────────────────────────────────────────────────


def test_the_errors_are_googles() -> None:
    said = {
        "error": {"code": 400, "status": "INVALID_ARGUMENT", "message": "It violates our usage guidelines."}
    }
    assert isinstance(Adapter().explain(asked(400, said)), Refused)
    said["error"]["message"] = "Unsupported aspectRatio."
    assert isinstance(Adapter().explain(asked(400, said)), Unsuitable)


@pytest.mark.parametrize("status", [401, 403, 404, 429, 503])
def test_what_has_a_meaning_of_its_own_is_left_to_the_house(status: int) -> None:
    said = {"error": {"code": status, "status": "SOMETHING", "message": "Something."}}
    assert Adapter().explain(asked(status, said)) is None


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"null", b'{"error": 3}', b"\xff\xfe"])
def test_any_body_is_survived(body: bytes) -> None:
    assert Adapter().explain(asked(400, body)) is None
