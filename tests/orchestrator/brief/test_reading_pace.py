"""Reading is quick and leaves nothing behind: many briefs a second, and as much memory after as before."""

from __future__ import annotations

import time
import tracemalloc

from right_answers import cases

from orchestrator.brief import read

BRIEFS = [case["brief"] for case in cases("briefs_six.jsonl")]
FEWEST_A_SECOND = 100  # a quiet core reads over 400; a crowded one must still pass
MOST_LEFT_BEHIND = 50_000


def pace(briefs: list[str] = BRIEFS) -> float:
    started = time.process_time()
    for brief in briefs:
        read(brief)
    return len(briefs) / (time.process_time() - started)


def test_briefs_a_second() -> None:
    pace()
    assert max(pace() for _ in range(3)) >= FEWEST_A_SECOND


def test_memory_stays_flat() -> None:
    some = BRIEFS[::8]
    pace(some)
    tracemalloc.start()
    try:
        pace(some)
        before = tracemalloc.get_traced_memory()[0]
        pace(some)
        after = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert after - before < MOST_LEFT_BEHIND
