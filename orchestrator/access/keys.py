"""API keys: made, listed, ended and replaced, each with a line in the trail; shown once, kept as a digest."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from orchestrator.access.caller import Caller, KeyRow, NewKey, UnknownKey, owner_of, realm_of
from orchestrator.access.door import Door
from orchestrator.access.minting import mint, name_by_lot
from orchestrator.access.tenants import enter_tenant
from orchestrator.access.trail import Deed, Trail, note_deed
from orchestrator.access.usage import Usage, usage_of
from orchestrator.access.wanted import BeyondTheKey, Wanted, insist_on_scopes, moment
from orchestrator.store.database import Database, Row, Transaction
from shared_knowledge.errors import BadRequest
from shared_knowledge.vocabulary import Money, is_rehearsal

__all__ = ["Keys"]

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
        wanted = Wanted.asked(
            name,
            scopes=scopes,
            test=test or (tenant is not None and is_rehearsal(tenant)),
            created_at=at,
            expires_at=expires_at,
            usd_a_day=usd_a_day,
            by=by,
        )

        def ask(transaction: Transaction) -> NewKey:
            called = None if tenant is None else owner_of(tenant)
            giver = _giver(transaction, by, called, at)
            owner, of_tier = enter_tenant(transaction, called, tier, at=at, after=wanted.name)
            key = _add(transaction, wanted if giver is None else wanted.within(giver), owner, of_tier)
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
        """A new key in the place of an old one, which is good for as long as they are to overlap.

        Whoever gets it can do what the old one could, so it must be no more than `by` can do.
        """
        at = self._now()
        if not 0 <= overlap_s <= _LONGEST_OVERLAP_S:
            raise BadRequest("Two keys cannot overlap for that long.", todo="Give seconds, up to 30 days.")
        until = at + timedelta(seconds=overlap_s)

        def ask(transaction: Transaction) -> NewKey:
            row = _find(transaction, tenant, key_id)
            if (state := _told(row, at).state) in {"revoked", "expired"}:
                raise BadRequest(f"Key {key_id} is {state}.", todo="Create a new one.")
            insist_on_scopes(row["scopes"].split(), by)
            giver = _giver(transaction, by, row["owner"], at)
            if giver is not None and giver["usd_a_day"] is not None and giver["purse"] != row["purse"]:
                raise BeyondTheKey(
                    "A key that is limited in what it may spend cannot replace one that is not its own.",
                    todo="Ask with a key that has no limit.",
                )
            new = _add(transaction, Wanted.like(row, at), row["owner"], row["tier"])
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


def _giver(transaction: Transaction, by: Caller | None, owner: str | None, at: datetime) -> Row | None:
    """The key that makes another one, if it is still good, and for its own tenant; None for the operator."""
    if by is None:
        return None
    row = _find(transaction, by.tenant, by.key_id)
    if row["owner"] != owner or _told(row, at).state in {"revoked", "expired"}:
        raise UnknownKey
    return row


def _add(transaction: Transaction, wanted: Wanted, owner: str, tier: str) -> NewKey:
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
        purse=wanted.purse or key.key_id,
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
    ends, ended = moment(row["expires_at"]), moment(row["revoked_at"])
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
        last_used_at=moment(row["last_used_at"]),
    )


def _state(
    ends: datetime | None, ended: datetime | None, at: datetime
) -> Literal["active", "ending", "revoked", "expired"]:
    if ended is not None and ended <= at:
        return "revoked"
    if ends is not None and ends <= at:
        return "expired"
    return "active" if ended is None else "ending"
