"""News of a job is written down in the transaction that makes it true, or there is no news.

What can be said once about a job has one slot, and the slot has one message: a run that was killed
and carried on says nothing twice. A job that had ended and is taken up again by a person begins a new
round, which ends with a message of its own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from orchestrator.composer.film import FILM
from orchestrator.store.database import Row, Transaction
from orchestrator.webhooks.events import COMPLETED, ENDINGS, PROGRESS, STARTED, ending, told_of_ending
from shared_knowledge.vocabulary import JobState

__all__ = ["JobNews", "announce", "post"]

_MILESTONES = (30, 60, 90)


class JobNews:
    """Tells whoever wants to know of a job how it goes on; the store calls it inside its transactions."""

    def moved(
        self, transaction: Transaction, job: str, was: JobState, state: JobState, why: str | None, at: str
    ) -> None:
        """A job stands otherwise than before."""
        event = STARTED if state is JobState.RUNNING else ending(state)
        if event is None or (event in ENDINGS and ending(was)):
            return
        listeners = transaction.rows("listeners", job=job)
        if not listeners:
            return
        if event == STARTED:
            told: dict[str, Any] = {"job_id": job, "status": "PROCESSING"}
            announce(transaction, listeners, job, event, told, slot=f"start {_round(listeners)}", at=at)
        else:
            told = told_of_ending(job, event, why)
            whole = event != COMPLETED
            slot = f"end {_round(listeners)}"
            announce(transaction, listeners, job, event, told, slot=slot, at=at, whole=whole)

    def kept(self, transaction: Transaction, job: str, at: str) -> None:
        """Something more of a job is known to be made, or not to be had."""
        listeners = transaction.rows("listeners", job=job)
        if not any(PROGRESS in row["events"].split() for row in listeners):
            return
        if listeners[0]["state"] != JobState.RUNNING:
            return
        percent = _percent(transaction.rows("progress_of_job", job=job))
        for milestone in _MILESTONES:
            if percent >= milestone:
                told = {"job_id": job, "progress": milestone}
                slot = f"{milestone} {_round(listeners)}"
                announce(transaction, listeners, job, PROGRESS, told, slot=slot, at=at)


def announce(
    transaction: Transaction,
    listeners: Sequence[Row],
    job: str,
    event: str,
    told: Mapping[str, Any],
    *,
    slot: str,
    at: str,
    whole: bool = True,
) -> None:
    """Puts one message about a job into the post for everybody who wants it; a slot is filled only once."""
    wanting = [row for row in listeners if row["url"] and event in row["events"].split()]
    called_back = [row for row in listeners if not row["url"] and row["callback"] and event in ENDINGS]
    if not wanting and not called_back:
        return
    tenant = listeners[0]["tenant"]
    message = f"msg_{uuid4().hex}"
    values = {"tenant": tenant, "job": job, "slot": slot, "event": event, "whole": int(whole), "at": at}
    if not transaction.run("add_message", id=message, body=json.dumps(told, ensure_ascii=False), **values):
        return
    for row in wanting:
        post(transaction, tenant, message, row["id"], at=at)
    for row in called_back:
        post(transaction, tenant, message, row["id"], url=row["callback"], at=at)


def post(
    transaction: Transaction, tenant: str, message: str, endpoint: str, *, at: str, url: str | None = None
) -> str:
    """One message for one receiver, due now: the id of its delivery."""
    # Callbacks share a lane by the place they lead to: one that is dead holds up no other.
    lane = endpoint if url is None else f"{endpoint} {urlsplit(url).netloc}"
    delivery = f"whd_{uuid4().hex}"
    transaction.run(
        "add_delivery", id=delivery, message=message, endpoint=endpoint, url=url, lane=lane, at=at
    )
    transaction.run("open_lane", lane=lane, tenant=tenant, due_at=at)
    return delivery


def _round(listeners: Sequence[Row]) -> int:
    return int(listeners[0]["endings"]) + 1


def _percent(rows: Sequence[Row]) -> int:
    """How much of what was planned has come to an end, one way or the other."""
    if not rows or rows[0]["plan"] is None:
        return 0
    plan = json.loads(rows[0]["plan"])
    wanted = {task["id"] for task in plan["tasks"]} | ({FILM} if plan.get("film") else set())
    return 100 * len(wanted & {row["task"] for row in rows}) // max(1, len(wanted))
