"""Abstract sets, for scenes that name no place: a stage, arches, soft shapes, rays."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from agentes.drafts.storyboard.colour import mix
from agentes.drafts.storyboard.easel import Easel, Glow
from agentes.drafts.storyboard.places import ridge, sky
from agentes.drafts.storyboard.shapes import disc, path, rect, ring

if TYPE_CHECKING:
    import random

    from agentes.drafts.storyboard.palette import Palette

__all__ = ["arches", "blobs", "burst", "rays", "stage"]

Point = tuple[float, float]


def stage(easel: Easel, palette: Palette, horizon: float, focus: Point) -> None:
    """An arch to stand in, three steps on one side, a ball on the other."""
    w, h = easel.width, easel.height
    across = focus[0] / w
    easel.wash(
        (
            Glow(across, 0.3, mix(palette.paper, palette.mist, 0.6), 0.45),
            Glow(0, 1, palette.mist, 0.6),
            Glow(1 - across, 0, mix(palette.mist, palette.tone, 0.5), 0.5),
        )
    )
    half = min(0.33 * w, 0.42 * horizon)
    side = 1 if focus[0] < 0.55 * w else -1
    top = max(horizon - 3.0 * half, 0.10 * h)
    drawn = path(_gate(focus[0], horizon, half, top), palette.between("mist", "tone", 0.85))
    niche = _gate(focus[0] + 0.16 * half, horizon, 0.9 * half, top + 0.14 * half)
    drawn += path(niche, palette.between("paper", "mist", 0.75))
    rise, wide = 0.24 * half, 1.86 * half
    for number in range(3):
        near = focus[0] + side * (1.02 + 0.34 * number) * half
        left, height = (near if side > 0 else near - wide), rise * (number + 1)
        drawn += rect(left, horizon - height, wide, height, palette.between("tone", "paper", 0.12 * number))
        drawn += rect(left, horizon - height, wide, 0.16 * rise, palette.paper.hex, 0.4)
    ball, x = 0.30 * half, focus[0] - side * 1.34 * half
    drawn += disc(x, horizon - ball, ball, palette.accent.hex)
    dark = (
        f"M{x - ball:.1f} {horizon - ball:.1f}a{ball:.1f} {ball:.1f} 0 0 0 {2 * ball:.1f} 0"
        f"a{1.12 * ball:.1f} {0.8 * ball:.1f} 0 0 1 -{2 * ball:.1f} 0z"
    )
    easel.vector(drawn + path(dark, palette.ink.hex, 0.22) + _floor(easel, palette, horizon))


def arches(easel: Easel, palette: Palette, horizon: float, focus: Point) -> None:
    """Half rings, one in another, like a rainbow behind the subject."""
    sky(easel, palette, focus)
    outer = min(0.62 * easel.width, 0.86 * horizon)
    fills = (
        palette.between("mist", "tone", 0.4),
        palette.between("paper", "accent", 0.75),
        palette.tone.hex,
        palette.paper.hex,
        palette.between("mist", "paper", 0.2),
    )
    drawn = ""
    for number, fill in enumerate(fills):
        radius = outer * (1 - 0.155 * number)
        drawn += path(
            f"M{focus[0] - radius:.1f} {horizon:.1f}a{radius:.1f} {radius:.1f} 0 0 1 {2 * radius:.1f} 0z",
            fill,
        )
    easel.vector(drawn + _floor(easel, palette, horizon))


def blobs(easel: Easel, palette: Palette, horizon: float, focus: Point) -> None:
    """A large soft shape, a small strong one, a ring and a field of dots."""
    sky(easel, palette, focus, warm=0.8)
    short = min(easel.width, easel.height)
    side = 1 if focus[0] < easel.width / 2 else -1
    drawn = path(_blob(easel.chance, *focus, 0.46 * short), palette.between("mist", "tone", 0.6))
    small = (focus[0] + side * 0.40 * short, focus[1] - 0.32 * short)
    drawn += path(_blob(easel.chance, *small, 0.16 * short), palette.accent.hex)
    thick = max(1.5, 0.008 * short)
    drawn += ring(
        focus[0] - side * 0.42 * short, focus[1] + 0.16 * short, 0.11 * short, palette.ink.hex, thick, 0.55
    )
    for row in range(5):
        for column in range(5):
            x, y = focus[0] - side * (0.24 + 0.038 * column) * short, focus[1] - (0.26 + 0.038 * row) * short
            drawn += disc(x, y, 0.007 * short, palette.ink.hex, 0.5)
    ground = ridge(easel, horizon, 0.02 * easel.height, waves=0.9)
    easel.vector(drawn + path(ground, palette.between("tone", "ink", 0.45)))


def rays(easel: Easel, palette: Palette, horizon: float, focus: Point) -> None:
    """Light that bursts from behind the subject."""
    easel.wash(
        (
            Glow(
                focus[0] / easel.width, focus[1] / easel.height, mix(palette.paper, palette.mist, 0.6), 0.34
            ),
            Glow(0, 0, palette.tone, 0.5),
            Glow(1, 1, palette.tone, 0.6),
            Glow(1, 0, mix(palette.tone, palette.mist, 0.5), 0.4),
        )
    )
    drawn = burst(easel, focus, 14, palette.paper.hex, 0.22)
    drawn += disc(*focus, 0.36 * min(easel.width, easel.height), palette.between("paper", "mist", 0.5))
    easel.vector(drawn + _floor(easel, palette, horizon, 0.5))


def burst(easel: Easel, focus: Point, count: int, fill: str, opacity: float) -> str:
    """Wedges from a point to beyond the edges."""
    far = math.hypot(easel.width, easel.height)
    drawn = ""
    for number in range(count):
        start = 2 * math.pi * (number + 0.25) / count
        end = start + math.pi / count
        outline = (
            f"M{focus[0]:.1f} {focus[1]:.1f}"
            f"L{focus[0] + far * math.cos(start):.1f} {focus[1] + far * math.sin(start):.1f}"
            f"L{focus[0] + far * math.cos(end):.1f} {focus[1] + far * math.sin(end):.1f}Z"
        )
        drawn += path(outline, fill, opacity)
    return drawn


def _gate(across: float, base: float, half: float, top: float) -> str:
    return f"M{across - half:.1f} {base:.1f}V{top + half:.1f}a{half:.1f} {half:.1f} 0 0 1 {2 * half:.1f} 0V{base:.1f}Z"


def _floor(easel: Easel, palette: Palette, horizon: float, share: float = 0.42) -> str:
    return rect(0, horizon, easel.width, easel.height - horizon, palette.between("tone", "ink", share))


def _blob(chance: random.Random, x: float, y: float, radius: float) -> str:
    """A closed soft outline around a point."""
    count = 7
    corners = []
    for number in range(count):
        spoke, angle = radius * chance.uniform(0.82, 1.12), 2 * math.pi * number / count
        corners.append((x + spoke * math.cos(angle), y + spoke * math.sin(angle)))
    ends = [
        ((a[0] + b[0]) / 2, (a[1] + b[1]) / 2)
        for a, b in zip(corners, corners[1:] + corners[:1], strict=True)
    ]
    outline = f"M{ends[-1][0]:.1f} {ends[-1][1]:.1f}"
    for corner, end in zip(corners, ends, strict=True):
        outline += f"Q{corner[0]:.1f} {corner[1]:.1f} {end[0]:.1f} {end[1]:.1f}"
    return f"{outline}Z"
