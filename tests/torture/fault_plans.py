"""What is bought, of whom, and what is to go wrong: drawn from a seed, or written by hand."""

from __future__ import annotations

import atexit
import random
import shutil
import tempfile
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from fault_facts import AT_THE_VENDOR, ON_THE_WIRE, is_told
from passing import Toxic
from PIL import Image
from scenarios import TODAY, live_models, offer_of, task_of

from shared_knowledge.platform_facts import Model, Platform, Unit
from shared_knowledge.tariff import weigh
from shared_knowledge.vocabulary import Money, Offer, Task

__all__ = ["Plan", "can_strike", "draw", "guessed", "order_at"]

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
    if name == "rst_before":
        return on in ("start", "check")  # a download may find a connection that is open already
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
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        Image.new("RGB", (320, 320), (196, 164, 132)).save(folder / "reference.png")
        _PICTURES.append(folder / "reference.png")
    return _PICTURES[0]


def guessed(model: Model) -> bool:
    """Whether its price is only known when it is made, because nobody knows how long words take, or not at all."""
    return not model.prices or any(price.unit in (Unit.SECOND, Unit.AUDIO_OUT) for price in model.prices)
