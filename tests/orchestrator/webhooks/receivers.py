"""Receivers that are nowhere: each letter is written down, and answered as the test says."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from agentes.wire.post import Reception
from orchestrator.store.database import Database
from orchestrator.store.jobs import Jobs
from orchestrator.webhooks.announcing import JobNews
from orchestrator.webhooks.courier import Courier
from orchestrator.webhooks.outbox import Outbox
from shared_knowledge.vocabulary import (
    Brief,
    JobState,
    PhotoSpec,
    Plan,
    Shortfall,
    Task,
    Understanding,
)

__all__ = ["NOON", "Letter", "Post", "World", "verify_webhook"]

_CUP = PhotoSpec(subject="a cup", aspect_ratio="1:1", width=64, height=64)
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def verify_webhook(payload_bytes: bytes, signature: str, secret: str) -> bool:
    """What the integration guide prints for receivers to copy."""
    expected_sig = hmac.new(secret.encode(), payload_bytes, hashlib.sha256).hexdigest()
    return hmac.compare_digest(signature, expected_sig)


@dataclass(frozen=True)
class Letter:
    """One request as a receiver saw it."""

    url: str
    headers: Mapping[str, str]
    body: bytes
    at: datetime

    @property
    def told(self) -> Any:
        return json.loads(self.body)

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


class Post:
    """Carries letters to receivers made of words: a status for an address, or 200."""

    def __init__(self) -> None:
        self.letters: list[Letter] = []
        self.says: dict[str, list[int | None]] = {}
        self.now: Callable[[], datetime] = lambda: NOON
        self.after_s: float | None = None

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Reception:
        self.letters.append(Letter(url, headers, body, self.now()))
        answers = self.says.get(url, [200])
        status = answers.pop(0) if len(answers) > 1 else answers[0]
        error = None if status == 200 else "no answer" if status is None else f"answered {status}"
        return Reception(status, error, 7, self.after_s)

    def of(self, event: str) -> list[Letter]:
        return [letter for letter in self.letters if letter.told["event"] == event]

    @property
    def events(self) -> Counter[str]:
        return Counter(letter.told["event"] for letter in self.letters)


class World:
    """One database with its jobs, its outbox and a courier, at a time that the test moves."""

    def __init__(self, database: Database, post: Post) -> None:
        self.database = database
        self.time = NOON
        self.post = post
        post.now = self.now
        self.jobs = Jobs(database, now=self.now, announcer=JobNews())
        self.outbox = Outbox(database, now=self.now)
        self.courier = self.hire()

    def now(self) -> datetime:
        return self.time

    def hire(self, post: Post | None = None, **how: Any) -> Courier:
        """Another courier of the same outbox."""
        how = {"jitter": lambda: 1.0, "now": self.now, **how}
        return Courier(self.database, (post or self.post).send, **how)

    async def job(self, name: str, tenant: str = "acme", tasks: int = 1, callback: str | None = None) -> str:
        """A job that is planned and queued."""

        def also(transaction: Any) -> None:
            if callback:
                self.outbox.call_back(transaction, tenant, name, callback)

        await self.jobs.add(name, Brief(text="a photo of a cup"), f"/tmp/{name}", tenant=tenant, also=also)
        planned = tuple(Task(id=f"photo-{n}", spec=_CUP) for n in range(1, tasks + 1))
        meant = Understanding(tasks=(), compose=False)
        plan = Plan(brief="a cup", brief_language="en", understanding=meant, coverage=(), tasks=planned)
        await self.jobs.plan(name, plan)
        return name

    async def short(self, job: str, task: int) -> None:
        """One task of a job comes to an end, without anything made."""
        await self.jobs.keep(job, Shortfall(task=f"photo-{task}", why="no"))

    async def run(self, job: str, tasks: int = 1, ends: JobState = JobState.DONE) -> None:
        """A job from its beginning to its end."""
        await self.jobs.move(job, JobState.RUNNING)
        for task in range(1, tasks + 1):
            await self.short(job, task)
        await self.jobs.move(job, ends, "the vendor says no" if ends is JobState.FAILED else None)

    async def pass_time(self, seconds: float, courier: Courier | None = None) -> datetime | None:
        """Lets time go on, and whatever is due then be delivered."""
        self.time += timedelta(seconds=seconds)
        return await (courier or self.courier).deliver_due()

    async def until_nothing_waits(self, courier: Courier | None = None) -> None:
        """Goes from one due moment to the next, until there is none."""
        courier = courier or self.courier
        while (due := await courier.deliver_due()) is not None:
            self.time = max(self.time, due)
