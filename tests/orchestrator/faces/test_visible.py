"""What would steer a terminal is shown as a mark; everything else stays, letter for letter."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.faces.visible import visible


def test_what_steers_is_shown_as_a_mark() -> None:
    assert visible("a\x1b[2Jb\x07c\x9bd\u202ee\u2067f") == "a�[2Jb�c�d�e�f"


def test_words_stay_as_they_are() -> None:
    told = "Olá, größer: ½ min\n\t日本語 👩\u200d🍳"
    assert visible(told) == told


@given(st.text())
def test_nothing_moves_and_nothing_steers(text: str) -> None:
    shown = visible(text)
    assert len(shown) == len(text)
    assert not any((ord(one) < 32 and one not in "\n\t") or 127 <= ord(one) < 160 for one in shown)
