"""What it costs to choose: fifty different tasks against sixty models, weighed, combined, quoted.

The peer is one pass of naive pricing: for every task and every model, the first price that fits times the
seconds, in plain Decimal, with no limits, no reasons, no pieces, no budget and no proof. Both take turns in
one process; what is compared is the median of CPU seconds. The second line has a budget that binds and a
record of failures, so that the combination must be searched for.

    python benchmarks/choice.py [--rounds N] [--json]
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import cycle, islice
from statistics import median
from typing import NamedTuple

from orchestrator.selection import Circumstances, TrackRecord, quote
from shared_knowledge.catalogue import Catalogue
from shared_knowledge.platform_facts import Model, Platform
from shared_knowledge.vocabulary import (
    Medium,
    Money,
    PhotoSpec,
    Plan,
    Shot,
    Spec,
    Task,
    Understanding,
    VideoSpec,
    VoiceSpec,
)

TASKS, MODELS = 50, 60
LIMIT_MS = 100.0
DAY = date(2026, 11, 20)
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
SHAPES = (("9:16", 1080, 1920), ("16:9", 1920, 1080), ("1:1", 1080, 1080))


class Row(NamedTuple):
    """One way to choose: its CPU milliseconds, the naive pass beside it, and what was found."""

    name: str
    cpu_ms: float
    naive_ms: float
    offers: int
    chosen: int

    @property
    def ratio(self) -> float:
        return self.cpu_ms / self.naive_ms

    @property
    def good(self) -> bool:
        return self.cpu_ms < LIMIT_MS


def main() -> int:
    """Measures, prints a table, and answers 1 if a goal was missed."""
    asked = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    asked.add_argument("--rounds", type=int, default=9, help="how often each is done (default 9)")
    asked.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = asked.parse_args()
    rows = measure(options.rounds)
    if options.json:
        print(json.dumps([{**row._asdict(), "ratio": row.ratio, "good": row.good} for row in rows]))
    else:
        print_table(rows)
    return 0 if all(row.good for row in rows) else 1


def measure(rounds: int) -> list[Row]:
    """Clips alone, which are the hardest, and a plan of all media; as it is, and with limits that bind."""
    found = []
    for name, media in (("clips", (Medium.VIDEO,)), ("all media", tuple(Medium))):
        catalogue, plan = sixty_models(media), fifty_tasks(media)
        ready = frozenset(platform.id for platform in catalogue.platforms if not platform.local)
        free = Circumstances(today=DAY, ready=ready)
        estimate = quote(plan, catalogue, free, NOW).estimate
        failing = {
            (platform.id, model.id): TrackRecord(made=20, failed=number % 13)
            for number, (platform, model) in enumerate(catalogue.models())
        }
        bound = replace(free, records=failing, budget=Money(int(estimate) * 101 // 100))
        for limits, around in (("", free), (", bound", bound)):
            found.append(compare(f"{name}{limits}", plan, catalogue, around, rounds))
    return found


def compare(name: str, plan: Plan, catalogue: Catalogue, around: Circumstances, rounds: int) -> Row:
    """Choice and naive pass in turns."""
    ours, theirs = [], []
    told = quote(plan, catalogue, around, NOW)
    for _ in range(rounds):
        ours.append(cpu_ms(lambda: quote(plan, catalogue, around, NOW)))
        theirs.append(cpu_ms(lambda: naive(plan, catalogue)))
    return Row(
        name,
        median(ours),
        median(theirs),
        offers=sum(len(line.offers) for line in told.lines),
        chosen=sum(line.chosen is not None for line in told.lines),
    )


def cpu_ms(work: Callable[[], object]) -> float:
    """How much CPU something uses."""
    began = time.process_time()
    work()
    return 1000 * (time.process_time() - began)


def naive(plan: Plan, catalogue: Catalogue) -> list[Decimal | None]:
    """The lowest product of a price and a length, for every task."""
    cheapest: list[Decimal | None] = []
    for task in plan.tasks:
        spec, lowest = task.spec, None
        units = Decimal(str(spec.duration_s)) if isinstance(spec, VideoSpec) else Decimal(1)
        for _, model in catalogue.models(task.medium):
            price = next((row for row in model.prices if row.holds(DAY)), None)
            if price is not None and (lowest is None or price.usd * units < lowest):
                lowest = price.usd * units
        cheapest.append(lowest)
    return cheapest


def sixty_models(media: Sequence[Medium]) -> Catalogue:
    """The catalogue with sixty models for each of these media: the real ones, and namesakes of them."""
    own = Catalogue.load()
    platforms = [platform for platform in own.platforms if platform.medium not in media or platform.local]
    for medium in media:
        real = [both for both in own.models(medium) if not both[0].local]
        wanted = MODELS - sum(1 for platform, _ in own.models(medium) if platform.local)
        served: dict[str, tuple[Platform, list[Model]]] = {}
        for number, (platform, model) in enumerate(islice(cycle(real), wanted)):
            again = f"-{number}" if number >= len(real) else ""
            namesake = model.model_copy(update={"id": f"{model.id}{again}"})
            served.setdefault(platform.id, (platform, []))[1].append(namesake)
        platforms += [p.model_copy(update={"models": tuple(models)}) for p, models in served.values()]
    grown = Catalogue.__new__(Catalogue)
    vars(grown).update(vars(own), platforms=tuple(platforms), _by_id={p.id: p for p in platforms})
    return grown


def fifty_tasks(media: Sequence[Medium]) -> Plan:
    """Fifty tasks, no two of them alike."""
    tasks = [
        Task(id=f"{medium}-{number}", spec=spec_of(medium, number))
        for number, medium in islice(enumerate(cycle(media)), TASKS)
    ]
    return Plan(brief="", brief_language="en", understanding=Understanding(), coverage=(), tasks=tuple(tasks))


def spec_of(medium: Medium, number: int) -> Spec:
    """A task whose length, shape and words are its own."""
    ratio, width, height = SHAPES[number % len(SHAPES)]
    shape = {"aspect_ratio": ratio, "width": width, "height": height, "subject": f"mug {number}"}
    if medium is Medium.PHOTO:
        return PhotoSpec.model_validate({**shape, "references": ("mug.png",) * (number % 2)})
    if medium is Medium.VOICE:
        return VoiceSpec(script="A mug for every morning. " * (number + 1))
    seconds = 4 + number * 0.5
    shots = [Shot(label="a", scene=f"a mug, {number}", duration_s=seconds)]
    return VideoSpec.model_validate({**shape, "shots": shots, "duration_s": seconds})


def print_table(rows: Sequence[Row]) -> None:
    """One line a plan, for a person."""
    print(f"{TASKS} tasks x {MODELS} models of their medium; the choice may use {LIMIT_MS:g} ms of CPU")
    print(f"{'plan':<20}{'offers':>8}{'chosen':>8}{'CPU ms':>9}{'naive ms':>10}{'ratio':>8}")
    for row in rows:
        verdict = "" if row.good else "  <- missed"
        print(
            f"{row.name:<20}{row.offers:>8}{row.chosen:>8}{row.cpu_ms:>9.1f}{row.naive_ms:>10.2f}{row.ratio:>8.1f}{verdict}"
        )


if __name__ == "__main__":
    sys.exit(main())
