"""The proof as a page: what was killed, how it ended, and how one can know."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from kill_work import Ruling

__all__ = ["NAIVE", "POSTGRES", "SQLITE", "WAITS", "Campaign", "Proof", "report"]

NAIVE = ("openai_images, naive", "runway, naive", "kling, whose list lags and is trusted")
WAITS = "kling, whose list lags"
SQLITE, POSTGRES = "SQLite", "PostgreSQL"

_HOW = """
## How it is done

- **Moments** are found, not listed. In a forked worker everything that changes something outside is
  wrapped: each transaction of the ledger, checkpoint, HTTP exchange, file, sync, rename, link, removal. A
  run that nobody kills tells the moments by name, so new code brings new ones. Right after one thing is
  the same moment as right before the next. For pairs and triples, moments at which everything outside is
  the same to the last byte are one.
- **One moment is the vendor's**: it has booked the purchase, and kills the buyer before it answers.
- **The vendors** are the sandbox, in a process of its own, over real sockets. Its billing book is the truth.
- **A life** is a fork of one warm process, and does what `agentes resume` does. Long waits pass on a clock
  that worker and vendors share. After the kills come at most two lives that nobody kills, and then one
  that asks again.
- **Judged after every life**: I1 nothing is bought twice; I2 every charge is booked or set aside; I3 no cap
  is passed, and budgets are the sums of their rows; I9 no key is in any file, row or word.
- **Judged in the end**: I4 what is done exists, has its digest and opens; I5 there is no half file, no
  orphan file and no orphan row; I6 the job ended, or waits for a person where nobody else can know;
  I7 it told of one ending; I8 asked again, it answers the same.
- **Held for a person** is the truth where a vendor cannot be asked: from the sending to the last byte of
  the answer, nobody on this side can know what was booked. The money stays set aside, and nothing is
  bought in its place.
- On PostgreSQL each plan finds empty tables; on SQLite it also makes them, and is killed while it does.
- A kill is not a power cut: what was written and not yet synced survives it here.
"""


@dataclass
class Campaign:
    """What was judged of one family of plans on one database."""

    database: str
    family: str
    rulings: list[Ruling] = field(default_factory=list)
    of: int = 0
    """How many there are, where only some were drawn."""

    @property
    def counted(self) -> list[Ruling]:
        """Those in which every kill struck."""
        return [ruling for ruling in self.rulings if not ruling.missed]

    @property
    def bought_twice(self) -> int:
        """After how many of them something was."""
        return sum(any(fault.startswith("I1") for fault in ruling.wrong) for ruling in self.counted)


@dataclass
class Proof:
    """Everything that was judged."""

    seed: int
    campaigns: list[Campaign] = field(default_factory=list)
    controls: list[Campaign] = field(default_factory=list)
    seconds: float = 0.0
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def plans(self) -> int:
        """How many kills, pairs and triples were carried out."""
        return sum(len(campaign.counted) for campaign in self.campaigns)

    @property
    def wrong(self) -> list[str]:
        """The plans after which something did not hold, each with what that was."""
        judged = ((each.database, ruling) for each in self.campaigns for ruling in each.rulings)
        return [ruling.shown(database) for database, ruling in judged if ruling.wrong]

    @property
    def sees(self) -> bool:
        """Whether every mistake was caught, and nobody else."""
        return all(bool(control.bought_twice) == (control.family in NAIVE) for control in self.controls)


def report(proof: Proof) -> str:
    """The page."""
    return "\n".join((*_summary(proof), *_table(proof), *_remarks(proof), *_controls(proof), _HOW))


def _summary(proof: Proof) -> Iterator[str]:
    versions = ", ".join(f"{name} {number}" for name, number in proof.versions.items())
    yield from (
        "# Killed at every moment",
        "",
        f"**{proof.plans:,} plans, {len(proof.wrong)} violations.** In each, a worker is ended with SIGKILL at one, "
        "two or three moments",
        "and started again; then the vendors' own billing book, the tables and the files are judged.",
        "",
        f"{datetime.now(UTC):%Y-%m-%d}, seed {proof.seed}, {proof.seconds / 60:.0f} minutes; {versions}.",
        f"`python tests/torture/kill.py {' '.join(sys.argv[1:])}` does it again, on any machine.",
        "",
    )
    yield from (f"- {wrong}\n" for wrong in proof.wrong)


def _table(proof: Proof) -> Iterator[str]:
    yield from (
        "## What was killed, and how it ended",
        "",
        "| database | kills | provider | plans | done | held for a person | violations |",
        "|---|---|---|---:|---:|---:|---:|",
    )
    for campaign in proof.campaigns:
        for kind in dict.fromkeys(ruling.kind for ruling in campaign.counted):
            mine = [ruling for ruling in campaign.counted if ruling.kind == kind]
            ends = Counter(ruling.end for ruling in mine)
            wrong = sum(bool(ruling.wrong) for ruling in mine)
            cells = (
                campaign.database,
                campaign.family,
                kind,
                len(mine),
                ends["done"],
                ends["in_doubt"],
                wrong,
            )
            yield f"| {' | '.join(map(str, cells))} |"
    yield ""


def _remarks(proof: Proof) -> Iterator[str]:
    for campaign in proof.campaigns:
        if campaign.of > len(campaign.rulings):
            yield f"- {campaign.database}: {len(campaign.rulings):,} {campaign.family}, drawn from {campaign.of:,}."
        if missed := len(campaign.rulings) - len(campaign.counted):
            yield (
                f"- {campaign.database}: {missed} of the {campaign.family} are not counted, for their last moment "
                "did not come: threads had gone another way."
            )
    yield ""


def _controls(proof: Proof) -> Iterator[str]:
    yield from (
        "## That the harness can see",
        "",
        "The same product with one classical mistake put in, under the same kills: to buy first and write after;",
        "to believe a list that does not show an order yet. The last line is no mistake: its vendor's list lags",
        "by 30 s as well, and the product looks again when it must have settled.",
        "",
        "| worker | kills | bought twice |",
        "|---|---:|---:|",
        *(f"| {each.family} | {len(each.counted)} | {each.bought_twice} |" for each in proof.controls),
    )
