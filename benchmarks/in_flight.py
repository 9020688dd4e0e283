"""What a job costs a worker: memory while it waits for its vendor, CPU until it waits, for each look, and in all.

Jobs of one clip each run in one process against the practice vendors, on SQLite, or on the PostgreSQL that
AGENTES_DATABASE_URL names, whose own CPU is not counted. First they wait for a
vendor that takes ten minutes; then as many are made from beginning to end by one that takes no time. The
figures are what docs/running/capacity.md reckons with; there is no peer and no goal.

    python benchmarks/in_flight.py [--jobs N] [--json]
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT)]

BRIEF = "a 5 s vertical video of a ceramic mug"
FIRST = 5
LOOKING_S = 12.0
SETTLES_S = 3.0


def main() -> int:
    """Measures and prints."""
    asked = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    asked.add_argument("--jobs", type=int, default=50)
    asked.add_argument("--json", action="store_true", help="print JSON instead of a table")
    asked.add_argument("--do", choices=("waiting", "outside", "made"), help=argparse.SUPPRESS)
    said = asked.parse_args()
    if said.do:
        asyncio.run(_WAYS[said.do](said.jobs))
        return 0
    found: dict[str, float] = {}
    for way, latency_s in (("waiting", 600), ("outside", 600), ("made", 0)):
        found |= _with_vendor(way, latency_s, said.jobs)
    if said.json:
        print(json.dumps(found))
        return 0
    print(f"{said.jobs} jobs of one clip, in one process:")
    print(f"  memory while it waits for its vendor    {found['waiting_kb']:8.0f} kB a job")
    print(f"  … and has given its place to another    {found['outside_kb']:8.0f} kB a job")
    print(f"  CPU until it waits                      {found['begun_ms']:8.1f} ms a job")
    print(f"  CPU while it waits                      {found['look_ms']:8.1f} ms a look")
    print(
        f"  CPU from beginning to end               {found['made_ms']:8.1f} ms a job, programs it starts included"
    )
    print(f"  transactions of the ledger              {found['asks']:8.0f} a job")
    print(f"  room in the ledger                      {found['ledger_kb']:8.0f} kB a job")
    print(f"  made by one process                     {found['made_an_hour']:8,.0f} jobs an hour")
    return 0


async def _waiting(jobs: int) -> dict[str, float]:
    """How much it takes to have jobs waiting, and to look after them."""
    from agentes.wire.trace import Trace

    await _begin(FIRST, lambda: _standing("submitted") >= FIRST)
    before, cpu = _rss(), time.process_time()
    await _begin(jobs, lambda: _standing("submitted") >= FIRST + jobs)
    waiting, begun = _rss(), time.process_time()
    looks, tell = 0, Trace.handle_async_request

    async def counted(self: Trace, request: Any) -> Any:
        nonlocal looks
        looks += 1
        return await tell(self, request)

    Trace.handle_async_request = counted  # type: ignore[method-assign]
    cpu_of_looks = time.process_time()
    await asyncio.sleep(LOOKING_S)
    return {
        "waiting_kb": (waiting - before) / jobs / 1024,
        "begun_ms": (begun - cpu) / jobs * 1000,
        "look_ms": (time.process_time() - cpu_of_looks) / max(1, looks) * 1000,
    }


async def _outside(jobs: int) -> dict[str, float]:
    """How much it takes to have more jobs waiting than there are places for runs."""
    from orchestrator import assembly

    assembly._PLACES = FIRST
    await _begin(4 * FIRST, lambda: _standing("submitted") >= 4 * FIRST)
    await asyncio.sleep(SETTLES_S)
    before = _rss()
    await _begin(jobs, lambda: _standing("submitted") >= 4 * FIRST + jobs)
    await asyncio.sleep(SETTLES_S)
    return {"outside_kb": (_rss() - before) / jobs / 1024}


async def _made(jobs: int) -> dict[str, float]:
    """How much it takes to make them."""
    from orchestrator import assembly
    from orchestrator.store.database import Database

    asks, queue = 0, Database._queue

    def counted(self: Database, asker: Any, ask: Any) -> None:
        nonlocal asks
        asks += 1
        queue(self, asker, ask)

    Database._queue = counted  # type: ignore[method-assign]
    await _begin(FIRST, lambda: _ended() >= FIRST)
    ledger = assembly.settings().sqlite_file
    asks, size = 0, _size(ledger)
    cpu, began = _all_cpu_s(), time.monotonic()
    await _begin(jobs, lambda: _ended() >= FIRST + jobs)
    took_s = time.monotonic() - began
    return {
        "made_ms": (_all_cpu_s() - cpu) / jobs * 1000,
        "made_an_hour": jobs / took_s * 3600,
        "asks": asks / jobs,
        "ledger_kb": (_size(ledger) - size) / jobs / 1024,
    }


async def _begin(jobs: int, done: Callable[[], bool]) -> None:
    from orchestrator import assembly
    from shared_knowledge.vocabulary import Brief

    studio = assembly.studio()
    for _ in range(jobs):
        await studio.accept(Brief(text=BRIEF), tenant="acme")
    async with asyncio.timeout(120):
        while not done():
            await asyncio.sleep(0.2)
    gc.collect()


def _standing(state: str) -> int:
    from orchestrator import assembly

    rows = assembly.ledger(assembly.settings().database_url).read(lambda t: t.rows("open_money"))
    return sum(row["n"] for row in rows if row["state"] == state)


def _ended() -> int:
    from orchestrator import assembly

    asked = {"since": "2000", "most": 100_000}
    rows = assembly.ledger(assembly.settings().database_url).read(
        lambda t: t.rows("jobs_ended_lately", **asked)
    )
    assert {row["state"] for row in rows} <= {"done"}, "a job was not made"
    return len(rows)


def _size(ledger: Path | None) -> int:
    return ledger.stat().st_size if ledger else 0


def _all_cpu_s() -> float:
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


def _rss() -> int:
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * 4096


def _with_vendor(way: str, latency_s: int, jobs: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as home:
        play = "import sys; from orchestrator.faces.cli import main; sys.exit(main())"
        asked = ["sandbox", "--port", "0", "--latency", str(latency_s), "--json"]
        vendor = subprocess.Popen(
            [sys.executable, "-c", play, *asked], stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        try:
            assert vendor.stdout is not None
            url = json.loads(vendor.stdout.readline())["url"]
            known = {"AGENTES_HOME": home, "AGENTES_SANDBOX_URL": url, "AGENTES_MAX_USD_PER_DAY": "100000"}
            command = [sys.executable, __file__, "--do", way, "--jobs", str(jobs)]
            done = subprocess.run(
                command, env=os.environ | known, check=True, stdout=subprocess.PIPE, text=True
            )
            found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
            return found
        finally:
            vendor.terminate()
            vendor.wait()


def _said(measure: Callable[[int], Any]) -> Callable[[int], Any]:
    async def say(jobs: int) -> None:
        print(json.dumps(await measure(jobs)), flush=True)
        os._exit(0)  # the jobs that wait are of no further use

    return say


_WAYS: dict[str, Any] = {"waiting": _said(_waiting), "outside": _said(_outside), "made": _said(_made)}

if __name__ == "__main__":
    sys.exit(main())
