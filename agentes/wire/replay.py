"""The network's stand-in when a kept answer is read again: whatever is asked, it is the answer, and nothing leaves."""

from __future__ import annotations

import asyncio

import httpx

from agentes.wire.cut import said_in_full
from agentes.wire.kept import Kept, body_in
from agentes.wire.once import Call
from agentes.wire.spool import lightened

__all__ = ["Replay"]


class Replay(httpx.AsyncBaseTransport):
    """Gives a kept answer to whoever asks. It has no way to anybody."""

    def __init__(self, kept: Kept) -> None:
        self._kept = kept

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer, light, as it was when it came; of one that was cut off, what it had said in full."""
        call: Call = request.extensions["call"]
        head = self._kept.head
        answer = httpx.Response(head.status, headers=head.headers, request=request)
        content = await asyncio.to_thread(self._content, answer)
        call.answer = httpx.Response(head.status, headers=head.headers, content=content, request=request)
        return call.answer

    def _content(self, answer: httpx.Response) -> bytes:
        if self._kept.head.cut:
            return said_in_full(b"".join(body_in(self._kept.file)))
        if not answer.is_success:
            return b"".join(body_in(self._kept.file))
        return lightened(self._kept.file, answer.headers.get("content-type", ""))
