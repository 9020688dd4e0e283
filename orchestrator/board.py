"""The board of one run: who waits for whom, answered from what is already known."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from shared_knowledge.vocabulary import Outcome

__all__ = ["Board"]


class Board:
    """Outcomes pinned up as they come; a resumed run finds the earlier ones already there."""

    def __init__(self, known: Mapping[str, Outcome]) -> None:
        self._outcomes = dict(known)
        self._news: dict[str, asyncio.Event] = {}

    def look(self, task: str) -> Outcome | None:
        """What became of a task, if it is known."""
        return self._outcomes.get(task)

    def pin(self, outcome: Outcome) -> None:
        """Tells everybody who waits what became of a task."""
        self._outcomes[outcome.task] = outcome
        self._event(outcome.task).set()

    async def wait(self, task: str) -> Outcome:
        """What became of a task, as soon as it is known."""
        if task not in self._outcomes:
            await self._event(task).wait()
        return self._outcomes[task]

    def _event(self, task: str) -> asyncio.Event:
        return self._news.setdefault(task, asyncio.Event())
