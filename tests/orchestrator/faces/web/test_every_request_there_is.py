"""Requests that nobody thought of, made from the document itself: none breaks the service or the document."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis import Case
from schemathesis.config import SchemathesisConfig
from small_service import SmallService
from uvicorn import Server

from orchestrator.faces.web.app import web_app
from orchestrator.faces.web.openapi import openapi
from orchestrator.faces.web.protocol import PatientProtocol
from orchestrator.faces.web.serve import configured

FEW = settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
# An address that is well-formed may still lead nowhere public, a name may be of nothing there is, and a batch may
# be larger than the tier has room for.
MEANT = {
    "checks": {
        "positive_data_acceptance": {
            "expected-statuses": ["2xx", "304", "400", "401", "403", "404", "409", "422", "429"]
        }
    }
}

config = SchemathesisConfig.from_dict(MEANT)
schema = schemathesis.openapi.from_dict(openapi("0"), config=config)


class Serving:
    """The service on a real socket, in a thread of its own."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._live()), name="served", daemon=True)

    def __enter__(self) -> Serving:
        self._thread.start()
        assert self._ready.wait(20)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(20)
        assert not self._thread.is_alive()

    async def _live(self) -> None:
        small = SmallService(self._home)
        small.still.ends = lambda job: small.end(job)
        self.key = (await small.key("acme", scopes={"jobs:read", "jobs:write", "webhooks", "keys", "usage"}))[
            "Authorization"
        ]
        app = configured(web_app(small.service))
        app.host, app.port = "127.0.0.1", 0
        self._server = Server(app)
        self._server.capture_signals = _no_signals  # type: ignore[method-assign]
        serving = asyncio.ensure_future(self._server.serve())
        while not self._server.started:
            await asyncio.sleep(0.01)
        self.url = f"http://127.0.0.1:{self._server.servers[0].sockets[0].getsockname()[1]}"
        self._ready.set()
        await serving
        await small.close()


class _no_signals:  # noqa: N801 - stands for a function of uvicorn
    """Signals are the test process's affair."""

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


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


def asked_with_a_key(case: Case, served: Serving) -> None:
    case.call_and_validate(base_url=served.url, headers={"Authorization": served.key}, timeout=20)


def asked_without_a_key(case: Case, served: Serving) -> None:
    answer = case.call(base_url=served.url, headers={"Authorization": "Bearer sk_live_wrong"}, timeout=20)
    assert answer.status_code < 500
    case.validate_response(answer)


@schema.parametrize()
@FEW
def test_with_a_key(case: Case, served: Serving) -> None:
    asked_with_a_key(case, served)


@schema.parametrize()
@settings(FEW, max_examples=2)
def test_without_a_key(case: Case, served: Serving) -> None:
    asked_without_a_key(case, served)


@pytest.mark.torture
@schema.parametrize()
@settings(FEW, max_examples=200)
def test_many_with_a_key(case: Case, served: Serving) -> None:
    asked_with_a_key(case, served)


@pytest.mark.torture
@schema.parametrize()
@settings(FEW, max_examples=200)
def test_many_without_a_key(case: Case, served: Serving) -> None:
    asked_without_a_key(case, served)
