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
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple

from shared_knowledge.clip_mix import PIECES_MOST, cover
from shared_knowledge.money import Money
from shared_knowledge.platform_facts import Audio, Mode, Model, Unit
from shared_knowledge.price_sheet import PriceList, PriceSheet, in_force
from shared_knowledge.prompts import Unit as Counted
from shared_knowledge.prompts import size_of
from shared_knowledge.speech_pace import predicted_s
from shared_knowledge.vocabulary import (
    Medium,
    PhotoIntent,
    PhotoSpec,
    Piece,
    Spec,
    VideoIntent,
    VideoSpec,
    VoiceSpec,
    WhyNot,
)

__all__ = ["Tariff", "Weighed", "bill", "cover", "weigh", "words_on_top"]


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
        return Money(sum(piece.price for piece in self.pieces)) if self.pieces else None


class Tariff:
    """The price lists of one day; what was worked out for one task is remembered for the next."""

    def __init__(self, today: date) -> None:
        self._today = today
        self._sheets: dict[tuple[int, str | None], PriceSheet[Weighed]] = {}
        self._spec: Spec | None = None
        self._key: tuple[object, ...] = ()
        self._sizes: dict[str, int] = {}

    def weigh(
        self, model: Model, spec: Spec, *, pictures: Iterable[str] = (), location: str | None = None
    ) -> Weighed:
        """Holds a task against a model; `pictures` names the photos of other tasks that a clip is made from."""
        pictures = frozenset(pictures)
        sheet = self._sheets.get((id(model), location))
        if sheet is None:  # it keeps its model, so that no other can get the same id
            sheet = self._sheets[id(model), location] = PriceSheet(model, self._today, location)
        key = self._what_counts(spec, pictures)
        found = sheet.known.get(key)
        if found is None:
            found = sheet.known[key] = _weigh(sheet, spec, pictures)
        if model.prompt is not None and self._size(spec, model.prompt.unit) > model.prompt.most:
            return found._replace(why_not=found.why_not | {WhyNot.PROMPT_TOO_LONG})
        return found

    def _what_counts(self, spec: Spec, pictures: frozenset[str]) -> tuple[object, ...]:
        """Everything about a task that can change its price, but for the length of its words."""
        if spec is not self._spec:
            self._spec, self._sizes = spec, {}
            self._key = _key_of(spec)
        return (self._key, pictures)

    def _size(self, spec: Spec, unit: Counted) -> int:
        if unit not in self._sizes:
            self._sizes[unit] = size_of(_words(spec), unit)
        return self._sizes[unit]


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


def _key_of(spec: Spec) -> tuple[object, ...]:
    match spec:
        case VoiceSpec():
            return (spec.medium, spec.quality, spec.script, spec.language, bool(spec.references))
        case PhotoSpec():
            own: tuple[object, ...] = (spec.intent is PhotoIntent.EDIT, len(spec.references))
        case VideoSpec():
            own = (spec.intent is VideoIntent.IMAGE_TO_VIDEO, spec.references, spec.first_frame)
            own += (spec.duration_s, spec.audio, len(spec.shots))
    shape = (spec.aspect_ratio, spec.width, spec.height, spec.size_is_stated)
    return (spec.medium, spec.quality, *shape, *own)


def _weigh(sheet: PriceSheet[Weighed], spec: Spec, pictures: frozenset[str]) -> Weighed:
    """Everything but the length of the words."""
    match spec:
        case PhotoSpec():
            found = _weigh_photo(sheet, spec)
        case VideoSpec():
            found = _weigh_video(sheet, spec, pictures)
        case VoiceSpec():
            found = _weigh_voice(sheet, spec)
    against = found.why_not | sheet.against
    if spec.quality not in sheet.model.quality:
        against |= {WhyNot.QUALITY}
    return found._replace(why_not=against)


# ── photo ──────────────────────────────────────────────────────────────────────────────────────


def _weigh_photo(sheet: PriceSheet[Weighed], spec: PhotoSpec) -> Weighed:
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
    pieces = (_piece(1, costs.by_length[0][1]),)
    return Weighed(frozenset(against), pieces, words, 0, costs.seen_on, costs.confirmed)


@lru_cache(maxsize=8192)
def _piece(number: int, price: Money, duration_s: float | None = None) -> Piece:
    return Piece(number=number, price=price, duration_s=duration_s)


# ── video ──────────────────────────────────────────────────────────────────────────────────────


def _starts_from_image(
    sheet: PriceSheet[Weighed], spec: VideoSpec, pictures: frozenset[str]
) -> tuple[bool, int] | None:
    """Whether the model would animate a picture, and how many it lacks; None if it can do neither."""
    model = sheet.model
    first = () if spec.first_frame is None else (spec.first_frame,)
    at_hand = len({*pictures, *first, *spec.references})
    lacking = max(0, (len(spec.shots) if model.keyframe == "per_shot" else 1) - at_hand)
    animates = Mode.IMAGE_TO_VIDEO in model.modes
    if at_hand or spec.intent is VideoIntent.IMAGE_TO_VIDEO:
        return (True, lacking) if animates else None
    if Mode.TEXT_TO_VIDEO in model.modes:
        shapeless = sheet.canvas(spec) is WhyNot.ASPECT_RATIO
        return (True, lacking) if animates and shapeless else (False, 0)
    return (True, lacking) if animates else None


def _weigh_video(sheet: PriceSheet[Weighed], spec: VideoSpec, pictures: frozenset[str]) -> Weighed:
    model = sheet.model
    against = set()
    if spec.audio and model.audio is Audio.NEVER:
        against.add(WhyNot.AUDIO)
    way = _starts_from_image(sheet, spec, pictures)
    if way is None or len(spec.references) > max(1, model.references):
        against.add(WhyNot.REFERENCE)
    from_image, keyframes = way or (False, 0)
    canvas = sheet.canvas(spec, from_image=from_image)
    if isinstance(canvas, WhyNot):
        against.add(canvas)
    lengths = _lengths(model, spec.duration_s)
    if not lengths:
        against.add(WhyNot.DURATION)
    if not lengths or isinstance(canvas, WhyNot):
        return Weighed(frozenset(against), keyframes=keyframes)
    sound = model.audio is Audio.ALWAYS or (spec.audio and model.audio is Audio.OPTIONAL)
    tier = model.quality.get(spec.quality)
    setting = tier.setting if tier else None
    size = canvas.resolution.name
    costs = sheet.clips(lengths, images=int(from_image), quality=setting, resolution=size, audio=sound)
    mix = cover(spec.duration_s, costs.by_length)
    if not mix:
        against.add(WhyNot.DURATION if costs.by_length else WhyNot.UNPRICED)
        return Weighed(frozenset(against), keyframes=keyframes)
    priced = dict(costs.by_length)
    pieces = tuple([_piece(number, priced[length], length) for number, length in enumerate(mix, start=1)])
    words = f"{_sum_of(mix)} s at {size}, {'with sound' if sound else 'silent'}"
    return Weighed(frozenset(against), pieces, words, keyframes, costs.seen_on, costs.confirmed)


def _lengths(model: Model, duration_s: float) -> tuple[float, ...]:
    """The lengths its pieces may have; none where the clip is out of its reach."""
    if model.any_duration_s is not None:
        within = model.any_duration_s.least <= Fraction(duration_s) <= model.any_duration_s.most
        return (duration_s,) if within else ()
    reach = PIECES_MOST * max(model.durations_s, default=0)
    return model.durations_s if duration_s <= reach else ()


@lru_cache(maxsize=4096)
def _sum_of(mix: tuple[float, ...]) -> str:
    """The pieces as a person adds them: "10 + 5", "3 × 5"."""
    parts: list[str] = []
    for length, group in groupby(mix):
        times = len(list(group))
        parts += [f"{times} × {length:g}"] if times > 2 else [f"{length:g}"] * times
    return " + ".join(parts)


# ── voice ──────────────────────────────────────────────────────────────────────────────────────


def _weigh_voice(sheet: PriceSheet[Weighed], spec: VoiceSpec) -> Weighed:
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
        cost = rates.characters * len(spec.script)
        words = f"{len(spec.script)} characters"
    elif rates.second is not None:
        counted: int | Fraction = Fraction(seconds)
        if rates.tokens_per_s is not None:
            counted = math.ceil(rates.tokens_per_s * Decimal(str(seconds)))
            words += f", about {counted} tokens"
        cost = rates.second * counted + rates.text * size_of(spec.script, "tokens")
    else:
        return Weighed(frozenset({*against, WhyNot.UNPRICED}))
    pieces = (_piece(1, Money.at_least(cost)),)
    return Weighed(frozenset(against), pieces, words, 0, rates.seen_on, rates.confirmed)
