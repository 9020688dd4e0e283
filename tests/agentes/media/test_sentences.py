"""Scripts are parted where a reader would breathe, in every script."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentes.media.sentences import sentences, width, words


@pytest.mark.parametrize(
    ("script", "parts"),
    [
        ("Feita à mão. Leve a sua!", ["Feita à mão.", "Leve a sua!"]),
        ("Custa R$ 15.50 hoje. Só hoje…", ["Custa R$ 15.50 hoje.", "Só hoje…"]),
        ("O Dr. Silva e a Sra. Lima vêm.", ["O Dr. Silva e a Sra. Lima vêm."]),
        ("J. R. Tolkien wrote it. No. Really?", ["J. R. Tolkien wrote it.", "No.", "Really?"]),
        ("«Olá.» disse ela. (Fim.)", ["«Olá.»", "disse ela.", "(Fim.)"]),
        ("Título\n\nTexto sem ponto", ["Título", "Texto sem ponto"]),
        ("手工制作，一次一个。泥土变成杯子！", ["手工制作，一次一个。", "泥土变成杯子！"]),
        ("यह हाथ से बना है। आज ही लें।", ["यह हाथ से बना है।", "आज ही लें।"]),
        ("   ", []),
        ("", []),
    ],
)
def test_sentences(script: str, parts: list[str]) -> None:
    assert [sentence.text for sentence in sentences(script)] == parts


def test_the_last_sentence_of_a_paragraph_closes_it() -> None:
    assert [sentence.closes for sentence in sentences("Um. Dois.\nTrês.")] == [False, True, True]


@pytest.mark.parametrize(
    ("script", "parts"),
    [
        ("O barro vira — sim! — caneca.", ["O", "barro", "vira", "—", "sim!", "—", "caneca."]),
        ("杯子，很好。", ["杯", "子，", "很", "好。"]),
        ("コーヒーを。", ["コ", "ー", "ヒ", "ー", "を。"]),
        ("머그가 됩니다.", ["머그가", "됩니다."]),
        ("用iPhone拍", ["用", "iPhone", "拍"]),
    ],
)
def test_words(script: str, parts: list[str]) -> None:
    assert [word.text for word in words(script)] == parts


def test_wide_characters_take_two_columns() -> None:
    assert (width("mão"), width("杯子"), width("ma\u0303o")) == (3, 4, 3)


@given(st.text(st.characters(codec="utf-8"), max_size=80))
def test_every_visible_character_is_in_exactly_one_sentence_and_word(script: str) -> None:
    parts = sentences(script)
    assert all(script[part.start : part.end] == part.text for part in parts)
    assert all(before.end <= after.start for before, after in pairwise(parts))
    visible = [char for char in script if not char.isspace()]
    assert [char for part in parts for char in part.text if not char.isspace()] == visible
    spoken = [word for part in parts for word in words(script, part.start, part.end)]
    assert [char for word in spoken for char in word.text] == visible
