"""The last picture of a clip, pixel for pixel as it is shown: where the next piece goes on."""

from __future__ import annotations

from pathlib import Path

from agentes.media import ffmpeg, headers, probe
from shared_knowledge.errors import Broken, Unsuitable

__all__ = ["last_frame"]

# The usual end is a second of many frames; a last picture that stands still began earlier.
_TAILS_S = (1.0, 8.0)
# Tags about colour would make some readers show another picture than others.
_AS_SHOWN = (
    "reverse,trim=end_frame=1,scale=flags=bicubic+accurate_rnd+full_chroma_int+full_chroma_inp,"
    "format=rgb24,setsar=1,setparams=color_primaries=unknown:color_trc=unknown"
)


async def last_frame(clip: Path, into: Path) -> Path:
    """The frame a clip ends with, as a PNG without loss; the same clip gives the same bytes."""
    found = await probe.measure(clip)
    if not found.frames or not found.duration_s:
        raise Unsuitable(f"{clip.name} has no last frame: it is {found.mime}.")
    kind = headers.sniff(clip)
    assert kind is not None
    source = ffmpeg.untrusted(clip, headers.demuxer_of(kind))
    for tail_s in _TAILS_S:
        start_s = max(found.duration_s - tail_s, 0.0)
        try:
            await ffmpeg.run(
                [
                    *("-ss", f"{start_s:.3f}", *source, "-map", "0:V:0", "-vf", _AS_SHOWN),
                    *("-frames:v", "1", "-c:v", "png", "-update", "1", "-abort_on", "empty_output"),
                    *ffmpeg.BITEXACT,
                ],
                deadline_s=120,
                into=into,
                form="image2",
                limits=ffmpeg.READING,
            )
        except Broken:
            if tail_s == _TAILS_S[-1] or not start_s:
                raise
            continue
        break
    return into
