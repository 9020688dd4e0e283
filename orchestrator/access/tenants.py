"""Tenants: who the keys belong to, on which tier they are, and what they may spend in a day."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Literal

from orchestrator.access.caller import owner_of
from orchestrator.access.tiers import TIERS, TierName
from orchestrator.access.trail import note_deed
from orchestrator.store.database import Database, Row, Transaction
from shared_knowledge.caps import Cap
from shared_knowledge.errors import BadRequest
from shared_knowledge.vocabulary import Frozen, Money, Order

__all__ = ["TenantRow", "Tenants", "enter_tenant"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_SLUG = 40
_TAKEN = frozenset({"local"})  # whoever sits at this machine
_NO_WALL = Money(Money.LIMIT)


class TenantRow(Frozen):
    """A tenant as the service knows it."""

    name: str
    tier: TierName
    usd_a_day: Money | None
    created_at: datetime


class Tenants:
    """The tenants, and the limits that somebody set for one of them or for one of their keys.

    Such a limit stands beside those of the settings, in a purse of its own, and both must hold: it can
    only lower what may be spent. The purse is kept before there is a limit too, so that one that is set
    at noon knows of the morning.
    """

    def __init__(self, database: Database, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._database = database
        self._now = now

    def get(self, name: str) -> TenantRow:
        """A tenant; BadRequest if there is none of that name."""
        return _told(self._database.read(lambda t: _find(t, owner_of(name))))

    def jobs_at_once(self, name: str) -> int | None:
        """How many jobs of a tenant may run at the same time; None of whoever sits at this machine."""
        row = self._database.read(lambda t: t.row("tenant", name=owner_of(name)))
        return None if row is None else TIERS[row["tier"]].concurrent_jobs

    async def change(
        self, name: str, *, tier: str | None = None, usd_a_day: Money | Literal["none"] | None = None
    ) -> TenantRow:
        """Moves a tenant to another tier, or changes what it may spend in a day; None leaves it as it is."""
        if tier is not None:
            _check_tier(tier)
        at = self._now()

        def ask(transaction: Transaction) -> TenantRow:
            row = _find(transaction, owner_of(name))
            limit = row["usd_a_day"] if usd_a_day is None else None if usd_a_day == "none" else int(usd_a_day)
            transaction.run("change_tenant", name=row["name"], tier=tier or row["tier"], usd_a_day=limit)
            new = _find(transaction, row["name"])
            note = f"tier {new['tier']}, {_in_words(new['usd_a_day'])}"
            note_deed(transaction, at=at, tenant=row["name"], by=None, what="tenant.changed", note=note)
            return _told(new)

        return await self._database.write(ask)

    def caps(self, order: Order, day: date) -> Iterator[Cap]:
        """What a purchase of this tenant, with this key, falls under beside the limits of the settings."""
        asked = {"tenant": order.tenant, "key": order.key}
        row = self._database.read(lambda t: t.row("own_limits", **asked))
        if row is None:
            return
        yield _purse("own-tenant", order.tenant, row["usd_a_day"], day)
        if row["purse"] is not None:
            yield _purse("own-key", row["purse"], row["key_usd_a_day"], day)


def enter_tenant(
    transaction: Transaction, name: str | None, tier: str | None, *, at: datetime, after: str
) -> tuple[str, str]:
    """The name and the tier of a tenant, who is new if nobody has that name; without one, it is named `after`."""
    if tier is not None:
        _check_tier(tier)
    if name is None:
        name = _new_name(transaction, after)
    elif not _NAME.fullmatch(name):
        raise BadRequest(
            f"{name[:60]!r} cannot be a tenant's name.",
            todo="Use up to 63 letters, digits, dots, dashes and underscores, such as acme or shop-2.",
        )
    row = transaction.row("tenant", name=name)
    if row is None:
        if tier is None:
            raise BadRequest(f"Tenant {name} is new and needs a tier.", todo=f"Give one of {_TIERS}.")
        transaction.run("add_tenant", name=name, tier=tier, created_at=at.isoformat())
        return name, tier
    if tier not in {None, row["tier"]}:
        raise BadRequest(
            f"Tenant {name} is on the tier {row['tier']}, with all its keys.",
            todo=f"Give that one, or move it first: agentes keys tenant {name} --tier {tier}.",
        )
    return name, row["tier"]


_TIERS = ", ".join(TIERS)


def _check_tier(tier: str) -> None:
    if tier not in TIERS:
        raise BadRequest(f"{tier[:60]!r} is no tier.", todo=f"The tiers are {_TIERS}.")


def _new_name(transaction: Transaction, after: str) -> str:
    plain = unicodedata.normalize("NFKD", after).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain)[:_SLUG].strip("-") or "tenant"
    number, name = 1, slug
    while name in _TAKEN or transaction.row("tenant", name=name) is not None:
        number += 1
        name = f"{slug}-{number}"
    return name


def _find(transaction: Transaction, name: str) -> Row:
    row = transaction.row("tenant", name=name)
    if row is None:
        raise BadRequest(
            f"There is no tenant {name[:60]!r}.", todo="`agentes keys list` shows whom keys belong to."
        )
    return row


def _told(row: Row) -> TenantRow:
    return TenantRow(
        name=row["name"],
        tier=row["tier"],
        usd_a_day=None if row["usd_a_day"] is None else Money(row["usd_a_day"]),
        created_at=datetime.fromisoformat(row["created_at"]),
    )


def _purse(scope: str, name: str, limit: int | None, day: date) -> Cap:
    return Cap(
        budget=f"{scope}:{name}:{day}", limit=_NO_WALL if limit is None else Money(limit), soft=limit is None
    )


def _in_words(limit: int | None) -> str:
    return "no limit of its own" if limit is None else f"{Money(limit).short} a day"
