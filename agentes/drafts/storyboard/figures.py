"""The things that stand in a frame: pictograms with light on them, monograms, and pictures in a mount."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont, ImageOps

from agentes.drafts.storyboard.colour import Colour, from_rgb
from agentes.media import art, fonts

if TYPE_CHECKING:
    from agentes.drafts.storyboard.palette import Palette

__all__ = [
    "average",
    "blurred_cover",
    "monogram",
    "mount",
    "out_of_focus",
    "outlined",
    "pictogram",
    "reflection",
    "turned",
]

_SAMPLE = 64


def average(name: str, tint: str | None) -> Colour:
    """The overall colour of a pictogram."""
    small = art.draw(name, _SAMPLE, tint)
    red, green, blue, alpha = (
        sum(value * count for value, count in enumerate(channel.histogram()))
        for channel in (*_weighted(small), small.getchannel("A"))
    )
    return from_rgb(255 * red / alpha, 255 * green / alpha, 255 * blue / alpha)


def _weighted(figure: Image.Image) -> tuple[Image.Image, ...]:
    alpha = figure.getchannel("A")
    return tuple(ImageChops.multiply(channel, alpha) for channel in figure.split()[:3])


def pictogram(name: str, side: float, palette: Palette, tint: str | None = None) -> Image.Image:
    """A pictogram whose longer side is given, without empty borders, lit from the upper left."""
    left, top, right, bottom = art.draw(name, _SAMPLE, tint).getbbox() or (0, 0, _SAMPLE, _SAMPLE)
    full = max(8, round(side * _SAMPLE / max(right - left, bottom - top)))
    drawn = art.draw(name, full, tint)
    figure = drawn.crop(drawn.getbbox())
    return _lit(figure, palette)


def _lit(figure: Image.Image, palette: Palette) -> Image.Image:
    """A warm light from above and a little of the room's colour below, only where the figure is."""
    bright = bytes(max(0, 46 - 5 * (row + column)) for row in range(8) for column in range(8))
    dim = bytes(max(0, 6 * (row + column) - 34) for row in range(8) for column in range(8))
    lit = figure.convert("RGB")
    for levels, colour in ((bright, (255, 250, 240)), (dim, palette.ink.rgb)):
        mask = Image.frombytes("L", (8, 8), levels).resize(figure.size, Image.Resampling.BICUBIC)
        lit.paste(colour, mask=mask)
    lit.putalpha(figure.getchannel("A"))
    return lit


def monogram(letter: str, side: float, palette: Palette) -> Image.Image:
    """A seal with one letter, for subjects that no pictogram shows."""
    size = max(16, round(side))
    seal = Image.new("RGBA", (2 * size, 2 * size))
    pen = ImageDraw.Draw(seal)
    pen.ellipse((0, 0, 2 * size - 1, 2 * size - 1), fill=palette.accent.rgb)
    edge = size // 10
    pen.ellipse(
        (edge, edge, 2 * size - edge, 2 * size - edge), outline=palette.paper.rgb, width=max(2, size // 45)
    )
    if letter:
        path = fonts.face(style="display" if fonts.can_write(letter, "display") else "text", weight=700)
        pen.text(
            (size, size),
            letter,
            fill=palette.paper.rgb,
            font=ImageFont.truetype(str(path), size),
            anchor="mm",
        )
    else:
        third = 2 * size // 3
        pen.ellipse((third, third, 2 * third, 2 * third), fill=palette.paper.rgb)
    return _lit(seal.resize((size, size), Image.Resampling.LANCZOS), palette)


def mount(picture: Image.Image, width: float, height: float, palette: Palette, border: float) -> Image.Image:
    """A picture that covers its frame, with a paper border and round corners."""
    size = (max(2, round(width)), max(2, round(height)))
    edge = min(round(border), min(size) // 4)
    sheet = Image.new("RGBA", size, (*palette.paper.at(light=0.985, chroma=0.006).rgb, 255))
    inner = (max(1, size[0] - 2 * edge), max(1, size[1] - 2 * edge))
    sheet.paste(
        ImageOps.fit(picture.convert("RGB"), inner, Image.Resampling.LANCZOS, centering=(0.5, 0.45)),
        (edge, edge),
    )
    mask = Image.new("L", (2 * size[0], 2 * size[1]))
    ImageDraw.Draw(mask).rounded_rectangle(
        (0, 0, 2 * size[0] - 1, 2 * size[1] - 1), radius=max(2, 2.4 * edge), fill=255
    )
    sheet.putalpha(mask.resize(size, Image.Resampling.LANCZOS))
    return sheet


def blurred_cover(picture: Image.Image, width: int, height: int) -> Image.Image:
    """The picture over the whole canvas, so far out of focus that only its colours are left."""
    small = ImageOps.fit(picture.convert("RGB"), (max(2, width // 24), max(2, height // 24)))
    return small.filter(ImageFilter.GaussianBlur(2)).resize((width, height), Image.Resampling.BICUBIC)


def out_of_focus(figure: Image.Image, scale: int) -> Image.Image:
    """The figure so near the lens that it blurs, that many times as large."""
    edge = max(4, max(figure.size) // 7)
    padded = Image.new("RGBA", (figure.width + 2 * edge, figure.height + 2 * edge))
    padded.paste(figure, (edge, edge))
    soft = padded.convert("RGBa").filter(ImageFilter.GaussianBlur(0.045 * max(figure.size)))
    return soft.resize((scale * soft.width, scale * soft.height), Image.Resampling.BICUBIC).convert("RGBA")


def turned(figure: Image.Image, degrees: float) -> Image.Image:
    """The figure leaning to the left (or, below zero, to the right)."""
    return figure.rotate(degrees, Image.Resampling.BICUBIC, expand=True) if degrees else figure


def outlined(figure: Image.Image, width: float, colour: Colour) -> Image.Image:
    """The figure cut out like a sticker, with a border of one colour."""
    edge = max(1, round(width))
    scale = min(1.0, 6 / edge)
    alpha = Image.new("L", (figure.width + 2 * edge, figure.height + 2 * edge))
    alpha.paste(figure.getchannel("A"), (edge, edge))
    small = alpha.resize(
        (max(1, round(alpha.width * scale)), max(1, round(alpha.height * scale))), Image.Resampling.BOX
    )
    grown = small.filter(ImageFilter.GaussianBlur(max(edge * scale * 0.62, 0.6)))
    grown = grown.resize(alpha.size, Image.Resampling.BICUBIC).point(
        lambda level: min(255, max(0, (level - 18) * 9))
    )
    sticker = Image.new("RGBA", alpha.size, (*colour.rgb, 255))
    sticker.putalpha(grown)
    sticker.alpha_composite(figure, (edge, edge))
    return sticker


def reflection(figure: Image.Image, depth: float, strength: float) -> Image.Image:
    """What a polished floor gives back of a figure standing on it."""
    height = max(1, round(figure.height * depth))
    flipped = ImageOps.flip(figure).crop((0, 0, figure.width, height))
    falling = Image.frombytes(
        "L", (1, 16), bytes(round(255 * strength * (1 - row / 15) ** 2) for row in range(16))
    )
    flipped.putalpha(
        ImageChops.multiply(flipped.getchannel("A"), falling.resize(flipped.size, Image.Resampling.BICUBIC))
    )
    return flipped
