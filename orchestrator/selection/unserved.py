"""What to ask where somebody the brief prefers cannot do their part: nobody is taken in their place unasked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from orchestrator.selection.wishes import Circumstances
from shared_knowledge.catalogue import Catalogue
from shared_knowledge.vocabulary import Medium, Offer, Plan, QuoteLine, WhyNot

__all__ = ["unserved"]

_MADE = {Medium.PHOTO: "pictures", Medium.VIDEO: "clips", Medium.VOICE: "voices"}
# What lies in the keys and the purse of the day, not in what the platform can do.
_PASSING = frozenset({WhyNot.NO_KEY, WhyNot.NO_ADAPTER, WhyNot.AVOIDED, WhyNot.RESTING, WhyNot.OVER_BUDGET})


def unserved(
    plan: Plan, lines: Sequence[QuoteLine], catalogue: Catalogue, circumstances: Circumstances
) -> tuple[str, ...]:
    """A question for each preferred brand that nobody carries, that makes other things, or that cannot do it.

    Where an option names the platform, the person has decided, and nothing is asked.
    """
    media = {task.id: task.medium for task in plan.tasks}
    used = (catalogue.named(choice.platform) for choice in circumstances.use)
    decided = {catalogue.platform(name).medium for name in used if name is not None}
    open_lines = [line for line in lines if line.kept is None and media[line.task] not in decided]
    asked = (_about(brand, open_lines, media, catalogue) for brand in circumstances.prefer if open_lines)
    return tuple(dict.fromkeys(question for question in asked if question))


def _about(
    brand: str, lines: Sequence[QuoteLine], media: dict[str, Medium], catalogue: Catalogue
) -> str | None:
    known = catalogue.successor(brand) or brand
    served = {
        platform.medium: None
        for platform, model in catalogue.models()
        if not platform.local and (model.made_by(known) or platform.belongs_to(known))
    }
    if not served:
        return f"{catalogue.explain(brand).sentence} Who should do it instead?"
    theirs = [line for line in lines if media[line.task] in served]
    if not theirs:
        wanted = _listed(dict.fromkeys(_MADE[media[line.task]] for line in lines))
        return f"“{brand}” makes {_listed(_MADE[one] for one in served)}, not {wanted}: who should do it?"
    offers = {line.task: _offers_of(known, line, catalogue) for line in theirs}
    if any(line.chosen in offers[line.task] for line in theirs):
        return None
    return next((question for line in theirs if (question := _why(brand, line, offers[line.task]))), None)


def _why(brand: str, line: QuoteLine, offers: Sequence[Offer]) -> str | None:
    """What to ask about one task: the reasons of the offer that came nearest, or the key that is missing."""
    nearest = min(offers, key=lambda offer: len(frozenset(offer.why_not) - _PASSING), default=None)
    if nearest is None:
        return None
    reasons = frozenset(nearest.why_not)
    lacking = sorted(reasons - _PASSING)
    if lacking:
        return (
            f"“{brand}” cannot make {line.task} ({', '.join(lacking)}): who should do it, or what may change?"
        )
    instead = line.chosen
    if instead is None or not instead.price:
        return None
    if reasons & {WhyNot.NO_KEY, WhyNot.NO_ADAPTER, WhyNot.RESTING}:
        why = ", ".join(sorted(reasons & _PASSING))
        return f"“{brand}” cannot be used now for {line.task} ({why}): should {instead.platform} make it?"
    return None


def _offers_of(brand: str, line: QuoteLine, catalogue: Catalogue) -> list[Offer]:
    found = []
    for offer in line.offers:
        platform = catalogue.platform(offer.platform)
        model = platform.model(offer.model)
        if not platform.local and (platform.belongs_to(brand) or (model and model.made_by(brand))):
            found.append(offer)
    return found


def _listed(names: Iterable[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last
