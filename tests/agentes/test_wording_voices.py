"""What a voice says: scripts that fit, claim nothing and speak one language; text that is spoken as written."""

from __future__ import annotations

import re
import tomllib
from itertools import product
from typing import Any

import pytest

from agentes.voice_agent import scripts
from agentes.voice_agent.scripts.glossary import in_language
from agentes.voice_agent.scripts.writing import Facts, can_write, mood_of, write_script, written_languages
from agentes.voice_agent.wording import delivery_notes, intent_of, speaking_rate, spoken_text, write_prompt
from shared_knowledge.errors import Unsuitable
from shared_knowledge.prompts import Dialect
from shared_knowledge.speech_pace import predicted_s
from shared_knowledge.vocabulary import Task, VoiceIntent, VoiceSpec

LANGUAGES = ("de", "en", "es", "fr", "it", "pt-BR", "pt-PT")
NEUTRAL = ("nl", "pl", "ja", "zh", "sv", "ru")
# Masculine, feminine, plural, a phrase, a name, something long.
SUBJECTS = {
    "en": ("mug", "ceramic mugs", "a cat on a roof", "Nimbus 3", "hand-painted porcelain espresso cups"),
    "pt": ("relógio de pulso", "caneca de cerâmica", "canecas", "trilha na Chapada", "cão", "bolo de cenoura"),
    "es": ("reloj", "taza de cerámica", "zapatillas", "moto clásica en el desierto", "árbol"),
    "fr": ("vélo", "bougie", "bougies parfumées", "église au bord de l'eau", "huile d'olive"),
    "de": ("Becher", "Uhr", "Fahrräder", "Fahrradhelm im Regen", "Öl"),
    "it": ("gelato", "tazza", "scarpe da corsa", "isola al tramonto", "orologio"),
}  # fmt: skip
CLAIMS = re.compile(
    r"(?i)\b(best|melhor|mejor|meilleur\w*|beste\w*|migliore|"
    r"buy|compre|compra|achetez|kauf\w*|free|grátis|gratis|gratuit|kostenlos|quality|qualidade|calidad|qualité|qualität|"
    r"qualità|offer|oferta|offre|angebot|offerta|price|preço|precio|prix|preis|prezzo|handmade|artesanal)\b"
)


def scripts_of(language: str) -> dict[str, list[dict[str, Any]]]:
    folder = scripts.__path__[0]
    with open(f"{folder}/{language}.toml", "rb") as file:  # noqa: PTH123 - a package's own folder
        return tomllib.load(file)


def subjects(language: str) -> tuple[str, ...]:
    return SUBJECTS[language.split("-")[0]]


def test_the_promised_languages_are_written() -> None:
    assert written_languages() == LANGUAGES
    assert all(can_write(language) for language in (*LANGUAGES, *NEUTRAL, "es-MX", "pt", "no"))
    assert not can_write("tlh")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_lines_are_whole_and_claim_nothing(language: str) -> None:
    lines = scripts_of(language)
    all_lines = [line for group in lines.values() for line in group]
    assert len({line["says"] for line in all_lines}) == len(all_lines)
    for line in all_lines:
        assert re.search(r"[.!?]$", line["says"])
        assert set(re.findall(r"\{(\w+)\}", line["says"])) <= {"subject", "Subject", "scene"}
    spoken = " ".join(line["says"] for group in ("opening", "middle", "closing") for line in lines[group])
    assert CLAIMS.findall(spoken) == []
    assert not re.search(r"\d", spoken)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_subject_stands_where_nothing_agrees_with_it(language: str) -> None:
    lines = [line["says"] for group in scripts_of(language).values() for line in group]
    for says in lines:
        for slot in re.finditer(r"\{(subject|Subject|scene)\}", says):
            assert says[: slot.start()].endswith(": ") or says[slot.end() :].startswith((":", " :"))


@pytest.mark.parametrize(("language", "film_s", "seed"), [*product(LANGUAGES, (15, 30, 60), (1, 2))])
def test_a_script_nearly_fills_its_film(language: str, film_s: int, seed: int) -> None:
    for subject in subjects(language):
        script = write_script(
            Facts(subject=subject, language=language[:2]), language, at_most_s=film_s - 0.8, seed=seed
        )
        assert script is not None
        assert 0.83 * film_s <= script.predicted_s <= film_s - 0.8
        assert script.predicted_s == predicted_s(script.text, language)
        assert script.names_subject
        sentences = re.split(r"(?<=[.!?])\s+(?=[A-ZÀ-Ý¿¡])", script.text)
        assert len(set(sentences)) == len(sentences)
        assert len(sentences) >= (3 if film_s == 15 else 4)
        assert len(sentences) <= film_s / 4 + 2.5


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_minute_is_told_in_sentences_that_do_not_repeat(language: str) -> None:
    subject = subjects(language)[1]
    script = write_script(Facts(subject=subject, language=language[:2]), language, at_most_s=59.2, seed=9)
    assert script is not None
    assert 10 <= len(re.findall(r"[.!?](?=\s|$)", script.text)) <= 17
    assert script.text.casefold().count(subject.casefold()) <= 3
    openings = [" ".join(line.split()[:2]) for line in re.split(r"(?<=[.!?])\s", script.text)]
    assert len(openings) - len(set(openings)) <= 2


@pytest.mark.parametrize("language", LANGUAGES)
def test_six_seconds_are_one_sentence(language: str) -> None:
    for subject in subjects(language):
        script = write_script(Facts(subject=subject, language=language[:2]), language, at_most_s=5.2, seed=4)
        assert script is not None
        assert len(re.findall(r"[.!?]", script.text)) == 1
        assert 3.0 <= script.predicted_s <= 5.2
        assert script.names_subject


@pytest.mark.parametrize("language", LANGUAGES)
def test_even_two_seconds_get_a_word(language: str) -> None:
    script = write_script(Facts(), language, at_most_s=1.2, seed=4)
    assert script is not None
    assert script.predicted_s <= 1.2


def test_the_same_brief_gets_the_same_words_and_another_seed_others() -> None:
    facts = Facts(subject="caneca", language="pt")
    told = [write_script(facts, "pt-BR", at_most_s=14.2, seed=seed) for seed in (1, 1, *range(2, 8))]
    assert told[0] == told[1]
    assert len({script.text for script in told if script}) >= 4


def test_the_scene_is_told_where_it_can_be_said_and_the_camera_is_not() -> None:
    def text(scene: str) -> str:
        script = write_script(Facts(subject="mug", scene=scene, language="en"), "en", at_most_s=14.2, seed=1)
        assert script is not None
        return script.text

    assert "Picture it: on a wooden table, soft morning light." in text(
        "on a wooden table, soft morning light"
    )
    assert "Picture it: rain on the window." in text("slow push in; rain on the window; 4k drone shot")
    for unspoken in (
        "drone shot from above",
        "see http://x.y/z now",
        "{{ 7 * 7 }} and more",
        "{scene} of it",
        "red",
    ):
        assert "Picture it" not in text(unspoken)


@pytest.mark.parametrize(
    "subject", ["{{ 7*7 }}", "https://x.y", "a_b.png", "<b>mug</b>", "x" * 80, "tel. 5551234"]
)
def test_a_subject_that_cannot_be_said_is_not(subject: str) -> None:
    script = write_script(Facts(subject=subject, language="en"), "en", at_most_s=14.2, seed=1)
    assert script is not None
    assert not script.names_subject
    assert subject not in script.text


@pytest.mark.parametrize(
    ("words", "mood"),
    [
        ("fun and energetic", "lively"),
        ("dark and moody", "moody"),
        ("clima tranquilo", "calm"),
        ("a mug", "warm"),
        ("", "warm"),
    ],
)
def test_words_set_the_mood(words: str, mood: str) -> None:
    assert mood_of(words) == mood


@pytest.mark.parametrize(("language", "mood"), [*product(LANGUAGES, ("lively", "calm", "moody"))])
def test_every_mood_has_words_of_its_own(language: str, mood: Any) -> None:
    subject = subjects(language)[0]
    plain = Facts(subject=subject, language=language[:2])
    script = write_script(plain.model_copy(update={"mood": mood}), language, at_most_s=14.2, seed=3)
    assert script is not None
    assert 12 <= script.predicted_s <= 14.2
    assert ("!" in script.text) == (mood == "lively")


@pytest.mark.parametrize("language", NEUTRAL)
def test_other_languages_get_a_short_neutral_text(language: str) -> None:
    own = write_script(Facts(subject="XYZ", language=language), language, at_most_s=14.2, seed=1)
    foreign = write_script(Facts(subject="ceramic mug", language="en"), language, at_most_s=14.2, seed=1)
    assert own is not None
    assert foreign is not None
    assert own.names_subject
    assert "XYZ" in own.text
    assert not foreign.names_subject
    assert foreign.predicted_s < own.predicted_s < 9
    assert write_script(Facts(), "tlh", at_most_s=14.2, seed=1) is None


@pytest.mark.parametrize(
    ("subject", "written_in", "spoken_in", "said"),
    [
        ("ceramic mug", "en", "pt-BR", "caneca de cerâmica"),
        ("handmade ceramic mugs on a wooden table", "en", "de", "Becher aus Keramik"),
        ("caneca de cerâmica", "pt", "en", "ceramic mug"),
        ("canecas de cerâmica", "pt", "it", "tazze di ceramica"),
        ("tasse en céramique", "fr", "es", "taza de cerámica"),
        ("running shoes", "en", "pt-PT", "sapatilhas"),
        ("running shoes", "en", "pt-BR", "tênis"),
        ("ice cream", "en", "pt-PT", "gelado"),
        ("glass bottle with blue water", "en", "fr", "bouteille en verre"),
        ("Fahrradhelm im Regen", "de", "es", "casco de bicicleta"),
        ("anything at all", "pt-BR", "pt-PT", "anything at all"),
        ("toy car", "en", "pt", None),
        ("walnut desk organizer", "en", "pt", None),
        ("mug", "en", "ja", None),
        ("", "en", "pt", None),
    ],
)
def test_a_subject_crosses_languages_only_with_certainty(
    subject: str, written_in: str, spoken_in: str, said: str | None
) -> None:
    assert in_language(subject, written_in, spoken_in) == said


def test_a_foreign_subject_is_spoken_in_the_spoken_language_or_not_at_all() -> None:
    known = write_script(Facts(subject="ceramic mug", language="en"), "pt-BR", at_most_s=14.2, seed=1)
    rainy = Facts(subject="desk organizer", scene="in the rain at night", language="en")
    unknown = write_script(rainy, "fr", at_most_s=14.2, seed=1)
    assert known is not None
    assert unknown is not None
    assert "caneca de cerâmica" in known.text
    assert known.names_subject
    assert not unknown.names_subject
    assert not re.search(r"\b(desk|rain|night)\b", unknown.text)


def voice(script: str, **more: Any) -> Task:
    return Task(id="voice-1", spec=VoiceSpec(script=script, **{"language": "pt-BR", **more}))


HARD = 'Café <quente> & pão: "sempre"\u0007, {{ 7 * 7 }}!'


@pytest.mark.parametrize(
    "platform", ["elevenlabs", "azure_speech", "google_speech", "openai_speech", "draft_speech", "new_one"]
)
def test_a_text_is_spoken_as_it_stands(platform: str) -> None:
    assert write_prompt(voice(HARD), Dialect(platform)) == HARD.replace("\u0007", " ")


def test_a_text_is_never_cut_to_fit() -> None:
    with pytest.raises(Unsuitable, match=r"voice-1 is longer than the 20 bytes small reads"):
        write_prompt(voice("Um texto que não cabe ali."), Dialect("small", 20, "bytes"))


DIALOGUE = "Ana: Bom dia!\nJoão da Silva: Bom dia. São 9:30.\n(rindo) Vamos?"


def test_in_a_dialogue_the_names_are_not_spoken() -> None:
    task = voice(DIALOGUE, intent=VoiceIntent.DIALOGUE)
    assert write_prompt(task, Dialect("elevenlabs")) == "Bom dia!\nBom dia. São 9:30.\n(rindo) Vamos?"
    assert isinstance(task.spec, VoiceSpec)
    assert "Ana" not in spoken_text(task.spec)


@pytest.mark.parametrize(
    ("script", "words", "intent"),
    [
        (DIALOGUE, "", VoiceIntent.DIALOGUE),
        ("Ana: Bom dia!", "um diálogo", VoiceIntent.DIALOGUE),
        ("Ana: Bom dia!", "", VoiceIntent.NARRATION),
        ("Conheça: caneca de cerâmica.", "", VoiceIntent.NARRATION),
        ("Às 9:30 e às 10:30.", "conversa", VoiceIntent.NARRATION),
    ],
)
def test_speakers_make_a_dialogue(script: str, words: str, intent: VoiceIntent) -> None:
    assert intent_of(script, words) == intent


def test_delivery_is_told_beside_the_text() -> None:
    notes = delivery_notes(voice("Chegou o iPhone da NASA.", gender="female", style="cheerful", at_most_s=9))
    assert notes.startswith(
        "Brazilian Portuguese, a female voice. Cheerful. The whole text takes about 9 seconds"
    )
    assert notes.endswith("names keep their own pronunciation: iPhone, NASA.")
    assert delivery_notes(voice("Oi.", language="sw")).startswith("sw. Warm and natural.")
    assert "conversation in 3 turns" in delivery_notes(voice(DIALOGUE, intent=VoiceIntent.DIALOGUE))


def test_a_voice_hurries_no_more_than_it_must() -> None:
    spec = voice("Um texto de umas poucas palavras, dito com calma.").spec
    assert isinstance(spec, VoiceSpec)
    assert speaking_rate(spec) == 1
    assert 1 < speaking_rate(spec.model_copy(update={"at_most_s": 2.6})) <= 1.2
