"""An event loop on which no time is lost: it jumps to the next thing that is due, and a seed says who goes first.

Everything on it belongs to some worker, a process as it were. A worker can be killed, as kill -9 does
it: nothing of it runs again, no `finally`, no `except`. It can be frozen and thawed, like a machine that
swaps, and finds then that the world has gone on.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import heapq
import random
import sys
import warnings
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar, cast
from weakref import WeakKeyDictionary

__all__ = ["NOBODY", "Stuck", "TooLong", "VirtualLoop"]

T = TypeVar("T")

NOBODY = 0
"""The worker that cannot die: vendors, persons, whoever watches."""

_worker: contextvars.ContextVar[int] = contextvars.ContextVar("worker", default=NOBODY)
_A_THREAD_TAKES_S = 0.01


class Stuck(RuntimeError):
    """Everybody waits, and nothing is ever going to happen."""


class TooLong(RuntimeError):
    """The end of the world came before the end of the work."""


class VirtualLoop(asyncio.BaseEventLoop):
    """An asyncio loop whose time is a number, and whose order of tasks is drawn from a seed."""

    _ready: deque[Any]
    _scheduled: list[Any]

    def __init__(self, seed: int = 0, *, ends_at_s: float = 1e9) -> None:
        super().__init__()
        self.dice = random.Random(seed)
        self.steps = 0
        self._time_s = 0.0
        self._ends_at_s = ends_at_s
        self._dead: set[int] = set()
        self._frozen: dict[int, list[asyncio.Handle]] = {}
        self._workers = NOBODY
        self._owners: WeakKeyDictionary[asyncio.Task[Any], int] = WeakKeyDictionary()
        self._ambushes: dict[int, tuple[int, Callable[[], object]]] = {}
        self._abandoned: list[asyncio.Task[Any]] = []
        self._dice_for_tasks = random.Random(seed).random
        self.set_exception_handler(lambda *_: None)  # the dead leave errors behind that nobody hears
        self.set_task_factory(cast(Any, self._new_task))

    # ── time ───────────────────────────────────────────────────────────────────────────────────

    def time(self) -> float:
        """Seconds since the beginning."""
        return self._time_s

    def advance(self, seconds: float) -> None:
        """Lets so much time pass, with all that happens in it."""
        self.run_until_complete(asyncio.sleep(seconds))
        self.settle()

    def settle(self) -> None:
        """Lets everything happen that can happen now."""

        async def wait() -> None:
            while self._ready:
                await asyncio.sleep(0)

        self.run_until_complete(wait())

    def later(self, seconds: float, act: Callable[[], object]) -> None:
        """Something that nobody in particular does, and that nobody's death prevents."""
        self.call_later(seconds, act, context=contextvars.Context())

    # ── workers ────────────────────────────────────────────────────────────────────────────────

    def spawn(self, work: Coroutine[Any, Any, T], worker: int | None = None) -> asyncio.Task[T]:
        """Begins something as a worker of its own, or of the given one."""
        context = contextvars.copy_context()
        context.run(_worker.set, self.hire() if worker is None else worker)
        return self.create_task(work, context=context)

    def hire(self) -> int:
        """A new worker."""
        self._workers += 1
        return self._workers

    def kill(self, worker: int) -> None:
        """From now on nothing of this worker runs any more, and nothing of it is cleaned up."""
        self._dead.add(worker)
        self._frozen.pop(worker, None)
        self._abandoned += [
            task for task, owner in self._owners.items() if owner == worker and not task.done()
        ]

    def freeze(self, worker: int) -> None:
        """The worker stands still until it is thawed; its time goes on."""
        if worker not in self._dead:
            self._frozen.setdefault(worker, [])

    def thaw(self, worker: int) -> None:
        """The worker carries on, with everything that came due in the meantime."""
        self._ready.extend(self._frozen.pop(worker, ()))

    def ambush(self, worker: int, steps: int, act: Callable[[], object]) -> None:
        """Does something to a worker in the middle of its work: before its so many-th step from now."""
        self._ambushes[worker] = (steps, act)

    def lives(self, worker: int) -> bool:
        """Whether nobody has killed it."""
        return worker not in self._dead

    def worker_here(self) -> int:
        """Whose code is running."""
        return _worker.get()

    # ── what asyncio asks of a loop ────────────────────────────────────────────────────────────

    def run_in_executor(  # type: ignore[override]  # our threads are coroutines in all but name
        self, executor: Any, work: Callable[..., T], *given: Any
    ) -> asyncio.Future[T]:
        """Runs it a moment later, on this very thread; whoever waited may have gone by then."""
        future: asyncio.Future[T] = self.create_future()

        def run() -> None:
            try:
                result = work(*given)
            except Exception as error:  # noqa: BLE001 - it belongs to whoever waits
                if not future.done():
                    future.set_exception(error)
            else:
                if not future.done():
                    future.set_result(result)

        self.call_later(self.dice.uniform(0, _A_THREAD_TAKES_S), run)
        return future

    def close(self) -> None:
        """Ends the world; what was abandoned is taken away without being heard."""
        left = [*self._abandoned, *asyncio.all_tasks(self)]
        for task in left:
            task._log_destroy_pending = False  # type: ignore[attr-defined]
        self._abandoned.clear()
        self._ready.clear()
        self._scheduled.clear()
        self._frozen.clear()
        super().close()
        hook, sys.unraisablehook = sys.unraisablehook, lambda _: None
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                for task in left:
                    _forget(task)
        finally:
            sys.unraisablehook = hook

    def _run_once(self) -> None:
        self._wake_up()
        if not self._ready:
            self._jump()
        handle = self._draw()
        owner = handle._context.get(_worker, NOBODY)
        if owner in self._ambushes:
            self._lie_in_wait(owner)
        if handle._cancelled or owner in self._dead:
            return
        if owner in self._frozen:
            self._frozen[owner].append(handle)
            return
        self.steps += 1
        handle._run()

    def _lie_in_wait(self, worker: int) -> None:
        steps, act = self._ambushes.pop(worker)
        if steps <= 0:
            act()
        else:
            self._ambushes[worker] = (steps - 1, act)

    def _wake_up(self) -> None:
        while self._scheduled and self._scheduled[0]._when <= self._time_s:
            timer = heapq.heappop(self._scheduled)
            timer._scheduled = False
            if not timer._cancelled:
                self._ready.append(timer)

    def _jump(self) -> None:
        while not self._ready:
            if not self._scheduled:
                raise Stuck(f"nothing is going to happen any more, {self._time_s:.1f} s from the beginning")
            self._time_s = self._scheduled[0]._when
            if self._time_s > self._ends_at_s:
                raise TooLong(f"still at work {self._time_s:.0f} s from the beginning")
            self._wake_up()

    def _draw(self) -> Any:
        """The next in turn, or, among tasks, anyone: callbacks alone were promised an order."""
        ready: deque[Any] = self._ready
        if len(ready) > 1:
            number = int(self._dice_for_tasks() * len(ready))
            handle = ready[number]
            if isinstance(getattr(handle._callback, "__self__", None), asyncio.Task):
                del ready[number]
                return handle
        return ready.popleft()

    def _new_task(
        self,
        loop: asyncio.AbstractEventLoop,
        work: Coroutine[Any, Any, Any],
        *,
        context: contextvars.Context | None = None,
    ) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.Task(work, loop=loop, context=context)
        self._owners[task] = _worker.get() if context is None else context.get(_worker, NOBODY)
        return task

    def _process_events(self, events: object) -> None:
        """There are none."""

    def _write_to_self(self) -> None:
        """Nobody sleeps here."""

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """It is dropped when its time comes."""


def _forget(task: asyncio.Task[Any]) -> None:
    coroutine: Any = task.get_coro()
    with contextlib.suppress(BaseException):  # the dead have nothing to say
        coroutine.close()
