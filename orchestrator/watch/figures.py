"""The figures of the service for Prometheus: cheap to ask for, and about nobody in particular.

What this process did itself is counted as it happens. What all processes did together stands in the
ledger, which is asked at most every few seconds, however often somebody looks. No label names a job, an
order, a key or a tenant: such a figure would grow for ever, and tell of customers whoever may read it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    generate_latest,
    multiprocess,
)

from orchestrator.watch.ledger import Ledger
from orchestrator.watch.standing import Kept, Standing
from orchestrator.watch.together import counts_together

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

__all__ = ["Counted", "Figures"]

_QUICK_S = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_SLOW_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)


class Counted(Protocol):
    """One call to a vendor, as the wire counts it."""

    @property
    def platform(self) -> str: ...
    @property
    def status(self) -> int | None: ...
    @property
    def ms(self) -> float: ...
    @property
    def error(self) -> str: ...


class Figures:
    """Counts what this process does, and asks the ledger for the rest."""

    def __init__(
        self,
        ledger: Ledger | None,
        *,
        version: str,
        platforms: Sequence[str] = (),
        resting: Callable[[], AbstractSet[str]] = frozenset,
        disk: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ledger = ledger
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "agentes_http_requests",
            "Requests that were answered.",
            ("operation", "status"),
            registry=self._registry,
        )
        self._took = Histogram(
            "agentes_http_request_seconds",
            "From the first line of a request to its answer; runPipeline is the accepting of jobs.",
            ("operation",),
            buckets=_QUICK_S,
            registry=self._registry,
        )
        self._vendor_calls = Counter(
            "agentes_vendor_requests",
            "Calls to vendors, by the class of the answer; none where there was none.",
            ("platform", "answer"),
            registry=self._registry,
        )
        self._vendor_errors = Counter(
            "agentes_vendor_errors",
            "Calls to vendors without an answer.",
            ("platform", "error"),
            registry=self._registry,
        )
        self._vendor_took = Histogram(
            "agentes_vendor_request_seconds",
            "From a call to a vendor to its answer.",
            ("platform",),
            buckets=_SLOW_S,
            registry=self._registry,
        )
        self._posted = Counter(
            "agentes_webhook_attempts",
            "Attempts to deliver a webhook, by their outcome.",
            ("outcome",),
            registry=self._registry,
        )
        self._posting_took = Histogram(
            "agentes_webhook_attempt_seconds",
            "How long receivers took.",
            buckets=_SLOW_S,
            registry=self._registry,
        )
        for outcome in ("delivered", "refused", "no_answer"):
            self._posted.labels(outcome)
        ProcessCollector(registry=self._registry)
        self._standing = Standing(Kept(ledger, clock) if ledger else None, version, platforms, resting, disk)

    def served(self, operation: str, status: int, seconds: float) -> None:
        """A request was answered."""
        self._requests.labels(operation, str(status)).inc()
        self._took.labels(operation).observe(seconds)

    def asked(self, call: Counted) -> None:
        """A vendor was asked something."""
        answer = "none" if call.status is None else "429" if call.status == 429 else f"{call.status // 100}xx"
        self._vendor_calls.labels(call.platform, answer).inc()
        if call.error:
            self._vendor_errors.labels(call.platform, call.error).inc()
        self._vendor_took.labels(call.platform).observe(call.ms / 1000)

    def posted(self, status: int | None, seconds: float) -> None:
        """A webhook was sent, and answered or not."""
        outcome = "no_answer" if status is None else "delivered" if 200 <= status < 300 else "refused"
        self._posted.labels(outcome).inc()
        self._posting_took.observe(seconds)

    def close(self) -> None:
        """Lets go of the ledger."""
        if self._ledger is not None:
            self._ledger.close()

    def page(self) -> bytes:
        """Every figure, in the words of Prometheus."""
        registry = self._registry
        if counts_together():
            registry = CollectorRegistry()
            multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry) + generate_latest(_only(self._standing))


def _only(collector: Standing) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(collector)
    return registry
