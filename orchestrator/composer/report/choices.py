"""Why this platform and not another: every offer that was weighed, and what spoke against it."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.composer.manifest import Delivery
from orchestrator.composer.report.words import WHY_NOT, count, listed, what
from shared_knowledge.money import Money
from shared_knowledge.vocabulary import Medium, Offer, QuoteLine, WhyNot

__all__ = ["Option", "Weighed", "draft_line", "weigh"]


@dataclass(frozen=True, slots=True)
class Option:
    """One platform and model, its price for this task, and the verdict."""

    platform: str
    model: str
    price: str
    billed_as: str
    verdict: str
    chosen: bool
    suitable: bool


@dataclass(frozen=True, slots=True)
class Weighed:
    """One task and all that could have made it, the chosen one first."""

    task: str
    what: str
    chosen: Option | None
    others: tuple[Option, ...]
    summary: str


def weigh(delivery: Delivery) -> tuple[Weighed, ...]:
    """For each task of the plan: who was chosen, and why each of the others was not."""
    lines = {line.task: line for line in delivery.quote.lines}
    return tuple(
        _weighed(task.id, what(task.spec), lines[task.id]) for task in delivery.plan.tasks if task.id in lines
    )


def draft_line(delivery: Delivery) -> str:
    """One honest sentence about a draft, and what platform keys would change."""
    media = {task.medium for task in delivery.plan.tasks}
    sorts = ["drawn pictures"] if media - {Medium.VOICE} else []
    sorts += ["a synthetic voice"] if Medium.VOICE in media else []
    said = f"This is a draft, made on this machine for {delivery.cost.short}: {listed(sorts)}."
    lines = {line.task: line for line in delivery.quote.lines}
    wanting = [(task.id, _cheapest_with_key(lines.get(task.id))) for task in delivery.plan.tasks]
    priced = [(task, offer) for task, offer in wanting if offer is not None]
    if not priced or len(priced) < len(delivery.plan.tasks):
        return f"{said} This version makes drafts; what paid platforms would charge is in the plan."
    total = Money(sum(offer.price or 0 for _, offer in priced))
    makers = listed(f"{offer.model} ({offer.platform}) for {task}" for task, offer in priced)
    return f"{said} With platform keys, the same plan starts at about {total.short}: {makers}."


def _weighed(task: str, name: str, line: QuoteLine) -> Weighed:
    chosen = line.chosen
    others = sorted(
        (offer for offer in line.offers if offer is not chosen),
        key=lambda offer: (not offer.suitable, offer.price is None, offer.price or 0, offer.platform),
    )
    options = tuple(_option(offer, chosen) for offer in others)
    could = sum(option.suitable for option in options)
    summary = f"{count(len(options), 'other')} weighed, {could or 'none'} possible" if options else ""
    return Weighed(task, name, _option(chosen, chosen) if chosen else None, options, summary)


def _option(offer: Offer, chosen: Offer | None) -> Option:
    return Option(
        platform=offer.platform,
        model=offer.model,
        price=offer.price.short if offer.price is not None else "—",
        billed_as=offer.billed_as,
        verdict=_verdict(offer, chosen),
        chosen=offer is chosen,
        suitable=offer.suitable,
    )


def _verdict(offer: Offer, chosen: Offer | None) -> str:
    if offer is chosen:
        return "chosen"
    if not offer.suitable:
        return listed(WHY_NOT[reason] for reason in offer.why_not) or "has no known price"
    if chosen is None or offer.price is None or chosen.price is None or offer.price == chosen.price:
        return "could, at the same price"
    if offer.price < chosen.price:
        return f"could, {(chosen.price - offer.price).short} less, but not for the plan as a whole"
    return f"could, {(offer.price - chosen.price).short} more"


def _cheapest_with_key(line: QuoteLine | None) -> Offer | None:
    offers = line.offers if line else ()
    waiting = [o for o in offers if o.price is not None and set(o.why_not) == {WhyNot.NO_KEY}]
    return min(waiting, key=lambda offer: offer.price or 0, default=None)
