"""The lumaai package bears witness: our sandbox satisfies it, and our adapter asks as it asks."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import lumaai
import pytest
from film_orders import PROMPT, film_order, with_receipt
from lumaai import LumaAI
from practice import Practice

from agentes.contract import Done, Pending
from agentes.media import probe
from agentes.sandbox.kernel.witness import Seen
from agentes.video_agent.api_integrations.luma import Adapter
from shared_knowledge.vocabulary import Order

OUR_OWN = {
    "host": "an address",
    "connection": "of the library",
    "content-length": "follows from the body",
    "user-agent": "names the sender",
    "accept-encoding": "which compressions the library can undo",
    "accept": "the SDK names what it parses; we take what comes and look at it",
}
WISH: dict[str, Any] = {
    "model": "ray-flash-2",
    "prompt": PROMPT,
    "aspect_ratio": "9:16",
    "duration": "5s",
    "resolution": "540p",
}
Client = Callable[..., LumaAI]


@pytest.fixture
def client(sandbox: Practice) -> Iterator[Client]:
    """The SDK with nothing but base URL and key changed."""
    opened: list[LumaAI] = []

    def open_client(key: str = "sandbox", max_retries: int = 0) -> LumaAI:
        base_url = f"{sandbox.url}/luma/dream-machine/v1"
        sdk = LumaAI(base_url=base_url, auth_token=key, max_retries=max_retries)
        opened.append(sdk)
        return sdk

    yield open_client
    for sdk in opened:
        sdk.close()


def fetched(url: str, into: Path) -> Path:
    into.write_bytes(httpx.get(url).content)
    return into


# ── the SDK against the sandbox ────────────────────────────────────────────────────────────────


async def test_a_clip_from_start_to_finish(sandbox: Practice, client: Client, tmp_path: Path) -> None:
    sdk = client()
    started = sdk.generations.video.create(**WISH)
    assert started.id is not None
    assert started.state == "queued"
    done = sdk.generations.get(started.id)
    assert done.state == "completed"
    assert done.assets is not None
    assert done.assets.video is not None
    found = await probe.measure(fetched(done.assets.video, tmp_path / "clip.mp4"))
    assert (found.width, found.height) == (540, 960)
    assert found.duration_s == pytest.approx(5, abs=0.2)
    assert [line["id"] for line in sandbox.ledger()] == [started.id]


@pytest.mark.parametrize(("do", "says"), [("refuse", "moderation"), ("fail", "failed")])
def test_a_generation_that_fails_says_why(sandbox: Practice, client: Client, do: str, says: str) -> None:
    sandbox.fault("luma", "start", do)
    sdk = client()
    failed = sdk.generations.get(sdk.generations.video.create(**WISH).id or "")
    assert failed.state == "failed"
    assert says in (failed.failure_reason or "")


def test_a_bad_key_is_refused(sandbox: Practice, client: Client) -> None:
    with pytest.raises(lumaai.PermissionDeniedError):
        client("bad-key").generations.video.create(**WISH)
    assert sandbox.ledger() == []


def test_a_throttled_sdk_tries_again_and_gets_it(sandbox: Practice, client: Client) -> None:
    sandbox.fault("luma", "start", "429:retry_after=0.01", times=2)
    with pytest.raises(lumaai.RateLimitError):
        client().generations.video.create(**WISH)
    client(max_retries=1).generations.video.create(**WISH)
    assert [seen.status for seen in sandbox.seen] == [429, 429, 201]
    assert len(sandbox.ledger()) == 1


def test_the_list_has_the_newest_first_and_what_was_asked_for(client: Client) -> None:
    sdk = client()
    ids = [sdk.generations.video.create(**WISH | {"prompt": f"{n}"}).id for n in range(3)]
    listed = sdk.generations.list(limit=2, offset=0)
    assert [each.id for each in listed.generations] == [ids[2], ids[1]]
    assert listed.has_more is True
    assert getattr(listed.generations[0].request, "prompt", None) == "2"
    sdk.generations.delete(ids[2] or "")
    assert [each.id for each in sdk.generations.list(limit=2).generations] == [ids[1], ids[0]]
    with pytest.raises(lumaai.NotFoundError):
        sdk.generations.get(ids[2] or "")
    assert sdk.credits.get().credit_balance == 123_450


@pytest.mark.parametrize(
    "wrong",
    [
        {"model": "ray-9"},
        {"aspect_ratio": "2:1"},
        {"duration": "5"},
        {"duration": 5},
        {"resolution": "8k"},
        {"keyframes": {"frame0": {"type": "image", "url": "data:image/png;base64,AA=="}}},
        {"extra_body": {"seed": 7}},
    ],
    ids=str,
)
def test_a_wrong_request_is_refused_and_not_booked(
    sandbox: Practice, client: Client, wrong: dict[str, Any]
) -> None:
    with pytest.raises(lumaai.BadRequestError):
        client().generations.video.create(**WISH | wrong)
    assert sandbox.ledger() == []


# ── our adapter asks as it asks ────────────────────────────────────────────────────────────────


def told(seen: Seen) -> tuple[Any, ...]:
    """A request without the headers in OUR_OWN, and without what the SDK reports about its own machine."""
    headers = {
        name: value
        for name, value in seen.headers.items()
        if name not in OUR_OWN and not name.startswith("x-stainless-")
    }
    if seen.method in ("GET", "DELETE"):
        headers.pop("content-type", None)  # the SDK names one for a body that is not there
    return seen.method, seen.path, dict(seen.query), headers, json.loads(seen.body) if seen.body else None


def order(**wishes: Any) -> Order:
    made = film_order("luma", "ray-2", **wishes)
    return made.model_copy(update={"sent_at": datetime.now(UTC)})


async def test_everything_is_asked_for_alike(sandbox: Practice, client: Client) -> None:
    sandbox.fault("luma", "check", "stuck", times=2)  # no clip need be made of it
    wanted = order(seconds=9, ratio="16:9")
    headers = {"Authorization": "Bearer sandbox"}
    async with httpx.AsyncClient(base_url=f"{sandbox.url}/luma", headers=headers) as http:
        started = await Adapter().start(http, wanted)
        wanted = with_receipt(wanted, **started.receipt)
        assert isinstance(await Adapter().check(http, wanted), Pending)
        await Adapter().find(http, wanted)
        await Adapter().standing(http)
    mine = sandbox.seen
    sdk = client()
    sdk.generations.video.create(**json.loads(mine[0].body))
    sdk.generations.get(str(started.receipt["id"]))
    sdk.generations.list(limit=100, offset=0)
    sdk.credits.get()
    sdk.generations.delete(str(started.receipt["id"]))
    theirs = sandbox.seen[len(mine) :]
    assert [told(each) for each in theirs[:4]] == [told(each) for each in mine]
    assert (theirs[4].method, theirs[4].path) == ("DELETE", mine[1].path)


async def test_a_lost_order_is_found_in_the_list(sandbox: Practice) -> None:
    wanted = order()
    headers = {"Authorization": "Bearer sandbox"}
    async with httpx.AsyncClient(base_url=f"{sandbox.url}/luma", headers=headers) as http:
        assert await Adapter().find(http, wanted) is None
        started = await Adapter().start(http, wanted)
        found = await Adapter().find(http, wanted)
        assert isinstance(found, Pending)
        assert found.receipt == started.receipt
        assert isinstance(await Adapter().check(http, with_receipt(wanted, **found.receipt)), Done)
