"""Can this model do this task, in which pieces, and what would the vendor write on the bill?

Nothing here knows about keys, wishes or budgets: only about the model, the task and the day.
Where something that sets the price is not known, the dearest price that could apply is taken.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from shared_knowledge import speech
from shared_knowledge.money import Money
from shared_knowledge.platform_facts import Audio, Mode, Model, Price, PromptLimit, Resolution, Unit
from shared_knowledge.vocabulary import (
    PhotoIntent,
    PhotoSpec,
    Piece,
    Spec,
    VideoIntent,
    VideoSpec,
    VoiceSpec,
    WhyNot,
)

__all__ = ["PIECES_MOST", "Canvas", "Weighed", "choose_canvas", "cover", "weigh"]

PIECES_MOST = 24


@dataclass(frozen=True)
class Canvas:
    """The size a purchase asks for: the vendor's words for it, and its pixels where they are known."""

    resolution: Resolution
    word: str
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True)
class Weighed:
    """What came out: reasons against it, or pieces with their prices; `keyframes` must come on top."""

    why_not: frozenset[WhyNot] = frozenset()
    pieces: tuple[Piece, ...] = ()
    billed_as: str = ""
    keyframes: int = 0
    seen_on: date | None = None
    confirmed: bool = True

    @property
    def price(self) -> Money | None:
        """All pieces together; None where the price is not known."""
        return sum((piece.price for piece in self.pieces), Money(0)) if self.pieces else None


def weigh(
    model: Model, spec: Spec, today: date, *, pictures: int = 0, location: str | None = None
) -> Weighed:
    """Holds a task against a model; `pictures` says how many finished photos it can start from."""
    against = set()
    if model.retires_on is not None and model.retires_on <= today:
        against.add(WhyNot.RETIRED)
    if spec.quality not in model.quality:
        against.add(WhyNot.QUALITY)
    if location and model.regions and location not in model.regions:
        against.add(WhyNot.REGION)
    if model.prompt is not None and _length(_words(spec), model.prompt, spec.language) > model.prompt.most:
        against.add(WhyNot.PROMPT_TOO_LONG)
    prices = _PriceList(model, today, location)
    match spec:
        case PhotoSpec():
            found = _weigh_photo(model, spec, prices)
        case VideoSpec():
            found = _weigh_video(model, spec, prices, pictures)
        case VoiceSpec():
            found = _weigh_voice(model, spec, prices)
    return Weighed(
        why_not=found.why_not | against,
        pieces=found.pieces,
        billed_as=found.billed_as,
        keyframes=found.keyframes,
        seen_on=min((price.seen_on for price in prices.used), default=None),
        confirmed=all(price.confirmed for price in prices.used),
    )


class _PriceList:
    """The prices of one model on one day, and which of them were used."""

    def __init__(self, model: Model, today: date, location: str | None) -> None:
        self._in_force = [price for price in model.prices if price.holds(today)]
        self._region = None if location is None else "global" if location == "global" else "regional"
        self.used: list[Price] = []

    def of(self, unit: Unit, **terms: object) -> Price | None:
        """The dearest price of the unit that nothing known speaks against."""
        fitting = [
            price
            for price in self._in_force
            if price.unit == unit and price.fits(region=self._region, **terms)
        ]
        found = max(fitting, key=lambda price: price.usd, default=None)
        if found is not None and found not in self.used:
            self.used.append(found)
        return found


# ── photo ──────────────────────────────────────────────────────────────────────────────────────


def _weigh_photo(model: Model, spec: PhotoSpec, prices: _PriceList) -> Weighed:
    against = set()
    editing = bool(spec.references) or spec.intent is PhotoIntent.EDIT
    if (Mode.EDIT if editing else Mode.TEXT_TO_IMAGE) not in model.modes:
        against.add(WhyNot.REFERENCE)
    if len(spec.references) > model.references:
        against.add(WhyNot.REFERENCE)
    canvas = choose_canvas(model, spec)
    if isinstance(canvas, WhyNot):
        return Weighed(frozenset({*against, canvas}))
    tier = model.quality.get(spec.quality)
    setting = tier.setting if tier else None
    cost = _picture(prices, canvas, setting, len(spec.references))
    if cost is None:
        return Weighed(frozenset({*against, WhyNot.UNPRICED}))
    size = canvas.resolution.name if canvas.resolution.name in canvas.word else f"{canvas.word} at {canvas.resolution.name}"
    if canvas.width is not None and "x" in canvas.word:
        size = canvas.word
    words = " ".join(part for part in ("1 image", size, setting) if part)
    if spec.references:
        words += f", {len(spec.references)} reference{'s' * (len(spec.references) > 1)}"
    return Weighed(frozenset(against), (Piece(number=1, price=Money.at_least(cost)),), words)


def _picture(prices: _PriceList, canvas: Canvas, setting: str | None, references: int) -> Fraction | None:
    terms = {"quality": setting, "resolution": canvas.resolution.name}
    whole = prices.of(Unit.IMAGE, **terms)
    if whole is not None:
        cost = Fraction(whole.usd)
    else:
        first = prices.of(Unit.FIRST_MEGAPIXEL, **terms)
        if first is None or canvas.width is None or canvas.height is None:
            return None
        further = prices.of(Unit.FURTHER_MEGAPIXEL, **terms)
        megapixels = math.ceil(Fraction(canvas.width * canvas.height, 1_000_000))
        cost = Fraction(first.usd) + (megapixels - 1) * Fraction(further.usd if further else first.usd)
    if references:
        each = prices.of(Unit.REFERENCE, **terms) or prices.of(Unit.REFERENCE_MEGAPIXEL, **terms)
        cost += references * Fraction(each.usd) if each else 0
    return cost


# ── size ───────────────────────────────────────────────────────────────────────────────────────


def choose_canvas(model: Model, spec: PhotoSpec | VideoSpec, *, from_image: bool = False) -> Canvas | WhyNot:
    """The least size of the model that serves the task; the adapter asks for the same one."""
    tier = model.quality.get(spec.quality)
    least = tier.resolution if tier else None
    names = [resolution.name for resolution in model.resolutions]
    shaped = False
    for resolution in model.resolutions[names.index(least) if least in names else 0 :]:
        canvas = _canvas(resolution, spec, from_image=from_image)
        if canvas is None:
            continue
        shaped = True
        if not spec.size_is_stated or _covers(canvas, spec):
            return canvas
    return WhyNot.RESOLUTION if shaped else WhyNot.ASPECT_RATIO


def _covers(canvas: Canvas, spec: PhotoSpec | VideoSpec) -> bool:
    if canvas.width is None or canvas.height is None:
        return False
    return canvas.width >= spec.width and canvas.height >= spec.height


def _canvas(resolution: Resolution, spec: PhotoSpec | VideoSpec, *, from_image: bool) -> Canvas | None:
    ratio = _ratio(spec.aspect_ratio)
    words = {**resolution.ratios, **(resolution.image_ratios if from_image else {})}
    word = next((word for name, word in words.items() if _ratio(name) == ratio), None)
    if word is not None:
        pair = word.replace(":", "x").split("x")
        if len(pair) == 2 and all(part.isdigit() and int(part) >= 64 for part in pair):
            return Canvas(resolution, word, int(pair[0]), int(pair[1]))
        return Canvas(resolution, word, *_scaled(resolution, ratio))
    if not resolution.any_ratio or (resolution.steepest and max(ratio, 1 / ratio) > resolution.steepest):
        return None
    width, height = _scaled(resolution, ratio)
    if spec.size_is_stated and width is not None and height is not None:
        step = resolution.step
        exact = (step * math.ceil(spec.width / step), step * math.ceil(spec.height / step))
        room = resolution.megapixels is None or exact[0] * exact[1] <= resolution.megapixels * 1_000_000
        if room and (resolution.longest_side is None or max(exact) <= resolution.longest_side):
            width, height = exact
    return Canvas(resolution, f"{width}x{height}", width, height)


def _scaled(resolution: Resolution, ratio: Fraction) -> tuple[int | None, int | None]:
    """The pixels of a ratio at this resolution, both sides multiples of its step."""
    if resolution.short_side is not None:
        across = resolution.short_side * max(ratio, Fraction(1))
        down = resolution.short_side * max(1 / ratio, Fraction(1))
    elif resolution.megapixels is not None:
        across = Fraction(math.sqrt(float(resolution.megapixels) * 1_000_000 * float(ratio)))
        down = across / ratio
    else:
        return None, None
    step = resolution.step
    return max(step, step * math.floor(across / step)), max(step, step * math.floor(down / step))


@lru_cache(maxsize=256)
def _ratio(text: str) -> Fraction:
    across, down = text.split(":")
    return Fraction(Decimal(across)) / Fraction(Decimal(down))
