"""Words that cost money are bought like anything else: reserved, sent, written down, settled; and once for a job."""

from __future__ import annotations

from hashlib import sha256
from typing import NamedTuple
from uuid import uuid4

from orchestrator.brief.model.adviser import Adviser
from orchestrator.brief.model.answer import is_answer
from orchestrator.brief.model.question import Question
from shared_knowledge.cost_tracker import CostTracker, OrderMoved
from shared_knowledge.errors import AgentesError, OverBudget, PlatformError
from shared_knowledge.vocabulary import Job, Money, Order, OrderState, VoiceSpec

__all__ = ["LLM", "WORDS", "Bought", "buy_words", "end_words"]

LLM = "llm"
"""The name under which a language model stands in the ledger."""

WORDS = "words"
"""The task of a job that is done by a language model."""

_LOST = "the answer never came; it is counted in full"


class Bought(NamedTuple):
    """An answer, or why there is none; and what it took."""

    text: str | None
    why: str | None
    cost: Money


async def buy_words(
    tracker: CostTracker, adviser: Adviser, question: Question, job: Job, fence: int, ceiling: Money
) -> Bought:
    """The answer to a job's question, bought now or before; once it was asked, nothing asks a second time."""
    orders = await tracker.orders_of(job.id, WORDS, fence)
    if orders and orders[-1].state is not OrderState.RESERVED:
        return _ended(await end_words(tracker, orders[-1]))
    try:
        order = orders[-1] if orders else await tracker.place(_order(adviser, question, job, fence), ceiling)
    except OverBudget as over:
        return Bought(None, f"{adviser.model} was not asked: {over.what}", Money(0))
    order = await tracker.sending(order)
    try:
        reply = await adviser.ask(question)
    except OrderMoved:
        raise
    except AgentesError as trouble:
        charged = trouble.charged if isinstance(trouble, PlatformError) else None
        if charged is not None and not charged:
            await tracker.drop(order, trouble.what)
            return Bought(None, trouble.what, Money(0))
        await tracker.write_off(order, order.price if charged is None else charged, trouble.what)
        return Bought(None, trouble.what, order.price)
    cost, odd = adviser.cost_of(question, reply)
    if is_answer(reply.text):
        adviser.keep_answer(question, reply.text)
    order = await tracker.started(order, {"text": reply.text, "cost": int(cost), "odd": odd})
    return _ended(await end_words(tracker, order))


async def end_words(tracker: CostTracker, order: Order) -> Order:
    """Brings an order for words to its end, whoever left it: what came is settled, what was lost is counted."""
    match order.state:
        case OrderState.RESERVED:
            return await tracker.cancel(order, "the job was cancelled or has ended")
        case OrderState.SENDING:
            return await tracker.write_off(order, order.price, _LOST)
        case OrderState.SUBMITTED:
            return await end_words(tracker, await tracker.ready(order, {}))
        case OrderState.READY:
            text = str((order.receipt or {}).get("text", ""))
            digest = sha256(text.encode("utf-8", "replace")).hexdigest()
            return await end_words(tracker, await tracker.stored(order, digest))
        case OrderState.STORED:
            cost = (order.receipt or {}).get("cost")
            return await tracker.settle(order, Money(cost) if type(cost) is int else order.price)
        case _:
            return order


def _ended(order: Order) -> Bought:
    if order.receipt is None:
        lost = f"{order.model} was asked, and {order.why or 'nothing came of it'}"
        return Bought(None, lost, order.cost or Money(0))
    odd = order.receipt.get("odd")
    why = f"{odd}, so {order.price.short} is counted" if odd else None
    return Bought(str(order.receipt.get("text", "")), why, order.cost or order.price)


def _order(adviser: Adviser, question: Question, job: Job, fence: int) -> Order:
    price = adviser.price(question)
    assert price is not None, "nothing is bought without a known price"
    return Order(
        id=f"ord_{uuid4().hex[:12]}",
        job=job.id,
        tenant=job.tenant,
        key=job.key,
        fence=fence,
        task=WORDS,
        piece=1,
        attempt=1,
        platform=LLM,
        model=adviser.model,
        price=price,
        prompt=f"The words of {', '.join(question.assets)}.",
        spec=VoiceSpec(script=f"The words of {', '.join(question.assets)}."),
    )
