"""The table of the service: each operation once, from which routes, access, document and tests are all made."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

from pydantic import BaseModel, TypeAdapter

from orchestrator.faces.web.calls import Answer, Call

__all__ = ["Doing", "Operation", "operations"]

Doing = Callable[[Call], Awaitable[Answer]]


@dataclass(frozen=True)
class Operation:
    """One thing that can be asked: where, by whom, with what, and what is answered."""

    name: str
    method: str
    path: str
    tag: str
    summary: str
    do: Doing
    scope: str | None
    answers: Mapping[int, Any]
    about: str = ""
    asks: Any = None
    may_ask_nothing: bool = False
    query: type[BaseModel] | None = None
    refuses: tuple[int, ...] = ()
    examples: Mapping[str, Any] = field(default_factory=dict)
    shown: Any = None
    keeps_its_promise: bool = False
    hides: tuple[str, ...] = ()
    opens_to_links: bool = False
    takes_bytes: bool = False
    is_counted: bool = True

    @cached_property
    def body(self) -> TypeAdapter[Any] | None:
        """What reads the body, if there is one."""
        return None if self.asks is None else TypeAdapter(self.asks)

    @property
    def needs_key(self) -> bool:
        """Whether a good key is asked for."""
        return self.scope is not None

    @property
    def repeats_safely(self) -> bool:
        """Whether an Idempotency-Key is heard."""
        return self.method == "POST" and self.needs_key

    @property
    def statuses(self) -> tuple[int, ...]:
        """Every status it may be refused with."""
        found = (
            {408, 431, 500, 503, *self.refuses}
            if self.asks or self.takes_bytes
            else {431, 500, 503, *self.refuses}
        )
        if self.asks is not None:
            found |= {400, 413}
        if self.query is not None or self.repeats_safely:
            found.add(400)
        if self.repeats_safely:
            found |= {409, 422}
        if self.needs_key:
            found |= {401, 403}
        if self.is_counted:
            found.add(429)
        if "{" in self.path:
            found.add(404)
        return tuple(sorted(found))


@cache
def operations() -> tuple[Operation, ...]:
    """Every operation of the service, in the order in which the document tells of them."""
    from orchestrator.faces.web.api import account, assets, health, jobs, keys, runs, webhooks

    rooms = (runs, jobs, assets, webhooks, keys, account, health)
    return tuple(operation for room in rooms for operation in room.OPERATIONS)
