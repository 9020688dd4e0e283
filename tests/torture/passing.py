"""What passes on the wire: a call, what is to become of it, and the answer the vendor gave."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field

import h11

__all__ = ["Heard", "Passed", "Toxic", "ask"]

_PIECE = 64 * 1024


@dataclass(frozen=True)
class Toxic:
    """What becomes of the `nth` call of a sort to a platform after it was planted, and `times` in a row."""

    platform: str
    on: str
    do: str
    nth: int = 1
    times: int = 1


@dataclass
class Heard:
    """An answer of the vendor's, as far as it came."""

    status: int = 200
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""
    raw: bytes = b""
    whole: bool = False
    reset: bool = False

    @property
    def is_text(self) -> bool:
        """Whether it is JSON or the like, and no file."""
        return any(name == b"content-type" and b"json" in kind for name, kind in self.headers)


@dataclass
class Passed:
    """One exchange: what was asked for which order, what was done to it, how often the vendor booked."""

    platform: str
    kind: str
    sitting: int
    order: str = ""
    state: str = ""
    toxic: str = ""
    struck: str = ""
    status: int | None = None
    booked: int = 0

    @property
    def faults(self) -> tuple[str, ...]:
        """What went wrong with it, on the wire and at the vendor's."""
        return tuple(fault for fault in (self.toxic, *self.struck.split(" + ")) if fault)


async def ask(port: int, head: h11.Request, raw: bytes) -> Heard:
    """The answer of whoever listens there, as far as it comes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    http, heard = h11.Connection(h11.CLIENT), Heard()
    http.send(head)
    try:
        writer.write(raw)
        while not heard.whole:
            event = http.next_event()
            if event is h11.NEED_DATA:
                piece = await reader.read(_PIECE)
                heard.raw += piece
                http.receive_data(piece)
            elif isinstance(event, h11.Response):
                heard.status, heard.headers = event.status_code, list(event.headers)
            elif isinstance(event, h11.Data):
                heard.body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                heard.whole = True
    except ConnectionError:
        heard.reset = True
    except h11.RemoteProtocolError:
        pass  # it ends in the middle
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
    return heard
