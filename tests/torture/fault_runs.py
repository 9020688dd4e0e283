"""Many seeds, lived through one after the other and judged: what was struck, what followed, what was wrong."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from fault_facts import rule
from fault_judge import judge, reactions
from fault_world import draw, open_world
from leaping_time import LeapingLoop

__all__ = ["Tally", "Told", "asked_seeds", "run"]

_IN_MEMORY = Path("/dev/shm")  # noqa: S108 - only the ledgers of practice lie there, in a folder of their own


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
    wrong: dict[int, list[str]] = field(default_factory=dict)

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
        lines = [f"{draw(seed)}\n    " + "\n    ".join(what) for seed, what in self.wrong.items()]
        replay = f"SEEDS={min(self.wrong)} make torture" if self.wrong else ""
        return "\n".join([*lines, replay and f"One of them again: {replay}"])


def asked_seeds(usual: int) -> range:
    """The seeds of `SEEDS`: a number is that one seed, 0-999 are a thousand; otherwise the usual many."""
    first, dash, last = os.environ.get("SEEDS", f"0-{usual - 1}").partition("-")
    return range(int(first), int(last if dash else first) + 1)


def run(seeds: Iterable[int]) -> Tally:
    """Lives through the plans of some seeds."""
    memory = str(_IN_MEMORY) if os.access(_IN_MEMORY, os.W_OK) else None
    with (
        tempfile.TemporaryDirectory(prefix="agentes-faults-", dir=memory) as folder,
        pytest.MonkeyPatch.context() as patch,
        asyncio.Runner(loop_factory=LeapingLoop) as runner,
    ):
        return runner.run(_live(seeds, Path(folder), patch))


async def _live(seeds: Iterable[int], folder: Path, patch: pytest.MonkeyPatch) -> Tally:
    tally, began = Tally(), time.perf_counter()
    async with open_world(folder, patch) as world:
        for seed in seeds:
            story = await world.live(draw(seed))
            if wrong := judge(story):
                tally.wrong[seed] = wrong
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
