"""A clip without a camera: each shot's keyframe under a slow, steady pan, fading into the next."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from math import gcd
from pathlib import Path
from typing import TYPE_CHECKING

from agentes.contract import Done, File
from agentes.media import ffmpeg, headers
from shared_knowledge.errors import Unsuitable
from shared_knowledge.vocabulary import Medium, Order, Size, VideoSpec

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Adapter"]

_FADE_S = 0.5
_ROOM = 0.08
_SHORTEST = 2
_DIRECTIONS = ((1, 0), (0, 1), (-1, 0), (0, -1), (1, 1), (-1, -1), (1, -1), (-1, 1))

# A frame is cut out of a ready picture at an even pixel, because the colour planes are half as
# wide. To move by less, the picture is kept in several copies, each shifted by some eighths of a pixel.
_EIGHTHS = 8
_EVEN = 2 * _EIGHTHS
_SPEEDS = (1, 2, 3, 4, 6, 8, 12)


class Adapter:
    """Animates keyframes on this machine: exact frames, exact size, silent, free."""

    async def start(self, desk: Path, order: Order) -> Done:
        """Writes `clip.mp4`; the same order and the same pictures give the same bytes."""
        spec = order.spec
        assert isinstance(spec, VideoSpec)
        if not order.inputs:
            raise Unsuitable("A draft clip is animated from keyframes, and there are none.")
        keyframes = [_checked(Path(name)) for name in order.inputs]
        frames = round(spec.duration_s * spec.fps)
        if frames < 1:
            raise Unsuitable(f"{spec.duration_s:g} s at {spec.fps} frames per second is less than one frame.")
        fade = _fade(spec, frames)
        takes = _takes(spec, frames, fade)
        canvas = _canvas(spec)
        await ffmpeg.run(
            [
                *("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{canvas.width}x{canvas.height}"),
                *("-r", str(spec.fps), "-i", "pipe:0"),
                *("-filter_complex", _graph(spec, takes, canvas, fade), "-map", "[film]"),
                *("-frames:v", str(frames), "-c:v", "libx264", "-preset", "veryfast", "-crf", "20"),
                # A fixed number of threads: the encoder's bytes depend on it.
                *("-profile:v", "high", "-pix_fmt", "yuv420p", "-threads", "4"),
                *ffmpeg.BITEXACT,
                *("-metadata", "comment=draft: keyframes animated on this machine"),
                *("-movflags", "+faststart"),
            ],
            deadline_s=120 + 20 * spec.duration_s,
            into=desk / "clip.mp4",
            feed=_copies(keyframes, takes, canvas, spec),
        )
        return Done(File("clip.mp4"), warnings=_honest(spec))


def _honest(spec: VideoSpec) -> tuple[str, ...]:
    return ("The draft clip is silent: sound was asked for.",) if spec.audio else ()


def _checked(path: Path) -> Path:
    kind = headers.sniff(path)
    if kind is None or kind.medium is not Medium.PHOTO:
        raise Unsuitable(f"{path.name} is not a picture: a draft clip is animated from keyframes.")
    return path


# ── the clock ──────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class _Take:
    """One shot on film: how many frames, which way it drifts, how many eighths of a pixel a frame."""

    frames: int
    across: int
    down: int
    travel: int

    @property
    def steps(self) -> int:
        return max(self.frames - 1, 1)

    @property
    def phases(self) -> range:
        """The shifts that its frames need, in eighths of a pixel."""
        return range(0, _EVEN, 1 if self.travel % self.steps else gcd(self.travel // self.steps, _EVEN))


def _fade(spec: VideoSpec, frames: int) -> int:
    """Frames of a cross-fade: even, and never more than half of the shortest shot."""
    shortest = min(last - first for first, last in pairwise(_bounds(spec, frames)))
    return min(round(_FADE_S * spec.fps), shortest // 2) // 2 * 2


def _bounds(spec: VideoSpec, frames: int) -> tuple[int, ...]:
    """The frame each shot begins at, and the end; a shot has two frames at least, or is left out."""
    shots = spec.shots[: max(frames // _SHORTEST, 1)]
    ends = list(accumulate(max(shot.duration_s, 0.001) for shot in shots))
    bounds = [0]
    for number, end in enumerate(ends, 1):
        room = (len(ends) - number) * _SHORTEST
        bounds.append(min(max(round(end / ends[-1] * frames), bounds[-1] + _SHORTEST), frames - room))
    return tuple(bounds)


def _takes(spec: VideoSpec, frames: int, fade: int) -> tuple[_Take, ...]:
    directions = list(_DIRECTIONS)
    random.Random(spec.seed).shuffle(directions)  # noqa: S311 - a choice of camera moves, not a secret
    bounds = _bounds(spec, frames)
    takes = []
    for number, (first, last) in enumerate(pairwise(bounds)):
        before = fade // 2 if number else 0
        after = fade // 2 if last < frames else 0
        across, down = directions[number % len(directions)]
        length = last - first + before + after
        takes.append(_Take(length, across, down, _travel(spec, length, across, down)))
    return tuple(takes)


def _travel(spec: VideoSpec, frames: int, across: int, down: int) -> int:
    """The way a shot drifts over its whole length, in eighths of a pixel, at a steady speed if it can."""
    room = min(side for side, moves in ((_room(spec.width), across), (_room(spec.height), down)) if moves)
    most = room * _EIGHTHS
    steps = max(frames - 1, 1)
    steady = [speed * steps for speed in _SPEEDS if speed * steps <= most]
    return max(steady, default=most)


def _room(side: int) -> int:
    return round(side * _ROOM / 2) * 2


def _canvas(spec: VideoSpec) -> Size:
    """What a keyframe is enlarged to: the frame, the room to drift in, and one even step."""
    return Size(spec.width + _room(spec.width) + 2, spec.height + _room(spec.height) + 2)


# ── the pictures ───────────────────────────────────────────────────────────────────────────────


async def _copies(
    keyframes: Sequence[Path], takes: Sequence[_Take], canvas: Size, spec: VideoSpec
) -> AsyncIterator[bytes]:
    """Every shifted copy of every take's keyframe, as raw pixels."""
    for number, take in enumerate(takes):
        picture = await asyncio.to_thread(_opened, keyframes[number % len(keyframes)], spec)
        for phase in take.phases:
            yield await asyncio.to_thread(_shifted, picture, take, phase, canvas)


def _opened(path: Path, spec: VideoSpec) -> Image:
    from PIL import Image, ImageOps

    try:
        with Image.open(path, formats=["PNG", "JPEG", "WEBP"]) as picture:
            upright = ImageOps.exif_transpose(picture).convert("RGB")
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise Unsuitable(f"{path.name} is damaged: it cannot be decoded.") from error
    if upright.size == (spec.width, spec.height):
        return upright
    return ImageOps.fit(upright, (spec.width, spec.height), Image.Resampling.LANCZOS)


def _shifted(picture: Image, take: _Take, phase: int, canvas: Size) -> bytes:
    from PIL import Image

    unit_x, unit_y = picture.width / (canvas.width + 2), picture.height / (canvas.height + 2)
    left, top = _shift(take.across, phase) * unit_x, _shift(take.down, phase) * unit_y
    box = (left, top, left + canvas.width * unit_x, top + canvas.height * unit_y)
    return picture.resize(canvas, Image.Resampling.BICUBIC, box=box).tobytes()


def _shift(direction: int, phase: int) -> float:
    """By how many pixels a copy is shifted, between 0 and 2."""
    return {1: phase / _EIGHTHS, 0: 0.0, -1: 2 - phase / _EIGHTHS}[direction]


# ── the film ───────────────────────────────────────────────────────────────────────────────────


def _graph(spec: VideoSpec, takes: Sequence[_Take], canvas: Size, fade: int) -> str:
    """The pictures in, the film out; only frames inside a cross-fade are ever computed anew."""
    kept = "".join(f"[k{number}]" for number in range(len(takes)))
    lines = [
        "[0:v]scale=in_range=pc:out_range=tv:out_color_matrix=bt709:flags=accurate_rnd,format=yuv420p,"
        f"setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709,split={len(takes)}{kept}"
    ]
    film: list[str] = []
    first = 0
    for number, take in enumerate(takes):
        last = first + len(take.phases)
        stretches = _stretches(take, number > 0, number < len(takes) - 1, fade)
        names = "".join(f"[{name}{number}s]" for name in stretches)
        lines.append(
            f"[k{number}]trim=start_frame={first}:end_frame={last},setpts=N,"
            f"tile=1x{len(take.phases)},split={len(stretches)}{names}"
        )
        for name, (start, frames) in stretches.items():
            lines.append(
                f"[{name}{number}s]loop=loop={frames - 1}:size=1,setpts=N/{spec.fps}/TB,settb=1/{spec.fps},"
                f"fps={spec.fps},{_window(spec, take, canvas, start)},setsar=1[{name}{number}]"
            )
        if "head" in stretches:
            film.append(f"[fade{number}]")
            lines.append(
                f"[tail{number - 1}][head{number}]xfade=duration={fade / spec.fps:.6f}:offset=0,"
                f"format=yuv420p[fade{number}]"
            )
        film.append(f"[body{number}]")
        first = last
    lines.append(f"{''.join(film)}concat=n={len(film)}:v=1:a=0[film]")
    return ";".join(lines)


def _stretches(take: _Take, fades_in: bool, fades_out: bool, fade: int) -> dict[str, tuple[int, int]]:
    """The stretches of a take, by name: the frame each begins at, and how many it has."""
    head, tail = fade * fades_in, fade * fades_out
    stretches = {
        "head": (0, head),
        "body": (head, take.frames - head - tail),
        "tail": (take.frames - tail, tail),
    }
    return {name: stretch for name, stretch in stretches.items() if stretch[1]}


def _window(spec: VideoSpec, take: _Take, canvas: Size, start: int) -> str:
    """The crop that drifts: which copy, and which even pixel of it, n frames after `start`."""
    drift = f"floor((n+{start})*{take.travel}/{take.steps})"
    whole = f"2*floor({drift}/{_EVEN})"
    # The copies stand one below the other, in the order of their shifts.
    copy = f"floor(mod({drift},{_EVEN})/{take.phases.step})*{canvas.height}"
    left = _offset(canvas.width - 2 - spec.width, take.travel, take.across, whole)
    top = _offset(canvas.height - 2 - spec.height, take.travel, take.down, whole)
    return f"crop={spec.width}:{spec.height}:x='{left}':y='{top}+{copy}'"


def _offset(room: int, travel: int, direction: int, whole: str) -> str:
    margin = (room - travel // _EVEN * 2) // 4 * 2
    match direction:
        case 1:
            return f"{margin}+{whole}"
        case -1:
            return f"{room - margin}-{whole}"
        case _:
            return str(room // 4 * 2)
