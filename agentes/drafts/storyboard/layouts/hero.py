"""The hero: the subject on a podium before a large shape, and its name in large letters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentes.drafts.storyboard import figures, stagecraft
from agentes.drafts.storyboard.colour import mix
from agentes.drafts.storyboard.easel import Box, Easel, Glow
from agentes.drafts.storyboard.labels import label
from agentes.drafts.storyboard.lettering import Lettering
from agentes.drafts.storyboard.shapes import disc, path, ring, strokes
from agentes.drafts.storyboard.stagecraft import Spot

if TYPE_CHECKING:
    from agentes.drafts.storyboard.sketch import Sketch

__all__ = ["draw"]


def draw(easel: Easel, sketch: Sketch) -> None:
    """Words beside the stage where there is width, below it where there is height."""
    w, h, margin, unit = easel.width, easel.height, easel.margin, easel.unit
    wide = w > 1.3 * h
    if wide:
        stage = Box(0.46 * w, 0, 0.54 * w, h)
        words = Box(margin, 0.20 * h, 0.46 * w - 1.4 * margin, 0.62 * h)
    else:
        share = 0.71 if h > 1.5 * w else 0.725
        stage = Box(0, 0, w, share * h)
        words = Box(margin, share * h + 0.6 * margin, w - 2 * margin, (1 - share) * h - 2.2 * margin)
    if wide and not sketch.title:
        stage = Box(0.23 * w, 0, 0.54 * w, h)
    _scene(easel, sketch, stage, 0.70 * h if wide else stage.bottom - 0.085 * h)
    ground = easel.average(words)
    ink = sketch.palette.letters_on(ground)
    largest = (10.5 if wide else 9.6) * unit
    stagecraft.caption_block(
        easel,
        sketch,
        words,
        title=Lettering(style="display", largest=largest, smallest=4 * unit, leading=1.06),
        ink=ink,
        quiet=mix(ink, ground, 0.25),
        anchor="middle" if wide else "top",
    )
    label(easel, sketch)


def _scene(easel: Easel, sketch: Sketch, stage: Box, floor: float) -> None:
    palette = sketch.palette
    across = stage.left + stage.width * (0.5 + (-0.06, 0.06, 0.0)[sketch.take % 3])
    short = min(stage.width, stage.height)
    radius = min(0.40 * short, 0.46 * floor)
    centre = max(floor - 1.02 * radius, radius + 0.09 * easel.height)
    easel.wash(
        (
            Glow(0.1, 0.05, palette.paper, 0.6),
            Glow(
                across / easel.width, 0.4 * floor / easel.height, mix(palette.paper, palette.mist, 0.55), 0.4
            ),
            Glow(0.95, 0.9, mix(palette.mist, palette.tone, 0.30), 0.55),
            Glow(0.0, 0.95, mix(palette.paper, palette.mist, 0.7), 0.5),
        )
    )
    easel.vector(
        _shape(sketch, (across, centre), radius, easel.height) + _ground(easel, sketch, across, floor)
    )
    side = 0.22 * short
    stagecraft.props(
        easel,
        sketch,
        air=(
            Spot(across - 0.36 * short, centre - 0.62 * radius, side),
            Spot(across + 0.37 * short, centre - 0.66 * radius, side),
        ),
    )
    thing = stagecraft.figure(sketch, min(0.55 * short, 0.60 * floor))
    wide = max(0.60 * short, 1.42 * thing.width)
    stone = mix(palette.paper, palette.tone, 0.30)
    lid = stagecraft.plinth(easel, sketch, across, floor + 0.055 * short, wide, 0.115 * short, stone)
    stagecraft.stand(easel, thing, across, lid, palette.ink, depth=0.7)
    near = floor + 0.125 * short
    stagecraft.props(
        easel, sketch, (Spot(across + 0.37 * short, near, side), Spot(across - 0.37 * short, near, side))
    )
    easel.vignette(palette.ink, 0.10)


def _shape(sketch: Sketch, centre: tuple[float, float], radius: float, bottom: float) -> str:
    """A disc, an arch or two discs, by the take, in the colour on which the subject stands out; and dots."""
    palette, (x, y) = sketch.palette, centre
    seen = figures.average(sketch.figure, sketch.tint) if sketch.figure else palette.accent
    fill, line, thick = palette.behind(seen).hex, palette.tone.hex, max(1.2, 0.008 * radius)
    if sketch.take % 3 == 0:
        drawn = disc(x, y, radius, fill) + ring(x, y, 1.14 * radius, line, thick, 0.5)
    elif sketch.take % 3 == 1:
        drawn = path(_arch(x, y - radius, 0.86 * radius, bottom) + "Z", fill)
        drawn += strokes(_arch(x, y - 1.12 * radius, 0.97 * radius, bottom), line, thick, 0.5)
    else:
        drawn = disc(x + 0.30 * radius, y - 0.15 * radius, radius, fill)
        drawn += disc(x - 0.62 * radius, y + 0.30 * radius, 0.55 * radius, palette.accent.hex, 0.85)
    step = 0.075 * radius
    for row in range(5):
        for column in range(5):
            drawn += disc(
                x - 1.05 * radius + column * step,
                y - 0.86 * radius + row * step,
                0.16 * step,
                palette.ink.hex,
                0.35,
            )
    return drawn


def _arch(across: float, top: float, half: float, bottom: float) -> str:
    return f"M{across - half:.1f} {bottom}V{top + half:.1f}a{half:.1f} {half:.1f} 0 0 1 {2 * half:.1f} 0V{bottom}"


def _ground(easel: Easel, sketch: Sketch, across: float, floor: float) -> str:
    lift, w, h = 0.03 * easel.height, easel.width, easel.height
    curve = f"M0 {floor + lift:.1f}Q{across:.1f} {floor - lift:.1f} {w} {floor + 0.6 * lift:.1f}V{h}H0Z"
    return path(curve, sketch.palette.between("mist", "tone", 0.55))
