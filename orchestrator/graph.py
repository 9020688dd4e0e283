"""The graph of one run: understand, plan, quote, approve, reword, perform, compose, deliver.

It is coarse on purpose. A node may run again after a crash, so no node ever buys: each one only
says "ensure this", and the ledger and the board know what is there already. All tasks are fanned
out at once and wait for each other on the board, so nothing waits for the slowest of its row.
"""

from __future__ import annotations

import asyncio
import operator
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any, TypedDict

os.environ.setdefault("LANGGRAPH_STRICT_MSGPACK", "true")
os.environ.setdefault("LANGSMITH_TRACING", "false")

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.serde import _msgpack
from langgraph.config import get_stream_writer
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, Send, interrupt

from orchestrator.stages import Approval, Stages, Tell
from shared_knowledge.errors import Broken

__all__ = ["run"]


class _State(TypedDict, total=False):
    """What a checkpoint holds: names and short words, never files, plans or prompts."""

    tasks: list[str]
    approved: bool
    outcomes: Annotated[dict[str, str], operator.or_]


class _Errand(TypedDict):
    """What one performing node is told: which task."""

    task: str


class _Nodes:
    """The nodes: each says "ensure this" to a stage, and keeps only words in the state."""

    def __init__(self, stages: Stages) -> None:
        self._stages = stages

    async def understand(self, state: _State) -> _State:
        await self._stages.understand()
        return {}

    async def plan(self, state: _State) -> _State:
        return {"tasks": list(await self._stages.plan())}

    async def quote(self, state: _State) -> _State:
        get_stream_writer()({"what": "quote", "note": await self._stages.quote()})
        return {}

    async def approve(self, state: _State) -> _State:
        if not await self._stages.needs_approval():
            return {"approved": True}
        return {"approved": bool(interrupt({"quote": await self._stages.quote()}))}

    def go_on(self, state: _State) -> str:
        return "reword" if state["approved"] else END

    async def reword(self, state: _State) -> _State:
        await self._stages.reword()
        return {}

    def each_task(self, state: _State) -> list[Send] | str:
        if not state["tasks"]:  # a film that is given, with nothing to be made for it
            return "compose"
        return [Send("perform", _Errand(task=task)) for task in state["tasks"]]

    async def perform(self, state: _Errand) -> _State:
        task = state["task"]
        return {"outcomes": {task: await self._stages.perform(task, get_stream_writer())}}

    async def compose(self, state: _State) -> _State:
        await self._stages.compose(get_stream_writer())
        return {}

    async def deliver(self, state: _State) -> _State:
        await self._stages.deliver()
        return {}


def _build(stages: Stages, saver: BaseCheckpointSaver[Any]) -> Any:
    nodes, graph = _Nodes(stages), StateGraph(_State)
    graph.add_node("understand", nodes.understand)
    graph.add_node("plan", nodes.plan)
    graph.add_node("quote", nodes.quote)
    graph.add_node("approve", nodes.approve)
    graph.add_node("reword", nodes.reword)
    graph.add_node("perform", nodes.perform, input_schema=_Errand)
    graph.add_node("compose", nodes.compose)
    graph.add_node("deliver", nodes.deliver)
    graph.add_edge(START, "understand")
    graph.add_edge("understand", "plan")
    graph.add_edge("plan", "quote")
    graph.add_edge("quote", "approve")
    graph.add_conditional_edges("approve", nodes.go_on, ["reword", END])
    graph.add_conditional_edges("reword", nodes.each_task, ["perform", "compose"])
    # One plain edge: a conditional one out of a fanned-out node would fire once per instance.
    graph.add_edge("perform", "compose")
    graph.add_edge("compose", "deliver")
    graph.add_edge("deliver", END)
    return graph.compile(checkpointer=saver)


async def run(
    thread: str,
    stages: Stages,
    saver: BaseCheckpointSaver[Any],
    tell: Callable[[dict[str, Any]], Awaitable[None]],
    answer: bool | None = None,
) -> Approval | None:
    """Runs, or carries on, the graph of a thread; returns the approval it paused for, if it did."""
    if not _msgpack.STRICT_MSGPACK_ENABLED:
        raise Broken(
            "Checkpoints could execute code: LangGraph was imported before Agentes without strict msgpack.",
            todo="Set LANGGRAPH_STRICT_MSGPACK=true in the environment.",
        )
    graph = _build(stages, saver)
    config = {"configurable": {"thread_id": thread}}
    seen = await graph.aget_state(config)
    if seen.interrupts and answer is None:
        return Approval(quote=str(seen.interrupts[0].value["quote"]))
    start: Any = None if seen.created_at is not None else {"outcomes": {}}
    if seen.interrupts:
        start = Command(resume=answer)
    paused: Approval | None = None
    async with _side_by_side(tell) as say:
        # To the very end, also after a pause: only then has the question itself been kept.
        async for mode, event in graph.astream(
            start, config, stream_mode=["custom", "updates"], durability="sync"
        ):
            if mode == "custom":
                say(event)
            elif "__interrupt__" in event:
                paused = Approval(quote=str(event["__interrupt__"][0].value["quote"]))
    return paused


@asynccontextmanager
async def _side_by_side(tell: Callable[[dict[str, Any]], Awaitable[None]]) -> AsyncIterator[Tell]:
    """Begins to tell each event in its turn, so that many share one write; at the end all have been told."""
    telling: list[asyncio.Future[None]] = []
    try:
        yield lambda event: telling.append(asyncio.ensure_future(tell(event)))
    finally:
        told = await asyncio.gather(*telling, return_exceptions=True)
    for failure in told:
        if failure is not None:
            raise failure
