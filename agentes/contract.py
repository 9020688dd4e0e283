"""The contract: all that the author of an adapter must learn.

An adapter translates between an Order and one vendor's language. It never waits, retries, counts
or saves: the engine does. A vendor's adapter is handed an httpx client that already knows the
address, the signature and the manners; a platform on this machine is handed a folder to write in.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

from pydantic import JsonValue

from shared_knowledge.errors import Failed, InDoubt, PlatformError
from shared_knowledge.platform_facts import Unit
from shared_knowledge.vocabulary import Money, Order

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

__all__ = [
    "LEAVES_WITHIN_S",
    "Body",
    "Candidates",
    "Done",
    "File",
    "Forgotten",
    "Inline",
    "Line",
    "Link",
    "LinkExpired",
    "LocalPlatform",
    "MayLeave",
    "Media",
    "Pending",
    "Platform",
    "Standing",
    "at_any_time",
]


@dataclass(frozen=True)
class Link:
    """The media wait at an address; `signed` means it must be asked for with our key."""

    url: str
    signed: bool = False
    kind: Literal["link"] = "link"


@dataclass(frozen=True)
class Inline:
    """The media are base64 text inside the JSON answer, at this JSON pointer.

    With a `pcm_rate`, bytes that have no header of their own are 16-bit mono samples, so many a second.
    """

    pointer: str
    pcm_rate: int | None = None
    kind: Literal["inline"] = "inline"


@dataclass(frozen=True)
class Body:
    """The answer's body is the file; `pcm_rate` as in Inline."""

    pcm_rate: int | None = None
    kind: Literal["body"] = "body"


@dataclass(frozen=True)
class File:
    """A local platform wrote the file itself, under this name in the folder it was handed."""

    name: str
    kind: Literal["file"] = "file"


Media = Link | Inline | Body | File


@dataclass(frozen=True)
class Pending:
    """It is being made: how to ask for it again, even from another process, and when to look.

    `queued` says that it waits its turn at the vendor's: that is patience, not slowness.
    `bare` says that the vendor calls it made and shows nothing; it may come to show it, but not for ever.
    """

    receipt: dict[str, JsonValue]
    look_again_in_s: float
    queued: bool = False
    bare: bool = False


@dataclass(frozen=True)
class Done:
    """It is made: where the media are, what could not be expressed, what the vendor says it cost.

    A vendor that names no price may name what it counted: `used`, in the units of its price list.
    """

    media: Media
    warnings: tuple[str, ...] = ()
    cost: Money | None = None
    used: dict[Unit, int] = field(default_factory=dict)
    measured: dict[str, JsonValue] = field(default_factory=dict)


@dataclass(frozen=True)
class Candidates:
    """Works of the vendor's that could be a lost order, with nothing that tells which: a person decides."""

    numbers: tuple[str, ...]


class LinkExpired(Failed):
    """The address does not lead to the file any more; the vendor may give a fresh one."""


class Forgotten(InDoubt):
    """The vendor knows nothing of the order any more."""


@dataclass(frozen=True)
class Standing:
    """How a key stands at its vendor's: that it works, and what is left, in the vendor's own measure."""

    left: str = ""


class Platform(Protocol):
    """One company's language. Only `start` is spoken by all; the rest is left out where there is nothing to say.

    The client takes paths below the platform's address. What comes back through it is a good answer in form
    (2xx, read to its end); any other has become an error of ours before the adapter sees it.
    """

    async def prepare(self, http: httpx.AsyncClient, order: Order) -> Order:
        """Free and repeatable work before the purchase, such as uploads: the order with `prepared` filled in."""
        ...

    async def start(self, http: httpx.AsyncClient, order: Order) -> Pending | Done:
        """Exactly one request: the paid one."""
        ...

    async def check(self, http: httpx.AsyncClient, order: Order) -> Pending | Done:
        """Asks once how a started order stands."""
        ...

    async def find(self, http: httpx.AsyncClient, order: Order) -> Pending | Done | Candidates | None:
        """Asks for an order whose answer was lost; only where the vendor can be asked."""
        ...

    def receipt_for(self, order: Order, number: str) -> dict[str, JsonValue]:
        """The receipt an order would have, had its answer come; only where it can be asked about by its number."""
        ...

    async def cancel(self, http: httpx.AsyncClient, order: Order) -> None:
        """Asks the vendor to stop; only where it can be asked."""
        ...

    async def standing(self, http: httpx.AsyncClient) -> Standing:
        """Asks, free of charge, whether the key works and what is left."""
        ...

    def explain(self, response: httpx.Response) -> PlatformError | None:
        """Their error in our words; None leaves it to the house table."""
        ...


class LocalPlatform(Protocol):
    """A platform on this machine: free, repeatable, deterministic for a seed."""

    async def start(self, desk: Path, order: Order) -> Done:
        """Makes the file in the folder it is handed; starting again gives the same file."""
        ...


LEAVES_WITHIN_S = 2.0
"""A purchase leaves so soon after it was written down as sent, or the ledger is asked once more."""

MayLeave = Callable[[], Awaitable[None]]
"""Awaited right before the first byte of a purchase: returns if it may leave, raises if it may not any more."""


async def at_any_time() -> None:
    """Nobody else could have taken the order."""


class Line(Protocol):
    """An adapter joined to its platform: by the wire, or by a folder on this machine."""

    async def prepare(self, order: Order) -> Order:
        """Does what is free and may be repeated, before the order is written down as sent."""
        ...

    async def start(self, order: Order, may_leave: MayLeave = at_any_time) -> Pending | Done:
        """Buys the order: called once, after its sending was written down."""
        ...

    @property
    def left(self) -> bool:
        """Whether a purchase is under way to the vendor, so that nobody may let go of it now."""
        ...

    async def salvage(self, order: Order) -> Pending | Done | None:
        """The answer to the purchase, if it came and lies here; read again, and nothing is sent.

        None if there is none to be read. Whatever an answer can mean, it is raised as `start` would raise
        it, but for TryAgain: that says nothing was booked, so the order may be sent anew.
        """
        ...

    async def check(self, order: Order) -> Pending | Done:
        """Asks once how a started order stands."""
        ...

    async def last_look(self, order: Order) -> Pending | Done:
        """As `check`, after the vendor was told to stop: Forgotten at once where nothing is known of it any more."""
        ...

    async def find(self, order: Order) -> Pending | Done | Candidates | None:
        """Asks for an order whose answer was lost; None if the list does not show it."""
        ...

    async def collect(self, order: Order, done: Done) -> Path:
        """Brings the finished media to this machine; free, and repeatable."""
        ...

    def receipt_for(self, order: Order, number: str) -> dict[str, JsonValue]:
        """The receipt of an order that a person found at the vendor's; BadRequest where there is none."""
        ...

    async def cancel(self, order: Order) -> bool:
        """Asks the vendor to stop; False where nobody can be asked."""
        ...
