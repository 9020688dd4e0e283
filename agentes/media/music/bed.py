"""A bed of music of any length: the piece is played once, repeated without a seam, and set into a room."""

from __future__ import annotations

import asyncio
import random
import tempfile
from array import array
from functools import cache
from math import exp
from operator import add
from pathlib import Path

from agentes.media import ffmpeg, loudness
from agentes.media.music.score import notes
from agentes.media.music.styles import Style, style
from agentes.media.music.tones import RATE, play
from shared_knowledge.errors import BadRequest
from shared_knowledge.vocabulary import MusicStyle

__all__ = ["write_bed"]

_SIDES = ("left", "right", "centre")
_PEAK = 0.32
_FADE_IN_S, _FADE_OUT_S = 0.6, 2.5


async def write_bed(name: MusicStyle, lasts_s: float, into: Path, *, seed: int = 0) -> Path:
    """Writes music in a style as stereo WAV of exactly that length; a seed always gives the same piece."""
    if name is MusicStyle.NONE:
        raise BadRequest("No music was asked for.", todo=f"Use one of {', '.join(MusicStyle)}.")
    played = style(name)
    with tempfile.TemporaryDirectory(prefix="music-", dir=into.parent) as room:
        desk = Path(room)
        loudest = await asyncio.to_thread(_play, played, seed, lasts_s, desk)
        await asyncio.to_thread(_write_echo, desk / "echo.raw", played.reverb_s)
        await _set_into_room(played, lasts_s, _PEAK / loudest, desk, into)
    return into


def _play(played: Style, seed: int, lasts_s: float, desk: Path) -> float:
    """The piece on three tracks, each of which ends where it begins, no more of it than will be heard: its peak."""
    count = round(len(played.bars) * played.bar_s * RATE)
    sounding = cache(_sounding)
    tracks = {side: [0.0] * count for side in _SIDES}
    for note in notes(played, seed):
        if note.at_s < lasts_s:
            heard = sounding(note.sound, note.pitch, round(note.lasts_s, 3), note.level_db)
            _lay(tracks[note.side], round(note.at_s * RATE), heard)
    for side, track in tracks.items():
        (desk / f"{side}.raw").write_bytes(array("f", track).tobytes())
    return max(max(max(track), -min(track)) for track in tracks.values())


def _sounding(sound: str, pitch: int, lasts_s: float, level_db: float) -> list[float]:
    return play(sound, pitch, lasts_s, level=10 ** (level_db / 20))


def _lay(track: list[float], start: int, samples: list[float]) -> None:
    """Adds a note; what rings beyond the end is heard at the beginning, so that the piece has no seam."""
    while samples:
        end = min(start + len(samples), len(track))
        track[start:end] = map(add, track[start:end], samples)
        samples, start = samples[end - start :], 0


def _write_echo(into: Path, lasts_s: float) -> None:
    """What a room answers to a single clap: noise that dies away, another one for each ear."""
    chance = random.Random(11)  # noqa: S311
    count = round(lasts_s * RATE)
    ears = array("f")
    low = [0.0, 0.0]
    for place in range(count):
        level = exp(-6.9 * place / count) * min(place / (0.012 * RATE), 1.0)
        for ear in (0, 1):
            low[ear] += 0.35 * (chance.uniform(-1, 1) - low[ear])
            ears.append(level * low[ear])
    power = sum(at * at for at in ears) / 2
    into.write_bytes(array("f", [at / power**0.5 for at in ears]).tobytes())


async def _set_into_room(played: Style, lasts_s: float, gain: float, desk: Path, into: Path) -> None:
    count = round(len(played.bars) * played.bar_s * RATE)
    end = round(lasts_s * RATE)
    fade_out_s = min(_FADE_OUT_S, lasts_s / 3)
    graph = (
        "[0][1]join=inputs=2:channel_layout=stereo,pan=stereo|c0=0.8*c0+0.3*c1|c1=0.3*c0+0.8*c1,"
        f"aloop=loop=-1:size={count},asplit[sides][send];"
        f"[2]aloop=loop=-1:size={count},pan=stereo|c0=c0|c1=c0,atrim=end_sample={end}[centre];"
        f"[send]atrim=end_sample={end}[dry];[dry][3]afir=gtype=none:irnorm=-1,volume={played.wet_db}dB[room];"
        f"[sides]atrim=end_sample={end}[near];[near][room][centre]amix=inputs=3:normalize=0,"
        f"aresample={loudness.RATE},highpass=f=35,apad,"
        f"atrim=end_sample={round(lasts_s * loudness.RATE)},"
        f"afade=t=in:d={min(_FADE_IN_S, lasts_s / 4):.3f},"
        f"afade=t=out:st={lasts_s - fade_out_s:.3f}:d={fade_out_s:.3f},volume={gain:.5f},"
        f"alimiter=limit=0.89:level=false"
    )
    raw = ("-f", "f32le", "-ar", str(RATE), "-ac", "1")
    tracks = [part for side in _SIDES for part in (*raw, "-i", ffmpeg.local(desk / f"{side}.raw"))]
    echo = ("-f", "f32le", "-ar", str(RATE), "-ac", "2", "-i", ffmpeg.local(desk / "echo.raw"))
    await ffmpeg.run(
        [*tracks, *echo, "-filter_complex", graph, "-c:a", "pcm_s16le", *ffmpeg.BITEXACT],
        deadline_s=60 + lasts_s,
        into=into,
        form="wav",
    )
