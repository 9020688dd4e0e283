"""What is one tenant's does not exist for another: every operation, every id, live and test alike.

The cases are made from the table of operations: one that names a new kind of thing in its path fails
here until it is said what that thing is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from small_service import SmallService

from orchestrator.faces.web.operations import Operation, operations

PLACES = re.compile(r"{(\w+)}")
NAMING = [operation for operation in operations() if operation.needs_key and PLACES.search(operation.path)]
LISTING = [
    operation
    for operation in operations()
    if operation.needs_key and operation.method == "GET" and not PLACES.search(operation.path)
]
BODIES: Mapping[str, Any] = {
    "updateJob": {"metadata": {"mine": "now"}},
    "approveJob": {"approve": True},
    "updateWebhook": {"active": False},
    "rotateWebhookSecret": {"overlap_seconds": 0},
    "rotateKey": {"overlap_seconds": 0},
}
WHAT = {
    "job_id": "Job",
    "batch_id": "Batch",
    "webhook_id": "Webhook",
    "delivery_id": "Webhook",
    "key_id": "Key",
    "name": "Job",
}
NOBODYS = {
    "job_id": "job_000000000000",
    "batch_id": "batch_000000000000",
    "webhook_id": "wh_0",
    "delivery_id": "whd_0",
    "key_id": "key_0",
    "name": "film.mp4",
}
ODD = ["'", "..", "%2e%2e", "a" * 300, "*", "job_%", "null", "0", "\u0661", "%00", "{job_id}", " "]


class Things:
    """One of everything that a tenant can have."""

    def __init__(self, small: SmallService) -> None:
        self.small = small

    async def make(self, tenant: str, **more: Any) -> Things:
        small = self.small
        self.key = await small.key(tenant, **more)
        batch = await small.ask(
            "POST", "/pipeline/batch", self.key, json={"videos": [{"url": "https://example.com/a.mp4"}]}
        )
        hook = await small.ask("POST", "/webhooks/register", self.key, json={"url": "https://example.com/h"})
        webhook_id = hook.json()["webhook_id"]
        test = await small.ask("POST", f"/webhooks/{webhook_id}/test", self.key)
        job_id = await small.run(self.key, metadata={"whose": tenant})
        await small.make(job_id, content=f"film of {tenant} {more}".encode())
        await small.end(job_id)
        keys = (await small.ask("GET", "/keys", self.key)).json()["items"]
        self.ids = {
            "job_id": job_id,
            "batch_id": batch.json()["batch_id"],
            "webhook_id": webhook_id,
            "delivery_id": test.json()["delivery_id"],
            "key_id": keys[0]["key_id"],
            "name": "film.mp4",
        }
        return self

    async def ask(self, operation: Operation, ids: Mapping[str, str]) -> httpx.Response:
        path = PLACES.sub(lambda found: ids[found[1]], operation.path)
        return await self.small.ask(operation.method, path, self.key, json=BODIES.get(operation.name))


@pytest.fixture
async def both(small: SmallService) -> tuple[Things, Things, Things]:
    """Two tenants, and the rehearsal of the first."""
    return (
        await Things(small).make("acme"),
        await Things(small).make("other"),
        await Things(small).make("acme", test=True),
    )


def test_every_thing_in_a_path_has_a_case() -> None:
    named = {name for operation in NAMING for name in PLACES.findall(operation.path)}
    assert named == WHAT.keys() == NOBODYS.keys()
    asked = {operation.name for operation in NAMING if operation.asks is not None}
    assert asked == BODIES.keys()


@pytest.mark.parametrize("operation", NAMING, ids=lambda operation: operation.name)
async def test_what_is_somebody_elses_does_not_exist(
    both: tuple[Things, Things, Things], operation: Operation
) -> None:
    owner, *strangers = both
    before = everything(owner)
    for stranger in strangers:
        theirs = await stranger.ask(operation, owner.ids)
        nobodys = await stranger.ask(operation, NOBODYS)
        assert theirs.status_code == 404, theirs.text
        assert without_number(theirs) == without_number(nobodys)
        if len(PLACES.findall(operation.path)) > 1:
            for name in PLACES.findall(operation.path):
                mixed = await stranger.ask(operation, stranger.ids | {name: owner.ids[name]})
                assert mixed.status_code == 404 or name == "name"
    live_with_test = await owner.ask(operation, strangers[1].ids)
    assert live_with_test.status_code == 404
    assert everything(owner) == before


@pytest.mark.parametrize("operation", NAMING, ids=lambda operation: operation.name)
async def test_an_id_that_cannot_be_is_nobodys(small: SmallService, operation: Operation) -> None:
    owner = Things(small)
    owner.key = await small.key()
    for odd in ODD:
        answer = await owner.ask(operation, dict.fromkeys(NOBODYS, odd))
        assert answer.status_code in (404, 405), (odd, answer.text)
        if answer.status_code == 404:
            assert answer.json()["error"]["type"] == "not_found_error"


@pytest.mark.parametrize("operation", NAMING, ids=lambda operation: operation.name)
async def test_the_owner_finds_it(both: tuple[Things, Things, Things], operation: Operation) -> None:
    answer = await both[0].ask(operation, both[0].ids)
    assert answer.status_code in (200, 201, 202, 409), answer.text


@pytest.mark.parametrize("operation", LISTING, ids=lambda operation: operation.name)
async def test_no_list_holds_what_is_somebody_elses(
    both: tuple[Things, Things, Things], operation: Operation
) -> None:
    for one in both:
        text = (await one.ask(operation, {})).text
        for other in both:
            if other is not one:
                foreign = {id_ for name, id_ in other.ids.items() if name != "name"}
                assert not {id_ for id_ in foreign if id_ in text}


async def test_what_one_erases_is_only_its_own(both: tuple[Things, Things, Things]) -> None:
    owner, other, rehearsal = both
    kept = everything(other), everything(rehearsal)
    small = owner.small
    said = (await small.ask("DELETE", "/me/data", owner.key)).json()
    assert (said["jobs"], said["files"]) == (1, 1)
    assert len(said["left"]) == 1  # the batch is still under way
    assert (everything(other), everything(rehearsal)) == kept
    assert (await other.ask(next(op for op in NAMING if op.name == "getAsset"), other.ids)).status_code == 200


def everything(things: Things) -> Any:
    """All that a tenant has, as the store has it."""
    small, tenant = things.small, things.small.jobs.tenant(things.ids["job_id"])
    return (
        small.jobs.page(tenant, "created_at", skip=0, most=99),
        small.service.shelf.extras(things.ids["job_id"]),
        small.service.outbox.list(tenant),
        [(row.key_id, row.state) for row in small.keys.list(tenant)],
    )


def without_number(answer: httpx.Response) -> Any:
    error = answer.json()["error"]
    del error["request_id"]
    return error
