"""The whole way from a text to what it says: the same text always gives the same reading."""

from __future__ import annotations

from orchestrator.brief.attach import attach_facts
from orchestrator.brief.brands import find_brands, wishes
from orchestrator.brief.budget import find_budget, find_money
from orchestrator.brief.expand import MOST_OF_ONE, MOST_TASKS, Draft, expand
from orchestrator.brief.groups import Wanted, find_groups
from orchestrator.brief.guesses import guess_groups
from orchestrator.brief.hostile import find_hostile
from orchestrator.brief.links import drop_wholes, is_composed, link_groups
from orchestrator.brief.negatives import find_negatives, negatives
from orchestrator.brief.page import Page, lay_out
from orchestrator.brief.parts import find_parts
from orchestrator.brief.reading import Reading
from orchestrator.brief.references import find_references
from orchestrator.brief.shapes import find_shapes
from orchestrator.brief.spoken import assign_scripts
from orchestrator.brief.text import CleanText, clean
from orchestrator.brief.times import find_times
from orchestrator.brief.traits import find_networks, find_qualities, find_spoken
from shared_knowledge.vocabulary import BriefTask, Medium, PlatformWishes, Quality, Understanding

__all__ = ["read"]


def _facts(source: CleanText, *, whole_sentence: bool) -> Page:
    page = lay_out(source)
    find_hostile(page, whole_sentence=whole_sentence)
    find_references(page)
    find_money(page)
    find_shapes(page)
    find_times(page)
    find_brands(page)
    find_qualities(page)
    find_negatives(page)
    return page


def _wanted(page: Page) -> Wanted:
    wanted = find_groups(page)
    guess_groups(page, wanted)
    drop_wholes(page, wanted)
    find_networks(page, wanted)
    find_parts(page, wanted)
    assign_scripts(page, wanted)
    find_spoken(page, wanted)
    attach_facts(page, wanted)
    link_groups(page, wanted)
    return wanted


def read(text: str) -> Reading:
    source = clean(text)
    page = _facts(source, whole_sentence=True)
    wanted = _wanted(page)
    if not wanted.groups and page.of("hostile"):
        page = _facts(source, whole_sentence=False)
        wanted = _wanted(page)
    drafts = expand(page, wanted)
    budget = find_budget(page)
    preferred, avoided = wishes(page)
    understanding = Understanding(
        tasks=tuple(_task(d) for d in drafts[:MOST_TASKS]),
        compose=is_composed(page, wanted),
        budget_usd=budget.amount if budget and budget.currency == "USD" else None,
        budget_currency=budget.currency if budget and budget.currency != "USD" else None,
        budget_amount=budget.amount if budget and budget.currency != "USD" else None,
        platform=PlatformWishes(prefer=preferred, avoid=avoided),
        negative=negatives(page),
        ambiguous=bool(wanted.doubts) or not drafts,
    )
    return Reading(text=text, language=page.language, understanding=understanding, coverage=())


def _task(draft: Draft) -> BriefTask:
    return BriefTask(
        medium=Medium(draft.medium),
        count=min(draft.count, MOST_OF_ONE),
        duration_s=draft.duration_s,
        aspect_ratio=draft.aspect_ratio,
        language=draft.language,
        quality=Quality(draft.quality) if draft.quality else None,
        script=draft.script,
        depends_on=draft.depends_on,
        reference=draft.reference,
    )
