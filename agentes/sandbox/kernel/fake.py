"""How a vendor's side is written: a class of routes that reads like the vendor's manual.

A fake says what its vendor accepts, answers and complains about. The kernel does the rest: it opens
the door, checks the key, keeps the billing book, breaks what was asked to be broken.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, TypeVar

from agentes.sandbox.kernel.calls import Answer, Call
from agentes.sandbox.kernel.house import House

__all__ = ["Fake", "Kind", "Route", "Trouble", "on", "routes_of"]

Kind = Literal["start", "check", "download", "find", "cancel", "free"]
Page = Callable[[Any, Call], Awaitable[Answer]]
P = TypeVar("P", bound=Page)


class Trouble(StrEnum):
    """What every vendor complains about, each in words of its own."""

    BAD_KEY = "bad_key"
    THROTTLED = "throttled"
    OUT_OF_CREDIT = "out_of_credit"
    RETIRED = "retired"
    REFUSED = "refused"
    BAD_REQUEST = "bad_request"
    NOT_FOUND = "not_found"
    FAILED = "failed"
    EXPIRED = "expired"
    BROKEN = "broken"


@dataclass(frozen=True)
class Route:
    """One line of the manual: what kind of call it is, its verb, its path with {holes}."""

    kind: Kind
    method: str
    path: str
    keyless: bool = False


def on(kind: Kind, method: str, path: str, *, keyless: bool = False) -> Callable[[P], P]:
    """Marks a method as the answer to calls of that verb and path; `{name}` catches a step, `{name:rest}` the rest."""

    def mark(page: P) -> P:
        page.__dict__.setdefault("routes", []).append(Route(kind, method, path, keyless))
        return page

    return mark


def routes_of(fake: Fake) -> Iterator[tuple[Route, Callable[[Call], Awaitable[Answer]]]]:
    """Every line of a fake's manual, with the method that answers."""
    for name in dir(type(fake)):
        for route in getattr(getattr(type(fake), name), "routes", ()):
            yield route, getattr(fake, name)


class Fake(ABC):
    """One vendor's side of the conversation."""

    refuses_late = False
    """Whether content is refused in the finished job (the fake looks at `twist`), not at the door."""

    def __init__(self, house: House) -> None:
        self.house = house

    @abstractmethod
    def complain(
        self, trouble: Trouble, call: Call, *, status: int = 0, retry_after_s: float | None = None
    ) -> Answer:
        """The vendor's own words, status and headers for a trouble; for BROKEN, `status` is 500, 502 or 503."""

    def key(self, call: Call) -> str | None:
        """The key a call carries; the word after the scheme in Authorization unless the vendor does otherwise."""
        return call.headers.get("authorization", "").partition(" ")[2].strip() or None
