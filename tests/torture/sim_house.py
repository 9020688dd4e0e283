"""The product as it stands in the simulated world: its agents without ffmpeg, its quoter without words, its workers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

from sim_vendors import HOME
from sim_world import World

import orchestrator.checkpoints
import orchestrator.graph
from agentes import media_agent
from agentes.media_agent import Errand, MediaAgent
from agentes.steps import Workroom
from orchestrator import studio as doorway
from orchestrator.composer import handover
from orchestrator.dispatch import here
from orchestrator.run import Office
from orchestrator.selection import Past
from orchestrator.stages import Approval, Stages
from orchestrator.studio import Studio
from shared_knowledge.errors import AgentesError, BadRequest, Unsuitable
from shared_knowledge.prompts import Prompt
from shared_knowledge.vocabulary import (
    Brief,
    Job,
    Medium,
    Money,
    Offer,
    Order,
    PhotoSpec,
    Piece,
    Plan,
    Quote,
    QuoteLine,
    Shot,
    Task,
    Understanding,
    VideoSpec,
    VoiceSpec,
)

__all__ = ["Quoter", "Worker", "as_simulated"]

_LOOK_S = 7.0


class Quoter:
    """Plans and prices by seed; what was thought of a job once is thought of it again."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._known: dict[str, tuple[Plan, Quote]] = {}

    def read(self, brief: Brief) -> None:
        """There is nothing to misunderstand."""

    def check_budget(self, plan: Plan, quote: Quote, brief: Brief) -> None:
        """It may turn out to be too dear on the way; that is for the ledger to notice."""

    def unsettled(self, job: Job) -> tuple[str, ...]:
        """It leaves nothing open."""
        return ()

    def plan(self, brief: Brief) -> Plan:
        """What will be done for the job that the brief names."""
        return self._of(brief)[0]

    def quote(self, plan: Plan, brief: Brief, past: Past) -> Quote:
        """What it may cost."""
        return self._of(brief)[1]

    def offers(self, task: Task, plan: Plan, brief: Brief) -> tuple[Offer, ...]:
        """Offers for what one agent asks of another."""
        return self._of(Brief(text=f"asked: {task.id} {brief.text}"), task)[1].lines[0].offers

    def _of(self, brief: Brief, asked: Task | None = None) -> tuple[Plan, Quote]:
        if brief.text not in self._known:
            tasks = (asked,) if asked else tuple(self._tasks(brief))
            lines = tuple(QuoteLine(task=task.id, offers=self._offers(task)) for task in tasks)
            dearest = sum(max(offer.price or 0 for offer in line.offers) for line in lines)
            roomy = self._world.dice.choice([1, 1, 2, 3])
            quote = Quote(
                lines=lines,
                estimate=Money(dearest),
                ceiling=Money(roomy * dearest + 50_000),
                oldest_price=None,
                hash="q",
                expires_at=self._world.now() + timedelta(days=1),
            )
            said = {"brief": brief.text, "brief_language": "en", "understanding": Understanding()}
            self._known[brief.text] = (Plan(coverage=(), tasks=tasks, **said), quote)
        return self._known[brief.text]

    def _tasks(self, brief: Brief) -> Iterator[Task]:
        dice, words = self._world.dice, brief.text
        twins = dice.random() < 0.15
        for number in range(1, dice.randint(1, 3) + 1):
            subject = f"a mug for {words}" if twins else f"mug {number} for {words}"
            yield Task(id=f"photo-{number}", spec=PhotoSpec(subject=subject))
        if dice.random() < 0.4:
            yield Task(id="voice-1", spec=VoiceSpec(script=f"buy the mug of {words}"))
        if dice.random() < 0.4:
            shots = (Shot(label="a", scene="", duration_s=15),)
            yield Task(
                id="video-1",
                spec=VideoSpec(subject=f"a mug turns for {words}", shots=shots, duration_s=15),
                depends_on=("photo-1",),
            )

    def _offers(self, task: Task) -> tuple[Offer, ...]:
        dice = self._world.dice
        names = [name for name in self._world.vendors if name != HOME]
        chosen = dice.sample(names, dice.randint(1, 3)) + ([HOME] if dice.random() < 0.1 else [])
        return tuple(self._offer(task, name) for name in chosen)

    def _offer(self, task: Task, platform: str) -> Offer:
        dice = self._world.dice
        number = 2 if task.medium is Medium.VIDEO and dice.random() < 0.6 else 1
        price = 0 if platform == HOME else dice.randrange(10_000, 90_000, 1000)
        pieces = tuple(Piece(number=n + 1, price=Money(price), duration_s=None) for n in range(number))
        total = Money(price * number)
        return Offer(task=task.id, platform=platform, model="m", price=total, pieces=pieces)


class Agent(MediaAgent):
    """An agent that gets its task done as the real ones do, and looks at a file without decoding it."""

    def __init__(self, room: Workroom, medium: Medium) -> None:
        super().__init__(room)
        self.medium = medium  # type: ignore[misc]  # the three differ in nothing else here

    def write_prompt(self, task: Task, offer: Offer, piece: Piece) -> Prompt:
        """The same words for the same thing, as it is in life."""
        spec = task.spec
        return Prompt(f"{spec.script if isinstance(spec, VoiceSpec) else spec.subject} {piece.number}", ())

    async def inputs(self, errand: Errand, offer: Offer) -> tuple[str, ...]:
        """A clip grows out of a picture, which it asks of a colleague."""
        if errand.task.medium is not Medium.VIDEO or len(offer.pieces) < 2:
            return ()
        frame = Task(id=f"{errand.task.id}.frame-1", spec=PhotoSpec(subject=f"a frame of {errand.job}"))
        return ((await errand.colleagues.ask(frame, because="it begins with it")).path,)

    async def join(self, pieces: Sequence[Path], task: Task, desk: Path) -> Path:
        """All of them in a row."""
        joined = desk / "joined.png"
        joined.write_bytes(b" + ".join(piece.read_bytes() for piece in pieces))
        return joined

    async def check_file(self, path: Path, order: Order) -> None:
        """It must be about this very task."""
        text = path.read_bytes().decode()
        if text == "wrong":
            raise Unsuitable("It is not what was ordered.")

    async def describe(self, path: Path) -> dict[str, Any]:
        """It is a picture, let us say."""
        return {"mime": "image/png", "width": 4, "height": 4}


class Worker:
    """One process: it takes jobs up, carries on what it finds, and may die at any moment."""

    def __init__(self, world: World, quoter: Quoter) -> None:
        self.world = world
        self.number = world.loop.hire()
        tracker = world.tracker()
        room = Workroom(
            catalogue=world.catalogue,
            tracker=tracker,
            shelf=world.shelf,
            connect=world.connect,
            bring=world.bring,
            now=world.now,
        )
        self.office = Office(
            quoter=quoter,  # type: ignore[arg-type]
            jobs=world.jobs(),
            book=world.book(),
            tracker=tracker,
            shelf=world.shelf,
            agents={medium: Agent(room, medium) for medium in Medium},
            locks=world.locks,
            checkpoints=world.home / "graph.db",
            version="simulated",
        )
        self.here = here.Here(lambda: self.office)
        self.studio = Studio(quoter, lambda: self.office, lambda: self.here)  # type: ignore[arg-type]

    def does(self, work: Callable[[], Any]) -> asyncio.Task[None]:
        """Has the worker do something; what goes wrong is an error of ours, or the end of the world."""
        return self.world.loop.spawn(self._does(work), self.number)

    async def takes_in(self, brief: Brief, *, tenant: str, key: str | None) -> None:
        """Accepts a job and begins it."""
        name = brief.text
        folder = self.world.home / "out" / name
        folder.mkdir(parents=True, exist_ok=True)
        await self.office.jobs.add(name, brief, str(folder), tenant=tenant, key=key)
        self.here.start(name)
        await self.here.finish(name)

    async def starts_up(self) -> None:
        """What a process does first: see to what was bought, then carry on what was begun."""
        await self.studio.recover()
        for job in self.studio.interrupted():
            try:
                await self.studio.resume(job.id)
            except BadRequest:
                continue  # somebody was faster
        await self.all_done()

    async def all_done(self) -> None:
        """Waits for whatever it has begun."""
        await asyncio.gather(*self.here._runs.values(), return_exceptions=True)

    async def _does(self, work: Callable[[], Any]) -> None:
        try:
            await work()
        except AgentesError as error:
            self.world.saw("said", type(error).__name__)
        except Exception as error:  # noqa: BLE001 - whatever it is, it should not have come out
            self.world.accuse(f"an error that is none of ours came out: {error!r}")


@contextmanager
def as_simulated(world: World) -> Iterator[None]:
    """The few places where the product would reach for the real world's chance and time."""

    async def straight(
        thread: str, stages: Stages, saver: Any, tell: Any, answer: bool | None = None
    ) -> Approval | None:
        """The order of the graph's nodes, without its checkpoints: a crash begins at the first again."""
        notes: list[dict[str, Any]] = []
        await stages.understand()
        tasks = await stages.plan()
        await stages.quote()
        performing = [asyncio.ensure_future(stages.perform(task, notes.append)) for task in tasks]
        try:
            await asyncio.gather(*performing)
        finally:
            for each in performing:
                each.cancel()
            await asyncio.wait(performing)  # the graph leaves nobody behind either
        await stages.compose(notes.append)
        await stages.deliver()
        return None

    @asynccontextmanager
    async def kept_in_memory(where: object) -> Any:
        from langgraph.checkpoint.memory import InMemorySaver
        from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

        if "saver" not in world.savers:
            world.savers["saver"] = InMemorySaver(serde=JsonPlusSerializer(allowed_msgpack_modules=None))
        yield world.savers["saver"]

    @asynccontextmanager
    async def nowhere(where: object) -> Any:
        async def forget(thread: str) -> None:
            return None

        yield SimpleNamespace(adelete_thread=forget)

    graph = world.wishes.through_the_graph
    patches = [
        mock.patch.object(media_agent, "uuid4", world.new_id),
        mock.patch.object(here, "_LOOK_FOR_CANCEL_S", _LOOK_S),
        mock.patch.object(doorway, "_LOOK_AGAIN_S", _LOOK_S),
        mock.patch.object(doorway, "_CANCEL_TAKES_S", 10 * _LOOK_S),
        mock.patch.object(orchestrator.checkpoints, "open_checkpoints", kept_in_memory if graph else nowhere),
    ]
    if not graph:
        patches.append(mock.patch.object(handover, "write_report", return_value=None))
        patches.append(mock.patch.object(orchestrator.graph, "run", straight))
    for patch in patches:
        patch.start()
    try:
        yield
    finally:
        for patch in patches:
            patch.stop()
