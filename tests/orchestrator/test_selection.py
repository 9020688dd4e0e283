"""Who is chosen, who is not and why; what a quote promises."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from orchestrator.selection import Circumstances, check_budget, offers, quote
from shared_knowledge.catalogue import Catalogue
from shared_knowledge.errors import BadRequest, OverBudget
from shared_knowledge.vocabulary import (
    Choice,
    Medium,
    Money,
    Offer,
    PhotoSpec,
    Plan,
    Shot,
    Task,
    Understanding,
    VideoSpec,
    VoiceSpec,
    WhyNot,
)

ALL = Catalogue.load()
PAID = frozenset(platform.id for platform in ALL.platforms if not platform.local)
TODAY = date(2026, 11, 20)
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)

PHOTO = Task(id="photo-1", spec=PhotoSpec(subject="mug", aspect_ratio="9:16", width=1080, height=1920))
VOICE = Task(
    id="voice-1",
    spec=VoiceSpec(script="Cada caneca nasce do barro, do fogo e de duas mãos. " * 4, language="pt-BR"),
)


def clip(duration_s: float = 15, depends_on: tuple[str, ...] = (), **said: object) -> Task:
    spec = {
        "aspect_ratio": "9:16",
        "width": 1080,
        "height": 1920,
        "subject": "mug",
        "duration_s": duration_s,
        **said,
    }
    shots = [Shot(label="a", scene="a mug", duration_s=duration_s)]
    return Task(id="video-1", spec=VideoSpec.model_validate({"shots": shots, **spec}), depends_on=depends_on)


def around(**said: object) -> Circumstances:
    return Circumstances(**{"today": TODAY, "ready": PAID, **said})  # type: ignore[arg-type]


def chosen(task: Task, circumstances: Circumstances | None = None, *, among: tuple[Task, ...] = ()) -> str:
    first = offers(task, ALL, circumstances or around(), among=among)[0]
    return f"{first.platform}:{first.model}" if first.suitable else ""


def reasons(task: Task, platform: str, circumstances: Circumstances, model: str | None = None) -> set[WhyNot]:
    found = [
        o for o in offers(task, ALL, circumstances) if o.platform == platform and model in (None, o.model)
    ]
    assert found
    return set.intersection(*(set(offer.why_not) for offer in found))


def plan_of(*tasks: Task, budget: str | None = None) -> Plan:
    return Plan(
        brief="a mug",
        brief_language="en",
        understanding=Understanding(),
        coverage=(),
        tasks=tasks,
        budget=Money.dollars(budget) if budget else None,
    )


def choice(text: str) -> Choice:
    head, equals, rest = text.partition("=")
    platform, _, model = (rest if equals else head).partition(":")
    return Choice(platform=platform, medium=Medium(head) if equals else None, model=model or None)


# ── the worked example: 15 s, upright ──────────────────────────────────────────────────────────


def test_fifteen_seconds_upright_cost_what_the_price_lists_say() -> None:
    before_veo_ends = around(today=date(2026, 11, 16))
    found = {f"{o.platform}:{o.model}": o for o in offers(clip(), ALL, before_veo_ends) if o.suitable}
    told = {
        name: (offer.price.usd if offer.price else "", len(offer.pieces)) for name, offer in found.items()
    }
    expected = {
        "pika:fal-ai/pika/v2.2/text-to-video": ("0.600000", 3),
        "google_veo:veo-3.1-lite-generate-001": ("0.800000", 2),
        "kling:kling-v3": ("1.260000", 1),
        "google_omni:gemini-omni-1.1-flash": ("1.520400", 2),
        "google_veo:veo-3.1-fast-generate-001": ("1.600000", 2),
        "runway:gen4.5": ("1.800000", 2),
        "google_veo:veo-3.1-generate-001": ("6.400000", 2),
    }
    assert {name: told[name] for name in expected} == expected
    turbo = found["runway:gen4_turbo"]
    assert turbo.keyframe
    assert turbo.price == Money.dollars("0.75") + Money.dollars("0.01029")
    assert turbo.billed_as == "10 + 5 s at 720p, silent, with a keyframe"
    assert next(iter(found)) == "pika:fal-ai/pika/v2.2/text-to-video"


def test_with_the_hero_photo_the_clip_starts_from_it() -> None:
    among = (PHOTO, VOICE)
    found = offers(clip(depends_on=("photo-1", "voice-1")), ALL, around(), among=among)
    turbo = next(o for o in found if o.model == "gen4_turbo")
    assert turbo.price == Money.dollars("0.75")
    assert not turbo.keyframe
    assert [(piece.duration_s, piece.price.usd) for piece in turbo.pieces] == [
        (10, "0.500000"),
        (5, "0.250000"),
    ]
    pika = next(o for o in found if o.model == "fal-ai/pika/v2.2/text-to-video")
    assert pika.why_not == (WhyNot.REFERENCE,)
    waiting = offers(clip(depends_on=("voice-1",)), ALL, around(), among=among)
    assert next(o for o in waiting if o.model == "gen4_turbo").keyframe


def test_a_keyframe_nobody_can_make() -> None:
    no_photos = PAID - {platform.id for platform in ALL.of(Medium.PHOTO)}
    drafts_off = frozenset(no_photos) | {"draft_clip"}
    found = offers(clip(), ALL, around(ready=no_photos, adapters=drafts_off))
    assert next(o for o in found if o.model == "gen4_turbo").why_not == (WhyNot.REFERENCE,)


# ── why not ────────────────────────────────────────────────────────────────────────────────────


def test_every_model_of_the_medium_is_weighed_once_and_the_best_stand_first() -> None:
    for task in (PHOTO, clip(), VOICE):
        found = offers(task, ALL, around())
        names = [(offer.platform, offer.model) for offer in found]
        assert sorted(names) == sorted((p.id, m.id) for p, m in ALL.models(task.medium))
        suitable = [offer for offer in found if offer.suitable]
        assert list(found[: len(suitable)]) == suitable
        prices = [offer.price for offer in suitable]
        assert prices == sorted(prices)
        assert all(offer.why_not for offer in found[len(suitable) :])


@pytest.mark.parametrize(
    ("task", "said", "platform", "model", "reason"),
    [
        (clip(15, audio=True), {}, "runway", "gen4.5", "audio"),
        (clip(600), {}, "pika", "fal-ai/pika/v2.2/text-to-video", "duration"),
        (clip(aspect_ratio="4:5", width=1080, height=1350), {}, "google_veo", None, "aspect_ratio"),
        (clip(size_is_stated=True), {}, "runway", "gen4.5", "resolution"),
        (clip(quality="high"), {}, "runway", "gen4_turbo", "quality"),
        (clip(), {"ready": frozenset({"runway"})}, "kling", None, "no_key"),
        (clip(), {"adapters": frozenset({"runway"})}, "kling", None, "no_adapter"),
        (clip(), {"resting": frozenset({"kling"})}, "kling", None, "resting"),
        (clip(), {"avoid": ("kling",)}, "kling", None, "avoided"),
        (clip(), {"avoid": ("Kling",)}, "runway", "kling3.0_standard", "avoided"),
        (clip(), {"avoid": ("runway",)}, "runway", "gen4.5", "avoided"),
        (clip(), {"avoid": ("veo",)}, "runway", "veo3.1", "avoided"),
        (clip(), {}, "google_veo", "veo-3.1-generate-001", "retired"),
        (clip(), {}, "luma", None, "unpriced"),
        (clip(), {}, "draft_clip", None, "quality"),
        (VOICE, {}, "elevenlabs", "eleven_flash_v2", "language"),
        (VOICE, {"today": date(2027, 1, 6)}, "openai_speech", None, "retired"),
    ],
)
def test_who_cannot_take_it_is_told_why(
    task: Task, said: dict[str, object], platform: str, model: str | None, reason: str
) -> None:
    assert WhyNot(reason) in reasons(task, platform, around(**said), model)


def test_avoiding_a_brand_leaves_its_neighbours_alone() -> None:
    around_kling = around(avoid=("kling",))
    assert WhyNot.AVOIDED not in reasons(clip(), "runway", around_kling, "gen4.5")


def test_a_place_where_a_model_is_not_served() -> None:
    platform = ALL.platform("google_veo")
    lite = platform.models[0].model_copy(update={"regions": ("us-central1",)})
    narrowed = platform.model_copy(update={"models": (lite,)})
    there = Catalogue.__new__(Catalogue)
    vars(there).update(vars(ALL), platforms=tuple(narrowed if p is platform else p for p in ALL.platforms))
    for place, reason in (("europe-west1", {WhyNot.REGION}), ("us-central1", set())):
        found = offers(clip(), there, around(locations={"google_veo": place}))
        assert set(next(o for o in found if o.platform == "google_veo").why_not) == reason


def test_time_changes_the_choice() -> None:
    square = Task(id="photo-1", spec=PhotoSpec(subject="mug", quality="high"))
    mini = around(ready=frozenset({"openai_images"}), use=(choice("openai_images:gpt-image-1-mini"),))
    assert chosen(square, mini) == "openai_images:gpt-image-1-mini"
    later = around(ready=frozenset({"openai_images"}), use=mini.use, today=date(2026, 12, 1))
    assert chosen(square, later) == ""
    keys = frozenset({"google_speech", "azure_speech"})
    assert chosen(VOICE, around(ready=keys)) == "google_speech:gemini-3.8-flash-lite-tts"
    assert chosen(VOICE, around(ready=keys, today=date(2026, 12, 31))).startswith("google_speech")
    assert chosen(VOICE, around(ready=keys, today=date(2027, 1, 1))) == "azure_speech:neural"


# ── drafts ─────────────────────────────────────────────────────────────────────────────────────


def test_without_any_key_the_drafts_do_it_all() -> None:
    nothing = around(ready=frozenset())
    assert chosen(PHOTO, nothing) == "draft_picture:storyboard"
    assert chosen(clip(), nothing) == "draft_clip:animatic"
    assert chosen(VOICE, nothing) == "draft_speech:espeak-ng"
    first = offers(clip(), ALL, nothing)[0]
    assert first.price == 0
    assert first.keyframe


def test_a_key_for_one_medium_does_not_draft_the_others_away() -> None:
    voices = around(ready=frozenset({"azure_speech"}))
    assert chosen(VOICE, voices) == "azure_speech:neural"
    assert chosen(PHOTO, voices) == "draft_picture:storyboard"


def test_a_key_without_its_adapter_is_no_key() -> None:
    drafts = frozenset({"draft_picture", "draft_clip", "draft_speech"})
    assert chosen(PHOTO, around(adapters=drafts)) == "draft_picture:storyboard"


def test_asked_for_drafts_nothing_is_paid() -> None:
    asked = around(draft=True)
    for task in (PHOTO, clip(), VOICE):
        found = offers(task, ALL, asked)
        assert found[0].platform.startswith("draft_")
        assert found[0].price == 0
        assert all(WhyNot.AVOIDED in offer.why_not for offer in found[1:])


def test_a_draft_animated_from_bought_pictures_says_what_they_cost() -> None:
    spec = {"shots": [Shot(label=n, scene="a mug", duration_s=5) for n in "abc"]}
    photos_only = around(ready=frozenset({"openai_images"}))
    first = offers(clip(15, **spec), ALL, photos_only)[0]
    assert first.platform == "draft_clip"
    assert first.price == 3 * Money.dollars("0.01029")
    assert first.billed_as.endswith("with 3 keyframes")


def test_draft_quality_with_keys_is_the_lowest_paid_setting() -> None:
    low = PHOTO.model_copy(update={"spec": PHOTO.spec.model_copy(update={"quality": "draft"})})
    first = offers(low, ALL, around())[0]
    assert first.billed_as == "1 image 1088x1920 low"


# ── wishes ─────────────────────────────────────────────────────────────────────────────────────


def test_a_preferred_brand_comes_first_wherever_it_lives() -> None:
    assert chosen(clip(), around(prefer=("veo",))) == "google_veo:veo-3.1-lite-generate-001"
    only_runway = around(prefer=("veo",), ready=frozenset({"runway", "openai_images"}))
    assert chosen(clip(), only_runway) == "runway:veo3.1_fast"
    assert chosen(PHOTO, around(prefer=("google",))).startswith("google_images")
    assert chosen(PHOTO, around(prefer=("imagen",))).startswith("google_images"), "its maker carries it on"
    assert chosen(PHOTO, around(prefer=("veo",))) == chosen(PHOTO, around()), "it makes no pictures"


def test_what_was_named_is_used_and_nothing_else() -> None:
    named = around(use=(choice("runway:gen4.5"),))
    found = offers(clip(), ALL, named)
    assert [offer.model for offer in found if offer.suitable] == ["gen4.5"]
    assert all(WhyNot.AVOIDED in offer.why_not for offer in found[1:])
    assert chosen(PHOTO, named) == chosen(PHOTO, around()), "it says nothing about pictures"
    two = around(use=(choice("kling"), choice("video=google_omni")))
    assert {o.platform for o in offers(clip(), ALL, two) if o.suitable} == {"kling", "google_omni"}
    assert chosen(PHOTO, around(use=(choice("draft_picture"),))) == "draft_picture:storyboard"


def test_what_was_shunned_is_not_used() -> None:
    without = around(shun=(choice("pika"), choice("kling:kling-v2-5-turbo")))
    assert chosen(clip(), without) == "runway:gen4_turbo"


def test_an_older_spelling_is_taken_and_said() -> None:
    spoken = around(use=(choice("Gemini_TTS"),))
    assert chosen(VOICE, spoken).startswith("google_speech")
    assert "Gemini_TTS is called google_speech here." in quote(plan_of(VOICE), ALL, spoken, NOW).warnings


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("dalle3", "2026-05-12"),
        ("veo3", "google_veo"),
        ("midjourney", "no official public API"),
        ("runwy", "Did you mean runway"),
        ("photo=runway", "runway makes video, not photo"),
        ("runway:gen9", "has no model 'gen9'"),
        ("openai_images:gpt-image-1", "2026-10-23"),
        ("runway_images:x", "has no model"),
        ("", "There is no platform"),
    ],
)
def test_a_choice_that_cannot_be_meant_is_explained(text: str, says: str) -> None:
    with pytest.raises(BadRequest) as caught:
        offers(PHOTO, ALL, around(use=(choice(text),)))
    assert says in str(caught.value)


def test_shunning_what_is_gone_is_no_mistake() -> None:
    assert chosen(PHOTO, around(shun=(choice("midjourney"),))) == chosen(PHOTO, around())


# ── the quote ──────────────────────────────────────────────────────────────────────────────────

FILM = plan_of(VOICE, PHOTO, clip(depends_on=("photo-1", "voice-1")))


def test_a_quote_adds_up() -> None:
    told = quote(FILM, ALL, around(), NOW)
    lines = [line.chosen for line in told.lines]
    assert [line.task for line in told.lines] == ["voice-1", "photo-1", "video-1"]
    assert told.estimate == sum(line.price or 0 for line in lines if line)
    assert told.oldest_price == date(2026, 11, 20)
    assert told.expires_at == NOW + timedelta(hours=24)
    check_budget(FILM, told, around())


def test_the_ceiling_is_the_dearest_of_three_and_one_piece_more() -> None:
    told = quote(FILM, ALL, around(), NOW)
    expected = 0
    for line in told.lines:
        dearest = max(line.suitable[:3], key=lambda offer: offer.price or 0)
        expected += (dearest.price or 0) + max(piece.price for piece in dearest.pieces)
    assert told.ceiling == expected
    assert told.estimate <= told.ceiling
    for cap in ("1.00", "0.90"):
        capped = quote(FILM, ALL, around(caps=(Money.dollars(cap), Money.dollars("5"))), NOW)
        assert capped.ceiling == Money.dollars(cap)
    assert quote(plan_of(*FILM.tasks, budget="0.85"), ALL, around(), NOW).ceiling == Money.dollars("0.85")
    assert quote(FILM, ALL, around(budget=Money.dollars("0.80")), NOW).ceiling == Money.dollars("0.80")


def test_free_work_has_a_free_ceiling() -> None:
    told = quote(FILM, ALL, around(draft=True), NOW)
    assert (told.estimate, told.ceiling) == (0, 0)
    check_budget(plan_of(*FILM.tasks, budget="0.01"), told, around(draft=True))


def test_an_offer_that_leaves_too_little_for_the_rest_is_marked() -> None:
    poor = plan_of(*FILM.tasks, budget="0.70")
    told = quote(poor, ALL, around(), NOW)
    video = told.line("video-1")
    assert [offer.model for offer in video.suitable] == ["kling-v2-5-turbo"]
    turbo = next(offer for offer in video.offers if offer.model == "gen4_turbo")
    assert turbo.why_not == (WhyNot.OVER_BUDGET,)
    check_budget(poor, told, around())


def test_exactly_enough_is_enough() -> None:
    estimate = quote(FILM, ALL, around(), NOW).estimate
    exact, short = around(budget=estimate), around(budget=estimate - 1)
    told = quote(FILM, ALL, exact, NOW)
    assert all(line.chosen for line in told.lines)
    assert told.ceiling == estimate
    check_budget(FILM, told, exact)
    with pytest.raises(OverBudget):
        check_budget(FILM, quote(FILM, ALL, short, NOW), short)


def test_too_little_money_is_said_before_a_cent_is_spent() -> None:
    poor = plan_of(*FILM.tasks, budget="0.30")
    told = quote(poor, ALL, around(), NOW)
    assert told.line("video-1").chosen is None
    assert told.estimate > Money.dollars("0.60"), "what the cheapest way would cost"
    with pytest.raises(OverBudget, match=r"\$0\.65.*\$0\.30 may be spent"):
        check_budget(poor, told, around())


def test_a_preference_gives_way_to_the_budget() -> None:
    wish = around(prefer=("veo",))
    rich, poor = plan_of(*FILM.tasks, budget="2"), plan_of(*FILM.tasks, budget="0.80")
    assert _name(quote(rich, ALL, wish, NOW).line("video-1").chosen) == "google_veo"
    told = quote(poor, ALL, wish, NOW)
    assert _name(told.line("video-1").chosen) == "kling"
    assert any("does not fit the budget" in warning for warning in told.warnings)
    check_budget(poor, told, wish)


def _name(offer: Offer | None) -> str:
    return offer.platform if offer else ""


def test_equal_quotes_have_equal_seals_and_others_do_not() -> None:
    seal = quote(FILM, ALL, around(), NOW).hash
    assert quote(FILM, ALL, around(), NOW + timedelta(hours=1)).hash == seal
    assert quote(FILM, ALL, around(ready=PAID - {"luma"}), NOW).hash == seal, (
        "nothing that counts has changed"
    )
    assert quote(FILM, ALL, around(ready=PAID - {"kling"}), NOW).hash != seal
    assert quote(FILM, ALL, around(today=date(2027, 1, 1)), NOW).hash != seal
    assert quote(FILM, ALL, around(caps=(Money.dollars("0.9"),)), NOW).hash != seal
    assert quote(plan_of(VOICE, PHOTO), ALL, around(), NOW).hash != seal


def test_a_quote_ends_before_prices_change() -> None:
    late = datetime(2026, 11, 30, 20, tzinfo=UTC)
    told = quote(FILM, ALL, around(today=late.date()), late)
    assert told.expires_at == datetime(2026, 12, 1, tzinfo=UTC)


def test_what_a_person_should_know_is_said() -> None:
    told = quote(FILM, ALL, around(), NOW)
    assert any("kling-v2-5-turbo comes from third parties" in warning for warning in told.warnings)
    old = quote(FILM, ALL, around(today=date(2027, 3, 1)), NOW)
    assert any("oldest price was seen on 2026-11-20" in warning for warning in old.warnings)
    unserved = quote(plan_of(clip(15, audio=True)), ALL, around(prefer=("pika",)), NOW)
    assert any("pika cannot do it" in warning for warning in unserved.warnings)
    nobody = quote(plan_of(clip(15)), ALL, around(prefer=("polly",)), NOW)
    assert any("no platform called 'polly'" in warning for warning in nobody.warnings)
    impossible = quote(plan_of(clip(4000)), ALL, around(), NOW)
    assert any(w.startswith("video-1: none of") and "duration" in w for w in impossible.warnings)
    assert impossible.estimate == impossible.ceiling == 0
