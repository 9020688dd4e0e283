"""Practice pictures and clips: real files of the size that was asked for, with their maker's name on them."""

from __future__ import annotations

import asyncio
import io
import struct
import tempfile
import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from agentes.media import ffmpeg, fonts

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Clip", "another_length", "another_size", "clip", "picture"]

_FORMATS = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP"}
_LOOP_S = 2.0
_MOST_PIXELS = 40_000_000
_FRESH = 24
_SPREAD = 40
_FACE = Path(fonts.__file__).parent / "faces" / "Inter-SemiBold.ttf"


@dataclass(frozen=True)
class Clip:
    """What a clip is to be."""

    width: int
    height: int
    seconds: float
    fps: int = 24
    sound: bool = False

    @property
    def frames(self) -> int:
        return max(round(self.seconds * self.fps), 1)


def another_size(width: int, height: int) -> tuple[int, int]:
    """A size that nobody could take for the one that was asked for: smaller, and of another shape."""
    return max(width // 6 * 2, 16), max(height // 8 * 2, 16)


def another_length(seconds: float, *, longer: bool = False) -> float:
    """A length that nobody could take for the one that was asked for."""
    return seconds * 2 + 2 if longer or seconds < 4 else seconds / 2


async def picture(width: int, height: int, mime: str, label: str, mark: str) -> bytes:
    """A picture of that size and kind; the same bytes for the same label and mark."""
    if mime not in _FORMATS:
        raise ValueError(f"pictures are made as {', '.join(_FORMATS)}; not as {mime}")
    if not 1 <= width * height <= _MOST_PIXELS or min(width, height) < 1:
        raise ValueError(f"{width}x{height} is no size for a picture")
    return await asyncio.to_thread(_encoded, width, height, _FORMATS[mime], label, mark)


@lru_cache(maxsize=64)
def _encoded(width: int, height: int, form: str, label: str, mark: str) -> bytes:
    file = io.BytesIO()
    image = _drawn(width, height, label, mark)
    if form == "PNG":
        image.save(file, form, compress_level=6)
    elif form == "JPEG":
        image.save(file, form, quality=85)
    else:
        image.save(file, form, quality=80, method=0)
    return file.getvalue()


def _drawn(width: int, height: int, label: str, mark: str) -> Image:
    """A sun over two hills, with the label in the sky, clear of captions; the mark decides on the colours."""
    from PIL import Image, ImageDraw, ImageFont, ImageOps

    hue = zlib.crc32(mark.encode()) % 360
    stops = (_rgb(hue, 32), _rgb(hue + _SPREAD, 78), _rgb(hue + _SPREAD // 2, 55))
    sky = ImageOps.colorize(Image.linear_gradient("L"), *stops)
    picture = sky.resize((width, height), Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(picture)
    pen.circle((width * 0.5, height * 0.4), min(width, height) * 0.17, fill=_rgb(hue + _SPREAD, 90))
    pen.ellipse((-0.9 * width, 0.6 * height, 0.8 * width, 1.9 * height), fill=_rgb(hue, 34))
    pen.ellipse((0.1 * width, 0.66 * height, 2.1 * width, 1.9 * height), fill=_rgb(hue - _SPREAD // 2, 27))
    size = max(min(width, height) // 16, 8)
    font = ImageFont.truetype(str(_FACE), size)
    pen.multiline_text(
        (width / 2, height * 0.12),
        f"{label}\n{width} × {height}",
        font=font,
        fill="white",
        anchor="mm",
        align="center",
        spacing=size // 3,
    )
    return picture


def _rgb(hue: int, lightness: int) -> tuple[int, int, int]:
    from PIL import ImageColor

    red, green, blue = ImageColor.getrgb(f"hsl({hue % 360}, 55%, {lightness}%)")[:3]
    return red, green, blue


# ── clips ──────────────────────────────────────────────────────────────────────────────────────

_made: dict[tuple[Clip, str], bytes] = {}
_making: dict[tuple[asyncio.AbstractEventLoop, Clip, str], asyncio.Lock] = {}


async def clip(wanted: Clip, label: str, mark: str) -> bytes:
    """An mp4 of exactly that size, rate and length, in motion; with a soft tone if it has sound."""
    if not min(wanted.width, wanted.height) >= 16 or wanted.width * wanted.height > _MOST_PIXELS:
        raise ValueError(f"{wanted.width}x{wanted.height} is no size for a clip")
    if wanted.width % 2 or wanted.height % 2 or not 0.1 <= wanted.seconds <= 600:
        raise ValueError("a clip has even sides and lasts between 0.1 and 600 seconds")
    key = (wanted, label)
    place = (asyncio.get_running_loop(), *key)
    async with _making.setdefault(place, asyncio.Lock()):
        if key not in _made:
            while len(_made) >= _FRESH:
                _made.pop(next(iter(_made)))
            _made[key] = await _film(wanted, label)
    _making.pop(place, None)
    return _made[key] + _free_box(mark)


def _free_box(mark: str) -> bytes:
    """A part of an mp4 that players skip: it makes files of one kind differ."""
    content = mark.encode()
    return struct.pack(">I4s", 8 + len(content), b"free") + content


async def _film(wanted: Clip, label: str) -> bytes:
    """Films two seconds in which a light goes once around, and repeats them until the clip is long enough."""
    loop = min(round(_LOOP_S * wanted.fps), wanted.frames)
    with tempfile.TemporaryDirectory(prefix="agentes-sandbox-") as folder:
        still, light = Path(folder, "still.png"), Path(folder, "light.png")
        turn, film = Path(folder, "turn.mp4"), Path(folder, "film.mp4")
        await asyncio.to_thread(_stage_set, wanted, label, still, light)
        angle = f"2*PI*n/{loop}"
        graph = (
            f"[0:v]loop=-1:1,fps={wanted.fps},format=yuv420p[s];"
            f"[s][1:v]overlay=x='(W-w)/2+(W-w)/3*cos({angle})':y='H*2/5-h/2+H/6*sin({angle})',format=yuv420p[v]"
        )
        await ffmpeg.run(
            [
                *("-framerate", str(wanted.fps), "-i", ffmpeg.local(still), "-i", ffmpeg.local(light)),
                *("-filter_complex", graph, "-map", "[v]", "-frames:v", str(loop)),
                *("-c:v", "libx264", "-preset", "ultrafast", "-crf", "40", "-threads", "1"),
                *("-video_track_timescale", str(wanted.fps * 512), *ffmpeg.BITEXACT),
            ],
            deadline_s=120,
            into=turn,
        )
        length_s = wanted.frames / wanted.fps
        tone = (
            ("-f", "lavfi", "-i", f"sine=frequency=220:sample_rate=48000:duration={length_s:.6f}"),
            ("-map", "1:a", "-af", "tremolo=f=3:d=0.6,volume=1.4,aformat=channel_layouts=stereo"),
            ("-c:a", "aac", "-b:a", "64k"),
        )
        await ffmpeg.run(
            [
                *("-stream_loop", "-1", "-i", ffmpeg.local(turn), *(tone[0] if wanted.sound else ())),
                *("-map", "0:v", "-c:v", "copy", "-frames:v", str(wanted.frames)),
                *((*tone[1], *tone[2]) if wanted.sound else ()),
                *("-video_track_timescale", str(wanted.fps * 512), *ffmpeg.BITEXACT),
                *("-movflags", "+faststart"),
            ],
            deadline_s=120,
            into=film,
        )
        return film.read_bytes()


def _stage_set(wanted: Clip, label: str, still: Path, light: Path) -> None:
    from PIL import Image, ImageDraw

    _drawn(wanted.width, wanted.height, label, label).save(still, "PNG", compress_level=1)
    side = max(min(wanted.width, wanted.height) // 6 // 2 * 2, 4)
    lamp = Image.new("RGBA", (side, side))
    ImageDraw.Draw(lamp).circle((side / 2, side / 2), side / 2 - 1, fill=(255, 255, 255, 235))
    lamp.save(light, "PNG")
