"""Luma's adapter says what Ray 2 wants to hear, and finds a lost order in the list."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from film_orders import PROMPT, asked, door, film_order, with_receipt

from agentes.contract import Candidates, Done, Link, Pending
from agentes.video_agent.api_integrations.luma import Adapter
from agentes.wire.said import Unintelligible
from shared_knowledge.errors import Failed, InDoubt, PlatformError, Refused, Unavailable, Unsuitable
from shared_knowledge.vocabulary import Money, Order, Quality

ID = "e7a1f3e0-8c1e-4b52-9a76-2f6f3d5b0f11"
SENT = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
ASKED = {"model": "ray-2", "prompt": PROMPT, "aspect_ratio": "9:16", "duration": "5s", "resolution": "720p"}
VIDEO = {"video": "https://storage.cdn-luma.com/x.mp4", "image": None}


def order(model: str = "ray-2", **wishes: Any) -> Order:
    return film_order("luma", model, **wishes).model_copy(update={"sent_at": SENT})


def generation(state: str = "completed", after_s: float = 1, **more: Any) -> dict[str, Any]:
    created = (SENT + timedelta(seconds=after_s)).isoformat().replace("+00:00", "Z")
    assets = VIDEO if state == "completed" else None
    request = {"generation_type": "video", **ASKED}
    return {
        "id": ID,
        "state": state,
        "created_at": created,
        "assets": assets,
        "failure_reason": None,
        "request": request,
        **more,
    }


async def looked(**told: Any) -> Pending | Done:
    http, seen = door(generation(**told))
    answer = await Adapter().check(http, with_receipt(order(), id=ID))
    assert [r.url.path for r in seen] == [f"/vendor/dream-machine/v1/generations/{ID}"]
    return answer


async def test_words_become_a_clip() -> None:
    http, seen = door(generation("queued"), 201)
    wanted = order("ray-flash-2", seconds=9, ratio="16:9", quality=Quality.DRAFT)
    assert await Adapter().start(http, wanted) == Pending({"id": ID}, 5.0, queued=True)
    [request] = seen
    assert (request.method, request.url.path) == ("POST", "/vendor/dream-machine/v1/generations/video")
    assert json.loads(request.content) == {
        "model": "ray-flash-2",
        "prompt": PROMPT,
        "aspect_ratio": "16:9",
        "duration": "9s",
        "resolution": "540p",
    }


async def test_files_cannot_be_sent() -> None:
    http, seen = door({})
    with pytest.raises(Unsuitable, match="public address"):
        await Adapter().start(http, order(inputs=("/desk/first.png",)))
    assert seen == []


@pytest.mark.parametrize(("state", "queued"), [("queued", True), ("dreaming", False), ("resting", False)])
async def test_what_has_not_ended_is_looked_at_again(state: str, queued: bool) -> None:
    assert await looked(state=state) == Pending({"id": ID}, 5.0, queued=queued)


async def test_what_is_completed_has_a_video() -> None:
    assert await looked() == Done(Link(VIDEO["video"] or ""))
    for assets in (None, {}, {"video": None}, {"video": ""}):
        assert await looked(assets=assets) == Pending({"id": ID}, 5.0, bare=True)


async def test_a_failure_says_why() -> None:
    with pytest.raises(Failed) as caught:
        await looked(state="failed", failure_reason="Too many shapes.")
    assert caught.value.vendor_says == "Too many shapes."
    with pytest.raises(Refused):
        await looked(state="failed", failure_reason="The prompt did not pass moderation.")


async def test_answers_that_are_not_as_promised_are_not_believed() -> None:
    for told in ({"id": "another"}, {"id": None}, {"state": None}, {"assets": {"video": 3}}):
        with pytest.raises(Unintelligible):
            await looked(**told)
    with pytest.raises(Unintelligible):
        await Adapter().start(door({"generation": ID})[0], order())


# ── a lost order ───────────────────────────────────────────────────────────────────────────────


async def found(*pages: dict[str, Any]) -> Pending | Done | None:
    waiting = list(pages)

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/vendor/dream-machine/v1/generations"
        assert dict(request.url.params) == {"limit": "100", "offset": str(100 * (len(pages) - len(waiting)))}
        return httpx.Response(200, json=waiting.pop(0))

    return await Adapter().find(door(answer)[0], order())


def page(*generations: dict[str, Any], has_more: bool = False) -> dict[str, Any]:
    return {"generations": list(generations), "count": len(generations), "has_more": has_more}


async def test_a_lost_order_is_found_by_what_was_asked_for_and_when() -> None:
    other = {**ASKED, "prompt": "A cup."}
    stranger = generation(id="stranger", request=other)
    early = generation(id="early", after_s=-600)
    assert await found(page(stranger, generation("dreaming"), early)) == Pending({"id": ID}, 5.0)
    assert await found(page(stranger, generation(), early)) == Done(Link(VIDEO["video"] or ""))
    assert await found(page(stranger, early)) is None
    assert await found(page()) is None


async def test_other_kinds_of_generations_do_not_stand_in_the_way() -> None:
    still = generation(
        id="still", request={"generation_type": "image", "model": "photon-1", "prompt": PROMPT}
    )
    assert await found(page(still, generation(id="bare", request=None))) is None


async def test_the_list_is_read_until_it_is_older_than_the_order() -> None:
    late = [generation(id=f"late-{number}", after_s=3000 + number) for number in range(3)]
    old = generation(id="old", after_s=-4000)
    assert await found(page(*late, has_more=True), page(generation(), old, has_more=True)) == Done(
        Link(VIDEO["video"] or "")
    )


async def test_between_several_a_person_decides() -> None:
    twins = page(generation(), generation(id="twin", after_s=30))
    assert await found(twins) == Candidates((ID, "twin"))


async def test_an_endless_list_is_not_read_for_ever() -> None:
    http, seen = door(page(generation(id="late", after_s=5000), has_more=True))
    with pytest.raises(InDoubt, match="too long"):
        await Adapter().find(http, order())
    assert len(seen) == 10


# ── the rest ───────────────────────────────────────────────────────────────────────────────────


async def test_cancelling_and_standing() -> None:
    http, seen = door({}, 204)
    await Adapter().cancel(http, with_receipt(order(), id=ID))
    assert [(r.method, r.url.path) for r in seen] == [
        ("DELETE", f"/vendor/dream-machine/v1/generations/{ID}")
    ]
    assert (await Adapter().standing(door({"credit_balance": 123450.5})[0])).left == "$1,234.50"


def refusal(status: int, body: Any) -> PlatformError | None:
    return Adapter().explain(asked(status, body))


def test_its_errors_mean_what_they_mean() -> None:
    purse = refusal(400, {"detail": "Insufficient credits"})
    assert isinstance(purse, Unavailable)
    assert (purse.because, purse.charged) == ("credit", Money(0))
    content = refusal(400, {"detail": "Prompt not allowed"})
    assert isinstance(content, Refused)
    assert content.charged == Money(0)
    assert refusal(400, {"detail": "resolution"}) is None
    assert refusal(429, {"detail": "Insufficient credits"}) is None
    for body in ([], "x", None, {"detail": [{"msg": "x"}]}, b"[" * 60_000):
        assert refusal(400, body) is None
