"""What becomes of a job's open orders when nobody works on it any more: nothing new is bought, all is told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from agentes.media.shelf import Shelf
from agentes.media_agent import MediaAgent
from orchestrator.brief.model.purchase import LLM, end_words
from orchestrator.store.book import SqlBook
from orchestrator.store.jobs import Event, Jobs
from shared_knowledge.cost_tracker import CostTracker
from shared_knowledge.errors import AgentesError
from shared_knowledge.vocabulary import Medium, Order, OrderState

__all__ = ["LET_GO", "Settlement"]

LET_GO = "let go"
"""The phase of an event that tells what became of an order whose job was cancelled."""

_WITH_A_PERSON = {OrderState.NEEDS_REVIEW}


@dataclass(frozen=True)
class Settlement:
    """Brings the orders that a run left behind to their end, in the hands of the run that took the job."""

    agents: Mapping[Medium, MediaAgent]
    jobs: Jobs
    book: SqlBook
    tracker: CostTracker
    shelf: Shelf
    job: str
    fence: int

    async def let_go(self) -> Sequence[Order]:
        """Ends a cancelled job's orders: the unsent for nothing, the sent as their vendors let them end."""
        return await self._each(self._call_off, over=True)

    async def see_through(self, *, over: bool) -> Sequence[Order]:
        """Collects and books what was bought; of a job that is over, also frees what was only set aside."""
        return await self._each(self._carry_on, over=over)

    def tidy(self) -> None:
        """Clears the desk of every order that is over; what may be paid for and is not fetched yet stays."""
        for order in self.book.orders(self.job):
            if order.state.over:
                self.shelf.clear(order.id)

    async def _carry_on(self, order: Order) -> Order:
        return await self.agents[order.spec.medium].carry_on(order)

    async def _call_off(self, order: Order) -> Order:
        """Ends one order, and keeps what its vendor lets it come to for whoever cancelled."""
        ended = await self.agents[order.spec.medium].call_off(order)
        said = Event(what="task", task=order.task, platform=order.platform, phase=LET_GO, note=ended.why)
        await self.jobs.note(self.job, said)
        return ended

    async def _each(self, settle: Callable[[Order], Awaitable[Order]], *, over: bool) -> Sequence[Order]:
        """The orders that came to their end by this; each for itself, whatever becomes of the others."""
        mine = [order for order in self.book.orders(self.job) if not order.state.over]
        held = [order.model_copy(update={"fence": self.fence}) for order in mine]
        await asyncio.gather(*(self._one(order, settle, over=over) for order in held))
        self.tidy()
        names = {order.id for order in mine}
        return [order for order in self.book.orders(self.job) if order.id in names and order.state.over]

    async def _one(self, order: Order, settle: Callable[[Order], Awaitable[Order]], *, over: bool) -> None:
        try:
            if order.platform == LLM:
                if over or order.state is not OrderState.RESERVED:
                    await end_words(self.tracker, order)
                return
            if order.state is not OrderState.RESERVED and order.price and order.state not in _WITH_A_PERSON:
                order = await settle(order)
            if over and (order.state is OrderState.RESERVED or not order.price):
                await self._free(order)
        except AgentesError:
            return  # how it stands, and why, is in the ledger; the next one must not suffer for it

    async def _free(self, order: Order) -> None:
        """Ends an order that was never sent, or costs nothing."""
        if order.state.over:
            return
        if order.state is OrderState.RESERVED:
            await self.tracker.cancel(order, "the job was cancelled or has ended")
        elif order.state is OrderState.STORED:
            await self.tracker.settle(order, order.price)
        else:
            await self.tracker.drop(order, "the job was cancelled or has ended")
