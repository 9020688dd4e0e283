"""The edit: the given picture on the light table, selected, with the wish beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentes.drafts.storyboard import figures, stagecraft
from agentes.drafts.storyboard.backdrops import paint_backdrop
from agentes.drafts.storyboard.colour import mix
from agentes.drafts.storyboard.easel import Box, Easel, Glow
from agentes.drafts.storyboard.labels import label
from agentes.drafts.storyboard.lettering import Lettering
from agentes.drafts.storyboard.shapes import disc, rect, strokes

if TYPE_CHECKING:
    from PIL.Image import Image

    from agentes.drafts.storyboard.sketch import Sketch

__all__ = ["draw"]


def draw(easel: Easel, sketch: Sketch) -> None:
    """The picture large, the words small."""
    w, h, margin, unit = easel.width, easel.height, easel.margin, easel.unit
    wide = w > 1.3 * h
    if wide:
        table, words = (
            Box(0.36 * w, 0.15 * h, 0.64 * w - margin, 0.72 * h),
            Box(margin, 0.2 * h, 0.30 * w - margin, 0.6 * h),
        )
    else:
        table = Box(margin, 0.125 * h, w - 2 * margin, 0.60 * h)
        words = Box(margin, 0.775 * h, w - 2 * margin, 0.225 * h - 1.9 * margin)
    _light_table(easel, sketch)
    _picture(easel, sketch, table)
    ground = easel.average(words)
    ink = sketch.palette.letters_on(ground)
    stagecraft.caption_block(
        easel,
        sketch,
        words,
        title=Lettering(
            style="display", largest=6.4 * unit, smallest=3 * unit, leading=1.1, lines=4 if wide else 2
        ),
        ink=ink,
        quiet=mix(ink, ground, 0.28),
        anchor="middle" if wide else "top",
    )
    label(easel, sketch)


def _light_table(easel: Easel, sketch: Sketch) -> None:
    """Quiet paper with a fine grid of dots."""
    paper, mist = sketch.palette.paper, sketch.palette.mist
    easel.wash(
        (
            Glow(0.3, 0.2, paper, 0.6),
            Glow(1, 1, mix(paper, mist, 0.8), 0.6),
            Glow(0, 1, mix(paper, mist, 0.4), 0.5),
        )
    )
    easel.dots(3.6 * easel.unit, 0.17 * easel.unit, sketch.palette.ink, 0.20)


def _picture(easel: Easel, sketch: Sketch, table: Box) -> None:
    """The picture in a mount, an older state of it showing from behind."""
    palette, unit = sketch.palette, easel.unit
    picture = sketch.picture or _stand_in(sketch, table)
    ratio = picture.width / picture.height
    width = max(min(table.width, table.height * ratio), 0.45 * table.width)
    height = max(min(table.height, width / ratio), 0.45 * table.height)
    x, y = table.middle
    older = figures.mount(figures.blurred_cover(picture, 240, 240), width, height, palette, 1.1 * unit)
    stagecraft.float_up(
        easel, figures.turned(older, 3.4), x + 0.9 * unit, y + 0.4 * unit, palette.ink, opacity=0.22
    )
    card = figures.mount(picture, width, height, palette, 1.3 * unit)
    stagecraft.float_up(easel, card, x, y, palette.ink, opacity=0.40)
    _selection(easel, sketch, Box(x - width / 2, y - height / 2, width, height))


def _stand_in(sketch: Sketch, table: Box) -> Image:
    """Where no picture was given: the subject in its place."""
    small = Easel(max(64, round(table.width)), max(64, round(table.height)), sketch.seed)
    floor, side = 0.74 * small.height, 0.56 * min(small.width, small.height)
    across, palette = small.width / 2, sketch.palette
    paint_backdrop(sketch.backdrop, small, palette, floor, (across, floor - 0.5 * side))
    stagecraft.stand(small, stagecraft.figure(sketch, side), across, floor + 0.05 * small.height, palette.ink)
    return small.image


def _selection(easel: Easel, sketch: Sketch, box: Box) -> None:
    """The marks of a picture editor: a broken line, eight handles, thirds, and a wand."""
    unit, palette = easel.unit, sketch.palette
    out = box.inset(-1.5 * unit)
    line, accent = max(1.0, 0.22 * unit), palette.accent.at(light=min(palette.accent.light, 0.66)).hex
    drawn = (
        f'<rect x="{out.left:.1f}" y="{out.top:.1f}" width="{out.width:.1f}" height="{out.height:.1f}" fill="none" '
        f'stroke="{accent}" stroke-width="{line:.1f}" stroke-dasharray="{1.5 * unit:.1f} {unit:.1f}"/>'
    )
    inner = box.inset(1.3 * unit)
    thirds = "".join(
        f"M{box.left + box.width * share:.1f} {inner.top:.1f}V{inner.bottom:.1f}"
        f"M{inner.left:.1f} {box.top + box.height * share:.1f}H{inner.right:.1f}"
        for share in (1 / 3, 2 / 3)
    )
    drawn += strokes(thirds, "#fff", max(0.8, 0.13 * unit), 0.38)
    middle, size = out.middle, 1.7 * unit
    for across in (out.left, middle[0], out.right):
        for down in (out.top, middle[1], out.bottom):
            if (across, down) != middle:
                handle = rect(
                    across - size / 2, down - size / 2, size, size, palette.chalk.hex, radius=0.3 * unit
                )
                drawn += f'<g stroke="{accent}" stroke-width="{line:.1f}">{handle}</g>'
    easel.vector(drawn, out.inset(-2 * unit))
    _wand(easel, sketch, (out.left + 2.3 * unit, out.top + 2.3 * unit))


def _wand(easel: Easel, sketch: Sketch, middle: tuple[float, float]) -> None:
    unit, palette, (x, y) = easel.unit, sketch.palette, middle
    radius = 5.2 * unit
    box = Box(x - radius, y - radius, 2 * radius, 2 * radius)
    easel.haze(disc(x, y + unit, radius, palette.ink.hex, 0.4), 1.6 * unit, box)
    easel.vector(disc(x, y, radius, palette.chalk.hex), box.inset(-1))
    wand = figures.pictogram("magic-wand", 7.0 * unit, palette)
    easel.place(wand, x - wand.width / 2, y - wand.height / 2)
