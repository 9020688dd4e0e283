"""Lanes of letters: whoever has claimed a lane is alone in it until its time is up, on any machine.

Each receiver has a lane of its own, and a lane has turns. That is why a receiver that is dead, or has a
million letters waiting, holds up nobody else. What a process that was killed had claimed is free when its
time is up; a letter that had left by then goes out again under the same id.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from orchestrator.store.database import Database, Row, Transaction

__all__ = ["PAUSES_S", "Lane", "Lanes", "Letter", "Received"]

PAUSES_S = (1.0, 5.0, 30.0, 86_400.0)
"""How long is waited after each try that failed; there is one try more than there are pauses."""

_GIVES_UP_AFTER = timedelta(days=5)
_GONE = 410
_LETTERS_A_TURN = 64


@dataclass(frozen=True)
class Letter:
    """One delivery that is due, with all that is needed to write it."""

    id: str
    message: str
    tries: int
    url: str
    endpoint: str
    secrets: Sequence[str]
    event: str
    job: str | None
    told: Mapping[str, Any]
    whole: bool
    at: str


@dataclass(frozen=True)
class Lane:
    """A claimed lane, with the letters of this turn."""

    name: str
    failing: bool
    letters: Sequence[Letter]


class Received(Protocol):
    """How a letter was received, as the wire tells it."""

    @property
    def ok(self) -> bool: ...
    @property
    def status(self) -> int | None: ...
    @property
    def error(self) -> str | None: ...
    @property
    def took_ms(self) -> int: ...
    @property
    def after_s(self) -> float | None: ...


class Lanes:
    """The store, as one courier sees it. `jitter` gives the factor by which a pause is longer or shorter."""

    def __init__(
        self,
        database: Database,
        *,
        me: str,
        lease_s: float,
        now: Callable[[], datetime],
        jitter: Callable[[], float],
    ) -> None:
        self._database = database
        self._me = me
        self._lease = timedelta(seconds=lease_s)
        self._now = now
        self._jitter = jitter

    def next_due(self) -> datetime | None:
        """When there will be something to do; None if nothing waits."""
        row = self._database.read(lambda t: t.row("next_lane", now=self._now().isoformat()))
        return datetime.fromisoformat(row["due_at"]) if row and row["due_at"] else None

    async def claim(self, most: int, *, each: int, failing: bool) -> Sequence[Lane]:
        """The lanes whose turn it is, now ours alone; of each tenant only so many."""
        now = self._now()
        until = (now + self._lease).isoformat()
        asked = {"now": now.isoformat(), "until": until, "each": each, "most": most, "failing": int(failing)}

        def ask(transaction: Transaction) -> list[Lane]:
            claimed = transaction.rows("claim_lanes", me=self._me, **asked)
            return [
                Lane(row["lane"], bool(row["failing"]), _letters(transaction, row["lane"], now))
                for row in claimed
            ]

        return await self._database.write(ask)

    async def complete(self, letter: Letter, told: Mapping[str, Any]) -> None:
        """Keeps what was added to a message, so that every later try says the same."""
        body = json.dumps(told, ensure_ascii=False)
        await self._database.write(lambda t: t.run("complete_message", id=letter.message, body=body))

    async def mark(self, lane: Lane, letter: Letter, received: Received) -> bool:
        """Writes down what came of a try, and when the next is due; False if the lane is not ours any more."""
        now = self._now()
        is_last = received.status == _GONE or letter.tries >= len(PAUSES_S)
        state = "delivered" if received.ok else "failed" if is_last else "due"
        due = None if state != "due" else now + self._pause(letter, received)
        ended_at = None if due else now.isoformat()
        tried = {"at": now.isoformat(), "status": received.status, "error": received.error}

        def ask(transaction: Transaction) -> bool:
            if transaction.row("lane_held", lane=lane.name, me=self._me) is None:
                return False
            moved = transaction.row(
                "move_delivery",
                id=letter.id,
                state=state,
                due_at=due.isoformat() if due else None,
                ended_at=ended_at,
            )
            if moved is None:  # its receiver was deleted in the meantime
                return True
            transaction.run(
                "add_attempt", delivery=letter.id, n=moved["attempts"], took_ms=received.took_ms, **tried
            )
            if received.ok:
                transaction.run("endpoint_answered", id=letter.endpoint)
                transaction.run("lane_answered", lane=lane.name)
            else:
                self._book_failure(transaction, lane, letter, received, now)
            return True

        return await self._database.write(ask)

    async def leave(self, lane: Lane) -> None:
        """Ends our turn in a lane."""
        at = self._now().isoformat()
        await self._database.write(lambda t: t.run("leave_lane", lane=lane.name, me=self._me, now=at))

    async def sweep(self, before: datetime) -> None:
        """Forgets what ended before that moment."""

        def ask(transaction: Transaction) -> None:
            for verb in ("old_attempts", "old_deliveries", "old_messages", "idle_lanes"):
                transaction.run(verb, before=before.isoformat())

        await self._database.write(ask)

    def _pause(self, letter: Letter, received: Received) -> timedelta:
        pause_s = PAUSES_S[letter.tries] * self._jitter()
        return timedelta(seconds=max(pause_s, received.after_s or 0.0))

    def _book_failure(
        self, transaction: Transaction, lane: Lane, letter: Letter, received: Received, now: datetime
    ) -> None:
        transaction.run("lane_failed", lane=lane.name)
        failed = transaction.row("endpoint_failed", id=letter.endpoint, at=now.isoformat())
        since = datetime.fromisoformat(failed["failing_since"]) if failed else now
        why = None
        if received.status == _GONE:
            why = "the receiver answered 410: it is gone"
        elif now - since >= _GIVES_UP_AFTER:
            why = f"nothing was received since {since:%Y-%m-%d %H:%M} UTC"
        if why and transaction.run("switch_endpoint_off", id=letter.endpoint, why=why):
            transaction.run("pause_deliveries", endpoint=letter.endpoint)


def _letters(transaction: Transaction, lane: str, now: datetime) -> list[Letter]:
    rows = transaction.rows("letters", lane=lane, now=now.isoformat(), most=_LETTERS_A_TURN)
    return [
        Letter(
            id=row["id"],
            message=row["message"],
            tries=row["tries"],
            url=row["url"],
            endpoint=row["endpoint"],
            secrets=_secrets(row, now),
            event=row["event"],
            job=row["job"],
            told=json.loads(row["body"]),
            whole=bool(row["whole"]),
            at=row["at"],
        )
        for row in rows
    ]


def _secrets(row: Row, now: datetime) -> list[str]:
    """What signs: the secret, and the one before it while both are good.

    Some receivers compare one signature only, and may know either secret: so each leads every other try.
    """
    older = row["older_secret"] if row["older_until"] and row["older_until"] > now.isoformat() else None
    both = [row["secret"], *([older] if older else [])]
    return both[::-1] if row["tries"] % 2 else both
