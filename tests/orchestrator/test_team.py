"""The team: every task once, outcomes kept before anyone hears, asks bounded and remembered."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agentes.media_agent import Errand
from orchestrator.board import Board
from orchestrator.store.database import open_database
from orchestrator.store.jobs import Event, Jobs
from orchestrator.team import Team
from shared_knowledge.errors import InDoubt, OverBudget, Refused, Unsuitable
from shared_knowledge.vocabulary import (
    Asset,
    Brief,
    Medium,
    Money,
    Offer,
    PhotoSpec,
    Piece,
    Quote,
    QuoteLine,
    Shortfall,
    Shot,
    Task,
    VideoSpec,
    VoiceSpec,
)

PHOTO = Task(id="photo-1", spec=PhotoSpec(subject="a mug"))
VOICE = Task(id="voice-1", spec=VoiceSpec(script="hello"))
VIDEO = Task(
    id="video-1",
    spec=VideoSpec(subject="a mug", shots=(Shot(label="a", scene="", duration_s=2),), duration_s=2),
    depends_on=("photo-1", "voice-1"),
)
TASKS = {task.id: task for task in (PHOTO, VOICE, VIDEO)}


def an_asset(task: Task, path: str = "", sha256: str = "ab") -> Asset:
    return Asset(
        task=task.id,
        medium=task.medium,
        path=path or f"/shelf/{task.id}",
        sha256=sha256,
        size_bytes=1,
        mime="image/png",
        platform="p",
        model="m",
        cost=Money(70),
    )


class Agent:
    """Does what the test says, and remembers every errand."""

    def __init__(self, does=None) -> None:
        self.errands: list[Errand] = []
        self.does = does

    async def perform(self, errand: Errand):
        self.errands.append(errand)
        return await self.does(errand) if self.does else an_asset(errand.task)


@pytest.fixture
def database(tmp_path: Path):
    database = open_database(tmp_path / "ledger.db")
    yield database
    database.close()


@pytest.fixture
async def team(database):
    jobs = Jobs(database)
    job = await jobs.add("job_1", Brief(text="x"), "/tmp/x")
    offers = tuple(
        Offer(task="", platform=f"p{n}", model="m", price=Money(n), pieces=(Piece(number=1, price=Money(n)),))
        for n in range(5)
    )
    quote = Quote(
        lines=tuple(QuoteLine(task=name, offers=offers) for name in TASKS),
        estimate=Money(0),
        ceiling=Money(900),
        oldest_price=None,
        hash="q",
        expires_at=datetime.now(UTC),
    )
    events: list[Event] = []
    return Team(
        job=job,
        fence=1,
        quote=quote,
        tasks=TASKS,
        agents={medium: Agent() for medium in Medium},  # type: ignore[dict-item]
        jobs=jobs,
        board=Board({}),
        price=lambda task: offers[:1],
        tell=events.append,
        earlier={},
    )


async def test_an_outcome_is_in_the_store_before_a_dependant_starts(team):
    async def look_first(errand: Errand):
        assert set(team.jobs.outcomes("job_1")) == {"photo-1", "voice-1"}
        return an_asset(errand.task)

    team.agents[Medium.VIDEO].does = look_first
    await asyncio.gather(*(team.perform(task) for task in (VIDEO, PHOTO, VOICE)))
    assert set(team.jobs.outcomes("job_1")) == set(TASKS)


async def test_a_known_task_is_not_done_again(team):
    first = await team.perform(PHOTO)
    assert await team.perform(PHOTO) == first
    assert len(team.agents[Medium.PHOTO].errands) == 1


async def test_a_dependant_of_a_missing_picture_is_not_started(team):
    async def fail(errand: Errand):
        return Shortfall(task=errand.task.id, why="no luck")

    team.agents[Medium.PHOTO].does = fail
    video, _, _ = await asyncio.gather(*(team.perform(task) for task in (VIDEO, PHOTO, VOICE)))
    assert (video.kind, video.why) == ("waiting", "photo-1 could not be made")
    assert team.agents[Medium.VIDEO].errands == []


async def test_a_clip_goes_on_without_a_voice_that_failed(team):
    async def fail(errand: Errand):
        return Shortfall(task=errand.task.id, why="no luck")

    team.agents[Medium.VOICE].does = fail
    video, _, _ = await asyncio.gather(*(team.perform(task) for task in (VIDEO, PHOTO, VOICE)))
    assert isinstance(video, Asset)


async def test_an_agent_is_given_every_suitable_offer_and_the_ceiling_of_the_job(team):
    await team.perform(PHOTO)
    (errand,) = team.agents[Medium.PHOTO].errands
    assert [offer.platform for offer in errand.offers] == ["p0", "p1", "p2", "p3", "p4"]
    assert errand.ceiling == 900


async def test_an_ask_is_performed_once_kept_and_says_who_asked_and_why(team):
    frame = Task(id="video-1.frame-1", spec=PhotoSpec(subject="a mug"))

    async def ask_twice(errand: Errand):
        first = await errand.colleagues.ask(frame, because="keyframe for shot 1")
        assert await errand.colleagues.ask(frame, because="keyframe for shot 1") == first
        assert errand.colleagues.asset("photo-1") is not None
        assert errand.colleagues.asset("nothing") is None
        return an_asset(errand.task)

    team.agents[Medium.VIDEO].does = ask_twice
    await asyncio.gather(*(team.perform(task) for task in (VIDEO, PHOTO, VOICE)))
    assert [e.task.id for e in team.agents[Medium.PHOTO].errands].count("video-1.frame-1") == 1
    (ask,) = team.jobs.asks("job_1")
    assert (ask.asked_by, ask.task.id, ask.because) == ("video-1", "video-1.frame-1", "keyframe for shot 1")


async def test_asking_in_a_circle_or_without_end_is_refused(team):
    async def ask_oneself(errand: Errand):
        with pytest.raises(Unsuitable, match="circle"):
            await errand.colleagues.ask(errand.task, because="never")
        return an_asset(errand.task)

    team.agents[Medium.PHOTO].does = ask_oneself
    await team.perform(PHOTO)

    depth = 0

    async def ask_deeper(errand: Errand):
        nonlocal depth
        depth += 1
        deeper = Task(id=f"deep-{depth}", spec=PhotoSpec(subject="a mug"))
        try:
            await errand.colleagues.ask(deeper, because="deeper")
        except Unsuitable as error:
            return Shortfall(task=errand.task.id, why=str(error))
        return an_asset(errand.task)

    team.agents[Medium.PHOTO].does = ask_deeper
    await team.perform(Task(id="photo-9", spec=PhotoSpec(subject="x")))
    assert depth == 4


async def test_a_failed_ask_is_the_askers_to_deal_with(team):
    async def fail(errand: Errand):
        return Shortfall(task=errand.task.id, why="no ink")

    async def ask(errand: Errand):
        with pytest.raises(Unsuitable, match="no ink"):
            await errand.colleagues.ask(Task(id="f", spec=PhotoSpec(subject="x")), because="keyframe")
        return an_asset(errand.task)

    team.agents[Medium.VOICE].does = ask
    team.agents[Medium.PHOTO].does = fail
    assert isinstance(await team.perform(VOICE), Asset)


async def test_an_unchanged_task_of_an_earlier_job_costs_nothing(team, database):
    shelved = __file__  # any file that is there
    before = {task.id: (task, an_asset(task, shelved)) for task in (PHOTO, VOICE)}
    changed = VOICE.model_copy(update={"spec": VoiceSpec(script="good evening")})
    later = Team(**{**vars(team), "earlier": before, "tasks": {**TASKS, "voice-1": changed}})
    kept = await later.perform(PHOTO)
    assert (kept.path, kept.cost) == (shelved, 0)
    assert team.agents[Medium.PHOTO].errands == []
    await later.perform(changed)
    assert len(team.agents[Medium.VOICE].errands) == 1


async def test_what_was_made_from_something_else_is_made_anew(team, database):
    """photo-1 is drawn again, so the clip grown out of it is not kept, nor the clip that goes on from there."""
    shelved = __file__
    further = VIDEO.model_copy(update={"id": "video-2", "depends_on": ("video-1",)})
    tasks = {**TASKS, "video-2": further}
    before = {task.id: (task, an_asset(task, shelved)) for task in tasks.values()}
    changed = Task(id="photo-1", spec=PhotoSpec(subject="a cup"))
    later = Team(**{**vars(team), "earlier": before, "tasks": {**tasks, "photo-1": changed}})

    async def draw(errand: Errand):
        return an_asset(errand.task, shelved, sha256="cd")

    team.agents[Medium.PHOTO].does = team.agents[Medium.VIDEO].does = draw
    await asyncio.gather(*(later.perform(task) for task in later.tasks.values()))
    assert [errand.task.id for errand in team.agents[Medium.VIDEO].errands] == ["video-1", "video-2"]
    assert team.agents[Medium.VOICE].errands == []


async def test_a_kept_file_that_is_gone_is_made_anew(team):
    later = Team(**{**vars(team), "earlier": {"photo-1": (PHOTO, an_asset(PHOTO, "/nowhere/x.png"))}})
    await later.perform(PHOTO)
    assert len(team.agents[Medium.PHOTO].errands) == 1


@pytest.mark.parametrize(
    ("kind", "raised"),
    [("refused", Refused), ("over_budget", OverBudget), ("in_doubt", InDoubt), ("failed", Unsuitable)],
)
async def test_an_ask_that_needs_a_person_is_not_taken_elsewhere(team, kind, raised):
    async def fall_short(errand: Errand):
        return Shortfall(task=errand.task.id, why="no", kind=kind)

    async def ask(errand: Errand):
        with pytest.raises(raised, match="no"):
            await errand.colleagues.ask(Task(id="f", spec=PhotoSpec(subject="x")), because="keyframe")
        return an_asset(errand.task)

    team.agents[Medium.VOICE].does = ask
    team.agents[Medium.PHOTO].does = fall_short
    assert isinstance(await team.perform(VOICE), Asset)
