"""A key that is wanted: what can be asked for, and that no key gives away more than it has itself."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from datetime import UTC, datetime
from typing import NamedTuple

from orchestrator.access.caller import SCOPES, Caller
from orchestrator.store.database import Row
from shared_knowledge.errors import BadRequest
from shared_knowledge.vocabulary import Money, is_rehearsal

__all__ = ["BeyondTheKey", "Wanted", "insist_on_scopes", "moment"]

_LONGEST_NAME = 100


class BeyondTheKey(BadRequest):
    """A key asked for more than it may do itself."""


class Wanted(NamedTuple):
    """A key before it is made. What is spent with it is kept in a purse: its own, if that is not named."""

    name: str
    scopes: tuple[str, ...]
    test: bool
    created_at: datetime
    expires_at: datetime | None
    usd_a_day: Money | None
    purse: str | None = None

    @classmethod
    def asked(
        cls,
        name: str,
        *,
        scopes: Collection[str] | None,
        test: bool,
        created_at: datetime,
        expires_at: datetime | None,
        usd_a_day: Money | None,
        by: Caller | None,
    ) -> Wanted:
        """What somebody asked for; BadRequest names what cannot be."""
        allowed = SCOPES if by is None else by.scopes
        return cls(
            _checked_name(name),
            _checked_scopes(allowed if scopes is None else scopes, by),
            test,
            created_at,
            _checked_end(expires_at, created_at),
            usd_a_day,
        )

    @classmethod
    def like(cls, row: Row, at: datetime) -> Wanted:
        """The same as an older one, good for as long as that was meant to be, and out of its purse."""
        ends = moment(row["expires_at"])
        return cls(
            row["name"],
            tuple(row["scopes"].split()),
            is_rehearsal(row["tenant"]),
            at,
            None if ends is None else at + (ends - datetime.fromisoformat(row["created_at"])),
            None if row["usd_a_day"] is None else Money(row["usd_a_day"]),
            row["purse"],
        )

    def within(self, giver: Row) -> Wanted:
        """The same, ending no later than the key that gives it and, if that is limited, out of its purse."""
        ends = [end for end in (self.expires_at, moment(giver["expires_at"])) if end is not None]
        bounded = self._replace(expires_at=min(ends, default=None))
        if giver["usd_a_day"] is None:
            return bounded
        limit = Money(giver["usd_a_day"])
        own = limit if self.usd_a_day is None else min(limit, self.usd_a_day)
        return bounded._replace(usd_a_day=own, purse=giver["purse"])


def insist_on_scopes(scopes: Collection[str], by: Caller | None) -> None:
    """Raises BeyondTheKey where a key would hand over what it may not do itself."""
    if by is not None and (more := sorted(set(scopes) - by.scopes)):
        raise BeyondTheKey(
            f"A key cannot give away what it has not: {', '.join(more)}.", todo="Ask with a key that has it."
        )


def moment(text: str | None) -> datetime | None:
    """A moment as the ledger keeps it, if there is one."""
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


def _checked_scopes(scopes: Collection[str], by: Caller | None) -> tuple[str, ...]:
    wanted = frozenset(scopes)
    if unknown := sorted(wanted - SCOPES):
        raise BadRequest(
            f"{', '.join(unknown)[:60]!r} is no scope.", todo=f"The scopes are {', '.join(sorted(SCOPES))}."
        )
    if not wanted:
        raise BadRequest("A key without any scope opens nothing.", todo="Give it one, or leave them out.")
    insist_on_scopes(wanted, by)
    return tuple(sorted(wanted))


def _checked_end(expires_at: datetime | None, at: datetime) -> datetime | None:
    if expires_at is None:
        return None
    if expires_at.tzinfo is None or expires_at <= at:
        raise BadRequest("A key must end in the future.", todo="Give a moment with its time zone, or none.")
    return expires_at.astimezone(UTC)
