"""Counts anew which words speak for which language: `python -m orchestrator.brief.counting`."""

from __future__ import annotations

import json
from pathlib import Path

from orchestrator.brief.lexicon import count_evidence

__all__ = ["write_evidence"]


def write_evidence() -> Path:
    """Writes the count beside the word lists; a test says when it has become old."""
    path = Path(__file__).parent / "words" / "evidence.json"
    voters: dict[str, list[str]] = {}
    for word, votes in count_evidence().items():
        voters.setdefault(json.dumps(votes), []).append(word)
    lines = (
        f"[{votes}, {json.dumps(' '.join(words), ensure_ascii=False)}]" for votes, words in voters.items()
    )
    path.write_text("[" + ",\n".join(lines) + "]\n", "utf-8")
    return path


if __name__ == "__main__":
    print(write_evidence())  # noqa: T201 - a maintainer wants to see what was written
