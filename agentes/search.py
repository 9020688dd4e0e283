"""An order whose answer was lost is looked for at its vendor's; when no list shows it, is that a no?"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from agentes.contract import LEAVES_WITHIN_S, Candidates, Done, Line, Link, Pending
from shared_knowledge.errors import PlatformError, Refused, TryAgain, TryElsewhere, Unreachable
from shared_knowledge.platform_facts import Platform, Recovery
from shared_knowledge.vocabulary import Order

__all__ = ["SEARCHABLE", "Nowhere", "look_for"]

SEARCHABLE = frozenset({Recovery.CLIENT_REF, Recovery.LISTABLE, Recovery.REFETCHABLE})
"""How a platform recovers lost orders if it can be asked for them."""

_LAGS_S = 60.0
_PAUSE_S = 5.0
_LOOKS_MOST = 6


@dataclass(frozen=True)
class Nowhere:
    """The vendor shows no such order. `proven` says that it would, had it been booked."""

    proven: bool = False


async def look_for(
    line: Line,
    facts: Platform,
    order: Order,
    *,
    alike: Callable[[Order], Awaitable[Collection[Order]]],
    wait: Callable[[float], Awaitable[None]],
    now: Callable[[], datetime],
    just_lost: bool = False,
    patiently: bool = True,
) -> Pending | Done | Candidates | Nowhere:
    """The lost order as the vendor knows it, looked for twice at least: a list may lag behind the purchase.

    It may have been booked as long as its connection held, which is no longer than the deadline, and the list
    settles after that. Where the connection was `just_lost`, no calendar is asked how long ago that was. And where
    a missing entry counts as a no, the list settles before our eyes: a calendar may have been put forward, and
    whoever was about to send it may have stood still and does so now.
    What was found by its words may be the work of an order `alike`, however it ended: that is for a person to say.
    """
    began = now()
    died = began
    if order.sent_at is not None and not just_lost:
        died = min(began, order.sent_at + timedelta(seconds=facts.deadline_s))
    left_s = (died - began).total_seconds() + (facts.settles_s or _LAGS_S)
    if facts.settles_s is not None:
        left_s = max(left_s, facts.settles_s) + (0.0 if just_lost else LEAVES_WITHIN_S)
    lacking = 0
    for _ in range(_LOOKS_MOST):
        try:
            order = await _as_it_was_prepared(line, order)
            found = await line.find(order)
        except TryAgain:
            pass  # what cannot be asked now is not thereby known
        except (TryElsewhere, Refused) as end:
            if facts.recovery is Recovery.CLIENT_REF or not await alike(order):
                raise
            return Candidates((getattr(end, "request_id", "") or "one that came to nothing",))
        else:
            if isinstance(found, Pending | Done) and facts.recovery is not Recovery.CLIENT_REF:
                return Candidates((_number(found),)) if await alike(order) else found
            if found is not None:
                return found
            lacking += 1
            if lacking > 1 and left_s <= 0:
                return Nowhere(proven=facts.settles_s is not None)
        if left_s > 0 and not patiently:
            break
        pause_s = max(left_s, _PAUSE_S)
        await wait(pause_s)
        left_s -= pause_s
    return Nowhere()


def _number(found: Pending | Done) -> str:
    """What a person can look a found work up by."""
    if isinstance(found, Pending):
        return " ".join(str(value) for value in found.receipt.values())
    return found.media.url if isinstance(found.media, Link) else found.media.kind


async def _as_it_was_prepared(line: Line, order: Order) -> Order:
    """The order with what free work had brought, such as its voice: that tells it from others of the same words."""
    if order.prepared:
        return order
    try:
        return await line.prepare(order)
    except PlatformError as error:  # which would say something of an order that was never sent
        raise Unreachable(error.what, platform=order.platform) from None
