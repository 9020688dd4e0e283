"""What a person should know about a choice: who could not do it, what gave way, which prices to doubt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from orchestrator.selection.weighing import Candidate
from orchestrator.selection.whole_plan import Weighed, WholePlan
from orchestrator.selection.wishes import Circumstances, Wishes
from shared_knowledge.catalogue import Catalogue
from shared_knowledge.vocabulary import Offer, QuoteLine

__all__ = ["remarks"]

STALE_AFTER = timedelta(days=60)


def remarks(
    weighed: Weighed,
    chosen: WholePlan,
    catalogue: Catalogue,
    circumstances: Circumstances,
    oldest_price: date | None,
) -> tuple[str, ...]:
    """Every warning about a choice, each once."""
    said = _about_names(catalogue, circumstances)
    if chosen.disliked:
        said.append("What the brief prefers does not fit the budget, so the cheapest is taken.")
    if chosen.late_by_ms:
        said.append(f"This takes at least {chosen.late_by_ms / 1000:g} s longer than there is time.")
    if not chosen.proven:
        said.append("The plan is so large that a cheaper way within these limits may have been missed.")
    for names in weighed.apart:
        said.append(f"{_and(names)} should share a model, but none can do it; they may look different.")
    for line in chosen.lines:
        said += _about_line(line, weighed, catalogue, circumstances)
    if oldest_price is not None and circumstances.today - oldest_price > STALE_AFTER:
        said.append(f"The oldest price was seen on {oldest_price}; it may have changed since.")
    return tuple(dict.fromkeys(said))


def _about_names(catalogue: Catalogue, circumstances: Circumstances) -> list[str]:
    """Names that are not what they were, and brands that nobody here carries."""
    told = [catalogue.explain(choice.platform) for choice in (*circumstances.use, *circumstances.shun)]
    unknown = [brand for brand in circumstances.prefer if not catalogue.carriers(brand)]
    return [
        *(explained.sentence for explained in told if explained.kind in ("renamed", "retired")),
        *(catalogue.explain(brand).sentence for brand in unknown),
    ]


def _about_line(
    line: QuoteLine, weighed: Weighed, catalogue: Catalogue, circumstances: Circumstances
) -> list[str]:
    if line.kept is not None:
        return []
    medium = weighed.plan.task(line.task).medium
    if line.chosen is None:
        return [_about_nobody(line, Wishes(catalogue, circumstances, medium))]
    found = {one.name: one for one in weighed.candidates[line.task]}
    chosen = found[line.chosen.platform, line.chosen.model]
    said = []
    if not chosen.confirmed:
        said.append(f"{line.task}: the price of {_name(line.chosen)} comes from third parties.")
    said += _about_failures(line, chosen, weighed.candidates[line.task])
    prefer = [catalogue.successor(brand) or brand for brand in circumstances.prefer]
    served = any(
        model.made_by(brand) or platform.belongs_to(brand)
        for platform, model in catalogue.models(medium)
        for brand in prefer
    )
    if served and chosen.liking > 1:
        said.append(f"{line.task}: {' or '.join(prefer)} cannot do it, so it goes to {line.chosen.platform}.")
    return said


def _about_nobody(line: QuoteLine, wishes: Wishes) -> str:
    """Why nobody can take a task: by those who were named, if any were, and else by all."""
    named = [offer for offer in line.offers if wishes.names(offer.platform, offer.model)]
    reasons = Counter(reason for offer in named or line.offers for reason in offer.why_not)
    listed = ", ".join(f"{reason} ({times})" for reason, times in reasons.most_common(4)) or "none"
    if named:
        who = _and(dict.fromkeys(offer.platform for offer in named))
        return f"{line.task}: {who}, which you named, cannot take it: {listed}."
    return f"{line.task}: none of {len(line.offers)} offers can be taken: {listed}."


def _about_failures(line: QuoteLine, chosen: Candidate, candidates: Sequence[Candidate]) -> list[str]:
    """Who asks less than the chosen one and was passed over for what failed there."""
    suitable = {(offer.platform, offer.model) for offer in line.suitable}
    cheaper = [
        one
        for one in candidates
        if one.name in suitable
        and one.liking <= chosen.liking
        and (one.offer.price or 0) < (chosen.offer.price or 0)
        and one.record.failed
        and one.expected > chosen.expected
    ]
    if not cheaper:
        return []
    least = min(cheaper, key=lambda one: one.offer.price or 0)
    tried = least.record.made + least.record.failed
    return [
        f"{line.task}: {_name(least.offer)} asks less, but {least.record.failed} of {tried} orders failed "
        f"there; counting those, {_name(chosen.offer)} is expected to cost less."
    ]


def _name(offer: Offer) -> str:
    return f"{offer.platform} {offer.model}"


def _and(names: Iterable[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last
