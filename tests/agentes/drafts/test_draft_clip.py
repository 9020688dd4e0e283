"""The draft clip is exact to the frame, moves steadily, fades between shots, and repeats itself."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from PIL import ImageChops, ImageStat
from tiny_media import HEIGHT, WIDTH, extremes, ffmpeg_makes, frames, keyframe

from agentes.contract import Done, File
from agentes.drafts import draft_clip
from agentes.media import probe, quality
from shared_knowledge.errors import Unsuitable
from shared_knowledge.vocabulary import Money, Order, Shot, VideoSpec


def _spec(lengths_s: list[float], **asked: Any) -> VideoSpec:
    shots = tuple(Shot(label=f"shot {n}", scene="", duration_s=length) for n, length in enumerate(lengths_s))
    facts = {"subject": "mug", "duration_s": sum(lengths_s), "width": WIDTH, "height": HEIGHT, **asked}
    return VideoSpec(shots=shots, **facts)


async def _animate(desk: Path, spec: VideoSpec, *pictures: Path) -> Done:
    order = Order(
        id="o-1",
        job="j-1",
        task="video-1",
        piece=1,
        attempt=1,
        platform="draft_clip",
        model="pan",
        price=Money(0),
        prompt="",
        spec=spec,
        inputs=tuple(str(picture) for picture in pictures),
    )
    done = await draft_clip.Adapter().start(desk, order)
    assert done.media == File("clip.mp4")
    return done


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    return [keyframe(tmp_path / f"key-{hue}.png", hue=hue) for hue in (0, 50, 55)]


@pytest.mark.parametrize(
    ("lengths_s", "asked"),
    [
        ([1.0, 1.0, 1.0], {}),
        ([2.5], {"fps": 25}),
        ([0.7, 0.9], {"fps": 24}),
        ([0.5, 0.5], {"duration_s": 1.7}),
        ([1.0] * 5, {"duration_s": 0.1}),
        ([0.04], {"fps": 25}),
        ([1.0, 0.0], {}),
        ([0.6, 0.6], {"width": 200, "height": 112}),
        ([0.6, 0.6], {"width": 150, "height": 150}),
    ],
)
async def test_it_has_the_very_frames_and_size(
    tmp_path: Path, pictures: list[Path], lengths_s: list[float], asked: dict[str, Any]
) -> None:
    spec = _spec(lengths_s, **asked)
    await _animate(tmp_path, spec, *pictures)
    found = await probe.accept(tmp_path / "clip.mp4", spec, exact=True)
    assert (found.video_codec, found.pixel_format, found.faststart) == ("h264", "yuv420p", True)
    assert (found.has_audio, (found.comment or "").startswith("draft")) == (False, True)
    assert not list(tmp_path.glob("*.part"))


async def test_the_same_order_gives_the_same_bytes_and_another_seed_other_ones(
    tmp_path: Path, pictures: list[Path]
) -> None:
    made = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        desk = tmp_path / name
        desk.mkdir()
        await _animate(desk, _spec([0.5, 0.5], seed=seed), *pictures)
        made.append((desk / "clip.mp4").read_bytes())
    assert made[0] == made[1]
    assert made[0] != made[2]


async def test_it_moves_without_standing_still_or_jumping(tmp_path: Path, pictures: list[Path]) -> None:
    """From frame to frame a steady drift changes the picture by about the same amount."""
    spec = _spec([2.0])
    await _animate(tmp_path, spec, *pictures)
    found = await probe.measure(tmp_path / "clip.mp4")
    measured = await quality.measure(tmp_path / "clip.mp4", found)
    assert (measured.black_share, measured.frozen_share) == (0, 0)
    steps = [
        ImageStat.Stat(ImageChops.difference(before, after)).mean[0]
        for before, after in pairwise(frames(tmp_path / "clip.mp4")[::6])
    ]
    assert min(steps) > 0.3
    assert max(steps) < 2 * min(steps)


@pytest.mark.parametrize("seed", range(4))
async def test_every_way_to_drift_stays_inside_the_picture(tmp_path: Path, seed: int) -> None:
    """A white picture stays white to the edges, whichever way the frame wanders over it."""
    from PIL import Image

    white = tmp_path / "white.png"
    Image.new("RGB", (WIDTH, HEIGHT), "white").save(white)
    spec = _spec([0.5, 0.5, 0.5], seed=seed)
    await _animate(tmp_path, spec, white)
    assert all(extremes(each)[0] > 240 for each in frames(tmp_path / "clip.mp4"))


async def test_shots_fade_into_each_other(tmp_path: Path) -> None:
    from PIL import Image

    for name in ("black", "white"):
        Image.new("RGB", (WIDTH, HEIGHT), name).save(tmp_path / f"{name}.png")
    await _animate(tmp_path, _spec([1.0, 1.0]), tmp_path / "black.png", tmp_path / "white.png")
    light = [ImageStat.Stat(each).mean[0] for each in frames(tmp_path / "clip.mp4")[20:41]]
    assert light[0] < 20
    assert light[-1] > 230
    assert light == sorted(light)
    assert max(after - before for before, after in pairwise(light)) < 40


async def test_a_keyframe_of_another_shape_is_cut_to_fit(tmp_path: Path) -> None:
    wide = keyframe(tmp_path / "wide.jpg", width=400, height=200)
    spec = _spec([0.4])
    await _animate(tmp_path, spec, wide)
    assert (await probe.accept(tmp_path / "clip.mp4", spec, exact=True)).width == WIDTH


async def test_sound_that_was_asked_for_is_owned_up_to(tmp_path: Path, pictures: list[Path]) -> None:
    done = await _animate(tmp_path, _spec([0.2], audio=True), pictures[0])
    assert "silent" in done.warnings[0]


async def test_without_keyframes_it_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(Unsuitable, match="there are none"):
        await _animate(tmp_path, _spec([0.2]))


async def test_a_keyframe_that_is_no_picture_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "key.png"
    page.write_text("<html>expired</html>")
    with pytest.raises(Unsuitable, match=r"key\.png is not a picture"):
        await _animate(tmp_path, _spec([0.2]), page)


async def test_a_damaged_keyframe_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    whole = ffmpeg_makes(tmp_path / "key.jpg", "-f", "lavfi", "-i", "testsrc2=s=320x568", "-frames:v", "1")
    whole.write_bytes(whole.read_bytes()[:3000])
    with pytest.raises(Unsuitable, match=r"key\.jpg is damaged"):
        await _animate(tmp_path, _spec([0.2]), whole)
    assert [path.name for path in tmp_path.iterdir()] == ["key.jpg"]
