"""Which place stands behind a subject: one its scene speaks of, or an abstract set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentes.drafts.storyboard import places, sets
from agentes.drafts.storyboard.staging import PLACE_OF

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agentes.drafts.storyboard.easel import Easel
    from agentes.drafts.storyboard.palette import Palette

__all__ = ["ABSTRACT", "paint_backdrop", "place_of"]

_PAINTERS = {
    "hills": places.hills,
    "sea": places.sea,
    "city": places.city,
    "room": places.room,
    "woods": places.woods,
    "stage": sets.stage,
    "arches": sets.arches,
    "blobs": sets.blobs,
    "rays": sets.rays,
}
ABSTRACT = ("stage", "arches", "blobs", "rays")


def place_of(names: Iterable[str]) -> str | None:
    """The place that the pictograms of a scene call for, if they call for one."""
    return next((PLACE_OF[name] for name in names if name in PLACE_OF), None)


def paint_backdrop(
    kind: str, easel: Easel, palette: Palette, horizon: float, focus: tuple[float, float]
) -> None:
    """Paints a place: its ground line and the point where the subject will be are given in pixels."""
    _PAINTERS[kind](easel, palette, horizon, focus)
