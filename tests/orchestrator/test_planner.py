"""Plans are made from readings: assets counted and named, defaults filled in and said, limits kept."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.brief.reading import Reading
from orchestrator.planner import plan
from shared_knowledge.errors import UnclearBrief
from shared_knowledge.speech_pace import predicted_s
from shared_knowledge.vocabulary import (
    Brief,
    BriefTask,
    Medium,
    Money,
    PhotoIntent,
    PhotoSpec,
    Plan,
    Quality,
    Span,
    Understanding,
    VideoIntent,
    VideoSpec,
    VoiceIntent,
    VoiceSpec,
)

UNDERSTOOD = set(Understanding.model_fields)


def photo(**more: Any) -> BriefTask:
    return BriefTask(medium=Medium.PHOTO, **more)


def video(**more: Any) -> BriefTask:
    return BriefTask(medium=Medium.VIDEO, **more)


def voice(**more: Any) -> BriefTask:
    return BriefTask(medium=Medium.VOICE, **more)


def reading(*tasks: BriefTask, **more: Any) -> Reading:
    understood = {name: more.pop(name) for name in UNDERSTOOD & set(more)}
    told = {"text": "a brief", "language": "en", "subject": "ceramic mug", "coverage": ()}
    return Reading(**{**told, **more}, understanding=Understanding(tasks=tasks, **understood))


def planned(*tasks: BriefTask, brief: Brief | None = None, **more: Any) -> Plan:
    read = reading(*tasks, **more)
    return plan(read, brief or Brief(text=read.text))


def spec_of(made: Plan, task: str) -> Any:
    return made.task(task).spec


def said(made: Plan, *words: str) -> bool:
    return any(all(word in sentence for word in words) for sentence in made.assumptions)


# ── the example everybody knows ────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def mug() -> Plan:
    return planned(
        video(duration_s=15, aspect_ratio="9:16"),
        voice(language="pt-BR"),
        photo(),
        compose=True,
        budget_usd=2.0,
        text="15-second vertical video of a ceramic mug, Portuguese voice-over, a hero photo, under $2.",
        details=("", "", "hero"),
    )


def test_the_mug_becomes_a_film_its_voice_and_its_photo(mug: Plan) -> None:
    assert [task.id for task in mug.tasks] == ["video-1", "voice-1", "photo-1"]
    assert mug.budget == Money.dollars("2")
    film = mug.film
    assert film is not None
    assert (film.width, film.height, film.fps, film.duration_s) == (720, 1280, 30, 15)
    assert (film.clips, film.voices, film.captions, film.language) == (
        ("video-1",),
        ("voice-1",),
        True,
        "pt-BR",
    )


def test_the_clip_grows_out_of_the_photo_and_waits_for_the_voice(mug: Plan) -> None:
    clip, picture = spec_of(mug, "video-1"), spec_of(mug, "photo-1")
    assert isinstance(clip, VideoSpec)
    assert isinstance(picture, PhotoSpec)
    assert clip.first_frame == "photo-1"
    assert clip.intent is VideoIntent.IMAGE_TO_VIDEO
    assert set(mug.task("video-1").depends_on) == {"photo-1", "voice-1"}
    assert mug.task("voice-1").depends_on == mug.task("photo-1").depends_on == ()
    assert picture.aspect_ratio == "9:16"
    assert (picture.width, picture.height) == (clip.width, clip.height) == (720, 1280)
    assert [shot.duration_s for shot in clip.shots] == [5, 5, 5]


def test_the_voice_fits_the_film_in_the_spoken_language(mug: Plan) -> None:
    spec = spec_of(mug, "voice-1")
    assert isinstance(spec, VoiceSpec)
    assert spec.at_most_s == 14.2
    assert 12.5 <= predicted_s(spec.script, "pt-BR") <= 14.2
    assert "caneca de cerâmica" in spec.script.lower()
    assert not spec.script_is_given


def test_everything_that_was_added_is_said(mug: Plan) -> None:
    assert said(mug, "No ratio was given for photo-1: 9:16, like video-1.")
    assert said(mug, "No quality was given for video-1, voice-1 and photo-1: standard.")
    assert said(mug, "No size in pixels", "video-1 and photo-1", "720")
    assert said(mug, "30 frames per second", "no sound")
    assert said(mug, "No words were given for voice-1")
    assert said(mug, "video-1 begins with photo-1")
    assert said(mug, "voice is made before video-1")
    assert said(mug, "voice-1 may take 14.2 s")
    assert said(mug, "captions")
    assert said(mug, "No voice was described for voice-1")
    assert not said(mug, "length")
    assert mug.questions == mug.warnings == ()
    assert len(set(mug.assumptions)) == len(mug.assumptions)


def test_the_same_subject_keeps_its_seeds_and_another_has_others(mug: Plan) -> None:
    one = planned(photo(count=2), subject="mug", text="one")
    assert one == planned(photo(count=2), subject="mug", text="one")
    corrected = planned(photo(count=2), subject="mug", text="one, but warmer")
    assert [task.spec.seed for task in corrected.tasks] == [task.spec.seed for task in one.tasks]
    other = planned(photo(count=2), subject="candle")
    seeds = [task.spec.seed for made in (one, other) for task in made.tasks]
    assert len(set(seeds)) == 4
    assert all(0 <= seed < 2**31 for seed in seeds)


def test_a_film_and_its_hero_photo_share_a_seed(mug: Plan) -> None:
    assert spec_of(mug, "photo-1").seed == spec_of(mug, "video-1").seed


# ── counting ───────────────────────────────────────────────────────────────────────────────────


def test_assets_are_numbered_by_medium_across_groups() -> None:
    made = planned(photo(count=2), video(duration_s=5), photo(), voice(script="Hi.", language="en"))
    assert [task.id for task in made.tasks] == ["photo-1", "photo-2", "video-1", "photo-3", "voice-1"]


def test_of_one_thing_four_variants_are_planned_and_the_rest_is_said() -> None:
    spans = (
        Span(text="6", start=0, end=1, means="tasks[0].count"),
        Span(text="x", start=2, end=3, means="creative"),
    )
    made = planned(photo(count=6), coverage=spans)
    assert len(made.tasks) == 4
    assert [span.means for span in made.coverage] == ["cannot be met", "creative"]
    assert "6 of one photo were asked for; 4 are planned" in made.warnings[0]


def test_things_that_differ_are_no_variants() -> None:
    made = planned(photo(count=6), details=("mugs (red, blue, green, white, black and pink)",))
    assert [spec_of(made, f"photo-{n}").scene for n in (1, 6)] == ["red, mugs", "pink, mugs"]
    assert len(made.tasks) == 6
    assert made.warnings == ()


@pytest.mark.parametrize(
    ("words", "count", "scenes"),
    [
        (
            "one on a breakfast table and one on a plain mint background",
            2,
            ["on a breakfast table", "on a plain mint background"],
        ),
        ("uma com folhas e outra em fundo preto", 2, ["com folhas", "em fundo preto"]),
        (
            "cor da gorra: negro, rojo y beige",
            3,
            ["negro, cor da gorra", "rojo, cor da gorra", "beige, cor da gorra"],
        ),
        ("mugs (red, blue)", 3, ["mugs (red, blue)"] * 3),
        ("on a table", 2, ["on a table"] * 2),
    ],
)
def test_listed_variants_get_one_asset_each(words: str, count: int, scenes: list[str]) -> None:
    made = planned(photo(count=count), details=(words,))
    assert [task.spec.scene for task in made.tasks if isinstance(task.spec, PhotoSpec)] == scenes


def test_a_plan_holds_twelve_tasks_and_every_group_keeps_one() -> None:
    made = planned(
        *(photo(count=4, aspect_ratio=ratio) for ratio in ("1:1", "4:5", "9:16")), video(count=4), video()
    )
    assert len(made.tasks) == 12
    assert {task.spec.aspect_ratio for task in made.tasks if isinstance(task.spec, PhotoSpec)} == {
        "1:1",
        "4:5",
        "9:16",
    }
    assert any(task.id.startswith("video") for task in made.tasks)
    assert any("12 tasks in all" in warning for warning in made.warnings)


@pytest.mark.parametrize("tasks", [(photo(count=500),), (photo(count=10**9),), (photo(),) * 13])
def test_an_absurd_number_is_refused(tasks: tuple[BriefTask, ...]) -> None:
    with pytest.raises(UnclearBrief, match="at most 12"):
        planned(*tasks)


def test_no_task_is_an_unclear_brief_with_the_readings_questions() -> None:
    with pytest.raises(UnclearBrief, match="Which logo"):
        planned(questions=("Which logo do you mean?",))
    with pytest.raises(UnclearBrief, match="photo, a video or a voice"):
        planned()


def test_an_ambiguous_brief_carries_its_questions_or_gets_one() -> None:
    assert planned(photo(), ambiguous=True, questions=("How many?",)).questions == ("How many?",)
    assert len(planned(photo(), ambiguous=True).questions) == 1
    assert planned(photo(), warnings=("Careful.",)).warnings == ("Careful.",)


# ── shapes ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("tasks", "ratios"),
    [
        ((photo(),), ["1:1"]),
        ((video(),), ["16:9"]),
        ((photo(), video(aspect_ratio="9:16")), ["9:16", "9:16"]),
        ((photo(aspect_ratio="1:1"), video(aspect_ratio="9:16")), ["1:1", "9:16"]),
        ((photo(aspect_ratio="4:5"), video(depends_on=(0,))), ["4:5", "4:5"]),
        ((photo(aspect_ratio="4:5"), video()), ["4:5", "16:9"]),
        ((video(aspect_ratio="9:16"), video()), ["9:16", "9:16"]),
        ((photo(), video()), ["16:9", "16:9"]),
    ],
)
def test_a_shape_that_is_not_said_is_borrowed_from_a_relative(
    tasks: tuple[BriefTask, ...], ratios: list[str]
) -> None:
    made = planned(*tasks)
    assert [task.spec.aspect_ratio for task in made.tasks if not isinstance(task.spec, VoiceSpec)] == ratios
    unsaid = [task.id for task, asked in zip(made.tasks, tasks, strict=True) if asked.aspect_ratio is None]
    assert all(said(made, "No ratio was given", task) for task in unsaid)


def test_a_thumbnail_is_wide_whatever_the_film_is() -> None:
    made = planned(video(aspect_ratio="9:16"), photo(), details=("", "thumbnail"))
    assert spec_of(made, "photo-1").aspect_ratio == "16:9"


@pytest.mark.parametrize(
    ("quality", "side"), [("draft", 720), ("standard", 720), ("high", 1080), (None, 720)]
)
def test_quality_sets_the_short_side(quality: str | None, side: int) -> None:
    made = planned(video(quality=quality, aspect_ratio="9:16"), photo(quality=quality))
    assert {task.spec.width for task in made.tasks if not isinstance(task.spec, VoiceSpec)} == {side}
    assert said(made, "No quality was given") == (quality is None)


def test_the_option_overrides_the_quality_of_the_text() -> None:
    made = planned(photo(quality="draft"), brief=Brief(text="x", quality=Quality.HIGH))
    assert spec_of(made, "photo-1").quality is Quality.HIGH
    assert spec_of(made, "photo-1").width == 1080


def test_a_size_in_pixels_is_kept() -> None:
    span = Span(text="1080x1351 px", start=0, end=12, means="tasks[0].aspect_ratio")
    made = planned(photo(aspect_ratio="1080:1351"), video(aspect_ratio="641x361"), coverage=(span,))
    picture, clip = spec_of(made, "photo-1"), spec_of(made, "video-1")
    assert (picture.width, picture.height, picture.size_is_stated) == (1080, 1351, True)
    assert (clip.width, clip.height, clip.size_is_stated, clip.aspect_ratio) == (642, 362, True, "641:361")
    assert not said(made, "No size in pixels")


@pytest.mark.parametrize("shape", ["1:100", "0:5", "wide", "20000x20000", "0x0"])
def test_a_shape_that_cannot_be_made_is_said(shape: str) -> None:
    span = Span(text=shape, start=0, end=1, means="tasks[0].aspect_ratio")
    made = planned(photo(aspect_ratio=shape), coverage=(span,))
    assert spec_of(made, "photo-1").aspect_ratio == "1:1"
    assert made.coverage[0].means == "cannot be met"
    assert made.warnings


# ── lengths and the film ───────────────────────────────────────────────────────────────────────


def test_a_clip_without_a_length_lasts_ten_seconds() -> None:
    made = planned(video())
    assert spec_of(made, "video-1").duration_s == 10
    assert said(made, "No length was given for video-1: 10 s.")
    assert made.film is None


def test_a_clip_without_a_length_is_as_long_as_its_words() -> None:
    script = "Already here: what you were waiting for. Come and see it, we open at nine, and we close when you leave."
    made = planned(video(), voice(script=script, language="en"), compose=True)
    length_s, need_s = spec_of(made, "video-1").duration_s, predicted_s(script, "en")
    assert need_s + 0.8 <= length_s <= need_s + 1.8
    assert said(made, "to hold the words that were given")
    assert made.warnings == ()


def test_a_clip_without_a_length_is_as_long_as_its_voice() -> None:
    made = planned(video(), voice(duration_s=30, language="en"), compose=True)
    assert spec_of(made, "video-1").duration_s == 30
    assert spec_of(made, "voice-1").at_most_s == 29.2
    assert spec_of(made, "voice-1").duration_s is None
    assert made.warnings == ()


def test_words_too_long_for_the_film_are_counted() -> None:
    script = "one two three four five six seven eight nine ten " * 6
    made = planned(video(duration_s=5), voice(script=script, language="en"), compose=True)
    assert spec_of(made, "voice-1").script == script
    assert "about 47 words too many" in made.warnings[0]


def test_a_film_of_several_clips_is_as_long_as_they_are_and_tells_one_story() -> None:
    made = planned(
        video(count=3, duration_s=6, aspect_ratio="9:16", quality="draft"),
        voice(language="en", duration_s=20),
        compose=True,
        subject="barista doing latte art",
        details=("(heart, swan, tulip)", ""),
        coverage=(Span(text="20s", start=0, end=3, means="tasks[1].duration_s"),),
    )
    film = made.film
    assert film is not None
    assert film.duration_s == 18
    assert film.clips == ("video-1", "video-2", "video-3")
    shots = [spec_of(made, clip).shots[0] for clip in film.clips]
    assert [shot.label for shot in shots] == ["Opening", "Detail", "Closing"]
    assert [shot.scene.split(" — ")[1] for shot in shots] == ["heart", "swan", "tulip"]
    assert spec_of(made, "voice-1").at_most_s == 17.2
    assert "was to last 20 s" in made.warnings[0]
    assert made.coverage[0].means == "cannot be met"
    assert all(made.task(clip).depends_on == ("voice-1",) for clip in film.clips)


def test_one_clip_and_a_voice_make_a_film_even_unasked() -> None:
    made = planned(video(duration_s=8), voice(script="Hello there.", language="en"))
    assert made.film is not None
    assert said(made, "One clip and a voice make one film")
    assert planned(video(count=2), voice(script="Hello.", language="en")).film is None
    assert planned(photo(), voice(script="Hello.", language="en")).film is None


def test_a_film_without_a_clip_is_a_warning() -> None:
    made = planned(photo(), voice(script="Hello.", language="en"), compose=True)
    assert made.film is None
    assert "no clip" in made.warnings[0]


def test_a_film_without_a_voice_has_no_captions() -> None:
    made = planned(video(count=2, duration_s=5), compose=True, language="pt")
    assert made.film is not None
    assert (made.film.captions, made.film.voices, made.film.language) == (False, (), "pt")


def test_one_film_has_one_shape_and_one_language() -> None:
    made = planned(
        video(duration_s=10, aspect_ratio="16:9"),
        video(duration_s=10, aspect_ratio="9:16"),
        voice(language="pt-BR"),
        voice(language="es"),
        compose=True,
    )
    assert made.film is not None
    assert (made.film.clips, made.film.voices) == (("video-1",), ("voice-1",))
    assert "video-2 and voice-2 are delivered beside it" in made.warnings[0]
    assert spec_of(made, "voice-2").at_most_s is None
    assert made.task("video-2").depends_on == ()


def test_versions_of_a_clip_are_not_joined_into_one_film() -> None:
    made = planned(
        video(count=3, duration_s=10), voice(language="en"), compose=True, details=("three versions", "")
    )
    assert made.film is not None
    assert (made.film.clips, made.film.duration_s) == (("video-1",), 10)
    assert "video-2 and video-3 are delivered beside it" in made.warnings[0]


def test_two_voices_of_a_film_share_its_time() -> None:
    line = "Good morning, and welcome."
    made = planned(
        video(duration_s=11),
        voice(script=line, language="en"),
        voice(script=line, language="en"),
        compose=True,
    )
    assert made.film is not None
    assert made.film.voices == ("voice-1", "voice-2")
    assert [spec_of(made, name).at_most_s for name in made.film.voices] == [4.95, 4.95]


@pytest.mark.parametrize("length_s", [0, -5, 0.2, 301, 36_000, float("nan"), float("inf")])
def test_an_impossible_length_is_refused(length_s: float) -> None:
    with pytest.raises(UnclearBrief, match="1 to 300 s"):
        planned(video(duration_s=length_s))
    with pytest.raises(UnclearBrief, match="1 to 600 s"):
        planned(voice(duration_s=length_s * 2, language="en"))


# ── who waits for whom ─────────────────────────────────────────────────────────────────────────


def test_a_stated_chain_is_kept_one_to_one() -> None:
    made = planned(photo(count=2, aspect_ratio="16:9"), video(count=2, depends_on=(0,), duration_s=5))
    assert [spec_of(made, f"video-{n}").first_frame for n in (1, 2)] == ["photo-1", "photo-2"]
    assert made.task("video-2").depends_on == ("photo-2",)
    assert spec_of(made, "video-1").intent is VideoIntent.IMAGE_TO_VIDEO
    assert made.film is None


def test_a_photo_of_another_shape_or_kind_is_not_the_first_frame() -> None:
    square = planned(photo(aspect_ratio="1:1"), video(aspect_ratio="9:16"), compose=True)
    packshot = planned(photo(), video(aspect_ratio="9:16"), compose=True, details=("packshot", ""))
    given = planned(photo(), video(aspect_ratio="9:16", reference="me.jpg"), compose=True)
    loose = planned(photo(), video(aspect_ratio="9:16"))
    for made in (square, packshot, given, loose):
        assert spec_of(made, "video-1").first_frame is None
        assert made.task("video-1").depends_on == ()


def test_a_thumbnail_made_from_the_film_waits_for_it_and_is_not_its_first_frame() -> None:
    made = planned(video(duration_s=5), photo(depends_on=(0,)), compose=True)
    assert made.task("photo-1").depends_on == ("video-1",)
    assert spec_of(made, "video-1").first_frame is None
    assert "photo-1 is made after video-1" in made.warnings[0]


def test_a_voice_of_the_film_never_waits_for_the_clip_that_waits_for_it() -> None:
    made = planned(video(duration_s=9), voice(language="en", depends_on=(0,)), compose=True)
    assert made.task("voice-1").depends_on == ()
    assert made.task("video-1").depends_on == ("voice-1",)


@pytest.mark.parametrize("depends_on", [(0,), (7,), (-1,)])
def test_a_source_that_is_not_there_is_refused(depends_on: tuple[int, ...]) -> None:
    with pytest.raises(UnclearBrief, match="does not ask for"):
        planned(photo(depends_on=depends_on))


def test_tasks_that_would_wait_for_each_other_are_refused() -> None:
    with pytest.raises(UnclearBrief, match="would wait for each other"):
        planned(photo(depends_on=(1,)), video(depends_on=(0,)))


# ── pictures, references, negatives ────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("details", "text", "kind"),
    [
        (("a hero shot",), "x", PhotoIntent.HERO),
        (("foto em fundo branco",), "x", PhotoIntent.PACKSHOT),
        (("",), "quero uma miniatura", PhotoIntent.THUMBNAIL),
        (("hero",), "hero on a white background", PhotoIntent.HERO),
        (("",), "x", PhotoIntent.HERO),
    ],
)
def test_words_choose_the_kind_of_picture(details: tuple[str, ...], text: str, kind: PhotoIntent) -> None:
    made = planned(photo(), details=details, text=text)
    assert spec_of(made, "photo-1").intent is kind
    assert said(made, "No kind of picture was named for photo-1") == (text == "x" and details == ("",))


def test_the_words_of_one_picture_do_not_choose_the_kind_of_another() -> None:
    made = planned(
        photo(), photo(), details=("packshot", "on the beach"), text="a packshot and one on the beach"
    )
    assert [spec_of(made, f"photo-{n}").intent for n in (1, 2)] == [PhotoIntent.PACKSHOT, PhotoIntent.HERO]


def test_the_whole_text_chooses_the_kind_of_one_picture_but_not_of_two() -> None:
    made = planned(photo(), photo(), text="a hero photo and a lifestyle photo")
    assert [spec_of(made, f"photo-{n}").intent for n in (1, 2)] == [PhotoIntent.HERO, PhotoIntent.HERO]
    assert said(made, "No kind of picture was named for photo-1 and photo-2")


def test_references_are_kept_all_and_make_an_edit_or_a_clip() -> None:
    spans = tuple(
        Span(text=name, start=n, end=n + 1, means="tasks[0].reference")
        for n, name in enumerate(("a.png", '"b.png"'))
    )
    made = planned(
        photo(reference="a.png"),
        video(reference="https://x.y/film.MP4?sig=1"),
        video(reference="face.jpg"),
        coverage=spans,
    )
    assert spec_of(made, "photo-1").references == ("a.png", "b.png")
    assert spec_of(made, "photo-1").intent is PhotoIntent.EDIT
    assert spec_of(made, "video-1").intent is VideoIntent.CONTINUATION
    assert spec_of(made, "video-2").intent is VideoIntent.IMAGE_TO_VIDEO


def test_negatives_palette_scene_and_labels_reach_every_picture_and_clip() -> None:
    made = planned(
        photo(aspect_ratio="4:5"),
        video(duration_s=7),
        language="pt",
        subject="caneca",
        scene="mesa de madeira",
        details=("foto principal", "fumaça subindo"),
        negative=("pessoas",),
        palette=("azul",),
    )
    picture, clip = spec_of(made, "photo-1"), spec_of(made, "video-1")
    for spec in (picture, clip):
        assert (spec.negative, spec.palette, spec.language, spec.subject) == (
            ("pessoas",),
            ("azul",),
            "pt",
            "caneca",
        )
    assert (picture.scene, picture.label, picture.badge) == ("mesa de madeira", "Foto principal", "4:5")
    assert clip.shots[0].scene == "plano aberto: caneca — fumaça subindo, mesa de madeira"
    assert [shot.label for shot in clip.shots] == ["Abertura", "Final"]


def test_without_a_subject_the_nearest_words_stand_in() -> None:
    made = planned(
        photo(), photo(), subject="", scene="", details=("a red door", ""), text="a  red\ndoor and more"
    )
    assert [spec_of(made, f"photo-{n}").subject for n in (1, 2)] == ["a red door", "a red door and more"]


# ── voices ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("asked", "brief_language", "spoken"),
    [
        (None, "pt", "pt-BR"),
        (None, "es", "es"),
        ("pt", "en", "pt-BR"),
        ("pt-PT", "pt", "pt-PT"),
        ("es-MX", "en", "es-MX"),
    ],
)
def test_a_voice_speaks_the_language_asked_for_or_that_of_the_brief(
    asked: str | None, brief_language: str, spoken: str
) -> None:
    made = planned(voice(language=asked, script="Sim."), language=brief_language)
    assert spec_of(made, "voice-1").language == spoken
    assert said(made, "language") == (asked in (None, "pt"))


def test_given_words_are_spoken_as_given() -> None:
    script = "Doors open at nine.\n\nCroissants run out at ten."
    made = planned(voice(script=script, language="en"), voice_gender="female", voice_style="cheerful")
    spec = spec_of(made, "voice-1")
    assert (spec.script, spec.script_is_given, spec.gender, spec.style) == (
        script,
        True,
        "female",
        "cheerful",
    )
    assert (spec.at_most_s, spec.duration_s, spec.intent) == (None, None, VoiceIntent.NARRATION)
    assert made.assumptions == ("No quality was given for voice-1: standard.",)


def test_a_voice_alone_without_words_gets_some_and_a_question() -> None:
    made = planned(voice(language="es-CO", duration_s=30), subject="tutorial", language="es")
    spec = spec_of(made, "voice-1")
    assert spec.duration_s == 30
    assert 25 < predicted_s(spec.script, "es-CO") <= 30
    assert "voice-1" in made.questions[0]


def test_a_dialogue_is_heard() -> None:
    made = planned(voice(script="Ana: Good morning.\nTom: Good morning!", language="en"))
    assert spec_of(made, "voice-1").intent is VoiceIntent.DIALOGUE


def test_a_voice_nobody_can_write_for_becomes_a_question_and_the_rest_is_planned() -> None:
    span = Span(text="Klingon", start=0, end=7, means="tasks[1].language")
    made = planned(video(duration_s=8), voice(language="tlh"), compose=True, coverage=(span,))
    assert [task.id for task in made.tasks] == ["video-1"]
    assert made.film is not None
    assert made.film.voices == ()
    assert made.task("video-1").depends_on == ()
    assert "tlh" in made.questions[0]
    assert made.coverage[0].means == "cannot be met"
    with pytest.raises(UnclearBrief, match="tlh"):
        planned(voice(language="tlh"))


def test_a_short_neutral_text_says_that_it_is_short() -> None:
    made = planned(video(duration_s=30), voice(language="nl"), compose=True)
    assert "put your own in quotes" in made.warnings[0]
    assert said(made, "do not name “ceramic mug”")


# ── money ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("option", "text", "holds"),
    [
        (None, None, None),
        ("2.00", None, "2"),
        (None, 1.5, "1.5"),
        ("2.00", 1.5, "1.5"),
        ("2.00", 9999.0, "2"),
        ("2", 0.0, "0"),
    ],
)
def test_a_number_in_the_text_can_only_lower_the_option(
    option: str | None, text: float | None, holds: str | None
) -> None:
    brief = Brief(text="x", budget=Money.dollars(option) if option else None)
    made = planned(photo(), budget_usd=text, brief=brief)
    assert made.budget == (Money.dollars(holds) if holds else None)
    assert said(made, "the smaller one holds") == (text == 9999.0)


def test_a_foreign_budget_is_converted_against_the_user_and_said() -> None:
    made = planned(photo(), budget_currency="EUR", budget_amount=10.0)
    assert made.budget is not None
    assert Money.dollars("5") < made.budget < Money.dollars("12")
    assert said(made, "10 EUR", "5 %")


def test_an_unknown_currency_becomes_a_question() -> None:
    made = planned(photo(), budget_currency="XYZ", budget_amount=10.0, brief=Brief(text="x", budget=Money(5)))
    assert made.budget == Money(5)
    assert "10 XYZ" in made.questions[0]


@pytest.mark.parametrize("amount", [-1.0, float("nan"), float("inf")])
def test_a_budget_that_is_no_amount_is_not_used(amount: float) -> None:
    for words in ({"budget_usd": amount}, {"budget_amount": amount, "budget_currency": "EUR"}):
        made = planned(photo(), **words)
        assert made.budget is None
        assert "not an amount of money" in made.warnings[0]


def test_a_budget_above_all_money_is_all_money() -> None:
    assert planned(photo(), budget_usd=1e30).budget == Money(Money.LIMIT)


# ── anything at all ────────────────────────────────────────────────────────────────────────────

GROUPS = st.builds(
    BriefTask,
    medium=st.sampled_from(Medium),
    count=st.integers(1, 6),
    duration_s=st.none() | st.floats(1, 120),
    aspect_ratio=st.none() | st.sampled_from(["9:16", "16:9", "1:1", "4:5", "1.91:1", "1080x1920"]),
    language=st.none() | st.sampled_from(["en", "pt", "pt-PT", "fr", "ja"]),
    script=st.none() | st.text(min_size=1, max_size=80),
)


@settings(max_examples=120, deadline=None)
@given(
    st.lists(GROUPS, min_size=1, max_size=5),
    st.booleans(),
    st.text(max_size=40),
    st.text(max_size=60),
    st.sampled_from(["en", "pt", "de", "ja", ""]),
)
def test_every_plan_is_within_its_limits(
    groups: list[BriefTask], compose: bool, subject: str, text: str, language: str
) -> None:
    made = planned(
        *groups,
        compose=compose,
        subject=subject,
        text=text or "x",
        language=language,
        details=(text,) * len(groups),
    )
    names = [task.id for task in made.tasks]
    assert 1 <= len(names) <= 12
    assert len(set(names)) == len(names)
    for task in made.tasks:
        assert set(task.depends_on) <= set(names) - {task.id}
        if isinstance(task.spec, VideoSpec):
            assert sum(shot.duration_s for shot in task.spec.shots) == pytest.approx(
                task.spec.duration_s, abs=2e-3
            )
            assert task.spec.width % 2 == task.spec.height % 2 == 0
    if made.film:
        assert {*made.film.clips, *made.film.voices} <= set(names)
        room_s = (made.film.duration_s or 0) - 0.8
        shares = [spec_of(made, name).at_most_s for name in made.film.voices]
        if made.film.open:
            assert set(shares) == {None}
            assert made.film.duration_s is None
        else:
            assert sum(shares) <= max(room_s, 0.5 * len(shares)) + 0.05
    assert Plan.model_validate_json(made.model_dump_json()) == made


def test_an_upright_photo_stands_and_a_lying_one_lies() -> None:
    upright = Span(text="vertical", start=0, end=8, means="tasks[0].aspect_ratio")
    lying = upright.model_copy(update={"text": "apaisada"})
    assert spec_of(planned(photo(), coverage=(upright,)), "photo-1").aspect_ratio == "4:5"
    assert spec_of(planned(photo(), coverage=(lying,)), "photo-1").aspect_ratio == "3:2"
    stated = planned(photo(aspect_ratio="1:1"), coverage=(upright,))
    assert spec_of(stated, "photo-1").aspect_ratio == "1:1"


def test_each_asset_shows_its_own_subject() -> None:
    made = planned(photo(), video(), subject="pizza", subjects=("pizza", "forno a lenha"))
    assert spec_of(made, "photo-1").subject == "pizza"
    assert spec_of(made, "video-1").subject == "forno a lenha"


def test_a_reference_is_a_name_not_the_phrase_around_it() -> None:
    phrase = "use logo.png and https://example.com/a.jpg as references"
    span = Span(text=phrase, start=0, end=len(phrase), means="tasks[0].reference")
    made = planned(photo(reference="logo.png"), coverage=(span,))
    assert spec_of(made, "photo-1").references == ("logo.png", "https://example.com/a.jpg")
