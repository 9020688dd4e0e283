"""A quote is a promise: what each task would cost, a ceiling nothing may pass, and when it lapses."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from types import MappingProxyType

from orchestrator.selection.remarks import remarks
from orchestrator.selection.weighing import Candidate
from orchestrator.selection.whole_plan import choose, weigh_plan
from orchestrator.selection.wishes import Circumstances
from shared_knowledge.catalogue import Catalogue
from shared_knowledge.errors import OverBudget
from shared_knowledge.vocabulary import Asset, Money, Offer, Plan, Quote, QuoteLine

__all__ = ["check_budget", "quote"]

QUOTE_LASTS = timedelta(hours=24)
_NOTHING: Mapping[str, Asset] = MappingProxyType({})


def quote(
    plan: Plan,
    catalogue: Catalogue,
    circumstances: Circumstances,
    now: datetime,
    *,
    kept: Mapping[str, Asset] = _NOTHING,
) -> Quote:
    """The cheapest way to make the whole plan: a line for each task, an estimate and a ceiling.

    `kept` holds what an earlier job has made of these very tasks: they cost nothing.
    """
    weighed = weigh_plan(plan, catalogue, circumstances, kept)
    cap = _cap(plan, circumstances)
    chosen = choose(weighed, cap)
    most = sum(_most(line, weighed.candidates[line.task]) for line in chosen.lines)
    ceiling = Money(min(most, Money.LIMIT if cap is None else cap))
    dates = [line.chosen.price_seen_on for line in chosen.lines if line.chosen is not None]
    oldest = min((seen_on for seen_on in dates if seen_on is not None), default=None)
    return Quote(
        lines=chosen.lines,
        estimate=chosen.estimate,
        ceiling=ceiling,
        oldest_price=oldest,
        hash=_seal(plan, chosen.lines, ceiling, kept),
        expires_at=_end(catalogue, circumstances.today, now),
        questions=_questions(plan, chosen.lines, catalogue, circumstances),
        warnings=remarks(weighed, chosen, catalogue, circumstances, oldest),
    )


def check_budget(plan: Plan, quoted: Quote, circumstances: Circumstances) -> None:
    """Raises OverBudget where even the cheapest way costs more than may be spent."""
    cap = _cap(plan, circumstances)
    if cap is not None and quoted.estimate > cap:
        raise OverBudget(
            f"The cheapest way costs {quoted.estimate.short}, and {cap.short} may be spent.",
            todo=f"Allow {quoted.estimate.short}, ask for less, or add --draft to see it for nothing.",
        )


def _questions(
    plan: Plan, lines: Sequence[QuoteLine], catalogue: Catalogue, circumstances: Circumstances
) -> tuple[str, ...]:
    """What to ask about the brands that a brief prefers; most briefs prefer none."""
    if not circumstances.prefer:
        return ()
    from orchestrator.selection.unserved import unserved

    return unserved(plan, lines, catalogue, circumstances)


def _cap(plan: Plan, circumstances: Circumstances) -> Money | None:
    limits = (plan.budget, circumstances.budget, *circumstances.caps)
    return min((limit for limit in limits if limit is not None), default=None)


def _most(line: QuoteLine, candidates: Sequence[Candidate]) -> int:
    """The dearest of the first three offers of a task, and its dearest piece once more."""
    if line.kept is not None:
        return 0
    suitable = line.suitable or tuple(one.offer for one in candidates if one.offer.suitable)
    dearest = max(suitable[:3], key=lambda offer: offer.price or 0, default=None)
    if dearest is None or dearest.price is None:
        return 0
    pieces = [int(piece.price) for piece in dearest.pieces]
    keyframes = int(dearest.price) - sum(pieces)
    return dearest.price + max(*pieces, keyframes)


def _seal(plan: Plan, lines: Sequence[QuoteLine], ceiling: Money, kept: Mapping[str, Asset]) -> str:
    """The same for equal work by equal hands at equal prices, whenever it is asked and in whatever words."""
    content = {
        "tasks": [task.model_dump(mode="json") for task in plan.tasks],
        "film": plan.film.model_dump(mode="json") if plan.film else None,
        "chosen": [_name(line.chosen) if line.chosen else None for line in lines],
        "offers": [sorted(map(_terms, line.suitable)) for line in lines if line.kept is None],
        "kept": {task: asset.sha256 for task, asset in kept.items()},
        "ceiling": ceiling,
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _name(offer: Offer) -> str:
    return f"{offer.platform}:{offer.model}"


def _terms(offer: Offer) -> list[object]:
    return [_name(offer), offer.price, offer.billed_as, *(piece.price for piece in offer.pieces)]


def _end(catalogue: Catalogue, today: date, now: datetime) -> datetime:
    """A day from now, or the midnight before a price or a model changes."""
    lasts = QUOTE_LASTS
    change = catalogue.changes_after(today)
    if change is not None:
        here = datetime.combine(today, now.astimezone(UTC).time(), tzinfo=UTC)
        lasts = min(lasts, datetime.combine(change, time.min, tzinfo=UTC) - here)
    return now + lasts
