"""The thumbnail: loud letters and a sticker, to be understood at the size of a stamp."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentes.drafts.storyboard import figures, stagecraft
from agentes.drafts.storyboard.colour import difference
from agentes.drafts.storyboard.easel import Box, Easel, Glow
from agentes.drafts.storyboard.labels import label
from agentes.drafts.storyboard.lettering import Lettering, fit, letter
from agentes.drafts.storyboard.sets import burst
from agentes.drafts.storyboard.shapes import disc, rect

if TYPE_CHECKING:
    from agentes.drafts.storyboard.sketch import Sketch

__all__ = ["draw"]


def draw(easel: Easel, sketch: Sketch) -> None:
    """Sticker on one side and title on the other, or one above the other."""
    w, h, margin = easel.width, easel.height, easel.margin
    wide, flipped = w > 1.15 * h, sketch.take % 2 == 1
    if wide:
        focus = ((0.26 if flipped else 0.74) * w, 0.53 * h)
        words = Box(0.50 * w if flipped else margin, 0.13 * h, 0.50 * w - margin, 0.76 * h)
        side = min(0.84 * h, 0.46 * w)
    else:
        focus = (0.5 * w, 0.36 * h)
        words = Box(margin, 0.635 * h, w - 2 * margin, 0.365 * h - 1.9 * margin)
        side = min(0.52 * h, 0.84 * w)
    if not sketch.title:
        focus = (0.5 * w, 0.5 * h)
    _burst(easel, sketch, focus)
    _stickers(easel, sketch, focus, side, flipped=flipped)
    _title(easel, sketch, words, wide=wide)
    label(easel, sketch)


def _burst(easel: Easel, sketch: Sketch, focus: tuple[float, float]) -> None:
    """The strongest colour of the palette, rays, and a disc behind the sticker."""
    palette = sketch.palette
    strong = palette.tone.at(min(max(palette.tone.light, 0.55), 0.78), max(palette.tone.chroma, 0.09))
    easel.wash(
        (
            Glow(focus[0] / easel.width, focus[1] / easel.height, strong.at(light=strong.light + 0.10), 0.4),
            Glow(0, 0, strong, 0.6),
            Glow(1, 1, strong.at(light=strong.light - 0.10, turn=-14), 0.6),
        )
    )
    behind = palette.behind(figures.average(sketch.figure, sketch.tint)) if sketch.figure else palette.accent
    if difference(behind, strong) < 0.12:
        behind = palette.paper
    rays = burst(easel, focus, 16, palette.paper.hex, 0.20)
    easel.vector(rays + disc(*focus, 0.36 * min(easel.width, easel.height), behind.hex))


def _stickers(
    easel: Easel, sketch: Sketch, focus: tuple[float, float], side: float, *, flipped: bool
) -> None:
    """The subject, and up to two things of the scene, cut out with a light edge."""
    palette, unit = sketch.palette, easel.unit
    thing = figures.turned(stagecraft.figure(sketch, 0.86 * side), -7 if flipped else 7)
    if sketch.picture is None:
        thing = figures.outlined(thing, 1.15 * unit, palette.chalk)
    stagecraft.float_up(easel, thing, *focus, palette.ink, opacity=0.5)
    for name, angle, aside, below in zip(sketch.props, (10, -12), (-0.46, 0.46), (-0.32, 0.34), strict=False):
        small = figures.turned(figures.pictogram(name, 0.28 * side, palette), angle)
        small = figures.outlined(small, 0.7 * unit, palette.chalk)
        room = small.width / 2 + 0.4 * easel.margin
        across = min(max(focus[0] + aside * side, room), easel.width - room)
        stagecraft.float_up(easel, small, across, focus[1] + below * side, palette.ink, opacity=0.4)


def _title(easel: Easel, sketch: Sketch, box: Box, *, wide: bool) -> None:
    """Heavy letters, the last of several lines on a bar."""
    unit, palette = easel.unit, sketch.palette
    look = Lettering(
        style="poster",
        largest=(15 if wide else 12.5) * unit,
        smallest=4 * unit,
        lines=4 if wide else 3,
        leading=1.06,
    )
    words = fit(sketch.title, box.width - 3 * unit, box.height, look)
    if words is None:
        return
    ground = easel.average(box)
    ink = palette.coal if ground.light > 0.60 else palette.chalk
    top = box.top + max(0.0, box.height - words.height) / (2 if wide else 3)
    if len(words.lines) == 1:
        letter(easel, words, box.left, top, ink)
        return
    last, start = words.only_last, top + words.leading * (len(words.lines) - 1)
    bar = palette.accent if difference(palette.accent, ground) > 0.16 else palette.coal
    ascent, descent = words.font.getmetrics()
    slab = Box(
        box.left - 0.6 * unit, start - 0.14 * ascent, last.width + 3.2 * unit, 0.98 * (ascent + descent)
    )
    tilt = f'<g transform="rotate(-1.2 {slab.left:.1f} {slab.top:.1f})">'
    easel.vector(f"{tilt}{rect(*slab, bar.hex, radius=0.9 * unit)}</g>", slab.inset(-3 * unit))
    letter(easel, words.without_last, box.left, top, ink)
    letter(easel, last, box.left + unit, start, palette.letters_on(bar))
