"""What every fake can count on: routes, keys, a billing book, jobs that take time, links that expire, one seed."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from practice import Practice
from tiny_vendor import CENT, PLAIN, TinyVendor

from agentes.sandbox.kernel.calls import Answer, Call
from agentes.sandbox.kernel.files import Files
from agentes.sandbox.kernel.house import House, Stage
from agentes.sandbox.kernel.ledger import Ledger
from agentes.sandbox.kernel.sandbox import Sandbox
from shared_knowledge.catalogue import Catalogue
from shared_knowledge.money import Money
from shared_knowledge.platform_facts import Unit

SOLD_BY = (Unit.CLIP, Unit.IMAGE, Unit.SECOND, Unit.FIRST_MEGAPIXEL, Unit.CHARACTERS)
PICTURE = {"width": 64, "height": 48}


@pytest.fixture
async def played() -> AsyncIterator[Sandbox]:
    async with Sandbox(fakes={"tiny": TinyVendor}) as sandbox:
        yield sandbox


@pytest.fixture
async def http(played: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": "Bearer any"}
    async with httpx.AsyncClient(
        verify=PLAIN, base_url=f"{played.url}/tiny", headers=headers, timeout=5
    ) as client:
        yield client


def house(latency_s: float = 0.0, seed: int = 1, platform: str = "runway") -> House:
    return House(platform, Ledger(), Files(seed), latency_s=latency_s, seed=seed)


def call(twist: str | None = None) -> Call:
    return Call("POST", "/v1/x", "http://127.0.0.1:1/runway", twist=twist)


# ── routes and keys ────────────────────────────────────────────────────────────────────────────


async def test_the_most_particular_route_answers(http: httpx.AsyncClient) -> None:
    assert (await http.get("/v1/clips/latest")).json() == {"clip": None}
    assert (await http.get("/v1/clips/none")).json() == {"trouble": "not_found"}
    assert (await http.get("/open/a/b%20c/d")).json()["name"] == "a/b c/d"
    assert (await http.post("/v1/models/x.y-1:predict")).json()["model"] == "x.y-1"
    assert (await http.get("/v1/clips", params={"page": "2"})).json()["page"] == "2"


async def test_other_paths_and_verbs_are_not_found_in_the_vendors_words(http: httpx.AsyncClient) -> None:
    for method, path in (("GET", "/v1/nothing"), ("PUT", "/v1/me"), ("GET", "/")):
        answer = await http.request(method, path)
        assert (answer.status_code, answer.json()) == (404, {"trouble": "not_found"})


async def test_who_is_not_in_the_catalogue_is_not_here(played: Sandbox) -> None:
    async with httpx.AsyncClient(verify=PLAIN, base_url=played.url) as http:
        answer = await http.get("/nobody/v1/x")
        assert answer.status_code == 404
        assert "runway" in answer.json()["error"]


async def test_a_platform_without_a_fake_says_so(played: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(played, "platforms", (*played.platforms, "not_written_yet"))
    async with httpx.AsyncClient(verify=PLAIN, base_url=played.url) as http:
        answer = await http.get("/not_written_yet/v1/x")
        assert (answer.status_code, answer.json()) == (
            501,
            {"error": "The sandbox cannot play not_written_yet yet."},
        )


async def test_any_key_is_good_but_none_and_the_bad_one(played: Sandbox) -> None:
    async with httpx.AsyncClient(verify=PLAIN, base_url=f"{played.url}/tiny") as http:
        for key in (None, "Bearer", "Bearer bad-key", "nothing"):
            answer = await http.post(
                "/v1/pictures", json=PICTURE, headers={"Authorization": key} if key else {}
            )
            assert (answer.status_code, answer.json()) == (401, {"trouble": "bad_key"}), key
        assert (await http.get("/v1/me", headers={"Authorization": "Bearer x"})).json() == {"key": "x"}
        assert (await http.get("/open/x")).status_code == 200
    assert played.ledger.entries == []


async def test_a_request_the_fake_stumbles_over_is_a_bad_request(
    played: Sandbox, http: httpx.AsyncClient
) -> None:
    for body in (b"", b"{", b"[]", b'{"width": "wide", "height": 1}', b'{"width": 0, "height": 0}'):
        answer = await http.post("/v1/pictures", content=body)
        if body != b'{"width": 0, "height": 0}':
            assert (answer.status_code, answer.json()) == (400, {"trouble": "bad_request"}), body
    assert [seen.why.partition(":")[0] for seen in played.seen][:3] == ["JSONDecodeError"] * 2 + ["TypeError"]


async def test_a_fake_that_breaks_after_booking_is_our_own_mistake(http: httpx.AsyncClient) -> None:
    answer = await http.post("/v1/pictures", json=PICTURE | {"break": True})
    assert answer.status_code == 500
    assert "after it was booked" in answer.text
    assert (await http.get("/v1/broken")).status_code == 500
    assert (await http.get("/v1/me")).status_code == 200


async def test_forms_are_read(http: httpx.AsyncClient) -> None:
    content = bytes(range(256)) + b"\r\n--x\r\n\r\n"
    files = [("image[]", ("á.png", content, "image/png")), ("image[]", ("b", b"", "image/webp"))]
    answer = await http.post("/v1/form", data={"prompt": "uma caneca\r\nvermelha ☕"}, files=files)
    assert answer.json() == {
        "prompt": ["uma caneca\r\nvermelha ☕"],
        "image[]": [["á.png", "image/png", content.hex()], ["b", "image/webp", ""]],
    }
    boundless = "multipart/form-data"
    for kind in ("application/json", f"{boundless}; boundary=b", boundless):
        answer = await http.post("/v1/form", content=b"x", headers={"Content-Type": kind})
        assert answer.status_code == 400, kind


# ── the book ───────────────────────────────────────────────────────────────────────────────────


async def test_the_book_lists_every_paid_start_in_order(played: Sandbox, http: httpx.AsyncClient) -> None:
    picture = (await http.post("/v1/pictures", json=PICTURE)).json()
    clip = (await http.post("/v1/clips", json={"seconds": 1})).json()
    first, second = (await http.get(f"{played.url}/_sandbox/ledger")).json()
    at = datetime.fromisoformat(first.pop("at"))
    assert abs(datetime.now(UTC) - at) < timedelta(seconds=30)
    assert first == {
        "n": 1,
        "platform": "tiny",
        "model": "tiny-1",
        "id": picture["id"],
        "usd": "0.010000",
        "request_id": f"req-{picture['id']}",
    }
    assert (second["n"], second["id"], second["usd"]) == (2, clip["id"], "0.050000")
    assert second["request_id"] == f"req-{clip['id']}"
    assert played.ledger.total() == CENT * 6


async def test_a_reset_forgets_everything(played: Sandbox, http: httpx.AsyncClient) -> None:
    first = (await http.post("/v1/pictures", json=PICTURE)).json()
    clip = (await http.post("/v1/clips", json={"seconds": 1})).json()["id"]
    played.plant({"platform": "*", "on": "start", "do": "500"})
    assert (await http.post(f"{played.url}/_sandbox/reset")).json() == {"reset": True}
    assert (played.ledger.entries, played.faults.pending(), list(played.seen)) == ([], [], [])
    assert (await http.get(first["url"])).status_code == 403
    assert (await http.get(f"/v1/clips/{clip}")).status_code == 404
    again = (await http.post("/v1/pictures", json=PICTURE)).json()
    assert again["id"] == first["id"]


async def test_prices_are_the_catalogues() -> None:
    assert house().price("gen4_turbo", times=5) == Money.dollars("0.25")
    assert house().price("veo3.1", times=8, audio=True) > house().price("veo3.1", times=8, audio=False)
    assert house().price("veo3.1", times=8) == house().price("veo3.1", times=8, audio=True)
    assert house().price("never-heard-of") == 0
    assert house(platform="elevenlabs").price("eleven_v4", times=1000) == Money.dollars("0.08")
    least = house().price("seedance2_mini", times=1)
    assert least == Money.dollars("0.64")


async def test_every_price_in_force_can_be_charged() -> None:
    today = datetime.now(UTC).date()
    for platform, model in Catalogue.load().models():
        sold = [price for price in model.prices if price.holds(today)]
        if not platform.local and any(price.unit in SOLD_BY or price.tokens_per_s for price in sold):
            assert house(platform=platform.id).price(model.id, times=4, references=1) > 0, model.id


# ── jobs and time ──────────────────────────────────────────────────────────────────────────────


async def test_a_job_waits_then_runs_then_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    office = house(latency_s=10)
    now = time.time()
    monkeypatch.setattr(office, "now", lambda: now)
    work = office.begin(call(), model="gen4_turbo", usd=CENT, number="n")
    stages = []
    for passed_s in (0, 1.9, 2, 9.9, 10):
        monkeypatch.setattr(office, "now", lambda passed_s=passed_s: now + passed_s)
        stages.append(office.stage(work, call()))
    assert stages == [Stage.WAITING, Stage.WAITING, Stage.RUNNING, Stage.RUNNING, Stage.DONE]
    work.cancelled = True
    assert office.stage(work, call()) is Stage.CANCELLED


async def test_latency_holds_quick_answers_and_jobs_but_not_their_receipts() -> None:
    headers = {"Authorization": "Bearer any"}
    async with (
        Sandbox(latency_s=0.5, fakes={"tiny": TinyVendor}) as slow,
        httpx.AsyncClient(verify=PLAIN, base_url=f"{slow.url}/tiny", headers=headers) as http,
    ):
        begun = time.monotonic()
        number = (await http.post("/v1/clips", json={"seconds": 1})).json()["id"]
        assert (await http.get(f"/v1/clips/{number}")).json()["stage"] in ("waiting", "running")
        assert time.monotonic() - begun < 0.5
        await http.post("/v1/pictures", json=PICTURE)
        assert time.monotonic() - begun >= 0.5
        assert (await http.get(f"/v1/clips/{number}")).json()["stage"] == "done"


async def test_the_same_seed_gives_the_same_numbers_and_files() -> None:
    async def story(seed: int) -> list[object]:
        headers = {"Authorization": "Bearer any"}
        async with (
            Sandbox(seed=seed, fakes={"tiny": TinyVendor}) as sandbox,
            httpx.AsyncClient(verify=PLAIN, base_url=f"{sandbox.url}/tiny", headers=headers) as http,
        ):
            told: list[object] = []
            for _ in range(2):
                picture = (await http.post("/v1/pictures", json=PICTURE)).json()
                told += [picture["id"], (await http.get(picture["url"])).content]
            return [*told, (await http.post("/v1/clips", json={"seconds": 1})).json()["id"]]

    one, same, other = [await story(seed) for seed in (7, 7, 8)]
    assert one == same
    assert not set(map(str, one)) & set(map(str, other))
    assert one[1] != one[3]
    assert re.fullmatch(
        r"clip_[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", str(one[4])
    )


# ── files ──────────────────────────────────────────────────────────────────────────────────────


async def test_a_link_is_signed_expires_and_needs_no_key(played: Sandbox, http: httpx.AsyncClient) -> None:
    url = httpx.URL((await http.post("/v1/pictures", json=PICTURE)).json()["url"])
    assert url.path.startswith("/_files/tiny/")
    assert (await http.get(url, headers={"Authorization": ""})).headers["content-type"] == "image/png"
    later = url.copy_set_param("Expires", str(int(url.params["Expires"]) + 1))
    unsigned = url.copy_remove_param("Signature")
    for address in (later, unsigned, str(url).replace("/tiny/", "/other/"), f"{played.url}/_files/tiny/x"):
        assert (await http.get(address)).status_code == 403, address
    assert (await http.post(url)).status_code == 403


async def test_a_link_says_the_host_that_was_asked(played: Sandbox, http: httpx.AsyncClient) -> None:
    for host, shown in ((f"localhost:{played.port}", "localhost"), ("evil.example", "127.0.0.1")):
        answer = await http.get("/open/x", headers={"Host": host})
        assert answer.json()["here"] == f"http://{shown}:{played.port}/tiny"


async def test_a_file_can_be_fetched_in_parts(http: httpx.AsyncClient) -> None:
    path, whole = "/v1/clips/1/content", bytes(range(256))
    full = await http.get(path)
    assert (full.status_code, full.content, full.headers["accept-ranges"]) == (200, whole, "bytes")
    for wanted, first, last in (("0-9", 0, 9), ("250-", 250, 255), ("-6", 250, 255), ("200-999", 200, 255)):
        part = await http.get(path, headers={"Range": f"bytes={wanted}", "If-Range": full.headers["etag"]})
        assert (part.status_code, part.content) == (206, whole[first : last + 1])
        assert part.headers["content-range"] == f"bytes {first}-{last}/256"
    assert (await http.get(path, headers={"Range": "bytes=256-"})).status_code == 416
    for odd in ({"Range": "bytes=-"}, {"Range": "lines=1-2"}, {"Range": "bytes=1-2", "If-Range": '"other"'}):
        assert (await http.get(path, headers=odd)).content == whole


async def test_the_clip_of_a_job_is_the_same_at_every_look(
    played: Sandbox, http: httpx.AsyncClient, agentes_home: object
) -> None:
    number = (await http.post("/v1/clips", json={"seconds": 1})).json()["id"]
    looks = [(await http.get(f"/v1/clips/{number}")).json()["url"] for _ in range(2)]
    one, other = [(await http.get(url)).content for url in looks]
    assert one == other
    assert looks[0].split("?")[0] == looks[1].split("?")[0]
    assert "/a%20clip.mp4?" in looks[0]


def test_old_files_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agentes.sandbox.kernel.files._MOST_BYTES", 100)
    office = house()
    addresses = [office.keep(call(), bytes(60), "image/png") for _ in range(2)]
    found = []
    for address in addresses:
        url = httpx.URL(address)
        token = url.path.split("/")[3]
        found.append(office._files.find(token, dict(url.params), time.time()) is not None)
    assert found == [False, True]


def test_an_expired_answer_is_what_a_store_says() -> None:
    assert Answer.expired().status == 403
    assert b"Request has expired" in Answer.expired().body


# ── the fixture ────────────────────────────────────────────────────────────────────────────────


def test_the_fixture_runs_beside_the_test(sandbox: Practice) -> None:
    assert sandbox.seen == []
    assert sandbox.ledger() == []
    sandbox.fault("*", "start", "503", nth=2, times=3)
    pending = httpx.get(f"{sandbox.url}/_sandbox/faults").json()
    assert pending == [{"platform": "*", "on": "start", "do": "503", "nth": 2, "times": 3, "met": 0}]
    httpx.post(f"{sandbox.url}/runway/v1/nothing?a=b", content=b"body", headers={"X-Own": "1"})
    [seen] = sandbox.seen
    assert (seen.platform, seen.method, seen.path, seen.query) == (
        "runway",
        "POST",
        "/v1/nothing",
        {"a": "b"},
    )
    assert (seen.headers["x-own"], seen.body) == ("1", b"body")


def test_the_fixture_begins_anew(sandbox: Practice) -> None:
    assert sandbox.seen == []
    assert httpx.get(f"{sandbox.url}/_sandbox/faults").json() == []


def test_a_practice_of_ones_own_opens_and_closes() -> None:
    practice = Practice(fakes={"tiny": TinyVendor}, seed=3)
    practice.open()
    assert httpx.get(f"{practice.url}/tiny/open/x").json()["name"] == "x"
    practice.close()
    with pytest.raises(httpx.ConnectError):
        httpx.get(practice.url)
