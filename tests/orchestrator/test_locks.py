"""One run per job, whoever keeps the locks: the kernel beside a file, or the server that many machines share."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from postgres import ask_server, cut_off, sessions

from orchestrator.locks import FileLocks, Locks, SharedLocks, open_locks
from shared_knowledge.errors import BadRequest, Broken

Opens = Callable[[], Locks]
_ADVISORY = """
    select objid from pg_locks join pg_database on pg_database.oid = database
    where locktype = 'advisory' and datname = current_database()
"""


@pytest.fixture(params=["sqlite", "postgres"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ledger.db'}"
    url: str = request.getfixturevalue("postgres")
    return url


@pytest.fixture
def opens(where: str) -> Iterator[Opens]:
    """Opens the locks as another process would."""
    opened: list[Locks] = []

    def one() -> Locks:
        opened.append(open_locks(where))
        return opened[-1]

    yield one
    for locks in opened:
        if isinstance(locks, SharedLocks):
            locks.close()


class TestAnyLock:
    def test_only_one_has_it_and_everybody_sees_it(self, opens):
        mine, theirs = opens(), opens()
        with mine.only_one("job_1"):
            assert mine.is_locked("job_1")
            assert theirs.is_locked("job_1")
            assert not theirs.is_locked("job_2")
            for locks in (mine, theirs):
                with pytest.raises(BadRequest, match="job_1 is already running"), locks.only_one("job_1"):
                    pass
            with theirs.only_one("job_2"):
                assert mine.is_locked("job_2")
        assert not theirs.is_locked("job_1")
        with theirs.only_one("job_1"):
            pass

    def test_a_run_that_fails_lets_go(self, opens):
        locks = opens()
        with pytest.raises(KeyError), locks.only_one("job_1"):
            raise KeyError
        assert not locks.is_locked("job_1")

    def test_it_goes_with_the_process_however_the_process_goes(self, opens, where):
        script = f"""
from orchestrator.locks import open_locks
with open_locks({where!r}).only_one("job_1"):
    print("mine", flush=True)
    input()
"""
        other = subprocess.Popen(
            [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert other.stdout is not None
        assert other.stdout.readline() == "mine\n"
        locks = opens()
        assert locks.is_locked("job_1")
        other.send_signal(signal.SIGKILL)
        other.communicate()
        with locks.only_one("job_1"):
            pass


class TestOfAServer:
    def test_a_ledger_in_a_file_has_its_locks_beside_it(self, tmp_path):
        assert isinstance(open_locks(f"sqlite:///{tmp_path / 'ledger.db'}"), FileLocks)

    @pytest.fixture
    def mine(self, postgres: str) -> Iterator[SharedLocks]:
        locks = SharedLocks(postgres)
        yield locks
        locks.close()

    def test_any_number_of_them_is_one_connection(self, mine, postgres):
        with ExitStack() as held:
            for number in range(50):
                held.enter_context(mine.only_one(f"job_{number}"))
            assert sessions(postgres) == 1
            assert len(ask_server(postgres, _ADVISORY)) == 50
        assert ask_server(postgres, _ADVISORY) == []

    def test_what_a_broken_connection_let_go_is_taken_again(self, mine, postgres):
        theirs = SharedLocks(postgres)
        with mine.only_one("job_1"), mine.only_one("job_2"):
            cut_off(postgres)
            with theirs.only_one("job_2"):
                assert mine.is_locked("job_1"), "asking is enough"
                assert theirs.is_locked("job_1")
            assert not theirs.is_locked("job_2"), "what another was faster to take stays lost"
        assert not theirs.is_locked("job_1")
        theirs.close()

    def test_nobody_need_ask_for_them_to_be_taken_again(self, mine, postgres, monkeypatch):
        from orchestrator.store import advisory

        monkeypatch.setattr(advisory, "_LOOK_AFTER_THEM_S", 0.02)
        theirs = SharedLocks(postgres)
        with mine.only_one("job_1"):
            cut_off(postgres)
            for _ in range(200):
                if theirs.is_locked("job_1"):
                    break
                time.sleep(0.02)
            assert theirs.is_locked("job_1")
        theirs.close()

    def test_letting_go_of_what_is_gone_is_no_trouble(self, mine, postgres):
        with mine.only_one("job_1"):
            cut_off(postgres)
        with mine.only_one("job_1"):
            pass

    def test_a_server_that_is_not_there_is_said_in_words(self, monkeypatch):
        from orchestrator.store import advisory

        monkeypatch.setattr(advisory, "_PATIENCE_S", 0.1)
        locks = SharedLocks("postgresql://me:hunter2@127.0.0.1:1/x")
        with pytest.raises(Broken, match="cannot be reached") as raised:
            locks.is_locked("job_1")
        assert "hunter2" not in str(raised.value)
