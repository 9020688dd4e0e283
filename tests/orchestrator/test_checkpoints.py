"""How far a run got is remembered in a file or on a server, in the same words and as plain data only."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from postgres import ask_server, cut_off, sessions

from orchestrator import graph
from orchestrator.checkpoints import open_checkpoints
from orchestrator.stages import Stages
from shared_knowledge.errors import Broken

TASKS = ("photo-1", "voice-1")


class Work:
    """Stages that only keep a log."""

    def __init__(self, *, asks: bool = False) -> None:
        self.log: list[str] = []
        self.asks = asks
        self.meanwhile: Any = lambda: None

    @property
    def stages(self) -> Stages:
        async def nothing() -> None:
            pass

        async def plan() -> tuple[str, ...]:
            return TASKS

        async def quote() -> str:
            return "q1"

        async def perform(task: str, tell: Any) -> str:
            self.log.append(task)
            self.meanwhile()
            return "asset"

        async def compose(tell: Any) -> None:
            self.log.append("compose")

        async def deliver() -> None:
            self.log.append("deliver")

        async def asks() -> bool:
            return self.asks

        return Stages(nothing, plan, quote, asks, perform, compose, deliver)

    async def run(self, saver: Any, answer: bool | None = None) -> Any:
        return await graph.run("job_1", self.stages, saver, self.tell, answer)

    async def tell(self, event: dict[str, Any]) -> None:
        pass


@pytest.fixture(params=["sqlite", "postgres"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str | Path:
    if request.param == "sqlite":
        return tmp_path / "graph.db"
    url: str = request.getfixturevalue("postgres")
    return url


async def test_a_run_pauses_in_one_process_and_goes_on_in_the_next(where):
    work = Work(asks=True)
    async with open_checkpoints(where) as saver:
        assert (await work.run(saver)).quote == "q1"
    async with open_checkpoints(where) as saver:
        assert (await work.run(saver)).quote == "q1"
        assert work.log == []
        assert await work.run(saver, answer=True) is None
        assert sorted(work.log) == ["compose", "deliver", *TASKS]
        await saver.adelete_thread("job_1")
        assert await saver.aget_tuple({"configurable": {"thread_id": "job_1"}}) is None


async def test_a_forged_row_cannot_run_code(where, tmp_path):
    import ormsgpack

    canary = tmp_path / "ran"
    forged = ormsgpack.packb(ormsgpack.Ext(0, ormsgpack.packb(("os", "system", f"touch {canary}"))))
    async with open_checkpoints(where) as saver:
        saver.serde.loads_typed(("msgpack", forged))
    assert not canary.exists()


class TestOnAServer:
    async def test_many_runs_share_a_few_connections_and_leave_none(self, postgres):
        most = []

        async def one(number: int) -> None:
            async with open_checkpoints(postgres) as saver:
                work = Work()
                await graph.run(f"job_{number}", work.stages, saver, work.tell)
                most.append(sessions(postgres))

        await asyncio.gather(*(one(number) for number in range(8)))
        assert max(most) <= 4
        for _ in range(100):  # the server takes a moment to notice that somebody has left
            if sessions(postgres) == 0:
                break
            await asyncio.sleep(0.05)
        assert sessions(postgres) == 0
        assert ask_server(postgres, "select count(distinct thread_id) from checkpoints") == [(8,)]

    async def test_a_connection_that_breaks_off_does_not_end_the_run(self, postgres):
        work = Work()
        work.meanwhile = lambda: cut_off(postgres)
        async with open_checkpoints(postgres) as saver:
            assert await work.run(saver) is None
        assert sorted(work.log) == ["compose", "deliver", *TASKS]

    async def test_a_server_that_is_gone_is_said_in_words_and_without_a_password(self, monkeypatch):
        from orchestrator.checkpoints import on_server

        monkeypatch.setattr(on_server, "_PATIENCE_S", 0.2)
        with pytest.raises(Broken, match="How far the run got cannot be kept in postgresql://") as raised:
            async with open_checkpoints("postgresql://me:hunter2@127.0.0.1:1/x"):
                pass
        assert "hunter2" not in str(raised.value)
        assert "everything that was made is in the ledger" in str(raised.value)
