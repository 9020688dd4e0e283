"""A picture that is sent along arrives as itself where it may, and else as a copy the platform takes."""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from tiny_media import keyframe, tone

from agentes.media.headers import sniff
from agentes.media.pictures import cut_to_shape, fit_picture
from shared_knowledge.errors import Broken, Unsuitable
from shared_knowledge.file_kinds import Kind
from shared_knowledge.platform_facts import PictureLimits


def limits(**told: Any) -> PictureLimits:
    return PictureLimits(**{"most_mb": Decimal(5), **told})


def opened(path: Path) -> Image.Image:
    with Image.open(path) as picture:
        picture.load()
    return picture


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    desk = tmp_path / "desk"
    desk.mkdir()
    return desk


@pytest.mark.parametrize("ending", [".png", ".jpg", ".jpeg", ".JPG", ".webp"])
async def test_a_picture_within_the_limits_is_sent_as_it_is(tmp_path: Path, desk: Path, ending: str) -> None:
    path = tmp_path / f"mug{ending}"
    Image.new("RGB", (400, 300), "teal").save(path)
    assert await fit_picture(path, limits(megapixels=1, shortest_side=300), desk) == path
    assert list(desk.iterdir()) == []


async def test_a_kind_the_platform_does_not_read_is_written_in_one_it_does(
    tmp_path: Path, desk: Path
) -> None:
    path = tmp_path / "mug.webp"
    Image.new("RGB", (400, 300), "teal").save(path)
    copy = await fit_picture(path, limits(kinds=("jpeg", "png")), desk)
    assert (copy.parent, copy.suffix, sniff(copy)) == (desk, ".jpg", Kind.JPEG)
    assert opened(copy).size == (400, 300)


async def test_the_first_bytes_decide_and_the_name_follows(tmp_path: Path, desk: Path) -> None:
    path = tmp_path / "mug.jpg"
    Image.new("RGB", (40, 30)).save(path, "PNG")
    copy = await fit_picture(path, limits(), desk)
    assert (copy.suffix, sniff(copy)) == (".png", Kind.PNG)


async def test_too_many_pixels_are_scaled_down_and_keep_their_shape(tmp_path: Path, desk: Path) -> None:
    path = keyframe(tmp_path / "mug.png", width=1600, height=1200)
    copy = await fit_picture(path, limits(megapixels=1), desk)
    width, height = opened(copy).size
    assert width * height <= 1_000_000
    assert (width, height) == (1154, 866)
    assert copy.suffix == ".png"


async def test_a_heavy_picture_becomes_light(tmp_path: Path, desk: Path) -> None:
    path = tmp_path / "noise.png"
    Image.frombytes("RGB", (600, 600), os.urandom(600 * 600 * 3)).save(path)
    copy = await fit_picture(path, limits(most_mb=Decimal("0.5")), desk)
    assert copy.stat().st_size <= 500_000
    assert copy.suffix in (".jpg", ".webp")
    lossless = await fit_picture(path, limits(most_mb=Decimal("0.5"), kinds=("png",)), desk)
    assert lossless.stat().st_size <= 500_000
    assert lossless.suffix == ".png"
    assert opened(lossless).width < 600


async def test_what_lies_on_its_side_is_sent_upright(tmp_path: Path, desk: Path) -> None:
    path = tmp_path / "phone.jpg"
    picture = Image.new("RGB", (400, 300), "red")
    picture.paste("blue", (0, 0, 100, 300))
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: what is left in the file belongs on top
    exif[0x010F] = "a camera"
    picture.save(path, exif=exif)
    copy = await fit_picture(path, limits(), desk)
    with Image.open(copy) as upright:
        assert upright.size == (300, 400)
        assert upright.getpixel((150, 20))[2] > 200
        assert not upright.getexif()


async def test_transparency_is_kept_where_it_can_be_and_white_elsewhere(tmp_path: Path, desk: Path) -> None:
    path = tmp_path / "logo.webp"
    Image.new("RGBA", (40, 30), (255, 0, 0, 0)).save(path)
    clear = await fit_picture(path, limits(kinds=("jpeg", "png")), desk)
    assert opened(clear).getchannel("A").getextrema() == (0, 0)
    flat = await fit_picture(path, limits(kinds=("jpeg",)), desk)
    assert min(opened(flat).getpixel((5, 5))) > 250


@pytest.mark.parametrize("mode", ["L", "LA", "P", "1", "I;16", "CMYK"])
async def test_every_way_to_store_colours_arrives_in_eight_bits(
    tmp_path: Path, desk: Path, mode: str
) -> None:
    path = tmp_path / ("print.jpg" if mode == "CMYK" else "grey.png")
    picture = (
        Image.new("I;16", (40, 30), 32768) if mode == "I;16" else Image.new("L", (40, 30), 128).convert(mode)
    )
    picture.save(path)
    copy = await fit_picture(path, limits(kinds=("webp",)), desk)
    with Image.open(copy) as plain:
        assert plain.mode == "RGB"
        assert plain.size == (40, 30)
        if mode not in ("1", "P"):
            assert abs(plain.getpixel((20, 15))[0] - 128) < 12


async def test_of_a_moving_picture_the_first_is_sent(tmp_path: Path, desk: Path) -> None:
    path = tmp_path / "moves.png"
    steps = [Image.new("RGB", (40, 30), colour) for colour in ("red", "blue")]
    steps[0].save(path, save_all=True, append_images=steps[1:])
    copy = await fit_picture(path, limits(), desk)
    with Image.open(copy) as still:
        assert getattr(still, "n_frames", 1) == 1
        assert still.getpixel((5, 5)) == (255, 0, 0)


async def test_the_same_order_finds_its_copy_again(tmp_path: Path, desk: Path) -> None:
    path = keyframe(tmp_path / "mug.png", width=400, height=300)
    first = await fit_picture(path, limits(kinds=("jpeg",)), desk)
    made_at = first.stat().st_mtime_ns
    assert await fit_picture(path, limits(kinds=("jpeg",)), desk) == first
    assert first.stat().st_mtime_ns == made_at
    assert [each.name for each in desk.iterdir()] == [first.name]


@pytest.mark.parametrize(
    ("size", "told", "words"),
    [
        ((200, 400), {"shortest_side": 300}, "mug.png is too small to be sent along: it is 200x400"),
        ((2000, 320), {"shortest_side": 300, "megapixels": Decimal("0.3")}, "within the platform's limits"),
        ((300, 300), {"most_mb": Decimal("0.00001")}, "cannot be brought under 0.00001 MB"),
    ],
)
async def test_what_cannot_be_made_fit_is_said_exactly(
    tmp_path: Path, desk: Path, size: tuple[int, int], told: dict[str, Any], words: str
) -> None:
    path = keyframe(tmp_path / "mug.png", width=size[0], height=size[1])
    with pytest.raises(Unsuitable) as refused:
        await fit_picture(path, limits(**told), desk)
    assert words in refused.value.what


async def test_what_is_no_picture_is_not_sent(tmp_path: Path, desk: Path) -> None:
    page = tmp_path / "mug.png"
    page.write_text("<!doctype html><title>Sign in</title>")
    with pytest.raises(Unsuitable, match=r"mug\.png cannot be sent along"):
        await fit_picture(page, limits(), desk)
    with pytest.raises(Unsuitable, match="it is no picture but audio/wav"):
        await fit_picture(tone(tmp_path / "hum.wav", seconds=0.2), limits(), desk)
    with pytest.raises(Broken, match=r"gone\.png cannot be read"):
        await fit_picture(tmp_path / "gone.png", limits(), desk)


async def test_a_picture_of_many_pixels_in_few_bytes_is_refused_before_it_is_opened(
    tmp_path: Path, desk: Path
) -> None:
    path = tmp_path / "bomb.png"
    Image.new("1", (8000, 8000)).save(path)
    with pytest.raises(Unsuitable, match="over 40 million pixels"):
        await fit_picture(path, limits(), desk)


async def test_a_cut_picture_is_refused(tmp_path: Path, desk: Path) -> None:
    whole = keyframe(tmp_path / "whole.png", width=400, height=400).read_bytes()
    cut = tmp_path / "cut.png"
    cut.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(Unsuitable, match=r"cut\.png cannot be sent along: .*damaged"):
        await fit_picture(cut, limits(), desk)


# ── the shape of a clip ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("size", "ratio", "cut"),
    [((900, 1200), "9:16", (675, 1200)), ((900, 1200), "16:9", (900, 506)), ((720, 1280), "1:1", (720, 720))],
)
async def test_a_picture_is_cut_around_its_middle(tmp_path: Path, size, ratio, cut) -> None:
    picture = Image.new("RGB", size, "white")
    middle = (size[0] // 2, size[1] // 2)
    picture.putpixel(middle, (255, 0, 0))
    picture.save(tmp_path / "own.png")
    made = await cut_to_shape(tmp_path / "own.png", ratio, tmp_path)
    with Image.open(made) as shaped:
        assert shaped.size == cut
        assert shaped.getpixel(
            (middle[0] - (size[0] - cut[0]) // 2, middle[1] - (size[1] - cut[1]) // 2)
        ) == (255, 0, 0)


async def test_a_picture_of_the_shape_is_left_alone(tmp_path: Path) -> None:
    Image.new("RGB", (1088, 1920)).save(tmp_path / "own.png")
    (tmp_path / "letter.png").write_text("no picture")
    assert await cut_to_shape(tmp_path / "own.png", "9:16", tmp_path) == tmp_path / "own.png"
    assert await cut_to_shape(tmp_path / "letter.png", "9:16", tmp_path) == tmp_path / "letter.png"
