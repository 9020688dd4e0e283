"""Tiny real media for tests: a few frames, a second of sound, a picture with something on it."""

from __future__ import annotations

import subprocess
from pathlib import Path

from PIL import Image, ImageDraw, ImageStat

from agentes.media import ffmpeg

__all__ = ["clip", "extremes", "ffmpeg_makes", "frame", "frames", "keyframe", "silence", "tone"]

WIDTH, HEIGHT = 160, 284


def ffmpeg_makes(path: Path, *args: str) -> Path:
    """Whatever ffmpeg makes of the arguments, written to `path`."""
    subprocess.run(
        [ffmpeg.binary(), "-v", "error", "-nostdin", "-y", *args, f"file:{path}"],
        check=True,
        capture_output=True,
    )
    return path


def clip(
    path: Path,
    *,
    seconds: float = 2,
    fps: int = 30,
    width: int = WIDTH,
    height: int = HEIGHT,
    picture: str = "testsrc2",
    sound: str | None = None,
    more: tuple[str, ...] = (),
) -> Path:
    """A moving test picture, with the sound of a lavfi source if one is named."""
    joint = "=" if "=" not in picture else ":"
    heard = ("-f", "lavfi", "-i", sound, "-c:a", "aac", "-shortest") if sound else ()
    return ffmpeg_makes(
        path,
        *("-f", "lavfi", "-i", f"{picture}{joint}s={width}x{height}:r={fps}:d={seconds}"),
        *heard,
        *("-t", str(seconds), "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"),
        *("-movflags", "+faststart", *more),
    )


def tone(path: Path, *, seconds: float = 2, db: float = 0, channels: int = 1) -> Path:
    """A wavering tone; at 0 dB its loudness is near −22 LUFS."""
    return ffmpeg_makes(
        path,
        *("-f", "lavfi", "-i", f"sine=f=220:r=48000:d={seconds}"),
        *("-af", f"tremolo=f=3:d=0.7,volume={db}dB", "-ac", str(channels), "-c:a", "pcm_s16le"),
    )


def silence(path: Path, *, seconds: float = 2) -> Path:
    """Nothing to hear, for a while."""
    return ffmpeg_makes(path, "-f", "lavfi", "-i", f"anullsrc=r=48000:cl=mono:d={seconds}")


def keyframe(path: Path, *, width: int = WIDTH, height: int = HEIGHT, hue: int = 20) -> Path:
    """A picture with edges to follow: a gradient, a disc, and bars."""
    picture = Image.new("RGB", (width, height))
    draw = ImageDraw.Draw(picture)
    for row in range(height):
        draw.line([(0, row), (width, row)], fill=(90 + hue, 60 + 120 * row // height, 200 - hue))
    for column in range(8, width, 24):
        draw.rectangle([column, height // 8, column + 6, height // 4], fill=(240, 230, 210))
    side = min(width, height) // 3
    middle = (width // 2, height // 2)
    draw.ellipse(
        [middle[0] - side, middle[1] - side, middle[0] + side, middle[1] + side], fill=(250, 240, 60 + hue)
    )
    picture.save(path)
    return path


def frames(path: Path, *, width: int = WIDTH, height: int = HEIGHT) -> list[Image.Image]:
    """Every frame of a clip, as a picture in greys."""
    made = subprocess.run(
        [
            *(ffmpeg.binary(), "-v", "error", "-nostdin", "-i", f"file:{path}"),
            *("-map", "0:v", "-f", "rawvideo", "-pix_fmt", "gray", "-"),
        ],
        check=True,
        capture_output=True,
    ).stdout
    size = width * height
    return [
        Image.frombytes("L", (width, height), made[start : start + size])
        for start in range(0, len(made), size)
    ]


def frame(path: Path, at_s: float, *, fps: int = 30) -> Image.Image:
    """The frame of a clip at a moment, as a picture in greys."""
    return frames(path)[round(at_s * fps)]


def extremes(grey: Image.Image) -> tuple[float, float]:
    """The darkest and the brightest point of a picture in greys."""
    darkest, brightest = ImageStat.Stat(grey).extrema[0]
    return darkest, brightest
