"""A letter goes where a customer said and nowhere else, and whatever waits there cannot hurt whoever sends it."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import httpcore
import pytest
from test_guard import PRIVATE, REFUSED_TEXTS

from agentes.wire.guard import Guard
from agentes.wire.post import Post, Reception
from orchestrator.store.database import open_database
from orchestrator.webhooks.courier import Courier
from orchestrator.webhooks.outbox import Outbox
from shared_knowledge.errors import BadRequest

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Receiver:
    """A server of this machine that reads each request whole, and then does what it is told to do."""

    def __init__(self, server: asyncio.Server) -> None:
        self._server = server
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.connections = 0
        self.answer: Answer = says(OK)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    @property
    def url(self) -> str:
        return f"http://{self.host}/hook"

    async def receive(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode().split("\r\n")[1:-2]
                headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                self.requests.append((headers, body))
                await self.answer(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


def says(words: bytes) -> Answer:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(words)
        await writer.drain()

    return answer


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A receiver that says yes, until a test wants something else."""
    held: list[Receiver] = []

    async def receive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await held[0].receive(reader, writer)

    server = await asyncio.start_server(receive, "127.0.0.1", 0)
    held.append(Receiver(server))
    yield held[0]
    server.close()


@pytest.fixture
async def post(receiver: Receiver) -> AsyncIterator[Post]:
    """A post that may go to that receiver, and gives up after half a second."""
    post = Post(Guard([receiver.host]), deadline_s=0.5)
    yield post
    await post.aclose()


async def sent(post: Post, url: str) -> Reception:
    return await post.send(url, {"Content-Type": "application/json"}, b'{"a": 1}')


async def test_a_letter_arrives_byte_for_byte(post: Post, receiver: Receiver) -> None:
    received = await sent(post, receiver.url)
    assert (received.ok, received.status, received.error) == (True, 200, None)
    assert receiver.requests[0][1] == b'{"a": 1}'
    assert "cookie" not in receiver.requests[0][0]


async def test_connections_are_used_again(post: Post, receiver: Receiver) -> None:
    for _ in range(3):
        assert (await sent(post, receiver.url)).ok
    assert receiver.connections == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_a_failure_and_leads_nowhere(post: Post, receiver: Receiver, status: int) -> None:
    receiver.answer = says(
        f"HTTP/1.1 {status} x\r\nLocation: {receiver.url}2\r\nContent-Length: 0\r\n\r\n".encode()
    )
    received = await sent(post, receiver.url)
    assert (received.ok, received.status) == (False, status)
    assert len(receiver.requests) == 1


@pytest.mark.parametrize("status", [400, 401, 404, 410, 429, 500, 503])
async def test_anything_but_a_yes_is_a_failure(post: Post, receiver: Receiver, status: int) -> None:
    receiver.answer = says(f"HTTP/1.1 {status} x\r\nRetry-After: 17\r\nContent-Length: 0\r\n\r\n".encode())
    received = await sent(post, receiver.url)
    assert (received.ok, received.status) == (False, status)
    assert received.error == f"the receiver answered {status}"
    assert received.after_s == (17 if status in (429, 503) else None)


@pytest.mark.parametrize("told", ["", "soon", "-5", "1e9", "99999999999999999999"])
async def test_nobody_makes_us_wait_for_ever(post: Post, receiver: Receiver, told: str) -> None:
    receiver.answer = says(f"HTTP/1.1 429 x\r\nRetry-After: {told}\r\nContent-Length: 0\r\n\r\n".encode())
    assert ((await sent(post, receiver.url)).after_s or 0) <= 86_400


async def test_a_receiver_that_never_answers_is_left(post: Post, receiver: Receiver) -> None:
    async def wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    receiver.answer = wait
    begun = time.monotonic()
    received = await sent(post, receiver.url)
    assert (received.status, received.error) == (None, "no answer within 0.5 s")
    assert time.monotonic() - begun < 2
    assert received.took_ms >= 400


async def test_head_that_drips_is_left_too(post: Post, receiver: Receiver) -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for letter in b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 1000:
            writer.write(bytes([letter]))
            await writer.drain()
            await asyncio.sleep(0.05)

    receiver.answer = drip
    begun = time.monotonic()
    assert (await sent(post, receiver.url)).status is None
    assert time.monotonic() - begun < 2


async def test_of_an_endless_answer_little_is_read(post: Post, receiver: Receiver) -> None:
    written = 0

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
        for _ in range(1500):
            writer.write(b"x" * 65536)
            await writer.drain()
            written += 65536

    receiver.answer = flood
    assert (await sent(post, receiver.url)).ok
    await asyncio.sleep(0.05)
    assert written < 20_000_000


@pytest.mark.parametrize(
    "words",
    [b"", b"SSH-2.0-OpenSSH\r\n\r\n", b"\x00\xff" * 50, b"HTTP/1.1 2000 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\n"],
)
async def test_what_speaks_no_http_is_a_failure(post: Post, receiver: Receiver, words: bytes) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(words)
        writer.close()

    receiver.answer = answer
    received = await sent(post, receiver.url)
    assert not received.ok
    assert received.error


async def test_nobody_at_the_door_is_a_failure(post: Post) -> None:
    server = await asyncio.start_server(lambda r, w: None, "127.0.0.1", 0)
    host = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()
    closed = Post(Guard([host]), deadline_s=2)
    received = await sent(closed, f"http://{host}/")
    assert "no connection came about" in (received.error or "")
    await closed.aclose()


# ── where it may not go ────────────────────────────────────────────────────────────────────────────


class Dials(httpcore.AsyncNetworkBackend):
    """Writes down who would have been dialled."""

    def __init__(self) -> None:
        self.dialled: list[str] = []

    async def connect_tcp(self, host: str, *_: object, **__: object) -> httpcore.AsyncNetworkStream:
        self.dialled.append(host)
        raise httpcore.ConnectError("nobody there")


@pytest.mark.parametrize("url", REFUSED_TEXTS)
async def test_an_address_that_looks_wrong_is_refused_and_never_dialled(url: str) -> None:
    dials = Dials()
    post = Post(Guard(), line=dials)
    with pytest.raises(BadRequest):
        post.check(url)
    received = await sent(post, url)
    assert received.status is None
    assert received.error
    assert not dials.dialled
    await post.aclose()


@pytest.mark.parametrize("address", PRIVATE)
async def test_a_name_that_leads_inside_is_never_dialled(address: str) -> None:
    dials = Dials()

    async def look_up(host: str, port: int) -> list[str]:
        return ["93.184.216.34", address]

    post = Post(Guard(), look_up=look_up, line=dials)
    assert post.check("https://innocent.example/hook")
    received = await sent(post, "https://innocent.example/hook")
    assert "does not lead to a public machine" in (received.error or "")
    assert not dials.dialled
    await post.aclose()


async def test_a_name_that_changes_its_mind_is_checked_at_every_try() -> None:
    dials, answers = Dials(), iter([["93.184.216.34"], ["127.0.0.1"], ["93.184.216.34"]])

    async def look_up(host: str, port: int) -> list[str]:
        return next(answers)

    post = Post(Guard(), look_up=look_up, line=dials)
    for _ in range(3):
        assert not (await sent(post, "https://rebinds.example/")).ok
    assert dials.dialled == ["93.184.216.34"] * 2
    await post.aclose()


@pytest.mark.parametrize("url", ["https://api.us.example/pipeline/run", "https://API.us.example.:443/x"])
def test_our_own_host_is_no_receiver(url: str) -> None:
    with pytest.raises(BadRequest, match="this service itself"):
        Post(Guard(), own=["api.us.example"]).check(url)


def test_our_own_port_is_no_receiver_even_where_the_machine_is_allowed() -> None:
    post = Post(Guard(["127.0.0.1", "localhost"]), own=["127.0.0.1:8080", "localhost:8080"])
    for host in ("127.0.0.1", "localhost"):
        assert post.check(f"http://{host}:9000/hook")
        with pytest.raises(BadRequest, match="this service itself"):
            post.check(f"http://{host}:8080/hook")


def test_an_address_is_kept_without_what_nobody_sends() -> None:
    assert Post(Guard()).check("https://you.example/a?b=c#d") == "https://you.example/a?b=c"
    with pytest.raises(BadRequest, match="2000 characters"):
        Post(Guard()).check("https://you.example/" + "a" * 2000)


# ── the whole way ──────────────────────────────────────────────────────────────────────────────────


def verify_webhook(payload_bytes: bytes, signature: str, secret: str) -> bool:
    """Verify webhook signature, as the guide prints it."""
    expected_sig = hmac.new(secret.encode(), payload_bytes, hashlib.sha256).hexdigest()

    return hmac.compare_digest(signature, expected_sig)


async def test_a_real_delivery_passes_the_printed_check(
    post: Post, receiver: Receiver, tmp_path: Path
) -> None:
    database = open_database(tmp_path / "ledger.db")
    outbox = Outbox(database, check=post.check)
    endpoint = await outbox.register("acme", receiver.url)
    await outbox.test("acme", endpoint.webhook_id)
    await Courier(database, post.send).deliver_due()
    ((headers, body),) = receiver.requests
    assert endpoint.secret is not None
    assert verify_webhook(body, headers["x-aiprod-signature"], endpoint.secret)
    assert json.loads(body)["webhook_id"] == endpoint.webhook_id
    assert headers["content-type"] == "application/json"
    ((delivery,), _) = outbox.deliveries("acme", endpoint.webhook_id)
    assert delivery.state == "delivered"
    database.close()
