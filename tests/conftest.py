"""The room every test runs in: no network but this machine, no keys, a home of its own.

`warm` runs the command line as a process of its own, without paying for its start each time.
"""

from __future__ import annotations

import gc
import os
import re
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from closed_room import close_network, open_network

if TYPE_CHECKING:
    from postgres import PostgresServer
    from practice import Practice
    from warm import Warm

_KEYS = re.compile(
    r"(?i)^AGENTES_|^GOOGLE_|^GCP_|^GCLOUD_|^AZURE_|^AWS_|^LANG(SMITH|CHAIN)_|_PROXY$"
    r"|(API_?KEY|ACCESS_KEY|SECRET(_KEY)?|API_SECRET|TOKEN|_KEY)(_FILE)?$"
)
_homes = count(1)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "torture: long, violent or random; run by `make torture`, not by `make test`"
    )
    for name in [name for name in os.environ if _KEYS.search(name)]:
        del os.environ[name]
    os.environ["LANGSMITH_TRACING"] = "false"
    if sys.dont_write_bytecode:
        _keep_bytecode_aside(config.rootpath / ".pytest_cache" / "bytecode")
    close_network()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """What is long even to collect is left alone, unless it was asked for."""
    return True if collection_path.stem.endswith("_at_length") and not _tortures(config) else None


def _tortures(config: pytest.Config) -> bool:
    return "torture" in config.option.markexpr


def pytest_collection_finish() -> None:
    """What was collected stays till the end: the search for what is no longer used need not go through it again."""
    gc.collect()
    gc.freeze()


def _keep_bytecode_aside(folder: Path) -> None:
    """Else every process the tests start would compile everything it imports, again and again."""
    sys.dont_write_bytecode, sys.pycache_prefix = False, str(folder)
    os.environ.update(PYTHONDONTWRITEBYTECODE="", PYTHONPYCACHEPREFIX=str(folder))


def pytest_unconfigure() -> None:
    open_network()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if _tortures(config):
        return
    spared = [item for item in items if item.get_closest_marker("torture")]
    if spared:
        config.hook.pytest_deselected(items=spared)
        items[:] = [item for item in items if not item.get_closest_marker("torture")]


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


@pytest.fixture(scope="session")
def warm() -> Iterator[Warm]:
    """A process that has imported the product, and forks for each command; the network is closed there too."""
    from warm import Warm

    with Warm() as process:
        yield process


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One PostgreSQL for all tests of this process; ask for `postgres`, which is a new database in every test."""
    from postgres import NoPostgres, PostgresServer

    server = PostgresServer()
    try:
        server.__enter__()
    except NoPostgres as why:
        pytest.skip(f"PostgreSQL: {why}")
    yield server
    server.__exit__(None, None, None)


@pytest.fixture
def postgres(postgres_server: PostgresServer) -> Iterator[str]:
    """The address of a database that is this test's alone."""
    with postgres_server.database() as url:
        yield url
