"""A brand fills what a brief leaves open, is said to have done so, and never wins against the brief."""

from __future__ import annotations

import pytest

from orchestrator.brief.understand import understand
from orchestrator.planner import plan
from shared_knowledge.vocabulary import Brand, Brief, Plan

BRAND = Brand(
    palette=("#0b3d2e", "#f4e9d8"),
    look="matte surfaces, morning light",
    never=("plastic",),
    voice_gender="female",
    voice_style="calm",
)
"""How a shop wants its things to look and sound."""


def planned(text: str, brand: Brand | None = BRAND) -> Plan:
    return plan(understand(text), Brief(text=text, brand=brand))


def test_the_gaps_of_a_brief_are_filled_and_said():
    made = planned("a photo of our ceramic mug and a 10 s voice-over in English about it")
    photo, voice = (task.spec for task in made.tasks)
    assert photo.palette == BRAND.palette
    assert photo.scene.endswith("matte surfaces, morning light")
    assert photo.negative == ("plastic",)
    assert (voice.gender, voice.style) == ("female", "calm")
    said = " ".join(made.assumptions)
    for words in ("#0b3d2e and #f4e9d8", "matte surfaces, morning light", "plastic", "a female one", "calm"):
        assert words in said
    assert made.understanding.negative == (), "the understanding tells what the brief says, and nothing else"


def test_what_the_brief_says_itself_wins():
    made = planned("a photo of our blue ceramic mug, no people, and a 10 s voice-over by a male voice")
    photo, voice = (task.spec for task in made.tasks)
    assert photo.palette not in {(), BRAND.palette}
    assert photo.negative == ("people", "plastic")
    assert voice.gender == "male"


@pytest.mark.parametrize("text", ["a photo of a mug", "a 6 second video of a mug"])
def test_a_brand_says_nothing_of_what_is_not_made(text):
    assert not [each for each in planned(text).assumptions if "voice" in each or "speak" in each]


def test_no_brand_changes_nothing():
    text = "a photo of our ceramic mug and a 6 s video of it"
    assert planned(text, Brand()) == planned(text, None)
