"""What is given to be spoken over a film: cleaned, capped, and never an address of this machine."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from shared_knowledge.narrated_words import LONGEST_WORDS, shortened, spoken_words
from shared_knowledge.vocabulary import MusicStyle, Narration

FILM = "https://example.com/input.mp4"


def refused(**given: object) -> str:
    """The sentence about the one field that is wrong."""
    with pytest.raises(ValidationError) as wrong:
        Narration.model_validate({"video_url": FILM, **given})
    (error,) = wrong.value.errors()
    return str(error["ctx"]["error"])


def test_the_printed_example_is_taken() -> None:
    asked = Narration(
        video_url=FILM,
        voice_text="Hello, this is a test",
        voice_language="en",
        music_style="orchestral",  # type: ignore[arg-type]
    )
    assert asked.music_style is MusicStyle.ORCHESTRAL
    assert asked.in_words == "“Hello, this is a test” over input.mp4, music: orchestral"
    assert Narration.model_validate_json(asked.model_dump_json()) == asked


@pytest.mark.parametrize(
    ("given", "kept"), [("en", "en"), ("PT-br", "pt-BR"), ("zh-hant-tw", "zh-Hant-TW"), ("es_mx", "es-MX")]
)
def test_a_language_is_written_in_its_usual_way(given: str, kept: str) -> None:
    assert Narration(video_url=FILM, voice_language=given).voice_language == kept


@pytest.mark.parametrize("tag", ["english", "xx", "", "e", "en-", "en; rm", "日本"])
def test_a_language_that_is_none_is_refused_in_the_printed_words(tag: str) -> None:
    assert refused(voice_language=tag) == "Must be 2-letter code (e.g., 'en', 'fr')"


def test_an_unknown_style_is_refused_with_all_that_there_are() -> None:
    told = refused(music_style="invalid_style")
    assert told.startswith("Invalid style: 'invalid_style'.")
    assert all(style in told for style in MusicStyle)
    assert Narration(video_url=FILM, music_style=None).music_style is MusicStyle.NONE  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "address",
    [
        *("/etc/passwd", "file:///etc/passwd", "ftp://example.com/a.mp4", "http://", "https:// a", ""),
        *("concat:a|b", "https://example.com/a\nb.mp4", "https://example.com/" + "a" * 3000),
    ],
)
def test_an_address_that_is_none_of_the_web_is_refused(address: str) -> None:
    assert refused(video_url=address).startswith("Must be")


def test_the_address_in_words_holds_no_key() -> None:
    asked = Narration(video_url="https://s3.example.com/mine.mp4?X-Signature=secret#x")
    assert asked.in_words == "No words over mine.mp4, music: none"


@pytest.mark.parametrize("text", ["", "  \n", "\u200b\u202e", "...", "\x00\x07"])
def test_words_that_nobody_can_speak_are_refused(text: str) -> None:
    assert refused(voice_text=text) == "Must have words to speak, or be left out for a film without a voice"


def test_signs_that_nobody_hears_are_taken_out_and_the_rest_is_composed() -> None:
    assert spoken_words("Cafe\u0301 \u202eabc\u202c\x00\t  now\r\n\r\nthen") == "Café abc now\nthen"


def test_the_cap_counts_what_is_spoken() -> None:
    assert spoken_words("a" * LONGEST_WORDS + "\u200b" * 50) == "a" * LONGEST_WORDS
    assert "8,001" in refused(voice_text="a" * (LONGEST_WORDS + 1))


@given(st.text())
def test_words_are_clean_and_cleaning_again_changes_nothing(text: str) -> None:
    try:
        words = spoken_words(text)
    except ValueError:
        return
    assert words is not None
    assert spoken_words(words) == words
    assert not any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in words.replace("\n", ""))


@pytest.mark.parametrize(
    ("words", "shown"),
    [("one two", "one two"), ("one two three", "one two…"), ("onetwothree four", "onetwoth…")],
)
def test_a_long_text_is_shortened_at_a_word(words: str, shown: str) -> None:
    assert shortened(words, 8) == shown
