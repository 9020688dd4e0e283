"""The video agent: what it asks of a colleague, and what happens when one picture fails."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from agentes.media_agent import Errand
from agentes.purchase import Workroom
from agentes.video_agent.agent import VideoAgent
from shared_knowledge.errors import Unsuitable
from shared_knowledge.vocabulary import Money, Offer, Shot, Task, VideoSpec

SHOTS = tuple(Shot(label=f"shot {n}", scene="a mug", duration_s=2) for n in (1, 2, 3))
TASK = Task(id="video-1", spec=VideoSpec(subject="a mug", shots=SHOTS, duration_s=6))
OFFER = Offer(task="video-1", platform="draft_clip", model="animatic", price=Money(0))


class Colleague:
    """Draws slowly, and cannot draw the first picture."""

    def __init__(self, fails: str = "") -> None:
        self.fails = fails
        self.drawn: list[str] = []

    def asset(self, task_id: str) -> None:
        return None

    async def ask(self, task: Task, because: str) -> SimpleNamespace:
        if task.id.endswith(self.fails or "never"):
            raise Unsuitable("no ink")
        await asyncio.sleep(0.02)
        self.drawn.append(task.id)
        return SimpleNamespace(path=f"/shelf/{task.id}")


def agent() -> VideoAgent:
    model = SimpleNamespace(keyframe="per_shot")
    catalogue = SimpleNamespace(platform=lambda _: SimpleNamespace(model=lambda _: model))
    return VideoAgent(Workroom(catalogue, None, None, None, None))  # type: ignore[arg-type]


def errand(colleague: Colleague) -> Errand:
    return Errand("job_1", TASK, [OFFER], Money(0), colleague, lambda _: None)  # type: ignore[arg-type]


async def test_every_shot_gets_its_picture_in_the_order_of_the_shots():
    paths = await agent().inputs(errand(Colleague()), OFFER)
    assert paths == tuple(f"/shelf/video-1.frame-{n}" for n in (1, 2, 3))


async def test_one_that_fails_lets_the_others_come_to_their_end():
    colleague = Colleague(fails="frame-1")
    with pytest.raises(Unsuitable, match="no ink"):
        await agent().inputs(errand(colleague), OFFER)
    assert sorted(colleague.drawn) == ["video-1.frame-2", "video-1.frame-3"]
