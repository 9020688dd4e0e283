"""The disk is full at every writing, the ledger read-only, a desk in ruins: said in words, and nothing is lost.

Whatever becomes of this machine's files in the middle of a purchase, nothing is bought twice for one attempt,
what was paid for is had or written off openly, and the next run goes on.
"""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from fault_runs import bought_once, lived
from fault_world import Story, Watch
from passing import Toxic

from orchestrator.store import sqlite
from shared_knowledge.vocabulary import Asset, OrderState, Shortfall

S = OrderState
_PLATFORMS = ("runway", "openai_images", "elevenlabs")
_MORE = pytest.mark.torture


# ── the disk and the ledger ────────────────────────────────────────────────────────────────────


class Disk:
    """Everything that is written under a folder, counted; from one writing on there is no room any more."""

    hooked = False
    watched: Disk | None = None

    def __init__(self, fails_at: int, *, lasts: bool = True) -> None:
        self.fails_at = fails_at
        self.lasts = lasts
        self.written = 0
        self.folder = ""
        if not Disk.hooked:
            Disk.hooked = True
            sys.addaudithook(_audited)

    def write(self, what: object = "") -> None:
        """Counts a writing; raises OSError if it finds no room."""
        if self.folder and self.folder in str(what):
            self.written += 1
            if self.written == self.fails_at or (self.lasts and self.written > self.fails_at > 0):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _audited(event: str, args: tuple[Any, ...]) -> None:
    disk = Disk.watched
    if disk is None:
        return
    writes = event == "open" and isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
    if writes or event in ("os.mkdir", "os.rename", "os.link", "os.truncate"):
        disk.write(args[0])


@contextmanager
def _disk(disk: Disk, patch: pytest.MonkeyPatch) -> Iterator[None]:
    """Puts a disk under the ledger and under every file of a purchase."""
    commit, fsync = sqlite._Connection.commit, os.fsync

    def committed(self: Any) -> None:
        try:
            disk.write(self._plain_words.where)
        except OSError:
            with self._plain_words:
                raise sqlite3.OperationalError("database or disk is full") from None
        commit(self)

    def synced(handle: int) -> None:
        disk.write(Path(f"/proc/self/fd/{handle}").readlink())
        fsync(handle)

    patch.setattr(sqlite._Connection, "commit", committed)
    patch.setattr(os, "fsync", synced)
    Disk.watched = disk
    try:
        yield
    finally:
        Disk.watched = None


class FirstRun(Watch):
    """Turns a disk on for the first run only."""

    def __init__(self, disk: Disk) -> None:
        super().__init__()
        self._disk = disk

    def before(self, sitting: int, home: Path) -> None:
        self._disk.folder = str(home) if sitting == 1 else ""


def _fills_up(platform: str, *, lasts: bool) -> int:
    """Has the disk full at the first, the second, … writing of a purchase; gives their number."""
    for at in range(1, 200):
        disk = Disk(at, lasts=lasts)
        with pytest.MonkeyPatch.context() as patch, _disk(disk, patch):
            story = lived(lambda: FirstRun(disk), platform)  # noqa: B023 - lived through at once
        if disk.written < at:
            assert len(story.sittings) == 1
            return at
        assert len(story.ledger) <= 1, f"writing {at}"
        _ends_well(story, f"writing {at}")
    raise AssertionError("there is no end to it")


def _ends_well(story: Story, when: str) -> None:
    """It is there, or one order is held for it; and what was said is a sentence with a way out."""
    first, last = story.sittings[0].outcome, story.sittings[-1].outcome
    assert isinstance(first, Asset) or (first is not None and first.why), when
    if not isinstance(last, Asset):
        assert last is not None
        assert last.kind == "in_doubt", f"{when}: {last.why}"


@pytest.mark.parametrize(
    "platform",
    ["openai_images", pytest.param("runway", marks=_MORE), pytest.param("elevenlabs", marks=_MORE)],
)
def test_the_disk_is_full_at_every_writing(platform: str) -> None:
    assert _fills_up(platform, lasts=True) > 10


@_MORE
@pytest.mark.parametrize("platform", _PLATFORMS)
def test_the_disk_is_full_for_one_writing(platform: str) -> None:
    assert _fills_up(platform, lasts=False) > 10


@pytest.mark.parametrize("when", [S.SENDING, S.SUBMITTED, S.READY, S.STORED])
def test_a_ledger_that_turns_read_only(when: OrderState, monkeypatch: pytest.MonkeyPatch) -> None:
    begin, shut = sqlite._Connection.begin, []

    def begun(self: Any, **how: Any) -> None:
        if shut:
            self._connection.execute("pragma query_only = on")
            begin(self, **how)
            self._connection.execute("rollback")
            with self._plain_words:
                self._connection.execute("delete from holds")
        begin(self, **how)

    class Turning(Watch):
        def moved(self, state: OrderState, sitting: int) -> None:
            if sitting == 1 and state is when:
                shut.append(True)

        def after(self, sitting: int, home: Path) -> None:
            shut.clear()

    monkeypatch.setattr(sqlite._Connection, "begin", begun)
    story = lived(Turning, "runway")
    first = story.sittings[0].outcome
    assert isinstance(first, Shortfall)
    assert "cannot be used" in first.why
    assert len(story.ledger) <= 1
    _ends_well(story, when)


def test_a_ledger_nobody_may_write_into_is_said_before_anything_is_bought(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connect = sqlite3.connect

    def read_only(file: Path, **how: Any) -> sqlite3.Connection:
        connect(file).close()  # it is there, and empty
        return connect(f"file:{file}?mode=ro", uri=True, **how)

    class OnPaper(Watch):
        def before(self, sitting: int, home: Path) -> None:
            monkeypatch.setattr(sqlite3, "connect", read_only if sitting == 1 else connect)

    story = lived(OnPaper, "openai_images")
    first = story.sittings[0]
    assert isinstance(first.outcome, Shortfall)
    assert "readonly" in first.outcome.why
    assert "AGENTES_HOME" in first.outcome.why
    assert first.orders == ()
    bought_once(story)


# ── the desk ───────────────────────────────────────────────────────────────────────────────────


def _gone(desk: Path) -> None:
    shutil.rmtree(desk)


def _emptied(desk: Path) -> None:
    for file in desk.iterdir():
        file.write_bytes(b"")


def _cut(desk: Path) -> None:
    for file in desk.iterdir():
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def _scribbled(desk: Path) -> None:
    for file in desk.iterdir():
        content = bytearray(file.read_bytes())
        content[len(content) // 3 :: 7] = b"\xa5" * len(content[len(content) // 3 :: 7])
        file.write_bytes(content)


def _a_folder_each(desk: Path) -> None:
    for file in list(desk.iterdir()):
        file.unlink()
        file.mkdir()


def _of_another(desk: Path) -> None:
    for file in desk.iterdir():
        file.write_bytes(b'{"data": [{"b64_json": "aGVsbG8="}], "id": "somebody-elses"}')


_RUINS = (_gone, _emptied, _cut, _scribbled, _a_folder_each, _of_another)


class Ruin(Watch):
    """The first run is stopped at a state, and then something happens to the desk."""

    def __init__(self, when: OrderState | None, ruin: Callable[[Path], None]) -> None:
        super().__init__()
        self._when = when
        self._ruin = ruin

    def moved(self, state: OrderState, sitting: int) -> None:
        if sitting == 1 and state is self._when and self.work is not None:
            self.work.cancel()

    def after(self, sitting: int, home: Path) -> None:
        if sitting == 1:
            for desk in list((home / "desks").iterdir()):
                self._ruin(desk)


@pytest.mark.parametrize("ruin", _RUINS)
@pytest.mark.parametrize(
    ("platform", "when"),
    [
        ("runway", S.SUBMITTED),
        pytest.param("runway", S.READY, marks=_MORE),
        pytest.param("openai_images", S.STORED, marks=_MORE),
    ],
)
def test_a_desk_in_ruins(platform: str, when: OrderState, ruin: Callable[[Path], None]) -> None:
    """What the vendor still has, or the shelf has already, comes all the same."""
    bought_once(lived(lambda: Ruin(when, ruin), platform))


@pytest.mark.parametrize(
    "ruin",
    [
        pytest.param(
            ruin,
            marks=pytest.mark.xfail(strict=True, reason="it stays `ready` for ever, and no person is asked"),
        )
        if ruin in (_gone, _a_folder_each)
        else ruin
        for ruin in _RUINS
    ],
)
def test_an_answer_that_came_only_once_in_ruins(ruin: Callable[[Path], None]) -> None:
    """It is written off openly, or held for a person; what is bought in its place is another attempt."""
    story = lived(lambda: Ruin(S.READY, ruin), "openai_images")
    first, *more = story.orders.values()
    assert len(story.ledger) == 1 + len(more)
    assert first.state in (S.FAILED_CHARGED, S.IN_DOUBT, S.NEEDS_REVIEW)
    if first.state is S.FAILED_CHARGED:
        assert first.cost
        assert first.why


@pytest.mark.parametrize("ruin", _RUINS)
def test_half_an_answer_in_ruins(ruin: Callable[[Path], None]) -> None:
    """In doubt it was, and in doubt it stays."""
    story = lived(lambda: Ruin(None, ruin), "openai_images", Toxic("openai_images", "start", "rst_mid"))
    assert len(story.ledger) == 1
    assert {order.state for order in story.orders.values()} == {S.IN_DOUBT}
