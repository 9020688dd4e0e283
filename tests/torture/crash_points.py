"""Where a process can die: every moment at which something outside it changes, found by watching, not by listing.

The product knows nothing of this. A forked worker wraps, from outside, what it writes, sends and
renames; each moment gets a name that is the same in every run, and the process kills itself where its
plan says so. A moment that lies with the vendor, after the purchase was booked and before it was
answered, is the vendor's to strike.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import signal
import threading
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx

__all__ = ["Points", "moments", "plant"]

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
    def sync(sync_now: Callable[[int], None], descriptor: int) -> None:
        with points.around(f"fsync {_plain(Path(f'/proc/self/fd/{descriptor}').readlink())}"):
            sync_now(descriptor)

    def rename(rename_now: Callable[..., None], old: Any, new: Any, **more: Any) -> None:
        with points.around(f"rename {_plain(old)} {_plain(new)}"):
            rename_now(old, new, **more)

    def link(link_now: Callable[..., None], old: Any, new: Any, **more: Any) -> None:
        with points.around(f"link {_plain(new)}"):
            link_now(old, new, **more)

    def remove(remove_now: Callable[..., None], path: Any, **more: Any) -> None:
        if more.get("dir_fd") is not None or os.path.lexists(path):
            points.pass_by(f"before unlink {_plain(path)}")
        remove_now(path, **more)

    def clear(clear_now: Callable[..., None], path: Any, *more: Any, **named: Any) -> None:
        if not os.path.lexists(path):
            return clear_now(path, *more, **named)
        with points.around(f"rmtree {_plain(path)}"):
            clear_now(path, *more, **named)

    for module, name, watched in (
        *((os, "fsync", sync), (os, "replace", rename), (os, "rename", rename)),
        *((os, "link", link), (os, "unlink", remove), (shutil, "rmtree", clear)),
    ):
        setattr(module, name, functools.partial(watched, getattr(module, name)))


def _inside_files(points: Points) -> None:
    """Half of each thing that is written is on its way to the disk, and the other half never follows."""
    from agentes.wire.parts import Part

    add_now, copy_now = Part.add, getattr(os, "copy_file_range", None)

    def add(part: Part, chunks: Iterable[bytes]) -> None:
        whole = b"".join(chunks)
        half = len(whole) // 2
        add_now(part, [whole[:half]])
        if half:
            part._file.flush()
            points.pass_by(f"inside file {_plain(part.path)}")
        add_now(part, [whole[half:]])

    def copy(source: int, target: int, count: int) -> int:
        assert copy_now is not None
        if os.lseek(target, 0, os.SEEK_CUR):
            return int(copy_now(source, target, count))
        copied = copy_now(source, target, max(count // 2, 1))
        points.pass_by(f"inside file {_plain(Path(f'/proc/self/fd/{target}').readlink())}")
        return int(copied)

    Part.add = add  # type: ignore[method-assign]
    if copy_now is not None:
        os.copy_file_range = copy


# ── the ledger and the memory of the graph ─────────────────────────────────────────────────────


def _around_the_ledger(points: Points) -> None:
    """Before the first statement of a transaction, before it is committed, and when it is on the disk."""
    from orchestrator.store import database, sql

    Database, Transaction = database.Database, database.Transaction
    open_now, ask_now, run_now, rows_now = Database.__init__, Database.ask, Transaction.run, Transaction.rows
    here = threading.local()

    def opened(self: Any, *given: Any, **named: Any) -> None:
        with points.around("opening the ledger"):
            open_now(self, *given, **named)

    def ask(self: Any, work: Callable[[Any], Any]) -> Any:
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

        future = ask_now(self, watched)
        future.add_done_callback(lambda _: ran and points.pass_by(f"after ledger {'+'.join(ran)}"))
        return future

    def note(name: str, values: dict[str, Any]) -> None:
        ran = getattr(here, "ran", None)
        if ran is None or sql.query(name).lstrip().lower().startswith("select"):
            return
        state = values.get("state") if name.startswith("move_") else None
        words = f"{name}:{state}" if state else name
        if not ran:
            points.pass_by(f"before ledger {words}")
        ran.append(words)

    def run(self: Any, name: str, **values: Any) -> int:
        note(name, values)
        return run_now(self, name, **values)

    def rows(self: Any, name: str, **values: Any) -> Any:
        note(name, values)
        return rows_now(self, name, **values)

    Database.__init__ = opened  # type: ignore[method-assign]
    Database.ask = ask  # type: ignore[method-assign]
    Transaction.run = run  # type: ignore[method-assign]
    Transaction.rows = rows  # type: ignore[method-assign]


def _around_checkpoints(points: Points) -> None:
    from orchestrator import checkpoints

    open_now = checkpoints.open_checkpoints

    @asynccontextmanager
    async def opened(where: Any) -> AsyncIterator[Any]:
        async with open_now(where) as saver:
            for name in ("aput", "aput_writes", "adelete_thread"):
                setattr(saver, name, _awaited(points, f"checkpoint {name}", getattr(saver, name)))
            yield saver

    checkpoints.open_checkpoints = opened


def _awaited(points: Points, what: str, do: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def watched(*given: Any, **named: Any) -> Any:
        with points.around(what):
            return await do(*given, **named)

    return watched


# ── the wire ───────────────────────────────────────────────────────────────────────────────────


def _around_the_wire(points: Points) -> None:
    """Before a request, after it was booked, in the middle of its answer, and when the answer is whole."""
    from agentes.wire.network import Network

    send = Network.handle_async_request

    async def watched(self: Any, request: Any) -> Any:
        call = request.extensions.get("call")
        what = f"http {call.kind if call else 'download'} {request.url.path.strip('/').partition('/')[0]}"
        points.pass_by(f"before {what}")
        if call and call.paid:
            points.leave_to_the_vendor(f"booked, unanswered {what}")
        response = await send(self, request)
        if call and call.paid:
            points.pass_by(f"booked, unanswered {what}")
        response.stream = _Body(points, what, response.stream)
        return response

    Network.handle_async_request = watched  # type: ignore[method-assign]


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

    def called(module: Any, name: str, what: str) -> None:
        do = getattr(module, name)

        def watched(*given: Any, **named: Any) -> Any:
            with points.around(what):
                return do(*given, **named)

        setattr(module, name, watched)

    called(studio, "open_folder", "opening the folder")
    called(run, "hand_over", "handing over")
    run.make_film = _awaited(points, "composing", run.make_film)  # type: ignore[attr-defined]
    ffmpeg.run = _awaited(points, "ffmpeg", ffmpeg.run)
