"""Commands as a person types them, each in a folder and a home: warm as a rule, from cold where the start matters."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from warm import Child, Warm

__all__ = ["AGENTES", "Ask", "Begin", "Ran", "ask_from_cold", "asking", "beginning"]

AGENTES = (sys.executable, "-c", "from orchestrator.faces.cli import main; main()")


class Ran(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it said, as the one JSON value it must be."""
        return json.loads(self.out)


Ask = Callable[..., Ran]
Begin = Callable[..., Child]


def asking(warm: Warm) -> Ask:
    """Runs the command line as a process of its own, forked from the warm one."""

    def ask(
        place: Path,
        *words: str,
        home: str = "home",
        stdin: bytes = b"",
        limits: Mapping[int, int] | None = None,
        **environ: str,
    ) -> Ran:
        surrounded = _environ(place / home, environ)
        return Ran(*warm.run(words, cwd=place, env=surrounded, stdin=stdin, limits=limits, timeout_s=120))

    return ask


def beginning(warm: Warm) -> Begin:
    """Starts the command line and lets it run."""
    return lambda place, *words, home="home", **environ: warm.spawn(
        words, cwd=place, env=_environ(place / home, environ)
    )


def ask_from_cold(
    place: Path,
    *words: str,
    program: tuple[str, ...] = AGENTES,
    home: str = "home",
    stdin: bytes = b"",
    **environ: str,
) -> Ran:
    """Runs a program that has yet to import everything, as a person's does."""
    ended = subprocess.run(
        [*program, *words],
        cwd=place,
        env=_environ(place / home, environ),
        input=stdin,
        capture_output=True,
        timeout=120,
        check=False,
    )
    return Ran(ended.returncode, ended.stdout.decode(), ended.stderr.decode())


def _environ(home: Path, more: Mapping[str, str]) -> dict[str, str]:
    return {**os.environ, "AGENTES_HOME": str(home), **more}
