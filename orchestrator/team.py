"""The three agents in one run, and the way they ask each other for help."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from agentes.media_agent import Errand, MediaAgent, Progress
from orchestrator.board import Board
from orchestrator.selection import UNCHANGED
from orchestrator.store.jobs import AskRow, Event, Jobs
from shared_knowledge.errors import InDoubt, OverBudget, Refused, Unsuitable
from shared_knowledge.vocabulary import (
    Asset,
    Job,
    Medium,
    Money,
    Offer,
    Outcome,
    Quote,
    Shortfall,
    Task,
    VoiceSpec,
)

__all__ = ["Team"]

_DEEPEST = 3
_MOST_ASKS = 32
_FOR_A_PERSON = {"refused": Refused, "over_budget": OverBudget, "in_doubt": InDoubt}


@dataclass(frozen=True)
class Team:
    """Has tasks performed, each once, and writes down what became of them before anybody hears."""

    job: Job
    fence: int
    quote: Quote
    tasks: Mapping[str, Task]
    agents: Mapping[Medium, MediaAgent]
    jobs: Jobs
    board: Board
    price: Callable[[Task], Sequence[Offer]]
    tell: Callable[[Event], None]
    kept: Mapping[str, Asset]
    recut: Callable[[Task], Awaitable[tuple[Task, Mapping[str, str]]]] | None = None

    async def perform(self, task: Task, asked: tuple[str, ...] = ()) -> Outcome:
        """What became of a task: known already, or done now."""
        known = self.board.look(task.id)
        if known is not None:
            self._say(Progress(task, "kept" if isinstance(known, Asset) else known.kind))
            return known
        return await self.board.once(task.id, asked[-1] if asked else "", lambda: self._do(task, asked))

    async def _do(self, task: Task, asked: tuple[str, ...]) -> Outcome:
        outcome = await self._outcome(task, asked)
        await self.jobs.keep(self.job.id, outcome, fence=self.fence)
        self.board.pin(outcome)
        return outcome

    async def _outcome(self, task: Task, asked: tuple[str, ...]) -> Outcome:
        if (kept := self.kept.get(task.id)) is not None:
            self._say(Progress(task, "kept", note=UNCHANGED))
            return kept.model_copy(update={"cost": Money(0), "pieces": ()})
        missing = await self._missing(task)
        if missing is not None:
            self._say(Progress(task, "waiting", note=missing.why))
            return missing
        line = next((line for line in self.quote.lines if line.task == task.id), None)
        offers = line.suitable if line else tuple(offer for offer in self.price(task) if offer.suitable)
        if self.recut is not None and line is not None:
            task, offers = await self._as_spoken(task, offers, self.recut)
        return await self.agents[task.medium].perform(
            Errand(
                job=self.job.id,
                task=task,
                offers=offers,
                ceiling=self.quote.ceiling,
                colleagues=_Colleagues(self, task, (*asked, task.id)),
                say=self._say,
                tenant=self.job.tenant,
                key=self.job.key,
                fence=self.fence,
                on_refusal=self.job.brief.on_refusal,
                on_doubt=self.job.brief.on_doubt,
            )
        )

    async def _as_spoken(
        self,
        planned: Task,
        offers: tuple[Offer, ...],
        recut: Callable[[Task], Awaitable[tuple[Task, Mapping[str, str]]]],
    ) -> tuple[Task, tuple[Offer, ...]]:
        """The task cut to its voices as they were spoken, where that is no dearer than what was quoted."""
        task, heard = await recut(planned)
        for voice, length in heard.items():
            await self.note_ask(self.tasks[voice], planned.id, f"the length of its line: {length}")
        if task == planned:
            return planned, offers
        priced = {(offer.platform, offer.model): offer for offer in self.price(task)}
        fitting = []
        for quoted in offers:
            anew = priced.get((quoted.platform, quoted.model))
            if anew is not None and anew.suitable and (anew.price or 0) <= (quoted.price or 0):
                fitting.append(anew)
        if not fitting or (fitting[0].platform, fitting[0].model) != (offers[0].platform, offers[0].model):
            return planned, offers
        return task, tuple(fitting)

    async def note_ask(self, task: Task, asked_by: str, because: str) -> None:
        """Writes down who asked whom for what and why, and tells whoever watches."""
        await self.jobs.keep_ask(self.job.id, AskRow(task=task, asked_by=asked_by, because=because))
        self.tell(Event(what="ask", task=task.id, asked_by=asked_by, medium=task.medium, note=because))

    async def _missing(self, task: Task) -> Shortfall | None:
        """Waits for what the task needs; a voice that failed does not stop its pictures."""
        for needed in task.depends_on:
            try:
                outcome = await self.board.wait(needed, task.id)
            except Unsuitable as circle:
                return Shortfall(task=task.id, why=circle.what, kind="waiting")
            if isinstance(outcome, Shortfall) and not isinstance(self.tasks[needed].spec, VoiceSpec):
                return Shortfall(task=task.id, why=f"{needed} could not be made", kind="waiting")
        return None

    def _say(self, progress: Progress) -> None:
        offer = progress.offer
        self.tell(
            Event(
                what="task",
                task=progress.task.id,
                asked_by=progress.task.asked_by,
                medium=progress.task.medium,
                phase=progress.phase,
                platform=offer.platform if offer else None,
                model=offer.model if offer else None,
                cost=progress.cost.usd if progress.cost is not None else None,
                note=progress.note,
            )
        )


class _Colleagues:
    """The team, as one member sees it while doing one task."""

    def __init__(self, team: Team, task: Task, asked: tuple[str, ...]) -> None:
        self._team = team
        self._task = task
        self._asked = asked
        self._names: set[str] = set()

    def asset(self, task_id: str) -> Asset | None:
        """What a task this one waited for has brought, if it brought anything."""
        outcome = self._team.board.look(task_id)
        return outcome if isinstance(outcome, Asset) else None

    async def ask(self, task: Task, because: str) -> Asset:
        """Has a colleague get a task done, or raises what stood in its way; what the plan holds is not paid twice."""
        if self._asked_in_turn(task.id) or len(self._asked) > _DEEPEST:
            raise Unsuitable(f"{self._task.id} asked for {task.id}, which would go round in a circle.")
        self._names.add(task.id)
        if len(self._names) > _MOST_ASKS:
            raise Unsuitable(f"{self._task.id} asked its colleagues for more than {_MOST_ASKS} things.")
        planned = self._team.tasks.get(task.id)
        child = planned or task.model_copy(update={"asked_by": self._task.id, "because": because})
        await self._team.note_ask(child, self._task.id, because)
        outcome = await self._team.perform(child, self._asked)
        if isinstance(outcome, Shortfall):
            raise _FOR_A_PERSON.get(outcome.kind, Unsuitable)(
                f"{child.id}, which {self._task.id} needs, could not be made: {outcome.why}"
            )
        return outcome

    def _asked_in_turn(self, task_id: str) -> bool:
        """Whether a task, or something it waits for, is one of those on whose behalf this is asked."""
        seen: set[str] = set()
        ahead = [task_id]
        while ahead:
            name = ahead.pop()
            if name in self._asked:
                return True
            if name not in seen and name in self._team.tasks:
                ahead += self._team.tasks[name].depends_on
            seen.add(name)
        return False
