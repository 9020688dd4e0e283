"""The job shelf: briefs in our keeping, what became of each task, who asked whom, what happened when."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Literal, Protocol, TypeVar

from pydantic import TypeAdapter

from orchestrator.store.database import Database, Row, Transaction
from shared_knowledge.cost_tracker import OrderMoved
from shared_knowledge.errors import BadRequest
from shared_knowledge.vocabulary import (
    Asset,
    Brief,
    Frozen,
    Job,
    JobState,
    Outcome,
    Plan,
    Quote,
    Shortfall,
    Task,
)

__all__ = ["Announcer", "AskRow", "Event", "Jobs", "Ordering"]

Ordering = Literal["created_at", "-created_at", "status", "-status"]

T = TypeVar("T")

_ANY_RUN = 2**62
_IDS_A_LOOK = 64
_STANDSTILLS = {JobState.IN_DOUBT, JobState.PAUSED}
_PAGES: dict[Ordering, str] = {
    "created_at": "page_of_jobs_oldest",
    "-created_at": "page_of_jobs_newest",
    "status": "page_of_jobs_by_state",
    "-status": "page_of_jobs_by_state_backwards",
}
_OUTCOME: dict[str, TypeAdapter[Outcome]] = {"asset": TypeAdapter(Asset), "shortfall": TypeAdapter(Shortfall)}


class Event(Frozen):
    """Something a watcher wants to see: a task moved on, a quote was made, the film is being joined."""

    what: str
    task: str | None = None
    asked_by: str | None = None
    medium: str | None = None
    phase: str = ""
    platform: str | None = None
    model: str | None = None
    cost: str | None = None
    note: str | None = None


class AskRow(Frozen):
    """A task that one agent asked of another."""

    task: Task
    asked_by: str
    because: str


class Announcer(Protocol):
    """Whoever tells others of a job, in the transaction that makes the news true."""

    def moved(
        self, transaction: Transaction, job: str, was: JobState, state: JobState, why: str | None, at: str
    ) -> None:
        """A job stands otherwise than before."""

    def kept(self, transaction: Transaction, job: str, at: str) -> None:
        """Something more of a job is known to be made, or not to be had."""


class Jobs:
    """Everything about jobs that must survive the process."""

    def __init__(
        self,
        database: Database,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        announcer: Announcer | None = None,
    ) -> None:
        self._database = database
        self._now = now
        self._announcer = announcer

    async def add(
        self,
        job_id: str,
        brief: Brief,
        folder: str,
        *,
        tenant: str = "local",
        key: str | None = None,
        also: Callable[[Transaction], object] = lambda _: None,
    ) -> Job:
        """Takes a brief into our keeping, for a tenant, as whoever has that key asked; and `also`, or neither."""

        def ask(transaction: Transaction) -> Job:
            job = self.put(transaction, job_id, brief, folder, tenant=tenant, key=key)
            also(transaction)
            return job

        return await self._database.write(ask)

    def put(
        self,
        transaction: Transaction,
        job_id: str,
        brief: Brief,
        folder: str,
        *,
        tenant: str,
        key: str | None = None,
    ) -> Job:
        """Writes a new job's row among whatever else is written."""
        job = Job(
            id=job_id,
            brief=brief,
            state=JobState.QUEUED,
            folder=folder,
            created_at=self._now(),
            tenant=tenant,
            key=key,
        )
        values = {"id": job_id, "state": job.state, "brief": brief.model_dump_json(), "folder": folder}
        whose = {"tenant": tenant, "key_id": key, "created_at": job.created_at.isoformat()}
        transaction.run("add_job", **values, **whose)
        return job

    async def write(self, ask: Callable[[Transaction], T]) -> T:
        """Writes several things about jobs, all of them or none."""
        return await self._database.write(ask)

    async def take(self, job_id: str) -> int:
        """Takes a job in hand: the number with which alone it can be written about from now on."""
        row = await self._database.write(lambda t: t.row("take_job", id=job_id))
        if row is None:
            raise _no_job(job_id)
        return int(row["fence"])

    async def plan(self, job_id: str, plan: Plan) -> None:
        """Keeps what will be done."""
        await self._database.write(lambda t: t.run("plan_job", id=job_id, plan=plan.model_dump_json()))

    async def quote(self, job_id: str, quote: Quote) -> None:
        """Keeps what it may cost."""
        await self._database.write(lambda t: t.run("quote_job", id=job_id, quote=quote.model_dump_json()))

    async def move(
        self, job_id: str, state: JobState, why: str | None = None, *, fence: int = _ANY_RUN
    ) -> bool:
        """Writes down how the job stands; False where it was cancelled, ended before, or is in other hands."""
        at = self._now().isoformat()
        ended_at = at if state.over else None
        # Whoever hears of the end must not miss it: it is told in the transaction that makes it true.
        note = None if why is None else why.encode("utf-8", "replace").decode("utf-8")
        end = Event(what="job", phase=state, note=note).model_dump_json(exclude_none=True)

        def ask(transaction: Transaction) -> bool:
            was = transaction.row("state_of_job", id=job_id) if self._announcer else None
            moved = transaction.run(
                "move_job", id=job_id, state=state, why=why, ended_at=ended_at, fence=fence
            )
            if moved and (state.over or state in _STANDSTILLS):
                transaction.run("note_event", job=job_id, at=at, body=end)
            if moved and self._announcer and was is not None:
                self._announcer.moved(transaction, job_id, JobState(was["state"]), state, why, at)
            return bool(moved)

        return await self._database.write(ask)

    async def keep(self, job_id: str, outcome: Outcome, *, fence: int = _ANY_RUN) -> None:
        """Keeps what became of a task, so that a resumed run need not do it again."""
        kind = "asset" if isinstance(outcome, Asset) else "shortfall"
        values = {"task": outcome.task, "kind": kind, "body": outcome.model_dump_json()}
        at = self._now().isoformat()

        def ask(transaction: Transaction) -> None:
            row = transaction.row("fence_of_job", id=job_id)
            if row is not None and row["fence"] > fence:
                raise OrderMoved(f"Another run has taken over job {job_id}.")
            transaction.run("keep_outcome", job=job_id, **values)
            if self._announcer:
                self._announcer.kept(transaction, job_id, at)

        await self._database.write(ask)

    async def retry(self, job_id: str) -> None:
        """Forgets what could not be made, so that it is tried once more; what was made is kept."""
        await self._database.write(lambda t: t.run("forget_shortfalls", job=job_id))

    async def keep_ask(self, job_id: str, ask: AskRow) -> None:
        """Keeps who asked whom for what, so that a resumed run never asks twice; several may ask for one task."""
        own = ask.task.id.startswith(f"{ask.asked_by}.")
        name = ask.task.id if own else f"{ask.asked_by}.{ask.task.id}"
        values = {"task": name, "asked_by": ask.asked_by, "because": ask.because}
        await self._database.write(
            lambda t: t.run("keep_ask", job=job_id, **values, body=ask.task.model_dump_json())
        )

    async def note(self, job_id: str, event: Event) -> None:
        """Keeps an event for whoever watches later or from elsewhere."""
        at = self._now().isoformat()
        body = event.model_dump_json(exclude_none=True)
        await self._database.write(lambda t: t.run("note_event", job=job_id, at=at, body=body))

    def get(self, job_id: str) -> Job:
        """The job with that id, or with the only id that begins so."""
        row = self._database.read(lambda t: t.row("job", id=job_id))
        if row is not None:
            return _job(row)
        beginning = "".join(letter for letter in job_id if letter.isalnum() or letter == "_")
        alike = self._database.read(lambda t: t.rows("jobs_like", beginning=beginning)) if beginning else []
        if len(alike) == 1:
            return _job(alike[0])
        found = f" It could be {', '.join(row['id'] for row in alike)}." if alike else ""
        raise _no_job(job_id, found)

    def knows(self, job_id: str) -> bool:
        """Whether there is a job of exactly that id."""
        return self._database.read(lambda t: t.row("state_of_job", id=job_id)) is not None

    def state(self, job_id: str) -> JobState:
        """How a job stands, without reading all of it."""
        row = self._database.read(lambda t: t.row("state_of_job", id=job_id))
        if row is None:
            raise _no_job(job_id)
        return JobState(row["state"])

    def fence(self, job_id: str) -> int:
        """How often a job was taken in hand."""
        row = self._database.read(lambda t: t.row("fence_of_job", id=job_id))
        if row is None:
            raise _no_job(job_id)
        return int(row["fence"])

    def of(self, tenant: str, job_id: str) -> Job:
        """The job of exactly that id, if it is this tenant's; to anybody else it does not exist."""
        row = self._database.read(lambda t: t.row("job_of_tenant", id=job_id, tenant=tenant))
        if row is None:
            raise _no_job(job_id)
        return _job(row)

    def tenant(self, job_id: str) -> str:
        """Whose a job is."""
        row = self._database.read(lambda t: t.row("tenant_of_job", id=job_id))
        if row is None:
            raise _no_job(job_id)
        return str(row["tenant"])

    def page(self, tenant: str, order: Ordering, *, skip: int, most: int) -> tuple[Sequence[Job], int]:
        """Some of a tenant's jobs, without their plans, and how many there are in all."""
        asked = {"tenant": tenant, "skip": skip, "most": most}

        def ask(transaction: Transaction) -> tuple[Sequence[Row], int]:
            count = transaction.row("jobs_of_tenant", tenant=tenant)
            return transaction.rows(_PAGES[order], **asked), count["n"] if count else 0

        rows, count = self._database.read(ask)
        return [_job(row) for row in rows], count

    def cancelled(self, job_ids: Sequence[str]) -> frozenset[str]:
        """Those of these jobs that were cancelled."""
        found: set[str] = set()
        for at in range(0, len(job_ids), _IDS_A_LOOK):
            some = job_ids[at : at + _IDS_A_LOOK]
            asked = {f"id{n}": some[min(n, len(some) - 1)] for n in range(_IDS_A_LOOK)}
            found.update(row["id"] for row in self._database.read(partial(_cancelled_among, asked)))
        return frozenset(found)

    def in_state(self, state: JobState) -> Sequence[Job]:
        """Every job that stands so, oldest first."""
        return [_job(row) for row in self._database.read(lambda t: t.rows("jobs_in", state=state))]

    def latest(self, most: int) -> Sequence[Job]:
        """The newest jobs, newest first."""
        return [_job(row) for row in self._database.read(lambda t: t.rows("latest_jobs", most=most))]

    def outcomes(self, job_id: str) -> dict[str, Outcome]:
        """What became of each task so far."""
        rows = self._database.read(lambda t: t.rows("outcomes", job=job_id))
        return {row["task"]: _OUTCOME[row["kind"]].validate_json(row["body"]) for row in rows}

    def asks(self, job_id: str) -> Sequence[AskRow]:
        """Who asked whom for what in this job."""
        rows = self._database.read(lambda t: t.rows("asks", job=job_id))
        return [
            AskRow(
                task=Task.model_validate_json(row["body"]), asked_by=row["asked_by"], because=row["because"]
            )
            for row in rows
        ]

    def events(self, job_id: str, after: int = 0, most: int = 1000) -> Sequence[tuple[int, Event]]:
        """What happened after the given event, oldest first."""
        rows = self._database.read(lambda t: t.rows("events", job=job_id, after=after, most=most))
        return [(row["n"], Event.model_validate_json(row["body"])) for row in rows]


def _no_job(job_id: str, but: str = "") -> BadRequest:
    return BadRequest(f"There is no job {job_id!r}.{but}", todo="`agentes runs` lists the jobs.")


def _cancelled_among(asked: Mapping[str, str], transaction: Transaction) -> Sequence[Row]:
    return transaction.rows("cancelled_among", **asked)


def _job(row: Row) -> Job:
    return Job(
        id=row["id"],
        brief=Brief.model_validate_json(row["brief"]),
        state=JobState(row["state"]),
        folder=row["folder"],
        created_at=datetime.fromisoformat(row["created_at"]),
        ended_at=datetime.fromisoformat(row["ended_at"]) if row["ended_at"] else None,
        plan=Plan.model_validate_json(row["plan"]) if row["plan"] else None,
        quote=Quote.model_validate_json(row["quote"]) if row["quote"] else None,
        why=row["why"],
        tenant=row["tenant"],
        key=row["key_id"],
    )
