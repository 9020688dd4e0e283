"""How long the draft voice really needs for each of our texts, beside what was predicted for it.

python tests/shared_knowledge/spoken_lengths.py
"""

from __future__ import annotations

import asyncio
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from statistics import median
from typing import NamedTuple

from agentes.drafts import draft_speech
from shared_knowledge.speech_pace import predicted_s
from shared_knowledge.vocabulary import VoiceSpec

__all__ = ["Spoken", "real_lengths", "texts"]


class Spoken(NamedTuple):
    """A text, how long it really took, and how far off the prediction was (-0.1: a tenth too short)."""

    text: str
    real_s: float
    error: float


@cache
def texts(part: str) -> Mapping[str, Sequence[str]]:
    """The texts of one part, "fit" or "unseen", by language."""
    told: dict[str, dict[str, list[str]]] = tomllib.loads(
        Path(__file__).with_name("speech_texts.toml").read_text("utf-8")
    )
    return told[part]


async def real_lengths(language: str, scripts: Sequence[str]) -> list[Spoken]:
    """Every text spoken at the draft voice's own pace, in one sitting."""
    specs = [VoiceSpec(script=script, language=language) for script in scripts]
    lines = [draft_speech._lines(spec) for spec in specs]
    with tempfile.TemporaryDirectory() as room:
        question = draft_speech._question(
            specs[0], [line for several in lines for line in several], Path(room) / "speech.wav"
        )
        said = iter((await draft_speech._ask(question))["lines"])
    spoken = []
    for script, several in zip(scripts, lines, strict=True):
        voiced_s = sum(one["end_s"] - one["start_s"] for one in (next(said) for _ in several))
        pauses = [
            draft_speech._LONG_PAUSE_S if line.sentence.closes else draft_speech._PAUSE_S
            for line in several[:-1]
        ]
        real_s = draft_speech._LEAD_S + voiced_s + sum(pauses) + draft_speech._TAIL_S
        spoken.append(Spoken(script, round(real_s, 2), predicted_s(script, language) / real_s - 1))
    return spoken


async def _report() -> None:
    print("| language | texts fitted | median error | texts unseen | median error | bias | worst |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for language, unseen in texts("unseen").items():
        fitted = await real_lengths(language, texts("fit")[language])
        fresh = await real_lengths(language, unseen)
        errors = [one.error for one in fresh]
        print(
            f"| {language} | {len(fitted)} | {median(abs(one.error) for one in fitted):.1%} | {len(fresh)} "
            f"| {median(map(abs, errors)):.1%} | {sum(errors) / len(errors):+.1%} | {max(map(abs, errors)):.0%} |"
        )


if __name__ == "__main__":
    asyncio.run(_report())
