"""The few words of `make`, and what CI does with them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from house import ROOT

WORDS = ("demo", "test", "check", "record", "sandbox", "torture", "bench", "docs", "setup")

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not on this machine")


def make(*words: str) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(
        ["make", *words], cwd=ROOT, env=environ, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("word", WORDS)
def test_the_word_is_understood(word: str) -> None:
    told = make("--dry-run", word)
    assert told.returncode == 0, told.stderr
    assert told.stdout.strip()


def test_the_demo_needs_no_key_asks_nothing_and_shows_the_readme_brief() -> None:
    said = make("--dry-run", "demo").stdout
    assert "agentes make --draft --yes --quality high" in said
    assert "vídeo vertical de 15 s" in said


def test_a_recording_with_a_real_key_says_what_it_may_cost() -> None:
    assert (
        'tests/record.py --live "runway" --budget "1.00"'
        in make("--dry-run", "record", "LIVE=runway", "BUDGET=1.00").stdout
    )
    assert "--live" not in make("--dry-run", "record").stdout


def test_locks_hold_hashes_and_no_address() -> None:
    locks = sorted((ROOT / "requirements").glob("*.lock"))
    assert len(locks) >= 4
    for lock in locks:
        text = lock.read_text()
        assert "://" not in text, lock.name
        for pinned in re.split(r"\n(?=[a-z0-9])", re.sub(r"\A(?:#.*\n|\s)+", "", text)):
            assert re.match(r"[a-z0-9._-]+(\[[a-z,-]+\])?==\S+", pinned), (lock.name, pinned[:80])
            assert "--hash=sha256:" in pinned, (lock.name, pinned[:80])


@pytest.mark.parametrize(
    ("tests", "check", "last", "good"),
    [
        ("echo '12 passed, 1 skipped in 3.20s'", "true", "12 passed, 1 skipped in 3.20s", True),
        ("echo '1 failed, 2 passed in 0.1s'; exit 2", "true", "1 failed, 2 passed in 0.1s", False),
        ("echo '2 passed in 0.1s'", "echo '90 passed in 9s'; exit 1", "2 passed in 0.1s", False),
        ("echo 'no network'; exit 2", "true", "the tests did not reach their end", False),
    ],
)
def test_ci_prints_the_closing_line_of_the_tests_last(
    tmp_path: Path, tests: str, check: str, last: str, good: bool
) -> None:
    (tmp_path / "make").write_text(f'#!/bin/sh\ncase "$1" in test) {tests};; check) {check};; esac\n')
    (tmp_path / "make").chmod(0o755)
    environ = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "CI": "true"}
    run = subprocess.run(
        [ROOT / ".ci/run"], env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert run.stdout.splitlines()[-1] == last
    assert (run.returncode == 0) is good
