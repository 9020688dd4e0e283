"""Every platform and model is weighed for every task, and each that cannot take it is told why not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from orchestrator.selection.track_record import TrackRecord
from orchestrator.selection.wishes import Circumstances, Wishes
from shared_knowledge.catalogue import Catalogue
from shared_knowledge.platform_facts import Model, Platform
from shared_knowledge.tariff import Tariff, Weighed
from shared_knowledge.vocabulary import Medium, Money, Offer, PhotoSpec, Task, VideoSpec, WhyNot

__all__ = ["Candidate", "Weigher", "offers"]

_ORDER = list(WhyNot)
_LAST = Money.LIMIT + 1
_NEWEST = date.max.toordinal()


class Candidate(NamedTuple):
    """An offer, and what decides its place among the others.

    `expected` is what it costs on the average until it is made; `takes_s` how long its pieces take at least;
    `age` how far the day its price was seen lies behind the end of time, in days.
    """

    offer: Offer
    liking: int
    expected: int
    latency_s: float
    takes_s: float
    confirmed: bool
    record: TrackRecord
    name: tuple[str, str]
    age: int
    suitable: bool

    def rank(self, *, by_liking: bool = True) -> tuple[object, ...]:
        """Suitable first, liked first, least expected; then the freshest price, the quickest, the name."""
        liking = self.liking if by_liking and self.suitable else 0
        return (not self.suitable, liking, self.expected, self.age, self.latency_s, self.name)


class _Side(NamedTuple):
    """One model of a medium, with everything about it that no task changes."""

    platform: Platform
    model: Model
    against: frozenset[WhyNot]
    liking: int
    latency_s: float
    location: str | None
    record: TrackRecord


class _Keyframe(NamedTuple):
    """The picture a clip would start from, as the photo agent would buy it."""

    price: Money
    expected: int
    takes_s: float
    seen_on: date | None


class Weigher:
    """Weighs tasks, one after the other, under the same circumstances."""

    def __init__(self, catalogue: Catalogue, circumstances: Circumstances) -> None:
        self._catalogue = catalogue
        self._around = circumstances
        self._tariff = Tariff(circumstances.today)
        self._wishes: dict[Medium, Wishes] = {}
        self._sides: dict[Medium, list[_Side]] = {}
        self._keyframes: dict[tuple[object, ...], list[tuple[Model, _Keyframe]]] = {}
        self._reasons: dict[frozenset[WhyNot], tuple[WhyNot, ...]] = {frozenset(): ()}

    def wishes(self, medium: Medium) -> Wishes:
        """What the person and the machine allow, for one medium."""
        if medium not in self._wishes:
            self._wishes[medium] = Wishes(self._catalogue, self._around, medium)
        return self._wishes[medium]

    def candidates(self, task: Task, among: Sequence[Task]) -> list[Candidate]:
        """The offers of a task in their order, each with what set its place."""
        pictures = _pictures(task, among)
        keyframe: _Keyframe | None = None
        sought = False
        found = []
        for side in self._sides_of(task.medium):
            weighed = self._tariff.weigh(side.model, task.spec, pictures=pictures, location=side.location)
            if weighed.keyframes and not sought and isinstance(task.spec, VideoSpec):
                keyframe, sought = self._keyframe(task.spec), True
            found.append(self._candidate(task.id, side, weighed, keyframe))
        return sorted(found, key=Candidate.rank)

    def _candidate(
        self, task_id: str, side: _Side, weighed: Weighed, keyframe: _Keyframe | None
    ) -> Candidate:
        against = weighed.why_not | side.against
        price, seen_on, words = weighed.price, weighed.seen_on, weighed.billed_as
        expected = _LAST if price is None else side.record.expected(int(price))
        takes_s = side.latency_s * len(weighed.pieces)
        if weighed.keyframes:
            if keyframe is None:
                against |= {WhyNot.REFERENCE}
            elif price is not None and seen_on is not None:
                price += keyframe.price * weighed.keyframes
                expected += keyframe.expected * weighed.keyframes
                takes_s += keyframe.takes_s
                seen_on = min(seen_on, keyframe.seen_on or seen_on)
                words += f", with {_keyframes(weighed.keyframes)}"
        offer = Offer(
            task=task_id,
            platform=side.platform.id,
            model=side.model.id,
            price=price,
            billed_as=words,
            pieces=weighed.pieces,
            keyframe=weighed.keyframes > 0,
            price_seen_on=seen_on,
            why_not=self._told(against),
        )
        return Candidate(
            offer,
            side.liking,
            expected,
            side.latency_s,
            takes_s,
            weighed.confirmed,
            side.record,
            name=(side.platform.id, side.model.id),
            age=_NEWEST - (seen_on or date.min).toordinal(),
            suitable=offer.suitable,
        )

    def _keyframe(self, spec: VideoSpec) -> _Keyframe | None:
        """The best picture for the first shot; None if nobody can make it."""
        asked = spec.keyframe(1)
        terms = self._tariff.terms(asked)
        if terms not in self._keyframes:
            self._keyframes[terms] = self._photographers(asked)
        ranked = self._keyframes[terms]
        return next((found for model, found in ranked if self._tariff.has_room(model, asked)), None)

    def _photographers(self, asked: PhotoSpec) -> list[tuple[Model, _Keyframe]]:
        """Who can make a picture, the best first, if its words are not too many."""
        ranked = []
        for side in self._sides_of(Medium.PHOTO):
            weighed = self._tariff.weigh_but_words(side.model, asked, frozenset(), side.location)
            if (price := weighed.price) is not None and not weighed.why_not and not side.against:
                expected = side.record.expected(int(price))
                age = _NEWEST - (weighed.seen_on or date.min).toordinal()
                place = (side.liking, expected, age, side.latency_s, side.platform.id, side.model.id)
                found = _Keyframe(price, expected, side.latency_s, weighed.seen_on)
                ranked.append((place, side.model, found))
        return [(model, found) for _, model, found in sorted(ranked, key=lambda one: one[0])]

    def _sides_of(self, medium: Medium) -> list[_Side]:
        if medium not in self._sides:
            self._sides[medium] = [self._side(*both) for both in self._catalogue.models(medium)]
        return self._sides[medium]

    def _side(self, platform: Platform, model: Model) -> _Side:
        around, wishes = self._around, self.wishes(platform.medium)
        record = around.record(platform, model)
        return _Side(
            platform=platform,
            model=model,
            against=wishes.against(platform, model),
            liking=wishes.liking(platform, model),
            latency_s=platform.look_again_s if record.takes_s is None else record.takes_s,
            location=around.locations.get(platform.id),
            record=record,
        )

    def _told(self, against: frozenset[WhyNot]) -> tuple[WhyNot, ...]:
        if against not in self._reasons:
            self._reasons[against] = tuple(sorted(against, key=_ORDER.index))
        return self._reasons[against]


def offers(
    task: Task, catalogue: Catalogue, circumstances: Circumstances, *, among: Sequence[Task] = ()
) -> tuple[Offer, ...]:
    """Every platform and model of the medium, the best first; `among` are the other tasks of the plan."""
    return tuple(one.offer for one in Weigher(catalogue, circumstances).candidates(task, among))


def _pictures(task: Task, among: Sequence[Task]) -> frozenset[str]:
    """The photos of the plan that the task waits for."""
    if not task.depends_on:
        return frozenset()
    return frozenset(o.id for o in among if o.medium is Medium.PHOTO and o.id in task.depends_on)


def _keyframes(count: int) -> str:
    return "a keyframe" if count == 1 else f"{count} keyframes"
