"""What the service keeps beside the jobs: words of the customer's own, the seal of its links, and erasing."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from orchestrator.store.database import Database, Row, Transaction
from shared_knowledge.vocabulary import Brand, Brief, Frozen, JobState, Money

__all__ = ["Customs", "Erased", "Extras", "Habits", "ServiceShelf"]

_ERASED = "…"
_AT_ONCE = 200
_HABITS_HOLD_S = 5.0
_TENANTS_REMEMBERED = 10_000
_CONTENT = frozenset({"prompt", "subject", "scene", "style"})
_LISTS = frozenset({"references", "negative", "palette", "inputs", "warnings"})
_NULLS = frozenset({"label", "badge", "first_frame"})


class Extras(Frozen):
    """What hangs on a job: words of the customer's own, and with which others it came."""

    job: str
    batch: str | None = None
    preset: str | None = None
    metadata: dict[str, Any] | None = None
    erased_at: datetime | None = None


class Customs(Frozen):
    """What a tenant has settled for every job: platforms, the most it may cost, how long it is kept, its brand."""

    use: tuple[str, ...] = ()
    avoid: tuple[str, ...] = ()
    budget: Money | None = None
    keep_days: int | None = None
    brand: Brand | None = None


class Habits(NamedTuple):
    """What is known of a tenant's jobs beforehand: what it has settled, and how long they take, once one has ended."""

    customs: Customs
    pace_s: float | None


class Erased(Frozen):
    """What was taken out: how many jobs, which folders and files nobody needs any more, and what had to stay."""

    jobs: int = 0
    folders: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    under_way: tuple[str, ...] = ()


class ServiceShelf:
    """The tables of the service."""

    def __init__(self, database: Database, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._database = database
        self._now = now
        self._seals: dict[str, bytes] = {}
        self._habits: dict[str, tuple[float, Habits]] = {}
        self._asking: dict[str, asyncio.Task[Habits]] = {}

    def hang(self, transaction: Transaction, extras: Extras) -> None:
        """Writes the extras of a job that is being written in the same transaction."""
        names = {"batch": extras.batch, "preset": extras.preset}
        transaction.run("add_extras", job=extras.job, metadata=_written(extras.metadata), **names)

    def extras(self, job: str) -> Extras:
        """What hangs on a job."""
        row = self._database.read(lambda t: t.row("extras", job=job))
        return Extras(job=job) if row is None else _extras(row)

    def change(self, transaction: Transaction, job: str, metadata: Mapping[str, Any] | None) -> None:
        """Writes other words of the customer."""
        transaction.run("keep_extras", job=job, metadata=_written(metadata))

    def callback(self, job: str) -> str | None:
        """The address that is told how a job ends."""
        row = self._database.read(lambda t: t.row("callback_of_job", job=job))
        return None if row is None else str(row["url"])

    def call_nobody_back(self, transaction: Transaction, job: str) -> None:
        """Nobody is told how a job ends, but for those who registered for all."""
        transaction.run("call_nobody_back", job=job)

    def look(self) -> None:
        """Raises what stands between us and the ledger."""
        self._database.read(lambda t: t.row("extras", job=""))

    def batch(self, tenant: str, batch: str) -> Sequence[tuple[str, JobState]]:
        """The jobs of a tenant's batch and how each stands; none where it is somebody else's."""
        rows = self._database.read(lambda t: t.rows("jobs_of_batch", tenant=tenant, batch=batch))
        return [(row["id"], JobState(row["state"])) for row in rows]

    def seal(self, name: str) -> bytes:
        """A secret of this ledger, the same for all who share it; made when it is first asked for."""
        if name not in self._seals:
            fresh = {"what": name, "secret": secrets.token_hex(32), "made_at": self._now().isoformat()}
            self._database.ask(lambda t: t.run("add_seal", **fresh)).result()
            row = self._database.read(lambda t: t.row("seal", what=name))
            assert row is not None, "it was written, by us or by whoever came first"
            self._seals[name] = bytes.fromhex(row["secret"])
        return self._seals[name]

    async def habits(self, tenant: str) -> Habits:
        """What was known some seconds ago at most; who asks while it is looked up waits for the same answer."""
        known_at, habits = self._habits.get(tenant, (-_HABITS_HOLD_S, None))
        if habits is not None and time.monotonic() - known_at < _HABITS_HOLD_S:
            return habits
        asking = self._asking.get(tenant)
        if asking is None or asking.get_loop() is not asyncio.get_running_loop():
            asking = self._asking[tenant] = asyncio.create_task(self._look_up(tenant))
        return await asyncio.shield(asking)

    async def _look_up(self, tenant: str) -> Habits:
        try:
            habits = await asyncio.to_thread(lambda: Habits(self.customs(tenant), self._pace_s(tenant)))
            if self._asking.get(tenant) is asyncio.current_task():  # else something was settled meanwhile
                if len(self._habits) >= _TENANTS_REMEMBERED:
                    self._habits.clear()
                self._habits[tenant] = time.monotonic(), habits
            return habits
        finally:
            if self._asking.get(tenant) is asyncio.current_task():
                del self._asking[tenant]

    def customs(self, tenant: str) -> Customs:
        """What a tenant has settled."""
        row = self._database.read(lambda t: t.row("customs", tenant=tenant))
        return Customs() if row is None else _customs(row)

    async def settle(self, tenant: str, customs: Customs) -> None:
        """Keeps what a tenant has settled; other processes hear of it within seconds."""
        values = {
            "prefer": json.dumps(customs.use),
            "avoid": json.dumps(customs.avoid),
            "budget": None if customs.budget is None else int(customs.budget),
            "keep_days": customs.keep_days,
            "brand": None if customs.brand is None else customs.brand.model_dump_json(),
        }
        await self._database.write(lambda t: t.run("keep_customs", tenant=tenant, **values))
        self._habits.pop(tenant, None)
        self._asking.pop(tenant, None)

    def keepers(self) -> Sequence[tuple[str, int]]:
        """Who wants the content of old jobs erased, and after how many days."""
        rows = self._database.read(lambda t: t.rows("keepers"))
        return [(row["tenant"], row["keep_days"]) for row in rows]

    def jobs_since(self, tenant: str, since: datetime) -> Mapping[JobState, int]:
        """How many jobs of a tenant stand how, of those taken since a moment."""
        asked = {"tenant": tenant, "since": since.isoformat()}
        rows = self._database.read(lambda t: t.rows("usage_of_jobs", **asked))
        return {JobState(row["state"]): row["n"] for row in rows}

    def spent(self, job: str) -> Money:
        """What the ledger says a job has cost."""
        row = self._database.read(lambda t: t.row("spent_on_job", job=job))
        return Money(row["spent"] if row else 0)

    def _pace_s(self, tenant: str) -> float | None:
        """How long this tenant's last jobs took on average."""
        rows = self._database.read(lambda t: t.rows("lately_ended", tenant=tenant))
        took = [_moment(row["ended_at"]) - _moment(row["created_at"]) for row in rows if row["ended_at"]]
        return sum(one.total_seconds() for one in took) / len(took) if took else None

    async def erase(self, tenant: str, before: datetime) -> Erased:
        """Empties every ended job of a tenant that was taken before a moment; amounts and days stay in the ledger."""
        jobs, folders, files = 0, [], []
        asked = {"tenant": tenant, "before": before.isoformat()}
        while step := await self._database.write(lambda t: self._erase_some(t, **asked)):
            jobs += len(step)
            folders += [folder for folder, _ in step]
            files += [file for _, found in step for file in found]
        left = self._database.read(lambda t: t.rows("jobs_to_leave", **asked))
        return Erased(
            jobs=jobs,
            folders=tuple(folders),
            files=self._unused(files),
            under_way=tuple(row["id"] for row in left),
        )

    def _erase_some(self, transaction: Transaction, **asked: str) -> Sequence[tuple[str, Sequence[str]]]:
        rows = transaction.rows("jobs_to_erase", **asked, most=_AT_ONCE)
        return [(row["folder"], self._empty(transaction, row["id"])) for row in rows]

    def _empty(self, transaction: Transaction, job: str) -> Sequence[str]:
        outcomes = transaction.rows("outcomes", job=job)
        files = [json.loads(row["body"])["path"] for row in outcomes if row["kind"] == "asset"]
        for order in transaction.rows("orders_of_job", job=job):
            body = json.dumps(_scrubbed(json.loads(order["body"])))
            transaction.run("erase_orders", id=order["id"], body=body)
        for query in ("erase_outcomes", "erase_asks", "erase_events"):
            transaction.run(query, job=job)
        transaction.run("erase_job", id=job, brief=Brief(text=_ERASED).model_dump_json())
        transaction.run("erase_extras", job=job, erased_at=self._now().isoformat())
        return files

    def _unused(self, files: Sequence[str]) -> tuple[str, ...]:
        """Those of the files that no job shows any more; equal files of several jobs are one file."""
        if not files:
            return ()
        rows = self._database.read(lambda t: t.rows("files_in_use"))
        in_use = {json.loads(row["body"])["path"] for row in rows}
        return tuple(dict.fromkeys(file for file in files if file not in in_use))


def _written(metadata: Mapping[str, Any] | None) -> str | None:
    return None if metadata is None else json.dumps(metadata, allow_nan=False)


def _extras(row: Row) -> Extras:
    return Extras(
        job=row["job"],
        batch=row["batch"],
        preset=row["preset"],
        metadata=json.loads(row["metadata"]) if row["metadata"] else None,
        erased_at=_moment(row["erased_at"]) if row["erased_at"] else None,
    )


def _customs(row: Row) -> Customs:
    return Customs(
        use=tuple(json.loads(row["prefer"])),
        avoid=tuple(json.loads(row["avoid"])),
        budget=None if row["budget"] is None else Money(row["budget"]),
        keep_days=row["keep_days"],
        brand=None if row["brand"] is None else Brand.model_validate_json(row["brand"]),
    )


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _scrubbed(value: Any, name: str = "") -> Any:
    """The same order, readable as one, without a word of what it was about."""
    if name in _CONTENT:
        return ""
    if name in _LISTS:
        return []
    if name in _NULLS:
        return None
    match value:
        case _ if name == "script":
            return _ERASED
        case _ if name == "prepared":
            return {}
        case dict():
            return {key: _scrubbed(each, key) for key, each in value.items()}
        case list():
            return [_scrubbed(each) for each in value]
        case _:
            return value
