"""Everything the service works with, joined elsewhere and handed in whole."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from agentes.wire.guard import Guard
from orchestrator.access import Idempotency, Keys, Limiter
from orchestrator.faces.web.links import Links
from orchestrator.faces.web.strangers import Strangers
from orchestrator.store.database import Database
from orchestrator.store.service import ServiceShelf
from orchestrator.studio import Studio
from orchestrator.webhooks.outbox import Outbox
from shared_knowledge.catalogue import Catalogue

__all__ = ["HookReader", "Service", "Watcher"]


class Watcher(Protocol):
    """Whoever counts what the service does, and shows it at `/metrics`."""

    def served(self, operation: str, status: int, seconds: float) -> None:
        """A request was answered."""
        ...

    def page(self) -> bytes:
        """Every figure, in the words of Prometheus."""
        ...


HookReader = Callable[[str, Mapping[str, str], bytes], Awaitable[int]]
"""Takes what a vendor sent: which platform, its headers, its bytes; says with which status it was taken."""


@dataclass(frozen=True)
class Service:
    """What the handlers of every request share."""

    studio: Studio
    database: Database
    shelf: ServiceShelf
    keys: Keys
    limiter: Limiter
    outbox: Outbox
    guard: Guard
    links: Links
    catalogue: Catalogue
    version: str
    idempotency: Idempotency = field(default_factory=Idempotency)
    strangers: Strangers = field(default_factory=Strangers)
    public_url: str | None = None
    most_at_once: int = 2000
    watcher: Watcher | None = None
    hooks: HookReader | None = None
    checks: Mapping[str, Callable[[], None]] = field(default_factory=dict)
