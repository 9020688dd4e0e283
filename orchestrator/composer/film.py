"""The film of a plan: its clips and voices as they were made, joined, and put on the shelf."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

from agentes.media import fonts
from agentes.media.shelf import Shelf
from orchestrator.composer.captions import marks_of
from orchestrator.composer.finishing import Rendered
from orchestrator.composer.given import GIVEN
from orchestrator.composer.narrated import render_over
from orchestrator.composer.recorded import recorded
from orchestrator.composer.render import Voiced, render
from shared_knowledge.errors import Unsuitable
from shared_knowledge.vocabulary import Asset, Film, Medium, Money, Outcome, Plan, VoiceSpec

__all__ = ["FILM", "make_film"]

FILM = "film"

Outcomes = Mapping[str, Outcome]


async def make_film(plan: Plan, film: Film, outcomes: Outcomes, shelf: Shelf, desk: str) -> Asset:
    """The finished film as an asset; Unsuitable when a clip it needs was not made."""
    voices = [_voiced(plan, asset) for task in film.voices if isinstance(asset := outcomes.get(task), Asset)]
    if film.recording:
        sound = await asyncio.to_thread(recorded, plan, shelf)
        voices = [Voiced(path=sound or Path(film.recording.path), script=film.recording.says)]
    shelf.clear(desk)
    try:
        into = shelf.desk(desk) / "film.mp4"
        rendered = await _rendered(film, outcomes, voices, into)
        captions = await asyncio.to_thread(shelf.put, rendered.srt) if rendered.srt else None
        stored = await asyncio.to_thread(shelf.put, rendered.path)
    finally:
        shelf.clear(desk)
    found = rendered.found
    silent = [task for task in film.voices if not isinstance(outcomes.get(task), Asset)]
    unheard = [f"{task} was not made, so it is not heard" for task in silent]
    return Asset(
        task=FILM,
        medium=Medium.VIDEO,
        path=stored.path,
        sha256=stored.sha256,
        size_bytes=stored.size_bytes,
        mime=found.mime,
        width=found.width,
        height=found.height,
        duration_s=found.duration_s,
        fps=found.fps,
        platform="agentes",
        model="composer",
        cost=Money(0),
        warnings=(*rendered.warnings, *unheard),
        measured={
            **found.model_dump(mode="json", exclude_none=True),
            **rendered.measured.model_dump(mode="json", exclude_none=True),
            "quality_score": rendered.grade.score,
            "quality_parts": rendered.grade.parts,
            "blur": rendered.seen.blur,
            "spoken_s": rendered.seen.spoken_s,
            **({"captions": captions.path} if captions else {}),
        },
    )


async def _rendered(film: Film, outcomes: Outcomes, voices: Sequence[Voiced], into: Path) -> Rendered:
    if film.over:
        return await render_over(film, _made(outcomes, GIVEN), voices, into)
    clips = [Path(_made(outcomes, task).path) for task in film.clips]
    return await render(film, clips, voices, into, fonts=fonts.FOLDER, family=fonts.TEXT_FAMILY)


def _made(outcomes: Outcomes, task: str) -> Asset:
    outcome = outcomes.get(task)
    if not isinstance(outcome, Asset):
        raise Unsuitable(f"There is no film without {task}, which was not made.")
    return outcome


def _voiced(plan: Plan, asset: Asset) -> Voiced:
    spec = plan.task(asset.task).spec
    assert isinstance(spec, VoiceSpec)
    marks = asset.measured.get("marks") or marks_of(spec.script, asset.measured.get("words", ()))
    return Voiced(path=Path(asset.path), script=spec.script, marks=marks)
