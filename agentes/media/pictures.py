"""A picture is sent along as it is where the platform takes it so, and otherwise as a copy that it takes."""

from __future__ import annotations

import asyncio
import hashlib
import math
from collections.abc import Iterator
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from agentes.media import probe
from agentes.media.probe import Probed
from agentes.media.shelf import disk_in_words
from shared_knowledge.canvas import ratio_of
from shared_knowledge.errors import Unsuitable
from shared_knowledge.platform_facts import PictureLimits
from shared_knowledge.vocabulary import Medium, Size

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["cut_to_shape", "fit_picture"]

_KINDS = {"image/png": "png", "image/jpeg": "jpeg", "image/webp": "webp"}
_SUFFIXES = {"png": (".png",), "jpeg": (".jpg", ".jpeg"), "webp": (".webp",)}
_MB = 1_000_000
_MOST_PIXELS = 40_000_000
_SHAPE_TOLERANCE = Fraction(2, 100)
_ORIENTATION = 0x0112
_UPRIGHT = (0, 1)
_SMALLER = 0.8
_LEAST_SIDE = 64
_WAYS: dict[str, tuple[dict[str, int], ...]] = {
    "png": ({},),
    "jpeg": ({"quality": 93, "subsampling": 0}, {"quality": 85}),
    "webp": ({"quality": 92}, {"quality": 84}),
}


async def fit_picture(path: Path, limits: PictureLimits, desk: Path) -> Path:
    """The picture itself if it is within the limits, upright and rightly named, else a copy on the desk that is.

    Unsuitable, in exact words, if it is no picture, is damaged, or cannot be brought within them.
    """
    try:
        found = await probe.measure(path)
    except Unsuitable as error:
        raise Unsuitable(f"{path.name} cannot be sent along: {error.what}") from error
    if found.medium is not Medium.PHOTO:
        raise Unsuitable(f"{path.name} cannot be sent along: it is no picture but {found.mime}.")
    return await asyncio.to_thread(_fitted, path, found, limits, desk)


async def cut_to_shape(path: Path, aspect_ratio: str, desk: Path) -> Path:
    """The picture itself if it has the shape, else a copy on the desk cut to it around its middle.

    A clip takes the shape of the picture it starts from, so a wrong one would be paid for in vain.
    """
    return await asyncio.to_thread(_cut, path, ratio_of(aspect_ratio), desk)


def _cut(path: Path, ratio: Fraction, desk: Path) -> Path:
    from PIL import Image, ImageOps

    with disk_in_words(f"{path.name} could not be cut to the shape of the clip"):
        try:
            with Image.open(path, formats=("PNG", "JPEG", "WEBP")) as picture:
                size = (
                    ImageOps.exif_transpose(picture).size
                    if picture.width * picture.height <= _MOST_PIXELS
                    else None
                )
                if size is None or abs(Fraction(*size) / ratio - 1) <= _SHAPE_TOLERANCE:
                    return path
                across = min(size[0], math.floor(size[1] * ratio))
                down = min(size[1], math.floor(size[0] / ratio))
                whole = _plain(ImageOps.exif_transpose(picture))
                left, top = (size[0] - across) // 2, (size[1] - down) // 2
                cut = whole.crop((left, top, left + across, top + down))
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            return path  # what it is, and why it cannot be sent, is said when it is made fit
        copy = desk / f"cut-{across}x{down}.png"
        part = copy.with_suffix(".part")
        cut.save(part, "PNG")
        return part.replace(copy)


def _fitted(path: Path, found: Probed, limits: PictureLimits, desk: Path) -> Path:
    from PIL import Image

    assert found.width is not None
    assert found.height is not None
    kind, size = _KINDS[found.mime], Size(found.width, found.height)
    _check_shortest(path, size, limits, "it is")
    with disk_in_words(f"{path.name} could not be made fit to be sent along"):
        with Image.open(path, formats=("PNG", "JPEG", "WEBP")) as picture:
            turned = picture.getexif().get(_ORIENTATION, 1) not in _UPRIGHT
            moving = getattr(picture, "n_frames", 1) > 1
            named = path.suffix.lower() in _SUFFIXES[kind]
            light = kind in limits.kinds and found.size_bytes <= limits.most_mb * _MB
            if named and light and not turned and not moving and _scale(size, limits) == 1:
                return path
            copy = desk / f"fitted-{_number(path, limits)}"
            made = next((p for each in _SUFFIXES.values() if (p := copy.with_suffix(each[0])).exists()), None)
            if made is not None:
                return made
            try:
                first, content = _made(path, picture, kind, limits)
            except (OSError, ValueError, SyntaxError) as error:
                raise Unsuitable(f"{path.name} cannot be sent along: it cannot be decoded.") from error
        part = copy.with_suffix(".part")
        part.write_bytes(content)
        return part.replace(copy.with_suffix(_SUFFIXES[first][0]))


def _made(path: Path, picture: Image, kind: str, limits: PictureLimits) -> tuple[str, bytes]:
    """The picture within the limits: its kind, and its bytes."""
    from PIL import Image, ImageOps

    profile = picture.info.get("icc_profile") if picture.mode in ("RGB", "RGBA") else None
    plain = _plain(ImageOps.exif_transpose(picture))
    scale = _scale(Size(*plain.size), limits)
    while True:
        size = Size(*(max(1, math.floor(side * scale)) for side in plain.size))
        _check_shortest(path, size, limits, "within the platform's limits it would be")
        scaled = plain if size == plain.size else plain.resize(size, Image.Resampling.LANCZOS)
        for way, content in _ways(scaled, kind, limits, profile):
            if len(content) <= limits.most_mb * _MB:
                return way, content
        if min(size) * _SMALLER < _LEAST_SIDE:
            raise Unsuitable(f"{path.name} cannot be brought under {limits.most_mb} MB.")
        scale *= _SMALLER


def _ways(
    picture: Image, kind: str, limits: PictureLimits, profile: bytes | None
) -> Iterator[tuple[str, bytes]]:
    """The picture written in every way the platform reads, the most faithful first."""
    from PIL import Image

    clear = picture.mode == "RGBA"
    order = ("png", "webp", "jpeg") if clear else ("jpeg", "webp", "png")
    for way in sorted((each for each in order if each in limits.kinds), key=lambda each: each != kind):
        written = picture
        if clear and way == "jpeg":
            written = Image.new("RGB", picture.size, "white")
            written.paste(picture, mask=picture.getchannel("A"))
        for setting in _WAYS[way]:
            into = BytesIO()
            written.save(into, way.upper(), icc_profile=profile, **setting)
            yield way, into.getvalue()


def _plain(picture: Image) -> Image:
    """The picture in eight bits a colour, with transparency only where it has some."""
    if picture.mode in ("I", "F") or picture.mode.startswith("I;16"):
        return picture.convert("I").point(lambda value: value * (1 / 256)).convert("L").convert("RGB")
    clear = "A" in picture.getbands() or "transparency" in picture.info
    plain = picture.convert("RGBA" if clear else "RGB")
    if clear and plain.getchannel("A").getextrema() == (255, 255):
        return plain.convert("RGB")
    return plain


def _scale(size: Size, limits: PictureLimits) -> float:
    if limits.megapixels is None:
        return 1.0
    return min(1.0, math.sqrt(float(limits.megapixels) * 1_000_000 / (size.width * size.height)))


def _check_shortest(path: Path, size: Size, limits: PictureLimits, which: str) -> None:
    if limits.shortest_side is not None and min(size) < limits.shortest_side:
        raise Unsuitable(
            f"{path.name} is too small to be sent along: {which} {size.width}x{size.height}, "
            f"and its shorter side must have {limits.shortest_side} pixels."
        )


def _number(path: Path, limits: PictureLimits) -> str:
    """The same for the same picture and limits, so that a repeated order finds its copy again."""
    digest = hashlib.sha256(limits.model_dump_json().encode())
    digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
