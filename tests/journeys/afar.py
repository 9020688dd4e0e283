"""Somebody who hands in a brief from afar, as the service does: nobody waits for a folder, no quote is shown first."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress

from orchestrator import assembly
from shared_knowledge.errors import AgentesError
from shared_knowledge.vocabulary import Brief, Choice

__all__ = ["hand_in"]


def hand_in(brief: str, tenant: str, use: str | None = None) -> None:
    """Hands a brief in, waits for its end, and says how the job stands."""
    print(json.dumps(asyncio.run(_hand_in(brief, tenant, use))))


async def _hand_in(text: str, tenant: str, use: str | None) -> dict[str, object]:
    studio = assembly.studio()
    brief = Brief(text=text, use=(Choice(platform=use),) if use else ())
    job = await studio.accept(brief, tenant=tenant, key="key_1")
    with suppress(AgentesError):
        await studio.finish(job.id)
    ended = studio.of(tenant, job.id)
    return {"state": ended.state, "why": ended.why, "folder": ended.folder, "result": studio.result(job.id)}
