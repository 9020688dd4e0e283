"""The queue of the workers: whose turn it is next, and how many of one tenant's jobs run at the same time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from orchestrator.store.database import Conflict, Database, Transaction
from shared_knowledge.errors import BadRequest
from shared_knowledge.vocabulary import TEST_REALM, JobState

__all__ = ["Queue", "Share", "waits_already"]


class Share(NamedTuple):
    """What a tier is given: how far a turn takes a tenant back, and how many of its jobs run at once."""

    step: int
    at_once: int | None


_OURS = Share(step=1, at_once=None)


class Queue:
    """Lines jobs up for the workers, in the ledger's own transactions: there is a job in both, or in neither."""

    def __init__(self, database: Database, shares: Mapping[str, Share]) -> None:
        self._database = database
        self._shares = shares
        self._is_there = False

    def enlist(
        self,
        transaction: Transaction,
        job_id: str,
        tenant: str,
        *,
        again: bool = False,
        answer: bool | None = None,
    ) -> None:
        """Lines a job up as part of the transaction that makes it worth doing."""
        share = self._share(transaction, tenant)
        transaction.run("begin_turns_anew")
        told = {"id": job_id, "tenant": tenant, "again": again, "answer": answer}
        try:
            transaction.rows("enlist_job", **told, **share._asdict())
        except Conflict as refused:
            raise waits_already(job_id) from refused

    async def put_back(self, job_id: str, *, answer: bool | None = None) -> None:
        """Lines up a job that stands still, to be tried again or with the answer it waits for."""
        expected = JobState.AWAITING_APPROVAL if answer is not None else JobState.QUEUED

        def ask(transaction: Transaction) -> None:
            if _is_enlisted(transaction, job_id):
                raise waits_already(job_id)
            if answer is None:
                transaction.run("requeue_job", id=job_id)
            row = transaction.row("whose_is_job", id=job_id)
            if row is None or row["state"] != expected:
                raise BadRequest(
                    f"Job {job_id} cannot be carried on: it is {row['state'] if row else 'gone'}."
                )
            self.enlist(transaction, job_id, row["tenant"], again=answer is None, answer=answer)

        await self._database.write(ask)

    async def pass_on(self, platform: str, number: str) -> None:
        """Tells every worker that a look at this work may be worth it now."""
        hint = f"{platform} {number}"
        await self._database.write(lambda t: t.rows("pass_hint_on", hint=hint))

    def holds(self, job_id: str) -> bool:
        """Whether a job waits for a worker or is in the hands of one, who may have died a moment ago."""
        return self._is_set_up() and self._database.read(lambda t: _is_enlisted(t, job_id))

    def lengths(self) -> Mapping[str, int]:
        """How many jobs wait (`todo`) and how many are being done (`doing`)."""
        if not self._is_set_up():
            return {}
        return {row["status"]: row["n"] for row in self._database.read(lambda t: t.rows("queue_lengths"))}

    def _is_set_up(self) -> bool:
        """The tables of the queue are made when somebody needs them, and then they stay."""
        if not self._is_there:
            row = self._database.read(lambda t: t.row("there_is_a_queue"))
            self._is_there = bool(row and row["yes"])
        return self._is_there

    def _share(self, transaction: Transaction, tenant: str) -> Share:
        row = transaction.row("tenant", name=tenant.removesuffix(TEST_REALM))
        return _OURS if row is None else self._shares.get(row["tier"], _OURS)


def waits_already(job_id: str) -> BadRequest:
    """The refusal to line a job up twice."""
    return BadRequest(f"Job {job_id} waits for a worker already.", todo="Let it come to its end.")


def _is_enlisted(transaction: Transaction, job_id: str) -> bool:
    row = transaction.row("enlisted", id=job_id)
    return bool(row and row["yes"])
