"""The outbox: who wants to be told of what, what was sent to whom, and how it was received."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from orchestrator.store.database import Database, Row, Transaction
from orchestrator.webhooks.announcing import post
from orchestrator.webhooks.events import ENDINGS, EVENTS, TEST
from orchestrator.webhooks.records import (
    Attempt,
    Delivery,
    Endpoint,
    NoWebhook,
    delivery_in,
    endpoint_in,
    no_delivery,
    no_webhook,
)
from orchestrator.webhooks.signing import new_secret
from shared_knowledge.errors import BadRequest

__all__ = ["Attempt", "Delivery", "Endpoint", "NoWebhook", "Outbox"]

_MOST_ENDPOINTS = 20
_LONGEST_OVERLAP_S = 30 * 86_400.0
_TEST_SAYS = '{"message":"A test: whoever reads this is reached."}'


class Outbox:
    """What a tenant may do with its webhooks. To anybody else they do not exist.

    `check` says how an address will be dialled, or refuses it; `wake` is called when something is due now.
    """

    def __init__(
        self,
        database: Database,
        *,
        check: Callable[[str], str] = str,
        wake: Callable[[], object] = lambda: None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._check = check
        self._wake = wake
        self._now = now

    async def register(
        self, tenant: str, url: str, events: Sequence[str] = EVENTS, *, active: bool = True
    ) -> Endpoint:
        """A new receiver, with its secret, which is shown this once."""
        url, wanted = self._check(url), _known(events)
        values = {"id": _new("wh"), "tenant": tenant, "url": url, "events": " ".join(wanted)}
        values |= {"secret": new_secret(), "created_at": self._now().isoformat()}

        def ask(transaction: Transaction) -> Row | None:
            if len(transaction.rows("endpoints", tenant=tenant)) >= _MOST_ENDPOINTS:
                raise BadRequest(
                    f"There are {_MOST_ENDPOINTS} webhooks already.", todo="Delete one that is not needed."
                )
            transaction.run("add_endpoint", active=int(active), **values)
            return transaction.row("endpoint", id=values["id"], tenant=tenant)

        return endpoint_in(await self._database.write(ask), values["id"], shows_secret=True)

    def list(self, tenant: str) -> Sequence[Endpoint]:
        """Every receiver, newest first."""
        return [
            endpoint_in(row, "") for row in self._database.read(lambda t: t.rows("endpoints", tenant=tenant))
        ]

    def get(self, tenant: str, webhook_id: str) -> Endpoint:
        """One receiver; NoWebhook if there is none."""
        row = self._database.read(lambda t: t.row("endpoint", id=webhook_id, tenant=tenant))
        return endpoint_in(row, webhook_id)

    async def update(
        self,
        tenant: str,
        webhook_id: str,
        *,
        url: str | None = None,
        events: Sequence[str] | None = None,
        active: bool | None = None,
    ) -> Endpoint:
        """Changes what is given. What was on its way to a receiver that is switched off waits until it is on."""
        url = None if url is None else self._check(url)
        wanted = None if events is None else _known(events)

        def ask(transaction: Transaction) -> Row | None:
            changed = _changed(transaction, tenant, webhook_id)
            changed["url"] = url or changed["url"]
            changed["events"] = " ".join(wanted) if wanted else changed["events"]
            if active is not None:
                changed |= {"active": int(active), "why_off": None, "failing_since": None}
            transaction.run("change_endpoint", **changed)
            if active is not None:
                verb = "unpause_deliveries" if active else "pause_deliveries"
                if transaction.run(verb, endpoint=webhook_id) and active:
                    at = self._now().isoformat()
                    transaction.run("open_lane", lane=webhook_id, tenant=tenant, due_at=at)
            return transaction.row("endpoint", id=webhook_id, tenant=tenant)

        endpoint = endpoint_in(await self._database.write(ask), webhook_id)
        self._wake()
        return endpoint

    async def delete(self, tenant: str, webhook_id: str) -> None:
        """Forgets a receiver, and all that was sent or still to be sent to it."""

        def ask(transaction: Transaction) -> None:
            _changed(transaction, tenant, webhook_id)
            _drop(transaction, tenant, webhook_id)

        await self._database.write(ask)

    async def rotate(self, tenant: str, webhook_id: str, overlap_s: float = 86_400.0) -> Endpoint:
        """A new secret, shown this once; the one before it signs along until the overlap is over."""
        until = self._end_of(overlap_s)

        def ask(transaction: Transaction) -> Row | None:
            transaction.run("change_endpoint", **_turned(_changed(transaction, tenant, webhook_id), until))
            return transaction.row("endpoint", id=webhook_id, tenant=tenant)

        return endpoint_in(await self._database.write(ask), webhook_id, shows_secret=True)

    async def test(self, tenant: str, webhook_id: str) -> Delivery:
        """Sends a word to a receiver, signed like every other; it goes out now, and stands in its log."""
        at = self._now().isoformat()
        message = _new("msg")
        values = {"id": message, "tenant": tenant, "job": None, "slot": "test", "event": TEST, "whole": 1}

        def ask(transaction: Transaction) -> Row | None:
            _changed(transaction, tenant, webhook_id)
            transaction.run("add_message", body=_TEST_SAYS, at=at, **values)
            delivery = post(transaction, tenant, message, webhook_id, at=at)
            return transaction.row("delivery", id=delivery, endpoint=webhook_id)

        delivery = delivery_in(await self._database.write(ask), "")
        self._wake()
        return delivery

    # ── what was sent ──────────────────────────────────────────────────────────────────────────

    def deliveries(
        self, tenant: str, webhook_id: str, *, skip: int = 0, most: int = 100
    ) -> tuple[Sequence[Delivery], int]:
        """What was and is to be sent to a receiver, newest first, and how much that is in all."""

        def ask(transaction: Transaction) -> tuple[Sequence[Row], int]:
            _receiver(transaction, tenant, webhook_id)
            count = transaction.row("count_deliveries", endpoint=webhook_id)
            rows = transaction.rows("deliveries", endpoint=webhook_id, skip=skip, most=most)
            return rows, count["n"] if count else 0

        rows, count = self._database.read(ask)
        return [delivery_in(row, "") for row in rows], count

    def attempts(self, tenant: str, webhook_id: str, delivery_id: str) -> Sequence[Attempt]:
        """Every try to deliver something, oldest first."""

        def ask(transaction: Transaction) -> Sequence[Row]:
            _receiver(transaction, tenant, webhook_id)
            if transaction.row("delivery", id=delivery_id, endpoint=webhook_id) is None:
                raise no_delivery(delivery_id)
            return transaction.rows("attempts", delivery=delivery_id)

        return [
            Attempt(at=row["at"], status=row["status"], error=row["error"], took_ms=row["took_ms"])
            for row in self._database.read(ask)
        ]

    async def replay(self, tenant: str, webhook_id: str, delivery_id: str) -> Delivery:
        """Sends something once more, under the id it had: whoever heard of it already can tell.

        Callbacks have a log too, under the webhook id that stands in them.
        """
        at = self._now().isoformat()

        def ask(transaction: Transaction) -> Row | None:
            _receiver(transaction, tenant, webhook_id)
            transaction.run("replay_delivery", id=delivery_id, endpoint=webhook_id, now=at)
            row = transaction.row("delivery", id=delivery_id, endpoint=webhook_id)
            if row is not None:
                transaction.run("open_lane", lane=row["lane"], tenant=tenant, due_at=at)
            return row

        delivery = delivery_in(await self._database.write(ask), delivery_id)
        self._wake()
        return delivery

    # ── callbacks ──────────────────────────────────────────────────────────────────────────────

    def check(self, url: str) -> str:
        """The address as it will be dialled; BadRequest says why it may not be."""
        return self._check(url)

    def call_back(self, transaction: Transaction, tenant: str, job_id: str, url: str) -> str | None:
        """Has the end of a job told to an address of its own, in the transaction that writes down the job.

        Every callback of a tenant is signed with one secret: given here when it is made, else None.
        """
        transaction.run("call_back", job=job_id, url=self._check(url))
        caller, is_new = self._caller(transaction, tenant)
        return str(caller["secret"]) if is_new else None

    async def callback_secret(
        self, tenant: str, *, rotates: bool = False, overlap_s: float = 86_400.0
    ) -> str:
        """The secret that signs every callback of a tenant; a new one if it `rotates`, and both for a while."""
        until = self._end_of(overlap_s)

        def ask(transaction: Transaction) -> str:
            caller, is_new = self._caller(transaction, tenant)
            if rotates and not is_new:
                transaction.run("change_endpoint", **_turned(_columns(caller), until))
                caller, _ = self._caller(transaction, tenant)
            return str(caller["secret"])

        return await self._database.write(ask)

    async def forget(self, tenant: str) -> None:
        """Forgets every receiver of a tenant, and all that was ever said to them."""

        def ask(transaction: Transaction) -> None:
            caller = transaction.rows("caller_back", tenant=tenant)
            for row in (*transaction.rows("endpoints", tenant=tenant), *caller):
                _drop(transaction, tenant, row["id"])
            for verb in ("drop_messages_of_tenant", "drop_callbacks_of_tenant", "drop_lanes_of_tenant"):
                transaction.run(verb, tenant=tenant)

        await self._database.write(ask)

    def _caller(self, transaction: Transaction, tenant: str) -> tuple[Row, bool]:
        row = transaction.row("caller_back", tenant=tenant)
        if row is not None:
            return row, False
        values = {"id": _new("wh"), "tenant": tenant, "url": None, "events": " ".join(ENDINGS), "active": 1}
        at = self._now().isoformat()
        transaction.run("add_endpoint", secret=new_secret(), created_at=at, **values)
        made = transaction.row("caller_back", tenant=tenant)
        assert made is not None
        return made, True

    def _end_of(self, overlap_s: float) -> str | None:
        if not 0 <= overlap_s <= _LONGEST_OVERLAP_S:
            raise BadRequest("Two secrets are good for at most 30 days.")
        return (self._now() + timedelta(seconds=overlap_s)).isoformat() if overlap_s else None


def _new(kind: str) -> str:
    return f"{kind}_{uuid4().hex}"


def _known(events: Sequence[str]) -> Sequence[str]:
    wanted = list(dict.fromkeys(events))
    if not wanted or not set(wanted) <= set(EVENTS):
        raise BadRequest(
            "A webhook is told of some of these events.", todo=f"Choose among {', '.join(EVENTS)}."
        )
    return wanted


def _columns(row: Row) -> dict[str, object]:
    return {name: row[name] for name in row.keys() if name != "created_at"}  # noqa: SIM118 - a row is no mapping


def _changed(transaction: Transaction, tenant: str, webhook_id: str) -> dict[str, object]:
    return _columns(_known_to(transaction, tenant, webhook_id))


def _turned(columns: dict[str, object], until: str | None) -> dict[str, object]:
    older = columns["secret"] if until else None
    return columns | {"secret": new_secret(), "older_secret": older, "older_until": until}


def _receiver(transaction: Transaction, tenant: str, webhook_id: str) -> None:
    """Passes the webhooks of a tenant, and whoever calls back for it."""
    if transaction.row("receiver", id=webhook_id, tenant=tenant) is None:
        raise no_webhook(webhook_id)


def _known_to(transaction: Transaction, tenant: str, webhook_id: str) -> Row:
    row = transaction.row("endpoint", id=webhook_id, tenant=tenant)
    if row is None:
        raise no_webhook(webhook_id)
    return row


def _drop(transaction: Transaction, tenant: str, webhook_id: str) -> None:
    transaction.run("drop_attempts_of_endpoint", endpoint=webhook_id)
    transaction.run("drop_deliveries_of_endpoint", endpoint=webhook_id)
    transaction.run("drop_endpoint", id=webhook_id, tenant=tenant)
