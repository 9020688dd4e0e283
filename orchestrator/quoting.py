"""From words to a quote, in one pure walk: read, plan, price. Nothing is bought and nothing is stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any

from agentes.photo_agent import wording as photo_wording
from agentes.video_agent import wording as video_wording
from agentes.voice_agent import wording as voice_wording
from orchestrator import planner, selection
from orchestrator.brief import read
from orchestrator.brief.reading import Reading
from orchestrator.composer.documents import plan_document
from orchestrator.directory import Directory
from orchestrator.selection import Circumstances
from shared_knowledge.catalogue import Catalogue
from shared_knowledge.dialects import dialect_of
from shared_knowledge.errors import AgentesError, OverBudget, UnclearBrief
from shared_knowledge.prompts import Dialect
from shared_knowledge.vocabulary import Brief, Medium, Money, Offer, Plan, Quote, Task

__all__ = ["Proposal", "Quoter"]

_WRITERS: Mapping[Medium, Callable[[Task, Dialect], str]] = {
    Medium.PHOTO: photo_wording.write_prompt,
    Medium.VIDEO: video_wording.write_prompt,
    Medium.VOICE: voice_wording.write_prompt,
}

_PRACTICE = (
    "Practice: the platforms are played by the sandbox; nothing is truly bought, and no money is spent."
)


@dataclass(frozen=True)
class Proposal:
    """What would be done for a brief, and what it would cost."""

    reading: Reading
    plan: Plan
    quote: Quote
    write_prompts: Callable[[], Mapping[str, str]]
    why_draft: str | None
    obstacle: AgentesError | None = None

    def insist(self) -> None:
        """Raises what stands in the way of doing it: an unclear brief, or a budget that is too small."""
        if self.obstacle is not None:
            raise self.obstacle

    @property
    def title(self) -> str:
        """A few words that name the job's folder."""
        return self.reading.subject or self.plan.brief

    @property
    def is_draft(self) -> bool:
        """Whether everything would be made by this machine alone."""
        return self.why_draft is not None

    def document(self) -> dict[str, Any]:
        """The proposal as the outside world reads it."""
        return plan_document(self.plan, self.quote, self.write_prompts())


class Quoter:
    """Reads briefs and prices plans, under the circumstances of one day and one set of keys."""

    def __init__(
        self,
        catalogue: Catalogue,
        directory: Directory,
        a_day: Money,
        *,
        today: date | None = None,
        practice: bool = False,
    ) -> None:
        self._catalogue = catalogue
        self._directory = directory
        self._a_day = a_day
        self._day = today
        self._practice = practice

    def propose(self, brief: Brief) -> Proposal:
        """What would be done for a brief, by whom and for how much; also when that is nothing."""
        reading = read(brief.text)
        obstacle: AgentesError | None = None
        try:
            plan = planner.plan(reading, brief)
        except UnclearBrief as unclear:
            obstacle = unclear
            plan = _no_work(reading, unclear)
        quote = self.quote(plan, brief)
        try:
            self.check_budget(plan, quote, brief)
        except OverBudget as over:
            obstacle = obstacle or over
        why_draft = self._why_draft(quote, brief)
        return Proposal(reading, plan, quote, lambda: self._prompts(plan, quote), why_draft, obstacle)

    def read(self, brief: Brief) -> Reading:
        """What the words say."""
        return read(brief.text)

    def plan(self, brief: Brief) -> Plan:
        """What will be done."""
        return planner.plan(read(brief.text), brief)

    def quote(self, plan: Plan, brief: Brief) -> Quote:
        """What it would cost, by whom, and why not by the others."""
        circumstances = self._circumstances(plan, brief)
        quote = selection.quote(plan, self._catalogue, circumstances, datetime.now(UTC))
        if not self._practice or not quote.estimate:
            return quote
        return quote.model_copy(update={"warnings": (_PRACTICE, *quote.warnings)})

    def check_budget(self, plan: Plan, quote: Quote, brief: Brief) -> None:
        """Raises OverBudget where even the cheapest way costs more than may be spent."""
        selection.check_budget(plan, quote, self._circumstances(plan, brief))

    def offers(self, task: Task, plan: Plan, brief: Brief) -> tuple[Offer, ...]:
        """Every offer for one more task of a plan, such as one an agent asks of another."""
        return selection.offers(task, self._catalogue, self._circumstances(plan, brief), among=plan.tasks)

    @cached_property
    def _today(self) -> date:
        return self._day or datetime.now(UTC).date()

    def _circumstances(self, plan: Plan, brief: Brief) -> Circumstances:
        wishes = plan.understanding.platform
        return Circumstances(
            today=self._today,
            ready=self._directory.ready,
            adapters=self._directory.adapters,
            resting=self._directory.resting,
            draft=brief.draft,
            prefer=wishes.prefer,
            avoid=wishes.avoid,
            use=brief.use,
            shun=brief.avoid,
            budget=plan.budget,
            caps=(self._a_day,),
            locations=self._directory.locations,
        )

    def _prompts(self, plan: Plan, quote: Quote) -> dict[str, str]:
        chosen = ((task, quote.line(task.id).chosen) for task in plan.tasks)
        return {
            task.id: _WRITERS[task.medium](task, dialect_of(self._catalogue, offer))
            for task, offer in chosen
            if offer is not None
        }

    def _why_draft(self, quote: Quote, brief: Brief) -> str | None:
        chosen = [line.chosen for line in quote.lines]
        if not chosen or not all(
            offer is not None and self._catalogue.platform(offer.platform).local for offer in chosen
        ):
            return None
        if brief.draft:
            return "As you asked, the draft platforms of this machine make everything, free."
        if not self._directory.ready:
            return "No platform key is set, so the draft platforms of this machine make everything, free."
        return "No platform with a key can do this, so the draft platforms of this machine make it, free."


def _no_work(reading: Reading, unclear: UnclearBrief) -> Plan:
    """The plan of a brief that cannot be turned into work: what was understood, and what to ask."""
    return Plan(
        brief=reading.text,
        brief_language=reading.language or "en",
        understanding=reading.understanding,
        coverage=reading.coverage,
        tasks=(),
        questions=reading.questions or (unclear.todo,),
        warnings=(unclear.what, *reading.warnings),
    )
