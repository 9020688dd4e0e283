"""FLUX's adapter: sizes or shapes, pictures in numbered fields, an address to ask, and what it says of content."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import httpx
import pytest
from post_room import PostRoom, order, picture, refused

from agentes.contract import Done, Link, Pending
from agentes.photo_agent.api_integrations.bfl_flux import Adapter
from agentes.wire.said import Unintelligible
from shared_knowledge.errors import Failed, PlatformError, Refused, Unsuitable
from shared_knowledge.vocabulary import Money, Order, PhotoIntent, Quality

ADAPTER = Adapter()
ELSEWHERE = "https://api.us1.bfl.ai/v1/get_result?id=2fa25140-591f"
RECEIPT = {"id": "2fa25140-591f", "polling_url": ELSEWHERE}


def photo(model: str = "flux-2-pro", **more: Any) -> Order:
    return order("bfl_flux", model, picture(**more.pop("spec", {})), **more)


def started(**more: Any) -> dict[str, Any]:
    return {"id": "2fa25140-591f", "polling_url": ELSEWHERE, **more}


@pytest.mark.parametrize(
    ("placed", "body"),
    [
        (photo(), {"width": 736, "height": 1328}),
        (photo(spec={"quality": Quality.HIGH}), {"width": 1056, "height": 1872}),
        (photo(spec={"seed": 9}), {"width": 736, "height": 1328, "seed": 9}),
        (photo("flux-pro-1.1"), {"width": 736, "height": 1312}),
        (photo("flux-dev", spec={"aspect_ratio": "1:1"}), {"width": 992, "height": 992}),
        (photo("flux-pro-1.1-ultra"), {"aspect_ratio": "9:16"}),
    ],
)
async def test_words_become_one_request(placed: Order, body: Any) -> None:
    desk = PostRoom(started())
    assert await ADAPTER.start(desk.http, placed) == Pending(RECEIPT, 1.0)
    assert desk.paths == [f"POST /v1/{placed.model}"]
    assert desk.body == {"prompt": "A mug.", "output_format": "png", **body}


async def test_pictures_stand_in_numbered_fields(tmp_path: Path) -> None:
    paths = []
    for number in range(1, 10):
        (tmp_path / f"{number}.png").write_bytes(b"\x89PNG%d" % number)
        paths.append(str(tmp_path / f"{number}.png"))
    desk = PostRoom(started())
    await ADAPTER.start(desk.http, photo(inputs=paths[:2]))
    assert base64.b64decode(desk.body["input_image"]) == b"\x89PNG1"
    assert base64.b64decode(desk.body["input_image_2"]) == b"\x89PNG2"
    assert {"input_image_1", "input_image_3"}.isdisjoint(desk.body)
    await ADAPTER.start(desk.http, photo(inputs=paths))
    assert base64.b64decode(desk.body["input_image_8"]) == b"\x89PNG8"
    assert "input_image_9" not in desk.body
    edit = {"intent": PhotoIntent.EDIT, "aspect_ratio": "1:1"}
    await ADAPTER.start(desk.http, photo("flux-kontext-pro", spec=edit, inputs=paths[:1]))
    assert desk.body["aspect_ratio"] == "1:1"
    assert set(desk.body) == {"prompt", "output_format", "aspect_ratio", "input_image"}


@pytest.mark.parametrize(
    "answer",
    [
        {},
        [],
        {"id": "x"},
        started(id="../../x"),
        started(polling_url="ftp://x"),
        started(polling_url=None),
        started(cost=-1),
        started(cost="3"),
    ],
)
async def test_an_answer_without_an_address_is_no_answer(answer: Any) -> None:
    with pytest.raises(Unintelligible):
        await ADAPTER.start(PostRoom(answer).http, photo())


# ── how it stands ──────────────────────────────────────────────────────────────────────────────


async def check(answer: Any, **receipt: Any) -> Pending | Done:
    return await ADAPTER.check(PostRoom(answer).http, photo(receipt=RECEIPT | receipt))


@pytest.mark.parametrize("status", ["Pending", "Queued", "ready", ""])
async def test_it_is_asked_at_the_address_it_gave(status: str) -> None:
    desk = PostRoom({"id": "2fa25140-591f", "status": status})
    assert await ADAPTER.check(desk.http, photo(receipt=RECEIPT)) == Pending(RECEIPT, 1.0)
    assert str(desk.requests[0].url) == ELSEWHERE
    assert desk.requests[0].method == "GET"


@pytest.mark.parametrize(
    ("receipt", "answer", "cost"),
    [
        ({}, {}, None),
        ({"credits": 4.5}, {}, Money(45_000)),
        ({"credits": 4.5}, {"cost": 1.4}, Money(14_000)),
        ({}, {"cost": 0}, Money(0)),
    ],
)
async def test_a_picture_is_an_address_and_credits_are_cents(receipt: Any, answer: Any, cost: Any) -> None:
    ready = {"status": "Ready", "result": {"sample": "https://delivery.bfl.ai/x.png?sig=1"}, **answer}
    done = await check(ready, **receipt)
    assert done == Done(Link("https://delivery.bfl.ai/x.png?sig=1"), cost=cost)


async def test_credits_travel_with_the_receipt() -> None:
    answer = await ADAPTER.start(PostRoom(started(cost=4.5, input_mp=0, output_mp=2)).http, photo())
    assert answer.receipt == RECEIPT | {"credits": 4.5}


async def test_pictures_too_many_are_told() -> None:
    ready = {"status": "Ready", "result": {"sample": "https://x/y"}}
    placed = photo(receipt=RECEIPT, inputs=tuple("123456789"))
    done = await ADAPTER.check(PostRoom(ready).http, placed)
    assert isinstance(done, Done)
    assert done.warnings == ("flux-2-pro takes fewer pictures; 1 had no place.",)


@pytest.mark.parametrize(
    ("status", "kind"),
    [("Request Moderated", Refused), ("Content Moderated", Refused), ("Error", Failed)],
)
async def test_a_good_answer_may_be_a_refusal(status: str, kind: Any) -> None:
    with pytest.raises(kind) as error:
        await check({"status": status, "details": {"Moderation Reasons": ["Derivative Works Filter"]}})
    assert error.value.vendor_says == "Derivative Works Filter"
    assert error.value.request_id == "2fa25140-591f"
    assert error.value.charged is None


@pytest.mark.parametrize(
    "answer",
    [
        {"status": "Task not found"},
        {"status": "Ready", "result": {"sample": 7}},
        {"status": "Ready", "id": "another", "result": {"sample": "https://x/y"}},
        {"status": None},
        {},
        [],
    ],
)
async def test_what_cannot_be_read_is_looked_at_again(answer: Any) -> None:
    with pytest.raises(Unintelligible):
        await check(answer)


@pytest.mark.parametrize("result", [None, {}, {"sample": ""}])
async def test_ready_with_nothing_to_show_is_bare(result: Any) -> None:
    found = await check({"status": "Ready", "result": result})
    assert isinstance(found, Pending)
    assert found.bare


# ── complaints ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("answer", "kind", "says"),
    [
        (refused(422, {"detail": [{"loc": ["body", "width"], "msg": "too small"}]}), Unsuitable, "too small"),
        (refused(400, {"detail": "Bad ratio"}), Unsuitable, "Bad ratio"),
        (refused(422, {"detail": "Request moderated"}), Refused, "Request moderated"),
        (refused(422, {"detail": None}), Unsuitable, ""),
        (refused(422, {"detail": {"a": [{"b": "deep"}, 3, None]}}), Unsuitable, "deep"),
    ],
)
def test_a_complaint_is_understood(answer: httpx.Response, kind: Any, says: str) -> None:
    error = ADAPTER.explain(answer)
    assert type(error) is kind
    assert isinstance(error, PlatformError)
    assert error.vendor_says == says


@pytest.mark.parametrize("status", [401, 402, 403, 404, 429, 500, 503])
def test_the_rest_is_left_to_the_house(status: int) -> None:
    assert ADAPTER.explain(refused(status, {"detail": "no"})) is None
    assert ADAPTER.explain(refused(422, b"<html>")) is None
    assert ADAPTER.explain(refused(422, "[" * 10_000)) is None
