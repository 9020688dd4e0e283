"""A paid answer is on the disk before anybody reads it, and its media come out of it whole."""

from __future__ import annotations

import asyncio
import base64
import gzip
import io
import json
import os
import wave
import zlib
from pathlib import Path
from typing import Any

import httpx
import pytest
from loose_server import Asked, answer, serving
from PIL import Image

from agentes.wire import parts
from agentes.wire.said import Unintelligible
from agentes.wire.sieve import TooBig
from agentes.wire.spool import Spool, bring_body, bring_out
from shared_knowledge.errors import Broken, Unsuitable

PNG = b"\x89PNG\r\n\x1a\n" + os.urandom(300_000)
BIG = {"created": 1, "data": [{"b64_json": base64.b64encode(PNG).decode()}], "usage": {"total_tokens": 9}}
JSON = {"content_type": "application/json"}
BEGINNINGS = {
    ".png": PNG[:400],
    ".jpg": b"\xff\xd8\xff\xe0" + bytes(100),
    ".webp": b"RIFF\0\0\0\0WEBPVP8 " + bytes(100),
    ".mp4": b"\0\0\0\x20ftypisom" + bytes(100),
    ".webm": b"\x1aE\xdf\xa3" + bytes(100),
    ".wav": b"RIFF\0\0\0\0WAVEfmt " + bytes(100),
    ".mp3": b"ID3" + bytes(100),
    ".ogg": b"OggS" + bytes(100),
    ".flac": b"fLaC" + bytes(100),
    ".m4a": b"\0\0\0\x20ftypM4A " + bytes(100),
}


async def taken(
    spool: Spool, raw: bytes, *, chunk: int = 65_536, cut: int | None = None, pause_s: float = 0
) -> httpx.Response:
    """What a spool makes of bytes that come over a real socket, in such pieces, up to such a cut."""

    async def reply(_: Asked, writer: asyncio.StreamWriter) -> None:
        for at in range(0, len(raw), chunk):
            writer.write(raw[at : min(at + chunk, cut or len(raw))])
            await writer.drain()
            if cut is not None and at + chunk >= cut:
                return
            await asyncio.sleep(pause_s)

    async with serving(reply) as server, httpx.AsyncClient() as http:
        request = http.build_request("POST", server.url)
        return await spool.take(await http.send(request, stream=True))


def lying(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def whole(tmp_path: Path, **told: Any) -> Spool:
    return Spool(tmp_path / "answer", **{"durable": True, "most_bytes": 5_000_000, **told})


# ── taking in ──────────────────────────────────────────────────────────────────────────────────


async def test_a_heavy_json_answer_lies_whole_on_the_disk_and_comes_light(tmp_path: Path) -> None:
    raw = json.dumps(BIG).encode()
    light = await taken(whole(tmp_path), answer(200, raw, x_request_id="req_7", **JSON))
    assert (tmp_path / "answer").read_bytes() == raw
    assert len(light.content) < 300
    assert light.json()["usage"] == {"total_tokens": 9}
    assert light.json()["data"][0]["b64_json"].startswith("iVBORw0KGg")
    assert light.headers["x-request-id"] == "req_7"
    assert light.request.method == "POST"
    assert lying(tmp_path) == ["answer"]


async def test_a_small_json_answer_is_kept_only_where_it_was_paid_for(tmp_path: Path) -> None:
    raw = b'{"id": "task_1"}'
    paid = await taken(whole(tmp_path), answer(200, raw, **JSON))
    assert paid.content == raw
    assert (tmp_path / "answer").read_bytes() == raw
    free = whole(tmp_path, durable=False)
    assert (await taken(free, answer(200, raw, **JSON))).content == raw
    assert lying(tmp_path) == []
    assert (await free.keep()).read_bytes() == raw


async def test_a_heavy_answer_to_a_free_question_lies_on_the_disk_as_well(tmp_path: Path) -> None:
    spool = whole(tmp_path, durable=False)
    light = await taken(spool, answer(200, json.dumps(BIG).encode(), **JSON))
    assert light.json()["created"] == 1
    made = bring_out(await spool.keep(), "/data/0/b64_json", tmp_path / "picture")
    assert made.read_bytes() == PNG


@pytest.mark.parametrize("said", ["audio/mpeg", "application/octet-stream", "text/html; charset=utf-8", ""])
async def test_a_body_that_is_no_json_is_a_file(tmp_path: Path, said: str) -> None:
    body = b"ID3" + os.urandom(2_500_000)
    headers = {"content_type": said} if said else {}
    light = await taken(whole(tmp_path, durable=False), answer(200, body, **headers))
    assert light.content == b""
    assert (tmp_path / "answer").read_bytes() == body
    assert bring_body(tmp_path / "answer", tmp_path / "voice").name == "voice.mp3"


@pytest.mark.parametrize("said", ["text/plain", "application/problem+json", "", "application/octet-stream"])
async def test_json_is_known_by_its_beginning_too(tmp_path: Path, said: str) -> None:
    raw = b'\n {"id": "x"}'
    headers = {"content_type": said} if said else {}
    light = await taken(whole(tmp_path), answer(200, raw, **headers), chunk=1)
    assert light.json() == {"id": "x"}


async def test_nothing_is_taken_as_nothing(tmp_path: Path) -> None:
    light = await taken(whole(tmp_path, durable=False), answer(204))
    assert (light.status_code, light.content, lying(tmp_path)) == (204, b"", [])
    await taken(whole(tmp_path), answer(200, b""))
    assert (tmp_path / "answer").read_bytes() == b""


@pytest.mark.parametrize("chunk", [1000, 65_536])
@pytest.mark.parametrize("coat", ["gzip", "x-gzip", "deflate", "bare", "two members"])
async def test_what_comes_packed_is_unpacked(tmp_path: Path, coat: str, chunk: int) -> None:
    raw = json.dumps(BIG).encode()
    bare = zlib.compressobj(wbits=-15)
    packed = {
        "deflate": zlib.compress(raw),
        "bare": bare.compress(raw) + bare.flush(),
        "two members": gzip.compress(raw[:5000]) + gzip.compress(raw[5000:]),
    }.get(coat) or gzip.compress(raw)
    named = {"bare": "deflate", "two members": "gzip"}.get(coat, coat)
    light = await taken(whole(tmp_path), answer(200, packed, content_encoding=named, **JSON), chunk=chunk)
    assert (tmp_path / "answer").read_bytes() == raw
    assert light.json()["created"] == 1
    assert "content-encoding" not in light.headers


async def test_a_bomb_is_stopped_while_it_unpacks(tmp_path: Path) -> None:
    bomb = gzip.compress(b'{"a": "' + b"\0" * 50_000_000)
    with pytest.raises(TooBig):
        await taken(
            whole(tmp_path, most_bytes=3_000_000, durable=False),
            answer(200, bomb, content_encoding="gzip", **JSON),
        )
    assert lying(tmp_path) == []


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        (answer(200, b'{"id": 1', length=20, **JSON), httpx.RemoteProtocolError),
        (answer(200, b"ID3...", length=20, content_type="audio/mpeg"), httpx.RemoteProtocolError),
        (answer(200, gzip.compress(b"{}" * 99)[:20], content_encoding="gzip", **JSON), httpx.DecodingError),
        (answer(200, b"{not gzip}", content_encoding="gzip", **JSON), httpx.DecodingError),
        (answer(200, b"{}", content_encoding="br", **JSON), httpx.DecodingError),
        (answer(200, b'{"a":"%s"}' % (b"x" * 5_000_001), **JSON), TooBig),
    ],
)
async def test_what_breaks_off_is_raised_and_never_looks_whole(
    tmp_path: Path, raw: bytes, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await taken(whole(tmp_path, durable=False), raw)
    assert lying(tmp_path) == []
    with pytest.raises(error):
        await taken(whole(tmp_path), raw)
    assert not (tmp_path / "answer").exists()


async def test_of_a_paid_answer_that_broke_off_what_came_is_left_to_look_at(tmp_path: Path) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        await taken(whole(tmp_path), answer(200, b'{"id": "task_77", "st', length=99, **JSON))
    assert (tmp_path / "answer.part").read_bytes() == b'{"id": "task_77", "st'


async def test_a_deadline_ends_it_like_anything_else(tmp_path: Path) -> None:
    raw = answer(200, json.dumps(BIG).encode(), **JSON)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await taken(whole(tmp_path), raw, chunk=100_000, pause_s=0.2)
    assert lying(tmp_path) == ["answer.part"]


async def test_it_is_synced_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    happened: list[str] = []
    sync, rename = os.fsync, Path.replace

    def watch_sync(handle: int) -> None:
        happened.append(f"sync {Path(f'/proc/self/fd/{handle}').readlink().name}")
        sync(handle)

    def watch_rename(path: Path, target: Path) -> Path:
        happened.append("rename")
        return rename(path, target)

    monkeypatch.setattr(parts.os, "fsync", watch_sync)
    monkeypatch.setattr(Path, "replace", watch_rename)
    await taken(whole(tmp_path), answer(200, b'{"id": "task_1"}', **JSON))
    assert happened == ["sync answer.part", "rename", f"sync {tmp_path.name}"]


async def test_a_full_disk_is_said_in_words(tmp_path: Path) -> None:
    with pytest.raises(Broken, match="could not be written"):
        await taken(
            Spool(tmp_path / "gone" / "answer", durable=True, most_bytes=99), answer(200, b"{}", **JSON)
        )


async def test_an_answer_that_was_read_already_is_taken_too(tmp_path: Path) -> None:
    light = await whole(tmp_path).take(httpx.Response(200, json=BIG))
    assert light.json()["created"] == 1
    assert bring_out(tmp_path / "answer", "/data/0/b64_json", tmp_path / "p").read_bytes() == PNG
    with pytest.raises(TooBig):
        await whole(tmp_path, most_bytes=10).take(httpx.Response(200, json=BIG))


# ── bringing out ───────────────────────────────────────────────────────────────────────────────


def said(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "answer"
    path.write_text(f'{{"file": "{text}"}}')
    return path


@pytest.mark.parametrize("suffix", BEGINNINGS)
def test_the_first_bytes_name_the_file(tmp_path: Path, suffix: str) -> None:
    content = BEGINNINGS[suffix]
    made = bring_out(said(tmp_path, base64.b64encode(content).decode()), "/file", tmp_path / "order_1.0")
    assert made == tmp_path / f"order_1.0{suffix}"
    assert made.read_bytes() == content
    assert lying(tmp_path) == ["answer", made.name]


@pytest.mark.parametrize("size", [20, 21, 22, 300_000, 300_001, 300_002])
@pytest.mark.parametrize(
    "coat", ["plain", "bare", "url", "url bare", "slashes", "dotnet", "lines", "mime lines", "uri"]
)
def test_base64_in_any_coat_comes_out_the_same(tmp_path: Path, coat: str, size: int) -> None:
    content = (PNG * 2)[:size]
    text = base64.b64encode(content).decode()
    if "url" in coat:
        text = base64.urlsafe_b64encode(content).decode()
    if "bare" in coat:
        text = text.rstrip("=")
    text = {
        "slashes": text.replace("/", "\\/"),
        "dotnet": text.replace("+", "\\u002B").replace("/", "\\u002f").replace("=", "\\u003D"),
        "lines": "\\n".join(text[at : at + 76] for at in range(0, len(text), 76)) + "\\n",
        "mime lines": "\\r\\n".join(text[at : at + 61] for at in range(0, len(text), 61)),
        "uri": f"data:image/png;base64,{text}",
    }.get(coat, text)
    assert bring_out(said(tmp_path, text), "/file", tmp_path / "p").read_bytes() == content


@pytest.mark.parametrize("long", [False, True])
@pytest.mark.parametrize(
    "spoilt",
    [
        lambda text: text[:-5] + "*" + text[-4:],
        lambda text: text + "QUJD" if text.endswith("=") else text + "=QUJD",
        lambda text: text.rstrip("=")[: len(text) // 4 * 4 - 3],
        lambda text: "==" + text,
        lambda text: text[:40] + "\\u00e9" + text[44:],
        lambda text: text[:40] + "\\\\" + text[42:],
        lambda text: "",
        lambda text: "hello there",
        lambda text: base64.b64encode(b"<html><body>no").decode(),
    ],
)
def test_what_is_no_file_is_unsuitable_and_leaves_nothing(tmp_path: Path, spoilt: Any, long: bool) -> None:
    text = base64.b64encode(PNG if long else PNG[:50]).decode()
    with pytest.raises(Unsuitable):
        bring_out(said(tmp_path, spoilt(text)), "/file", tmp_path / "p")
    assert lying(tmp_path) == ["answer"]


@pytest.mark.parametrize("pointer", ["/nothing", "/file/0", "", "/file/x"])
def test_a_pointer_that_leads_nowhere_is_unsuitable(tmp_path: Path, pointer: str) -> None:
    with pytest.raises(Unsuitable, match="holds no file where it should be"):
        bring_out(said(tmp_path, "QUJD"), pointer, tmp_path / "p")


def test_an_answer_that_is_gone_is_our_trouble(tmp_path: Path) -> None:
    for bring in (
        lambda: bring_out(tmp_path / "a", "/x", tmp_path / "p"),
        lambda: bring_body(tmp_path / "a", tmp_path / "p"),
    ):
        with pytest.raises(Broken, match="cannot be read"):
            bring()


@pytest.mark.parametrize("inline", [True, False])
def test_bare_samples_get_a_header_and_those_with_one_keep_theirs(tmp_path: Path, inline: bool) -> None:
    samples = os.urandom(400_001)
    path = tmp_path / "answer"

    def brought(content: bytes) -> Path:
        if not inline:
            path.write_bytes(content)
            return bring_body(path, tmp_path / "voice", pcm_rate=24_000)
        path.write_text(json.dumps({"d": base64.b64encode(content).decode()}))
        return bring_out(path, "/d", tmp_path / "voice", pcm_rate=24_000)

    made = brought(samples)
    assert made.name == "voice.wav"
    with wave.open(str(made)) as sound:
        assert (sound.getnchannels(), sound.getsampwidth(), sound.getframerate()) == (1, 2, 24_000)
        assert sound.readframes(1 << 20) == samples[:400_000]
    wrapped = made.read_bytes()
    assert brought(wrapped).read_bytes() == wrapped


def test_a_real_picture_comes_out_of_a_body(tmp_path: Path) -> None:
    into = io.BytesIO()
    Image.new("RGB", (30, 20), "teal").save(into, "WEBP")
    (tmp_path / "answer").write_bytes(into.getvalue())
    made = bring_body(tmp_path / "answer", tmp_path / "picture")
    with Image.open(made) as picture:
        assert (made.suffix, picture.size) == (".webp", (30, 20))


def test_an_empty_body_is_unsuitable(tmp_path: Path) -> None:
    (tmp_path / "answer").write_bytes(b"")
    with pytest.raises(Unsuitable, match="is empty"):
        bring_body(tmp_path / "answer", tmp_path / "p")
    assert issubclass(TooBig, Unintelligible)
