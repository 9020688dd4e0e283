"""Where a process can die: every moment at which something outside it changes, found by watching, not by listing.

The product knows nothing of this. A forked worker wraps, from outside, what it writes, sends and
renames; each moment gets a name that is the same in every run, and the process kills itself where its
plan says so. A moment that lies with the vendor, after the purchase was booked and before it was
answered, is the vendor's to strike.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import httpx

__all__ = ["Points", "moments", "plant"]

_IN_THE_MIDDLE_S = 0.05
_ASIDE = "note_event"
_NAMES_NOBODY_CHOSE = re.compile(r"(ord|job)_[0-9a-f]{12,20}|[0-9a-f]{32,64}")


class Points:
    """Counts the moments as they come, tells each by its name, and dies at the one it was told."""

    def __init__(
        self,
        die_at: str | None,
        tell: Callable[[str, str], object],
        vendor_strikes: Callable[[], object],
        look: Callable[[], str] = str,
    ) -> None:
        self._die_at = die_at
        self._tell = tell
        self._vendor_strikes = vendor_strikes
        self._look = look
        self._seen: Counter[str] = Counter()
        self._one_at_a_time = threading.RLock()

    def pass_by(self, moment: str) -> None:
        """This moment is now; where the plan says so, it is the last."""
        with self._one_at_a_time:
            self._seen[moment] += 1
            name = _name(moment, self._seen[moment])
            if name == self._die_at:
                os.kill(os.getpid(), signal.SIGKILL)
            self._tell(name, self._look())

    def leave_to_the_vendor(self, moment: str) -> None:
        """If this moment, whose turn is next, is the last, the vendor shall strike when it comes."""
        if _name(moment, self._seen[moment] + 1) == self._die_at:
            self._vendor_strikes()

    @contextmanager
    def around(self, what: str) -> Iterator[None]:
        """Before and after something; not after what failed."""
        self.pass_by(f"before {what}")
        yield
        self.pass_by(f"after {what}")


def moments(passed: Iterable[tuple[str, str]]) -> list[str]:
    """The moments of a life that differ, by their names: right after one thing is right before the next.

    Where somebody looked at the world each time, moments at which it was the same are one, too. What is told
    to a watcher goes its own way, at its own time, so such a moment has the name of another if it can.
    """
    found: list[str] = []
    last, world = "", ""
    for name, seen in passed:
        if seen and seen == world:
            if _ASIDE in found[-1]:
                found[-1] = name
        elif not (last.startswith("after ") and name.startswith("before ")):
            found.append(name)
        last, world = name, seen
    return found


def plant(points: Points) -> None:
    """Wraps everything of this process through which something outside it can change; for good."""
    _around_the_disk(points)
    _inside_files(points)
    _around_the_ledger(points)
    _around_checkpoints(points)
    _around_the_wire(points)
    _around_the_folder(points)


def _name(moment: str, number: int) -> str:
    return moment if number == 1 else f"{moment} #{number}"


def _plain(path: object) -> str:
    """Where a file lies, without the names that are new in every run."""
    given = Path(os.fspath(path) if isinstance(path, str | os.PathLike) else str(path))
    steps = [_NAMES_NOBODY_CHOSE.sub(lambda found: found[1] or "digest", step) for step in given.parts[-2:]]
    return "/".join(step if len(step) > 2 else "ab" for step in steps)


# ── the disk ───────────────────────────────────────────────────────────────────────────────────


def _around_the_disk(points: Points) -> None:
    def sync(now: Callable[[int], None], descriptor: int) -> None:
        with points.around(f"fsync {_plain(_path_of(descriptor))}"):
            now(descriptor)

    def rename(now: Callable[..., None], old: Any, new: Any, **more: Any) -> None:
        with points.around(f"rename {_plain(old)} {_plain(new)}"):
            now(old, new, **more)

    def link(now: Callable[..., None], old: Any, new: Any, **more: Any) -> None:
        with points.around(f"link {_plain(new)}"):
            now(old, new, **more)

    def remove(now: Callable[..., None], path: Any, **more: Any) -> None:
        if more.get("dir_fd") is not None or os.path.lexists(path):
            points.pass_by(f"before unlink {_plain(path)}")
        now(path, **more)

    def clear(now: Callable[..., None], path: Any, *more: Any, **named: Any) -> None:
        with points.around(f"rmtree {_plain(path)}") if os.path.lexists(path) else nullcontext():
            now(path, *more, **named)

    _wrap(os, "fsync", sync)
    _wrap(os, "replace", rename)
    _wrap(os, "rename", rename)
    _wrap(os, "link", link)
    _wrap(os, "unlink", remove)
    _wrap(shutil, "rmtree", clear)


def _inside_files(points: Points) -> None:
    """Half of what is written is on its way to the disk, and the other half never follows."""
    from agentes.wire.parts import Part

    def add(now: Callable[..., None], part: Any, chunks: Iterable[bytes]) -> None:
        whole = b"".join(chunks)
        half = len(whole) // 2
        now(part, [whole[:half]])
        if half:
            part._file.flush()
            points.pass_by(f"inside file {_plain(part.path)}")
        now(part, [whole[half:]])

    def copy(now: Callable[..., int], source: int, target: int, count: int) -> int:
        if os.lseek(target, 0, os.SEEK_CUR):
            return now(source, target, count)
        copied = now(source, target, max(count // 2, 1))
        points.pass_by(f"inside file {_plain(_path_of(target))}")
        return copied

    _wrap(Part, "add", add)
    if hasattr(os, "copy_file_range"):
        _wrap(os, "copy_file_range", copy)


# ── the ledger and the memory of the graph ─────────────────────────────────────────────────────


def _around_the_ledger(points: Points) -> None:
    """Before the first statement of a transaction, before it is committed, and when it is on the disk."""
    from orchestrator.store import sql
    from orchestrator.store.database import Database, Transaction

    here = threading.local()

    def opened(now: Callable[..., None], *given: Any, **named: Any) -> None:
        with points.around("opening the ledger"):
            now(*given, **named)

    def queued(now: Callable[..., Any], database: Any, asker: Any, work: Callable[[Any], Any]) -> None:
        ran: list[str] = []

        def watched(transaction: Any) -> Any:
            ran.clear()
            here.ran = ran
            try:
                answer = work(transaction)
            finally:
                here.ran = None
            if ran:
                points.pass_by(f"inside ledger {'+'.join(ran)}")
            return answer

        def written(_: Any) -> None:
            if ran:
                points.pass_by(f"after ledger {'+'.join(ran)}")

        future = asker if isinstance(asker, Future) else asker.future
        future.add_done_callback(written)
        now(database, asker, watched)

    def said(now: Callable[..., Any], transaction: Any, name: str, **values: Any) -> Any:
        ran = getattr(here, "ran", None)
        if ran is not None and not sql.query(name).lstrip().lower().startswith("select"):
            state = values.get("state") if name.startswith("move_") else None
            words = f"{name}:{state}" if state else name
            if not ran:
                points.pass_by(f"before ledger {words}")
            ran.append(words)
        return now(transaction, name, **values)

    _wrap(Database, "__init__", opened)
    _wrap(Database, "_queue", queued)
    _wrap(Transaction, "run", said)
    _wrap(Transaction, "rows", said)


def _around_checkpoints(points: Points) -> None:
    from orchestrator import checkpoints

    @asynccontextmanager
    async def opened(now: Callable[..., Any], where: Any) -> AsyncIterator[Any]:
        async with now(where) as saver:
            for name in ("aput", "aput_writes", "adelete_thread"):
                _wrap(saver, name, _awaited(points, f"checkpoint {name}"))
            yield saver

    _wrap(checkpoints, "open_checkpoints", opened)


# ── the wire ───────────────────────────────────────────────────────────────────────────────────


def _around_the_wire(points: Points) -> None:
    """Before a request, after it was booked, in the middle of its answer, and when the answer is whole."""
    from agentes.wire.network import Network

    async def send(now: Callable[..., Any], network: Any, request: httpx.Request) -> httpx.Response:
        call = request.extensions.get("call")
        what = f"http {call.kind if call else 'download'} {request.url.path.strip('/').partition('/')[0]}"
        paid = call is not None and call.paid
        points.pass_by(f"before {what}")
        if paid:
            points.leave_to_the_vendor(f"booked, unanswered {what}")
        response: httpx.Response = await now(network, request)
        if paid:
            points.pass_by(f"booked, unanswered {what}")
        response.stream = _Body(points, what, response.stream)
        return response

    _wrap(Network, "handle_async_request", send)


class _Body(httpx.AsyncByteStream):
    """An answer's body, whose first piece comes in two halves."""

    def __init__(self, points: Points, what: str, stream: Any) -> None:
        self._points, self._what, self._stream = points, what, stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        halved = False
        async for piece in self._stream:
            if halved or len(piece) < 2:
                yield piece
                continue
            yield piece[: len(piece) // 2]
            self._points.pass_by(f"inside {self._what}")
            halved = True
            yield piece[len(piece) // 2 :]
        self._points.pass_by(f"after {self._what}")

    async def aclose(self) -> None:
        await self._stream.aclose()


# ── the folder ─────────────────────────────────────────────────────────────────────────────────


def _around_the_folder(points: Points) -> None:
    from agentes.media import ffmpeg
    from orchestrator import run, studio

    def called(what: str) -> Callable[..., Any]:
        def watched(now: Callable[..., Any], *given: Any, **named: Any) -> Any:
            with points.around(what):
                return now(*given, **named)

        return watched

    async def encode(now: Callable[..., Any], *given: Any, **named: Any) -> Any:
        with points.around("ffmpeg"):
            running = asyncio.ensure_future(now(*given, **named))
            try:
                await asyncio.wait([running], timeout=_IN_THE_MIDDLE_S)
                points.pass_by("inside ffmpeg")
                return await running
            finally:
                running.cancel()

    _wrap(studio, "open_folder", called("opening the folder"))
    _wrap(run, "hand_over", called("handing over"))
    _wrap(run, "make_film", _awaited(points, "composing"))
    _wrap(ffmpeg, "run", encode)


# ── wrapping ───────────────────────────────────────────────────────────────────────────────────


def _wrap(owner: Any, name: str, watched: Callable[..., Any]) -> None:
    """Puts a function in the place of another, which it is handed before whatever else it is called with."""
    now = getattr(owner, name)

    def wrapper(*given: Any, **named: Any) -> Any:
        return watched(now, *given, **named)

    setattr(owner, name, wrapper)


def _awaited(points: Points, what: str) -> Callable[..., Any]:
    async def watched(now: Callable[..., Any], *given: Any, **named: Any) -> Any:
        with points.around(what):
            return await now(*given, **named)

    return watched


def _path_of(descriptor: int) -> Path:
    return Path(f"/proc/self/fd/{descriptor}").readlink()
