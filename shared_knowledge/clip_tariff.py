"""How a model would make a clip: in pieces of which lengths, from a picture or from words, for how much."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple

from shared_knowledge.canvas import choose_canvas
from shared_knowledge.clip_mix import PIECES_MOST, cover
from shared_knowledge.money import Money
from shared_knowledge.platform_facts import Audio, Mode, Model
from shared_knowledge.price_sheet import Costs, PriceSheet, Weighed, piece
from shared_knowledge.vocabulary import Piece, VideoIntent, VideoSpec, WhyNot

__all__ = ["ClipView", "clip_view", "goes_on", "weigh_clip"]


class ClipView(NamedTuple):
    """How one model would make a clip of this shape, whatever its length.

    `further` is what a piece costs that goes on from a picture, where the first begins without one.
    """

    against: frozenset[WhyNot]
    keyframes: int
    reach_s: int
    images: int = 0
    setting: str | None = None
    size: str | None = None
    sound: bool = False
    costs: Costs | None = None
    further: Costs | None = None


def goes_on(model: Model, spec: VideoSpec) -> bool:
    """Whether a further piece of a clip can begin with the very frame the one before it ended with."""
    return _takes_a_frame(model) and not isinstance(choose_canvas(model, spec, from_image=True), WhyNot)


def weigh_clip(sheet: PriceSheet, view: ClipView, duration_s: float) -> Weighed:
    """The pieces of a clip that is so long, or what speaks against it."""
    lengths = _lengths(sheet.model, view, duration_s)
    if not lengths:
        return Weighed(view.against | {WhyNot.DURATION}, keyframes=view.keyframes)
    if view.size is None:
        return Weighed(view.against, keyframes=view.keyframes)
    costs = view.costs or _clips(sheet, view, lengths)
    if view.further and view.further.by_length != costs.by_length:
        return _of_two_prices(view, costs, view.further, duration_s)
    mix = cover(duration_s, costs.by_length)
    if not mix:
        reason = WhyNot.DURATION if costs.by_length else WhyNot.UNPRICED
        return Weighed(view.against | {reason}, keyframes=view.keyframes)
    pieces = _pieces(mix, costs.by_length)
    return Weighed(view.against, pieces, _told(mix, view), view.keyframes, costs.seen_on, costs.confirmed)


def clip_view(sheet: PriceSheet, spec: VideoSpec, pictures: frozenset[str]) -> ClipView:
    """How the model would make clips of this shape, and what speaks against it."""
    model = sheet.model
    against = set()
    if spec.audio and model.audio is Audio.NEVER:
        against.add(WhyNot.AUDIO)
    reach_s = PIECES_MOST * max(model.durations_s, default=0)
    way = _starts_from_image(sheet, spec, pictures)
    if way is None or len(spec.references) > max(1, model.references):
        against.add(WhyNot.REFERENCE)
    from_image, keyframes = way or (False, 0)
    canvas = sheet.canvas(spec, from_image=from_image)
    if isinstance(canvas, WhyNot):
        return ClipView(frozenset({*against, canvas}), keyframes, reach_s)
    tier = model.quality.get(spec.quality)
    found = ClipView(
        against=frozenset(against),
        keyframes=keyframes,
        reach_s=reach_s,
        images=int(from_image),
        setting=tier.setting if tier else None,
        size=canvas.resolution.name,
        sound=model.audio is Audio.ALWAYS or (spec.audio and model.audio is Audio.OPTIONAL),
    )
    if model.any_duration_s is not None:
        return found
    costs = _clips(sheet, found, model.durations_s)
    return found._replace(costs=costs, further=None if from_image else _further(sheet, found, spec))


def _starts_from_image(
    sheet: PriceSheet, spec: VideoSpec, pictures: frozenset[str]
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


def _clips(sheet: PriceSheet, view: ClipView, lengths: tuple[float, ...]) -> Costs:
    return sheet.clips(
        lengths, images=view.images, quality=view.setting, resolution=view.size, audio=view.sound
    )


def _takes_a_frame(model: Model) -> bool:
    return Mode.IMAGE_TO_VIDEO in model.modes and model.keyframe == "one"


def _further(sheet: PriceSheet, view: ClipView, spec: VideoSpec) -> Costs | None:
    """What pieces cost that begin with a picture; None where they cannot, or a picture changes no price."""
    if not sheet.minds_pictures or not _takes_a_frame(sheet.model):
        return None
    canvas = sheet.canvas(spec, from_image=True)
    if isinstance(canvas, WhyNot):
        return None
    return _clips(sheet, view._replace(images=1, size=canvas.resolution.name), sheet.model.durations_s)


def _of_two_prices(view: ClipView, first: Costs, further: Costs, duration_s: float) -> Weighed:
    """The cheapest pieces where the first has one price and those that go on from it another."""
    ways, priced = [], dict(further.by_length)
    for length, cost in first.by_length:
        rest = cover(duration_s - length, further.by_length) if length < duration_s else ()
        if (length >= duration_s or rest) and len(rest) < PIECES_MOST:
            total = int(cost) + sum(int(priced[each]) for each in rest)
            ways.append((total, len(rest), length + sum(rest), -length, (length, *rest)))
    if not ways:
        reason = WhyNot.DURATION if first.by_length else WhyNot.UNPRICED
        return Weighed(view.against | {reason}, keyframes=view.keyframes)
    mix = min(ways)[-1]
    prices = (dict(first.by_length)[mix[0]], *(priced[each] for each in mix[1:]))
    pieces = tuple(piece(number + 1, prices[number], length) for number, length in enumerate(mix))
    seen_on = min((day for day in (first.seen_on, further.seen_on) if day), default=None)
    confirmed = first.confirmed and further.confirmed
    return Weighed(view.against, pieces, _told(mix, view), view.keyframes, seen_on, confirmed)


@lru_cache(maxsize=4096)
def _pieces(mix: tuple[float, ...], costs: tuple[tuple[float, Money], ...]) -> tuple[Piece, ...]:
    priced = dict(costs)
    return tuple([piece(number, priced[length], length) for number, length in enumerate(mix, start=1)])


def _lengths(model: Model, view: ClipView, duration_s: float) -> tuple[float, ...]:
    """The lengths its pieces may have; none where the clip is out of its reach."""
    if model.any_duration_s is not None:
        within = model.any_duration_s.least <= Fraction(duration_s) <= model.any_duration_s.most
        return (duration_s,) if within else ()
    return model.durations_s if duration_s <= view.reach_s else ()


def _told(mix: tuple[float, ...], view: ClipView) -> str:
    return f"{_sum_of(mix)} s at {view.size}, {'with sound' if view.sound else 'silent'}"


@lru_cache(maxsize=4096)
def _sum_of(mix: tuple[float, ...]) -> str:
    """The pieces as a person adds them: "10 + 5", "3 × 5"."""
    parts: list[str] = []
    for length, group in groupby(mix):
        times = len(list(group))
        parts += [f"{times} × {length:g}"] if times > 2 else [f"{length:g}"] * times
    return " + ".join(parts)
