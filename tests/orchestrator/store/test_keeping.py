"""Copies of the ledger, from a file and from a server, into either; and the ways back of its tables."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
from postgres import ask_server

from orchestrator.store import sql
from orchestrator.store.book import SqlBook
from orchestrator.store.database import Database, open_database
from orchestrator.store.jobs import Event, Jobs
from orchestrator.store.keeping import Kept, back_up, reshape, restore
from shared_knowledge.caps import Limits
from shared_knowledge.cost_tracker import CostTracker
from shared_knowledge.errors import BadRequest, Broken
from shared_knowledge.vocabulary import Brief, JobState, Money, Order, PhotoSpec


@pytest.fixture
async def used(database: Database) -> Database:
    """A ledger with jobs, a purchase that is open, words of many kinds, and numbers the database gave out."""
    jobs, book = Jobs(database), SqlBook(database)
    for number in range(3):
        await jobs.add(f"job_{number}", Brief(text="uma vela 🕯 — 你好"), "/tmp/x", tenant="acme")
        await jobs.note(f"job_{number}", Event(what="job", phase="begun"))
    await jobs.move("job_1", JobState.DONE)
    tracker = CostTracker(book, Limits(a_day=Money(10_000_000)), now=lambda: datetime.now(UTC))
    order = Order(
        id="ord_1",
        job="job_0",
        tenant="acme",
        key=None,
        task="photo-1",
        piece=1,
        attempt=1,
        platform="runway",
        model="gen4_turbo",
        price=Money(400_000),
        prompt="a candle",
        spec=PhotoSpec(subject="candle"),
    )
    await tracker.sending(await tracker.place(order, Money(5_000_000)))
    return database


def everything(database: Database) -> dict[str, list[tuple[object, ...]]]:
    """What a ledger tells, in the words of its own questions."""
    jobs, book = Jobs(database), SqlBook(database)
    return {
        "jobs": [(job.id, job.brief.text, job.state, job.tenant) for job in jobs.latest(9)],
        "events": [(n, event.phase) for n, event in jobs.events("job_0")],
        "orders": [(order.id, order.state, order.price) for order in book.open_orders()],
        "budgets": [tuple(database.read(lambda t: t.row("budget", id="job:job_0")))],
    }


@pytest.mark.parametrize("into", ["sqlite", "postgres"])
async def test_what_comes_back_is_what_went_in_whatever_the_engine(
    used: Database, ledger: str, into: str, tmp_path: Path, postgres_server
):
    was, file = everything(used), tmp_path / "copy.db"
    assert back_up(ledger, file) == Kept(jobs=3, orders=1, under_way=2)
    with postgres_server.database() as url:
        target = url if into == "postgres" else f"sqlite:///{tmp_path / 'other' / 'ledger.db'}"
        assert restore(file, target) == Kept(jobs=3, orders=1, under_way=2)
        again = open_database(target)
        assert {
            name: sorted(map(str, rows)) for name, rows in everything(again).items() if name != "budgets"
        } == {name: sorted(map(str, rows)) for name, rows in was.items() if name != "budgets"}
        row = again.read(lambda t: t.row("budget", id="job:job_0"))
        assert row is not None
        assert row["reserved"] == 400_000
        await Jobs(again).note("job_0", Event(what="job", phase="later"))
        assert [event.phase for _, event in Jobs(again).events("job_0")] == ["begun", "later"]
        again.close()
    assert not list(tmp_path.glob(".*.part"))


async def test_a_copy_is_never_written_over_nor_written_over_jobs(
    used: Database, ledger: str, tmp_path: Path
):
    file = tmp_path / "copy.db"
    back_up(ledger, file)
    with pytest.raises(BadRequest, match="there already"):
        back_up(ledger, file)
    with pytest.raises(BadRequest, match="holds jobs"):
        restore(file, ledger)


def test_a_damaged_copy_and_a_stranger_are_refused(tmp_path: Path):
    open_database(tmp_path / "ledger.db").close()
    file = tmp_path / "copy.db"
    back_up(f"sqlite:///{tmp_path / 'ledger.db'}", file)
    torn = tmp_path / "torn.db"
    torn.write_bytes(file.read_bytes()[:5000])
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as stranger:
        stranger.execute("create table jobs (id)")
    stranger.close()
    for name, error in ((torn, Broken), (other, BadRequest), (tmp_path / "none.db", BadRequest)):
        with pytest.raises(error):
            restore(name, f"sqlite:///{tmp_path / 'new' / 'ledger.db'}")
    assert not (tmp_path / "new").exists()


def test_no_memory_of_another_ledgers_runs_is_believed(tmp_path: Path):
    open_database(tmp_path / "ledger.db").close()
    back_up(f"sqlite:///{tmp_path / 'ledger.db'}", tmp_path / "copy.db")
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "graph.db").touch()
    with pytest.raises(BadRequest, match="remembers runs"):
        restore(tmp_path / "copy.db", f"sqlite:///{tmp_path / 'new' / 'ledger.db'}")


def shape_of(ledger: str) -> set[tuple[object, ...]]:
    if ledger.startswith("postgresql://"):
        look = "select table_name, column_name from information_schema.columns where table_schema = 'public'"
        return {tuple(row) for row in ask_server(ledger, look)} - {("agentes_migrations", "seen")}
    file = sqlite3.connect(ledger.removeprefix("sqlite:///"))
    listed = file.execute(
        "select m.name, c.name from sqlite_master m, pragma_table_info(m.name) c where m.type = 'table'"
    )
    shape = set(listed.fetchall())
    file.close()
    return shape


def test_every_shape_but_the_first_can_be_left_both_ways(ledger: str):
    open_database(ledger).close()
    whole, shapes = shape_of(ledger), {}
    for to in range(sql.newest() - 1, 0, -1):
        assert reshape(ledger, to) == (to + 1, to)
        shapes[to] = shape_of(ledger)
        assert shapes[to] < shapes.get(to + 1, whole) or shapes[to] == shapes.get(to + 1, whole)
    assert ("jobs", "tenant") not in shapes[1]
    for to in range(2, sql.newest()):
        assert reshape(ledger, to) == (to - 1, to)
        assert shape_of(ledger) == shapes[to]
    assert reshape(ledger) == (sql.newest() - 1, sql.newest())
    assert shape_of(ledger) == whole
    for nowhere in (0, sql.newest() + 1):
        with pytest.raises(BadRequest, match="no shape"):
            reshape(ledger, nowhere)


async def test_what_was_bought_survives_the_way_back(used: Database, ledger: str):
    reshape(ledger, 2)
    reshape(ledger)
    again = open_database(ledger)
    assert [order.id for order in SqlBook(again).open_orders()] == ["ord_1"]
    again.close()
