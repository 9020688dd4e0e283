"""API keys, as their owner sees them: made and shown once, listed, ended, replaced, and what was done with them."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.access import BeyondTheKey, Deed, KeyRow, NewKey, UnknownKey
from orchestrator.faces.web.answered import AuditEntry, Deleted, KeyMade, KeyShown, Page, page_of
from orchestrator.faces.web.asked import NewKeyAsked, PageQuery, Rotation
from orchestrator.faces.web.calls import Answer, Call, aside, good
from orchestrator.faces.web.errors import Refusal, forbidden, not_found
from orchestrator.faces.web.operations import Operation
from shared_knowledge.errors import BadRequest

__all__ = ["OPERATIONS"]

_EXAMPLE_MADE = {
    "key_id": "key_3f2a9c017be45d68",
    "key": "sk_live_xxxxxxxxxxxxxxxx",
    "name": "My Mobile App",
    "tier": "pro",
    "environment": "live",
    "scopes": ["jobs:read", "jobs:write"],
    "created_at": "2026-02-04T10:30:00Z",
    "expires_at": None,
}


def _shown(row: KeyRow) -> KeyShown:
    return KeyShown(
        key_id=row.key_id,
        name=row.name,
        hint=row.hint,
        tier=row.tier,
        environment="test" if row.is_test else "live",
        scopes=row.scopes,
        state=row.state,
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        last_used_at=row.last_used_at,
    )


def _made(key: NewKey) -> KeyMade:
    return KeyMade(
        key_id=key.key_id,
        key=key.key,
        name=key.name,
        tier=key.tier,
        environment="test" if key.is_test else "live",
        scopes=key.scopes,
        created_at=key.created_at,
        expires_at=key.expires_at,
    )


async def _list(call: Call) -> Answer:
    query: PageQuery = call.query
    known: Sequence[KeyRow] = await aside(call.service.keys.list, call.tenant)
    first = (query.page - 1) * query.limit
    items = tuple(map(_shown, known[first : first + query.limit]))
    return good(Page[KeyShown](items=items, pagination=page_of(query.page, query.limit, len(known))))


async def _create(call: Call) -> Answer:
    asked: NewKeyAsked = call.asked
    if asked.environment == "live" and call.caller.is_test:
        raise forbidden("A test key cannot make a live one", "TEST_KEY")
    scopes = call.caller.scopes if asked.scopes is None else asked.scopes
    if beyond := sorted(set(scopes) - call.caller.scopes):
        raise forbidden(f"This key cannot give what it lacks: {', '.join(beyond)}", "SCOPE_MISSING")
    try:
        key = await call.service.keys.create(
            asked.name,
            tenant=call.tenant,
            test=asked.environment == "test",
            scopes=scopes,
            expires_at=asked.expires_at,
            by=call.caller,
        )
    except BeyondTheKey as error:
        raise forbidden(str(error), "BEYOND_THE_KEY") from None
    except BadRequest as error:
        raise Refusal(400, str(error)) from None
    return good(_made(key), 201)


async def _revoke(call: Call) -> Answer:
    key_id = call.params["key_id"]
    try:
        await call.service.keys.revoke(call.tenant, key_id, by=call.caller)
    except UnknownKey:
        raise not_found("Key") from None
    return good(Deleted(id=key_id))


async def _rotate(call: Call) -> Answer:
    asked: Rotation = call.asked
    try:
        key = await call.service.keys.rotate(
            call.tenant, call.params["key_id"], asked.overlap_seconds, by=call.caller
        )
    except UnknownKey:
        raise not_found("Key") from None
    except BeyondTheKey as error:
        raise forbidden(str(error), "BEYOND_THE_KEY") from None
    except BadRequest as error:
        raise Refusal(409, str(error)) from None
    return good(_made(key), 201)


async def _audit(call: Call) -> Answer:
    query: PageQuery = call.query
    deeds, total = await aside(call.service.keys.audit, call.tenant, query.page, query.limit)
    items = tuple(map(_entry, deeds))
    return good(Page[AuditEntry](items=items, pagination=page_of(query.page, query.limit, total)))


def _entry(deed: Deed) -> AuditEntry:
    return AuditEntry(at=deed.at, by=deed.by, what=deed.what, subject=deed.subject, note=deed.note)


OPERATIONS = (
    Operation(
        name="listKeys",
        method="GET",
        path="/keys",
        tag="Keys",
        summary="List your API keys",
        do=_list,
        scope="keys",
        query=PageQuery,
        answers={200: Page[KeyShown]},
    ),
    Operation(
        name="createKey",
        method="POST",
        path="/keys",
        tag="Keys",
        summary="Create new key",
        about="Of the same account and tier; it can do no more than the key that makes it. The key is shown this once.",
        do=_create,
        scope="keys",
        asks=NewKeyAsked,
        answers={201: KeyMade},
        examples={"key": {"name": "My Mobile App"}},
        shown=_EXAMPLE_MADE,
        hides=("key",),
    ),
    Operation(
        name="revokeKey",
        method="DELETE",
        path="/keys/{key_id}",
        tag="Keys",
        summary="Revoke key",
        about="Refused from this moment on; on other machines of the service within seconds.",
        do=_revoke,
        scope="keys",
        answers={200: Deleted},
    ),
    Operation(
        name="rotateKey",
        method="POST",
        path="/keys/{key_id}/rotate",
        tag="Keys",
        summary="Rotate key: a new one in the place of an old one",
        do=_rotate,
        scope="keys",
        asks=Rotation,
        may_ask_nothing=True,
        answers={201: KeyMade},
        refuses=(409,),
        examples={"overlap": {"overlap_seconds": 3600}},
        shown=_EXAMPLE_MADE,
        hides=("key",),
    ),
    Operation(
        name="auditKeys",
        method="GET",
        path="/audit/keys",
        tag="Keys",
        summary="What was done with your keys, newest first",
        do=_audit,
        scope="keys",
        query=PageQuery,
        answers={200: Page[AuditEntry]},
    ),
)
