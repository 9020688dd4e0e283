"""What belongs together is made by one model: shots of one subject, voices of one language, unless told otherwise."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.brief.reading import Reading
from orchestrator.planner import plan
from shared_knowledge.vocabulary import Brief, BriefTask, Choice, Medium, Plan, Quality, Understanding


def photo(**more: Any) -> BriefTask:
    return BriefTask(medium=Medium.PHOTO, **more)


def video(**more: Any) -> BriefTask:
    return BriefTask(medium=Medium.VIDEO, **more)


def voice(**more: Any) -> BriefTask:
    return BriefTask(medium=Medium.VOICE, **more)


def planned(*tasks: BriefTask, brief: Brief | None = None, compose: bool = False, **more: Any) -> Plan:
    told = {"text": "a brief", "language": "en", "subject": "ceramic mug", "coverage": ()}
    read = Reading(**{**told, **more}, understanding=Understanding(tasks=tasks, compose=compose))
    return plan(read, brief or Brief(text=read.text))


def together(made: Plan) -> list[str | None]:
    return [task.group for task in made.tasks]


def test_pictures_of_one_subject_share_a_model_and_the_plan_says_so() -> None:
    made = planned(photo(count=3), video())
    assert together(made) == ["photo-1", "photo-1", "photo-1", None]
    assert "photo-1, photo-2 and photo-3 belong together: one model makes these pictures." in made.assumptions


def test_shapes_of_one_picture_belong_together_and_media_do_not() -> None:
    made = planned(photo(aspect_ratio="1:1"), photo(aspect_ratio="9:16"), video(), video())
    assert together(made) == ["photo-1", "photo-1", "video-1", "video-1"]


def test_one_alone_has_no_relatives() -> None:
    assert together(planned(photo(), video(), voice(script="Hello.", language="en"))) == [None] * 3


def test_pictures_of_different_subjects_are_strangers() -> None:
    made = planned(photo(), photo(), photo(), subjects=("red door", "blue mug", "Red Door"))
    assert together(made) == ["photo-1", None, "photo-1"]


def test_another_quality_or_a_picture_given_for_one_of_them_sets_it_apart() -> None:
    assert together(planned(photo(quality="draft"), photo(quality="high"))) == [None, None]
    assert together(planned(photo(reference="mug.jpg"), photo())) == [None, None]


def test_voices_of_one_language_are_one_voice() -> None:
    made = planned(
        video(duration_s=11),
        voice(script="Good morning.", language="en"),
        voice(script="And welcome.", language="en"),
        voice(script="Bom dia.", language="pt-BR"),
        compose=True,
    )
    assert together(made) == [None, "voice-1", "voice-1", None]


@pytest.mark.parametrize(
    "text",
    [
        "três fotos da caneca, com modelos diferentes",
        "tres fotos de la taza en distintas plataformas",
        "three photos of the mug, from different AI models",
        "trois photos de la tasse, avec différents modèles",
        "drei Fotos der Tasse mit verschiedenen Modellen",
        "tre foto della tazza con modelli diversi",
    ],
)
def test_a_brief_that_wants_several_models_gets_them(text: str) -> None:
    assert together(planned(photo(count=3), text=text)) == [None] * 3


def test_several_models_in_the_options_of_one_medium_set_it_apart() -> None:
    mixed = Brief(
        text="x",
        quality=Quality.STANDARD,
        use=(
            Choice(platform="bfl_flux", medium=Medium.PHOTO),
            Choice(platform="openai_images", medium=Medium.PHOTO),
        ),
    )
    assert together(planned(photo(count=2), video(count=2), brief=mixed)) == [
        None,
        None,
        "video-1",
        "video-1",
    ]


def test_clips_of_one_film_share_the_picture_that_was_given_for_one() -> None:
    made = planned(video(duration_s=5, reference="mug.jpg"), video(count=2, duration_s=5), compose=True)
    assert [task.spec.references for task in made.tasks] == [("mug.jpg",)] * 3
    assert "What video-1 is made from is there for video-2 and video-3 too: mug.jpg." in made.assumptions
    assert made.film is not None
    assert made.film.clips == ("video-1", "video-2", "video-3")
    loose = planned(video(duration_s=5, reference="mug.jpg"), video(duration_s=5))
    assert [task.spec.references for task in loose.tasks] == [("mug.jpg",), ()]


def test_a_clip_of_another_subject_or_source_keeps_its_own_start() -> None:
    strangers = planned(
        video(duration_s=5, reference="mug.jpg"),
        video(duration_s=5),
        compose=True,
        subjects=("mug", "a street in the rain"),
    )
    assert [task.spec.references for task in strangers.tasks] == [("mug.jpg",), ()]
    grown = planned(
        photo(aspect_ratio="16:9"),
        video(duration_s=5, reference="mug.jpg"),
        video(duration_s=5, depends_on=(0,)),
        compose=True,
    )
    assert grown.task("video-2").spec.references == ()
