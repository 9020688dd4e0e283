"""Can this model do this task, in which pieces, and what would the vendor write on the bill?

Nothing here knows about keys, wishes or budgets: only about the model, the task and the day.
Where something that sets the price is not known, the dearest price that could apply is taken.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from shared_knowledge.clip_mix import cover
from shared_knowledge.clip_tariff import ClipView, clip_view, weigh_clip
from shared_knowledge.money import Money
from shared_knowledge.platform_facts import Mode, Model, Unit
from shared_knowledge.price_sheet import PriceList, PriceSheet, Weighed, in_force, piece
from shared_knowledge.prompts import size_of
from shared_knowledge.speech_pace import predicted_s
from shared_knowledge.vocabulary import (
    Medium,
    PhotoIntent,
    PhotoSpec,
    Spec,
    VideoIntent,
    VideoSpec,
    VoiceSpec,
    WhyNot,
)

__all__ = ["Tariff", "Weighed", "bill", "cover", "weigh", "words_on_top"]


class Tariff:
    """The price lists of one day; what was worked out for one task is remembered for the next."""

    def __init__(self, today: date) -> None:
        self._today = today
        self._desks: dict[tuple[int, str | None], _Desk] = {}
        self._spec: Spec | None = None
        self._terms: tuple[object, ...] = ()
        self._sizes: dict[str, int] = {}

    def weigh(
        self, model: Model, spec: Spec, *, pictures: Iterable[str] = (), location: str | None = None
    ) -> Weighed:
        """Holds a task against a model; `pictures` names the photos of other tasks that a clip is made from."""
        found = self.weigh_but_words(model, spec, frozenset(pictures), location)
        if self.has_room(model, spec):
            return found
        return found._replace(why_not=found.why_not | {WhyNot.PROMPT_TOO_LONG})

    def weigh_but_words(
        self, model: Model, spec: Spec, pictures: frozenset[str], location: str | None
    ) -> Weighed:
        """The same, but for the length of the words."""
        desk = self._desks.get((id(model), location))
        if desk is None:  # it keeps its model, so that no other can get the same id
            desk = self._desks[id(model), location] = _Desk(PriceSheet(model, self._today, location), {}, {})
        terms = (self.terms(spec), pictures)
        found = desk.known.get(terms)
        if found is None:
            found = desk.known[terms] = _weigh(desk, spec, pictures, self.terms(spec))
        return found

    def has_room(self, model: Model, spec: Spec) -> bool:
        """Whether the model reads as many words as the task cannot do without."""
        limit = model.prompt
        if limit is None:
            return True
        self._look_at(spec)
        if limit.unit not in self._sizes:
            self._sizes[limit.unit] = size_of(_words(spec), limit.unit)
        return self._sizes[limit.unit] <= limit.most

    def terms(self, spec: Spec) -> tuple[object, ...]:
        """Everything about a task that can change its price, but for the length of its words."""
        self._look_at(spec)
        return self._terms

    def _look_at(self, spec: Spec) -> None:
        if spec is not self._spec:
            self._spec, self._terms, self._sizes = spec, _terms_of(spec), {}


class _Desk(NamedTuple):
    """The price sheet of one model, and what was worked out by it."""

    sheet: PriceSheet
    known: dict[tuple[object, ...], Weighed]
    views: dict[tuple[object, ...], ClipView]


def weigh(
    model: Model, spec: Spec, today: date, *, pictures: Iterable[str] = (), location: str | None = None
) -> Weighed:
    """Holds one task against one model on one day."""
    return Tariff(today).weigh(model, spec, pictures=pictures, location=location)


def bill(model: Model, used: Mapping[Unit, int], today: date) -> Money | None:
    """What counted units come to by the price list of a day; None where one of them has no price."""
    prices = PriceList(in_force(model, today), None)
    cost = Fraction(0)
    for unit, count in used.items():
        rate = prices.of(unit)
        if rate is None or count < 0:
            return None
        cost += Fraction(rate.usd) * count / (1_000_000 if unit.startswith("1M") else 1)
    return Money.at_least(cost)


def words_on_top(model: Model, medium: Medium, prompt: str, today: date | None = None) -> Money:
    """What a prompt costs beside the picture or clip that was quoted; a voice has its words in its price."""
    if medium is Medium.VOICE:
        return Money(0)
    tokens = size_of(prompt, "tokens")
    return bill(model, {Unit.TEXT_IN: tokens}, today or datetime.now(UTC).date()) or Money(0)


def _words(spec: Spec) -> str:
    """The words no prompt can leave out."""
    match spec:
        case PhotoSpec():
            return " ".join((spec.subject, spec.scene, spec.label or "", spec.badge or "", *spec.negative))
        case VideoSpec():
            return " ".join((spec.subject, max((shot.scene for shot in spec.shots), key=len), *spec.negative))
        case VoiceSpec():
            return spec.script


def _terms_of(spec: Spec) -> tuple[object, ...]:
    match spec:
        case VoiceSpec():
            return (spec.medium, spec.quality, spec.script, spec.language, bool(spec.references))
        case PhotoSpec():
            own: tuple[object, ...] = (spec.intent is PhotoIntent.EDIT, len(spec.references))
            return (*_shape_of(spec), *own)
        case VideoSpec():
            own = (spec.intent is VideoIntent.IMAGE_TO_VIDEO, spec.references, spec.first_frame)
            return ((*_shape_of(spec), *own, len(spec.shots), spec.audio), spec.duration_s)


def _shape_of(spec: PhotoSpec | VideoSpec) -> tuple[object, ...]:
    return (spec.medium, spec.quality, spec.aspect_ratio, spec.width, spec.height, spec.size_is_stated)


def _weigh(desk: _Desk, spec: Spec, pictures: frozenset[str], terms: tuple[object, ...]) -> Weighed:
    match spec:
        case PhotoSpec():
            found = _weigh_photo(desk.sheet, spec)
        case VideoSpec():
            shape = (terms[0], pictures)
            if shape not in desk.views:
                desk.views[shape] = clip_view(desk.sheet, spec, pictures)
            found = weigh_clip(desk.sheet, desk.views[shape], spec.duration_s)
        case VoiceSpec():
            found = _weigh_voice(desk.sheet, spec)
    against = found.why_not | desk.sheet.against
    if spec.quality not in desk.sheet.model.quality:
        against |= {WhyNot.QUALITY}
    return found if against == found.why_not else found._replace(why_not=against)


# ── photo ──────────────────────────────────────────────────────────────────────────────────────


def _weigh_photo(sheet: PriceSheet, spec: PhotoSpec) -> Weighed:
    model = sheet.model
    editing = bool(spec.references) or spec.intent is PhotoIntent.EDIT
    against = set()
    if (Mode.EDIT if editing else Mode.TEXT_TO_IMAGE) not in model.modes:
        against.add(WhyNot.REFERENCE)
    if len(spec.references) > model.references:
        against.add(WhyNot.REFERENCE)
    canvas = sheet.canvas(spec)
    if isinstance(canvas, WhyNot):
        return Weighed(frozenset({*against, canvas}))
    tier = model.quality.get(spec.quality)
    setting = tier.setting if tier else None
    costs = sheet.picture(canvas, setting, len(spec.references))
    if not costs.by_length:
        return Weighed(frozenset({*against, WhyNot.UNPRICED}))
    words = " ".join(part for part in ("1 image", canvas.label, setting) if part)
    if spec.references:
        words += f", {len(spec.references)} reference{'s' * (len(spec.references) > 1)}"
    pieces = (piece(1, costs.by_length[0][1]),)
    return Weighed(frozenset(against), pieces, words, 0, costs.seen_on, costs.confirmed)


# ── voice ──────────────────────────────────────────────────────────────────────────────────────


def _weigh_voice(sheet: PriceSheet, spec: VoiceSpec) -> Weighed:
    model = sheet.model
    against = set()
    if not model.speaks(spec.language):
        against.add(WhyNot.LANGUAGE)
    if spec.references:
        against.add(WhyNot.REFERENCE)
    seconds = predicted_s(spec.script, spec.language)
    if model.longest_s is not None and seconds > model.longest_s:
        against.add(WhyNot.DURATION)
    rates = sheet.speech()
    words = f"{math.ceil(seconds)} s of speech"
    if rates.characters is not None:
        rate, count = rates.characters, len(spec.script)
        price = Money(-(-rate.numerator * count * 1_000_000 // rate.denominator))
        words = f"{len(spec.script)} characters"
    elif rates.second is not None:
        counted: int | Fraction = Fraction(seconds)
        if rates.tokens_per_s is not None:
            counted = math.ceil(rates.tokens_per_s * Decimal(str(seconds)))
            words += f", about {counted} tokens"
        price = Money.at_least(rates.second * counted + rates.text * size_of(spec.script, "tokens"))
    else:
        return Weighed(frozenset({*against, WhyNot.UNPRICED}))
    pieces = (piece(1, price),)
    return Weighed(frozenset(against), pieces, words, 0, rates.seen_on, rates.confirmed)
