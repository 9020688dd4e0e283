"""One purchase in a world where a seed decides what goes wrong: drawn, lived through, written down."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import random
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Container, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from fault_facts import AT_THE_VENDOR, ON_THE_WIRE, is_told
from leaping_time import LeapingLoop
from PIL import Image
from practising import Counter, exchange_to
from rough_wire import Passed, RoughWire
from scenarios import TODAY, live_models, offer_of, task_of
from toxics import Toxic

from agentes.media import probe
from agentes.sandbox.kernel.house import House
from agentes.sandbox.kernel.sandbox import Sandbox
from agentes.wire.clock import Clock
from shared_knowledge.errors import Broken
from shared_knowledge.platform_facts import Model, Platform, Unit
from shared_knowledge.tariff import weigh
from shared_knowledge.vocabulary import Asset, Money, Offer, Order, OrderState, Shortfall, Task

__all__ = ["Plan", "Sitting", "Story", "Watch", "World", "can_strike", "draw", "guessed", "open_world", "order_at"]

_MADE_UP = Money(100_000)
_CANCELS = ("runway_images", "google_omni", "luma", "pika", "runway")
_FINDS = ("kling", "luma", "elevenlabs")
_LINKS = ("bfl_flux", "runway_images", "google_omni", "kling", "luma", "pika", "runway")
_PREPARES = ("runway_images", "runway", "azure_speech", "elevenlabs", "google_cloud_tts")
_SIGNS_IN = ("vertex_images", "google_veo", "google_cloud_tts")
_UNHEARD = (
    *("die", "hang", "rst_after", "html200", "redirect:307", "redirect:308"),
    *(f"status:{code}" for code in (408, 409, 425, 499, 500, 502, 503, 504)),
)
_NOT_TO_A_FILE = ("error200", "charset", "refuse", "fail", "stuck", "no_output", "wrong_size", "wrong_length")
_MAKES_A_JOB = ("refuse", "fail", "no_output", "wrong_size", "wrong_length")
_RARE = ("stuck", "stall:90000", "drip")


@dataclass(frozen=True)
class Plan:
    """What is bought, of whom, under which ceiling, and what is to go wrong; a seed draws it."""

    seed: int
    platform: Platform
    model: Model
    task: Task
    offers: tuple[Offer, ...]
    faults: tuple[Toxic, ...]
    ceiling: Money
    on_doubt: str
    on_refusal: str
    stopped_at: int | None
    """At which exchange a person presses Ctrl-C, if one does."""

    def __str__(self) -> str:
        told = [f"{f.on} {f.do} (nth {f.nth}, {f.times}x)" for f in self.faults]
        offers = " then ".join(f"{offer.platform}:{offer.model}" for offer in self.offers)
        terms = f"ceiling {self.ceiling.usd}, on doubt {self.on_doubt}, on refusal {self.on_refusal}"
        stopped = "" if self.stopped_at is None else f", stopped at exchange {self.stopped_at}"
        return f"seed {self.seed}: {offers}; {'; '.join(told)}; {terms}{stopped}"


@dataclass(frozen=True)
class Sitting:
    """One run of the engine at the task: how it ended (None: it was stopped), and how the book stood after it."""

    outcome: Asset | Shortfall | None
    orders: tuple[Order, ...]


@dataclass
class Story:
    """All that came of a plan."""

    plan: Plan
    sittings: list[Sitting] = field(default_factory=list)
    passed: list[Passed] = field(default_factory=list)
    ledger: list[dict[str, Any]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    """What was seen on the way that must never be."""
    file_is_whole: bool = True

    @property
    def was_stopped(self) -> bool:
        """Whether a person pressed Ctrl-C."""
        return any(sitting.outcome is None for sitting in self.sittings)

    def __str__(self) -> str:
        """How it ended, in a word or two."""
        outcome = self.sittings[-1].outcome
        return outcome.kind if isinstance(outcome, Shortfall) else "made" if outcome else "stopped"

    @property
    def orders(self) -> Mapping[str, Order]:
        """Every order as it ended."""
        return {order.id: order for order in self.sittings[-1].orders} if self.sittings else {}


def draw(seed: int) -> Plan:
    """The plan of a seed; always the same one."""
    dice = random.Random(seed)
    platform, model = dice.choice(_by_platform()[dice.choice(sorted(_by_platform()))])
    reference = _reference() if _needs_picture(model) else None
    task = task_of(platform, model, reference)
    offers = [_offer(platform, model, reference)]
    others = _others(platform.id, model.id)
    if others and dice.random() < 0.5:
        offers.append(dice.choice(others))
    faults = _faults(dice, platform.id)
    dearest = max(offer.price or Money(0) for offer in offers)
    ceiling = Money(int(dearest) * dice.choice((12, 22, 33, 60)) // 10 + 2000)
    doubt = "buy-again" if dice.random() < 0.15 else "hold"
    refusal = "elsewhere" if dice.random() < 0.2 else "stop"
    stopped_at = dice.choice((1, 1, 2, 3, 4)) if dice.random() < 0.1 else None
    return Plan(seed, platform, model, task, tuple(offers), faults, ceiling, doubt, refusal, stopped_at)


def order_at(platform: str, *faults: Toxic, others: int = 0, **terms: Any) -> Plan:
    """A plan without dice: one order at a platform, or at some others, with money enough for three."""
    facts, model = _by_platform()[platform][0]
    reference = _reference() if _needs_picture(model) else None
    offers = (_offer(facts, model, reference), *_others(platform, model.id)[:others])
    ceiling = Money(3 * max(int(offer.price or 0) for offer in offers) + 20_000)
    usual = {"ceiling": ceiling, "on_doubt": "hold", "on_refusal": "stop", "stopped_at": None}
    task = task_of(facts, model, reference)
    return Plan(0, facts, model, task, offers, faults, **{**usual, **terms})


def _faults(dice: random.Random, platform: str) -> tuple[Toxic, ...]:
    often = {"start": 8.0, "check": 6.0, "download": 4.0, "find": 4.0, "cancel": 0.5, "prepare": 1.0}
    where = {on: often.get(on, 1.0) for on, able in _ABLE.items() if platform in able()}
    many = dice.choices((1, 2, 3), (2, 5, 3))[0]
    faults: list[Toxic] = []
    for on in dice.choices(list(where), list(where.values()), k=many):
        if on == "find":
            faults.append(Toxic(platform, "start", dice.choice(("die", "rst_mid", "rst_after", "bad_json"))))
        if on == "cancel":
            faults.append(Toxic(platform, "start", "stuck"))
        nth = dice.choices((1, 2, 3), (8, 2, 1))[0]
        times = dice.choices((1, 2, 3, 6), (10, 4, 2, 1))[0]
        faults.append(Toxic(platform, on, _name(dice, platform, on), nth, times))
    return tuple(faults)


def _name(dice: random.Random, platform: str, on: str) -> str:
    """Some fault that can happen to such a call."""
    on_the_wire = on in ("prepare", "sign_in") or dice.random() < 0.65
    names = list(ON_THE_WIRE if on_the_wire else AT_THE_VENDOR)
    name = dice.choice(names)
    while not can_strike(platform, on, name) or (name in _RARE and dice.random() < 0.6):
        name = dice.choice(names)
    if is_told(platform, name, on) or (name in _UNHEARD and dice.random() < 0.5):
        return f"no_{name}"
    return name


def can_strike(platform: str, on: str, name: str) -> bool:
    """Whether such a call is made to a platform, and such a fault can happen to it."""
    if platform not in _ABLE[on]():
        return False
    if on == "download":
        return name not in (*_NOT_TO_A_FILE, "out_of_credit", "retired", "stall:90000")
    if name == "charset":
        return on in ("start", "check", "find")
    if name == "error200":
        return on in ("start", "check")
    if on in ("find", "cancel", "prepare", "sign_in"):
        return name not in (*_MAKES_A_JOB, "stuck", "expired", "retired", "out_of_credit")
    return not (on == "check" and name in ("retired", "out_of_credit", "expired"))


@cache
def _queues() -> frozenset[str]:
    return frozenset(name for name, platform in _facts().items() if platform.look_again_s)


_ABLE: Mapping[str, Callable[[], Container[str]]] = {
    "start": lambda: _facts().keys(),
    "check": _queues,
    "download": lambda: _LINKS,
    "find": lambda: _FINDS,
    "cancel": lambda: _CANCELS,
    "prepare": lambda: _PREPARES,
    "sign_in": lambda: _SIGNS_IN,
}


@cache
def _facts() -> Mapping[str, Platform]:
    return {name: models[0][0] for name, models in _by_platform().items()}


@cache
def _by_platform() -> Mapping[str, Sequence[tuple[Platform, Model]]]:
    found: dict[str, list[tuple[Platform, Model]]] = {}
    for platform, model in live_models():
        found.setdefault(platform.id, []).append((platform, model))
    for platform, model in live_models(priced=False):
        found.setdefault(platform.id, [(platform, model)])
    return found


def _offer(platform: Platform, model: Model, reference: Path | None) -> Offer:
    """What the model would take for its task; where no price is on file, one is made up."""
    offer = offer_of(platform, model, reference)
    if offer.price:
        return offer
    pieces = tuple(piece.model_copy(update={"price": _MADE_UP}) for piece in offer.pieces)
    return offer.model_copy(update={"price": Money(len(pieces) * _MADE_UP), "pieces": pieces})


@cache
def _others(platform: str, model: str) -> Sequence[Offer]:
    """What other platforms would take for the same task."""
    known = next(each for facts, each in _by_platform()[platform] if each.id == model)
    task = task_of(_facts()[platform], known, _reference() if _needs_picture(known) else None)
    found = []
    for facts, other in live_models():
        if facts.id != platform and facts.medium is _facts()[platform].medium:
            weighed = weigh(other, task.spec, TODAY)
            if weighed.pieces and not weighed.why_not and len(weighed.pieces) == 1:
                offer = Offer(
                    task=task.id,
                    platform=facts.id,
                    model=other.id,
                    price=weighed.price,
                    pieces=weighed.pieces,
                )
                found.append(offer)
    return found


def _needs_picture(model: Model) -> bool:
    return not {"text_to_image", "text_to_video", "text_to_speech"} & {str(mode) for mode in model.modes}


_PICTURES: list[Path] = []


def _reference() -> Path:
    """A small picture, made once for each process."""
    if not _PICTURES:
        folder = Path(tempfile.mkdtemp(prefix="agentes-faults-"))
        Image.new("RGB", (320, 320), (196, 164, 132)).save(folder / "reference.png")
        _PICTURES.append(folder / "reference.png")
    return _PICTURES[0]


def guessed(model: Model) -> bool:
    """Whether its price is only known when it is made, because nobody knows how long words take, or not at all."""
    return not model.prices or any(price.unit in (Unit.SECOND, Unit.AUDIO_OUT) for price in model.prices)


class Watch:
    """Who looks on while a plan is lived through, and may do something about it."""

    sittings = 3
    gone_until_s = 0.0
    """Until when nobody can be reached, by the clock of the loop."""

    def __init__(self) -> None:
        self.work: asyncio.Future[Any] | None = None

    def before(self, sitting: int, home: Path) -> None:
        """Nobody works at the task just now; that sitting comes next."""

    def moved(self, state: OrderState, sitting: int) -> None:
        """The book has taken a step."""

    def after(self, sitting: int, home: Path) -> None:
        """That sitting is over."""


class World:
    """A sandbox, a rough wire before it, and a clock that waits for nobody."""

    def __init__(self, loop: LeapingLoop, sandbox: Sandbox, wire: RoughWire, folder: Path) -> None:
        self._loop = loop
        self._sandbox = sandbox
        self._wire = wire
        self._folder = folder
        self._dark_for = 0

    async def live(self, plan: Plan, *, watch: Watch | None = None) -> Story:
        """Buys until it is there or nothing more can be done; the last sitting has no faults."""
        story, watch = Story(plan), watch or Watch()
        home = Path(tempfile.mkdtemp(prefix=f"seed-{plan.seed}-", dir=self._folder))
        self._sandbox.reset()
        on_the_wire = [f for f in plan.faults if f.do.removeprefix("no_") in ON_THE_WIRE]
        self._wire.begin(plan.seed, on_the_wire)
        for f in plan.faults:
            if f not in on_the_wire:
                told = {"platform": f.platform, "on": f.on, "do": f.do, "nth": f.nth, "times": f.times}
                self._sandbox.plant(told)
        for number in range(1, watch.sittings + 1):
            if number == watch.sittings:
                self._sandbox.faults.clear()
                self._wire.calm()
            self._wire.sitting = number
            watch.before(number, home)
            sitting = await self._sit(plan, home, story, watch)
            watch.after(number, home)
            story.sittings.append(sitting)
            if isinstance(sitting.outcome, Asset):
                break
        story.passed = self._wire.passed
        story.ledger = [entry.document() for entry in self._sandbox.ledger.entries]
        self._look_around(story, home)
        if last := story.sittings[-1].outcome:
            story.file_is_whole = isinstance(last, Shortfall) or _is_whole(Path(last.path), last.sha256)
        shutil.rmtree(home)
        return story

    async def _sit(self, plan: Plan, home: Path, story: Story, watch: Watch) -> Sitting:
        others = asyncio.all_tasks()
        await self._dark_or_light(watch)
        orders = story.sittings[-1].orders if story.sittings else ()
        outcome: Asset | Shortfall | None = None
        try:
            async with self._counter(plan, home, watch) as counter:
                self._keep_an_eye_on(counter, plan, story, watch)
                try:
                    outcome = await self._perform(counter, plan, watch)
                finally:
                    orders = counter.book.orders("job_1")
        except asyncio.CancelledError:
            pass
        except Broken as broken:  # before there was any order
            outcome = Shortfall(task=plan.task.id, why=str(broken), kind="failed")
        self._dark_for = 0
        await self._nobody_is_left(others, story)
        return Sitting(outcome, orders)

    @asynccontextmanager
    async def _counter(self, plan: Plan, home: Path, watch: Watch) -> AsyncIterator[Counter]:
        """The agents and the ledger, as a process of its own would have them."""
        dice = random.Random(plan.seed)

        async def pause(seconds: float) -> None:
            await self._loop.sleep(seconds)
            self._dark_for -= 1
            await self._dark_or_light(watch)

        clock = Clock(now=self._loop.time, sleep=pause, up_to=lambda most: dice.uniform(0, most))
        async with exchange_to(plan.platform, home, sandbox=self._wire.url, clock=clock) as exchange:
            counter = Counter(exchange, home, wait=pause)
            try:
                yield counter
            finally:
                counter.database.close()

    async def _perform(self, counter: Counter, plan: Plan, watch: Watch) -> Asset | Shortfall:
        terms = {"ceiling": plan.ceiling, "on_doubt": plan.on_doubt, "on_refusal": plan.on_refusal}
        work = asyncio.ensure_future(counter.perform(plan.task, *plan.offers, **terms))
        self._stop(work, plan)
        watch.work = work
        return await work

    def _keep_an_eye_on(self, counter: Counter, plan: Plan, story: Story, watch: Watch) -> None:
        """Looks into the book at every move: what is open, and whether the purse holds."""
        book = counter.book
        move = book.move

        def standing() -> Order | None:
            return next((o for o in reversed(book.orders("job_1")) if not o.state.over), None)

        async def moved(step: Any) -> bool:
            done = await move(step)
            story.wrong += _purse(counter, plan)
            watch.moved(step.state, self._wire.sitting)
            if self._wire.expects("refused"):
                self._dark_for = max(f.times for f in plan.faults if f.do == "refused")
                await self._wire.shut()
            await self._dark_or_light(watch)
            return done

        book.move = moved  # type: ignore[method-assign]
        self._wire.standing = standing

    def _stop(self, work: asyncio.Future[Any], plan: Plan) -> None:
        """Presses Ctrl-C in the first sitting, at the exchange the plan says, or a little later."""
        dice = random.Random(plan.seed)

        def watched(_: Passed) -> None:
            if self._wire.sitting == 1 and len(self._wire.passed) == plan.stopped_at:
                self._loop.call_later(dice.choice((0.0, 0.001, 0.005)), work.cancel)

        self._wire.watched = watched

    async def _dark_or_light(self, watch: Watch) -> None:
        """Who was not there before may be there again, and the other way round."""
        if self._loop.time() < watch.gone_until_s:
            await self._wire.shut()
        elif self._dark_for <= 0:
            await self._wire.reopen()

    async def _nobody_is_left(self, others: set[asyncio.Task[Any]], story: Story) -> None:
        for _ in range(200):
            mine = {task for task in asyncio.all_tasks() - others if not _is_the_worlds(task)}
            if not self._wire.guests and not mine:
                return
            await asyncio.sleep(0.001)
        if self._wire.guests:
            story.wrong.append(f"{self._wire.guests} connections stayed open")
        story.wrong += [f"a task is left: {task!r}" for task in mine]

    def _look_around(self, story: Story, home: Path) -> None:
        """What lies about when all is over."""
        parts = [path for path in (home / "shelf").rglob("*.part")]
        story.wrong += [f"left on the shelf: {path.name}" for path in parts]
        for order in story.orders.values():
            desk = home / "desks" / order.id
            if order.state.over and desk.exists() and not story.was_stopped:
                left = sorted(path.name for path in desk.iterdir())
                story.wrong.append(f"the desk of order {order.id} ({order.state}) is still there: {left}")
        strangers = [p.name for p in (home / "desks").glob("*") if p.name not in story.orders]
        story.wrong += [f"a desk nobody knows: {name}" for name in strangers]


def _is_the_worlds(task: asyncio.Task[Any]) -> bool:
    return "_welcome" in repr(task.get_coro()) or "_Guest" in repr(task.get_coro())


def _purse(counter: Counter, plan: Plan) -> list[str]:
    """What is wrong with the job's purse, counted anew from its orders."""
    row = counter.database.read(lambda t: t.row("budget", id="job:job_1"))
    if row is None:
        return []
    orders = counter.book.orders("job_1")
    held = sum(order.price for order in orders if not order.state.over)
    spent = sum(order.cost or 0 for order in orders if order.state.over)
    wrong = []
    if row["reserved"] + row["spent"] > plan.ceiling:
        wrong.append(f"{row['reserved']} + {row['spent']} is over the ceiling {plan.ceiling}")
    if row["reserved"] != held:
        wrong.append(f"{row['reserved']} is set aside, where the open orders come to {held}")
    if row["spent"] != spent and spent <= plan.ceiling - held:
        wrong.append(f"{row['spent']} counts as spent, where the orders come to {spent}")
    return wrong


def _is_whole(file: Path, sha256: str) -> bool:
    return file.is_file() and hashlib.sha256(file.read_bytes()).hexdigest() == sha256


_measured: dict[tuple[int, bytes], Any] = {}


def _remembering(measure: Any) -> Any:
    """Probing, but each content once: a thousand purchases bring the same ten files."""

    async def remembered(path: Path) -> Any:
        content = path.read_bytes()
        key = (len(content), hashlib.sha256(content).digest())
        if key not in _measured:
            try:
                _measured[key] = await measure(path)
            except Exception as error:
                _measured[key] = error
        found = _measured[key]
        if isinstance(found, Exception):
            raise type(found)(*found.args)
        return found

    return remembered


@asynccontextmanager
async def open_world(folder: Path, patch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """The world, for as long as it is needed; runs on a LeapingLoop."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, LeapingLoop)
    patch.setattr(probe, "measure", _remembering(probe.measure))
    began = time.time() - loop.time()
    patch.setattr(House, "now", lambda _: began + loop.time())  # the vendors' clocks go with the loop's
    async with Sandbox() as sandbox, RoughWire(sandbox, loop.leap) as wire:
        yield World(loop, sandbox, wire, folder)
    gc.collect()
