"""The only place that launches ffmpeg: on a deadline, in its own group, never leaving half a file."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import AsyncIterator, Sequence
from functools import cache
from pathlib import Path

from agentes.media.child import Ended, Limits
from agentes.media.child import run as run_child
from shared_knowledge.errors import Broken

__all__ = ["BITEXACT", "READING", "binary", "examine", "in_filter", "local", "run", "untrusted"]

# Without these, muxers and encoders write their version and the time into the file.
BITEXACT = ("-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact", "-map_metadata", "-1")

# What reading a file that came from outside may cost.
READING = Limits(cpu_s=120, memory_mb=4096)

_DEMUXERS = "mov,matroska,wav,mp3,ogg,flac,aac,png_pipe,jpeg_pipe,webp_pipe"
_DISK_FULL = re.compile(r"No space left on device|Disk quota exceeded|File too large")
_CLOSED = re.compile(
    r"Error opening output [^\n]*(Permission denied|Read-only file system|No such file or directory)"
)
_STOPPED = re.compile(r"received signal (\d+)|Received > \d+ system signals")
_NOISE = re.compile(r"^\s*(Conversion failed!|Exiting normally.*|\[out#.*Nothing was written.*)?$")


def binary() -> str:
    """The ffmpeg we use: the one `FFMPEG` names, else the one that came with the package."""
    named = os.environ.get("FFMPEG")
    if not named:
        return _bundled()
    found = shutil.which(named)
    if found is None:
        raise Broken(
            f"FFMPEG names {named}, which is not a program that can be run.",
            todo="Correct the variable, or remove it: an ffmpeg comes with the package.",
        )
    return found


@cache
def _bundled() -> str:
    try:
        import imageio_ffmpeg  # type: ignore[import-untyped]

        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except (ImportError, RuntimeError) as error:
        raise Broken(
            "The ffmpeg that comes with the package is missing.",
            todo="Reinstall imageio-ffmpeg, or let FFMPEG name an ffmpeg of your own.",
        ) from error


def local(path: Path) -> str:
    """A path as ffmpeg must be told it: never an option, never another protocol."""
    return f"file:{path.absolute()}"


def in_filter(path: Path) -> str:
    """A path as the value of a filter's option: escaped for the option, then for the graph."""
    value = re.sub(r"([\\':])", r"\\\1", str(path.absolute()))
    return re.sub(r"([\\'\[\],;])", r"\\\1", value)


def untrusted(path: Path, demuxer: str) -> tuple[str, ...]:
    """Input arguments for a file from outside: read as what its first bytes say, and nothing else."""
    return (
        *("-protocol_whitelist", "file", "-format_whitelist", _DEMUXERS),
        *("-err_detect", "explode", "-f", demuxer, "-i", local(path)),
    )


async def run(
    args: Sequence[str],
    *,
    deadline_s: float,
    into: Path | None = None,
    form: str | None = None,
    feed: AsyncIterator[bytes] | None = None,
    limits: Limits | None = None,
) -> Ended:
    """Runs ffmpeg; the file `into`, of muxer `form`, appears whole or not at all."""
    part = None if into is None else into.with_name(into.name + ".part")
    target: tuple[str, ...] = ()
    if part is not None and into is not None:
        # An ffmpeg orphaned by a killed parent may still write to the old name: it keeps the old inode.
        part.unlink(missing_ok=True)
        target = ("-f", form or into.suffix.lstrip("."), local(part))
    try:
        ended = await _launch([*args, *target], deadline_s=deadline_s, feed=feed, limits=limits)
        _insist(ended, deadline_s, into)
        if part is not None and into is not None:
            part.replace(into)
    finally:
        if part is not None:
            part.unlink(missing_ok=True)
    return ended


async def examine(args: Sequence[str], *, deadline_s: float, limits: Limits = READING) -> Ended:
    """Reads something of doubtful origin; the caller judges how it ended."""
    return await _launch(["-xerror", *args], deadline_s=deadline_s, limits=limits)


async def _launch(
    args: Sequence[str],
    *,
    deadline_s: float,
    feed: AsyncIterator[bytes] | None = None,
    limits: Limits | None = None,
) -> Ended:
    quiet = ("-hide_banner", "-nostats", "-loglevel", "info", "-y", *(() if feed else ("-nostdin",)))
    return await run_child([binary(), *quiet, *args], deadline_s=deadline_s, limits=limits, feed=feed)


def _insist(ended: Ended, deadline_s: float, into: Path | None) -> None:
    what = "ffmpeg" if into is None else f"ffmpeg, writing {into.name},"
    if ended.late:
        raise Broken(
            f"{what} was not done after {deadline_s:.0f} s and was stopped.",
            todo="The machine may be very busy: run it again when it is quieter.",
        )
    if ended.signal_name == "SIGXFSZ" or (ended.code and _DISK_FULL.search(ended.log)):
        where = "there" if into is None else f"in {into.parent}"
        raise Broken(
            f"{what} found the disk full.", todo=f"Make some room {where}, then resume: nothing is lost."
        )
    if ended.signal_name or (ended.code and _STOPPED.search(ended.log)):
        by = ended.signal_name or "a signal"
        raise Broken(
            f"{what} was killed ({by}).",
            todo="Somebody stopped it, or the machine ran out of memory. Resume: what is finished is kept.",
        )
    if into is not None and ended.code and (closed := _CLOSED.search(ended.log)):
        raise Broken(
            f"{what} could not open its file: {closed[1].lower()}.",
            todo=f"Make sure that {into.parent} is there and can be written to.",
        )
    if ended.code:
        raise Broken(f"{what} failed: {_last_words(ended.log)}", todo="Please report this sentence.")


def _last_words(log: str) -> str:
    lines = [line.strip() for line in log.splitlines() if not _NOISE.match(line)]
    return " / ".join(lines[-3:])[:600] or "it said nothing"
