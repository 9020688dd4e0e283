"""The plan that is chosen is the best of all there are: every combination is tried and compared.

The judge below is written from the rules, not from the code: it prices by enumeration, knows nothing of
sheets, units or bounds, and looks at every way to make a plan. Worlds, plans and days are made up.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import combinations_with_replacement, product
from random import Random
from types import SimpleNamespace
from typing import NamedTuple
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.selection import Circumstances, TrackRecord, quote, search
from orchestrator.selection.combination import cheapest
from orchestrator.selection.options import Clock, Option, Unit
from shared_knowledge.catalogue import Catalogue
from shared_knowledge.platform_facts import Model, Platform
from shared_knowledge.vocabulary import (
    Asset,
    Choice,
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
)

DAY = date(2026, 11, 20)
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
BRANDS = ("ada", "bela", "cora")
QUALITIES = ("draft", "standard", "high")


# ── made-up worlds ─────────────────────────────────────────────────────────────────────────────


class World(NamedTuple):
    """A catalogue, a plan, what is true around them, and what was made before."""

    catalogue: Catalogue
    plan: Plan
    around: Circumstances
    kept: Mapping[str, Asset]


def world(seed: int) -> World:
    """One made-up world; the same for the same seed."""
    dice = Random(seed)
    media = [Medium.PHOTO, *dice.sample([Medium.VIDEO, Medium.VOICE], dice.randint(1, 2))]
    platforms = [
        _platform(dice, medium, f"{medium}{number}")
        for medium in media
        for number in range(dice.randint(2, 4))
    ]
    platforms += [_platform(dice, medium, f"local_{medium}", local=True) for medium in media]
    catalogue = Catalogue(tuple(platforms), SimpleNamespace(retired=(), renamed={}))  # type: ignore[arg-type]
    tasks = _tasks(dice, media)
    plan = Plan(brief="", brief_language="en", understanding=Understanding(), coverage=(), tasks=tasks)
    kept = {}
    for task in tasks:
        if dice.random() < 0.08:
            platform, model = dice.choice(list(catalogue.models(task.medium)))
            kept[task.id] = _asset(task, platform.id, model.id)
    made = World(catalogue, plan, _around(dice, platforms), kept)
    return _squeezed(dice, made) if dice.random() < 0.4 else made


def _squeezed(dice: Random, made: World) -> World:
    """The same world with less money than its best way costs, and enough for its cheapest."""
    judge = Judge(made)
    best = judge.best(money=False, time=False) or {}
    least, most = judge.least_price(), sum(way.price for way in best.values())
    budget = Money(dice.randint(least, max(least, most - 1)))
    return made._replace(around=replace(made.around, budget=budget, deadline_s=None))


def _platform(dice: Random, medium: Medium, name: str, *, local: bool = False) -> Platform:
    door = (
        {}
        if local
        else {
            "base_url": "https://x.example",
            "key_hosts": ["x.example"],
            "secrets": [{"name": "KEY"}],
            "sign_in": {"by": "header"},
        }
    )
    return Platform.model_validate({
        "id": name,
        "name": name,
        "medium": medium,
        "brands": [dice.choice(BRANDS)],
        "local": local,
        "recovery": "OPAQUE",
        "look_again_s": dice.choice([1, 1, 4, 9]),
        "deadline_s": 60,
        "concurrency": dice.choice([None, 1, 2, 3]),
        "models": [_model(dice, medium, f"m{n}", local=local) for n in range(dice.randint(1, 3 - local))],
        **door,
    })  # fmt: skip


def _model(dice: Random, medium: Medium, name: str, *, local: bool) -> Model:
    sizes = [
        {"name": f"{side}p", "short_side": side, "ratios": {ratio: ratio for ratio in dice.choice(_SHAPES)}}
        for side in dice.choice([(720,), (720, 1080)])
    ]
    told: dict[str, object] = {
        "id": name,
        "makers": [dice.choice(BRANDS)],
        "quality": {q: {} for q in QUALITIES if dice.random() < 0.8 or q == "standard"},
        "retires_on": dice.choice([*[None] * 8, DAY, DAY + timedelta(days=1)]),
    }
    match medium:
        case Medium.PHOTO:
            told |= {
                "modes": ["text_to_image", "edit"][: dice.randint(1, 2)],
                "references": dice.randint(0, 2),
            }
            told |= {"resolutions": sizes, "prices": _prices(dice, [{"unit": "image"}], sizes, local)}
        case Medium.VIDEO:
            lengths = sorted(dice.sample([1, 2, 3, 5, 8], dice.randint(1, 3)))
            modes = dice.choice(
                [["text_to_video"], ["image_to_video"], *[["text_to_video", "image_to_video"]] * 3]
            )
            by_clip = dice.random() < 0.5
            rows = [{"unit": "clip", "seconds": s} for s in lengths] if by_clip else [{"unit": "second"}]
            told |= {
                "modes": modes,
                "resolutions": sizes,
                "durations_s": lengths,
                "audio": dice.choice(["never", "optional", "optional", "always"]),
                "prices": _prices(dice, rows, sizes, local, sounds=True, least=not by_clip),
            }
        case Medium.VOICE:
            told |= {
                "modes": ["text_to_speech"],
                "languages": dice.choice(["all", "all", ["en"], ["pt", "en"]]),
            }
            told |= {"prices": _prices(dice, [{"unit": "1M characters"}], [], local)}
    return Model.model_validate(told)


_SHAPES = (["9:16"], *[["9:16", "1:1"]] * 5, ["1:1"])


def _prices(
    dice: Random,
    rows: list[dict[str, object]],
    sizes: list[dict[str, object]],
    local: bool,
    *,
    sounds: bool = False,
    least: bool = False,
) -> list[dict[str, object]]:
    """Price rows that do not contradict each other, over one or two periods, some of them missing."""
    if dice.random() < 0.1 and not local:
        return []
    change = DAY + timedelta(days=dice.choice([0, 1, 3]))
    both = [{"valid_until": change - timedelta(days=1)}, {"valid_from": change}]
    periods: list[dict[str, object]] = both if dice.random() < 0.4 else [{}]
    by_size = [{"resolution": size["name"]} for size in sizes] if dice.random() < 0.5 and sizes else [{}]
    by_sound = [{"audio": False}, {"audio": True}] if sounds and dice.random() < 0.4 else [{}]
    found = []
    for period in periods:
        seen_on = DAY - timedelta(days=dice.choice([0, 0, 10]))
        floor = {"least_usd": Decimal("0.09")} if least and dice.random() < 0.3 else {}
        for row, size, sound in product(rows, by_size, by_sound):
            if dice.random() < 0.95 or local:
                cents = Decimal(0 if local else dice.randint(1, 7)) / 100
                usd = cents * (100 if row["unit"] == "1M characters" else 1)
                found.append(
                    {**row, **size, **sound, **period, **floor, "usd": usd, "source": "s", "seen_on": seen_on}
                )
    return found


def _tasks(dice: Random, media: list[Medium]) -> tuple[Task, ...]:
    tasks: list[Task] = []
    for number in range(dice.choice([1, 2, 3, 3, 4, 4, 5])):
        medium = dice.choice(media)
        earlier = [task.id for task in tasks]
        tasks.append(
            Task(
                id=f"{medium}-{number}",
                spec=_spec(dice, medium),
                depends_on=tuple(name for name in earlier if dice.random() < 0.25),
                group=dice.choice([None, None, None, "a", "b"]),
            )
        )
    return tuple(tasks)


def _spec(dice: Random, medium: Medium) -> PhotoSpec | VideoSpec | VoiceSpec:
    quality = dice.choice([*["standard"] * 6, "high", "draft"])
    ratio, stated = dice.choice(["9:16", "9:16", "1:1"]), dice.random() < 0.2
    shape = {"aspect_ratio": ratio, "width": 1080, "height": 1920 if ratio == "9:16" else 1080}
    if medium is Medium.PHOTO:
        pictures = ("a.png",) * dice.choice([0, 0, 0, 0, 0, 1])
        return PhotoSpec(subject="mug", quality=quality, size_is_stated=stated, references=pictures, **shape)
    if medium is Medium.VIDEO:
        return VideoSpec(
            subject="mug",
            shots=(Shot(label="a", scene="mug", duration_s=1),),
            duration_s=dice.choice([1, 3, 4, 5.5, 7, 9]),
            audio=dice.random() < 0.2,
            first_frame=dice.choice([None, None, None, "hero.png"]),
            quality=quality,
            size_is_stated=stated,
            **shape,
        )
    return VoiceSpec(
        script="A mug. " * dice.randint(1, 9), language=dice.choice(["en", "pt"]), quality=quality
    )


def _around(dice: Random, platforms: list[Platform]) -> Circumstances:
    paid = [platform.id for platform in platforms if not platform.local]
    some = lambda chance: frozenset(name for name in paid if dice.random() < chance)  # noqa: E731
    every = [(platform.id, model.id) for platform in platforms for model in platform.models]
    named = [
        Choice(platform=p, model=dice.choice([None, m])) for p, m in dice.sample(every, min(2, len(every)))
    ]
    adapters = some(0.8) | {platform.id for platform in platforms if platform.local}
    return Circumstances(
        today=DAY + timedelta(days=dice.randint(-1, 4)),
        ready=frozenset(paid) if dice.random() < 0.8 else some(0.5),
        adapters=None if dice.random() < 0.8 else adapters,
        resting=some(0.1) if dice.random() < 0.3 else frozenset(),
        draft=dice.random() < 0.05,
        prefer=(dice.choice(BRANDS),) if dice.random() < 0.4 else (),
        avoid=(dice.choice(BRANDS),) if dice.random() < 0.06 else (),
        use=tuple(named) if dice.random() < 0.06 else (),
        shun=tuple(named[:1]) if dice.random() < 0.1 else (),
        budget=Money(dice.choice([0, 50_000, *range(100_000, 900_000, 40_000)]))
        if dice.random() < 0.6
        else None,
        deadline_s=dice.choice([1, 4, 7, 9, 13, 20]) if dice.random() < 0.3 else None,
        records={
            name: TrackRecord(dice.choice([0, 3, 40]), dice.choice([0, 2, 30]), dice.choice([None, 2.5]))
            for name in every
            if dice.random() < 0.6
        },
    )


def _asset(task: Task, platform: str, model: str) -> Asset:
    told = {"path": "x", "sha256": "0" * 64, "size_bytes": 1, "mime": "x/y", "cost": Money(0)}
    return Asset(task=task.id, medium=task.medium, platform=platform, model=model, **told)


# ── the judge ──────────────────────────────────────────────────────────────────────────────────


class Way(NamedTuple):
    """One model for one task, as the judge sees it."""

    name: tuple[str, str]
    liking: int
    expected: int
    age: int
    latency_s: float
    price: int
    takes_s: float


class Judge:
    """Looks at everything there is, and says what is best."""

    def __init__(self, world: World) -> None:
        self.catalogue, self.plan, self.around, self.kept = world
        self.tasks = [task for task in self.plan.tasks if task.id not in self.kept]
        self.ways = {task.id: list(self._ways(task)) for task in self.plan.tasks}
        self.able = [task for task in self.tasks if self.ways[task.id]]

    def best(self, *, money: bool = True, time: bool = True) -> dict[str, Way] | None:
        """The best of all combinations that keep to the rules; None if there is none."""
        cap = self.around.budget if money else None
        allowed = self._allowed()
        found: tuple[object, dict[str, Way]] | None = None
        for ways in product(*(self.ways[task.id] for task in self.able)):
            chosen = {task.id: way for task, way in zip(self.able, ways, strict=True)}
            if cap is not None and sum(way.price for way in ways) > cap:
                continue
            if not all(rule(chosen) for rule in allowed) or (time and not self._in_time(chosen)):
                continue
            place = (
                sum(way.liking for way in ways),
                sum(way.expected for way in ways),
                sum(way.age for way in ways),
                sum(Fraction(way.latency_s) for way in ways),
                [way.name for way in ways],
            )
            if found is None or place < found[0]:  # type: ignore[operator]
                found = (place, chosen)
        return found[1] if found else None

    def least_price(self) -> int:
        """The lowest sum at which everything can be made."""
        allowed = self._allowed()
        return min(
            sum(way.price for way in ways)
            for ways in product(*(self.ways[task.id] for task in self.able))
            if all(rule({t.id: w for t, w in zip(self.able, ways, strict=True)}) for rule in allowed)
        )

    def _allowed(self) -> list[object]:
        """One rule for every group: the same model for all, as long as one can do them all."""
        rules = []
        for key in {(task.medium, task.group) for task in self.able if task.group is not None}:
            members = [task.id for task in self.able if (task.medium, task.group) == key]
            shared = set.intersection(*({way.name for way in self.ways[name]} for name in members))
            before = [t.id for t in self.plan.tasks if t.id in self.kept and (t.medium, t.group) == key]
            if before:
                last = self.kept[before[-1]]
                shared = {name for name in shared if name == (last.platform, last.model)} or shared
            if shared:
                rules.append(
                    lambda chosen, members=members, shared=shared: (
                        len({chosen[name].name for name in members}) == 1
                        and chosen[members[0]].name in shared
                    )
                )
        return rules  # type: ignore[return-value]

    def _in_time(self, chosen: Mapping[str, Way]) -> bool:
        limit = self.around.deadline_s
        if limit is None:
            return True
        waits = {task.id: task.depends_on for task in self.plan.tasks}

        def end(name: str) -> float:
            own = chosen[name].takes_s if name in chosen else 0
            return own + max((end(other) for other in waits[name] if other in chosen), default=0)

        if any(end(name) > limit for name in chosen):
            return False
        for platform in self.catalogue.platforms:
            busy = sum(way.takes_s for way in chosen.values() if way.name[0] == platform.id)
            if platform.concurrency and busy / platform.concurrency > limit:
                return False
        return True

    def _ways(self, task: Task) -> Iterator[Way]:
        for platform, model in self.catalogue.models(task.medium):
            way = self._way(task, platform, model)
            if way is not None:
                yield way

    def _way(self, task: Task, platform: Platform, model: Model) -> Way | None:
        around, spec = self.around, task.spec
        if not self._may_be_asked(platform, model) or spec.quality.value not in {
            q.value for q in model.quality
        }:
            return None
        if model.retires_on and model.retires_on <= around.today:
            return None
        rows = [row for row in model.prices if row.holds(around.today)]
        record = around.records.get((platform.id, model.id), TrackRecord())
        latency = platform.look_again_s if record.takes_s is None else record.takes_s
        bought = self._bought(task, model, rows)
        if bought is None:
            return None
        price, count, keyframes, used = bought
        expected = math.ceil(Fraction(price * (record.made + record.failed + 10), record.made + 10))
        seen_on, takes = used, latency * count
        if keyframes:
            picture = self._keyframe(spec)
            if picture is None:
                return None
            price, expected = price + picture.price, expected + picture.expected
            seen_on, takes = min(seen_on, date.max - timedelta(days=picture.age)), takes + picture.takes_s
        return Way(
            name=(platform.id, model.id),
            liking=self._liking(platform, model),
            expected=expected,
            age=(date.max - seen_on).days,
            latency_s=latency,
            price=price,
            takes_s=takes,
        )

    def _may_be_asked(self, platform: Platform, model: Model) -> bool:
        around = self.around
        named = [c for c in around.use if self.catalogue.platform(c.platform).medium is platform.medium]
        asked_for = any(c.platform == platform.id and c.model in (None, model.id) for c in named)
        if any(c.platform == platform.id and c.model in (None, model.id) for c in around.shun):
            return False
        if any(brand in model.makers or brand in platform.brands for brand in around.avoid):
            return False
        if named and not asked_for:
            return False
        if around.adapters is not None and platform.id not in around.adapters:
            return False
        if platform.id in around.resting:
            return False
        if not platform.local:
            return platform.id in around.ready and not around.draft
        others = [p for p in self.catalogue.platforms if p.medium is platform.medium and not p.local]
        nobody = not any(
            p.id in around.ready
            and (around.adapters is None or p.id in around.adapters)
            and any(
                (m.retires_on is None or m.retires_on > around.today)
                and any(row.holds(around.today) for row in m.prices)
                for m in p.models
            )
            for p in others
        )
        return around.draft or nobody or asked_for

    def _liking(self, platform: Platform, model: Model) -> int:
        if any(brand in model.makers for brand in self.around.prefer):
            return 0
        return 1 if any(brand in platform.brands for brand in self.around.prefer) else 2

    def _bought(self, task: Task, model: Model, rows: list) -> tuple[int, int, int, date] | None:
        """Price in micro-dollars, number of pieces, whether a keyframe must come on top, oldest price."""
        spec = task.spec
        if isinstance(spec, VoiceSpec):
            speaks = model.languages == "all" or spec.language in model.languages
            if not speaks or not rows:
                return None
            micros = math.ceil(Fraction(rows[0].usd) * len(spec.script))
            return micros, 1, 0, rows[0].seen_on
        size = self._size(spec, model)
        modes = {str(mode) for mode in model.modes}
        if isinstance(spec, PhotoSpec):
            wanted = "edit" if spec.references else "text_to_image"
            fitting = [row for row in rows if row.resolution in (None, size)]
            if wanted not in modes or len(spec.references) > model.references or size is None or not fitting:
                return None
            return math.ceil(Fraction(fitting[0].usd) * 10**6), 1, 0, fitting[0].seen_on
        photos = {t.id for t in self.plan.tasks if t.medium is Medium.PHOTO and t.id in task.depends_on}
        has_picture = bool(photos) or spec.first_frame is not None
        if has_picture and "image_to_video" not in modes:
            return None
        animates = has_picture or modes == {"image_to_video"}
        lacks = not has_picture and modes == {"image_to_video"}
        if not animates and size is None and "image_to_video" in modes:
            animates = lacks = True
        if size is None or (spec.audio and model.audio == "never"):
            return None
        sound = model.audio == "always" or (spec.audio and model.audio == "optional")
        fitting = [row for row in rows if row.resolution in (None, size) and row.audio in (None, sound)]
        cost = {length: c for length in model.durations_s if (c := self._piece(fitting, length)) is not None}
        mixes = (
            (sum(cost[length] for length in mix), count, sum(mix))
            for count in range(1, 10)
            for mix in combinations_with_replacement(cost, count)
            if sum(mix) >= spec.duration_s
        )
        best = min(mixes, default=None)
        return (best[0], best[1], int(lacks), fitting[0].seen_on) if best else None

    def _piece(self, rows: list, length: int) -> int | None:
        for row in rows:
            if row.unit == "clip" and row.seconds == length:
                return math.ceil(Fraction(row.usd) * 10**6)
            if row.unit == "second":
                return math.ceil(max(Fraction(row.usd) * length, Fraction(row.least_usd or 0)) * 10**6)
        return None

    def _size(self, spec: PhotoSpec | VideoSpec, model: Model) -> str | None:
        for size in model.resolutions:
            if spec.aspect_ratio in size.ratios and (not spec.size_is_stated or size.short_side == 1080):
                return size.name
        return None

    def _keyframe(self, spec: VideoSpec) -> Way | None:
        ways = list(self._ways(Task(id="k", spec=spec.keyframe(1))))
        return min(ways, key=lambda w: (w.liking, w.expected, w.age, w.latency_s, w.name), default=None)


def compare(seed: int) -> str:
    """Holds the quote of one made-up world against the judge; says what kind of world it was."""
    made = world(seed)
    judge = Judge(made)
    told = quote(made.plan, made.catalogue, made.around, NOW, kept=made.kept)
    for line in told.lines:
        suitable = {(offer.platform, offer.model) for offer in line.offers if offer.price is not None
                    and set(offer.why_not) <= {"over_budget"}}  # fmt: skip
        assert suitable == {way.name for way in judge.ways[line.task]}, (seed, line.task)
        assert all(offer.suitable or offer.why_not for offer in line.offers), (seed, line.task)
        if line.kept:
            assert line.chosen is line.kept, seed
            assert line.kept.price == 0, seed
    best = judge.best()
    if best is None and judge.best(money=False, time=False) is not None and judge.best(time=False) is None:
        assert told.estimate == judge.least_price() > (made.around.budget or 0), seed
        return "over budget"
    late = best is None
    best = best if best is not None else judge.best(time=False)
    assert best is not None
    assert late == any("longer than there is time" in words for words in told.warnings), seed
    chosen = {line.task: line.chosen for line in told.lines if line.kept is None}
    assert {name: (o.platform, o.model) for name, o in chosen.items() if o} == {
        name: way.name for name, way in best.items()
    }, seed
    assert {name: o.price for name, o in chosen.items() if o} == {n: w.price for n, w in best.items()}, seed
    assert told.estimate == sum(way.price for way in best.values()), seed
    _keeps_its_promise(told, made.around.budget, seed)
    free = judge.best(money=False, time=False)
    if not best:
        return "nobody"
    return "late" if late else "as it is" if best == free else "limited"


def _keeps_its_promise(told: Quote, cap: Money | None, seed: int) -> None:
    """The dearest of the first three of each task and its dearest piece again, and never above the cap."""
    most = 0
    for line in told.lines:
        if line.suitable and line.kept is None:
            dearest = max(line.suitable[:3], key=lambda offer: offer.price or 0)
            pieces = [piece.price for piece in dearest.pieces]
            most += (dearest.price or 0) + max(*pieces, (dearest.price or 0) - sum(pieces), 0)
    assert told.estimate <= told.ceiling == (most if cap is None else min(most, cap)), seed


def test_the_choice_is_the_best_of_all_combinations() -> None:
    kinds = Counter(compare(seed) for seed in range(300))
    assert set(kinds) == {"over budget", "late", "as it is", "limited", "nobody"}
    assert min(kinds.values()) > 5, f"the made-up worlds are of every kind: {kinds}"


@pytest.mark.torture
@pytest.mark.parametrize("part", range(10))
def test_the_choice_is_the_best_of_all_combinations_ten_thousand_times(part: int) -> None:
    for seed in range(1000 * part, 1000 * (part + 1)):
        compare(seed)


# ── the search alone, with limits that bite ────────────────────────────────────────────────────

_SMALL = st.integers(0, 4)


@st.composite
def _puzzles(draw: st.DrawFn) -> tuple[list[Unit], int | None, Clock | None]:
    units, names = [], iter("abcdefgh")
    for _ in range(draw(st.integers(1, 4))):
        tasks = tuple(next(names) for _ in range(draw(st.integers(1, 2))))
        options = []
        for model in range(draw(st.integers(1, 4))):
            takes = tuple(draw(st.integers(1, 5)) for _ in tasks)
            numbers = [draw(_SMALL) for _ in range(4)]
            options.append(
                Option(
                    *numbers,
                    name=(draw(st.sampled_from("pq")), str(model)),
                    price=draw(_SMALL),
                    takes_ms=takes,
                )
            )
        units.append(Unit(tasks, tuple(options)))
    every = [task for unit in units for task in unit.tasks]
    waits = {task: tuple(draw(st.sets(st.sampled_from(every[:n])))) for n, task in enumerate(every) if n}
    clock = Clock(draw(st.integers(1, 14)), {"p": draw(st.integers(1, 2))}, waits)
    return units, draw(st.none() | st.integers(0, 12)), draw(st.sampled_from([None, clock]))


def _ready_at(units: list[Unit], options: tuple[Option, ...], clock: Clock) -> Fraction:
    takes = {
        task: ms
        for unit, one in zip(units, options, strict=True)
        for task, ms in zip(unit.tasks, one.takes_ms, strict=True)
    }

    def end(task: str) -> int:
        return takes[task] + max((end(other) for other in clock.waits_for.get(task, ())), default=0)

    busy = sum(sum(one.takes_ms) for one in options if one.name[0] == "p")
    return max(Fraction(busy, clock.places["p"]), *map(Fraction, map(end, takes)))


def _place(options: tuple[Option, ...]) -> tuple[object, ...]:
    return (*(sum(one[field] for one in options) for field in range(4)), [one.name for one in options])


@settings(max_examples=150, deadline=None)
@given(_puzzles())
def test_no_combination_within_the_limits_is_better(
    puzzle: tuple[list[Unit], int | None, Clock | None],
) -> None:
    units, budget, clock = puzzle
    possible = [
        options
        for options in product(*(unit.options for unit in units))
        if (budget is None or sum(one.price for one in options) <= budget)
        and (clock is None or _ready_at(units, options, clock) <= clock.deadline_ms)
    ]
    best = min(possible, key=_place, default=None)
    for beam in (64, 1):
        with patch.object(search, "_BEAM", beam):
            found = cheapest(units, budget, clock)
        assert (found.options if found else None) == best
        assert found is None or found.proven
