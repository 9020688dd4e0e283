"""Words and music over a given film: when they are heard, how loud, and what is done when they do not fit."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_media import clip, ffmpeg_makes, frames, silence, tone

from agentes.media import loudness
from agentes.media.shelf import Shelf
from orchestrator.composer.captions import Mark
from orchestrator.composer.finishing import Rendered
from orchestrator.composer.given import film_over, take_in
from orchestrator.composer.narrated import FASTEST, lay_over, render_over
from orchestrator.composer.timeline import Voiced
from shared_knowledge.errors import Unsuitable
from shared_knowledge.vocabulary import Film, MusicStyle

SCRIPT = "Hello, this is a test of words over a film."
OVER = Film(width=320, height=240, fps=30, clips=(), voices=("voice-1",), over="https://films.example/in.mp4")
SPOKEN = Voiced(path=Path("voice.wav"), script=SCRIPT)


# ── when ───────────────────────────────────────────────────────────────────────────────────────


def test_a_voice_that_fits_keeps_its_pace_and_the_film_its_length() -> None:
    timeline, tempo = lay_over(OVER, 10.0, [SPOKEN], [4.0])
    assert (timeline.frames, tempo, timeline.warnings) == (300, 1.0, ())
    assert (timeline.voices[0].start_s, timeline.voices[0].lasts_s) == (0.3, 4.0)
    assert timeline.cuts[0].held == 0


def test_a_voice_a_little_too_long_is_spoken_faster_and_its_captions_with_it() -> None:
    mark = Mark(kind="sentence", offset=0, length=len(SCRIPT), start_s=0.0, end_s=5.0)
    marked = SPOKEN.model_copy(update={"marks": (mark,)})
    timeline, tempo = lay_over(OVER, 5.0, [marked], [5.0])
    assert tempo == pytest.approx(5.0 / 4.7)
    assert timeline.frames == 150
    place = timeline.voices[0]
    assert place.start_s + place.lasts_s == pytest.approx(4.8)
    assert timeline.captions[-1].end_s <= 5.0
    assert timeline.warnings == ("The voice is spoken 6 % faster, so that it ends before the film.",)


def test_a_voice_far_too_long_keeps_its_pace_and_the_last_picture_is_held() -> None:
    timeline, tempo = lay_over(OVER, 5.0, [SPOKEN], [8.0])
    assert tempo == 1.0
    assert timeline.lasts_s == pytest.approx(8.8, abs=1 / 30)
    assert timeline.cuts[0].held == timeline.frames - 150
    assert timeline.warnings == (
        "The words take 8.0 s and the film lasts 5.0 s: its last picture stands still for 3.8 s.",
    )


def test_captions_are_left_out_where_none_are_wanted() -> None:
    bare = OVER.model_copy(update={"captions": False})
    assert lay_over(bare, 10.0, [SPOKEN], [4.0])[0].captions == ()


@given(st.floats(0.5, 1800), st.floats(0.2, 900), st.sampled_from((24, 25, 30)))
def test_whatever_the_lengths_the_voice_is_whole_and_nobody_is_hurried(
    film_s: float, voice_s: float, fps: int
) -> None:
    timeline, tempo = lay_over(OVER.model_copy(update={"fps": fps}), film_s, [SPOKEN], [voice_s])
    (place,) = timeline.voices
    assert 1 <= tempo <= FASTEST + 1e-9
    assert place.start_s >= 0.1 - 1e-9
    assert place.start_s + place.lasts_s <= timeline.lasts_s + 1 / fps
    assert timeline.frames >= round(film_s * fps)
    assert (tempo > 1 or timeline.cuts[0].held > 0) == bool(timeline.warnings)
    assert all(0 <= shown.start_s < shown.end_s <= timeline.lasts_s for shown in timeline.captions)


# ── what is heard and seen ─────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("parts")
    clip(folder / "film.mp4", seconds=3, width=320, height=240, sound="sine=f=1500:d=3,volume=-6dB")
    clip(folder / "mute.mp4", seconds=2, width=320, height=240)
    mute = str(folder / "mute.mp4")
    hush = ("-f", "lavfi", "-i", "anullsrc", "-shortest", "-c:v", "copy")
    ffmpeg_makes(folder / "hushed.mp4", "-i", mute, *hush)
    tone(folder / "voice.wav", seconds=1.4, db=-8)
    tone(folder / "long.wav", seconds=2.9, db=-8)
    silence(folder / "silence.wav", seconds=1)
    return folder


async def made(film: Path, into: Path, *voices: Path, music: MusicStyle = MusicStyle.NONE) -> Rendered:
    async def bring(address: str, place: Path) -> Path:
        return Path(
            place.with_name("given.mp4").write_bytes(film.read_bytes()) and place.with_name("given.mp4")
        )

    taken = await take_in(
        "https://films.example/in.mp4", bring, Shelf(into / "shelf", into / "desks"), "desk"
    )
    wanted = film_over(OVER.model_copy(update={"music": music}), taken)
    spoken = [Voiced(path=voice, script=SCRIPT) for voice in voices]
    return await render_over(wanted, taken, spoken, into / "film.mp4", seed=1)


async def level_of(film: Path, tone_hz: int, start_s: float, end_s: float) -> float:
    """How loud one tone is in a stretch of a film."""
    part = film.with_name(f"{tone_hz}-{start_s}.wav")
    heard = (
        f"atrim={start_s}:{end_s},asetpts=PTS-STARTPTS,bandpass=f={tone_hz}:w=60,bandpass=f={tone_hz}:w=60"
    )
    ffmpeg_makes(part, "-i", str(film), "-map", "0:a", "-af", heard)
    return (await loudness.measure(part)).lufs


async def test_the_voice_leads_and_the_films_own_sound_steps_back(parts: Path, tmp_path: Path) -> None:
    rendered = await made(parts / "film.mp4", tmp_path, parts / "voice.wav")
    assert (rendered.found.frames, rendered.found.width, rendered.found.height) == (90, 320, 240)
    assert (rendered.found.video_codec, rendered.found.audio_codec) == ("h264", "aac")
    assert rendered.measured.lufs == pytest.approx(-16, abs=0.7)
    assert (rendered.measured.true_peak_dbtp or 0) <= -1
    beneath = await level_of(rendered.path, 1500, 0.6, 1.4)
    alone = await level_of(rendered.path, 1500, 2.2, 3.0)
    assert beneath < alone - 5, "it steps back while somebody speaks"
    assert rendered.srt is not None
    assert "Hello, this is a test" in rendered.srt.read_text()
    assert rendered.found.subtitles == 1
    assert rendered.grade.score > 0.5
    assert (rendered.warnings, rendered.seen.spoken_s) == ((), pytest.approx(1.4, abs=0.05))


async def test_music_lies_beneath_what_is_spoken_and_goes_on_after_it(parts: Path, tmp_path: Path) -> None:
    rendered = await made(parts / "mute.mp4", tmp_path, parts / "voice.wav", music=MusicStyle.UPBEAT)
    assert rendered.measured.lufs == pytest.approx(-16, abs=0.7)
    assert rendered.found.audio_s == pytest.approx(2.0, abs=0.05)
    assert rendered.measured.silence_share == 0


async def test_a_film_alone_is_levelled_and_its_sound_stays_in_step(parts: Path, tmp_path: Path) -> None:
    rendered = await made(parts / "film.mp4", tmp_path)
    assert rendered.measured.lufs == pytest.approx(-16, abs=0.7)
    assert (rendered.srt, rendered.warnings, rendered.found.subtitles) == (None, (), 0)
    assert "captions" not in rendered.grade.parts


@pytest.mark.parametrize("film", ["mute.mp4", "hushed.mp4"])
async def test_music_alone_leads(film: str, parts: Path, tmp_path: Path) -> None:
    rendered = await made(parts / film, tmp_path, music=MusicStyle.AMBIENT)
    assert rendered.measured.lufs == pytest.approx(-16, abs=0.7)


async def test_a_silent_film_stays_silent_and_says_so(parts: Path, tmp_path: Path) -> None:
    rendered = await made(parts / "mute.mp4", tmp_path)
    assert not rendered.found.has_audio
    assert rendered.warnings == (
        "Nothing is heard in the film: it came without sound, and none was asked for.",
    )


async def test_the_end_is_held_until_the_last_word(parts: Path, tmp_path: Path) -> None:
    rendered = await made(parts / "mute.mp4", tmp_path, parts / "long.wav")
    assert rendered.found.duration_s == pytest.approx(3.7, abs=0.04)
    shown = frames(rendered.path, width=320, height=240)
    still = [picture.crop((0, 0, 320, 120)).tobytes() for picture in shown[-10:]]
    moving = [picture.crop((0, 0, 320, 120)).tobytes() for picture in shown[:10]]
    assert len(set(moving)) == 10
    assert len(set(still)) <= 3, "but for what the encoder smooths, it stands still"
    assert "stands still for 1.7 s" in rendered.warnings[0]
    assert rendered.grade.parts["standstill"] < 1


async def test_a_voice_without_sound_is_said(parts: Path, tmp_path: Path) -> None:
    with pytest.raises(Unsuitable, match="holds no sound"):
        await made(parts / "film.mp4", tmp_path, parts / "mute.mp4")
