"""What becomes of a job's open orders when nobody works on it any more: nothing new is bought, all is told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from agentes.media.shelf import Shelf
from agentes.media_agent import MediaAgent
from orchestrator.store.book import SqlBook
from shared_knowledge.cost_tracker import CostTracker
from shared_knowledge.errors import AgentesError
from shared_knowledge.vocabulary import Medium, Order, OrderState

__all__ = ["Settlement"]

_WITH_A_PERSON = {OrderState.NEEDS_REVIEW}


@dataclass(frozen=True)
class Settlement:
    """Brings the orders that a run left behind to their end, in the hands of the run that took the job."""

    agents: Mapping[Medium, MediaAgent]
    book: SqlBook
    tracker: CostTracker
    shelf: Shelf
    job: str
    fence: int

    async def let_go(self) -> Sequence[Order]:
        """Ends a cancelled job's orders: the unsent for nothing, the sent as their vendors let them end."""
        return await self._each(lambda order: self.agents[order.spec.medium].call_off(order), over=True)

    async def see_through(self, *, over: bool) -> Sequence[Order]:
        """Collects and books what was bought; of a job that is over, also frees what was only set aside."""
        return await self._each(lambda order: self.agents[order.spec.medium].carry_on(order), over=over)

    async def _each(self, settle: Callable[[Order], Awaitable[object]], *, over: bool) -> Sequence[Order]:
        """The orders that came to their end by this; each for itself, whatever becomes of the others."""
        mine = [order for order in self.book.orders(self.job) if not order.state.over]
        held = [order.model_copy(update={"fence": self.fence}) for order in mine]
        await asyncio.gather(*(self._one(order, settle, over=over) for order in held))
        names = {order.id for order in mine}
        return [order for order in self.book.orders(self.job) if order.id in names and order.state.over]

    async def _one(self, order: Order, settle: Callable[[Order], Awaitable[object]], *, over: bool) -> None:
        try:
            if order.state is OrderState.RESERVED or not order.price:
                if not over:
                    return
                await self._free(order)
            elif order.state not in _WITH_A_PERSON:
                await settle(order)
        except AgentesError:
            return  # how it stands, and why, is in the ledger; the next one must not suffer for it
        self._tidy(order)

    async def _free(self, order: Order) -> None:
        """Ends an order that was never sent, or costs nothing."""
        if order.state is OrderState.RESERVED:
            await self.tracker.cancel(order, "the job was cancelled or has ended")
        elif order.state is OrderState.STORED:
            await self.tracker.settle(order, order.price)
        else:
            await self.tracker.drop(order, "the job was cancelled or has ended")

    def _tidy(self, order: Order) -> None:
        """What may be paid for and is not fetched yet stays on its desk."""
        latest = next(each for each in self.book.orders(self.job) if each.id == order.id)
        if latest.state.over:
            self.shelf.clear(order.id)
