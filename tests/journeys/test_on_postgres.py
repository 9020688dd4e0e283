"""The same money on a server: bought, killed, resumed, added up, with nothing of it on this machine's disk."""

from __future__ import annotations

import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from postgres import ask_server

if TYPE_CHECKING:
    from practice import Practice
    from warm import Child, Finished, Warm

PHOTO = "one square photo of a red bicycle"


class Office:
    """The command line of a machine that shares its ledger."""

    def __init__(self, warm: Warm, place: Path, database: str, sandbox: str) -> None:
        self._warm, self._place, self.database = warm, place, database
        self._environ = {"AGENTES_DATABASE_URL": database, "AGENTES_SANDBOX_URL": sandbox}
        place.mkdir()

    def begin(self, *words: str, **environ: str) -> Child:
        import os

        home = {"AGENTES_HOME": str(self._place / "home")}
        return self._warm.spawn(
            words, env={**os.environ, **home, **self._environ, **environ}, cwd=self._place
        )

    def ask(self, *words: str, **environ: str) -> Finished:
        return self.begin(*words, **environ).wait(100)

    def json(self, *words: str) -> Any:
        ended = self.ask(*words, "--json")
        assert ended.returncode == 0, ended.stderr
        return ended.json


@pytest.fixture
def opens(warm: Warm, tmp_path: Path, postgres: str, sandbox: Practice) -> Callable[[str], Office]:
    return lambda name: Office(warm, tmp_path / name, postgres, sandbox.url)


def until(question: str, url: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if ask_server(url, question)[0][0]:
                return
        except Exception:  # noqa: BLE001 - the table may not be there yet
            pass
        time.sleep(0.02)
    raise TimeoutError(question)


def test_killed_while_it_waits_it_is_resumed_from_another_machine_and_paid_once(opens, sandbox):
    here, there = opens("here"), opens("there")
    sandbox.fault("bfl_flux", "check", "stall:3")
    run = here.begin("make", PHOTO, "--yes", "--use", "bfl_flux", "--out", str(here._place / "out"))
    until("select count(*) from orders where state = 'submitted'", here.database)
    (line,) = there.json("runs")
    assert line["state"] == "running"
    refused = there.ask("resume", line["job"])
    assert (refused.returncode, "already running" in refused.stderr) == (2, True)
    run.kill()
    run.wait()
    (line,) = there.json("runs")
    assert line["state"] == "interrupted"
    made = there.json("resume", line["job"])
    assert (made["status"], len(sandbox.ledger())) == ("done", 1)
    charged = Decimal(sandbox.ledger()[0]["usd"])
    assert Decimal(made["cost_usd"]) == charged
    assert Decimal(here.json("costs")["total"]["spent_usd"]) == charged
    assert ask_server(here.database, "select sum(reserved) from budgets") == [(0,)]
    assert ask_server(here.database, "select count(*) from checkpoints") == [(0,)]
    assert not list(here._place.rglob("*.db"))


def test_the_doctor_says_which_database_and_whether_it_answers(opens):
    office = opens("here")
    found = {row["what"]: row for row in office.json("doctor")}
    assert found["Ledger"]["verdict"] == "good"
    assert "postgresql://" in found["Ledger"]["detail"]
    assert "which answers, 0 jobs" in found["Ledger"]["detail"]
    assert (found["Clock"]["verdict"], found["Webhooks"]["verdict"]) == ("good", "good")
    gone = office.ask("doctor", "--json", AGENTES_DATABASE_URL="postgresql://me:hunter2@127.0.0.1:1/x").json
    (ledger,) = (row for row in gone if row["what"] == "Ledger")
    assert (ledger["verdict"], "cannot be reached" in ledger["detail"]) == ("broken", True)
    assert "hunter2" not in str(gone)
