"""Can this model do this task, in which pieces, and what would the vendor write on the bill?

Nothing here knows about keys, wishes or budgets: only about the model, the task and the day.
Where something that sets the price is not known, the dearest price that could apply is taken.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from itertools import groupby

from shared_knowledge.canvas import Canvas, choose_canvas
from shared_knowledge.money import Money
from shared_knowledge.platform_facts import Audio, Mode, Model, Price, Unit
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

__all__ = ["PIECES_MOST", "Weighed", "bill", "cover", "starts_from_image", "weigh", "words_on_top"]

PIECES_MOST = 24


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
        return Money(sum(piece.price for piece in self.pieces)) if self.pieces else None


def weigh(
    model: Model, spec: Spec, today: date, *, pictures: Iterable[str] = (), location: str | None = None
) -> Weighed:
    """Holds a task against a model; `pictures` names the photos of other tasks that a clip is made from."""
    prices = _PriceList(model, today, location)
    match spec:
        case PhotoSpec():
            found = _weigh_photo(model, spec, prices)
        case VideoSpec():
            found = _weigh_video(model, spec, prices, frozenset(pictures))
        case VoiceSpec():
            found = _weigh_voice(model, spec, prices)
    unpriced = set() if prices.any else {WhyNot.UNPRICED}
    return replace(
        found,
        why_not=found.why_not | unpriced | _plain_limits(model, spec, today, location),
        seen_on=min((price.seen_on for price in prices.used), default=None),
        confirmed=all(price.confirmed for price in prices.used),
    )


def bill(model: Model, used: Mapping[Unit, int], today: date) -> Money | None:
    """What counted units come to by the price list of a day; None where one of them has no price."""
    prices = _PriceList(model, today, None)
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


class _PriceList:
    """The prices of one model on one day, and which of them were used."""

    def __init__(self, model: Model, today: date, location: str | None) -> None:
        self._in_force = [price for price in model.prices if price.holds(today)]
        self._region = None if location is None else "global" if location == "global" else "regional"
        self.used: list[Price] = []

    @property
    def any(self) -> bool:
        """Whether there is any price at all on this day."""
        return bool(self._in_force)

    def of(self, unit: Unit, **terms: object) -> Price | None:
        """The dearest price of the unit that nothing known speaks against."""
        fitting = [p for p in self._in_force if p.unit is unit and p.fits(region=self._region, **terms)]
        found = max(fitting, key=lambda price: price.usd, default=None)
        if found is not None:
            self.used.append(found)
        return found


def _plain_limits(model: Model, spec: Spec, today: date, location: str | None) -> set[WhyNot]:
    against = set()
    if model.retires_on is not None and model.retires_on <= today:
        against.add(WhyNot.RETIRED)
    if spec.quality not in model.quality:
        against.add(WhyNot.QUALITY)
    if location and model.regions and location not in model.regions:
        against.add(WhyNot.REGION)
    if model.prompt is not None and size_of(_words(spec), model.prompt.unit) > model.prompt.most:
        against.add(WhyNot.PROMPT_TOO_LONG)
    return against


def _words(spec: Spec) -> str:
    """The words no prompt can leave out."""
    match spec:
        case PhotoSpec():
            return " ".join((spec.subject, spec.scene, spec.label or "", spec.badge or "", *spec.negative))
        case VideoSpec():
            return " ".join((spec.subject, max((shot.scene for shot in spec.shots), key=len), *spec.negative))
        case VoiceSpec():
            return spec.script


# ── photo ──────────────────────────────────────────────────────────────────────────────────────


def _weigh_photo(model: Model, spec: PhotoSpec, prices: _PriceList) -> Weighed:
    editing = bool(spec.references) or spec.intent is PhotoIntent.EDIT
    against = set()
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
    words = " ".join(part for part in ("1 image", canvas.label, setting) if part)
    if spec.references:
        words += f", {len(spec.references)} reference{'s' * (len(spec.references) > 1)}"
    return Weighed(frozenset(against), (Piece(number=1, price=Money.at_least(cost)),), words)


def _picture(prices: _PriceList, canvas: Canvas, setting: str | None, references: int) -> Fraction | None:
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


# ── video ──────────────────────────────────────────────────────────────────────────────────────


def starts_from_image(model: Model, spec: VideoSpec, pictures: Iterable[str] = ()) -> tuple[bool, int] | None:
    """Whether the model would animate a picture, and how many it lacks; None if it can do neither."""
    first = () if spec.first_frame is None else (spec.first_frame,)
    at_hand = len({*pictures, *first, *spec.references})
    lacking = max(0, (len(spec.shots) if model.keyframe == "per_shot" else 1) - at_hand)
    animates = Mode.IMAGE_TO_VIDEO in model.modes
    if at_hand or spec.intent is VideoIntent.IMAGE_TO_VIDEO:
        return (True, lacking) if animates else None
    if Mode.TEXT_TO_VIDEO in model.modes:
        shapeless = choose_canvas(model, spec) is WhyNot.ASPECT_RATIO
        return (True, lacking) if animates and shapeless else (False, 0)
    return (True, lacking) if animates else None


def _weigh_video(model: Model, spec: VideoSpec, prices: _PriceList, pictures: frozenset[str]) -> Weighed:
    against = set()
    if spec.audio and model.audio is Audio.NEVER:
        against.add(WhyNot.AUDIO)
    way = starts_from_image(model, spec, pictures)
    if way is None or len(spec.references) > max(1, model.references):
        against.add(WhyNot.REFERENCE)
    from_image, keyframes = way or (False, 0)
    canvas = choose_canvas(model, spec, from_image=from_image)
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
    terms = {"quality": setting, "resolution": canvas.resolution.name, "audio": sound}
    costs = {length: _clip(prices, length, images=int(from_image), **terms) for length in lengths}
    priced = {length: cost for length, cost in costs.items() if cost is not None}
    mix = cover(spec.duration_s, tuple(priced.items()))
    if not mix or len(mix) > PIECES_MOST:
        against.add(WhyNot.DURATION if mix else WhyNot.UNPRICED)
        return Weighed(frozenset(against), keyframes=keyframes)
    pieces = tuple(
        Piece(number=number, price=priced[length], duration_s=length)
        for number, length in enumerate(mix, start=1)
    )
    words = f"{_sum_of(mix)} s at {canvas.resolution.name}, {'with sound' if sound else 'silent'}"
    return Weighed(frozenset(against), pieces, words, keyframes)


def _lengths(model: Model, duration_s: float) -> tuple[float, ...]:
    """The lengths its pieces may have; none where the clip is out of its reach."""
    if model.any_duration_s is not None:
        within = model.any_duration_s.least <= Fraction(duration_s) <= model.any_duration_s.most
        return (duration_s,) if within else ()
    reach = PIECES_MOST * max(model.durations_s, default=0)
    return model.durations_s if duration_s <= reach else ()


def _clip(prices: _PriceList, seconds: float, *, images: int, **terms: object) -> Money | None:
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


@lru_cache(maxsize=4096)
def cover(duration_s: float, costs: tuple[tuple[float, Money], ...]) -> tuple[float, ...]:
    """The cheapest mix of allowed lengths that lasts long enough: then the fewest, then the shortest."""
    if len(costs) == 1 and costs[0][0] == duration_s:
        return (duration_s,)
    seconds = math.ceil(round(duration_s, 3))
    longest_first = sorted(((int(length), cost) for length, cost in costs), reverse=True)
    if not longest_first:
        return ()
    best = [(0, 0, 0)]
    last = [0]
    for goal in range(1, seconds + 1):
        ways = []
        for length, cost in longest_first:
            paid, pieces, lasting = best[max(0, goal - length)]
            ways.append((cost + paid, 1 + pieces, length + lasting, -length))
        *found, taken = min(ways)
        best.append((found[0], found[1], found[2]))
        last.append(-taken)
    mix: list[int] = []
    while seconds > 0:
        mix.append(last[seconds])
        seconds -= last[seconds]
    return tuple(sorted(mix, reverse=True))


def _sum_of(mix: tuple[float, ...]) -> str:
    """The pieces as a person adds them: "10 + 5", "3 × 5"."""
    parts: list[str] = []
    for length, group in groupby(mix):
        times = len(list(group))
        parts += [f"{times} × {length:g}"] if times > 2 else [f"{length:g}"] * times
    return " + ".join(parts)


# ── voice ──────────────────────────────────────────────────────────────────────────────────────


def _weigh_voice(model: Model, spec: VoiceSpec, prices: _PriceList) -> Weighed:
    against = set()
    if not model.speaks(spec.language):
        against.add(WhyNot.LANGUAGE)
    if spec.references:
        against.add(WhyNot.REFERENCE)
    seconds = predicted_s(spec.script, spec.language)
    if model.longest_s is not None and seconds > model.longest_s:
        against.add(WhyNot.DURATION)
    words = f"{math.ceil(seconds)} s of speech"
    if (by_length := prices.of(Unit.CHARACTERS)) is not None:
        cost = Fraction(by_length.usd) * len(spec.script) / 1_000_000
        words = f"{len(spec.script)} characters"
    elif (second := prices.of(Unit.SECOND)) is not None:
        cost = Fraction(second.usd) * Fraction(seconds) + _text_in(prices, spec)
    elif (token := prices.of(Unit.AUDIO_OUT)) is not None and token.tokens_per_s is not None:
        tokens = math.ceil(token.tokens_per_s * Decimal(str(seconds)))
        cost = Fraction(token.usd) * tokens / 1_000_000 + _text_in(prices, spec)
        words += f", about {tokens} tokens"
    else:
        return Weighed(frozenset({*against, WhyNot.UNPRICED}))
    return Weighed(frozenset(against), (Piece(number=1, price=Money.at_least(cost)),), words)


def _text_in(prices: _PriceList, spec: VoiceSpec) -> Fraction:
    rate = prices.of(Unit.TEXT_IN)
    return Fraction(rate.usd) * size_of(spec.script, "tokens") / 1_000_000 if rate else Fraction(0)
