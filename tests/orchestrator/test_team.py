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
        kept={},
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


async def test_what_the_quote_keeps_costs_nothing_and_asks_nobody(team):
    later = Team(**{**vars(team), "kept": {"photo-1": an_asset(PHOTO, __file__)}})
    kept = await later.perform(PHOTO)
    assert (kept.task, kept.path, kept.cost, kept.pieces) == ("photo-1", __file__, 0, ())
    assert team.agents[Medium.PHOTO].errands == []
    await later.perform(VOICE)
    assert len(team.agents[Medium.VOICE].errands) == 1


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


# ── asking, bounded ────────────────────────────────────────────────────────────────────────────


async def test_what_the_plan_holds_is_made_once_whoever_asks_first(team):
    """The clip asks for the planned photo while the run performs it too: one errand, one file, two rows of asks."""
    begun = asyncio.Event()

    async def slowly(errand: Errand):
        begun.set()
        await asyncio.sleep(0.02)
        return an_asset(errand.task)

    async def ask(errand: Errand):
        return an_asset(errand.task, (await errand.colleagues.ask(PHOTO, because="the same picture")).path)

    team.agents[Medium.PHOTO].does = slowly
    team.agents[Medium.VOICE].does = ask
    other = Task(id="voice-2", spec=VoiceSpec(script="again"))
    first, *_ = await asyncio.gather(*(team.perform(task) for task in (PHOTO, VOICE, other)))
    assert len(team.agents[Medium.PHOTO].errands) == 1
    assert first.path == "/shelf/photo-1"
    asks = {(ask.asked_by, ask.task.id, ask.because) for ask in team.jobs.asks("job_1")}
    assert asks == {("voice-1", "photo-1", "the same picture"), ("voice-2", "photo-1", "the same picture")}


async def test_two_that_ask_each_other_do_not_wait_for_ever(team):
    answers: dict[str, str] = {}

    def asking(other: Task):
        async def ask(errand: Errand):
            await asyncio.sleep(0)
            try:
                await errand.colleagues.ask(other, because="yours first")
                answers[errand.task.id] = "came"
            except Unsuitable as error:
                answers[errand.task.id] = error.what
            return an_asset(errand.task)

        return ask

    team.agents[Medium.PHOTO].does = asking(VOICE)
    team.agents[Medium.VOICE].does = asking(PHOTO)
    async with asyncio.timeout(2):
        photo, voice = await asyncio.gather(team.perform(PHOTO), team.perform(VOICE))
    assert isinstance(photo, Asset)
    assert isinstance(voice, Asset)
    assert sorted("circle" in answer for answer in answers.values()) == [False, True]


async def test_asking_for_what_waits_for_oneself_is_refused(team):
    async def ask_for_the_clip(errand: Errand):
        with pytest.raises(Unsuitable, match="circle"):
            await errand.colleagues.ask(VIDEO, because="its last frame")
        return an_asset(errand.task)

    team.agents[Medium.PHOTO].does = ask_for_the_clip
    async with asyncio.timeout(2):
        outcomes = await asyncio.gather(*(team.perform(task) for task in (VIDEO, PHOTO, VOICE)))
    assert all(isinstance(outcome, Asset) for outcome in outcomes)


async def test_one_task_asks_for_so_many_things_and_no_more(team):
    async def greedy(errand: Errand):
        for number in range(32):
            await errand.colleagues.ask(
                Task(id=f"voice-1.frame-{number}", spec=PhotoSpec(subject="x")), because="more"
            )
        with pytest.raises(Unsuitable, match="more than 32"):
            await errand.colleagues.ask(
                Task(id="voice-1.frame-99", spec=PhotoSpec(subject="x")), because="more"
            )
        return an_asset(errand.task)

    team.agents[Medium.VOICE].does = greedy
    await team.perform(VOICE)
    assert len(team.agents[Medium.PHOTO].errands) == 32


async def test_independent_tasks_run_side_by_side_and_a_dependant_right_after_its_last_need(team):
    clock = asyncio.get_running_loop().time
    times: dict[str, tuple[float, float]] = {}

    def taking(seconds: float):
        async def work(errand: Errand):
            begun = clock()
            await asyncio.sleep(seconds)
            times[errand.task.id] = (begun, clock())
            return an_asset(errand.task)

        return work

    team.agents[Medium.PHOTO].does = taking(0.08)
    team.agents[Medium.VOICE].does = taking(0.12)
    team.agents[Medium.VIDEO].does = taking(0.02)
    await asyncio.gather(*(team.perform(task) for task in (VIDEO, PHOTO, VOICE)))
    assert max(times["photo-1"][0], times["voice-1"][0]) < min(times["photo-1"][1], times["voice-1"][1])
    assert times["video-1"][0] >= times["voice-1"][1]
    assert times["video-1"][0] - times["voice-1"][1] < 0.06


# ── the cut that follows the voice ─────────────────────────────────────────────────────────────


def a_team_that_recuts(team, price_of_the_longer: int | None) -> Team:
    """The voice turns out longer than foreseen; the first platform would make the longer clip for so much."""
    longer = VIDEO.model_copy(update={"spec": VIDEO.spec.model_copy(update={"duration_s": 3})})

    async def recut(task: Task):
        return (longer, {"voice-1": "2.2 s"}) if task.id == "video-1" else (task, {})

    def price(task: Task):
        quoted = team.quote.line("video-1").offers
        return [
            offer.model_copy(
                update={"price": None if price_of_the_longer is None else Money(price_of_the_longer)}
            )
            for offer in quoted
        ]

    return Team(**{**vars(team), "recut": recut, "price": price})


async def test_a_clip_is_cut_to_its_voice_where_that_is_no_dearer_than_was_quoted(team):
    cutting = a_team_that_recuts(team, 0)
    await asyncio.gather(*(cutting.perform(task) for task in (VIDEO, PHOTO, VOICE)))
    (errand,) = team.agents[Medium.VIDEO].errands
    assert errand.task.spec.duration_s == 3
    assert [offer.platform for offer in errand.offers] == ["p0", "p1", "p2", "p3", "p4"]
    (ask,) = team.jobs.asks("job_1")
    assert (ask.asked_by, ask.task.id, ask.because) == ("video-1", "voice-1", "the length of its line: 2.2 s")


@pytest.mark.parametrize("price", [1, None])
async def test_a_cut_that_would_cost_more_or_cannot_be_bought_is_not_made(team, price):
    cutting = a_team_that_recuts(team, price)
    await asyncio.gather(*(cutting.perform(task) for task in (VIDEO, PHOTO, VOICE)))
    (errand,) = team.agents[Medium.VIDEO].errands
    assert errand.task == VIDEO
    assert errand.offers == team.quote.line("video-1").suitable
