"""Who asks: the tenant and the key behind a request, and what that key may be used for."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from orchestrator.access.tiers import TierName
from shared_knowledge.errors import BadRequest
from shared_knowledge.vocabulary import TEST_REALM, Frozen, Money

__all__ = ["SCOPES", "Caller", "KeyRow", "NewKey", "UnknownKey", "owner_of", "realm_of"]

SCOPES: frozenset[str] = frozenset({"jobs:read", "jobs:write", "webhooks", "keys", "usage"})


class UnknownKey(BadRequest):
    """There is no such key, or it is somebody else's, which is the same."""

    def __init__(self) -> None:
        super().__init__("There is no such key.", todo="`agentes keys list` lists the keys with their ids.")


class Caller(Frozen):
    """Whoever made a request with a good key; a test key makes the caller a tenant of its own."""

    tenant: str
    key_id: str
    tier: TierName
    scopes: frozenset[str]
    is_test: bool


class KeyRow(Frozen):
    """A key as its owner sees it: everything but the key."""

    key_id: str
    name: str
    tenant: str
    tier: TierName
    is_test: bool
    scopes: tuple[str, ...]
    hint: str
    state: Literal["active", "ending", "revoked", "expired"]
    usd_a_day: Money | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


class NewKey(Frozen):
    """A key at the only moment it can be read."""

    key_id: str
    key: str = Field(repr=False)
    name: str
    tenant: str
    tier: TierName
    is_test: bool
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None = None


def owner_of(tenant: str) -> str:
    """The tenant itself, whether it is meant or its rehearsal."""
    return tenant.removesuffix(TEST_REALM)


def realm_of(tenant: str, *, test: bool) -> str:
    """The tenant as which such a key works."""
    return f"{owner_of(tenant)}{TEST_REALM}" if test else owner_of(tenant)
