"""The room of the tests is itself tested: closed to the network, empty of keys, a home for each."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from pathlib import Path

import httpx
import pytest

OUTSIDE = "192.0.2.1"  # reserved for documentation, reachable by nobody


def test_a_connection_to_the_outside_is_stopped() -> None:
    with socket.socket() as line, pytest.raises(RuntimeError, match=OUTSIDE):
        line.connect((OUTSIDE, 80))
    with socket.socket(socket.AF_INET6) as line, pytest.raises(RuntimeError, match="2001:db8::1"):
        line.connect(("2001:db8::1", 80))


def test_a_datagram_to_the_outside_is_stopped() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as line, pytest.raises(RuntimeError, match=OUTSIDE):
        line.sendto(b"hello", (OUTSIDE, 53))


def test_a_name_is_not_looked_up_outside() -> None:
    with pytest.raises(RuntimeError, match="look up"):
        socket.getaddrinfo("example.org", 443)
    with pytest.raises(RuntimeError, match="look up"):
        socket.gethostbyname("example.org")


async def test_async_libraries_are_stopped_too() -> None:
    with pytest.raises(RuntimeError, match=OUTSIDE):
        await asyncio.open_connection(OUTSIDE, 80)
    async with httpx.AsyncClient() as http:
        with pytest.raises(ExceptionGroup) as stopped:
            await http.get(f"http://{OUTSIDE}/")
    assert stopped.value.subgroup(RuntimeError) is not None


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_this_machine_may_talk_to_itself(host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        answering = threading.Thread(target=lambda: server.accept()[0].close())
        answering.start()
        with socket.create_connection((host, server.getsockname()[1]), timeout=5) as line:
            assert line.recv(1) == b""
        answering.join()


def test_unix_sockets_are_open() -> None:
    left, right = socket.socketpair()
    with left, right:
        left.sendall(b"x")
        assert right.recv(1) == b"x"


def test_no_key_of_the_developer_is_in_the_environment() -> None:
    assert not [name for name in os.environ if name.endswith(("_API_KEY", "_API_SECRET", "_ACCESS_KEY"))]
    assert [name for name in os.environ if name.startswith("AGENTES_")] == ["AGENTES_HOME"]


@pytest.mark.parametrize("turn", [1, 2])
def test_every_test_has_a_home_and_a_desk_of_its_own(turn: int, agentes_home: Path) -> None:
    assert os.environ["AGENTES_HOME"] == str(agentes_home)
    assert not agentes_home.exists(), f"turn {turn} found another test's home"
    agentes_home.mkdir(parents=True)
    assert not (Path.cwd() / ".env").exists()


def test_torture_waits_to_be_asked_for(pytestconfig: pytest.Config, request: pytest.FixtureRequest) -> None:
    assert any(line.startswith("torture:") for line in pytestconfig.getini("markers"))
    asked = "torture" in pytestconfig.option.markexpr
    assert asked or not [item for item in request.session.items if item.get_closest_marker("torture")]
