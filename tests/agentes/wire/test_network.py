"""Connections are used again while they are good, never where they must be fresh, and recordings see everything."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import vcr
from broken_doors import Door, door
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from agentes.wire import network as network_module
from agentes.wire.guard import Dialler, Guard
from agentes.wire.network import Network, trusted
from shared_knowledge.errors import Unsuitable


async def _answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers again and again; closes after `/last`, is silent after `/late`."""
    while True:
        head = await reader.readuntil(b"\r\n\r\n")
        path = head.split(b" ")[1]
        await asyncio.sleep(0.01)
        close = b"connection: close\r\n" if path == b"/close" else b""
        writer.write(b"HTTP/1.1 200 OK\r\n" + close + b"content-length: 2\r\n\r\nok")
        await writer.drain()
        if path in (b"/last", b"/close"):
            return


@asynccontextmanager
async def _reached(*, fresh: bool = False) -> AsyncIterator[tuple[Door, httpx.AsyncClient, Any]]:
    async with door(_answers) as there:
        network = Network(Dialler(Guard([f"127.0.0.1:{there.port}"])), fresh=fresh)
        async with httpx.AsyncClient(transport=network, base_url=there.url, trust_env=False) as http:
            yield there, http, network._pool


async def test_one_after_the_other_share_a_connection() -> None:
    async with _reached() as (there, http, _):
        for _ in range(20):
            assert (await http.get("/")).text == "ok"
        assert there.calls == 1


async def test_side_by_side_each_has_its_own_and_all_are_used_again() -> None:
    async with _reached() as (there, http, pool):
        for _ in range(3):
            await asyncio.gather(*(http.get("/") for _ in range(10)))
        assert there.calls == len(pool.connections) == 10


async def test_where_it_must_be_fresh_none_is_used_twice() -> None:
    async with _reached(fresh=True) as (there, http, pool):
        for _ in range(3):
            await asyncio.gather(*(http.get("/") for _ in range(4)))
        assert there.calls == 12
        assert pool.connections == []


async def test_no_more_than_so_many_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network_module, "_AT_ONCE", 3)
    async with _reached() as (there, http, _):
        await asyncio.gather(*(http.get("/") for _ in range(30)))
        assert there.calls == 3


@pytest.mark.parametrize("path", ["/last", "/close"])
async def test_a_connection_the_other_side_closed_is_not_used_again(path: str) -> None:
    async with _reached() as (there, http, _):
        await http.get(path)
        await asyncio.sleep(0.03)
        await http.get("/")
        assert there.calls == 2


async def test_what_failed_or_was_cancelled_leaves_no_trace() -> None:
    async with _reached() as (_, http, pool):
        for _ in range(100):
            call = asyncio.create_task(http.get("/"))
            await asyncio.sleep(0.001)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
        assert pool.connections == []
        assert (await asyncio.wait_for(http.get("/"), 1)).text == "ok"


async def test_an_answer_that_is_not_read_gives_its_connection_up() -> None:
    async with _reached() as (_, http, _):
        for _ in range(100):
            async with http.stream("GET", "/") as answer:
                assert answer.status_code == 200
        assert (await http.get("/")).text == "ok"


async def test_old_connections_are_closed_in_passing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network_module, "_KEEPALIVE_S", 0.05)
    async with _reached() as (_, http, pool):
        await asyncio.gather(*(http.get("/") for _ in range(5)))
        await asyncio.sleep(0.1)
        await http.get("/")
        await http.get("/")
        assert len(pool.connections) == 1


async def test_what_is_closed_keeps_nothing() -> None:
    async with _reached() as (_, http, pool):
        await http.get("/")
        waiting = asyncio.create_task(http.get("/"))
        await asyncio.sleep(0.005)
        await pool.aclose()
        await waiting
        assert pool.connections == []


async def test_nothing_leaves_past_the_guard() -> None:
    async with door(_answers) as there:
        async with httpx.AsyncClient(transport=Network(Dialler(Guard())), trust_env=False) as http:
            with pytest.raises(Unsuitable):
                await http.get(there.url)
        assert there.calls == 0


def _certificate(folder: Path) -> Path:
    """A certificate for localhost, signed by nobody but itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "localhost.pem"
    file.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return file


async def test_a_sealed_connection_is_used_again_and_belongs_to_the_name_not_to_the_address(
    tmp_path: Path,
) -> None:
    file = _certificate(tmp_path)
    seal = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    seal.load_cert_chain(file)
    async with door(_answers, seal) as there:
        hosts = [f"localhost:{there.port}", f"127.0.0.1:{there.port}"]
        believing = Network(Dialler(Guard(hosts)), trust=ssl.create_default_context(cafile=str(file)))
        async with httpx.AsyncClient(transport=believing, trust_env=False) as http:
            for _ in range(3):
                assert (await http.get(f"https://{hosts[0]}/")).text == "ok"
            assert there.calls == 1
            with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
                await http.get(f"https://{hosts[1]}/")
        doubting = Network(Dialler(Guard(hosts)))
        async with httpx.AsyncClient(transport=doubting, trust_env=False) as http:
            with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
                await http.get(f"https://{hosts[0]}/")


def test_whom_we_trust_is_read_once() -> None:
    assert trusted() is trusted()
    assert trusted().check_hostname


async def test_a_recording_sees_all_and_plays_it_back_without_a_connection(tmp_path: Path) -> None:
    tape = str(tmp_path / "tape.yaml")
    for turn, mode in enumerate((vcr.mode.ALL, vcr.mode.NONE)):
        async with _reached() as (there, http, _):
            with vcr.use_cassette(tape, record_mode=mode, match_on=("method", "path")) as cassette:
                assert (await http.get("/a")).text == "ok"
                async with http.stream("GET", "/b") as answer:
                    assert [chunk async for chunk in answer.aiter_raw()] == [b"ok"]
            assert there.calls == (0 if turn else 1)
            assert turn == 0 or cassette.all_played
