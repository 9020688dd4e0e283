"""The ledger in PostgreSQL: the engine of many machines, of which one at a time writes."""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import TransactionStatus
from psycopg.rows import DictRow, dict_row

from config.settings import without_credentials
from orchestrator.store.database import Conflict, Connection, HopedInVain, Row
from orchestrator.store.redial import Lost
from orchestrator.store.sql import newest, query, route
from shared_knowledge.errors import BadRequest, Broken

__all__ = ["GREETING", "Postgres", "dial", "key_of", "parameters", "plain_words"]

# Whoever vanishes without a word is noticed in half a minute, by us and by the server, for it may be
# holding what everybody else waits for. A copy of the database is never asked: it may lag behind.
_MANNERS: Mapping[str, Any] = {
    "application_name": "agentes",
    "client_encoding": "utf8",
    "connect_timeout": 10,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
    "target_session_attrs": "read-write",
}
GREETING = """
    set synchronous_commit = on;
    set idle_in_transaction_session_timeout = '30s';
    set lock_timeout = '60s';
    set tcp_keepalives_idle = 15;
    set tcp_keepalives_interval = 5;
    set tcp_keepalives_count = 3;
"""
# By the first letters of its code: a connection that failed, a transaction to be tried again, a plan
# from before somebody's migration, a copy, a silence that was too long, a full house, a shutdown.
_AGAIN = ("08", "40", "0A000", "25006", "25P03", "53300", "57P")

_TODO = "See that the server is up and that AGENTES_DATABASE_URL is right; "
_PARAMETER = re.compile(r"(?<![:\w]):(\w+)")
_SERIAL = "bigint generated always as identity primary key"
_TEXT = re.compile(r"(?<=\s)text(?=[\s,;)])")
_TEXT_BY_BYTES = 'text collate "C"'  # sorts as in SQLite, whatever language the server was set up in


class Postgres:
    """PostgreSQL, as the ledger needs it: whoever writes holds one lock until it is on the disk."""

    def __init__(self, url: str) -> None:
        self.where = without_credentials(url)
        self._url = url

    def connect(self) -> Connection:
        """A connection of its own."""
        return _Connection(dial(self._url), self.where)

    def migrate(self, connection: Connection, to: int | None = None) -> int:
        """Brings a database to a shape, in one transaction, and says which it had; two processes may try at once."""
        assert isinstance(connection, _Connection)
        return connection.migrate(to)


class _Connection:
    """One open session."""

    def __init__(self, session: psycopg.Connection[DictRow], where: str) -> None:
        self._session = session
        self._where = where
        self._hopeful = False  # nobody has failed yet, so there are no marks: each is a trip to the server
        self._touched = False  # something was changed since the last mark
        self._kept = False  # the last mark is still to be released, together with the next one

    def run(self, name: str, values: Mapping[str, object]) -> int:
        return self._ask(name, values).rowcount

    def rows(self, name: str, values: Mapping[str, object]) -> Sequence[Row]:
        cursor = self._ask(name, values)
        with plain_words(self._session, self._where):
            return cursor.fetchall()

    def begin(self, *, hopeful: bool = False) -> None:
        self._hopeful, self._kept = hopeful, False
        self._say(f"begin isolation level read committed; select pg_advisory_xact_lock({key_of('ledger')})")

    def mark(self) -> None:
        self._touched = False
        if not self._hopeful:
            self._say("release savepoint ask; savepoint ask" if self._kept else "savepoint ask")
        self._kept = False

    def keep(self) -> None:
        self._kept = True

    def undo(self) -> None:
        if not self._hopeful:
            self._say("rollback to savepoint ask; release savepoint ask")
        elif self._touched or self._session.info.transaction_status is TransactionStatus.INERROR:
            raise HopedInVain

    def commit(self) -> None:
        try:
            with plain_words(self._session, self._where):
                said = self._session.execute("commit", prepare=False).statusmessage
        except Lost as lost:
            raise Lost(
                f"The connection to the ledger {self._where} broke off while it was writing: "
                "nobody knows whether that was kept.",
                todo="Carry on with `agentes resume`: whatever was kept is found there, and nothing is bought twice.",
            ) from lost
        if said != "COMMIT":  # the server's way of saying that it had to undo it
            raise Broken(
                f"The ledger {self._where} undid what was written.", todo=f"{_TODO}nothing was lost."
            )

    def rollback(self) -> None:
        self._say("rollback")

    def close(self) -> None:
        self._session.close()

    def migrate(self, to: int | None) -> int:
        self.begin()
        try:
            with plain_words(self._session, self._where):
                seen = self._seen()
                if seen <= newest():
                    for script in route(seen, to):
                        self._session.execute(_script(script), prepare=False)
                    goal = newest() if to is None else to
                    self._session.execute("update agentes_migrations set seen = %s", [goal])
        except BaseException:
            with contextlib.suppress(Broken):
                self.rollback()
            raise
        self.commit()
        if seen > newest():
            raise Broken(
                "The ledger was written by a newer Agentes than this one.",
                todo="Update Agentes, or let AGENTES_DATABASE_URL name another database.",
            )
        return seen

    def _seen(self) -> int:
        """How many scripts this database has seen, kept where it can be looked at."""
        look = "select to_regclass('agentes_migrations') is null as new, current_setting('server_encoding') as letters"
        row = self._session.execute(look).fetchone()
        assert row is not None
        if row["letters"] != "UTF8":
            raise Broken(
                f"The database {self._where} keeps its text in {row['letters']}.",
                todo="Make one with `create database … encoding 'UTF8' template template0`.",
            )
        if row["new"]:
            make = "create table agentes_migrations (seen bigint not null); insert into agentes_migrations values (0)"
            self._session.execute(make, prepare=False)
        counted = self._session.execute("select seen from agentes_migrations").fetchone()
        return int(counted["seen"]) if counted else 0

    def _ask(self, name: str, values: Mapping[str, object]) -> psycopg.Cursor[DictRow]:
        question, reads = _question(name)
        self._touched |= not reads
        with plain_words(self._session, self._where):
            return self._session.execute(question, values)

    def _say(self, words: str) -> None:
        with plain_words(self._session, self._where):
            self._session.execute(words.encode(), prepare=False)


def dial(url: str) -> psycopg.Connection[DictRow]:
    """A session of this program's own, in which every statement stands for itself; Lost if nobody answers."""
    told = parameters(url)
    try:
        session = psycopg.connect(**told, autocommit=True, row_factory=dict_row)
        session.execute(GREETING, prepare=False)
    except psycopg.Error as error:
        # The driver's words may repeat a password, and so may the error they came with.
        raise Lost(
            f"The ledger {without_credentials(url)} cannot be reached: {_without_passwords(str(error), url)}.",
            todo=f"{_TODO}nothing was lost.",
        ) from None
    return session


def parameters(url: str) -> dict[str, Any]:
    """How to connect there, with the manners of this program where the address says nothing else."""
    try:
        return {**_MANNERS, **conninfo_to_dict(url)}
    except psycopg.Error:
        raise BadRequest(
            f"AGENTES_DATABASE_URL is not an address PostgreSQL understands: {without_credentials(url)}.",
            todo="It looks like postgresql://user:password@host:5432/name, with %-codes for unusual letters.",
        ) from None


@contextlib.contextmanager
def plain_words(session: psycopg.Connection[Any], where: str) -> Iterator[None]:
    """Turns the driver's errors into ours: Conflict, Lost, or Broken."""
    try:
        yield
    except (psycopg.IntegrityError, psycopg.DataError) as error:
        raise Conflict(f"The ledger refuses it: {_first_line(error)}.") from error
    except psycopg.Error as error:
        code = error.sqlstate or ""
        if session.closed or code.startswith(_AGAIN):
            raise Lost(
                f"The connection to the ledger {where} broke off: {_first_line(error)}.",
                todo=f"{_TODO}nothing was lost.",
            ) from error
        if not code:
            raise  # the driver's own complaint: a mistake of ours
        raise Broken(
            f"The ledger {where} cannot be used: {_first_line(error)}.", todo=f"{_TODO}nothing was lost."
        ) from error


def key_of(name: str) -> int:
    """The number under which a lock of that name is known to every process, whatever its release."""
    digest = hashlib.sha256(f"agentes {name}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


@cache
def _question(name: str) -> tuple[bytes, bool]:
    """The query of that name as the driver wants it, and whether it only reads."""
    said = query(name)
    return _PARAMETER.sub(r"%(\1)s", said.replace("%", "%%")).encode(), said.startswith("select")


def _script(script: str) -> bytes:
    return _TEXT.sub(_TEXT_BY_BYTES, script.replace("{serial}", _SERIAL)).encode()


def _first_line(error: psycopg.Error) -> str:
    said = error.diag.message_primary or str(error)
    return " ".join(said.split("\n", maxsplit=1)[0].split()).rstrip(".")


def _without_passwords(said: str, url: str) -> str:
    parts = urlsplit(url)
    named = [value for name, value in parse_qsl(parts.query) if "pass" in name]
    for password in filter(None, [parts.password, unquote(parts.password or ""), *named]):
        said = said.replace(password, "…")
    return " ".join(said.split()).rstrip(".")
