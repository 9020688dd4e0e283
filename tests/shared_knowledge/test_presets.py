"""The ready-made briefs are files, and each says in words what its fields promise."""

from __future__ import annotations

import pytest

from shared_knowledge.errors import BadRequest
from shared_knowledge.presets import Preset, preset, presets
from shared_knowledge.vocabulary import pixels

ALL = presets()


def test_the_promised_presets_are_there_in_order() -> None:
    ids = [known.id for known in ALL]
    assert {"brand_campaign", "quick_social", "product_hero"} <= set(ids)
    assert ids == sorted(ids)


@pytest.mark.parametrize("known", ALL, ids=lambda known: known.id)
def test_the_words_say_what_the_fields_promise(known: Preset) -> None:
    words = known.words("caneca de cerâmica", "pt-BR")
    assert "caneca de cerâmica" in words
    assert "$" not in words
    assert known.ratio in words
    assert pixels(known.ratio, 720)
    assert known.duration_s is None or f"{known.duration_s:g}-second" in words
    assert ("voice-over in Brazilian Portuguese" in words) == known.voice
    assert known.captions <= known.voice
    assert ("photo" in words) == bool(known.photos)
    assert ("draft" in words) == (known.quality == "draft")
    assert (known.duration_s is None) == (known.shots == 0)


def test_a_subject_is_text_whatever_it_contains() -> None:
    words = preset("product_film").words("a {{ mug }}\n with $language and $subject on it")
    assert "of a {{ mug }} with $language and $subject on it with a voice-over in English" in words


@pytest.mark.parametrize("subject", ["", "  \n", "x" * 301])
def test_a_subject_of_no_or_too_many_words_is_refused(subject: str) -> None:
    with pytest.raises(BadRequest, match="subject"):
        preset("quick_social").words(subject)


def test_an_unknown_preset_names_the_known_ones() -> None:
    with pytest.raises(BadRequest, match="brand_campaign"):
        preset("brand-campaign")


def test_a_language_the_presets_do_not_speak_is_refused_only_where_a_voice_speaks() -> None:
    with pytest.raises(BadRequest, match="tlh"):
        preset("explainer").words("a mug", "tlh")
    assert "a mug" in preset("quick_social").words("a mug", "tlh")
    assert "Spanish" in preset("explainer").words("a mug", "es-MX")
