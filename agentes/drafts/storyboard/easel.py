"""A canvas with the few gestures a storyboard needs: washes, vector shapes, soft light, figures, grain."""

from __future__ import annotations

import io
import math
import random
from array import array
from typing import TYPE_CHECKING, NamedTuple

import resvg_py
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from agentes.drafts.storyboard.colour import Colour, from_rgb

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Box", "Easel", "Glow"]

_SOFT_SIDE = 40  # cells along the longer side of a wash; bicubic scaling hides them
_HAZE_PIXELS = 120_000  # soft things are painted this small and scaled up
_GRAIN = 256


class Box(NamedTuple):
    """A place on the canvas, in pixels."""

    left: float
    top: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.left + self.width

    @property
    def bottom(self) -> float:
        return self.top + self.height

    @property
    def middle(self) -> tuple[float, float]:
        return self.left + self.width / 2, self.top + self.height / 2

    def inset(self, across: float, down: float | None = None) -> Box:
        down = across if down is None else down
        return Box(self.left + across, self.top + down, self.width - 2 * across, self.height - 2 * down)


class Glow(NamedTuple):
    """A colour that shines from a point; places are shares of the canvas, reach a share of its diagonal."""

    across: float
    down: float
    colour: Colour
    reach: float = 0.5


class Easel:
    """The picture being made; every gesture paints over what is there."""

    def __init__(self, width: int, height: int, seed: int) -> None:
        self.width, self.height = width, height
        self.image = Image.new("RGB", (width, height))
        self.chance = random.Random(seed)  # noqa: S311 - taste, not secrecy

    @property
    def whole(self) -> Box:
        return Box(0, 0, self.width, self.height)

    @property
    def unit(self) -> float:
        """A hundredth of the side of a square as large as the canvas, less where that would not fit."""
        return min(math.sqrt(self.width * self.height), 2.2 * min(self.width, self.height)) / 100

    @property
    def margin(self) -> float:
        return max(5.2 * self.unit, 8.0)

    def wash(self, glows: Iterable[Glow]) -> None:
        """Fills the canvas with colours that melt into one another."""
        glows = tuple(glows)
        longer = max(self.width, self.height)
        columns = max(2, round(_SOFT_SIDE * self.width / longer))
        rows = max(2, round(_SOFT_SIDE * self.height / longer))
        diagonal = math.hypot(self.width, self.height)
        cells: tuple[array[float], ...] = (array("f"), array("f"), array("f"))
        for row in range(rows):
            for column in range(columns):
                red = green = blue = total = 0.0
                for glow in glows:
                    distance = math.hypot(
                        (glow.across - (column + 0.5) / columns) * self.width,
                        (glow.down - (row + 0.5) / rows) * self.height,
                    )
                    weight = math.exp(-((distance / (glow.reach * diagonal)) ** 2) * 2.2) + 1e-6
                    r, g, b = glow.colour.rgb
                    red, green, blue = red + r * weight, green + g * weight, blue + b * weight
                    total += weight
                for channel, value in zip(cells, (red, green, blue), strict=True):
                    channel.append(value / total)
        channels = (Image.frombytes("F", (columns, rows), channel.tobytes()) for channel in cells)
        # resized as fractions: rounding first would leave a tartan of single steps
        full = (
            each.resize((self.width, self.height), Image.Resampling.BICUBIC).convert("L") for each in channels
        )
        self.image.paste(Image.merge("RGB", tuple(full)))

    def vector(self, shapes: str, box: Box | None = None) -> None:
        """Draws SVG elements whose coordinates are pixels of the canvas; a box saves drawing the rest."""
        left, top, width, height = self._cells(box or self.whole)
        if width > 0 and height > 0:
            layer = _rendered(shapes, (left, top, width, height), width, height)
            self.image.paste(layer, (left, top), layer)

    def haze(self, shapes: str, blur: float, box: Box | None = None) -> None:
        """Draws SVG elements out of focus."""
        left, top, width, height = self._cells((box or self.whole).inset(-2.5 * blur))
        if width <= 0 or height <= 0:
            return
        scale = min(1.0, math.sqrt(_HAZE_PIXELS / (width * height)), 6 / blur if blur > 6 else 1.0)
        small = (max(1, round(width * scale)), max(1, round(height * scale)))
        layer = _rendered(shapes, (left, top, width, height), *small).convert("RGBa")
        layer = layer.filter(ImageFilter.GaussianBlur(blur * scale)).resize(
            (width, height), Image.Resampling.BICUBIC
        )
        layer = layer.convert("RGBA")
        self.image.paste(layer, (left, top), layer)

    def soften(self, cell: int) -> None:
        """Puts everything painted so far out of focus."""
        small = self.image.resize(
            (max(2, self.width // cell), max(2, self.height // cell)), Image.Resampling.BOX
        )
        self.image = small.filter(ImageFilter.GaussianBlur(1.6)).resize(
            self.image.size, Image.Resampling.BICUBIC
        )

    def cover(self, picture: Image.Image) -> None:
        """Fills the canvas with a picture of its size."""
        self.image.paste(picture)

    def place(self, figure: Image.Image, left: float, top: float, opacity: float = 1.0) -> None:
        """Lays an RGBA picture on the canvas; what sticks out is cut off."""
        mask = figure.getchannel("A")
        if opacity < 1:
            mask = mask.point(lambda level: round(level * opacity))
        self.image.paste(figure.convert("RGB"), (round(left), round(top)), mask)

    def shadow(
        self, figure: Image.Image, left: float, top: float, colour: Colour, blur: float, opacity: float
    ) -> None:
        """The shade a figure throws on what is right behind it."""
        pad = math.ceil(3 * blur)
        scale = min(1.0, 5 / blur) if blur > 0 else 1.0
        small = figure.getchannel("A").resize(
            (max(1, round(figure.width * scale)), max(1, round(figure.height * scale))), Image.Resampling.BOX
        )
        padded = Image.new("L", (small.width + 2 * round(pad * scale), small.height + 2 * round(pad * scale)))
        padded.paste(small, (round(pad * scale), round(pad * scale)))
        mask = padded.filter(ImageFilter.GaussianBlur(blur * scale)).point(
            lambda level: round(level * opacity)
        )
        mask = mask.resize((figure.width + 2 * pad, figure.height + 2 * pad), Image.Resampling.BICUBIC)
        self.image.paste(colour.rgb, (round(left) - pad, round(top) - pad), mask)

    def fade(self, box: Box, colour: Colour, *opacities: float) -> None:
        """A veil over a box, from one opacity to the next on its way from top to bottom."""
        left, top, width, height = self._cells(box)
        if width <= 0 or height <= 0:
            return
        steps = 96
        stages = len(opacities) - 1
        veil = bytearray()
        for step in range(steps):
            along = step / (steps - 1) * stages
            stage = min(int(along), stages - 1)
            start, end = opacities[stage], opacities[stage + 1]
            veil.append(round(255 * (start + (end - start) * _eased(along - stage))))
        mask = Image.frombytes("L", (1, steps), bytes(veil)).resize((width, height), Image.Resampling.BICUBIC)
        self.image.paste(colour.rgb, (left, top), mask)

    def dots(self, step: float, radius: float, colour: Colour, opacity: float) -> None:
        """Strews a fine grid of dots over the whole canvas."""
        side = max(3, round(step))
        centre, reach = (side - 1) / 2, max(radius, 0.6)
        levels = bytes(
            round(255 * opacity * min(max(reach + 0.5 - math.hypot(x - centre, y - centre), 0.0), 1.0))
            for y in range(side)
            for x in range(side)
        )
        tile = Image.frombytes("L", (side, side), levels)
        row = _tiled(tile, self.width, side)
        self.image.paste(colour.rgb, mask=_tiled(row, self.width, self.height))

    def vignette(self, colour: Colour, strength: float) -> None:
        """Darkens the corners a little, so that the eye stays inside."""
        side = 32
        levels = bytearray()
        for row in range(side):
            for column in range(side):
                out = math.hypot((column + 0.5) / side - 0.5, (row + 0.5) / side - 0.5) / 0.707
                levels.append(round(255 * strength * max(0.0, out - 0.45) ** 1.6 / 0.55**1.6))
        mask = Image.frombytes("L", (side, side), bytes(levels))
        self.image.paste(colour.rgb, mask=mask.resize(self.image.size, Image.Resampling.BICUBIC))

    def grain(self, strength: int) -> None:
        """Gives the surface a tooth, which also hides the steps of soft gradients."""
        levels = bytes(
            128 + byte % (2 * strength + 1) - strength for byte in self.chance.randbytes(_GRAIN**2)
        )
        tile = Image.frombytes("L", (_GRAIN, _GRAIN), levels)
        sheet = _tiled(tile, self.width, self.height)
        self.image = ImageChops.add(self.image, Image.merge("RGB", (sheet,) * 3), 1, -128)

    def average(self, box: Box) -> Colour:
        """The colour of a place, seen from far away."""
        left, top, width, height = self._cells(box)
        if width <= 0 or height <= 0:
            return from_rgb(128, 128, 128)
        pixel = self.image.resize(
            (1, 1), Image.Resampling.BOX, (left, top, left + width, top + height)
        ).getpixel((0, 0))
        red, green, blue = pixel  # type: ignore[misc]
        return from_rgb(red, green, blue)

    @property
    def pen(self) -> ImageDraw.ImageDraw:
        return ImageDraw.Draw(self.image, "RGBA")

    def _cells(self, box: Box) -> tuple[int, int, int, int]:
        left, top = max(0, math.floor(box.left)), max(0, math.floor(box.top))
        right, bottom = min(self.width, math.ceil(box.right)), min(self.height, math.ceil(box.bottom))
        return left, top, right - left, bottom - top


def _rendered(shapes: str, view: tuple[int, int, int, int], width: int, height: int) -> Image.Image:
    frame = " ".join(str(number) for number in view)
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="{frame}" '
        f'preserveAspectRatio="none">{shapes}</svg>'
    )
    return Image.open(io.BytesIO(resvg_py.svg_to_bytes(svg_string=svg, skip_system_fonts=True))).convert(
        "RGBA"
    )


def _tiled(tile: Image.Image, width: int, height: int) -> Image.Image:
    sheet = Image.new("L", (width, height))
    for top in range(0, height, tile.height):
        for left in range(0, width, tile.width):
            sheet.paste(tile, (left, top))
    return sheet


def _eased(share: float) -> float:
    return share * share * (3 - 2 * share)
