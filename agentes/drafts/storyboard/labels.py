"""The small print of a storyboard: ratio and length, the name of the shot, and that it is a draft."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from agentes.drafts.storyboard.colour import mix
from agentes.drafts.storyboard.easel import Box, Easel
from agentes.drafts.storyboard.lettering import Lettering, Line, fit, letter
from agentes.drafts.storyboard.shapes import disc, rect

if TYPE_CHECKING:
    from agentes.drafts.storyboard.colour import Colour
    from agentes.drafts.storyboard.sketch import Sketch

__all__ = ["label"]

_HEIGHT = 4.4  # of a pill, in units of the easel
_AT_LEAST_PX = 13.0
_FILMED = 0.085  # of the side: a draft clip's camera drifts over eight hundredths of it
_ROOM_FOR_BADGES = 0.65  # of the width; the rest belongs to the shot


def label(
    easel: Easel, sketch: Sketch, *, shot: bool = False, mark: Literal["top", "bottom"] = "bottom"
) -> None:
    """Badges in the upper right, the shot in the upper left if wanted, the draft mark out of the way.

    A frame that names its shot is going to be filmed, and a moving camera must not cut its labels off.
    """
    tall = max(_HEIGHT * easel.unit, _AT_LEAST_PX)
    edge = _Edge.of(easel, filmed=shot)
    left = easel.width - edge.across
    for badge in reversed(sketch.badges):
        start = _badge(easel, sketch, badge, left, edge.down, tall)
        if start is None:
            break
        left = start - 1.1 * easel.unit
    if shot:
        _shot(easel, sketch, left, edge, tall)
    top = edge.down + tall + 1.6 * easel.unit if mark == "top" else None
    _draft_mark(easel, sketch, edge.across, top)


class _Edge(NamedTuple):
    """How far labels stay away from the sides of the picture."""

    across: float
    down: float

    @classmethod
    def of(cls, easel: Easel, *, filmed: bool) -> _Edge:
        if not filmed:
            return cls(easel.margin, easel.margin)
        return cls(max(easel.margin, _FILMED * easel.width), max(easel.margin, _FILMED * easel.height))


def _badge(easel: Easel, sketch: Sketch, badge: str, right: float, down: float, tall: float) -> float | None:
    """One pill, with a little frame of its shape if it is a ratio; says where it begins."""
    unit = easel.unit
    words = _small(badge, easel.width, tall, unit)
    if words is None:
        return None
    ratio = _ratio(badge)
    icon = 2.6 * unit if ratio else 0.0
    width = words.width + 2.6 * unit + (icon + 0.9 * unit if ratio else 0.0)
    pill = Box(right - width, down, width, tall)
    if pill.left < (1 - _ROOM_FOR_BADGES) * easel.width:
        return None
    ink = sketch.palette.coal
    easel.vector(rect(*pill, sketch.palette.chalk.hex, 0.84, radius=tall / 2), pill.inset(-1))
    x = pill.left + 1.3 * unit
    if ratio:
        _frame(easel, Box(x, pill.top + (tall - icon) / 2, icon, icon), ratio, ink)
        x += icon + 0.9 * unit
    letter(easel, words, x, pill.top + (tall - words.height) / 2 + 0.1 * unit, ink)
    return pill.left


def _shot(easel: Easel, sketch: Sketch, right: float, edge: _Edge, tall: float) -> None:
    unit = easel.unit
    room = right - edge.across - 4.9 * unit
    words = _small(sketch.shot, room, tall, unit) if room > 8 * unit else None
    if words is None:
        return
    pill = Box(edge.across, edge.down, words.width + 4.9 * unit, tall)
    light = disc(
        pill.left + 1.9 * unit, pill.top + tall / 2, 0.72 * unit, sketch.palette.accent.at(light=0.74).hex
    )
    easel.vector(rect(*pill, sketch.palette.coal.hex, 0.86, radius=tall / 2) + light, pill.inset(-1))
    letter(
        easel,
        words,
        pill.left + 3.4 * unit,
        pill.top + (tall - words.height) / 2 + 0.1 * unit,
        sketch.palette.chalk,
    )


def _small(text: str, width: float, tall: float, unit: float) -> Line | None:
    return fit(text, width, tall, Lettering(weight=600, largest=2.3 * unit, smallest=2.3 * unit, lines=1))


def _ratio(badge: str) -> float | None:
    across, colon, down = badge.partition(":")
    try:
        return float(across) / float(down) if colon else None
    except (ValueError, ZeroDivisionError):
        return None


def _frame(easel: Easel, box: Box, ratio: float, ink: Colour) -> None:
    ratio = min(max(ratio, 0.3), 3.2)
    width, height = (box.width, box.width / ratio) if ratio > 1 else (box.width * ratio, box.width)
    across, down = box.middle
    easel.vector(
        f'<rect x="{across - width / 2:.1f}" y="{down - height / 2:.1f}" width="{width:.1f}" height="{height:.1f}" '
        f'rx="{0.14 * box.width:.1f}" fill="none" stroke="{ink.hex}" stroke-width="{max(1.0, 0.10 * box.width):.1f}"/>',
        box.inset(-0.3 * box.width),
    )


def _draft_mark(easel: Easel, sketch: Sketch, across: float, top: float | None) -> None:
    look = Lettering(
        weight=600, largest=1.75 * easel.unit, smallest=1.75 * easel.unit, lines=1, tracking=0.22
    )
    words = fit(sketch.mark, 0.5 * easel.width, 3 * easel.unit, look)
    if words is None:
        return
    x = easel.width - across - words.width
    y = easel.height - easel.margin - words.height + 0.4 * easel.unit if top is None else top
    ground = easel.average(Box(x, y, words.width, words.height))
    letter(easel, words, x, y, mix(ground, sketch.palette.letters_on(ground), 0.72))
