"""The service on a real socket, and requests that nobody thought of, made from its document."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis import Case
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import negative_data_rejection
from small_service import SmallService
from uvicorn import Server

from orchestrator.faces.web.app import web_app
from orchestrator.faces.web.openapi import openapi
from orchestrator.faces.web.serve import configured

__all__ = ["FEW", "Serving", "all_requests", "asked_with_a_key", "asked_without_a_key"]

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


def all_requests(*, at_length: bool) -> Any:
    """Cases of every operation; at length, the edges of every value are tried one by one as well."""
    meant = MEANT if at_length else {**MEANT, "phases": {"coverage": {"enabled": False}}}
    return schemathesis.openapi.from_dict(openapi("0"), config=SchemathesisConfig.from_dict(meant))


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


def asked_with_a_key(case: Case, served: Serving) -> None:
    # Where all that was wrong is a key that was left out, it is right with the key that we put in.
    keyless = "authorization" not in {name.lower() for name in case.headers or {}}
    case.call_and_validate(
        base_url=served.url,
        headers={"Authorization": served.key},
        timeout=20,
        excluded_checks=[negative_data_rejection] if keyless else [],
    )


def asked_without_a_key(case: Case, served: Serving) -> None:
    answer = case.call(base_url=served.url, headers={"Authorization": "Bearer sk_live_wrong"}, timeout=20)
    assert answer.status_code < 500
    case.validate_response(answer)
