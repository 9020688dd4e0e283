"""One request as the work behind it sees it: who asks, what for, and what is to be answered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel

from orchestrator.access import Caller
from orchestrator.faces.web.errors import unknown_key

if TYPE_CHECKING:
    from orchestrator.faces.web.service import Service
    from orchestrator.store.database import Transaction

__all__ = ["Answer", "Call", "aside", "good"]

T = TypeVar("T")


async def _nothing(cost: int) -> None:
    """Nobody counts."""


async def aside(work: Callable[..., T], *given: object, **named: Any) -> T:
    """Has something done that may wait for the disk or the database, while others are served."""
    return await asyncio.to_thread(work, *given, **named)


@dataclass(frozen=True)
class Answer:
    """What goes back: a document, bytes, or a stream of them."""

    status: int
    body: bytes = b""
    kind: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    stream: AsyncIterator[bytes] | None = None
    length: int | None = None


def good(said: BaseModel, status: int = 200, **headers: str) -> Answer:
    """A good answer with a document in it."""
    return Answer(status, said.__pydantic_serializer__.to_json(said), headers=headers)


@dataclass
class Call:
    """A request that was let in: its key is good, its words are in order, and it is not the same one again."""

    service: Service
    method: str
    path: str
    request_id: str
    headers: Mapping[str, str]
    host: str
    scheme: str
    client: str
    params: Mapping[str, str]
    known: Caller | None
    query: Any = None
    asked: Any = None
    raw: bytes = b""
    admit: Callable[[int], Awaitable[None]] = _nothing
    promise: Callable[[Transaction, Answer], None] | None = None

    @property
    def caller(self) -> Caller:
        """Who asks; whoever asks for this without a key is refused."""
        if self.known is None:
            raise unknown_key()
        return self.known

    @property
    def tenant(self) -> str:
        """Whose things are asked for."""
        return self.caller.tenant

    @property
    def base(self) -> str:
        """Where this service is reached from outside."""
        return self.service.public_url or f"{self.scheme}://{self.host}"

    def keep_promise(self, transaction: Transaction, answer: Answer) -> None:
        """Binds the answer to the request's idempotency key, in the transaction that makes it true."""
        if self.promise is not None:
            self.promise(transaction, answer)
