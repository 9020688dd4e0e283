"""The keyframe: a frame of the film itself, with its lower third left quiet for the captions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentes.drafts.storyboard import figures, stagecraft
from agentes.drafts.storyboard.backdrops import paint_backdrop
from agentes.drafts.storyboard.easel import Box, Easel
from agentes.drafts.storyboard.labels import label
from agentes.drafts.storyboard.shapes import disc
from agentes.drafts.storyboard.stagecraft import Spot
from agentes.drafts.storyboard.staging import SKY

if TYPE_CHECKING:
    from PIL.Image import Image

    from agentes.drafts.storyboard.sketch import Sketch

__all__ = ["draw"]

_GROUND = 0.635  # of the height; captions have what is below two thirds


def draw(easel: Easel, sketch: Sketch) -> None:
    """One of five cameras, by the number of the take; below the ground line nothing happens."""
    ground = _GROUND * easel.height
    if sketch.picture is not None:
        _from_picture(easel, sketch, sketch.picture, ground)
    else:
        (_medium, _wide, _close, _pair, _low)[sketch.take % 5](easel, sketch, ground)
    _calm(easel, sketch)
    label(easel, sketch, shot=True, mark="top")


def _medium(easel: Easel, sketch: Sketch, ground: float) -> None:
    """The subject in full, in the middle of its place."""
    w, h = easel.width, easel.height
    crowded = any(name not in SKY for name in sketch.props)
    side = min(0.76 * ground, (0.54 if crowded else 0.68) * w)
    across = w * (0.5 if w < h else 0.56)
    paint_backdrop(sketch.backdrop, easel, sketch.palette, ground - 0.02 * h, (across, ground - 0.5 * side))
    small = (0.46 if crowded else 0.36) * side
    stagecraft.props(
        easel,
        sketch,
        (
            Spot(across - 0.8 * side, ground - 0.004 * h, small),
            Spot(across + 0.8 * side, ground - 0.008 * h, 0.9 * small),
        ),
        (
            Spot(across - 0.6 * side, ground - 1.06 * side, small),
            Spot(across + 0.62 * side, ground - 0.96 * side, small),
        ),
    )
    stagecraft.stand(easel, stagecraft.figure(sketch, side), across, ground + 0.018 * h, sketch.palette.ink)


def _wide(easel: Easel, sketch: Sketch, ground: float) -> None:
    """The place is large, the subject small in it."""
    w, h = easel.width, easel.height
    side = min(0.42 * ground, 0.42 * w)
    across, lean = (0.64 * w, -1) if sketch.seed % 2 == 0 else (0.36 * w, 1)
    paint_backdrop(sketch.backdrop, easel, sketch.palette, ground - 0.02 * h, (across, ground - 0.6 * side))
    small = 0.5 * side
    stagecraft.props(
        easel,
        sketch,
        (
            Spot(across + lean * 0.95 * side, ground, small),
            Spot(across + lean * 1.5 * side, ground - 0.006 * h, 0.8 * small),
        ),
        (
            Spot(across + lean * 0.9 * side, ground - 1.5 * side, small),
            Spot(across - lean * 0.2 * side, ground - 1.75 * side, 0.8 * small),
        ),
    )
    stagecraft.stand(easel, stagecraft.figure(sketch, side), across, ground + 0.012 * h, sketch.palette.ink)


def _close(easel: Easel, sketch: Sketch, ground: float) -> None:
    """So near that the edge of the frame cuts the subject, and the place melts away."""
    w, h = easel.width, easel.height
    lean = 1 if sketch.seed % 2 == 0 else -1
    side = min(1.02 * ground, 0.98 * w)
    across = w * (0.5 + lean * (0.10 if w < 1.3 * h else 0.16))
    paint_backdrop(sketch.backdrop, easel, sketch.palette, ground, (across, ground - 0.45 * side))
    easel.soften(12)
    _lights(easel, sketch, ground)
    thing = stagecraft.figure(sketch, side)
    stagecraft.stand(easel, thing, across + lean * 0.10 * side, ground + 0.03 * h, sketch.palette.ink)


def _pair(easel: Easel, sketch: Sketch, ground: float) -> None:
    """The subject beside what goes with it; alone, it is seen from below."""
    companion = next((name for name in sketch.props if name not in SKY), None)
    if companion is None:
        _low(easel, sketch, ground)
        return
    w, h, palette = easel.width, easel.height, sketch.palette
    side = min(0.58 * ground, 0.56 * w)
    across = w * (0.36 if w < h else 0.42)
    paint_backdrop(sketch.backdrop, easel, palette, ground - 0.02 * h, (across, ground - 0.5 * side))
    other = figures.pictogram(companion, 0.72 * side, palette)
    beside = min(across + 0.84 * side, w - 0.5 * other.width - 0.3 * easel.margin)
    stagecraft.stand(easel, other, beside, ground - 0.012 * h, palette.ink, depth=0.8)
    stagecraft.props(easel, sketch, air=(Spot(beside, ground - 1.1 * side, 0.36 * side),))
    stagecraft.stand(easel, stagecraft.figure(sketch, side), across, ground + 0.018 * h, palette.ink)


def _low(easel: Easel, sketch: Sketch, ground: float) -> None:
    """The camera low and tilted, the subject against the light."""
    w, h = easel.width, easel.height
    side = min(0.74 * ground, 0.70 * w)
    across = 0.5 * w
    place = sketch.backdrop if sketch.backdrop in {"city", "woods", "sea"} else "rays"
    paint_backdrop(place, easel, sketch.palette, ground, (across, ground - 0.55 * side))
    small, reach = 0.34 * side, 0.68 * side
    stagecraft.props(
        easel,
        sketch,
        (Spot(across + reach, ground - 0.01 * h, small), Spot(across - reach, ground - 0.01 * h, small)),
        (Spot(across - reach, ground - 0.98 * side, small), Spot(across + reach, ground - 0.9 * side, small)),
    )
    thing = figures.turned(stagecraft.figure(sketch, side), 9 if sketch.seed % 2 else -9)
    stagecraft.float_up(easel, thing, across, ground - 0.52 * side, sketch.palette.ink, opacity=0.42)


def _from_picture(easel: Easel, sketch: Sketch, picture: Image, ground: float) -> None:
    """The given picture, sharp in a mount where captions leave room, and out of focus everywhere else."""
    w, h, coal = easel.width, easel.height, sketch.palette.coal
    easel.cover(figures.blurred_cover(picture, w, h))
    easel.fade(easel.whole, coal, 0.18, 0.55)
    top = easel.margin + 8.5 * easel.unit
    height = ground + 0.02 * h - top
    zoom, lean = ((1.0, 0.0), (0.86, -1.6), (0.94, 1.4), (0.8, 0.0))[sketch.take % 4]
    width = min(w - 2 * easel.margin, height * (0.95 if w < h else 1.78))
    cut = Box(
        picture.width * (1 - zoom) * (sketch.seed % 7) / 6,
        picture.height * (1 - zoom) * 0.4,
        picture.width * zoom,
        picture.height * zoom,
    )
    crop = picture.crop((round(cut.left), round(cut.top), round(cut.right), round(cut.bottom)))
    card = figures.mount(crop, width, height, sketch.palette, 0.9 * easel.unit)
    stagecraft.float_up(easel, figures.turned(card, lean), w / 2, top + height / 2, coal, opacity=0.5)


def _lights(easel: Easel, sketch: Sketch, ground: float) -> None:
    """Points of light far behind."""
    short, chance, palette = min(easel.width, easel.height), easel.chance, sketch.palette
    drawn = ""
    for _ in range(11):
        place = (chance.uniform(0, easel.width), chance.uniform(0.04, 0.85) * ground)
        colour = chance.choice((palette.paper, palette.accent, palette.mist))
        drawn += disc(*place, chance.uniform(0.025, 0.085) * short, colour.hex, chance.uniform(0.18, 0.42))
    easel.haze(drawn, 0.006 * short, Box(0, 0, easel.width, ground))


def _calm(easel: Easel, sketch: Sketch) -> None:
    """Darkens downwards from the ground line, so that light captions are easy to read."""
    w, h = easel.width, easel.height
    easel.vignette(sketch.palette.ink, 0.20)
    easel.fade(Box(0, 0.50 * h, w, 0.50 * h), sketch.palette.coal, 0.0, 0.42, 0.68)
    easel.fade(Box(0, 0, w, 0.16 * h), sketch.palette.ink, 0.22, 0.0)
