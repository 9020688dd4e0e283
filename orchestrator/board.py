"""The board of one run: who waits for whom, answered from what is already known."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager

from shared_knowledge.errors import Unsuitable
from shared_knowledge.vocabulary import Outcome

__all__ = ["Board"]


class Board:
    """Outcomes pinned up as they come; a resumed run finds the earlier ones already there."""

    def __init__(self, known: Mapping[str, Outcome]) -> None:
        self._outcomes = dict(known)
        self._news: dict[str, asyncio.Event] = {}
        self._at_work: dict[str, asyncio.Future[Outcome]] = {}
        self._waits_for: dict[str, list[str]] = {}

    def look(self, task: str) -> Outcome | None:
        """What became of a task, if it is known."""
        return self._outcomes.get(task)

    @property
    def waiting(self) -> int:
        """How many wait for others."""
        return sum(bool(needed) for needed in self._waits_for.values())

    def pin(self, outcome: Outcome) -> None:
        """Tells everybody who waits what became of a task."""
        self._outcomes[outcome.task] = outcome
        self._event(outcome.task).set()

    async def wait(self, task: str, waiter: str = "") -> Outcome:
        """What became of a task, as soon as it is known; Unsuitable where it waits for the one who waits."""
        if task not in self._outcomes:
            with self._waiting(waiter, task):
                await self._event(task).wait()
        return self._outcomes[task]

    async def once(self, task: str, waiter: str, work: Callable[[], Awaitable[Outcome]]) -> Outcome:
        """Does a task that nobody is at yet; whoever comes later waits for the one who is, and buys nothing."""
        with self._waiting(waiter, task):
            if task in self._at_work:
                return await asyncio.shield(self._at_work[task])
            done = self._at_work[task] = asyncio.get_running_loop().create_future()
            try:
                outcome = await work()
            except asyncio.CancelledError:
                done.cancel()
                raise
            except BaseException as trouble:
                done.set_exception(trouble)
                done.exception()  # whoever waits hears of it; where nobody does, nobody need be told
                raise
            else:
                done.set_result(outcome)
                return outcome
            finally:
                del self._at_work[task]

    @contextmanager
    def _waiting(self, waiter: str, task: str) -> Iterator[None]:
        """Writes down that one waits for the other; refused where that would close a circle."""
        if waiter and self._leads_to(task, waiter):
            raise Unsuitable(f"{waiter} would wait for {task}, which waits for {waiter}: a circle.")
        waits = self._waits_for.setdefault(waiter, [])
        waits.append(task)
        try:
            yield
        finally:
            waits.remove(task)

    def _leads_to(self, task: str, waiter: str) -> bool:
        seen: set[str] = set()
        ahead = [task]
        while ahead and waiter not in seen:
            seen.add(name := ahead.pop())
            ahead += [needed for needed in self._waits_for.get(name, ()) if needed not in seen]
        return waiter in seen

    def _event(self, task: str) -> asyncio.Event:
        return self._news.setdefault(task, asyncio.Event())
