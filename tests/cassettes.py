"""Recorded conversations: what is kept of them, what is hidden, and when two requests are the same.

A conversation with the sandbox is written down as if the vendor had been there: at the vendor's own
address. So a recording with a real key can be laid beside it, and only true differences show.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from email.parser import BytesParser
from email.policy import HTTP
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import vcr
from vcr.cassette import Cassette
from vcr.request import Request

from shared_knowledge.platform_facts import Platform

__all__ = ["FOLDER", "Scrubber", "cassette_of", "recorder"]

FOLDER = Path(__file__).resolve().parent.parent / "cassettes"
_HIDDEN = "hidden"
_KEPT_OF_REQUESTS = frozenset({"content-type", "accept", "x-runway-version", "x-microsoft-outputformat"})
_KEPT_OF_ANSWERS = frozenset(
    {
        *("content-type", "retry-after", "retry-after-ms", "x-should-retry", "character-cost", "location"),
        *("x-fal-error-type", "x-fal-retryable", "etag", "content-range", "accept-ranges"),
    }
)
_SIGNED = re.compile(
    r"(?i)([?&](?:key|token|sig|signature|expires|x-amz-[\w-]+|x-goog-[\w-]+|_jwt|policy|se|sv|sp)=)[^&\"'\s\\]+"
)
_FILES = "https://files.example.com"


class Scrubber:
    """Takes keys, signatures, cookies and this machine out of both sides of a conversation."""

    def __init__(
        self, platform: Platform, *, sandbox: str = "", secrets: Mapping[str, str] | None = None
    ) -> None:
        self._platform = platform
        self._sandbox = sandbox
        self._secrets = [value for value in (secrets or {}).values() if len(value) >= 8]

    def request(self, request: Request) -> Request | None:
        """A request as it may be kept; None for one that only the sandbox knows."""
        if "/_sandbox/service_account" in request.uri:
            return None
        request.uri = self.text(request.uri)
        request.headers = {k: v for k, v in request.headers.items() if k.lower() in _KEPT_OF_REQUESTS}
        if _asks_for_token(request):
            request.body = _HIDDEN.encode()
        elif request.body:
            request.body = self._bytes(request.body)
        return request

    def answer(self, answer: dict[str, Any]) -> dict[str, Any]:
        """An answer as it may be kept."""
        headers = {k: v for k, v in answer["headers"].items() if k.lower() in _KEPT_OF_ANSWERS}
        headers = {k: [self.text(each) for each in v] for k, v in headers.items()}
        return {**answer, "headers": headers, "body": {"string": self._bytes(answer["body"]["string"])}}

    def text(self, text: str) -> str:
        """Text without secrets and signatures, at the vendor's address instead of the sandbox's."""
        for secret in self._secrets:
            text = text.replace(secret, _HIDDEN)
        if self._sandbox:
            text = text.replace(f"{self._sandbox}/_files", _FILES)
            text = text.replace(f"{self._sandbox}/_sandbox/token", "https://oauth2.googleapis.com/token")
            text = text.replace(f"{self._sandbox}/{self._platform.id}", _address(self._platform))
        text = re.sub(r'("access_token": ?")[^"]+', rf"\1{_HIDDEN}", text)
        return _SIGNED.sub(rf"\1{_HIDDEN}", text)

    def _bytes(self, body: bytes) -> bytes:
        try:
            return self.text(body.decode()).encode()
        except UnicodeDecodeError:
            return body


def cassette_of(platform: Platform, scenario: str) -> Path:
    """Where a scenario of a platform is kept."""
    return FOLDER / f"{platform.medium}_agent" / platform.id / f"{scenario}.yaml"


@contextmanager
def recorder(file: Path, scrubber: Scrubber | None = None, *, origin: str = "sandbox") -> Iterator[Cassette]:
    """Replays a cassette, and nothing that is not in it; with a scrubber, records it afresh."""
    tape = vcr.VCR(record_mode=vcr.mode.ALL if scrubber else vcr.mode.NONE)
    tape.register_matcher("same body", _same_body)
    wishes: dict[str, Callable[..., Any]] = {}
    if scrubber:
        file.unlink(missing_ok=True)
        file.parent.mkdir(parents=True, exist_ok=True)
        wishes = {"before_record_request": scrubber.request, "before_record_response": scrubber.answer}
    else:
        wishes = {"before_record_request": _as_kept}
    with tape.use_cassette(
        str(file), match_on=("method", "scheme", "host", "path", "query", "same body"), **wishes
    ) as cassette:
        if scrubber:
            cassette.get_metadata("origin", origin)
        yield cassette


def _as_kept(request: Request) -> Request:
    """A request of today, as far as a kept one may be compared with it."""
    if _asks_for_token(request):
        request.body = _HIDDEN.encode()
    return request


def _asks_for_token(request: Request) -> bool:
    return request.method == "POST" and urlsplit(request.uri).path == "/token"


def _same_body(one: Request, other: Request) -> None:
    mine, theirs = _comparable(one), _comparable(other)
    assert mine == theirs, f"the bodies differ: {mine!r:.300} is not {theirs!r:.300}"


def _comparable(request: Request) -> Any:
    """A body without what is different each time: the spacing of JSON, the boundary of a form."""
    kind = next((v for k, v in request.headers.items() if k.lower() == "content-type"), "")
    kind = kind if isinstance(kind, str) else kind[0]
    body = request.body or b""
    if kind.startswith("multipart/"):
        form = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + body)
        return [
            (part["content-disposition"], part.get_content_type(), part.get_payload(decode=True))
            for part in form.iter_parts()
        ]
    try:
        return json.loads(body)
    except ValueError:
        return body


def _address(platform: Platform) -> str:
    """The vendor's address, with a place filled in where it wants one."""
    return platform.base_url.replace("{location}", "us-central1").replace("{region}", "westeurope")
