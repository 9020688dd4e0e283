"""Pika's adapter says what fal's queue wants to hear, and hears what it says."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from film_orders import PROMPT, asked, door, film_order, picture, with_receipt

from agentes.contract import Done, Link, Pending
from agentes.video_agent.api_integrations.pika import Adapter
from agentes.wire.said import Unintelligible
from shared_knowledge.errors import Failed, PlatformError, Refused, Unavailable, Unsuitable
from shared_knowledge.vocabulary import Money, Order, Quality

TEXT, IMAGE = "fal-ai/pika/v2.2/text-to-video", "fal-ai/pika/v2.2/image-to-video"
TURBO = "fal-ai/pika/v2/turbo/text-to-video"
QUEUE = "https://queue.fal.run/fal-ai/pika/requests/764cabcf"
RECEIPT = {
    "request_id": "764cabcf",
    "status_url": f"{QUEUE}/status",
    "response_url": QUEUE,
    "cancel_url": f"{QUEUE}/cancel",
}
RESULT = {
    "video": {"url": "https://v3.fal.media/files/x/output.mp4", "content_type": "video/mp4", "file_size": 9}
}


def order(model: str = TEXT, **wishes: Any) -> Order:
    return film_order("pika", model, **wishes)


async def body_of(order: Order) -> dict[str, Any]:
    http, seen = door({"status": "IN_QUEUE", "queue_position": 0, **RECEIPT})
    assert await Adapter().start(http, order) == Pending(dict(RECEIPT), 3.0, queued=True)
    [request] = seen
    assert (request.method, request.url.path) == ("POST", f"/vendor/{order.model}")
    found: dict[str, Any] = json.loads(request.content)
    return found


def queue(status: dict[str, Any], result: Any = RESULT, *, code: int = 200) -> Any:
    """What the two addresses of a look answer."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/status"):
            return httpx.Response(code, json=status)
        return httpx.Response(200, json=result)

    return answer


async def looked(
    status: dict[str, Any], result: Any = RESULT, *, code: int = 200, **wishes: Any
) -> Pending | Done:
    http, seen = door(queue(status, result, code=code))
    found = await Adapter().check(http, with_receipt(order(**wishes), **RECEIPT))
    assert str(seen[0].url) == f"{QUEUE}/status?logs=false"
    assert [str(r.url) for r in seen[1:]] in ([], [QUEUE])
    assert {r.method for r in seen} == {"GET"}
    return found


# ── asking ─────────────────────────────────────────────────────────────────────────────────────


async def test_version_2_2_wants_its_seconds_as_text() -> None:
    assert await body_of(order()) == {
        "prompt": PROMPT,
        "aspect_ratio": "9:16",
        "resolution": "720p",
        "duration": "5",
    }


async def test_everything_that_can_be_wished_for() -> None:
    wished = order(seconds=10, ratio="4:5", quality=Quality.HIGH, negative=("text", "logos"), seed=77)
    assert await body_of(wished) == {
        "prompt": PROMPT,
        "aspect_ratio": "4:5",
        "resolution": "1080p",
        "duration": "10",
        "negative_prompt": "text, logos",
        "seed": 77,
    }


async def test_turbo_wants_its_seconds_as_a_number() -> None:
    seconds = (await body_of(order(TURBO)))["duration"]
    assert (seconds, type(seconds)) == (5, int)


async def test_a_picture_brings_its_own_shape(tmp_path: Path) -> None:
    path = picture(tmp_path)
    body = await body_of(order(IMAGE, inputs=(path,)))
    head, _, text = body.pop("image_url").partition(";base64,")
    assert head == "data:image/png"
    assert base64.b64decode(text) == Path(path).read_bytes()
    assert body == {"prompt": PROMPT, "resolution": "720p", "duration": "5"}


async def test_a_second_picture_stays_out_and_that_is_said(tmp_path: Path) -> None:
    paths = (picture(tmp_path, "a.png"), picture(tmp_path, "b.png"))
    done = await looked({"status": "COMPLETED"}, model=IMAGE, inputs=paths)
    assert isinstance(done, Done)
    assert done.warnings == ("Pika takes one picture; 1 more stayed out.",)


@pytest.mark.parametrize("left_out", RECEIPT)
async def test_an_answer_must_bring_every_address(left_out: str) -> None:
    http, _ = door({name: text for name, text in RECEIPT.items() if name != left_out})
    with pytest.raises(Unintelligible):
        await Adapter().start(http, order())


@pytest.mark.parametrize(
    "address", ["", "ftp://x", "/fal-ai/pika", None, "https://a b", "https://" + "x" * 3000]
)
async def test_an_address_must_be_one(address: Any) -> None:
    http, _ = door({**RECEIPT, "response_url": address})
    with pytest.raises(Unintelligible):
        await Adapter().start(http, order())


async def test_a_cancel_is_put_to_its_own_address() -> None:
    http, seen = door({"status": "CANCELLATION_REQUESTED"}, 202)
    await Adapter().cancel(http, with_receipt(order(), **RECEIPT))
    assert [(r.method, str(r.url)) for r in seen] == [("PUT", f"{QUEUE}/cancel")]


# ── looking ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("status", "queued"),
    [
        ({"status": "IN_QUEUE", "queue_position": 3}, True),
        ({"status": "IN_PROGRESS", "logs": None}, False),
        ({"status": "PONDERING"}, False),
    ],
)
async def test_what_is_not_over_is_waited_for(status: dict[str, Any], queued: bool) -> None:
    assert await looked(status, code=202) == Pending(dict(RECEIPT), 3.0, queued=queued)


async def test_the_clip_is_public() -> None:
    done = await looked({"status": "COMPLETED", "logs": None, "metrics": {}})
    assert done == Done(Link(RESULT["video"]["url"], signed=False))


@pytest.mark.parametrize("told", [{"error": "boom"}, {"error_type": "runner_server_error"}])
async def test_completed_may_be_a_failure_even_where_the_result_looks_good(told: dict[str, str]) -> None:
    with pytest.raises(Failed) as failed:
        await looked({"status": "COMPLETED", **told})
    assert failed.value.vendor_says == next(iter(told.values()))
    assert failed.value.request_id == "764cabcf"


@pytest.mark.parametrize("result", [{}, {"video": None}])
async def test_completed_with_nothing_to_show_is_bare(result: Any) -> None:
    found = await looked({"status": "COMPLETED"}, result)
    assert isinstance(found, Pending)
    assert found.bare


@pytest.mark.parametrize("result", [{"video": {}}, {"video": {"url": ""}}, []])
async def test_completed_without_a_clip_is_asked_again(result: Any) -> None:
    with pytest.raises(Unintelligible):
        await looked({"status": "COMPLETED"}, result)


@pytest.mark.parametrize("status", [{}, {"status": 7}])
async def test_a_status_without_its_word_is_not_believed(status: dict[str, Any]) -> None:
    with pytest.raises(Unintelligible):
        await looked(status)


# ── errors ─────────────────────────────────────────────────────────────────────────────────────


def detail(kind: str, message: str = "Flagged.") -> dict[str, Any]:
    return {
        "detail": [
            {
                "loc": ["body", "prompt"],
                "msg": message,
                "type": kind,
                "url": "https://docs.fal.ai",
                "input": "x",
            }
        ]
    }


def test_a_refusal_behind_the_door_may_have_been_charged() -> None:
    answer = asked(
        422, detail("content_policy_violation"), verb="GET", x_fal_request_id="764", x_fal_retryable="false"
    )
    error = Adapter().explain(answer)
    assert isinstance(error, Refused)
    assert (error.vendor_says, error.request_id, error.charged) == ("Flagged.", "764", None)


def test_a_refusal_at_the_door_was_not() -> None:
    error = Adapter().explain(asked(422, detail("content_policy_violation")))
    assert isinstance(error, Refused)
    assert error.charged == Money(0)


@pytest.mark.parametrize(
    ("status", "retryable", "kind", "charged"),
    [
        (422, "false", Unsuitable, None),
        (422, "true", Failed, None),
        (504, "true", Failed, Money(0)),
        (500, "", Failed, Money(0)),
    ],
)
def test_an_input_nobody_could_work_with(
    status: int, retryable: str, kind: type[PlatformError], charged: Money | None
) -> None:
    body = detail("image_load_error", "Could not load the image.")
    error = Adapter().explain(asked(status, body, verb="GET", x_fal_retryable=retryable))
    assert type(error) is kind
    assert error.vendor_says == "Could not load the image."
    assert error.charged == charged


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (504, "request_timeout"),
        (504, "startup_timeout"),
        (503, "runner_scheduling_failure"),
        (503, "runner_disconnected"),
        (502, "runner_incomplete_response"),
        (500, "runner_server_error"),
        (500, "internal_error"),
    ],
)
@pytest.mark.parametrize("told", ["in the body", "in a header"])
def test_a_broken_runner_is_a_failure_that_costs_nothing(status: int, kind: str, told: str) -> None:
    in_body = {"error_type": kind} if told == "in the body" else {}
    in_header = {} if in_body else {"x_fal_error_type": kind}
    error = Adapter().explain(asked(status, {"detail": "It broke.", **in_body}, verb="GET", **in_header))
    assert isinstance(error, Failed)
    assert (error.vendor_says, error.charged) == ("It broke.", Money(0))


def test_a_cancelled_request_failed_at_a_price_nobody_names() -> None:
    error = Adapter().explain(asked(499, {"detail": "Bye.", "error_type": "client_cancelled"}, verb="GET"))
    assert isinstance(error, Failed)
    assert error.charged is None


@pytest.mark.parametrize(
    "body", [{"detail": "It broke.", "error_type": "internal_error"}, detail("internal_error")]
)
def test_a_broken_answer_to_an_order_leaves_it_in_doubt(body: dict[str, Any]) -> None:
    assert Adapter().explain(asked(500, body, x_fal_error_type="internal_error")) is None


def test_a_gateway_in_trouble_is_no_failure_of_the_request() -> None:
    assert Adapter().explain(asked(502, "<html>nginx</html>", verb="GET")) is None


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (403, "User is locked. Reason: Exhausted balance. Top up your balance at fal.ai/dashboard/billing."),
        (403, "User is locked. Reason: TOP_UP."),
        (402, "Insufficient credits."),
    ],
)
def test_an_empty_purse_is_told_from_a_bad_key(status: int, words: str) -> None:
    error = Adapter().explain(asked(status, {"detail": words}))
    assert isinstance(error, Unavailable)
    assert (error.because, error.vendor_says, error.charged) == ("credit", words, Money(0))
    behind_the_door = Adapter().explain(asked(status, {"detail": words}, verb="GET"))
    assert isinstance(behind_the_door, Unavailable)
    assert behind_the_door.charged is None


@pytest.mark.parametrize("status", [401, 403, 404, 429])
def test_the_rest_is_left_to_the_house(status: int) -> None:
    assert Adapter().explain(asked(status, {"detail": "User is locked. Reason: Admin lock."})) is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"null",
        b'{"detail": null}',
        b'{"detail": []}',
        b'{"detail": [3, null]}',
        b"\xff",
        b"[" * 20000,
    ],
)
@pytest.mark.parametrize("status", [400, 403, 422, 500])
def test_any_body_is_survived(body: bytes, status: int) -> None:
    assert Adapter().explain(asked(status, body, verb="GET")) is None


def test_an_answer_without_its_request_is_survived() -> None:
    error = Adapter().explain(httpx.Response(422, json=detail("content_policy_violation")))
    assert isinstance(error, Refused)
