"""Draws a pictogram at any size, from the vector files shipped beside this module."""

from __future__ import annotations

import io
import re
import zipfile
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from shared_knowledge.errors import Broken

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["draw", "svg"]

_HERE = Path(__file__).parent


def draw(name: str, size: int, tint: str | None = None) -> Image:
    """The pictogram as a square RGBA picture; a tint such as "#c4693f" recolours those that can be."""
    import resvg_py
    from PIL import Image

    body = svg(name)
    if tint is not None:
        body = re.sub(r'(<svg[^>]* color=")[^"]*', rf"\g<1>{tint}", body, count=1)
    drawn = resvg_py.svg_to_bytes(svg_string=body, width=size, height=size, skip_system_fonts=True)
    return Image.open(io.BytesIO(drawn)).convert("RGBA")


@lru_cache(maxsize=64)
def svg(name: str) -> str:
    """The vector file of a pictogram: our own drawing if there is one, else the gathered one."""
    own = _HERE / "drawn" / f"{name}.svg"
    if own.is_file():
        return own.read_text("utf-8")
    try:
        with zipfile.ZipFile(_HERE / "pictograms.zip") as packed:
            return packed.read(f"{name}.svg").decode("utf-8")
    except KeyError as error:
        raise Broken(f"There is no pictogram called {name!r}.", todo="Names come from `find`.") from error
