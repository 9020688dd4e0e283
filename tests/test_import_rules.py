"""The rules of who may import whom hold, and each of them catches what it is there to catch."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("shared_knowledge", "config", "agentes", "orchestrator")


class Plant(NamedTuple):
    """A line that must not be written, the file it is planted in, and the rule that must say so."""

    rule: str
    file: str
    line: str
    reported: str


FLOORS = "Floors"
KNOWLEDGE = "Shared knowledge"
AGENTS = "Inside agentes"
PRACTICE = "Drafts and sandbox"
ADAPTERS = "An adapter cannot"
STRANGERS = "Adapters are strangers"
NAMES = "An adapter is found by its name"
ORCHESTRA = "Inside orchestrator"
FACES = "The faces are strangers"

PHOTO = "agentes/photo_agent/api_integrations"
VIDEO = "agentes/video_agent/api_integrations"


def importing(rule: str, file: str, target: str, *, reported_as: str = "") -> Plant:
    importer = file.removesuffix(".py").replace("/", ".")
    return Plant(rule, file, f"import {target}", f"{importer} -> {reported_as or target}")


PLANTS = [
    importing(FLOORS, "shared_knowledge/plant_upwards.py", "config.settings"),
    importing(FLOORS, "config/plant_upwards.py", "agentes.contract"),
    importing(FLOORS, "agentes/media/plant_upwards.py", "orchestrator.store"),
    importing(KNOWLEDGE, "shared_knowledge/plant_network.py", "socket"),
    importing(KNOWLEDGE, "shared_knowledge/plant_environment.py", "os"),
    importing(AGENTS, "agentes/photo_agent/plant_stranger.py", "agentes.video_agent"),
    importing(AGENTS, "agentes/wire/plant_engine.py", "agentes.media_agent"),
    importing(AGENTS, "agentes/media/plant_wire.py", "agentes.wire"),
    importing(AGENTS, "agentes/media_agent.py", "agentes.voice_agent"),
    importing(AGENTS, "agentes/voice_agent/plant_draft.py", "agentes.drafts"),
    importing(AGENTS, "agentes/drafts/plant_sandbox.py", "agentes.sandbox"),
    Plant(AGENTS, "agentes/plant_room.py", "import json", "- agentes.plant_room"),
    importing(PRACTICE, "agentes/drafts/plant_wire.py", "agentes.wire"),
    importing(PRACTICE, "agentes/drafts/plant_engine.py", "agentes.media_agent"),
    importing(PRACTICE, "agentes/sandbox/plant_keys.py", "config.secrets"),
    *(
        importing(ADAPTERS, f"{PHOTO}/plant_{target.replace('.', '_')}.py", target)
        for target in ("asyncio", "time", "tenacity", "pathlib", "config.secrets")
    ),
    importing(ADAPTERS, f"{VIDEO}/plant_client.py", "agentes.wire.client"),
    importing(ADAPTERS, f"{VIDEO}/plant_engine.py", "agentes.media_agent"),
    importing(ADAPTERS, f"{VIDEO}/plant_sandbox.py", "agentes.sandbox"),
    importing(STRANGERS, f"{VIDEO}/plant_copy.py", "agentes.photo_agent.api_integrations.plant_time"),
    importing(NAMES, "agentes/photo_agent/agent.py", "agentes.photo_agent.api_integrations.plant_time"),
    importing(NAMES, "agentes/drafts/plant_draft.py", "agentes.drafts.draft_clip"),
    importing(ORCHESTRA, "orchestrator/store/plant_upwards.py", "orchestrator.dispatch"),
    importing(ORCHESTRA, "orchestrator/composer/plant_brief.py", "orchestrator.brief"),
    importing(ORCHESTRA, "orchestrator/studio.py", "orchestrator.dispatch"),
    importing(ORCHESTRA, "orchestrator/dispatch/plant_face.py", "orchestrator.faces"),
    Plant(ORCHESTRA, "orchestrator/plant_room.py", "import json", "- orchestrator.plant_room"),
    importing(FACES, "orchestrator/faces/web/plant_cli.py", "orchestrator.faces.cli"),
]


def lint(folder: Path) -> tuple[int, str]:
    """Runs the linter over the packages in a folder; its exit code and what it prints."""
    program = "from importlinter.cli import lint_imports_command as run; run()"
    run = subprocess.run(
        [sys.executable, "-c", program, "--no-cache", "--no-logo", "--config", str(ROOT / ".importlinter")],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "400", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    return run.returncode, run.stdout + run.stderr


def sections(output: str) -> dict[str, str]:
    """What the linter prints about each broken rule, under the rule's name."""
    _, _, broken = output.partition("Broken contracts")
    parts = re.split(r"^(\S.*)\n-{3,}\n", broken, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("planted")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=_all_but_python)
    for client in (folder / "agentes/wire/client.py", folder / "orchestrator/faces/cli.py"):
        client.touch()
    for plant in PLANTS:
        with (folder / plant.file).open("a", encoding="utf-8") as file:
            file.write(f"\n{plant.line}\n")
    code, output = lint(folder)
    assert code != 0, output
    return sections(output)


def _all_but_python(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if not name.endswith(".py") and not (Path(folder) / name).is_dir()]


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: f"{plant.file}: {plant.line}")
def test_a_planted_violation_is_caught(planted: dict[str, str], plant: Plant) -> None:
    told = next((text for rule, text in planted.items() if rule.startswith(plant.rule)), "")
    assert re.search(rf"{re.escape(plant.reported)}\b", told), f"not reported under {plant.rule!r}:\n{told}"


def test_every_rule_has_a_planted_violation() -> None:
    rules = re.findall(r"^name = (.+)$", (ROOT / ".importlinter").read_text(), flags=re.MULTILINE)
    assert len(rules) >= 8
    assert [rule for rule in rules if not any(rule.startswith(plant.rule) for plant in PLANTS)] == []


def test_the_house_keeps_its_rules() -> None:
    code, output = lint(ROOT)
    assert code == 0, output
