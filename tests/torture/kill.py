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
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

from kill_report import NAIVE, POSTGRES, SQLITE, WAITS, Campaign, Proof, report  # noqa: E402 - found beside this
from kill_work import Plan, Ruling, Scope, Worker  # noqa: E402
from postgres import NoPostgres, PostgresServer, ask_server  # noqa: E402
from warm import Warm  # noqa: E402

__all__ = ["Wishes", "prove"]

_FILM = "a film"
_KINDS = ("openai_images", "runway", "kling", "elevenlabs", "draft_picture", _FILM)
_LOOK_S = 0.5


@dataclass(frozen=True)
class Wishes:
    """How much is wanted. Where there are more pairs or triples than that, the seed draws."""

    seed: int = 1
    kinds: Sequence[str] = _KINDS
    pairs: int = 10_000
    pairs_on_server: int = 2_000
    triples: int = 1_000
    processes: int = 2


def prove(wishes: Wishes) -> Proof:
    """Kills, and judges."""
    begun = time.monotonic()
    proof, dice = Proof(wishes.seed), random.Random(wishes.seed)
    with ExitStack() as opened:
        crew = _Crew(opened, wishes.processes)
        for database in crew.databases:
            singles = _singles(crew, proof, database, wishes.kinds)
            most = wishes.pairs if database == SQLITE else wishes.pairs_on_server
            pairs = _pairs(crew, proof, database, singles, dice, most)
            _triples(crew, proof, database, pairs, dice, wishes.triples)
        _say("the controls")
        proof.controls = [
            Campaign(SQLITE, kind, crew.judge(SQLITE, crew.at_each(SQLITE, [kind], "purchase")))
            for kind in (*NAIVE, WAITS)
        ]
        proof.versions = crew.versions()
    proof.seconds = time.monotonic() - begun
    return proof


def _singles(crew: _Crew, proof: Proof, database: str, kinds: Sequence[str]) -> list[Ruling]:
    """Every moment of every kind; gives those after which the world differs, with what follows them."""
    alone = [kind for kind in kinds if kind != _FILM]  # it takes seconds, so it is killed once, and in files
    plans = crew.at_each(database, kinds if database == SQLITE else alone, "moments")
    _say(f"{database}: {len(plans)} single kills")
    proof.campaigns.append(Campaign(database, "single kills", crew.judge(database, plans)))
    watched = crew.at_each(database, alone, "worlds")
    _say(f"{database}: {len(watched)} of them again, watched")
    return crew.judge(database, [plan._replace(look=True) for plan in watched])


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

    def at_each(self, database: str, kinds: Sequence[str], scope: Scope) -> list[Plan]:
        """A plan for each moment of a scope."""
        told = self.judge(database, [Plan(kind, scope=scope, only_tell=True) for kind in kinds])
        return [Plan(one.kind, (name,)) for one in told for names in one.lives for name in names]

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
            over = all(worker.is_over() for worker in workers)
            time.sleep(_LOOK_S)
            for ruling in (ruling for worker in workers for ruling in worker.news()):
                judged.append(ruling)
                if ruling.wrong and ruling.kind not in NAIVE:
                    _say(f"  {ruling.shown(database)}")
                if len(judged) % 100 == 0:
                    _say(f"  {len(judged)} judged")
        return judged


def _say(words: str) -> None:
    print(f"{datetime.now(UTC):%H:%M:%S} {words}", file=sys.stderr, flush=True)


def main() -> int:
    """Proves, replays, or says what is wrong."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for wish in fields(Wishes):
        kind: Any = _separated if wish.name == "kinds" else int
        asked.add_argument(f"--{wish.name.replace('_', '-')}", type=kind, default=wish.default)
    asked.add_argument("--report", type=Path, help="where to write the page")
    asked.add_argument("--replay", metavar="PLAN", help="one plan, as it was printed")
    told = vars(asked.parse_args())
    into, replay = told.pop("report"), told.pop("replay")
    return _replay(replay) if replay else _prove(Wishes(**told), into)


def _separated(said: str) -> Sequence[str]:
    return [kind.strip() for kind in said.split(",")]


def _replay(plan: str) -> int:
    database, _, rest = plan.rpartition(":")
    kind, *kills = (part.strip() for part in rest.split("|"))
    with ExitStack() as opened:
        (ruling,) = _Crew(opened, 1).judge(database or SQLITE, [Plan(kind, tuple(kills))])
    print(f"{ruling.end}{', but not every kill struck' if ruling.missed else ''}")
    print(ruling.shown(database or SQLITE) if ruling.wrong else "as it should be")
    return 1 if ruling.wrong else 0


def _prove(wishes: Wishes, into: Path | None) -> int:
    proof = prove(wishes)
    page = report(proof)
    if into is None:
        print(page)
    else:
        into.parent.mkdir(parents=True, exist_ok=True)
        into.write_text(page, encoding="utf-8")
    return 1 if proof.wrong or not proof.sees else 0


if __name__ == "__main__":
    sys.exit(main())
