"""An answer that lies whole on the desk is read again as what it was, and nothing is sent for it."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from practising import exchange_to
from scenarios import model_of
from scenarios import order_of as order_at
from small_house import KEY, Adapter, House, order_of

from agentes.contract import Body, Done, Inline, Pending
from agentes.media.shelf import Shelf
from agentes.wire.cut import said_in_full
from agentes.wire.kept import ANSWER, Keeper, Kept, body_in
from shared_knowledge.catalogue import Catalogue
from shared_knowledge.errors import (
    AgentesError,
    Broken,
    InDoubt,
    PlatformError,
    Refused,
    TryAgain,
    Unavailable,
    Unsuitable,
)
from shared_knowledge.money import Money
from shared_knowledge.platform_facts import Platform
from shared_knowledge.vocabulary import Order

if TYPE_CHECKING:
    from practice import Practice

ORDER = order_of()
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 800
PLATFORMS = [platform for platform in Catalogue.load().platforms if not platform.local]

Answers = Callable[[httpx.Request], httpx.Response]


class Silence(httpx.AsyncBaseTransport):
    """A network that nobody may use."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        raise AssertionError(f"{request.method} {request.url} was sent")


def _house(tmp_path: Path, answers: Answers | None, adapter: Any = None) -> House:
    network = Silence() if answers is None else httpx.MockTransport(answers)
    return House(tmp_path, network=lambda _: network, adapter=adapter)


async def bought(tmp_path: Path, answer: httpx.Response | Answers, adapter: Any = None) -> Any:
    """What a purchase came to: an answer, or the error."""
    house = _house(tmp_path, answer if callable(answer) else lambda _: answer, adapter)
    return await _outcome(house.line.start(ORDER))


async def salvaged(tmp_path: Path, adapter: Any = None, order: Order = ORDER) -> Any:
    """What another process makes of what lies on the desk, without a network."""
    return await _outcome(_house(tmp_path, None, adapter).line.salvage(order))


async def _outcome(asked: Any) -> Any:
    try:
        return await asked
    except AgentesError as error:
        return error


def _desk(tmp_path: Path) -> Path:
    return Shelf(tmp_path / "shelf", tmp_path / "desks").desk(ORDER.id)


def _quick(media: Any) -> Any:
    class Quick(Adapter):
        async def start(self, http: httpx.AsyncClient, order: Order) -> Done:
            answer = await http.post("/v1/pictures", json={"prompt": order.prompt})
            voice = str(order.prepared.get("voice", ""))
            return Done(media, warnings=(voice, answer.headers.get("x-cost", "")))

    return Quick()


# ── whole answers ──────────────────────────────────────────────────────────────────────────────


async def test_nothing_lies_there_before_anything_was_answered(tmp_path: Path) -> None:
    assert await salvaged(tmp_path) is None


async def test_the_receipt_of_a_queue(tmp_path: Path) -> None:
    answer = await bought(tmp_path, httpx.Response(200, json={"id": "t1"}))
    assert answer == await salvaged(tmp_path) == Pending({"id": "t1"}, look_again_in_s=1)


async def test_a_picture_in_an_answer_too_big_to_hold(tmp_path: Path) -> None:
    adapter = _quick(Inline("/data/0/b64_json"))
    told = {"data": [{"b64_json": base64.b64encode(PNG).decode()}], "usage": None}
    answer = await bought(tmp_path, httpx.Response(200, json=told, headers={"x-cost": "4 cents"}), adapter)
    again = await salvaged(tmp_path, adapter)
    assert answer == again == Done(Inline("/data/0/b64_json"), warnings=("", "4 cents"))
    assert (await _house(tmp_path, None, adapter).line.collect(ORDER, again)).read_bytes() == PNG


async def test_a_body_that_is_the_file(tmp_path: Path) -> None:
    answer = await bought(tmp_path, httpx.Response(200, content=PNG), _quick(Body()))
    again = await salvaged(tmp_path, _quick(Body()))
    assert isinstance(answer, Done)
    assert answer == again
    file = await _house(tmp_path, None).line.collect(ORDER, again)
    assert (file.suffix, file.read_bytes()) == (".png", PNG)


async def test_a_body_that_is_no_file_stays_in_doubt(tmp_path: Path) -> None:
    answer = await bought(tmp_path, httpx.Response(200, content=b"<html>"), _quick(Body()))
    again = await salvaged(tmp_path, _quick(Body()))
    assert isinstance(answer, InDoubt)
    assert isinstance(again, InDoubt)


async def test_what_was_prepared_is_known_again_though_the_ledger_never_heard_of_it(tmp_path: Path) -> None:
    house = _house(tmp_path, lambda _: httpx.Response(200, json={"x": 1}), _quick(Inline("/x")))
    await house.line.start(ORDER.model_copy(update={"prepared": {"voice": "v1"}}))
    assert (await salvaged(tmp_path, _quick(Inline("/x")))).warnings[0] == "v1"


async def test_no_cookie_and_no_key_is_kept(tmp_path: Path) -> None:
    headers = {"set-cookie": "session=abc", "content-encoding": "identity", "x-request-id": "r7"}
    await bought(tmp_path, httpx.Response(200, json={"id": "t1"}, headers=headers))
    kept = Kept.on(_desk(tmp_path))
    assert kept is not None
    assert dict(kept.head.headers) == {"content-type": "application/json", "x-request-id": "r7"}
    assert KEY.encode() not in kept.file.read_bytes()


async def test_an_order_that_can_no_longer_be_put_into_words_is_not_taken_for_unsent(tmp_path: Path) -> None:
    class Strict(Adapter):
        async def start(self, http: httpx.AsyncClient, order: Order) -> Any:
            raise Unsuitable("no picture can be sent along", charged=Money(0))

    await bought(tmp_path, httpx.Response(200, json={"id": "t1"}))
    assert await salvaged(tmp_path, Strict()) is None


# ── refusals ───────────────────────────────────────────────────────────────────────────────────


class Explains(Adapter):
    def explain(self, response: httpx.Response) -> PlatformError | None:
        return Refused("not this", vendor_says="naked mugs") if b"policy" in response.content else None


@pytest.mark.parametrize(
    ("status", "body", "kind", "charged"),
    [
        (400, {"error": "policy"}, Refused, 0),
        (402, {"error": "no money"}, Unavailable, 0),
        (422, {"error": "no such size"}, Unsuitable, 0),
        (500, {"error": "oops"}, InDoubt, None),
        (429, {"error": "busy"}, TryAgain, 0),
    ],
)
async def test_a_refusal_is_read_as_what_it_is(
    tmp_path: Path, status: int, body: Any, kind: type[PlatformError], charged: int | None
) -> None:
    answer = httpx.Response(status, json=body, headers={"x-request-id": "r7"})
    first = await bought(tmp_path, answer, Explains())
    again = await salvaged(tmp_path, Explains())
    assert isinstance(again, kind)
    assert (again.charged, again.request_id, again.platform) == (charged, "r7", "tiny")
    if status != 429:  # which was repeated in vain, so that another platform may do it
        assert type(first) is type(again)
        assert first.vendor_says == again.vendor_says


# ── what is not an answer ──────────────────────────────────────────────────────────────────────


async def test_what_is_not_whole_is_no_answer(tmp_path: Path) -> None:
    await bought(tmp_path, httpx.Response(200, json={"id": "t1"}))
    answer = _desk(tmp_path) / ANSWER
    whole = answer.read_bytes()
    for cut in (whole[:-1], whole[:-30], whole[: len(whole) // 2], b'{"id": "t1"}', b""):
        answer.write_bytes(cut)
        assert await salvaged(tmp_path) is None
    answer.write_bytes(whole)
    answer.rename(answer.with_name("answer.part"))
    assert await salvaged(tmp_path) is None


async def test_the_body_is_found_in_front_of_its_seal_and_without_one(tmp_path: Path) -> None:
    file = tmp_path / "answer"
    for body in (b"", b"x", PNG, b"\0sealed by agentes\0"):
        file.write_bytes(body)
        if body != b"\0sealed by agentes\0":
            assert b"".join(body_in(file)) == body
        file.write_bytes(body + Keeper(tmp_path, ORDER).seal(httpx.Response(200)))
        assert b"".join(body_in(file)) == body


async def test_an_earlier_answer_is_gone_before_the_order_leaves_again(tmp_path: Path) -> None:
    lying: list[bool] = []

    def answers(request: httpx.Request) -> httpx.Response:
        lying.append((_desk(tmp_path) / ANSWER).exists())
        return httpx.Response(429) if len(lying) < 3 else httpx.Response(200, json={"id": "t3"})

    assert await bought(tmp_path, answers) == Pending({"id": "t3"}, look_again_in_s=1)
    assert lying == [False, False, False]
    assert await salvaged(tmp_path) == Pending({"id": "t3"}, look_again_in_s=1)


async def test_an_answer_that_never_came_leaves_none_from_before(tmp_path: Path) -> None:
    await bought(tmp_path, httpx.Response(200, json={"id": "old"}))

    def breaks(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadError("reset")

    assert isinstance(await bought(tmp_path, breaks), InDoubt)
    assert await salvaged(tmp_path) is None


async def test_what_a_later_question_brought_is_no_answer_to_the_purchase(tmp_path: Path) -> None:
    class Shows(Adapter):
        async def find(self, http: httpx.AsyncClient, order: Order) -> Done:
            await http.get("/v1/result")
            return Done(Inline("/image"))

    await bought(tmp_path, httpx.Response(500))
    found = httpx.Response(200, json={"image": base64.b64encode(PNG).decode(), "id": "t1"})
    assert isinstance(await _house(tmp_path, lambda _: found, Shows()).line.find(ORDER), Done)
    assert await salvaged(tmp_path) is None


async def test_a_disk_that_cannot_keep_a_refusal_does_not_change_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> bytes:
        raise Broken("the disk is full")

    monkeypatch.setattr(Keeper, "seal", full)
    assert isinstance(await bought(tmp_path, httpx.Response(402)), Unavailable)


# ── answers that were cut off ──────────────────────────────────────────────────────────────────


class Cut(httpx.AsyncByteStream):
    def __init__(self, *pieces: bytes) -> None:
        self._pieces = pieces

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece
        raise httpx.RemoteProtocolError("peer closed connection without sending complete message body")


async def _after_the_cut(tmp_path: Path, *pieces: bytes, adapter: Any = None, **headers: str) -> Any:
    told = {"content-type": "application/json", **headers}
    lost = await bought(tmp_path, lambda _: httpx.Response(200, headers=told, stream=Cut(*pieces)), adapter)
    assert isinstance(lost, InDoubt)
    return await salvaged(tmp_path, adapter)


async def test_a_number_that_stands_there_whole_is_a_receipt(tmp_path: Path) -> None:
    pending = Pending({"id": "t1"}, look_again_in_s=1)
    assert await _after_the_cut(tmp_path, b'{"id": "t', b'1", "estimatedCost": {"cre') == pending


@pytest.mark.parametrize("said", [b'{"id": "t1', b'{"id"', b"{", b"", b"<html>", b'{"other": "t1", "id'])
async def test_a_number_that_does_not_is_none(tmp_path: Path, said: bytes) -> None:
    outcome = await _after_the_cut(tmp_path, said)
    assert outcome is None


async def test_media_are_never_taken_from_half_an_answer(tmp_path: Path) -> None:
    said = json.dumps({"image": base64.b64encode(PNG[:900]).decode()}).encode()
    assert await _after_the_cut(tmp_path, said, adapter=_quick(Inline("/image"))) is None
    assert await _after_the_cut(tmp_path, PNG, adapter=_quick(Body())) is None


@pytest.mark.parametrize(
    ("cut", "said"),
    [
        ('{"a": 1, "b": 2', {"a": 1}),
        ('{"a": 1, "b": "x', {"a": 1}),
        ('{"a": 1, "b": "x"', {"a": 1, "b": "x"}),
        ('{"a": {"b": [1, 2, 3', {"a": {"b": [1, 2]}}),
        ('{"a": {"b": ["x", "y', {"a": {"b": ["x"]}}),
        ('{"a": "x\\"y", "b', {"a": 'x"y'}),
        ('{"a": "x\\\\", "b": tr', {"a": "x\\"}),
        ('{"a": {"b": 1}, "c', {"a": {"b": 1}}),
        ('{"a": [{"b": "c"', {"a": [{"b": "c"}]}),
        ('{"a": "caf\u00e9", "b": "\u00e9', {"a": "café"}),
        ('["a", "b', {}),
        ('{"a": 1]', {}),
        ("[" * 100_000, {}),
        ("", {}),
    ],
)
def test_what_a_cut_answer_had_said_in_full(cut: str, said: Any) -> None:
    assert json.loads(said_in_full(cut.encode())) == said


def test_a_letter_cut_in_its_middle_spoils_nothing() -> None:
    assert json.loads(said_in_full('{"a": "x", "b": "é'.encode()[:-1])) == {"a": "x"}


# ── every platform ─────────────────────────────────────────────────────────────────────────────


async def _start_and_salvage(platform: Platform, sandbox: Practice, home: Path) -> tuple[Any, Any]:
    """What a purchase at the sandbox came to, and what another process reads from its desk."""
    order = order_at(platform, model_of(platform), home)
    async with exchange_to(platform, home, sandbox=sandbox.url).connect(platform.id) as line:
        prepared = await line.prepare(order)
        first = await _outcome(line.start(prepared))
    asked = len(sandbox.seen)
    async with exchange_to(platform, home, sandbox=sandbox.url, network=lambda _: Silence()).connect(
        platform.id
    ) as line:
        again = await _outcome(line.salvage(order))
    assert len(sandbox.seen) == asked
    return first, again


@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda platform: platform.id)
async def test_every_platform_reads_its_answer_again(
    platform: Platform, sandbox: Practice, tmp_path: Path
) -> None:
    first, again = await _start_and_salvage(platform, sandbox, tmp_path)
    assert isinstance(first, Pending | Done), first
    assert first == again
    assert len(sandbox.ledger()) == 1


@pytest.mark.parametrize("do", ["out_of_credit", "retired"])
@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda platform: platform.id)
async def test_every_platform_reads_its_refusal_again(
    platform: Platform, do: str, sandbox: Practice, tmp_path: Path
) -> None:
    sandbox.fault(platform.id, "start", do)
    first, again = await _start_and_salvage(platform, sandbox, tmp_path)
    assert isinstance(first, PlatformError)
    assert type(again) is type(first)
    assert (again.charged, again.what, again.vendor_says) == (0, first.what, first.vendor_says)
    assert sandbox.ledger() == []
