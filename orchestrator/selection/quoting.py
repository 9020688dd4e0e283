"""A quote is a promise: what each task would cost, a ceiling nothing may pass, and when it lapses."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta

from orchestrator.selection.weighing import Candidate, Circumstances, candidates
from shared_knowledge.catalogue import Catalogue
from shared_knowledge.errors import OverBudget
from shared_knowledge.vocabulary import Money, Offer, Plan, Quote, QuoteLine, WhyNot

__all__ = ["check_budget", "quote"]

QUOTE_LASTS = timedelta(hours=24)
STALE_AFTER = timedelta(days=60)

_Weighed = Mapping[str, Sequence[Candidate]]


def quote(plan: Plan, catalogue: Catalogue, circumstances: Circumstances, now: datetime) -> Quote:
    """The cheapest way to make the whole plan: a line for each task, an estimate and a ceiling."""
    weighed: _Weighed = {
        task.id: candidates(task, catalogue, circumstances, plan.tasks) for task in plan.tasks
    }
    cap = _cap(plan, circumstances)
    warnings = _about_names(catalogue, circumstances)
    if cap is not None and _estimate(weighed) > cap:
        cheapest: _Weighed = {
            task: sorted(found, key=lambda one: one.rank(by_liking=False)) for task, found in weighed.items()
        }
        if _estimate(cheapest) < _estimate(weighed):
            warnings.append("What the brief prefers does not fit the budget, so the cheapest is taken.")
        weighed = cheapest
    lines = tuple(QuoteLine(task=task, offers=_within(cap, task, weighed)) for task in weighed)
    most = sum(_most(line, weighed[line.task]) for line in lines)
    ceiling = Money(min(most, Money.LIMIT if cap is None else cap))
    chosen = [line.chosen for line in lines if line.chosen is not None]
    oldest = min((offer.price_seen_on for offer in chosen if offer.price_seen_on is not None), default=None)
    warnings += _about_lines(plan, catalogue, circumstances, lines, weighed)
    if oldest is not None and circumstances.today - oldest > STALE_AFTER:
        warnings.append(f"The oldest price was seen on {oldest}; it may have changed since.")
    return Quote(
        lines=lines,
        estimate=_estimate(weighed),
        ceiling=ceiling,
        oldest_price=oldest,
        hash=_seal(plan, lines, ceiling),
        expires_at=_end(catalogue, circumstances.today, now),
        warnings=tuple(dict.fromkeys(warnings)),
    )


def check_budget(plan: Plan, quoted: Quote, circumstances: Circumstances) -> None:
    """Raises OverBudget where even the cheapest way costs more than may be spent."""
    cap = _cap(plan, circumstances)
    if cap is not None and quoted.estimate > cap:
        raise OverBudget(
            f"The cheapest way costs {quoted.estimate.short}, and {cap.short} may be spent.",
            todo=f"Allow {quoted.estimate.short}, ask for less, or add --draft to see it for nothing.",
        )


def _cap(plan: Plan, circumstances: Circumstances) -> Money | None:
    limits = (plan.budget, circumstances.budget, *circumstances.caps)
    return min((limit for limit in limits if limit is not None), default=None)


# ── money ──────────────────────────────────────────────────────────────────────────────────────


def _first(found: Sequence[Candidate]) -> Money | None:
    return next((one.offer.price for one in found if one.offer.suitable), None)


def _estimate(weighed: _Weighed) -> Money:
    return Money(sum(_first(found) or 0 for found in weighed.values()))


def _within(cap: Money | None, task: str, weighed: _Weighed) -> tuple[Offer, ...]:
    """The offers of a task, those marked that leave too little for the cheapest of the other tasks."""
    found = tuple(one.offer for one in weighed[task])
    if cap is None:
        return found
    others = sum(
        min((one.offer.price or 0 for one in list_ if one.offer.suitable), default=0)
        for other, list_ in weighed.items()
        if other != task
    )
    room = max(0, int(cap) - others)
    marked = [
        offer.model_copy(update={"why_not": (WhyNot.OVER_BUDGET,)})
        if offer.suitable and (offer.price or 0) > room
        else offer
        for offer in found
    ]
    return tuple(sorted(marked, key=lambda offer: not offer.suitable))


def _most(line: QuoteLine, weighed: Sequence[Candidate]) -> int:
    """The dearest of the first three offers of a task, and its dearest piece once more."""
    suitable = line.suitable or tuple(one.offer for one in weighed if one.offer.suitable)
    dearest = max(suitable[:3], key=lambda offer: offer.price or 0, default=None)
    if dearest is None or dearest.price is None:
        return 0
    pieces = [int(piece.price) for piece in dearest.pieces]
    keyframes = int(dearest.price) - sum(pieces)
    return dearest.price + max(*pieces, keyframes)


def _seal(plan: Plan, lines: Sequence[QuoteLine], ceiling: Money) -> str:
    """The same for equal work at equal prices, whenever it is asked."""
    content = {
        "tasks": [task.model_dump(mode="json") for task in plan.tasks],
        "offers": [
            [offer.task, offer.platform, offer.model, offer.price, offer.billed_as]
            for line in lines
            for offer in line.suitable
        ],
        "ceiling": ceiling,
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _end(catalogue: Catalogue, today: date, now: datetime) -> datetime:
    """A day from now, or the midnight before a price or a model changes."""
    lasts = QUOTE_LASTS
    change = catalogue.changes_after(today)
    if change is not None:
        here = datetime.combine(today, now.astimezone(UTC).time(), tzinfo=UTC)
        lasts = min(lasts, datetime.combine(change, time.min, tzinfo=UTC) - here)
    return now + lasts


# ── words ──────────────────────────────────────────────────────────────────────────────────────


def _about_names(catalogue: Catalogue, circumstances: Circumstances) -> list[str]:
    """Names that are not what they were, and brands that nobody here carries."""
    told = [catalogue.explain(choice.platform) for choice in (*circumstances.use, *circumstances.shun)]
    unknown = [brand for brand in circumstances.prefer if not catalogue.carriers(brand)]
    return [
        *(explained.sentence for explained in told if explained.kind in ("renamed", "retired")),
        *(catalogue.explain(brand).sentence for brand in unknown),
    ]


def _about_lines(
    plan: Plan,
    catalogue: Catalogue,
    circumstances: Circumstances,
    lines: Sequence[QuoteLine],
    weighed: _Weighed,
) -> list[str]:
    said = []
    prefer = [catalogue.successor(brand) or brand for brand in circumstances.prefer]
    for line in lines:
        medium = plan.task(line.task).medium
        if line.chosen is None:
            reasons = Counter(reason for offer in line.offers for reason in offer.why_not)
            listed = ", ".join(f"{reason} ({times})" for reason, times in reasons.most_common(4))
            said.append(f"{line.task}: none of {len(line.offers)} offers can be taken: {listed or 'none'}.")
            continue
        chosen = next(one for one in weighed[line.task] if one.offer == line.chosen)
        if not chosen.confirmed:
            name = f"{chosen.offer.platform} {chosen.offer.model}"
            said.append(f"{line.task}: the price of {name} comes from third parties.")
        served = any(
            model.made_by(brand) or platform.belongs_to(brand)
            for platform, model in catalogue.models(medium)
            for brand in prefer
        )
        if served and chosen.liking > 1:
            brands = " or ".join(prefer)
            said.append(f"{line.task}: {brands} cannot do it, so it goes to {chosen.offer.platform}.")
    return said
