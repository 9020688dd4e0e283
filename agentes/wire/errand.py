"""One call on behalf of an order: where its answer is laid, and that it stays there if it holds the media."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Protocol, TypeVar

import httpx

from agentes.contract import Body, Done, Inline
from agentes.wire.kept import ANSWER, Keeper
from agentes.wire.once import Call, Kind
from agentes.wire.spool import Spool
from shared_knowledge.errors import Broken
from shared_knowledge.file_kinds import ENOUGH, kind_of
from shared_knowledge.vocabulary import Medium, Order

__all__ = ["Desks", "Errand"]

T = TypeVar("T")

_MB = 1_000_000
_MOST_BYTES = {Medium.PHOTO: 100 * _MB, Medium.VOICE: 200 * _MB, Medium.VIDEO: 3_000 * _MB}

_log = logging.getLogger(__name__)


class Desks(Protocol):
    """Where each order has its working folder."""

    def desk(self, order_id: str) -> Path:
        """The folder of one order; the same one after a restart."""
        ...


class Errand:
    """A call, and the desk on which its answer is laid; without a desk it stays in memory.

    What answers a purchase is kept there, whatever it says, until the order is sent again.
    """

    def __init__(self, kind: Kind, order: Order | None, desk: Path | None, medium: Medium) -> None:
        self._desk = desk
        self._most = _MOST_BYTES[medium]
        self._spool: Spool | None = None
        self._keeper = Keeper(desk, order) if desk and order and kind == "start" else None
        self.call = Call(kind, self._take) if desk else Call(kind)
        if self._keeper is not None:
            self.call.clear, self.call.note = self._clear, self._note

    def brought_a_file(self) -> bool:
        """Whether the answer on the desk begins like a file we know."""
        assert self._desk is not None
        try:
            with (self._desk / ANSWER).open("rb") as answer:
                return kind_of(answer.read(ENOUGH)) is not None
        except OSError as error:
            raise Broken(f"The answer could not be read: {error.strerror or error}.") from error

    async def kept(self, answer: T) -> T:
        """The adapter's answer, once what it points to lies safely on the desk."""
        if (
            isinstance(answer, Done)
            and isinstance(answer.media, Inline | Body)
            and self._spool
            and self._desk
        ):
            kept = await self._spool.keep()
            try:
                kept.replace(self._desk / ANSWER)
            except OSError as error:
                raise Broken(f"The answer could not be kept: {error.strerror or error}.") from error
        return answer

    async def _take(self, response: httpx.Response) -> httpx.Response:
        assert self._desk is not None
        name = ANSWER if self.call.paid else self.call.kind
        self._spool = Spool(
            self._desk / name, durable=self.call.paid, most_bytes=self._most, keeper=self._keeper
        )
        return await self._spool.take(response)

    async def _clear(self) -> None:
        assert self._keeper is not None
        if self._keeper.has_something:
            await asyncio.to_thread(self._keeper.forget)

    async def _note(self, response: httpx.Response) -> None:
        assert self._keeper is not None
        try:
            await asyncio.to_thread(self._keeper.keep, response)
        except Broken as error:  # it is in memory all the same, and is lost only if we are killed now
            _log.warning("the answer to a purchase could not be kept: %s", error.what)
