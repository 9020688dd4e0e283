"""The draft picture: a designed storyboard frame, drawn on this machine, free and the same every time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from agentes.contract import Done, File
from shared_knowledge.errors import Broken, Unsuitable
from shared_knowledge.vocabulary import PhotoSpec

if TYPE_CHECKING:
    from pathlib import Path

    from PIL.Image import Image

    from shared_knowledge.vocabulary import Order

__all__ = ["Adapter"]

_NAME = "picture.png"
_SHORTEST_SIDE_PX = 64
_MOST_PIXELS = 40_000_000
_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/algorithmicMedia"
_COMPRESSION = 3


class Adapter:
    """Draws what an order asks for; needs no key and no network."""

    async def start(self, desk: Path, order: Order) -> Done:
        """Writes `picture.png` of exactly the size asked for; the same order gives the same bytes."""
        return await asyncio.to_thread(_make, desk, order)


def _make(desk: Path, order: Order) -> Done:
    from agentes.drafts.storyboard import draw, sketch
    from agentes.media.fonts import visible

    spec = order.spec
    if not isinstance(spec, PhotoSpec):
        raise Unsuitable(
            f"draft_picture draws pictures; this task is a {spec.medium}.", platform="draft_picture"
        )
    if min(spec.width, spec.height) < _SHORTEST_SIDE_PX or spec.width * spec.height > _MOST_PIXELS:
        raise Unsuitable(
            f"{spec.width}×{spec.height} is outside what a draft can be: at least {_SHORTEST_SIDE_PX} pixels a side, "
            f"at most {_MOST_PIXELS // 1_000_000} megapixels.",
            platform="draft_picture",
        )
    picture, unread = _first_readable(order.inputs, 2 * max(spec.width, spec.height))
    plan, unwritten = sketch(order, spec, picture)
    _write(draw(plan, spec.width, spec.height), desk, visible(spec.subject)[:200])
    return Done(
        File(_NAME),
        warnings=(*unread, *unwritten),
        measured={
            "pictogram": plan.figure,
            "palette": [
                getattr(plan.palette, role).hex for role in ("paper", "mist", "tone", "accent", "ink")
            ],
        },
    )


def _first_readable(paths: tuple[str, ...], longest_side: int) -> tuple[Image | None, tuple[str, ...]]:
    """The first of the given files that is a picture, and a sentence for each before it that is not."""
    from PIL import Image, ImageOps

    warnings = []
    for path in paths:
        try:
            with Image.open(path, formats=("PNG", "JPEG", "WEBP")) as opened:
                if opened.width * opened.height > _MOST_PIXELS:
                    warnings.append(f"The reference {path} has too many pixels to be shown in the draft.")
                    continue
                opened.draft("RGB", (longest_side, longest_side))
                picture = ImageOps.exif_transpose(opened).convert("RGB")
        except (
            OSError,
            SyntaxError,
            ValueError,
            Image.DecompressionBombError,
            Image.DecompressionBombWarning,
        ) as why:
            warnings.append(f"The reference {path} cannot be shown in the draft: {why}.")
        else:
            picture.thumbnail((longest_side, longest_side))
            return picture, tuple(warnings)
    return None, tuple(warnings)


def _write(image: Image, desk: Path, subject: str) -> None:
    from PIL.PngImagePlugin import PngInfo

    about = f"Agentes draft picture, drawn from shapes as a stand-in for the real one: {subject}"
    marks = PngInfo()
    marks.add_text("Software", "Agentes draft_picture")
    marks.add_text("Description", about)
    marks.add_itxt("XML:com.adobe.xmp", _xmp(about))
    part = desk / f"{_NAME}.part"
    try:
        image.save(part, "PNG", compress_level=_COMPRESSION, pnginfo=marks)
        part.replace(desk / _NAME)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise Broken(
            f"The draft picture could not be written to {desk}: {error.strerror or error}.",
            todo="Make room or choose another folder with --out.",
        ) from error


def _xmp(about: str) -> str:
    """What IPTC asks of a picture made by a program that is no trained model."""
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" '
        'xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">'
        f"<Iptc4xmpExt:DigitalSourceType>{_SOURCE_TYPE}</Iptc4xmpExt:DigitalSourceType>"
        "<xmp:CreatorTool>Agentes draft_picture</xmp:CreatorTool>"
        f'<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{escape(about)}</rdf:li></rdf:Alt></dc:description>'
        "</rdf:Description></rdf:RDF></x:xmpmeta>"
    )
