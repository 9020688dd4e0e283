"""What a watcher sees while a job runs: a small tree of who asked whom, and why."""

from __future__ import annotations

from datetime import UTC, datetime
from io import StringIO

import pytest
from rich.console import Console

from orchestrator.faces.live import Progress
from orchestrator.store.jobs import Event
from shared_knowledge.vocabulary import (
    Brief,
    Job,
    JobState,
    Plan,
    Shot,
    Task,
    Understanding,
    VideoSpec,
    VoiceSpec,
)

JOB = Job(
    id="job_1",
    brief=Brief(text="a film"),
    state=JobState.RUNNING,
    folder="/tmp/nowhere",
    created_at=datetime(2026, 11, 21, tzinfo=UTC),
)
PLAN = Plan(
    brief="a film",
    brief_language="en",
    understanding=Understanding(),
    coverage=(),
    tasks=(
        Task(
            id="video-1",
            spec=VideoSpec(subject="a mug", shots=(Shot(label="a", scene="", duration_s=2),), duration_s=2),
        ),
        Task(id="voice-1", spec=VoiceSpec(script="hello")),
    ),
)


def an_ask(task: str, asked_by: str, why: str) -> Event:
    return Event(what="ask", task=task, asked_by=asked_by, note=why)


EVENTS = (
    Event(what="task", task="voice-1", phase="done", platform="draft_speech", cost="0.000000"),
    an_ask("voice-1", "video-1", "the length of its line: 1.6 s"),
    an_ask("voice-1", "video-1", "the length of its line: 1.6 s"),
    Event(what="task", task="video-1", phase="preparing", platform="runway"),
    an_ask("video-1.frame-1", "video-1", "keyframe for shot 1 (a)"),
    an_ask("photo-9", "video-1.frame-1", "a background"),
    Event(what="task", task="photo-9", asked_by="video-1.frame-1", phase="making", platform="bfl_flux"),
    Event(
        what="task",
        task="video-1.frame-1",
        asked_by="video-1",
        phase="done",
        platform="bfl_flux",
        cost="0.030000",
    ),
    Event(what="quote"),
)


@pytest.fixture
def watched() -> Progress:
    progress = Progress(JOB, PLAN)
    for event in EVENTS:
        progress.show(event)
    return progress


def test_each_asker_stands_above_what_it_asked_for_and_why(watched: Progress) -> None:
    console = Console(width=120, record=True, file=StringIO())
    console.print(watched._table())
    lines = [line.rstrip() for line in console.export_text().splitlines()]
    assert [line.split()[0 if "└" not in line else 1] for line in lines] == [
        "video-1",
        "voice-1",
        "video-1.frame-1",
        "photo-9",
        "voice-1",
    ]
    assert "told" in lines[1]
    assert lines[1].endswith("the length of its line: 1.6 s")
    assert lines[2].startswith(" └ video-1.frame-1")
    assert "$0.03" in lines[2]
    assert lines[2].endswith("keyframe for shot 1 (a)")
    assert lines[3].startswith("    └ photo-9")
    assert "└" not in lines[4]


def test_where_nobody_looks_an_ask_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress(JOB, PLAN)
    for event in EVENTS:
        progress.show(event)
    told = capsys.readouterr().err.splitlines()
    assert told.count("video-1  asks for voice-1: the length of its line: 1.6 s") == 1
    assert "video-1  asks for video-1.frame-1: keyframe for shot 1 (a)" in told
