"""The music: the same for a seed, of exactly the length asked, in tune, and never clipped."""

from __future__ import annotations

import array
import wave
from math import cos, pi, sin
from pathlib import Path

import pytest

from agentes.media import loudness
from agentes.media.music.bed import write_bed
from agentes.media.music.score import notes
from agentes.media.music.styles import style
from agentes.media.music.tones import RATE, SOUNDS, play
from shared_knowledge.errors import BadRequest
from shared_knowledge.vocabulary import MusicStyle

STYLES = [name for name in MusicStyle if name is not MusicStyle.NONE]
STRUCK = ("kick", "taiko", "timpani", "clap", "brush", "hat", "ride", "shaker")


def left_and_right(path: Path) -> tuple[array.array[int], array.array[int]]:
    with wave.open(str(path), "rb") as file:
        assert (file.getnchannels(), file.getframerate()) == (2, 48_000)
        both = array.array("h", file.readframes(file.getnframes()))
    return both[0::2], both[1::2]


@pytest.mark.parametrize("name", STYLES)
def test_every_style_knows_its_players_and_all_its_bars(name: MusicStyle) -> None:
    played = style(name)
    piece = notes(played, 1)
    ends_s = len(played.bars) * played.bar_s
    assert {note.sound for note in piece} == {player.sound for player in played.player}
    assert {note.sound for note in piece} <= set(SOUNDS)
    assert {note.side for note in piece} <= {"left", "right", "centre"}
    assert all(0 <= note.at_s < ends_s for note in piece)
    assert all(24 <= note.pitch <= 108 for note in piece if note.sound not in STRUCK)
    sounding = {int(note.at_s / played.bar_s) for note in piece}
    assert sounding == set(range(len(played.bars))), "no bar is empty"


@pytest.mark.parametrize("name", STYLES)
def test_a_seed_is_a_piece(name: MusicStyle) -> None:
    assert notes(style(name), 1) == notes(style(name), 1)
    assert notes(style(name), 1) != notes(style(name), 2)


@pytest.mark.parametrize("name", [MusicStyle.ORCHESTRAL, MusicStyle.UPBEAT, MusicStyle.JAZZ])
async def test_a_bed_is_exact_repeatable_and_loud_enough(name: MusicStyle, tmp_path: Path) -> None:
    first = await write_bed(name, 3.21, tmp_path / "first.wav", seed=5)
    again = await write_bed(name, 3.21, tmp_path / "again.wav", seed=5)
    assert first.read_bytes() == again.read_bytes()
    left, right = left_and_right(first)
    assert len(left) == len(right) == round(3.21 * 48_000)
    assert left != right, "it is heard in stereo"
    level = await loudness.measure(first)
    assert -40 < level.lufs < -10
    assert level.true_peak_dbtp < -1
    assert max(map(abs, left[-20:])) < 60, "it has died away at the end"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["again.wav", "first.wav"]


async def test_a_bed_longer_than_the_piece_goes_on_without_a_seam(tmp_path: Path) -> None:
    name = MusicStyle.ELECTRONIC
    piece_s = len(style(name).bars) * style(name).bar_s
    left, _ = left_and_right(await write_bed(name, piece_s + 6, tmp_path / "bed.wav", seed=1))
    seam = round(piece_s * 48_000)
    around = [sum(map(abs, left[at : at + 4800])) / 4800 for at in range(seam - 9600, seam + 9600, 4800)]
    assert min(around) > 50, "no hole where it begins anew"
    # A click is a step that the music around it does not make.
    steps = [abs(left[at + 1] - left[at]) for at in range(seam - 24_000, seam + 24_000)]
    assert max(steps[23_900:24_100]) <= max(max(steps[:23_900]), max(steps[24_100:]))


@pytest.mark.parametrize("sound", sorted(set(SOUNDS) - set(STRUCK)))
def test_every_instrument_is_in_tune_and_ends_in_silence(sound: str) -> None:
    played = play(sound, 57, 2.0)
    assert max(map(abs, played)) > 0.05
    assert max(map(abs, played)) < 2
    assert abs(played[0]) < 0.1
    assert abs(played[-1]) < 0.02
    at = {cents: strength(played, 220 * 2 ** (cents / 1200)) for cents in (-100, 0, 100)}
    assert at[0] > at[-100]
    assert at[0] > at[100]


def strength(samples: list[float], frequency: float) -> float:
    """How much of a tone is in there."""
    step = 2 * pi * frequency / RATE
    real = sum(at * cos(step * place) for place, at in enumerate(samples))
    other = sum(at * sin(step * place) for place, at in enumerate(samples))
    return real * real + other * other


async def test_no_music_is_no_bed(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="No music"):
        await write_bed(MusicStyle.NONE, 3, tmp_path / "bed.wav")
