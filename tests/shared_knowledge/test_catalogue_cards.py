"""The cards people read say what the catalogue says."""

from __future__ import annotations

import pytest

from shared_knowledge.catalogue import Catalogue
from shared_knowledge.knowledge_cards import CARDS, filled, table, write_cards

ALL = Catalogue.load()


@pytest.mark.parametrize("card", ["platform_comparison", "integration_patterns"])
def test_a_card_is_up_to_date(card: str) -> None:
    text = (CARDS / f"{card}.md").read_text(encoding="utf-8")
    assert "<!-- table: " in text
    assert text == filled(text, ALL), "run: python -m shared_knowledge.knowledge_cards"


def test_a_card_that_is_behind_is_brought_up_to_date(tmp_path) -> None:
    card = tmp_path / "card.md"
    card.write_text("before\n<!-- table: doors -->\nold\n<!-- end -->\nafter\n")
    assert write_cards(tmp_path) == [card]
    assert write_cards(tmp_path) == []
    assert card.read_text().startswith("before\n<!-- table: doors -->\n| platform |")
    assert card.read_text().endswith("|\n<!-- end -->\nafter\n")


@pytest.mark.parametrize("medium", ["photo", "video", "voice"])
def test_every_model_has_a_row(medium: str) -> None:
    rows = table(medium, ALL).splitlines()[2:]
    models = [f"`{platform.id}:{model.id}`" for platform, model in ALL.models() if platform.medium == medium]
    assert [row.split(" | ")[0].removeprefix("| ") for row in rows] == models
    assert len({row.count(" | ") for row in rows}) == 1
