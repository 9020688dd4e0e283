"""What only a start from cold can show: the console script, what is imported for what, no warning of Python's."""

from __future__ import annotations

import re
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typed import AGENTES, ask_from_cold

if TYPE_CHECKING:
    from practice import Practice

STRICT = (sys.executable, "-W", "error", *AGENTES[1:])
TELLING = (sys.executable, "-X", "importtime", *AGENTES[1:])
HEAVY = {"langgraph", "langchain_core", "PIL", "fastapi", "numpy", "httpx", "sqlite3", "psycopg", "resvg_py"}


def test_the_console_script_knows_every_command(tmp_path: Path):
    script = Path(sysconfig.get_path("scripts")) / "agentes"
    helped = ask_from_cold(tmp_path, "--help", program=(str(script),))
    assert (helped.code, helped.err) == (0, "")
    commands = ("make", "plan", "platforms", "costs", "runs", "show", "resume", "cancel", "review", "doctor")
    assert all(re.search(rf"^ +{command}\b", helped.out, re.MULTILINE) for command in commands)
    assert ask_from_cold(tmp_path, "make", "", program=(str(script),)).code == 2


@pytest.mark.parametrize("words", [["--help"], ["platforms", "--json"], ["plan", "a photo of a candle"]])
def test_whoever_only_asks_does_not_wait_for_what_only_makers_need(tmp_path: Path, words: list[str]):
    asked = ask_from_cold(tmp_path, *words, program=TELLING)
    assert asked.code == 0
    imported = set(re.findall(r"^import time:.*\| +([\w.]+)$", asked.err, re.MULTILINE))
    assert "orchestrator.faces.cli" in imported
    assert not imported & HEAVY


def test_a_draft_is_made_without_a_warning(tmp_path: Path):
    ran = ask_from_cold(tmp_path, "make", "a square photo of a candle", "--draft", "--json", program=STRICT)
    assert (ran.code, ran.json["status"]) == (0, "done"), ran.err
    assert "Warning" not in ran.err


def test_a_voice_is_bought_without_a_warning(tmp_path: Path, sandbox: Practice):
    words = ("make", "voice-over in English: 'Good morning.'", "--use", "elevenlabs", "--yes", "--json")
    ran = ask_from_cold(tmp_path, *words, program=STRICT, AGENTES_SANDBOX_URL=sandbox.url)
    assert (ran.code, ran.json["status"]) == (0, "done"), ran.err
    assert "Warning" not in ran.err
    assert [entry["platform"] for entry in sandbox.ledger()] == ["elevenlabs"]
