"""The catalogue says what the contract promises, and knows what became of every older name."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from decimal import Decimal

import pytest

from shared_knowledge.catalogue import Catalogue
from shared_knowledge.errors import BadRequest
from shared_knowledge.platform_facts import Audio, Mode, Model, Platform, Recovery, Unit
from shared_knowledge.vocabulary import Medium, Quality

PLATFORMS = {
    Medium.PHOTO: "openai_images google_images vertex_images bfl_flux runway_images draft_picture",
    Medium.VIDEO: "runway google_omni google_veo pika kling luma draft_clip",
    Medium.VOICE: "elevenlabs google_speech google_cloud_tts azure_speech openai_speech draft_speech",
}
ALL = Catalogue.load()
MODELS = [pytest.param(platform, model, id=f"{platform.id}:{model.id}") for platform, model in ALL.models()]


def model_of(platform: str, model: str) -> Model:
    found = ALL.platform(platform).model(model)
    assert found is not None
    return found


@pytest.mark.parametrize("medium", Medium)
def test_every_platform_of_the_contract_is_there_the_local_one_last(medium: Medium) -> None:
    found = [platform.id for platform in ALL.of(medium)]
    assert set(found) == set(PLATFORMS[medium].split())
    assert ALL.platform(found[-1]).local


def test_it_is_read_once() -> None:
    assert Catalogue.load() is Catalogue.load()


@pytest.mark.parametrize(("platform", "model"), MODELS)
def test_every_price_says_where_it_comes_from(platform, model) -> None:
    for price in model.prices:
        assert price.source.strip()
        assert date(2026, 11, 20) <= price.seen_on <= date(2026, 11, 21)
        assert isinstance(price.usd, Decimal)
        assert price.usd > 0 or platform.local


@pytest.mark.parametrize(("platform", "model"), MODELS)
def test_every_model_of_a_medium_has_abilities_of_that_medium(platform, model) -> None:
    fitting = {
        Medium.PHOTO: {Mode.TEXT_TO_IMAGE, Mode.EDIT},
        Medium.VIDEO: {Mode.TEXT_TO_VIDEO, Mode.IMAGE_TO_VIDEO, Mode.VIDEO_TO_VIDEO},
        Medium.VOICE: {Mode.TEXT_TO_SPEECH},
    }[platform.medium]
    assert set(model.modes) <= fitting
    assert Quality.DRAFT in model.quality, "draft is the lowest setting of any model"
    assert bool(model.languages) == (platform.medium is Medium.VOICE)
    assert model.abilities["modes"] == list(model.modes)


def test_every_local_platform_is_free_and_can_be_started_again() -> None:
    local = [platform for platform in ALL.platforms if platform.local]
    assert len(local) == 3
    for platform in local:
        assert platform.recovery is Recovery.IDEMPOTENT
        assert platform.secrets == ()
        assert [price.usd for model in platform.models for price in model.prices] == [0]


def test_every_other_platform_needs_a_key_and_has_a_door() -> None:
    for platform in ALL.platforms:
        if not platform.local:
            host = platform.base_url.removeprefix("https://").replace("{location}", "us-central1")
            assert platform.secrets
            assert platform.may_see_key(host.replace("{region}", "brazilsouth"))
            assert not platform.may_see_key(f"{host}.example.com")
            assert not platform.may_see_key("example.com")


def test_where_a_lost_order_can_be_found_again() -> None:
    kinds = {platform.id: platform.recovery for platform in ALL.platforms if not platform.local}
    assert kinds.pop("elevenlabs") is Recovery.REFETCHABLE
    assert kinds.pop("kling") is Recovery.LISTABLE
    assert kinds.pop("luma") is Recovery.LISTABLE
    assert set(kinds.values()) == {Recovery.OPAQUE}


def test_no_list_is_trusted_that_nobody_has_confirmed() -> None:
    kling = ALL.platform("kling")
    assert kling.settles_s is None
    assert {platform.settles_s for platform in ALL.platforms} == {None}
    told = {"after_s": 60, "source": "the vendor's page", "seen_on": "2026-11-20"}
    for confirmed, settles_s in ((True, 60.0), (False, None)):
        facts = Platform.model_validate(
            kling.model_dump() | {"settling": told | {"confirmed": confirmed}}, strict=False
        )
        assert facts.settles_s == settles_s


@pytest.mark.parametrize("recovery", [Recovery.OPAQUE, Recovery.IDEMPOTENT])
def test_what_has_no_list_has_none_that_settles(recovery: Recovery) -> None:
    told = ALL.platform("kling").model_dump() | {
        "recovery": recovery,
        "settling": {"after_s": 60, "source": "x", "seen_on": "2026-11-20"},
    }
    with pytest.raises(ValueError, match="settling is about a list"):
        Platform.model_validate(told)


@pytest.mark.parametrize(
    ("platform", "names"),
    [
        ("google_images", {"GOOGLE_API_KEY", "GEMINI_API_KEY"}),
        ("runway", {"RUNWAYML_API_SECRET", "RUNWAY_API_KEY"}),
        ("pika", {"FAL_KEY", "PIKA_API_KEY"}),
        ("kling", {"KLING_ACCESS_KEY", "KLING_SECRET_KEY"}),
        ("azure_speech", {"AZURE_SPEECH_KEY", "AZURE_SPEECH_API_KEY", "AZURE_SPEECH_REGION"}),
    ],
)
def test_secrets_have_older_names(platform: str, names: set[str]) -> None:
    assert {n for secret in ALL.platform(platform).secrets for n in (secret.name, *secret.older)} == names


@pytest.mark.parametrize(
    ("platform", "model", "day"),
    [
        ("openai_images", "gpt-image-1.5", date(2026, 12, 1)),
        ("openai_images", "gpt-image-1-mini", date(2026, 12, 1)),
        ("openai_images", "chatgpt-image-latest", date(2026, 12, 1)),
        ("openai_speech", "tts-1", date(2027, 1, 6)),
        ("openai_speech", "gpt-4o-mini-tts", date(2027, 1, 6)),
        ("google_images", "gemini-3.1-flash-image", date(2026, 10, 29)),
        ("vertex_images", "gemini-3-pro-image", date(2027, 5, 28)),
        ("google_veo", "veo-3.1-generate-001", date(2026, 11, 17)),
        ("google_veo", "veo-3.1-fast-generate-001", date(2026, 11, 17)),
        ("google_veo", "veo-3.1-lite-generate-001", None),
    ],
)
def test_models_end_when_their_makers_say(platform: str, model: str, day: date | None) -> None:
    assert model_of(platform, model).retires_on == day


@pytest.mark.parametrize(
    ("model", "before", "after"), [("gemini-3.8-flash-tts", 9, 18), ("gemini-3.8-flash-lite-tts", 6, 12)]
)
def test_gemini_speech_doubles_with_the_year(model: str, before: int, after: int) -> None:
    prices = [p for p in model_of("google_speech", model).prices if p.unit is Unit.AUDIO_OUT]
    assert [p.usd for p in prices if p.holds(date(2026, 12, 31))] == [before]
    assert [p.usd for p in prices if p.holds(date(2027, 1, 1))] == [after]


def test_prices_are_exact() -> None:
    rows = model_of("openai_images", "gpt-image-2.5-flare").prices
    price = next(p for p in rows if p.quality == "medium" and p.resolution == "1024x1536")
    assert price.usd == Decimal("0.01029")
    assert price.estimate


@pytest.mark.parametrize(
    "name", ["gpt-image-2.6-flare", "flux-3-image", "ray-2", "gemini-omni-1.2-flash", "kling_4"]
)
def test_a_model_without_a_price_stands_there_without_one(name: str) -> None:
    assert [model.prices for _, model in ALL.models() if model.id == name] == [()]


def test_a_hosted_model_keeps_its_own_maker() -> None:
    kling = model_of("runway", "kling3.0_standard")
    assert kling.made_by("Kling")
    assert not kling.made_by("runway")
    assert model_of("runway", "gen4_turbo").made_by("Runway")
    assert model_of("runway", "veo3.1").made_by("google")
    assert set(ALL.carriers("veo")) == {"runway", "google_veo"}
    assert set(ALL.carriers("nano banana")) == {"google_images", "vertex_images"}


def test_lengths_shapes_and_sound() -> None:
    veo = model_of("google_veo", "veo-3.1-lite-generate-001")
    assert veo.durations_s == (4, 6, 8)
    assert veo.audio is Audio.OPTIONAL
    assert model_of("kling", "kling-v3").durations_s == tuple(range(3, 16))
    assert model_of("runway", "gen4_turbo").modes == (Mode.IMAGE_TO_VIDEO,)
    assert model_of("runway", "gen4_turbo").resolutions[0].ratios["9:16"] == "720:1280"
    clip = model_of("draft_clip", "animatic").any_duration_s
    assert clip is not None
    assert (clip.least, clip.most) == (Decimal("0.5"), 180)


@pytest.mark.parametrize(
    ("wanted", "spoken"),
    [("pt-BR", True), ("pt", True), ("pt-PT", True), ("es-MX", True), ("pt-AO", False), ("sw", False)],
)
def test_a_language_is_met_by_itself_or_its_parent(wanted: str, spoken: bool) -> None:
    assert model_of("draft_speech", "espeak-ng").speaks(wanted) is spoken


# ── names ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "since", "instead"),
    [
        ("google_imagen", "2026-08-17", "google_images"),
        ("imagen", "2026-08-17", "google_images"),
        ("imagen_flash", "2026-08-17", "google_images"),
        ("dalle3", "2026-05-12", "openai_images"),
        ("DALL-E 3", "2026-05-12", "openai_images"),
        ("dall-e", "2026-05-12", "openai_images"),
        ("gpt-image-1", "2026-10-23", "openai_images:gpt-image-2.5-flare"),
        ("veo3", "2026-06-30", "google_veo"),
        ("veo-3.1-generate-preview", "2026-10-22", "google_omni"),
        ("sora", "2026-09-24", "runway"),
        ("midjourney", "", "openai_images"),
    ],
)
def test_a_name_that_is_gone_is_explained(name: str, since: str, instead: str) -> None:
    told = ALL.explain(name)
    assert told.kind == "retired"
    assert since in told.sentence
    assert instead in told.sentence
    assert str(told.since or "") == since
    with pytest.raises(BadRequest, match=instead):
        ALL.platform(name)


@pytest.mark.parametrize(
    ("name", "today"),
    [("gemini_tts", "google_speech"), ("Pika Labs", "pika"), ("runwayml", "runway"), ("flux", "bfl_flux")],
)
def test_an_older_spelling_is_understood(name: str, today: str) -> None:
    assert ALL.named(name) == today
    assert ALL.explain(name).kind == "renamed"
    assert today in ALL.explain(name).sentence


def test_other_names_lead_to_the_right_one() -> None:
    assert ALL.explain("gpt-image-2").instead == ("openai_images:gpt-image-2",)
    assert ALL.explain("seedance").instead == ("runway",)
    assert "Did you mean runway" in ALL.explain("runwy").sentence
    assert ALL.explain("zzz").kind == "unknown"
    assert len(ALL.explain("z" * 5000).sentence) < 200


def test_what_is_named_instead_exists() -> None:
    for gone in ALL.gone:
        for name in gone.instead:
            platform, _, model = name.partition(":")
            assert not model or ALL.platform(platform).model(model) is not None
        assert gone.successor is None or ALL.carriers(gone.successor)
        for name in gone.names:
            assert ALL.named(name) is None, f"{name} is alive"


def test_the_next_change_is_known() -> None:
    assert ALL.changes_after(date(2026, 11, 20)) == date(2026, 12, 1)
    assert ALL.changes_after(date(2026, 12, 1)) == date(2027, 1, 1)
    assert ALL.changes_after(date(2099, 1, 1)) is None


def test_reading_it_all_is_cheap() -> None:
    """Less than 0.15 s of CPU for all the files, even on a slow machine; measured in a fresh process."""
    program = (
        "import time, shared_knowledge.vocabulary, tomllib\n"
        "begun = time.process_time()\n"
        "from shared_knowledge.catalogue import Catalogue\n"
        "Catalogue.load()\n"
        "print(time.process_time() - begun)"
    )
    spent = min(
        float(subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout)
        for _ in range(2)
    )
    assert spent < 0.15
