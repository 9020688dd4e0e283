"""One worker's shift: takes jobs from the queue, does them here, and gives back what it cannot bring to its end."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from procrastinate import App, BaseRetryStrategy, JobContext, RetryDecision
from procrastinate.exceptions import ConnectorException, UniqueViolation
from procrastinate.jobs import Job as Turn
from procrastinate.jobs import Status
from procrastinate.worker import Worker

from orchestrator.dispatch.here import Here
from orchestrator.run import Office
from orchestrator.store.queue_line import QueueLine
from shared_knowledge.errors import AgentesError, BadRequest, LedgerAway
from shared_knowledge.vocabulary import JobState

__all__ = ["Shift"]

_log = logging.getLogger(__name__)

_QUEUE = "jobs"
_GRACE_S = 20.0
_LOOKS_EVERY_S = 2.0
_PULSE_S = 3.0
_SILENT_S = 12.0  # whoever gave no sign of life for so long is dead, or so far away that others go on
_FORGOTTEN_S = 600.0
_TRIES_AGAIN_S = 2.0
_MOST_TURNS = 25
_HEARD_WITHIN_S = 1.0
_AT_ONCE = datetime(2000, 1, 1, tzinfo=UTC)  # a clock that is wrong makes nobody wait


class _GivenBack(Exception):
    """The job is as whole as before and somebody else, or we a little later, can carry it on."""


class _GiveBack(BaseRetryStrategy):
    """Whatever a turn ended by, if the job has not come to its end there is another turn."""

    def get_retry_decision(self, *, exception: BaseException, job: Turn) -> RetryDecision:
        """At once: whoever takes it waits, where there is a reason to."""
        return RetryDecision(retry_at=_AT_ONCE)


class Shift:
    """Works until it is told to stop; a job is in the queue until it stands still, whoever dies meanwhile."""

    def __init__(
        self,
        here: Here,
        office: Callable[[], Office],
        line: QueueLine,
        *,
        concurrency: int,
        grace_s: float = _GRACE_S,
    ) -> None:
        self._here = here
        self._office = office
        self._line = line
        self._concurrency = concurrency
        self._grace_s = grace_s
        self._app = App(connector=line)
        self._app.task(name="run", queue=_QUEUE, pass_context=True, retry=_GiveBack())(self._take_turn)
        self._worker: Any = None  # its methods are without types
        self._turns: dict[int, asyncio.Task[None]] = {}
        self._strangers: set[int] = set()
        self._is_leaving = False

    async def work(self) -> None:
        """Does jobs until `leave`; then lets those that run come to an end or to a safe point, and gives them back."""
        async with self._app.open_async():
            pulse = asyncio.create_task(self._keep_in_touch())
            try:
                while not self._is_leaving:
                    await self._work_as_one()
            finally:
                await _end(pulse)

    def leave(self) -> None:
        """Takes no new job and gives the others some time; asked again, gives them back at once."""
        if self._is_leaving:
            for turn in self._turns.values():
                turn.cancel()
        self._is_leaving = self._line.is_leaving = True
        if self._worker is not None:
            self._worker.stop()

    @property
    def at_work(self) -> int:
        """How many jobs this worker has in hand."""
        return len(self._turns)

    async def _work_as_one(self) -> None:
        """Under one number, for as long as the server knows it."""
        self._worker = Worker(
            self._app,
            queues=[_QUEUE],
            concurrency=self._concurrency,
            fetch_job_polling_interval=_LOOKS_EVERY_S,
            shutdown_graceful_timeout=self._grace_s,
            delete_jobs="always",
            install_signal_handlers=False,
            update_heartbeat_interval=_PULSE_S,
            stalled_worker_timeout=_FORGOTTEN_S,
        )
        try:
            await self._worker.run()
        except ConnectorException as error:
            if not self._is_leaving:
                _log.warning("The queue does not know this worker any more: %s", error.__cause__ or error)
                await asyncio.sleep(_TRIES_AGAIN_S)

    async def _take_turn(
        self, context: JobContext, job: str, fence: int, again: bool, answer: bool | None
    ) -> None:
        """One row of the queue: it leaves only when its job stands still."""
        number = context.job.id or 0
        turn = asyncio.create_task(
            self._see_to(job, fence, again=again, answer=answer), name=f"turn of {job}"
        )
        self._turns[number] = turn
        try:
            if self._is_leaving:
                turn.cancel()
            await asyncio.shield(turn)
        except asyncio.CancelledError:
            await _come_to_a_safe_point(turn)
            raise _GivenBack(job) from None
        finally:
            del self._turns[number]

    async def _see_to(self, job: str, fence: int, *, again: bool, answer: bool | None) -> None:
        try:
            if not self._is_to_be_done(job, answer):
                return
            if await self._has_had_its_turns(job, fence):
                return
            await self._here.run(job, answer=answer, again=again)
        except LedgerAway:
            await asyncio.sleep(_TRIES_AGAIN_S)
            raise
        except AgentesError as error:  # how the job ended, and why, is in the store
            _log.info("%s: %s", job, error)
        except Exception:
            await asyncio.sleep(_TRIES_AGAIN_S)  # a mistake of ours: not again in the same moment
            raise
        if self._is_to_be_done(job, answer):  # it is in other hands, or was taken out of ours
            await asyncio.sleep(_TRIES_AGAIN_S)
            raise _GivenBack(job)

    def _is_to_be_done(self, job: str, answer: bool | None) -> bool:
        try:
            state = self._office().jobs.state(job)
        except BadRequest:  # nobody knows it any more
            return False
        answered = state is JobState.AWAITING_APPROVAL and answer is not None
        return state in {JobState.QUEUED, JobState.RUNNING} or answered

    async def _has_had_its_turns(self, job: str, fence: int) -> bool:
        """A job that ends every worker who takes it is not taken for ever."""
        jobs = self._office().jobs
        if jobs.fence(job) - fence < _MOST_TURNS:
            return False
        why = f"{_MOST_TURNS} workers took it up and none came to an end"
        await jobs.move(job, JobState.FAILED, why)
        return True

    async def _keep_in_touch(self) -> None:
        """Says that we live, also while we leave, and lines up again what the dead had in hand."""
        while True:
            await asyncio.sleep(_PULSE_S)
            try:
                await self._give_a_sign()
                if self._line.in_touch_since is None:
                    continue
                if (
                    time.monotonic() - self._line.in_touch_since > _SILENT_S
                ):  # else the living may be silent too
                    await self._rescue()
            except ConnectorException as error:
                _log.warning("Looking after the queue failed: %s", error.__cause__ or error)

    async def _give_a_sign(self) -> None:
        if self._worker is not None and self._worker.worker_id is not None:
            await self._app.job_manager.update_heartbeat(self._worker.worker_id)

    async def _rescue(self) -> None:
        rows = self._app.job_manager
        left = await rows.get_stalled_jobs(queue=_QUEUE, seconds_since_heartbeat=_SILENT_S)
        for turn in [*left, *await self._never_heard_of()]:
            if turn.id is None or turn.id in self._turns:
                continue
            with suppress(ConnectorException):  # somebody else was faster
                try:
                    await rows.retry_job(turn, retry_at=_AT_ONCE)
                    _log.warning("%s is taken from a worker that is no more", turn.task_kwargs.get("job"))
                except UniqueViolation:  # it waits already, lined up by a person
                    await rows.finish_job(turn, Status.FAILED, delete_job=True)

    async def _never_heard_of(self) -> list[Turn]:
        """What the server gave to us in an answer that was lost; seen twice, so that it is not just on its way."""
        number = self._worker.worker_id if self._worker is not None else None
        if number is None:
            return []
        mine = await self._app.job_manager.list_jobs_async(worker_id=number, status="doing", queue=_QUEUE)
        strange = {turn.id: turn for turn in mine if turn.id is not None and turn.id not in self._turns}
        again = [turn for name, turn in strange.items() if name in self._strangers]
        self._strangers = set(strange)
        return again


async def _end(task: asyncio.Task[None]) -> None:
    """Ends a task; a cancellation that comes together with an answer is lost, so it is said until it is heard."""
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=_HEARD_WITHIN_S)


async def _come_to_a_safe_point(turn: asyncio.Task[None]) -> None:
    """Waits until a turn has let go: a purchase that left is written down first, however often we are told to stop."""
    turn.cancel()
    while not turn.done():
        with suppress(asyncio.CancelledError):
            await asyncio.wait({turn})
    if not turn.cancelled() and (error := turn.exception()) is not None:
        _log.info("given back, after %r", error)
