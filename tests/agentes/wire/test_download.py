"""Media come whole, resumed where they were cut, checked on every hop, and never with our key in the wrong place."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from loose_server import Asked, LooseServer, answer, serving

from agentes.wire.auth import sign_in
from agentes.wire.clock import Clock
from agentes.wire.download import Fetched, LinkExpired, fetch
from agentes.wire.guard import Dialler, Guard
from agentes.wire.network import Network
from config.secrets import SecretManager
from shared_knowledge.catalogue import Catalogue
from shared_knowledge.errors import Broken, Failed, Throttled, Unreachable, Unsuitable
from shared_knowledge.vocabulary import Medium

CANARY = "cnry-7Qx2mVb9Lk4Tz8Wd3Rp6"
CLIP = b"\0\0\0\x20ftypisom" + os.urandom(400_000)
Script = list[Callable[[Asked], bytes] | bytes]


async def _at_once(_: float) -> None:
    await asyncio.sleep(0)


QUICK = Clock(sleep=_at_once)


def scripted(script: Script) -> Callable[[Asked, asyncio.StreamWriter], Any]:
    """Answers in their order; the last one again and again."""
    left = list(script)

    async def reply(asked: Asked, writer: asyncio.StreamWriter) -> None:
        step = left.pop(0) if len(left) > 1 else left[0]
        writer.write(step if isinstance(step, bytes) else step(asked))

    return reply


def ranged(asked: Asked, *, tag: str = '"v1"', content: bytes = CLIP) -> bytes:
    """What a good server answers, to a question for the rest too."""
    wanted = asked.headers.get("range")
    if wanted is None or asked.headers.get("if-range") != tag:
        return answer(200, content, etag=tag)
    start = int(wanted.removeprefix("bytes=").removesuffix("-"))
    told = f"bytes {start}-{len(content) - 1}/{len(content)}"
    return answer(206, content[start:], etag=tag, content_range=told)


def cut(at: int, *, tag: str = '"v1"') -> Callable[[Asked], bytes]:
    """A good answer that breaks off after so many bytes of its body."""

    def reply(asked: Asked) -> bytes:
        head, _, body = ranged(asked, tag=tag).partition(b"\r\n\r\n")
        return head + b"\r\n\r\n" + body[:at]

    return reply


@pytest.fixture
async def network() -> AsyncIterator[Network]:
    async with Network(Dialler(Guard(["127.0.0.1"]))) as network:
        yield network


async def brought(
    server: LooseServer, into: Path, network: httpx.AsyncBaseTransport, path: str = "/clip", **told: Any
) -> Fetched:
    asked: dict[str, Any] = {
        "network": network,
        "guard": Guard(["127.0.0.1"]),
        "medium": Medium.VIDEO,
        "mask": str,
        "deadline_s": 20.0,
        "clock": QUICK,
    }
    return await fetch(f"{server.url}{path}", into, **asked | told)


def lying(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


# ── what arrives ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("length", [None, -1])
async def test_a_file_arrives_whole_measured_and_named(
    tmp_path: Path, network: Network, length: int | None
) -> None:
    async with serving(scripted([answer(200, CLIP, length=length, content_type="text/plain")])) as server:
        found = await brought(server, tmp_path / "order_1", network)
    assert found.path == tmp_path / "order_1.mp4"
    assert found.path.read_bytes() == CLIP
    assert found == Fetched(found.path, hashlib.sha256(CLIP).hexdigest(), len(CLIP), "video/mp4")
    assert lying(tmp_path) == ["order_1.mp4"]
    assert server.seen[0].headers["accept-encoding"] == "identity"
    assert "authorization" not in server.seen[0].headers


async def test_a_cut_file_is_resumed_where_it_was_cut(tmp_path: Path, network: Network) -> None:
    async with serving(scripted([cut(100_000), cut(50_000), cut(0), ranged])) as server:
        found = await brought(server, tmp_path / "clip", network)
    assert found.path.read_bytes() == CLIP
    assert found.sha256 == hashlib.sha256(CLIP).hexdigest()
    asked = [(each.headers.get("range"), each.headers.get("if-range")) for each in server.seen]
    assert asked == [(None, None), ("bytes=100000-", '"v1"'), *[("bytes=150000-", '"v1"')] * 2]


async def test_a_date_tells_as_well_whether_it_is_still_the_same(tmp_path: Path, network: Network) -> None:
    date = "Sat, 21 Nov 2026 04:00:00 GMT"

    def first(_: Asked) -> bytes:
        return answer(200, CLIP[:9000], length=len(CLIP), last_modified=date)

    def rest(asked: Asked) -> bytes:
        assert (asked.headers["range"], asked.headers["if-range"]) == ("bytes=9000-", date)
        told = f"bytes 9000-{len(CLIP) - 1}/{len(CLIP)}"
        return answer(206, CLIP[9000:], last_modified=date, content_range=told)

    async with serving(scripted([first, rest])) as server:
        assert (await brought(server, tmp_path / "clip", network)).path.read_bytes() == CLIP


NEW = b"\0\0\0\x20ftypmp42" + os.urandom(200_000)


@pytest.mark.parametrize(
    "then",
    [
        lambda asked: ranged(asked, tag='"v2"', content=NEW),
        lambda asked: answer(200, NEW),
        lambda asked: answer(206, NEW[9:], content_range=f"bytes 9-{len(NEW) - 1}/{len(NEW)}"),
        lambda asked: answer(206, NEW[100_000:], content_range=f"bytes 100000-200011/{len(NEW)}"),
        lambda asked: answer(206, CLIP[100_000:], etag='"v9"', content_range=f"bytes 100000-1/{len(CLIP)}"),
        lambda asked: answer(206, NEW[100_000:]),
        lambda asked: answer(416, b"", content_range="bytes */7"),
    ],
)
async def test_another_file_is_never_sewn_to_the_first(
    tmp_path: Path, network: Network, then: Callable[[Asked], bytes]
) -> None:
    script: Script = [cut(100_000), then, lambda asked: answer(200, NEW)]
    async with serving(scripted(script)) as server:
        found = await brought(server, tmp_path / "clip", network)
    assert found.path.read_bytes() == NEW
    assert found.sha256 == hashlib.sha256(NEW).hexdigest()


async def test_without_a_mark_it_begins_anew(tmp_path: Path, network: Network) -> None:
    short = answer(200, CLIP[:9000], length=len(CLIP), etag='W/"weak"')
    async with serving(scripted([short, answer(200, CLIP)])) as server:
        assert (await brought(server, tmp_path / "clip", network)).path.read_bytes() == CLIP
        assert "range" not in server.seen[1].headers


@pytest.mark.parametrize(
    "trouble",
    [answer(500, b"x"), answer(503), answer(429, retry_after="1"), answer(408), b"", b"HTTP/1.1 20"],
)
async def test_trouble_that_passes_is_waited_out(tmp_path: Path, network: Network, trouble: bytes) -> None:
    async with serving(scripted([trouble, trouble, answer(200, CLIP)])) as server:
        assert (await brought(server, tmp_path / "clip", network)).size == len(CLIP)


async def test_a_vendor_that_asks_for_patience_is_given_it(tmp_path: Path, network: Network) -> None:
    waits: list[float] = []

    async def wait(seconds: float) -> None:
        waits.append(seconds)

    async with serving(scripted([answer(429, retry_after="7"), answer(200, CLIP)])) as server:
        await brought(server, tmp_path / "clip", network, clock=Clock(sleep=wait))
    assert waits == [7.0]
    async with serving(scripted([answer(429, retry_after="9000")])) as server:
        with pytest.raises(Throttled, match="asks for patience"):
            await brought(server, tmp_path / "clip", network, clock=Clock(sleep=wait))
    assert waits == [7.0]


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (answer(503), "answered 503"),
        (answer(200, b""), "is empty"),
        (answer(200, CLIP[:500], length=len(CLIP)), "cut off after 500 bytes"),
        (b"", "cut off after 0 bytes"),
    ],
)
async def test_trouble_that_stays_is_told_after_a_few_tries(
    tmp_path: Path, network: Network, step: bytes, words: str
) -> None:
    async with serving(scripted([step])) as server:
        with pytest.raises(Unreachable, match=words):
            await brought(server, tmp_path / "clip", network)
        assert 4 <= len(server.seen) <= 5
    assert lying(tmp_path) == []


async def test_one_that_drips_is_ended_by_the_deadline(tmp_path: Path, network: Network) -> None:
    async def drip(_: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(200, CLIP[:100], length=len(CLIP)))
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.05)

    async with serving(drip) as server:
        with pytest.raises(Unreachable, match="did not arrive within 0 s"):
            await brought(server, tmp_path / "clip", network, deadline_s=0.3)
    assert lying(tmp_path) == []


async def test_a_cancelled_download_leaves_nothing(tmp_path: Path, network: Network) -> None:
    async def hang(_: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(200, CLIP, length=10**9))
        await writer.drain()
        await asyncio.sleep(60)

    async with serving(hang) as server:
        task = asyncio.create_task(brought(server, tmp_path / "clip", network))
        await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert lying(tmp_path) == []


# ── what may not arrive ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("length", [None, -1])
async def test_what_is_too_large_is_stopped(tmp_path: Path, network: Network, length: int | None) -> None:
    async with serving(scripted([answer(200, CLIP, length=length)])) as server:
        with pytest.raises(Unsuitable, match="is too large"):
            await brought(server, tmp_path / "clip", network, most_bytes=200_000)
        assert len(server.seen) == 1
    assert lying(tmp_path) == []


async def test_every_medium_has_its_limit(tmp_path: Path, network: Network) -> None:
    picture = b"\x89PNG\r\n\x1a\n" + bytes(100)
    async with serving(scripted([answer(200, picture, length=51_000_000)])) as server:
        with pytest.raises(Unsuitable, match="51 MB, where 50 MB are taken"):
            await brought(server, tmp_path / "picture", network, medium=Medium.PHOTO)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (
            b"<!doctype html>\n<title>Sign in</title>" + bytes(9000),
            "begins “<!doctype html> <title>Sign in</title>",
        ),
        (b'{"error": {"code": 7}}', 'begins “{"error"'),
        (b"ffconcat version 1.0\nfile 'ok.ts'\n", "begins “ffconcat"),
        (b"#EXTM3U\n#EXT-X-VERSION:3\n", "begins “#EXTM3U"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "sent image/png, which is no video"),
        (b"<svg xmlns='x'>", "begins “<svg"),
        (b"\0\1\2", "no video"),
    ],
)
async def test_a_page_named_clip_mp4_is_no_clip(
    tmp_path: Path, network: Network, body: bytes, words: str
) -> None:
    async with serving(scripted([answer(200, body, content_type="video/mp4")])) as server:
        with pytest.raises((Unsuitable, Unreachable)) as refused:
            await brought(server, tmp_path / "clip", network, "/clip.mp4")
        assert words in refused.value.what
        # A door-keeper's page may be there for a moment; another file is no accident.
        assert len(server.seen) == (1 if words.startswith("sent image/png") else 4)
    assert lying(tmp_path) == []


async def test_what_a_page_says_is_shown_short_and_masked(tmp_path: Path, network: Network) -> None:
    secrets = SecretManager({})
    secrets.remember("A_KEY", CANARY)
    page = f"<p>no such key: {CANARY}</p>".encode() + b"x" * 500
    async with serving(scripted([answer(200, page)])) as server:
        with pytest.raises(Unreachable) as refused:
            await brought(server, tmp_path / "c", network, f"/c?key={CANARY}", mask=secrets.mask)
    assert "no such key: [A_KEY hidden]" in refused.value.what
    assert CANARY not in f"{refused.value}"
    assert len(refused.value.what) < 300


async def test_a_packed_file_is_asked_for_again(tmp_path: Path, network: Network) -> None:
    bomb = gzip.compress(bytes(50_000_000))
    async with serving(scripted([answer(200, bomb, content_encoding="gzip")])) as server:
        with pytest.raises(Unreachable, match="packed"):
            await brought(server, tmp_path / "clip", network)


@pytest.mark.parametrize("status", [401, 403, 404, 410])
async def test_an_address_that_has_expired_is_told_apart(
    tmp_path: Path, network: Network, status: int
) -> None:
    async with serving(scripted([answer(status, b"<Error><Code>AccessDenied</Code>")])) as server:
        with pytest.raises(LinkExpired, match=str(status)):
            await brought(server, tmp_path / "clip", network, "/clip?sig=secret")
        assert len(server.seen) == 1
    assert lying(tmp_path) == []


@pytest.mark.parametrize("status", [204, 300, 304, 400, 418])
async def test_any_other_answer_is_a_failure(tmp_path: Path, network: Network, status: int) -> None:
    async with serving(scripted([answer(status)])) as server:
        with pytest.raises(Failed, match=f"answered {status}"):
            await brought(server, tmp_path / "clip", network)


async def test_a_full_disk_is_our_trouble(tmp_path: Path, network: Network) -> None:
    async with serving(scripted([answer(200, CLIP)])) as server:
        with pytest.raises(Broken):
            await brought(server, tmp_path / "gone" / "clip", network)


# ── where it leads ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_three_redirects_are_followed(tmp_path: Path, network: Network, status: int) -> None:
    hops: Script = [answer(status, location=f"/hop{n}") for n in range(3)]
    async with serving(scripted([*hops, answer(200, CLIP)])) as server:
        await brought(server, tmp_path / "clip", network)
        assert [each.target for each in server.seen] == ["/clip", "/hop0", "/hop1", "/hop2"]
        assert all(each.method == "GET" for each in server.seen)


async def test_a_fourth_redirect_or_a_circle_is_not(tmp_path: Path, network: Network) -> None:
    async with serving(scripted([answer(302, location="/clip")])) as server:
        with pytest.raises(Unsuitable, match="3 were followed"):
            await brought(server, tmp_path / "clip", network)
        assert len(server.seen) == 4


@pytest.mark.parametrize(
    "there",
    [
        "http://10.0.0.1/clip",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::1]/clip",
        "https://2130706433/clip",
        "https://user:word@127.0.0.1/clip",
        "ftp://127.0.0.1/clip",
        "file:///etc/passwd",
        "http://[/",
    ],
)
async def test_a_redirect_to_where_nobody_may_go_is_refused(
    tmp_path: Path, network: Network, there: str
) -> None:
    async with serving(scripted([answer(302, location=there)])) as server:
        with pytest.raises(Unsuitable):
            await brought(server, tmp_path / "clip", network)
        assert len(server.seen) == 1
    assert lying(tmp_path) == []


@pytest.mark.parametrize("url", ["https://10.0.0.1/x", "http://example.com/x", "gopher://x/", "", "https://"])
async def test_an_address_where_nobody_may_go_is_not_asked(
    tmp_path: Path, network: Network, url: str
) -> None:
    with pytest.raises(Unsuitable):
        await brought(LooseServer(url), tmp_path / "clip", network, "")
    assert lying(tmp_path) == []


async def test_a_name_that_leads_inside_is_refused_when_it_is_dialled(tmp_path: Path) -> None:
    async def inside(_: str, __: int) -> list[str]:
        return ["93.184.216.34", "10.0.0.7"]

    async with Network(Dialler(Guard(), look_up=inside)) as network:
        with pytest.raises(Unsuitable, match="does not lead to a public machine"):
            await brought(LooseServer("https://cdn.example"), tmp_path / "clip", network, guard=Guard())


class Secure(httpx.MockTransport):
    """Plays servers with https: what each host answers, and what it was asked."""

    def __init__(self, answers: dict[str, httpx.Response]) -> None:
        self.seen: list[httpx.Request] = []

        def reply(request: httpx.Request) -> httpx.Response:
            self.seen.append(request)
            return answers[request.url.host]

        super().__init__(reply)


async def test_from_https_no_redirect_leads_to_http(tmp_path: Path) -> None:
    network = Secure({"cdn.example": httpx.Response(302, headers={"location": "http://127.0.0.1:1/clip"})})
    with pytest.raises(Unsuitable, match="without https"):
        await brought(LooseServer("https://cdn.example"), tmp_path / "clip", network)


# ── with our key ───────────────────────────────────────────────────────────────────────────────


def omni() -> httpx.Auth:
    facts = Catalogue.load().platform("google_omni")
    return sign_in(facts, SecretManager({"GOOGLE_API_KEY": CANARY}), here=facts.base_url, sandbox_url=None)


async def test_our_key_stays_at_home_when_a_redirect_leads_away(tmp_path: Path) -> None:
    home = "https://generativelanguage.googleapis.com"
    network = Secure(
        {
            "generativelanguage.googleapis.com": httpx.Response(
                302, headers={"location": "https://cdn.example/c"}
            ),
            "cdn.example": httpx.Response(200, content=CLIP),
        }
    )
    found = await brought(LooseServer(home), tmp_path / "clip", network, auth=omni())
    assert found.path.read_bytes() == CLIP
    assert [each.headers.get("x-goog-api-key") for each in network.seen] == [CANARY, None]
    assert all(CANARY not in str(each.url) for each in network.seen)


async def test_a_foreign_address_never_sees_our_key(tmp_path: Path) -> None:
    network = Secure({"cdn.example": httpx.Response(200, content=CLIP)})
    with pytest.raises(Broken, match="where our key is not shown"):
        await brought(LooseServer("https://cdn.example"), tmp_path / "clip", network, auth=omni())
    assert network.seen == []
    await brought(LooseServer("https://cdn.example"), tmp_path / "clip", network)
    assert "x-goog-api-key" not in network.seen[0].headers
