"""What is open to all: whether the service lives and can work, its document, its figures, and the vendors' door."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from orchestrator.faces.web.answered import Health, Ready
from orchestrator.faces.web.calls import Answer, Call, aside, good
from orchestrator.faces.web.errors import Refusal, not_found
from orchestrator.faces.web.operations import Operation
from shared_knowledge.errors import AgentesError

__all__ = ["OPERATIONS"]

_log = logging.getLogger("agentes.web")


async def _health(call: Call) -> Answer:
    return good(Health(version=call.service.version, timestamp=datetime.now(UTC)))


async def _ready(call: Call) -> Answer:
    found: dict[str, str] = {}
    for name, check in call.service.checks.items():
        try:
            await aside(check)
        except AgentesError as trouble:
            _log.warning("not ready: %s: %s", name, trouble)
            found[name] = "failed"
        else:
            found[name] = "ok"
    is_ready = all(word == "ok" for word in found.values())
    return good(Ready(status="ready" if is_ready else "not ready", checks=found), 200 if is_ready else 503)


async def _openapi(call: Call) -> Answer:
    from orchestrator.faces.web.openapi import openapi_bytes

    return Answer(200, openapi_bytes(call.service.version), headers={"Cache-Control": "public, max-age=300"})


async def _docs(call: Call) -> Answer:
    from orchestrator.faces.web.docs_page import POLICY, docs_page

    headers = {"Cache-Control": "public, max-age=300", "Content-Security-Policy": POLICY}
    return Answer(200, docs_page(call.service.version), "text/html; charset=utf-8", headers)


async def _metrics(call: Call) -> Answer:
    if call.service.watcher is None:
        raise not_found("Path")
    return Answer(200, await aside(call.service.watcher.page), "text/plain; version=0.0.4; charset=utf-8")


async def _hook(call: Call) -> Answer:
    if call.service.hooks is None:
        raise not_found("Path")
    status = await call.service.hooks(call.params["platform"], call.headers, call.raw)
    if status == 404:
        raise not_found("Path")
    if status >= 400:
        raise Refusal(status if status in (400, 401, 403, 413) else 400, "This was not taken")
    return Answer(status, b"{}")


OPERATIONS = (
    Operation(
        name="getHealth",
        method="GET",
        path="/health",
        tag="Service",
        summary="Health check",
        about="The process answers. It asks nobody else.",
        do=_health,
        scope=None,
        answers={200: Health},
        is_counted=False,
    ),
    Operation(
        name="getReady",
        method="GET",
        path="/ready",
        tag="Service",
        summary="Readiness check",
        about="Jobs can be taken: the database answers, the shelf can be written.",
        do=_ready,
        scope=None,
        answers={200: Ready, 503: Ready},
        is_counted=False,
    ),
    Operation(
        name="getDocument",
        method="GET",
        path="/openapi.json",
        tag="Service",
        summary="OpenAPI schema",
        do=_openapi,
        scope=None,
        answers={200: "application/json"},
    ),
    Operation(
        name="getDocs",
        method="GET",
        path="/docs",
        tag="Service",
        summary="This document, for people",
        do=_docs,
        scope=None,
        answers={200: "text/html"},
    ),
    Operation(
        name="getMetrics",
        method="GET",
        path="/metrics",
        tag="Service",
        summary="Figures for Prometheus",
        do=_metrics,
        scope=None,
        answers={200: "text/plain"},
        refuses=(403, 404),
        is_counted=False,
    ),
    Operation(
        name="vendorHook",
        method="POST",
        path="/hooks/{platform}",
        tag="Service",
        summary="Where vendors tell that an order has moved on",
        about="Verified over the bytes as they came, and taken as a hint to look, never as the truth.",
        do=_hook,
        scope=None,
        answers={200: "application/json", 202: "application/json"},
        refuses=(400, 401, 403, 413),
        takes_bytes=True,
    ),
)
