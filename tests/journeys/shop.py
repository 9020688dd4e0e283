"""A service's counter: takes briefs in and leaves them to the workers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

from orchestrator import assembly
from shared_knowledge.vocabulary import Brief, Choice

__all__ = ["take_in"]


def take_in(briefs: Sequence[str], tenant: str = "acme", use: str | None = None, ask: bool = False) -> None:
    """Takes each brief in, waits for none, and says their jobs' names."""
    print(json.dumps(asyncio.run(_take_in(briefs, tenant, use, ask))))


async def _take_in(briefs: Sequence[str], tenant: str, use: str | None, ask: bool) -> list[str]:
    studio = assembly.studio(passes_on=True)
    choice = (Choice(platform=use),) if use else ()
    jobs = []
    for text in briefs:
        brief = Brief(text=text, use=choice, approval="ask" if ask else "given")
        jobs.append((await studio.accept(brief, tenant=tenant)).id)
    return jobs
