"""What can become of an answer on its way: lost, cut, dripped, mangled, or another in its place."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import random
import socket
import struct
from collections.abc import Callable

import h11
from passing import Heard

__all__ = ["Way"]

_RESET = struct.pack("ii", 1, 0)
_DRIP_S = 20.0
_ERROR = b'{"error": {"message": "We are sorry.", "code": 0}}'
_HTML = b"<!doctype html><title>Sign in</title><h1>Welcome to this network</h1>"
_COAT = (b"content-length", b"content-encoding", b"transfer-encoding")


class Way:
    """The last stretch, from the wire to the one who asked."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        leap: Callable[[float], None],
        dice: random.Random,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._leap = leap
        self._dice = dice

    def reset(self) -> bool:
        """Ends the connection the hard way."""
        told = self._writer.get_extra_info("socket")
        if told is not None:
            with contextlib.suppress(OSError):
                told.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._writer.transport.abort()
        return False

    async def deliver(self, heard: Heard, do: str, here: str) -> bool:
        """Hands over the answer as it is meant to arrive; whether another may follow on this connection."""
        name, _, detail = do.partition(":")
        heard = _instead(name, detail, here) or heard
        wire = self._mangled(heard, name)
        match name:
            case "rst_before" | "rst_after":
                return self.reset()
            case "die":
                return False
            case "hang":
                return await self._hang()
            case "drip":
                return await self._drip(wire)
            case "rst_mid" | "half_close" | "cut":
                return await self._cut(wire, name, detail)
            case "latency":
                await asyncio.sleep(self._dice.uniform(0.001, 0.004))
            case "bandwidth":
                wire = await self._in_pieces(wire, len(wire) // 16 + 1, pause_s=0.0002)
            case "slice":
                wire = await self._in_pieces(wire, self._dice.randint(1, 7), at_most=60)
            case _:
                pass
        self._writer.write(wire)
        await self._writer.drain()
        return heard.whole and name not in ("short", "long")

    def _mangled(self, heard: Heard, name: str) -> bytes:
        """The bytes of an answer, as they will be."""
        match name:
            case "short":
                return self._whole(heard, length=len(heard.body) // 2)
            case "long":
                return self._whole(heard, length=len(heard.body) + 7)
            case "gzip":
                return self._whole(heard, (b"content-encoding", b"gzip"))
            case "half_gzip":
                packed = gzip.compress(heard.body)[: -max(9, len(heard.body) // 4)]
                return self._whole(_with(heard, packed), (b"content-encoding", b"gzip"))
            case "charset":
                return self._whole(_with(heard, b'{"id": "\xff\xfe\xfa", ' + heard.body[1:]))
            case "date":
                date = self._dice.choice((b"Thu, 01 Jan 1970 00:00:00 GMT", b"in the morning"))
                return self._whole(heard, (b"date", date))
            case _:
                return self._whole(heard)

    async def _in_pieces(
        self, wire: bytes, size: int, *, at_most: int = 1 << 20, pause_s: float = 0.0
    ) -> bytes:
        """Sends some of it piece by piece; gives what is left."""
        for start in range(0, min(len(wire), size * at_most), size):
            self._writer.write(wire[start : start + size])
            await self._writer.drain()
            await asyncio.sleep(pause_s)
        return wire[size * at_most :]

    async def _drip(self, wire: bytes) -> bool:
        """A byte from time to time, for longer than anybody waits."""
        start = max(0, wire.find(b"\r\n\r\n") + 4) if self._dice.random() < 0.7 else 0
        self._writer.write(wire[:start])
        for at in range(start, len(wire)):
            if self._reader.at_eof():
                break
            self._writer.write(wire[at : at + 1])
            await self._writer.drain()
            self._leap(_DRIP_S)
            await asyncio.sleep(0.0005)
        return False

    async def _hang(self) -> bool:
        """Not a word, until the other side has had enough."""
        while not self._reader.at_eof():
            self._leap(_DRIP_S)
            await asyncio.sleep(0.0005)
        return False

    async def _cut(self, wire: bytes, name: str, detail: str) -> bool:
        """The beginning of the answer, and then the end of the connection, in one of three ways."""
        most = len(wire) - 1
        upto = min(int(detail), most) if detail else self._dice.randint(1, most)
        self._writer.write(wire[:upto])
        await self._writer.drain()
        if name == "rst_mid":
            return self.reset()
        if name == "half_close":
            self._writer.write_eof()
            while await self._reader.read(1024):
                pass
        return False

    def _whole(self, heard: Heard, *headers: tuple[bytes, bytes], length: int | None = None) -> bytes:
        """The answer in bytes, some headers in the place of others."""
        if heard.raw and not headers and length is None:
            return heard.raw
        named = dict(heard.headers) | dict(headers)
        named[b"content-length"] = str(len(heard.body) if length is None else length).encode()
        http = h11.Connection(h11.SERVER)
        http.receive_data(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        http.next_event()
        head = http.send(h11.Response(status_code=heard.status, headers=list(named.items()))) or b""
        return head + heard.body


def _with(heard: Heard, body: bytes) -> Heard:
    return Heard(heard.status, [pair for pair in heard.headers if pair[0] not in _COAT], body, whole=True)


def _instead(name: str, detail: str, here: str) -> Heard | None:
    """An answer that the vendor never gave; None if it is the vendor's that is told."""
    kind = b"text/html" if name == "html200" else b"application/json"
    heard = Heard(200, [(b"content-type", kind)], _HTML if name == "html200" else _ERROR, whole=True)
    match name:
        case "html200" | "error200":
            pass
        case "retry":
            heard.status = 429
            heard.headers.append((b"retry-after", detail.encode()))
        case "redirect":
            heard.status = int(detail)
            heard.headers.append((b"location", here.encode()))
        case "status":
            heard.status = int(detail)
        case _:
            return None
    return heard
