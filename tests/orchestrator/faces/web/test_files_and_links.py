"""Files are handed out whole or in part, with a key or by a link that lapses, and never to anybody else."""

from __future__ import annotations

import hashlib
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from small_service import SmallService

CONTENT = bytes(range(256)) * 4


@pytest.fixture
async def made(small: SmallService) -> tuple[SmallService, dict[str, str], str]:
    """A job with a film."""
    key = await small.key()
    job_id = await small.run(key)
    await small.make(job_id, CONTENT)
    await small.end(job_id)
    return small, key, f"/jobs/{job_id}/assets/film.mp4"


async def link(small: SmallService, key: dict[str, str], path: str) -> str:
    said = (await small.ask("GET", path.rpartition("/assets")[0], key)).json()
    url = urlsplit(said["result"]["video_url"])
    return f"{url.path}?{url.query}"


async def test_a_film_is_fetched_whole(made: tuple[SmallService, dict[str, str], str]) -> None:
    small, key, path = made
    answer = await small.ask("GET", path, key)
    assert (answer.status_code, answer.content) == (200, CONTENT)
    assert answer.headers["content-type"] == "video/mp4"
    assert answer.headers["etag"] == f'"{hashlib.sha256(CONTENT).hexdigest()}"'
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["content-length"] == str(len(CONTENT))
    assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
    head = await small.ask("HEAD", path, key)
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(CONTENT)))


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [("bytes=0-9", 0, 10), ("bytes=10-", 10, 1024), ("bytes=-24", 1000, 1024), ("bytes=1023-9999", 1023, 1024),
     ("bytes=-99999", 0, 1024), ("bytes=0-0", 0, 1)],
)  # fmt: skip
async def test_a_stretch_of_it(
    made: tuple[SmallService, dict[str, str], str], asked: str, start: int, end: int
) -> None:
    small, key, path = made
    answer = await small.ask("GET", path, key, headers={"Range": asked})
    assert (answer.status_code, answer.content) == (206, CONTENT[start:end])
    assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/1024"


@pytest.mark.parametrize(
    "asked",
    ["bytes=1024-", "bytes=9999-99999", "bytes=-0", "bytes=0-1,2-3",
     "bytes=" + ",".join(f"{n}-{n}" for n in range(2000)), "bytes=999999999999999999-"],
)  # fmt: skip
async def test_a_stretch_that_is_not_there(
    made: tuple[SmallService, dict[str, str], str], asked: str
) -> None:
    small, key, path = made
    answer = await small.ask("GET", path, key, headers={"Range": asked})
    assert answer.status_code == 416, answer.headers
    assert answer.json()["error"]["type"] == "range_error"
    assert answer.headers["content-range"] == "bytes */1024"


@pytest.mark.parametrize(
    "asked", ["pages=1-2", "bytes", "bytes=x", "bytes=5-1", "bytes=-", "bytes=٣-٤", "0-9"]
)
async def test_what_is_no_range_asks_for_all(
    made: tuple[SmallService, dict[str, str], str], asked: str
) -> None:
    small, key, path = made
    answer = await small.ask("GET", path, key, headers={b"Range": asked.encode()})  # type: ignore[dict-item]
    assert (answer.status_code, len(answer.content)) == (200, 1024)


async def test_what_is_known_already_is_not_sent_again(
    made: tuple[SmallService, dict[str, str], str],
) -> None:
    small, key, path = made
    tag = (await small.ask("GET", path, key)).headers["etag"]
    known = await small.ask("GET", path, key, headers={"If-None-Match": tag})
    assert (known.status_code, known.content) == (304, b"")
    part = {"Range": "bytes=0-9", "If-Range": tag}
    assert (await small.ask("GET", path, key, headers=part)).status_code == 206
    part["If-Range"] = '"another"'
    assert (await small.ask("GET", path, key, headers=part)).status_code == 200


async def test_a_link_opens_the_film_without_a_key_for_a_day(
    made: tuple[SmallService, dict[str, str], str],
) -> None:
    small, key, path = made
    with time_machine.travel("2026-11-21T12:00:00Z", tick=False) as clock:
        signed = await link(small, key, path)
        assert (await small.ask("GET", signed)).content == CONTENT
        assert (await small.ask("GET", signed, headers={"Range": "bytes=0-0"})).content == b"\x00"
        clock.shift(86_399)
        assert (await small.ask("GET", signed)).status_code == 200
        clock.shift(2)
        late = await small.ask("GET", signed)
        assert (late.status_code, late.json()["error"]["code"]) == (403, "LINK_LAPSED")


async def test_a_link_opens_nothing_else(made: tuple[SmallService, dict[str, str], str]) -> None:
    small, key, path = made
    signed = await link(small, key, path)
    said = parse_qs(urlsplit(signed).query)
    expires, signature = said["expires"][0], said["signature"][0]
    other = await small.run(key)
    await small.make(other, b"another film")
    for bad in (
        signed.replace(expires, str(int(expires) + 1)),
        signed.replace("film.mp4", "voice-1.wav"),
        f"/jobs/{other}/assets/film.mp4?expires={expires}&signature={signature}",
        f"{path}?expires={expires}&signature={'0' * 64}",
    ):
        answer = await small.ask("GET", bad)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "INVALID_LINK"), bad
    for bad in (path, f"{path}?expires={expires}", f"{path}?signature={signature}"):
        assert (await small.ask("GET", bad)).status_code == 401
    for bad in (f"{path}?expires=x&signature={signature}", f"{path}?expires=1&signature=x", f"{signed}&a=1"):
        assert (await small.ask("GET", bad)).status_code == 400
    assert (await small.ask("GET", signed, {"Authorization": "Bearer wrong"})).status_code == 401


@pytest.mark.parametrize(
    "name", ["..%2f..%2fledger.db", "ledger.db", "film", "FILM.MP4", "film.mp4%00", "%2e%2e"]
)
async def test_only_what_was_made_has_a_name(
    made: tuple[SmallService, dict[str, str], str], name: str
) -> None:
    small, key, path = made
    assert (await small.ask("GET", path.replace("film.mp4", name), key)).status_code == 404


async def test_a_file_that_is_gone_is_not_there(made: tuple[SmallService, dict[str, str], str]) -> None:
    small, key, path = made
    for file in (small.home / "shelf").rglob("*.mp4"):
        file.unlink()
    assert (await small.ask("GET", path, key)).status_code == 404


async def test_what_was_erased_cannot_be_fetched_and_the_ledger_stays(
    made: tuple[SmallService, dict[str, str], str],
) -> None:
    small, key, path = made
    signed = await link(small, key, path)
    twin = await small.run(key)
    said = (await small.ask("DELETE", "/me/data?before=2020-01-01T00:00:00Z", key)).json()
    assert (said["jobs"], said["left"]) == (0, [])
    said = (await small.ask("DELETE", "/me/data", key)).json()
    assert (said["jobs"], said["files"], said["left"]) == (1, 1, [twin])
    assert (await small.ask("GET", path, key)).status_code == 404
    assert (await small.ask("GET", signed)).status_code == 404
    job = (await small.ask("GET", path.rpartition("/assets")[0], key)).json()
    assert (job["status"], job["result"], job["metadata"]) == ("COMPLETED", None, None)
    assert job["erased_at"]
    assert not list((small.home / "shelf").rglob("*.mp4"))
    assert small.jobs.get(job["job_id"]).brief.text == "…"


async def test_a_file_that_others_have_too_stays_for_them(on_both: SmallService) -> None:
    small = on_both
    mine, theirs = await small.key("acme"), await small.key("other")
    for key in (mine, theirs):
        job_id = await small.run(key)
        await small.make(job_id, b"the same film")
        await small.end(job_id)
    assert (await small.ask("DELETE", "/me/data", mine)).json()["files"] == 0
    assert (await small.ask("GET", f"/jobs/{job_id}/assets/film.mp4", theirs)).content == b"the same film"
