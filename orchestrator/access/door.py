"""The door: tells from a secret who asks, in microseconds, and counts who came."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from hmac import compare_digest
from typing import NamedTuple

from orchestrator.access.caller import Caller
from orchestrator.access.minting import digest_of
from orchestrator.access.trail import note_deed
from orchestrator.store.database import Database, Row, Transaction
from shared_knowledge.errors import AgentesError
from shared_knowledge.vocabulary import is_rehearsal

__all__ = ["Door"]

_REMEMBERED_S = 2.0  # for so long a key that was revoked in another process is still taken for good
_COUNTED_EVERY_S = 1.0
_NOBODY = "0" * 64


class _Known(NamedTuple):
    caller: Caller
    digest: str
    ends_at: float
    until: float

    @classmethod
    def read(cls, row: Row, until: float) -> _Known:
        caller = Caller(
            tenant=row["tenant"],
            key_id=row["id"],
            tier=row["tier"],
            scopes=frozenset(row["scopes"].split()),
            is_test=is_rehearsal(row["tenant"]),
        )
        ends = (row[column] for column in ("expires_at", "revoked_at") if row[column] is not None)
        ends_at = min((datetime.fromisoformat(end).timestamp() for end in ends), default=float("inf"))
        return cls(caller, row["digest"], ends_at, until)


class Door:
    """Knows good keys by their digests, for a moment, without asking the ledger each time.

    How often a key was used is written down every second or so: what is not yet written when a
    process is killed was not counted.
    """

    def __init__(
        self,
        database: Database,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._now = now
        self._monotonic = monotonic
        self._known: dict[str, _Known] = {}
        self._asking: dict[str, asyncio.Future[_Known | None]] = {}
        self._generation = 0
        self._came: Counter[tuple[str, str]] = Counter()
        self._refused: Counter[tuple[str, str]] = Counter()
        self._count_at = monotonic() + _COUNTED_EVERY_S
        self._counting: set[asyncio.Task[None]] = set()

    async def check(self, secret: str) -> Caller | None:
        """Who has this key; None for everything that is not a good key. Nothing but its digest decides how."""
        digest = digest_of(secret)
        moment = self._monotonic()
        known = self._known.get(digest)
        if known is None or known.until <= moment:
            known = await self._look_up(digest)
        same = compare_digest(digest, _NOBODY if known is None else known.digest)
        if known is None or not same:
            return None
        caller = known.caller
        good = self._now().timestamp() < known.ends_at
        (self._came if good else self._refused)[caller.key_id, caller.tenant] += 1
        if moment >= self._count_at:
            self._count_at = moment + _COUNTED_EVERY_S
            self._write_down()
        return caller if good else None

    def forget(self) -> None:
        """Believes nothing that was read before this moment: a key or a tier has changed."""
        self._generation += 1
        self._known.clear()
        self._asking.clear()

    async def count(self) -> None:
        """Returns when every visit so far is written down, unless the ledger is away."""
        self._write_down()
        if self._counting:
            await asyncio.wait(self._counting)

    async def _look_up(self, digest: str) -> _Known | None:
        """Many who come at once with one key are one question to the ledger."""
        asking = self._asking.get(digest)
        if asking is None:
            asking = self._asking[digest] = asyncio.ensure_future(self._ask(digest))
            asking.add_done_callback(partial(self._asked, digest))
        return await asyncio.shield(asking)

    def _asked(self, digest: str, asking: asyncio.Future[_Known | None]) -> None:
        if self._asking.get(digest) is asking:
            del self._asking[digest]

    async def _ask(self, digest: str) -> _Known | None:
        generation = self._generation

        def ask(transaction: Transaction) -> Row | None:
            return transaction.row("key_by_digest", digest=digest)

        row = await asyncio.to_thread(self._database.read, ask)
        if row is None:
            self._known.pop(digest, None)
            return None
        known = _Known.read(row, self._monotonic() + _REMEMBERED_S)
        if generation == self._generation:
            self._known[digest] = known
        return known

    def _write_down(self) -> None:
        if self._came or self._refused:
            writing = asyncio.create_task(self._write(self._came, self._refused), name="visits")
            self._counting.add(writing)
            writing.add_done_callback(self._counting.discard)
            self._came, self._refused = Counter(), Counter()

    async def _write(self, came: Counter[tuple[str, str]], refused: Counter[tuple[str, str]]) -> None:
        at = self._now()

        def ask(transaction: Transaction) -> None:
            for (key_id, tenant), times in came.items():
                transaction.run("key_was_used", id=key_id, at=at.isoformat())
                day = {"day": at.date().isoformat(), "requests": times}
                transaction.run("count_requests", key_id=key_id, tenant=tenant, **day)
            for (key_id, tenant), times in refused.items():
                said = f"{times} times" if times > 1 else "once"
                note_deed(transaction, at=at, tenant=tenant, by=key_id, what="key.refused", note=said)

        try:
            await self._database.write(ask)
        except AgentesError:  # the ledger is away: they are written down together with the next ones
            self._came.update(came)
            self._refused.update(refused)
