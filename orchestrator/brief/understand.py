"""The whole way from a text to what it says: the same text always gives the same reading."""

from __future__ import annotations

from dataclasses import replace

from orchestrator.brief.asking import find_groups
from orchestrator.brief.attach import attach_facts
from orchestrator.brief.brands import find_brands, wishes
from orchestrator.brief.budget import Budget, find_budget
from orchestrator.brief.coverage import cover
from orchestrator.brief.creative import imagine
from orchestrator.brief.doubts import find_doubts
from orchestrator.brief.each import count_each
from orchestrator.brief.expand import MOST_OF_ONE, MOST_TASKS, Draft, expand
from orchestrator.brief.forms import count_in_form, find_keys, seconds_in_form
from orchestrator.brief.groups import Wanted
from orchestrator.brief.guesses import guess_groups
from orchestrator.brief.hostile import find_hostile
from orchestrator.brief.labels import label
from orchestrator.brief.links import drop_wholes, is_composed, link_groups
from orchestrator.brief.money import find_money
from orchestrator.brief.negatives import find_negatives, negatives
from orchestrator.brief.page import Page, lay_out
from orchestrator.brief.parts import find_parts
from orchestrator.brief.reading import Reading
from orchestrator.brief.references import find_references
from orchestrator.brief.shapes import find_shapes
from orchestrator.brief.spoken import assign_scripts, gender, manner
from orchestrator.brief.text import CleanText, clean
from orchestrator.brief.times import find_times
from orchestrator.brief.traits import find_networks, find_qualities, find_spoken
from shared_knowledge.vocabulary import BriefTask, Medium, PlatformWishes, Quality, Understanding

__all__ = ["understand"]


def _facts(source: CleanText, *, whole_sentence: bool) -> Page:
    page = lay_out(source)
    find_hostile(page, whole_sentence=whole_sentence)
    find_references(page)
    find_money(page)
    find_shapes(page)
    find_times(page)
    seconds_in_form(page)
    find_keys(page)
    find_brands(page)
    find_qualities(page)
    find_negatives(page)
    return page


def _wanted(page: Page) -> Wanted:
    wanted = find_groups(page)
    guess_groups(page, wanted)
    drop_wholes(page, wanted)
    count_each(page, wanted)
    count_in_form(page, wanted)
    find_networks(page, wanted)
    find_parts(page, wanted)
    assign_scripts(page, wanted)
    find_spoken(page, wanted)
    attach_facts(page, wanted)
    link_groups(page, wanted)
    return wanted


def understand(text: str) -> Reading:
    """The complete reading of a brief; raises UnclearBrief for what is no text."""
    source = clean(text)
    page = _facts(source, whole_sentence=True)
    wanted = _wanted(page)
    if not wanted.groups and page.of("hostile"):
        page = _facts(source, whole_sentence=False)
        wanted = _wanted(page)
    drafts = expand(page, wanted)
    budget = _for_the_job(find_budget(page), drafts)
    whose, how = gender(page, wanted), manner(page, wanted)
    stated = _understanding(page, wanted, drafts, budget)
    labels = label(page, wanted, drafts[:MOST_TASKS], stated)
    doubts = find_doubts(page, wanted, drafts, budget, labels)
    picture = imagine(page, wanted, drafts[:MOST_TASKS], labels)
    return Reading(
        text=text,
        language=page.language,
        understanding=stated.model_copy(update={"ambiguous": doubts.ambiguous}),
        coverage=cover(page, labels),
        subject=picture.subject,
        scene=picture.scene,
        details=picture.details,
        subjects=picture.subjects,
        palette=picture.palette,
        voice_gender=whose,
        voice_style=how,
        questions=doubts.questions,
        warnings=doubts.warnings,
    )


def _for_the_job(budget: Budget | None, drafts: list[Draft]) -> Budget | None:
    """A limit for each asset is one for the job: that many times as much."""
    if budget is None or not budget.per:
        return budget
    count = sum(draft.count for draft in drafts if budget.per in {draft.medium, "asset"})
    return replace(budget, figure=round(budget.figure * max(1, count), 4))


def _understanding(page: Page, wanted: Wanted, drafts: list[Draft], budget: Budget | None) -> Understanding:
    preferred, avoided = wishes(page)
    foreign = budget is not None and budget.currency != "USD"
    return Understanding(
        tasks=tuple(_task(draft) for draft in drafts[:MOST_TASKS]),
        compose=is_composed(page, wanted),
        budget_usd=budget.figure if budget and not foreign else None,
        budget_currency=budget.currency if budget and foreign else None,
        budget_amount=budget.figure if budget and foreign else None,
        platform=PlatformWishes(prefer=preferred, avoid=avoided),
        negative=negatives(page),
    )


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
