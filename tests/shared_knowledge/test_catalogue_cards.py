"""The cards people read say what the catalogue says, and stay short enough to be handed to a model."""

from __future__ import annotations

import re
import tomllib

import pytest

from config.settings import VARIABLES
from shared_knowledge.catalogue import Catalogue
from shared_knowledge.knowledge_cards import CARDS, KEY_REFERENCE, card, filled, table, write_cards

ALL = Catalogue.load()
PAGES = {path.stem: path for path in (*CARDS.glob("*.md"), KEY_REFERENCE)}
LONGEST = {"platform_comparison": 20_000, "API_KEYS_REFERENCE": 11_000}
USUALLY = 9_000
KEYS = tomllib.loads((CARDS / "keys.toml").read_text("utf-8"))
PAID = [platform for platform in ALL.platforms if not platform.local]


def test_the_cards_are_all_there() -> None:
    assert set(PAGES) == {
        *("platform_comparison", "integration_patterns", "API_KEYS_REFERENCE"),
        *("prompt_craft_photo", "prompt_craft_video", "prompt_craft_voice"),
    }


@pytest.mark.parametrize("name", PAGES)
def test_a_card_is_up_to_date(name: str) -> None:
    text = PAGES[name].read_text(encoding="utf-8")
    assert "<!-- table: " in text
    assert text == filled(text, ALL), "run: python -m shared_knowledge.knowledge_cards"


@pytest.mark.parametrize("name", PAGES)
def test_a_card_stays_short(name: str) -> None:
    assert len(PAGES[name].read_text(encoding="utf-8")) <= LONGEST.get(name, USUALLY)


@pytest.mark.parametrize("name", PAGES)
def test_a_card_names_only_what_is_there(name: str) -> None:
    """Platforms, models, variables and addresses that no file knows would send the reader astray."""
    text = PAGES[name].read_text(encoding="utf-8")
    known = {secret for one in PAID for key in one.secrets for secret in (key.name, *key.older)}
    files = {f"{secret}_FILE" for secret in known}
    capitals = set(re.findall(r"\b[A-Z][A-Z0-9]*_[A-Z0-9_]+\b", text))
    assert capitals <= known | files | set(VARIABLES) | {KEY_REFERENCE.stem, "CLIENT_REF"}
    addresses = set(re.findall(r"https?://[^\s<>`)|]+", text))
    told = {one.base_url for one in PAID} | {key["where"] for key in KEYS["keys"].values()}
    assert addresses <= told
    for platform_id, _, model_id in re.findall(r"`([a-z]+_[a-z_]+)(:([^`]+))?`", text):
        platform = next((one for one in ALL.platforms if one.id == platform_id), None)
        if platform is not None and model_id:
            assert platform.model(model_id), f"{platform_id}:{model_id}"


def test_a_card_that_is_behind_is_brought_up_to_date(tmp_path) -> None:
    behind, further = tmp_path / "cards" / "card.md", tmp_path / "page.md"
    behind.parent.mkdir()
    behind.write_text("before\n<!-- table: doors -->\nold\n<!-- end -->\nafter\n")
    further.write_text("<!-- table: keys -->\n<!-- end -->\n")
    assert write_cards(behind.parent, further) == [behind, further]
    assert write_cards(behind.parent, further) == []
    assert behind.read_text().startswith("before\n<!-- table: doors -->\n| platform |")
    assert behind.read_text().endswith("|\n<!-- end -->\nafter\n")


def test_a_card_is_handed_out_by_name() -> None:
    assert card("prompt_craft_photo").startswith("# Prompts for pictures\n")
    with pytest.raises(KeyError):
        card("../../pyproject")


@pytest.mark.parametrize("medium", ["photo", "video", "voice"])
def test_every_model_has_a_row(medium: str) -> None:
    rows = table(medium, ALL).splitlines()[2:]
    models = [f"`{platform.id}:{model.id}`" for platform, model in ALL.models() if platform.medium == medium]
    assert [row.split(" | ")[0].removeprefix("| ") for row in rows] == models
    assert len({row.count(" | ") for row in rows}) == 1


@pytest.mark.parametrize("medium", ["photo", "video", "voice"])
def test_every_platform_has_its_way_of_being_spoken_to(medium: str) -> None:
    rows = table(f"{medium}_words", ALL).splitlines()[2:]
    assert [row.split("`")[1] for row in rows] == [one.id for one in PAID if one.medium == medium]


def test_every_platform_has_its_keys_explained() -> None:
    assert set(KEYS["platforms"]) == {one.id for one in PAID}
    assert {facts["key"] for facts in KEYS["platforms"].values()} == set(KEYS["keys"])
    rows = table("keys", ALL).splitlines()[2:]
    assert [row.split("`")[1] for row in rows] == sorted(one.id for one in PAID)
    for row in rows:
        platform = ALL.platform(row.split("`")[1])
        assert all(f"`{name}`" in row for key in platform.secrets for name in (key.name, *key.older))
        assert row.count(" | ") == 5


def test_one_vendor_s_keys_are_told_alike() -> None:
    """Platforms that read the same last variable send the reader to the same page."""
    pages: dict[str, set[str]] = {}
    for one in PAID:
        pages.setdefault(one.secrets[-1].name, set()).add(KEYS["platforms"][one.id]["key"])
    assert {variable: len(where) for variable, where in pages.items()} == dict.fromkeys(pages, 1)
