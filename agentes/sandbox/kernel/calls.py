"""One request as the vendor's server sees it, and one answer as it gives it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.parser import HeaderParser
from functools import cached_property
from typing import Any

__all__ = ["Answer", "Call", "Slip", "Upload"]

_EXPIRED = """<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"""


@dataclass(frozen=True)
class Upload:
    """A file inside a form."""

    name: str
    mime: str
    content: bytes = field(repr=False)


@dataclass
class Slip:
    """What the kernel notes about a call while it is answered: lines of the billing book, and of which model."""

    lines: list[int] = field(default_factory=list)
    model: str = ""
    queued: bool = False


@dataclass(frozen=True)
class Call:
    """A request: `path` below the platform's own address, `here` that address, `params` what the route caught.

    Header names are in lower case. `twist` is the fault that is to happen to it in the vendor's own way,
    `lag_s` the age of the list that answers it.
    """

    method: str
    path: str
    here: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)
    params: Mapping[str, str] = field(default_factory=dict)
    twist: str | None = None
    lag_s: float = 0.0
    slip: Slip = field(default_factory=Slip, repr=False, compare=False)

    @property
    def origin(self) -> str:
        """The address of the whole sandbox, as the caller wrote it."""
        return self.here.rpartition("/")[0]

    @cached_property
    def json(self) -> Any:
        """The body as JSON; a ValueError if it is none."""
        return json.loads(self.body)

    @cached_property
    def form(self) -> Mapping[str, list[str | Upload]]:
        """The parts of a multipart body, by name, in order; a ValueError if it is none."""
        head = HeaderParser().parsestr(f"Content-Type: {self.headers.get('content-type', '')}")
        boundary = head.get_boundary()
        if head.get_content_type() != "multipart/form-data" or not boundary:
            raise ValueError("the body is not multipart/form-data")
        _, *pieces, end = (b"\r\n" + self.body).split(f"\r\n--{boundary}".encode())
        if not end.startswith(b"--"):
            raise ValueError("the form has no end")
        parts: dict[str, list[str | Upload]] = {}
        for piece in pieces:
            name, value = _part(piece)
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

    @classmethod
    def text(cls, words: str, status: int = 200, mime: str = "text/plain", **headers: str) -> Answer:
        """Words, as they are."""
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        return cls(status, {"content-type": f"{mime}; charset=utf-8", **named}, words.encode())

    @classmethod
    def expired(cls) -> Answer:
        """What a store of files says to a signed address whose time is over."""
        return cls(403, {"content-type": "application/xml"}, _EXPIRED.encode())


def _part(piece: bytes) -> tuple[str, str | Upload]:
    """One part of a form: its name, and its text or its file."""
    told, blank, content = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
    head = HeaderParser().parsestr(told.decode())
    name = head.get_param("name", header="content-disposition")
    if not blank or not isinstance(name, str):
        raise ValueError("a part of the form has no name")
    file = head.get_filename()
    return name, content.decode() if file is None else Upload(file, head.get_content_type(), content)
