"""Draws one frame of a storyboard in the colours, words and things of its brief."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from agentes.drafts.storyboard.easel import Easel
from agentes.drafts.storyboard.sketch import Sketch, sketch

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Sketch", "draw", "sketch"]

_TOOTH = 2  # levels of brightness; enough to break the steps of soft gradients, too little to see as noise


def draw(plan: Sketch, width: int, height: int) -> Image:
    """The finished frame; the layout is the module named after the intent."""
    easel = Easel(width, height, plan.seed)
    import_module(f"agentes.drafts.storyboard.layouts.{plan.intent.value}").draw(easel, plan)
    easel.grain(_TOOTH)
    return easel.image
