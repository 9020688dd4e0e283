"""How loud it is, and how it is brought to −16 LUFS: measured, corrected, measured again."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from agentes.media import ffmpeg
from shared_knowledge.vocabulary import Frozen

__all__ = [
    "CEILING_DBTP",
    "ONE_VOICE_LUFS",
    "RATE",
    "SILENCE_LUFS",
    "TARGET_LUFS",
    "Loudness",
    "heard",
    "level",
    "measure",
]

TARGET_LUFS = -16.0
CEILING_DBTP = -1.0
# A recording of one voice counts as one channel; played on two it is 3 dB louder.
ONE_VOICE_LUFS = -19.0
SILENCE_LUFS = -60.0
RATE = 48_000

_CLOSE_ENOUGH_LU = 0.2
_MOST_ROUNDS = 4
_METER = "ebur128=peak=true:framelog=verbose"
_SUMMARY = re.compile(r"Integrated loudness:\s+I:\s+(\S+) LUFS.*?True peak:\s+Peak:\s+(\S+) dBFS", re.DOTALL)


class Loudness(Frozen):
    """Integrated loudness and true peak (EBU R128); silence is −70 LUFS and −120 dBTP."""

    lufs: float
    true_peak_dbtp: float

    @property
    def silent(self) -> bool:
        return self.lufs <= SILENCE_LUFS


async def measure(path: Path, *, deadline_s: float = 120) -> Loudness:
    """The loudness of the first sound track of a file of our own."""
    ended = await ffmpeg.run(
        ["-i", ffmpeg.local(path), "-map", "0:a:0", "-af", _METER, "-f", "null", "-"], deadline_s=deadline_s
    )
    return heard(ended.log)


def heard(log: str) -> Loudness:
    """What the loudness meter wrote into a log."""
    found = _SUMMARY.search(log)
    lufs, peak = (found[1], found[2]) if found else ("-inf", "-inf")
    return Loudness(lufs=max(float(lufs), -70.0), true_peak_dbtp=max(float(peak), -120.0))


async def level(
    inputs: Sequence[str],
    graph: str,
    into: Path,
    *,
    target_lufs: float = TARGET_LUFS,
    ceiling_dbtp: float = CEILING_DBTP,
    tags: Sequence[str] = (),
    deadline_s: float = 120,
) -> Loudness:
    """Writes the sound `[mix]` of a filter graph as 16-bit WAV, as loud as asked and never clipped.

    Silence stays silence. The answer is what was measured in what was written.
    """
    ended = await ffmpeg.run(
        [*inputs, "-filter_complex", f"{graph};[mix]{_METER}[m]", "-map", "[m]", "-f", "null", "-"],
        deadline_s=deadline_s,
    )
    before = heard(ended.log)
    gain_db = 0.0 if before.silent else target_lufs - before.lufs
    limit_db = ceiling_dbtp - 0.3
    for _ in range(_MOST_ROUNDS):
        ended = await ffmpeg.run(
            [
                *inputs,
                *("-filter_complex", f"{graph};[mix]{_louder(gain_db, limit_db)},{_METER}[out]"),
                *("-map", "[out]", "-c:a", "pcm_s16le", "-ar", str(RATE), *ffmpeg.BITEXACT, *tags),
            ],
            deadline_s=deadline_s,
            into=into,
            form="wav",
        )
        after = heard(ended.log)
        over_db = after.true_peak_dbtp - ceiling_dbtp
        if before.silent or (over_db <= 0 and abs(after.lufs - target_lufs) <= _CLOSE_ENOUGH_LU):
            break
        gain_db += target_lufs - after.lufs
        limit_db -= over_db + 0.1 if over_db > 0 else 0
    return after


def _louder(gain_db: float, limit_db: float) -> str:
    # The limiter sees samples; four times as many of them show it the peaks between.
    limit = 10 ** (limit_db / 20)
    return (
        f"volume={gain_db:.2f}dB,aresample={4 * RATE},"
        f"alimiter=limit={limit:.4f}:attack=2:release=60:level=false,aresample={RATE}"
    )
