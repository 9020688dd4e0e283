"""The few SVG elements that backdrops and labels are made of."""

from __future__ import annotations

__all__ = ["disc", "ellipse", "moved", "path", "rect", "ring", "strokes"]


def rect(
    left: float, top: float, width: float, height: float, fill: str, opacity: float = 1, *, radius: float = 0
) -> str:
    """A filled rectangle, with round corners if a radius is given."""
    return (
        f'<rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}" rx="{radius:.1f}" '
        f'fill="{fill}" fill-opacity="{opacity:.2f}"/>'
    )


def disc(across: float, down: float, radius: float, fill: str, opacity: float = 1) -> str:
    """A filled circle."""
    return f'<circle cx="{across:.1f}" cy="{down:.1f}" r="{radius:.1f}" fill="{fill}" fill-opacity="{opacity:.2f}"/>'


def ellipse(across: float, down: float, wide: float, high: float, fill: str, opacity: float = 1) -> str:
    """A filled ellipse, by its two radii."""
    return (
        f'<ellipse cx="{across:.1f}" cy="{down:.1f}" rx="{wide:.1f}" ry="{high:.1f}" '
        f'fill="{fill}" fill-opacity="{opacity:.2f}"/>'
    )


def ring(across: float, down: float, radius: float, stroke: str, width: float, opacity: float = 1) -> str:
    """The outline of a circle."""
    return (
        f'<circle cx="{across:.1f}" cy="{down:.1f}" r="{radius:.1f}" fill="none" '
        f'stroke="{stroke}" stroke-opacity="{opacity:.2f}" stroke-width="{width:.1f}"/>'
    )


def path(outline: str, fill: str, opacity: float = 1) -> str:
    """A filled outline."""
    return f'<path d="{outline}" fill="{fill}" fill-opacity="{opacity:.2f}"/>'


def strokes(outline: str, colour: str, width: float, opacity: float = 1) -> str:
    """Lines along an outline."""
    return (
        f'<path d="{outline}" fill="none" stroke="{colour}" stroke-width="{width:.1f}" '
        f'stroke-opacity="{opacity:.2f}" stroke-linejoin="round"/>'
    )


def moved(shapes: str, across: float, down: float) -> str:
    """The same shapes elsewhere."""
    return f'<g transform="translate({across:.1f} {down:.1f})">{shapes}</g>'
