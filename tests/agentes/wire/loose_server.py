"""A server on this machine that answers byte by byte what a test wants, right or wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

__all__ = ["Asked", "LooseServer", "answer", "serving"]


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


Reply = Callable[[Asked, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class LooseServer:
    """Where it is, and what it was asked."""

    url: str
    seen: list[Asked] = field(default_factory=list)


def answer(status: int = 200, body: bytes = b"", *, length: int | None = None, **headers: str) -> bytes:
    """A whole answer; `length` tells another length than the true one, -1 none at all."""
    told = len(body) if length is None else length
    lines = [f"HTTP/1.1 {status} As-Asked"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if told >= 0:
        lines.append(f"content-length: {told}")
    return "\r\n".join([*lines, "connection: close", "", ""]).encode() + body


@asynccontextmanager
async def serving(reply: Reply) -> AsyncIterator[LooseServer]:
    """A server that lets `reply` write each answer, then hangs up."""
    server, talks = LooseServer(""), set[asyncio.Task[None]]()

    def welcome(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talks.add(asyncio.create_task(talk(reader, writer)))

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {n.lower(): v for n, _, v in (line.partition(": ") for line in lines if line)}
            method, target, _ = first.split(" ")
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            asked = Asked(method, target, headers, body)
            server.seen.append(asked)
            try:
                await reply(asked, writer)
                await writer.drain()
            finally:
                writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    listening = await asyncio.start_server(welcome, "127.0.0.1", 0)
    host, port = listening.sockets[0].getsockname()[:2]
    server.url = f"http://{host}:{port}"
    try:
        yield server
    finally:
        listening.close()
        for each in talks:
            each.cancel()
        await asyncio.gather(*talks, return_exceptions=True)
