"""Runs jobs in this process, one lock per job, so that no second run ever works on the same one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from orchestrator.locks import only_one
from orchestrator.run import Office, Run
from orchestrator.store.jobs import Event
from shared_knowledge.errors import AgentesError
from shared_knowledge.vocabulary import JobState

__all__ = ["Here"]

_LOOK_FOR_CANCEL_S = 0.3


class Here:
    """This process, as a worker."""

    def __init__(self, office: Callable[[], Office], home: Path) -> None:
        self._office = office
        self._home = home
        self._runs: dict[str, asyncio.Task[None]] = {}

    def start(self, job_id: str, *, answer: bool | None = None, afresh: bool = False) -> None:
        """Begins, or carries on, a job in the background of this process."""
        run = self._run(job_id, answer, afresh)
        self._runs[job_id] = asyncio.create_task(run, name=f"run {job_id}")

    def works_on(self, job_id: str) -> bool:
        """Whether this process is still busy with a job."""
        run = self._runs.get(job_id)
        return run is not None and not run.done()

    async def finish(self, job_id: str) -> None:
        """Waits for a job this process runs; raises what stopped it."""
        if (run := self._runs.get(job_id)) is not None:
            await run

    async def stop(self) -> None:
        """Lets go of every job; what was bought is kept, and `resume` carries on."""
        for run in self._runs.values():
            run.cancel()
        await asyncio.gather(*self._runs.values(), return_exceptions=True)

    async def _run(self, job_id: str, answer: bool | None, afresh: bool) -> None:
        with only_one(self._home, job_id):
            jobs = self._office().jobs
            await jobs.move(job_id, JobState.RUNNING)
            work = asyncio.create_task(self._through_the_graph(job_id, answer, afresh))
            watch = asyncio.create_task(self._until_cancelled(job_id))
            try:
                await asyncio.wait({work, watch}, return_when=asyncio.FIRST_COMPLETED)
                if work.done():
                    await work
                else:
                    work.cancel()
                    await asyncio.gather(work, return_exceptions=True)
                    await Run(self._office(), job_id).let_go()
            except AgentesError as error:
                await jobs.move(job_id, JobState.FAILED, str(error))
                raise
            finally:
                work.cancel()
                watch.cancel()
                await asyncio.gather(work, watch, return_exceptions=True)

    async def _through_the_graph(self, job_id: str, answer: bool | None, afresh: bool) -> None:
        from orchestrator import checkpoints, graph  # takes seconds to import: only a run pays for it

        office = self._office()

        async def tell(event: dict[str, Any]) -> None:
            await office.jobs.note(job_id, Event(**event))

        async with checkpoints.open_checkpoints(self._home / "graph.db") as saver:
            if afresh:
                await saver.adelete_thread(job_id)
            paused = await graph.run(job_id, Run(office, job_id).stages, saver, tell, answer)
        if paused is not None:
            await office.jobs.move(job_id, JobState.AWAITING_APPROVAL)
            await office.jobs.note(job_id, Event(what="job", phase="awaiting_approval", note=paused.quote))
        elif answer is False:
            await office.jobs.move(job_id, JobState.CANCELLED, "the quote was not approved")

    async def _until_cancelled(self, job_id: str) -> None:
        jobs = self._office().jobs
        while jobs.state(job_id) is not JobState.CANCELLED:
            await asyncio.sleep(_LOOK_FOR_CANCEL_S)
