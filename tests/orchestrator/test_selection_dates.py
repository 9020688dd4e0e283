"""On the day a price or a model changes, so does the choice: the days are those of the catalogue itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache
from itertools import product
from typing import NamedTuple

import pytest

from orchestrator.selection import Circumstances
from orchestrator.selection.weighing import Weigher
from shared_knowledge.catalogue import Catalogue
from shared_knowledge.platform_facts import Model, Platform, Price
from shared_knowledge.vocabulary import (
    Choice,
    Medium,
    Offer,
    PhotoSpec,
    Shot,
    Spec,
    Task,
    VideoSpec,
    VoiceSpec,
    WhyNot,
)

ALL = Catalogue.load()
PAID = frozenset(platform.id for platform in ALL.platforms if not platform.local)
ONE_DAY = timedelta(days=1)


class Change(NamedTuple):
    """A day on which something about one model is no longer as it was the day before."""

    day: date
    platform: Platform
    model: Model

    def __str__(self) -> str:
        return f"{self.day} {self.platform.id}:{self.model.id}"


def changes() -> Iterator[Change]:
    """Every retirement, and every day on which a price begins or has ended."""
    for platform, model in ALL.models():
        days = {model.retires_on}
        for price in model.prices:
            days |= {price.valid_from, price.valid_until + ONE_DAY if price.valid_until else None}
        yield from (Change(day, platform, model) for day in sorted(days - {None}))


CHANGES = list(changes())
RETIREMENTS = [change for change in CHANGES if change.model.retires_on == change.day]
PRICES = [change for change in CHANGES if change.model.retires_on != change.day]


@cache
def tasks(medium: Medium) -> tuple[Task, ...]:
    """A little of everything that can be asked for."""
    found: list[Spec] = []
    shapes = [("9:16", 720, 1280), ("16:9", 1280, 720), ("1:1", 1024, 1024)]
    for quality, (ratio, width, height) in product(("draft", "standard", "high"), shapes):
        shape = {"quality": quality, "aspect_ratio": ratio, "width": width, "height": height}
        if medium is Medium.PHOTO:
            found += [PhotoSpec(subject="mug", references=r, **shape) for r in ((), ("mug.png",))]
        if medium is Medium.VIDEO:
            shots = (Shot(label="a", scene="mug", duration_s=8),)
            for sound in (False, True):
                found.append(VideoSpec(subject="mug", shots=shots, duration_s=8, audio=sound, **shape))
        if medium is Medium.VOICE and ratio == "1:1":
            found += [
                VoiceSpec(script="Hello. " * 40, language=tongue, quality=quality)
                for tongue in ("en", "pt-BR")
            ]
    return tuple(Task(id=f"{medium}-{number}", spec=spec) for number, spec in enumerate(found, start=1))


def only(change: Change, day: date) -> Circumstances:
    """Nobody but this model may be asked."""
    named = Choice(platform=change.platform.id, model=change.model.id)
    photographers = frozenset(platform.id for platform in ALL.of(Medium.PHOTO) if not platform.local)
    return Circumstances(today=day, ready=photographers | {change.platform.id}, use=(named,))


def weighed(medium: Medium, around: Circumstances) -> dict[str, list[Offer]]:
    """The offers for a little of everything, the best first."""
    weigher = Weigher(ALL, around)
    return {task.id: [one.offer for one in weigher.candidates(task, ())] for task in tasks(medium)}


def chosen(found: list[Offer]) -> Offer | None:
    return found[0] if found[0].suitable else None


def test_the_catalogue_has_days_to_move_across() -> None:
    assert RETIREMENTS
    assert PRICES


@pytest.mark.parametrize("change", RETIREMENTS, ids=str)
def test_a_model_works_until_the_day_it_is_retired(change: Change) -> None:
    own = (change.platform.id, change.model.id)
    medium = change.platform.medium
    before = weighed(medium, only(change, change.day - ONE_DAY))
    could = [task for task, found in before.items() if chosen(found)]
    reasons = {
        why for found in before.values() for o in found if (o.platform, o.model) == own for why in o.why_not
    }
    assert WhyNot.RETIRED not in reasons
    assert could or WhyNot.UNPRICED in reasons, "it can be asked for something on its last day"
    for day in (change.day, change.day + 400 * ONE_DAY):
        for found in weighed(medium, only(change, day)).values():
            assert chosen(found) is None
            gone = next(offer for offer in found if (offer.platform, offer.model) == own)
            assert WhyNot.RETIRED in gone.why_not


@pytest.mark.parametrize("day", sorted({change.day for change in RETIREMENTS}), ids=str)
def test_among_all_the_next_best_takes_over_from_a_retired_model(day: date) -> None:
    gone = {(change.platform.id, change.model.id) for change in RETIREMENTS if change.day == day}
    assert not any(change.day == day for change in PRICES), "else the order may change as well"
    for medium in {change.platform.medium for change in RETIREMENTS if change.day == day}:
        before = weighed(medium, Circumstances(today=day - ONE_DAY, ready=PAID))
        after = weighed(medium, Circumstances(today=day, ready=PAID))
        for task in tasks(medium):
            left = [(o.platform, o.model) for o in before[task.id] if o.suitable]
            assert [(o.platform, o.model) for o in after[task.id] if o.suitable] == [
                name for name in left if name not in gone
            ]


def rates(model: Model, day: date) -> dict[object, Price]:
    """What each unit costs on that day, on each of its conditions."""
    return {
        (p.unit, p.quality, p.resolution, p.audio, p.seconds, p.region): p
        for p in model.prices
        if p.holds(day)
    }


@pytest.mark.parametrize("change", PRICES, ids=str)
def test_a_new_price_is_the_price_from_its_first_day_on(change: Change) -> None:
    old_rates, new_rates = rates(change.model, change.day - ONE_DAY), rates(change.model, change.day)
    assert old_rates != new_rates, "something has changed"
    ratios = [new_rates[key].usd / old_rates[key].usd for key in old_rates.keys() & new_rates.keys()]
    before = weighed(change.platform.medium, only(change, change.day - ONE_DAY))
    after = weighed(change.platform.medium, only(change, change.day))
    moved = 0
    for task in before:
        old, new = chosen(before[task]), chosen(after[task])
        if old and new and ratios:
            assert (
                min(ratios) * (old.price or 0) - 2 <= (new.price or 0) <= max(ratios) * (old.price or 0) + 2
            )
        moved += (old and old.price) != (new and new.price)
    assert moved, "a new price is felt by somebody"


@pytest.mark.parametrize("day", sorted({change.day for change in CHANGES}), ids=str)
def test_on_both_sides_of_the_day_the_cheapest_is_chosen(day: date) -> None:
    for today, medium in product((day - ONE_DAY, day), Medium):
        for found in weighed(medium, Circumstances(today=today, ready=PAID)).values():
            alive = [offer for offer in found if offer.suitable]
            assert [o.price for o in alive] == sorted(o.price for o in alive if o.price is not None)
            for offer in alive:
                model = ALL.platform(offer.platform).model(offer.model)
                assert model is not None
                assert model.retires_on is None or today < model.retires_on
                assert any(price.holds(today) for price in model.prices)


@pytest.mark.parametrize("day", sorted({change.day for change in PRICES}), ids=str)
def test_a_new_price_sends_work_elsewhere(day: date) -> None:
    """With the keys of one other platform beside it, somebody else becomes the cheapest for something."""
    won = set()
    for change in (change for change in PRICES if change.day == day):
        for rival in ALL.of(change.platform.medium):
            keys = frozenset({change.platform.id, rival.id})
            sides = [
                weighed(change.platform.medium, Circumstances(today=today, ready=keys))
                for today in (day - ONE_DAY, day)
            ]
            for task in tasks(change.platform.medium):
                old, new = (chosen(side[task.id]) for side in sides)
                if old and new and (old.platform, old.model) != (new.platform, new.model):
                    won.add((task.id, rival.id))
    assert won
