"""A whole ledger from a server into a file, or from a file to a server: the same tables, row by row."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import DictRow, tuple_row
from psycopg.sql import SQL, Identifier, Literal, Placeholder

from config.settings import without_credentials
from orchestrator.store.postgres import Postgres, dial, plain_words
from shared_knowledge.errors import BadRequest

__all__ = ["from_server", "to_server"]

_AT_A_TIME = 1000


def from_server(url: str, file: Path) -> None:
    """Fills an empty ledger in a file with all that is on a server at one moment."""
    _bring_up_to_date(url)
    with closing(sqlite3.connect(file)) as ledger, _session(url) as session:
        session.execute("set transaction isolation level repeatable read, read only")
        for table, columns in _tables(ledger):
            named = SQL(", ").join(map(Identifier, columns))
            marks = ", ".join("?" * len(columns))
            with session.cursor(f"copy of {table}", row_factory=tuple_row) as rows:
                rows.execute(SQL("select {} from {}").format(named, Identifier(table)))
                while some := rows.fetchmany(_AT_A_TIME):
                    ledger.executemany(
                        f"insert into {table} ({', '.join(columns)}) values ({marks})",  # noqa: S608 - our own names
                        some,
                    )
        ledger.commit()


def to_server(file: Path, url: str) -> None:
    """Fills the ledger on a server, in which there must be no job yet, with all that is in a file."""
    _bring_up_to_date(url)
    with closing(sqlite3.connect(file)) as ledger, _session(url) as session:
        _insist_on_room(session, url)
        for table, columns in _tables(ledger):
            into, named = Identifier(table), SQL(", ").join(map(Identifier, columns))
            insert = SQL("insert into {} ({}) overriding system value values ({})").format(
                into, named, SQL(", ").join([Placeholder()] * len(columns))
            )
            session.execute(SQL("delete from {}").format(into))
            rows = ledger.execute(f"select {', '.join(columns)} from {table}")  # noqa: S608 - our own names
            while some := rows.fetchmany(_AT_A_TIME):
                session.cursor().executemany(insert, some)
            _count_on(session, table)


def _bring_up_to_date(url: str) -> None:
    engine = Postgres(url)
    with closing(engine.connect()) as connection:
        engine.migrate(connection)


@contextmanager
def _session(url: str) -> Iterator[psycopg.Connection[DictRow]]:
    """One transaction."""
    with dial(url) as session, plain_words(session, without_credentials(url)), session.transaction():
        yield session


def _tables(ledger: sqlite3.Connection) -> Iterator[tuple[str, Sequence[str]]]:
    """Every table of ours with its columns, those that others refer to first."""
    listed = "select name from sqlite_master where type = 'table' and name not like 'sqlite_%' order by rowid"
    for (table,) in ledger.execute(listed).fetchall():
        yield table, [column[1] for column in ledger.execute(f"pragma table_info({table})")]


def _insist_on_room(session: psycopg.Connection[DictRow], url: str) -> None:
    if _yes(session, SQL("select exists (select from jobs) as yes")):
        raise BadRequest(
            f"{without_credentials(url)} holds jobs, and a copy never takes their place.",
            todo="Let AGENTES_DATABASE_URL name an empty database.",
        )
    remembers = _yes(session, SQL("select to_regclass('checkpoints') is not null as yes"))
    if remembers and _yes(session, SQL("select exists (select from checkpoints) as yes")):
        raise BadRequest(
            f"{without_credentials(url)} remembers runs of another ledger.",
            todo="Let AGENTES_DATABASE_URL name an empty database.",
        )


def _count_on(session: psycopg.Connection[DictRow], table: str) -> None:
    """Numbers that the server gives out go on behind those that came along."""
    look = """
        select column_name from information_schema.columns
        where table_schema = current_schema() and table_name = %s and is_identity = 'YES'
    """
    for row in session.execute(look, [table]).fetchall():
        column = row["column_name"]
        go_on = "select setval(pg_get_serial_sequence({}, {}), max({})) from {} having max({}) is not null"
        session.execute(
            SQL(go_on).format(
                Literal(table), Literal(column), Identifier(column), Identifier(table), Identifier(column)
            )
        )


def _yes(session: psycopg.Connection[DictRow], question: Any) -> bool:
    row = session.execute(question).fetchone()
    return bool(row and row["yes"])
