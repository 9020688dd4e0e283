"""What a person and a machine allow, whatever the task: names that were said, keys that are there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType

from orchestrator.selection.track_record import TrackRecord
from shared_knowledge.catalogue import Catalogue
from shared_knowledge.errors import BadRequest
from shared_knowledge.platform_facts import Model, Platform
from shared_knowledge.vocabulary import Choice, Medium, Money, WhyNot

__all__ = ["Circumstances", "Wishes"]


@dataclass(frozen=True, kw_only=True)
class Circumstances:
    """What is true around a choice: the day, the keys at hand, what was asked for, what may be spent.

    `ready` names the platforms whose keys are there; `adapters` those we can perform (None: all).
    `prefer` and `avoid` are brands named in the brief, `use` and `shun` the options beside it.
    `records` tells how often each platform and model made what was asked of it; without a record its
    price stands as it is. `deadline_s` is how long the whole plan may take.
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
    deadline_s: float | None = None
    locations: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    records: Mapping[tuple[str, str], TrackRecord] = field(default_factory=lambda: MappingProxyType({}))

    def can_work(self, platform: Platform) -> bool:
        """Whether the platform has its keys and we know how to speak with it."""
        return self.has_adapter(platform) and (platform.local or platform.id in self.ready)

    def has_adapter(self, platform: Platform) -> bool:
        """Whether we know how to speak with the platform."""
        return self.adapters is None or platform.id in self.adapters

    def record(self, platform: Platform, model: Model) -> TrackRecord:
        """How often the model made what was asked of it, as far as that is known."""
        return self.records.get((platform.id, model.id), _NO_RECORD)


_NO_RECORD = TrackRecord()


class Wishes:
    """What the person and the machine allow, for one medium."""

    def __init__(self, catalogue: Catalogue, circumstances: Circumstances, medium: Medium) -> None:
        self._around, self._catalogue = circumstances, catalogue
        self.named = [c for c in _understood(circumstances.use, catalogue) if c.medium is medium]
        self._shun = _understood(circumstances.shun, catalogue, gone_is_fine=True)
        self._prefer = [catalogue.successor(brand) or brand for brand in circumstances.prefer]
        usable = any(_is_usable(p, circumstances) for p in catalogue.of(medium) if not p.local)
        self._drafts = circumstances.draft or not usable

    def against(self, platform: Platform, model: Model) -> frozenset[WhyNot]:
        """Every reason that has nothing to do with what the model can do."""
        around, reasons = self._around, set()
        if not platform.local and platform.id not in around.ready:
            reasons.add(WhyNot.NO_KEY)
        if not around.has_adapter(platform):
            reasons.add(WhyNot.NO_ADAPTER)
        if platform.id in around.resting:
            reasons.add(WhyNot.RESTING)
        if self._is_unwanted(platform, model) or (around.draft and not platform.local):
            reasons.add(WhyNot.AVOIDED)
        if self._is_too_rough(platform, model):
            reasons.add(WhyNot.QUALITY)
        return frozenset(reasons)

    def welcomes(self, platform_id: str, model_id: str) -> bool:
        """Whether what they made once may stay; of who is no longer in the catalogue, nothing bad is known."""
        platform = next((one for one in self._catalogue.platforms if one.id == platform_id), None)
        model = platform.model(model_id) if platform else None
        if platform is None or model is None:
            return True
        return not (self._is_unwanted(platform, model) or self._is_too_rough(platform, model))

    def names(self, platform_id: str, model_id: str) -> bool:
        """Whether an option asks for this platform or model by name."""
        return _named(self.named, platform_id, model_id)

    def liking(self, platform: Platform, model: Model) -> int:
        """0 for the maker the brief prefers, 1 for a house that belongs to it, 2 for everybody else."""
        if any(model.made_by(brand) for brand in self._prefer):
            return 0
        return 1 if any(platform.belongs_to(brand) for brand in self._prefer) else 2

    def _is_unwanted(self, platform: Platform, model: Model) -> bool:
        if self.named and not self.names(platform.id, model.id):
            return True
        return _named(self._shun, platform.id, model.id) or any(
            model.made_by(brand) or platform.belongs_to(brand) for brand in self._around.avoid
        )

    def _is_too_rough(self, platform: Platform, model: Model) -> bool:
        return platform.local and not (self._drafts or self.names(platform.id, model.id))


def _is_usable(platform: Platform, around: Circumstances) -> bool:
    """Whether anything can be bought there at all: a key, an adapter, a living model with a price."""
    return around.can_work(platform) and any(
        (model.retires_on is None or around.today < model.retires_on)
        and any(price.holds(around.today) for price in model.prices)
        for model in platform.models
    )


def _named(choices: Sequence[Choice], platform_id: str, model_id: str) -> bool:
    return any(c.platform == platform_id and c.model in (None, model_id) for c in choices)


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
