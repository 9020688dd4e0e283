"""Takes a request apart within limits of size and time: body, parameters, and the names it carries."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from pydantic import BaseModel, TypeAdapter, ValidationError

from orchestrator.faces.web.asked import FORMS
from orchestrator.faces.web.errors import Refusal, bad_input, invalid

if TYPE_CHECKING:
    from starlette.types import Receive

__all__ = [
    "MOST_BODY_BYTES",
    "MOST_HEADER_BYTES",
    "Gone",
    "body_of",
    "host_of",
    "query_of",
    "read_body",
    "request_id_of",
]

MOST_BODY_BYTES = 1 << 20
MOST_HEADER_BYTES = 32 << 10
_BODY_WITHIN_S = 20.0
_LONGEST_QUERY = 8_192
_MOST_PARAMETERS = 50
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_HOST = re.compile(r"(?a:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?a::\d{1,5})?")
_WHOLE = re.compile(r"-?[0-9]{1,18}")


class Gone(Exception):
    """Whoever asked has hung up."""


async def read_body(receive: Receive, length: str | None, within_s: float = _BODY_WITHIN_S) -> bytes:
    """The whole body; refused as soon as it is too long or too slow."""
    if length is not None and length.isdecimal() and int(length) > MOST_BODY_BYTES:
        raise _too_large()
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(within_s):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Gone
                part = message.get("body", b"")
                size += len(part)
                if size > MOST_BODY_BYTES:
                    raise _too_large()
                parts.append(part)
                if not message.get("more_body", False):
                    return b"".join(parts)
    except TimeoutError:
        raise Refusal(
            408, "The request body did not arrive in time", headers={"Connection": "close"}
        ) from None


def body_of(raw: bytes, reader: TypeAdapter[Any], *, may_be_empty: bool) -> Any:
    """The body as the request it must be, whatever content type it came under; the Refusal names every field."""
    if may_be_empty and not raw.strip():
        raw = b"{}"
    try:
        return reader.validate_json(raw, strict=True)
    except ValidationError as error:
        raise invalid(
            error.errors(include_url=False, include_context=False, include_input=False), dropped=FORMS
        ) from None
    except RecursionError:
        raise bad_input(body="Is nested too deeply") from None


def query_of(query: bytes, model: type[BaseModel]) -> BaseModel:
    """The parameters as they must be; each may stand there once, and none that is not known."""
    if len(query) > _LONGEST_QUERY:
        raise bad_input(query="Is too long")
    try:
        pairs = parse_qsl(
            query.decode("ascii"), keep_blank_values=True, max_num_fields=_MOST_PARAMETERS, errors="strict"
        )
    except ValueError:
        raise bad_input(query="Cannot be read") from None
    if twice := [name for name, times in Counter(name for name, _ in pairs).items() if times > 1]:
        raise bad_input(**{name[:100]: "Must stand there once" for name in twice})
    said = {
        name: int(value) if _WHOLE.fullmatch(value) and _is_whole(model, name) else value
        for name, value in pairs
    }
    try:
        return model.model_validate_json(json.dumps(said), strict=True)
    except ValidationError as error:
        raise invalid(error.errors(include_url=False, include_context=False, include_input=False)) from None


def request_id_of(header: str | None, fresh: str) -> str:
    """The number a request came with, if it can be one, else a fresh one."""
    return header if header is not None and _REQUEST_ID.fullmatch(header) else fresh


def host_of(header: str | None, server: tuple[str, int | None] | None) -> str:
    """The name under which we were reached, or the address we listen on."""
    if header is not None and _HOST.fullmatch(header):
        return header
    return f"{server[0]}:{server[1]}" if server else "localhost"


def _is_whole(model: type[BaseModel], name: str) -> bool:
    return name in _whole_numbers(model)


@cache
def _whole_numbers(model: type[BaseModel]) -> frozenset[str]:
    fields = model.model_json_schema().get("properties", {}).items()
    kinds = ((name, (field, *field.get("anyOf", ()))) for name, field in fields)
    return frozenset(name for name, said in kinds if any(one.get("type") == "integer" for one in said))


def _too_large() -> Refusal:
    most = MOST_BODY_BYTES >> 20
    return Refusal(413, f"A request body may have {most} MB", headers={"Connection": "close"})
