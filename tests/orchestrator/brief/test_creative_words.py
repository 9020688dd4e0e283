"""What is left without the facts: a subject that can be said, a scene that can be drawn, and nobody else's words."""

from __future__ import annotations

import pytest
from right_answers import cases

from orchestrator.brief import read

FILES = ("examples", *(f"briefs_{language}" for language in ("en", "pt", "es", "fr", "de", "it")))
README = (
    "vídeo vertical de 15 s da nossa caneca de cerâmica, locução em português, "
    "uma foto principal, até 2 dólares"
)


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        (README, "caneca de cerâmica"),
        ("Hero shot of a walnut desk organizer, then animate the hero shot", "walnut desk organizer"),
        ("a picture of an old film camera next to 24 rolls of film, top down, 4:5", "old film camera"),
        ("una foto di un gelato al pistacchio, formato 4:5", "gelato al pistacchio"),
        ("una foto de una moto clásica en el desierto, 16:9", "moto clásica"),
        ("Video für YouTube Shorts, 15 Sekunden, Fahrradhelm im Regen", "Fahrradhelm"),
        ("Une photo d'un vase bleu sur fond blanc", "vase bleu"),
        ("deux photos d'une montre sur du marbre", "montre"),
        ("Instagram Reel, 20 s, our new bike bell in city traffic", "new bike bell"),
        ("three 6s clips of a barista doing latte art (heart, swan, tulip)", "barista doing latte art"),
        ("A photo of three dogs and two cats on a red sofa", "three dogs and two cats"),
        ("explainer video, 40 s, how rain barrels work, 16:9", "how rain barrels work"),
        ("Campaign for a flower shop, 2 images", "flower shop"),
        ("Animate the attached photo of my grandmother, 4 seconds", "grandmother"),
        ('photo of a chalkboard that says "Back soon"', "chalkboard"),
        ('read this: "Doors open at nine."', ""),
    ],
)
def test_the_subject_is_named_without_article_or_owner(text: str, subject: str) -> None:
    assert read(text).subject == subject


@pytest.mark.parametrize(
    ("text", "scene"),
    [
        (README, ""),
        (
            "Product photo of a skillet on a slate counter, steam rising, 4:5",
            "on a slate counter, steam rising",
        ),
        (
            "image of a kitchen with four chairs. Warm light, no people. Max $2",
            "with four chairs, Warm light",
        ),
        ("a 5 s clip of a heron. Use Veo. thanks!", ""),
        ("photo of a mug, white background, best quality, 1:1", "white background"),
    ],
)
def test_the_scene_holds_the_other_creative_words_and_no_fact(text: str, scene: str) -> None:
    assert read(text).scene == scene


def test_words_of_one_asset_alone_are_its_details() -> None:
    reading = read("4 square photos of pizza and an 8 s video of the wood oven with sparks flying")
    assert reading.subject == "pizza"
    assert reading.details == ("", "wood oven with sparks flying")
    assert reading.subjects == ("pizza", "wood oven")


def test_a_list_of_variants_stays_a_list() -> None:
    reading = read("three clips of a barista (heart, swan, tulip) and one English voice-over")
    assert reading.details == ("(heart, swan, tulip)", "")
    assert read("3 photos of our hats: beanie, bucket and cap").details == ("(beanie, bucket and cap)",)


@pytest.mark.parametrize(
    ("text", "palette"),
    [
        ("photo of a mint green scooter against a terracotta wall", ("#98e2c6", "#c65d3b")),
        ("foto de uma mochila azul-marinho", ("#1b2a4a",)),
        ("foto de una gorra roja y dorada", ("#d62828", "#d4af37")),
        ("Foto einer dunkelblauen Vase", ("#1b2a4a",)),
        ("photo d'une porte verte", ("#2e8b57",)),
        ("foto di una sedia gialla", ("#f4c430",)),
        ("photo of a door, no red", ()),
    ],
)
def test_named_colours_become_a_palette(text: str, palette: tuple[str, ...]) -> None:
    assert read(text).palette == palette


def test_the_voice_is_described_apart_from_the_picture() -> None:
    reading = read("20 s video of a harbour, dark and moody, narrated by a calm older man")
    assert (reading.voice_gender, reading.voice_style) == ("male", "calm, old")
    assert reading.scene == "dark and moody"
    assert read("locução com voz feminina animada").voice_gender == "female"


@pytest.mark.parametrize("name", FILES)
def test_facts_do_not_leak_into_the_creative_words(name: str) -> None:
    for case in cases(f"{name}.jsonl"):
        reading = read(case["brief"])
        creative = " ".join([reading.subject, reading.scene, *reading.details]).casefold()
        for ratio in ("16:9", "9:16", "4:5", "1:1"):
            assert ratio not in creative, case["brief"]
        for service in (*reading.understanding.platform.prefer, *reading.understanding.platform.avoid):
            assert service not in creative.split(), case["brief"]
        for task in reading.understanding.tasks:
            assert not task.reference or task.reference.casefold() not in creative, case["brief"]
            assert not task.script or task.script.casefold() not in creative, case["brief"]
        assert len(reading.details) == len(reading.subjects) == len(reading.understanding.tasks)
        assert len(reading.subject.split()) <= 9


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ("uma foto de um gato", "gato"),
        ("foto de um cachorro na praia", "cachorro"),
        ("una foto de un perro", "perro"),
        ("une photo d'un chat", "chat"),
        ("ein Foto von einem Hund", "Hund"),
        ("una foto di un gatto", "gatto"),
        ("foto de pão", "pão"),
    ],
)
def test_an_everyday_word_can_be_the_subject(text: str, subject: str) -> None:
    assert read(text).subject == subject
