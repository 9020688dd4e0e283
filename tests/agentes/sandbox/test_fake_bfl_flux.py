"""The sandbox's FLUX speaks as the vendor's manual: a task, another address, statuses that are all HTTP 200."""

from __future__ import annotations

import base64
import io
import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from PIL import Image
from practice import Practice

WISH = {
    "prompt": "A mug.",
    "width": 1024,
    "height": 768,
    "seed": 7,
    "safety_tolerance": 2,
    "output_format": "png",
}


@pytest.fixture
def http(sandbox: Practice) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{sandbox.url}/bfl_flux", headers={"x-key": "sandbox"}) as client:
        yield client


def picture(width: int = 512, height: int = 512) -> str:
    file = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def finished(http: httpx.Client, model: str, wish: dict[str, Any]) -> Image.Image:
    told = http.get(http.post(f"/v1/{model}", json=wish).raise_for_status().json()["polling_url"]).json()
    assert told["status"] == "Ready"
    return Image.open(io.BytesIO(httpx.get(told["result"]["sample"]).raise_for_status().content))


def test_a_picture_from_task_to_file(sandbox: Practice, http: httpx.Client) -> None:
    said = http.post("/v1/flux-2-pro", json=WISH).raise_for_status().json()
    assert uuid.UUID(said["id"])
    assert (said["cost"], said["output_mp"], said["input_mp"]) == (3.0, 1, 0)
    told = http.get(said["polling_url"]).raise_for_status().json()
    assert (told["id"], told["status"], told["result"]["seed"]) == (said["id"], "Ready", 7)
    sample = httpx.get(told["result"]["sample"])  # signed: without the key
    assert Image.open(io.BytesIO(sample.content)).size == (1024, 768)
    assert sample.headers["content-type"] == "image/png"
    (line,) = sandbox.ledger()
    assert (line["model"], line["id"], line["usd"]) == ("flux-2-pro", said["id"], "0.030000")


def test_the_address_to_ask_is_another_one_and_no_other_knows_the_task(http: httpx.Client) -> None:
    said = http.post("/v1/flux-2-pro", json=WISH).json()
    asked = urlsplit(said["polling_url"])
    assert asked.path.removeprefix("/bfl_flux") != "/v1/get_result"
    assert parse_qs(asked.query)["id"] == [said["id"]]
    for path in ("/v1/get_result", asked.path.removeprefix("/bfl_flux")):
        number = said["id"] if path == "/v1/get_result" else str(uuid.uuid4())
        answer = http.get(path, params={"id": number})
        assert (answer.status_code, answer.json()["status"]) == (200, "Task not found")


def test_the_sample_is_kept_for_ten_minutes(sandbox: Practice, http: httpx.Client) -> None:
    told = http.get(http.post("/v1/flux-2-pro", json=WISH).json()["polling_url"]).json()
    expires = int(parse_qs(urlsplit(told["result"]["sample"]).query)["Expires"][0])
    assert expires - told["result"]["end_time"] == pytest.approx(600, abs=3)
    sandbox.fault("bfl_flux", "check", "expired")
    dead = http.get(http.post("/v1/flux-2-pro", json=WISH).json()["polling_url"]).json()["result"]["sample"]
    assert httpx.get(dead).status_code == 403


@pytest.mark.parametrize(
    ("model", "wish", "size", "usd"),
    [
        ("flux-2-klein-4b", {"width": 1920, "height": 1072}, (1920, 1072), "0.016000"),
        ("flux-2-max", {"width": 2048, "height": 2048}, (2048, 2048), "0.190000"),
        ("flux-pro-1.1", {"width": 1440, "height": 800}, (1440, 800), "0.040000"),
        ("flux-pro-1.1-ultra", {"aspect_ratio": "1:1"}, (2000, 2000), "0.060000"),
        ("flux-kontext-pro", {"aspect_ratio": "9:16", "input_image": picture()}, (752, 1328), "0.040000"),
    ],
)
def test_every_line_of_models_is_told_its_size_in_its_own_way(
    sandbox: Practice, http: httpx.Client, model: str, wish: dict[str, Any], size: tuple[int, int], usd: str
) -> None:
    assert finished(http, model, {"prompt": "A mug.", **wish}).size == size
    assert [line["usd"] for line in sandbox.ledger()] == [usd]


def test_pictures_are_sent_in_numbered_slots_and_counted_by_megapixel(
    sandbox: Practice, http: httpx.Client
) -> None:
    slots = {"input_image": picture(1000, 1000), "input_image_2": picture(1200, 1000)}
    said = http.post(
        "/v1/flux-2-pro", json={**WISH, **slots, "input_image_3": "https://a.example/b.png"}
    ).json()
    assert said["input_mp"] == 1 + 2 + 1
    assert [line["usd"] for line in sandbox.ledger()] == ["0.090000"]


@pytest.mark.parametrize(
    ("model", "wrong"),
    [
        ("flux-2-pro", {"prompt": ""}),
        ("flux-2-pro", {"width": 1000}),
        ("flux-2-pro", {"width": "1024"}),
        ("flux-2-pro", {"height": 48}),
        ("flux-2-pro", {"width": 2064, "height": 2064}),
        ("flux-2-pro", {"output_format": "gif"}),
        ("flux-2-pro", {"safety_tolerance": 6}),
        ("flux-2-pro", {"seed": -1}),
        ("flux-2-pro", {"negative_prompt": "text"}),
        ("flux-2-pro", {"input_image": "no base64!"}),
        ("flux-2-pro", {"input_image": f"data:image/png;base64,{picture()}"}),
        ("flux-2-pro", {"input_image": base64.b64encode(b"no picture").decode()}),
        ("flux-2-pro", {"input_image_2": picture()}),
        ("flux-2-pro", {"input_image_9": picture()}),
        ("flux-2-klein-4b", {"input_image_5": picture()}),
        ("flux-2-pro", {"webhook_url": "http://a.example"}),
        ("flux-pro-1.1", {"input_image": picture()}),
        ("flux-pro-1.1", {"width": 1456}),
        ("flux-pro-1.1", {"height": 240}),
        ("flux-pro-1.1-ultra", {"aspect_ratio": "4:1"}),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_wrong_request_names_its_field_and_is_not_booked(
    sandbox: Practice, http: httpx.Client, model: str, wrong: dict[str, Any]
) -> None:
    right = {"prompt": "A mug."} if model == "flux-pro-1.1-ultra" else {**WISH, "width": 1024, "height": 768}
    answer = http.post(f"/v1/{model}", json={**right, **wrong})
    assert answer.status_code == 422
    (detail,) = answer.json()["detail"]
    assert detail["loc"] == ["body", next(iter(wrong))]
    assert set(detail) == {"loc", "msg", "type"}
    assert sandbox.ledger() == []


def test_models_without_pixels_refuse_them(sandbox: Practice, http: httpx.Client) -> None:
    for model in ("flux-pro-1.1-ultra", "flux-kontext-max"):
        assert http.post(f"/v1/{model}", json={"prompt": "A mug.", "width": 1024}).status_code == 422
    assert sandbox.ledger() == []


def test_a_body_that_is_no_object_is_a_bad_request(http: httpx.Client) -> None:
    assert http.post("/v1/flux-2-pro", content=b"{").status_code == 422
    assert http.post("/v1/flux-2-pro", json=[]).status_code == 422


@pytest.mark.parametrize(
    ("on", "status"),
    [("start", "Request Moderated"), ("check", "Content Moderated")],
    ids=["prompt", "output"],
)
def test_moderation_is_told_by_a_status_with_http_200(
    sandbox: Practice, http: httpx.Client, on: str, status: str
) -> None:
    sandbox.fault("bfl_flux", on, "refuse")
    said = http.post("/v1/flux-2-pro", json=WISH).raise_for_status().json()
    for _ in range(2):
        answer = http.get(said["polling_url"])
        assert (answer.status_code, answer.json()["status"]) == (200, status)
        assert answer.json()["result"] is None
        assert answer.json()["details"]["Moderation Reasons"]


def test_a_task_may_fail_hang_or_be_empty(sandbox: Practice, http: httpx.Client) -> None:
    for do, status in (("fail", "Error"), ("stuck", "Generating"), ("no_output", "Ready")):
        sandbox.fault("bfl_flux", "start", do)
        told = http.get(http.post("/v1/flux-2-pro", json=WISH).json()["polling_url"])
        assert (told.status_code, told.json()["status"]) == (200, status)
        assert not told.json()["result"]


@pytest.mark.parametrize(
    ("do", "status", "detail"),
    [
        ("out_of_credit", 402, "Insufficient credits"),
        ("429", 429, "Rate limit exceeded"),
        ("retired", 404, "Not Found"),
        ("500", 500, "Internal Server Error"),
        ("503", 503, "Internal Server Error"),
    ],
)
def test_troubles_are_a_status_and_a_sentence(
    sandbox: Practice, http: httpx.Client, do: str, status: int, detail: str
) -> None:
    sandbox.fault("bfl_flux", "start", do)
    answer = http.post("/v1/flux-2-pro", json=WISH)
    assert (answer.status_code, answer.json()) == (status, {"detail": detail})
    assert sandbox.ledger() == []


def test_the_key_is_wanted_for_starting_and_for_asking(sandbox: Practice, http: httpx.Client) -> None:
    polling_url = http.post("/v1/flux-2-pro", json=WISH).json()["polling_url"]
    for headers in ({}, {"x-key": "bad-key"}, {"authorization": "Bearer sandbox"}):
        assert httpx.get(polling_url, headers=headers).status_code == 403
        assert (
            httpx.post(f"{sandbox.url}/bfl_flux/v1/flux-2-pro", headers=headers, json=WISH).status_code == 403
        )
    assert len(sandbox.ledger()) == 1


def test_credits_are_told_and_unknown_models_are_not_there(sandbox: Practice, http: httpx.Client) -> None:
    assert http.get("/v1/credits").json()["credits"] > 0
    assert http.post("/v1/flux-9", json=WISH).status_code == 404
    assert http.get("/v2/nothing").json() == {"detail": "Not Found"}
    assert sandbox.ledger() == []


def test_more_active_tasks_than_allowed_are_one_too_many(sandbox: Practice, http: httpx.Client) -> None:
    sandbox.fault("bfl_flux", "start", "stuck", times=24)
    for _ in range(24):
        assert http.post("/v1/flux-2-klein-4b", json=WISH).status_code == 200
    assert http.post("/v1/flux-2-klein-4b", json=WISH).status_code == 429
    assert len(sandbox.ledger()) == 24
