"""The writing thread, on both engines: what it promises to whoever asks, and what it does in trouble."""

from __future__ import annotations

import asyncio
import builtins
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from postgres import ask_server, cut_off

from orchestrator.store import postgres as engine
from orchestrator.store import sql
from orchestrator.store.database import Conflict, Database, Transaction, open_database
from orchestrator.store.jobs import Jobs
from orchestrator.store.queue_line import set_up_queue
from shared_knowledge.errors import BadRequest, Broken
from shared_knowledge.vocabulary import Brief

BRIEF = Brief(text="a candle")


def note(transaction: Transaction, body: str = '{"what": "job"}', job: str = "job_1") -> int:
    return transaction.run("note_event", job=job, at="2026-11-21", body=body)


def notes(database: Database) -> int:
    return len(Jobs(database).events("job_1"))


@pytest.fixture
async def opened(database: Database) -> Database:
    await Jobs(database).add("job_1", BRIEF, "/tmp/x")
    return database


class TestAnyEngine:
    async def test_an_ask_that_goes_on_after_a_refusal_is_refused_all_the_same(self, opened):
        def stubborn(transaction: Transaction) -> str:
            note(transaction)
            try:
                note(transaction, job="job_nobody")
            except Conflict:
                return "never mind"
            return "kept"

        with pytest.raises(Conflict, match=r"(?i)foreign key"):
            await opened.write(stubborn)
        assert notes(opened) == 0
        await opened.write(note)
        assert notes(opened) == 1

    async def test_what_an_ask_did_before_it_failed_is_undone_alone(self, opened):
        def fails(transaction: Transaction) -> None:
            note(transaction)
            raise RuntimeError("changed my mind")

        asks = [opened.write(note), opened.write(fails), opened.write(note)]
        outcomes = await asyncio.gather(*asks, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [int, RuntimeError, int]
        assert notes(opened) == 2

    async def test_a_number_no_column_holds_is_refused(self, opened):
        with pytest.raises(Conflict):
            await opened.write(lambda t: t.run("hold", order_id="o", budget="b", amount=2**70))

    async def test_words_that_no_database_takes_are_kept_as_far_as_they_can_be(self, opened, monkeypatch):
        monkeypatch.setitem(sql._queries(), "say why", "update jobs set why = :why")
        await opened.write(lambda t: t.run("say why", why="they said \0 and \ud800, and 你好 🕯"))
        assert Jobs(opened).get("job_1").why == "they said � and ?, and 你好 🕯"

    async def test_numbers_are_numbers_and_rows_have_names(self, opened):
        await opened.write(lambda t: t.row("open_and_reserve", id="day:x", cap=2**62, amount=2**53 + 1))
        row = opened.read(lambda t: t.row("budget", id="day:x"))
        assert (type(row["reserved"]), row["reserved"]) == (int, 2**53 + 1)
        assert set(row.keys()) >= {"id", "cap", "reserved", "spent"}
        assert opened.read(lambda t: t.row("budget", id="nobody")) is None

    async def test_names_sort_by_their_letters_not_by_a_language(self, opened, monkeypatch):
        jobs = Jobs(opened)
        names = ["a-2", "B", "a_1", "a-10", "Z", "ä"]
        for name in names:
            await jobs.add(name, BRIEF, "/tmp/x")
        monkeypatch.setitem(sql._queries(), "all by id", "select id from jobs order by id")
        rows = opened.read(lambda t: t.rows("all by id"))
        assert [row["id"] for row in rows] == sorted([*names, "job_1"])

    async def test_two_databases_of_one_ledger_admit_exactly_what_the_budget_holds(self, opened, ledger):
        other = open_database(ledger)

        def reserve(transaction: Transaction) -> bool:
            return transaction.row("open_and_reserve", id="day:x", cap=700, amount=10) is not None

        asks = [each.write(reserve) for _ in range(60) for each in (opened, other)]
        assert sum(await asyncio.gather(*asks)) == 70
        assert other.read(lambda t: t.row("budget", id="day:x")["reserved"]) == 700
        other.close()

    def test_two_processes_may_make_the_tables_at_once(self, ledger):
        script = f"""
from orchestrator.store.database import open_database
from orchestrator.store.jobs import Jobs
print(len(Jobs(open_database({ledger!r})).latest(1)))
"""
        both = [
            subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
            for _ in range(2)
        ]
        assert [(one.communicate(timeout=60)[0].strip(), one.returncode) for one in both] == [("0", 0)] * 2

    def test_a_database_that_was_closed_has_written_everything(self, ledger):
        database = open_database(ledger)
        made = asyncio.run(Jobs(database).add("job_1", BRIEF, "/tmp/x"))
        futures = [database.ask(note) for _ in range(600)]
        database.close()
        assert all(future.result(0) == 1 for future in futures)
        again = open_database(ledger)
        assert (made.id, notes(again)) == ("job_1", 600)
        again.close()


@pytest.fixture
async def served(postgres: str):
    """A ledger on PostgreSQL with a job in it, and its address."""
    database = open_database(postgres, patience_s=10)
    await Jobs(database).add("job_1", BRIEF, "/tmp/x")
    yield database, postgres
    database.close()


class TestABrokenConnection:
    async def test_between_two_transactions_nobody_notices(self, served):
        database, url = served
        assert notes(database) == 0
        assert cut_off(url) == 2
        await database.write(note)
        assert notes(database) == 1

    async def test_before_the_commit_the_whole_batch_is_done_again_once(self, served):
        database, url = served
        went = []

        def cut_short(transaction: Transaction) -> None:
            note(transaction)
            went.append(None)
            if len(went) == 1:
                cut_off(url)
            note(transaction)

        gate = threading.Event()
        hold = database.ask(lambda _: gate.wait(10))
        asks = [database.write(note), database.write(cut_short), database.write(note)]
        together = asyncio.gather(*asks)
        await asyncio.sleep(0.05)
        gate.set()
        await together
        assert hold.result(0)
        assert (len(went), notes(database)) == (2, 4)

    async def test_a_server_that_is_away_for_a_while_is_waited_for(self, served, postgres_server):
        database, url = served
        name = url.partition("?")[0].rpartition("/")[2]
        ask_server(postgres_server.url, f"alter database {name} allow_connections false")
        # Nobody may connect to it, so it is cut off from outside.
        cut = f"select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = '{name}'"
        ask_server(postgres_server.url, cut)
        back = threading.Timer(
            0.4, ask_server, (postgres_server.url, f"alter database {name} allow_connections true")
        )
        back.start()
        await database.write(note)
        back.join()
        assert notes(database) == 1

    async def test_patience_ends_with_a_sentence_and_nothing_is_kept(self, served, monkeypatch):
        database, url = served
        monkeypatch.setattr(database._writer, "_patience_s", 0.2)
        whole = engine.dial
        away = [url.replace("/agentes_test", "/nowhere")]
        monkeypatch.setattr(engine, "dial", lambda url: whole(away[0]))
        cut_off(url)
        with pytest.raises(Broken, match=r"cannot be reached.*does not exist.*nothing was lost"):
            await database.write(note)
        away[0] = url
        await database.write(note)
        assert notes(database) == 1

    @pytest.mark.parametrize("kept", [True, False])
    async def test_while_committing_nobody_knows_and_what_there_is_can_be_read(
        self, served, monkeypatch, kept
    ):
        database, url = served
        session = database._writer.connection._session
        execute = session.execute

        def break_off(words: object, *more: Any, **told: Any) -> Any:
            if words != "commit":
                return execute(words, *more, **told)
            if kept:
                execute(words, *more, **told)
            cut_off(url)
            return execute(words, *more, **told)

        monkeypatch.setattr(session, "execute", break_off)
        with pytest.raises(Broken, match="nobody knows whether that was kept"):
            await database.write(note)
        assert notes(database) == (1 if kept else 0)
        await database.write(note)
        assert notes(database) == (2 if kept else 1)

    async def test_a_commit_that_the_server_turns_into_its_opposite_is_told(self, served, monkeypatch):
        database, _ = served

        def ruin(transaction: Transaction) -> None:
            session = database._writer.connection._session
            with pytest.raises(Exception, match="nonsense"):
                session.execute("nonsense")
            monkeypatch.setattr(database._writer.connection, "keep", lambda: None)

        with pytest.raises(Broken, match="undid what was written"):
            await database.write(ruin)
        monkeypatch.undo()
        await database.write(note)
        assert notes(database) == 1

    async def test_an_ask_that_only_read_fails_without_any_trouble(self, served):
        database, _ = served
        begun = database._writer.connection

        def refuse(transaction: Transaction) -> None:
            assert transaction.row("job", id="job_1") is not None
            raise BadRequest("no")

        asks = [database.write(note), database.write(refuse), database.write(note)]
        outcomes = await asyncio.gather(*asks, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [int, BadRequest, int]
        assert database._writer.connection is begun

    async def test_a_question_the_server_refuses_does_not_spoil_the_batch(self, served, monkeypatch):
        database, _ = served
        monkeypatch.setitem(sql._queries(), "no number", "select cast(:said as bigint) as number")
        gate = threading.Event()
        database.ask(lambda _: gate.wait(10))
        ask = database.write(lambda t: t.row("no number", said="a candle"))
        together = asyncio.gather(database.write(note), ask, database.write(note), return_exceptions=True)
        await asyncio.sleep(0.05)
        gate.set()
        assert [type(outcome) for outcome in await together] == [int, Conflict, int]
        assert notes(database) == 2


_RACER = """
import random, sys
from orchestrator.store.database import open_database
from shared_knowledge.errors import Broken
while True:
    try:
        database = open_database(sys.argv[1])
        break
    except Broken:
        pass
dice = random.Random(int(sys.argv[2]))
sure = unsure = 0
for _ in range(10):
    amounts = [dice.randint(1, 9) for _ in range(50)]
    asks = [
        database.ask(lambda t, much=much: t.row("open_and_reserve", id="day:x", cap=5000, amount=much))
        for much in amounts
    ]
    for much, ask in zip(amounts, asks):
        try:
            sure += much if ask.result() is not None else 0
        except Broken:
            unsure += much
database.close()
print(sure, unsure)
"""


@pytest.mark.torture
@pytest.mark.parametrize("round_", range(5))
def test_four_processes_and_a_server_that_keeps_hanging_up(postgres, round_):
    open_database(postgres).close()
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", _RACER, postgres, str(round_ * 4 + number)],
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(4)
    ]
    hung_up = 0
    while any(racer.poll() is None for racer in racers):
        hung_up += cut_off(postgres)
        time.sleep(0.03)
    told = [tuple(map(int, racer.communicate()[0].split())) for racer in racers]
    sure, unsure = (sum(each) for each in zip(*told, strict=True))
    ((reserved,),) = ask_server(postgres, "select reserved from budgets where id = 'day:x'")
    assert hung_up > 10
    assert sure <= reserved <= min(5000, sure + unsure)
    assert reserved > 4990 or unsure, "nothing but the cap may have stopped them"


class TestTheServer:
    def test_a_password_is_in_no_error(self):
        for url, says in (
            ("postgresql://me:hunter%zz2@127.0.0.1:1/x", "not an address PostgreSQL understands"),
            ("postgresql://me:hunter2@127.0.0.1:1/x", "cannot be reached"),
            ("postgresql://127.0.0.1:1/hunter2?user=me&password=hunter2", "cannot be reached"),
        ):
            with pytest.raises((BadRequest, Broken), match=says) as raised:
                open_database(url)
            assert "hunter" not in str(raised.value).replace("/hunter2", "")
            assert raised.value.__cause__ is None

    def test_without_its_driver_it_says_what_to_install(self, monkeypatch):
        real = builtins.__import__

        def without(name: str, *more: Any, **told: Any) -> Any:
            if name.startswith("psycopg"):
                raise ImportError(name)
            return real(name, *more, **told)

        for name in [name for name in sys.modules if name == "orchestrator.store.postgres"]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setattr(builtins, "__import__", without)
        with pytest.raises(BadRequest, match=r"pip install 'agentes\[postgres\]'"):
            open_database("postgresql://127.0.0.1:1/x")

    def test_a_ledger_of_a_newer_program_is_left_alone(self, postgres):
        open_database(postgres).close()
        ask_server(postgres, "update agentes_migrations set seen = 999")
        with pytest.raises(Broken, match="newer Agentes"):
            open_database(postgres)
        assert ask_server(postgres, "select seen from agentes_migrations") == [(999,)]

    async def test_it_writes_to_the_disk_whatever_the_database_is_set_to(self, postgres):
        name = postgres.partition("?")[0].rpartition("/")[2]
        ask_server(postgres, f"alter database {name} set synchronous_commit = off")
        database = open_database(postgres)
        shown = database._writer.connection._session.execute("show synchronous_commit").fetchone()
        assert shown == {"synchronous_commit": "on"}
        others = "pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
        assert ask_server(postgres, f"select application_name from {others}") == [("agentes",)]
        database.close()

    async def test_a_table_that_a_newer_program_has_widened_is_read_on(self, served):
        database, url = served
        for _ in range(8):
            Jobs(database).get("job_1")
        ask_server(url, "alter table jobs add column of_tomorrow text")
        assert Jobs(database).get("job_1").brief == BRIEF

    def test_a_database_that_cannot_hold_every_letter_is_refused(self, postgres_server):
        make = "create database agentes_latin encoding 'LATIN1' locale 'C' template template0"
        ask_server(postgres_server.url, make)
        url = postgres_server.url.replace("/postgres?", "/agentes_latin?")
        try:
            with pytest.raises(Broken, match="LATIN1"):
                open_database(url)
        finally:
            ask_server(postgres_server.url, "drop database agentes_latin with (force)")

    async def test_what_another_writer_holds_up_is_written_after_it(self, served):
        database, url = served
        import psycopg

        with psycopg.connect(url) as other:
            other.execute("select pg_advisory_xact_lock(%s)", [engine.key_of("ledger")])
            waiting = asyncio.create_task(database.write(note))
            await asyncio.sleep(0.1)
            assert not waiting.done()
            other.commit()
            await asyncio.wait_for(waiting, 5)
        assert notes(database) == 1


def test_every_question_is_understood_by_postgres(postgres):
    """Also those that no test happens to ask: each is prepared, with whatever it wants to be told."""
    database = open_database(postgres)
    set_up_queue(postgres)
    session = database._reader.connection._session
    for number, name in enumerate(sql._queries()):
        words = engine._PARAMETER.sub("null", sql.query(name))
        session.execute(f"prepare q{number} as {words}".encode())
    database.close()


def test_the_tables_are_the_same_on_both(postgres, tmp_path: Path):
    import sqlite3

    open_database(tmp_path / "ledger.db").close()
    open_database(postgres).close()
    file = sqlite3.connect(tmp_path / "ledger.db")
    ours = {
        (table, row[1], bool(row[3]) or bool(row[5]))
        for (table,) in file.execute("select name from sqlite_master where type = 'table'").fetchall()
        for row in file.execute(f"pragma table_info({table})")
    }
    file.close()
    look = """
        select table_name, column_name, is_nullable = 'NO' from information_schema.columns
        where table_schema = 'public' and table_name <> 'agentes_migrations'
    """
    assert {tuple(row) for row in ask_server(postgres, look)} == ours
    columns = "information_schema.columns where data_type = 'text' and table_schema = 'public'"
    collations = f"select distinct collation_name from {columns}"
    assert ask_server(postgres, collations) == [("C",)]
