"""Locks by name that PostgreSQL keeps for whoever is connected: they go with the process, on any machine."""

from __future__ import annotations

import contextlib
import threading

import psycopg
from psycopg.rows import DictRow

from config.settings import without_credentials
from orchestrator.store.postgres import dial, key_of, plain_words
from orchestrator.store.redial import Redial
from shared_knowledge.errors import Broken

__all__ = ["AdvisoryLocks"]

_PATIENCE_S = 15.0
_LOOK_AFTER_THEM_S = 5.0
_TAKE = "select pg_try_advisory_lock(%s) as yes"
_LET_GO = "select pg_advisory_unlock(%s) as yes"
_LOOK = """
    select exists (
        select from pg_locks
        where locktype = 'advisory' and objsubid = 1 and granted
            and database = (select oid from pg_database where datname = current_database())
            and (classid::bigint << 32) | objid::bigint = %s
    ) as yes
"""


class AdvisoryLocks:
    """All the locks of one process, held over one connection.

    Where that breaks off, the locks are free for a moment; they are taken again as soon as it is noticed.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._where = without_credentials(url)
        self._held: set[str] = set()
        self._asking = threading.Lock()
        self._closing = threading.Event()
        self._line = Redial(self._dial, patience_s=_PATIENCE_S, ending=self._closing)
        self._keeper: threading.Thread | None = None

    def take(self, name: str) -> bool:
        """Takes the lock, if nobody has it."""
        with self._asking:
            if name in self._held or not self._ask(_TAKE, name):
                return False
            self._held.add(name)
            if self._keeper is None:
                self._keeper = threading.Thread(target=self._look_after_them, name="locks", daemon=True)
                self._keeper.start()
            return True

    def let_go(self, name: str) -> None:
        """Gives the lock back."""
        with self._asking:
            self._held.discard(name)
            if not self._line.is_open:
                return
            try:
                self._answer(self._line.connection, _LET_GO, name)
            except Broken:
                self._line.drop()  # and every lock with it; those still wanted are taken again

    def is_taken(self, name: str) -> bool:
        """Whether anybody, this process or another, has the lock."""
        with self._asking:
            return self._ask(_LOOK, name)

    def close(self) -> None:
        """Lets go of everything."""
        self._closing.set()
        if self._keeper is not None:
            self._keeper.join()
        with self._asking:
            self._line.drop()

    def _ask(self, question: str, name: str) -> bool:
        return self._line.use(lambda session: self._answer(session, question, name))

    def _answer(self, session: psycopg.Connection[DictRow], question: str, name: str) -> bool:
        with plain_words(session, self._where):
            row = session.execute(question.encode(), [key_of(name)]).fetchone()
        return bool(row and row["yes"])

    def _dial(self) -> psycopg.Connection[DictRow]:
        session = dial(self._url)
        for name in tuple(self._held):
            if not self._answer(session, _TAKE, name):
                self._held.discard(name)  # somebody else was faster: the fence of the job stops us
        return session

    def _look_after_them(self) -> None:
        while not self._closing.wait(_LOOK_AFTER_THEM_S):
            with self._asking, contextlib.suppress(Broken):
                if self._held:
                    self._ask(_LOOK, "")
