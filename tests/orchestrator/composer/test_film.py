"""The film of a plan: what is not heard is said, and no desk is left behind."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agentes.media.grading import Grade, Seen
from agentes.media.shelf import Shelf
from orchestrator.composer import film as film_room
from orchestrator.composer.film import FILM, make_film
from shared_knowledge.errors import Broken, Unsuitable
from shared_knowledge.vocabulary import (
    Asset,
    Film,
    Medium,
    Money,
    Plan,
    Shortfall,
    Task,
    Understanding,
    VoiceSpec,
)

FILM_OF = Film(width=720, height=720, duration_s=4, clips=("video-1",), voices=("voice-1", "voice-2"))
PLAN = Plan(
    brief="x",
    brief_language="en",
    understanding=Understanding(),
    coverage=(),
    tasks=tuple(Task(id=name, spec=VoiceSpec(script="hello")) for name in FILM_OF.voices),
    film=FILM_OF,
)


def an_asset(task: str, medium: Medium) -> Asset:
    return Asset(
        task=task,
        medium=medium,
        path=f"/shelf/{task}",
        sha256="ab",
        size_bytes=1,
        mime="video/mp4",
        platform="p",
        model="m",
        cost=Money(0),
    )


OUTCOMES = {
    "video-1": an_asset("video-1", Medium.VIDEO),
    "voice-1": an_asset("voice-1", Medium.VOICE),
    "voice-2": Shortfall(task="voice-2", why="no voice"),
}


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "shelf", tmp_path / "desks")


def rendering(monkeypatch: pytest.MonkeyPatch, error: Exception | None = None) -> None:
    async def render(film: Film, clips: Any, voices: Any, into: Path, **_: Any) -> Any:
        assert not list(into.parent.iterdir()), "the desk of an earlier run was not cleared"
        into.write_bytes(b"a film")
        if error is not None:
            raise error
        facts = {"mime": "video/mp4", "width": 720, "height": 720, "duration_s": 4.0, "fps": 30.0}
        found = SimpleNamespace(**facts, model_dump=lambda **_: facts)
        measured = SimpleNamespace(model_dump=lambda **_: {"lufs": -16.0})
        told = {"grade": Grade(score=0.9, parts={}), "seen": Seen(), "warnings": ()}
        return SimpleNamespace(path=into, srt=None, found=found, measured=measured, **told)

    monkeypatch.setattr(film_room, "render", render)


async def test_each_voice_that_is_missing_is_named(shelf, monkeypatch, tmp_path):
    rendering(monkeypatch)
    (shelf.desk("job_1-film") / "captions.srt").write_text("from a run that was killed")
    film = await make_film(PLAN, FILM_OF, OUTCOMES, shelf, "job_1-film")
    assert (film.task, film.warnings) == (FILM, ("voice-2 was not made, so it is not heard",))
    assert not list((tmp_path / "desks").iterdir())


async def test_a_film_that_fails_leaves_no_desk(shelf, monkeypatch, tmp_path):
    rendering(monkeypatch, Broken("ffmpeg was killed"))
    with pytest.raises(Broken):
        await make_film(PLAN, FILM_OF, OUTCOMES, shelf, "job_1-film")
    assert not list((tmp_path / "desks").iterdir())


async def test_there_is_no_film_without_its_clip(shelf):
    lacking = {**OUTCOMES, "video-1": Shortfall(task="video-1", why="no ink")}
    with pytest.raises(Unsuitable, match="without video-1"):
        await make_film(PLAN, FILM_OF, lacking, shelf, "job_1-film")
