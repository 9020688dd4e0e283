"""The command line without its start-up: one process that has imported the product, and a fork of it for each command.

A fork has an environment, a folder, a session and standard streams of its own, and ends as a cold process does.
What only a cold start can show (what is imported when, what Python reads as it starts) needs a cold process.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

__all__ = ["Child", "Finished", "Warm", "WarmDied"]

_PRODUCT = ("shared_knowledge", "config", "agentes", "orchestrator")
_FORKING = Path(__file__).with_name("forking.py")
# Read when Python starts or a package is imported: a fork cannot have its own.
_AT_START = re.compile(r"PYTHON|LC_|LD_|LANG|MALLOC_|OPENSSL_|PYDANTIC_")
_STARTS_WITHIN_S = 120.0
_ENDS_WITHIN_S = 20.0
_TELLS_WITHIN_S = 3.0
_NUMBER_BYTES = 4
_READY = b"."


class WarmDied(RuntimeError):
    """The warm process is gone, and with it what it could tell about its forks."""


class Finished(NamedTuple):
    """How a command ended, and all it said; the code is minus the signal that killed it, if one did."""

    returncode: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        """What it said, as the one JSON value it must be."""
        return json.loads(self.stdout)


class Child:
    """A command that runs."""

    pid = 0

    def __init__(self, status: int, out: int, err: int, lost: Callable[[], WarmDied]) -> None:
        self._status, self.streams, self._lost = status, (out, err), lost
        self._code: int | None = None
        self._finished: Finished | None = None
        self._reading = threading.Lock()

    def begin(self) -> None:
        """Waits until it is there, which is soon."""
        self._await(_STARTS_WITHIN_S)
        self.pid = self._told()

    @property
    def is_over(self) -> bool:
        """Whether it was waited for, and nothing of it is open any more."""
        return self._finished is not None

    @property
    def said(self) -> tuple[str, str]:
        """What it has written by now, to each of its two streams."""
        if self._finished is not None:
            return self._finished[1:]
        return self._read("replace")

    def poll(self) -> int | None:
        """How it ended, or None while it runs."""
        with contextlib.suppress(TimeoutError):
            return self._learn(0)
        return None

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Sends a signal to this process alone, as a crash or Ctrl-C would; nothing once it has ended."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def wait(self, timeout_s: float = 60) -> Finished:
        """Waits for its end; if that does not come, raises TimeoutError and lets it run on."""
        code = self._learn(timeout_s)
        with self._reading:
            if self._finished is None:
                errors = "strict" if code >= 0 else "replace"  # killed in the middle of a letter
                self._finish(Finished(code, *self._read(errors)))
            assert self._finished is not None
            return self._finished

    def abandon(self) -> None:
        """Waits no longer: whatever becomes of it, this is what is known."""
        with self._reading:
            if self._finished is None:
                self._finish(Finished(-signal.SIGKILL, *self._read("replace")))

    def _learn(self, timeout_s: float) -> int:
        """Its exit code, which is told once, to whoever asks first."""
        if self._code is None:
            self._await(timeout_s)
            with self._reading:
                if self._code is None:
                    self._code = self._told()
        return self._code

    def _await(self, timeout_s: float) -> None:
        if not _readable(self._status, timeout_s):
            out, err = self.said
            raise TimeoutError(f"not over after {timeout_s:g} s; it said:\n{out[-2000:]}\n{err[-6000:]}")

    def _told(self) -> int:
        told = os.read(self._status, _NUMBER_BYTES)
        if len(told) < _NUMBER_BYTES:
            raise self._lost()
        return int.from_bytes(told, "little", signed=True)

    def _read(self, errors: str) -> tuple[str, str]:
        out, err = self.streams
        return _text(out, errors), _text(err, errors)

    def _finish(self, how: Finished) -> None:
        self._finished, self._code = how, how.returncode
        for descriptor in (self._status, *self.streams):
            os.close(descriptor)


class Warm:
    """The warm process, started when it is first needed; close it, or use it in a `with`, and nothing is left."""

    def __init__(self, packages: Sequence[str] = _PRODUCT) -> None:
        self._packages = packages
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._line: socket.socket | None = None
        self._complaints = -1
        self._is_closed = False
        self._environ: dict[str, str] = {}
        self._children: list[Child] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, wrong: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """The number of the warm process, which every command has for a parent."""
        self._begin()
        assert self._process is not None
        return self._process.pid

    def run(
        self,
        words: Sequence[str] = (),
        *,
        env: Mapping[str, str] | None = None,
        cwd: str | os.PathLike[str] | None = None,
        stdin: bytes = b"",
        timeout_s: float = 120,
        **more: Any,
    ) -> Finished:
        """Runs a command to its end; one that hangs is killed, and the error shows where it stood."""
        child = self.spawn(words, env=env, cwd=cwd, stdin=stdin, **more)
        try:
            return child.wait(timeout_s)
        except TimeoutError:
            child.kill(signal.SIGABRT)
            with contextlib.suppress(TimeoutError):
                child.wait(_TELLS_WITHIN_S)
            child.kill(signal.SIGKILL)
            out, err = child.wait(_ENDS_WITHIN_S)[1:]
            raise TimeoutError(
                f"killed after {timeout_s:g} s; it said:\n{out[-2000:]}\n{err[-6000:]}"
            ) from None

    def spawn(
        self,
        words: Sequence[str] = (),
        *,
        call: str = "orchestrator.faces.cli:main",
        args: Mapping[str, Any] | None = None,
        path: Sequence[str | os.PathLike[str]] = (),
        env: Mapping[str, str] | None = None,
        cwd: str | os.PathLike[str] | None = None,
        stdin: bytes = b"",
        limits: Mapping[int, int] | None = None,
    ) -> Child:
        """Starts the command line with these words, or any `module:function` with these arguments by name.

        Without an environment it has a copy of ours. `path` is put before where modules are looked for,
        `limits` are those of the module `resource`. What the function returns is the exit code.
        """
        environ = dict(os.environ if env is None else env)
        asked = {
            "words": list(words),
            "call": call,
            "args": dict(args or {}),
            "path": [os.fspath(each) for each in path],
            "env": environ,
            "cwd": os.fspath(cwd or Path.cwd()),
            "limits": list((limits or {}).items()),
        }
        self._begin()
        self._insist_on_start(environ)
        return self._ask(json.dumps(asked).encode(), stdin)

    def close(self) -> None:
        """Ends the warm process, and every command that still runs."""
        with self._lock:
            if self._is_closed or self._process is None or self._line is None:
                return
            self._is_closed = True
            self._line.close()
            try:
                self._process.wait(_ENDS_WITHIN_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            for child in self._children:
                child.abandon()
            os.close(self._complaints)

    def _begin(self) -> None:
        with self._lock:
            if self._is_closed:
                raise ValueError("the warm process was closed")
            if self._process is not None:
                return
            self._environ = {name: value for name, value in os.environ.items() if "AGENTES_" not in name}
            # The product's quick start sets it, here and wherever a test calls the command line in its own process.
            self._environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
            self._line, theirs = socket.socketpair()
            self._complaints = _file()
            with theirs:
                self._process = subprocess.Popen(
                    [sys.executable, "-P", str(_FORKING), str(theirs.fileno()), *self._packages],
                    env=self._environ, cwd="/", pass_fds=[theirs.fileno()], start_new_session=True,
                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self._complaints,
                )  # fmt: skip
            if not _readable(self._line.fileno(), _STARTS_WITHIN_S) or self._line.recv(1) != _READY:
                raise self._lost()

    def _ask(self, request: bytes, stdin: bytes) -> Child:
        status, theirs = os.pipe()
        child = Child(status, _file(), _file(), self._lost)
        self._children = [*(each for each in self._children if not each.is_over), child]
        handed = [_file(request), _file(stdin), *child.streams, theirs]
        try:
            with self._lock:
                assert self._line is not None
                with contextlib.suppress(OSError):  # that it is gone shows when the child is asked for
                    socket.send_fds(self._line, [_READY], handed)
        finally:
            for descriptor in (*handed[:2], theirs):
                os.close(descriptor)
        child.begin()
        return child

    def _insist_on_start(self, environ: Mapping[str, str]) -> None:
        for name, value in environ.items():
            if _AT_START.match(name) and value != self._environ.get(name):
                raise ValueError(f"{name} is read when Python starts; test it with a cold process")

    def _lost(self) -> WarmDied:
        assert self._process is not None
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_TELLS_WITHIN_S)
        said = _text(self._complaints, "replace").strip() or "nothing"
        return WarmDied(f"the warm process is gone (exit code {self._process.returncode}); it said: {said}")


def _file(content: bytes = b"") -> int:
    """A file without a name: however much is written to it, nobody has to read meanwhile."""
    descriptor, name = tempfile.mkstemp(prefix="warm-")
    Path(name).unlink()
    with os.fdopen(os.dup(descriptor), "wb") as file:
        file.write(content)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def _text(descriptor: int, errors: str) -> str:
    size = os.fstat(descriptor).st_size
    return os.pread(descriptor, size, 0).decode("utf-8", errors)


def _readable(descriptor: int, timeout_s: float) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(timeout_s * 1000))
