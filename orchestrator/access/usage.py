"""Usage: how often each key was used, for how many jobs, and what they cost, day by day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from orchestrator.store.database import Database, Row, Transaction
from shared_knowledge.errors import BadRequest
from shared_knowledge.vocabulary import Frozen, Money

__all__ = ["Usage", "UsageRow", "usage_of"]

_MOST_DAYS = 366


class UsageRow(Frozen):
    """One day of one key; without a key, what was asked for at the machine itself."""

    day: date
    key_id: str | None
    requests: int
    jobs: int
    spent: Money
    reserved: Money


class Usage(Frozen):
    """What a tenant used; the sums are sums of the rows, and the money is the ledger's."""

    since: date
    until: date
    rows: tuple[UsageRow, ...]
    requests: int
    jobs: int
    spent: Money
    reserved: Money


def usage_of(database: Database, tenant: str, since: date, until: date) -> Usage:
    """What a tenant used from one day to another, both counted."""
    if not timedelta(0) <= until - since < timedelta(days=_MOST_DAYS):
        raise BadRequest("Those days are in the wrong order, or too many.", todo="Ask for a year at most.")
    asked = {"tenant": tenant, "since": since.isoformat(), "until": until.isoformat()}

    def ask(transaction: Transaction) -> dict[str, Mapping[tuple[str, str | None], Row]]:
        kinds = ("requests_by_key", "jobs_by_key", "spent_by_key")
        return {
            kind: {(row["day"], row["key_id"]): row for row in transaction.rows(kind, **asked)}
            for kind in kinds
        }

    found = database.read(ask)
    requests, jobs, money = (found[kind] for kind in ("requests_by_key", "jobs_by_key", "spent_by_key"))
    rows = tuple(
        UsageRow(
            day=date.fromisoformat(day),
            key_id=key_id,
            requests=requests[day, key_id]["requests"] if (day, key_id) in requests else 0,
            jobs=jobs[day, key_id]["jobs"] if (day, key_id) in jobs else 0,
            spent=Money(money[day, key_id]["spent"] if (day, key_id) in money else 0),
            reserved=Money(money[day, key_id]["reserved"] if (day, key_id) in money else 0),
        )
        for day, key_id in sorted({*requests, *jobs, *money}, key=lambda at: (at[0], at[1] or ""))
    )
    return Usage(
        since=since,
        until=until,
        rows=rows,
        requests=sum(row.requests for row in rows),
        jobs=sum(row.jobs for row in rows),
        spent=Money(sum(row.spent for row in rows)),
        reserved=Money(sum(row.reserved for row in rows)),
    )
