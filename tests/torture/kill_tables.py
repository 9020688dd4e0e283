"""What is in the tables, read from outside: by another connection, as it is committed."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

__all__ = ["LEDGER", "InFiles", "OnServer", "Tables"]

LEDGER = ("jobs", "orders", "budgets", "holds", "outcomes", "events")
_GRAPH = ("checkpoints", "writes", "checkpoint_writes", "checkpoint_blobs")

Rows = Sequence[Mapping[str, Any]]


class Tables(Protocol):
    """Where a job's tables are."""

    url: str | None  # nothing where each home has its own

    def begin(self) -> None:
        """There are no rows any more."""

    def ledger(self, home: Path) -> dict[str, Rows]:
        """The tables of the ledger, by name."""

    def graph(self, home: Path) -> list[tuple[Any, ...]]:
        """How many rows the graph keeps of which job, in which table."""


class InFiles:
    """Each home has its own files."""

    url: str | None = None

    def begin(self) -> None:
        """A new home is empty."""

    def ledger(self, home: Path) -> dict[str, Rows]:
        """The tables of the ledger, by name."""
        found: dict[str, Rows] = dict.fromkeys(LEDGER, ())
        for ledger, there in _opened(home / "practice.db"):
            for name in there & found.keys():
                found[name] = [dict(row) for row in ledger.execute(f"select * from {name} order by 1, 2")]
        return found

    def graph(self, home: Path) -> list[tuple[Any, ...]]:
        """How many rows the graph keeps of which job, in which table."""
        return [
            (name, *row)
            for graph, there in _opened(home / "graph.db")
            for name in _GRAPH
            if name in there
            for row in graph.execute(f"select thread_id, count(*) from {name} group by 1 order by 1")
        ]


def _opened(file: Path) -> Iterator[tuple[sqlite3.Connection, set[str]]]:
    if not file.exists():
        return
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as opened:
        opened.row_factory = sqlite3.Row
        yield (
            opened,
            {row[0] for row in opened.execute("select name from sqlite_master where type = 'table'")},
        )


class OnServer:
    """All homes share one database, one after the other."""

    def __init__(self, url: str) -> None:
        self.url: str | None = url
        self._sessions: dict[int, Any] = {}

    def begin(self) -> None:
        """There are no rows any more; the tables stay."""
        names = [name for name in self._there() if name in (*LEDGER, *_GRAPH)]
        if names:
            self._session().execute(f"truncate {', '.join(names)} cascade".encode())

    def ledger(self, home: Path) -> dict[str, Rows]:
        """The tables of the ledger, by name."""
        there = self._there()
        return {
            name: self._ask(f"select * from {name} order by 1, 2") if name in there else () for name in LEDGER
        }

    def graph(self, home: Path) -> list[tuple[Any, ...]]:
        """How many rows the graph keeps of which job, in which table."""
        there = self._there()
        return [
            (name, row["thread_id"], row["rows"])
            for name in _GRAPH
            if name in there
            for row in self._ask(f"select thread_id, count(*) as rows from {name} group by 1 order by 1")
        ]

    def _there(self) -> set[str]:
        return {
            row["tablename"]
            for row in self._ask("select tablename from pg_tables where schemaname = 'public'")
        }

    def _ask(self, question: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._session().execute(question.encode()).fetchall()
        return found

    def _session(self) -> Any:
        """Each process has its own: a fork that dies in the middle of a word must not spoil it for the others."""
        import psycopg
        from psycopg.rows import dict_row

        me = os.getpid()
        if me not in self._sessions:
            assert self.url is not None
            self._sessions[me] = psycopg.connect(self.url, autocommit=True, row_factory=dict_row)
        return self._sessions[me]
