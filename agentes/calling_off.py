"""A person cancels a job: its order is stopped as far as its vendor lets it be, and ends as what it truly is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentes.contract import Candidates, Done, Forgotten, Pending
from agentes.media.shelf import disk_in_words
from agentes.search import SEARCHABLE, Nowhere, look_for
from shared_knowledge.errors import (
    AgentesError,
    Broken,
    Failed,
    InDoubt,
    PlatformError,
    Refused,
    TryAgain,
    TryElsewhere,
)
from shared_knowledge.vocabulary import Money, Order, OrderState

if TYPE_CHECKING:
    from agentes.steps import Steps

__all__ = ["call_off"]

_WHY = "the job was cancelled"
_ASKING_S = 30.0
_FETCHING_S = 120.0


async def call_off(steps: Steps) -> Order:
    """Ends an order whose job was cancelled, if it can be ended; `why` of what comes back tells the person how."""
    if steps.order.state.over:
        return steps.order
    try:
        with disk_in_words(f"{steps.order.task} could not be written"):
            told = await _ended(steps)
    except InDoubt as doubt:
        await steps.hold(doubt)
        told = f"{doubt.what} {_price(steps)} stays set aside."
    except (Broken, TryAgain) as trouble:
        if steps.order.state is OrderState.SENDING:
            await steps.hold(InDoubt(trouble.what))
        told = _left_alone(steps, trouble.what)
    except (TryElsewhere, Refused) as end:
        await steps.give_up(end)
        told = _at_what_it_cost(steps, end)
    return steps.order.model_copy(update={"why": told})


async def _ended(steps: Steps) -> str:
    if steps.facts.local and steps.order.state is not OrderState.STORED:
        await steps.cancel(_WHY)
        return "It was being made on this machine, and cost nothing."
    if steps.order.state in {OrderState.SENDING, OrderState.IN_DOUBT}:
        await _find(steps)
    match steps.order.state:
        case OrderState.RESERVED:
            await steps.cancel(_WHY)
            return "It was never sent, or never booked: nothing is charged."
        case OrderState.SUBMITTED:
            return await _stop(steps)
        case OrderState.READY | OrderState.STORED:
            return await _keep(steps)
        case _:
            raise InDoubt(f"{steps.order.platform} may or may not have booked it.")


async def _find(steps: Steps) -> None:
    """What can be known at once about an order whose answer was lost; nothing is sent again for it."""
    if steps.order.receipt:
        return await steps.take_up()
    if await steps.salvage() or steps.facts.recovery not in SEARCHABLE:
        return None
    room = steps.room
    looking = look_for(
        steps.line,
        steps.facts,
        steps.order,
        alike=room.tracker.alike,
        wait=room.wait,
        now=room.now,
        patiently=False,
    )
    match found := await steps.in_time(looking, _ASKING_S):
        case Pending() | Done():
            await steps.write_down(found)
        case Candidates():
            raise await steps.review(found)
        case Nowhere(proven=True):
            await steps.again("its vendor never had it")
    return None


async def _stop(steps: Steps) -> str:
    """Asks the vendor to stop where it can be asked, and looks once more."""
    order = steps.order
    told = await steps.in_time(steps.line.cancel(order), _ASKING_S)
    try:
        answer = await steps.in_time(steps.line.last_look(order), _ASKING_S)
    except Forgotten:
        if not told:
            raise
        raise Failed("It was stopped.", platform=order.platform) from None
    except InDoubt as mute:
        return _left_alone(steps, mute.what)
    if isinstance(answer, Done):
        await steps.write_down(answer)
        return await _keep(steps)
    how = "was asked to stop, and has not done so yet" if told else "cannot be asked to stop"
    return _left_alone(steps, f"{order.platform} {how}.")


async def _keep(steps: Steps) -> str:
    """What is finished is paid for, so it is fetched and booked."""
    if steps.order.state is OrderState.READY:
        await steps.fetch(_FETCHING_S)
    await steps.settle()
    return (
        f"It was finished already: {(steps.order.cost or Money(0)).short} is charged, and the file is kept."
    )


def _left_alone(steps: Steps, why: str) -> str:
    if steps.order.state.over:
        return why
    return f"{why} {_price(steps)} stays set aside until it is known what came of it."


def _at_what_it_cost(steps: Steps, end: AgentesError) -> str:
    cost = steps.order.cost or Money(0)
    if not cost:
        return f"{end.what} Nothing is charged."
    if isinstance(end, PlatformError) and end.charged is not None:
        return f"{end.what} {cost.short} is charged."
    return f"{end.what} What that took is not told, so {cost.short} is counted."


def _price(steps: Steps) -> str:
    return steps.order.price.short
