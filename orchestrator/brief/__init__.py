"""Understanding: what the words of a brief say, and which of them were not understood."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestrator.brief.reading import Reading

__all__ = ["read"]


def read(text: str) -> Reading:
    """What a brief says, in any of six languages; raises UnclearBrief for what is no text."""
    from orchestrator.brief.understand import understand

    return understand(text)
