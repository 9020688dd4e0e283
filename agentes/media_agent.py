"""The engine: gets one task done, buying each piece once, from the first offer that can.

An order is seen through from whatever state it is found in, one written step at a time. That is
why a run that was killed carries on where it was: recovery is not a second path, it is this one.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar
from uuid import uuid4

from pydantic import TypeAdapter

from agentes.contract import Done, Line, Pending
from agentes.media import probe
from agentes.media.shelf import Shelf, disk_in_words
from shared_knowledge.cost_tracker import CostTracker, OrderMoved
from shared_knowledge.dialects import dialect_of
from shared_knowledge.errors import (
    AgentesError,
    Broken,
    InDoubt,
    OverBudget,
    Refused,
    TryAgain,
    TryElsewhere,
)
from shared_knowledge.prompts import Dialect, Prompt
from shared_knowledge.vocabulary import (
    Asset,
    Attempt,
    Medium,
    Money,
    Offer,
    Order,
    OrderState,
    PaidPiece,
    Piece,
    Shortfall,
    Task,
)

if TYPE_CHECKING:
    from shared_knowledge.catalogue import Catalogue

__all__ = ["Colleagues", "Errand", "MediaAgent", "Progress", "Workroom"]

T = TypeVar("T")
_DONE = TypeAdapter(Done)
_ASSET_FIELDS = ("mime", "width", "height", "duration_s", "fps")


class Colleagues(Protocol):
    """The other agents, as one agent sees them."""

    def asset(self, task_id: str) -> Asset | None:
        """What a task this one waited for has brought, if it brought anything."""
        ...

    async def ask(self, task: Task, because: str) -> Asset:
        """Has a colleague get a child task done, or raises TryElsewhere when it cannot be."""
        ...


@dataclass(frozen=True)
class Progress:
    """One task moved on: a phase, where, at what cost."""

    task: Task
    phase: str
    offer: Offer | None = None
    cost: Money | None = None
    note: str | None = None


@dataclass(frozen=True)
class Errand:
    """One task to be done: for which job, by which offers, under which ceiling, with whom."""

    job: str
    task: Task
    offers: Sequence[Offer]
    ceiling: Money
    colleagues: Colleagues
    say: Callable[[Progress], None]
    on_refusal: str = "stop"


@dataclass(frozen=True)
class Workroom:
    """What the three agents share: one catalogue, one CostTracker, one shelf, one switchboard."""

    catalogue: Catalogue
    tracker: CostTracker
    shelf: Shelf
    connect: Callable[[str], AbstractAsyncContextManager[Line]]


class MediaAgent(ABC):
    """Gets tasks of one medium done; what differs between media is below, in its subclasses."""

    medium: ClassVar[Medium]

    def __init__(self, room: Workroom) -> None:
        self._room = room
        self._tracker = room.tracker

    @abstractmethod
    def write_prompt(self, task: Task, offer: Offer, piece: Piece) -> Prompt:
        """The words for one piece, in the platform's dialect and within its limits."""

    async def inputs(self, errand: Errand, offer: Offer) -> tuple[str, ...]:
        """The files this offer works from; a clip asks a colleague for what is missing."""
        return tuple(str(Path(name).absolute()) for name in errand.task.spec.references if "://" not in name)

    @abstractmethod
    async def join(self, pieces: Sequence[Path], task: Task, desk: Path) -> Path:
        """One file out of several pieces, in their order."""

    async def check_file(self, path: Path, order: Order) -> None:
        """Raises Unsuitable, in exact words, when a file is not what the order asked for."""
        exact = self._room.catalogue.platform(order.platform).local
        await probe.accept(path, order.spec, duration_s=order.duration_s, exact=exact)

    async def describe(self, path: Path) -> dict[str, Any]:
        """What can be measured in a finished file, as fields of its Asset."""
        probed = (await probe.measure(path)).model_dump(mode="json", exclude_none=True)
        return {name: probed[name] for name in _ASSET_FIELDS if name in probed} | {"measured": probed}

    def dialect(self, offer: Offer) -> Dialect:
        """How a platform wants to be spoken to, and how much it reads."""
        return dialect_of(self._room.catalogue, offer)

    async def perform(self, errand: Errand) -> Asset | Shortfall:
        """Gets the task done, or says what could not be made and why; raises only when cancelled."""
        tried: list[Attempt] = []
        why = "no platform could be asked"
        for offer in await self._worth_trying(errand):
            try:
                return await self._take(errand, offer)
            except Refused as refused:
                tried.append(_attempt(offer, refused))
                why = str(refused)
                if errand.on_refusal == "stop":
                    return _shortfall(errand, why, "refused", tried)
            except TryElsewhere as elsewhere:
                tried.append(_attempt(offer, elsewhere))
                why = str(elsewhere)
                errand.say(Progress(errand.task, "elsewhere", offer, note=why))
            except OverBudget as over:
                return _shortfall(errand, str(over), "over_budget", [*tried, _attempt(offer, over)])
            except (InDoubt, OrderMoved) as doubt:
                return _shortfall(errand, str(doubt), "in_doubt", [*tried, _attempt(offer, doubt)])
            except (Broken, TryAgain) as trouble:
                return _shortfall(errand, str(trouble), "failed", [*tried, _attempt(offer, trouble)])
        return _shortfall(errand, why, "failed", tried)

    async def _worth_trying(self, errand: Errand) -> Sequence[Offer]:
        """The offers in order, without those that failed before; a lone one may try twice."""
        orders = await self._tracker.orders_of(errand.job, errand.task.id)
        failed = {(o.platform, o.model) for o in orders if o.state.over and o.state is not OrderState.SETTLED}
        fresh = [offer for offer in errand.offers if (offer.platform, offer.model) not in failed]
        offers = fresh or list(errand.offers)
        return offers * 2 if len(offers) == 1 else offers

    async def _take(self, errand: Errand, offer: Offer) -> Asset:
        """Buys every piece of an offer and makes one asset of them."""
        errand.say(Progress(errand.task, "preparing", offer))
        inputs = await self.inputs(errand, offer)
        orders = [await self._buy(errand, offer, piece, inputs) for piece in offer.pieces]
        with disk_in_words(f"{errand.task.id} could not be put together"):
            asset = await self._asset(errand, offer, orders)
        errand.say(Progress(errand.task, "done", offer, cost=asset.cost))
        return asset

    async def _buy(self, errand: Errand, offer: Offer, piece: Piece, inputs: tuple[str, ...]) -> Order:
        """One settled order for a piece: the one that stands, carried on, or a new one."""
        standing = [
            order
            for order in await self._tracker.orders_of(errand.job, errand.task.id)
            if (order.piece, order.platform, order.model) == (piece.number, offer.platform, offer.model)
            and (not order.state.over or order.state is OrderState.SETTLED)
        ]
        order = standing[-1] if standing else await self._place(errand, offer, piece, inputs)
        async with self._room.connect(order.platform) as line:
            while order.state is not OrderState.SETTLED:
                try:
                    with disk_in_words(f"{errand.task.id} could not be written"):
                        order = await self._next(errand, offer, line, order)
                except (TryElsewhere, TryAgain, Refused, Broken) as error:
                    await self._give_up(order, error)
                    raise
        return order

    async def _place(self, errand: Errand, offer: Offer, piece: Piece, inputs: tuple[str, ...]) -> Order:
        prompt = self.write_prompt(errand.task, offer, piece)
        order = Order(
            id=f"ord_{uuid4().hex[:20]}",
            job=errand.job,
            task=errand.task.id,
            piece=piece.number,
            attempt=1,
            platform=offer.platform,
            model=offer.model,
            price=piece.price,
            prompt=str(prompt),
            warnings=prompt.notes,
            spec=errand.task.spec,
            duration_s=piece.duration_s,
            inputs=inputs,
        )
        return await self._tracker.place(order, errand.ceiling)

    async def _next(self, errand: Errand, offer: Offer, line: Line, order: Order) -> Order:
        """Takes an order one written step further, from whatever state it is found in."""
        match order.state:
            case OrderState.RESERVED:
                errand.say(Progress(errand.task, "making", offer))
                return await self._unhurried(self._send(line, order), order)
            case OrderState.SUBMITTED:
                return await self._ask_how_it_stands(line, order)
            case OrderState.READY:
                return await self._fetch(line, order)
            case OrderState.STORED:
                self._room.shelf.clear(order.id)
                return await self._tracker.settle(order, _charged(order))
            case OrderState.SENDING | OrderState.IN_DOUBT:
                return await self._settle_doubt(order)
            case _:
                raise InDoubt(
                    f"Order {order.id} on {order.platform} waits for a person ({order.why or order.state}).",
                    platform=order.platform,
                    todo="`agentes review` shows what is known.",
                )

    async def _send(self, line: Line, order: Order) -> Order:
        order = await self._tracker.sending(order)
        return await self._write_down(order, await line.start(order))

    async def _ask_how_it_stands(self, line: Line, order: Order) -> Order:
        answer = await line.check(order)
        if isinstance(answer, Pending):
            await asyncio.sleep(answer.look_again_in_s)
            return order
        return await self._write_down(order, answer)

    async def _write_down(self, order: Order, answer: Pending | Done) -> Order:
        if isinstance(answer, Pending):
            return await self._tracker.started(order, answer.receipt)
        return await self._tracker.ready(order, {"done": _DONE.dump_python(answer, mode="json")})

    async def _fetch(self, line: Line, order: Order) -> Order:
        path = await line.collect(order, _done(order))
        await self.check_file(path, order)
        stored = await asyncio.to_thread(self._room.shelf.put, path)
        return await self._tracker.stored(order, Path(stored.path).name)

    async def _settle_doubt(self, order: Order) -> Order:
        """What is free and repeatable is done again; anything else keeps its money set aside."""
        if self._room.catalogue.platform(order.platform).recovery == "IDEMPOTENT":
            return await self._tracker.again(order, "interrupted while it was being made")
        if order.state is OrderState.SENDING:
            await self._tracker.doubt(order, "the answer to the order never arrived")
        raise InDoubt(
            f"{order.platform} may or may not have booked order {order.id}; "
            f"{order.price.short} stays set aside.",
            platform=order.platform,
            todo="`agentes review` shows what is known and takes your decision.",
        )

    async def _give_up(self, order: Order, error: AgentesError) -> None:
        """Ends a failed order at what it cost; where only we are in trouble, a paid one is carried on later."""
        orders = await self._tracker.orders_of(order.job, order.task)
        latest = next(o for o in orders if o.id == order.id)
        bought = not self._room.catalogue.platform(order.platform).local
        paid = bought and latest.state in {OrderState.SUBMITTED, OrderState.READY}
        if latest.state.over or latest.state is OrderState.STORED:
            return
        if paid and isinstance(error, (Broken, TryAgain)):
            return
        if bought and latest.state is OrderState.SENDING and isinstance(error, Broken):
            await self._tracker.doubt(latest, str(error))
            return
        self._room.shelf.clear(order.id)
        if bought and latest.state is OrderState.READY:
            await self._tracker.write_off(latest, _charged(latest), str(error))
        else:
            await self._tracker.drop(latest, str(error))

    async def _unhurried(self, step: Coroutine[Any, Any, T], order: Order) -> T:
        """Sees a paid sending through its receipt although the run is being cancelled."""
        facts = self._room.catalogue.platform(order.platform)
        if facts.local:
            return await step
        sending = asyncio.ensure_future(step)
        try:
            return await asyncio.shield(sending)
        except asyncio.CancelledError:
            await asyncio.wait([sending], timeout=facts.deadline_s)
            raise

    async def _asset(self, errand: Errand, offer: Offer, orders: Sequence[Order]) -> Asset:
        files = [self._shelved(order) for order in orders]
        if len(files) > 1:
            desk_name = f"{errand.job}-{errand.task.id}"
            try:
                joined = await self.join(files, errand.task, self._room.shelf.desk(desk_name))
                file = Path((await asyncio.to_thread(self._room.shelf.put, joined)).path)
            finally:
                self._room.shelf.clear(desk_name)
        else:
            file = files[0]
        answers = [_done(order) for order in orders]
        described = await self.describe(file)
        return Asset(
            task=errand.task.id,
            medium=self.medium,
            path=str(file),
            sha256=file.stem,
            size_bytes=file.stat().st_size,
            platform=offer.platform,
            model=offer.model,
            prompt=orders[0].prompt,
            cost=sum((order.cost or Money(0) for order in orders), Money(0)),
            pieces=tuple(PaidPiece(duration_s=o.duration_s, cost=o.cost or Money(0)) for o in orders),
            warnings=(
                *(warning for order in orders for warning in order.warnings),
                *(warning for answer in answers for warning in answer.warnings),
            ),
            measured={**described.pop("measured", {}), **answers[0].measured},
            **described,
        )

    def _shelved(self, order: Order) -> Path:
        digest, _, ending = (order.file or "").partition(".")
        path = self._room.shelf.path(digest, f".{ending}")
        if not path.is_file():
            raise Broken(
                f"The file of order {order.id} is no longer on the shelf ({path}).",
                todo="Was AGENTES_HOME cleaned? The order is paid and stays settled.",
            )
        return path


def _done(order: Order) -> Done:
    return _DONE.validate_python((order.receipt or {})["done"])


def _charged(order: Order) -> Money:
    """What the vendor says a finished order cost, else its price."""
    cost = _done(order).cost
    return order.price if cost is None else cost


def _attempt(offer: Offer, error: AgentesError) -> Attempt:
    return Attempt(platform=offer.platform, outcome=error.what)


def _shortfall(errand: Errand, why: str, kind: Any, tried: Sequence[Attempt]) -> Shortfall:
    errand.say(Progress(errand.task, kind, note=why))
    return Shortfall(task=errand.task.id, why=why, kind=kind, tried=tuple(tried))
