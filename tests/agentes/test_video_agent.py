"""The video agent: what it asks of a colleague, and what happens when one picture fails."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace

import pytest
from tiny_media import clip

from agentes.media.last_frame import last_frame
from agentes.media.shelf import Shelf
from agentes.media_agent import Errand
from agentes.purchase import Workroom
from agentes.video_agent.agent import VideoAgent
from shared_knowledge.catalogue import Catalogue
from shared_knowledge.errors import Unsuitable
from shared_knowledge.vocabulary import Money, Offer, Piece, Shot, Task, VideoSpec

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


async def test_a_further_piece_begins_with_the_last_frame_where_the_model_can(tmp_path):
    shelf = Shelf(tmp_path / "shelf", tmp_path / "desks")
    before = shelf.put(clip(tmp_path / "piece.mp4", seconds=1))
    expected = await last_frame(Path(before.path), tmp_path / "expected.png")
    room = Workroom(Catalogue.load(), None, shelf, None, None)  # type: ignore[arg-type]
    order = SimpleNamespace(piece=1, file=Path(before.path).name, id="ord_1")
    for platform, model, goes_on in (
        ("runway", "gen4.5", True),
        ("kling", "kling-v3", True),
        ("luma", "ray-2", False),
    ):
        offer = Offer(task="video-1", platform=platform, model=model, price=Money(0))
        found = await VideoAgent(room).inputs_after(errand(Colleague()), offer, order, ("mug.png",))  # type: ignore[arg-type]
        if goes_on:
            assert Path(found[0]).read_bytes() == expected.read_bytes()
            assert Path(found[0]).is_relative_to(tmp_path / "shelf")
        assert len(found) == 1
        assert (found == ("mug.png",)) is not goes_on
        assert not list((tmp_path / "desks").iterdir())


@pytest.mark.parametrize(
    ("platform", "model", "told"),
    [("runway", "gen4.5", False), ("pika", "fal-ai/pika/v2.2/text-to-video", True)],
)
def test_pieces_that_match_by_words_alone_say_so_once(platform, model, told):
    pieces = tuple(Piece(number=n, price=Money(0), duration_s=2) for n in (1, 2, 3))
    offer = Offer(task="video-1", platform=platform, model=model, price=Money(0), pieces=pieces)
    writer = VideoAgent(Workroom(Catalogue.load(), None, None, None, None))  # type: ignore[arg-type]
    notes = [note for piece in pieces for note in writer.write_prompt(TASK, offer, piece).notes]
    warnings = [note for note in notes if "by their words alone" in note]
    assert len(warnings) == int(told)
    assert all(warning.endswith("at 2 s, 4 s.") for warning in warnings)


def test_of_several_given_pictures_only_the_first_piece_is_made():
    pieces = tuple(Piece(number=n, price=Money(0), duration_s=3) for n in (1, 2))
    offer = Offer(task="video-1", platform="google_veo", model="veo-3.1-lite-generate-001", price=Money(0))
    offer = offer.model_copy(update={"pieces": pieces})
    writer = VideoAgent(Workroom(Catalogue.load(), None, None, None, None))  # type: ignore[arg-type]
    for pictures, said in ((("a.png",), 0), (("a.png", "b.png"), 1)):
        spec = TASK.spec.model_copy(update={"references": pictures})
        task = TASK.model_copy(update={"spec": spec})
        notes = [note for piece in pieces for note in writer.write_prompt(task, offer, piece).notes]
        assert sum("only its first piece" in note for note in notes) == said


async def test_one_that_fails_lets_the_others_come_to_their_end():
    colleague = Colleague(fails="frame-1")
    with pytest.raises(Unsuitable, match="no ink"):
        await agent().inputs(errand(colleague), OFFER)
    assert sorted(colleague.drawn) == ["video-1.frame-2", "video-1.frame-3"]
