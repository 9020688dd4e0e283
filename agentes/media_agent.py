"""The engine: gets one task done, buying each piece once, from the first offer that can."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol
from uuid import uuid4

from agentes.media import probe
from agentes.media.shelf import disk_in_words
from agentes.purchase import Purchase, Workroom, answer_of
from shared_knowledge.cost_tracker import OrderMoved
from shared_knowledge.dialects import dialect_of
from shared_knowledge.errors import (
    AgentesError,
    BadRequest,
    Broken,
    InDoubt,
    LedgerAway,
    MissingSecret,
    OverBudget,
    PlatformError,
    Refused,
    TryAgain,
    TryElsewhere,
    Unavailable,
    UnclearBrief,
)
from shared_knowledge.prompts import Dialect, Prompt
from shared_knowledge.tariff import words_on_top
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

__all__ = ["REFERENCES", "Colleagues", "Errand", "MediaAgent", "Progress"]

_FAILURES_MOST = 3

REFERENCES = "references"
"""The desk of a job on which pictures fetched from addresses lie until it is over."""

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
    tenant: str = "local"
    key: str | None = None
    fence: int | None = None
    on_refusal: str = "stop"
    on_doubt: str = "hold"


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
        return tuple([await self._reference(errand, name) for name in errand.task.spec.references])

    async def inputs_after(
        self, errand: Errand, offer: Offer, before: Order, inputs: tuple[str, ...]
    ) -> tuple[str, ...]:
        """The files a further piece works from, once the one before it is there; as a rule the same."""
        return inputs

    async def _reference(self, errand: Errand, name: str) -> str:
        """A file of the person's, or one fetched from an address, once for each job."""
        if "://" not in name:
            return str(Path(name).absolute())
        desk = self._room.shelf.desk(f"{errand.job}-{REFERENCES}")
        number = sha256(name.encode()).hexdigest()[:16]
        here = next((file for file in desk.glob(f"{number}.*") if file.suffix != ".part"), None)
        if here is not None:
            return str(here)
        try:
            return str(await self._room.bring(name, desk / number))
        except (BadRequest, PlatformError) as error:
            raise UnclearBrief(
                f"{name} could not be fetched: {error.what}",
                todo="Save the picture, and name its file instead.",
            ) from None

    @abstractmethod
    async def join(self, pieces: Sequence[Path], task: Task, desk: Path) -> Path:
        """One file out of several pieces, in their order."""

    async def check_file(self, path: Path, order: Order) -> float | None:
        """How long a file lasts, if it does; raises Unsuitable, in exact words, when it is not what was ordered."""
        exact = self._room.catalogue.platform(order.platform).local
        found = await probe.accept(path, order.spec, duration_s=order.duration_s, exact=exact)
        return found.duration_s

    async def describe(self, path: Path) -> dict[str, Any]:
        """What can be measured in a finished file, as fields of its Asset."""
        probed = (await probe.measure(path)).model_dump(mode="json", exclude_none=True)
        return {name: probed[name] for name in _ASSET_FIELDS if name in probed} | {"measured": probed}

    def dialect(self, offer: Offer) -> Dialect:
        """How a platform wants to be spoken to, and how much it reads."""
        return dialect_of(self._room.catalogue, offer)

    async def perform(self, errand: Errand) -> Asset | Shortfall:
        """Gets the task done, or says what could not be made and why; raises only when cancelled, or without books."""
        tried: list[Attempt] = []
        closed: set[str] = set()
        failures = 0
        why = "no platform could be asked"
        for offer in await self._worth_trying(errand):
            if offer.platform in closed or failures >= _FAILURES_MOST:
                continue
            try:
                return await self._take(errand, offer)
            except Refused as refused:
                failures += 1
                closed.add(offer.platform)  # its other models live under the same rules
                tried.append(_attempt(offer, refused))
                why = str(refused)
                if errand.on_refusal == "stop":
                    return _shortfall(errand, why, "refused", tried)
            except (Unavailable, MissingSecret, BadRequest) as shut:
                if not (isinstance(shut, Unavailable) and shut.because == "model"):
                    closed.add(offer.platform)
                tried.append(_attempt(offer, shut))
                why = str(shut)
                errand.say(Progress(errand.task, "elsewhere", offer, note=why))
            except TryElsewhere as elsewhere:
                failures += 1
                tried.append(_attempt(offer, elsewhere))
                why = str(elsewhere)
                errand.say(Progress(errand.task, "elsewhere", offer, note=why))
            except OverBudget as over:
                return _shortfall(errand, str(over), "over_budget", [*tried, _attempt(offer, over)])
            except (InDoubt, OrderMoved) as doubt:
                if errand.on_doubt == "buy-again" and await self._let_go_of_the_doubtful(errand):
                    failures += 1
                    tried.append(_attempt(offer, doubt))
                    why = str(doubt)
                    errand.say(Progress(errand.task, "elsewhere", offer, note=why))
                    continue
                return _shortfall(errand, str(doubt), "in_doubt", [*tried, _attempt(offer, doubt)])
            except (Broken, TryAgain, UnclearBrief) as trouble:
                kind = await self._what_is_left(errand, trouble)
                return _shortfall(errand, str(trouble), kind, [*tried, _attempt(offer, trouble)])
        return _shortfall(errand, why, "failed", tried)

    async def carry_on(self, order: Order) -> Order:
        """Sees an order through that was begun by a run which is no more; nothing new is bought for it."""
        async with self._room.connect(order.platform) as line:
            return await Purchase(self._room, line, order, self.check_file).see_through(buys=False)

    async def call_off(self, order: Order) -> Order:
        """Has the vendor stop an order whose job was cancelled, and ends it as the vendor lets it end."""
        async with self._room.connect(order.platform) as line:
            return await Purchase(self._room, line, order, self.check_file).call_off()

    async def adopt(self, order: Order, number: str) -> Order:
        """Takes up an order that a person found at the vendor's; the next run sees it through."""
        async with self._room.connect(order.platform) as line:
            return await self._tracker.started(order, line.receipt_for(order, number))

    async def _what_is_left(self, errand: Errand, trouble: AgentesError) -> Literal["in_doubt", "failed"]:
        """Whether trouble of our own leaves a doubt behind; without the books nobody knows even that."""
        if isinstance(trouble, LedgerAway):
            raise trouble
        doubtful = any(order.state is OrderState.IN_DOUBT for order in await self._orders(errand))
        return "in_doubt" if doubtful else "failed"

    async def _orders(self, errand: Errand) -> Sequence[Order]:
        return await self._tracker.orders_of(errand.job, errand.task.id, errand.fence)

    async def _let_go_of_the_doubtful(self, errand: Errand) -> bool:
        """Counts what may have been booked as charged and lost, as the person said beforehand.

        False if there is none: what was booked for certain, and is only late, is not bought again.
        """
        orders = await self._orders(errand)
        doubtful = [order for order in orders if order.state is OrderState.IN_DOUBT and not order.receipt]
        for order in doubtful:
            self._room.shelf.clear(order.id)
            await self._tracker.write_off(
                order, order.price, "in doubt, and bought again as was said beforehand"
            )
        return bool(doubtful)

    async def _worth_trying(self, errand: Errand) -> Sequence[Offer]:
        """The offers in order, the one that was begun first, without those that failed; a lone one may try twice."""
        orders = await self._orders(errand)
        begun = {(o.platform, o.model) for o in orders if not o.state.over or o.state is OrderState.SETTLED}
        failed = {(o.platform, o.model) for o in orders} - begun
        fresh = [offer for offer in errand.offers if (offer.platform, offer.model) not in failed]
        offers = sorted(fresh or errand.offers, key=lambda offer: (offer.platform, offer.model) not in begun)
        return offers * 2 if len(offers) == 1 else offers

    async def _take(self, errand: Errand, offer: Offer) -> Asset:
        """Buys every piece of an offer and makes one asset of them."""
        errand.say(Progress(errand.task, "preparing", offer))
        inputs = await self.inputs(errand, offer)
        orders: list[Order] = []
        for piece in offer.pieces:  # one after the other: a refusal must not find the rest paid for already
            orders.append(await self._buy(errand, offer, piece, inputs, orders[-1] if orders else None))
        with disk_in_words(f"{errand.task.id} could not be put together"):
            asset = await self._asset(errand, offer, orders)
        errand.say(Progress(errand.task, "done", offer, cost=asset.cost))
        return asset

    async def _buy(
        self, errand: Errand, offer: Offer, piece: Piece, inputs: tuple[str, ...], before: Order | None
    ) -> Order:
        """One settled order for a piece: the one that stands, carried on, or a new one."""
        standing = [
            order
            for order in await self._orders(errand)
            if (order.piece, order.platform, order.model) == (piece.number, offer.platform, offer.model)
            and (not order.state.over or order.state is OrderState.SETTLED)
        ]
        # The line comes first: what cannot be reached is never ordered from.
        async with AsyncExitStack() as open_lines:
            try:
                line = await open_lines.enter_async_context(self._room.connect(offer.platform))
            except (Unavailable, MissingSecret, BadRequest) as shut:
                if not standing or standing[-1].state in {OrderState.RESERVED, OrderState.SETTLED}:
                    raise
                raise InDoubt(
                    f"Order {standing[-1].id} is under way at {offer.platform}, which cannot be asked: {shut}",
                    platform=offer.platform,
                ) from None
            if standing:
                order = standing[-1]
            else:
                given = await self.inputs_after(errand, offer, before, inputs) if before else inputs
                order = await self._place(errand, offer, piece, given)
            if order.state is OrderState.RESERVED:
                errand.say(Progress(errand.task, "making", offer))
            settled = await Purchase(self._room, line, order, self.check_file).see_through()
            return settled.model_copy(update={"inputs": order.inputs})  # as ordered, not as cut to be sent

    async def _place(self, errand: Errand, offer: Offer, piece: Piece, inputs: tuple[str, ...]) -> Order:
        prompt = self.write_prompt(errand.task, offer, piece)
        model = self._room.catalogue.platform(offer.platform).model(offer.model)
        order = Order(
            id=f"ord_{uuid4().hex[:20]}",
            job=errand.job,
            tenant=errand.tenant,
            key=errand.key,
            fence=errand.fence,
            task=errand.task.id,
            piece=piece.number,
            attempt=1,
            platform=offer.platform,
            model=offer.model,
            price=piece.price + (words_on_top(model, errand.task.medium, prompt) if model else 0),
            prompt=str(prompt),
            warnings=prompt.notes,
            spec=errand.task.spec,
            duration_s=piece.duration_s,
            inputs=inputs,
        )
        return await self._tracker.place(order, errand.ceiling)

    async def _asset(self, errand: Errand, offer: Offer, orders: Sequence[Order]) -> Asset:
        files = [await asyncio.to_thread(self.shelved, order) for order in orders]
        if len(files) > 1:
            desk_name = f"{errand.job}-{errand.task.id}"
            try:
                joined = await self.join(files, errand.task, self._room.shelf.desk(desk_name))
                file = Path((await asyncio.to_thread(self._room.shelf.put, joined)).path)
            finally:
                self._room.shelf.clear(desk_name)
        else:
            file = files[0]
        answers = [answer_of(order) for order in orders]
        twins = [twin for order in orders if (twin := await self._tracker.twin(order))]
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
            pieces=tuple(_paid(order) for order in orders),
            warnings=(
                *(warning for order in orders for warning in order.warnings),
                *(warning for answer in answers for warning in answer.warnings),
                *(f"This is, byte for byte, the file that {twin} paid for already." for twin in twins),
            ),
            measured={**described.pop("measured", {}), **answers[0].measured},
            **described,
        )

    def shelved(self, order: Order) -> Path:
        """The file of a settled order, as it came."""
        digest, _, ending = (order.file or "").partition(".")
        path = self._room.shelf.here(self._room.shelf.path(digest, f".{ending}"))
        if not path.is_file():
            raise Broken(
                f"The file of order {order.id} is no longer on the shelf ({path}).",
                todo="Was AGENTES_HOME cleaned? The order is paid and stays settled.",
            )
        return path


def _paid(order: Order) -> PaidPiece:
    """What a piece came to; one that goes on from a picture says from which, by its digest."""
    grown_from = Path(order.inputs[0]).stem if order.piece > 1 and order.inputs else None
    return PaidPiece(duration_s=order.duration_s, cost=order.cost or Money(0), grown_from=grown_from)


def _attempt(offer: Offer, error: AgentesError) -> Attempt:
    return Attempt(platform=offer.platform, outcome=error.what)


def _shortfall(errand: Errand, why: str, kind: Any, tried: Sequence[Attempt]) -> Shortfall:
    errand.say(Progress(errand.task, kind, note=why))
    return Shortfall(task=errand.task.id, why=why, kind=kind, tried=tuple(tried))
