"""Kling's adapter: its paths, its strings, its envelope, and a lost order found by our own number."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import httpx
import pytest
from post_room import SENT_AT, PostRoom, clip, order, refused

from agentes.contract import Candidates, Done, Link, Pending, Standing
from agentes.video_agent.api_integrations.kling import Adapter
from agentes.wire.said import Unintelligible
from shared_knowledge.errors import (
    Failed,
    InDoubt,
    PlatformError,
    Refused,
    Throttled,
    Unavailable,
    Unsuitable,
)
from shared_knowledge.vocabulary import Money, Order, Quality

ADAPTER = Adapter()
TEXT, IMAGE = "/v1/videos/text2video", "/v1/videos/image2video"
URL = "https://files.example/clip.mp4?sig=1"


def film(model: str = "kling-v3", duration_s: float = 5, **more: Any) -> Order:
    spec = more.pop("spec", {})
    return order("kling", model, clip(**spec), "A mug turns.", duration_s=duration_s, **more)


def started(**more: Any) -> Order:
    return film(receipt={"path": TEXT, "task_id": "7551"}, **more)


def task(status: str = "submitted", **more: Any) -> dict[str, Any]:
    return {
        "task_id": "7551",
        "task_status": status,
        "task_status_msg": "",
        "task_info": {"external_task_id": "ord_0123456789abcdef0123"},
        "created_at": int(SENT_AT.timestamp() * 1000),
        "updated_at": int(SENT_AT.timestamp() * 1000),
        **more,
    }


def told(inside: Any = None, code: int = 0, message: str = "SUCCEED") -> dict[str, Any]:
    return {
        "code": code,
        "message": message,
        "request_id": "rq-1",
        **({} if inside is None else {"data": inside}),
    }


def made(**more: Any) -> dict[str, Any]:
    videos = [{"id": "v", "url": URL, "duration": "5.1"}]
    return task("succeed", task_result={"videos": videos}, **more)


# ── the request ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("placed", "body"),
    [
        (film(), {"mode": "std", "duration": "5", "sound": "off"}),
        (film(duration_s=15.0), {"mode": "std", "duration": "15", "sound": "off"}),
        (film(spec={"audio": True}), {"mode": "std", "duration": "5", "sound": "on"}),
        (film(spec={"quality": Quality.HIGH}), {"mode": "pro", "duration": "5", "sound": "off"}),
        (
            film(spec={"negative": ("people", "text")}),
            {"mode": "std", "duration": "5", "sound": "off", "negative_prompt": "people, text"},
        ),
        (film("kling-v2-5-turbo", 10), {"mode": "std", "duration": "10"}),
        (film("kling-v2-5-turbo", spec={"quality": Quality.HIGH}), {"mode": "pro", "duration": "5"}),
        (
            film("kling-v2-6", spec={"quality": Quality.HIGH}),
            {"mode": "pro", "duration": "5", "sound": "off"},
        ),
    ],
)
async def test_words_become_one_request(placed: Order, body: Any) -> None:
    desk = PostRoom(told(task()))
    answer = await ADAPTER.start(desk.http, placed)
    assert answer == Pending({"path": TEXT, "task_id": "7551"}, 10.0, queued=True)
    assert desk.paths == [f"POST {TEXT}"]
    assert desk.body == {
        "model_name": placed.model,
        "prompt": "A mug turns.",
        "aspect_ratio": "9:16",
        "external_task_id": "ord_0123456789abcdef0123",
        **body,
    }


async def test_pictures_go_bare_and_give_the_shape(tmp_path: Path) -> None:
    first, last = tmp_path / "first.png", tmp_path / "last.jpg"
    first.write_bytes(b"\x89PNG first")
    last.write_bytes(b"\xff\xd8 last")
    desk = PostRoom(told(task("processing")))
    answer = await ADAPTER.start(desk.http, film(inputs=(str(first),)))
    assert answer == Pending({"path": IMAGE, "task_id": "7551"}, 10.0)
    assert desk.paths == [f"POST {IMAGE}"]
    assert base64.b64decode(desk.body["image"], validate=True) == b"\x89PNG first"
    assert not {"aspect_ratio", "image_tail"} & desk.body.keys()
    await ADAPTER.start(desk.http, film(inputs=(str(first), str(last), str(last))))
    assert base64.b64decode(desk.body["image_tail"], validate=True) == b"\xff\xd8 last"
    assert set(desk.body) == {
        "model_name", "prompt", "mode", "duration", "external_task_id", "image", "image_tail", "sound",
    }  # fmt: skip


async def test_a_picture_too_many_is_told() -> None:
    placed = started(inputs=("a.png", "b.png", "c.png"))
    done = await ADAPTER.check(PostRoom(told(made())).http, placed)
    assert isinstance(done, Done)
    assert done.warnings == ("Kling takes a first and a last picture; 1 more had no place.",)


@pytest.mark.parametrize(
    ("code", "kind"),
    [(1101, Unavailable), (1102, Unavailable), (1301, Refused), (1201, Unsuitable), (1303, Throttled)],
)
async def test_a_good_answer_may_be_a_refusal_and_costs_nothing(code: int, kind: Any) -> None:
    with pytest.raises(kind) as error:
        await ADAPTER.start(PostRoom(told(code=code, message="no")).http, film())
    assert error.value.charged == Money(0)
    assert (error.value.vendor_says, error.value.request_id) == ("no", "rq-1")


@pytest.mark.parametrize(
    "answer", [told(code=5000), told(code=77), told(), told([]), told({"task_id": "../x"}), {}, [], "ok"]
)
async def test_an_answer_without_a_task_is_no_answer(answer: Any) -> None:
    with pytest.raises(Unintelligible):
        await ADAPTER.start(PostRoom(answer).http, film())


# ── how it stands ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("status", "queued"), [("submitted", True), ("processing", False), ("SUCCEED", False), ("paused", False)]
)
async def test_it_waits_for_the_one_word_that_means_done(status: str, *, queued: bool) -> None:
    desk = PostRoom(told(task(status)))
    assert await ADAPTER.check(desk.http, started()) == Pending(
        {"path": TEXT, "task_id": "7551"}, 10.0, queued=queued
    )
    assert desk.paths == [f"GET {TEXT}/7551"]


@pytest.mark.parametrize(
    ("units", "measured"),
    [
        (None, {}),
        ("0.6", {"units_deducted": "0.6"}),
        (3, {"units_deducted": 3}),
        (1.5, {"units_deducted": 1.5}),
    ],
)
async def test_a_clip_is_an_address_and_its_units_are_no_money(units: Any, measured: Any) -> None:
    done = await ADAPTER.check(PostRoom(told(made(final_unit_deduction=units))).http, started())
    assert done == Done(Link(URL), measured=measured)


@pytest.mark.parametrize(
    ("says", "units", "kind", "charged"),
    [
        ("internal error", None, Failed, None),
        ("internal error", "0", Failed, Money(0)),
        ("internal error", 0.0, Failed, Money(0)),
        ("internal error", "0.6", Failed, None),
        ("Failure to pass the risk control system", 0, Refused, Money(0)),
    ],
)
async def test_a_failure_says_why_and_whether_it_is_free(
    says: str, units: Any, kind: Any, charged: Any
) -> None:
    answer = told(task("failed", task_status_msg=says, final_unit_deduction=units))
    with pytest.raises(kind) as error:
        await ADAPTER.check(PostRoom(answer).http, started())
    assert error.value.vendor_says == says
    assert error.value.charged == charged


@pytest.mark.parametrize(
    "answer",
    [
        told(code=1002),
        told(code=1303),
        told(made() | {"task_id": "other"}),
        told(task("succeed", task_result={"videos": [{"url": None}]})),
        told(task(final_unit_deduction=[1])),
        told(),
    ],
)
async def test_what_cannot_be_read_is_looked_at_again(answer: Any) -> None:
    with pytest.raises(Unintelligible):
        await ADAPTER.check(PostRoom(answer).http, started())


@pytest.mark.parametrize("shown", [{}, {"task_result": {"videos": []}}])
async def test_a_success_with_nothing_to_show_is_bare(shown: dict[str, Any]) -> None:
    found = await ADAPTER.check(PostRoom(told(task("succeed", **shown))).http, started())
    assert isinstance(found, Pending)
    assert found.bare


async def test_a_refusal_may_come_as_a_code() -> None:
    with pytest.raises(Refused):
        await ADAPTER.check(PostRoom(told(code=1300)).http, started())


# ── a lost answer ──────────────────────────────────────────────────────────────────────────────


def other(number: int, *, days: float = 0) -> dict[str, Any]:
    at = int((SENT_AT.timestamp() - days * 86_400) * 1000) - number
    return task(task_id=f"t{number}", task_info={"external_task_id": f"x{number}"}, created_at=at)


async def test_a_lost_order_is_found_by_our_number() -> None:
    desk = PostRoom(told([other(n) for n in range(30)]), told([other(40), task(), task(task_info=None)]))
    found = await ADAPTER.find(desk.http, film())
    assert found == Pending({"path": TEXT, "task_id": "7551"}, 0.0)
    assert desk.paths == [f"GET {TEXT}?pageNum=1&pageSize=30", f"GET {TEXT}?pageNum=2&pageSize=30"]


async def test_a_picture_s_clip_is_looked_for_where_it_was_sent() -> None:
    desk = PostRoom(told([]))
    assert await ADAPTER.find(desk.http, film(inputs=("a.png",))) is None
    assert desk.paths == [f"GET {IMAGE}?pageNum=1&pageSize=30"]


async def test_older_pages_are_left_only_if_the_list_is_seen_to_go_back_in_time() -> None:
    old = told([other(n, days=1) for n in range(30)])
    desk = PostRoom(old, told([task()]))
    assert await ADAPTER.find(desk.http, film()) is None
    assert len(desk.requests) == 1
    mixed = told([other(2, days=2), *(other(n, days=1) for n in range(29))])
    assert await ADAPTER.find(PostRoom(mixed, told([task()])).http, film()) is not None


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (told([other(1)] * 30), InDoubt),
        (told({"no": "list"}), Unintelligible),
        (told([], code=1303), Unintelligible),
        (told([{"task_id": 3}]), Unintelligible),
    ],
)
async def test_what_is_not_certain_is_not_none(answer: Any, kind: Any) -> None:
    with pytest.raises(kind):
        await ADAPTER.find(PostRoom(answer).http, film())


async def test_a_number_that_two_tasks_carry_is_for_a_person() -> None:
    found = await ADAPTER.find(PostRoom(told([task(), task(task_id="two")])).http, film())
    assert isinstance(found, Candidates)
    assert found.numbers[1:] == ("two",)


# ── complaints and standing ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("status", "code", "kind", "because"),
    [
        *((401, code, Unavailable, "key") for code in (1000, 1001, 1002, 1003, 1004)),
        (429, 1101, Unavailable, "credit"),
        (429, 1102, Unavailable, "credit"),
        (429, 1304, Unavailable, "key"),
        (403, 1103, Unavailable, "model"),
        (400, 1200, Unsuitable, None),
        (400, 1201, Unsuitable, None),
        (400, 1300, Refused, None),
        (400, 1301, Refused, None),
        (429, 1302, Throttled, None),
        (429, 1303, Throttled, None),
    ],
)
def test_the_code_says_more_than_the_status(status: int, code: int, kind: Any, because: Any) -> None:
    error = ADAPTER.explain(refused(status, told(code=code, message="It says.")))
    assert type(error) is kind
    assert (error.vendor_says, error.request_id) == ("It says.", "rq-1")
    assert getattr(error, "because", None) == because
    assert error.charged is None


def test_a_number_that_is_taken_means_that_it_was_bought_before() -> None:
    answer = refused(400, told(code=1201, message="external_task_id already exists"))
    assert isinstance(ADAPTER.explain(answer), InDoubt)


@pytest.mark.parametrize(
    "answer",
    [
        refused(429, told(code=1302), retry_after="7"),
        refused(404, told(code=1203)),
        refused(500, told(code=5000)),
        refused(503, told(code=5001)),
        refused(502, b"<html>"),
        refused(400, b'{"code": "1301"}'),
        refused(400, b"null"),
    ],
)
def test_the_rest_is_left_to_the_house(answer: httpx.Response) -> None:
    assert ADAPTER.explain(answer) is None


async def test_the_list_tells_whether_the_keys_work() -> None:
    desk = PostRoom(told([]))
    assert await ADAPTER.standing(desk.http) == Standing()
    assert desk.paths == [f"GET {TEXT}?pageNum=1&pageSize=1"]
    for code in (1002, 5000):
        with pytest.raises((PlatformError, Unintelligible)):
            await ADAPTER.standing(PostRoom(told(code=code)).http)
