"""Answers on their way out: sent whole or in parts, and kept without what is shown only once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from orchestrator.access import Answer as Promised
from orchestrator.faces.web.calls import Answer

if TYPE_CHECKING:
    from starlette.types import Send

__all__ = ["as_json", "hang_up", "say", "without_secrets"]

_DRAINS_WITHIN_S = 60.0


async def say(send: Send, answer: Answer, headers: Mapping[str, str], *, headless: bool) -> None:
    """Sends an answer; whoever does not take it in time is hung up on."""
    length = answer.length if answer.length is not None or answer.stream is not None else len(answer.body)
    named = dict(headers) | ({} if length is None else {"Content-Length": str(length)})
    lines = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in named.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": lines})
    if answer.stream is None or headless:
        await send({"type": "http.response.body", "body": b"" if headless else answer.body})
        return
    try:
        async for part in answer.stream:
            async with asyncio.timeout(_DRAINS_WITHIN_S):
                await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    finally:
        if (close := getattr(answer.stream, "aclose", None)) is not None:
            await close()


async def hang_up(send: Send) -> None:
    """Sockets are not spoken here."""
    await send({"type": "websocket.close", "code": 1000})


def as_json(said: object) -> bytes:
    """The words of a document, whatever is in it."""
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")


def without_secrets(answer: Answer, hides: Sequence[str]) -> Promised:
    """The answer as it may lie in the ledger."""
    if not hides:
        return Promised(answer.status, answer.body.decode())
    said: dict[str, Any] = json.loads(answer.body)
    return Promised(answer.status, json.dumps(_hidden(said, hides)))


def _hidden(said: Any, names: Sequence[str]) -> Any:
    match said:
        case dict():
            return {name: None if name in names else _hidden(each, names) for name, each in said.items()}
        case list():
            return [_hidden(each, names) for each in said]
        case _:
            return said
