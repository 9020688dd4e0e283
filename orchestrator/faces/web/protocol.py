"""One connection as it should be: whoever sends too slowly or too much is told so, in our words, and hung up on."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from orchestrator.faces.web.errors import TYPES

__all__ = ["PatientProtocol"]

_HEADERS_WITHIN_S = 15.0
_TOO_LARGE = 431

_log = logging.getLogger("agentes.web")


class PatientProtocol(H11Protocol):
    """Waits so long for the headers of a request, and not for ever."""

    headers_within_s = _HEADERS_WITHIN_S

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait_for_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait_no_more()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._deadline is None and self._is_between_requests:
            self._wait_for_headers()
        super().data_received(data)
        if not self._is_between_requests:
            self._wait_no_more()

    def on_response_complete(self) -> None:
        self._wait_no_more()
        super().on_response_complete()
        if self._is_between_requests and self.conn.trailing_data[0]:  # the next request has begun already
            self._wait_for_headers()

    def send_400_response(self, msg: str) -> None:
        """What could not be read as a request, answered in the shape of every other error."""
        trouble = sys.exception()
        status = _TOO_LARGE if getattr(trouble, "error_status_hint", 400) == _TOO_LARGE else 400
        self._refuse(status)

    @property
    def _is_between_requests(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _wait_for_headers(self) -> None:
        self._deadline = self.loop.call_later(self.headers_within_s, self._too_slow)

    def _wait_no_more(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_slow(self) -> None:
        self._deadline = None
        if not self.transport.is_closing() and self._is_between_requests:
            self._refuse(408)

    def _refuse(self, status: int) -> None:
        kind, code, sentence = TYPES[status]
        if status == 400:
            code, sentence = "BAD_REQUEST", "This is not an HTTP request that can be read."
        if status == 408:
            code, sentence = "HEADERS_TOO_SLOW", "The request did not arrive in time."
        body = json.dumps({"error": {"type": kind, "message": sentence, "code": code, "request_id": "none"}})
        lines = [
            f"HTTP/1.1 {status} Refused",
            "content-type: application/json",
            f"content-length: {len(body)}",
            "connection: close",
        ]
        self.transport.write(("\r\n".join(lines) + "\r\n\r\n" + body).encode())
        self.transport.close()
