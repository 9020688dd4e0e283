"""The door: HTTP/1.1 on this machine only, and every way in which an answer can get lost on its way."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from email.utils import formatdate

import h11

from agentes.sandbox.kernel.calls import Answer

__all__ = ["Door", "Reply", "Request"]

_HOST = "127.0.0.1"
_MOST_HEAD = 64 * 1024
_MOST_BODY = 100 * 1024 * 1024
_PIECE = 64 * 1024
_DRIP_S = 1.0
_GLANCE_S = 0.05
_RESET = struct.pack("ii", 1, 0)
_BODILESS = (204, 304)


@dataclass(frozen=True)
class Request:
    """What came in: the target as it was written, header names in lower case, the body whole."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes = field(repr=False)


@dataclass(frozen=True)
class Reply:
    """An answer, and what becomes of it on the way: `reset`, `truncate`, `drip`, or seconds of silence first."""

    answer: Answer
    manner: str = ""
    silence_s: float = 0.0


class _TooLarge(Exception):
    """The body is larger than anybody may send."""


class Door:
    """A server that reads requests, asks for replies, and sends them as they are meant to arrive."""

    def __init__(self, answer: Callable[[Request], Awaitable[Reply]]) -> None:
        self._answer = answer
        self._server: asyncio.Server | None = None
        self._guests: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def open(self, port: int) -> int:
        """Listens from now on; gives the port."""
        self._server = await asyncio.start_server(self._welcome, _HOST, port, limit=_PIECE, backlog=1024)
        bound: int = self._server.sockets[0].getsockname()[1]
        return bound

    async def close(self) -> None:
        """Listens no more and hangs up on everybody."""
        assert self._server is not None
        self._server.close()
        guests = dict(self._guests)
        for task, writer in guests.items():
            task.cancel()
            writer.transport.abort()
        await asyncio.gather(*guests, return_exceptions=True)
        await self._server.wait_closed()
        await asyncio.sleep(0)

    def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(_Guest(reader, writer, self._answer).stay())
        self._guests[task] = writer
        task.add_done_callback(self._guests.pop)


class _Guest:
    """One connection."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        answer: Callable[[Request], Awaitable[Reply]],
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._answer = answer
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=_MOST_HEAD)

    async def stay(self) -> None:
        """Answers one request after the other, until either side has had enough."""
        try:
            while await self._converse():
                self._http.start_next_cycle()
        except (ConnectionError, TimeoutError):
            self._writer.transport.abort()
        finally:
            self._writer.close()
            with contextlib.suppress(ConnectionError, TimeoutError):
                await self._writer.wait_closed()

    async def _converse(self) -> bool:
        """One request and its reply; whether another may follow."""
        try:
            request = await self._read()
        except h11.RemoteProtocolError as error:
            return await self._turn_away(error.error_status_hint or 400, f"This is not HTTP: {error}.")
        except _TooLarge:
            return await self._turn_away(413, f"A body may have {_MOST_BODY} bytes at most.")
        if request is None:
            return False
        await self._send(await self._answer(request), request.method)
        return self._http.our_state is h11.DONE and self._http.their_state is h11.DONE

    async def _read(self) -> Request | None:
        head: h11.Request | None = None
        body, length = [], 0
        while True:
            event = self._http.next_event()
            if event is h11.NEED_DATA:
                if self._http.they_are_waiting_for_100_continue:
                    go_on = h11.InformationalResponse(status_code=100, headers=[])
                    self._writer.write(self._http.send(go_on) or b"")
                self._http.receive_data(await self._reader.read(_PIECE))
            elif isinstance(event, h11.Request):
                head = event
            elif isinstance(event, h11.Data):
                length += len(event.data)
                if length <= _MOST_BODY:
                    body.append(bytes(event.data))
                else:
                    body.clear()
            elif isinstance(event, h11.EndOfMessage):
                break
            else:
                return None
        assert head is not None
        if length > _MOST_BODY:
            raise _TooLarge
        headers: dict[str, str] = {}
        for name, text in head.headers:
            key, value = name.decode("ascii").lower(), text.decode("latin-1")
            headers[key] = f"{headers[key]}, {value}" if key in headers else value
        return Request(head.method.decode(), head.target.decode("latin-1"), headers, b"".join(body))

    async def _turn_away(self, status: int, why: str) -> bool:
        if self._http.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            await self._send(Reply(Answer.text(why, status, connection="close")))
        return False

    async def _send(self, reply: Reply, method: str = "GET") -> None:
        if reply.manner == "reset":
            self._hang_up()
        if reply.silence_s:
            await self._rest(reply.silence_s)
        answer = reply.answer
        body = b"" if method == "HEAD" or answer.status in _BODILESS else answer.body
        head = self._http.send(h11.Response(status_code=answer.status, headers=_headers(answer))) or b""
        if reply.manner == "truncate":
            self._writer.write(head + body[: len(body) // 2] if body else head[: len(head) // 2])
            return  # the connection ends with what was written: the rest never comes
        if reply.manner == "drip":
            await self._drip(head, body)
        else:
            self._writer.write(head + (self._http.send(h11.Data(data=body)) or b"") if body else head)
        self._writer.write(self._http.send(h11.EndOfMessage()) or b"")
        await self._writer.drain()

    async def _drip(self, head: bytes, body: bytes) -> None:
        self._writer.write(head)
        for number in range(len(body)):
            if number:
                await self._rest(_DRIP_S)
            self._writer.write(self._http.send(h11.Data(data=body[number : number + 1])) or b"")
            await self._writer.drain()

    async def _rest(self, seconds: float) -> None:
        """Waits, but not for somebody who has left."""
        clock = asyncio.get_running_loop().time
        until = clock() + seconds
        while (left := until - clock()) > 0:
            if self._reader.at_eof():
                raise ConnectionAbortedError
            await asyncio.sleep(min(left, _GLANCE_S))

    def _hang_up(self) -> None:
        """Ends the connection the hard way, as a crash or a firewall does."""
        self._writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        raise ConnectionResetError


def _headers(answer: Answer) -> list[tuple[bytes, bytes]]:
    named = {"date": formatdate(usegmt=True), **answer.headers}
    if answer.status not in _BODILESS:
        named["content-length"] = str(len(answer.body))
    return [(name.encode("ascii"), text.encode("latin-1", "replace")) for name, text in named.items()]
