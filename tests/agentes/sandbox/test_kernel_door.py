"""The door speaks HTTP/1.1 as servers do: connections kept, bodies in pieces, heads and bodies within limits."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

import httpx
import pytest
from tiny_vendor import PLAIN, TinyVendor

from agentes.sandbox.kernel.sandbox import Sandbox

OPEN = b"GET /tiny/open/x HTTP/1.1\r\nHost: here\r\n\r\n"


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(fakes={"tiny": TinyVendor}) as opened:
        yield opened


async def said(sandbox: Sandbox, *pieces: bytes) -> bytes:
    """What comes back for these bytes, until the server or we have had enough."""
    reader, writer = await asyncio.open_connection("127.0.0.1", sandbox.port)
    for piece in pieces:
        writer.write(piece)
        await asyncio.sleep(0.01)
    writer.write_eof()
    answer = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    await writer.wait_closed()
    return answer


async def test_it_listens_on_this_machine_only_and_on_the_port_it_says(sandbox: Sandbox) -> None:
    assert sandbox.port > 0
    assert sandbox.url == f"http://127.0.0.1:{sandbox.port}"
    with pytest.raises(OSError, match="Connect call failed"):
        await asyncio.open_connection("127.0.0.2", sandbox.port)


async def test_a_connection_is_kept_for_the_next_request(sandbox: Sandbox) -> None:
    answer = await said(sandbox, OPEN + OPEN, OPEN)
    assert answer.count(b"HTTP/1.1 200") == 3
    assert len(re.findall(rb"(?i)\r\ndate: \w+, \d\d ", answer)) == 3


async def test_a_connection_is_closed_where_that_is_asked(sandbox: Sandbox) -> None:
    answer = await said(sandbox, OPEN.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n") + OPEN)
    assert answer.count(b"HTTP/1.1 200") == 1
    assert b"connection: close" in answer.lower()


async def test_head_is_get_without_the_body(sandbox: Sandbox) -> None:
    async with httpx.AsyncClient(
        base_url=f"{sandbox.url}/tiny", headers={"Authorization": "Bearer k"}
    ) as http:
        got, head = await http.get("/v1/me"), await http.head("/v1/me")
    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["content-length"] == got.headers["content-length"] == str(len(got.content))


async def test_a_body_may_come_in_chunks_and_after_a_question(sandbox: Sandbox) -> None:
    head = b"POST /tiny/v1/models/a%2Fb:predict HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer k\r\n"
    chunked = await said(
        sandbox, head + b"Transfer-Encoding: chunked\r\n\r\n", b"3\r\nabc\r\n", b"2\r\nde\r\n0\r\n\r\n"
    )
    assert b'{"model": "a/b", "length": 5}' in chunked
    asked = await said(sandbox, head + b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n", b"abc")
    assert asked.startswith(b"HTTP/1.1 100 ")
    assert b'"length": 3}' in asked


async def test_what_is_no_http_is_turned_away(sandbox: Sandbox) -> None:
    assert (await said(sandbox, b"hello\r\n\r\n")).startswith(b"HTTP/1.1 400")
    assert (await said(sandbox, OPEN.replace(b"Host: here\r\n", b""))).startswith(b"HTTP/1.1 400")
    assert (await said(sandbox, OPEN[:-2] + b"X: " + b"x" * 70_000)).startswith(b"HTTP/1.1 431")
    assert (await said(sandbox, b"")) == b""
    assert (await said(sandbox, OPEN)).startswith(b"HTTP/1.1 200")


async def test_a_body_has_a_limit(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agentes.sandbox.kernel.door._MOST_BODY", 1000)
    async with httpx.AsyncClient(
        base_url=f"{sandbox.url}/tiny", headers={"Authorization": "Bearer k"}
    ) as http:
        assert (await http.post("/v1/models/m:predict", content=b"x" * 1000)).json()["length"] == 1000
        assert (await http.post("/v1/models/m:predict", content=b"x" * 500_000)).status_code == 413
        assert (await http.post("/v1/models/m:predict", content=b"")).json()["length"] == 0


async def test_closing_hangs_up_on_everybody() -> None:
    before = asyncio.all_tasks()
    async with Sandbox(fakes={"tiny": TinyVendor}) as sandbox:
        sandbox.plant({"platform": "tiny", "on": "find", "do": "stall:60"})
        idle, writer = await asyncio.open_connection("127.0.0.1", sandbox.port)
        async with httpx.AsyncClient(
            verify=PLAIN, base_url=sandbox.url, headers={"Authorization": "Bearer k"}
        ) as http:
            waiting = asyncio.create_task(http.get("/tiny/v1/clips"))
            while not list(sandbox.seen):
                await asyncio.sleep(0.01)
            await sandbox.__aexit__(None, None, None)
            with pytest.raises(httpx.TransportError):
                await waiting
        assert await idle.read() == b""
        writer.close()
        await writer.wait_closed()
    await asyncio.sleep(0.01)
    assert asyncio.all_tasks() == before


async def test_the_port_is_free_again_at_once() -> None:
    async with Sandbox() as first:
        port = first.port
    async with Sandbox(port) as second:
        assert second.port == port
        with pytest.raises(OSError, match="in use"):
            await Sandbox(port).__aenter__()
