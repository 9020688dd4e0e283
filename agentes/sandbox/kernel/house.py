"""What a fake may use: the billing book, jobs that take their time, and real media."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from agentes.sandbox.kernel.calls import Call
from shared_knowledge.money import Money

__all__ = ["House", "Stage", "Work"]


class Stage(StrEnum):
    """How far a job has come, before the vendor's own word for it."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    REFUSED = "refused"
    CANCELLED = "cancelled"


@dataclass
class Work:
    """A job of a vendor that queues: what was asked, what it costs, and what is to go wrong with it."""

    number: str
    model: str
    usd: Money
    begun_at: float
    twist: str | None = None
    cancelled: bool = False
    told: dict[str, Any] = field(default_factory=dict)
    """Whatever the fake wants to remember of the request."""


class House(Protocol):
    """The kernel, as one fake sees it; one for each platform and sandbox."""

    platform: str
    works: dict[str, Work]

    def now(self) -> float:
        """Seconds since 1970."""
        ...

    def new_id(self, prefix: str = "", *, uuid: bool = False) -> str:
        """A number nobody had before; the same ones for the same seed."""
        ...

    def price(self, model: str, *, times: float = 1, **terms: object) -> Money:
        """The dearest price in the catalogue that fits the terms, times a count; nothing where it has none.

        By the clip, image or second, whichever the model is sold by; terms are resolution, audio, quality, seconds.
        """
        ...

    def book(self, call: Call, *, model: str, usd: Money, number: str) -> None:
        """Writes a paid start into the billing book; exactly once for each, after the request was found good."""
        ...

    def begin(self, call: Call, *, model: str, usd: Money, number: str, **told: Any) -> Work:
        """Books a job that takes its time and remembers it."""
        ...

    def stage(self, work: Work, call: Call) -> Stage:
        """How far the job has come, by latency and by what was asked to go wrong with it or with this look."""
        ...

    async def picture(self, call: Call | Work, width: int, height: int, mime: str = "image/png") -> bytes:
        """A real picture of that size; of another if `wrong_size` was asked for."""
        ...

    async def clip(
        self,
        call: Call | Work,
        width: int,
        height: int,
        seconds: float,
        *,
        fps: int = 24,
        sound: bool = False,
    ) -> bytes:
        """A real mp4 of that size and length; of others if that was asked for."""
        ...

    async def speech(
        self, call: Call | Work, text: str, mime: str = "audio/wav", *, rate: int = 24_000
    ) -> bytes:
        """Real sound, as long as the text would take; `audio/mpeg`, `audio/wav` or `audio/l16` (no header)."""
        ...

    def keep(
        self, call: Call | Work, content: bytes, mime: str, *, name: str = "", expires_in_s: float = 3600
    ) -> str:
        """A signed address, on a path of its own under this sandbox, where the file waits until it expires."""
        ...
