"""How a model would make a clip: in pieces of which lengths, from a picture or from words, for how much."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple

from shared_knowledge.clip_mix import PIECES_MOST, cover
from shared_knowledge.money import Money
from shared_knowledge.platform_facts import Audio, Mode, Model
from shared_knowledge.price_sheet import Costs, PriceSheet, Weighed, piece
from shared_knowledge.vocabulary import Piece, VideoIntent, VideoSpec, WhyNot

__all__ = ["ClipView", "clip_view", "weigh_clip"]


class ClipView(NamedTuple):
    """How one model would make a clip of this shape, whatever its length."""

    against: frozenset[WhyNot]
    keyframes: int
    reach_s: int
    images: int = 0
    setting: str | None = None
    size: str | None = None
    sound: bool = False
    costs: Costs | None = None


def weigh_clip(sheet: PriceSheet, view: ClipView, duration_s: float) -> Weighed:
    """The pieces of a clip that is so long, or what speaks against it."""
    lengths = _lengths(sheet.model, view, duration_s)
    if not lengths:
        return Weighed(view.against | {WhyNot.DURATION}, keyframes=view.keyframes)
    if view.size is None:
        return Weighed(view.against, keyframes=view.keyframes)
    costs = view.costs or _clips(sheet, view, lengths)
    mix = cover(duration_s, costs.by_length)
    if not mix:
        reason = WhyNot.DURATION if costs.by_length else WhyNot.UNPRICED
        return Weighed(view.against | {reason}, keyframes=view.keyframes)
    words = f"{_sum_of(mix)} s at {view.size}, {'with sound' if view.sound else 'silent'}"
    pieces = _pieces(mix, costs.by_length)
    return Weighed(view.against, pieces, words, view.keyframes, costs.seen_on, costs.confirmed)


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
    return found._replace(costs=_clips(sheet, found, model.durations_s))


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


@lru_cache(maxsize=4096)
def _sum_of(mix: tuple[float, ...]) -> str:
    """The pieces as a person adds them: "10 + 5", "3 × 5"."""
    parts: list[str] = []
    for length, group in groupby(mix):
        times = len(list(group))
        parts += [f"{times} × {length:g}"] if times > 2 else [f"{length:g}"] * times
    return " + ".join(parts)
