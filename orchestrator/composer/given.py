"""The film a person gave: fetched, looked at by a child on a short lead, and kept as it came."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

from agentes.media import ffmpeg, headers, probe
from agentes.media.child import Limits
from agentes.media.probe import Probed
from agentes.media.shelf import Shelf
from shared_knowledge.errors import BadRequest, PlatformError
from shared_knowledge.narrated_words import plain_address
from shared_knowledge.vocabulary import Asset, Film, Medium, Money, Size

__all__ = ["GIVEN", "Bring", "film_over", "nowhere", "shown", "take_in", "untrusted"]

GIVEN = "given"

Bring = Callable[[str, Path], Awaitable[Path]]

_LONGEST_S = 1800.0
_SHORTEST_S = 0.5
_LONG_SIDE, _SHORT_SIDE = 1920, 1080
_SMALLEST = 32
_MOST_BUSY = 4096 * 2304
# What looking a stranger's film through may cost; only its key frames are decoded.
_LOOKING = Limits(cpu_s=300, memory_mb=4096)
_UPRIGHT = "scale=w='max(2,trunc(iw*max(sar,0.01)/2+0.5)*2)':h='max(2,trunc(ih/2)*2)'"
_TURNED_TO = re.compile(r"^#dimensions 0: (\d+)x(\d+)", re.MULTILINE)
_BRIGHT = re.compile(r"Stream #0:\S+ Video: .*(smpte2084|arib-std-b67)")
# Brightness beyond the usual, as phones record it, brought into what every screen shows.
_DIMMED = (
    "zscale=t=linear:npl=203,format=gbrpf32le,zscale=p=bt709,tonemap=mobius:desat=0,"
    "zscale=t=bt709:m=bt709:r=tv,format=yuv420p,"
)


async def take_in(address: str, bring: Bring, shelf: Shelf, desk: str) -> Asset:
    """Fetches and checks the film at an address, and puts it on the shelf; BadRequest where it cannot be used."""
    shelf.clear(desk)
    try:
        path = await _brought(address, bring, shelf.desk(desk) / GIVEN)
        try:
            found, size, bright = await _looked_at(path)
        except PlatformError as unusable:
            raise BadRequest(
                f"The film at {plain_address(address)} cannot be used: {unusable.what}", todo=unusable.todo
            ) from None
        stored = await asyncio.to_thread(shelf.put, path)
    finally:
        shelf.clear(desk)
    told = {"canvas": list(size), "bright": bright}
    return Asset(
        task=GIVEN,
        medium=Medium.VIDEO,
        path=stored.path,
        sha256=stored.sha256,
        size_bytes=stored.size_bytes,
        mime=found.mime,
        width=size.width,
        height=size.height,
        duration_s=found.duration_s,
        fps=found.fps,
        platform="given",
        model="as it came",
        cost=Money(0),
        measured=found.model_dump(mode="json", exclude_none=True) | told,
    )


async def nowhere(address: str, into: Path) -> Path:
    """The way of an office that fetches nothing."""
    raise BadRequest(f"{into.name} is not fetched here: no way to {plain_address(address)} was set up.")


async def _brought(address: str, bring: Bring, into: Path) -> Path:
    try:
        return await bring(address, into)
    except (BadRequest, PlatformError) as error:
        raise BadRequest(
            f"The film at {plain_address(address)} could not be fetched: {error.what}",
            todo=error.todo or "Check that the address opens for anybody, then ask again.",
        ) from None


async def _looked_at(path: Path) -> tuple[Probed, Size, bool]:
    """What it holds, its size when it stands upright, and whether it is brighter than screens are."""
    found = await probe.measure(path)
    if found.medium is not Medium.VIDEO or not found.frames or not found.duration_s:
        raise _not_ours(f"it is {found.mime} without moving pictures.")
    if found.duration_s < _SHORTEST_S or found.frames < 2:
        raise _not_ours(f"it lasts {found.duration_s:.2f} s, and {_SHORTEST_S:g} s are the least.")
    if found.duration_s > _LONGEST_S:
        raise _not_ours(
            f"it lasts {found.duration_s / 60:.0f} minutes, and {_LONGEST_S / 60:.0f} are the most."
        )
    if (found.width or 0) * (found.height or 0) > _MOST_BUSY:
        raise _not_ours(f"it is {found.width}x{found.height}, and 4096x2304 is the most.")
    size, log = await _size(path)
    if min(size) < _SMALLEST:
        raise _not_ours(f"it is {size.width}x{size.height}, and {_SMALLEST} pixels a side are the least.")
    await _look_through(path, found)
    return found, size, _BRIGHT.search(log) is not None


def _not_ours(why: str) -> BadRequest:
    return BadRequest(f"The film cannot be used: {why}", todo="Give another one.")


async def _size(path: Path) -> tuple[Size, str]:
    """How large the film is once it is turned upright and its pixels are square, and what was said of it."""
    ended = await ffmpeg.examine(
        [*untrusted(path), "-map", "0:V:0", "-vf", _UPRIGHT, "-frames:v", "1", "-f", "framecrc", "-"],
        deadline_s=60,
    )
    turned = _TURNED_TO.search(ended.out.decode("ascii", "replace"))
    if ended.code or ended.late or turned is None:
        raise _not_ours("its first picture cannot be decoded.")
    return Size(int(turned[1]), int(turned[2])), ended.log


async def _look_through(path: Path, found: Probed) -> None:
    sound = ("-map", "0:a:0") if found.has_audio else ()
    ended = await ffmpeg.examine(
        ["-skip_frame", "nokey", *untrusted(path), "-map", "0:V:0", *sound, "-f", "null", "-"],
        deadline_s=60 + (found.duration_s or 0),
        limits=_LOOKING,
    )
    if ended.code or ended.late:
        raise _not_ours("it is damaged and cannot be played to its end.")


def untrusted(path: Path) -> tuple[str, ...]:
    """Input arguments that read a given film as what its first bytes say, and nothing else."""
    kind = headers.sniff(path)
    assert kind is not None
    return ffmpeg.untrusted(path, headers.demuxer_of(kind))


# ── what becomes of it ─────────────────────────────────────────────────────────────────────────


def film_over(film: Film, given: Asset) -> Film:
    """The film laid over a given one, with the canvas and the clock it takes from it."""
    size = _canvas(Size(*given.measured["canvas"]))
    fps = _rate(given.fps or 30)
    return film.model_copy(update={"width": size.width, "height": size.height, "fps": fps})


def _canvas(size: Size) -> Size:
    """The same shape, no larger than what is shown everywhere."""
    by = min(1.0, _LONG_SIDE / max(size), _SHORT_SIDE / min(size))
    return size if by == 1 else Size(*(max(2, 2 * round(side * by / 2)) for side in size))


def _rate(fps: float) -> int:
    """The nearest of our rates of which the film's own is the same, a part or a multiple; else 30."""
    for rate in (30, 25, 24):
        for times in (1, 2, 4, 1 / 2, 1 / 3, 1 / 4):
            if abs(fps - rate * times) < 0.02 * rate * times:
                return rate
    return 30


def shown(film: Film, given: Asset, frames: int) -> str:
    """The part of a filter graph that shows a given film as `[seen]`: upright, at one rate, its last picture held."""
    dimmed = _DIMMED if given.measured.get("bright") else ""
    return (
        f"[0:V:0]bwdif=mode=send_frame:deint=interlaced,fps={film.fps}:start_time=0,"
        f"scale={film.width}:{film.height}:flags=bicubic,{dimmed}setsar=1,format=yuv420p,"
        f"tpad=stop_mode=clone:stop={frames},trim=end_frame={frames},setpts=PTS-STARTPTS[seen]"
    )
