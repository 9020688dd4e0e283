"""One look for all runs of a process: each hears of its own cancellation, and of nobody else's."""

from __future__ import annotations

import asyncio
from pathlib import Path

from orchestrator.dispatch.cancelled import CancelWatch
from orchestrator.store.database import open_database
from orchestrator.store.jobs import Jobs
from shared_knowledge.vocabulary import Brief, JobState


async def test_each_run_hears_of_its_own_cancellation_at_the_price_of_one_look(tmp_path: Path):
    database = open_database(tmp_path / "ledger.db")
    jobs = Jobs(database)
    names = [f"job_{number}" for number in range(130)]
    for name in names:
        await jobs.add(name, Brief(text="a candle"), "/tmp/x", tenant="acme")
    assert jobs.cancelled(names) == frozenset()
    assert jobs.cancelled([]) == frozenset()
    looks = []
    read = database.read
    database.read = lambda ask: looks.append(1) or read(ask)  # type: ignore[method-assign]
    watch = CancelWatch(jobs)
    runs = {name: asyncio.create_task(watch.until_cancelled(name, 0.02)) for name in names}
    await asyncio.sleep(0.11)
    assert not any(run.done() for run in runs.values())
    assert len(looks) <= 3 * 7, "130 runs, three questions a look"
    for name in ("job_3", "job_129"):
        await jobs.move(name, JobState.CANCELLED)
    await asyncio.wait_for(asyncio.gather(runs["job_3"], runs["job_129"]), 2)
    await asyncio.sleep(0.05)
    assert sum(run.done() for run in runs.values()) == 2
    for run in runs.values():
        run.cancel()
    await asyncio.gather(*runs.values(), return_exceptions=True)
    looks.clear()
    await asyncio.sleep(0.06)
    assert looks == [], "nobody waits, nobody looks"
    await asyncio.wait_for(watch.until_cancelled("job_3", 0.02), 2)
    database.close()
