"""What a vendor would write on the bill: whole units, minimum charges, the cheapest mix of pieces."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from itertools import combinations_with_replacement

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared_knowledge.canvas import Canvas, choose_canvas
from shared_knowledge.catalogue import Catalogue
from shared_knowledge.platform_facts import Mode, Model, Unit
from shared_knowledge.tariff import Weighed, cover, weigh
from shared_knowledge.vocabulary import (
    Money,
    PhotoIntent,
    PhotoSpec,
    Quality,
    Shot,
    Spec,
    VideoIntent,
    VideoSpec,
    VoiceSpec,
    WhyNot,
)

ALL = Catalogue.load()
DAY = date(2026, 11, 16)


def model_of(name: str) -> Model:
    platform, _, model = name.partition(":")
    found = ALL.platform(platform).model(model)
    assert found is not None
    return found


def photo(**said: object) -> PhotoSpec:
    return PhotoSpec.model_validate(
        {"subject": "mug", "aspect_ratio": "9:16", "width": 1080, "height": 1920, **said}
    )


def clip(duration_s: float = 15, **said: object) -> VideoSpec:
    shots = said.pop("shots", None) or (Shot(label="a", scene="a mug", duration_s=duration_s),)
    shape = {"aspect_ratio": "9:16", "width": 720, "height": 1280}
    return VideoSpec.model_validate(
        {"subject": "mug", "shots": shots, "duration_s": duration_s, **shape, **said}
    )


def voice(script: str, **said: object) -> VoiceSpec:
    return VoiceSpec.model_validate({"script": script, "language": "pt-BR", **said})


def weighed(name: str, spec: Spec, **around: object) -> Weighed:
    return weigh(model_of(name), spec, DAY, **around)  # type: ignore[arg-type]


def usd(name: str, spec: Spec, **around: object) -> str:
    found = weighed(name, spec, **around)
    assert found.price is not None, found.why_not
    assert not found.why_not
    return found.price.usd


# ── photo ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("model", "said", "price", "words"),
    [
        (
            "openai_images:gpt-image-2.5-flare",
            {"aspect_ratio": "2:3"},
            "0.010290",
            "1 image 1024x1536 medium",
        ),
        ("openai_images:gpt-image-2.5-flare", {}, "0.010290", "1 image 1088x1920 medium"),
        ("openai_images:gpt-image-2.5-flare", {"quality": "draft"}, "0.004410", "1 image 1088x1920 low"),
        ("openai_images:gpt-image-2.5-flare", {"quality": "high"}, "0.039600", "1 image 1088x1920 high"),
        (
            "openai_images:gpt-image-2.5-flare",
            {"aspect_ratio": "1:1", "width": 1080, "height": 1080, "size_is_stated": True},
            "0.014340",
            "1 image 1088x1088 medium",
        ),
        (
            "openai_images:gpt-image-2",
            {"references": ("a.png", "b.png")},
            "0.152528",
            "1 image 1088x1920 medium, 2 references",
        ),
        ("google_images:gemini-nano-banana-2.1", {}, "0.033600", "1 image 9:16 at 1K"),
        ("google_images:gemini-nano-banana-2.1", {"quality": "high"}, "0.050400", "1 image 9:16 at 2K"),
        ("google_images:gemini-3-pro-image", {"quality": "high"}, "0.134000", "1 image 9:16 at 2K"),
        ("bfl_flux:flux-2-pro", {}, "0.030000", "1 image 736x1328"),
        ("bfl_flux:flux-2-pro", {"quality": "high"}, "0.045000", "1 image 1056x1872"),
        ("bfl_flux:flux-2-klein-4b", {"references": ("a.png",)}, "0.015000", "1 image 736x1328, 1 reference"),
    ],
)
def test_a_picture_is_billed_as_its_vendor_bills_it(model: str, said: dict, price: str, words: str) -> None:
    assert usd(model, photo(**said)) == price
    assert weighed(model, photo(**said)).billed_as == words


def test_whole_megapixels_are_counted_rounded_up() -> None:
    spec = photo(aspect_ratio="9:16", width=1080, height=1920, size_is_stated=True)
    found = weighed("bfl_flux:flux-2-max", spec)
    assert found.billed_as == "1 image 1088x1920"
    assert found.price == Money.dollars("0.13"), "0.07 and twice 0.03: 2.09 megapixels count as 3"


def test_a_stated_size_is_a_hard_condition_and_another_is_not() -> None:
    lite = "google_images:gemini-3.1-flash-lite-image"
    assert weighed(lite, photo()).why_not == frozenset()
    assert weighed(lite, photo(size_is_stated=True)).why_not == {WhyNot.RESOLUTION}
    assert weighed("google_images:gemini-nano-banana-2.1", photo(size_is_stated=True)).billed_as.endswith(
        "2K"
    )


def test_a_shape_nobody_has() -> None:
    assert weighed("openai_images:gpt-image-1.5", photo()).why_not == {WhyNot.ASPECT_RATIO}
    assert weighed("openai_images:gpt-image-2", photo(aspect_ratio="1:8")).why_not == {WhyNot.ASPECT_RATIO}


def test_references_need_a_model_that_edits() -> None:
    pictures = ("a.png", "b.png")
    assert weighed("bfl_flux:flux-dev", photo(references=pictures)).why_not == {WhyNot.REFERENCE}
    assert weighed("google_images:gemini-3-pro-image", photo(references=pictures)).why_not == {
        WhyNot.REFERENCE
    }
    assert weighed("bfl_flux:flux-kontext-pro", photo()).why_not == {WhyNot.REFERENCE}
    assert not weighed("bfl_flux:flux-kontext-pro", photo(intent=PhotoIntent.EDIT, references=("a",))).why_not


@pytest.mark.parametrize("quality", Quality)
@pytest.mark.parametrize("ratio", ["1:1", "9:16", "16:9", "4:5", "2:1"])
@pytest.mark.parametrize("stated", [False, True])
def test_the_size_that_is_chosen_covers_a_stated_one_and_keeps_the_shape(
    quality: Quality, ratio: str, stated: bool
) -> None:
    across, down = map(int, ratio.split(":"))
    long, short = 1080 * max(across, down) // min(across, down), 1080
    width, height = (long, short) if across >= down else (short, long)
    spec = photo(aspect_ratio=ratio, width=width, height=height, size_is_stated=stated, quality=quality)
    for platform, model in ALL.models(spec.medium):
        canvas = choose_canvas(model, spec)
        if isinstance(canvas, Canvas) and canvas.width and canvas.height:
            assert abs(canvas.width / canvas.height / (across / down) - 1) < 0.05, (platform.id, model.id)
            assert not stated or (canvas.width >= width and canvas.height >= height)


@pytest.mark.parametrize("ratio", ["1:1", "2:3", "3:4", "4:5", "9:16", "16:9", "21:9", "2:1"])
@pytest.mark.parametrize("quality", Quality)
def test_no_other_size_of_the_model_that_would_do_is_cheaper(ratio: str, quality: Quality) -> None:
    spec = photo(aspect_ratio=ratio, quality=quality)
    compared = 0
    for _, model in ALL.models(spec.medium):
        best, tier = weigh(model, spec, DAY), model.quality.get(quality)
        names = [size.name for size in model.resolutions]
        for size in model.resolutions[names.index(tier.resolution) if tier and tier.resolution else 0 :]:
            settings_only = {q: t.model_copy(update={"resolution": None}) for q, t in model.quality.items()}
            narrowed = model.model_copy(update={"resolutions": (size,), "quality": settings_only})
            other = weigh(narrowed, spec, DAY).price
            if best.price is not None and other is not None:
                compared += 1
                assert best.price <= other, (model.id, size.name)
    assert compared > 10


# ── video ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("model", "seconds", "price", "words"),
    [
        ("pika:fal-ai/pika/v2.2/text-to-video", 15, "0.600000", "3 × 5 s at 720p, silent"),
        ("pika:fal-ai/pika/v2.2/text-to-video", 6, "0.400000", "5 + 5 s at 720p, silent"),
        ("google_veo:veo-3.1-lite-generate-001", 15, "0.800000", "8 + 8 s at 720p, silent"),
        ("google_veo:veo-3.1-lite-generate-001", 3, "0.200000", "4 s at 720p, silent"),
        ("google_veo:veo-3.1-lite-generate-001", 9, "0.500000", "6 + 4 s at 720p, silent"),
        ("google_veo:veo-3.1-lite-generate-001", 8.5, "0.500000", "6 + 4 s at 720p, silent"),
        ("kling:kling-v3", 15, "1.260000", "15 s at 720p, silent"),
        ("kling:kling-v3", 2, "0.252000", "3 s at 720p, silent"),
        ("runway:gen4.5", 15, "1.800000", "10 + 5 s at 720p, silent"),
        ("runway:gen4.5", 11, "1.320000", "9 + 2 s at 720p, silent"),
        ("google_omni:gemini-omni-1.1-flash", 15, "1.520400", "10 + 5 s at 720p, with sound"),
        ("runway:seedance2_mini", 1, "0.640000", "4 s at 720p, silent"),
        ("draft_clip:animatic", 7.5, "0.000000", "7.5 s at 720p, silent"),
    ],
)
def test_a_clip_is_covered_by_the_cheapest_pieces(model: str, seconds: float, price: str, words: str) -> None:
    found = weighed(model, clip(seconds))
    assert found.price is not None
    assert (found.price.usd, found.billed_as) == (price, words)
    assert sum(piece.duration_s or 0 for piece in found.pieces) >= seconds
    assert [piece.number for piece in found.pieces] == list(range(1, len(found.pieces) + 1))


def test_pieces_that_go_on_from_a_picture_have_the_price_of_a_picture() -> None:
    known = model_of("runway:gen4.5")
    extra = known.prices[0].model_copy(update={"unit": Unit.REFERENCE, "usd": Decimal("0.02")})
    dearer = known.model_copy(update={"prices": (*known.prices, extra)})
    prices = [(one.duration_s, one.price.usd) for one in weigh(dearer, clip(15), DAY).pieces]
    assert prices == [(10, "1.200000"), (5, "0.620000")]
    assert [one.price.usd for one in weigh(dearer, clip(15), DAY, pictures=["photo-1"]).pieces] == [
        "1.220000",
        "0.620000",
    ]
    words_only = dearer.model_copy(update={"modes": (Mode.TEXT_TO_VIDEO,)})
    assert weigh(words_only, clip(15), DAY).price == weigh(known, clip(15), DAY).price
    by_clip = known.prices[0].model_copy(update={"unit": Unit.CLIP})
    flat = [by_clip.model_copy(update={"seconds": s, "usd": Decimal(s)}) for s in (2, 10)]
    heavy = extra.model_copy(update={"usd": Decimal(3)})
    few = known.model_copy(update={"durations_s": (2, 10), "prices": (*flat, heavy)})
    assert [one.duration_s for one in weigh(few, clip(8), DAY).pieces] == [10], "2 + 3 × 5 would be 17"
    assert weigh(few, clip(12), DAY).billed_as.startswith("10 + 2 s")


def test_sound_has_its_price() -> None:
    assert usd("runway:veo3.1", clip(8)) == "1.600000"
    assert usd("runway:veo3.1", clip(8, audio=True)) == "3.200000"
    assert usd("kling:kling-v3", clip(10, audio=True)) == "1.260000"
    assert weighed("runway:gen4.5", clip(8, audio=True)).why_not == {WhyNot.AUDIO}


def test_a_minimum_is_charged() -> None:
    assert usd("runway:seedance2_mini", clip(4)) == "0.640000"
    rows = model_of("runway:seedance2_mini").prices
    dearer = rows[0].model_copy(update={"least_usd": Decimal("2.5")})
    found = weigh(model_of("runway:seedance2_mini").model_copy(update={"prices": (dearer,)}), clip(4), DAY)
    assert found.price == Money.dollars("2.50")


def test_quality_and_a_stated_size_buy_a_higher_resolution() -> None:
    veo = "google_veo:veo-3.1-fast-generate-001"
    assert usd(veo, clip(8)) == "0.800000"
    assert usd(veo, clip(8, quality="high")) == "0.960000"
    full = {"width": 1080, "height": 1920, "size_is_stated": True}
    assert usd(veo, clip(8, **full)) == "0.960000"
    assert weighed("runway:gen4.5", clip(8, **full)).why_not == {WhyNot.RESOLUTION}
    assert weighed("kling:kling-v2-5-turbo", clip(8, **full)).why_not == {WhyNot.RESOLUTION}


def test_a_model_that_animates_needs_a_picture() -> None:
    turbo = "runway:gen4_turbo"
    assert weighed(turbo, clip()).keyframes == 1
    for picture in ({"first_frame": "hero.png"}, {"references": ("hero.png",)}):
        assert weighed(turbo, clip(**picture)).keyframes == 0
    assert weighed(turbo, clip(), pictures=["photo-1"]).keyframes == 0
    pika = "pika:fal-ai/pika/v2.2/text-to-video"
    assert weighed(pika, clip(first_frame="hero.png")).why_not == {WhyNot.REFERENCE}
    assert weighed(pika, clip(intent=VideoIntent.IMAGE_TO_VIDEO)).why_not == {WhyNot.REFERENCE}
    assert weighed("runway:gen4_turbo", clip(references=("a", "b"))).why_not == {WhyNot.REFERENCE}


def test_a_shape_that_is_only_made_from_pictures_asks_for_one() -> None:
    square = {"aspect_ratio": "1:1", "width": 960, "height": 960}
    assert weighed("runway:gen4.5", clip(**square)).keyframes == 1
    assert weighed("runway:gen4.5", clip()).keyframes == 0


def test_a_draft_clip_needs_a_keyframe_a_shot() -> None:
    shots = tuple(Shot(label=f"{n}", scene="a mug", duration_s=5) for n in range(3))
    assert weighed("draft_clip:animatic", clip(shots=shots)).keyframes == 3
    hero = clip(shots=shots, first_frame="photo-1")
    assert weighed("draft_clip:animatic", hero, pictures=["photo-1"]).keyframes == 2


@pytest.mark.parametrize(("seconds", "can"), [(0.4, False), (0.5, True), (180, True), (180.1, False)])
def test_a_draft_clip_has_its_limits(seconds: float, can: bool) -> None:
    assert (WhyNot.DURATION not in weighed("draft_clip:animatic", clip(seconds)).why_not) is can


def test_lengths_that_are_not_on_file_are_not_relied_on() -> None:
    assert weighed("runway:hailuo3", clip()).why_not == {WhyNot.DURATION}
    assert weighed("pika:fal-ai/pika/v2.2/text-to-video", clip(600)).why_not == {WhyNot.DURATION}


PIECES = st.lists(st.tuples(st.integers(1, 12), st.integers(0, 500).map(Money)), min_size=1, max_size=4)


@settings(max_examples=150)
@given(PIECES.map(lambda rows: tuple(dict(rows).items())), st.integers(1, 24))
def test_no_mix_of_pieces_is_cheaper(costs: tuple[tuple[int, Money], ...], seconds: int) -> None:
    price = dict(costs)
    mix = cover(seconds, costs)
    assert sum(mix) >= seconds
    paid = sum(price[int(length)] for length in mix)
    most = -(-seconds // min(price))
    for count in range(1, min(most, 6) + 1):
        for other in combinations_with_replacement(price, count):
            if sum(other) >= seconds:
                cost = sum(price[length] for length in other)
                assert (paid, len(mix), sum(mix)) <= (cost, count, sum(other))


# ── voice ──────────────────────────────────────────────────────────────────────────────────────

TEXT = "Cada caneca nasce do barro, do fogo e de duas mãos que sabem esperar. " * 3


@pytest.mark.parametrize(
    ("model", "price"),
    [
        ("azure_speech:neural", "0.003165"),
        ("elevenlabs:eleven_v4", "0.016880"),
        ("openai_speech:tts-1", "0.003165"),
        ("draft_speech:espeak-ng", "0.000000"),
    ],
)
def test_characters_are_counted(model: str, price: str) -> None:
    assert len(TEXT.strip()) == 209
    assert usd(model, voice(TEXT + ".")) == price


def test_speech_billed_by_tokens_is_estimated_from_the_text() -> None:
    before = weighed("google_speech:gemini-3.8-flash-lite-tts", voice(TEXT))
    model = model_of("google_speech:gemini-3.8-flash-lite-tts")
    after = weigh(model, voice(TEXT), date(2027, 1, 1))
    assert before.price is not None
    assert Money.dollars("0.0018") < before.price < Money.dollars("0.0030")
    assert after.price is not None
    assert before.price * 2 - 1 <= after.price <= before.price * 2
    assert "tokens" in before.billed_as


def test_limits_of_text_count_in_the_vendors_measure() -> None:
    assert weighed("openai_speech:tts-1", voice("a" * 4096)).why_not == frozenset()
    assert weighed("openai_speech:tts-1", voice("a" * 4097)).why_not == {WhyNot.PROMPT_TOO_LONG}
    assert weighed("google_cloud_tts:chirp-3-hd", voice("ã" * 2500)).why_not == frozenset()
    assert weighed("google_cloud_tts:chirp-3-hd", voice("ã" * 2501)).why_not == {WhyNot.PROMPT_TOO_LONG}
    assert WhyNot.DURATION in weighed("azure_speech:neural", voice(TEXT * 60)).why_not
    long = clip(shots=(Shot(label="a", scene="mug " * 300, duration_s=15),))
    assert weighed("runway:gen4.5", long).why_not == {WhyNot.PROMPT_TOO_LONG}


def test_a_voice_speaks_the_language_or_not() -> None:
    assert weighed("elevenlabs:eleven_flash_v2", voice("olá")).why_not == {WhyNot.LANGUAGE}
    assert not weighed("elevenlabs:eleven_flash_v2", voice("hello", language="en-GB")).why_not


# ── the day and the place ──────────────────────────────────────────────────────────────────────


def test_a_model_is_gone_on_its_day() -> None:
    model = model_of("openai_speech:tts-1")
    assert weigh(model, voice("olá"), date(2027, 1, 5)).why_not == frozenset()
    assert weigh(model, voice("olá"), date(2027, 1, 6)).why_not == {WhyNot.RETIRED}


def test_an_unknown_place_costs_what_the_dearest_would() -> None:
    name = "vertex_images:gemini-3.1-flash-image"
    assert usd(name, photo(), location="global") == "0.067200"
    assert usd(name, photo(), location="us-central1") == "0.073920"
    assert usd(name, photo()) == "0.073920"


def test_an_unconfirmed_price_is_known_as_one() -> None:
    assert not weighed("kling:kling-v3", clip()).confirmed
    assert weighed("runway:gen4.5", clip()).confirmed
