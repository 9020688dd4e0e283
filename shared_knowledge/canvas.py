"""Which size to ask a model for: the smallest it has that serves the task, in the vendor's own words."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from shared_knowledge.platform_facts import Model, Resolution
from shared_knowledge.vocabulary import PhotoSpec, VideoSpec, WhyNot

__all__ = ["Canvas", "choose_canvas", "ratio_of"]


@dataclass(frozen=True)
class Canvas:
    """A size that can be asked for: the vendor's word for its shape, and its pixels where known."""

    resolution: Resolution
    word: str
    width: int | None = None
    height: int | None = None

    @property
    def label(self) -> str:
        """The size as a bill would say it."""
        if self.word == f"{self.width}x{self.height}":
            return self.word
        return f"{self.word} at {self.resolution.name}"


def choose_canvas(model: Model, spec: PhotoSpec | VideoSpec, *, from_image: bool = False) -> Canvas | WhyNot:
    """The first listed size from its quality's own on that has the shape and covers what was stated."""
    tier = model.quality.get(spec.quality)
    names = [resolution.name for resolution in model.resolutions]
    start = names.index(tier.resolution) if tier is not None and tier.resolution is not None else 0
    has_the_shape = False
    for resolution in model.resolutions[start:]:
        canvas = _at(resolution, spec, from_image)
        if canvas is None:
            continue
        has_the_shape = True
        if not spec.size_is_stated or _covers(canvas, spec):
            return canvas
    return WhyNot.RESOLUTION if has_the_shape else WhyNot.ASPECT_RATIO


@lru_cache(maxsize=512)
def ratio_of(text: str) -> Fraction:
    """The value of a ratio such as "9:16"."""
    across, down = text.split(":")
    return Fraction(Decimal(across)) / Fraction(Decimal(down))


def _covers(canvas: Canvas, spec: PhotoSpec | VideoSpec) -> bool:
    if canvas.width is None or canvas.height is None:
        return False
    return canvas.width >= spec.width and canvas.height >= spec.height


def _at(resolution: Resolution, spec: PhotoSpec | VideoSpec, from_image: bool) -> Canvas | None:
    ratio = ratio_of(spec.aspect_ratio)
    for words in (resolution.ratios, resolution.image_ratios if from_image else {}):
        for name, word in words.items():
            if ratio_of(name) == ratio:
                return Canvas(resolution, word, *(_pixels_in(word) or _scaled(resolution, ratio)))
    if not resolution.any_ratio or (resolution.steepest and max(ratio, 1 / ratio) > resolution.steepest):
        return None
    width, height = _scaled(resolution, ratio)
    if spec.size_is_stated and _has_room(resolution, spec):
        width, height = _stepped(spec.width, resolution.step), _stepped(spec.height, resolution.step)
    return Canvas(resolution, f"{width}x{height}", width, height)


def _pixels_in(word: str) -> tuple[int, int] | None:
    """The sides of a word such as "1024x1536" or "720:1280"; None for a mere ratio."""
    sides = [int(part) for part in word.replace(":", "x").split("x") if part.isdigit()]
    return (sides[0], sides[1]) if len(sides) == 2 and min(sides) >= 64 else None


def _stepped(side: int, step: int) -> int:
    return step * math.ceil(side / step)


def _has_room(resolution: Resolution, spec: PhotoSpec | VideoSpec) -> bool:
    width, height = _stepped(spec.width, resolution.step), _stepped(spec.height, resolution.step)
    if resolution.longest_side is not None and max(width, height) > resolution.longest_side:
        return False
    return resolution.megapixels is None or width * height <= resolution.megapixels * 1_000_000


def _scaled(resolution: Resolution, ratio: Fraction) -> tuple[int | None, int | None]:
    """The pixels of a ratio at this resolution, never above it, both sides multiples of its step."""
    if resolution.short_side is not None:
        across = resolution.short_side * max(ratio, Fraction(1))
        down = resolution.short_side * max(1 / ratio, Fraction(1))
    elif resolution.megapixels is not None:
        across = Fraction(math.sqrt(resolution.megapixels * 1_000_000 * Decimal(float(ratio))))
        down = across / ratio
    else:
        return None, None
    longest = resolution.longest_side
    shrink = min(Fraction(1), longest / max(across, down)) if longest is not None else Fraction(1)
    step = resolution.step
    return step * max(1, int(across * shrink) // step), step * max(1, int(down * shrink) // step)
