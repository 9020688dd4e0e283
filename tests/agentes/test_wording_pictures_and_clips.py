"""Pictures and clips in words: every intent in every manner, the brief's own words in all, limits kept."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from agentes.photo_agent import wording as photo
from agentes.video_agent import wording as video
from shared_knowledge.prompts import Dialect, fits
from shared_knowledge.vocabulary import PhotoIntent, PhotoSpec, Shot, Task, VideoIntent, VideoSpec

PHOTO_MANNERS = ("sentences", "paragraph", "descriptors", "facts")
VIDEO_MANNERS = ("sentences", "motion_first", "shot_camera_ambience", "storyboard", "short", "facts")
SUBJECT = "caneca de cerâmica"
SETTING = "mesa de madeira, luz da manhã"


def picture(intent: PhotoIntent = PhotoIntent.HERO, **more: Any) -> Task:
    told = {"subject": SUBJECT, "scene": SETTING, "negative": ("pessoas", "vidro"), "palette": ("terracota",)}
    return Task(id="photo-1", spec=PhotoSpec(intent=intent, **{**told, **more}))


def clip(intent: VideoIntent = VideoIntent.TEXT_TO_VIDEO, length_s: float = 15, **more: Any) -> Task:
    (shots,) = video.tell_shots(SUBJECT, SETTING, "pt", [length_s])
    told = {"subject": SUBJECT, "shots": shots, "duration_s": length_s, "negative": ("pessoas", "vidro")}
    return Task(id="video-1", spec=VideoSpec(intent=intent, **{**told, **more}))


@pytest.mark.parametrize(("intent", "manner"), [*product(PhotoIntent, PHOTO_MANNERS)])
def test_every_picture_says_what_was_asked_in_every_manner(intent: PhotoIntent, manner: str) -> None:
    prompt = photo.write_prompt(picture(intent), Dialect(manner))
    assert all(word in prompt for word in (SUBJECT, SETTING, "pessoas", "vidro"))
    assert "  " not in prompt
    assert "\n" not in prompt
    assert prompt.notes == ()


@pytest.mark.parametrize("manner", PHOTO_MANNERS[:3])
def test_every_kind_of_picture_is_told_differently(manner: str) -> None:
    assert len({photo.write_prompt(picture(intent), Dialect(manner)) for intent in PhotoIntent}) == len(
        PhotoIntent
    )


def test_every_manner_tells_the_same_picture_differently() -> None:
    told = [photo.write_prompt(picture(), Dialect(manner)) for manner in PHOTO_MANNERS]
    assert len(set(told)) == len(told)
    sentences, paragraph, descriptors, facts = told
    assert sentences.startswith(f"A hero photograph. Subject: {SUBJECT}. Scene: {SETTING}.")
    assert paragraph.startswith("Create one image: a hero photograph that shows")
    assert "frame" not in paragraph.replace("framed", "")
    assert descriptors.startswith(f"{SUBJECT}, {SETTING}, hero photograph")
    assert "." not in descriptors
    assert len(facts) < 120


@pytest.mark.parametrize(
    ("width", "height", "shape"), [(720, 1280, "tall"), (1280, 720, "wide"), (720, 720, "square")]
)
def test_sentences_speak_of_the_frame(width: int, height: int, shape: str) -> None:
    prompt = photo.write_prompt(picture(width=width, height=height), Dialect("sentences"))
    assert f"{shape}" in prompt.partition("Composed for")[2].split(".")[0]


def test_an_edit_keeps_what_is_there() -> None:
    prompt = photo.write_prompt(picture(PhotoIntent.EDIT), Dialect("openai_images"))
    assert prompt.startswith(f"Edit the given picture, which shows {SUBJECT}. What is wanted: {SETTING}.")
    assert "exactly as it is" in prompt


def test_an_empty_scene_leaves_no_trace() -> None:
    for intent, manner in product(PhotoIntent, PHOTO_MANNERS):
        prompt = photo.write_prompt(picture(intent, scene="", negative=(), palette=()), Dialect(manner))
        assert not any(hole in prompt for hole in ("Scene:", "Leave out", "Colours", ": .", ", ,", ".."))


@pytest.mark.parametrize("module", [photo, video])
def test_what_must_not_be_there_can_be_said_apart(module: Any) -> None:
    task = picture() if module is photo else clip()
    prompt = module.write_prompt(task, Dialect("sentences", negatives="apart"))
    assert "pessoas" not in prompt
    assert module.negative_prompt(task) == "pessoas, vidro"


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("uma foto principal", PhotoIntent.HERO),
        ("Hero shot of a desk", PhotoIntent.HERO),
        ("miniatura para o YouTube", PhotoIntent.THUMBNAIL),
        ("sur fond blanc", PhotoIntent.PACKSHOT),
        ("vor weißem Hintergrund", PhotoIntent.PACKSHOT),
        ("lifestyle na praia", PhotoIntent.LIFESTYLE),
        ("heroína de um filme", None),
        ("", None),
    ],
)
def test_words_choose_the_kind_of_picture(words: str, kind: PhotoIntent | None) -> None:
    assert photo.intent_of(words, from_picture=False) == kind
    assert photo.intent_of(words, from_picture=True) == PhotoIntent.EDIT


def test_a_kind_alone_says_nothing_about_the_picture() -> None:
    assert photo.is_only_a_kind("hero shot")
    assert not photo.is_only_a_kind("hero shot on a beach at dawn")
    assert not photo.is_only_a_kind("red")


def test_pictures_are_labelled_in_the_language_of_the_brief() -> None:
    labels = {photo.label_of(PhotoIntent.HERO, language) for language in ("en", "pt-BR", "fr", "de")}
    assert len(labels) == 4
    assert photo.label_of(PhotoIntent.HERO, "ja") == "Hero"
    assert all(
        photo.label_of(intent, language) for intent in PhotoIntent for language in ("en", "pt", "es", "it")
    )


@pytest.mark.parametrize(("intent", "manner"), [*product(VideoIntent, VIDEO_MANNERS)])
def test_every_clip_says_what_was_asked_in_every_manner(intent: VideoIntent, manner: str) -> None:
    prompt = video.write_prompt(clip(intent), Dialect(manner))
    assert SUBJECT in prompt.lower()
    assert "  " not in prompt
    assert not any(hole in prompt for hole in (": .", ", ,", "..", ", ."))
    if manner != "facts":
        assert SETTING in prompt
        assert "pessoas" in prompt


def test_every_manner_tells_the_same_clip_differently() -> None:
    told = [video.write_prompt(clip(), Dialect(manner)) for manner in VIDEO_MANNERS]
    assert len(set(told)) == len(told)
    _, motion_first, timed, storyboard, short, facts = told
    assert motion_first.startswith("Slow push-in. Caneca de cerâmica, mesa")
    assert "[00:05-00:10] Shot: plano de detalhe." in timed
    assert "No speech" in timed
    assert "Shot 2, 5 s: plano de detalhe, gentle slide" in storyboard
    assert len(short) < 140
    assert facts == "caneca de cerâmica · Abertura 5 s · Detalhe 5 s · Final 5 s · 16:9"


def test_runway_reads_a_thousand_units_and_no_word_is_cut() -> None:
    words = "um gato que atravessa a rua 😀 devagar " * 60
    (shots,) = video.tell_shots("gato", words, "pt", [10])
    task = clip(shots=shots, duration_s=10, subject="gato")
    dialect = Dialect("runway", 1000, "utf-16 units")
    prompt = video.write_prompt(task, dialect)
    assert fits(prompt, dialect)
    assert prompt.endswith("Leave out: pessoas, vidro.")
    assert set(prompt.replace(".", " ").replace(",", " ").split()) <= {
        *words.split(), "Slow", "push-in", "Gato", "Leave", "out:", "pessoas", "vidro",
    }  # fmt: skip
    assert len(prompt.notes) == 2


def test_a_later_piece_tells_its_own_stretch_and_goes_on_from_the_one_before() -> None:
    prompt = video.write_prompt(clip(), Dialect("google_veo"), from_s=8, length_s=7)
    assert "Goes on from the given frame" in prompt
    assert "[00:00-00:02] Shot: plano de detalhe." in prompt
    assert "[00:02-00:07] Shot: um último olhar." in prompt
    assert "plano aberto" not in prompt
    assert "Camera" not in prompt


def test_a_camera_the_brief_moves_is_not_moved_twice() -> None:
    (shots,) = video.tell_shots("trilha", "drone, fim de tarde", "pt", [5])
    prompt = video.write_prompt(clip(shots=shots, duration_s=5, subject="trilha"), Dialect("runway"))
    assert prompt.startswith("Trilha, drone, fim de tarde.")
    assert "push-in" not in prompt


def test_sound_is_asked_for_only_where_it_is_wanted() -> None:
    assert "No speech" not in video.write_prompt(clip(audio=True), Dialect("veo"))


@pytest.mark.parametrize(
    ("length_s", "count"),
    [(1, 1), (5, 1), (6, 1), (7, 2), (10, 2), (15, 3), (20, 4), (30, 5), (60, 10), (300, 24)],
)
def test_a_clip_is_told_in_shots_of_a_few_seconds(length_s: float, count: int) -> None:
    (shots,) = video.tell_shots("mug", "", "en", [length_s])
    assert len(shots) == count
    assert sum(shot.duration_s for shot in shots) == pytest.approx(length_s, abs=1e-6)
    assert all(shot.duration_s >= min(1.5, length_s) for shot in shots)


@pytest.mark.parametrize("length_s", [1.0, 7.3, 11.11, 14.999, 29.97, 61.0])
def test_odd_lengths_add_up_too(length_s: float) -> None:
    (shots,) = video.tell_shots("mug", "", "en", [length_s])
    assert sum(shot.duration_s for shot in shots) == pytest.approx(length_s, abs=1e-3)
    assert min(shot.duration_s for shot in shots) > 0


@pytest.mark.parametrize("language", ["en", "pt-BR", "es", "fr", "de", "it", "ja"])
def test_shots_are_told_in_the_language_of_the_brief(language: str) -> None:
    (shots,) = video.tell_shots("{subject} {{ x }}", "a — b", language, [60])
    assert len({shot.label for shot in shots}) == 8
    assert all("{{ x }}" in shot.scene and shot.scene.endswith(" — a — b") for shot in shots)
    first_in_portuguese = Shot(label="Abertura", scene="plano aberto: mug", duration_s=5)
    assert video.tell_shots("mug", "", "pt-PT", [10])[0][0] == first_in_portuguese


def test_the_clips_of_a_film_tell_one_story() -> None:
    clips = video.tell_shots("mug", "", "en", [6, 6, 6])
    assert [shot.label for shots in clips for shot in shots] == ["Opening", "Detail", "Closing"]


@pytest.mark.parametrize(
    ("words", "picture_given", "clip_given", "intent"),
    [
        ("a street", False, False, VideoIntent.TEXT_TO_VIDEO),
        ("b-roll of a street", False, False, VideoIntent.B_ROLL),
        ("imagens de apoio da rua", False, False, VideoIntent.B_ROLL),
        ("b-roll", True, False, VideoIntent.IMAGE_TO_VIDEO),
        ("", False, True, VideoIntent.CONTINUATION),
    ],
)
def test_words_and_sources_choose_the_kind_of_clip(
    words: str, picture_given: bool, clip_given: bool, intent: VideoIntent
) -> None:
    assert video.intent_of(words, from_picture=picture_given, from_clip=clip_given) == intent
