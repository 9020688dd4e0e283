"""Where finished media are, and how they come to the desk: from an address, out of an answer, or as the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from agentes.contract import Body, Done, File, Inline, Link
from agentes.wire import download
from agentes.wire.client import Http
from agentes.wire.clock import Clock
from agentes.wire.kept import ANSWER
from agentes.wire.spool import bring_body, bring_out
from shared_knowledge.errors import Broken

__all__ = ["AnswerLost", "bring"]

_MEDIA = "media"


class AnswerLost(Broken):
    """What the vendor sent once lies no longer where it was put."""


async def bring(done: Done, desk: Path, http: Http, *, mask: Callable[[str], str], clock: Clock) -> Path:
    """The file on the desk of its order; free, and the same again when it is asked for again."""
    answer, into, media = desk / ANSWER, desk / _MEDIA, done.media
    if isinstance(media, Link):
        fetched = await download.fetch(
            media.url,
            into,
            network=http.network,
            guard=http.guard,
            medium=http.facts.medium,
            mask=mask,
            deadline_s=http.facts.deadline_s,
            auth=http.auth if media.signed else None,
            clock=clock,
        )
        return fetched.path
    if isinstance(media, File):
        raise Broken(f"{http.facts.id} answered with a file, as only a platform of this machine can.")
    if not answer.is_file():
        raise AnswerLost(
            f"The answer to order {desk.name} is no longer on its desk ({answer}).",
            todo="Was AGENTES_HOME cleaned? The order is paid, and its answer came only once.",
        )
    match media:
        case Inline(pointer, pcm_rate):
            return await asyncio.to_thread(bring_out, answer, pointer, into, pcm_rate=pcm_rate)
        case Body(pcm_rate):
            return await asyncio.to_thread(bring_body, answer, into, pcm_rate=pcm_rate)
