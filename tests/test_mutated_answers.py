"""Whatever a vendor answers, only errors of ours come out of an adapter, and quickly.

The answers are those of the cassettes, damaged by seed: bytes, structure, types. A failure names its seed.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from practising import exchange_to, keys_for
from scenarios import model_of, order_of

from agentes.contract import Done, Line, Pending
from agentes.wire import google_token
from cassettes import cassette_of
from shared_knowledge.catalogue import Catalogue
from shared_knowledge.errors import AgentesError
from shared_knowledge.platform_facts import Platform
from shared_knowledge.vocabulary import Order, OrderState

PLATFORMS = [platform for platform in Catalogue.load().platforms if not platform.local]
_QUICK = 200
_LONG = 2000
_MOST_MS = 100.0
_LOOKS = 3

Doing = Callable[[random.Random, bytes], bytes]


class Replay(httpx.AsyncBaseTransport):
    """Answers as the cassette does, but damages what `harm` is given."""

    def __init__(self, turns: list[dict[str, Any]], harm: Callable[[bytes], bytes], target: int) -> None:
        self._turns = turns
        self._harm = harm
        self._target = target
        self._next: dict[tuple[str, str], int] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        wanted = (request.method, request.url.path)
        places = [n for n, turn in enumerate(self._turns) if _key(turn) == wanted]
        if not places:
            return httpx.Response(404, json={"error": "nobody asked for that when it was recorded"})
        at = places[min(self._next.get(wanted, 0), len(places) - 1)]
        self._next[wanted] = self._next.get(wanted, 0) + 1
        answer = self._turns[at]["response"]
        body = answer["body"]["string"]
        body = body.encode() if isinstance(body, str) else body
        headers = [(name, value) for name, values in answer["headers"].items() for value in values]
        harmed = self._harm(body) if at == self._target else body
        return httpx.Response(answer["status"]["code"], headers=headers, stream=_Stream(harmed))


class _Stream(httpx.AsyncByteStream):
    def __init__(self, body: bytes) -> None:
        self._body = body

    async def __aiter__(self):  # type: ignore[no-untyped-def]
        yield self._body


def _key(turn: dict[str, Any]) -> tuple[str, str]:
    return turn["request"]["method"], httpx.URL(turn["request"]["uri"]).path


# ── how answers are damaged ─────────────────────────────────────────────────────────────────────


def _flip(dice: random.Random, body: bytes) -> bytes:
    at = dice.randrange(len(body)) if body else 0
    return body[:at] + bytes([dice.randrange(256)]) + body[at + 1 :]


def _cut(dice: random.Random, body: bytes) -> bytes:
    return body[: dice.randrange(len(body) + 1)]


def _stranger(dice: random.Random, body: bytes) -> bytes:
    deep = b"[" * 10_000 + b"]" * 10_000
    strangers = [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"<html>login</html>",
        b"\xef\xbb\xbf{}",
        deep,
        b"\xff\xfe\x00",
        b"NaN",
    ]
    return dice.choice(strangers)


def _other_type(dice: random.Random, body: bytes) -> bytes:
    values = [
        None,
        [],
        {},
        "",
        "../../x",
        -1,
        10**400,
        1e308,
        True,
        "x" * 10_000,
        [None],
        {"a": {}},
        "٣",
        "NaN",
    ]
    return _somewhere(dice, body, lambda holder, name: holder.__setitem__(name, dice.choice(values)))


def _left_out(dice: random.Random, body: bytes) -> bytes:
    return _somewhere(dice, body, lambda holder, name: holder.__delitem__(name))


def _nested(dice: random.Random, body: bytes) -> bytes:
    return _somewhere(dice, body, lambda holder, name: holder.__setitem__(name, [holder[name], holder[name]]))


def _somewhere(dice: random.Random, body: bytes, change: Callable[[Any, Any], None]) -> bytes:
    try:
        told = json.loads(body)
    except ValueError:
        return _flip(dice, body)
    places = list(_places(told))
    if not places:
        return _flip(dice, body)
    change(*dice.choice(places))
    return json.dumps(told).encode()


def _places(told: Any) -> list[tuple[Any, Any]]:
    names = list(told) if isinstance(told, dict) else list(range(len(told))) if isinstance(told, list) else []
    return [(told, name) for name in names] + [place for name in names for place in _places(told[name])]


WAYS: list[Doing] = [_flip, _cut, _stranger, _other_type, _left_out, _nested]


# ── the test ────────────────────────────────────────────────────────────────────────────────────


async def _ask(line: Line, order: Order) -> None:
    """As far as an answer is read by the adapter; the media themselves are another matter."""
    order = await line.prepare(order)
    answer: Pending | Done = await line.start(order)
    for _ in range(_LOOKS):
        if isinstance(answer, Done):
            return
        order = order.model_copy(update={"state": OrderState.SUBMITTED, "receipt": answer.receipt})
        answer = await line.check(order)


@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda platform: platform.id)
async def test_two_hundred_damaged_answers(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _damage(platform, tmp_path, _QUICK, monkeypatch)


@pytest.mark.torture
@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda platform: platform.id)
async def test_two_thousand_damaged_answers(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _damage(platform, tmp_path, _LONG, monkeypatch)


async def _damage(platform: Platform, folder: Path, times: int, monkeypatch: pytest.MonkeyPatch) -> None:
    turns = yaml.load(cassette_of(platform, "finished").read_text(), yaml.CSafeLoader)["interactions"]
    order = order_of(platform, model_of(platform), folder)
    # The last turn of a linked result is the file itself, which is no answer to be read.
    told = [n for n, turn in enumerate(turns) if "files.example.com" not in turn["request"]["uri"]]
    slow = []
    environ = keys_for(platform, "made-up-4711", folder)  # no service account: its signature takes its time
    for number in range(times):
        dice = random.Random(f"{platform.id} {number}")
        way, target = WAYS[number % len(WAYS)], told[dice.randrange(len(told))]
        network = Replay(turns, lambda body, way=way, dice=dice: way(dice, body), target)  # type: ignore[misc]
        exchange = exchange_to(
            platform, folder, environ=environ, network=lambda fresh, network=network: network
        )  # type: ignore[misc]
        # Google's tokens come from a counter of their own.
        monkeypatch.setattr(google_token, "Network", lambda *_, network=network, **__: network)
        began = time.process_time()
        try:
            async with exchange.connect(platform.id) as line:
                await _ask(line, order)
        except AgentesError:
            pass
        except Exception as error:
            error.add_note(f"{platform.id}, seed {number}: {way.__name__} on turn {target}")
            raise
        took_ms = (time.process_time() - began) * 1000
        if took_ms > _MOST_MS:
            slow.append((number, way.__name__, round(took_ms)))
        await asyncio.sleep(0)
    # A shared machine stalls now and then; an adapter that is slow is slow for every answer of a kind.
    assert len(slow) <= times // 100, slow
