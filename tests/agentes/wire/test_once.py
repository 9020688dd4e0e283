"""Whatever breaks, and wherever: a purchase that left is in doubt, one that did not is free, a read is repeated."""

from __future__ import annotations

import asyncio
import logging
import traceback
from pathlib import Path
from typing import Any

import httpx
import pytest
from broken_doors import DOORS, closed_port, door
from small_house import KEY, Adapter, Hours, House, order_of

from agentes.wire import client as client_module
from agentes.wire import guard as guard_module
from agentes.wire.once import Call
from shared_knowledge.cost_tracker import OrderMoved
from shared_knowledge.errors import AgentesError, InDoubt, Unavailable, Unreachable

LARGE = order_of(prompt="mug " * 500_000, receipt={"id": "t1"})
SMALL = order_of(receipt={"id": "t1"})


def _shows_no_key(error: BaseException) -> bool:
    told = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    return KEY not in told and KEY not in str(error) and KEY not in repr(error)


@pytest.mark.parametrize("broken", DOORS)
async def test_a_purchase_that_left_is_in_doubt_and_never_repeated(broken: str, tmp_path: Path) -> None:
    order = LARGE if broken == "reset in the body" else SMALL
    async with door(DOORS[broken]) as there, House(tmp_path, there.url, deadline_s=0.4) as house:
        with pytest.raises(InDoubt) as doubt:
            await house.line.start(order)
        assert there.calls == 1
    assert doubt.value.platform == "tiny"
    assert "review" in doubt.value.todo
    assert doubt.value.charged is None
    assert _shows_no_key(doubt.value)


@pytest.mark.parametrize("broken", DOORS)
async def test_a_question_is_repeated_and_then_unreachable(
    broken: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hours = Hours()
    monkeypatch.setattr(client_module, "_READ_S", 0.15)
    async with door(DOORS[broken]) as there, House(tmp_path, there.url, clock=hours, deadline_s=4) as house:
        with pytest.raises(Unreachable) as gone:
            await house.line.check(SMALL)
        # What the adapter alone can see to be wrong is not repeated by the wire, but by whoever asks again.
        readable = broken in ("a page instead of JSON", "an empty 200", "half of the JSON", "other JSON")
        assert there.calls == 1 if readable else there.calls == 1 + len(hours.waits)
    assert gone.value.platform == "tiny"
    assert _shows_no_key(gone.value)


async def test_what_may_not_leave_any_more_never_does(tmp_path: Path) -> None:
    heard: list[bytes] = []
    asked: list[bool] = []

    async def listens(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read())

    async def forbids() -> None:
        asked.append(house.line.left)
        raise OrderMoved("another run has taken over its job")

    async with door(listens) as there, House(tmp_path, there.url) as house:
        with pytest.raises(OrderMoved):
            await house.line.start(SMALL, forbids)
        assert (asked, house.line.left) == ([False], False)
    assert b"".join(heard) == b""


async def _never_reached(house: House) -> Unavailable:
    with pytest.raises(Unavailable) as gone:
        await house.line.start(SMALL)
    assert gone.value.charged == 0
    assert _shows_no_key(gone.value)
    return gone.value


async def test_a_name_that_is_not_there_was_never_sent_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nobody(host: str, port: int) -> list[str]:
        raise OSError(f"no {host}")

    monkeypatch.setitem(guard_module.Dialler.__init__.__kwdefaults__, "look_up", nobody)
    async with House(tmp_path) as house:
        assert "no machine called api.tiny.example" in (await _never_reached(house)).what


async def test_what_was_never_sent_is_tried_a_few_times(tmp_path: Path) -> None:
    hours = Hours()
    async with House(tmp_path, f"http://127.0.0.1:{closed_port()}", clock=hours) as house:
        with pytest.raises(Unreachable, match="Nothing was sent"):
            await house.http.client(Call("start")).post("/v1/tasks", json={})
    assert hours.waits == [0.5, 1.0, 2.0]


async def _silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def _plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(10)
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    await writer.drain()


async def _gone(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(10)


@pytest.mark.parametrize("handshake", [_silent, _plain, _gone])
async def test_a_handshake_that_fails_was_before_the_sending(handshake: Any, tmp_path: Path) -> None:
    async with (
        door(handshake) as there,
        House(tmp_path, there.url.replace("http:", "https:"), deadline_s=0.2) as house,
    ):
        await _never_reached(house)
        assert there.calls


async def test_a_private_place_is_not_called_and_costs_nothing(tmp_path: Path) -> None:
    class Led(Adapter):
        async def start(self, http: httpx.AsyncClient, order: Any) -> Any:
            return await http.post("http://127.0.0.1:9/", json={})

    async with House(tmp_path, adapter=Led()) as house:
        with pytest.raises(AgentesError, match="key is not shown"):
            await house.line.start(SMALL)


async def test_a_cancelled_purchase_says_that_it_had_left(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with door(DOORS["silence"]) as there, House(tmp_path, there.url) as house:
        buying = asyncio.create_task(house.line.start(SMALL))
        while not there.calls:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        buying.cancel()
        with caplog.at_level(logging.WARNING), pytest.raises(asyncio.CancelledError) as cancelled:
            await buying
    assert "whether it was booked is open" in " ".join(cancelled.value.__notes__)
    assert "abandoned" in caplog.text


async def test_a_refusal_whose_page_is_cut_is_still_a_refusal(tmp_path: Path) -> None:
    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 402 Payment Required\r\ncontent-length: 500\r\n\r\n{")
        await writer.drain()

    async with door(cut) as there, House(tmp_path, there.url) as house:
        with pytest.raises(Unavailable) as empty:
            await house.line.start(SMALL)
    assert (empty.value.because, empty.value.charged) == ("credit", 0)


async def test_what_an_error_page_is_long_for_is_not_read(tmp_path: Path) -> None:
    async def floods(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 422 No\r\ncontent-length: 900000000\r\n\r\n")
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()

    async with door(floods) as there, House(tmp_path, there.url) as house:
        seen: list[int] = []
        house.adapter.explain = lambda response: seen.append(len(response.content))
        call = Call("start")
        with pytest.raises(AgentesError):
            await house.http.client(call).post("/v1/tasks", json={})
    assert call.answer is not None
    assert len(call.answer.content) == 64 * 1024


@pytest.mark.parametrize(
    "trouble",
    [httpx.ReadError("x"), httpx.ReadTimeout("x"), httpx.RemoteProtocolError("x"), httpx.WriteError("x")],
)
async def test_without_a_witness_of_the_sending_only_a_failed_connection_is_unsent(
    trouble: Exception, tmp_path: Path
) -> None:
    def breaks(request: httpx.Request) -> httpx.Response:
        raise trouble

    async with House(tmp_path, network=lambda _: httpx.MockTransport(breaks)) as house:
        with pytest.raises(InDoubt):
            await house.line.start(SMALL)


async def test_a_disk_that_is_full_after_the_sending_is_a_doubt_too(tmp_path: Path) -> None:
    async def full(response: httpx.Response) -> httpx.Response:
        raise OSError(28, "No space left on device")

    answer = httpx.Response(200, json={"id": "t1"})
    async with House(tmp_path, network=lambda _: httpx.MockTransport(lambda _: answer)) as house:
        with pytest.raises(InDoubt, match="No space left"):
            await house.http.client(Call("start", take=full)).post("/v1/tasks")
