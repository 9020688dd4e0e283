"""fal's own client makes a clip in the sandbox, and asks for it as our adapter does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fal_client
import fal_client.client
import httpx
import pytest
from film_orders import PROMPT, film_order, picture, with_receipt
from practice import Practice

from agentes.contract import Done, Link, Pending
from agentes.sandbox.kernel.sandbox import Seen
from agentes.video_agent.api_integrations.pika import Adapter
from shared_knowledge.catalogue import Catalogue
from shared_knowledge.vocabulary import Order

TEXT, IMAGE = "fal-ai/pika/v2.2/text-to-video", "fal-ai/pika/v2.2/image-to-video"
WISH = {"prompt": PROMPT, "aspect_ratio": "9:16", "resolution": "720p", "duration": "5"}

# What may differ, and why.
MANNERS = {
    "user-agent": "who is asking",
    "accept-encoding": "each library names what it can unpack",
    "content-length": "spaces in JSON",
    "x-fal-disable-fallbacks": "we insist on Pika; fal's client leaves the choice to fal",
}


@pytest.fixture
def fal(sandbox: Practice, monkeypatch: pytest.MonkeyPatch) -> Iterator[fal_client.SyncClient]:
    """The client as it is sold. Its hosts can be set (FAL_QUEUE_RUN_HOST), but it insists on https: so the
    address, whose scheme it fixes when it is imported, is the one thing that is changed in it."""
    monkeypatch.setattr(fal_client.client, "QUEUE_URL_FORMAT", f"{sandbox.url}/pika/")
    client = fal_client.SyncClient(key="sandbox")
    yield client
    client._client.close()


def test_it_makes_a_clip_from_start_to_finish(fal: fal_client.SyncClient, sandbox: Practice) -> None:
    told: list[fal_client.Status] = []
    result = fal.subscribe(TEXT, WISH, on_queue_update=told.append, interval=0.01)
    assert isinstance(told[-1], fal_client.Completed)
    clip = httpx.get(result["video"]["url"])
    assert clip.content[4:8] == b"ftyp"
    assert len(clip.content) == result["video"]["file_size"]
    assert [(line["model"], line["usd"]) for line in sandbox.ledger()] == [(TEXT, "0.200000")]


def test_it_shows_a_picture_and_takes_its_shape(fal: fal_client.SyncClient, tmp_path: Path) -> None:
    address = fal_client.encode_file(picture(tmp_path))
    result = fal.subscribe(
        IMAGE, {"prompt": PROMPT, "image_url": address, "resolution": "720p"}, interval=0.01
    )
    assert result["video"]["content_type"] == "video/mp4"


def test_it_hears_a_refusal(fal: fal_client.SyncClient, sandbox: Practice) -> None:
    sandbox.fault("pika", "start", "refuse")
    with pytest.raises(fal_client.FalClientHTTPError) as refused:
        fal.subscribe(TEXT, WISH, interval=0.01)
    assert refused.value.status_code == 422
    assert refused.value.response.json()["detail"][0]["type"] == "content_policy_violation"


def test_it_hears_a_failure(fal: fal_client.SyncClient, sandbox: Practice) -> None:
    sandbox.fault("pika", "start", "fail")
    handle = fal.submit(TEXT, WISH)
    status = handle.status()
    assert isinstance(status, fal_client.Completed)
    assert status.error_type == "runner_server_error"
    with pytest.raises(fal_client.FalClientHTTPError) as failed:
        handle.get(interval=0.01)
    assert (failed.value.status_code, failed.value.error_type) == (500, "runner_server_error")


def test_it_is_turned_away_with_a_bad_key(fal: fal_client.SyncClient, sandbox: Practice) -> None:
    stranger = fal_client.SyncClient(key="bad-key")
    with stranger._client, pytest.raises(fal_client.FalClientHTTPError) as turned_away:
        stranger.submit(TEXT, WISH)
    assert turned_away.value.status_code == 401
    assert sandbox.ledger() == []


def test_it_comes_back_after_a_throttle(fal: fal_client.SyncClient, sandbox: Practice) -> None:
    sandbox.fault("pika", "start", "429")
    fal.submit(TEXT, WISH)
    assert [call.status for call in sandbox.seen] == [429, 200]
    assert len(sandbox.ledger()) == 1


def test_it_gives_up_when_it_is_throttled_for_ever(
    fal: fal_client.SyncClient, sandbox: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fal_client.client, "MAX_ATTEMPTS", 2)
    sandbox.fault("pika", "start", "429", times=9)
    with pytest.raises(fal_client.FalClientHTTPError) as throttled:
        fal.submit(TEXT, WISH)
    assert throttled.value.status_code == 429
    assert len(sandbox.seen) == 2


def test_it_can_take_a_request_back(fal: fal_client.SyncClient, sandbox: Practice) -> None:
    handle = fal.submit(TEXT, WISH)
    handle.cancel()
    status = handle.status()
    assert isinstance(status, fal_client.Completed)
    assert status.error_type == "client_cancelled"


@pytest.mark.parametrize(
    "wrong",
    [
        {"duration": 5},
        {"duration": "8"},
        {"resolution": "4k"},
        {"aspect_ratio": "21:9"},
        {"seed": "7"},
        {"image_url": "data:image/png;base64,AAAA"},
        {"prompt": ""},
    ],
)
def test_it_is_strict(fal: fal_client.SyncClient, sandbox: Practice, wrong: dict[str, Any]) -> None:
    with pytest.raises(fal_client.FalClientHTTPError) as unfit:
        fal.submit(TEXT, {**WISH, **wrong})
    assert unfit.value.status_code == 422
    assert sandbox.ledger() == []


def test_another_scheme_opens_nothing(sandbox: Practice) -> None:
    answer = httpx.post(f"{sandbox.url}/pika/{TEXT}", json=WISH, headers={"authorization": "Bearer sandbox"})
    assert answer.status_code == 401


# ── the same task, asked by both ───────────────────────────────────────────────────────────────


async def ours(sandbox: Practice, order: Order) -> tuple[Order, Pending | Done]:
    """Our adapter over a plain client that is signed as the catalogue says."""
    facts = Catalogue.load().platform("pika")
    assert facts.sign_in is not None
    signed = {facts.sign_in.header: f"{facts.sign_in.prefix}sandbox", **facts.headers}
    async with httpx.AsyncClient(base_url=f"{sandbox.url}/pika", headers=signed) as http:
        pending = await Adapter().start(http, order)
        started = with_receipt(order, **pending.receipt)
        done = await Adapter().check(http, started)
        await Adapter().cancel(http, started)
    return started, done


def said(call: Seen, number: str) -> dict[str, Any]:
    """What a call says, without its manners and its number."""
    return {
        "line": f"{call.method} {call.path}".replace(number, "NUMBER"),
        "query": dict(call.query),
        "headers": {name: text for name, text in call.headers.items() if name not in MANNERS},
        "body": json.loads(call.body) if call.body else None,
    }


@pytest.mark.parametrize("from_picture", [False, True])
async def test_the_same_task_is_asked_for_in_the_same_words(
    fal: fal_client.SyncClient, sandbox: Practice, tmp_path: Path, from_picture: bool
) -> None:
    path = picture(tmp_path)
    wish = {**WISH, "negative_prompt": "text, logos", "seed": 77}
    if from_picture:
        del wish["aspect_ratio"]
        wish["image_url"] = fal_client.encode_file(path)
    model = IMAGE if from_picture else TEXT
    handle = fal.submit(model, wish)
    handle.get()
    with pytest.raises(fal_client.FalClientHTTPError):
        handle.cancel()
    theirs = [said(call, handle.request_id) for call in sandbox.seen]
    sandbox.reset()
    order = film_order(
        "pika", model, negative=("text", "logos"), seed=77, inputs=(path,) if from_picture else ()
    )
    started, done = await ours(sandbox, order)
    assert isinstance(done, Done)
    assert isinstance(done.media, Link)
    assert [said(call, str((started.receipt or {})["request_id"])) for call in sandbox.seen] == theirs
