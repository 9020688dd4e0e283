"""Gemini Omni's adapter says what the Interactions API wants to hear, and hears what it says."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from film_orders import PROMPT, asked, door, film_order, picture, with_receipt

from agentes.contract import Done, Inline, Link, Pending
from agentes.video_agent.api_integrations.google_omni import Adapter
from agentes.wire.said import Unintelligible
from shared_knowledge.errors import Failed, Refused, Unavailable, Unsuitable
from shared_knowledge.platform_facts import Unit
from shared_knowledge.vocabulary import Order

MODEL = "gemini-omni-1.1-flash"
URI = "https://generativelanguage.googleapis.com/v1beta/files/abc:download?alt=media"


def order(**wishes: Any) -> Order:
    return film_order("google_omni", MODEL, **wishes)


def begun(**wishes: Any) -> Order:
    return with_receipt(order(**wishes), id="v1_abc")


def interaction(status: str, *content: dict[str, Any], **more: Any) -> dict[str, Any]:
    steps = [{"type": "thought", "signature": "x" * 40}, {"type": "model_output", "content": list(content)}]
    return {"id": "v1_abc", "object": "interaction", "status": status, "steps": steps, **more}


async def looked(answer: dict[str, Any], **wishes: Any) -> Pending | Done:
    http, seen = door(answer)
    found = await Adapter().check(http, begun(**wishes))
    assert [(r.method, r.url.path, r.url.query) for r in seen] == [
        ("GET", "/vendor/v1/interactions/v1_abc", b"stream=false")
    ]
    return found


# ── asking ─────────────────────────────────────────────────────────────────────────────────────


async def test_a_clip_out_of_words_is_one_request_in_the_background() -> None:
    http, seen = door({"id": "v1_abc", "status": "in_progress"})
    pending = await Adapter().start(http, order(seconds=8, seed=7, negative=("text",)))
    assert pending == Pending({"id": "v1_abc"}, 10.0)
    [request] = seen
    assert (request.method, request.url.path) == ("POST", "/vendor/v1/interactions")
    assert json.loads(request.content) == {
        "model": MODEL,
        "input": PROMPT,
        "background": True,
        "store": True,
        "response_format": {
            "type": "video",
            "aspect_ratio": "9:16",
            "duration": "8s",
            "resolution": "720p",
            "delivery": "uri",
        },
        "generation_config": {"video_config": {"task": "text_to_video"}},
    }


async def test_of_the_answer_to_an_order_only_the_number_and_the_status_matter() -> None:
    http, _ = door({"id": "v1_abc", "status": "queued", "steps": None, "errors": 3, "usage": "none"})
    assert (await Adapter().start(http, order())).queued


@pytest.mark.parametrize(("count", "task"), [(1, "image_to_video"), (2, "reference_to_video")])
async def test_pictures_go_before_the_words(count: int, task: str, tmp_path: Path) -> None:
    paths = tuple(picture(tmp_path, f"{number}.png") for number in range(count))
    http, seen = door({"id": "v1_abc", "status": "in_progress"})
    await Adapter().start(http, order(inputs=paths))
    body = json.loads(seen[0].content)
    assert body["generation_config"]["video_config"]["task"] == task
    [turn] = body["input"]
    *pictures, words = turn["content"]
    assert turn["type"] == "user_input"
    assert words == {"type": "text", "text": PROMPT}
    assert [(each["type"], each["mime_type"]) for each in pictures] == [("image", "image/png")] * count
    assert base64.b64decode(pictures[0]["data"]) == Path(paths[0]).read_bytes()


@pytest.mark.parametrize(
    "answer",
    [{}, {"status": "in_progress"}, {"id": "../up", "status": "queued"}, {"id": 3, "status": "queued"}, []],
)
async def test_an_answer_without_a_good_number_is_not_believed(answer: Any) -> None:
    http, _ = door(lambda _: httpx.Response(200, json=answer))
    with pytest.raises(Unintelligible):
        await Adapter().start(http, order())


async def test_a_cancel_is_asked_for() -> None:
    http, seen = door({"id": "v1_abc", "status": "cancelled"})
    await Adapter().cancel(http, begun())
    assert [(r.method, r.url.path) for r in seen] == [("POST", "/vendor/v1/interactions/v1_abc/cancel")]


async def test_a_key_is_tried_on_the_list_of_models() -> None:
    http, seen = door({"models": []})
    assert (await Adapter().standing(http)).left == ""
    assert [(r.method, r.url.path) for r in seen] == [("GET", "/vendor/v1/models")]


# ── looking ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("status", ["queued", "in_progress", "requires_continuation", "dreaming"])
async def test_what_is_not_over_is_waited_for(status: str) -> None:
    found = await looked({"id": "v1_abc", "status": status})
    assert found == Pending({"id": "v1_abc"}, 10.0, queued=status == "queued")


async def test_the_video_is_fetched_with_the_key() -> None:
    done = await looked(interaction("completed", {"type": "video", "uri": URI, "mime_type": "video/mp4"}))
    assert isinstance(done, Done)
    assert done.media == Link(URI, signed=True)
    assert done.warnings == ("Gemini Omni adds a sound track to every clip.",)
    assert done.used == {}


async def test_google_may_put_the_video_into_the_answer_all_the_same() -> None:
    done = await looked(
        interaction("completed", {"type": "text", "text": "Here."}, {"type": "video", "data": "AAAA"})
    )
    assert isinstance(done, Done)
    assert done.media == Inline("/steps/1/content/1/data")


async def test_the_last_video_of_the_last_turn_counts() -> None:
    answer = interaction("completed", {"type": "video", "data": "first"}, {"type": "video", "data": "last"})
    answer["steps"] = [
        {"type": "model_output", "content": [{"type": "video", "data": "old"}]},
        {"type": "user_input", "content": [{"type": "image", "data": "mine"}]},
        *answer["steps"],
        {"type": "processing_result"},
    ]
    done = await looked(answer)
    assert isinstance(done, Done)
    assert done.media == Inline("/steps/3/content/1/data")


async def test_the_bill_is_counted_in_tokens(tmp_path: Path) -> None:
    usage = {
        "total_tokens": 46336 + 20 + 1120 + 55,
        "total_input_tokens": 1140,
        "total_output_tokens": 46336,
        "total_thought_tokens": 55,
        "input_tokens_by_modality": [
            {"modality": "text", "tokens": 20},
            {"modality": "image", "tokens": 1120},
        ],
        "output_tokens_by_modality": [{"modality": "video", "tokens": 46336}],
    }
    answer = interaction("completed", {"type": "video", "uri": URI}, usage=usage)
    done = await looked(answer, inputs=(picture(tmp_path),), audio=True)
    assert isinstance(done, Done)
    assert done.used == {Unit.VIDEO_OUT: 46336, Unit.TEXT_IN: 20, Unit.IMAGE_IN: 1120, Unit.TEXT_OUT: 55}
    assert done.warnings == ()


@pytest.mark.parametrize(
    "usage",
    [
        None,
        "much",
        {"total_tokens": 5},
        {"total_tokens": 5, "total_input_tokens": 9},
        {
            "total_tokens": 10,
            "total_input_tokens": 1,
            "output_tokens_by_modality": [{"modality": "video", "tokens": -1}],
        },
        {
            "total_tokens": 10,
            "total_input_tokens": 1,
            "output_tokens_by_modality": [{"modality": "video", "tokens": 90}],
        },
        {"total_tokens": True, "total_input_tokens": 1},
    ],
)
async def test_a_bill_that_cannot_be_read_does_not_cost_us_the_video(usage: Any) -> None:
    done = await looked(interaction("completed", {"type": "video", "uri": URI}, usage=usage))
    assert isinstance(done, Done)
    assert done.used == {}


async def test_several_pictures_are_references_and_that_is_said(tmp_path: Path) -> None:
    paths = (picture(tmp_path, "a.png"), picture(tmp_path, "b.png"))
    done = await looked(interaction("completed", {"type": "video", "uri": URI}), inputs=paths, audio=True)
    assert isinstance(done, Done)
    assert done.warnings == ("The pictures served as references; the clip need not begin with one of them.",)


async def test_words_instead_of_a_clip_are_a_refusal() -> None:
    with pytest.raises(Refused) as refused:
        await looked(
            interaction(
                "completed", {"type": "text", "text": "I can't"}, {"type": "text", "text": "do that."}
            )
        )
    assert refused.value.vendor_says == "I can't do that."
    assert refused.value.request_id == "v1_abc"


@pytest.mark.parametrize(
    "steps", [None, [], [{"type": "model_output"}], [{"type": "model_output", "content": None}]]
)
async def test_completed_without_anything_is_asked_again(steps: list[Any]) -> None:
    with pytest.raises(Unintelligible):
        await looked({"id": "v1_abc", "status": "completed", "steps": steps})


async def test_a_video_that_was_billed_is_no_refusal_wherever_it_lies() -> None:
    billed = [{"modality": "video", "tokens": 80}]
    usage = {"total_tokens": 90, "total_input_tokens": 10, "output_tokens_by_modality": billed}
    with pytest.raises(Unintelligible):
        await looked(interaction("completed", {"type": "text", "text": "Here it is."}, usage=usage))


async def test_an_answer_about_another_interaction_is_not_believed() -> None:
    with pytest.raises(Unintelligible):
        await looked({**interaction("completed", {"type": "video", "uri": URI}), "id": "v1_other"})


@pytest.mark.parametrize("uri", ["gs://bucket/x", "", 7])
async def test_an_address_that_is_none_is_not_believed(uri: Any) -> None:
    with pytest.raises(Unintelligible):
        await looked(interaction("completed", {"type": "video", "uri": uri}))


@pytest.mark.parametrize(
    "status", ["failed", "cancelled", "incomplete", "budget_exceeded", "requires_action"]
)
async def test_what_ended_without_a_clip_failed(status: str) -> None:
    with pytest.raises(Failed) as failed:
        await looked(interaction(status, errors=[{"code": "internal", "message": "The renderer broke."}]))
    assert failed.value.vendor_says == "The renderer broke."
    assert failed.value.charged is None


async def test_a_failure_may_be_a_refusal_wherever_it_is_told() -> None:
    answer = interaction("failed")
    answer["steps"][1]["error"] = {"code": 3, "message": "The prompt was blocked for safety reasons."}
    with pytest.raises(Refused, match="refused the content"):
        await looked(answer)


# ── errors ─────────────────────────────────────────────────────────────────────────────────────


def google(status: int, word: str, message: str, *details: dict[str, Any]) -> dict[str, Any]:
    return {"error": {"code": status, "message": message, "status": word, "details": list(details)}}


def test_a_prompt_may_be_turned_away_at_the_door() -> None:
    error = Adapter().explain(
        asked(400, google(400, "INVALID_ARGUMENT", "It violates the usage guidelines."))
    )
    assert isinstance(error, Refused)
    assert error.vendor_says == "It violates the usage guidelines."


def test_other_requests_that_do_not_fit_are_no_refusals() -> None:
    body = google(400, "INVALID_ARGUMENT", "Invalid value for safety_settings.")
    assert isinstance(Adapter().explain(asked(400, body)), Unsuitable)
    lower = {"error": {"code": "invalid_request", "message": "duration must be between 3s and 10s"}}
    assert isinstance(Adapter().explain(asked(400, lower)), Unsuitable)


def test_a_bad_key_is_a_400_with_a_reason() -> None:
    reason = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
    error = Adapter().explain(asked(400, google(400, "INVALID_ARGUMENT", "API key not valid.", reason)))
    assert isinstance(error, Unavailable)
    assert error.because == "key"


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"null", b'{"error": null}', b'{"error": []}', b"\xff"]
)
@pytest.mark.parametrize("status", [400, 429, 500])
def test_any_body_is_survived(body: bytes, status: int) -> None:
    assert Adapter().explain(asked(status, body)) is None
