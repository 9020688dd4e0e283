"""One request as the vendor's server sees it, and one answer as it gives it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from functools import cached_property
from typing import Any

__all__ = ["Answer", "Call", "Upload"]


@dataclass(frozen=True)
class Upload:
    """A file inside a form."""

    name: str
    mime: str
    content: bytes = field(repr=False)


@dataclass(frozen=True)
class Call:
    """A request: `path` below the platform's own address, `here` that address, `params` what the route caught.

    `twist` is the fault that is to happen to it in the vendor's own way.
    """

    method: str
    path: str
    here: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)
    params: Mapping[str, str] = field(default_factory=dict)
    twist: str | None = None

    @cached_property
    def json(self) -> Any:
        """The body as JSON; a ValueError if it is none."""
        return json.loads(self.body)

    @cached_property
    def form(self) -> Mapping[str, list[str | Upload]]:
        """The parts of a multipart body, by name, in order."""
        head = f"Content-Type: {self.headers.get('content-type', '')}\r\n\r\n".encode()
        parts: dict[str, list[str | Upload]] = {}
        for part in BytesParser(policy=HTTP).parsebytes(head + self.body).iter_parts():
            name = str(part.get_param("name", "", header="content-disposition"))
            content = part.get_payload(decode=True) or b""
            assert isinstance(content, bytes)
            file = part.get_filename()
            value = content.decode() if file is None else Upload(file, part.get_content_type(), content)
            parts.setdefault(name, []).append(value)
        return parts


@dataclass(frozen=True)
class Answer:
    """A response, whole."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)

    @classmethod
    def of(cls, value: Any, status: int = 200, **headers: str) -> Answer:
        """JSON; headers are given with underscores for dashes."""
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        return cls(
            status,
            {"content-type": "application/json", **named},
            json.dumps(value, ensure_ascii=False).encode(),
        )

    @classmethod
    def file(cls, content: bytes, mime: str, **headers: str) -> Answer:
        """Bytes of a kind."""
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        return cls(200, {"content-type": mime, **named}, content)
