"""The voice comes first: what is heard decides how long a film is, where it is cut, and what is not bought."""

from __future__ import annotations

import wave
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentes.media.hearing import Heard, hear, listen
from orchestrator import assembly
from orchestrator.brief import read
from orchestrator.planner import named_recordings, plan
from orchestrator.planner.snapping import FPS, snapped
from orchestrator.recut import recut
from shared_knowledge.errors import BadRequest, UnclearBrief, Unsuitable
from shared_knowledge.speech_pace import predicted_s, words_too_many
from shared_knowledge.vocabulary import Brief, Plan, VideoSpec

# A film of five seconds, and thirty to forty words to be said in it.
TOO_MUCH = {
    "pt": (
        'Vídeo vertical de 5 s da nossa padaria com locução em português: "{}"',
        "O pão sai do forno às seis, e às sete já não há mais nada no balcão. Quem chega cedo leva o melhor, "
        "quem chega tarde leva a promessa de que amanhã tem outra vez, quente e perfumado.",
    ),
    "es": (
        'Vídeo vertical de 5 s de nuestra panadería con locución en español: "{}"',
        "El pan sale del horno a las seis, y a las siete ya no queda nada en el mostrador. Quien llega pronto "
        "se lleva lo mejor, y quien llega tarde, la promesa de que mañana habrá más.",
    ),
    "en": (
        'A 5 s vertical video of our bakery with an English voice-over: "{}"',
        "The bread leaves the oven at six, and by seven there is nothing left on the counter. Come early for "
        "the best of it, come late for the promise that tomorrow there will be more.",
    ),
    "fr": (
        'Vidéo verticale de 5 s de notre boulangerie avec une voix off en français : "{}"',
        "Le pain sort du four à six heures, et à sept heures il ne reste plus rien sur le comptoir. Venez tôt "
        "pour le meilleur, venez tard pour la promesse que demain il y en aura encore.",
    ),
    "de": (
        'Ein 5 s langes Hochkant-Video unserer Bäckerei mit deutschem Sprecher: "{}"',
        "Das Brot kommt um sechs aus dem Ofen, und um sieben liegt nichts mehr auf der Theke. Wer früh kommt, "
        "bekommt das Beste, wer spät kommt, das Versprechen, dass es morgen wieder welches gibt.",
    ),
    "it": (
        'Video verticale di 5 s del nostro forno con voce fuori campo in italiano: "{}"',
        "Il pane esce dal forno alle sei, e alle sette sul banco non resta più niente. Chi arriva presto prende "
        "il meglio, chi arriva tardi la promessa che domani ce ne sarà dell'altro.",
    ),
}


def planned(text: str, **heard: Heard) -> Plan:
    return plan(read(text), Brief(text=text), {f"{name}.mp3": told for name, told in heard.items()})


def spec_of(made: Plan, task: str) -> Any:
    return made.task(task).spec


# ── words that do not fit ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("language", TOO_MUCH)
def test_a_text_too_long_for_its_film_is_told_with_the_words_to_cut(language: str) -> None:
    brief, words = TOO_MUCH[language]
    made = planned(brief.format(words))
    spec = spec_of(made, "voice-1")
    assert (spec.script, spec.at_most_s) == (words, 4.2)
    over = words_too_many(words, spec.language, 4.2)
    assert any(f"about {over} words too many" in warning for warning in made.warnings)
    assert any(f"Which {over} words of voice-1 can go" in question for question in made.questions)
    kept = words.split()[: len(words.split()) - over]
    assert predicted_s(" ".join(kept), spec.language) <= 4.2
    assert predicted_s(" ".join(words.split()[: len(kept) + 1]), spec.language) > 4.2


@pytest.mark.parametrize("language", TOO_MUCH)
def test_a_text_that_is_too_short_is_fine(language: str) -> None:
    brief, words = TOO_MUCH[language]
    made = planned(brief.format(words.split(",")[0].rstrip(".") + "."))
    assert not any("too many" in warning for warning in made.warnings)
    assert not any("can go" in question for question in made.questions)


# ── the film follows the voice that was really spoken ──────────────────────────────────────────

OPEN = 'A vertical video of our bakery with an English voice-over: "The bread leaves the oven at six. Come early."'


def test_an_open_film_takes_its_length_and_its_cuts_from_the_voice() -> None:
    made = planned(OPEN)
    assert made.film is not None
    assert (made.film.open, made.film.duration_s) == (("video-1",), None)
    assert spec_of(made, "voice-1").at_most_s is None
    long = recut(made.task("video-1"), made, {"voice-1": Heard(lasts_s=12.0, pauses_s=(5.6,))}).spec
    assert isinstance(long, VideoSpec)
    assert long.duration_s == pytest.approx(0.3 + 12.0 + 0.5, abs=1 / FPS)
    assert sum(shot.duration_s for shot in long.shots) == pytest.approx(long.duration_s)
    short = recut(made.task("video-1"), made, {"voice-1": Heard(lasts_s=2.5)}).spec
    assert isinstance(short, VideoSpec)
    assert short.duration_s == pytest.approx(3.3, abs=1 / FPS)


def test_a_film_of_a_stated_length_keeps_it_and_cuts_where_the_voice_pauses() -> None:
    made = planned(OPEN.replace("A vertical", "A 12 s vertical"))
    clip = made.task("video-1")
    assert isinstance(clip.spec, VideoSpec)
    assert [shot.duration_s for shot in clip.spec.shots] == [6.0, 6.0]
    cut = recut(clip, made, {"voice-1": Heard(lasts_s=9.0, pauses_s=(4.6, 8.0))}).spec
    assert isinstance(cut, VideoSpec)
    assert cut.duration_s == 12.0
    assert [shot.duration_s for shot in cut.shots] == [4.9, 7.1]


def test_clips_that_wait_for_no_voice_or_one_that_failed_stay_as_planned() -> None:
    made = planned(OPEN)
    assert recut(made.task("video-1"), made, {}) == made.task("video-1")
    assert recut(made.task("voice-1"), made, {}) == made.task("voice-1")


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.floats(1.0, 20.0), min_size=1, max_size=8),
    st.lists(st.floats(0.0, 100.0), max_size=20),
    st.floats(0.0, 30.0),
)
def test_cuts_move_but_nothing_is_lost_or_overtaken(
    lengths_s: list[float], pauses_s: list[float], from_s: float
) -> None:
    cut = snapped(lengths_s, pauses_s, from_s=from_s)
    assert len(cut) == len(lengths_s)
    assert sum(cut) == pytest.approx(sum(lengths_s), abs=0.02)
    assert all(length_s > 0.19 for length_s in cut)


# ── a recording that comes with the brief ──────────────────────────────────────────────────────

GIVEN = {
    "pt": "Vídeo vertical da nossa padaria com a locução do arquivo fala.mp3",
    "es": "Un vídeo vertical de nuestra panadería con mi audio fala.mp3",
    "en": "A vertical video of our bakery over my recording fala.mp3",
    "fr": "Une vidéo verticale de notre boulangerie sur ma voix enregistrée fala.mp3",
    "de": "Ein Hochkant-Video unserer Bäckerei mit der Sprachaufnahme fala.mp3",
    "it": "Un video verticale del nostro forno con la voce registrata in fala.mp3",
}


@pytest.mark.parametrize("language", GIVEN)
def test_a_recording_sets_the_length_and_no_voice_is_bought(language: str) -> None:
    assert named_recordings(read(GIVEN[language])) == ("fala.mp3",)
    made = planned(GIVEN[language], fala=Heard(lasts_s=17.31, pauses_s=(5.0, 11.2)))
    assert [task.id for task in made.tasks] == ["video-1"]
    film, clip = made.film, spec_of(made, "video-1")
    assert film is not None
    assert film.recording is not None
    assert (film.recording.path, film.recording.lasts_s, film.voices) == ("fala.mp3", 17.31, ())
    assert film.duration_s == clip.duration_s == pytest.approx(17.333)
    assert [shot.duration_s for shot in clip.shots][:2] == [5.0, 6.2]
    assert clip.references == ()
    assert made.warnings == ()


def test_a_stated_length_wins_over_a_recording_and_what_is_not_heard_is_said() -> None:
    made = planned("Put my recording fala.mp3 under a 12 s clip of a typewriter", fala=Heard(lasts_s=17.3))
    assert spec_of(made, "video-1").duration_s == 12
    assert any("the last 5.3 s are not heard" in warning for warning in made.warnings)
    assert any("as long as fala.mp3, 17.3 s" in question for question in made.questions)
    shorter = planned("Put my recording fala.mp3 under a 12 s clip of a typewriter", fala=Heard(lasts_s=9.0))
    assert shorter.warnings == shorter.questions == ()


def test_several_clips_share_a_recording_and_change_where_it_pauses() -> None:
    text = "Three clips of our bakery cut into one film to the recording fala.mp3"
    made = planned(text, fala=Heard(lasts_s=18.0, pauses_s=(5.5, 12.4)))
    lengths = [spec_of(made, f"video-{number}").duration_s for number in (1, 2, 3)]
    assert lengths == pytest.approx([5.5, 6.9, 5.6])
    assert made.film is not None
    assert made.film.duration_s == pytest.approx(18)


def test_a_recording_nobody_can_hear_becomes_a_question() -> None:
    missing = planned(GIVEN["en"])
    assert missing.film is not None
    assert missing.film.recording is not None
    assert any("Where is fala.mp3?" in question for question in missing.questions)
    address = planned("A vertical video of our bakery over my recording https://example.org/fala.mp3")
    assert address.film is None or address.film.recording is None
    assert any("save https://example.org/fala.mp3" in question for question in address.questions)


@pytest.mark.parametrize("lasts_s", [0.4, 1200.0])
def test_a_recording_too_short_or_too_long_for_a_film_is_refused(lasts_s: float) -> None:
    with pytest.raises(UnclearBrief, match="are possible"):
        planned(GIVEN["en"], fala=Heard(lasts_s=lasts_s))


def test_a_brief_from_afar_cannot_have_a_sound_of_this_machine_heard(
    agentes_home: Path, tmp_path: Path
) -> None:
    a_sound(tmp_path / "fala.wav", (2.0, 9000))
    brief = Brief(
        text=f"A vertical video of our bakery over my recording {tmp_path}/fala.wav", may_read_files=False
    )
    with pytest.raises(BadRequest, match="cannot be used from elsewhere"):
        assembly.studio().quote(brief).insist()


# ── listening ──────────────────────────────────────────────────────────────────────────────────


def a_sound(path: Path, *stretches: tuple[float, int]) -> Path:
    """A wave file of so many seconds of tone or, with loudness 0, of silence."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        for length_s, loud in stretches:
            tone = b"".join(
                (loud * (1 if at % 20 < 10 else -1)).to_bytes(2, "little", signed=True) for at in range(20)
            )
            file.writeframes(tone * round(length_s * 400))
    return path


async def test_a_recording_is_heard_with_its_pauses(tmp_path: Path) -> None:
    heard = await hear(a_sound(tmp_path / "a.wav", (2.0, 9000), (0.6, 0), (3.0, 9000), (0.1, 0), (1.0, 9000)))
    assert heard.lasts_s == pytest.approx(6.7, abs=0.01)
    assert heard.pauses_s == pytest.approx((2.3,), abs=0.03)
    (tmp_path / "b.mp3").write_bytes(b"no sound at all")
    with pytest.raises(Unsuitable):
        await hear(tmp_path / "b.mp3")


async def test_listening_works_inside_a_loop_and_passes_over_what_is_not_there(tmp_path: Path) -> None:
    there = str(a_sound(tmp_path / "a.wav", (1.5, 9000)))
    assert listen([there, str(tmp_path / "gone.wav"), "x" * 5000])[there].lasts_s == pytest.approx(1.5)
    (tmp_path / "b.mp3").write_bytes(b"no sound at all")
    with pytest.raises(UnclearBrief, match="cannot be used"):
        listen([str(tmp_path / "b.mp3")])
