"""The film is exact, level, captioned, and says what it is."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from PIL import ImageChops, ImageStat
from tiny_media import clip, extremes, ffmpeg_makes, frame, silence, tone

from agentes.media import ffmpeg, fonts, loudness, probe, tracks
from orchestrator.composer import lettering
from orchestrator.composer.captions import Caption, Mark
from orchestrator.composer.render import Rendered, Voiced, render
from shared_knowledge.errors import Broken, Unsuitable
from shared_knowledge.vocabulary import Film

SCRIPT = "Feita à mão, uma de cada vez. Ação!"


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip of one colour that shows every letter drawn on it, clips that move, and voices."""
    folder = tmp_path_factory.mktemp("parts")
    clip(folder / "plain.mp4", seconds=3, picture="color=c=teal")
    clip(folder / "moving.mp4", seconds=1.5, more=("-metadata", "comment=draft: test"))
    clip(folder / "loud.mp4", seconds=1.6, width=320, height=180, fps=25, sound="sine=f=330:d=2,volume=10dB")
    tone(folder / "voice.wav", seconds=2.2, db=-6)
    tone(folder / "short.wav", seconds=0.8, db=6)
    silence(folder / "silence.wav", seconds=1)
    return folder


async def _film(
    into: Path, film: Film, clips: list[Path], voices: list[Voiced], *, title: str = ""
) -> Rendered:
    return await render(film, clips, voices, into, fonts=fonts.FOLDER, family=fonts.TEXT_FAMILY, title=title)


def _voiced(path: Path, script: str = SCRIPT, **marks: tuple[Mark, ...]) -> Voiced:
    return Voiced(path=path, script=script, **marks)


async def test_a_film_with_a_voice_and_captions(tmp_path: Path, parts: Path) -> None:
    film = Film(
        width=160, height=284, duration_s=3.0, clips=("video-1",), voices=("voice-1",), language="pt-BR"
    )
    made = await _film(
        tmp_path / "film.mp4",
        film,
        [parts / "plain.mp4"],
        [_voiced(parts / "voice.wav")],
        title="É = #1; \\ ok",
    )
    found = made.found
    assert (found.frames, found.fps, found.width, found.height) == (90, 30.0, 160, 284)
    assert found.duration_s == 3.0
    assert found.audio_s == pytest.approx(3.0, abs=0.03)
    assert (found.video_codec, found.pixel_format, found.faststart) == ("h264", "yuv420p", True)
    assert (found.audio_codec, found.sample_rate, found.channels) == ("aac", 48_000, 2)
    assert found.title == "É = #1; \\ ok"
    assert (made.draft, found.comment, made.warnings) == (False, None, ())
    assert made.measured.lufs == pytest.approx(-16, abs=1)
    assert made.measured.true_peak_dbtp is not None
    assert made.measured.true_peak_dbtp <= -1
    assert made.measured.black_share == 0
    _assert_letters_are_in_the_picture(tmp_path / "film.mp4", parts / "plain.mp4", 1.0)
    await _assert_soft_captions_wait_to_be_chosen(tmp_path / "film.mp4", made)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["film.mp4", "film.srt"]


def _assert_letters_are_in_the_picture(film: Path, bare: Path, at_s: float) -> None:
    change = ImageChops.difference(frame(film, at_s), frame(bare, at_s))
    captioned = change.crop((20, 190, 140, 235))
    assert extremes(captioned)[1] > 100, "white letters"
    assert ImageStat.Stat(captioned).mean[0] > 5, "on a dark plate"
    assert ImageStat.Stat(change.crop((0, 0, 160, 180))).mean[0] < 3, "and nothing above it"


async def _assert_soft_captions_wait_to_be_chosen(film: Path, made: Rendered) -> None:
    assert made.found.subtitles == 1
    assert made.srt is not None
    back = ffmpeg_makes(film.parent / "back.srt", "-i", str(film), "-map", "0:s:0")
    assert back.read_text().split("\n")[2:4] == made.srt.read_text().split("\n")[2:4]
    assert "Feita à mão," in back.read_text()
    back.unlink()
    ended = await ffmpeg.run(
        ["-i", ffmpeg.local(film), "-map", "0:v", "-t", "0.1", "-f", "null", "-"], deadline_s=30
    )
    subtitle = next(line for line in ended.log.splitlines() if "Subtitle:" in line)
    assert "(por)" in subtitle
    assert "(default)" not in subtitle
    assert not tracks.is_subtitle_on(film)


async def test_a_film_of_several_clips_is_as_long_as_they_are(tmp_path: Path, parts: Path) -> None:
    film = Film(width=160, height=284, fps=24, clips=("video-1", "video-2"))
    made = await _film(tmp_path / "film.mp4", film, [parts / "moving.mp4", parts / "moving.mp4"], [])
    assert (made.found.frames, made.found.fps) == (72, 24.0)
    assert (made.found.has_audio, made.found.subtitles, made.srt) == (False, 0, None)
    assert made.draft
    assert (made.found.comment or "").startswith("draft")
    assert made.measured.frozen_share == 0


async def test_the_sound_of_clips_is_kept_and_levelled(tmp_path: Path, parts: Path) -> None:
    film = Film(width=160, height=284, clips=("a", "b"))
    made = await _film(tmp_path / "film.mp4", film, [parts / "moving.mp4", parts / "loud.mp4"], [])
    assert made.found.frames == 93
    assert made.found.has_audio
    assert made.measured.lufs == pytest.approx(-16, abs=1)
    assert made.measured.silence_share == pytest.approx(0.5, abs=0.05)


async def test_the_voice_leads_over_the_sound_of_clips(tmp_path: Path, parts: Path) -> None:
    film = Film(width=320, height=180, duration_s=1.5, clips=("a",), voices=("v",))
    made = await _film(
        tmp_path / "film.mp4", film, [parts / "loud.mp4"], [_voiced(parts / "short.wav", "Ação!")]
    )
    assert made.measured.lufs == pytest.approx(-16, abs=1)
    levels = []
    for first, last in ((0.35, 1.05), (1.2, 1.5)):
        piece = ffmpeg_makes(
            tmp_path / "piece.wav",
            "-i",
            str(tmp_path / "film.mp4"),
            "-vn",
            "-af",
            f"atrim={first}:{last},apad=pad_dur=0.3",
        )
        levels.append((await loudness.measure(piece)).lufs)
    assert levels[0] > levels[1] + 6


@pytest.mark.parametrize(("width", "height"), [(284, 160), (200, 200)])
async def test_every_shape_is_filled(tmp_path: Path, parts: Path, width: int, height: int) -> None:
    film = Film(width=width, height=height, duration_s=1.0, clips=("a",))
    made = await _film(tmp_path / "film.mp4", film, [parts / "moving.mp4"], [])
    assert (made.found.width, made.found.height, made.found.frames) == (width, height, 30)


async def test_a_voice_too_long_is_cut_and_said(tmp_path: Path, parts: Path) -> None:
    film = Film(width=160, height=284, duration_s=1.0, clips=("a",), voices=("v",))
    made = await _film(tmp_path / "film.mp4", film, [parts / "plain.mp4"], [_voiced(parts / "voice.wav")])
    assert made.found.frames == 30
    assert "1.2 s longer than the film of 1 s" in made.warnings[0]
    assert "2.0 s longer than the film: the end is left out" in made.warnings[1]


async def test_a_voice_without_sound_is_said(tmp_path: Path, parts: Path) -> None:
    film = Film(width=160, height=284, duration_s=1.5, clips=("a",), voices=("v",), captions=False)
    made = await _film(tmp_path / "film.mp4", film, [parts / "moving.mp4"], [_voiced(parts / "silence.wav")])
    assert made.warnings == ("The sound of the film is silence.",)
    assert made.measured.silence_share == 1.0


async def test_words_no_font_can_draw_stay_a_track(tmp_path: Path, parts: Path) -> None:
    """A private sign that no font on any machine has, told to be a letter by its neighbours."""
    script = "Olá \U00012031\U0001202f."
    film = Film(width=160, height=284, duration_s=1.0, clips=("a",), voices=("v",))
    made = await _film(
        tmp_path / "film.mp4", film, [parts / "plain.mp4"], [_voiced(parts / "short.wav", script)]
    )
    assert any("No font here draws" in warning for warning in made.warnings)
    assert made.found.subtitles == 1
    change = ImageChops.difference(frame(tmp_path / "film.mp4", 0.6), frame(parts / "plain.mp4", 0.6))
    assert extremes(change)[1] < 40


async def test_signs_no_font_can_draw_are_left_out(tmp_path: Path) -> None:
    shown = [
        Caption(start_s=0, end_s=1, lines=("Café \U0010fffd já", "\U0010fffd")),
        Caption(start_s=1, end_s=2, lines=("\U0010fffd",)),
    ]
    kept, undrawn = await lettering.drawable(shown, tmp_path, fonts=fonts.FOLDER, family=fonts.TEXT_FAMILY)
    assert [caption.lines for caption in kept] == [("Café já",)]
    assert undrawn == ""


async def test_a_cancelled_film_leaves_nothing(tmp_path: Path, parts: Path) -> None:
    film = Film(width=1080, height=1920, duration_s=60.0, clips=("a",))
    making = asyncio.create_task(_film(tmp_path / "film.mp4", film, [parts / "moving.mp4"], []))
    while not (tmp_path / "film.mp4.part").exists():
        await asyncio.sleep(0.02)
    making.cancel()
    with pytest.raises(asyncio.CancelledError):
        await making
    assert list(tmp_path.iterdir()) == []


async def test_a_film_into_a_folder_that_is_gone_says_so(tmp_path: Path, parts: Path) -> None:
    film = Film(width=160, height=284, duration_s=1.0, clips=("a",))
    with pytest.raises(Broken, match=r"film\.mp4.*no such file") as caught:
        await _film(tmp_path / "gone" / "film.mp4", film, [parts / "moving.mp4"], [])
    assert str(tmp_path / "gone") in caught.value.todo


async def test_a_picture_is_no_clip_and_a_silent_clip_no_voice(tmp_path: Path, parts: Path) -> None:
    film = Film(width=160, height=284, duration_s=1.0, clips=("a",), voices=("v",))
    with pytest.raises(Unsuitable, match="no moving pictures"):
        await _film(tmp_path / "film.mp4", film, [parts / "voice.wav"], [])
    with pytest.raises(Unsuitable, match="no sound"):
        await _film(tmp_path / "film.mp4", film, [parts / "plain.mp4"], [_voiced(parts / "plain.mp4")])


def test_the_plate_is_as_wide_as_its_words_and_keeps_off_the_edges() -> None:
    for size in ((1080, 1920), (1080, 1080), (1920, 1080)):
        script = lettering.ass(
            [Caption(start_s=0, end_s=1, lines=("Antidisestablishmentarianism " * 4, "{\\b1}\\N"))],
            frame_width=size[0],
            frame_height=size[1],
            fonts=fonts.FOLDER,
            family=fonts.TEXT_FAMILY,
        )
        plate = next(line for line in script.splitlines() if ",Plate,{" in line)
        left = float(plate.split("\\pos(")[1].split(",")[0])
        assert 0.02 * size[0] < left < 0.1 * size[0]
        words = [line for line in script.splitlines() if ",Words,{" in line]
        assert words[1].endswith("\\{\\\u2060b1\\}\\\u2060N"), "text is never an instruction"


async def test_no_part_of_a_film_is_found_by_its_name(tmp_path: Path, parts: Path) -> None:
    """Folders are customers' words: quotes, commas, brackets and colons must not reach the graph."""
    odd = tmp_path / "it's, a [film]; 10:30 = 100% é"
    odd.mkdir()
    (odd / "clip.mp4").write_bytes((parts / "plain.mp4").read_bytes())
    (odd / "voice.wav").write_bytes((parts / "short.wav").read_bytes())
    for font in fonts.FOLDER.glob("Inter-Bold.ttf"):
        (odd / font.name).write_bytes(font.read_bytes())
    film = Film(width=160, height=284, duration_s=1.0, clips=("a",), voices=("v",))
    made = await render(
        film,
        [odd / "clip.mp4"],
        [_voiced(odd / "voice.wav", "Ação!")],
        odd / "film.mp4",
        fonts=odd,
        family="Inter",
    )
    assert (await probe.measure(odd / "film.mp4")).frames == 30
    _assert_letters_are_in_the_picture(odd / "film.mp4", odd / "clip.mp4", 0.6)
    assert made.warnings == ("The clips are 2.0 s longer than the film: the end is left out.",)


async def test_what_the_encoder_overshoots_is_taken_back(
    tmp_path: Path, parts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the ceiling of the mix set too high, the film as heard is still under the limit."""
    monkeypatch.setattr("orchestrator.composer.finishing._HEADROOM_DB", -1.0)
    clicks = ffmpeg_makes(
        tmp_path / "clicks.wav",
        *("-f", "lavfi", "-i", "aevalsrc=0.1*sin(2*PI*300*t)+0.9*lt(mod(t\\,0.5)\\,0.001):s=48000:d=2"),
    )
    film = Film(width=160, height=284, duration_s=2.5, clips=("a",), voices=("v",))
    made = await _film(tmp_path / "film.mp4", film, [parts / "plain.mp4"], [_voiced(clicks)])
    assert made.measured.true_peak_dbtp is not None
    assert made.measured.true_peak_dbtp <= -1
    assert (made.found.frames, made.found.subtitles, made.found.faststart) == (75, 1, True)
    assert not tracks.is_subtitle_on(tmp_path / "film.mp4")
