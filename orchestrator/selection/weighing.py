"""Every platform and model is weighed for every task, and each that cannot take it is told why not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType

from shared_knowledge.catalogue import Catalogue
from shared_knowledge.errors import BadRequest
from shared_knowledge.platform_facts import Model, Platform
from shared_knowledge.tariff import weigh
from shared_knowledge.vocabulary import (
    Choice,
    Medium,
    Money,
    Offer,
    Task,
    VideoSpec,
    WhyNot,
)

__all__ = ["Candidate", "Circumstances", "candidates", "offers"]

_ORDER = list(WhyNot)
_LAST = Money.LIMIT + 1


@dataclass(frozen=True, kw_only=True)
class Circumstances:
    """What is true around a choice: the day, the keys at hand, what was asked for, what may be spent.

    `ready` names the platforms whose keys are there; `adapters` those we can perform (None: all).
    `prefer` and `avoid` are brands named in the brief, `use` and `shun` the options beside it.
    """

    today: date
    ready: frozenset[str] = frozenset()
    adapters: frozenset[str] | None = None
    resting: frozenset[str] = frozenset()
    draft: bool = False
    prefer: tuple[str, ...] = ()
    avoid: tuple[str, ...] = ()
    use: tuple[Choice, ...] = ()
    shun: tuple[Choice, ...] = ()
    budget: Money | None = None
    caps: tuple[Money, ...] = ()
    locations: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def can_work(self, platform: Platform) -> bool:
        """Whether the platform has its keys and we know how to speak with it."""
        return self.has_adapter(platform) and (platform.local or platform.id in self.ready)

    def has_adapter(self, platform: Platform) -> bool:
        """Whether we know how to speak with the platform."""
        return self.adapters is None or platform.id in self.adapters


@dataclass(frozen=True)
class Candidate:
    """An offer, and what decides its place among the others."""

    offer: Offer
    liking: int
    latency_s: float
    confirmed: bool

    def rank(self, *, by_liking: bool = True) -> tuple[object, ...]:
        """Suitable first, liked first, cheapest first; then the freshest price, the quickest, the name."""
        offer = self.offer
        return (
            not offer.suitable,
            self.liking if by_liking and offer.suitable else 0,
            _LAST if offer.price is None else offer.price,
            -(offer.price_seen_on or date.min).toordinal(),
            self.latency_s,
            offer.platform,
            offer.model,
        )


def offers(
    task: Task, catalogue: Catalogue, circumstances: Circumstances, *, among: Sequence[Task] = ()
) -> tuple[Offer, ...]:
    """Every platform and model of the medium, the best first; `among` are the other tasks of the plan."""
    return tuple(one.offer for one in candidates(task, catalogue, circumstances, among))


def candidates(
    task: Task, catalogue: Catalogue, circumstances: Circumstances, among: Sequence[Task]
) -> list[Candidate]:
    """The offers of a task in their order, each with what set its place."""
    wishes = _Wishes(catalogue, circumstances, task.medium)
    pictures = [other.id for other in among if other.medium is Medium.PHOTO and other.id in task.depends_on]
    keyframe: Offer | None = None
    found = []
    for platform, model in catalogue.models(task.medium):
        weighed = weigh(
            model,
            task.spec,
            circumstances.today,
            pictures=pictures,
            location=circumstances.locations.get(platform.id),
        )
        against = weighed.why_not | wishes.against(platform, model)
        price, seen_on, words = weighed.price, weighed.seen_on, weighed.billed_as
        if weighed.keyframes and isinstance(task.spec, VideoSpec):
            keyframe = keyframe or _keyframe(task, task.spec, catalogue, circumstances)
            if keyframe.price is None or not keyframe.suitable:
                against |= {WhyNot.REFERENCE}
            elif price is not None and seen_on is not None:
                price += keyframe.price * weighed.keyframes
                seen_on = min(seen_on, keyframe.price_seen_on or seen_on)
                words += f", with {_keyframes(weighed.keyframes)}"
        offer = Offer(
            task=task.id,
            platform=platform.id,
            model=model.id,
            price=price,
            billed_as=words,
            pieces=weighed.pieces,
            keyframe=weighed.keyframes > 0,
            price_seen_on=seen_on,
            why_not=tuple(sorted(against, key=_ORDER.index)),
        )
        liking = wishes.liking(platform, model)
        found.append(Candidate(offer, liking, platform.look_again_s, weighed.confirmed))
    return sorted(found, key=Candidate.rank)


def _keyframe(task: Task, spec: VideoSpec, catalogue: Catalogue, circumstances: Circumstances) -> Offer:
    """The picture a clip would start from, as the photo agent would buy it; without a price if nobody can."""
    asked = Task(id=f"{task.id}-keyframe", spec=spec.keyframe(1), asked_by=task.id)
    nobody = Offer(task=asked.id, platform="", model="", price=None)
    return next(iter(offers(asked, catalogue, circumstances)), nobody)


def _keyframes(count: int) -> str:
    return "a keyframe" if count == 1 else f"{count} keyframes"


# ── wishes ─────────────────────────────────────────────────────────────────────────────────────


class _Wishes:
    """What the person and the machine allow, for one medium."""

    def __init__(self, catalogue: Catalogue, circumstances: Circumstances, medium: Medium) -> None:
        self._around = circumstances
        self._use = [c for c in _understood(circumstances.use, catalogue) if c.medium is medium]
        self._shun = _understood(circumstances.shun, catalogue, gone_is_fine=True)
        self._prefer = [catalogue.successor(brand) or brand for brand in circumstances.prefer]
        usable = [p for p in catalogue.of(medium) if not p.local and circumstances.can_work(p)]
        self._drafts = circumstances.draft or not usable

    def against(self, platform: Platform, model: Model) -> set[WhyNot]:
        """Every reason that has nothing to do with what the model can do."""
        around, reasons = self._around, set()
        if not platform.local and platform.id not in around.ready:
            reasons.add(WhyNot.NO_KEY)
        if not around.has_adapter(platform):
            reasons.add(WhyNot.NO_ADAPTER)
        if platform.id in around.resting:
            reasons.add(WhyNot.RESTING)
        asked_for = _named(self._use, platform, model)
        unwanted = _named(self._shun, platform, model) or any(
            model.made_by(brand) or platform.belongs_to(brand) for brand in around.avoid
        )
        if unwanted or (self._use and not asked_for) or (around.draft and not platform.local):
            reasons.add(WhyNot.AVOIDED)
        if platform.local and not (self._drafts or asked_for):
            reasons.add(WhyNot.QUALITY)
        return reasons

    def liking(self, platform: Platform, model: Model) -> int:
        """0 for the maker the brief prefers, 1 for a house that belongs to it, 2 for everybody else."""
        if any(model.made_by(brand) for brand in self._prefer):
            return 0
        return 1 if any(platform.belongs_to(brand) for brand in self._prefer) else 2


def _named(choices: Sequence[Choice], platform: Platform, model: Model) -> bool:
    return any(c.platform == platform.id and c.model in (None, model.id) for c in choices)


def _understood(
    choices: Sequence[Choice], catalogue: Catalogue, *, gone_is_fine: bool = False
) -> tuple[Choice, ...]:
    """The choices with today's ids and their medium; what cannot be meant is a BadRequest."""
    known = []
    for choice in choices:
        explained = catalogue.explain(choice.platform)
        if gone_is_fine and explained.kind == "retired":
            continue
        platform_id = catalogue.named(choice.platform)
        if platform_id is None:
            raise BadRequest(explained.sentence, todo="`agentes platforms` lists them all.")
        platform = catalogue.platform(platform_id)
        if choice.medium not in (None, platform.medium):
            raise BadRequest(
                f"{platform.id} makes {platform.medium}, not {choice.medium}.",
                todo=f"The {choice.medium} platforms are "
                f"{', '.join(p.id for p in catalogue.of(choice.medium or platform.medium))}.",
            )
        if choice.model is not None and platform.model(choice.model) is None:
            told = catalogue.explain(choice.model)
            gone = f" {told.sentence}" if told.kind == "retired" else ""
            models = ", ".join(model.id for model in platform.models) or "not on file yet"
            raise BadRequest(
                f"{platform.id} has no model {choice.model[:60]!r}.{gone}", todo=f"Its models are {models}."
            )
        known.append(choice.model_copy(update={"platform": platform.id, "medium": platform.medium}))
    return tuple(known)
