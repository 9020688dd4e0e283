"""One life of a worker: it does what a person's `agentes resume` does, until it is done or killed."""

from __future__ import annotations

import asyncio
import functools
import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from crash_points import Points, plant
from kill_kinds import Kind
from shared_time import SharedTime

from shared_knowledge.errors import AgentesError
from shared_knowledge.vocabulary import Brief, JobState

__all__ = ["live", "look_once", "wait_for_nothing"]

_ON_THE_SHELF = {JobState.DONE, JobState.PARTIAL, JobState.FAILED, JobState.CANCELLED}


def wait_for_nothing(time: SharedTime) -> None:
    """Has the wire and the engine pass their waits on the shared clock, and read the time there."""
    from agentes import purchase
    from agentes.wire import exchange
    from shared_knowledge import cost_tracker

    # The assembly takes these names from their modules each time it builds.
    for module, name, given in (
        (purchase, "Workroom", {"wait": time.sleep, "now": time.date}),
        (cost_tracker, "CostTracker", {"now": time.date}),
        (exchange, "Exchange", {"clock": time.worker_clock()}),
    ):
        setattr(module, name, functools.partial(getattr(module, name), **given))


def look_once() -> None:
    """Lets ffmpeg examine each content only once: what it finds depends on the bytes, and nothing is written."""
    from agentes.drafts import storyboard
    from agentes.media import ffmpeg

    storyboard.draw = functools.cache(storyboard.draw)
    examine, found = ffmpeg.examine, dict[tuple[str, ...], Any]()

    async def remembered(args: Sequence[str], **more: Any) -> Any:
        asked = tuple(_content(arg) if arg.startswith("file:") else arg for arg in args)
        if asked not in found:
            found[asked] = await examine(args, **more)
        return found[asked]

    ffmpeg.examine = remembered


def _content(arg: str) -> str:
    return hashlib.sha256(Path(arg.removeprefix("file:")).read_bytes()).hexdigest()


def live(kind: Kind, points: Points | None, folder: Path, environ: Mapping[str, str]) -> str:
    """Lives once; says what became of it."""
    os.chdir(folder)
    os.environ.update(environ)
    if kind.mistake is not None:
        kind.mistake()
    if points is not None:
        plant(points)
    return asyncio.run(_work(kind.brief, folder / "out"))


async def _work(brief: Brief, out: Path) -> str:
    from orchestrator import assembly

    assembly.set_up_logging()
    studio = assembly.studio()
    said = []
    if not studio.list():
        job = await studio.submit(brief, out)
        said.append(await _end(studio.finish(job.id)))
    else:
        await studio.recover()
        for job in studio.list():
            if job.state not in _ON_THE_SHELF:
                await studio.resume(job.id)
                said.append(await _end(studio.finish(job.id)))
    return "; ".join(said)


async def _end(finish: Any) -> str:
    try:
        return str((await finish).state)
    except AgentesError as error:
        return f"{type(error).__name__}: {error.what}"
