"""Walks one order through a platform's line, as the engine would, and says how it ended."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from agentes.contract import Done, Line, Pending
from agentes.media import probe
from shared_knowledge.errors import AgentesError, TryAgain
from shared_knowledge.vocabulary import Order, OrderState

__all__ = ["Ended", "walk"]

_LOOKS_MOST = 12


@dataclass(frozen=True)
class Ended:
    """How an order ended: "made", or the name of the error; after how many looks, with which file."""

    outcome: str
    looks: int = 0
    done: Done | None = None
    file: Path | None = None
    error: AgentesError | None = None


async def walk(line: Line, order: Order, *, waits: bool = False) -> Ended:
    """Prepares, starts, looks until it is done, collects and probes; any error of ours is an ending."""
    looks = 0
    try:
        order = await line.prepare(order)
        answer = await line.start(order)
        while isinstance(answer, Pending):
            order = order.model_copy(update={"state": OrderState.SUBMITTED, "receipt": answer.receipt})
            looks += 1
            await asyncio.sleep(answer.look_again_in_s if waits else 0)
            if looks > _LOOKS_MOST and not waits:
                return Ended("endless", looks)
            answer = await _look(line, order, answer)
        file = await line.collect(order, answer)
        await probe.accept(file, order.spec, duration_s=order.duration_s)
    except AgentesError as error:
        return Ended(type(error).__name__, looks, error=error)
    return Ended("made", looks, answer, file)


async def _look(line: Line, order: Order, before: Pending) -> Pending | Done:
    try:
        return await line.check(order)
    except TryAgain:
        return before
