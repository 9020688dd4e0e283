"""Pieces become one clip, exact to the frame, and takes one recording."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_media import clip, extremes, frame, tone

from agentes.media import loudness, probe
from agentes.media.join import Cut, cuts, join_clips, join_speech
from shared_knowledge.errors import Unsuitable
from shared_knowledge.vocabulary import Shot, VideoSpec


def _spec(seconds: float, fps: int = 30, width: int = 160, height: int = 284) -> VideoSpec:
    return VideoSpec.model_validate(
        {
            "subject": "mug",
            "shots": (Shot(label="a", scene="", duration_s=seconds),),
            "duration_s": seconds,
            "fps": fps,
            "width": width,
            "height": height,
        }
    )


@pytest.mark.parametrize(
    ("lengths_s", "frames", "laid"),
    [
        ((2.0, 1.0), None, (Cut(clip=0, start=0, frames=60), Cut(clip=1, start=60, frames=30))),
        ((2.0, 1.0), 75, (Cut(clip=0, start=0, frames=60), Cut(clip=1, start=60, frames=15))),
        ((2.0, 1.0), 100, (Cut(clip=0, start=0, frames=60), Cut(clip=1, start=60, frames=40, held=10))),
        ((2.0, 1.0), 60, (Cut(clip=0, start=0, frames=60),)),
        ((0.5,), 30, (Cut(clip=0, start=0, frames=30, held=15),)),
    ],
)
def test_clips_are_laid_end_to_end(
    lengths_s: tuple[float, ...], frames: int | None, laid: tuple[Cut, ...]
) -> None:
    assert cuts(lengths_s, 30, frames) == laid


async def test_pieces_of_other_sizes_and_rates_become_one_exact_clip(tmp_path: Path) -> None:
    pieces = [
        clip(tmp_path / "a.mp4", seconds=1.04, fps=24, sound="sine=d=2:r=44100"),
        clip(tmp_path / "b.mp4", seconds=0.7, width=320, height=568),
        clip(tmp_path / "c.mp4", seconds=0.7, fps=25, width=200, height=200),
    ]
    into = await join_clips(pieces, _spec(2.2), tmp_path / "joined.mp4")
    found = await probe.accept(into, _spec(2.2), exact=True)
    assert (found.frames, found.faststart, found.has_audio, found.channels) == (66, True, True, 2)
    assert found.audio_s == pytest.approx(2.2, abs=0.03)
    square = frame(into, 2.0)
    assert extremes(square.crop((0, 0, 160, 50)))[1] < 30, "a square clip has bars above it"
    assert extremes(square.crop((0, 100, 160, 180)))[1] > 60


async def test_pieces_that_are_short_end_in_a_still(tmp_path: Path) -> None:
    piece = clip(tmp_path / "a.mp4", seconds=0.5)
    into = await join_clips([piece], _spec(1.0, fps=25), tmp_path / "joined.mp4")
    found = await probe.accept(into, _spec(1.0, fps=25), exact=True)
    assert (found.frames, found.has_audio) == (25, False)


async def test_one_exact_piece_is_kept_as_it_is(tmp_path: Path) -> None:
    piece = clip(tmp_path / "a.mp4")
    into = await join_clips([piece], _spec(2.0), tmp_path / "joined.mp4")
    assert into.read_bytes() == piece.read_bytes()


async def test_draft_pieces_make_a_draft(tmp_path: Path) -> None:
    piece = clip(tmp_path / "a.mp4", seconds=0.5, more=("-metadata", "comment=draft: test"))
    into = await join_clips([piece, piece], _spec(1.0), tmp_path / "joined.mp4")
    assert ((await probe.measure(into)).comment or "").startswith("draft")


async def test_a_sound_is_no_piece_of_a_clip(tmp_path: Path) -> None:
    with pytest.raises(Unsuitable, match=r"voice\.wav is no clip"):
        await join_clips([tone(tmp_path / "voice.wav")], _spec(1.0), tmp_path / "joined.mp4")


async def test_takes_become_one_recording_with_a_breath_between(tmp_path: Path) -> None:
    takes = [tone(tmp_path / "a.wav", seconds=1, db=-20), tone(tmp_path / "b.wav", seconds=1.5, channels=2)]
    into = await join_speech(takes, tmp_path / "voice.wav")
    found = await probe.measure(into)
    assert found.duration_s == pytest.approx(2.8, abs=0.01)
    assert (found.channels, found.sample_rate) == (1, 48_000)
    assert (await loudness.measure(into)).lufs == pytest.approx(loudness.ONE_VOICE_LUFS, abs=0.4)
