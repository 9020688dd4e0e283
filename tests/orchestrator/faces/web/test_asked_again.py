"""The same request under one idempotency key is done once, however often it comes, and answered alike."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import time_machine
from small_service import SmallService

from orchestrator.faces.web.operations import operations

RUN = {"brief": "a photo of a candle", "callback_url": "https://example.com/hear"}


async def run(small: SmallService, key: dict[str, str], name: str, **more: Any) -> Any:
    return await small.ask("POST", "/pipeline/run", key, json=RUN | more, headers={"Idempotency-Key": name})


async def test_fifty_at_once_are_one_job(on_both: SmallService) -> None:
    small = on_both
    key = await small.key()
    for round_ in range(4):
        answers = await asyncio.gather(*(run(small, key, f"k{round_}") for _ in range(50)))
        assert {answer.status_code for answer in answers} == {202}
        assert len({answer.json()["job_id"] for answer in answers}) == 1
        assert sum("Idempotency-Replayed" not in answer.headers for answer in answers) == 1
    assert small.jobs.page("acme", "created_at", skip=0, most=99)[1] == 4


async def test_a_repeated_answer_holds_no_secret(small: SmallService) -> None:
    key = await small.key()
    first, again = await run(small, key, "k"), await run(small, key, "k")
    assert first.json()["callback_secret"].startswith("whsec_")
    assert again.json() == first.json() | {"callback_secret": None}
    assert again.headers["Idempotency-Replayed"] == "true"


async def test_another_body_under_the_same_key_is_refused(on_both: SmallService) -> None:
    small = on_both
    key = await small.key()
    await run(small, key, "k")
    other = await run(small, key, "k", budget_usd="1")
    assert (other.status_code, other.json()["error"]["type"]) == (422, "idempotency_error")
    elsewhere = await small.ask("POST", "/plan", key, json={"brief": "x"}, headers={"Idempotency-Key": "k"})
    assert elsewhere.status_code == 422


async def test_a_key_belongs_to_its_tenant(small: SmallService) -> None:
    ids = set()
    for key in (await small.key("acme"), await small.key("other"), await small.key("acme", test=True)):
        ids.add((await run(small, key, "k")).json()["job_id"])
    assert len(ids) == 3


@pytest.mark.parametrize("name", ["", "a" * 256, "a b", "\x07", "ключ", "a\tb", " "])
async def test_a_name_that_cannot_be_is_refused(small: SmallService, name: str) -> None:
    headers = {b"Idempotency-Key": name.encode()}
    answer = await small.http.post("/pipeline/run", json=RUN, headers={**await small.key(), **headers})
    assert answer.status_code == 400
    assert answer.json()["error"]["details"].keys() == {"Idempotency-Key"}


async def test_the_longest_name_is_good(small: SmallService) -> None:
    assert (await run(small, await small.key(), "~" * 255)).status_code == 202


async def test_a_day_later_it_is_a_new_request(small: SmallService) -> None:
    with time_machine.travel("2026-11-21T12:00:00Z", tick=False) as clock:
        key = await small.key()
        first = await run(small, key, "k")
        clock.shift(23 * 3600)
        assert (await run(small, key, "k")).json()["job_id"] == first.json()["job_id"]
        clock.shift(2 * 3600)
        assert (await run(small, key, "k")).json()["job_id"] != first.json()["job_id"]


async def test_what_was_refused_may_be_asked_again(small: SmallService) -> None:
    key = await small.key()
    assert (await run(small, key, "k", brief="")).status_code == 400
    assert (await run(small, key, "k")).status_code == 202
    free = await small.key("small", tier="free")
    assert [(await run(small, free, f"r{number}")).status_code for number in range(3)] == [202, 202, 429]
    for job_id in small.still.begun[-2:]:
        await small.end(job_id)
    assert (await run(small, free, "r2")).status_code == 202


POSTS = {
    "registerWebhook": ("/webhooks/register", {"url": "https://example.com/h"}),
    "createKey": ("/keys", {"name": "New"}),
    "runBatch": ("/pipeline/batch", {"videos": [{"url": "https://example.com/a.mp4"}]}),
    "plan": ("/plan", {"brief": "a square photo of a candle"}),
}


@pytest.mark.parametrize("name", POSTS)
async def test_every_post_is_done_once(small: SmallService, name: str) -> None:
    key = await small.key()
    path, body = POSTS[name]
    headers = {"Idempotency-Key": "k"}
    answers = [await small.ask("POST", path, key, json=body, headers=headers) for _ in range(2)]
    first, again = (answer.json() for answer in answers)
    assert answers[0].status_code == answers[1].status_code < 300
    hidden = next(operation for operation in operations() if operation.name == name).hides
    for secret in hidden:
        if secret in first:
            assert (first.pop(secret), again.pop(secret))[1] is None
    assert first == again
    assert len(small.service.outbox.list("acme")) <= 1
    assert len(small.keys.list("acme")) <= 2


async def test_no_secret_lies_in_the_ledger(small: SmallService) -> None:
    key = await small.key()
    headers = {"Idempotency-Key": "k"}
    new = (await small.ask("POST", "/keys", key, json={"name": "New"}, headers=headers)).json()["key"]
    await small.keys.count()
    small.database.close()
    held = b"".join(file.read_bytes() for file in small.home.glob("ledger.db*"))
    assert new.encode() not in held
    assert key["Authorization"].removeprefix("Bearer ").encode() not in held
