"""The switchboard keeps connections warm while somebody is on the line, and its experience as long as it lives."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from small_house import KEY, Adapter, Hours, facts_of, order_of

from agentes.contract import Standing
from agentes.media.shelf import Shelf
from agentes.wire import exchange as exchange_module
from agentes.wire.exchange import Exchange
from agentes.wire.trace import Counted
from config.secrets import SecretManager
from config.settings import Settings
from shared_knowledge.catalogue import Catalogue
from shared_knowledge.errors import BadRequest, InDoubt, MissingSecret, Unavailable, Unsuitable
from shared_knowledge.platform_facts import Platform

ORDER = order_of(receipt={"id": "t1"})


class Network(httpx.MockTransport):
    """A network that notes when it is closed."""

    made: list[Network]

    def __init__(self, answer: httpx.Response) -> None:
        super().__init__(
            lambda _: httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)
        )
        self.closed = False

    async def aclose(self) -> None:
        self.closed = True


class Talks(Adapter):
    """Speaks Tiny, and says how a key stands."""

    async def standing(self, http: httpx.AsyncClient) -> Standing:
        return Standing((await http.get("/v1/credits")).json()["left"])


def _catalogue(facts: Platform) -> Catalogue:
    class WithOneMore(Catalogue):
        def platform(self, platform_id: str) -> Platform:
            return facts if platform_id == facts.id else super().platform(platform_id)

    known = Catalogue.load()
    with_one_more = object.__new__(WithOneMore)
    vars(with_one_more).update(vars(known))
    return with_one_more


class Board:
    """An exchange over networks of its own."""

    def __init__(self, home: Path, answer: httpx.Response, environ: dict[str, str], **facts: Any) -> None:
        self.networks: list[Network] = []
        self.counted: list[Counted] = []
        self.hours = Hours()
        self.answer = answer
        self.environ = environ
        secrets = SecretManager(environ, home / "no", home / "no")
        self.exchange = Exchange(
            _catalogue(facts_of(**facts)),
            secrets,
            Settings(home=home, database_url="", shelf_url=""),
            Shelf(home / "shelf", home / "desks"),
            clock=self.hours,
            count=self.counted.append,
            network=self._network,
        )

    def _network(self, fresh: bool) -> Network:
        self.networks.append(Network(self.answer))
        return self.networks[-1]


@pytest.fixture
def board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Board:
    monkeypatch.setattr(exchange_module, "adapter_of", lambda _: Talks())
    return Board(
        tmp_path,
        httpx.Response(200, json={"id": "t1", "status": "ok", "left": "7 credits"}),
        {"TINY_KEY": KEY},
    )


async def test_lines_share_what_is_warm_and_the_last_one_closes_it(board: Board) -> None:
    async with board.exchange.connect("tiny") as one:
        async with board.exchange.connect("tiny") as other:
            await one.check(ORDER)
            await other.check(ORDER)
            assert len(board.networks) == 2  # one for questions, one for purchases
        assert not any(network.closed for network in board.networks)
        await one.check(ORDER)
    assert all(network.closed for network in board.networks)
    async with board.exchange.connect("tiny") as again:
        await again.check(ORDER)
    assert len(board.networks) == 4


async def test_a_line_that_breaks_is_closed_too(board: Board) -> None:
    with pytest.raises(ZeroDivisionError):
        async with board.exchange.connect("tiny"):
            raise ZeroDivisionError
    assert all(network.closed for network in board.networks)


async def test_whoever_leaves_the_exchange_leaves_no_connection_open(board: Board) -> None:
    async with board.exchange as exchange:
        line = await exchange.connect("tiny").__aenter__()
        await line.check(ORDER)
    assert all(network.closed for network in board.networks)


def test_each_loop_has_its_own_and_the_experience_is_shared(board: Board) -> None:
    board.answer = httpx.Response(401)

    async def bad() -> None:
        async with board.exchange.connect("tiny") as line:
            with pytest.raises(InDoubt):
                await line.check(ORDER)

    async def told() -> None:
        async with board.exchange.connect("tiny") as line:
            with pytest.raises(Unavailable, match="left alone"):
                await line.start(ORDER)

    assert board.exchange.resting == frozenset()
    asyncio.run(bad())
    assert board.exchange.resting == {"tiny"}
    asyncio.run(told())
    assert len(board.counted) == 1
    board.hours.time_s += 600
    assert board.exchange.resting == frozenset()


async def test_another_key_has_another_reputation(board: Board) -> None:
    board.answer = httpx.Response(401)
    async with board.exchange.connect("tiny") as line:
        with pytest.raises(InDoubt):
            await line.check(ORDER)
    board.environ["TINY_KEY"] = "another-canary-0123456789"
    board.answer = httpx.Response(200, json={"status": "ok"})
    async with board.exchange.connect("tiny") as line:
        await line.check(ORDER)


async def test_how_a_key_stands(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await board.exchange.standing("tiny") == Standing("7 credits")
    assert all(network.closed for network in board.networks)
    monkeypatch.setattr(exchange_module, "adapter_of", lambda _: Adapter())
    assert await board.exchange.standing("tiny") is None


async def test_every_call_is_counted(board: Board) -> None:
    async with board.exchange.connect("tiny") as line:
        await line.start(ORDER)
        await line.check(ORDER)
    assert [(one.method, one.path, one.status, one.platform) for one in board.counted] == [
        ("POST", "/v1/tasks", 200, "tiny"),
        ("GET", "/v1/tasks/t1", 200, "tiny"),
    ]


async def test_what_was_announced_can_be_asked_for(board: Board) -> None:
    board.answer = httpx.Response(200, json={"status": "ok"}, headers={"sunset": "soon"})
    async with board.exchange.connect("tiny") as line:
        await line.check(ORDER)
    assert board.exchange.notices("tiny") == ("sunset soon (api.tiny.example)",)
    assert board.exchange.notices("other") == ()


async def test_there_is_no_line_to_where_there_can_be_none(board: Board) -> None:
    with pytest.raises(BadRequest, match="on this machine"):
        async with board.exchange.connect("draft_picture"):
            raise AssertionError("there was one")
    with pytest.raises(BadRequest):
        async with board.exchange.connect("nobody"):
            raise AssertionError("there was one")
    del board.environ["TINY_KEY"]
    with pytest.raises(MissingSecret, match="TINY_KEY"):
        async with board.exchange.connect("tiny"):
            raise AssertionError("there was one")
    assert not board.networks


def test_nothing_slow_is_imported_before_it_is_needed() -> None:
    code = "import sys, agentes.wire.exchange; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {
        "langgraph",
        "PIL",
        "fastapi",
        "numpy",
        "cryptography",
        "openai",
        "typer",
    }  # rich comes with httpx
    assert not heavy & set(run.stdout.split())


# ── references by address ───────────────────────────────────────────────────────────────────────


async def test_a_reference_is_brought_without_any_key(tmp_path: Path) -> None:
    host = "127.0.0.1:8123"
    seen: list[httpx.Request] = []

    def shop(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, content=b"\x89PNG\r\n\x1a\n" + bytes(32))

    held = {"AGENTES_HOME": str(tmp_path), "OPENAI_API_KEY": KEY, "AGENTES_ALLOW_PRIVATE_HOSTS": host}
    exchange = exchange_with(held, tmp_path, network=lambda _: httpx.MockTransport(shop))
    file = await exchange.bring(f"http://{host}/mug.jpg", tmp_path / "reference")
    assert file.name == "reference.png"
    assert KEY not in str(seen[0].headers.raw)


@pytest.mark.parametrize(
    "url", ["http://shop.example/x.png", "https://127.0.0.1/x.png", "file:///etc/passwd"]
)
async def test_a_reference_from_within_is_refused(url: str, tmp_path: Path) -> None:
    exchange = exchange_with({"AGENTES_HOME": str(tmp_path)}, tmp_path)
    with pytest.raises((BadRequest, Unsuitable)):
        await exchange.bring(url, tmp_path / "reference")
    assert list(tmp_path.iterdir()) == []


def exchange_with(held: dict[str, str], home: Path, **more: Any) -> Exchange:
    """An exchange over the real catalogue."""
    secrets = SecretManager(held)
    settings = Settings.read(held, secrets=secrets)
    return Exchange(Catalogue.load(), secrets, settings, Shelf(home / "shelf", home / "desks"), **more)
