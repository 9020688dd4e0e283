"""Captions are short, balanced, on time, long enough to read, and never overlap."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentes.media.sentences import sentences, width, words
from orchestrator.composer.captions import Caption, Mark, columns, marks_of, srt, subtitle

SCRIPT = (
    "Feita à mão, uma de cada vez. O barro vira caneca, a caneca vira manhã. "
    "Leve a sua para casa hoje, porque a sua cozinha merece uma caneca que dura a vida inteira."
)


def _shown(script: str, lasts_s: float, most: int = 28, marks: tuple[Mark, ...] = ()) -> tuple[Caption, ...]:
    return subtitle(script, marks, starts_s=0.3, lasts_s=lasts_s, most_columns=most, until_s=lasts_s + 0.8)


@pytest.mark.parametrize(
    ("size", "most"), [((1080, 1920), 28), ((1080, 1080), 28), ((1920, 1080), 42), ((160, 284), 28)]
)
def test_a_line_is_as_long_as_its_canvas_allows(size: tuple[int, int], most: int) -> None:
    assert columns(*size) == most


def test_lines_break_where_a_reader_would() -> None:
    lines = [caption.lines for caption in _shown(SCRIPT, 12)]
    assert lines[:2] == [
        ("Feita à mão,", "uma de cada vez."),
        ("O barro vira caneca,", "a caneca vira manhã."),
    ]
    assert all(len(pair) <= 2 for pair in lines)


def test_brief_sentences_share_the_screen() -> None:
    assert [caption.lines for caption in _shown("Sim. Não. Leve a sua para casa hoje.", 3.2)] == [
        ("Sim. Não.",),
        ("Leve a sua para casa hoje.",),
    ]


def test_chinese_breaks_anywhere_but_before_a_comma() -> None:
    lines = [
        line
        for caption in _shown("泥土变成杯子，杯子变成你的早晨，还有热咖啡，温暖的双手。", 8)
        for line in caption.lines
    ]
    assert all(width(line) <= 28 for line in lines)
    assert not any(line[0] in "，。" for line in lines)


def test_marks_set_the_clock() -> None:
    marks = [Mark(kind="sentence", offset=0, length=14, start_s=1.0, end_s=3.0)]
    marks += [
        Mark(kind="word", offset=0, length=5, start_s=1.0, end_s=1.5),
        Mark(kind="word", offset=6, length=1, start_s=1.5, end_s=1.6),
    ]
    marks += [Mark(kind="sentence", offset=15, length=9, start_s=6.0, end_s=7.5)]
    shown = _shown("Feita — à mão. Leve já!", 8, marks=tuple(marks))
    assert [caption.lines for caption in shown] == [("Feita — à mão.",), ("Leve já!",)]
    assert [caption.start_s for caption in shown] == pytest.approx([1.3, 6.3])
    assert shown[0].end_s == pytest.approx(3.65)


def test_words_nobody_says_are_not_shown() -> None:
    """The names of a dialogue have no marks."""
    script = "Ana: Olá."
    marks = (Mark(kind="sentence", offset=5, length=4, start_s=0.1, end_s=0.8),)
    assert [caption.lines for caption in _shown(script, 1.0, marks=marks)] == [("Olá.",)]


def test_a_subrip_file_is_written_by_the_book() -> None:
    captions = (
        Caption(start_s=0.3, end_s=1.7996, lines=("Olá,", "mundo.")),
        Caption(start_s=3661.5, end_s=3662.25, lines=("Fim.",)),
    )
    assert srt(captions) == (
        "1\n00:00:00,300 --> 00:00:01,800\nOlá,\nmundo.\n\n2\n01:01:01,500 --> 01:01:02,250\nFim.\n"
    )


_WORDS = st.text(st.sampled_from("abcdefghijklmnãéíõúç"), min_size=1, max_size=12)
_SCRIPTS = st.lists(
    st.tuples(st.lists(_WORDS, min_size=1, max_size=18), st.sampled_from([".", "!", "?", "…"])),
    min_size=1,
    max_size=6,
).map(lambda parts: " ".join(f"{' '.join(inside)}{stop}" for inside, stop in parts))


@settings(max_examples=60, deadline=None)
@given(_SCRIPTS, st.floats(0.08, 0.2), st.sampled_from([28, 42]))
def test_for_any_script(script: str, letter_s: float, most: int) -> None:
    lasts_s = max(len(script) * letter_s, 1.2)
    shown = _shown(script, lasts_s, most)
    assert " ".join(line for caption in shown for line in caption.lines).split() == [
        word.text for part in sentences(script) for word in words(script, part.start, part.end)
    ], "every word once, in order"
    assert all(width(line) <= most for caption in shown for line in caption.lines)
    assert all(1 <= len(caption.lines) <= 2 for caption in shown)
    assert all(before.end_s < after.start_s for before, after in pairwise(shown))
    assert all(0 <= caption.start_s < caption.end_s <= lasts_s + 0.8 for caption in shown)
    brief = [caption for caption in shown if caption.end_s - caption.start_s < 0.99]
    assert all(sum(map(width, caption.lines)) * letter_s < 1.2 for caption in brief)


def test_the_times_a_platform_tells_of_its_words_set_the_captions() -> None:
    script = "Our mug. Made by hand, for you."
    told = [(0.1, 0.3, "Our"), (0.3, 0.8, "mug."), (2.0, 2.3, "Made"), (2.3, 2.5, "by"), (2.5, 2.9, "hand,")]
    told += [(3.0, 3.2, "for"), (3.2, 3.6, "you.")]
    marks = marks_of(script, told)
    assert [mark.offset for mark in marks if mark.kind == "word"] == [0, 4, 9, 14, 17, 23, 27]
    sentences_told = [(mark.start_s, mark.end_s) for mark in marks if mark.kind == "sentence"]
    assert sentences_told == [(0.1, 0.8), (2.0, 3.6)]
    shown = subtitle(script, marks, starts_s=1.0, lasts_s=4.0, most_columns=20, until_s=6.0)
    assert shown[0].lines == ("Our mug.",)
    assert shown[1].start_s == pytest.approx(3.0, abs=0.2)


def test_times_of_other_words_are_left_aside() -> None:
    assert marks_of("Our mug.", [(0.0, 0.4, "Your"), (0.4, 0.9, "cup.")]) == ()
    assert marks_of("Our mug.", []) == ()
