"""The proof that a kill loses nothing: every single kill, pairs and triples of kills, on both databases.

    python tests/torture/kill.py                         everything, about an hour; tells what it found
    python tests/torture/kill.py --report docs/proof/kill.md --pairs 2000 --triples 500
    python tests/torture/kill.py --replay "kling | booked, unanswered http start kling"
"""

from __future__ import annotations

import argparse
import platform
import random
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

from kill_work import Plan, Ruling, Worker, of_the_purchase  # noqa: E402 - found beside this file
from postgres import NoPostgres, PostgresServer, ask_server  # noqa: E402
from warm import Warm  # noqa: E402

__all__ = ["Proof", "prove"]

KINDS = ("openai_images", "runway", "kling", "elevenlabs", "draft_picture")
FILM = "a film"
NAIVE = ("openai_images, naive", "runway, naive", "kling, whose list lags and is trusted")
WAITS = "kling, whose list lags"
SQLITE, POSTGRES = "SQLite", "PostgreSQL"
_ALL = 10**9
_LOOK_S = 0.5


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
    def wrong(self) -> list[Ruling]:
        """The plans after which something did not hold."""
        return [ruling for campaign in self.campaigns for ruling in campaign.rulings if ruling.wrong]

    @property
    def sees(self) -> bool:
        """Whether every mistake was caught."""
        return all(any(map(_bought_twice, campaign.rulings)) for campaign in self.controls if campaign.family in NAIVE)


def prove(
    *, seed: int = 1, pairs: int = _ALL, triples: int = 1000, on_server: int = 2000, processes: int = 2
) -> Proof:
    """Kills, and judges. The pairs are drawn where there are more; `on_server` is how many on PostgreSQL."""
    begun = time.monotonic()
    proof, dice = Proof(seed), random.Random(seed)
    with ExitStack() as opened:
        crew = _Crew(opened, processes)
        for database in crew.databases:
            singles = _singles(crew, proof, database)
            known = _pairs(crew, proof, database, singles, dice, pairs if database == SQLITE else min(pairs, on_server))
            _triples(crew, proof, database, known, dice, triples)
        proof.controls = [
            Campaign(SQLITE, kind, crew.judge(SQLITE, [Plan(kind, scope="purchase")])) for kind in (*NAIVE, WAITS)
        ]
        proof.versions = crew.versions()
    proof.seconds = time.monotonic() - begun
    return proof


def _singles(crew: _Crew, proof: Proof, database: str) -> list[Ruling]:
    """Every moment of every kind; gives those after which the world differs, with what follows them."""
    _say(f"{database}: single kills")
    scope = [Plan(kind, scope="moments") for kind in (*KINDS, *([FILM] if database == SQLITE else []))]
    proof.campaigns.append(Campaign(database, "single kills", crew.judge(database, scope)))
    return crew.judge(database, [Plan(kind, scope="worlds", look=True) for kind in KINDS])


def _pairs(
    crew: _Crew, proof: Proof, database: str, singles: Iterable[Ruling], dice: random.Random, most: int
) -> list[Ruling]:
    """The recovery is killed as well; gives what was judged."""
    found = [Plan(ruling.kind, (*ruling.kills, name)) for ruling in singles for name in _next(ruling)]
    drawn = found if len(found) <= most else dice.sample(found, most)
    _say(f"{database}: {len(drawn)} of {len(found)} pairs")
    judged = crew.judge(database, drawn)
    proof.campaigns.append(Campaign(database, "pairs", judged, len(found)))
    return judged


def _triples(
    crew: _Crew, proof: Proof, database: str, pairs: Iterable[Ruling], dice: random.Random, most: int
) -> None:
    """And the recovery from that."""
    found = [Plan(ruling.kind, (*ruling.kills, name)) for ruling in pairs for name in _next(ruling)]
    drawn = found if len(found) <= most else dice.sample(found, most)
    _say(f"{database}: {len(drawn)} of {len(found)} triples")
    proof.campaigns.append(Campaign(database, "triples", crew.judge(database, drawn), len(found)))


def _next(ruling: Ruling) -> Sequence[str]:
    """Where the life after the last kill could have been killed; the one that only asks again is not a recovery."""
    after = len(ruling.kills)
    return () if ruling.missed or ruling.wrong or len(ruling.lives) <= after + 1 else ruling.lives[after]


class _Crew:
    """The benches of each database."""

    def __init__(self, opened: ExitStack, processes: int) -> None:
        self._warm = opened.enter_context(Warm())
        self._folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="kill-plans-")))
        self._urls: dict[str, list[str | None]] = {SQLITE: [None] * processes}
        try:
            server = opened.enter_context(PostgresServer())
        except NoPostgres as why:
            _say(f"{POSTGRES} is left out: {why}")
        else:
            self._urls[POSTGRES] = [opened.enter_context(server.database()) for _ in range(processes)]

    @property
    def databases(self) -> Sequence[str]:
        return list(self._urls)

    def versions(self) -> dict[str, str]:
        found = {"Python": platform.python_version(), SQLITE: sqlite3.sqlite_version}
        if url := self._urls.get(POSTGRES, [None])[0]:
            found[POSTGRES] = str(ask_server(url, "show server_version")[0][0])
        return found | {name: version(name) for name in ("langgraph", "httpx", "psycopg")}

    def judge(self, database: str, plans: Sequence[Plan]) -> list[Ruling]:
        """Has the plans judged, as many at a time as there are benches."""
        urls = self._urls[database]
        shares = [plans[number :: len(urls)] for number in range(len(urls))]
        workers = [
            Worker(self._warm, Path(tempfile.mkdtemp(dir=self._folder)), share, url)
            for share, url in zip(shares, urls, strict=True)
            if share
        ]
        judged: list[Ruling] = []
        over = False
        while not over:
            over = all([worker.is_over() for worker in workers])
            time.sleep(_LOOK_S)
            for ruling in (ruling for worker in workers for ruling in worker.news()):
                judged.append(ruling)
                if ruling.wrong and ruling.kind not in NAIVE:
                    _say(f"  {ruling.shown}")
                if len(judged) % 100 == 0:
                    _say(f"  {len(judged)} judged")
        return judged


def _bought_twice(ruling: Ruling) -> bool:
    return any(fault.startswith("I1") for fault in ruling.wrong)


def _say(words: str) -> None:
    print(f"{datetime.now(UTC):%H:%M:%S} {words}", file=sys.stderr, flush=True)


# ── the report ─────────────────────────────────────────────────────────────────────────────────


def report(proof: Proof) -> str:
    """The proof as a page."""
    return "\n".join((*_summary(proof), *_tables(proof), *_controls(proof), *_how()))


def _summary(proof: Proof) -> Iterator[str]:
    versions = ", ".join(f"{name} {number}" for name, number in proof.versions.items())
    yield from (
        "# Killed at every moment",
        "",
        f"**{proof.plans:,} plans, {len(proof.wrong)} violations.** In each plan a worker process is ended with SIGKILL at",
        "one, two or three moments, and started again; then the vendors' own billing book, the tables and the files",
        "are judged. This page is written by `python tests/torture/kill.py --report docs/proof/kill.md`.",
        "",
        f"{datetime.now(UTC):%Y-%m-%d}, seed {proof.seed}, {proof.seconds / 60:.0f} minutes; {versions}.",
        "",
    )
    if proof.wrong:
        yield from (f"- {ruling.shown}" for ruling in proof.wrong)
        yield ""


def _tables(proof: Proof) -> Iterator[str]:
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
            done, held = ends.pop("done", 0), ends.pop("in_doubt", 0)
            others = "".join(f", {count} {end}" for end, count in ends.items())
            yield f"| {campaign.database} | {campaign.family} | {kind} | {len(mine)} | {done} | {held}{others} | {wrong} |"
    yield ""
    for campaign in proof.campaigns:
        if campaign.of > len(campaign.rulings):
            yield (
                f"- {campaign.database}: {len(campaign.rulings):,} {campaign.family} were drawn from {campaign.of:,}."
            )
        if missed := len(campaign.rulings) - len(campaign.counted):
            yield (
                f"- {campaign.database}: of {len(campaign.rulings):,} {campaign.family}, {missed} are not counted: "
                "threads went another way, and the last moment did not come."
            )
    yield ""


def _controls(proof: Proof) -> Iterator[str]:
    yield from (
        "## That the harness can see",
        "",
        "The same product with one classical mistake put in, under the same kills. The last line is no mistake: its",
        "vendor's list lags by 30 s, and the product waits until the list must have settled.",
        "",
        "| worker | kills | bought twice |",
        "|---|---:|---:|",
    )
    for campaign in proof.controls:
        twice = sum(map(_bought_twice, campaign.rulings))
        yield f"| {campaign.family} | {len(campaign.rulings)} | {twice} |"
    yield ""


def _how() -> Iterator[str]:
    yield from (
        "## How it is done",
        "",
        "- **Moments** are found, not listed: in a forked worker everything that changes something outside is wrapped (each",
        "  ledger transaction, checkpoint, HTTP exchange, file, sync, rename, link, removal), and a run that nobody kills",
        "  tells the moments by name. New code brings new moments. Right after one thing is the same moment as right before",
        "  the next; for pairs and triples, moments at which everything outside is the same to the last byte are one.",
        "- One moment is the vendor's: it has booked the purchase and kills the buyer before it answers.",
        "- **Vendors** are the sandbox in a process of its own, over real sockets. Its billing book is the truth.",
        "- **A life** is a fork of one warm process: it does what `agentes resume` does. Long waits pass on a clock that",
        "  worker and vendors share. After the kills come at most two lives that nobody kills, then one that asks again.",
        "- **Judged** after every life: I1 nothing is bought twice; I2 every charge is booked or set aside; I3 no cap is",
        "  passed, and budgets equal their holds and costs; I9 no key in any file, row or word. And in the end: I4 what is",
        "  done exists, has its digest and opens; I5 no half file, orphan file or row; I6 it ended, or waits for a person,",
        "  and only where nobody can know; I7 it told of one ending; I8 asked again, it answers the same.",
        "- **Held for a person** is the truth where a vendor books at once and can never be asked: between its booking and",
        "  the last byte of its answer, nobody on this side can know. The money stays set aside, and nothing is bought again.",
        "- A kill is not a power cut: what was written but not synced survives it.",
        "",
    )


def main() -> int:
    """Proves, replays, or says what is wrong."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--pairs", type=int, default=_ALL, help="how many at most on each database")
    asked.add_argument("--triples", type=int, default=1000, help="how many at most on each database")
    asked.add_argument("--on-server", type=int, default=2000, help="how many pairs at most on PostgreSQL")
    asked.add_argument("--processes", type=int, default=2)
    asked.add_argument("--report", type=Path, help="where to write the page")
    asked.add_argument("--replay", metavar="PLAN", help="one plan, as it was printed")
    wishes = asked.parse_args()
    if wishes.replay:
        kind, *kills = (part.strip() for part in wishes.replay.split("|"))
        with ExitStack() as opened:
            (ruling,) = _Crew(opened, 1).judge(SQLITE, [Plan(kind, tuple(kills))])
        print(f"{ruling.plan}: {ruling.end}{', missed' if ruling.missed else ''}\n{ruling.shown if ruling.wrong else 'as it should be'}")
        return 1 if ruling.wrong else 0
    proof = prove(
        seed=wishes.seed,
        pairs=wishes.pairs,
        triples=wishes.triples,
        on_server=wishes.on_server,
        processes=wishes.processes,
    )
    page = report(proof)
    if wishes.report:
        wishes.report.parent.mkdir(parents=True, exist_ok=True)
        wishes.report.write_text(page, encoding="utf-8")
    else:
        print(page)
    return 1 if proof.wrong or not proof.sees else 0


if __name__ == "__main__":
    sys.exit(main())
