"""A person keeps the ledger: copies it, loses it, puts the copy in its place, and steps back to an older shape."""

from __future__ import annotations

import shutil
from pathlib import Path

from typed import Ask


def test_a_job_is_there_again_after_its_ledger_was_lost(ask: Ask, tmp_path: Path, agentes_home: Path):
    made = ask(tmp_path, "make", "one square photo of a red bicycle", "--draft", "--json")
    assert made.code == 0, made.err
    copied = ask(tmp_path, "ledger", "backup", "copy.db", "--json").json
    assert (copied["jobs"], copied["under_way"]) == (1, 0)
    refused = ask(tmp_path, "ledger", "restore", "copy.db")
    assert (refused.code, "holds jobs" in refused.err) == (2, True)
    home = Path(copied["where"].removeprefix("sqlite:///")).parent
    shutil.rmtree(home)
    assert ask(tmp_path, "runs", "--json").json == []
    for file in home.glob("*.db*"):
        file.unlink()
    told = ask(tmp_path, "ledger", "restore", "copy.db")
    assert "1 jobs" in told.out, told.err
    (line,) = ask(tmp_path, "runs", "--json").json
    assert (line["job"], line["state"]) == (made.json["job"], "done")


def test_back_to_an_older_shape_and_forward_again(ask: Ask, tmp_path: Path):
    newest = ask(tmp_path, "ledger", "migrate", "--json").json["is"]
    assert ask(tmp_path, "ledger", "migrate", "--to", "2", "--json").json["was"] == newest
    assert f"has shape {newest}; it had 2" in ask(tmp_path, "ledger", "migrate").out
    refused = ask(tmp_path, "ledger", "migrate", "--to", "0")
    assert (refused.code, "no shape 0" in refused.err) == (2, True)


def test_a_worker_needs_a_ledger_that_can_be_shared(ask: Ask, tmp_path: Path):
    refused = ask(tmp_path, "worker")
    assert refused.code == 2
    assert "AGENTES_DATABASE_URL=postgresql://" in refused.err
    assert ask(tmp_path, "worker", "--concurrency", "0").code == 2
