"""From words to a quote, in one pure walk: read, plan, price. Nothing is bought and nothing is stored."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from agentes.photo_agent import wording as photo_wording
from agentes.video_agent import wording as video_wording
from agentes.voice_agent import wording as voice_wording
from orchestrator import planner, selection
from orchestrator.brief import read
from orchestrator.brief.reading import Reading
from orchestrator.composer.documents import plan_document
from orchestrator.directory import Directory
from orchestrator.planner.narrating import narrate, reading_of
from orchestrator.selection import NO_PAST, Circumstances, Past, TrackRecord
from shared_knowledge.catalogue import Catalogue
from shared_knowledge.dialects import dialect_of
from shared_knowledge.errors import AgentesError, BadRequest, OverBudget, UnclearBrief
from shared_knowledge.prompts import Dialect
from shared_knowledge.vocabulary import (
    Asset,
    Brief,
    Job,
    Medium,
    Money,
    Offer,
    Plan,
    Quote,
    Task,
    Words,
)

if TYPE_CHECKING:
    from agentes.media.hearing import Heard
    from orchestrator.brief.model.adviser import Adviser
    from orchestrator.brief.model.purchase import Bought
    from orchestrator.brief.model.question import Question

    Buy = Callable[[Adviser, Question], Awaitable[Bought]]

__all__ = ["Proposal", "Quoter", "unsettled"]

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
    def unsettled(self) -> tuple[str, ...]:
        """What only the person can say, and money must not settle."""
        return unsettled(self.reading, self.plan, self.quote)

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


def unsettled(reading: Reading, plan: Plan, quote: Quote) -> tuple[str, ...]:
    """The questions money must not settle: two readings, a limit nobody can hold, a wish nobody can grant."""
    limit_unused = plan.understanding.budget_amount is not None and plan.budget is None
    asked = plan.questions if plan.understanding.ambiguous or limit_unused else reading.questions
    return tuple(dict.fromkeys((*asked, *quote.questions)))


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
        records: Callable[[], Mapping[tuple[str, str], TrackRecord]] = dict,
        adviser: Adviser | None = None,
    ) -> None:
        self._catalogue = catalogue
        self._directory = directory
        self._a_day = a_day
        self._day = today
        self._practice = practice
        self._records = records
        self._adviser = adviser

    def propose(self, brief: Brief, past: Past = NO_PAST) -> Proposal:
        """What would be done for a brief, by whom and for how much; also when that is nothing."""
        reading = self.read(brief)
        obstacle: AgentesError | None = None
        try:
            plan = self._planned(reading, brief)
        except UnclearBrief as unclear:
            obstacle = unclear
            plan = _no_work(reading, unclear)
        quote = self.quote(plan, brief, past)
        try:
            self.check_budget(plan, quote, brief)
        except OverBudget as over:
            obstacle = obstacle or over
        why_draft = self._why_draft(quote, brief)
        return Proposal(reading, plan, quote, lambda: self._prompts(plan, quote), why_draft, obstacle)

    def read(self, brief: Brief) -> Reading:
        """What the words say; those that are only to be spoken say nothing."""
        return reading_of(brief.text, brief.narration) if brief.narration else read(brief.text)

    def unsettled(self, job: Job) -> tuple[str, ...]:
        """What a job that has its quote leaves open."""
        return unsettled(self.read(job.brief), job.plan, job.quote) if job.plan and job.quote else ()

    def plan(self, brief: Brief) -> Plan:
        """What will be done."""
        return self._planned(self.read(brief), brief)

    def quote(self, plan: Plan, brief: Brief, past: Past = NO_PAST) -> Quote:
        """What it would cost, by whom, and why not by the others; what the past has made costs nothing."""
        circumstances, kept = self._circumstances(plan, brief), self.kept(plan, brief, past)
        quote = selection.quote(plan, self._catalogue, circumstances, datetime.now(UTC), kept=kept)
        if self._adviser is not None and plan.words is None and brief.narration is None:
            quote = self._with_words(self._adviser, plan, brief, quote)
        if not self._practice or not quote.estimate:
            return quote
        return quote.model_copy(update={"warnings": (_PRACTICE, *quote.warnings)})

    async def worded(self, job: Job, past: Past, buy: Buy) -> tuple[Plan, Quote]:
        """A job's plan and quote with the words that `buy` brings, as long as everybody and every promise stays."""
        plan, quote, brief = job.plan, job.quote, job.brief
        assert plan is not None, "a job is planned before it is worded"
        assert quote is not None, "a job is quoted before it is worded"
        adviser, reading = self._adviser, read(brief.text)
        rules, before = _by_rules(reading, brief), brief.words.assets if brief.words else ()
        question = adviser.question(rules, reading, before) if adviser else None
        if adviser is None or question is None or len(rules.tasks) != len(plan.tasks):
            return plan.model_copy(update={"words": Words(brief="", model="", assets=before)}), quote
        bought = await buy(adviser, question)
        better = adviser.worded(rules, reading, before, bought.text, bought.why)
        anew = self.quote(better, brief, past)
        same_hands = [line.chosen and line.chosen.model for line in anew.lines] == [
            line.chosen and line.chosen.model for line in quote.lines
        ]
        if not same_hands or anew.estimate + bought.cost > quote.ceiling:
            dearer = f"The words of {adviser.model} would change what was promised"
            better = adviser.worded(rules, reading, before, None, dearer)
            anew = self.quote(better, brief, past)
        spent = Money(anew.estimate + bought.cost)
        return better, quote.model_copy(update={"lines": anew.lines, "estimate": spent})

    def _planned(self, reading: Reading, brief: Brief) -> Plan:
        """What the rules make of it, worded by a model where there is one."""
        if brief.narration is not None:
            return narrate(brief, brief.narration)
        plan = _by_rules(reading, brief)
        if self._adviser is not None:
            return self._adviser.advised(plan, reading, brief.words, may_spend=not brief.draft)
        if brief.words is None:
            return plan
        from orchestrator.brief.model.wording import reworded  # only where a model was asked before

        return reworded(plan, brief.words)

    def _with_words(self, adviser: Adviser, plan: Plan, brief: Brief, quote: Quote) -> Quote:
        """The same quote with what asking the model may take; it is not asked where there is no room for that."""
        reading = read(brief.text)
        if not plan.tasks:
            return quote
        rules, before = _by_rules(reading, brief), brief.words.assets if brief.words else ()
        question = adviser.question(rules, reading, before)
        price = adviser.price(question) if question else None
        if not price:
            return quote
        cap = min(limit for limit in (self._a_day, plan.budget, brief.budget) if limit is not None)
        if quote.estimate + price > cap:
            no_room = (
                f"{adviser.model} is not asked: {price.short} for its words would pass what may be spent."
            )
            return quote.model_copy(update={"warnings": (*quote.warnings, no_room)})
        seal = sha256(f"{quote.hash} {adviser.model} {int(price)}".encode()).hexdigest()[:32]
        sums = {"estimate": quote.estimate + price, "ceiling": Money(min(quote.ceiling + price, cap))}
        return quote.model_copy(update={**sums, "hash": seal, "for_words": price})

    def kept(self, plan: Plan, brief: Brief, past: Past) -> Mapping[str, Asset]:
        """The tasks of a plan that an earlier job has done already, each with what was made there."""
        made = selection.may_stay(past.made, self._catalogue, self._circumstances(plan, brief))
        named = (name for task in plan.tasks for name in task.spec.references) if past.given else ()
        return selection.unchanged(plan.tasks, past.tasks, made, past.given, selection.digests(named))

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
            records=self._records(),
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


def _by_rules(reading: Reading, brief: Brief) -> Plan:
    """The plan of a reading; what comes from afar may not name files of this machine."""
    if brief.may_read_files:
        return planner.plan(reading, brief, _heard(reading))
    plan = planner.plan(reading, brief, {})
    named = dict.fromkeys(name for task in plan.tasks for name in task.spec.references if "://" not in name)
    if plan.film and plan.film.recording:
        named[plan.film.recording.path] = None
    if named:
        raise BadRequest(
            f"The brief names {', '.join(named)[:200]}, and files of this machine cannot be used from elsewhere.",
            todo="Give the address of the file instead, beginning with https://.",
        )
    return plan


def _heard(reading: Reading) -> Mapping[str, Heard]:
    """What is heard in the sound files that a brief names, as far as they are there; nothing else is opened."""
    names = [name for name in planner.named_recordings(reading) if "://" not in name]
    if not names:
        return {}
    from agentes.media.hearing import listen  # it starts processes: only a brief with a sound pays for that

    return listen(names)


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
