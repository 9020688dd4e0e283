"""One life of a worker: it does what a person's `agentes resume` does, until it is done or killed."""

from __future__ import annotations

import asyncio
import functools
import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crash_points import Points, plant
from invariants import Knows
from shared_time import SharedTime

from shared_knowledge.errors import AgentesError
from shared_knowledge.vocabulary import Brief, JobState

__all__ = ["CANARY", "Kind", "live", "look_once", "wait_for_nothing"]

CANARY = "cnry/Zq8+Lw3Xv9Tb5Kd=Rm2Hs7"
_ON_THE_SHELF = {JobState.DONE, JobState.PARTIAL, JobState.FAILED, JobState.CANCELLED}


@dataclass(frozen=True)
class Kind:
    """A kind of provider: a job for it, its keys, what goes wrong at its vendor's, how it ends at best."""

    name: str
    brief: Brief
    keys: tuple[str, ...] = ()
    faults: tuple[Mapping[str, Any], ...] = ()
    knows: Knows = "always"
    mistakes: tuple[Callable[[], None], ...] = field(default=())

    def environ(self, home: Path, sandbox: str, database: str | None) -> dict[str, str]:
        """What the worker finds in its environment."""
        return {
            "AGENTES_HOME": str(home),
            "AGENTES_SANDBOX_URL": sandbox,
            **({"AGENTES_DATABASE_URL": database} if database else {}),
            **dict.fromkeys(self.keys, CANARY),
        }


def wait_for_nothing(time: SharedTime) -> None:
    """Has the wire and the engine pass their waits on the shared clock."""
    from agentes import purchase
    from agentes.wire import exchange

    # The assembly takes these names from their modules each time it builds.
    purchase.Workroom = functools.partial(purchase.Workroom, wait=time.sleep)  # type: ignore[misc,assignment]
    clock = time.worker_clock()
    exchange.Exchange = functools.partial(exchange.Exchange, clock=clock)  # type: ignore[misc,assignment]


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
    for mistake in kind.mistakes:
        mistake()
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
