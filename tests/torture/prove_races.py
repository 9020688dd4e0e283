"""Runs every budget race on both databases and writes down what came of it.

python tests/torture/prove_races.py [--rounds N] [--on-a-server N] [--write docs/proof/races.md]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

from postgres import NoPostgres, PostgresServer
from racing import SERIES, Kind, Totals, control, run_races
from warm import Warm

HEAD = """\
# Many after the same money

Two hundred purchases want the same money at the same moment. A cap that is looked at first and spent from
then lets all of them through; ours must admit exactly those for whom there is enough. This page was written by

    python tests/torture/prove_races.py --write docs/proof/races.md

which draws every race from its number, runs it (as coroutines of one process, as eight threads or four
processes with a connection of their own each), looks at the purses from outside all the while, and judges the
tables afterwards: spent and reserved are never over a cap and always the sum of the rows; one price under one
cap is admitted exactly ⌊budget ÷ price⌋ times; nobody is refused for whom there is room under every cap; an
order that many settle, or that some send while others cancel it, goes one way, once.

"""
COLUMNS = (
    "database",
    "as",
    "what they race for",
    "races",
    "racers",
    "first or admitted",
    "refused or late",
    "looks",
)


class Row(NamedTuple):
    """What one series of races came to."""

    database: str
    way: str
    kind: Kind
    totals: Totals

    @property
    def cells(self) -> tuple[str, ...]:
        outcomes = self.totals.outcomes
        got, went = outcomes["admitted"] + outcomes["first"], outcomes["refused"] + outcomes["too late"]
        counts = (self.totals.races, outcomes.total(), got, went, self.totals.looks)
        return (self.database, self.way, str(self.kind), *(f"{count:,}" for count in counts))


def main() -> int:
    """Runs, prints, and writes if it is asked to; a violation ends it."""
    asked = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    asked.add_argument("--rounds", type=int, default=50, help="races of each sort (default 50)")
    asked.add_argument(
        "--on-a-server", type=int, default=500, help="of four processes on PostgreSQL (default 500)"
    )
    asked.add_argument("--write", type=Path, help="the page to write")
    options = asked.parse_args()
    with ExitStack() as stack:
        warm, folder = stack.enter_context(Warm()), Path(stack.enter_context(tempfile.TemporaryDirectory()))
        caught = control(f"sqlite:///{folder / 'control.db'}")
        rows = list(files(folder, options.rounds, warm))
        try:
            rows += server(stack.enter_context(PostgresServer()), options.rounds, options.on_a_server, warm)
        except NoPostgres as why:
            sys.exit(f"PostgreSQL: {why}")
    page = HEAD + table(rows) + told_in_the_end(rows, caught)
    if options.write:
        options.write.parent.mkdir(parents=True, exist_ok=True)
        options.write.write_text(page, encoding="utf-8")
    return 0


def files(folder: Path, rounds: int, warm: Warm) -> Iterator[Row]:
    """Everything on SQLite."""
    for way, kind in SERIES:
        file = folder / f"{way}-{kind.name}.db"
        yield said(Row("SQLite", way, kind, run_races(f"sqlite:///{file}", way, kind, rounds, warm)))


def server(postgres: PostgresServer, rounds: int, of_one_budget: int, warm: Warm) -> Iterator[Row]:
    """Everything on PostgreSQL."""
    for way, kind in SERIES:
        of_these = of_one_budget if (way, kind) == ("processes", Kind.ONE_BUDGET) else rounds
        with postgres.database() as url:
            yield said(Row("PostgreSQL", way, kind, run_races(url, way, kind, of_these, warm)))


def said(row: Row) -> Row:
    """The row, told to whoever watches."""
    print(*row.cells, f"{row.totals.took_s:.0f} s", sep="  ", flush=True)
    return row


def table(rows: list[Row]) -> str:
    """One line a series."""
    lines = [COLUMNS, ("---",) * 3 + ("--:",) * 5, *(row.cells for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def told_in_the_end(rows: list[Row], caught: str) -> str:
    """The sum of it, and what the judge says of a ledger that only looks first."""
    races = sum(row.totals.races for row in rows)
    racers = sum(row.totals.outcomes.total() for row in rows)
    return (
        f"\n{races:,} races, {racers:,} racers, no violation. The same judge about a ledger that checks first and "
        f"spends then: “{caught}”.\n"
    )


if __name__ == "__main__":
    sys.exit(main())
