"""Many seeds, lived through one after the other and judged: what was struck, what followed, what was wrong."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from fault_facts import rule
from fault_judge import judge, reactions
from fault_plans import Plan, draw, order_at
from fault_world import Story, Watch, open_world
from leaping_time import LeapingLoop
from passing import Toxic

from shared_knowledge.vocabulary import Asset

__all__ = ["Tally", "Told", "asked_seeds", "bought_once", "lived", "run", "run_plans"]

_IN_MEMORY = Path("/dev/shm")  # where there is such a folder, a thousand ledgers are synced in no time


@dataclass(frozen=True, order=True)
class Told:
    """One line of the report: a row of the matrix, what struck what kind of call where, what followed."""

    row: int
    fault: str
    kind: str
    platform: str
    followed: str


@dataclass
class Tally:
    """What came of some seeds."""

    seeds: int = 0
    struck: int = 0
    booked: int = 0
    seconds: float = 0.0
    told: Counter[Told] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    wrong: dict[str, list[str]] = field(default_factory=dict)
    stories: list[Story] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Takes in what came of other seeds."""
        self.seeds += other.seeds
        self.struck += other.struck
        self.booked += other.booked
        self.seconds += other.seconds
        self.told += other.told
        self.ends += other.ends
        self.wrong |= other.wrong

    def words(self) -> str:
        """What was wrong, with the seeds that show it again."""
        return "\n".join("\n    ".join([plan, *what]) for plan, what in self.wrong.items())


def asked_seeds(usual: int) -> range:
    """The seeds of `SEEDS`: a number is that one seed, 0-999 are a thousand; otherwise the usual many."""
    first, dash, last = os.environ.get("SEEDS", f"0-{usual - 1}").partition("-")
    return range(int(first), int(last if dash else first) + 1)


def run(seeds: Iterable[int]) -> Tally:
    """Lives through the plans of some seeds."""
    return run_plans(draw(seed) for seed in seeds)


def run_plans(plans: Iterable[Plan], watch: Callable[[], Watch] = Watch) -> Tally:
    """Lives through some plans, each with somebody new who looks on."""
    memory = str(_IN_MEMORY) if os.access(_IN_MEMORY, os.W_OK) else None
    with (
        tempfile.TemporaryDirectory(prefix="agentes-faults-", dir=memory) as folder,
        pytest.MonkeyPatch.context() as patch,
        asyncio.Runner(loop_factory=LeapingLoop) as runner,
    ):
        return runner.run(_live(plans, watch, Path(folder), patch))


def lived(watch: Callable[[], Watch], platform: str, *faults: Toxic) -> Story:
    """How one order at a platform came out, with somebody who looks on; it must have kept the rules."""
    tally = run_plans([order_at(platform, *faults)], watch)
    assert not tally.wrong, tally.words()
    (story,) = tally.stories
    return story


def bought_once(story: Story) -> None:
    """Sees to it that the asset is there, and was bought once."""
    assert isinstance(story.sittings[-1].outcome, Asset), story.sittings[-1]
    assert len(story.ledger) == 1


async def _live(
    plans: Iterable[Plan], watch: Callable[[], Watch], folder: Path, patch: pytest.MonkeyPatch
) -> Tally:
    tally, began = Tally(), time.perf_counter()
    async with open_world(folder, patch) as world:
        for plan in plans:
            story = await world.live(plan, watch=watch())
            if plan.seed == 0:  # made by hand: whoever made it wants to know more than that it kept the rules
                tally.stories.append(story)
            if wrong := judge(story):
                tally.wrong[str(plan)] = wrong
            tally.seeds += 1
            tally.struck += sum(bool(passed.faults) for passed in story.passed)
            tally.booked += len(story.ledger)
            tally.ends[str(story)] += 1
            for passed, followed in reactions(story):
                fault = " + ".join(passed.faults).removeprefix("no_")
                row = rule(passed.platform, *passed.faults).row
                tally.told[Told(row, fault, passed.kind, passed.platform, followed)] += 1
    tally.seconds = time.perf_counter() - began
    return tally
