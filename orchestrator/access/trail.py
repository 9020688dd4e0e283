"""The trail: who did what with which key, and when. It names keys by their ids and never holds one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from orchestrator.store.database import Database, Transaction
from shared_knowledge.vocabulary import Frozen

__all__ = ["Deed", "Trail", "note_deed"]


class Deed(Frozen):
    """One thing that was done: by a key, or by the operator of the service."""

    at: datetime
    tenant: str
    by: str
    what: str
    subject: str | None
    note: str | None


def note_deed(
    transaction: Transaction,
    *,
    at: datetime,
    tenant: str,
    by: str | None,
    what: str,
    subject: str | None = None,
    note: str | None = None,
) -> None:
    """Writes a deed down in the transaction that does it; `by` is a key's id, None for the operator."""
    values = {"tenant": tenant, "key_id": by, "what": what, "subject": subject, "note": note}
    transaction.run("note_deed", at=at.isoformat(), **values)


class Trail:
    """What was done, newest first."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, tenant: str | None, page: int = 1, limit: int = 10) -> tuple[Sequence[Deed], int]:
        """One page of a tenant's deeds, or of everybody's, and how many there are in all."""
        asked = {"tenant": tenant, "most": limit, "skip": (page - 1) * limit}

        def ask(transaction: Transaction) -> tuple[Sequence[Deed], int]:
            count = transaction.row("length_of_trail", tenant=tenant)
            deeds = [
                Deed(
                    at=datetime.fromisoformat(row["at"]),
                    tenant=row["tenant"],
                    by=row["key_id"] or "operator",
                    what=row["what"],
                    subject=row["subject"],
                    note=row["note"],
                )
                for row in transaction.rows("trail", **asked)
            ]
            return deeds, int(count["n"]) if count else 0

        return self._database.read(ask)
