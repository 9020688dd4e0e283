"""What the README tells people to type works, and what it links to is there."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from warm import Warm

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")])


def commands() -> Iterator[tuple[str, str]]:
    for page in PAGES:
        for block in re.findall(r"^```sh\n(.*?)^```", page.read_text("utf-8"), re.DOTALL | re.MULTILINE):
            for line in block.splitlines():
                command = re.sub(r"\s+# .*", "", line).strip()
                if command and not command.startswith("#"):
                    yield page.name, command


def targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


@pytest.mark.parametrize(("page", "command"), list(commands()))
def test_every_command_of_the_docs_works(page: str, command: str, tmp_path: Path, warm: Warm):
    words = shlex.split(command)
    match words:
        case ["make", *goals]:
            assert set(goals) <= targets()
        case ["agentes", *rest]:
            environ = {**os.environ, "AGENTES_HOME": str(tmp_path / "home")}
            ran = warm.run(rest, cwd=tmp_path, env=environ)
            assert ran.returncode == 0, ran.stderr
            assert ran.stdout.strip()
        case ["python", "-m", "pytest", *paths]:
            assert all((ROOT / path).exists() for path in paths if not path.startswith("-"))
        case ["python", script, *_] if not script.startswith("-"):
            assert (ROOT / script).is_file()
        case ["python", "-m", module, *_]:
            assert (ROOT / module.replace(".", "/")).with_suffix(".py").is_file()
        case [".", path]:
            assert path == ".venv/bin/activate"
        case _:
            pytest.fail(f"{page} shows a command that no test knows: {command}")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path):
    for link in re.findall(r"\]\(([^)#\s]+)", page.read_text("utf-8")):
        if not link.startswith(("http://", "https://")):
            assert (page.parent / link).exists(), link
