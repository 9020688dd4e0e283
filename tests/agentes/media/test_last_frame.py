"""The last frame is the one that is seen last, without loss, and always the same bytes."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from tiny_media import clip, ffmpeg_makes, tone

from agentes.media import ffmpeg
from agentes.media.last_frame import last_frame
from shared_knowledge.errors import Unsuitable


def seen_last(path: Path, number: int, into: Path) -> bytes:
    """The pixels of that frame, found by counting from the beginning."""
    exact = "scale=flags=bicubic+accurate_rnd+full_chroma_int+full_chroma_inp,format=rgb24"
    more = ("-vf", f"select=eq(n\\,{number}),{exact}", "-frames:v", "1", "-f", "rawvideo")
    return ffmpeg_makes(into, "-i", ffmpeg.local(path), *more).read_bytes()


@pytest.mark.parametrize(("seconds", "fps"), [(2, 30), (0.4, 25), (3.04, 24)])
async def test_it_is_the_last_frame_pixel_for_pixel(tmp_path: Path, seconds: float, fps: int) -> None:
    path = clip(tmp_path / "clip.mp4", seconds=seconds, fps=fps)
    frame = await last_frame(path, tmp_path / "frame.png")
    with Image.open(frame) as picture:
        assert (picture.format, picture.mode) == ("PNG", "RGB")
        assert picture.tobytes() == seen_last(path, round(seconds * fps) - 1, tmp_path / "raw")


async def test_the_same_clip_gives_the_same_bytes(tmp_path: Path) -> None:
    path = clip(tmp_path / "clip.mp4", sound="sine=f=220")
    first = (await last_frame(path, tmp_path / "one.png")).read_bytes()
    assert first == (await last_frame(path, tmp_path / "two.png")).read_bytes()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["clip.mp4", "one.png", "two.png"]


async def test_a_picture_that_stands_still_at_the_end_is_found(tmp_path: Path) -> None:
    moving = clip(tmp_path / "moving.mp4", seconds=3)
    held = ffmpeg_makes(
        tmp_path / "held.mp4",
        *("-i", ffmpeg.local(moving), "-vf", "select='lt(n,10)',setpts='if(eq(N,9),4/TB,PTS)'"),
        *("-fps_mode", "vfr", "-c:v", "libx264", "-pix_fmt", "yuv420p"),
    )
    longer = ffmpeg_makes(
        tmp_path / "longer.mp4", "-i", ffmpeg.local(held), "-c", "copy", "-bsf:v", "setts=duration=4/TB"
    )
    shown = seen_last(held, 9, tmp_path / "raw")
    for path in (held, longer):
        with Image.open(await last_frame(path, tmp_path / "frame.png")) as picture:
            assert picture.tobytes() == shown


async def test_a_sound_has_none(tmp_path: Path) -> None:
    with pytest.raises(Unsuitable, match="has no last frame"):
        await last_frame(tone(tmp_path / "tone.wav"), tmp_path / "frame.png")
