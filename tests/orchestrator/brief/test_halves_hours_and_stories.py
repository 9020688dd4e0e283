"""Halves of a number, hours as a length, a bare "story" as a format, figures that are no ratio, German capitals."""

from __future__ import annotations

import pytest

from orchestrator.brief import read


def tasks(text: str) -> list[tuple[str, int, float | None, str | None]]:
    return [
        (task.medium.value, task.count, task.duration_s, task.aspect_ratio)
        for task in read(text).understanding.tasks
    ]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("4 photos of a mug, half square, half 9:16", 2),
        ("8 photos of a mug, half of them square and the other half in 9:16", 4),
        ("4 photos of a mug, half square and half in 9:16", 2),
        ("6 Fotos: die Hälfte quadratisch, die Hälfte 9:16", 3),
        ("4 fotos da caneca, metade quadradas e a outra metade em 9:16", 2),
        ("4 fotos del pan, la mitad cuadradas, la mitad en 9:16", 2),
        ("4 photos du pain, la moitié carrées, l'autre moitié en 9:16", 2),
        ("4 foto del pane, metà quadrate, metà in 9:16", 2),
    ],
)
def test_a_number_is_parted_in_halves(text: str, count: int) -> None:
    assert tasks(text) == [("photo", count, None, "1:1"), ("photo", count, None, "9:16")]
    assert read(text).questions == ()


def test_an_odd_number_has_no_halves() -> None:
    assert any("do not go together" in asked for asked in read("5 photos, half square, half 9:16").questions)


@pytest.mark.parametrize("text", ["4 photos of half a lemon, square", "4 square photos at half the price"])
def test_half_of_something_else_parts_nothing(text: str) -> None:
    assert tasks(text) == [("photo", 4, None, "1:1")]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("um vídeo de 1 hora sobre o mar", 3600),
        ("a 1 hour video of the sea", 3600),
        ("a one-hour video of the sea", 3600),
        ("ein Video von einer Stunde über das Meer", 3600),
        ("ein einstündiges Video über das Meer", 3600),
        ("une vidéo d'une heure sur la mer", 3600),
        ("un video de una hora sobre el mar", 3600),
        ("un video di un'ora sul mare", 3600),
        ("um vídeo de meia hora sobre o mar", 1800),
        ("half an hour of video about the sea", 1800),
        ("une vidéo d'une demi-heure sur la mer", 1800),
        ("Hochzeitsvideo, 1 Stunde", 3600),
        ("an hour-long video of the sea", 3600),
        ("a 1:30 video of the sea", 90),
    ],
)
def test_hours_are_a_length_beside_the_clip(text: str, seconds: float) -> None:
    assert tasks(text) == [("video", 1, seconds, None)]


@pytest.mark.parametrize(
    "text", ["a 2 hour video of the sea", "a video of 1h30 about the sea", "un video de 3 horas"]
)
def test_more_than_an_hour_is_asked_about(text: str) -> None:
    assert tasks(text) == [("video", 1, None, None)]
    assert any("no length that can be made" in asked for asked in read(text).questions)


@pytest.mark.parametrize(
    "text",
    [
        "a 10 s video, needed in 2 hours",
        "a 10 s video of a 24 hour gym",
        "a 10 s video of bread that baked for 1 hour",
        "um vídeo de 10 s, entrega em 24 horas",
        "um vídeo de 10 s pronto em meia hora",
        "10 s video of a two-hour hike",
        "ein 10 s Video von einer zweistündigen Wanderung",
    ],
)
def test_other_hours_are_none(text: str) -> None:
    assert [task[2] for task in tasks(text)] == [10]
    assert read(text).questions == ()


@pytest.mark.parametrize(
    "text",
    [
        "a photo for a story, our new bread",
        "a photo of bread for our story",
        "una foto para la story",
        "uma foto pro story da padaria",
        "une photo en story du pain",
        "ein Foto für die Story",
        "una foto per la storia di instagram",
        "una foto per le storie",
    ],
)
def test_a_story_is_upright(text: str) -> None:
    assert tasks(text) == [("photo", 1, None, "9:16")]


@pytest.mark.parametrize("more", ["for our bakery", "with our new bread", "with English narration"])
def test_a_video_story_is_upright(more: str) -> None:
    assert tasks(f"a 10 s video story {more}")[0] == ("video", 1, 10, "9:16")


def test_two_halves_with_and_keep_their_ratios() -> None:
    """The half that follows is no part of the figure: 9:16, not 9:16½."""
    told = tasks("4 photos of our shop, half 9:16 and half 16:9")
    assert told == [("photo", 2, None, "9:16"), ("photo", 2, None, "16:9")]


@pytest.mark.parametrize(
    "text",
    [
        "a photo that tells the story of our bakery",
        "a story about our bakery, photo",
        "my story: I lost my cat. I need a poster photo",
        "a photo for the story of our founder",
        "uma foto que conte a história da padaria",
    ],
)
def test_a_story_that_is_told_has_no_shape(text: str) -> None:
    assert tasks(text) == [("photo", 1, None, None)]


@pytest.mark.parametrize(
    "text", ["a photo of a mug, 17:13", "a 17:13 photo of a mug", "a photo, format 5:7", "a photo 100:1"]
)
def test_figures_that_are_no_ratio_are_asked_about(text: str) -> None:
    reading = read(text)
    assert tasks(text) == [("photo", 1, None, None)]
    assert reading.understanding.ambiguous
    assert any("no shape that is made" in asked for asked in reading.questions)
    assert any(span.means == "not understood" and ":" in span.text for span in reading.coverage)


@pytest.mark.parametrize(
    "text",
    [
        "a photo poster for the party on Saturday, 18:30, church hall",
        "a photo of the final score 3:1",
        "a photo of our shop at 17:13",
        "a photo of our shop, 9:00",
    ],
)
def test_times_and_scores_are_no_ratio(text: str) -> None:
    assert read(text).questions == ()


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("3 Fotos, max. 5 €", "de"),
        ("2 Videos, 10 s, 9:16", "de"),
        ("3 fotos, max. 5 €", "pt"),
        ("Make 3 Photos of bread", "en"),
        ("Quero 2 Fotos do bolo", "pt"),
        ("Necesito 2 Fotos del pan", "es"),
    ],
)
def test_a_capital_inside_a_sentence_speaks_for_german(text: str, language: str) -> None:
    assert read(text).language == language


@pytest.mark.parametrize(
    "text", ["a photo, budget 1e30 dollars", "a photo, max $1e30", "a photo, max 2.5e3 €"]
)
def test_an_amount_with_an_exponent_is_asked_about(text: str) -> None:
    reading = read(text)
    assert (reading.understanding.budget_usd, reading.understanding.budget_amount) == (None, None)
    assert any("could not be read" in asked for asked in reading.questions)
