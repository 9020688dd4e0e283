"""Servers on this machine that break a conversation at one exact place, and count how often they were called."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

__all__ = ["DOORS", "Door", "closed_port", "door"]

OK = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
Breaks = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Door:
    """Where it is, and how many came."""

    def __init__(self) -> None:
        self.port = 0
        self.calls = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def closed_port() -> int:
    """A port at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


@asynccontextmanager
async def door(breaks: Breaks, seal: ssl.SSLContext | None = None) -> AsyncIterator[Door]:
    """A server that does one thing with every connection, sealed or open."""
    opened = Door()
    talks: set[asyncio.Task[None]] = set()

    def welcome(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        opened.calls += 1
        talks.add(asyncio.create_task(talk(reader, writer)))

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await breaks(reader, writer)
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    server = await asyncio.start_server(welcome, "127.0.0.1", 0, ssl=seal)
    opened.port = server.sockets[0].getsockname()[1]
    try:
        yield opened
    finally:
        server.close()
        for each in talks:
            each.cancel()
        await asyncio.gather(*talks, return_exceptions=True)


async def _request(reader: asyncio.StreamReader) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        (line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), b":0"
    )
    await reader.readexactly(int(length.partition(b":")[2]))


def _reset(writer: asyncio.StreamWriter) -> None:
    taken = writer.get_extra_info("socket")
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _resets_at_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    _reset(writer)


async def _resets_in_the_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    await reader.read(1000)
    _reset(writer)


async def _resets_after_the_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await _request(reader)
    _reset(writer)


async def _hangs_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await _request(reader)


async def _hangs(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await _request(reader)
    await asyncio.Event().wait()


async def _drips(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await _request(reader)
    writer.write(OK + b"content-length: 100000\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.02)


async def _resets_in_the_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await _request(reader)
    writer.write(OK + b'content-length: 50\r\n\r\n{"id": "t')
    await writer.drain()
    await asyncio.sleep(0.02)
    _reset(writer)


async def _cuts_the_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await _request(reader)
    writer.write(OK + b'content-length: 50\r\n\r\n{"id": "t1"}')


async def _cuts_a_chunk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await _request(reader)
    writer.write(OK + b'transfer-encoding: chunked\r\n\r\n20\r\n{"id": "t1"}')


async def _packs_badly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await _request(reader)
    writer.write(OK + b'content-encoding: gzip\r\ncontent-length: 12\r\n\r\n{"id": "t1"}')


async def _packs_strangely(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await _request(reader)
    writer.write(OK + b'content-encoding: br\r\ncontent-length: 12\r\n\r\n{"id": "t1"}')


async def _speaks_no_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await _request(reader)
    writer.write(b"SSH-2.0-OpenSSH_9.9\r\n\r\n")


async def _shows_a_page(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await _request(reader)
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 13\r\n\r\n<html></html>")


async def _says_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await _request(reader)
    writer.write(OK + b"content-length: 0\r\n\r\n")


async def _says_half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await _request(reader)
    writer.write(OK + b'content-length: 9\r\n\r\n{"id": "t')


async def _says_something_else(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await _request(reader)
    writer.write(OK + b'content-length: 11\r\n\r\n{"id": [1]}')


async def _bad_gateway(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await _request(reader)
    writer.write(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n")


DOORS: dict[str, Breaks] = {
    "reset before the body": _resets_at_once,
    "reset in the body": _resets_in_the_body,
    "reset after the body": _resets_after_the_body,
    "closed without an answer": _hangs_up,
    "silence": _hangs,
    "a drip past the deadline": _drips,
    "reset in the answer": _resets_in_the_answer,
    "an answer that is cut": _cuts_the_answer,
    "a chunk that is cut": _cuts_a_chunk,
    "bad gzip": _packs_badly,
    "an unknown encoding": _packs_strangely,
    "no HTTP": _speaks_no_http,
    "a page instead of JSON": _shows_a_page,
    "an empty 200": _says_nothing,
    "half of the JSON": _says_half,
    "other JSON": _says_something_else,
    "502": _bad_gateway,
}
"""What happens after a purchase has left, and before its answer is whole."""
