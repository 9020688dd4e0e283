"""Keeping the ledger: whole copies of it, taken while it is in use, and the way from one shape to another.

A copy is a ledger in one file of SQLite, wherever it was taken from; so it also leads from a file to a server.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from orchestrator.store.database import open_engine
from orchestrator.store.sql import newest
from orchestrator.store.sqlite import Sqlite
from shared_knowledge.errors import BadRequest, Broken

__all__ = ["Kept", "back_up", "reshape", "restore"]

_SERVER = "postgresql://"
_BEGUN = ("queued", "running")


class Kept(NamedTuple):
    """What is in a copy: how many jobs, how many orders, and how many jobs were under way."""

    jobs: int
    orders: int
    under_way: int


def reshape(where: str, to: int | None = None) -> tuple[int, int]:
    """Brings a ledger to a shape, back or forward; the shape it had, and the one it has now."""
    if to is not None and not 1 <= to <= newest():
        raise BadRequest(
            f"There is no shape {to} of the ledger.",
            todo=f"Name one from 1 to {newest()}, which is the newest.",
        )
    engine = open_engine(where)
    with closing(engine.connect()) as connection:
        return engine.migrate(connection, to), newest() if to is None else to


def back_up(where: str, file: Path) -> Kept:
    """Copies a ledger as it is at one moment into a new file, while others go on working with it."""
    if file.exists():
        raise BadRequest(f"{file} is there already.", todo="Choose another name, or move it away.")
    with _written_whole(file) as part:
        if where.startswith(_SERVER):
            from orchestrator.store.crossing import from_server

            _shape(part)
            from_server(where, part)
        else:
            source = Path(where.removeprefix("sqlite:///"))
            if not source.is_file():
                raise BadRequest(
                    f"There is no ledger in {source}.", todo="Nothing was bought yet, so far as it knows."
                )
            with _open(source) as ledger, closing(sqlite3.connect(part)) as copy:
                ledger.backup(copy)
                copy.execute("pragma journal_mode = delete")
        return _examine(part)


def restore(file: Path, where: str) -> Kept:
    """Puts a copy in the place of a ledger that holds no job; one that does is never written over."""
    if not file.is_file():
        raise BadRequest(f"There is no file {file}.", todo="Name one that `agentes ledger backup` made.")
    kept = _examine(file)
    if where.startswith(_SERVER):
        from orchestrator.store.crossing import to_server

        with tempfile.TemporaryDirectory() as folder:
            to_server(_copied(file, Path(folder) / "ledger.db"), where)
        return kept
    target = Path(where.removeprefix("sqlite:///"))
    _insist_on_room(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    with _written_whole(target) as part:
        _copied(file, part)
    return kept


def _insist_on_room(target: Path) -> None:
    memory = target.with_name("graph.db")
    if target.is_file() and _examine(target).jobs:
        raise BadRequest(
            f"{target} holds jobs, and a copy never takes their place.", todo="Move that file away first."
        )
    if memory.is_file():
        raise BadRequest(
            f"{memory} remembers runs of another ledger.",
            todo="Move it away too: what was bought is in the copy.",
        )
    for rest in ("-wal", "-shm"):
        target.with_name(target.name + rest).unlink(missing_ok=True)


def _copied(file: Path, to: Path) -> Path:
    """The copy, copied once more and brought up to date."""
    with _open(file) as copy, closing(sqlite3.connect(to)) as fresh:
        copy.backup(fresh)
    _shape(to)
    return to


def _shape(file: Path) -> None:
    engine = Sqlite(file)
    with closing(engine.connect()) as connection:
        engine.migrate(connection)
    with closing(sqlite3.connect(file)) as settled:
        settled.execute("pragma journal_mode = delete")


def _examine(file: Path) -> Kept:
    """What a copy holds; Broken if it is not whole, BadRequest if it is no ledger of ours."""
    try:
        with _open(file) as ledger:
            (shape,) = ledger.execute("pragma user_version").fetchone()
            tables = {
                name for (name,) in ledger.execute("select name from sqlite_master where type = 'table'")
            }
            if not 1 <= shape <= newest() or not {"jobs", "orders", "budgets"} <= tables:
                raise BadRequest(
                    f"{file} is not a ledger that this Agentes knows.", todo="Update it, or name another."
                )
            (verdict,) = ledger.execute("pragma integrity_check").fetchone()
            if verdict != "ok":
                raise Broken(f"{file} is damaged: {verdict}.", todo="Use another copy.")
            return Kept(
                _count(ledger, "select count(*) from jobs"),
                _count(ledger, "select count(*) from orders"),
                _count(ledger, "select count(*) from jobs where state in (?, ?)", _BEGUN),
            )
    except sqlite3.DatabaseError as error:
        raise Broken(f"{file} cannot be read: {error}.", todo="Use another copy.") from error


def _count(ledger: sqlite3.Connection, question: str, given: Sequence[str] = ()) -> int:
    (number,) = ledger.execute(question, given).fetchone()
    return int(number)


@contextmanager
def _open(file: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as ledger:
        yield ledger


@contextmanager
def _written_whole(file: Path) -> Iterator[Path]:
    """A name to write to; it becomes the file when everything is on the disk, or nothing is left of it."""
    part = file.with_name(f".{file.name}.part")
    part.unlink(missing_ok=True)
    try:
        yield part
        with part.open("rb+") as whole:
            os.fsync(whole.fileno())
        part.replace(file)
    except OSError as error:
        raise Broken(
            f"{file} cannot be written: {error.strerror or error}.", todo="Choose another place."
        ) from error
    finally:
        part.unlink(missing_ok=True)
