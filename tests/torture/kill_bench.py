"""The bench on which workers are killed: vendors beside it, a warm parent, a fork for every life."""

from __future__ import annotations

import faulthandler
import gc
import os
import select
import shutil
import signal
import sqlite3
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from crash_points import Points, moments
from invariants import Scene, always, at_rest, in_the_end, unchanged
from kill_life import Kind, live, look_once, wait_for_nothing
from kill_vendors import Vendors
from shared_time import SharedTime

__all__ = ["Bench", "Verdict"]

_LIVES_AT_MOST_S = 60.0
_CLEAN_LIVES = 2


@dataclass(frozen=True)
class Life:
    """What was seen of one life."""

    killed: bool
    passed: tuple[str, ...]
    said: str
    code: int = 0


@dataclass(frozen=True)
class Verdict:
    """What became of one plan."""

    kind: str
    kills: tuple[str, ...]
    end: str
    wrong: tuple[str, ...]
    missed: bool
    after: tuple[tuple[str, ...], ...]
    """The moments of each life but the last, which are where a next kill could strike."""
    seconds: float


class Bench:
    """Runs plans of one database, one after the other."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._time = SharedTime()
        self._vendors = Vendors(self._time)
        self._count = 0
        wait_for_nothing(self._time)
        look_once()

    def close(self) -> None:
        """Nothing is left of it but what went wrong."""
        self._vendors.close()

    def rehearse(self, kind: Kind) -> None:
        """Lives once in this very process, so that every fork of it knows its part and imports nothing."""
        place, environ, here = self._new_place(kind), dict(os.environ), Path.cwd()
        live(kind, None, place, kind.environ(place / "home", self._vendors.url, None))
        os.chdir(here)
        os.environ.clear()
        os.environ.update(environ)
        shutil.rmtree(place)
        _forget_the_rehearsal()

    def moments(self, kind: Kind) -> list[str]:
        """Every moment of a life that nobody kills."""
        place = self._new_place(kind)
        life = self._life(kind, place, None)
        assert not life.killed, life
        wrong = [*in_the_end(self._scene(place), "always")]
        assert not wrong, (wrong, life.said)
        shutil.rmtree(place)
        return moments(life.passed)

    def judge(self, kind: Kind, kills: Sequence[str]) -> Verdict:
        """Kills the first life at the first moment, the second at the second; then lets it come to its end."""
        begun = time.monotonic()
        place = self._new_place(kind)
        wrong: list[str] = []
        lives: list[Life] = []

        def lived(kill: str | None) -> Scene:
            lives.append(self._life(kind, place, kill))
            scene = self._scene(place)
            wrong.extend(f"{fault} (after life {len(lives)})" for fault in always(scene))
            if lives[-1].code:
                wrong.append(f"I6: life {len(lives)} broke: {lives[-1].said[-300:]}")
            return scene

        for kill in kills:
            scene = lived(kill)
            if not lives[-1].killed:
                break
        missed = not lives[-1].killed
        for _ in range(_CLEAN_LIVES):
            if scene.is_at_rest:
                break
            scene = lived(None)
        wrong += at_rest(scene, len(lives))
        again = lived(None)
        wrong += [*in_the_end(again, kind.knows), *unchanged(scene, again)]
        if not wrong:
            shutil.rmtree(place)
        return Verdict(
            kind=kind.name,
            kills=tuple(kills),
            end=again.state,
            wrong=tuple(dict.fromkeys(wrong)),
            missed=missed,
            after=tuple(tuple(moments(life.passed)) for life in lives),
            seconds=time.monotonic() - begun,
        )

    def _new_place(self, kind: Kind) -> Path:
        self._count += 1
        place = self._folder / f"{kind.name}-{self._count}"
        place.mkdir(parents=True)
        self._vendors.reset()
        self._time.reset()
        self._vendors.plant([dict(fault) for fault in kind.faults])
        return place

    def _life(self, kind: Kind, place: Path, kill: str | None) -> Life:
        reading, writing = os.pipe()
        environ = kind.environ(place / "home", self._vendors.url, None)
        child = os.fork()
        if not child:
            os.close(reading)
            _be(kind, kill, place, environ, writing, self._time)
        os.close(writing)
        passed, late = _heard(reading)
        if late:
            os.kill(child, signal.SIGABRT)
        _, how = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(how)
        killed = code == -signal.SIGKILL
        said = (place / "said.txt").read_text(errors="replace") if code and not killed else ""
        return Life(killed, tuple(passed), said, 0 if killed else code)

    def _scene(self, place: Path) -> Scene:
        home = place / "home"
        tables = _tables(home / "practice.db")
        said = place / "said.txt"
        return Scene(
            home=home,
            out=place / "out",
            threads=_threads(home / "graph.db"),
            book=self._vendors.book(),
            said=said.read_bytes() if said.exists() else b"",
            **tables,
        )


def _forget_the_rehearsal() -> None:
    """Closes what the rehearsal opened, and sees to it that this process can be forked again."""
    from orchestrator import assembly
    from orchestrator.store.database import Database

    for opened in [each for each in gc.get_objects() if isinstance(each, Database)]:
        opened.close()
    for built in vars(assembly).values():
        if hasattr(built, "cache_clear"):
            built.cache_clear()
    gc.collect()
    gc.freeze()
    assert threading.active_count() == 1, threading.enumerate()


def _be(kind: Kind, kill: str | None, place: Path, environ: Mapping[str, str], tell: int, time: SharedTime) -> None:
    """The whole life of a fork; does not return."""
    said = os.open(place / "said.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(said, 1)
    os.dup2(said, 2)
    faulthandler.enable()
    gc.disable()
    code = 0
    try:
        points = Points(kill, lambda name: os.write(tell, f"{name}\n".encode()), time.strike_me)
        print(live(kind, points, place, environ), flush=True)
    except BaseException:  # noqa: BLE001 - it is told, and the fork ends here
        traceback.print_exc()
        code = 1
    finally:
        os._exit(code)


def _heard(reading: int) -> tuple[list[str], bool]:
    """What a life told until it ended, and whether it had to be given up."""
    heard, until = b"", time.monotonic() + _LIVES_AT_MOST_S
    poll = select.poll()
    poll.register(reading, select.POLLIN)
    with os.fdopen(reading, "rb", buffering=0) as told:
        while True:
            if not poll.poll(max(until - time.monotonic(), 0) * 1000):
                return heard.decode().splitlines(), True
            piece = told.read(65536)
            if not piece:
                return heard.decode().splitlines(), False
            heard += piece


_TABLES = ("jobs", "orders", "budgets", "holds", "outcomes", "events")


def _tables(file: Path) -> dict[str, Any]:
    if not file.exists():
        return dict.fromkeys(_TABLES, ())
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as ledger:
        ledger.row_factory = sqlite3.Row
        there = {name for (name,) in ledger.execute("select name from sqlite_master where type = 'table'")}
        return {
            name: [dict(row) for row in ledger.execute(f"select * from {name} order by 1, 2")] if name in there else ()
            for name in _TABLES
        }


def _threads(file: Path) -> list[str]:
    if not file.exists():
        return []
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as graph:
        there = {name for (name,) in graph.execute("select name from sqlite_master where type = 'table'")}
        return [
            thread
            for name in ("checkpoints", "writes")
            if name in there
            for (thread,) in graph.execute(f"select distinct thread_id from {name}")
        ]
