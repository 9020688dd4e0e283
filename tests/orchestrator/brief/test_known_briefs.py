"""Briefs with known answers, in six languages: no change may read fewer of them right."""

from __future__ import annotations

import pytest
from right_answers import cases, differences

from orchestrator.brief import read

FLOOR = {
    "examples.jsonl": 1.0,
    "briefs_en.jsonl": 1.0,
    "briefs_pt.jsonl": 1.0,
    "briefs_es.jsonl": 1.0,
    "briefs_fr.jsonl": 1.0,
    "briefs_de.jsonl": 1.0,
    "briefs_it.jsonl": 1.0,
    "briefs_six.jsonl": 1.0,  # fitted: 75 % at first sight, then the rules were widened until all were right
    "briefs_unseen.jsonl": 0.66,  # written when the rules were done, and nothing was ever changed for one of them
}


@pytest.mark.parametrize("name", FLOOR)
def test_known_briefs_are_read_as_before(name: str) -> None:
    known = cases(name)
    wrong = {case["id"]: differences(case, read(case["brief"]).understanding) for case in known}
    wrong = {name: parts for name, parts in wrong.items() if parts}
    assert len(known) >= 20
    assert 1 - len(wrong) / len(known) >= FLOOR[name], wrong


@pytest.mark.parametrize("name", [name for name in FLOOR if name != "examples.jsonl"])
def test_the_language_of_a_known_brief_is_told(name: str) -> None:
    known = cases(name)
    wrong = [case["brief"] for case in known if read(case["brief"]).language != case["lang"].split("-")[0]]
    assert len(wrong) <= len(known) // 20, wrong


def test_a_wrong_reading_is_noticed() -> None:
    case = next(case for case in cases("examples.jsonl") if case["id"] == "ex-en-04")
    assert differences(case, read(case["brief"]).understanding) == []
    assert differences(case, read("a photo of a door").understanding) == ["tasks", "budget"]
    other = differences(case, read("10 s video of a cat, no dogs, use Kling").understanding)
    assert other == ["tasks", "budget", "prefer", "negative"]
