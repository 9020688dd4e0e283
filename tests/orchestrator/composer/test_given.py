"""A film that somebody gave: taken in whatever its shape, or refused in a sentence, and never half."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from tiny_media import clip, ffmpeg_makes, tone

from agentes.media import ffmpeg
from agentes.media.shelf import Shelf
from orchestrator.composer.given import GIVEN, film_over, shown, take_in
from shared_knowledge.errors import BadRequest, Unreachable
from shared_knowledge.vocabulary import Film

ADDRESS = "https://someone:pass@films.example/mine.mp4?X-Signature=secret"
WANTED = Film(width=0, height=0, clips=(), over=ADDRESS)
SMALL = ("-c:v", "libx264", "-preset", "ultrafast")


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "shelf", tmp_path / "desks")


class Sender:
    """Brings a file of this machine, as the wire would bring one."""

    def __init__(self, file: Path) -> None:
        self.file = file

    async def __call__(self, address: str, into: Path) -> Path:
        assert address == ADDRESS
        return Path(shutil.copyfile(self.file, into.with_name(into.name + self.file.suffix)))


def pictures(
    path: Path, *, size: str = "320x240", fps: int = 30, seconds: float = 1, more: Sequence[str] = ()
) -> Path:
    return ffmpeg_makes(path, "-f", "lavfi", "-i", f"testsrc2=s={size}:r={fps}:d={seconds}", *(more or SMALL))


async def canvas_of(film: Path, shelf: Shelf) -> tuple[int, int, int]:
    """The canvas of the film that is made of it, once really made."""
    given = await take_in(ADDRESS, Sender(film), shelf, "job-given")
    over = film_over(WANTED, given)
    frames = round((given.duration_s or 0) * over.fps)
    ended = await ffmpeg.run(
        [
            *("-i", ffmpeg.local(Path(given.path)), "-filter_complex", shown(over, given, frames)),
            *("-map", "[seen]", "-f", "framecrc", "-"),
        ],
        deadline_s=60,
    )
    told = ended.out.decode().splitlines()
    assert f"#dimensions 0: {over.width}x{over.height}" in told
    assert sum(not line.startswith("#") for line in told) == frames
    return over.width, over.height, over.fps


SHAPES: dict[str, tuple[dict[str, object], tuple[int, int, int]]] = {
    "plain": ({}, (320, 240, 30)),
    "odd and fast": ({"size": "321x241", "fps": 60, "more": (*SMALL, "-pix_fmt", "yuv444p")}, (320, 240, 30)),
    "cinema": ({"fps": 24}, (320, 240, 24)),
    "slow": ({"fps": 10, "seconds": 2}, (320, 240, 30)),
    "half of 25": ({"fps": 50}, (320, 240, 25)),
    "wide pixels": ({"size": "352x288", "fps": 25, "more": ("-vf", "setsar=16/11", *SMALL)}, (512, 288, 25)),
    "large": ({"size": "2560x1440", "seconds": 0.6, "more": (*SMALL, "-crf", "40")}, (1920, 1080, 30)),
    "tall and large": ({"size": "1440x2560", "seconds": 0.6, "more": (*SMALL, "-crf", "40")}, (1080, 1920, 30)),
    "10 bit": ({"more": (*SMALL, "-pix_fmt", "yuv420p10le")}, (320, 240, 30)),
    "interlaced": ({"fps": 25, "more": ("-vf", "setfield=tff", *SMALL, "-flags", "+ilme+ildct")}, (320, 240, 25)),
    "uneven": (
        {"seconds": 2, "more": ("-vf", r"select='lt(n\,20)+not(mod(n\,7))'", "-fps_mode", "vfr", *SMALL)},
        (320, 240, 30),
    ),
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
async def test_a_film_of_any_shape_is_taken(shape: str, shelf: Shelf, tmp_path: Path) -> None:
    how, canvas = SHAPES[shape]
    assert await canvas_of(pictures(tmp_path / "in.mp4", **how), shelf) == canvas  # type: ignore[arg-type]


async def test_a_film_that_lies_on_its_side_is_stood_up(shelf: Shelf, tmp_path: Path) -> None:
    lying = pictures(tmp_path / "lying.mp4")
    turned = ffmpeg_makes(tmp_path / "turned.mp4", "-display_rotation", "90", "-i", str(lying), "-c", "copy")
    assert await canvas_of(turned, shelf) == (240, 320, 30)


async def test_brightness_beyond_the_usual_is_brought_down(shelf: Shelf, tmp_path: Path) -> None:
    tags = ("-x264-params", "colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc")
    bright = pictures(tmp_path / "in.mp4", more=(*SMALL, "-pix_fmt", "yuv420p10le", *tags))
    given = await take_in(ADDRESS, Sender(bright), shelf, "job-given")
    assert given.measured["bright"] is True
    assert "tonemap" in shown(film_over(WANTED, given), given, 30)
    assert await canvas_of(bright, shelf) == (320, 240, 30)


async def test_a_film_comes_as_it_is_and_leaves_no_desk(shelf: Shelf, tmp_path: Path) -> None:
    film = clip(tmp_path / "in.mkv", width=320, height=240, seconds=1, sound="sine=f=300:d=1")
    given = await take_in(ADDRESS, Sender(film), shelf, "job-given")
    assert (given.task, given.platform, int(given.cost)) == (GIVEN, "given", 0)
    assert Path(given.path).read_bytes() == film.read_bytes()
    assert given.measured["has_audio"]
    assert json.loads(given.model_dump_json())["measured"]["canvas"] == [320, 240]
    assert not list((tmp_path / "desks").iterdir())


def picture(path: Path) -> Path:
    return ffmpeg_makes(path.with_suffix(".png"), "-f", "lavfi", "-i", "color=s=64x64", "-frames:v", "1")


def damaged(path: Path) -> Path:
    film = pictures(path.with_suffix(".whole.mp4"), seconds=1)
    content = bytearray(film.read_bytes())
    start = content.find(b"mdat") + 8
    content[start : start + 6000] = bytes(at * 37 % 251 for at in range(6000))
    path.write_bytes(content)
    return path


def cut(path: Path) -> Path:
    path.write_bytes(pictures(path.with_suffix(".whole.mp4"), seconds=1).read_bytes()[:-9000])
    return path


REFUSED = {
    "only sound": (lambda path: tone(path.with_suffix(".wav"), seconds=1), "without moving pictures"),
    "a picture": (picture, "without moving pictures"),
    "one frame": (lambda path: pictures(path, seconds=0.03), "are the least"),
    "tiny": (lambda path: pictures(path, size="16x16"), "pixels a side are the least"),
    "cut off": (cut, "cut off"),
    "damaged": (damaged, "cannot be"),
    "a page": (lambda path: path.write_text("<html>sign in</html>" * 9) and path, "no picture, clip or sound"),
    "empty": (lambda path: path.write_bytes(b"") or path, "empty"),
    "a playlist": (lambda path: path.write_text("#EXTM3U\nfile:///etc/passwd\n") and path, "no picture, clip or sound"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
async def test_what_is_no_film_is_refused_in_a_sentence(what: str, shelf: Shelf, tmp_path: Path) -> None:
    make, why = REFUSED[what]
    with pytest.raises(BadRequest, match=why):
        await take_in(ADDRESS, Sender(make(tmp_path / "in.mp4")), shelf, "job-given")
    assert not list((tmp_path / "desks").iterdir())
    assert not (tmp_path / "shelf").exists()


async def test_limits_are_said(shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    film = pictures(tmp_path / "in.mp4")
    monkeypatch.setattr("orchestrator.composer.given._LONGEST_S", 0.9)
    with pytest.raises(BadRequest, match="minutes"):
        await take_in(ADDRESS, Sender(film), shelf, "job-given")
    monkeypatch.setattr("orchestrator.composer.given._LONGEST_S", 9)
    monkeypatch.setattr("orchestrator.composer.given._MOST_BUSY", 100)
    with pytest.raises(BadRequest, match="is 320x240"):
        await take_in(ADDRESS, Sender(film), shelf, "job-given")


async def test_what_cannot_be_fetched_is_said_without_the_keys_in_its_address(shelf: Shelf) -> None:
    async def nobody(address: str, into: Path) -> Path:
        raise Unreachable("films.example answered 500 instead of the file.")

    with pytest.raises(BadRequest) as refused:
        await take_in(ADDRESS, nobody, shelf, "job-given")
    assert "https://films.example/mine.mp4 could not be fetched" in str(refused.value)
    assert "secret" not in str(refused.value)
    assert "pass" not in str(refused.value)
