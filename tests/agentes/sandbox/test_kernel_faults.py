"""Everything that can be made to go wrong goes wrong as it says, through a real socket, and is booked as in life."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from tiny_vendor import PLAIN, LateVendor, TinyVendor

from agentes.sandbox.kernel.faults import ALLOWED, EVENTS, BadFault, Fault
from agentes.sandbox.kernel.sandbox import Sandbox

PICTURE = {"width": 64, "height": 48}
OF_A_JOB = ("refuse", "fail", "stuck", "no_output", "wrong_size", "wrong_length")


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(fakes={"tiny": TinyVendor, "late": LateVendor}) as opened:
        yield opened


@pytest.fixture
async def http(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": "Bearer any"}
    async with httpx.AsyncClient(
        verify=PLAIN, base_url=f"{sandbox.url}/tiny", headers=headers, timeout=5
    ) as client:
        yield client


def plant(sandbox: Sandbox, do: str, on: str = "start", **more: Any) -> None:
    sandbox.plant({"platform": "tiny", "on": on, "do": do, **more})


async def begin(http: httpx.AsyncClient, seconds: float = 1) -> str:
    number: str = (await http.post("/v1/clips", json={"seconds": seconds})).json()["id"]
    return number


@pytest.mark.parametrize(
    ("do", "status", "trouble"),
    [
        ("429", 429, "throttled"),
        ("429:retry_after=2", 429, "throttled"),
        ("500", 500, "broken"),
        ("502", 502, "broken"),
        ("503", 503, "broken"),
        ("refuse", 400, "refused"),
        ("out_of_credit", 402, "out_of_credit"),
        ("retired", 400, "retired"),
    ],
)
async def test_a_vendor_that_says_no_books_nothing(
    sandbox: Sandbox, http: httpx.AsyncClient, do: str, status: int, trouble: str
) -> None:
    plant(sandbox, do)
    answer = await http.post("/v1/pictures", json=PICTURE)
    assert (answer.status_code, answer.json()["trouble"]) == (status, trouble)
    assert answer.headers.get("retry-after") == ("2" if "=" in do else None)
    assert sandbox.ledger.entries == []
    assert (await http.post("/v1/pictures", json=PICTURE)).status_code == 200


async def test_a_reset_before_is_not_booked_and_a_reset_after_is(
    sandbox: Sandbox, http: httpx.AsyncClient
) -> None:
    plant(sandbox, "reset_before")
    with pytest.raises(httpx.ReadError):
        await http.post("/v1/pictures", json=PICTURE)
    assert sandbox.ledger.entries == []
    plant(sandbox, "reset_after")
    with pytest.raises(httpx.ReadError):
        await http.post("/v1/pictures", json=PICTURE)
    [entry] = sandbox.ledger.entries
    assert (entry.platform, entry.model, entry.usd.usd) == ("tiny", "tiny-1", "0.010000")
    assert entry.request_id == f"req-{entry.id}"


async def test_a_stalled_answer_comes_late_but_whole(sandbox: Sandbox, http: httpx.AsyncClient) -> None:
    plant(sandbox, "stall:0.3")
    begun = time.monotonic()
    answer = await http.post("/v1/pictures", json=PICTURE)
    assert 0.3 <= time.monotonic() - begun < 3
    assert answer.json()["id"] == sandbox.ledger.entries[0].id


async def test_a_stall_that_nobody_waits_for_is_booked_and_leaves_nothing_behind(
    sandbox: Sandbox, http: httpx.AsyncClient
) -> None:
    plant(sandbox, "stall:30")
    with pytest.raises(httpx.ReadTimeout):
        await http.post("/v1/pictures", json=PICTURE, timeout=0.3)
    assert len(sandbox.ledger.entries) == 1


async def test_a_dripping_answer_comes_byte_by_byte(sandbox: Sandbox, http: httpx.AsyncClient) -> None:
    plant(sandbox, "drip")
    begun = time.monotonic()
    async with http.stream("POST", "/v1/pictures", json=PICTURE) as answer:
        assert answer.status_code == 200
        pieces = answer.aiter_raw()
        assert [await anext(pieces), await anext(pieces)] == [b"{", b'"']
    assert 0.9 <= time.monotonic() - begun < 3
    assert len(sandbox.ledger.entries) == 1


async def test_a_truncated_answer_ends_in_the_middle(sandbox: Sandbox, http: httpx.AsyncClient) -> None:
    plant(sandbox, "truncate")
    async with http.stream("POST", "/v1/pictures", json=PICTURE) as answer:
        pieces = answer.aiter_raw()
        read = await anext(pieces)
        with pytest.raises(httpx.RemoteProtocolError):
            await anext(pieces)
    assert 0 < len(read) == int(answer.headers["content-length"]) // 2
    assert len(sandbox.ledger.entries) == 1


async def test_of_a_large_file_exactly_half_arrives_and_the_rest_can_be_fetched(
    sandbox: Sandbox, http: httpx.AsyncClient
) -> None:
    path = "/v1/clips/1/content?size=3000000"
    plant(sandbox, "truncate", "download")
    read = bytearray()

    async def read_all() -> None:
        async with http.stream("GET", path) as answer:
            async for piece in answer.aiter_raw():
                read.extend(piece)

    with pytest.raises(httpx.RemoteProtocolError):
        await read_all()
    assert len(read) == 1_500_000
    rest = await http.get(path, headers={"Range": "bytes=1500000-"})
    assert bytes(read) + rest.content == (await http.get(path)).content


async def test_an_answer_without_a_body_is_cut_in_its_head(sandbox: Sandbox, http: httpx.AsyncClient) -> None:
    number = await begin(http)
    plant(sandbox, "truncate", "cancel")
    with pytest.raises(httpx.RemoteProtocolError):
        await http.delete(f"/v1/clips/{number}")


async def test_nonsense_instead_of_an_answer_is_booked(sandbox: Sandbox, http: httpx.AsyncClient) -> None:
    answers = []
    for do in ("html", "empty", "bad_json"):
        plant(sandbox, do)
        answers.append(await http.post("/v1/pictures", json=PICTURE))
    assert {answer.status_code for answer in answers} == {200}
    page, nothing, half = answers
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.text.startswith("<!doctype html>")
    assert (nothing.content, nothing.headers["content-length"]) == (b"", "0")
    assert half.headers["content-type"] == "application/json"
    with pytest.raises(json.JSONDecodeError):
        half.json()
    assert len(sandbox.ledger.entries) == 3


# ── in the vendor's own way ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("do", "stage"), [("fail", "failed"), ("stuck", "running")])
async def test_a_job_can_be_born_with_its_fate(
    sandbox: Sandbox, http: httpx.AsyncClient, do: str, stage: str
) -> None:
    plant(sandbox, do)
    number = await begin(http)
    for _ in range(3):
        assert (await http.get(f"/v1/clips/{number}")).json()["stage"] == stage
    assert len(sandbox.ledger.entries) == 1


async def test_content_is_refused_late_where_the_vendor_does_so(sandbox: Sandbox) -> None:
    sandbox.plant({"platform": "late", "on": "start", "do": "refuse"})
    headers = {"Authorization": "Bearer any"}
    async with httpx.AsyncClient(verify=PLAIN, base_url=f"{sandbox.url}/late", headers=headers) as http:
        number = await begin(http)
        assert (await http.get(f"/v1/clips/{number}")).json()["stage"] == "refused"
    assert len(sandbox.ledger.entries) == 1


async def test_what_is_planted_on_a_look_passes_but_a_failure_stays(
    sandbox: Sandbox, http: httpx.AsyncClient
) -> None:
    number = await begin(http)
    for do in ("stuck", "no_output", "fail"):
        plant(sandbox, do, "check", nth={"stuck": 1, "no_output": 2, "fail": 4}[do])
    looks = [(await http.get(f"/v1/clips/{number}")).json() for _ in range(5)]
    assert [look["stage"] for look in looks] == ["running", "done", "done", "failed", "failed"]
    assert [look["url"] is not None for look in looks] == [False, False, True, False, False]


async def test_an_address_expires_where_it_was_planted(sandbox: Sandbox, http: httpx.AsyncClient) -> None:
    plant(sandbox, "expired")
    born_expired = (await http.post("/v1/pictures", json=PICTURE)).json()["url"]
    refused = await http.get(born_expired)
    assert (refused.status_code, refused.json()["trouble"]) == (403, "expired")
    number = await begin(http)
    plant(sandbox, "expired", "check")
    first, second = [(await http.get(f"/v1/clips/{number}")).json()["url"] for _ in range(2)]
    assert (await http.get(first)).status_code == 403
    plant(sandbox, "expired", "download")
    assert (await http.get(second)).status_code == 403
    assert (await http.get(second)).status_code == 200
    plant(sandbox, "expired", "download")
    assert (await http.get(f"/v1/clips/{number}/content")).status_code == 403


async def test_a_quick_vendor_that_is_stuck_never_answers(sandbox: Sandbox, http: httpx.AsyncClient) -> None:
    plant(sandbox, "stuck")
    with pytest.raises(httpx.ReadTimeout):
        await http.post("/v1/pictures", json=PICTURE, timeout=0.3)
    assert len(sandbox.ledger.entries) == 1


async def test_a_list_may_be_older_than_what_is_looked_for(sandbox: Sandbox, http: httpx.AsyncClient) -> None:
    number = await begin(http)
    plant(sandbox, "lag:60", "find", times=2)
    lists = [(await http.get("/v1/clips")).json()["clips"] for _ in range(3)]
    assert lists == [[], [], [number]]
    assert (await http.get(f"/v1/clips/{number}")).status_code == 200
    assert [seen.fault for seen in sandbox.seen][1:4] == ["lag:60", "lag:60", ""]


# ── when it strikes ────────────────────────────────────────────────────────────────────────────


async def test_a_fault_strikes_the_calls_it_counts(sandbox: Sandbox, http: httpx.AsyncClient) -> None:
    await http.get("/v1/clips")
    plant(sandbox, "503", "find", nth=2, times=2)
    statuses = []
    for _ in range(5):
        await http.get("/v1/me")
        statuses.append((await http.get("/v1/clips")).status_code)
    assert statuses == [200, 503, 503, 200, 200]
    assert sandbox.faults.pending() == []


async def test_faults_of_different_sorts_meet_in_one_call(sandbox: Sandbox, http: httpx.AsyncClient) -> None:
    plant(sandbox, "fail")
    plant(sandbox, "reset_after")
    with pytest.raises(httpx.ReadError):
        await http.post("/v1/clips", json={"seconds": 1})
    [entry] = sandbox.ledger.entries
    assert (await http.get(f"/v1/clips/{entry.id}")).json()["stage"] == "failed"
    assert [seen.fault for seen in sandbox.seen] == ["fail + reset_after", ""]


async def test_a_fault_is_for_its_platform_or_for_all(sandbox: Sandbox, http: httpx.AsyncClient) -> None:
    sandbox.plant({"platform": "late", "on": "find", "do": "500"})
    assert (await http.get("/v1/clips")).status_code == 200
    sandbox.plant({"platform": "*", "on": "find", "do": "500"})
    assert (await http.get("/v1/clips")).status_code == 500


@pytest.mark.parametrize("on", ["start", "check", "download", "find", "cancel"])
async def test_every_kind_of_call_can_be_reset(sandbox: Sandbox, http: httpx.AsyncClient, on: str) -> None:
    number = await begin(http)
    calls = {
        "start": ("POST", "/v1/clips"),
        "check": ("GET", f"/v1/clips/{number}"),
        "download": ("GET", f"/v1/clips/{number}/content"),
        "find": ("GET", "/v1/clips"),
        "cancel": ("DELETE", f"/v1/clips/{number}"),
    }
    plant(sandbox, "reset_before", on)
    with pytest.raises(httpx.ReadError):
        await http.request(*calls[on], json={"seconds": 1})


# ── planting ───────────────────────────────────────────────────────────────────────────────────


async def test_faults_are_planted_from_outside(sandbox: Sandbox, http: httpx.AsyncClient) -> None:
    address = f"{sandbox.url}/_sandbox/faults"
    one = {"platform": "tiny", "on": "find", "do": "500"}
    assert (await http.post(address, json=one)).json() == {"planted": 1}
    many = [one | {"nth": 2}, {"platform": "*", "on": "start", "do": "stall:1.5", "times": 3}]
    assert (await http.post(address, json=many)).json() == {"planted": 2}
    assert [each["do"] for each in (await http.get(address)).json()] == ["500", "500", "stall:1.5"]


@pytest.mark.parametrize(
    ("told", "named"),
    [
        ("not json", "not JSON"),
        ("3", "faults[0]"),
        ("[[]]", "faults[0]"),
        ('{"on": "start", "do": "429"}', "platform"),
        ('{"platform": "tiny", "on": "start"}', "do"),
        ('{"platform": "nobody", "on": "start", "do": "429"}', "runway"),
        ('{"platform": "draft_clip", "on": "start", "do": "429"}', "draft_clip"),
        ('{"platform": "tiny", "on": "poll", "do": "429"}', "download"),
        ('{"platform": "tiny", "on": "start", "do": "explode"}', "wrong_length"),
        ('{"platform": "tiny", "on": "start", "do": "429:retry_after=soon"}', "429:retry_after=SECONDS"),
        ('{"platform": "tiny", "on": "start", "do": "stall"}', "stall:SECONDS"),
        ('{"platform": "tiny", "on": "download", "do": "fail"}', "expired"),
        ('{"platform": "tiny", "on": "start", "do": "429", "nth": 0}', "nth"),
        ('{"platform": "tiny", "on": "start", "do": "429", "times": "2"}', "times"),
        ('{"platform": "tiny", "on": "start", "do": "429", "nth": true}', "nth"),
        ('{"platform": "tiny", "on": "start", "do": "429", "when": 1}', "when"),
        (
            '[{"platform": "tiny", "on": "start", "do": "429"}, {"platform": "tiny", "on": "start", "do": 5}]',
            "faults[1].do",
        ),
    ],
)
async def test_a_wrong_fault_is_named_and_none_is_planted(
    sandbox: Sandbox, http: httpx.AsyncClient, told: str, named: str
) -> None:
    answer = await http.post(f"{sandbox.url}/_sandbox/faults", content=told)
    assert answer.status_code == 400
    assert named in answer.json()["error"]
    assert sandbox.faults.pending() == []


@pytest.mark.parametrize("on", EVENTS)
@pytest.mark.parametrize("named", ALLOWED)
def test_all_that_is_allowed_can_be_planted(on: str, named: str) -> None:
    told = {"platform": "*", "on": on, "do": named.replace("SECONDS", "2")}
    if on != "find" and named == "lag:SECONDS":
        with pytest.raises(BadFault, match="not to a download" if on == "download" else "happens to a list"):
            Fault.read(told, "it", ())
    elif on == "download" and named in OF_A_JOB:
        with pytest.raises(BadFault, match="not to a download"):
            Fault.read(told, "it", ())
    else:
        assert Fault.read(told, "it", ()).do == told["do"]
