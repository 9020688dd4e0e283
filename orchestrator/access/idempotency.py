"""Idempotency: the same request under the same name is done once, and answered alike for a day."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import NamedTuple

from orchestrator.store.database import Transaction
from shared_knowledge.errors import AgentesError, BadRequest

__all__ = ["AlreadyAnswered", "Answer", "Begun", "Idempotency", "Verdict", "name_of", "request_digest"]

_KEPT = timedelta(hours=24)
_GIVEN_UP = timedelta(minutes=2)  # whoever has not answered by then was killed
_SWEPT_EVERY = timedelta(minutes=10)
_NAME = re.compile(r"[\x21-\x7e]{1,255}")


class Verdict(StrEnum):
    """What a name stands for when a request comes with it."""

    FRESH = "fresh"
    REPLAY = "replay"
    CONFLICT = "conflict"
    IN_FLIGHT = "in_flight"


class Answer(NamedTuple):
    """What was answered: the status and the body."""

    status: int
    body: str


class Begun(NamedTuple):
    """Whether to go on, and if not, what was answered before."""

    verdict: Verdict
    answer: Answer | None = None


class AlreadyAnswered(AgentesError):
    """The request is not done again; what to say instead is in `begun`. Undoes the transaction it is raised in."""

    def __init__(self, begun: Begun) -> None:
        super().__init__(
            "This idempotency key was used with another request."
            if begun.verdict is Verdict.CONFLICT
            else "A request with this idempotency key came before.",
            todo="Use a new key for a new request, and the same for the same.",
        )
        self.begun = begun


class Idempotency:
    """The names that were used in the last day, per tenant. Every verb belongs to a transaction."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now
        self._sweep_at = now()

    def begin(
        self, transaction: Transaction, tenant: str, name: str, digest: str, answer: Answer | None = None
    ) -> Begun:
        """Takes a name, with the answer if that is known already; or says what it stands for."""
        at = self._now()
        asked = {"tenant": tenant, "key": name}
        self._sweep(transaction, at)
        taken = transaction.run(
            "add_promise",
            **asked,
            digest=digest,
            status=None if answer is None else answer.status,
            answer=None if answer is None else answer.body,
            at=at.isoformat(),
            expires_at=(at + _KEPT).isoformat(),
            given_up=(at - _GIVEN_UP).isoformat(),
        )
        if taken:
            return Begun(Verdict.FRESH)
        row = transaction.row("promise", **asked)
        if row is not None and row["digest"] != digest:
            return Begun(Verdict.CONFLICT)
        if row is not None and row["status"] is not None:
            return Begun(Verdict.REPLAY, Answer(row["status"], row["answer"]))
        return Begun(Verdict.IN_FLIGHT)

    def insist(self, transaction: Transaction, tenant: str, name: str, digest: str, answer: Answer) -> None:
        """Takes a name for an answer that is true once this transaction is kept, or raises AlreadyAnswered."""
        begun = self.begin(transaction, tenant, name, digest, answer)
        if begun.verdict is not Verdict.FRESH:
            raise AlreadyAnswered(begun)

    def finish(self, transaction: Transaction, tenant: str, name: str, answer: Answer) -> None:
        """Keeps the answer for whoever asks again. It must hold no secret: it lies open in the ledger."""
        transaction.run("keep_promise", tenant=tenant, key=name, status=answer.status, answer=answer.body)

    def drop(self, transaction: Transaction, tenant: str, name: str) -> None:
        """Gives a name back that led to nothing, so that the next request is a first one."""
        transaction.run("drop_promise", tenant=tenant, key=name)

    def _sweep(self, transaction: Transaction, at: datetime) -> None:
        if at >= self._sweep_at:
            self._sweep_at = at + _SWEPT_EVERY
            transaction.run("forget_promises", at=at.isoformat())


def name_of(header: str) -> str:
    """The name a request came with; BadRequest if it cannot be one."""
    if not _NAME.fullmatch(header):
        raise BadRequest(
            "An idempotency key has 1 to 255 visible letters, digits and signs.",
            todo="A UUID will do.",
        )
    return header


def request_digest(method: str, path: str, body: bytes) -> str:
    """By what two requests are the same: where they went, and every byte of what they said."""
    return sha256(b"\n".join((method.encode(), path.encode(), body))).hexdigest()
