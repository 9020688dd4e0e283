"""What Prometheus is shown: true, cheap, about nobody in particular, and named in every alert as it is."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from house import ROOT
from prometheus_client.parser import text_string_to_metric_families

from agentes.wire.trace import Counted
from orchestrator.store.book import SqlBook
from orchestrator.store.database import Database, open_engine
from orchestrator.store.jobs import Jobs
from orchestrator.watch.figures import Figures
from orchestrator.watch.ledger import Ledger, Told
from orchestrator.watch.standing import Kept
from shared_knowledge.caps import Limits
from shared_knowledge.cost_tracker import CostTracker
from shared_knowledge.errors import Broken
from shared_knowledge.vocabulary import Brief, JobState, Money, Order, PhotoSpec

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
LABELS = {
    "answer", "error", "le", "medium", "operation", "outcome", "platform", "quantile", "state", "status", "version",
    "what",
}  # fmt: skip
DONE = {"done": {"media": {"url": "https://vendor/x.png"}}}

Page = dict[str, dict[tuple[str, ...], float]]


def read(figures: Figures) -> Page:
    page: Page = {}
    for family in text_string_to_metric_families(figures.page().decode()):
        for sample in family.samples:
            labels = tuple(value for _, value in sorted(sample.labels.items()))
            page.setdefault(sample.name, {})[labels] = sample.value
    return page


@pytest.fixture
def watched(ledger: str, database: Database) -> Iterator[Ledger]:
    watched = Ledger(ledger, now=lambda: NOW)
    yield watched
    watched.close()


async def order(tracker: CostTracker, name: str, price: int, *, job: str = "job_1") -> Order:
    placed = Order(
        id=f"ord_{name}",
        job=job,
        tenant="acme",
        task=name,
        piece=1,
        attempt=1,
        platform="runway",
        model="gen4_turbo",
        price=Money(price),
        prompt="a secret candle",
        spec=PhotoSpec(subject="candle"),
    )
    return await tracker.place(placed, Money(10**9))


async def busy(database: Database) -> None:
    """One job of each kind, and an order in each standing."""
    jobs = Jobs(database)
    for name in ("job_1", "job_2", "job_3"):
        await jobs.add(name, Brief(text="a secret candle"), "/tmp/x", tenant="acme", key="key_9")
    await jobs.move("job_1", JobState.RUNNING)
    await jobs.move("job_3", JobState.DONE)
    tracker = CostTracker(SqlBook(database, lambda: NOW), Limits(a_day=Money(10**9)), now=lambda: NOW)
    for name, cost in (("a", 500_000), ("b", 700_000)):
        made = await tracker.ready(await tracker.sending(await order(tracker, name, 600_000)), DONE)
        await tracker.settle(await tracker.stored(made, f"{'ab' * 32}.png"), Money(cost))
    await tracker.write_off(
        await tracker.sending(await order(tracker, "c", 250_000)), Money(250_000), "it failed"
    )
    await order(tracker, "d", 300_000)
    lost = await tracker.doubt(await tracker.sending(await order(tracker, "e", 100_000)), "nobody knows")
    await tracker.review(lost, "look")
    shift = {
        "at": (NOW - timedelta(seconds=90)).isoformat(),
        "end": (NOW - timedelta(seconds=50)).isoformat(),
    }
    await database.write(lambda t: [t.run("put_back", **shift)])


@pytest.fixture(autouse=True)
def clocked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A statement of this test's own, which moves every job to a known moment."""
    from orchestrator.store import sql

    known = sql._queries() | {
        "put_back": "update jobs set created_at = :at, ended_at = case when ended_at is null then null else :end end"
    }
    monkeypatch.setattr(sql, "_queries", lambda: known)


async def test_the_page_tells_what_the_ledger_holds(watched: Ledger, database: Database, ledger: str):
    await busy(database)
    page = read(Figures(watched, version="1.2.3", platforms=["runway", "kling"], resting=lambda: {"kling"}))
    assert page["agentes_jobs"] == {
        ("queued",): 1, ("running",): 1, ("awaiting_approval",): 0, ("paused",): 0, ("in_doubt",): 0
    }  # fmt: skip
    assert page["agentes_oldest_job_seconds"]["queued",] == 90
    assert page["agentes_jobs_ended_lately"]["done",] == 1
    assert page["agentes_job_seconds"]["0.95",] == 40
    assert page["agentes_spent_today_usd"]["photo", "runway"] == 1.2
    assert page["agentes_wasted_today_usd"]["photo", "runway"] == 0.25
    assert page["agentes_open_money_usd"] == {("reserved",): 0.3, ("in_doubt",): 0.1}
    assert page["agentes_open_orders"] == {("under_way",): 1, ("in_doubt",): 0, ("review",): 1}
    assert page["agentes_orders_today"]["photo", "runway", "settled"] == 2
    assert page["agentes_platform_resting"] == {("runway",): 0, ("kling",): 1}
    assert page["agentes_build"] == {("1.2.3",): 1}
    assert page["agentes_webhooks_waiting"][()] == 0
    assert page["agentes_ledger_up"][()] == 1
    assert ("agentes_clock_ahead_seconds" in page) is ledger.startswith("postgresql")


async def test_no_figure_is_about_somebody_and_none_is_labelled_with_what_grows(
    watched: Ledger, database: Database
):
    await busy(database)
    figures = Figures(watched, version="1", platforms=["runway"])
    figures.served("runPipeline", 200, 0.01)
    figures.asked(Counted("runway", "POST", "h", "/v1/tasks/abc", 503, 12.0, 3, "req_1", ""))
    text = figures.page().decode()
    assert not re.search(r"acme|job_1|ord_|key_9|candle|req_1|/v1/", text)
    labels = {
        label
        for family in text_string_to_metric_families(text)
        for one in family.samples
        for label in one.labels
    }
    assert labels <= LABELS


def test_what_this_process_did_is_counted():
    figures = Figures(None, version="1")
    figures.served("runPipeline", 202, 0.004)
    figures.served("runPipeline", 503, 7.0)
    for status, error in ((200, ""), (429, ""), (500, ""), (None, "Unreachable")):
        figures.asked(Counted("luma", "GET", "h", "/", status, 40.0, 3, "", error))
    figures.posted(204, 0.2)
    figures.posted(410, 0.2)
    figures.posted(None, 30.0)
    page = read(figures)
    assert page["agentes_http_requests_total"] == {("runPipeline", "202"): 1, ("runPipeline", "503"): 1}
    assert page["agentes_http_request_seconds_bucket"]["0.005", "runPipeline"] == 1
    assert page["agentes_vendor_requests_total"] == {
        ("2xx", "luma"): 1, ("429", "luma"): 1, ("5xx", "luma"): 1, ("none", "luma"): 1
    }  # fmt: skip
    assert page["agentes_vendor_errors_total"] == {("Unreachable", "luma"): 1}
    assert page["agentes_vendor_request_seconds_count"]["luma",] == 4
    assert page["agentes_webhook_attempts_total"] == {("delivered",): 1, ("refused",): 1, ("no_answer",): 1}
    assert page["process_resident_memory_bytes"][()] > 0


class Slow:
    """A ledger that counts who asks, and can be away."""

    def __init__(self) -> None:
        self.asked = 0
        self.away = False

    def ask(self) -> Told:
        self.asked += 1
        if self.away:
            raise Broken("The database does not answer.")
        return Told({}, [], {}, [], _NOTHING, {}, None, None)


_NOTHING: Any = type("Open", (), {"n": 0, "oldest_s": 0.0})()


def test_the_ledger_is_asked_once_in_a_while_and_its_last_words_outlive_it():
    slow: Any = Slow()
    time = [100.0]
    kept = Kept(slow, lambda: time[0])
    first = kept.told()
    assert kept.told() is first
    assert (slow.asked, kept.answers) == (1, True)
    time[0] += 14
    kept.told()
    assert slow.asked == 1
    time[0] += 2
    slow.away = True
    assert kept.told() is first
    assert (slow.asked, kept.answers, kept.age_s) == (2, False, 16.0)
    slow.away = False
    kept.told()
    assert (slow.asked, kept.answers) == (3, True)


async def test_every_answer_comes_out_of_an_index(tmp_path: Path, database: Database, ledger: str):
    if ledger.startswith("postgresql"):
        pytest.skip("a planner of PostgreSQL reads small tables whole")
    from orchestrator.store import sql

    engine: Any = open_engine(ledger).connect()
    asked = {"since": "2026-11-21", "most": 10}
    for name in ("open_jobs_by_state", "jobs_ended_lately", "open_money", "bought_since", "letters_waiting"):
        plan = engine._connection.execute(f"explain query plan {sql.query(name)}", asked).fetchall()
        assert "INDEX" in (steps := " ".join(row["detail"] for row in plan)), (name, steps)
        assert not re.search(r"SCAN \w+($| (?!USING))", steps), (name, steps)
    engine.close()


def test_each_alert_is_about_a_figure_that_is_shown(tmp_path: Path):
    rules = yaml.safe_load((ROOT / "docs/running/alerts.yml").read_text("utf-8"))
    shown = _shown(tmp_path)
    alerts = [rule for group in rules["groups"] for rule in group["rules"]]
    assert len({alert["alert"] for alert in alerts}) == len(alerts) >= 12
    for alert in alerts:
        named = set(re.findall(r"\bagentes_\w+", alert["expr"]))
        assert named <= shown, f"{alert['alert']} asks for {named - shown}"
        assert named or alert["expr"] == 'up{job="agentes"} == 0'
        assert alert["labels"]["severity"] in {"page", "ticket"}
        assert {"summary", "action"} == set(alert["annotations"])
        said = re.findall(r"\b(?:state|what|operation|status|answer)=~?\"([^\"]+)\"", alert["expr"])
        assert all(said), alert["alert"]
        assert alert["expr"].count("(") == alert["expr"].count(")")


def _shown(tmp_path: Path) -> set[str]:
    """The name of every figure there can be, with a ledger that has everything in it."""

    class Full:
        def ask(self) -> Told:
            return Told({}, [], {}, [], _NOTHING, {"todo": 1}, 2, 0.1)

    full: Any = Full()
    figures = Figures(full, version="1", platforms=["runway"], disk=tmp_path)
    figures.served("runPipeline", 200, 0.1)
    figures.asked(Counted("runway", "GET", "h", "/", None, 1.0, 0, "", "Unreachable"))
    families = text_string_to_metric_families(figures.page().decode())
    return {sample.name for family in families for sample in family.samples} | {
        "agentes_spent_today_usd",
        "agentes_wasted_today_usd",
    }


def test_processes_behind_one_door_count_together(tmp_path: Path):
    script = f"""
import json, os
from pathlib import Path
from orchestrator.watch.together import count_together
count_together(Path({str(tmp_path)!r}))
for _ in range(2):
    if os.fork() == 0:
        from orchestrator.watch.figures import Figures
        Figures(None, version="1").served("runPipeline", 200, 0.1)
        os._exit(0)
    os.wait()
from orchestrator.watch.figures import Figures
figures = Figures(None, version="1")
figures.served("runPipeline", 200, 0.1)
print(json.dumps(figures.page().decode()))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    page = json.loads(done.stdout)
    assert 'agentes_http_requests_total{operation="runPipeline",status="200"} 3.0' in page
