"""The warm process: it has imported the product, starts no thread, and forks for each request that comes down its line.

`warm.py` starts it and asks it; a fork leaves by the same door as any Python program, so that it ends as one.
"""

from __future__ import annotations

import atexit
import contextlib
import faulthandler
import gc
import importlib
import json
import os
import pkgutil
import resource
import selectors
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from operator import attrgetter
from pathlib import Path
from typing import Any, NoReturn

__all__: list[str] = []

# What the product imports only when it needs it.
_LATER = (
    *("encodings.unicode_escape", "encodings.utf_16_le", "encodings.idna", "jinja2.sandbox"),
    *("rich._emoji_codes", "rich.progress", "rich.live", "aiosqlite", "httpcore", "anyio._backends._asyncio"),
)
# What every command reads first, and what no command can change.
_KNOWN: tuple[tuple[str, str, list[str]], ...] = (
    ("shared_knowledge.catalogue", "Catalogue.load", []),
    ("orchestrator.brief", "read", ["a photo of a mug"]),
)
_NUMBER_BYTES = 4
_READY = b"."


def _main(number: int, *packages: str) -> Any:
    _warm_up(packages)
    line = socket.socket(fileno=number)
    line.sendall(_READY)
    work = _serve(line)
    return None if work is None else work()


def _warm_up(packages: Sequence[str]) -> None:
    """Closes the network, then imports whatever a command may need."""
    sys.path.insert(0, str(Path(__file__).parent))
    importlib.import_module("closed_room").close_network()
    del sys.path[0]
    if packages:
        importlib.import_module("config.quick_start").quick_start()
        for name in _LATER:
            importlib.import_module(name)
    for name in packages:
        for module in pkgutil.walk_packages(importlib.import_module(name).__path__, f"{name}."):
            with contextlib.suppress(ImportError):  # something optional is not installed
                importlib.import_module(module.name)
    for name, known, words in _KNOWN:
        if name in sys.modules:
            attrgetter(known)(sys.modules[name])(*words)
    gc.collect()
    gc.freeze()
    tasks = Path("/proc/self/task")
    threads = len(list(tasks.iterdir())) if tasks.exists() else threading.active_count()
    if threads > 1:
        sys.exit(f"an import started a thread, so this process cannot be forked: {threading.enumerate()}")


def _serve(line: socket.socket) -> Callable[[], Any] | None:
    """Forks for each request; gives the work to do in a fork, and None at the end of the line."""
    living: dict[int, int] = {}
    waking, woken = os.pipe()
    for descriptor in (waking, woken):
        os.set_blocking(descriptor, False)
    signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    # A signal that comes before a fork is ready for it waits, and is not lost.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    with selectors.DefaultSelector() as selector:
        selector.register(line, selectors.EVENT_READ)
        selector.register(waking, selectors.EVENT_READ)
        while True:
            ready = {key.fileobj for key, _ in selector.select()}
            if waking in ready:
                with contextlib.suppress(BlockingIOError):
                    os.read(waking, 4096)
                _bury(living)
            if line not in ready:
                continue
            word, received, _, _ = socket.recv_fds(line, 1, 5)
            if not word:
                break
            begun, beginning = os.pipe()
            pid = os.fork()
            if pid == 0:
                os.setsid()
                os.close(begun)
                os.close(beginning)
                selector.close()
                signal.set_wakeup_fd(-1)
                for descriptor in (line.detach(), waking, woken, *living.values()):
                    os.close(descriptor)
                return _settle(*received)
            os.close(beginning)
            os.read(begun, 1)  # until it leads its own group, and can be killed with it
            *files, status = received
            for descriptor in (begun, *files):
                os.close(descriptor)
            living[pid] = status
            _tell(status, pid)
    for pid in living:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
    return None


def _bury(living: dict[int, int]) -> None:
    for pid in list(living):
        ended, how = os.waitpid(pid, os.WNOHANG)
        if ended:
            status = living.pop(pid)
            _tell(status, os.waitstatus_to_exitcode(how))
            os.close(status)


def _tell(status: int, number: int) -> None:
    with contextlib.suppress(BrokenPipeError):  # nobody waits for it any more
        os.write(status, number.to_bytes(_NUMBER_BYTES, "little", signed=True))


def _settle(request: int, stdin: int, stdout: int, stderr: int, status: int) -> Callable[[], Any]:
    """Makes this fork the process that was asked for, and gives what it shall do."""
    with open(request, encoding="utf-8") as file:
        asked = json.load(file)
    for place, descriptor in enumerate((stdin, stdout, stderr)):
        os.dup2(descriptor, place)
        os.close(descriptor)
    os.close(status)
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["env"])
    time.tzset()
    tempfile.tempdir = None
    for name, most in asked["limits"]:
        resource.setrlimit(name, (most, most))
    faulthandler.enable()
    gc.enable()
    sys.path[:0] = asked["path"]
    sys.argv = ["agentes", *asked["words"]]
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)

    def work() -> Any:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        module, _, function = asked["call"].partition(":")
        _leave(lambda: getattr(importlib.import_module(module), function)(**asked["args"]))

    return work


def _leave(work: Callable[[], Any]) -> NoReturn:
    """Does the work and ends as any program would, but for taking the whole house down brick by brick.

    Threads are waited for, what was to happen at the end happens, what was printed is written; then it is gone.
    """
    try:
        code = work()
    except SystemExit as leaving:
        code = leaving.code
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise  # ends by the signal, which only the interpreter itself can do
        sys.excepthook(type(error), error, error.__traceback__)
        code = 1
    if code is not None and not isinstance(code, int):
        print(code, file=sys.stderr)
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit((code or 0) & 0xFF)


if __name__ == "__main__":
    sys.exit(_main(int(sys.argv[1]), *sys.argv[2:]))
