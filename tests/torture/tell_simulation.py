"""Runs histories by the thousand and writes down what came of them; or tells a single one, line by line.

python tests/torture/tell_simulation.py --seeds 10000      # writes docs/proof/simulation.md
python tests/torture/tell_simulation.py --seed 4711        # one history
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))

from sim_storm import Storm, storm
from sim_world import Wishes
from simulation import Story, live

__all__ = ["AT_LENGTH", "Tally", "lived"]

AT_LENGTH = Wishes(jobs=5, kills=4)
_PAGE = Path(__file__).parents[2] / "docs" / "proof" / "simulation.md"
_GRAPH_EVERY = 50
_DEATHS = ("nobody is there", "it answers 503", "it hangs")


@dataclass
class Tally:
    """What many histories come to."""

    seeds: int = 0
    kills: int = 0
    job_minutes: float = 0.0
    steps: int = 0
    through_the_graph: int = 0
    seconds: float = 0.0
    faults: Counter[str] = field(default_factory=Counter)
    jobs: Counter[str] = field(default_factory=Counter)
    orders: Counter[str] = field(default_factory=Counter)
    broken: dict[int, list[str]] = field(default_factory=dict)

    def add(self, story: Story) -> None:
        """Counts one more."""
        self.seeds += 1
        self.kills += story.kills
        self.job_minutes += story.job_minutes
        self.steps += story.steps
        self.faults += story.faults
        self.jobs += story.states
        self.orders += story.orders
        if story.violations:
            self.broken[story.seed] = story.violations


def lived(first: int, many: int, wishes: Wishes) -> Tally:
    """So many histories, every fiftieth of them through the real graph and its checkpoints."""
    tally, began = Tally(), time.process_time()
    for seed in range(first, first + many):
        graph = seed % _GRAPH_EVERY == 0
        tally.through_the_graph += graph
        tally.add(live(seed, replace(wishes, through_the_graph=graph)))
    tally.seconds = time.process_time() - began
    return tally


def page(tally: Tally, first: int, storms: dict[str, Storm]) -> str:
    """The report."""
    broken = [f"- seed {seed}: {told[0]}" for seed, told in list(tally.broken.items())[:20]]
    faults = ", ".join(f"{name} {many:,}" for name, many in tally.faults.most_common() if name != "cheaper")
    jobs = ", ".join(f"{name} {many:,}" for name, many in tally.jobs.most_common())
    orders = ", ".join(f"{name.replace('_', ' ')} {many:,}" for name, many in tally.orders.most_common())
    rows = [
        f"| seeds | {tally.seeds:,} (from {first}), {tally.through_the_graph:,} of them through the real graph |",
        f"| virtual job-minutes | {round(tally.job_minutes):,} |",
        f"| steps of the loop | {tally.steps:,} |",
        f"| jobs | {jobs} |",
        f"| orders | {orders} |",
        f"| workers killed | {tally.kills:,} |",
        f"| faults | {sum(tally.faults.values()) - tally.faults['cheaper']:,}: {faults} |",
        f"| **promises broken** | **{sum(map(len, tally.broken.values()))}** |",
        f"| seconds of CPU | {tally.seconds:,.0f} |",
    ]
    dead = [
        f"| {how} | {sum(s.dies_s + 60 <= at < s.lives_s for at in s.wanted):,} |"
        f" {sum(s.dies_s + 60 <= at < s.lives_s for at in s.sent):,} | {s.ratio(s.dies_s + 60, s.lives_s):.3f} |"
        f" {s.busiest(s.lives_s, s.lives_s + 600, 10) / s.busiest(200, s.dies_s, 10):.2f} × |"
        for how, s in storms.items()
    ]
    return "\n".join(
        [
            "# The simulation: what a thousand bad days come to",
            "",
            f"Written by `python tests/torture/tell_simulation.py` on {datetime.now(UTC):%Y-%m-%d}. Do not edit.",
            "",
            "The studio, the dispatch, the run, the agents, the purchases, the tracker and the book are the real",
            "ones. The clock, the vendors and the moments at which a worker is killed come from a seed. One seed",
            "is one history: run it again, and the same things happen in the same order. At the end the books of",
            "the vendors, which our code cannot see, are laid beside our ledger.",
            "",
            "| | |",
            "|---|---|",
            *rows,
            "",
            *(broken or ["No order was bought twice, no charge is unknown, no purse was overdrawn."]),
            "",
            "What a history may hold: late, lost and garbled answers, refusals before and after the work, empty",
            "purses, lists that lag, files that are wrong or gone, vendors that die for minutes, a disk that is full,",
            "a clock that is put back, workers killed in any step (in recovery too), standing still, or losing their",
            "lock while another takes over, and persons who cancel, resume, and decide what is in doubt.",
            "",
            "## A platform is dead for ten minutes, and 500 orders want something of it",
            "",
            "| how it is dead | requests wanted after the first minute | sent | sent for each wanted"
            " | busiest 10 s after it came back, to the busiest before |",
            "|---|---|---|---|---|",
            *dead,
            "",
        ]
    )


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--graph", action="store_true", help="with --seed: through the real graph")
    parser.add_argument("--hazard", action="append", default=[], help="a thing that is known to go wrong")
    asked = parser.parse_args()
    logging.disable(logging.CRITICAL)
    wishes = replace(AT_LENGTH, hazards=frozenset(asked.hazard))
    if asked.seed is not None:
        story = live(asked.seed, replace(wishes, through_the_graph=asked.graph))
        print(*story.trace, "", *(story.violations or ["no promise was broken"]), sep="\n")
        raise SystemExit(bool(story.violations))
    tally = lived(asked.first, asked.seeds, wishes)
    text = page(tally, asked.first, {how: storm(1, how=how) for how in _DEATHS})
    if not asked.hazard:
        _PAGE.parent.mkdir(parents=True, exist_ok=True)
        _PAGE.write_text(text, "utf-8")
    print(text)
    raise SystemExit(bool(tally.broken))


if __name__ == "__main__":
    main()
