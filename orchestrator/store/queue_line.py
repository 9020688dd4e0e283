"""The line from a worker to its queue: it holds while the server is away, and makes the queue's tables."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, LiteralString, TypeVar

import psycopg
from procrastinate import PsycopgConnector
from procrastinate.connector import Notify
from procrastinate.exceptions import ConnectorException
from procrastinate.schema import SchemaManager
from psycopg.rows import DictRow

from config.settings import without_credentials
from orchestrator.store.postgres import GREETING, dial, key_of, parameters, plain_words

__all__ = ["QueueLine", "set_up_queue"]

T = TypeVar("T")

_log = logging.getLogger(__name__)

_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 2.0
_LAST_TRIES_S = 10.0  # whoever leaves waits no longer: what it had in hand is found by those who stay
_RECONNECT_TAKES_S = 3.0
_CONNECTION_TAKES_S = 5.0
_MOST = 4
_HINTS = "agentes_hints"

# With 8,000 waiting, and before the server knows of them, whose turn it is was found in 311 ms without the first
# of these and in 31 ms with it; once the server has looked, in half a millisecond: so it looks often.
_SHORT_CUTS = """
    create index agentes_queue_places on procrastinate_jobs (lock, priority desc, id)
        where status in ('todo', 'doing');
    create index agentes_queue_clock on procrastinate_jobs (priority) where status = 'doing';
    alter table procrastinate_jobs set (autovacuum_analyze_threshold = 500, autovacuum_analyze_scale_factor = 0,
        autovacuum_vacuum_threshold = 500, autovacuum_vacuum_scale_factor = 0.02);
"""


def set_up_queue(url: str) -> None:
    """Makes the tables of the queue, if they are not there; two processes may try at once."""
    with dial(url) as session, plain_words(session, without_credentials(url)), session.transaction():
        session.execute(f"select pg_advisory_xact_lock({key_of('queue')})")
        row = session.execute("select to_regclass('procrastinate_jobs') is null as new").fetchone()
        if row is not None and row["new"]:
            session.execute(SchemaManager.get_schema().encode(), prepare=False)
            session.execute(_SHORT_CUTS, prepare=False)


class QueueLine(PsycopgConnector):
    """Asks the server again where the connection broke off, for as long as somebody wants to work."""

    def __init__(self, url: str, hint: Callable[[str, str], object] = lambda platform, number: None) -> None:
        super().__init__(
            kwargs=parameters(url),
            min_size=0,
            max_size=_MOST,
            timeout=_CONNECTION_TAKES_S,
            reconnect_timeout=_RECONNECT_TAKES_S,
            configure=_greet,
            name="queue",
        )
        self._where = without_credentials(url)
        self._hint = hint
        self.in_touch_since: float | None = time.monotonic()
        self.is_leaving = False

    async def execute_query_async(self, query: LiteralString, **arguments: Any) -> None:
        """Runs a statement."""
        ask = super().execute_query_async
        await self._patiently(lambda: ask(query, **arguments))

    async def execute_query_one_async(self, query: LiteralString, **arguments: Any) -> dict[str, Any]:
        """The one row that answers."""
        ask = super().execute_query_one_async
        return await self._patiently(lambda: ask(query, **arguments))

    async def execute_query_all_async(self, query: LiteralString, **arguments: Any) -> list[dict[str, Any]]:
        """Every row that answers."""
        ask = super().execute_query_all_async
        return await self._patiently(lambda: ask(query, **arguments))

    async def listen_notify(self, on_notification: Notify, channels: Iterable[str]) -> None:
        """Hears of new jobs, and of work that may be worth a look, until it is cancelled."""
        listen, named = super().listen_notify, (*channels, _HINTS)

        async def hear(*, channel: str, payload: str) -> None:
            if channel != _HINTS:
                await on_notification(channel=channel, payload=payload)
                return
            platform, _, number = payload.partition(" ")
            self._hint(platform, number)

        await self._patiently(lambda: listen(hear, named))

    async def _patiently(self, work: Callable[[], Awaitable[T]]) -> T:
        pause_s, begun = _PAUSE_S, time.monotonic()
        while True:
            try:
                answer = await work()
            except ConnectorException as error:
                if not isinstance(error.__cause__, psycopg.OperationalError | psycopg.InterfaceError):
                    raise
                if self.in_touch_since is not None:
                    _log.warning("The queue in %s does not answer: %s", self._where, _said(error.__cause__))
                self.in_touch_since = None
                if self.is_leaving and time.monotonic() - begun > _LAST_TRIES_S:
                    raise
            else:
                if self.in_touch_since is None:
                    _log.warning("The queue in %s answers again.", self._where)
                    self.in_touch_since = time.monotonic()
                return answer
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)


async def _greet(connection: psycopg.AsyncConnection[DictRow]) -> None:
    await connection.execute(GREETING, prepare=False)
    await connection.commit()


def _said(error: psycopg.Error) -> str:
    said = error.diag.message_primary or str(error)
    return " ".join(said.split("\n", maxsplit=1)[0].split()).rstrip(".")
