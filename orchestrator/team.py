"""The three agents in one run, and the way they ask each other for help."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from agentes.media_agent import Errand, MediaAgent, Progress
from orchestrator.board import Board
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
    earlier: Mapping[str, tuple[Task, Asset]]

    async def perform(self, task: Task, asked: tuple[str, ...] = ()) -> Outcome:
        """What became of a task: known already, or done now."""
        known = self.board.look(task.id)
        if known is not None:
            self._say(Progress(task, "kept" if isinstance(known, Asset) else known.kind))
            return known
        outcome = await self._outcome(task, asked)
        await self.jobs.keep(self.job.id, outcome, fence=self.fence)
        self.board.pin(outcome)
        return outcome

    async def _outcome(self, task: Task, asked: tuple[str, ...]) -> Outcome:
        missing = await self._missing(task)
        if missing is not None:
            self._say(Progress(task, "waiting", note=missing.why))
            return missing
        if (kept := self._kept(task)) is not None:
            self._say(Progress(task, "kept", note="unchanged, kept from the earlier job"))
            return kept
        line = next((line for line in self.quote.lines if line.task == task.id), None)
        offers = line.suitable if line else tuple(offer for offer in self.price(task) if offer.suitable)
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

    async def _missing(self, task: Task) -> Shortfall | None:
        """Waits for what the task needs; a voice that failed does not stop its pictures."""
        for needed in task.depends_on:
            outcome = await self.board.wait(needed)
            if isinstance(outcome, Shortfall) and not isinstance(self.tasks[needed].spec, VoiceSpec):
                return Shortfall(task=task.id, why=f"{needed} could not be made", kind="waiting")
        return None

    def _kept(self, task: Task) -> Asset | None:
        """The asset of an earlier job, if this very task was done there."""
        before, asset = self.earlier.get(task.id, (None, None))
        if before != task or asset is None or not Path(asset.path).is_file():
            return None
        if not all(self._is_as_before(needed) for needed in task.depends_on):
            return None
        return asset.model_copy(update={"cost": Money(0), "pieces": ()})

    def _is_as_before(self, task_id: str) -> bool:
        now, (_, before) = self.board.look(task_id), self.earlier.get(task_id, (None, None))
        return isinstance(now, Asset) and before is not None and now.sha256 == before.sha256

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

    def asset(self, task_id: str) -> Asset | None:
        """What a task this one waited for has brought, if it brought anything."""
        outcome = self._team.board.look(task_id)
        return outcome if isinstance(outcome, Asset) else None

    async def ask(self, task: Task, because: str) -> Asset:
        """Has a colleague get a child task done, or raises what stood in its way."""
        if task.id in self._asked or len(self._asked) > _DEEPEST:
            raise Unsuitable(f"{self._task.id} asked for {task.id}, which would go round in a circle.")
        child = task.model_copy(update={"asked_by": self._task.id, "because": because})
        await self._team.jobs.keep_ask(
            self._team.job.id, AskRow(task=child, asked_by=self._task.id, because=because)
        )
        outcome = await self._team.perform(child, self._asked)
        if isinstance(outcome, Shortfall):
            raise _FOR_A_PERSON.get(outcome.kind, Unsuitable)(
                f"{child.id}, which {self._task.id} needs, could not be made: {outcome.why}"
            )
        return outcome
