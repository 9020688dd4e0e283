"""Lives through many seeds of faults and writes down what struck, what followed and what was lost.

python tests/torture/prove_faults.py [--seeds 0-6999] [--workers 2] [--write docs/proof/faults.md]
"""

from __future__ import annotations

import argparse
import logging
import multiprocessing
import platform
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from fault_runs import Tally, run
from test_fault_rows import ROWS

_AT_ONCE = 250

HEAD = """\
# Faults on the wire and at the vendors

A purchase may go wrong at every byte. This page was written by

    {command}

A seed draws a platform and a model, sometimes a second offer, a ceiling, what a person said beforehand
about doubt and refusal, sometimes a Ctrl-C, and one to three faults. The purchase is made by the agents
themselves, with the real wire over real sockets and the real ledger, at the sandbox; between them stands a
proxy that loses, cuts, drips and mangles what passes, and notes what it saw. Up to three runs are made at each
task, the last without faults. Deadlines are real, but their clock is put forward. A judge that knows the rows
of the fault matrix, the proxy's notes, the vendors' billing book and our ledger, and nothing else of the
product, looks at every purchase: who was sent to again, what is in doubt, who was asked instead, where the
money is. Nothing may be bought twice for one attempt; every line of the vendors' book must be spent, written
off or held in ours; no purse may be passed; no error without a name, no connection, task or file left over.

"""


def main() -> None:
    """Writes the page, and fails if anything was wrong."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--seeds", default="0-6999")
    asked.add_argument("--workers", type=int, default=2)
    asked.add_argument("--write", type=Path)
    options = asked.parse_args()
    first, _, last = options.seeds.partition("-")
    seeds = range(int(first), int(last or first) + 1)
    began = time.perf_counter()
    tally = _lived(seeds, options.workers)
    page = _page(tally, seeds, time.perf_counter() - began, options)
    if options.write:
        options.write.parent.mkdir(parents=True, exist_ok=True)
        options.write.write_text(page, encoding="utf-8")
    print(page)
    if tally.wrong:
        print(tally.words(), file=sys.stderr)
        sys.exit(1)


def _lived(seeds: range, workers: int) -> Tally:
    lots = [seeds[start : start + _AT_ONCE] for start in range(0, len(seeds), _AT_ONCE)]
    whole = Tally()
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        for number, tally in enumerate(pool.map(_lot, lots), 1):
            whole.add(tally)
            print(
                f"{number} of {len(lots)}: {whole.struck} faults, {len(whole.wrong)} wrong", file=sys.stderr
            )
    return whole


def _lot(seeds: range) -> Tally:
    logging.disable(logging.WARNING)
    return run(seeds)


def _page(tally: Tally, seeds: range, seconds: float, options: argparse.Namespace) -> str:
    write = f" --write {options.write}" if options.write else ""
    command = f"python tests/torture/prove_faults.py --seeds {seeds[0]}-{seeds[-1]}{write}"
    tools = f"httpx {version('httpx')}, httpcore {version('httpcore')}, h11 {version('h11')}"
    facts = (
        ("seeds", f"{seeds[0]} to {seeds[-1]}"),
        ("purchases judged", f"{tally.seeds:,}"),
        ("faults that struck", f"{tally.struck:,}"),
        ("bookings at the vendors", f"{tally.booked:,}"),
        ("purchases with anything wrong", f"{len(tally.wrong):,}"),
        ("charges lost", "0" if not tally.wrong else "see above"),
        ("time", f"{seconds:.0f} s with {options.workers} workers ({tally.seconds:.0f} s of theirs)"),
        ("versions", f"Python {platform.python_version()}, {tools}, SQLite {sqlite3.sqlite_version}"),
    )
    parts = [HEAD.format(command=command), _table(("", ""), facts)]
    parts += ["\n## How the purchases ended\n\n", _table(("ended", "purchases"), _ends(tally))]
    parts += [
        "\n## By row: what struck, and what followed\n\n",
        _table(("row", "", "on", "struck", "what followed"), _rows(tally)),
    ]
    parts += ["\n## By fault and platform\n\nHow often each struck; 0 is left out.\n\n", _by_platform(tally)]
    return "".join(parts)


def _ends(tally: Tally) -> list[tuple[str, str]]:
    return [(end.replace("_", " "), f"{count:,}") for end, count in tally.ends.most_common()]


def _rows(tally: Tally) -> list[tuple[str, ...]]:
    lines, before = [], -1
    for row, on in sorted({(told.row, told.kind) for told in tally.told}):
        followed: Counter[str] = Counter()
        for told, count in tally.told.items():
            if (told.row, told.kind) == (row, on):
                followed[told.followed] += count
        fact = ROWS[row].fact.partition(":")[0] if row else "only slow, or in pieces, and whole"
        first = (str(row or "none"), fact) if row != before else ("", "")
        what = ", ".join(f"{name} {count:,}" for name, count in followed.most_common())
        lines.append((*first, on.replace("_", " "), f"{followed.total():,}", what))
        before = row
    return lines


def _by_platform(tally: Tally) -> str:
    platforms = sorted({told.platform for told in tally.told})
    counts: Counter[tuple[str, str]] = Counter()
    for told, count in tally.told.items():
        for name in told.fault.split(" + "):
            counts[name, told.platform] += count
    names = sorted({name for name, _ in counts})
    lines = [(name, *(str(counts[name, each] or "") for each in platforms)) for name in names]
    total = ("together", *(f"{sum(counts[name, each] for name in names):,}" for each in platforms))
    return _table(("fault", *(each.replace("_", " ") for each in platforms)), [*lines, total])


def _table(heads: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rows = [heads, ["---"] * len(heads), *lines]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


if __name__ == "__main__":
    main()
