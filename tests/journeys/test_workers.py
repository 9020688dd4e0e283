"""Workers on a real PostgreSQL: whoever dies, is told to stop or loses the database, no job is lost or bought twice."""

from __future__ import annotations

import os
import random
import signal
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from doorway import Doorway
from postgres import ask_server, cut_off

from orchestrator.store.database import open_database
from orchestrator.store.queue_line import set_up_queue

if TYPE_CHECKING:
    from practice import Practice
    from warm import Child, Warm

PHOTO = "one square photo of a red bicycle"
FILM = "6 s vertical video of a paper boat, English voice-over"
OVER = {"done", "partial", "failed", "cancelled", "in_doubt", "paused"}


class Works:
    """A service and its workers, who share a database and the vendors of the sandbox."""

    def __init__(self, warm: Warm, place: Path, database: str, sandbox: Practice) -> None:
        self._warm, self._place, self.database, self.sandbox = warm, place, database, sandbox
        self.workers: list[Child] = []
        self.environ = {
            "AGENTES_DATABASE_URL": database,
            "AGENTES_SANDBOX_URL": sandbox.url,
            "AGENTES_HOME": str(place / "home"),
        }

    def take_in(self, *briefs: str, **more: Any) -> list[str]:
        """The names of new jobs."""
        jobs: list[str] = self._call("take_in", briefs=list(briefs), **more).wait(60).json
        return jobs

    def ask_for(self, what: str, job: str) -> str:
        """How a job stands after it was resumed, approved, cancelled or waited for."""
        ended = self._call("ask_for", what=what, job=job).wait(90)
        assert ended.returncode == 0, ended.stderr
        state: str = ended.json
        return state

    def say(self, *words: str) -> Any:
        """What the command line answers on this machine."""
        child = self._warm.spawn([*words, "--json"], env={**os.environ, **self.environ}, cwd=self._place)
        ended = child.wait(60)
        assert ended.returncode == 0, ended.stderr
        return ended.json

    def hire(self, many: int, **more: Any) -> None:
        """So many more workers, one after the other, so that their numbers are in this order."""
        for _ in range(many):
            self.workers.append(self._call("work", **more))
            self.until("select count(*) from procrastinate_workers", len(self.workers))

    def hire_another(self, **more: Any) -> None:
        """One more, when nobody is left."""
        self.workers.append(self._call("work", **more))

    def until_all_listen(self) -> None:
        """Waits until whoever was hired last can be told to leave: before, a signal ends it as any program."""
        until = time.monotonic() + 20
        while [each for each in self.workers if each.poll() is None and "Working" not in each.said[1]]:
            assert time.monotonic() < until
            time.sleep(0.05)

    def ask(self, question: str) -> Any:
        """The database's answer, past every door."""
        rows = ask_server(self.database, question)
        return rows[0][0] if rows else None

    def until(self, question: str, answer: Any = True, within_s: float = 40) -> float:
        """Waits until the database answers so; how long that took."""
        begun = time.monotonic()
        while (said := self.ask(question)) != answer:
            if time.monotonic() - begun > within_s:
                told = "\n".join(worker.said[1][-1500:] for worker in self.workers)
                raise TimeoutError(
                    f"{question}: {said}, not {answer}\n{self.states()}\n{self.ask('select why from jobs')}\n{told}"
                )
            time.sleep(0.02)
        return time.monotonic() - begun

    def busy(self) -> Child:
        """A worker who has a job in hand, if there is one."""
        number = self.ask("select worker_id from procrastinate_jobs where status = 'doing' limit 1")
        hired = [
            row[0] for row in ask_server(self.database, "select id from procrastinate_workers order by id")
        ]
        return self.workers[hired.index(number) if number in hired else 0]

    def until_over(self, within_s: float = 60) -> dict[str, str]:
        """How each job stands when all stand still and the queue is empty."""
        waiting = "select count(*) from procrastinate_jobs where queue_name = 'jobs'"
        self.until(waiting, 0, within_s)
        return self.states()

    def states(self) -> dict[str, str]:
        """How each job stands."""
        return dict(ask_server(self.database, "select id, state from jobs"))

    def insist_on_one_purchase_each(self, jobs: int) -> None:
        """By the vendors' own book, and by ours."""
        sold = self.sandbox.ledger()
        assert len(sold) == jobs, sold
        assert self.ask("select count(*) from orders where state in ('settled', 'failed_charged')") <= jobs
        assert (
            self.ask("select count(*) from orders where state in ('reserved', 'sending', 'submitted')") == 0
        )

    def go_home(self) -> None:
        """Every worker leaves, in peace."""
        for worker in self.workers:
            if worker.poll() is None:
                worker.kill(signal.SIGTERM)
        ended = [worker.wait(60) for worker in self.workers]
        assert [each.returncode for each in ended if each.returncode not in {0, -signal.SIGKILL}] == [], ended

    def _call(self, name: str, **args: Any) -> Child:
        environ = {**os.environ, **self.environ}
        here = [Path(__file__).parent]
        return self._warm.spawn(call=f"shop:{name}", args=args, path=here, env=environ, cwd=self._place)


@pytest.fixture
def works(warm: Warm, tmp_path: Path, postgres: str, sandbox: Practice) -> Iterator[Works]:
    open_database(postgres).close()
    set_up_queue(postgres)
    works = Works(warm, tmp_path, postgres, sandbox)
    yield works
    works.go_home()


def test_jobs_are_done_by_whoever_is_free_each_once_and_begin_at_once(works: Works):
    works.take_in(PHOTO)  # before anybody works
    works.hire(1, tells_when=True)
    works.until_over()
    jobs = works.take_in(*[PHOTO] * 5, pause_s=1.0)
    assert set(works.until_over().values()) == {"done"}
    works.insist_on_one_purchase_each(6)
    begun = dict(line.split() for line in works.workers[0].said[0].splitlines())
    asked = "select id, extract(epoch from created_at::timestamptz)::float from jobs"
    taken = {job: float(begun[job]) - at for job, at in ask_server(works.database, asked)}
    assert statistics.median(taken[job] for job in jobs) < 0.1, taken


PHASES = {
    "taken": ("select count(*) > 0 from jobs where fence > 0", None),
    "sending": ("select count(*) > 0 from orders where state = 'sending'", ("start", "stall:2")),
    "submitted": ("select count(*) > 0 from orders where state = 'submitted'", ("check", "stall:2")),
    "fetching": ("select count(*) > 0 from orders where state = 'ready'", ("download", "stall:2")),
    "stored": ("select count(*) > 0 from orders where state in ('stored', 'settled')", None),
    "over": ("select count(*) > 0 from jobs where state = 'done'", None),
}
ONE, *OTHERS = sorted(PHASES, key=lambda name: name != "submitted")
EVERY = [ONE, *(pytest.param(name, marks=pytest.mark.torture) for name in OTHERS)]


@pytest.mark.parametrize("phase", EVERY)
def test_a_worker_is_killed_and_the_others_carry_on_what_it_had(works: Works, phase: str):
    question, fault = PHASES[phase]
    works.hire(4)
    if fault is not None:
        works.sandbox.fault("bfl_flux", *fault)
    jobs = works.take_in(*[PHOTO] * 6, use="bfl_flux")
    works.until(question)
    works.busy().kill()
    ended = works.until_over()
    assert len(ended) == len(jobs)
    assert set(ended.values()) <= ({"done", "in_doubt"} if phase == "sending" else {"done"}), ended
    assert (
        works.ask("select coalesce(sum(reserved), 0) from budgets where id like 'job:%'") == 0
        or phase == "sending"
    )
    sold = works.sandbox.ledger()
    assert len(sold) <= len(jobs)
    assert len(sold) == len(jobs) or phase == "sending"


@pytest.mark.torture
def test_every_worker_is_killed_and_real_patience_suffices(works: Works):
    works.sandbox.fault("bfl_flux", "check", "stall:5", times=4)
    works.hire(4, hurried=False)
    works.take_in(*[PHOTO] * 4, use="bfl_flux")
    works.until("select count(*) from orders where state = 'submitted'", 4)
    for worker in works.workers:
        worker.kill()
        worker.wait()
    works.hire_another(hurried=False)
    taken_up = works.until("select count(*) from jobs where fence >= 2", 4)
    assert taken_up < 30
    assert set(works.until_over().values()) == {"done"}
    works.insist_on_one_purchase_each(4)


@pytest.mark.torture
@pytest.mark.parametrize("seed", range(3))
def test_workers_are_killed_again_and_again(works: Works, seed: int):
    chance = random.Random(seed)
    works.sandbox.fault("*", "check", "stall:1", times=20)
    works.hire(4)
    jobs = works.take_in(*[PHOTO] * 8, *[FILM] * 2)
    for _ in range(12):
        time.sleep(chance.uniform(0.1, 1.5))
        works.workers[chance.randrange(len(works.workers))].kill()
        works.hire_another()
    ended = works.until_over(within_s=120)
    assert len(ended) == len(jobs)
    assert set(ended.values()) <= {"done", "partial", "in_doubt"}, ended
    sold = len(works.sandbox.ledger())
    ours = "select count(*) from orders where price > 0 and state in ('settled', 'failed_charged'"
    assert works.ask(f"{ours})") <= sold <= works.ask(f"{ours}, 'in_doubt', 'needs_review')")
    assert (
        works.ask("select count(*) from orders where state in ('reserved', 'sending', 'submitted', 'ready')")
        == 0
    )
    twice = (
        "select count(*) from orders where state = 'settled' group by job, task, piece having count(*) > 1"
    )
    assert works.ask(twice) is None
    works.until_all_listen()


def away(works: Works, phase: str, seconds: float) -> None:
    """The database is away in the middle of a phase, for everybody who works."""
    question, fault = PHASES[phase]
    real = works.database
    with Doorway(real) as door:
        works.environ["AGENTES_DATABASE_URL"] = door.url
        works.hire(2)
        if fault is not None:
            works.sandbox.fault("bfl_flux", *fault)
        jobs = works.take_in(*[PHOTO] * 4, use="bfl_flux")
        works.until(question)
        door.shut()
        time.sleep(seconds)
        door.open()
        ended = works.until_over(within_s=90)
        may_be = {"done", "in_doubt"} if phase == "sending" else {"done"}
        assert {ended[job] for job in jobs} <= may_be, ask_server(real, "select id, state, why from jobs")
        works.insist_on_one_purchase_each(4)
        works.go_home()


def test_the_database_is_away_for_some_seconds(works: Works):
    away(works, "submitted", 4)


@pytest.mark.torture
@pytest.mark.parametrize("phase", PHASES)
def test_the_database_is_away_for_a_minute(works: Works, phase: str):
    away(works, phase, 60)


def test_a_worker_who_was_overtaken_is_not_heard(works: Works):
    works.sandbox.fault("bfl_flux", "check", "stall:4")
    works.hire(2)
    (job,) = works.take_in(PHOTO, use="bfl_flux")
    works.until("select count(*) from orders where state = 'submitted'", 1)
    slow = works.busy()
    os.kill(slow.pid, signal.SIGSTOP)  # as if its machine had been frozen, and cut off
    try:
        for _ in range(3):
            cut_off(works.database)
            time.sleep(0.2)
        works.until(f"select fence from jobs where id = '{job}'", 2)
    finally:
        os.kill(slow.pid, signal.SIGCONT)
    assert works.until_over() == {job: "done"}
    works.insist_on_one_purchase_each(1)
    assert works.ask('select count(*) from events where body like \'%"phase":"done"%"what":"job"%\'') <= 1


@pytest.mark.parametrize("hurried", [True, False], ids=["once, and its time is up", "twice"])
def test_told_to_stop_a_worker_gives_back_what_it_cannot_finish(works: Works, hurried: bool):
    works.sandbox.fault("bfl_flux", "check", "stall:6")
    works.hire(1, hurried=hurried)
    (job,) = works.take_in(PHOTO, use="bfl_flux")
    works.until("select count(*) from orders where state = 'submitted'", 1)
    for _ in range(1 if hurried else 2):
        works.workers[0].kill(signal.SIGTERM)
        time.sleep(0.5)
    assert works.workers[0].wait(15).returncode == 0
    assert works.ask("select status::text from procrastinate_jobs") == "todo"
    assert works.states() == {job: "running"}
    works.hire_another()
    assert works.until_over() == {job: "done"}
    works.insist_on_one_purchase_each(1)


def test_told_to_stop_a_worker_finishes_what_it_can_and_takes_nothing_new(works: Works):
    works.sandbox.fault("bfl_flux", "check", "stall:2")
    works.hire(1, hurried=False, concurrency=1)
    works.take_in(PHOTO, PHOTO, use="bfl_flux")
    works.until("select count(*) from orders where state = 'submitted'", 1)
    works.workers[0].kill(signal.SIGTERM)
    assert works.workers[0].wait(20).returncode == 0
    assert sorted(works.states().values()) == ["done", "queued"]
    works.hire_another()
    works.until_over()
    works.insist_on_one_purchase_each(2)


def test_asked_approved_failed_resumed_and_cancelled_from_elsewhere(works: Works):
    works.hire(2)
    (job,) = works.take_in(PHOTO, use="bfl_flux", ask=True)
    assert works.ask_for("wait", job) == "awaiting_approval"
    assert works.sandbox.ledger() == []
    works.sandbox.fault("bfl_flux", "start", "refuse", times=9)
    assert works.ask_for("approve", job) == "failed"
    works.sandbox.reset()
    assert works.ask_for("resume", job) == "awaiting_approval"  # nothing of it was made, so it asks again
    assert works.ask_for("approve", job) == "done", works.ask("select why from jobs")
    works.sandbox.reset()
    works.sandbox.fault("bfl_flux", "check", "stall:5")
    (job,) = works.take_in(PHOTO, use="bfl_flux")
    works.until("select count(*) from orders where state = 'submitted'", 1)
    assert works.ask_for("cancel", job) == "cancelled"
    works.until_over()
    assert works.ask(f"select count(*) from orders where job = '{job}' and state = 'submitted'") == 0


def test_a_turn_of_a_job_that_has_ended_does_nothing_and_one_that_kills_is_not_taken_for_ever(works: Works):
    works.sandbox.fault("bfl_flux", "check", "fail", times=9)
    works.hire(1)
    (job,) = works.take_in(PHOTO, use="bfl_flux")
    assert works.until_over() == {job: "failed"}
    sold = len(works.sandbox.ledger())
    row = """
        insert into procrastinate_jobs (queue_name, task_name, queueing_lock, args)
            select 'jobs', 'run', id, jsonb_build_object('job', id, 'fence', 0, 'again', false, 'answer', null)
            from jobs
    """
    ask_server(works.database, row)
    assert works.until_over() == {job: "failed"}
    assert len(works.sandbox.ledger()) == sold
    ask_server(works.database, "update jobs set state = 'running', fence = 25", row)
    assert works.until_over() == {job: "failed"}
    assert "25 workers took it up" in works.ask("select why from jobs")
    assert len(works.sandbox.ledger()) == sold


def test_a_terminal_leaves_alone_what_waits_for_a_worker_who_also_plays_for_test_keys(works: Works):
    (job,) = works.take_in(PHOTO, tenant="acme~test")
    (line,) = works.say("runs")
    assert (line["job"], line["state"]) == (job, "queued")
    assert works.say("resume") == []
    works.hire(1)
    assert works.until_over() == {job: "done"}
    assert works.sandbox.ledger() == []
