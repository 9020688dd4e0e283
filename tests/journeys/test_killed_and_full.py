"""Killed at every stage, two at once, a full disk: nothing is bought twice, nothing lost, nothing left over."""

from __future__ import annotations

import resource
import signal
import sqlite3
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from test_draft_journey import BRIEF, SHORTER

if TYPE_CHECKING:
    from typed import Ask, Begin, Ran
    from warm import Child

STAGES = {
    "taken": "select count(*) from jobs",
    "quoted": "select count(*) from jobs where quote is not null",
    "sending": "select count(*) from orders where state = 'sending'",
    "a frame is drawn": "select count(*) from outcomes where task like 'video-1.frame-%'",
    "the clip is made": "select count(*) from orders where platform = 'draft_clip' and state = 'settled'",
    "the film is joined": "select count(*) from outcomes where task = 'film'",
}


class Home:
    """A home of its own, whose ledger is read from outside while jobs run in it."""

    def __init__(self, place: Path, ask: Ask, begin: Begin) -> None:
        self.place, self.home, self.out = place, place / "home", place / "out"
        self._ask, self._begin = ask, begin

    def ask(self, *words: str, limits: Mapping[int, int] | None = None) -> Ran:
        return self._ask(self.place, *words, "--json", limits=limits)

    def begin(self, *words: str) -> Child:
        return self._begin(self.place, *words, "--json")

    def read(self, question: str) -> list[tuple[str, ...]]:
        if not (self.home / "ledger.db").exists():
            return []
        with closing(sqlite3.connect(f"file:{self.home / 'ledger.db'}?mode=ro", uri=True)) as ledger:
            try:
                return ledger.execute(question).fetchall()
            except sqlite3.OperationalError:
                return []

    def settled(self) -> set[tuple[str, ...]]:
        return set(self.read("select id, task, piece from orders where state = 'settled'"))

    def kill_once(self, process: Child, stage: str) -> None:
        """Kills the program alone, as a crash would: its children are orphans, not victims."""
        deadline = time.monotonic() + 60
        while not any(count for (count,) in self.read(STAGES[stage])):
            assert process.poll() is None, process.said
            assert time.monotonic() < deadline
            time.sleep(0.005)
        process.kill(signal.SIGKILL)
        process.wait(30)

    def left_over(self) -> list[Path]:
        return [*self.out.rglob("*.part"), *(self.home / "desks").iterdir(), *self.home.rglob("*.part")]


@pytest.fixture
def home(tmp_path: Path, ask: Ask, begin: Begin) -> Home:
    return Home(tmp_path, ask, begin)


def test_killed_at_every_stage_it_comes_to_the_same_end(home: Home):
    process = home.begin("make", SHORTER, "--draft", "--out", "out")
    kept: list[set[tuple[str, ...]]] = []
    job = ""
    for stage in STAGES:
        home.kill_once(process, stage)
        kept.append(home.settled())
        (line,) = home.ask("runs").json
        assert line["state"] == "interrupted", stage
        job = line["job"]
        process = home.begin("resume", job)
    ended = process.wait(100)
    assert ended.returncode == 0, ended.stderr
    made = ended.json
    assert (made["status"], made["shortfalls"]) == ("done", [])
    end = home.settled()
    assert all(before <= end for before in kept), "an order that was settled was lost"
    pieces = [(task, piece) for _, task, piece in end]
    assert sorted(pieces) == sorted(set(pieces)), "something was bought twice"
    assert home.read("select id from orders where state <> 'settled'") == []
    assert home.left_over() == []
    assert Path(made["film"]).is_file()
    assert {asset["task"] for asset in made["assets"]} == {"photo-1", "video-1", "voice-1"}


def test_of_two_resumes_at_once_one_is_refused(home: Home):
    process = home.begin("make", SHORTER, "--draft", "--out", "out")
    home.kill_once(process, "quoted")
    (line,) = home.ask("runs").json
    both = [home.begin("resume", line["job"]) for _ in range(2)]
    answers = {ended.returncode: ended.json for ended in [one.wait(100) for one in both]}
    assert set(answers) == {0, 2}
    assert answers[0]["status"] == "done"
    assert "already running" in answers[2]["error"]["message"]
    pieces = home.read("select task, piece from orders where state = 'settled'")
    assert len(pieces) == len(set(pieces))


def test_a_full_disk_is_said_and_the_job_goes_on_when_there_is_room(home: Home):
    """No file may grow beyond 500 kB: the ledger finds the disk full in the middle of the work."""
    full = home.ask("make", BRIEF, "--draft", "--out", "out", limits={resource.RLIMIT_FSIZE: 500_000})
    assert full.code in {4, 5}, full.err
    assert "Traceback" not in full.err
    assert "Free some space" in full.json["error"]["todo"]
    (line,) = home.ask("runs").json
    assert line["state"] in {"interrupted", "failed"}
    mended = home.ask("resume", line["job"])
    assert (mended.code, mended.json["status"]) == (0, "done"), mended.err
    assert home.left_over() == []
