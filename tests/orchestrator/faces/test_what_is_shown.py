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


def a_cost_row(**known: object) -> CostRow:
    row = {
        "day": "2026-11-21",
        "job": "job_1",
        "tenant": "local",
        "platform": "a",
        "model": "m",
        "medium": "photo",
    }
    counts = {"orders": 1, "made": 1, "failed": 0, "made_ms": 0}
    money = dict.fromkeys(("spent", "wasted", "in_doubt", "reserved", "estimated"), Money(0))
    return CostRow.model_validate(row | counts | money | known)


def test_a_report_of_the_ledger_adds_up_every_way():
    rows = [
        a_cost_row(day=day, job=job, platform=platform, tenant=tenant, spent=3, wasted=2, in_doubt=1)
        for day in ("2026-11-20", "2026-11-21")
        for job, tenant in (("job_1", "acme"), ("job_2", "local"))
        for platform in ("a", "b")
    ]
    report = ledger.report(rows)
    assert report.total[:5] == (8, Money(24), Money(0), Money(16), Money(8))
    for name in ("day", "job", "platform", "tenant"):
        assert [sums.orders for sums in report.groups[name].values()] == [4, 4]


def test_what_was_delivered_costs_what_failed_on_the_way_too():
    rows = [
        a_cost_row(made=2, spent=80_000, wasted=20_000),
        a_cost_row(medium="video", made=1, made_ms=10_000, spent=500_000),
        a_cost_row(medium="video", made=0, failed=1, wasted=250_000, platform="b"),
        a_cost_row(medium="voice", made=0, failed=1),
    ]
    delivered = {each.medium: each for each in ledger.report(rows).total.delivered}
    assert set(delivered) == {"photo", "video"}
    assert delivered["photo"].document()["usd_per_picture"] == "0.050000"
    assert delivered["video"].document()["usd_per_second"] == "0.075000"


def test_estimates_stand_beside_what_was_charged():
    rows = [
        a_cost_row(platform="b", spent=110, wasted=10, estimated=100, failed=1),
        a_cost_row(platform="b", job="job_2", spent=80, estimated=100),
        a_cost_row(platform="draft_picture"),
    ]
    (estimate,) = ledger.report(rows).estimates
    assert (estimate.platform, estimate.made, estimate.failed) == ("b", 2, 1)
    assert estimate.document()["charged_of_estimated"] == 1.0
