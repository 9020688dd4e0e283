"""Runway's pictures: each model is given the fields it takes, and one picture is asked for."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from film_orders import asked, door, film_order, picture, with_receipt

from agentes.contract import Done, Link, Pending
from agentes.photo_agent.api_integrations.runway_images import Adapter
from agentes.wire.said import Unintelligible
from shared_knowledge.errors import Failed, PlatformError, Refused, Unavailable, Unsuitable
from shared_knowledge.vocabulary import Money, Order, PhotoIntent, PhotoSpec, Quality

TASK = "d2e3d1f4-1b3c-4b5c-8d46-1c1d7ee86892"
STARTED = {"id": TASK, "estimatedCost": {"credits": 8}}
WORDS = "A mug on a table."


def order(model: str, inputs: tuple[str, ...] = (), **wishes: Any) -> Order:
    spec = PhotoSpec(subject="a mug", **{"aspect_ratio": "9:16", **wishes})
    plain = film_order("runway_images", model, inputs=inputs)
    return plain.model_copy(update={"spec": spec, "duration_s": None, "prompt": WORDS, "task": "photo-1"})


async def sent(order: Order) -> dict[str, Any]:
    http, seen = door(STARTED)
    assert await Adapter().start(http, order) == Pending({"id": TASK}, 6.0)
    [request] = seen
    assert (request.method, request.url.path) == ("POST", "/vendor/v1/text_to_image")
    body: dict[str, Any] = json.loads(request.content)
    return body


async def looked(task: dict[str, Any]) -> Pending | Done:
    http, seen = door({"id": TASK, **task})
    answer = await Adapter().check(http, with_receipt(order("gen4_image"), id=TASK))
    assert [request.url.path for request in seen] == [f"/vendor/v1/tasks/{TASK}"]
    return answer


def uri(path: str) -> str:
    return f"data:image/png;base64,{base64.b64encode(Path(path).read_bytes()).decode()}"


async def test_words_become_a_picture() -> None:
    assert await sent(order("gen4_image", seed=7)) == {
        "model": "gen4_image",
        "promptText": WORDS,
        "ratio": "1080:1920",
        "seed": 7,
    }


async def test_references_have_names_where_the_model_knows_names(tmp_path: Path) -> None:
    one, two = picture(tmp_path), picture(tmp_path, "two.png")
    body = await sent(order("gen4_image_turbo", (one, two), quality=Quality.DRAFT))
    assert body["ratio"] == "720:1280"
    assert body["referenceImages"] == [
        {"uri": uri(one), "tag": "image_1"},
        {"uri": uri(two), "tag": "image_2"},
    ]
    body = await sent(order("ideogram_4_5", (one,)))
    assert body["referenceImages"] == [{"uri": uri(one)}]


async def test_quality_count_and_editing_are_said_where_they_can_be(tmp_path: Path) -> None:
    one, two = picture(tmp_path), picture(tmp_path, "two.png")
    body = await sent(order("grok_imagine_image_2", (one,), intent=PhotoIntent.EDIT, quality=Quality.DRAFT))
    assert (body["quality"], body["outputCount"], body["edit"]) == ("low", 1, True)
    assert (await sent(order("grok_imagine_image_2", (one,))))["edit"] is False
    assert "edit" not in await sent(order("grok_imagine_image_2", (one, two)))
    assert (await sent(order("ideogram_4_0", quality=Quality.HIGH)))["quality"] == "high"
    assert "quality" not in await sent(order("seedream5_pro"))


async def test_a_seed_is_sent_where_there_is_one() -> None:
    assert (await sent(order("bria_fibo_1_5", seed=3)))["seed"] == 3
    assert "seed" not in await sent(order("ideogram_4_0", seed=3))
    assert "seed" not in await sent(order("gen4_image"))


async def test_what_a_model_cannot_do_is_not_asked_for(tmp_path: Path) -> None:
    for wrong, says in (
        (order("gen4_image_turbo"), "needs a reference"),
        (order("recraft_v4_1_flash", (picture(tmp_path),), aspect_ratio="1:1"), "takes no reference"),
    ):
        http, seen = door(STARTED)
        with pytest.raises(Unsuitable, match=says):
            await Adapter().start(http, wrong)
        assert seen == []


async def test_a_heavy_reference_is_uploaded_without_our_key(tmp_path: Path) -> None:
    path = tmp_path / "heavy.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(4_000_000))
    slot = {
        "uploadUrl": "https://store.example/b",
        "fields": {"key": "k"},
        "runwayUri": "runway://uploads/1",
    }
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(204) if request.url.host == "store.example" else httpx.Response(200, json=slot)

    http = httpx.AsyncClient(
        transport=httpx.MockTransport(answer), base_url="https://vendor.example", auth=("me", "secret")
    )
    prepared = await Adapter().prepare(http, order("gen4_image", (str(path),)))
    assert ["authorization" in request.headers for request in seen] == [True, False]
    assert (await sent(prepared))["referenceImages"] == [{"uri": "runway://uploads/1", "tag": "image_1"}]


@pytest.mark.parametrize(("status", "queued"), [("PENDING", False), ("THROTTLED", True), ("NEW", False)])
async def test_a_task_that_has_not_ended_is_looked_at_again(status: str, queued: bool) -> None:
    assert await looked({"status": status}) == Pending({"id": TASK}, 6.0, queued=queued)


async def test_a_success_brings_the_file_and_its_charge() -> None:
    done = await looked({"status": "SUCCEEDED", "output": ["https://x/y.png"], "cost": {"credits": 8}})
    assert done == Done(Link("https://x/y.png"), cost=Money.dollars("0.08"))
    bare = await looked({"status": "SUCCEEDED", "output": None, "cost": {"credits": 8}})
    assert bare == Pending({"id": TASK}, 6.0, bare=True)


@pytest.mark.parametrize(
    ("told", "kind", "charged"),
    [
        ({"status": "FAILED", "failure": "x", "failureCode": "SAFETY.INPUT.TEXT"}, Refused, 8),
        ({"status": "FAILED", "failure": "x", "failureCode": "ASSET.INVALID"}, Unsuitable, 0),
        ({"status": "FAILED", "failure": "x", "failureCode": "INTERNAL"}, Failed, 0),
        ({"status": "CANCELLED"}, Failed, 8),
    ],
)
async def test_a_failure_says_what_it_cost(
    told: dict[str, Any], kind: type[PlatformError], charged: int
) -> None:
    with pytest.raises(kind) as caught:
        await looked(told | {"cost": {"credits": charged}})
    assert caught.value.charged == Money(charged * 10_000)


async def test_answers_that_are_not_as_promised_are_not_believed() -> None:
    for told in ({"id": "other", "status": "RUNNING"}, {"status": 1}, {"status": "SUCCEEDED", "output": "x"}):
        with pytest.raises(Unintelligible):
            await looked(told)
    with pytest.raises(Unintelligible):
        await Adapter().start(door({"task_id": TASK})[0], order("gen4_image"))


async def test_cancelling_and_standing() -> None:
    http, seen = door({}, 204)
    await Adapter().cancel(http, with_receipt(order("gen4_image"), id=TASK))
    assert [(r.method, r.url.path) for r in seen] == [("DELETE", f"/vendor/v1/tasks/{TASK}")]
    assert (await Adapter().standing(door({"creditBalance": 5})[0])).left == "5 credits"


def refusal(status: int, body: Any, path: str = "/v1/text_to_image", **headers: str) -> PlatformError | None:
    answer = asked(status, body, **headers)
    answer.request = httpx.Request("POST", f"https://vendor.example{path}")
    return Adapter().explain(answer)


def test_its_errors_mean_what_they_mean() -> None:
    quota = refusal(429, {"error": "daily limit"})
    assert isinstance(quota, Unavailable)
    assert quota.charged == Money(0)
    assert refusal(429, {"error": "daily limit"}, retry_after="2") is None
    purse = refusal(400, {"error": "You do not have enough credits to run this task."})
    assert isinstance(purse, Unavailable)
    assert purse.because == "credit"
    assert isinstance(refusal(400, {"error": "It did not pass content moderation."}), Refused)
    assert refusal(400, {"error": "ratio"}) is None
    assert refusal(429, {"error": "daily limit"}, f"/v1/tasks/{TASK}") is None
    for body in ([], "x", None, {"error": [1]}, b"[" * 60_000):
        assert refusal(400, body) is None
    assert Adapter().explain(httpx.Response(500)) is None
