"""The draft picture has the size, the marks and the calm it promises, whatever it is asked to show."""

from __future__ import annotations

import asyncio
import io
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter, ImageStat

from agentes.contract import Done, File
from agentes.drafts.draft_picture import Adapter
from agentes.drafts.storyboard import staging
from agentes.drafts.storyboard.colour import Colour, difference, from_rgb, mix, parse
from agentes.drafts.storyboard.easel import Easel
from agentes.drafts.storyboard.lettering import Lettering, fit, letter
from agentes.drafts.storyboard.palette import choose
from agentes.drafts.storyboard.sketch import sketch
from agentes.media import art
from shared_knowledge.errors import Broken, Unsuitable
from shared_knowledge.money import Money
from shared_knowledge.vocabulary import Order, PhotoIntent, PhotoSpec, Shot, Spec, VideoSpec

ROOT = Path(__file__).parents[3]
MUG = {
    "subject": "caneca de cerâmica",
    "scene": "sobre a mesa, luz da janela, folhas e flores",
    "language": "pt-BR",
    "aspect_ratio": "9:16",
    "badge": "9:16 · 15 s",
}
INTENTS = tuple(PhotoIntent)


def order_for(spec: Spec, *, task: str = "photo-1", inputs: tuple[str, ...] = ()) -> Order:
    return Order(
        id="order-1",
        job="job-1",
        task=task,
        piece=1,
        attempt=1,
        platform="draft_picture",
        model="storyboard",
        price=Money(0),
        prompt="",
        spec=spec,
        inputs=inputs,
    )


def mug(width: int = 216, height: int = 384, **changes: Any) -> PhotoSpec:
    return PhotoSpec.model_validate(MUG | {"width": width, "height": height} | changes)


async def made(desk: Path, spec: Spec, **how: Any) -> tuple[Done, Image.Image]:
    done = await Adapter().start(desk, order_for(spec, **how))
    assert done.media == File("picture.png")
    picture = Image.open(desk / "picture.png")
    picture.load()
    return done, picture


@pytest.mark.parametrize("intent", INTENTS)
@pytest.mark.parametrize(("width", "height"), [(256, 256), (216, 384), (640, 128)])
async def test_it_has_exactly_the_size_asked_for(
    tmp_path: Path, intent: PhotoIntent, width: int, height: int
) -> None:
    done, picture = await made(tmp_path, mug(width, height, intent=intent, label="Plano 2 · A xícara"))
    assert (picture.size, picture.mode, picture.format) == ((width, height), "RGB", "PNG")
    assert done.warnings == ()
    assert [path.name for path in tmp_path.iterdir()] == ["picture.png"]


async def test_the_same_order_gives_the_same_bytes_even_in_another_process(tmp_path: Path) -> None:
    spec = mug(intent=PhotoIntent.LIFESTYLE)
    await made(tmp_path, spec)
    first = (tmp_path / "picture.png").read_bytes()
    await made(tmp_path, spec)
    assert (tmp_path / "picture.png").read_bytes() == first
    code = (
        "import asyncio, sys; from pathlib import Path; from agentes.drafts.draft_picture import Adapter;"
        "from shared_knowledge.vocabulary import Order;"
        "asyncio.run(Adapter().start(Path(sys.argv[1]), Order.model_validate_json(sys.stdin.read())))"
    )
    other = tmp_path / "other"
    other.mkdir()
    order = order_for(spec).model_dump_json()
    command = [sys.executable, "-c", code, str(other)]
    await asyncio.to_thread(subprocess.run, command, input=order, text=True, check=True, cwd=ROOT)
    assert (other / "picture.png").read_bytes() == first


async def test_every_intent_has_a_face_of_its_own(tmp_path: Path) -> None:
    looks = [(await made(tmp_path, mug(intent=intent)))[1].resize((24, 40)) for intent in INTENTS]
    for number, one in enumerate(looks):
        for other in looks[number + 1 :]:
            assert _distance(one, other) > 6


async def test_shots_of_one_subject_are_related_but_not_the_same(tmp_path: Path) -> None:
    shots = [
        await made(tmp_path, mug(intent=PhotoIntent.KEYFRAME, label=f"{number} · {scene}", scene=scene))
        for number, scene in enumerate(
            ("barro na roda", "forno quente", "caneca pronta", "café e pão", "loja")
        )
    ]
    assert len({str(done.measured["palette"]) for done, _ in shots}) == 1
    assert {done.measured["pictogram"] for done, _ in shots} == {"mug"}
    looks = [picture.resize((24, 40)) for _, picture in shots]
    assert min(_distance(a, b) for n, a in enumerate(looks) for b in looks[n + 1 :]) > 4


async def test_tasks_and_seeds_vary_the_picture(tmp_path: Path) -> None:
    seen = set()
    for task, seed in (("photo-1", 0), ("photo-2", 0), ("photo-1", 7)):
        await made(tmp_path, mug(seed=seed), task=task)
        seen.add((tmp_path / "picture.png").read_bytes())
    assert len(seen) == 3


@pytest.mark.parametrize("size", [(270, 480), (480, 270)])
@pytest.mark.parametrize("take", range(5))
async def test_a_keyframe_leaves_its_lower_third_calm_and_dark(
    tmp_path: Path, size: tuple[int, int], take: int
) -> None:
    spec = mug(*size, intent=PhotoIntent.KEYFRAME, label=f"Plano {take}", scene="praia, mar, árvores, loja")
    _, picture = await made(tmp_path, spec)
    width, height = size
    edges = picture.convert("L").filter(ImageFilter.GaussianBlur(1.5)).filter(ImageFilter.FIND_EDGES)
    inside = (round(0.08 * width), round(0.685 * height), round(0.92 * width), round(0.94 * height))
    below = ImageStat.Stat(edges.crop(inside)).mean[0]
    assert below < 1.2
    assert ImageStat.Stat(picture.convert("L").crop(inside)).mean[0] < 110
    above = (0, round(0.1 * height), width, round(0.66 * height))
    assert ImageStat.Stat(edges.crop(above)).mean[0] > 1.8 * below


async def test_the_colours_of_the_brief_are_the_colours_of_the_picture(tmp_path: Path) -> None:
    done, picture = await made(tmp_path, mug(palette=("#2a9d8f", "#e76f51"), intent=PhotoIntent.THUMBNAIL))
    palette = [parse(str(colour)) for colour in done.measured["palette"]]  # type: ignore[union-attr]
    for wish in ("#2a9d8f", "#e76f51"):
        assert min(difference(parse(wish), colour) for colour in palette if colour) < 0.06  # type: ignore[arg-type]
    reds, greens, _ = (ImageStat.Stat(channel).mean[0] for channel in picture.split())
    assert greens > reds * 0.8


async def test_it_says_that_it_is_a_draft_and_no_machine_dreamt_it(tmp_path: Path) -> None:
    _, picture = await made(tmp_path, mug(subject="Pão & <queijo>\x00"))
    assert picture.info["Software"] == "Agentes draft_picture"
    assert picture.info["Description"].startswith("Agentes draft picture")
    assert picture.info["Description"].endswith("Pão & <queijo>")
    xmp = picture.info["XML:com.adobe.xmp"]
    assert "http://cv.iptc.org/newscodes/digitalsourcetype/algorithmicMedia<" in xmp
    assert "Pão &amp; &lt;queijo&gt;" in xmp
    assert "trained" not in xmp.lower()


@pytest.mark.parametrize("intent", INTENTS)
async def test_a_given_picture_takes_the_place_of_the_pictogram(tmp_path: Path, intent: PhotoIntent) -> None:
    reference = tmp_path / "given.jpg"
    Image.new("RGB", (900, 700), (255, 0, 255)).save(reference)
    desk = tmp_path / "desk"
    desk.mkdir()
    done, picture = await made(desk, mug(320, 320, intent=intent), inputs=(str(reference),))
    shown = sum(red > 200 and green < 70 and blue > 200 for red, green, blue in _pixels(picture))
    assert shown > 0.05 * 320 * 320
    assert done.warnings == ()


async def test_a_reference_that_is_no_picture_is_told_and_the_next_one_taken(tmp_path: Path) -> None:
    text, bomb, good = tmp_path / "notes.png", tmp_path / "bomb.png", tmp_path / "good.webp"
    text.write_text("not a picture")
    bomb.write_bytes(_png_header(30_000, 30_000))
    Image.new("RGB", (60, 60), (255, 0, 255)).save(good, lossless=True)
    desk = tmp_path / "desk"
    desk.mkdir()
    inputs = (str(tmp_path / "gone.png"), str(text), str(bomb), str(good))
    done, picture = await made(desk, mug(intent=PhotoIntent.EDIT), inputs=inputs)
    assert len(done.warnings) == 3
    assert all(path in warning for path, warning in zip(inputs, done.warnings, strict=False))
    assert any(red > 240 and green < 20 and blue > 240 for red, green, blue in _pixels(picture))


async def test_words_no_font_can_write_are_told_and_left_out(tmp_path: Path) -> None:
    done, _ = await made(tmp_path, mug(subject="陶器のマグカップ", scene="朝の光 😍", language="ja"))
    assert done.measured["pictogram"] == "mug"
    assert len(done.warnings) == 1
    assert "陶" in done.warnings[0]
    plan, _ = sketch(
        order_for(mug()), mug(subject="陶器のマグカップ", scene="bom dia 😍", language="ja"), None
    )
    assert (plan.title, plan.caption) == ("", "Bom dia")


@pytest.mark.parametrize(
    "words",
    [
        {"subject": "", "scene": ""},
        {"subject": "\x00\u200b\u202e", "scene": "\ud800"},
        {"subject": "x" * 3000, "scene": "palavra " * 1000, "label": "9" * 500},
        {"subject": "e" + "\u0301" * 5000, "scene": "😍" * 500, "badge": "· | •"},
        {"subject": "<svg onload=1>", "palette": ('"/><script>', "#12", "red"), "badge": "0:0 · 9:x"},
    ],
)
async def test_hostile_words_still_make_a_picture(tmp_path: Path, words: dict[str, Any]) -> None:
    for intent in (PhotoIntent.HERO, PhotoIntent.KEYFRAME, PhotoIntent.THUMBNAIL):
        spec = PhotoSpec.model_construct(**(mug(200, 300).__dict__ | {"intent": intent} | words))
        done = await Adapter().start(tmp_path, order_for(mug()).model_copy(update={"spec": spec}))
        assert isinstance(done, Done)


@pytest.mark.parametrize(
    "spec",
    [
        mug(40, 400),
        mug(9000, 9000),
        VideoSpec(subject="mug", shots=(Shot(label="1", scene="", duration_s=3),), duration_s=3),
    ],
)
async def test_what_it_cannot_draw_it_refuses(tmp_path: Path, spec: Spec) -> None:
    with pytest.raises(Unsuitable):
        await Adapter().start(tmp_path, order_for(spec))
    assert list(tmp_path.iterdir()) == []


async def test_a_desk_it_cannot_write_on_is_our_own_failure(tmp_path: Path) -> None:
    with pytest.raises(Broken, match="could not be written"):
        await Adapter().start(tmp_path / "nowhere", order_for(mug(128, 128)))


async def test_it_is_quick(tmp_path: Path) -> None:
    await made(tmp_path, mug(720, 1280))
    began = time.process_time()
    await made(tmp_path, mug(720, 1280, intent=PhotoIntent.KEYFRAME))
    assert time.process_time() - began < 1.2


def test_knowing_the_adapter_costs_no_drawing_library() -> None:
    code = (
        "import sys; import agentes.drafts.draft_picture;"
        "print([name for name in ('PIL', 'resvg_py', 'agentes.drafts.storyboard') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


# ── the plan of a frame ─────────────────────────────────────────────────────────────────────────


def test_what_must_not_be_there_is_no_prop() -> None:
    plan, _ = sketch(order_for(mug()), mug(negative=("flores",)), None)
    assert "herb" in plan.props
    assert "bouquet" not in plan.props


def test_the_scene_chooses_place_and_hour() -> None:
    beach, _ = sketch(order_for(mug()), mug(subject="sandália", scene="praia, mar"), None)
    night, _ = sketch(order_for(mug()), mug(subject="sandália", scene="rua à noite"), None)
    assert (beach.backdrop, night.backdrop) == ("sea", "city")
    assert night.palette.mist.light < 0.6 < beach.palette.mist.light


def test_a_subject_nothing_shows_gets_its_initial() -> None:
    plan, _ = sketch(order_for(mug()), mug(subject="öko-consultoria", scene=""), None)
    assert (plan.figure, plan.monogram) == (None, "Ö")


def test_the_subject_is_the_title_and_the_label_stands_above_it() -> None:
    plan, _ = sketch(order_for(mug()), mug(label="Feita à mão"), None)
    assert (plan.title, plan.eyebrow, plan.shot) == ("Caneca de cerâmica", "Feita à mão", "Feita à mão")
    assert plan.badges == ("9:16", "15 s")
    assert plan.mark == "RASCUNHO"


def test_a_subject_too_long_for_a_title_gives_it_to_the_label() -> None:
    plan, _ = sketch(order_for(mug()), mug(label="Hero", subject="a mug " * 12), None)
    assert plan.title == "Hero"
    assert plan.eyebrow.startswith("A mug a mug")


def test_staging_speaks_only_of_pictograms_there_are() -> None:
    spoken_of = staging.SKY | staging.IN_THE_BACKDROP | staging.LEAFY | staging.NIGHT | set(staging.PLACE_OF)
    assert spoken_of <= art.names()


# ── colour and letters ──────────────────────────────────────────────────────────────────────────

hexes = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


@settings(max_examples=200, deadline=None)
@given(hexes)
def test_a_colour_survives_the_journey(text: str) -> None:
    colour = parse(text)
    assert colour is not None
    before = (int(text[n : n + 2], 16) for n in (1, 3, 5))
    assert max(abs(a - b) for a, b in zip(before, colour.rgb, strict=True)) <= 2


def test_short_bare_and_wrong_hexes() -> None:
    assert parse("abc") == parse("#AABBCC")
    assert [parse(text) for text in ("", "#12", "red", "#12345g", "１２３４５６")] == [None] * 5


@settings(max_examples=150, deadline=None)
@given(st.lists(hexes, max_size=5), st.integers(0, 2**32))
def test_any_wishes_make_a_palette_one_can_read(wishes: list[str], number: int) -> None:
    palette = choose(tuple(wishes), number, None)
    for each in (palette, palette.night):
        assert each.paper.light > each.mist.light > each.ink.light
        for ground in (each.paper, each.mist, each.tone, mix(each.tone, each.ink, 0.5)):
            assert difference(each.letters_on(ground), ground) > 0.27
    assert difference(palette.behind(palette.mist), palette.mist) > 0.1


def test_a_figure_stands_out_from_the_set_that_was_chosen() -> None:
    for number in range(14):
        for figure in (Colour(0.85, 0.01, 0), Colour(0.4, 0.1, 30), from_rgb(120, 120, 120)):
            palette = choose((), number, figure)
            assert difference(palette.behind(figure), figure) > 0.15


@settings(max_examples=120, deadline=None)
@given(
    st.text(st.characters(codec="latin-1"), max_size=200),
    st.floats(10, 900),
    st.floats(5, 400),
    st.sampled_from(["text", "display", "poster"]),
    st.floats(9, 120),
    st.integers(1, 4),
)
def test_words_never_leave_their_box(
    text: str, width: float, height: float, style: Any, largest: float, lines: int
) -> None:
    words = fit(text, width, height, Lettering(style=style, largest=largest, lines=lines))
    if words is not None:
        assert len(words.lines) <= lines
        assert words.width <= width
        assert words.height <= height


def test_fitting_words_are_neither_cut_nor_shortened() -> None:
    words = fit("Jabón artesanal de lavanda", 400, 200, Lettering(style="display", largest=60))
    assert words is not None
    assert " ".join(words.lines) == "Jabón artesanal de lavanda"
    assert len(words.lines) > 1


def test_too_long_a_word_is_hyphenated_and_too_long_a_text_ends_in_dots() -> None:
    one = fit("Donaudampfschifffahrtsgesellschaft", 200, 300, Lettering(largest=60))
    many = fit("palavra " * 90, 200, 60, Lettering(largest=20, smallest=14))
    assert one is not None
    assert one.lines[0].endswith("-")
    assert many is not None
    assert many.lines[-1].endswith("…")


def test_letters_are_written_where_they_were_fitted() -> None:
    easel = Easel(300, 120, 1)
    words = fit("Ação", 200, 60, Lettering(weight=700, largest=40))
    assert words is not None
    letter(easel, words, 30, 20, Colour(1, 0, 0))
    left, top, right, bottom = easel.image.getbbox() or (0, 0, 0, 0)
    assert left >= 28
    assert right <= 31 + words.width
    assert top >= 10
    assert bottom <= 22 + words.height


def _distance(one: Image.Image, other: Image.Image) -> float:
    """How different two small pictures are: the mean step of a channel."""
    pairs = zip(one.tobytes(), other.tobytes(), strict=True)
    return sum(abs(a - b) for a, b in pairs) / len(one.tobytes())


def _pixels(picture: Image.Image) -> list[tuple[int, ...]]:
    flat = picture.tobytes()
    return [tuple(flat[start : start + 3]) for start in range(0, len(flat), 3)]


def _png_header(width: int, height: int) -> bytes:
    """The first bytes of a picture that would fill the memory."""
    made_up = io.BytesIO(b"")
    made_up.write(b"\x89PNG\r\n\x1a\n")
    for kind, body in (
        (b"IHDR", struct.pack(">LLBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"")),
    ):
        made_up.write(struct.pack(">L", len(body)) + kind + body + struct.pack(">L", zlib.crc32(kind + body)))
    return made_up.getvalue()


def test_what_must_not_be_shown_is_not_drawn_nor_written() -> None:
    eggs, _ = sketch(
        order_for(mug()), mug(subject="tiramisù senza uova", negative=("uova",), language="it"), None
    )
    assert "egg" not in (eggs.figure or "")
    mute, _ = sketch(order_for(mug()), mug(negative=("texte",), language="fr"), None)
    assert (mute.title, mute.eyebrow, mute.caption) == ("", "", "")
