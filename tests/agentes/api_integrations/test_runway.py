"""Runway's adapter gives each model the fields that very model takes, and hears what its tasks come to."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from film_orders import PROMPT, asked, door, film_order, picture, with_receipt

from agentes.contract import Done, Link, Pending
from agentes.video_agent.api_integrations.runway import Adapter
from agentes.wire.attachments import Attachment
from agentes.wire.said import Unintelligible
from shared_knowledge.catalogue import Catalogue
from shared_knowledge.errors import Failed, PlatformError, Refused, Unavailable, Unsuitable
from shared_knowledge.platform_facts import Audio, Mode
from shared_knowledge.vocabulary import Money, Order, Quality

TASK = "d2e3d1f4-1b3c-4b5c-8d46-1c1d7ee86892"
STARTED = {"id": TASK, "estimatedCost": {"credits": 60}}
PLAIN = {"promptText": PROMPT}


def order(model: str, **wishes: Any) -> Order:
    return film_order("runway", model, **wishes)


async def sent(order: Order) -> tuple[str, dict[str, Any]]:
    """The endpoint and the body of the one request a start makes."""
    http, seen = door(STARTED)
    assert await Adapter().start(http, order) == Pending({"id": TASK}, 6.0)
    [request] = seen
    body: dict[str, Any] = json.loads(request.content)
    assert body.pop("model") == order.model
    assert request.method == "POST"
    return request.url.path.removeprefix("/vendor/v1/"), body


async def looked(task: dict[str, Any], made: Order | None = None) -> Pending | Done:
    http, seen = door({"id": TASK, "createdAt": "2026-11-20T12:00:00.000Z", **task})
    answer = await Adapter().check(http, with_receipt(made or order("gen4.5"), id=TASK))
    assert [request.url.path for request in seen] == [f"/vendor/v1/tasks/{TASK}"]
    return answer


def frame(path: str, position: str | None = None) -> dict[str, str]:
    coded = base64.b64encode(Path(path).read_bytes()).decode()
    return {"uri": f"data:image/png;base64,{coded}"} | ({"position": position} if position else {})


# ── what is asked for ──────────────────────────────────────────────────────────────────────────


async def test_words_become_a_clip() -> None:
    assert await sent(order("gen4.5", seconds=7, seed=42)) == (
        "text_to_video",
        PLAIN | {"ratio": "720:1280", "duration": 7, "seed": 42},
    )


async def test_a_picture_opens_the_clip(tmp_path: Path) -> None:
    first = picture(tmp_path)
    assert await sent(order("gen4_turbo", seconds=10, ratio="1:1", inputs=(first,))) == (
        "image_to_video",
        PLAIN | {"ratio": "960:960", "duration": 10, "promptImage": [frame(first, "first")]},
    )


async def test_turbo_makes_nothing_from_words_alone() -> None:
    with pytest.raises(Unsuitable, match="gen4_turbo has no text to video") as caught:
        await Adapter().start(door(STARTED)[0], order("gen4_turbo"))
    assert caught.value.charged == Money(0)


@pytest.mark.parametrize("audio", [False, True])
@pytest.mark.parametrize("model", ["veo3.1", "kling3.0_standard", "klingO3_pro", "seedance2", "wan3"])
async def test_silence_is_asked_for_in_so_many_words(model: str, audio: bool) -> None:
    _, body = await sent(order(model, seconds=8, audio=audio))
    assert body["audio"] is audio


async def test_no_sound_is_mentioned_where_there_is_no_choice() -> None:
    for model in ("gen4.5", "gemini_omni_flash", "kling2.5_turbo_pro", "hailuo3"):
        assert "audio" not in (await sent(order(model)))[1]


async def test_the_last_frame_goes_where_it_is_taken(tmp_path: Path) -> None:
    first, last = picture(tmp_path), picture(tmp_path, "last.png")
    both = [frame(first, "first"), frame(last, "last")]
    for model in ("veo3.1_fast", "kling3.0_pro", "klingO3_4k", "seedance2_mini", "gemini_omni_flash_1.1"):
        way, body = await sent(order(model, seconds=8, inputs=(first, last)))
        assert (way, body["promptImage"]) == ("image_to_video", both)
        assert "references" not in body
    for model in ("gen4.5", "gemini_omni_flash", "hailuo3"):
        assert (await sent(order(model, inputs=(first, last))))[1]["promptImage"] == both[:1]


async def test_further_references_go_beside_the_frames_or_instead_of_them(tmp_path: Path) -> None:
    given = tuple(picture(tmp_path, f"{number}.png", (30 + number, 60)) for number in range(4))
    way, body = await sent(order("klingO3_standard", inputs=given))
    assert way == "image_to_video"
    assert [each["position"] for each in body["promptImage"]] == ["first", "last"]
    assert body["references"] == [frame(path) for path in given[2:]]
    way, body = await sent(order("seedance2", inputs=given))
    assert way == "text_to_video"
    assert body["references"] == [frame(path) for path in given]
    assert "promptImage" not in body


@pytest.mark.parametrize(
    ("model", "words", "picture_sent"),
    [
        ("hailuo3", {"ratio": "9:16", "resolution": "768p"}, {"ratio": "9:16", "resolution": "768p"}),
        ("grok_imagine_1_5", {"ratio": "9:16", "resolution": "720p"}, {"resolution": "720p"}),
        ("happyhorse_1_0", {"ratio": "720:1280"}, {"resolution": "720p"}),
        ("kling2.5_turbo_pro", {"ratio": "720:1280"}, {}),
        ("kling_4", {"ratio": "720:1280"}, {"ratio": "auto_720p"}),
        ("wan3_prime", {"ratio": "720:1280"}, {"ratio": "auto_720p"}),
        ("grok_imagine_1_5_lite", {"ratio": "720:1280"}, {"ratio": "auto_720p"}),
        ("seedance2_5", {"ratio": "720:1280"}, {"ratio": "720:1280"}),
        ("h3_max", None, {"resolution": "768p"}),
    ],
)
async def test_the_size_is_said_as_the_model_wants_it(
    model: str, words: dict[str, str] | None, picture_sent: dict[str, str], tmp_path: Path
) -> None:
    def size(body: dict[str, Any]) -> dict[str, str]:
        return {name: body[name] for name in ("ratio", "resolution") if name in body}

    if words is not None:
        assert size((await sent(order(model)))[1]) == words
    assert size((await sent(order(model, inputs=(picture(tmp_path),))))[1]) == picture_sent


async def test_high_quality_is_the_larger_size() -> None:
    _, body = await sent(order("hailuo3", quality=Quality.HIGH))
    assert (body["ratio"], body["resolution"]) == ("9:16", "2k")
    assert (await sent(order("veo3.1", seconds=8, quality=Quality.HIGH)))[1]["ratio"] == "1080:1920"
    assert (await sent(order("seedance2_5", quality=Quality.DRAFT)))[1]["ratio"] == "480:854"


async def test_a_seed_is_sent_where_there_is_one() -> None:
    assert "seed" not in (await sent(order("kling3.0_standard", seed=7)))[1]
    assert (await sent(order("seedance2_mini", seed=7)))[1]["seed"] == 7
    assert "seed" not in (await sent(order("gen4.5", seed=0)))[1]


async def test_every_model_is_asked_for_with_what_the_catalogue_says(tmp_path: Path) -> None:
    first = picture(tmp_path)
    for model in Catalogue.load().platform("runway").models:
        seconds = (model.durations_s or (5,))[-1]
        for quality in model.quality:
            wishes: dict[str, Any] = {"seconds": seconds, "quality": quality}
            if Mode.TEXT_TO_VIDEO in model.modes and model.id != "h3_max":
                way, body = await sent(order(model.id, **wishes))
                assert (way, body["duration"]) == ("text_to_video", seconds)
                assert ("audio" in body) is (model.audio is Audio.OPTIONAL)
            if Mode.IMAGE_TO_VIDEO in model.modes:
                way, body = await sent(order(model.id, inputs=(first,), **wishes))
                assert (way, body["duration"]) == ("image_to_video", seconds)


@pytest.mark.parametrize(
    ("model", "wanted"),
    [
        ("aleph2", {"videoUri": "runway://clip", "seed": 3}),
        ("gemini_omni_flash", {"videoUri": "runway://clip"}),
        (
            "gemini_omni_flash_1.1",
            {"videoUri": "runway://clip", "mode": "reference", "ratio": "720:1280", "duration": 5},
        ),
        (
            "seedance2",
            {"promptVideo": "runway://clip", "ratio": "720:1280", "duration": 5, "audio": False, "seed": 3},
        ),
        (
            "hailuo3",
            {"promptVideo": "runway://clip", "ratio": "9:16", "resolution": "768p", "duration": 5},
        ),
        ("kling_4", {"videoUri": "runway://clip", "ratio": "auto_720p"}),
        ("klingO3_pro", {"promptVideo": "runway://clip", "providerSettings": {"keepOriginalSound": False}}),
    ],
)
async def test_a_clip_is_worked_on(model: str, wanted: dict[str, Any]) -> None:
    made = order(model, inputs=("/desk/clip.mp4",), seed=3)
    made = made.model_copy(update={"prepared": {"uploads": {"/desk/clip.mp4": "runway://clip"}}})
    assert await sent(made) == ("video_to_video", PLAIN | wanted)


async def test_a_clip_is_not_given_to_a_model_that_takes_none() -> None:
    made = order("seedance2_5", inputs=("/desk/clip.mp4",))
    made = made.model_copy(update={"prepared": {"uploads": {"/desk/clip.mp4": "runway://clip"}}})
    with pytest.raises(Unsuitable, match="seedance2_5 has no video to video"):
        await Adapter().start(door(STARTED)[0], made)


# ── uploads ────────────────────────────────────────────────────────────────────────────────────


def heavy(folder: Path) -> str:
    path = folder / "heavy.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(4_000_000))
    return str(path)


async def test_a_heavy_picture_is_uploaded_and_a_light_one_is_not(tmp_path: Path) -> None:
    light, large = picture(tmp_path), heavy(tmp_path)
    slot = {
        "uploadUrl": "https://store.example/bucket",
        "fields": {"key": "k", "policy": "p"},
        "runwayUri": "runway://u/1",
    }
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(204) if request.url.host == "store.example" else httpx.Response(200, json=slot)

    http = httpx.AsyncClient(
        transport=httpx.MockTransport(answer), base_url="https://vendor.example", auth=("me", "secret")
    )
    before = order("veo3.1", seconds=8, inputs=(light, large))
    prepared = await Adapter().prepare(http, before)
    ask, put = seen
    assert json.loads(ask.content) == {"filename": "reference.png", "type": "ephemeral"}
    assert "authorization" in ask.headers
    assert "authorization" not in put.headers
    form = put.content
    assert form.index(b'name="key"') < form.index(b'name="policy"') < form.index(b'name="file"')
    _, body = await sent(prepared)
    assert body["promptImage"] == [frame(light, "first"), {"uri": "runway://u/1", "position": "last"}]
    assert await Adapter().prepare(http, order("gen4.5", inputs=(light,))) == order("gen4.5", inputs=(light,))


async def test_what_is_just_light_enough_fits_into_an_address(tmp_path: Path) -> None:
    path = tmp_path / "limit.jpeg"
    path.write_bytes(bytes(3_700_000))
    assert len(Attachment.read(str(path)).inline_uri) < 5_000_000


# ── what comes of it ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("status", "queued"),
    [("PENDING", False), ("THROTTLED", True), ("RUNNING", False), ("DREAMING", False)],
)
async def test_a_task_that_has_not_ended_is_looked_at_again(status: str, queued: bool) -> None:
    told = {"status": status, "progress": 0.5, "estimatedCost": {"credits": 60}}
    assert await looked(told) == Pending({"id": TASK}, 6.0, queued=queued)


@pytest.mark.parametrize(
    ("told", "usd"), [(60, "0.600000"), (12.5, "0.125000"), (0, "0.000000"), (0.1, "0.001000")]
)
async def test_a_success_brings_the_file_and_its_charge(told: float, usd: str) -> None:
    url = "https://dnznrvs05pmza.cloudfront.net/x.mp4?_jwt=ey"
    done = await looked({"status": "SUCCEEDED", "output": [url], "cost": {"credits": told}})
    assert isinstance(done, Done)
    assert done.media == Link(url)
    assert done.cost is not None
    assert done.cost.usd == usd


@pytest.mark.parametrize("output", [None, [], [""], [None]])
async def test_a_success_without_a_file_is_bare(output: Any) -> None:
    found = await looked({"status": "SUCCEEDED", "output": output, "cost": {"credits": 60}})
    assert isinstance(found, Pending)
    assert found.bare


@pytest.mark.parametrize(
    ("code", "kind", "taken"),
    [
        ("SAFETY.INPUT.TEXT", Refused, 60),
        ("SAFETY.INPUT.IMAGE", Refused, 60),
        ("SAFETY.OUTPUT.VIDEO", Refused, 0),
        ("INPUT_PREPROCESSING.SAFETY.TEXT", Refused, 60),
        ("INTERNAL.BAD_OUTPUT.CODE01", Failed, 0),
        ("ASSET.INVALID", Unsuitable, 0),
        ("INTERNAL", Failed, 0),
        (None, Failed, 0),
    ],
)
async def test_a_failure_says_why_and_what_it_cost(
    code: str | None, kind: type[PlatformError], taken: int
) -> None:
    told = {"status": "FAILED", "failure": "It went wrong.", "cost": {"credits": taken}}
    with pytest.raises(kind) as caught:
        await looked(told | ({"failureCode": code} if code else {}))
    assert type(caught.value) is kind
    assert caught.value.charged == Money(taken * 10_000)
    assert caught.value.vendor_says == ("It went wrong." if code is None else f"It went wrong. ({code})")


async def test_a_failure_that_does_not_say_what_it_cost_leaves_that_open() -> None:
    with pytest.raises(Refused) as caught:
        await looked({"status": "FAILED", "failure": "no", "failureCode": "SAFETY.INPUT.TEXT"})
    assert caught.value.charged is None


async def test_a_cancelled_task_has_ended() -> None:
    with pytest.raises(Failed, match="cancelled") as caught:
        await looked({"status": "CANCELLED", "cost": {"credits": 60}})
    assert caught.value.charged == Money.dollars("0.60")


@pytest.mark.parametrize(
    "told",
    [
        {"id": "another-task", "status": "RUNNING"},
        {"id": None, "status": "RUNNING"},
        {"status": 7},
        {"status": None},
        {"status": "SUCCEEDED", "output": "https://x"},
        {"status": "SUCCEEDED", "output": ["https://x"], "cost": {"credits": -1}},
        {"status": "SUCCEEDED", "output": ["https://x"], "cost": {"credits": "many"}},
    ],
)
async def test_an_answer_that_is_not_as_promised_is_not_believed(told: dict[str, Any]) -> None:
    with pytest.raises(Unintelligible):
        await looked(told)


@pytest.mark.parametrize("body", [{"task_id": TASK}, {"id": None}, {"id": "../x"}, {"id": ""}])
async def test_a_start_without_a_usable_id_is_not_believed(body: dict[str, Any]) -> None:
    with pytest.raises(Unintelligible):
        await Adapter().start(door(body)[0], order("gen4.5"))


async def test_pictures_that_could_not_be_sent_are_mentioned(tmp_path: Path) -> None:
    told = {"status": "SUCCEEDED", "output": ["https://x/y.mp4"], "cost": {"credits": 1}}
    given = tuple(picture(tmp_path, f"{number}.png") for number in range(3))

    async def warnings(model: str) -> tuple[str, ...]:
        done = await looked(told, order(model, inputs=given))
        assert isinstance(done, Done)
        return done.warnings

    assert await warnings("gen4.5") == ("gen4.5 starts from one picture; 2 more could not be sent along.",)
    assert await warnings("veo3.1") == ("veo3.1 starts from 2 pictures; 1 more could not be sent along.",)
    assert await warnings("seedance2") == ()
    assert await warnings("klingO3_pro") == ()


async def test_cancelling_deletes_the_task() -> None:
    http, seen = door({}, 204)
    await Adapter().cancel(http, with_receipt(order("gen4.5"), id=TASK))
    assert [(r.method, r.url.path) for r in seen] == [("DELETE", f"/vendor/v1/tasks/{TASK}")]


async def test_the_standing_is_told_in_credits() -> None:
    http, _ = door({"creditBalance": 1234, "tier": {"models": {}}, "usage": {"models": {}}})
    assert (await Adapter().standing(http)).left == "1,234 credits"


# ── what its errors mean ───────────────────────────────────────────────────────────────────────


def refusal(status: int, body: Any, path: str = "/v1/text_to_video", **headers: str) -> PlatformError | None:
    answer = asked(status, body, **headers)
    answer.request = httpx.Request("POST", f"https://vendor.example{path}")
    return Adapter().explain(answer)


def test_429_is_the_quota_of_the_day() -> None:
    error = refusal(429, {"error": "You have reached your daily task limit."})
    assert isinstance(error, Unavailable)
    assert error.because is None
    assert error.charged == Money(0)
    assert error.vendor_says == "You have reached your daily task limit."
    assert refusal(429, {"error": "busy"}, retry_after="2") is None


def test_an_empty_purse_is_recognised_by_its_words() -> None:
    for words in (
        "You do not have enough credits to run this task.",
        "Insufficient credits.",
        "Out of credits",
    ):
        error = refusal(400, {"error": words})
        assert isinstance(error, Unavailable)
        assert error.because == "credit"


def test_a_refusal_at_the_door_costs_nothing() -> None:
    error = refusal(400, {"error": "The text did not pass content moderation."})
    assert isinstance(error, Refused)
    assert error.charged == Money(0)


@pytest.mark.parametrize(
    "body",
    [
        {"error": "ratio must be one of"},
        {"error": {"message": "no"}},
        {"error": 7},
        [],
        "x",
        None,
        b"<html>",
        3,
    ],
)
def test_the_rest_is_left_to_the_house(body: Any) -> None:
    for status in (400, 401, 404, 502, 503):
        assert refusal(status, body) is None


def test_a_question_that_fails_says_nothing_about_the_task() -> None:
    for path in (f"/v1/tasks/{TASK}", "/v1/uploads", "/bucket"):
        assert refusal(429, {"error": "daily"}, path) is None
    assert Adapter().explain(httpx.Response(400, content=b"[" * 60_000)) is None
