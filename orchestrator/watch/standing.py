"""How everything stands at the moment somebody looks: what all processes did together, as the ledger has it."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from orchestrator.watch.ledger import Ledger, Told
from shared_knowledge.errors import Broken

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

__all__ = ["Kept", "Standing"]

_KEPT_S = 15.0
_ANSWERS_WITHIN_S = 3.0
_MICROS = 1_000_000
_STATES = ("queued", "running", "awaiting_approval", "paused", "in_doubt")
_ENDS = ("done", "partial", "failed", "cancelled", "in_doubt")
_DOUBTFUL = ("in_doubt", "needs_review")
_QUANTILES = (0.5, 0.95, 0.99)


class Kept:
    """What the ledger said last; whoever looks again within a few seconds is shown the same."""

    def __init__(self, ledger: Ledger, clock: Callable[[], float]) -> None:
        self._ledger = ledger
        self._clock = clock
        self._lock = threading.Lock()
        self._asking: threading.Thread | None = None
        self._told: Told | None = None
        self._told_at = 0.0
        self.answers = False

    @property
    def age_s(self) -> float:
        return self._clock() - self._told_at

    def told(self) -> Told | None:
        """The last answer; a ledger that hangs keeps nobody for longer than a moment."""
        with self._lock:
            if self._told is None or not self.answers or self.age_s > _KEPT_S:
                if self._asking is None or not self._asking.is_alive():
                    self._asking = threading.Thread(target=self._ask, name="figures", daemon=True)
                    self._asking.start()
                asking = self._asking
            else:
                return self._told
        asking.join(_ANSWERS_WITHIN_S)
        if asking.is_alive():
            self.answers = False
        return self._told

    def _ask(self) -> None:
        try:
            told = self._ledger.ask()
        except Broken:
            self.answers = False
            return
        self._told, self._told_at, self.answers = told, self._clock(), True


class Standing(Collector):
    """How everything stands at the moment somebody looks."""

    def __init__(
        self,
        kept: Kept | None,
        version: str,
        platforms: Sequence[str],
        resting: Callable[[], AbstractSet[str]],
        disk: Path | None,
    ) -> None:
        self._kept = kept
        self._version = version
        self._platforms = platforms
        self._resting = resting
        self._disk = disk

    def describe(self) -> Iterable[Metric]:
        """Nothing beforehand, or the ledger would be asked when nobody looks."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Each figure with its help."""
        yield _gauge("agentes_build", "Which version runs.", {self._version: 1}, "version")
        resting = self._resting()
        yield _gauge(
            "agentes_platform_resting",
            "1 while this process leaves a platform alone: it failed, refused our key or has no credit.",
            {platform: int(platform in resting) for platform in self._platforms},
            "platform",
        )
        if self._disk is not None:
            yield from _room(self._disk)
        if self._kept is not None:
            told = self._kept.told()
            yield GaugeMetricFamily("agentes_ledger_up", "1 if the ledger answered.", int(self._kept.answers))
            if told is not None:
                yield GaugeMetricFamily(
                    "agentes_ledger_figures_age_seconds",
                    "How old the ledger's figures are.",
                    self._kept.age_s,
                )
                yield from _of_ledger(told)


def _room(disk: Path) -> Iterator[Metric]:
    try:
        room = shutil.disk_usage(disk)
    except OSError:
        return
    yield GaugeMetricFamily("agentes_disk_free_bytes", "Room where the state lies.", room.free)
    yield GaugeMetricFamily("agentes_disk_size_bytes", "Size of that disk.", room.total)


def _of_ledger(told: Told) -> Iterator[Metric]:
    yield _gauge(
        "agentes_jobs",
        "Jobs that have not come to their end, by state.",
        {state: told.jobs[state].n if state in told.jobs else 0 for state in _STATES},
        "state",
    )
    yield _gauge(
        "agentes_oldest_job_seconds",
        "Since when the oldest of them was taken.",
        {state: told.jobs[state].oldest_s if state in told.jobs else 0.0 for state in _STATES},
        "state",
    )
    yield _gauge(
        "agentes_jobs_ended_lately",
        "Jobs that ended in the last 15 minutes, by how.",
        {end: sum(job.state == end for job in told.ended) for end in _ENDS},
        "state",
    )
    yield _latencies(told)
    yield from _money(told)
    yield GaugeMetricFamily("agentes_webhooks_waiting", "Webhooks that are to be delivered.", told.letters.n)
    yield GaugeMetricFamily(
        "agentes_webhooks_overdue_seconds", "Since when the first of them is due.", told.letters.oldest_s
    )
    if told.workers is not None:
        yield GaugeMetricFamily("agentes_workers_alive", "Workers heard of in the last 30 s.", told.workers)
        yield _gauge(
            "agentes_queue_jobs",
            "Jobs in the queue of the workers: todo waits, doing is in hand.",
            {status: told.queue.get(status, 0) for status in ("todo", "doing")},
            "status",
        )
    if told.clock_ahead_s is not None:
        yield GaugeMetricFamily(
            "agentes_clock_ahead_seconds", "How far our clock is ahead of the database's.", told.clock_ahead_s
        )


def _latencies(told: Told) -> Metric:
    took = sorted(job.took_s for job in told.ended if job.state in ("done", "partial"))
    made = GaugeMetricFamily(
        "agentes_job_seconds",
        "From taking a job to handing it over, of those made in the last 15 minutes.",
        labels=("quantile",),
    )
    for quantile in _QUANTILES if took else ():
        made.add_metric((str(quantile),), took[min(len(took) - 1, int(quantile * len(took)))])
    return made


def _money(told: Told) -> Iterator[Metric]:
    spent = _Sums("agentes_spent_today_usd", "Charged today (UTC) for what was made.")
    wasted = _Sums("agentes_wasted_today_usd", "Charged today (UTC) for what failed.")
    ended = GaugeMetricFamily(
        "agentes_orders_today",
        "Orders placed today (UTC), by how they stand.",
        labels=("platform", "medium", "state"),
    )
    for row in told.bought:
        place = (row.platform, row.medium)
        ended.add_metric((*place, row.state), row.n)
        if row.state == "settled":
            spent.add(place, row.micros)
        elif row.state == "failed_charged":
            wasted.add(place, row.micros)
    yield spent.metric()
    yield wasted.metric()
    yield ended
    yield _gauge(
        "agentes_open_money_usd",
        "Money that is set aside: for orders under way, or in doubt.",
        {
            "reserved": sum(price for state, (_, price) in told.money.items() if state not in _DOUBTFUL)
            / _MICROS,
            "in_doubt": sum(price for state, (_, price) in told.money.items() if state in _DOUBTFUL)
            / _MICROS,
        },
        "what",
    )
    yield _gauge(
        "agentes_open_orders",
        "Orders that have not come to their end; review waits for a person.",
        {
            "under_way": sum(n for state, (n, _) in told.money.items() if state not in _DOUBTFUL),
            "in_doubt": told.money.get("in_doubt", (0, 0))[0],
            "review": told.money.get("needs_review", (0, 0))[0],
        },
        "what",
    )


class _Sums:
    """Amounts by platform and medium."""

    def __init__(self, name: str, about: str) -> None:
        self._family = GaugeMetricFamily(name, about, labels=("platform", "medium"))
        self._micros: dict[tuple[str, str], int] = {}

    def add(self, place: tuple[str, str], micros: int) -> None:
        """So much more."""
        self._micros[place] = self._micros.get(place, 0) + micros

    def metric(self) -> Metric:
        """The amounts in dollars."""
        for place, micros in self._micros.items():
            self._family.add_metric(place, micros / _MICROS)
        return self._family


def _gauge(name: str, about: str, values: Mapping[str, float], label: str) -> Metric:
    family = GaugeMetricFamily(name, about, labels=(label,))
    for word, value in values.items():
        family.add_metric((word,), value)
    return family
