"""For whatever is asked: nobody cheaper was passed over, and nobody was refused without a true reason."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import combinations_with_replacement

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.selection import Circumstances, offers
from shared_knowledge.catalogue import Catalogue
from shared_knowledge.platform_facts import Audio, Model, Platform, Unit
from shared_knowledge.vocabulary import Medium, Offer, PhotoSpec, Shot, Task, VideoSpec, VoiceSpec, WhyNot

ALL = Catalogue.load()
ALL_IDS = [platform.id for platform in ALL.platforms]
IDS = sorted(platform.id for platform in ALL.platforms if not platform.local)
RATIOS = ["9:16", "16:9", "1:1", "4:5", "3:4", "21:9", "2:1"]

days = st.integers(0, 120).map(lambda n: date(2026, 11, 1) + timedelta(days=n))
qualities = st.sampled_from(["draft", "standard", "high"])
brands = st.lists(
    st.sampled_from(["kling", "veo", "google", "openai", "runway", "flux", "elevenlabs"]), max_size=2
)


@st.composite
def situations(draw: st.DrawFn) -> Circumstances:
    return Circumstances(
        today=draw(days),
        ready=frozenset(draw(st.one_of(st.just(IDS), st.lists(st.sampled_from(IDS), max_size=12)))),
        adapters=draw(st.sampled_from([None, frozenset(ALL_IDS), frozenset(ALL_IDS[::2])])),
        resting=frozenset(draw(st.lists(st.sampled_from(IDS), max_size=2))),
        draft=draw(st.booleans()) and draw(st.booleans()),
        avoid=tuple(draw(brands)),
    )


@st.composite
def tasks(draw: st.DrawFn) -> Task:
    quality, ratio = draw(qualities), draw(st.sampled_from(RATIOS))
    across, down = map(int, ratio.split(":"))
    short = draw(st.sampled_from([480, 720, 1080, 1440]))
    long = short * max(across, down) // min(across, down)
    width, height = (long, short) if across >= down else (short, long)
    shape = {"aspect_ratio": ratio, "width": width, "height": height, "size_is_stated": draw(st.booleans())}
    match draw(st.sampled_from(list(Medium))):
        case Medium.PHOTO:
            pictures = draw(st.integers(0, 3))
            references = tuple(f"{n}.png" for n in range(pictures))
            return Task(
                id="t", spec=PhotoSpec(subject="mug", quality=quality, references=references, **shape)
            )
        case Medium.VIDEO:
            seconds = draw(st.sampled_from([1, 4, 5, 7.5, 10, 12, 15, 16, 23, 30]))
            shots = (Shot(label="a", scene="a mug", duration_s=seconds),)
            first = draw(st.sampled_from([None, "hero.png"]))
            sound = draw(st.booleans())
            spec = VideoSpec(
                subject="mug",
                shots=shots,
                duration_s=seconds,
                audio=sound,
                first_frame=first,
                quality=quality,
                **shape,
            )
            return Task(id="t", spec=spec)
        case Medium.VOICE:
            text = draw(
                st.sampled_from(
                    ["Olá, mundo. ", "Bom dia a todos. " * 40, "ã" * 4100, "Uma longa fala. " * 900]
                )
            )
            language = draw(st.sampled_from(["pt-BR", "en", "ja", "sw"]))
            return Task(id="t", spec=VoiceSpec(script=text, language=language, quality=quality))


@settings(max_examples=120, deadline=None)
@given(tasks(), situations())
def test_nobody_cheaper_is_passed_over_and_every_refusal_is_true(task: Task, around: Circumstances) -> None:
    found = offers(task, ALL, around)
    assert (
        len(found) == len({(o.platform, o.model) for o in found}) == sum(1 for _ in ALL.models(task.medium))
    )
    suitable = [offer for offer in found if offer.suitable]
    if suitable:
        assert found[0].price == min(offer.price or 0 for offer in suitable)
    for offer in found:
        assert offer.suitable or offer.why_not, offer
        platform = ALL.platform(offer.platform)
        model = platform.model(offer.model)
        assert model is not None
        _reasons_are_true(offer, task, platform, model, around)
        if offer.suitable and isinstance(task.spec, VideoSpec) and not platform.local:
            _no_mix_is_cheaper(offer, task.spec, model, around.today)


def _reasons_are_true(
    offer: Offer, task: Task, platform: Platform, model: Model, around: Circumstances
) -> None:
    spec, why = task.spec, set(offer.why_not)
    assert (WhyNot.RETIRED in why) == (model.retires_on is not None and model.retires_on <= around.today)
    assert (WhyNot.NO_KEY in why) == (not platform.local and platform.id not in around.ready)
    assert (WhyNot.NO_ADAPTER in why) == (around.adapters is not None and platform.id not in around.adapters)
    assert (WhyNot.RESTING in why) == (platform.id in around.resting)
    disliked = any(model.made_by(b) or platform.belongs_to(b) for b in around.avoid)
    assert (WhyNot.AVOIDED in why) == (disliked or (around.draft and not platform.local))
    if not platform.local:
        assert (WhyNot.QUALITY in why) == (spec.quality not in model.quality)
    if offer.price is None:
        assert why & {WhyNot.UNPRICED, WhyNot.DURATION, WhyNot.ASPECT_RATIO, WhyNot.RESOLUTION}
    if isinstance(spec, VoiceSpec):
        assert (WhyNot.LANGUAGE in why) == (not model.speaks(spec.language))
    else:
        shapes = {name for size in model.resolutions for name in (*size.ratios, *size.image_ratios)}
        free = any(size.any_ratio for size in model.resolutions)
        if spec.aspect_ratio not in shapes and not free:
            assert WhyNot.ASPECT_RATIO in why
    if isinstance(spec, VideoSpec):
        assert (WhyNot.AUDIO in why) == (spec.audio and model.audio is Audio.NEVER)


def _no_mix_is_cheaper(offer: Offer, spec: VideoSpec, model: Model, today: date) -> None:
    """The raw price rows of the model, tried in every mix of up to four pieces."""
    label = offer.billed_as.split(" s at ")[1].split(",")[0]
    sound = model.audio is Audio.ALWAYS or spec.audio
    rows = [
        p
        for p in model.prices
        if p.holds(today) and p.resolution in (None, label) and p.audio in (None, sound)
    ]

    def cost(length: int) -> Fraction | None:
        for row in rows:
            least = Fraction(row.least_usd or 0)
            if row.unit is Unit.CLIP and row.seconds == length:
                return max(Fraction(row.usd), least)
            if row.unit is Unit.SECOND:
                return max(Fraction(row.usd) * length, least)
            if row.unit is Unit.VIDEO_OUT and row.tokens_per_s:
                return Fraction(row.usd) * Fraction(row.tokens_per_s) * length / 1_000_000
        return None

    prices = {length: price for length in model.durations_s if (price := cost(length)) is not None}
    lasts = [int(piece.duration_s or 0) for piece in offer.pieces]
    paid = Fraction(sum(piece.price for piece in offer.pieces), 1_000_000)
    exact = sum(prices[length] for length in lasts)
    assert sum(lasts) >= spec.duration_s
    assert exact <= paid <= exact + Fraction(len(lasts), 1_000_000), (
        "rounded up, a micro-dollar a piece at most"
    )
    lengths = sorted(prices, reverse=True)[:6]
    for count in range(1, 5):
        for mix in combinations_with_replacement(lengths, count):
            if sum(mix) >= Decimal(str(spec.duration_s)):
                assert paid <= sum(prices[length] for length in mix) + Fraction(count, 10**6)


@settings(max_examples=30, deadline=None)
@given(tasks(), days)
def test_unpriced_and_retired_models_never_win(task: Task, today: date) -> None:
    first = offers(task, ALL, Circumstances(today=today, ready=frozenset(IDS)))[0]
    if first.suitable:
        model = ALL.platform(first.platform).model(first.model)
        assert model is not None
        assert any(price.holds(today) for price in model.prices)
        assert model.retires_on is None or today < model.retires_on
