"""Pictograms of things: found by the words people use for them, drawn from vector files."""

from agentes.media.art.drawing import draw
from agentes.media.art.finding import find
from agentes.media.art.index import names

__all__ = ["draw", "find", "names"]
