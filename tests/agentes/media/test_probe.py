"""A file is what its bytes say; what was not asked for is refused in exact words."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from tiny_media import clip, ffmpeg_makes, keyframe, tone

from agentes.media import headers, probe
from shared_knowledge.errors import Broken, Unsuitable
from shared_knowledge.file_kinds import Kind
from shared_knowledge.vocabulary import Medium, PhotoSpec, Shot, VideoSpec, VoiceSpec


def _png(width: int, height: int, rows: int) -> bytes:
    """A PNG of a declared size with so many rows in it, every checksum right."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    packer = zlib.compressobj(1)
    body = b"".join(packer.compress(bytes(1 + width // 8 + 1)) for _ in range(rows)) + packer.flush()
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def _video(**asked: Any) -> VideoSpec:
    spec = {"subject": "mug", "duration_s": 2.0, "width": 160, "height": 284, "aspect_ratio": "9:16", **asked}
    return VideoSpec(shots=(Shot(label="a", scene="", duration_s=spec["duration_s"]),), **spec)


@pytest.fixture(scope="module")
def two_seconds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clip(
        tmp_path_factory.mktemp("clips") / "clip.mp4",
        sound="sine=r=48000:d=2",
        more=("-metadata", "comment=draft: a test\nsecond line", "-metadata", "title=Olá"),
    )


async def test_a_clip_is_measured_to_the_frame(two_seconds: Path) -> None:
    found = await probe.measure(two_seconds)
    assert (found.mime, found.medium) == ("video/mp4", Medium.VIDEO)
    assert (found.width, found.height, found.frames, found.fps) == (160, 284, 60, 30.0)
    assert (found.duration_s, found.video_codec, found.pixel_format) == (2.0, "h264", "yuv420p")
    assert (found.has_audio, found.audio_codec, found.sample_rate, found.channels) == (True, "aac", 48000, 1)
    assert (found.faststart, found.title, found.comment) == (True, "Olá", "draft: a test")


async def test_an_index_at_the_end_is_noticed(tmp_path: Path, two_seconds: Path) -> None:
    late = ffmpeg_makes(tmp_path / "late.mp4", "-i", str(two_seconds), "-c", "copy", "-movflags", "0")
    assert (await probe.measure(late)).faststart is False


async def test_a_clip_held_upright_by_a_note_is_measured_as_it_is_seen(
    tmp_path: Path, two_seconds: Path
) -> None:
    turned = ffmpeg_makes(
        tmp_path / "turned.mp4", "-display_rotation", "90", "-i", str(two_seconds), "-c", "copy"
    )
    found = await probe.measure(turned)
    assert (found.width, found.height) == (284, 160)


@pytest.mark.parametrize(
    ("name", "codec", "mime"),
    [
        ("a.wav", ("-c:a", "pcm_s16le"), "audio/wav"),
        ("a.mp3", ("-c:a", "libmp3lame"), "audio/mpeg"),
        ("a.ogg", ("-c:a", "libopus"), "audio/ogg"),
        ("a.flac", ("-c:a", "flac"), "audio/flac"),
        ("a.m4a", ("-c:a", "aac"), "audio/mp4"),
        ("a.aac", ("-c:a", "aac"), "audio/aac"),
    ],
)
async def test_every_kind_of_sound_is_measured(
    tmp_path: Path, name: str, codec: tuple[str, ...], mime: str
) -> None:
    made = ffmpeg_makes(tmp_path / name, "-f", "lavfi", "-i", "sine=r=48000:d=1", "-ac", "2", *codec)
    found = await probe.measure(made)
    assert (found.mime, found.medium, found.channels, found.sample_rate) == (mime, Medium.VOICE, 2, 48000)
    assert found.duration_s == pytest.approx(1, abs=0.06)
    assert found.frames is None


async def test_a_cover_picture_does_not_make_a_song_a_clip(tmp_path: Path) -> None:
    cover = keyframe(tmp_path / "cover.png")
    song = ffmpeg_makes(
        tmp_path / "song.mp3",
        *("-f", "lavfi", "-i", "sine=d=1", "-i", str(cover), "-map", "0", "-map", "1", "-c:v", "copy"),
        *("-disposition:v", "attached_pic"),
    )
    assert (await probe.measure(song)).medium is Medium.VOICE


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("p.png", {}),
        ("p.jpg", {}),
        ("p.jpg", {"progressive": True}),
        ("p.webp", {}),
        ("p.webp", {"lossless": True}),
    ],
)
async def test_every_kind_of_picture_is_measured_and_its_damage_seen(
    tmp_path: Path, name: str, options: dict[str, Any]
) -> None:
    path = tmp_path / name
    Image.effect_noise((123, 77), 40).convert("RGB").save(path, **options)
    found = await probe.measure(path)
    assert (found.medium, found.width, found.height) == (Medium.PHOTO, 123, 77)
    whole = path.read_bytes()
    for share in (0.5, 0.9, 0.999):
        path.write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(Unsuitable, match="damaged"):
            await probe.measure(path)


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("page.mp4", b"<!doctype html><title>Log in</title>", "begins “<!doctype html>"),
        ("error.png", b'{"error": "expired"}', "no picture, clip or sound"),
        ("list.mp4", b"ffconcat version 1.0\nfile 'ok.ts'\n", "no picture, clip or sound"),
        ("list.mp4", b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nok.ts\n", "no picture, clip or sound"),
        ("vector.png", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no picture, clip or sound"),
        ("old.png", b"GIF89a\x01\x00\x01\x00\x00\x00\x00;", "no picture, clip or sound"),
        ("photo.jpg", b"%!PS-Adobe-3.0 EPSF-3.0\n", "no picture, clip or sound"),
        ("photo.heic", b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic", "no picture, clip or sound"),
        ("empty.mp4", b"", "empty"),
        ("short.mp4", b"\x00\x00\x00\x20ftypisom", "cut off"),
        (
            "noise.mp4",
            b"\x00\x00\x00\x10ftypisom\x00\x00\x00\x00\x00\x00\x00\x10moovxxxxxxxx",
            "damaged|cut off",
        ),
        ("noise.mp3", b"ID3" + b"\x00" * 200, "damaged|neither"),
        ("noise.jpg", b"\xff\xd8\xff\xe0\x00\x04ab\x00\x00", "header"),
        ("noise.webp", b"RIFF\x10\x00\x00\x00WEBPVP8Q\x00\x00\x00\x00", "header"),
        ("bomb.png", _png(30_000, 30_000, 4), "30000x30000: over 40 million"),
        ("thin.png", _png(400, 300, 100), "last row"),
    ],
)
async def test_garbage_is_refused(tmp_path: Path, name: str, content: bytes, why: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(Unsuitable, match=why):
        await probe.measure(path)


async def test_a_file_that_is_gone_is_our_own_fault(tmp_path: Path) -> None:
    with pytest.raises(Broken, match=r"gone\.mp4 cannot be read: No such file"):
        await probe.measure(tmp_path / "gone.mp4")


@pytest.mark.parametrize("share", [0.3, 0.7, 0.999])
async def test_a_clip_that_was_cut_off_is_refused(tmp_path: Path, two_seconds: Path, share: float) -> None:
    whole = two_seconds.read_bytes()
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(Unsuitable, match="cut off"):
        await probe.measure(cut)


async def test_a_picture_named_as_a_clip_is_still_a_picture(tmp_path: Path) -> None:
    keyframe(tmp_path / "p.png").rename(tmp_path / "clip.mp4")
    with pytest.raises(Unsuitable, match=r"a picture \(image/png\), not a clip"):
        await probe.accept(tmp_path / "clip.mp4", _video())


@pytest.mark.parametrize(
    ("asked", "exact", "why"),
    [
        ({}, True, None),
        ({"width": 1080, "height": 1920}, True, "160x284; 1080x1920 was asked"),
        ({"duration_s": 2.1}, True, "60 frames at 30 per second; 63 at 30"),
        ({"fps": 25}, True, "60 frames at 30 per second; 50 at 25"),
        ({"duration_s": 2.4}, False, None),
        ({"duration_s": 3.0}, False, "lasts 2.00 s; 3 s"),
        ({"width": 240, "height": 426}, False, None),
        ({"width": 720, "height": 1280}, False, "less than half of the 720x1280"),
        ({"width": 284, "height": 160, "aspect_ratio": "16:9"}, False, "shape is wrong: 160x284, where 16:9"),
    ],
)
async def test_a_clip_is_compared_with_what_was_asked(
    two_seconds: Path, asked: dict[str, Any], exact: bool, why: str | None
) -> None:
    if why is None:
        assert (await probe.accept(two_seconds, _video(**asked), exact=exact)).frames == 60
    else:
        with pytest.raises(Unsuitable, match=why):
            await probe.accept(two_seconds, _video(**asked), exact=exact)


async def test_one_piece_is_compared_with_its_own_length(two_seconds: Path) -> None:
    spec = _video(duration_s=15.0)
    assert (await probe.accept(two_seconds, spec, duration_s=2.0)).frames == 60
    with pytest.raises(Unsuitable, match="15 s were asked"):
        await probe.accept(two_seconds, spec)


async def test_a_picture_is_compared_with_what_was_asked(tmp_path: Path) -> None:
    path = keyframe(tmp_path / "p.png", width=200, height=200)
    assert (await probe.accept(path, PhotoSpec(subject="mug", width=300, height=300))).width == 200
    with pytest.raises(Unsuitable, match="200x200; 300x300"):
        await probe.accept(path, PhotoSpec(subject="mug", width=300, height=300), exact=True)
    with pytest.raises(Unsuitable, match="shape is wrong"):
        await probe.accept(path, PhotoSpec(subject="mug", width=300, height=200, aspect_ratio="3:2"))


@pytest.mark.parametrize(
    ("asked", "exact", "why"),
    [
        ({}, True, None),
        ({"at_most_s": 2.0}, True, None),
        ({"at_most_s": 1.9}, True, "at most 1.9 s"),
        ({"at_most_s": 1.9}, False, None),
        ({"at_most_s": 1.0}, False, "at most 1 s"),
        ({"duration_s": 2.05}, True, None),
        ({"duration_s": 3.0}, True, "2.00 s; 3 s"),
        ({"duration_s": 3.0}, False, None),
    ],
)
async def test_a_voice_is_compared_with_what_was_asked(
    tmp_path: Path, asked: dict[str, float], exact: bool, why: str | None
) -> None:
    path = tone(tmp_path / "voice.wav")
    spec = VoiceSpec(script="Olá.", **asked)
    if why is None:
        assert (await probe.accept(path, spec, exact=exact)).duration_s == 2.0
    else:
        with pytest.raises(Unsuitable, match=why):
            await probe.accept(path, spec, exact=exact)


def test_every_kind_has_a_demuxer_that_reading_allows() -> None:
    from agentes.media import ffmpeg

    allowed = ffmpeg.untrusted(Path("x"), "mov")[3].split(",")
    assert {headers.demuxer_of(kind) for kind in Kind} <= set(allowed)


def test_wide_and_endless_boxes_are_read(tmp_path: Path) -> None:
    path = tmp_path / "boxes.mp4"
    ftyp = struct.pack(">I4s8s", 16, b"ftyp", b"isom\0\0\0\0")
    wide = struct.pack(">I4sQ4s", 1, b"free", 20, b"abcd")
    path.write_bytes(ftyp + wide + struct.pack(">I4s", 0, b"mdat") + b"x" * 30)
    assert headers.atoms(path) == (("ftyp", 0, 16), ("free", 16, 20), ("mdat", 36, 38))
