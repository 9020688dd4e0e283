"""What a quote promises: whose work it is, what it may cost at most, and when it is no longer the same."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import combinations_with_replacement
from pathlib import Path
from typing import NamedTuple

import pytest

from orchestrator.selection import (
    Circumstances,
    TrackRecord,
    check_budget,
    digests,
    may_stay,
    quote,
    track_records,
    unchanged,
)
from orchestrator.selection.track_record import as_text, from_text
from shared_knowledge.catalogue import Catalogue
from shared_knowledge.clip_mix import PIECES_MOST, cover
from shared_knowledge.platform_facts import Model, Platform
from shared_knowledge.vocabulary import (
    Asset,
    Choice,
    Film,
    Medium,
    Money,
    PhotoSpec,
    Plan,
    Quote,
    Shot,
    Task,
    Understanding,
    VideoSpec,
    VoiceSpec,
    WhyNot,
)

ALL = Catalogue.load()
PAID = frozenset(platform.id for platform in ALL.platforms if not platform.local)
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def clip(name: str = "video-1", seconds: float = 10, **said: object) -> Task:
    shape = {"aspect_ratio": "9:16", "width": 1080, "height": 1920}
    shots = (Shot(label="a", scene="a mug", duration_s=seconds),)
    spec = VideoSpec(subject="mug", shots=shots, duration_s=seconds, **shape)
    return Task.model_validate({"id": name, "spec": spec, **said})


def voice(script: str = "A mug for every morning.", name: str = "voice-1") -> Task:
    return Task(id=name, spec=VoiceSpec(script=script))


PHOTO = Task(id="photo-1", spec=PhotoSpec(subject="mug", aspect_ratio="9:16", width=1080, height=1920))


def plan_of(*tasks: Task, film: Film | None = None) -> Plan:
    return Plan(
        brief="a mug", brief_language="en", understanding=Understanding(), coverage=(), tasks=tasks, film=film
    )


def around(**said: object) -> Circumstances:
    return Circumstances(**{"today": NOW.date(), "ready": PAID, **said})  # type: ignore[arg-type]


def quoted(
    *tasks: Task, catalogue: Catalogue = ALL, kept: dict[str, Asset] | None = None, **said: object
) -> Quote:
    return quote(plan_of(*tasks), catalogue, around(**said), NOW, kept=kept or {})


def names(told: Quote) -> list[str]:
    return [f"{line.chosen.platform}:{line.chosen.model}" if line.chosen else "" for line in told.lines]


def asset(task: Task, platform: str, model: str, sha256: str = "a" * 64) -> Asset:
    told = {"path": "x", "size_bytes": 1, "mime": "x/y", "cost": Money(0), "sha256": sha256}
    return Asset(task=task.id, medium=task.medium, platform=platform, model=model, **told)


def changed(name: str, change: Callable[[Model], Model]) -> Catalogue:
    """The catalogue with one model that is not as it was."""
    platform_id, _, model_id = name.partition(":")

    def told(platform: Platform) -> Platform:
        if platform.id != platform_id:
            return platform
        models = tuple(change(model) if model.id == model_id else model for model in platform.models)
        return platform.model_copy(update={"models": models})

    other = Catalogue.__new__(Catalogue)
    platforms = tuple(told(platform) for platform in ALL.platforms)
    vars(other).update(vars(ALL), platforms=platforms, _by_id={p.id: p for p in platforms})
    return other


def priced(**said: object) -> Callable[[Model], Model]:
    def change(model: Model) -> Model:
        prices = tuple(price.model_copy(update=said) for price in model.prices)
        return model.model_copy(update={"prices": prices})

    return change


# ── the seal ───────────────────────────────────────────────────────────────────────────────────

CHEAPEST = names(quoted(clip()))[0]


def dearer(model: Model) -> Model:
    prices = tuple(
        price.model_copy(update={"usd": price.usd + Decimal("0.000001")}) for price in model.prices
    )
    return model.model_copy(update={"prices": prices})


class Twist(NamedTuple):
    """One thing that is different about a quote."""

    what: str
    again: Callable[[], Quote]


FILM = Film(width=1080, height=1920, clips=("video-1",))

CUP = Task(id="video-1", spec=clip().spec.model_copy(update={"subject": "cup"}))
LOUDER = plan_of(clip()).model_copy(update={"brief": "A MUG"})
LOOKED_UP = changed("runway:gen4.5", priced(seen_on=date(2026, 11, 21)))
VEO = ("google_veo", "veo-3.1-lite-generate-001")

TELLING = [
    Twist("the price of the chosen one", lambda: quoted(clip(), catalogue=changed(CHEAPEST, dearer))),
    Twist("the price of a fallback", lambda: quoted(clip(), catalogue=changed("runway:gen4.5", dearer))),
    Twist("the length", lambda: quoted(clip(seconds=9))),
    Twist("the words", lambda: quoted(CUP)),
    Twist("one more task", lambda: quoted(clip(), voice())),
    Twist("the ceiling", lambda: quoted(clip(), budget=Money.dollars("0.95"))),
    Twist("a film", lambda: quote(plan_of(clip(), film=FILM), ALL, around(), NOW)),
    Twist("a key that is gone", lambda: quoted(clip(), ready=PAID - {CHEAPEST.split(":")[0]})),
    Twist("who comes first", lambda: quoted(clip(), prefer=("veo",))),
    Twist("who fails", lambda: quoted(clip(), records={tuple(CHEAPEST.split(":")): TrackRecord(1, 50)})),
    Twist("what is kept", lambda: quoted(clip(), kept={"video-1": asset(clip(), "runway", "gen4.5")})),
]

IDLE = [
    Twist("the hour", lambda: quote(plan_of(clip()), ALL, around(), NOW + timedelta(hours=5))),
    Twist("the brief's wording", lambda: quote(LOUDER, ALL, around(), NOW)),
    Twist("a warning", lambda: quoted(clip(), prefer=("polly",))),
    Twist("somebody without a price", lambda: quoted(clip(), ready=PAID - {"luma"})),
    Twist("a price looked up again", lambda: quoted(clip(), catalogue=LOOKED_UP)),
    Twist("a cap that does not bind", lambda: quoted(clip(), budget=Money.dollars("500"))),
    Twist("good work", lambda: quoted(clip(), records={tuple(CHEAPEST.split(":")): TrackRecord(80, 0)})),
    Twist("a fallback that fails more often", lambda: quoted(clip(), records={VEO: TrackRecord(20, 1)})),
]


@pytest.mark.parametrize("twist", TELLING, ids=lambda twist: twist.what)
def test_a_quote_has_another_hash_when_anything_that_matters_has_changed(twist: Twist) -> None:
    assert twist.again().hash != quoted(clip()).hash


@pytest.mark.parametrize("twist", IDLE, ids=lambda twist: twist.what)
def test_a_quote_has_the_same_hash_while_nothing_that_matters_has_changed(twist: Twist) -> None:
    assert twist.again().hash == quoted(clip()).hash


# ── one model for one subject ──────────────────────────────────────────────────────────────────


def test_tasks_of_one_group_share_a_model() -> None:
    short, long = clip("video-1", 6), clip("video-2", 10)
    apart = quoted(short, long)
    assert len(set(names(apart))) == 2, "alone, each has a cheapest of its own"
    both = quoted(*(task.model_copy(update={"group": "mug"}) for task in (short, long)))
    assert len(set(names(both))) == 1
    assert both.estimate >= apart.estimate
    firsts = [[(o.platform, o.model) for o in line.suitable[:3]] for line in both.lines]
    assert firsts[0] == firsts[1], "they would go elsewhere together"


def test_a_group_that_no_model_can_do_is_made_by_several_and_says_so() -> None:
    loud = clip("video-1").spec.model_copy(update={"audio": True})
    tall = clip("video-2").spec.model_copy(update={"aspect_ratio": "4:5", "height": 1350})
    tasks = [
        Task(id=f"video-{number}", spec=spec, group="mug") for number, spec in enumerate((loud, tall), 1)
    ]
    told = quoted(*tasks, ready=frozenset({"pika", "google_veo"}))
    assert [name.split(":")[0] for name in names(told)] == ["google_veo", "pika"]
    assert any(words.startswith("video-1 and video-2 should share a model") for words in told.warnings)


# ── what was made before ───────────────────────────────────────────────────────────────────────


def test_what_is_kept_costs_nothing_and_says_why() -> None:
    before = (PHOTO, voice(), clip(depends_on=("photo-1", "voice-1")))
    made = {task.id: asset(task, "runway", "gen4.5") for task in before}
    all_kept = unchanged(before, before, made)
    assert all_kept == made
    told = quoted(*before, kept=all_kept)
    assert (told.estimate, told.ceiling, told.oldest_price) == (0, 0, None)
    for line in told.lines:
        assert line.chosen is not None
        assert line.chosen.price == 0
        assert line.chosen.billed_as == "unchanged, kept from the earlier job"
        assert line.suitable, "the others are still told"
    check_budget(plan_of(*before), told, around(budget=Money(0)))


def test_only_the_difference_is_paid() -> None:
    before = (PHOTO, voice())
    now = (PHOTO, voice("A cup for every evening."))
    made = {task.id: asset(task, "openai_speech", "tts-1") for task in before}
    kept = unchanged(now, before, made)
    assert set(kept) == {"photo-1"}
    told = quoted(*now, kept=kept)
    assert told.estimate == quoted(now[1]).estimate
    assert told.ceiling == quoted(now[1]).ceiling


def test_work_is_known_by_its_content_not_by_its_number() -> None:
    first = PHOTO.spec.model_copy(update={"scene": "on a table"})
    second = PHOTO.spec.model_copy(update={"scene": "by a window"})
    before = (Task(id="photo-1", spec=first), Task(id="photo-2", spec=second))
    made = {task.id: asset(task, "bfl_flux", "flux-2-pro", task.id[-1] * 64) for task in before}
    kept = unchanged((Task(id="photo-1", spec=second),), before, made)
    assert kept["photo-1"].sha256 == "2" * 64
    assert kept["photo-1"].task == "photo-1"
    twice = (Task(id="photo-1", spec=second), Task(id="photo-3", spec=second))
    assert set(unchanged(twice, before, made)) == {"photo-1"}, "one picture is not two"


def test_a_file_is_known_by_what_it_holds_not_by_its_name(tmp_path: Path) -> None:
    def drawn_from(name: str) -> Task:
        return PHOTO.model_copy(update={"spec": PHOTO.spec.model_copy(update={"references": (name,)})})

    one, two = str(tmp_path / "mug.png"), str(tmp_path / "cup.png")
    Path(one).write_bytes(b"a mug")
    Path(two).write_bytes(b"a mug")
    were = digests([one, "https://example.org/mug.png", str(tmp_path / "nothing.png")])
    assert set(were) == {one}
    made = {"photo-1": asset(PHOTO, "bfl_flux", "flux-2-pro")}
    before = (drawn_from(one),)
    assert set(unchanged((drawn_from(two),), before, made, were, digests([two]))) == {"photo-1"}
    Path(one).write_bytes(b"another mug")
    assert unchanged(before, before, made, were, digests([one])) == {}
    assert set(unchanged(before, before, made)) == {"photo-1"}, "an older job knew names alone"


def test_a_clip_is_made_again_when_the_picture_it_begins_with_is_another() -> None:
    film = clip(depends_on=("photo-1",))
    film = film.model_copy(update={"spec": film.spec.model_copy(update={"first_frame": "photo-1"})})
    made = {task.id: asset(task, "runway", "gen4.5") for task in (PHOTO, film)}
    another = PHOTO.model_copy(update={"spec": PHOTO.spec.model_copy(update={"scene": "in snow"})})
    assert unchanged((another, film), (PHOTO, film), made) == {}
    assert unchanged((PHOTO, film), (PHOTO, film), {"video-1": made["video-1"]}) == {}, "its picture is lost"
    assert set(unchanged((PHOTO, film), (PHOTO, film), made)) == {"photo-1", "video-1"}


@pytest.mark.parametrize(
    ("maker", "said", "stays"),
    [
        ("runway:gen4_image", {}, True),
        ("runway:gen4_image", {"draft": True}, True),
        ("bfl_flux:flux-2-pro", {"shun": (Choice(platform="bfl_flux"),)}, False),
        ("runway_images:gen4_image", {"avoid": ("runway",)}, False),
        ("bfl_flux:flux-2-pro", {"use": (Choice(platform="openai_images"),)}, False),
        ("draft_picture:storyboard", {}, False),
        ("draft_picture:storyboard", {"draft": True}, True),
        ("draft_picture:storyboard", {"ready": frozenset()}, True),
        ("bfl_flux:gone-since", {}, True),
        ("nobody:at-all", {"use": (Choice(platform="openai_images"),)}, True),
    ],
)
def test_what_was_made_stays_unless_somebody_said_no_to_its_maker(
    maker: str, said: dict[str, object], stays: bool
) -> None:
    platform, _, model = maker.partition(":")
    made = {"photo-1": asset(PHOTO, platform, model)}
    assert may_stay(made, ALL, around(**said)) == (made if stays else {})


def test_what_is_made_anew_looks_like_what_is_kept() -> None:
    kept = clip("video-1", group="mug")
    told = quoted(kept, clip("video-2", group="mug"), kept={"video-1": asset(kept, "runway", "gen4.5")})
    assert names(told) == ["runway:gen4.5", "runway:gen4.5"]
    gone = quoted(kept, clip("video-2", group="mug"), kept={"video-1": asset(kept, "runway", "gen3")})
    assert names(gone)[1] == CHEAPEST
    assert any("should share a model" in words for words in gone.warnings)


# ── what was measured ──────────────────────────────────────────────────────────────────────────


def test_who_fails_every_second_time_loses_although_its_price_is_lowest() -> None:
    models = [model.id for model in ALL.platform("pika").models]
    told = quoted(clip(), records={("pika", model): TrackRecord(made=40, failed=40) for model in models})
    assert names(told) != [CHEAPEST]
    assert any("40 of 80 orders failed" in words for words in told.warnings)
    free = quoted(clip())
    assert told.estimate > free.estimate, "the estimate is the price, not what is expected"


def test_one_mishap_decides_nothing() -> None:
    record = TrackRecord(made=0, failed=1)
    assert record.expected(1_000_000) == 1_100_000
    assert TrackRecord().expected(1_000_001) == 1_000_001
    assert TrackRecord(990, 1000).expected(1_000_000) == 2_000_000
    assert TrackRecord(0, 1).expected(1) == 2, "rounded up"


class Row(NamedTuple):
    platform: str
    model: str
    made: int
    failed: int


def test_the_ledger_is_summed_by_platform_and_model() -> None:
    rows = [
        Row("kling", "kling-v3", 2, 1),
        Row("kling", "kling-v3", 3, 0),
        Row("runway", "gen4.5", 0, 0),
    ]
    assert track_records(rows) == {("kling", "kling-v3"): TrackRecord(5, 1)}
    found = {**track_records(rows), ("a", "b"): TrackRecord(1, 2, 3.5)}
    assert from_text(as_text(found)) == found


@pytest.mark.parametrize(
    "text", ["", "{", "[1]", '[["a","b",1]]', '[["a","b","x",1,null]]', "null", '{"a":1}']
)
def test_a_record_that_cannot_be_read_is_none(text: str) -> None:
    assert from_text(text) == {}


# ── words, drafts, time ────────────────────────────────────────────────────────────────────────


def test_a_platform_that_was_named_says_its_own_reason() -> None:
    told = quoted(clip(), use=(Choice(platform="luma", medium=Medium.VIDEO),))
    assert names(told) == [""]
    luma = [offer for offer in told.lines[0].offers if offer.platform == "luma"]
    assert {offer.why_not for offer in luma} == {(WhyNot.UNPRICED,)}
    (words,) = (words for words in told.warnings if words.startswith("video-1"))
    assert words == f"video-1: luma, which you named, cannot take it: unpriced ({len(luma)})."


def test_a_key_with_which_nothing_can_be_bought_does_not_take_the_drafts_away() -> None:
    assert names(quoted(clip(), ready=frozenset({"luma"}))) == ["draft_clip:animatic"]
    old = {"ready": frozenset({"openai_speech"}), "today": date(2027, 1, 6)}
    assert names(quoted(voice(), **old)) == ["draft_speech:espeak-ng"]


def test_a_deadline_sends_work_where_there_is_room_for_it() -> None:
    tasks = [clip(f"video-{number}") for number in range(1, 9)]
    free = names(quoted(*tasks))
    assert len(set(free)) == 1
    platform = ALL.platform(free[0].split(":")[0])
    takes = {(p.id, m.id): TrackRecord(takes_s=60) for p, m in ALL.models()}
    pressed = quoted(*tasks, deadline_s=130, records=takes)
    assert pressed.estimate >= quoted(*tasks).estimate
    assert not any("there is time" in words for words in pressed.warnings)
    if platform.concurrency is not None:
        used = sum(name.startswith(platform.id) for name in names(pressed))
        assert used * 60 <= 130 * platform.concurrency
    never = quoted(*tasks, deadline_s=1, records=takes)
    assert names(never) == free
    assert any("s longer than there is time" in words for words in never.warnings)


def test_of_many_pieces_no_more_are_taken_than_can_be_joined() -> None:
    costs = ((1.0, Money(10_000)), (10.0, Money(500_000)))
    prices = dict(costs)
    assert cover(20, costs) == (1.0,) * 20
    for seconds in (25, 30, 47, 240):
        mix = cover(seconds, costs)
        assert len(mix) <= PIECES_MOST
        best = min(
            sum(prices[length] for length in other)
            for count in range(1, PIECES_MOST + 1)
            for other in combinations_with_replacement(prices, count)
            if sum(other) >= seconds
        )
        assert sum(prices[length] for length in mix) == best
    assert cover(241, costs) == ()


def test_prices_without_a_row_are_nobodys_choice() -> None:
    bare = changed(CHEAPEST, lambda model: model.model_copy(update={"prices": ()}))
    told = quoted(clip(), catalogue=bare)
    assert names(told) != [CHEAPEST]
    gone = next(o for o in told.lines[0].offers if f"{o.platform}:{o.model}" == CHEAPEST)
    assert WhyNot.UNPRICED in gone.why_not
