"""Practice media are real: of the size, length and kind that were asked for, moving, sounding, and made once."""

from __future__ import annotations

import asyncio
import io
import wave
from pathlib import Path

import pytest
from PIL import Image

from agentes.media import probe, quality
from agentes.sandbox.kernel import props
from agentes.sandbox.kernel.calls import Call
from agentes.sandbox.kernel.files import Files
from agentes.sandbox.kernel.house import House
from agentes.sandbox.kernel.ledger import Ledger
from shared_knowledge.speech_pace import predicted_s

WORDS = "Nossa caneca de cerâmica nasceu das mãos de quem ama café. Leve a sua hoje!"


def house(seed: int = 1) -> House:
    return House("runway", Ledger(), Files(seed), latency_s=0, seed=seed)


def call(twist: str | None = None) -> Call:
    return Call("POST", "/v1/x", "http://127.0.0.1:1/runway", twist=twist)


async def probed(folder: Path, content: bytes) -> tuple[probe.Probed, quality.Measured]:
    file = folder / "made"
    file.write_bytes(content)
    found = await probe.measure(file)
    return found, await quality.measure(file, found)


@pytest.mark.parametrize(
    ("mime", "width", "height"), [("image/png", 1024, 1536), ("image/jpeg", 640, 480), ("image/webp", 33, 17)]
)
async def test_a_picture_is_of_its_size_and_kind(tmp_path: Path, mime: str, width: int, height: int) -> None:
    content = await house().picture(call(), width, height, mime)
    found, _ = await probed(tmp_path, content)
    assert (found.mime, found.width, found.height) == (mime, width, height)
    with Image.open(io.BytesIO(content)) as picture:
        colours = picture.convert("RGB").getcolors(1 << 24)
    assert colours is not None
    assert len(colours) > 20


async def test_two_pictures_are_two_but_a_seed_repeats_them() -> None:
    one, other = house(), house()
    pictures = [await one.picture(call(), 64, 64) for _ in range(2)]
    assert pictures[0] != pictures[1]
    assert pictures == [await other.picture(call(), 64, 64) for _ in range(2)]


@pytest.mark.parametrize(
    ("width", "height", "seconds", "fps", "sound"),
    [(720, 1280, 5, 24, True), (128, 128, 1, 30, False), (144, 96, 3.5, 24, False), (96, 144, 0.5, 8, True)],
)
async def test_a_clip_is_of_its_size_and_length_and_moves(
    tmp_path: Path, width: int, height: int, seconds: float, fps: int, sound: bool
) -> None:
    content = await house().clip(call(), width, height, seconds, fps=fps, sound=sound)
    found, seen = await probed(tmp_path, content)
    assert (found.width, found.height, found.frames, found.fps) == (width, height, round(seconds * fps), fps)
    assert found.duration_s == pytest.approx(seconds, abs=0.01)
    assert (found.mime, found.video_codec, found.pixel_format) == ("video/mp4", "h264", "yuv420p")
    assert found.faststart
    assert found.has_audio is sound
    assert (seen.black_share, seen.frozen_share) == (0, 0)
    if sound:
        assert found.audio_s == pytest.approx(seconds, abs=0.05)
        assert seen.silence_share == 0


async def test_a_clip_is_filmed_once_and_still_no_two_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    filmed = []
    film = props._film

    async def counted(wanted: props.Clip, label: str) -> bytes:
        filmed.append(wanted)
        return await film(wanted, label)

    monkeypatch.setattr(props, "_film", counted)
    office = house()
    clips = await asyncio.gather(*(office.clip(call(), 66, 98, 1, fps=8) for _ in range(4)))
    assert len(filmed) == 1
    assert len(set(clips)) == 4
    work = office.begin(call(), model="gen4_turbo", usd=office.price("gen4_turbo"), number="n")
    assert await office.clip(work, 66, 98, 1, fps=8) == await office.clip(work, 66, 98, 1, fps=8)


async def test_what_was_asked_to_be_wrong_is_wrong(tmp_path: Path) -> None:
    picture, _ = await probed(tmp_path, await house().picture(call("wrong_size"), 1024, 1536))
    assert picture.width is not None
    assert picture.height is not None
    assert abs(picture.width * 1536 / (picture.height * 1024) - 1) > 0.02
    assert picture.width < 512
    clip, _ = await probed(tmp_path, await house().clip(call("wrong_size"), 720, 1280, 1, fps=8))
    assert (clip.width, clip.height) == props.another_size(720, 1280)
    short, _ = await probed(tmp_path, await house().clip(call("wrong_length"), 64, 64, 8, fps=8))
    assert short.duration_s == 4
    long, _ = await probed(tmp_path, await house().clip(call("wrong_length"), 64, 64, 1, fps=8))
    assert long.duration_s == 4
    expected_s = house().spoken_s(call(), WORDS)
    assert house().spoken_s(call("wrong_length"), WORDS) == 2 * expected_s + 2


@pytest.mark.parametrize(
    ("mime", "rate"),
    [("audio/wav", 24_000), ("audio/mpeg", 44_100), ("audio/ogg", 48_000), ("audio/wav", 8_000)],
)
async def test_speech_lasts_as_long_as_the_words(tmp_path: Path, mime: str, rate: int) -> None:
    content = await house().speech(call(), WORDS, mime, rate=rate, language="pt-BR")
    found, heard = await probed(tmp_path, content)
    assert (found.mime, found.sample_rate) == (mime, rate)
    assert found.duration_s == pytest.approx(predicted_s(WORDS, "pt-BR"), abs=0.08)
    assert heard.silence_share == 0
    assert heard.lufs is not None
    assert -30 < heard.lufs < -15


async def test_bare_samples_are_what_the_wav_holds() -> None:
    bare = await house().speech(call(), WORDS, "audio/l16", rate=16_000)
    with wave.open(io.BytesIO(await house().speech(call(), WORDS, rate=16_000))) as sound:
        assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (16_000, 1, 2)
        assert sound.readframes(sound.getnframes()) == bare
    assert len(bare) == 2 * round(16_000 * house().spoken_s(call(), WORDS))
    assert bare != await house().speech(call(), WORDS[::-1], "audio/l16", rate=16_000)


async def test_what_cannot_be_made_is_a_value_error() -> None:
    office = house()
    for making in (
        office.picture(call(), 0, 10),
        office.picture(call(), 10, 10, "image/gif"),
        office.clip(call(), 721, 1280, 5),
        office.clip(call(), 720, 1280, 0),
        office.clip(call(), 8, 8, 5),
        office.speech(call(), "a", "audio/flac"),
    ):
        with pytest.raises(ValueError, match=r"is no size|not as|even sides"):
            await making
