"""Colours as people see them: lightness, strength and hue (OKLCH), to and from hex."""

from __future__ import annotations

import math
import re
from typing import NamedTuple

__all__ = ["Colour", "difference", "from_rgb", "mix", "parse"]


class Colour(NamedTuple):
    """Lightness 0–1, chroma 0–0.37 and hue in degrees."""

    light: float
    chroma: float
    hue: float

    @property
    def hex(self) -> str:
        """As "#rrggbb", with less chroma where no screen could show it."""
        return "#{:02x}{:02x}{:02x}".format(*self.rgb)

    @property
    def rgb(self) -> tuple[int, int, int]:
        colour = self
        while (channels := _channels(colour)) is None:
            colour = colour._replace(chroma=colour.chroma - 0.004)
        return channels

    def at(self, light: float | None = None, chroma: float | None = None, turn: float = 0.0) -> Colour:
        """The same colour with another lightness or chroma, or further round the wheel."""
        return Colour(
            self.light if light is None else min(max(light, 0.0), 1.0),
            self.chroma if chroma is None else max(chroma, 0.0),
            (self.hue + turn) % 360,
        )


def parse(hexadecimal: str) -> Colour | None:
    """The colour of "#abc", "aabbcc" or "#aabbcc"; None for anything else."""
    digits = hexadecimal.strip().removeprefix("#")
    if re.fullmatch(r"[0-9a-fA-F]{3}", digits):
        digits = "".join(digit * 2 for digit in digits)
    if not re.fullmatch(r"[0-9a-fA-F]{6}", digits):
        return None
    return from_rgb(int(digits[0:2], 16), int(digits[2:4], 16), int(digits[4:6], 16))


def from_rgb(red: float, green: float, blue: float) -> Colour:
    """The colour of three channels from 0 to 255."""
    r, g, b = (_linear(channel / 255) for channel in (red, green, blue))
    long = math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b)
    medium = math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b)
    short = math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b)
    light = 0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short
    a = 1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short
    b_ = 0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short
    return Colour(light, math.hypot(a, b_), math.degrees(math.atan2(b_, a)) % 360)


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """As much of the other colour as the share says, mixed the way light fades."""
    a1, b1 = _plane(one)
    a2, b2 = _plane(other)
    a, b = a1 + (a2 - a1) * share, b1 + (b2 - b1) * share
    light = one.light + (other.light - one.light) * share
    return Colour(light, math.hypot(a, b), math.degrees(math.atan2(b, a)) % 360)


def difference(one: Colour, other: Colour) -> float:
    """How far apart two colours look; below 0.15 one gets lost on the other."""
    return math.dist((one.light, *_plane(one)), (other.light, *_plane(other)))


def _plane(colour: Colour) -> tuple[float, float]:
    angle = math.radians(colour.hue)
    return colour.chroma * math.cos(angle), colour.chroma * math.sin(angle)


def _channels(colour: Colour) -> tuple[int, int, int] | None:
    a, b = _plane(colour)
    long = (colour.light + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (colour.light - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (colour.light - 0.0894841775 * a - 1.2914855480 * b) ** 3
    linear = (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )
    if colour.chroma > 0.004 and not all(-0.002 <= channel <= 1.002 for channel in linear):
        return None
    red, green, blue = (round(255 * _display(min(max(channel, 0.0), 1.0))) for channel in linear)
    return red, green, blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4


def _display(channel: float) -> float:
    return channel * 12.92 if channel <= 0.0031308 else 1.055 * channel ** (1 / 2.4) - 0.055
