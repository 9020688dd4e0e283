"""Who is let in, how often, with what: and that every answer, good or bad, has the shape of the house."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import replace
from typing import Any

import pytest
from small_service import SmallService

from orchestrator.access import Tier
from orchestrator.faces.web import reading
from orchestrator.faces.web.app import web_app
from orchestrator.faces.web.errors import TYPES
from orchestrator.faces.web.operations import Operation, operations
from orchestrator.faces.web.strangers import Strangers
from shared_knowledge.errors import Broken

PLACES = re.compile(r"{(\w+)}")
GUARDED = [operation for operation in operations() if operation.needs_key]
WITH_BODY = [operation for operation in GUARDED if operation.asks is not None]


def place(operation: Operation, named: str = "nothing") -> str:
    return PLACES.sub(named, operation.path)


def said_well(answer: Any) -> dict[str, Any]:
    error: dict[str, Any] = answer.json()["error"]
    kind, _, _ = TYPES[answer.status_code]
    assert error["type"] == kind
    assert error["message"]
    assert re.fullmatch(r"[A-Z_]+", error["code"])
    assert error["request_id"] == answer.headers["X-Request-Id"]
    for name in ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"):
        assert answer.headers[name].isdecimal(), name
    return error


@pytest.mark.parametrize("operation", GUARDED, ids=lambda operation: operation.name)
async def test_nothing_is_done_without_a_good_key(small: SmallService, operation: Operation) -> None:
    good = await small.key()
    secret = good["Authorization"]
    for shown in ({}, {"Authorization": secret[:-1]}, {"Authorization": secret.removeprefix("Bearer ")},
                  {"Authorization": f"Basic {secret}"}, {"Authorization": "Bearer "}, {"Authorization": "\x00"},
                  {"Authorization": f"Bearer {'x' * 5000}"}):  # fmt: skip
        answer = await small.ask(operation.method, place(operation), shown, content=b"{")
        error = said_well(answer)
        assert (answer.status_code, error["message"]) == (401, "Invalid API key")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("operation", GUARDED, ids=lambda operation: operation.name)
async def test_a_key_opens_only_what_it_is_for(small: SmallService, operation: Operation) -> None:
    scopes = {"jobs:read", "jobs:write", "webhooks", "keys", "usage"} - {operation.scope}
    key = await small.key(scopes=scopes)
    answer = await small.ask(operation.method, place(operation), key, content=b"{")
    assert (answer.status_code, said_well(answer)["code"]) == (403, "SCOPE_MISSING")


MALFORMED: list[bytes] = [
    b"", b"{", b"[]", b"null", b"1", b'"x"', b"{'a': 1}", b"\xff\xfe{}", b"\xef\xbb\xbf{}", b"{}x", b"NaN",
    b'{"a":1}', b'{"brief": "\\ud800"}', b'{"url": ["https://example.com"]}', b'{"name": "\\u0000"}',
    b'{"video_url": "https://example.com/a.mp4", "admin": true}', b"[" * 10_000, b'{"a":' * 5_000,
    b'{"metadata": 1e999, "name": 1e999}', b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x--',
    b'{"events": ["job.exploded"], "url": "https://example.com"}', b'{"overlap_seconds": -1}',
    b'{"approve": "maybe"}', b'{"quote": "\'; drop table jobs; --"}', b'{"name": ""}', b'{"brief": {"$ref": "#"}}',
]  # fmt: skip


@pytest.mark.parametrize("operation", WITH_BODY, ids=lambda operation: operation.name)
async def test_a_body_that_cannot_be_is_refused_and_the_next_request_is_served(
    small: SmallService, operation: Operation
) -> None:
    key = await small.key()
    for body in MALFORMED:
        if operation.may_ask_nothing and not body:
            continue
        answer = await small.ask(operation.method, place(operation), key, content=body)
        assert answer.status_code == 400, (body[:60], answer.text)
        assert said_well(answer)["details"]
    assert small.still.begun == []
    assert (await small.ask("GET", "/jobs", key)).status_code == 200


@pytest.mark.parametrize("operation", WITH_BODY, ids=lambda operation: operation.name)
async def test_a_body_has_its_limit(small: SmallService, operation: Operation) -> None:
    key = await small.key()
    large = b'{"metadata": "' + b"x" * reading.MOST_BODY_BYTES + b'"}'
    answer = await small.ask(operation.method, place(operation), key, content=large)
    assert (answer.status_code, said_well(answer)["type"]) == (413, "size_error")

    async def endless() -> Any:
        for _ in range(reading.MOST_BODY_BYTES // 65_536 + 2):
            yield b" " * 65_536

    answer = await small.ask(operation.method, place(operation), key, content=endless())
    assert answer.status_code == 413


async def test_a_body_that_never_comes_is_not_waited_for(small: SmallService) -> None:
    async def never() -> Any:
        await asyncio.sleep(60)

    with pytest.raises(reading.Refusal) as refused:
        await reading.read_body(never, None, within_s=0.05)
    assert refused.value.status == 408


async def test_headers_have_their_limit(small: SmallService) -> None:
    many = {f"X-{number}": "y" for number in range(200)}
    answer = await small.ask("GET", "/health", headers=many)
    assert (answer.status_code, said_well(answer)["code"]) == (431, "HEADERS_TOO_LARGE")
    assert (await small.ask("GET", "/health", headers={"X-A": "y" * 40_000})).status_code == 431


async def test_paths_are_exact_and_methods_are_told(small: SmallService) -> None:
    key = await small.key()
    for path in ("/Jobs", "/jobs/", "//jobs", "/jobs%2f", "/nope", "/", "/jobs/a/b/c", "/%00"):
        answer = await small.ask("GET", path, key)
        assert (answer.status_code, said_well(answer)["type"]) == (404, "not_found_error"), path
    answer = await small.ask("DELETE", "/jobs", key)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")
    assert (await small.ask("GET", "/pipeline/run", key)).status_code == 405
    assert (await small.ask("HEAD", "/jobs", key)).content == b""


async def test_the_rate_of_a_tenant_is_limited_whatever_its_keys(small: SmallService) -> None:
    first, second = await small.key(tier="free"), await small.key(tier="free")
    allowed = [await small.ask("GET", "/jobs", key) for key in (first, second, first, second, first)]
    assert [answer.status_code for answer in allowed] == [200] * 5
    assert [answer.headers["X-RateLimit-Remaining"] for answer in allowed] == ["9", "8", "7", "6", "5"]
    assert allowed[0].headers["X-RateLimit-Limit"] == "10"
    for path, more in (("/jobs", {}), ("/jobs?x=1", {}), ("/keys", {"X-Forwarded-For": "1.2.3.4"})):
        answer = await small.ask("GET", path, second, headers=more)
        error = said_well(answer)
        assert (answer.status_code, error["type"]) == (429, "rate_limit_error")
        assert error["message"] == "Rate limit exceeded"
        assert error["retry_after"] == int(answer.headers["Retry-After"]) > 0
    other = await small.key("other", tier="free")
    assert (await small.ask("GET", "/jobs", other)).status_code == 200


async def test_a_hundred_at_once_are_counted_one_by_one(small: SmallService) -> None:
    key = await small.key(tier="pro")
    answers = await asyncio.gather(*(small.ask("GET", "/presets", key) for _ in range(100)))
    assert sum(answer.status_code == 200 for answer in answers) == 50


async def test_strangers_are_slowed_down(small: SmallService) -> None:
    few = Strangers(rate=Tier(requests_a_minute=600, burst=300, concurrent_jobs=0, may_batch=False))
    small.http = small.client(web_app(replace(small.service, strangers=few)))
    answers = await asyncio.gather(
        *(small.ask("GET", "/jobs", {"Authorization": "Bearer x"}) for _ in range(320))
    )
    statuses = {answer.status_code for answer in answers}
    assert statuses == {401, 429}
    assert (await small.ask("GET", "/health")).status_code == 200
    assert (await small.ask("GET", "/jobs", await small.key())).status_code == 200


async def test_whoever_asks_for_problem_details_gets_them(small: SmallService) -> None:
    headers = {"Accept": "application/problem+json, application/json;q=0.5"}
    answer = await small.ask("POST", "/pipeline/run", await small.key(), json={"x": 1}, headers=headers)
    said = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert (said["status"], said["instance"], said["code"]) == (400, "/pipeline/run", "INVALID_INPUT")
    assert said["errors"].keys() == {"video_url", "x"}
    assert said["request_id"] == answer.headers["X-Request-Id"]


async def test_a_request_keeps_the_number_it_came_with(small: SmallService) -> None:
    answer = await small.ask("GET", "/health", headers={"X-Request-Id": "my-1"})
    assert answer.headers["X-Request-Id"] == "my-1"
    for odd in ("a b", "x" * 200, "é".encode().decode("latin-1"), ""):
        answer = await small.ask("GET", "/health", headers={"X-Request-Id": odd.encode("latin-1")})
        assert re.fullmatch(r"req_[0-9a-f]{16}", answer.headers["X-Request-Id"])


async def test_a_webhook_that_comes_back_goes_no_further(small: SmallService) -> None:
    answer = await small.ask(
        "POST", "/pipeline/run", await small.key(), json={}, headers={"X-AIPROD-Delivery": "w"}
    )
    assert (answer.status_code, said_well(answer)["code"]) == (400, "WEBHOOK_LOOP")


async def test_a_mistake_of_ours_is_told_without_its_inside(small: SmallService, caplog: Any) -> None:
    key = await small.key()

    def break_down(*_: object, **__: object) -> None:
        raise ZeroDivisionError("secret inside")

    small.studio.page = break_down  # type: ignore[method-assign]
    answer = await small.ask("GET", "/jobs", key)
    assert (answer.status_code, said_well(answer)["message"]) == (500, "Internal server error")
    assert "secret" not in answer.text
    assert "ZeroDivisionError" in caplog.text

    def be_away(*_: object, **__: object) -> None:
        raise Broken("the ledger at postgresql://host is away")

    small.studio.page = be_away  # type: ignore[method-assign]
    answer = await small.ask("GET", "/jobs", key)
    assert (answer.status_code, said_well(answer)["type"]) == (503, "unavailable_error")
    assert answer.headers["Retry-After"] == "5"
    assert "postgresql" not in answer.text


async def test_health_and_readiness_are_two_things(small: SmallService) -> None:
    assert (await small.ask("GET", "/health")).json()["status"] == "ok"
    ready = await small.ask("GET", "/ready")
    assert (ready.status_code, ready.json()) == (200, {"status": "ready", "checks": {"database": "ok"}})

    def be_away() -> None:
        raise Broken("away")

    small.service.checks["disk"] = be_away  # type: ignore[index]
    ready = await small.ask("GET", "/ready")
    assert (ready.status_code, ready.json()["checks"]["disk"]) == (503, "failed")
    assert (await small.ask("GET", "/health")).status_code == 200


async def test_sockets_of_other_kinds_are_closed(small: SmallService) -> None:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    await web_app(small.service)({"type": "websocket", "path": "/jobs", "headers": []}, receive, send)
    assert sent == [{"type": "websocket.close", "code": 1000}]


async def test_answers_are_json_and_stay_with_whoever_asked(small: SmallService) -> None:
    answer = await small.ask("GET", "/jobs", await small.key())
    assert json.loads(answer.content)
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_one_too_many_is_told_to_come_again(small: SmallService) -> None:
    small.http = small.client(web_app(replace(small.service, most_at_once=3)))
    key = await small.key()
    answers = await asyncio.gather(*(small.ask("GET", "/jobs", key) for _ in range(9)))
    assert sorted(answer.status_code for answer in answers) == [200] * 3 + [503] * 6
    full = next(answer for answer in answers if answer.status_code == 503)
    assert (said_well(full)["retry_after"], full.headers["Retry-After"]) == (1, "1")
    assert (await small.ask("GET", "/jobs", key)).status_code == 200
