"""What a customer may see of the outbox: receivers, deliveries, tries, and that there is none of that name."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from orchestrator.store.database import Row
from shared_knowledge.errors import BadRequest
from shared_knowledge.vocabulary import Frozen

__all__ = [
    "Attempt",
    "Delivery",
    "Endpoint",
    "NoWebhook",
    "delivery_in",
    "endpoint_in",
    "no_delivery",
    "no_webhook",
]


class NoWebhook(BadRequest):
    """There is no webhook, or no delivery, of that id; or it is another tenant's, which is the same."""


class Endpoint(Frozen):
    """A receiver: where it is, and what it wants to be told. Its secret is there only when it is new."""

    webhook_id: str
    url: str
    events: tuple[str, ...]
    active: bool
    created_at: datetime
    secret: str | None = None
    switched_off_because: str | None = None
    other_secret_until: datetime | None = None


class Attempt(Frozen):
    """One try to deliver something, and what came of it."""

    at: datetime
    status: int | None
    error: str | None
    took_ms: int


class Delivery(Frozen):
    """One message to one receiver, and how far it came."""

    delivery_id: str
    message_id: str
    event: str
    job_id: str | None
    state: Literal["due", "paused", "delivered", "failed"]
    attempts: int
    due_at: datetime
    created_at: datetime
    ended_at: datetime | None


def no_webhook(webhook_id: str) -> NoWebhook:
    """What is said where there is no such webhook."""
    return NoWebhook(f"There is no webhook {webhook_id[:60]!r}.")


def no_delivery(delivery_id: str) -> NoWebhook:
    """What is said where there is no such delivery."""
    return NoWebhook(f"There is no delivery {delivery_id[:60]!r}.")


def endpoint_in(row: Row | None, webhook_id: str, *, shows_secret: bool = False) -> Endpoint:
    """The receiver in a row; NoWebhook if there is no row."""
    if row is None:
        raise no_webhook(webhook_id)
    return Endpoint(
        webhook_id=row["id"],
        url=row["url"],
        events=tuple(row["events"].split()),
        active=bool(row["active"]),
        created_at=row["created_at"],
        secret=row["secret"] if shows_secret else None,
        switched_off_because=row["why_off"],
        other_secret_until=row["older_until"],
    )


def delivery_in(row: Row | None, delivery_id: str) -> Delivery:
    """The delivery in a row; NoWebhook if there is no row."""
    if row is None:
        raise no_delivery(delivery_id)
    return Delivery(
        delivery_id=row["id"],
        message_id=row["message"],
        event=row["event"],
        job_id=row["job"],
        state=row["state"],
        attempts=row["attempts"],
        due_at=row["due_at"],
        created_at=row["created_at"],
        ended_at=row["ended_at"],
    )
