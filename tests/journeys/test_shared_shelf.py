"""A film made on one machine is at hand on every other that shares its ledger and its bucket."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from house import ROOT
from small_s3 import small_s3

COMMAND = "import sys; from orchestrator.faces.cli import main; sys.exit(main())"
ELSEWHERE = """
import asyncio, json, sys
from orchestrator import assembly
from shared_knowledge.vocabulary import Asset

job = sys.argv[1]
studio = assembly.studio()
assets = [each for each in studio.outcomes(job).values() if isinstance(each, Asset)]
files = [studio.file_of(asset) for asset in assets]
whole = [(file.stem, file.stat().st_size) == (asset.sha256, asset.size_bytes) for file, asset in zip(files, assets)]
at_hand = [asset.path for asset in studio._office.outcomes(job).values()]
studio.take_off(assets[0].path)
print(json.dumps({"files": [str(file) for file in files], "whole": whole, "at_hand": at_hand}))
"""


def run(*words: str, **environ: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-c", *words],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | environ,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    assert "hush-hush" not in done.stdout + done.stderr
    return json.loads(done.stdout)


def test_what_one_machine_made_is_at_hand_on_another(tmp_path: Path):
    with small_s3() as server:
        shared = {
            "AGENTES_DATABASE_URL": f"sqlite:///{tmp_path / 'ledger.db'}",
            "AGENTES_SHELF_URL": "s3://films/one",
            "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "hush-hush-hush-hush",
            "AWS_REGION": "eu-west-1",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
        }
        here, there = tmp_path / "here", tmp_path / "there"
        brief = "a photo of a mug"
        made = run(
            COMMAND, "make", "--draft", "--yes", "--json", "--out", str(tmp_path / "out"), brief,
            AGENTES_HOME=str(here), **shared,
        )  # fmt: skip
        digests = {Path(name).stem for name in server.objects}
        assert {asset["sha256"] for asset in made["assets"]} == digests
        assert all(name.startswith("one/") for name in server.objects)
        shutil.rmtree(here)
        found = run(ELSEWHERE, made["job"], AGENTES_HOME=str(there), **shared)
        assert found["whole"] == [True]
        assert found["files"] == found["at_hand"]
        assert found["files"][0].startswith(str(there / "shelf"))
        assert server.objects == {}
        looked = {
            row["what"]: row for row in run(COMMAND, "doctor", "--json", AGENTES_HOME=str(there), **shared)
        }
        assert looked["Shelf"]["verdict"] == "good"
        assert "s3://films/one" in looked["Shelf"]["detail"]
        assert server.objects == {}
