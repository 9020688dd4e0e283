"""How long the machines run: a taste by default, everything in torture, and as MACHINES says, such as 5000x100."""

from __future__ import annotations

import os
from typing import Any

from hypothesis import HealthCheck, Phase, settings

__all__ = ["a_taste", "everything"]

_EVERYTHING = "5000x100"


def a_taste(examples: int, steps: int) -> settings:
    """So few that nobody waits for them; the same ones each time, and as they come: torture finds the smallest."""
    return _settings(examples, steps, derandomize=True, phases=[Phase.generate])


def everything(share: float = 1.0) -> settings:
    """As many as `make torture` has time for, and other ones each time; of slow ones, a share of them."""
    examples, _, steps = os.environ.get("MACHINES", _EVERYTHING).partition("x")
    return _settings(max(1, round(int(examples) * share)), int(steps or 100), print_blob=True)


def _settings(examples: int, steps: int, **more: Any) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        **more,
    )
