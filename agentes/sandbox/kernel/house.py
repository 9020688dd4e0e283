"""What a fake may use: the billing book, jobs that take their time, and real media."""

from __future__ import annotations

import random
import time
import uuid as uuids
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from agentes.sandbox.kernel.calls import Call
from agentes.sandbox.kernel.files import Files, Kept
from agentes.sandbox.kernel.ledger import Ledger
from agentes.sandbox.kernel.price_list import price
from agentes.sandbox.kernel.props import Clip, another_length, another_size, clip, picture
from agentes.sandbox.kernel.voices import lasting_s, speech
from shared_knowledge.money import Money

__all__ = ["House", "Stage", "Work"]

_ALPHABET = "0123456789abcdefghijkmnpqrstuvwxyz"
_QUEUEING_SHARE = 0.2


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
    """A job of a vendor that queues: what was asked, what it costs, and what is to go wrong with it.

    `twist` is what goes wrong at this look: what the job was born with, or what was planted on the look.
    """

    number: str
    model: str
    usd: Money
    begun_at: float
    twist: str | None = None
    cancelled: bool = False
    told: dict[str, Any] = field(default_factory=dict)
    """Whatever the fake wants to remember of the request."""
    here: str = ""
    fate: str | None = None
    """The twist it was born with."""

    @property
    def origin(self) -> str:
        """The address of the whole sandbox, as the caller wrote it."""
        return self.here.rpartition("/")[0]


class House:
    """The kernel, as one fake sees it; one for each platform and sandbox."""

    def __init__(self, platform: str, ledger: Ledger, files: Files, *, latency_s: float, seed: int) -> None:
        self.platform = platform
        self.works: dict[str, Work] = {}
        self._ledger = ledger
        self._files = files
        self._latency_s = latency_s
        self._seed = seed
        self._dice = random.Random(f"{seed} {platform}")  # noqa: S311 - numbers that repeat are the point
        self._props = 0

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time()

    def new_id(self, prefix: str = "", *, uuid: bool = False) -> str:
        """A number nobody had before; the same ones for the same seed."""
        if uuid:
            return prefix + str(uuids.UUID(int=self._dice.getrandbits(128), version=4))
        return prefix + "".join(self._dice.choices(_ALPHABET, k=20))

    def price(self, model: str, *, times: float = 1, references: int = 0, **terms: object) -> Money:
        """The dearest price in the catalogue that fits the terms, times a count; nothing where it has none.

        The count is of what the model is sold by: images, seconds, characters, megapixels, or clips (of
        so many `seconds`). Terms are resolution, audio, quality and seconds; references come on top.
        """
        return price(self.platform, model, times=times, references=references, **terms)

    def book(self, call: Call, *, model: str, usd: Money, number: str) -> None:
        """Writes a paid start into the billing book; exactly once for each, after the request was found good."""
        call.slip.model = model
        call.slip.lines.append(self._ledger.write(self.platform, model, number, usd))

    def begin(self, call: Call, *, model: str, usd: Money, number: str, **told: Any) -> Work:
        """Books a job that takes its time and remembers it."""
        self.book(call, model=model, usd=usd, number=number)
        call.slip.queued = True
        twist = call.twist
        work = Work(number, model, usd, self.now(), twist, told=told, here=call.here, fate=twist)
        self.works[number] = work
        return work

    def stage(self, work: Work, call: Call) -> Stage:
        """How far the job has come, by latency and by what was asked to go wrong with it or with this look."""
        if call.twist in ("fail", "refuse"):
            work.fate = call.twist
        work.twist = call.twist or work.fate
        work.here = call.here
        if work.cancelled:
            return Stage.CANCELLED
        passed_s = self.now() - work.begun_at
        if passed_s < self._latency_s * _QUEUEING_SHARE:
            return Stage.WAITING
        if work.twist == "stuck" or passed_s < self._latency_s:
            return Stage.RUNNING
        return {"fail": Stage.FAILED, "refuse": Stage.REFUSED}.get(work.twist or "", Stage.DONE)

    def shows(self, call: Call, begun_at: float) -> bool:
        """Whether the list that answers a call has come to know what was begun at that moment."""
        return begun_at <= self.now() - call.lag_s

    async def picture(self, call: Call | Work, width: int, height: int, mime: str = "image/png") -> bytes:
        """A real picture of that size; of another if `wrong_size` was asked for."""
        if call.twist == "wrong_size":
            width, height = another_size(width, height)
        return await picture(width, height, mime, self._label(call), self._mark(call))

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
        if call.twist == "wrong_size":
            width, height = another_size(width, height)
        if call.twist == "wrong_length":
            seconds = another_length(seconds)
        wanted = Clip(width, height, seconds, fps, sound)
        return await clip(wanted, self._label(call), self._mark(call))

    async def speech(
        self,
        call: Call | Work,
        text: str,
        mime: str = "audio/wav",
        *,
        rate: int = 24_000,
        language: str = "default",
    ) -> bytes:
        """Real sound, as long as the text would take.

        As `audio/mpeg`, `audio/wav`, `audio/ogg` (Opus), or `audio/l16`, which has no header.
        """
        return await speech(text, mime, rate, self.spoken_s(call, text, language))

    def spoken_s(self, call: Call | Work, text: str, language: str = "default") -> float:
        """How long `speech` of that text lasts, to the millisecond."""
        seconds = lasting_s(text, language)
        return another_length(seconds, longer=True) if call.twist == "wrong_length" else seconds

    def keep(
        self, call: Call | Work, content: bytes, mime: str, *, name: str = "", expires_in_s: float = 3600
    ) -> str:
        """A signed address, on a path of its own under this sandbox, where the file waits until it expires."""
        file = name or f"output.{mime.rpartition('/')[2]}"
        token = f"{call.number}-{file}" if isinstance(call, Work) else self.new_id()
        expires_at = int(self.now() + (-60 if call.twist == "expired" else expires_in_s))
        token = "".join(letter if letter.isalnum() else "-" for letter in token)
        return call.origin + self._files.put(token, Kept(self.platform, content, mime), file, expires_at)

    def _label(self, call: Call | Work) -> str:
        model = call.model if isinstance(call, Work) else call.slip.model
        return f"{self.platform}\n{model}".rstrip()

    def _mark(self, call: Call | Work) -> str:
        """What tells one file from the next of the same kind, and is the same for the same job."""
        if isinstance(call, Work):
            return f"{self._seed} {self.platform} {call.number}"
        self._props += 1
        return f"{self._seed} {self.platform} #{self._props}"
