"""Requests that nobody thought of, made from the document itself: none breaks the service or the document."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from every_request import FEW, Serving, all_requests, asked_with_a_key, asked_without_a_key
from hypothesis import settings
from schemathesis import Case

from orchestrator.faces.web.protocol import PatientProtocol

requests = all_requests(at_length=False)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with Serving(tmp_path_factory.mktemp("served")) as serving:
        yield serving


@pytest.mark.parametrize(
    "begun", [b"", b"GET /health HTTP/1.1\r\nHost: x\r\n", b"GET /health HTTP/1.1\r\nHost: x\r\n\r\nGET /h"]
)
def test_a_request_that_never_ends_is_not_waited_for(
    served: Serving, begun: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PatientProtocol, "headers_within_s", 0.3)
    place = urlsplit(served.url)
    with socket.create_connection((place.hostname or "", place.port or 0), timeout=10) as line:
        line.sendall(begun)
        heard = b""
        while part := line.recv(65_536):
            heard += part
    assert b"HTTP/1.1 408" in heard
    assert heard.endswith(b'"request_id": "none"}}')


@requests.parametrize()
@FEW
def test_with_a_key(case: Case, served: Serving) -> None:
    asked_with_a_key(case, served)


@requests.parametrize()
@settings(FEW, max_examples=2)
def test_without_a_key(case: Case, served: Serving) -> None:
    asked_without_a_key(case, served)
