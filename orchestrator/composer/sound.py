"""What is heard in a film: the voice in front, the clips' own sound behind it, all at one loudness."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from agentes.media import ffmpeg, loudness
from agentes.media.join import heard
from agentes.media.loudness import Loudness
from agentes.media.probe import Probed
from orchestrator.composer.timeline import Timeline

__all__ = ["mix"]

_FADE_S = 0.08
_BED_DB = -11


async def mix(
    timeline: Timeline,
    clips: Sequence[Path],
    pictures: Sequence[Probed],
    recordings: Sequence[Path],
    into: Path,
    *,
    ceiling_dbtp: float,
    deadline_s: float,
) -> Loudness | None:
    """Writes the sound of the film, of its very length; None, and no file, if nothing is heard in it."""
    graph = _graph(timeline, pictures)
    if graph is None:
        return None
    inputs = [part for path in (*clips, *recordings) for part in ("-i", ffmpeg.local(path))]
    return await loudness.level(inputs, graph, into, ceiling_dbtp=ceiling_dbtp, deadline_s=deadline_s)


def _graph(timeline: Timeline, pictures: Sequence[Probed]) -> str | None:
    own = heard(timeline.cuts, pictures, timeline.fps)
    spoken = list(_speech(timeline, first_input=len(pictures)))
    end = f"apad,atrim=end_sample={_samples(timeline)}[mix]"
    if not spoken:
        return None if own is None else f"{own};[heard]{end}"
    names = "".join(f"[s{number}]" for number in range(len(spoken)))
    speech = ";".join([*spoken, f"{names}amix=inputs={len(spoken)}:normalize=0"])
    if own is None:
        return f"{speech},{end}"
    # The clips' own sound lies lower than the voice, and steps back further while it speaks.
    return (
        f"{own};{speech},asplit[voice][key];[heard]volume={_BED_DB}dB[bed];"
        f"[bed][key]sidechaincompress=threshold=0.02:ratio=6:attack=20:release=400[low];"
        f"[low][voice]amix=inputs=2:normalize=0:duration=first,{end}"
    )


def _speech(timeline: Timeline, *, first_input: int) -> Iterator[str]:
    for number, place in enumerate(timeline.voices):
        fade_s = max(place.lasts_s - _FADE_S, 0)
        yield (
            f"[{first_input + number}:a:0]asetpts=PTS-STARTPTS,aresample={loudness.RATE},"
            "aformat=sample_fmts=fltp:channel_layouts=stereo,"
            f"atrim=end={place.lasts_s:.4f},afade=t=out:st={fade_s:.4f}:d={_FADE_S},"
            f"adelay=delays={round(place.start_s * loudness.RATE)}S:all=1,"
            f"apad=whole_len={_samples(timeline)}[s{number}]"
        )


def _samples(timeline: Timeline) -> int:
    return round(timeline.lasts_s * loudness.RATE)
