"""The plan as the outside world reads it: the same document for `agentes plan` and for the manifest."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from shared_knowledge.vocabulary import Offer, Plan, Quote, QuoteLine, Task

__all__ = ["as_json", "plan_document", "quote_document", "unique", "utc"]


def plan_document(plan: Plan, quote: Quote, prompts: Mapping[str, str]) -> dict[str, Any]:
    """The published shape of a plan: what was understood, what will be done, by whom, for how much."""
    lines = {line.task: line for line in quote.lines}
    return {
        "brief": plan.brief,
        "brief_language": plan.brief_language,
        "understanding": plan.understanding.model_dump(mode="json"),
        "coverage": [span.model_dump(mode="json") for span in plan.coverage],
        "tasks": [_task(task, lines.get(task.id), prompts.get(task.id, "")) for task in plan.tasks],
        "estimate_usd": quote.estimate.usd,
        "ceiling_usd": quote.ceiling.usd,
        "oldest_price": quote.oldest_price.isoformat() if quote.oldest_price else None,
        "assumptions": list(plan.assumptions),
        "questions": unique((*plan.questions, *quote.questions)),
        "warnings": unique((*plan.warnings, *quote.warnings)),
        "quote": {"hash": quote.hash, "expires_at": utc(quote.expires_at)},
    }


def quote_document(quote: Quote) -> dict[str, Any]:
    """What was promised: the sums, the ceiling, the age of the prices and when it lapses."""
    return {
        "hash": quote.hash,
        "estimate_usd": quote.estimate.usd,
        "ceiling_usd": quote.ceiling.usd,
        "oldest_price": quote.oldest_price.isoformat() if quote.oldest_price else None,
        "expires_at": utc(quote.expires_at),
    }


def utc(moment: datetime) -> str:
    """A moment as the outside world reads it: 2026-11-20T09:30:00Z."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def unique(sentences: Iterable[str]) -> list[str]:
    """The same sentences in the same order, each once."""
    return list(dict.fromkeys(sentences))


def as_json(value: Any) -> Any:
    """The same value with nothing in it that JSON cannot say: infinities become null, keys are sorted."""
    match value:
        case Mapping():
            return {str(key): as_json(value[key]) for key in sorted(value, key=str)}
        case str() | int() | None:
            return value
        case float():
            return value if math.isfinite(value) else None
        case list() | tuple() | set() | frozenset():
            return [as_json(item) for item in value]
        case _:
            return str(value)


def _task(task: Task, line: QuoteLine | None, prompt: str) -> dict[str, Any]:
    chosen = line.chosen if line else None
    return {
        "id": task.id,
        "medium": task.medium.value,
        "spec": task.spec.model_dump(mode="json"),
        "prompt": prompt,
        "depends_on": list(task.depends_on),
        "offers": [_offer(offer) for offer in line.offers] if line else [],
        "chosen": {"platform": chosen.platform, "model": chosen.model, "usd": _usd(chosen)}
        if chosen
        else None,
    }


def _offer(offer: Offer) -> dict[str, Any]:
    return {
        "platform": offer.platform,
        "model": offer.model,
        "usd": _usd(offer),
        "billed_as": offer.billed_as,
        "pieces": len(offer.pieces),
        "suitable": offer.suitable,
        "why_not": [reason.value for reason in offer.why_not],
    }


def _usd(offer: Offer) -> str | None:
    return None if offer.price is None else offer.price.usd
