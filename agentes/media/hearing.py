"""What is heard in a recording: how long it lasts, and where it pauses long enough to cut a film there."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from agentes.media import ffmpeg, headers, probe
from shared_knowledge.errors import UnclearBrief, Unsuitable
from shared_knowledge.vocabulary import Frozen, Medium

__all__ = ["Heard", "hear", "listen"]

_PAUSES = "silencedetect=n=-38dB:d=0.2"
_PAUSE = re.compile(r"silence_start: (-?[\d.]+).*?silence_end: ([\d.]+)", re.DOTALL)
_EDGE_S = 0.3


class Heard(Frozen):
    """A recording's length, and the middle of every pause in it."""

    lasts_s: float
    pauses_s: tuple[float, ...] = ()


async def hear(path: Path) -> Heard:
    """Listens to a recording from end to end; Unsuitable where it is none, or is damaged."""
    found = await probe.measure(path)
    if found.medium is not Medium.VOICE or not found.duration_s:
        raise Unsuitable(f"{path.name} is not a sound, but {found.mime}.")
    kind = headers.sniff(path)
    assert kind is not None
    source = ffmpeg.untrusted(path, headers.demuxer_of(kind))
    ended = await ffmpeg.examine(
        [*source, "-map", "0:a:0", "-af", _PAUSES, "-f", "null", "-"], deadline_s=60 + found.duration_s
    )
    if ended.code or ended.late:
        raise Unsuitable(f"{path.name} cannot be heard to its end: it is damaged.")
    middles = [(float(begins) + float(ends)) / 2 for begins, ends in _PAUSE.findall(ended.log)]
    inside = tuple(round(at, 3) for at in middles if _EDGE_S < at < found.duration_s - _EDGE_S)
    return Heard(lasts_s=round(found.duration_s, 3), pauses_s=inside)


def listen(names: Iterable[str]) -> Mapping[str, Heard]:
    """What is heard in each of these files, for whoever cannot wait in a loop; what is not there is left out."""
    there = [name for name in names if _is_file(name)]
    with ThreadPoolExecutor(1) as aside:  # the caller may be in a loop of its own
        try:
            return {name: aside.submit(asyncio.run, hear(Path(name))).result() for name in there}
        except Unsuitable as unusable:
            raise UnclearBrief(
                f"A sound that the brief names cannot be used: {unusable.what}",
                todo="Name another file, or take it out of the brief.",
            ) from None


def _is_file(name: str) -> bool:
    try:
        return Path(name).is_file()
    except OSError:  # a name longer than any disk can hold
        return False
