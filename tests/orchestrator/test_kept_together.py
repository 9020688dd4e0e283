"""What many tasks have to say at the same time is written down together: in order, whole, and refused aloud."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import aiosqlite
import pytest

from orchestrator import graph
from orchestrator.checkpoints import open_checkpoints
from orchestrator.stages import Stages
from shared_knowledge.errors import Broken

TASKS = [f"photo-{number}" for number in range(12)]
STEP = {"configurable": {"thread_id": "job_1", "checkpoint_ns": "", "checkpoint_id": "step-1"}}


class Talkers:
    """Tasks that tell two things each, and whoever hears them takes a while."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.heard: list[str] = []
        self.kept: list[str] = []
        self.refused = ""
        self.most_at_once = 0

    @property
    def stages(self) -> Stages:
        async def nothing(*_: Any) -> None:
            pass

        async def plan() -> list[str]:
            return TASKS

        async def quote() -> str:
            return "q1"

        async def perform(task: str, tell: Any) -> str:
            for phase in ("making", "done"):
                self.said.append(f"{task} {phase}")
                tell({"task": task, "phase": phase})
                await asyncio.sleep(0)
            return "asset"

        async def asks() -> bool:
            return False

        return Stages(nothing, plan, quote, asks, perform, nothing, nothing)

    async def tell(self, event: dict[str, Any]) -> None:
        if "task" not in event:
            return
        word = f"{event['task']} {event['phase']}"
        self.heard.append(word)
        self.most_at_once = max(self.most_at_once, len(self.heard) - len(self.kept))
        await asyncio.sleep(0.05)
        if word == self.refused:
            raise Broken("the ledger is full")
        self.kept.append(word)


class TestEvents:
    async def test_are_begun_in_their_order_and_all_kept_when_the_run_is_over(self, tmp_path: Path):
        talkers = Talkers()
        async with open_checkpoints(tmp_path / "graph.db") as saver:
            await graph.run("job_1", talkers.stages, saver, talkers.tell)
        assert talkers.heard == talkers.kept == talkers.said
        assert len(talkers.kept) == 2 * len(TASKS)
        assert talkers.most_at_once > 1

    async def test_one_that_cannot_be_kept_stops_the_run(self, tmp_path: Path):
        talkers = Talkers()
        talkers.refused = "photo-3 making"
        async with open_checkpoints(tmp_path / "graph.db") as saver:
            with pytest.raises(Broken, match="the ledger is full"):
                await graph.run("job_1", talkers.stages, saver, talkers.tell)
        assert len(talkers.kept) == 2 * len(TASKS) - 1


class TestCheckpoints:
    async def test_of_tasks_that_end_together_share_a_few_syncs(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        async with open_checkpoints(tmp_path / "graph.db") as saver:
            commits = counted(monkeypatch)
            await asyncio.gather(
                *(saver.aput_writes(STEP, [("outcomes", {task: "asset"})], task) for task in TASKS)
            )
            assert len(commits) <= 3
        assert await rows(tmp_path) == len(TASKS)

    async def test_need_nobody_who_waits_for_them(self, tmp_path: Path):
        async with open_checkpoints(tmp_path / "graph.db") as saver:
            keeping = [
                asyncio.create_task(saver.aput_writes(STEP, [("outcomes", task)], task)) for task in TASKS
            ]
            await asyncio.sleep(0)
            for impatient in keeping[::2]:
                impatient.cancel()
            ended = await asyncio.gather(*keeping, return_exceptions=True)
            assert [end is None for end in ended] == [False, True] * (len(TASKS) // 2)
        assert await rows(tmp_path) == len(TASKS)

    async def test_that_cannot_be_kept_are_told_to_everybody(self, tmp_path: Path):
        async def keep() -> None:
            async with open_checkpoints(tmp_path / "graph.db") as saver:
                async with aiosqlite.connect(tmp_path / "graph.db") as other:
                    await other.execute("drop table writes")
                    await other.commit()
                keeping = [saver.aput_writes(STEP, [("outcomes", task)], task) for task in TASKS]
                refused.extend(await asyncio.gather(*keeping, return_exceptions=True))
                await saver.aput_writes(STEP, [("outcomes", "one more")], "photo-1")

        refused: list[BaseException | None] = []
        with pytest.raises(Broken, match="How far the run got"):
            await keep()
        assert len(refused) == len(TASKS)
        assert all(isinstance(error, aiosqlite.OperationalError) for error in refused)

    async def test_what_is_said_again_changes_nothing_and_what_must_be_changed_is(self, tmp_path: Path):
        async with open_checkpoints(tmp_path / "graph.db") as saver:
            for word in ("first", "second"):
                await saver.aput_writes(STEP, [("outcomes", word)], "photo-1")
                await saver.aput_writes(STEP, [("__interrupt__", word)], "photo-2")
        async with aiosqlite.connect(tmp_path / "graph.db") as file:
            kept = await (await file.execute("select task_id, idx, value from writes order by 1")).fetchall()
        assert [(task, idx) for task, idx, _ in kept] == [("photo-1", 0), ("photo-2", -3)]
        assert [value[1:] for _, _, value in kept] == [b"first", b"second"]


def counted(monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """One entry for each commit from here on."""
    commits: list[None] = []
    commit = aiosqlite.Connection.commit

    async def count_it(connection: aiosqlite.Connection) -> None:
        commits.append(None)
        await commit(connection)

    monkeypatch.setattr(aiosqlite.Connection, "commit", count_it)
    return commits


async def rows(folder: Path) -> int:
    """How many writes are in the file."""
    async with aiosqlite.connect(folder / "graph.db") as file:
        (found,) = await (await file.execute("select count(*) from writes")).fetchone() or (0,)
    return int(found)
