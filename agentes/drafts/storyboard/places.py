"""Places of the world in the colours of a palette: hills, sea, city, room, woods."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

from agentes.drafts.storyboard.colour import Colour, mix
from agentes.drafts.storyboard.easel import Box, Easel, Glow
from agentes.drafts.storyboard.shapes import disc, moved, path, rect, strokes

if TYPE_CHECKING:
    from agentes.drafts.storyboard.palette import Palette

__all__ = ["city", "hills", "ridge", "room", "sea", "sky", "woods"]

_SUN, _WATER, _LEAVES = Colour(0.85, 0.125, 78.0), Colour(0.66, 0.095, 225.0), Colour(0.60, 0.105, 150.0)
_DUSK = 0.8  # a palette whose paper is darker than this is lit by the moon

Point = tuple[float, float]


def hills(easel: Easel, palette: Palette, horizon: float, focus: Point) -> None:
    """Ridges behind one another, and the sun on the side where the subject is not."""
    sky(easel, palette, focus, warm=0.6)
    radius = 0.124 * min(easel.width, easel.height)
    sun = (easel.width * (0.24 if focus[0] > easel.width / 2 else 0.78), horizon - 0.36 * easel.height)
    drawn = disc(*sun, 1.6 * radius, palette.paper.hex, 0.25) + disc(*sun, radius, _luminary(palette))
    depth = min(0.16 * easel.height, 0.3 * easel.width)
    tones = (
        palette.between("mist", "tone", 0.45),
        palette.between("tone", "mist", 0.15),
        palette.between("tone", "ink", 0.28),
    )
    for number, fill in enumerate(tones):
        top = horizon - depth * (1.15 - 0.55 * number)
        drawn += path(ridge(easel, top, depth * (0.42 - 0.1 * number)), fill)
    drawn += path(ridge(easel, horizon, depth * 0.07, waves=1.1), palette.between("tone", "ink", 0.55))
    easel.vector(drawn)


def sea(easel: Easel, palette: Palette, horizon: float, focus: Point) -> None:
    """Water with lights on it, a line of foam, and sand to stand on."""
    sky(easel, palette, focus, warm=0.7)
    w, h = easel.width, easel.height
    line = horizon - min(0.15 * h, 0.24 * w)
    sun = ((0.27 if focus[0] > 0.55 * w else 0.74) * w, line - 0.075 * min(w, h))
    radius = 0.15 * min(w, h)
    water = mix(palette.tone.at(light=palette.tone.light - 0.03), _WATER.at(light=palette.tone.light), 0.6)
    drawn = disc(*sun, 1.6 * radius, palette.paper.hex, 0.3) + disc(*sun, radius, _luminary(palette))
    drawn += rect(0, line, w, h - line, mix(water, palette.ink, 0.16).hex)
    drawn += rect(0, line, w, 0.35 * (horizon - line), water.hex)
    thick = max(1.5, 0.004 * min(w, h))
    for _ in range(16):
        x, y = easel.chance.uniform(0, w), easel.chance.uniform(line + 0.012 * h, horizon)
        long = easel.chance.uniform(0.03, 0.12) * w * (0.5 + (y - line) / (horizon - line))
        drawn += rect(x, y, long, thick, palette.paper.hex, 0.55, radius=thick / 2)
    foam = ridge(easel, horizon - 0.012 * h, 0.012 * h, waves=1.6)
    drawn += path(foam, palette.paper.hex, 0.85)
    drawn += moved(path(foam, palette.between("tone", "ink", 0.52)), 0, 0.022 * h)
    easel.vector(drawn)


def city(easel: Easel, palette: Palette, horizon: float, focus: Point) -> None:
    """Two rows of houses, the nearer one with windows."""
    sky(easel, palette, focus)
    w, h = easel.width, easel.height
    short = min(w, h)
    drawn = disc(focus[0], horizon - 0.30 * h, 0.30 * short, palette.paper.hex, 0.35)
    far, near = palette.between("mist", "tone", 0.55), palette.between("tone", "ink", 0.25)
    for fill, tallest in ((far, 0.42), (near, 0.27)):
        x = -easel.chance.uniform(0, 0.06) * w
        while x < w:
            wide = easel.chance.uniform(0.10, 0.19) * short
            tall = easel.chance.uniform(0.35, 1.0) * tallest * min(h, 1.6 * w)
            drawn += rect(x, horizon - tall, wide, tall + 2, fill, radius=0.012 * short)
            if fill == near:
                drawn += _windows(easel, palette, Box(x, horizon - tall, wide, tall))
            x += wide + easel.chance.uniform(0.004, 0.05) * short
    drawn += rect(0, horizon, w, h - horizon, palette.between("tone", "ink", 0.62))
    drawn += rect(0, horizon, w, 0.008 * h, palette.mist.hex, 0.5)
    easel.vector(drawn)


def _windows(easel: Easel, palette: Palette, house: Box) -> str:
    cell = house.width / 4.2
    glass = ""
    for row in range(int((house.height - cell) / (1.35 * cell))):
        for column in range(3):
            if easel.chance.random() < 0.6:
                left, top = house.left + cell * (0.6 + 1.15 * column), house.top + cell * (0.6 + 1.35 * row)
                lit = palette.accent.hex if easel.chance.random() < 0.12 else palette.paper.hex
                glass += rect(left, top, 0.7 * cell, 0.8 * cell, lit, 0.5, radius=0.1 * cell)
    return glass


def room(easel: Easel, palette: Palette, horizon: float, focus: Point) -> None:
    """A wall with a window, its light falling in, and the edge of a table."""
    w, h = easel.width, easel.height
    wall = mix(palette.mist, palette.tone, 0.18)
    bright = mix(palette.paper, palette.mist, 0.5)
    easel.wash((Glow(0.15, 0.1, bright, 0.6), Glow(1, 0.9, wall, 0.7), Glow(0.9, 0.1, wall, 0.4)))
    on_the_left = focus[0] > 0.45 * w
    wide = min(0.40 * w, 0.52 * horizon)
    tall = min(0.62 * horizon, 1.45 * wide)
    top = max(horizon - 0.20 * h - tall, 0.09 * h)
    frame = Box(0.10 * w if on_the_left else 0.90 * w - wide, top, wide, tall)
    _window(easel, palette, frame, horizon, lean=0.88 * wide * (1 if on_the_left else -1))
    edge = 0.016 * min(w, h)
    easel.vector(
        rect(0, horizon - 2.2 * edge, w, h, palette.between("tone", "ink", 0.30))
        + rect(0, horizon + 3 * edge, w, h, palette.between("tone", "ink", 0.46))
        + rect(0, horizon - 2.2 * edge, w, 0.6 * edge, palette.paper.hex, 0.45),
        Box(0, horizon - 4 * edge, w, h),
    )


def _window(easel: Easel, palette: Palette, frame: Box, floor: float, *, lean: float) -> None:
    bar = 0.045 * frame.width
    drawn = rect(*frame, palette.paper.at(light=0.99).hex, radius=bar)
    pane = Box(0, 0, (frame.width - 3 * bar) / 2, (frame.height - 3 * bar) / 2)
    for column in range(2):
        for row in range(2):
            left = frame.left + bar + column * (pane.width + bar)
            top = frame.top + bar + row * (pane.height + bar)
            glass = palette.between("mist", "paper", 0.35 + 0.1 * (column + row))
            drawn += rect(left, top, pane.width, pane.height, glass)
            gleam = (
                f"M{left:.1f} {top + pane.height:.1f}l{pane.width:.1f} -{pane.height:.1f}v{0.4 * pane.height:.1f}"
                f"l-{0.6 * pane.width:.1f} {0.6 * pane.height:.1f}z"
            )
            drawn += path(gleam, "#fff", 0.35)
    drawn += rect(
        frame.left - bar, frame.bottom, frame.width + 2 * bar, 1.6 * bar, palette.paper.hex, radius=0.4 * bar
    )
    easel.vector(drawn, frame.inset(-3 * bar))
    beam = (
        f"M{frame.left + bar:.1f} {frame.top + bar:.1f}h{frame.width - 2 * bar:.1f}"
        f"l{lean:.1f} {floor - frame.top:.1f}h-{frame.width - 2 * bar:.1f}z"
    )
    easel.haze(path(beam, palette.paper.at(light=0.995).hex, 0.34), 0.012 * min(easel.width, easel.height))


def woods(easel: Easel, palette: Palette, horizon: float, focus: Point) -> None:
    """Three rows of trees, round ones and firs."""
    sky(easel, palette, focus, warm=0.2)
    w, h = easel.width, easel.height
    drawn = disc(*focus, 0.34 * min(w, h), palette.paper.hex, 0.35)
    leaves = mix(palette.tone, _LEAVES.at(light=palette.tone.light), 0.55)
    rows = (
        (mix(palette.mist, leaves, 0.55), 0.30, 0.05, 15),
        (mix(leaves, palette.ink, 0.16), 0.26, 0.02, 11),
        (mix(leaves, palette.ink, 0.40), 0.20, 0.0, 9),
    )
    for colour, tall, lift, count in rows:
        for number in range(count):
            across = (number + easel.chance.uniform(0.1, 0.9)) * w / count
            size = easel.chance.uniform(0.7, 1.15) * tall * min(h, 1.7 * w)
            tree = _fir if easel.chance.random() < 0.6 else _round_tree
            drawn += tree(across, horizon - lift * h, size, colour.hex)
    drawn += path(ridge(easel, horizon, 0.008 * h, waves=1.3), mix(leaves, palette.ink, 0.62).hex)
    easel.vector(drawn)


def _fir(across: float, base: float, size: float, fill: str) -> str:
    wide, knee = 0.24 * size, base - 0.36 * size
    outline = (
        f"M{across:.1f} {base - size:.1f}L{across + wide:.1f} {knee:.1f}H{across + 0.55 * wide:.1f}"
        f"L{across + 1.35 * wide:.1f} {base:.1f}H{across - 1.35 * wide:.1f}L{across - 0.55 * wide:.1f} {knee:.1f}"
        f"H{across - wide:.1f}Z"
    )
    return path(outline, fill) + strokes(outline, fill, 0.03 * size)


def _round_tree(across: float, base: float, size: float, fill: str) -> str:
    crown = 0.22 * size
    return rect(across - 0.025 * size, base - 0.5 * size, 0.05 * size, 0.5 * size, fill) + rect(
        across - crown, base - 0.92 * size, 2 * crown, 0.62 * size, fill, radius=crown
    )


def sky(easel: Easel, palette: Palette, focus: Point, *, warm: float = 0.35) -> None:
    """Air, brightest around the subject, with a breath of the accent low down."""
    across, down = focus[0] / easel.width, focus[1] / easel.height
    easel.wash(
        (
            Glow(0.0, 0.0, mix(palette.mist, palette.tone, 0.35), 0.55),
            Glow(1.0, 0.1, palette.mist, 0.5),
            Glow(across, down, mix(palette.paper, palette.mist, 0.25), 0.42),
            Glow(1 - across, 0.75, mix(palette.mist, palette.accent, warm * 0.5), 0.45),
        )
    )


def ridge(easel: Easel, top: float, swell: float, *, waves: float = 2.2) -> str:
    """A rolling line from edge to edge, closed below the canvas."""
    phase, second = easel.chance.uniform(0, 6.28), easel.chance.uniform(0, 6.28)
    steps = 28
    points = []
    for step in range(steps + 1):
        along = step / steps * waves * math.pi
        lift = math.sin(along + phase) + 0.45 * math.sin(2.3 * along + second)
        points.append((step / steps * easel.width, top - swell * lift))
    outline = f"M{points[0][0]:.1f} {points[0][1]:.1f}"
    for (x0, y0), (x1, y1) in pairwise(points):
        outline += f"S{(x0 + x1) / 2:.1f} {(y0 + y1) / 2:.1f} {x1:.1f} {y1:.1f}"
    return f"{outline}V{easel.height}H0Z"


def _luminary(palette: Palette) -> str:
    """The colour of the sun, or of the moon."""
    return palette.chalk.hex if palette.paper.light < _DUSK else mix(palette.paper, _SUN, 0.65).hex
