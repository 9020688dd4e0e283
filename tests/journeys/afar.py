"""Somebody who hands in a brief from afar, as the service does: nobody waits for a folder, no quote is shown first."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress

from orchestrator import assembly
from shared_knowledge.errors import AgentesError
from shared_knowledge.vocabulary import Brief, Choice

__all__ = ["hand_in"]


def hand_in(brief: str, tenant: str, use: str | None = None, agree: bool = False) -> None:
    """Hands a brief in, waits for its end or pause, agrees where that is asked, and says how the job stands."""
    print(json.dumps(asyncio.run(_hand_in(brief, tenant, use, agree))))


async def _hand_in(text: str, tenant: str, use: str | None, agree: bool) -> dict[str, object]:
    studio = assembly.studio()
    brief = Brief(text=text, use=(Choice(platform=use),) if use else ())
    job = await studio.accept(brief, tenant=tenant, key="key_1")
    with suppress(AgentesError):
        await studio.finish(job.id)
    asked = list(studio.open_questions(studio.of(tenant, job.id)))
    if agree:
        await studio.approve(job.id, True)
        await studio.finish(job.id)
    ended = studio.of(tenant, job.id)
    told = {"state": ended.state, "why": ended.why, "folder": ended.folder, "asked": asked}
    return {**told, "result": studio.result(job.id)}
