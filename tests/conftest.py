"""The room every test runs in: no network but this machine, no keys, a home of its own.

The network is closed by an audit hook, below every library, so nothing can be patched around it.
"""

from __future__ import annotations

import ipaddress
import os
import re
import socket
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from practice import Practice

_KEYS = re.compile(
    r"(?i)^AGENTES_|^GOOGLE_|^GCP_|^GCLOUD_|^AZURE_|^AWS_|^LANG(SMITH|CHAIN)_|_PROXY$"
    r"|(API_?KEY|ACCESS_KEY|SECRET(_KEY)?|API_SECRET|TOKEN|_KEY)(_FILE)?$"
)
_NAMED = {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"}
_SENT = {"socket.connect", "socket.sendto", "socket.sendmsg"}
_homes = count(1)
_closed = False


class NetworkClosed(RuntimeError):
    """A test reached for the network."""


def _is_here(host: object) -> bool:
    name = host.decode() if isinstance(host, bytes) else host
    if not isinstance(name, str) or name in ("", "localhost", socket.gethostname()):
        return True
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return name.endswith(".localhost")
    return address.is_loopback or address.is_unspecified


def _is_number(host: object) -> bool:
    try:
        ipaddress.ip_address(str(host))
    except ValueError:
        return False
    return True


def _guard(event: str, args: tuple[object, ...]) -> None:
    if not _closed or not event.startswith("socket."):
        return
    if event in _SENT and isinstance(args[1], tuple) and not _is_here(args[1][0]):
        raise NetworkClosed(f"a test tried to reach {args[1][0]}")
    if event in _NAMED and not _is_here(args[0]) and not _is_number(args[0]):
        raise NetworkClosed(f"a test tried to look up {args[0]!r}")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "torture: long, violent or random; run by `make torture`, not by `make test`"
    )
    for name in [name for name in os.environ if _KEYS.search(name)]:
        del os.environ[name]
    os.environ["LANGSMITH_TRACING"] = "false"
    sys.addaudithook(_guard)
    _set_closed(closed=True)


def pytest_unconfigure() -> None:
    _set_closed(closed=False)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "torture" in config.option.markexpr:
        return
    spared = [item for item in items if item.get_closest_marker("torture")]
    if spared:
        config.hook.pytest_deselected(items=spared)
        items[:] = [item for item in items if not item.get_closest_marker("torture")]


def _set_closed(*, closed: bool) -> None:
    global _closed
    _closed = closed


@pytest.fixture(scope="session")
def empty_desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The working folder of every test: nobody's `.env` is near, and nothing lands in the repository."""
    return tmp_path_factory.mktemp("desk", numbered=False)


@pytest.fixture(autouse=True)
def agentes_home(empty_desk: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An AGENTES_HOME that is this test's alone, and is not there until somebody makes it."""
    home = empty_desk.parent / "homes" / str(next(_homes))
    monkeypatch.setenv("AGENTES_HOME", str(home))
    monkeypatch.chdir(empty_desk)
    return home


@pytest.fixture(scope="session")
def running_sandbox() -> Iterator[Practice]:
    """One sandbox for all tests of this process; ask for `sandbox`, which is as new in every test."""
    from practice import Practice

    practice = Practice()
    practice.open()
    yield practice
    practice.close()


@pytest.fixture
def sandbox(running_sandbox: Practice) -> Practice:
    """The fake platforms, listening on this machine, with an empty book and nothing planted."""
    running_sandbox.reset()
    return running_sandbox
