"""The packshot: nothing but the product on a seamless ground, measured and named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentes.drafts.storyboard import figures, stagecraft
from agentes.drafts.storyboard.colour import mix
from agentes.drafts.storyboard.easel import Box, Easel, Glow
from agentes.drafts.storyboard.labels import label
from agentes.drafts.storyboard.lettering import Lettering
from agentes.drafts.storyboard.shapes import path, strokes

if TYPE_CHECKING:
    from agentes.drafts.storyboard.sketch import Sketch

__all__ = ["draw"]


def draw(easel: Easel, sketch: Sketch) -> None:
    """The product in the middle of the light, its name and the colours of the set in a narrow strip."""
    w, h, margin, unit, palette = easel.width, easel.height, easel.margin, easel.unit, sketch.palette
    wide = w > 1.3 * h
    if wide:
        words = Box(margin, 0.16 * h, 0.27 * w, 0.66 * h)
        studio, swatches = Box(0.30 * w, 0, 0.70 * w, h), Box(margin, h - margin - 3.4 * unit, 0, 3.4 * unit)
    else:
        strip = Box(margin, 0.81 * h, w - 2 * margin, 0.19 * h - margin)
        words = Box(strip.left, strip.top, strip.width - 13 * unit, strip.height)
        studio, swatches = Box(0, 0, w, 0.80 * h), Box(strip.right - 11 * unit, strip.top, 0, 4 * unit)
    _seamless(easel, sketch, studio)
    _product(easel, sketch, studio)
    ink = palette.letters_on(easel.average(words))
    stagecraft.caption_block(
        easel,
        sketch,
        words,
        title=Lettering(weight=700, largest=4.9 * unit, smallest=2.8 * unit, leading=1.12),
        ink=ink,
        quiet=mix(ink, palette.tone, 0.35),
        anchor="middle" if wide else "top",
    )
    _swatches(easel, sketch, swatches)
    label(easel, sketch)


def _seamless(easel: Easel, sketch: Sketch, studio: Box) -> None:
    """Paper that bends from wall to floor without an edge."""
    palette, across = sketch.palette, studio.middle[0]
    light = palette.paper.at(light=min(palette.paper.light + 0.025, 0.99), chroma=palette.paper.chroma * 0.5)
    corner = mix(palette.paper, palette.mist, 0.5)
    easel.wash(
        (
            Glow(across / easel.width, 0.36 * studio.height / easel.height, light, 0.42),
            Glow(0, 0, corner, 0.5),
            Glow(1, 0, corner, 0.5),
            Glow(
                across / easel.width,
                studio.bottom / easel.height,
                mix(palette.paper, palette.mist, 0.75),
                0.45,
            ),
            Glow(0, 1, light, 0.3),
        )
    )
    bend, w, h = studio.top + 0.70 * studio.height, easel.width, easel.height
    sweep = f"M0 {bend:.1f}Q{across:.1f} {bend - 0.05 * studio.height:.1f} {w} {bend:.1f}V{h}H0Z"
    easel.haze(path(sweep, palette.mist.hex, 0.55), 0.035 * h)
    easel.vignette(palette.tone, 0.22)


def _product(easel: Easel, sketch: Sketch, studio: Box) -> None:
    """Alone, with a second one behind it, or on a low podium, by the take."""
    palette, across = sketch.palette, studio.middle[0]
    base = studio.top + 0.795 * studio.height
    thing = stagecraft.figure(sketch, min(0.60 * studio.height, 0.70 * studio.width))
    pair = sketch.take % 3 == 1 and 1.75 * thing.width < 0.9 * studio.width
    if pair and sketch.figure and sketch.picture is None:
        across -= 0.30 * thing.width
        second = figures.pictogram(sketch.figure, 0.66 * max(thing.size), palette, sketch.tint)
        behind = across + 0.5 * thing.width + 0.40 * second.width
        stagecraft.stand(easel, second, behind, base - 0.045 * studio.height, palette.ink, depth=0.7)
    elif sketch.take % 3:
        height, stone = 0.05 * studio.height, mix(palette.paper, palette.tone, 0.22)
        base = stagecraft.plinth(easel, sketch, across, base + 0.4 * height, 1.5 * thing.width, height, stone)
    easel.place(figures.reflection(thing, 0.28, 0.20), across - thing.width / 2, base - 1)
    stagecraft.stand(easel, thing, across, base, palette.ink, depth=0.8)
    _measure(easel, sketch, Box(across - thing.width / 2, base - thing.height, thing.width, thing.height))


def _measure(easel: Easel, sketch: Sketch, box: Box) -> None:
    """Fine lines along height and width, as on a drawing board."""
    gap, tick = 3.4 * easel.unit, 1.1 * easel.unit
    x, y = box.left - gap, box.top - gap
    lines = (
        f"M{x:.1f} {box.top:.1f}V{box.bottom:.1f}M{x - tick:.1f} {box.top:.1f}h{2 * tick:.1f}"
        f"M{x - tick:.1f} {box.bottom:.1f}h{2 * tick:.1f}"
        f"M{box.left:.1f} {y:.1f}H{box.right:.1f}M{box.left:.1f} {y - tick:.1f}v{2 * tick:.1f}"
        f"M{box.right:.1f} {y - tick:.1f}v{2 * tick:.1f}"
    )
    thick = max(1.0, 0.16 * easel.unit)
    easel.vector(strokes(lines, sketch.palette.ink.hex, thick, 0.42), box.inset(-gap - 2 * tick))


def _swatches(easel: Easel, sketch: Sketch, box: Box) -> None:
    """The colours of the set, in a row from the left edge of a box."""
    palette, unit = sketch.palette, easel.unit
    radius = 1.45 * unit
    step, y = 2.15 * radius, box.top + box.height / 2
    row = "".join(
        f'<circle cx="{box.left + radius + step * number:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{colour.hex}" '
        f'stroke="{palette.chalk.hex}" stroke-width="{0.32 * unit:.1f}"/>'
        for number, colour in enumerate((palette.mist, palette.tone, palette.accent, palette.ink))
    )
    easel.vector(row, Box(box.left - radius, y - 2 * radius, 6 * step, 4 * radius))
