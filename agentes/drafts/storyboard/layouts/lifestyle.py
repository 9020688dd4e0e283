"""Lifestyle: the subject at home in its place, with a caption card as in a magazine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentes.drafts.storyboard import figures, stagecraft
from agentes.drafts.storyboard.backdrops import paint_backdrop
from agentes.drafts.storyboard.colour import mix
from agentes.drafts.storyboard.easel import Box, Easel
from agentes.drafts.storyboard.labels import label
from agentes.drafts.storyboard.lettering import Lettering
from agentes.drafts.storyboard.shapes import moved, rect
from agentes.drafts.storyboard.stagecraft import Spot
from agentes.drafts.storyboard.staging import LEAFY

if TYPE_CHECKING:
    from agentes.drafts.storyboard.sketch import Sketch

__all__ = ["draw"]


def draw(easel: Easel, sketch: Sketch) -> None:
    """The place fills the frame; the subject stands off the middle, where the eye lands first."""
    w, h, palette = easel.width, easel.height, sketch.palette
    wide = w > 1.3 * h
    right = wide or sketch.take % 2 == 0
    horizon = (0.74 if wide else 0.615) * h
    side = min(0.60 * h, 0.5 * w) if wide else min(0.62 * w, 0.40 * h)
    across = (0.70 if wide else 0.60 if right else 0.42) * w
    paint_backdrop(sketch.backdrop, easel, palette, horizon, (across, horizon - 0.45 * side))
    _company(easel, sketch, Box(across, horizon, side, 0), lean=-1 if right else 1)
    stagecraft.stand(easel, stagecraft.figure(sketch, side), across, horizon + 0.055 * h, palette.ink)
    _foreground(easel, sketch, right=right)
    easel.vignette(palette.ink, 0.16)
    margin = easel.margin
    if wide:
        card = Box(margin, 0.52 * h, 0.38 * w, 0.48 * h - margin)
    else:
        card = Box(margin, 0.725 * h, w - 2 * margin, 0.275 * h - 1.9 * margin)
    _card(easel, sketch, card)
    label(easel, sketch)


def _company(easel: Easel, sketch: Sketch, subject: Box, lean: int) -> None:
    """What the scene speaks of, on both sides of the subject and above it."""
    across, horizon, side, h = subject.left, subject.top, subject.width, easel.height
    small = 0.36 * side
    stagecraft.props(
        easel,
        sketch,
        (
            Spot(across + lean * 0.66 * side, horizon + 0.015 * h, small),
            Spot(across - lean * 0.62 * side, horizon + 0.03 * h, 0.85 * small),
        ),
        (
            Spot(across + lean * 0.62 * side, horizon - 0.95 * side, small),
            Spot(across - lean * 0.3 * side, horizon - 1.12 * side, small),
        ),
    )


def _foreground(easel: Easel, sketch: Sketch, *, right: bool) -> None:
    """Leaves near the lens, out of focus, where the scene has any."""
    name = next((prop for prop in sketch.props if prop in LEAFY), None)
    if name is not None:
        side = 0.46 * min(easel.width, easel.height)
        soft = figures.out_of_focus(figures.pictogram(name, side / 6, sketch.palette), 6)
        left = -0.42 * side if right else easel.width - soft.width + 0.42 * side
        easel.place(soft, left, 0.60 * easel.height - 0.3 * soft.height, 0.9)


def _card(easel: Easel, sketch: Sketch, box: Box) -> None:
    """Paper with a coloured mark and the words."""
    unit, palette = easel.unit, sketch.palette
    pad, radius = 3.0 * unit, 2.2 * unit
    shade = moved(rect(*box, palette.ink.hex, 0.38, radius=radius), 0, 1.2 * unit)
    easel.haze(shade, 2.2 * unit, box)
    bar = Box(box.left + pad, box.top + pad, 5.5 * unit, 0.75 * unit)
    accent = palette.accent.at(light=min(palette.accent.light, 0.70)).hex
    paper = rect(*box, palette.chalk.hex, 0.965, radius=radius)
    easel.vector(paper + rect(*bar, accent, radius=bar.height / 2), box)
    top = bar.bottom + 2.2 * unit
    stagecraft.caption_block(
        easel,
        sketch,
        Box(bar.left, top, box.width - 2 * pad, box.bottom - pad - top),
        title=Lettering(style="display", largest=6.2 * unit, smallest=3 * unit, leading=1.1),
        ink=palette.coal,
        quiet=mix(palette.coal, palette.chalk, 0.30),
        anchor="middle",
    )
