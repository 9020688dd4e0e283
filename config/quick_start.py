"""A start that a person does not notice: what a short command does not need is left out."""

from __future__ import annotations

import gc
import os

__all__ = ["quick_start", "settle_down"]


def quick_start() -> None:
    """Call before anything heavy is imported: no plug-ins of other packages, no collector while we import."""
    # Every model definition would otherwise search all installed packages for pydantic plug-ins.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    gc.disable()


def settle_down() -> None:
    """Call before work that lasts: memory is collected again."""
    gc.enable()
