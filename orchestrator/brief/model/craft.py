"""The knowledge cards, as far as a model needs them to word a prompt: sentences, no tables, and never too long."""

from __future__ import annotations

import re

from shared_knowledge.knowledge_cards import CARDS
from shared_knowledge.vocabulary import Medium

__all__ = ["craft"]

_MOST = 1500
_WRITTEN_BY_US = re.compile(r"<!-- table: .*?<!-- end -->|```.*?```", re.DOTALL)
_ROW = re.compile(r"^\|.*\n|^\s*\n", re.MULTILINE)


def craft(medium: Medium) -> str:
    """What the card on prompts of a medium says; nothing where there is no such card."""
    try:
        card = (CARDS / f"prompt_craft_{medium}.md").read_text("utf-8")
    except OSError:
        return ""
    told = _ROW.sub("", _WRITTEN_BY_US.sub("", card))
    return told[:_MOST].rpartition("\n")[0]
