"""Loudness, silence, black and standstill are measured, and loudness is brought where it belongs."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_media import clip, ffmpeg_makes, keyframe, silence, tone

from agentes.media import ffmpeg, loudness, probe, quality
from shared_knowledge.errors import Unsuitable


async def test_half_black_half_silent_is_half(tmp_path: Path) -> None:
    path = ffmpeg_makes(
        tmp_path / "half.mp4",
        *("-f", "lavfi", "-i", "color=black:s=160x90:r=30:d=2[a];testsrc2=s=160x90:r=30:d=2[b];[a][b]concat"),
        *("-f", "lavfi", "-i", "sine=d=2:r=48000,volume=5dB[a];anullsrc=r=48000:d=2[b];[a][b]concat=v=0:a=1"),
        *("-pix_fmt", "yuv420p", "-ac", "2"),
    )
    measured = await quality.measure(path, await probe.measure(path))
    assert measured.black_share == pytest.approx(0.5, abs=0.06)
    assert measured.frozen_share == pytest.approx(0.5, abs=0.06)
    assert measured.silence_share == pytest.approx(0.5, abs=0.06)
    assert measured.lufs is not None
    assert -25 < measured.lufs < -5


async def test_what_moves_is_not_frozen_and_has_no_sound_to_measure(tmp_path: Path) -> None:
    path = clip(tmp_path / "moving.mp4")
    measured = await quality.measure(path, await probe.measure(path))
    assert (measured.black_share, measured.frozen_share) == (0, 0)
    assert (measured.lufs, measured.true_peak_dbtp, measured.silence_share) == (None, None, None)


async def test_a_picture_has_nothing_to_play(tmp_path: Path) -> None:
    path = keyframe(tmp_path / "p.png")
    assert await quality.measure(path, await probe.measure(path)) == quality.Measured()


async def test_a_clip_whose_pictures_are_damaged_is_unsuitable(tmp_path: Path) -> None:
    path = clip(tmp_path / "clip.mp4")
    found = await probe.measure(path)
    whole = bytearray(path.read_bytes())
    middle = whole.index(b"mdat") + len(whole) // 2
    whole[middle : middle + 6000] = b"\x55" * 6000
    path.write_bytes(bytes(whole))
    with pytest.raises(Unsuitable, match="cannot be played"):
        await quality.measure(path, found)


@pytest.mark.parametrize("db", [-30, 0, 20])
async def test_sound_is_brought_to_the_target_without_clipping(tmp_path: Path, db: float) -> None:
    source = tone(tmp_path / "in.wav", seconds=3, db=db, channels=2)
    into = tmp_path / "out.wav"
    said = await loudness.level(["-i", ffmpeg.local(source)], "[0:a]anull[mix]", into)
    heard = await loudness.measure(into)
    assert heard.lufs == pytest.approx(loudness.TARGET_LUFS, abs=0.3)
    assert heard.true_peak_dbtp <= loudness.CEILING_DBTP
    assert said.lufs == pytest.approx(heard.lufs, abs=0.2)


async def test_peaks_that_would_clip_are_held_under_the_ceiling(tmp_path: Path) -> None:
    """Clicks over a quiet tone: loud enough only if its peaks are limited."""
    source = ffmpeg_makes(
        tmp_path / "in.wav",
        *("-f", "lavfi", "-i", "aevalsrc=0.02*sin(2*PI*300*t)+0.9*lt(mod(t\\,0.5)\\,0.002):s=48000:d=3"),
    )
    into = tmp_path / "out.wav"
    await loudness.level(["-i", ffmpeg.local(source)], "[0:a]anull[mix]", into)
    heard = await loudness.measure(into)
    assert heard.true_peak_dbtp <= loudness.CEILING_DBTP


async def test_silence_stays_silence(tmp_path: Path) -> None:
    into = tmp_path / "out.wav"
    source = silence(tmp_path / "in.wav")
    said = await loudness.level(["-i", ffmpeg.local(source)], "[0:a]anull[mix]", into)
    assert said.silent
    assert (await loudness.measure(into)).lufs == -70
