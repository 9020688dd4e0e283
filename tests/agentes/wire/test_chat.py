"""A language model is asked once, at one address, and nothing it answers does harm."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from words_sessions import SESSIONS, Session, cassette, outcome_of, play

from agentes.wire.chat import Chat, Reply, is_of_this_machine
from cassettes import recorder
from config.secrets import Secret, SecretManager
from shared_knowledge.errors import AgentesError, Failed, InDoubt, PlatformError, Unavailable
from shared_knowledge.money import Money

CANARY = "practice-4711-nobody-knows-it"

Serve = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def server(serve: Serve) -> AsyncIterator[tuple[str, list[bytes]]]:
    """Somebody on this machine who answers as he likes; the bodies he was sent."""
    bodies: list[bytes] = []

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            bodies.append(head + await reader.readexactly(length))
            await serve(bodies[-1], writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    door = await asyncio.start_server(meet, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{door.sockets[0].getsockname()[1]}/v1", bodies
    finally:
        door.close()


def answers(body: bytes, status: str = "200 OK", more: str = "") -> Serve:
    async def serve(_: bytes, writer: asyncio.StreamWriter) -> None:
        head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\n{more}content-length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)

    return serve


def completion(content: Any, **usage: Any) -> bytes:
    told = {"choices": [{"message": {"role": "assistant", "content": content}, "finish_reason": "stop"}]}
    return json.dumps({**told, "usage": usage}).encode()


async def ask(url: str, **how: Any) -> Reply | AgentesError:
    try:
        return await Chat(url, "small", deadline_s=how.pop("deadline_s", 2.0), **how).ask(
            "s", "u", most_tokens=9
        )
    except AgentesError as error:
        return error


@pytest.mark.parametrize("session", SESSIONS, ids=lambda session: session.name)
async def test_a_recorded_conversation_ends_as_it_did(session: Session) -> None:
    with recorder(cassette(session)) as tape:
        ended = await play(session)
        assert outcome_of(ended) == session.outcome
        assert tape.all_played
    if isinstance(ended, Reply) and ended.text:
        assert json.loads(ended.text)["assets"]
        assert ended.sent_tokens
        assert ended.received_tokens


def test_what_is_free_is_told_from_what_may_be_charged() -> None:
    ended = {one.name: _ended(one) for one in SESSIONS if one.outcome not in ("Reply", "empty")}
    free = {name for name, error in ended.items() if error.charged == Money(0)}
    assert free == {"bad_key", "throttled"}
    assert {name for name, error in ended.items() if error.charged is None} == {"failed", "nonsense", "html"}


def _ended(session: Session) -> PlatformError:
    with recorder(cassette(session)):
        ended = asyncio.run(play(session))
    assert isinstance(ended, PlatformError)
    return ended


async def test_a_plain_question_and_its_answer() -> None:
    async with server(answers(completion("{}", prompt_tokens=7, completion_tokens=3))) as (url, bodies):
        assert await ask(url, key=Secret("sk-true")) == Reply("{}", 7, 3)
    head, _, body = bodies[0].partition(b"\r\n\r\n")
    assert b"authorization: bearer sk-true" in head.lower()
    told = json.loads(body)
    assert (told["model"], told["stream"], told["max_tokens"]) == ("small", False, 9)
    assert "tools" not in told


@pytest.mark.parametrize(
    "usage",
    [
        {},
        {"prompt_tokens": -1, "completion_tokens": 0},
        {"prompt_tokens": 10**12, "completion_tokens": "3"},
        {"prompt_tokens": True, "completion_tokens": 1.5},
    ],
)
async def test_a_count_that_is_none_is_not_believed(usage: dict[str, Any]) -> None:
    async with server(answers(completion("{}", **usage))) as (url, _):
        assert await ask(url) == Reply("{}", None, None)


@pytest.mark.parametrize(
    "body",
    [
        b"<html>busy</html>",
        b"",
        b"[]",
        b"null",
        b"{}",
        b'{"choices": []}',
        b'{"choices": [{"message": "text"}]}',
        b'{"choices": [[[]]]}',
        b"[" * 100_000,
        b"\xff\xfe\x00",
    ],
    ids=range(10),
)
async def test_what_is_no_answer_is_charged_and_not_used(body: bytes) -> None:
    async with server(answers(body)) as (url, bodies):
        ended = await ask(url)
    assert isinstance(ended, Failed)
    assert ended.charged is None
    assert len(bodies) == 1


@pytest.mark.parametrize("content", [None, 7, ["x"], {"a": 1}, "", "  "])
async def test_a_message_without_words_is_an_empty_reply(content: Any) -> None:
    async with server(answers(completion(content))) as (url, _):
        assert await ask(url) == Reply("")


async def test_calls_of_tools_and_half_sentences_are_no_words() -> None:
    called = {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"function": {"name": "buy", "arguments": "{}"}}],
    }
    for choice in ({"message": called}, {"message": {"content": '{"assets"'}, "finish_reason": "length"}):
        async with server(answers(json.dumps({"choices": [choice]}).encode())) as (url, _):
            assert await ask(url) == Reply("")


async def test_ten_megabytes_and_a_bomb_are_not_read() -> None:
    import gzip

    big = completion("x" * 10_000_000)
    for body, more in ((big, ""), (gzip.compress(big), "content-encoding: gzip\r\n")):
        async with server(answers(body, more=more)) as (url, bodies):
            ended = await ask(url)
        assert isinstance(ended, InDoubt)
        assert len(bodies) == 1


async def test_an_endless_stream_ends_at_the_deadline() -> None:
    async def drip(_: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n")
        while True:
            writer.write(b"data: {}\n\n")
            await writer.drain()
            await asyncio.sleep(0.02)

    async with server(drip) as (url, _):
        began = asyncio.get_running_loop().time()
        ended = await ask(url, deadline_s=0.3)
        assert asyncio.get_running_loop().time() - began < 2
    assert isinstance(ended, InDoubt)
    assert "0.3 s" in ended.what


async def test_a_redirect_is_not_followed_and_the_key_stays() -> None:
    async with server(answers(completion("{}"))) as (elsewhere, visits):
        moved = answers(b"", "307 Temporary Redirect", f"location: {elsewhere}/chat/completions\r\n")
        async with server(moved) as (url, _):
            ended = await ask(url, key=Secret("sk-true"))
    assert isinstance(ended, Failed)
    assert visits == []


async def test_nobody_there_is_free() -> None:
    async with server(answers(b"")) as (url, _):
        pass
    ended = await ask(url)
    assert isinstance(ended, PlatformError)
    assert ended.charged == Money(0)


async def test_the_form_is_made_plainer_where_that_is_the_trouble_and_only_there() -> None:
    async def picky(body: bytes, writer: asyncio.StreamWriter) -> None:
        told = json.loads(body.partition(b"\r\n\r\n")[2])
        if "max_tokens" in told:
            no = b'{"error": {"message": "Unsupported parameter: max_tokens"}}'
            return await answers(no, "400 Bad Request")(body, writer)
        return await answers(completion("{}"))(body, writer)

    async with server(picky) as (url, bodies):
        assert await ask(url) == Reply("{}")
    assert len(bodies) == 3
    async with server(answers(b'{"error": {"message": "unsafe"}}', "400 Bad Request")) as (url, bodies):
        ended = await ask(url)
    assert isinstance(ended, Failed)
    assert (ended.charged, len(bodies)) == (Money(0), 1)


async def test_a_key_in_a_question_or_an_answer_is_hidden() -> None:
    secrets = SecretManager({"ELEVENLABS_API_KEY": CANARY})
    secrets.require("ELEVENLABS_API_KEY")
    async with server(answers(completion(f"it is {CANARY}"))) as (url, bodies):
        chat = Chat(url, "small", mask=secrets.mask)
        reply = await chat.ask("s", f"my key is {CANARY}", most_tokens=9)
    assert b"4711-nobody" not in bodies[0]
    assert "4711-nobody" not in reply.text


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://127.0.0.1:11434/v1", True),
        ("http://localhost/v1", True),
        ("http://[::1]:8080/v1", True),
        ("http://127.8.9.1/v1", True),
        ("http://10.0.0.7/v1", False),
        ("https://localhost.example.com/v1", False),
        ("https://127.0.0.1.example.com/v1", False),
        ("https://api.example.com/v1", False),
    ],
)
def test_which_address_is_of_this_machine(url: str, here: bool) -> None:
    assert is_of_this_machine(url) is here


async def test_a_throttled_model_is_not_asked_again_and_again() -> None:
    async with server(answers(b"{}", "429 Too Many Requests")) as (url, bodies):
        ended = await ask(url)
    assert isinstance(ended, Unavailable)
    assert len(bodies) == 1
