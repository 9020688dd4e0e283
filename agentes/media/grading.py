"""The quality score of a film: one number from 0 to 1, made of what was measured in it and of nothing else.

Every part is 1 where all is well and falls in a straight line to its floor; the score is their
weighted geometric mean, so that one ruined part is not made good by the others. What does not apply,
such as the loudness of a film that was meant to be silent, is left out. `docs/quality_score.md` says why.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from math import log2, prod
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from agentes.media import ffmpeg, headers, probe, quality
from agentes.media.child import Limits
from agentes.media.probe import Probed
from agentes.media.quality import Measured
from shared_knowledge.errors import Unsuitable
from shared_knowledge.vocabulary import Frozen

__all__ = ["PARTS", "Grade", "Part", "Seen", "grade", "grade_file", "sharpness"]

_BLUR = re.compile(r"lavfi\.blur=([\d.]+)")
_CUE = re.compile(r"(\d+):(\d\d):(\d\d),(\d{3}) --> (\d+):(\d\d):(\d\d),(\d{3})")


class Part(NamedTuple):
    """One measurement: how much it counts, up to where all is well, from where nothing is, and what is left then."""

    weight: float
    good: float
    bad: float
    floor: float
    unit: str

    def of(self, value: float) -> float:
        """What this part adds for a measured value."""
        share = min(max((self.bad - value) / (self.bad - self.good), 0.0), 1.0)
        return self.floor + (1 - self.floor) * share


PARTS: Mapping[str, Part] = MappingProxyType(
    {
        "loudness": Part(0.20, 0.5, 8.0, 0.10, "LU away from −16 LUFS"),
        "peaks": Part(0.10, -1.0, 2.0, 0.10, "dBTP"),
        "silence": Part(0.10, 0.40, 1.00, 0.05, "share of the film"),
        "black": Part(0.15, 0.05, 0.90, 0.00, "share of the film"),
        "standstill": Part(0.15, 0.15, 1.00, 0.10, "share of the film"),
        "blur": Part(0.10, 8.0, 30.0, 0.30, "pixels an edge takes"),
        "resolution": Part(0.10, 0.0, log2(720 / 90), 0.20, "halvings below 720 pixels on the short side"),
        "length": Part(0.05, 0.10, 2.00, 0.20, "seconds between the ends of picture and sound"),
        "captions": Part(0.05, 0.05, 0.80, 0.10, "share of the speech without captions"),
    }
)


class Seen(Frozen):
    """What a score is made of, beside what every film is measured for."""

    blur: float | None = None
    sound_wanted: bool = False
    captions_wanted: bool = False
    spoken_s: float = 0.0
    captioned_s: float = 0.0


class Grade(Frozen):
    """The score of a film, and each of its parts."""

    score: float
    parts: dict[str, float]


def grade(found: Probed, measured: Measured, seen: Seen) -> Grade:
    """The quality score; worse in any measurement is never better in the score."""
    parts = {name: PARTS[name].of(value) for name, value in _values(found, measured, seen)}
    weight = sum(PARTS[name].weight for name in parts)
    score = prod(part ** (PARTS[name].weight / weight) for name, part in parts.items()) if parts else 0.0
    return Grade(score=round(score, 2), parts={name: round(part, 3) for name, part in parts.items()})


def _values(found: Probed, measured: Measured, seen: Seen) -> Iterator[tuple[str, float]]:
    if measured.lufs is not None and measured.true_peak_dbtp is not None:
        yield "loudness", abs(measured.lufs + 16)
        yield "peaks", measured.true_peak_dbtp
        yield "silence", measured.silence_share or 0.0
        yield "length", abs((found.audio_s or 0) - (found.duration_s or 0))
    elif seen.sound_wanted:
        yield "loudness", PARTS["loudness"].bad
        yield "silence", 1.0
    yield "black", measured.black_share or 0.0
    yield "standstill", measured.frozen_share or 0.0
    if seen.blur is not None:
        yield "blur", seen.blur
    yield "resolution", log2(720 / min(max(min(found.width or 1, found.height or 1), 1), 720))
    if seen.captions_wanted and seen.spoken_s:
        yield "captions", 1 - min(seen.captioned_s / seen.spoken_s, 1.0)


async def sharpness(path: Path, found: Probed) -> float | None:
    """How many pixels an edge takes, on average over a picture a second; None where there are no edges."""
    kind = headers.sniff(path)
    assert kind is not None
    source = ffmpeg.untrusted(path, headers.demuxer_of(kind))
    watched = "fps=1:round=up,blurdetect=block_width=-1,metadata=print:key=lavfi.blur"
    ended = await ffmpeg.examine(
        ["-skip_frame", "noref", *source, "-map", "0:V:0", "-vf", watched, "-f", "null", "-"],
        deadline_s=60 + 4 * (found.duration_s or 0),
        limits=Limits(cpu_s=120 + round(2 * (found.duration_s or 0)), memory_mb=4096),
    )
    if ended.code or ended.late:
        raise Unsuitable(f"The file ({found.mime}) is damaged: it cannot be watched to its end.")
    blurs = [blur for blur in map(float, _BLUR.findall(ended.log)) if blur > 0]
    return round(sum(blurs) / len(blurs), 2) if blurs else None


async def grade_file(film: Path, captions: Path | None = None, *, spoken_s: float = 0.0) -> Grade:
    """The score of a film on disk, measured anew, with its captions and how long somebody speaks in it."""
    found = await probe.measure(film)
    measured = await quality.measure(film, found)
    seen = Seen(
        blur=await sharpness(film, found),
        sound_wanted=spoken_s > 0,
        captions_wanted=captions is not None,
        spoken_s=spoken_s,
        captioned_s=_captioned_s(captions.read_text("utf-8")) if captions else 0.0,
    )
    return grade(found, measured, seen)


def _captioned_s(srt: str) -> float:
    """For how long captions are shown, by the file that holds them."""
    total_ms = 0
    for cue in _CUE.findall(srt):
        hours, minutes, seconds, ms, *end = map(int, cue)
        start_ms = ((hours * 60 + minutes) * 60 + seconds) * 1000 + ms
        total_ms += ((end[0] * 60 + end[1]) * 60 + end[2]) * 1000 + end[3] - start_ms
    return total_ms / 1000
