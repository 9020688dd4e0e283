"""What the ledger says about the service as a whole: what waits, what ended, what it costs; of no one customer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from orchestrator.store.database import Connection, Engine, Transaction, open_engine
from orchestrator.store.redial import Redial

__all__ = ["Ended", "Ledger", "Open", "Spent", "Told"]

_LATELY = timedelta(minutes=15)
_ENDED_MOST = 20_000
_PATIENCE_S = 2.0


class Open(NamedTuple):
    """What stands in one state: how many, and for how long the first of them."""

    n: int
    oldest_s: float = 0.0


class Ended(NamedTuple):
    """A job that ended lately: how, and how long it took from the moment it was taken."""

    state: str
    took_s: float


class Spent(NamedTuple):
    """What was bought today on one platform in one medium, by how the orders stand; in micro-dollars."""

    platform: str
    medium: str
    state: str
    n: int
    micros: int


class Told(NamedTuple):
    """Everything the ledger says at one moment."""

    jobs: Mapping[str, Open]
    ended: Sequence[Ended]
    money: Mapping[str, tuple[int, int]]
    bought: Sequence[Spent]
    letters: Open
    queue: Mapping[str, int]
    workers: int | None
    clock_ahead_s: float | None


class Ledger:
    """Asks the ledger, over a connection of its own so that nobody who works waits for whoever watches."""

    def __init__(
        self,
        where: str,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        patience_s: float = _PATIENCE_S,
    ) -> None:
        self._engine: Engine = open_engine(where)
        self._is_shared = where.startswith("postgresql://")
        self._ending = threading.Event()
        self._redial: Redial[Connection] = Redial(
            self._engine.connect, patience_s=patience_s, ending=self._ending
        )
        self._asking = threading.Lock()
        self._now = now

    def ask(self) -> Told:
        """How everything stands now; Broken if the ledger does not answer."""
        with self._asking:
            return self._redial.use(lambda connection: self._told(Transaction(connection)))

    def close(self) -> None:
        """Ends the connection; who asks at this moment is told so."""
        self._ending.set()
        with self._asking:
            self._redial.drop()

    def _told(self, ledger: Transaction) -> Told:
        now = self._now()
        today = now.date().isoformat()
        queue, workers, ahead_s = self._queue(ledger)
        letters = ledger.rows("letters_waiting")[0]
        lately = {"since": (now - _LATELY).isoformat(), "most": _ENDED_MOST}
        return Told(
            jobs={
                row["state"]: Open(row["n"], _age_s(row["oldest"], now))
                for row in ledger.rows("open_jobs_by_state")
            },
            ended=[
                Ended(row["state"], _age_s(row["created_at"], _moment(row["ended_at"])))
                for row in ledger.rows("jobs_ended_lately", **lately)
            ],
            money={row["state"]: (row["n"], row["price"]) for row in ledger.rows("open_money")},
            bought=[
                Spent(row["platform"], row["medium"], row["state"], row["n"], row["cost"])
                for row in ledger.rows("bought_since", since=today)
            ],
            letters=Open(letters["n"], max(0.0, _age_s(letters["oldest"], now)) if letters["n"] else 0.0),
            queue=queue,
            workers=workers,
            clock_ahead_s=ahead_s,
        )

    def _queue(self, ledger: Transaction) -> tuple[Mapping[str, int], int | None, float | None]:
        if not self._is_shared:
            return {}, None, None
        ahead_s = self._now().timestamp() - float(ledger.rows("clock")[0]["at"])
        if not ledger.rows("there_is_a_queue")[0]["yes"]:
            return {}, None, ahead_s
        lengths = {row["status"]: row["n"] for row in ledger.rows("queue_lengths")}
        return lengths, ledger.rows("workers_alive")[0]["n"], ahead_s


def _age_s(at: str, now: datetime) -> float:
    return max(0.0, (now - _moment(at)).total_seconds())


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
