"""What there is to tell about a job, and how it is put: the words of a webhook, byte for byte."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from shared_knowledge.vocabulary import JobState

__all__ = [
    "CANCELLED",
    "COMPLETED",
    "ENDINGS",
    "EVENTS",
    "FAILED",
    "PROGRESS",
    "STARTED",
    "TEST",
    "ending",
    "told_of_ending",
    "written",
]

STARTED, PROGRESS = "job.started", "job.progress"
COMPLETED, FAILED, CANCELLED = "job.completed", "job.failed", "job.cancelled"
ENDINGS = (COMPLETED, FAILED, CANCELLED)
EVENTS = (STARTED, PROGRESS, *ENDINGS)
TEST = "webhook.test"

_LONGEST_WHY = 2000
_ENDS_AS = {
    JobState.DONE: COMPLETED,
    JobState.PARTIAL: COMPLETED,
    JobState.FAILED: FAILED,
    JobState.IN_DOUBT: FAILED,  # for whoever asked it has failed; that a person may still settle it is said
    JobState.CANCELLED: CANCELLED,
}


def ending(state: JobState) -> str | None:
    """The event with which a job in that state has ended for whoever asked for it; None if it goes on."""
    return _ENDS_AS.get(state)


def told_of_ending(job: str, event: str, why: str | None) -> dict[str, Any]:
    """What is said of an end at the moment it comes; what a finished job came to is added before it is sent."""
    why = (why or "")[:_LONGEST_WHY]
    match event:
        case "job.completed":
            return {"job_id": job, "status": "COMPLETED", "result": None}
        case "job.failed":
            return {"job_id": job, "status": "FAILED", "error": why or "the job could not be done"}
        case _:
            return {"job_id": job, "status": "CANCELLED", "reason": why or "cancelled"}


def written(event: str, webhook: str, told: Mapping[str, Any], at: str) -> bytes:
    """The body of a webhook: the same bytes at every attempt."""
    moment = datetime.fromisoformat(at).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    body = {"event": event, "webhook_id": webhook, "data": told, "timestamp": moment}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
