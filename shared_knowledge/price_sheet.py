"""What one model asks on one day in one place, by its price list; nothing here knows what a task is for.

Where something that sets the price is not known, the dearest price that could apply is taken.
"""

from __future__ import annotations

import math
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from shared_knowledge.canvas import Canvas, choose_canvas
from shared_knowledge.money import Money
from shared_knowledge.platform_facts import Model, Price, Unit
from shared_knowledge.vocabulary import PhotoSpec, Piece, VideoSpec, WhyNot

__all__ = ["Costs", "PriceList", "PriceSheet", "Speech", "Weighed", "in_force", "piece"]


class Weighed(NamedTuple):
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
        return Money(sum([int(piece.price) for piece in self.pieces])) if self.pieces else None


@lru_cache(maxsize=8192)
def piece(number: int, price: Money, duration_s: float | None = None) -> Piece:
    """One purchase; equal ones are one object."""
    return Piece(number=number, price=price, duration_s=duration_s)


def in_force(model: Model, today: date) -> tuple[Price, ...]:
    """The prices of a model that hold on that day."""
    return tuple(price for price in model.prices if price.holds(today))


class PriceList:
    """Prices in force, and which of them were used."""

    def __init__(self, in_force: tuple[Price, ...], region: str | None) -> None:
        self._in_force = in_force
        self._region = region
        self.used: list[Price] = []

    def of(self, unit: Unit, **terms: object) -> Price | None:
        """The dearest price of the unit that nothing known speaks against."""
        fitting = [p for p in self._in_force if p.unit is unit and p.fits(region=self._region, **terms)]
        found = max(fitting, key=lambda price: price.usd, default=None)
        if found is not None:
            self.used.append(found)
        return found

    @property
    def seen_on(self) -> date | None:
        """The day on which the oldest of the prices used was seen."""
        return min((price.seen_on for price in self.used), default=None)

    @property
    def confirmed(self) -> bool:
        """Whether the vendor itself stands behind every price that was used."""
        return all(price.confirmed for price in self.used)


class Costs(NamedTuple):
    """What something comes to, by its length where it has one, and how well that is known."""

    by_length: tuple[tuple[float, Money], ...]
    seen_on: date | None
    confirmed: bool


class Speech(NamedTuple):
    """What speech costs: by a million characters, by the second, and by a million tokens of text."""

    characters: Fraction | None
    second: Fraction | None
    tokens_per_s: Decimal | None
    text: Fraction
    seen_on: date | None
    confirmed: bool


class PriceSheet:
    """One model on one day in one place: what speaks against it whatever the task, and its prices."""

    def __init__(self, model: Model, today: date, location: str | None) -> None:
        self.model = model
        self.in_force = in_force(model, today)
        self._region = None if location is None else "global" if location == "global" else "regional"
        against = set() if self.in_force else {WhyNot.UNPRICED}
        if model.retires_on is not None and model.retires_on <= today:
            against.add(WhyNot.RETIRED)
        if location and model.regions and location not in model.regions:
            against.add(WhyNot.REGION)
        self.against = frozenset(against)
        other_sizes = any(size.image_ratios for size in model.resolutions)
        self.minds_pictures = other_sizes or any(price.unit is Unit.REFERENCE for price in self.in_force)
        self._canvases: dict[tuple[object, ...], Canvas | WhyNot] = {}
        self._costs: dict[tuple[object, ...], Costs] = {}
        self._speech: Speech | None = None

    def canvas(self, spec: PhotoSpec | VideoSpec, *, from_image: bool = False) -> Canvas | WhyNot:
        """The size it would be asked for."""
        key = (spec.aspect_ratio, spec.width, spec.height, spec.size_is_stated, spec.quality, from_image)
        found = self._canvases.get(key)
        if found is None:
            found = self._canvases[key] = choose_canvas(self.model, spec, from_image=from_image)
        return found

    def picture(self, canvas: Canvas, setting: str | None, references: int) -> Costs:
        """What one picture costs; nothing listed where that is not known."""
        key = (setting, canvas.resolution.name, canvas.width, canvas.height, references)
        if key not in self._costs:
            prices = self._prices()
            cost = _picture(prices, canvas, setting, references)
            listed = () if cost is None else ((0.0, Money.at_least(cost)),)
            self._costs[key] = Costs(listed, prices.seen_on, prices.confirmed)
        return self._costs[key]

    def clips(self, lengths: tuple[float, ...], *, images: int, **terms: object) -> Costs:
        """What a piece of each of these lengths costs; those whose price is not known are left out."""
        key = (lengths, images, *terms.values())
        if key not in self._costs:
            prices = self._prices()
            costs = [(length, _clip(prices, length, images=images, **terms)) for length in lengths]
            listed = tuple((length, cost) for length, cost in costs if cost is not None)
            self._costs[key] = Costs(listed, prices.seen_on, prices.confirmed)
        return self._costs[key]

    def speech(self) -> Speech:
        """What speech costs here."""
        if self._speech is None:
            self._speech = _speech(self._prices())
        return self._speech

    def _prices(self) -> PriceList:
        return PriceList(self.in_force, self._region)


# ── from rates to costs ───────────────────────────────────────────────────────────────────────────


def _picture(prices: PriceList, canvas: Canvas, setting: str | None, references: int) -> Fraction | None:
    terms = {"quality": setting, "resolution": canvas.resolution.name}
    whole = prices.of(Unit.IMAGE, **terms)
    first = prices.of(Unit.FIRST_MEGAPIXEL, **terms)
    if whole is not None:
        cost = Fraction(whole.usd)
    elif first is not None and canvas.width and canvas.height:
        further = prices.of(Unit.FURTHER_MEGAPIXEL, **terms) or first
        megapixels = math.ceil(Fraction(canvas.width * canvas.height, 1_000_000))
        cost = Fraction(first.usd) + (megapixels - 1) * Fraction(further.usd)
    else:
        return None
    if references:
        each = prices.of(Unit.REFERENCE, **terms) or prices.of(Unit.REFERENCE_MEGAPIXEL, **terms)
        cost += references * Fraction(each.usd) if each else 0
    return cost


def _clip(prices: PriceList, seconds: float, *, images: int, **terms: object) -> Money | None:
    if (clip := prices.of(Unit.CLIP, seconds=seconds, **terms)) is not None:
        rate, cost = clip, Fraction(clip.usd)
    elif (second := prices.of(Unit.SECOND, **terms)) is not None:
        rate, cost = second, Fraction(second.usd) * Fraction(seconds)
    elif (token := prices.of(Unit.VIDEO_OUT, **terms)) is not None and token.tokens_per_s is not None:
        tokens = math.ceil(Fraction(token.tokens_per_s) * Fraction(seconds))
        rate, cost = token, Fraction(token.usd) * tokens / 1_000_000
    else:
        return None
    if images and (each := prices.of(Unit.REFERENCE, **terms)) is not None:
        cost += images * Fraction(each.usd)
    return Money.at_least(max(cost, Fraction(rate.least_usd or 0)))


def _speech(prices: PriceList) -> Speech:
    """Characters before seconds, seconds before tokens of sound."""
    characters = second = tokens_per_s = None
    text = Fraction(0)
    if (by_length := prices.of(Unit.CHARACTERS)) is not None:
        characters = Fraction(by_length.usd) / 1_000_000
    elif (by_second := prices.of(Unit.SECOND)) is not None:
        second = Fraction(by_second.usd)
    elif (token := prices.of(Unit.AUDIO_OUT)) is not None and token.tokens_per_s is not None:
        second, tokens_per_s = Fraction(token.usd) / 1_000_000, token.tokens_per_s
    if second is not None and (words := prices.of(Unit.TEXT_IN)) is not None:
        text = Fraction(words.usd) / 1_000_000
    return Speech(characters, second, tokens_per_s, text, prices.seen_on, prices.confirmed)
