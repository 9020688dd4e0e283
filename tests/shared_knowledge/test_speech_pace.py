"""Speech length is predicted from the words: in every language, with numbers, pauses and no surprises."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared_knowledge.speech_pace import pace_of, predicted_s, rate_to_fit, words_too_many

SENTENCES = {
    "en": "Take a good look at what is in front of you. There is no rush: let your eyes take their time.",
    "pt-BR": "Olhe com calma para o que está na sua frente. Não tem pressa: deixe o olhar passear um pouco.",
    "pt-PT": "Olhe com calma para o que tem à sua frente. Não há pressa: deixe o olhar passear um pouco.",
    "es": "Mira con calma lo que tienes delante. No hay prisa: deja que la mirada se tome su tiempo.",
    "fr": "Regardez bien ce que vous avez devant vous. Rien ne presse : laissez le regard se promener.",
    "de": "Schau genau hin, was da vor dir steht. Keine Eile: Lass dem Blick in Ruhe seine Zeit.",
    "it": "Guarda con calma quello che hai davanti. Non c'è fretta: lascia allo sguardo il suo tempo.",
    "ja": "ゆっくりと、目の前にあるものを見てください。急がなくても大丈夫です。",
    "zh": "请慢慢看看眼前的一切。不用着急，让目光慢慢停留。",
    "xx": "Some language that is on no list at all, spoken at the pace of the others, more or less.",
}


@pytest.mark.parametrize("language", SENTENCES)
def test_a_pair_of_sentences_takes_a_plausible_time(language: str) -> None:
    assert 4 < predicted_s(SENTENCES[language], language) < 8


def test_a_film_of_fifteen_seconds_holds_about_a_hundred_and_eighty_characters_of_portuguese() -> None:
    text = ("Olhe com calma, sem pressa, e deixe os olhos passearem um pouco. " * 4).strip()
    assert 165 < len(text) / predicted_s(text, "pt-BR") * 14.2 < 205


def test_silence_takes_no_time() -> None:
    assert predicted_s("", "en") == 0
    assert predicted_s("  \n ", "pt-BR") == 0
    assert rate_to_fit("", "en", duration_s=3, at_most_s=None) == 1


def test_a_number_takes_longer_than_its_digits() -> None:
    assert predicted_s("It costs 2026.", "en") > predicted_s("It costs abcd.", "en") + 0.5
    assert predicted_s("50 %", "en") > predicted_s("50 a", "en")


def test_a_decimal_comma_is_no_pause() -> None:
    assert predicted_s("3,5", "pt-BR") == predicted_s("3 5", "pt-BR")
    assert predicted_s("oi, cá", "pt-BR") > predicted_s("oi cá", "pt-BR")


def test_a_region_has_its_parents_pace_and_a_stranger_the_default() -> None:
    assert pace_of("es-MX") == pace_of("es")
    assert pace_of("pt-PT") != pace_of("pt-BR")
    assert pace_of("xx") == pace_of("default")


@pytest.mark.parametrize(
    ("duration_s", "at_most_s", "rate"),
    [(None, None, 1.0), (None, 60.0, 1.0), (None, 5.8, 1.13), (100.0, None, 0.85), (0.5, None, 1.2)],
)
def test_the_rate_meets_a_length_within_reason(
    duration_s: float | None, at_most_s: float | None, rate: float
) -> None:
    text = SENTENCES["en"]
    assert rate_to_fit(text, "en", duration_s=duration_s, at_most_s=at_most_s) == pytest.approx(
        rate, abs=0.03
    )


def test_words_too_many_are_counted_from_the_end() -> None:
    text = "one two three four five six seven eight nine ten"
    over = words_too_many(text, "en", 1.5)
    kept = " ".join(text.split()[: 10 - over])
    assert 0 < over < 10
    assert predicted_s(kept, "en") <= 1.5
    assert predicted_s(" ".join(text.split()[: 11 - over]), "en") > 1.5
    assert words_too_many(text, "en", 60) == 0
    assert words_too_many(SENTENCES["zh"], "zh", 2.0) > 5


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=200), st.text(max_size=50))
def test_more_words_never_take_less_time(text: str, more: str) -> None:
    alone, together = predicted_s(text, "pt-BR"), predicted_s(f"{text} {more}", "pt-BR")
    assert 0 <= alone <= together + 1e-9
