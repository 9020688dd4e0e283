"""What a person sees: whole sentences, no colour where nobody looks, and a no that is a no."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from orchestrator import assembly
from orchestrator.composer.handover import Record, result
from orchestrator.faces import asking, ledger, live, terminal
from orchestrator.faces.cli import Wishes, main
from orchestrator.store.book import CostRow
from orchestrator.store.jobs import Event
from shared_knowledge.vocabulary import Brief, Choice, Job, JobState, Medium, Money

CANCELLED = Job(
    id="job_1",
    brief=Brief(text="a candle"),
    state=JobState.CANCELLED,
    folder="/tmp/nowhere",
    created_at=datetime(2026, 11, 21, tzinfo=UTC),
    why="cancelled by a person",
)


def test_a_job_that_was_cancelled_before_its_plan_is_shown(capsys):
    terminal.show_result(result(Record(CANCELLED, {}, (), (), "0")))
    shown = capsys.readouterr().out
    assert "cancelled by a person" in shown
    assert "report.html" not in shown


def test_why_a_planned_job_was_cancelled_is_shown(agentes_home):
    proposal = assembly.studio().quote(Brief(text="a square photo of a candle", draft=True))
    planned = CANCELLED.model_copy(update={"plan": proposal.plan, "quote": proposal.quote})
    assert result(Record(planned, {}, (), (), "0"))["warnings"][0] == "cancelled by a person"


def test_nothing_is_coloured_where_nobody_looks(capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    terminal.show_platforms(assembly.directory().rows())
    with live.Progress(CANCELLED, None) as progress:
        progress.show(Event(what="task", task="voice-1", phase="making", medium="voice"))
    told = capsys.readouterr()
    assert "draft_picture" in told.out
    assert "voice-1" in told.err
    assert "\x1b" not in told.out + told.err


def test_a_no_is_one_json_value_and_makes_nothing(capsys, monkeypatch, agentes_home):
    monkeypatch.setattr(terminal, "agrees", lambda _: False)
    with pytest.raises(SystemExit) as left:
        main(["make", "a square photo of a candle", "--draft", "--ask", "--json"])
    assert left.value.code == 4
    assert "nothing was made" in json.loads(capsys.readouterr().out)["error"]["message"]
    assert assembly.studio().list() == []


def test_a_choice_of_platform_is_read():
    named = ("runway", "video=runway:gen4.5", "pika:fal-ai/pika/v2.2/text-to-video")
    assert asking.brief("x", Wishes(use=named)).use == (
        Choice(platform="runway"),
        Choice(platform="runway", medium=Medium.VIDEO, model="gen4.5"),
        Choice(platform="pika", model="fal-ai/pika/v2.2/text-to-video"),
    )


def test_a_terminal_that_knows_few_letters_is_shown_what_it_can(tmp_path):
    told = subprocess.run(
        [
            sys.executable,
            "-c",
            "from orchestrator.faces.cli import main; main()",
            "plan",
            "a photo of açaí — “now”",
        ],
        env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
        capture_output=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    assert b"photo of a" in told.stdout


def test_a_report_of_the_ledger_adds_up_every_way():
    rows = [
        CostRow(
            day=day,
            job=job,
            platform=platform,
            orders=1,
            spent=Money(3),
            wasted=Money(2),
            in_doubt=Money(1),
            reserved=Money(0),
        )
        for day in ("2026-11-20", "2026-11-21")
        for job in ("job_1", "job_2")
        for platform in ("a", "b")
    ]
    report = ledger.report(rows)
    assert report.total == ledger.Sums(8, Money(24), Money(0), Money(16), Money(8))
    for name in ("day", "job", "platform"):
        assert [sums.orders for sums in report.groups[name].values()] == [4, 4]
