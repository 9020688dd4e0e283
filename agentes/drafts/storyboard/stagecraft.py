"""Gestures the layouts share: standing things up, hanging them in the air, podiums, props, and words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from agentes.drafts.storyboard import figures
from agentes.drafts.storyboard.easel import Box, Easel
from agentes.drafts.storyboard.lettering import Lettering, fit, letter
from agentes.drafts.storyboard.shapes import ellipse, path
from agentes.drafts.storyboard.staging import SKY, VIEWS

if TYPE_CHECKING:
    from PIL.Image import Image

    from agentes.drafts.storyboard.colour import Colour
    from agentes.drafts.storyboard.sketch import Sketch

__all__ = ["Spot", "caption_block", "figure", "float_up", "plinth", "props", "stand"]


class Spot(NamedTuple):
    """Where a prop goes: the middle of its foot (on the ground) or of itself (in the air), and its longer side."""

    across: float
    down: float
    side: float


def figure(sketch: Sketch, side: float) -> Image:
    """The subject at a size: the given picture in a mount, its pictogram, a view as a postcard, or a seal."""
    if sketch.picture is not None:
        across, down = sketch.picture.size
        ratio = min(max(across / down, 0.66), 1.6)
        width, height = (side, side / ratio) if ratio > 1 else (side * ratio, side)
        return figures.mount(sketch.picture, width, height, sketch.palette, 0.028 * side)
    if sketch.figure is None:
        return figures.monogram(sketch.monogram, 0.9 * side, sketch.palette)
    drawn = figures.pictogram(sketch.figure, side, sketch.palette, sketch.tint)
    if sketch.figure in VIEWS:
        corner = round(0.07 * side)
        view = drawn.crop((corner, corner, drawn.width - corner, drawn.height - corner))
        return figures.mount(view, 0.94 * side, 0.94 * side, sketch.palette, 0.035 * side)
    return drawn


def stand(
    easel: Easel, thing: Image, across: float, base: float, shade: Colour, *, depth: float = 1.0
) -> None:
    """Stands a thing on a floor: a dark line where it touches, a soft shade beside it."""
    left, top = across - thing.width / 2, base - thing.height
    foot_left, foot_right = _foot(thing)
    wide = max(1.12 * (foot_right - foot_left), 0.42 * thing.width)
    middle = left + (foot_left + foot_right) / 2
    near = Box(middle - 0.8 * wide, base - 0.2 * wide, 1.8 * wide, 0.4 * wide)
    cast = ellipse(
        middle + 0.10 * wide, base - 0.004 * wide, 0.58 * wide, 0.075 * wide, shade.hex, 0.42 * depth
    )
    easel.haze(cast, 0.05 * wide * depth, near)
    touch = ellipse(middle, base - 0.012 * wide, 0.40 * wide, 0.028 * wide, shade.hex, 0.55)
    easel.haze(touch, max(0.014 * wide, 1.0), near)
    easel.place(thing, left, top)


def _foot(thing: Image) -> tuple[int, int]:
    """From where to where a thing touches the ground, counted from its left edge."""
    sole = thing.getchannel("A").crop((0, round(0.94 * thing.height), thing.width, thing.height))
    left, _, right, _ = sole.point(lambda level: 255 * (level > 90)).getbbox() or (0, 0, thing.width, 0)
    return left, right


def float_up(
    easel: Easel, thing: Image, across: float, down: float, shade: Colour, *, opacity: float
) -> None:
    """Hangs a thing in the air, its shadow on the wall behind it."""
    left, top = across - thing.width / 2, down - thing.height / 2
    blur = 0.055 * max(thing.size)
    easel.shadow(thing, left + 0.02 * thing.width, top + 0.06 * thing.height, shade, blur, opacity)
    easel.place(thing, left, top)


def plinth(
    easel: Easel, sketch: Sketch, across: float, floor: float, width: float, height: float, colour: Colour
) -> float:
    """A round podium of two steps; says where things stand on it."""
    ink = sketch.palette.ink.hex
    side, lid = colour.at(light=colour.light - 0.05).hex, colour.at(light=colour.light + 0.045).hex
    drawn, base = "", floor
    for share, part in ((1.0, 0.42), (0.80, 0.58)):
        half, tilt = width / 2 * share, 0.10 * width * share
        top = base - height * part
        body = (
            f"M{across - half:.1f} {top:.1f}V{base:.1f}A{half:.1f} {tilt:.1f} 0 0 0 {across + half:.1f} {base:.1f}"
            f"V{top:.1f}Z"
        )
        dark = (
            f"M{across + 0.25 * half:.1f} {top:.1f}V{base + 0.95 * tilt:.1f}"
            f"A{half:.1f} {tilt:.1f} 0 0 0 {across + half:.1f} {base:.1f}V{top:.1f}Z"
        )
        drawn += path(body, side) + path(dark, ink, 0.13) + ellipse(across, top, half, tilt, lid)
        base = top
    box = Box(across - 0.75 * width, base - 0.2 * width, 1.6 * width, height + 0.5 * width)
    cast = ellipse(across + 0.08 * width, floor + 0.03 * width, 0.58 * width, 0.11 * width, ink, 0.34)
    easel.haze(cast, 0.04 * width, box)
    easel.vector(drawn, box)
    return base + 0.035 * width


def props(easel: Easel, sketch: Sketch, ground: tuple[Spot, ...] = (), air: tuple[Spot, ...] = ()) -> None:
    """Puts the things of the scene around the subject, those that fly in the air, never over the edge."""
    for name, spot in (
        *zip((name for name in sketch.props if name not in SKY), ground, strict=False),
        *zip((name for name in sketch.props if name in SKY), air, strict=False),
    ):
        thing = figures.pictogram(name, spot.side, sketch.palette)
        room = thing.width / 2 + 0.45 * easel.margin
        across = min(max(spot.across, room), easel.width - room)
        if name in SKY:
            float_up(easel, thing, across, spot.down, sketch.palette.ink, opacity=0.18)
        else:
            stand(easel, thing, across, spot.down, sketch.palette.ink, depth=0.8)


def caption_block(
    easel: Easel,
    sketch: Sketch,
    box: Box,
    *,
    title: Lettering,
    ink: Colour,
    quiet: Colour,
    anchor: Literal["top", "middle"] = "top",
) -> None:
    """Eyebrow, title and caption, one under the other, inside a box whatever they say."""
    unit = easel.unit
    small, gap = (
        Lettering(weight=600, largest=2.9 * unit, smallest=2.2 * unit, lines=1),
        min(2.0 * unit, 0.06 * box.height),
    )
    eyebrow = fit(sketch.eyebrow, box.width, 0.16 * box.height, small)
    used = eyebrow.height + 0.7 * gap if eyebrow else 0.0
    head = fit(sketch.title, box.width, (box.height - used) * (0.62 if sketch.caption else 1.0), title)
    used += head.height + gap if head else 0.0
    plain = Lettering(largest=3.15 * unit, smallest=2.3 * unit, lines=4, leading=1.36)
    below = fit(sketch.caption, box.width, box.height - used, plain)
    used += below.height if below else 0.0
    y = box.top + (max(box.height - used, 0.0) / 2 if anchor == "middle" else 0.0)
    for words, colour, after in ((eyebrow, quiet, 0.7 * gap), (head, ink, gap), (below, quiet, 0.0)):
        if words is not None:
            y = letter(easel, words, box.left, y, colour) + after
