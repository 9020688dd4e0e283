"""What every journey needs: somebody who types commands."""

from __future__ import annotations

from pathlib import Path

import pytest
from typed import Ask, Begin, asking, beginning
from warm import Warm


@pytest.fixture(scope="session")
def ask(warm: Warm) -> Ask:
    """Runs a command in a folder: `ask(folder, "make", …)`."""
    return asking(warm)


@pytest.fixture(scope="session")
def begin(warm: Warm) -> Begin:
    """Begins a command that can be watched, interrupted and killed."""
    return beginning(warm)


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the journeys that lead on from one another."""
    return tmp_path_factory.mktemp("journey")
