"""A service's counter, and workers in a hurry: what one side takes in, the other does."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Sequence

from orchestrator import assembly
from orchestrator.studio import Studio
from shared_knowledge.vocabulary import Brief, Choice

__all__ = ["ask_for", "take_in", "work"]


def take_in(
    briefs: Sequence[str],
    tenant: str = "acme",
    use: str | None = None,
    *,
    ask: bool = False,
    pause_s: float = 0,
) -> None:
    """Takes each brief in, waits for none, and says their jobs' names."""
    print(json.dumps(asyncio.run(_take_in(briefs, tenant, use, ask, pause_s))))


def ask_for(what: str, job: str) -> None:
    """Has a job resumed, approved or cancelled, or waits for its end; says how it stands then."""
    print(json.dumps(asyncio.run(_ask_for(what, job))))


def work(concurrency: int = 2, *, hurried: bool = True, tells_when: bool = False) -> None:
    """A worker as `agentes worker`; a hurried one believes in deaths sooner."""
    from orchestrator.dispatch import here, shift
    from orchestrator.faces import working
    from orchestrator.faces.cli import parser

    if hurried:
        shift._PULSE_S, shift._SILENT_S, shift._LOOKS_EVERY_S = 0.3, 1.5, 0.3
        shift.Shift.__init__.__kwdefaults__["grace_s"] = 1.0
    if tells_when:
        run = here.Here.run

        async def told(self: here.Here, job_id: str, **more: bool | None) -> None:
            print(f"{job_id} {time.time()}", flush=True)
            await run(self, job_id, **more)  # type: ignore[arg-type]

        here.Here.run = told  # type: ignore[method-assign, assignment]
    working.do(parser().parse_args(["worker", "--concurrency", str(concurrency)]))
    sys.exit(0)


async def _take_in(
    briefs: Sequence[str], tenant: str, use: str | None, ask: bool, pause_s: float
) -> list[str]:
    studio = assembly.studio(passes_on=True)
    choice = (Choice(platform=use),) if use else ()
    jobs = []
    for text in briefs:
        brief = Brief(text=text, use=choice, approval="ask" if ask else "given")
        jobs.append((await studio.accept(brief, tenant=tenant)).id)
        await asyncio.sleep(pause_s)
    return jobs


async def _ask_for(what: str, job: str) -> str:
    studio = assembly.studio(passes_on=True)
    match what:
        case "resume":
            await studio.resume(job)
        case "approve":
            await studio.approve(job, True)
        case "cancel":
            return str((await studio.cancel(job)).state)
    return str((await _end(studio, job)).state)


async def _end(studio: Studio, job: str):
    phases = [event.phase async for event in studio.follow(job)]
    assert phases
    return await studio.finish(job)
