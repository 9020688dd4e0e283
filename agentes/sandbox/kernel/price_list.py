"""What a vendor would write on the bill, read from the catalogue as of today."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime
from fractions import Fraction

from shared_knowledge.catalogue import Catalogue
from shared_knowledge.money import Money
from shared_knowledge.platform_facts import Price, Unit

__all__ = ["price"]

_MILLION = 1_000_000


def price(platform: str, model: str, *, times: float = 1, references: int = 0, **terms: object) -> Money:
    """The dearest price that fits the terms, times a count of what the model is sold by; nothing if unknown."""
    known = Catalogue.load().platform(platform).model(model)
    today = datetime.now(UTC).date()
    count = Fraction(str(times))

    def dearest(unit: Unit) -> Price | None:
        fitting = [
            p
            for p in (known.prices if known else ())
            if p.unit is unit and p.holds(today) and p.fits(**terms)
        ]
        return max(fitting, key=lambda line: line.usd, default=None)

    cost, least = _by_unit(dearest, count)
    each = dearest(Unit.REFERENCE) or dearest(Unit.REFERENCE_MEGAPIXEL)
    if references and each is not None:
        cost += references * Fraction(each.usd)
    return Money.at_least(max(cost, least))


def _by_unit(dearest: Callable[[Unit], Price | None], count: Fraction) -> tuple[Fraction, Fraction]:
    """The cost by the first unit the model is sold by, and the least that is charged."""
    for unit in (Unit.CLIP, Unit.IMAGE, Unit.SECOND):
        if (line := dearest(unit)) is not None:
            return count * Fraction(line.usd), Fraction(line.least_usd or 0)
    if (first := dearest(Unit.FIRST_MEGAPIXEL)) is not None:
        further = dearest(Unit.FURTHER_MEGAPIXEL) or first
        return Fraction(first.usd) + (math.ceil(count) - 1) * Fraction(further.usd), Fraction(0)
    if (line := dearest(Unit.CHARACTERS)) is not None:
        return count * Fraction(line.usd) / _MILLION, Fraction(0)
    for unit in (Unit.VIDEO_OUT, Unit.AUDIO_OUT):
        line = dearest(unit)
        if line is not None and line.tokens_per_s is not None:
            tokens = math.ceil(Fraction(line.tokens_per_s) * count)
            return tokens * Fraction(line.usd) / _MILLION, Fraction(line.least_usd or 0)
    return Fraction(0), Fraction(0)
