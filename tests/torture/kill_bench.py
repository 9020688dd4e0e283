"""The bench on which workers are killed: vendors beside it, a warm parent, a fork for every life."""

from __future__ import annotations

import faulthandler
import gc
import hashlib
import os
import select
import shutil
import signal
import tempfile
import threading
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from crash_points import Points, moments
from invariants import Scene, always, at_rest, in_the_end, unchanged
from kill_kinds import Kind
from kill_life import live, look_once, wait_for_nothing
from kill_tables import Tables
from kill_vendors import Vendors
from shared_time import SharedTime

__all__ = ["Bench", "Verdict", "a_bench"]

_LIFE_LASTS_S = 60.0
_CLEAN_LIVES = 2


@dataclass(frozen=True)
class Verdict:
    """What became of one plan: how it ended, what was wrong, and where each life could have been killed."""

    kind: str
    kills: tuple[str, ...]
    end: str
    wrong: tuple[str, ...]
    missed: bool
    lives: tuple[tuple[str, ...], ...]
    seconds: float


@dataclass(frozen=True)
class _Life:
    killed: bool
    moments: tuple[str, ...]
    trouble: str


class Bench:
    """Runs plans one after the other, each in a new home."""

    def __init__(self, folder: Path, tables: Tables) -> None:
        self._folder = folder
        self._tables = tables
        self._time = SharedTime()
        self._vendors = Vendors(self._time)
        self._count = 0
        wait_for_nothing(self._time)
        look_once()

    def close(self) -> None:
        """The vendors are gone."""
        self._vendors.close()

    def rehearse(self, kind: Kind) -> None:
        """Lives once in this very process, so that every fork of it knows its part and imports nothing."""
        kind = replace(kind, faults=(), mistake=None)  # what is learnt here, every fork can do
        place, environ, here = self._new_place(kind), dict(os.environ), Path.cwd()
        live(kind, None, place, kind.environ(place / "home", self._vendors.url, None))
        os.chdir(here)
        os.environ.clear()
        os.environ.update(environ)
        shutil.rmtree(place)
        _forget_the_rehearsal()

    def moments(self, kind: Kind, *, look: bool) -> list[str]:
        """Where a life that nobody kills could be killed; with a look at the world, only where that differs."""
        place = self._new_place(kind)
        life = self._life(kind, place, None, look=look)
        wrong = [life.trouble] if life.trouble else list(in_the_end(self._scene(place), "always"))
        if wrong or life.killed:
            raise RuntimeError(f"{kind.name} cannot even live when nobody kills it: {wrong}")
        shutil.rmtree(place)
        return list(life.moments)

    def judge(self, kind: Kind, kills: Sequence[str], *, look: bool = False) -> Verdict:
        """Kills the first life at the first moment, the second at the second; then lets it come to its end."""
        begun = time.monotonic()
        place = self._new_place(kind)
        wrong: list[str] = []
        lives: list[_Life] = []

        def lived(kill: str | None) -> Scene:
            lives.append(self._life(kind, place, kill, look=look))
            scene = self._scene(place)
            wrong.extend(f"{fault} (after life {len(lives)})" for fault in always(scene))
            if lives[-1].trouble:
                wrong.append(f"I6: life {len(lives)} broke: {lives[-1].trouble}")
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
        if scene.state == "in_doubt" != again.state:  # a vendor's list was later than our first question
            scene, again = again, lived(None)
        wrong += [*in_the_end(again, kind.knows), *unchanged(scene, again)]
        shutil.rmtree(place)
        return Verdict(
            kind=kind.name,
            kills=tuple(kills),
            end=again.state,
            wrong=tuple(dict.fromkeys(wrong)),
            missed=missed,
            lives=tuple(life.moments for life in lives),
            seconds=round(time.monotonic() - begun, 3),
        )

    def _new_place(self, kind: Kind) -> Path:
        self._count += 1
        place = self._folder / str(self._count)
        place.mkdir()
        self._tables.begin()
        self._vendors.reset()
        self._time.reset()
        self._vendors.plant([dict(fault) for fault in kind.faults])
        return place

    def _life(self, kind: Kind, place: Path, kill: str | None, *, look: bool) -> _Life:
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            os.close(reading)
            self._be(kind, kill, place, writing, look=look)
        os.close(writing)
        passed, late = _heard(reading)
        if late:
            os.kill(child, signal.SIGABRT)
        _, how = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(how)
        killed = code == -signal.SIGKILL
        said = (place / "said.txt").read_text(errors="replace")[-1500:] if code and not killed else ""
        return _Life(killed, tuple(moments(passed)), said)

    def _be(self, kind: Kind, kill: str | None, place: Path, tell: int, *, look: bool) -> None:
        """The whole life of a fork; does not return."""
        said = os.open(place / "said.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(said, 1)
        os.dup2(said, 2)
        faulthandler.enable()
        gc.enable()
        code = 0
        try:
            points = Points(
                kill,
                lambda name, world: os.write(tell, f"{name}\t{world}\n".encode()),
                self._time.strike_me,
                *([lambda: self._world(place)] if look else []),
            )
            environ = kind.environ(place / "home", self._vendors.url, self._tables.url)
            print(live(kind, points, place, environ), flush=True)
        except BaseException:  # noqa: BLE001 - it is told, and the fork ends here
            traceback.print_exc()
            code = 1
        finally:
            os._exit(code)

    def _world(self, place: Path) -> str:
        """All that is outside the process, as a digest."""
        home = place / "home"
        files = sorted((*home.rglob("*"), *place.glob("out*/**/*")))
        told = [
            *(repr(self._tables.ledger(home)), repr(self._tables.graph(home)), repr(self._vendors.book())),
            *(_told(file) for file in files if not file.name.startswith(("practice.db", "graph.db"))),
        ]
        return hashlib.sha256("\n".join(told).encode()).hexdigest()[:16]

    def _scene(self, place: Path) -> Scene:
        home, said = place / "home", place / "said.txt"
        return Scene(
            home=home,
            out=place / "out",
            **self._tables.ledger(home),
            threads=[str(thread) for _, thread, _ in self._tables.graph(home)],
            book=self._vendors.book(),
            said=said.read_bytes() if said.exists() else b"",
        )


@contextmanager
def a_bench(tables: Tables) -> Iterator[Bench]:
    """A bench in a folder of its own, in memory where there is room for that: a kill is no power cut."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(
        prefix="kill-", dir=memory if os.access(memory, os.W_OK) else None
    ) as folder:
        bench = Bench(Path(folder), tables)
        try:
            yield bench
        finally:
            bench.close()


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
    if threading.active_count() > 1:
        raise RuntimeError(f"a thread is left, so this process cannot be forked: {threading.enumerate()}")


def _told(file: Path) -> str:
    return f"{file} {hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else ''}"


def _heard(reading: int) -> tuple[list[tuple[str, str]], bool]:
    """What a life told until it ended, and whether it had to be given up."""
    heard, late, until = b"", False, time.monotonic() + _LIFE_LASTS_S
    poll = select.poll()
    poll.register(reading, select.POLLIN)
    with os.fdopen(reading, "rb", buffering=0) as told:
        while not late:
            late = not poll.poll(max(until - time.monotonic(), 0) * 1000)
            if not late:
                piece = told.read(65536)
                if not piece:
                    break
                heard += piece
    lines = (line.partition("\t") for line in heard.decode().splitlines())
    return [(name, world) for name, _, world in lines], late
