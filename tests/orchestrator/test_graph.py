"""The graph: no task waits for anything but what it needs, and nothing finished is done twice."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from orchestrator import graph
from orchestrator.board import Board
from orchestrator.checkpoints import open_checkpoints
from orchestrator.stages import Stages
from shared_knowledge.vocabulary import Shortfall

NEEDS = {
    "voice-1": [],
    "photo-1": [],
    "photo-2": [],
    "video-1": ["photo-1", "voice-1"],
    "video-2": ["photo-2"],
    "video-3": ["video-2"],
}
SECONDS = {"voice-1": 0.9, "photo-1": 0.2, "photo-2": 0.1, "video-1": 0.6, "video-2": 0.6, "video-3": 0.8}
CRITICAL_PATH_S = 1.5


async def nothing() -> None:
    """A stage that finds its work done."""


class Workshop:
    """Stages whose tasks only take time, and note what happened."""

    def __init__(self, *, approval: bool = False) -> None:
        self.board = Board({})
        self.log: list[str] = []
        self.events: list[dict[str, Any]] = []
        self.approval = approval

    @property
    def stages(self) -> Stages:
        async def plan() -> list[str]:
            return list(NEEDS)

        async def quote() -> str:
            return "q1"

        async def perform(task: str, tell: Any) -> str:
            for needed in NEEDS[task]:
                await self.board.wait(needed)
            tell({"what": "task", "task": task, "phase": "making"})
            await asyncio.sleep(SECONDS[task])
            self.log.append(task)
            self.board.pin(Shortfall(task=task, why="only a rehearsal"))
            return "shortfall"

        async def compose(tell: Any) -> None:
            self.log.append("compose")

        async def deliver() -> None:
            self.log.append("deliver")

        async def asks() -> bool:
            return self.approval

        return Stages(nothing, plan, quote, asks, perform, compose, deliver)

    async def tell(self, event: dict[str, Any]) -> None:
        self.events.append(event)


async def test_a_plan_takes_its_critical_path_and_no_longer(tmp_path: Path):
    shop = Workshop()
    async with open_checkpoints(tmp_path / "graph.db") as saver:
        await graph.run("warm-up", Workshop(approval=True).stages, saver, shop.tell)
        began = time.perf_counter()
        paused = await graph.run("j1", shop.stages, saver, shop.tell)
        took = time.perf_counter() - began
    assert paused is None
    assert sorted(shop.log[:-2]) == sorted(NEEDS)
    assert shop.log[-2:] == ["compose", "deliver"]
    assert took <= 1.1 * CRITICAL_PATH_S
    assert {event["task"] for event in shop.events if event["what"] == "task"} == set(NEEDS)


async def test_it_pauses_for_approval_and_goes_on_with_the_answer(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "SECONDS", dict.fromkeys(NEEDS, 0.0))
    shop = Workshop(approval=True)
    async with open_checkpoints(tmp_path / "graph.db") as saver:
        paused = await graph.run("j1", shop.stages, saver, shop.tell)
        assert paused is not None
        assert paused.quote == "q1"
        again = await graph.run("j1", shop.stages, saver, shop.tell)
        assert again == paused
        assert shop.log == []
        assert await graph.run("j1", shop.stages, saver, shop.tell, answer=True) is None
    assert shop.log[-1] == "deliver"


async def test_a_no_ends_it_before_anything_is_made(tmp_path: Path):
    shop = Workshop(approval=True)
    async with open_checkpoints(tmp_path / "graph.db") as saver:
        await graph.run("j1", shop.stages, saver, shop.tell)
        assert await graph.run("j1", shop.stages, saver, shop.tell, answer=False) is None
    assert shop.log == []


async def test_compose_runs_once_however_many_tasks_there_are(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "SECONDS", dict.fromkeys(NEEDS, 0.0))
    shop = Workshop()
    async with open_checkpoints(tmp_path / "graph.db") as saver:
        await graph.run("j1", shop.stages, saver, shop.tell)
    assert shop.log.count("compose") == 1


async def test_checkpoints_hold_names_not_plans(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "SECONDS", dict.fromkeys(NEEDS, 0.0))
    shop = Workshop()
    async with open_checkpoints(tmp_path / "graph.db") as saver:
        await graph.run("j1", shop.stages, saver, shop.tell)
        state = await graph._build(shop.stages, saver).aget_state({"configurable": {"thread_id": "j1"}})
    assert state.values == {
        "tasks": list(NEEDS),
        "approved": True,
        "outcomes": dict.fromkeys(NEEDS, "shortfall"),
    }


async def test_a_forged_checkpoint_cannot_run_code(tmp_path: Path):
    import ormsgpack

    canary = tmp_path / "ran"
    forged = ormsgpack.packb(ormsgpack.Ext(0, ormsgpack.packb(("os", "system", f"touch {canary}"))))
    async with open_checkpoints(tmp_path / "graph.db") as saver:
        saver.serde.loads_typed(("msgpack", forged))
    assert not canary.exists()


def test_without_strict_reading_it_refuses_to_start():
    script = """
import os; os.environ["LANGGRAPH_STRICT_MSGPACK"] = "false"
import asyncio
from orchestrator import graph
asyncio.run(graph.run("j1", None, None, None))
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert "Set LANGGRAPH_STRICT_MSGPACK=true" in ran.stderr


@pytest.mark.parametrize("answered", [True, False])
async def test_the_board_answers_before_and_after(answered: bool):
    board = Board({})
    lack = Shortfall(task="photo-1", why="x")
    if answered:
        board.pin(lack)
        assert await board.wait("photo-1") == lack
    else:
        waiting = asyncio.create_task(board.wait("photo-1"))
        await asyncio.sleep(0)
        board.pin(lack)
        assert await waiting == lack
    assert Board({"photo-1": lack}).look("photo-1") == lack
