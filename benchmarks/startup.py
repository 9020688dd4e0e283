"""What it costs to ask Agentes a question that makes nothing, against importing three libraries.

`agentes --help`, `plan` and `platforms` may each use less CPU than twice `import pydantic, httpx, jinja2`,
and may not import what only a run needs. Commands and peer take turns in one run, so that a busy
machine slows them alike; what is compared is the median.

    python benchmarks/startup.py [--rounds N] [--json]
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

LIMIT = 2.0
ONLY_FOR_A_RUN = ("langgraph", "PIL", "fastapi", "numpy")
PEER = (sys.executable, "-c", "import pydantic, httpx, jinja2")
BRIEF = "15-second vertical video of our ceramic mug, Portuguese voice-over, a hero photo, under $2"
QUESTIONS = {
    "--help": ("--help",),
    "plan": ("plan", BRIEF),
    "platforms": ("platforms",),
}


class Row(NamedTuple):
    """One command: its CPU seconds, and what it imported that it should not have."""

    name: str
    cpu_s: float
    ratio: float
    imported: tuple[str, ...]

    @property
    def good(self) -> bool:
        return self.ratio < LIMIT and not self.imported


def main() -> int:
    """Measures, prints a table, and answers 1 if a goal was missed."""
    asked = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    asked.add_argument("--rounds", type=int, default=7, help="how often each command runs (default 7)")
    asked.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = measure(options.rounds, Path(folder))
    if options.json:
        print(json.dumps([{**row._asdict(), "good": row.good} for row in rows]))
    else:
        print_table(rows)
    return 0 if all(row.good for row in rows) else 1


def measure(rounds: int, folder: Path) -> list[Row]:
    """The rows of all commands, the peer first."""
    agentes = str(Path(sys.executable).with_name("agentes"))
    commands = {"(peer)": PEER} | {name: (agentes, *words) for name, words in QUESTIONS.items()}
    spent: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(rounds + 1):
        for name, command in commands.items():
            cpu_s = cpu_of(command, folder)
            if turn:  # the first turn fills the caches of the disk and of Python
                spent[name].append(cpu_s)
    peer = median(spent["(peer)"])
    return [
        Row(name, median(seconds), median(seconds) / peer, forbidden_imports(commands[name], folder))
        for name, seconds in spent.items()
    ]


def cpu_of(command: Sequence[str], folder: Path) -> float:
    """User and system seconds of the command and its children."""
    child = subprocess.Popen(
        command, cwd=folder, env=surroundings(folder), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert child.stderr is not None
    said = child.stderr.read()
    child.stderr.close()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {child.returncode}:\n{said.decode(errors='replace')}")
    return usage.ru_utime + usage.ru_stime


def forbidden_imports(command: Sequence[str], folder: Path) -> tuple[str, ...]:
    """Which of the libraries that only a run needs were imported."""
    environ = surroundings(folder) | {"PYTHONPROFILEIMPORTTIME": "1"}
    run = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=True)
    imported = set(re.findall(r"^import time:.*\|\s*([\w.]+)$", run.stderr, flags=re.MULTILINE))
    roots = {module.partition(".")[0] for module in imported}
    return tuple(name for name in ONLY_FOR_A_RUN if name in roots)


def surroundings(folder: Path) -> dict[str, str]:
    """An environment with nothing set but a home of its own: no key, no colour, no terminal."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    return kept | {"HOME": str(folder), "AGENTES_HOME": str(folder / "home"), "COLUMNS": "80"}


def print_table(rows: Sequence[Row]) -> None:
    """One line a command, for a person."""
    print(f"{'command':<12}{'CPU s':>8}{'ratio':>8}{'limit':>8}  imported needlessly")
    for row in rows:
        limit = "" if row.name == "(peer)" else f"{LIMIT:.2f}"
        verdict = "" if row.good else "  <- missed"
        print(
            f"{row.name:<12}{row.cpu_s:>8.3f}{row.ratio:>8.2f}{limit:>8}  {', '.join(row.imported) or '-'}{verdict}"
        )


if __name__ == "__main__":
    sys.exit(main())
