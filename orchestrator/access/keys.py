"""API keys: made, listed, ended and replaced, each with a line in the trail; shown once, kept as a digest."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from orchestrator.access.caller import SCOPES, Caller, KeyRow, NewKey, UnknownKey, owner_of, realm_of
from orchestrator.access.door import Door
from orchestrator.access.minting import mint, name_by_lot
from orchestrator.access.tenants import enter_tenant
from orchestrator.access.trail import Deed, Trail, note_deed
from orchestrator.access.usage import Usage, usage_of
from orchestrator.store.database import Database, Row, Transaction
from shared_knowledge.errors import BadRequest
from shared_knowledge.vocabulary import Money, is_rehearsal

__all__ = ["Keys"]

_LONGEST_NAME = 100
_LONGEST_OVERLAP_S = 30 * 24 * 3600


class Keys:
    """Everything about keys. Whoever does something with one is named: `by`, or the operator if that is None."""

    def __init__(
        self,
        database: Database,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        door: Door | None = None,
    ) -> None:
        self._database = database
        self._now = now
        self._door = door or Door(database, now=now)
        self._trail = Trail(database)

    async def create(
        self,
        name: str,
        tier: str | None = None,
        *,
        tenant: str | None = None,
        test: bool = False,
        scopes: Collection[str] | None = None,
        expires_at: datetime | None = None,
        usd_a_day: Money | None = None,
        by: Caller | None = None,
    ) -> NewKey:
        """A new key for a tenant, or for a new one that is named after the key.

        A tenant has one tier for all its keys; without a name of a tier, it is the one it has.
        """
        at = self._now()
        wanted = _Wanted(
            name=_checked_name(name),
            scopes=_checked_scopes(scopes, by),
            test=test or (tenant is not None and is_rehearsal(tenant)),
            created_at=at,
            expires_at=_checked_end(expires_at, at),
            usd_a_day=usd_a_day,
        )

        def ask(transaction: Transaction) -> NewKey:
            called = None if tenant is None else owner_of(tenant)
            owner, of_tier = enter_tenant(transaction, called, tier, at=at, after=wanted.name)
            key = _add(transaction, wanted, owner, of_tier)
            _note(transaction, at, key.tenant, by, "key.created", key.key_id, wanted.name)
            return key

        return await self._database.write(ask)

    def list(self, tenant: str | None) -> Sequence[KeyRow]:
        """A tenant's keys, newest first; everybody's, for the operator."""
        at = self._now()
        rows = self._database.read(lambda t: t.rows("keys_of_tenant", tenant=tenant))
        return [_told(row, at) for row in rows]

    def get(self, tenant: str | None, key_id: str) -> KeyRow:
        """One key; UnknownKey if it is not this tenant's."""
        return _told(self._database.read(lambda t: _find(t, tenant, key_id)), self._now())

    async def revoke(self, tenant: str | None, key_id: str, *, by: Caller | None = None) -> KeyRow:
        """Ends a key: refused from now on in this process, and within seconds in every other."""
        at = self._now()

        def ask(transaction: Transaction) -> KeyRow:
            row = _find(transaction, tenant, key_id)
            if transaction.run("end_key", id=key_id, at=at.isoformat()):
                _note(transaction, at, row["tenant"], by, "key.revoked", key_id, row["name"])
            return _told(_find(transaction, tenant, key_id), at)

        row = await self._database.write(ask)
        self._door.forget()
        return row

    async def rotate(
        self, tenant: str | None, key_id: str, overlap_s: int = 0, *, by: Caller | None = None
    ) -> NewKey:
        """A new key in the place of an old one, which is good for as long as they are to overlap."""
        at = self._now()
        if not 0 <= overlap_s <= _LONGEST_OVERLAP_S:
            raise BadRequest("Two keys cannot overlap for that long.", todo="Give seconds, up to 30 days.")
        until = at + timedelta(seconds=overlap_s)

        def ask(transaction: Transaction) -> NewKey:
            row = _find(transaction, tenant, key_id)
            if (state := _told(row, at).state) in {"revoked", "expired"}:
                raise BadRequest(f"Key {key_id} is {state}.", todo="Create a new one.")
            new = _add(transaction, _Wanted.like(row, at), row["owner"], row["tier"])
            transaction.run("end_key", id=key_id, at=until.isoformat())
            note = f"replaced by {new.key_id}, good until {until.isoformat(timespec='seconds')}"
            _note(transaction, at, row["tenant"], by, "key.rotated", key_id, note)
            return new

        new = await self._database.write(ask)
        self._door.forget()
        return new

    def audit(self, tenant: str | None, page: int = 1, limit: int = 10) -> tuple[Sequence[Deed], int]:
        """One page of what was done, newest first, and how many deeds there are in all."""
        return self._trail.page(tenant, page, limit)

    async def usage(self, tenant: str, since: date, until: date) -> Usage:
        """What a tenant used from one day to another, both counted, up to this moment."""
        await self._door.count()
        return usage_of(self._database, tenant, since, until)

    async def check(self, secret: str) -> Caller | None:
        """Who has this key; None if it is not a good one."""
        return await self._door.check(secret)

    async def count(self) -> None:
        """Returns when every use of a key so far is written down; for when a service ends."""
        await self._door.count()


class _Wanted:
    """A key that is to be made."""

    def __init__(
        self,
        *,
        name: str,
        scopes: Collection[str],
        test: bool,
        created_at: datetime,
        expires_at: datetime | None,
        usd_a_day: Money | None,
    ) -> None:
        self.name = name
        self.scopes = tuple(sorted(scopes))
        self.test = test
        self.created_at = created_at
        self.expires_at = expires_at
        self.usd_a_day = usd_a_day

    @classmethod
    def like(cls, row: Row, at: datetime) -> _Wanted:
        """The same as an older one, and good for as long as that was meant to be."""
        ends = _moment(row["expires_at"])
        return cls(
            name=row["name"],
            scopes=row["scopes"].split(),
            test=is_rehearsal(row["tenant"]),
            created_at=at,
            expires_at=None if ends is None else at + (ends - datetime.fromisoformat(row["created_at"])),
            usd_a_day=None if row["usd_a_day"] is None else Money(row["usd_a_day"]),
        )


def _add(transaction: Transaction, wanted: _Wanted, owner: str, tier: str) -> NewKey:
    minted = mint(test=wanted.test)
    key = NewKey.model_validate(
        {
            "key_id": name_by_lot("key"),
            "key": minted.key,
            "name": wanted.name,
            "tenant": realm_of(owner, test=wanted.test),
            "tier": tier,
            "is_test": wanted.test,
            "scopes": wanted.scopes,
            "created_at": wanted.created_at,
            "expires_at": wanted.expires_at,
        }
    )
    transaction.run(
        "add_key",
        id=key.key_id,
        tenant=key.tenant,
        owner=owner,
        name=key.name,
        digest=minted.digest,
        hint=minted.hint,
        scopes=" ".join(key.scopes),
        usd_a_day=None if wanted.usd_a_day is None else int(wanted.usd_a_day),
        created_at=key.created_at.isoformat(),
        expires_at=None if key.expires_at is None else key.expires_at.isoformat(),
    )
    return key


def _find(transaction: Transaction, tenant: str | None, key_id: str) -> Row:
    row = transaction.row("key_of_tenant", id=key_id, tenant=tenant)
    if row is None:
        raise UnknownKey
    return row


def _note(
    transaction: Transaction,
    at: datetime,
    tenant: str,
    by: Caller | None,
    what: str,
    key_id: str,
    note: str,
) -> None:
    who = None if by is None else by.key_id
    note_deed(transaction, at=at, tenant=tenant, by=who, what=what, subject=key_id, note=note)


def _told(row: Row, at: datetime) -> KeyRow:
    ends, ended = _moment(row["expires_at"]), _moment(row["revoked_at"])
    return KeyRow(
        key_id=row["id"],
        name=row["name"],
        tenant=row["tenant"],
        tier=row["tier"],
        is_test=is_rehearsal(row["tenant"]),
        scopes=tuple(row["scopes"].split()),
        hint=row["hint"],
        state=_state(ends, ended, at),
        usd_a_day=None if row["usd_a_day"] is None else Money(row["usd_a_day"]),
        created_at=datetime.fromisoformat(row["created_at"]),
        expires_at=ends,
        revoked_at=ended,
        last_used_at=_moment(row["last_used_at"]),
    )


def _state(
    ends: datetime | None, ended: datetime | None, at: datetime
) -> Literal["active", "ending", "revoked", "expired"]:
    if ended is not None and ended <= at:
        return "revoked"
    if ends is not None and ends <= at:
        return "expired"
    return "active" if ended is None else "ending"


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _checked_name(name: str) -> str:
    plain = " ".join(name.split())
    if not 0 < len(plain) <= _LONGEST_NAME or any(unicodedata.category(c)[0] == "C" for c in plain):
        raise BadRequest(
            "A key needs a name that can be read.", todo=f"Give up to {_LONGEST_NAME} letters, such as Shop."
        )
    if re.search(r"sk_(?:live|test)_", plain):
        raise BadRequest("The name of a key must not hold a key.", todo="Name it after what it is for.")
    return plain


def _checked_scopes(scopes: Collection[str] | None, by: Caller | None) -> Collection[str]:
    own = SCOPES if by is None else by.scopes
    wanted = own if scopes is None else frozenset(scopes)
    if unknown := sorted(wanted - SCOPES):
        raise BadRequest(
            f"{', '.join(unknown)[:60]!r} is no scope.", todo=f"The scopes are {', '.join(sorted(SCOPES))}."
        )
    if not wanted:
        raise BadRequest("A key without any scope opens nothing.", todo="Give it one, or leave them out.")
    if more := sorted(wanted - own):
        raise BadRequest(
            f"A key cannot give away what it has not: {', '.join(more)}.", todo="Ask with a key that has it."
        )
    return wanted


def _checked_end(expires_at: datetime | None, at: datetime) -> datetime | None:
    if expires_at is None:
        return None
    if expires_at.tzinfo is None or expires_at <= at:
        raise BadRequest("A key must end in the future.", todo="Give a moment with its time zone, or none.")
    return expires_at.astimezone(UTC)
