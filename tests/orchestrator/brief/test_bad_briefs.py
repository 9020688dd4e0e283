"""A brief that is no text is refused with a reason and a way out; a good one is read quickly."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
from right_answers import cases

from orchestrator.brief import read
from shared_knowledge.errors import UnclearBrief


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "empty"),
        (" \n\t ", "empty"),
        ("\u200b\u2060\ufeff", "no words"),
        ("🎥🎥✨", "no words"),
        ("?!…", "no words"),
        ("a photo " * 1001, "8,000"),
        ("PNG\x00\x01\x02 a photo", "binary"),
        ("\x01\x02\x03\x04 ab", "binary"),
        ("a photo \ud83d of a fox", "surrogates"),
    ],
)
def test_what_is_no_text_is_refused(text: str, what: str) -> None:
    with pytest.raises(UnclearBrief) as refused:
        read(text)
    assert what in refused.value.what
    assert refused.value.todo


def test_the_longest_brief_is_still_read() -> None:
    assert read("a photo of a fox. ".ljust(8000, "x")).understanding.tasks


def test_invisible_and_decomposed_letters_change_nothing() -> None:
    plain = read("foto de um pão de açúcar, 16:9, sem pessoas")
    odd = read("fo\u200bto de um pa\u0303o de ac\u0327u\u0301car,\u00a016:9, sem pessoas\ufeff")
    assert odd.understanding == plain.understanding
    assert odd.subject == plain.subject == "pão de açúcar"


def test_fifty_briefs_take_less_than_two_seconds() -> None:
    briefs = [case["brief"] for name in ("en", "pt", "de") for case in cases(f"briefs_{name}.jsonl")]
    read("uma foto, ein Video, une voix")
    started = time.perf_counter()
    for brief in briefs[:50]:
        read(brief)
    assert time.perf_counter() - started < 2


def test_the_word_lists_are_loaded_by_the_first_brief_only() -> None:
    code = (
        "import sys, orchestrator.brief, orchestrator.brief.reading;"
        "print([name for name in sys.modules if name.startswith('orchestrator.brief.')])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "['orchestrator.brief.reading']"
