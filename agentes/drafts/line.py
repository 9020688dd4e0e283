"""The line to a platform of this machine: a folder instead of a network."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from pydantic import JsonValue

from agentes.contract import Done, File, LocalPlatform, MayLeave, at_any_time
from agentes.media.shelf import Shelf, disk_in_words
from shared_knowledge.errors import BadRequest, Broken
from shared_knowledge.vocabulary import Order

__all__ = ["LocalLine"]


class LocalLine:
    """Joins a draft platform to the desk of each order."""

    def __init__(self, platform: str, shelf: Shelf) -> None:
        self._adapter: LocalPlatform = import_module(f"agentes.drafts.{platform}").Adapter()
        self._shelf = shelf

    async def prepare(self, order: Order) -> Order:
        """Nothing is needed beforehand."""
        return order

    async def start(self, order: Order, may_leave: MayLeave = at_any_time) -> Done:
        """Makes the file; free, so doing it again is harmless."""
        with disk_in_words(f"{order.platform} could not write its file"):
            return await self._adapter.start(self._shelf.desk(order.id), order)

    @property
    def left(self) -> bool:
        """Nothing ever leaves this machine."""
        return False

    async def salvage(self, order: Order) -> None:
        """What is free and repeatable is made again."""

    async def check(self, order: Order) -> Done:
        """A local platform answers at once, so there is nothing to wait for but the work itself."""
        return await self.start(order)

    async def last_look(self, order: Order) -> Done:
        """Nobody was told to stop."""
        return await self.start(order)

    async def find(self, order: Order) -> Done:
        """What is free and repeatable is not looked for; it is made again."""
        return await self.start(order)

    async def collect(self, order: Order, done: Done) -> Path:
        """The file is already here, or is made again."""
        if not isinstance(done.media, File):
            raise Broken(f"{order.platform} answered with {done.media.kind}, not with a file.")
        file = self._shelf.desk(order.id) / done.media.name
        if not file.is_file():
            await self.start(order)
        return file

    def receipt_for(self, order: Order, number: str) -> dict[str, JsonValue]:
        """Nothing of this machine is found elsewhere."""
        raise BadRequest(f"{order.platform} is on this machine; there is nothing to adopt.")

    async def cancel(self, order: Order) -> bool:
        """Nobody is at work elsewhere."""
        return False
