"""What the graph calls: the rules behind its nodes, so that the graph itself stays a drawing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Approval", "Stages", "Tell"]

Tell = Callable[[dict[str, Any]], None]


async def _as_it_is() -> None:
    """Nobody is asked for better words."""


@dataclass(frozen=True)
class Stages:
    """The rules the nodes call; each may be called again and must then find its work done."""

    understand: Callable[[], Awaitable[None]]
    plan: Callable[[], Awaitable[Sequence[str]]]
    quote: Callable[[], Awaitable[str]]
    needs_approval: Callable[[], Awaitable[bool]]
    perform: Callable[[str, Tell], Awaitable[str]]
    compose: Callable[[Tell], Awaitable[None]]
    deliver: Callable[[], Awaitable[None]]
    reword: Callable[[], Awaitable[None]] = _as_it_is


@dataclass(frozen=True)
class Approval:
    """The run has paused: a person must say yes to this quote."""

    quote: str
