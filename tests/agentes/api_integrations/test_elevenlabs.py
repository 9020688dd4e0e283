"""ElevenLabs' adapter: the voice it chooses, the request it sends, the words it times, the lost answer it finds."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from post_room import SENT_AT, PostRoom, order, refused, voice

from agentes.contract import Candidates, Done, Inline, Link
from agentes.voice_agent.api_integrations.elevenlabs import Adapter
from agentes.wire.said import Unintelligible
from shared_knowledge.errors import InDoubt, PlatformError, Refused, Unavailable, Unsuitable
from shared_knowledge.platform_facts import Unit
from shared_knowledge.vocabulary import Order

TEXT = "Bom dia! Café."
ADAPTER = Adapter()


def speech(model: str = "eleven_v4", prompt: str = TEXT, **more: Any) -> Order:
    chosen = {"prepared": {"voice": "v1", "doubts": []}} if "prepared" not in more else {}
    spec = more.pop("spec", None) or voice()
    return order("elevenlabs", model, spec, prompt, **chosen, **more)


def known(number: str, gender: str | None = "female", language: str = "en", **locales: str) -> dict[str, Any]:
    """A voice; locales are given as pt_BR="model"."""
    return {
        "voice_id": number,
        "name": number.title(),
        "labels": {"language": language, **({"gender": gender} if gender else {})},
        "verified_languages": [
            {"language": locale[:2], "locale": locale.replace("_", "-"), "model_id": model, "accent": None}
            for locale, model in locales.items()
        ],
    }


def page(*voices: dict[str, Any], then: str | None = None) -> dict[str, Any]:
    return {"voices": list(voices), "has_more": then is not None, "total_count": 9, "next_page_token": then}


def timed(text: str = TEXT, **wrong: Any) -> dict[str, Any]:
    letters = {
        "characters": list(text),
        "character_start_times_seconds": [number / 10 for number in range(len(text))],
        "character_end_times_seconds": [(number + 1) / 10 for number in range(len(text))],
    }
    return {"audio_base64": "SUQz", "alignment": letters | wrong, "normalized_alignment": None}


# ── the voice ──────────────────────────────────────────────────────────────────────────────────

LISBON = known("lisbon", pt_PT="eleven_v4")
PARIS = known("paris", language="fr", fr_FR="eleven_v4")
NATIVE = known("native", language="pt")
OLDER = known("older", pt_BR="eleven_multilingual_v2")
RIGHT = known("right", pt_BR="eleven_v4")
BILINGUAL = known("bilingual", language="pt", pt_BR="eleven_v4")
MALE = known("male", "male", pt_BR="eleven_v4")


@pytest.mark.parametrize(
    ("voices", "gender", "chosen", "doubt"),
    [
        ((PARIS, LISBON, NATIVE, OLDER, RIGHT), "female", "right", ""),
        ((PARIS, LISBON, NATIVE, OLDER), "female", "older", ""),
        ((PARIS, NATIVE, LISBON), "female", "lisbon", "not for pt-BR"),
        ((PARIS, NATIVE), "female", "native", ""),
        ((PARIS,), None, "paris", "may have an accent"),
        ((RIGHT, BILINGUAL, NATIVE, PARIS), "female", "bilingual", ""),
        ((MALE, RIGHT), None, "male", ""),
        ((MALE, PARIS), "female", "paris", "may have an accent"),
        ((MALE,), "female", "male", "No female voice"),
        ((known("mute", None),), "female", "mute", "No female voice"),
    ],
)
async def test_the_voice_speaks_the_language_and_is_of_the_gender(
    voices: Any, gender: Any, chosen: str, doubt: str
) -> None:
    desk = PostRoom(page(*voices))
    prepared = (await ADAPTER.prepare(desk.http, speech(spec=voice(gender=gender), prepared={}))).prepared
    assert prepared["voice"] == chosen
    assert doubt in " ".join(map(str, prepared["doubts"])) if doubt else prepared["doubts"] == []  # type: ignore[arg-type]
    asked = "/v2/voices?page_size=100" + (f"&gender={gender}" if gender else "")
    assert desk.paths[0] == f"GET {asked}"


async def test_the_list_is_read_until_the_right_voice_is_found() -> None:
    desk = PostRoom(page(PARIS, then="t2"), page(RIGHT, then="t3"), page(MALE))
    prepared = await ADAPTER.prepare(desk.http, speech(prepared={}))
    assert prepared.prepared["voice"] == "right"
    assert desk.paths == [
        "GET /v2/voices?page_size=100",
        "GET /v2/voices?page_size=100&next_page_token=t2",
    ]


async def test_a_gender_nobody_has_is_asked_once_more_without() -> None:
    desk = PostRoom(page(), page(MALE))
    prepared = await ADAPTER.prepare(desk.http, speech(spec=voice(gender="female"), prepared={}))
    assert prepared.prepared["voice"] == "male"
    with pytest.raises(Unsuitable, match="has no voice"):
        await ADAPTER.prepare(PostRoom(page()).http, speech(prepared={}))


async def test_a_manner_that_cannot_be_told_is_said_to_the_person() -> None:
    prepared = await ADAPTER.prepare(
        PostRoom(page(RIGHT)).http, speech(spec=voice(style="cheerful"), prepared={})
    )
    assert "how to speak (cheerful)" in str(prepared.prepared["doubts"])


async def test_a_list_that_never_ends_is_left() -> None:
    desk = PostRoom(page(PARIS, then="again"))
    await ADAPTER.prepare(desk.http, speech(prepared={}))
    assert len(desk.requests) == 10


# ── the request ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("model", "spec", "more"),
    [
        ("eleven_v4", {}, {"language_code": "pt"}),
        ("eleven_multilingual_v2", {}, {}),
        ("eleven_v3", {"language": "fil-PH"}, {}),
        ("eleven_v4", {"seed": 7}, {"language_code": "pt", "seed": 7}),
        ("eleven_v4", {"seed": 2**32 + 5}, {"language_code": "pt", "seed": 5}),
        ("eleven_v4", {"at_most_s": 0.2}, {"language_code": "pt", "voice_settings": {"speed": 1.2}}),
    ],
)
async def test_one_request_with_the_format_in_the_query(model: str, spec: Any, more: Any) -> None:
    desk = PostRoom(timed())
    await ADAPTER.start(desk.http, speech(model, spec=voice(**spec)))
    assert desk.paths == ["POST /v1/text-to-speech/v1/with-timestamps?output_format=mp3_44100_128"]
    assert desk.body == {"text": TEXT, "model_id": model, **more}


async def test_nothing_is_sent_without_a_voice() -> None:
    desk = PostRoom(timed())
    with pytest.raises(Unsuitable, match="No ElevenLabs voice was chosen"):
        await ADAPTER.start(desk.http, speech(prepared={}))
    assert desk.requests == []


# ── the answer ─────────────────────────────────────────────────────────────────────────────────


async def test_letters_become_words_with_their_times() -> None:
    prepared = {"voice": "v1", "doubts": ["Wren may have an accent."]}
    done = await ADAPTER.start(PostRoom(timed()).http, speech(prepared=prepared))
    assert done.media == Inline("/audio_base64")
    assert done.measured["words"] == [[0.0, 0.3, "Bom"], [0.4, 0.8, "dia!"], [0.9, 1.4, "Café."]]
    assert done.warnings == ("Wren may have an accent.",)


@pytest.mark.parametrize(
    "wrong",
    [
        {"characters": ["B"]},
        {"characters": None},
        {"character_end_times_seconds": []},
        {"character_start_times_seconds": ["0"] * len(TEXT)},
        {"character_start_times_seconds": [-1.0] * len(TEXT)},
        {"character_start_times_seconds": [True] * len(TEXT)},
    ],
)
async def test_times_that_do_not_fit_are_left_out_and_the_sound_is_kept(wrong: Any) -> None:
    for answer in (timed(**wrong), timed() | {"alignment": None}, {"audio_base64": "SUQz"}):
        done = await ADAPTER.start(PostRoom(answer).http, speech())
        assert done.media == Inline("/audio_base64")
        assert done.measured == {}
        assert done.warnings == ("ElevenLabs sent no usable times of the words.",)


@pytest.mark.parametrize("answer", [{}, {"audio_base64": ""}, {"audio_base64": None}, [], "x"])
async def test_an_answer_without_sound_is_no_answer(answer: Any) -> None:
    with pytest.raises(Unintelligible):
        await ADAPTER.start(PostRoom(answer).http, speech())


@pytest.mark.parametrize(
    ("header", "counted"),
    [(None, 14), ("14", 14), ("7", 14), ("20", 20), ("-3", 14), ("1e9", 14), ("9999999", 14), ("", 14)],
)
async def test_what_was_counted_is_never_fewer_than_the_letters(header: str | None, counted: int) -> None:
    answer = httpx.Response(200, json=timed(), headers={} if header is None else {"character-cost": header})
    done = await ADAPTER.start(PostRoom(answer).http, speech())
    assert done.used == {Unit.CHARACTERS: counted}


# ── a lost answer ──────────────────────────────────────────────────────────────────────────────


def item(number: str, **more: Any) -> dict[str, Any]:
    return {
        "history_item_id": number,
        "request_id": "r",
        "voice_id": "v1",
        "model_id": "eleven_v4",
        "text": TEXT,
        "date_unix": int(SENT_AT.timestamp()) + 3,
        "character_count_change_from": 100,
        "character_count_change_to": 130,
        "content_type": "audio/mpeg",
        "state": "created",
        "alignments": None,
        **more,
    }


def told(*items: dict[str, Any], more: bool = False) -> dict[str, Any]:
    return {"history": list(items), "last_history_item_id": None, "has_more": more}


async def found(*pages: dict[str, Any], **more: Any) -> Done | None:
    desk = PostRoom(*pages, base_url="http://127.0.0.1:9100/elevenlabs")
    return await ADAPTER.find(desk.http, speech(**more))


OTHERS = [
    item("text", text="Boa noite."),
    item("model", model_id="eleven_v3"),
    item("early", date_unix=int(SENT_AT.timestamp()) - 121),
    item("late", date_unix=int(SENT_AT.timestamp()) + 901),
]


async def test_the_one_recording_is_taken_again_for_nothing() -> None:
    kept = {"alignment": timed()["alignment"], "normalized_alignment": None}
    done = await found(told(*OTHERS, item("ours", alignments=kept)))
    assert done is not None
    assert done.media == Link("http://127.0.0.1:9100/elevenlabs/v1/history/ours/audio", signed=True)
    assert done.used == {Unit.CHARACTERS: 30}
    assert done.measured["words"][0] == [0.0, 0.3, "Bom"]  # type: ignore[index]


async def test_the_history_is_asked_for_the_time_around_the_sending() -> None:
    desk = PostRoom(told(item("a", text="x"), more=True), told(item("ours")))
    sent = int(SENT_AT.timestamp())
    assert await ADAPTER.find(desk.http, speech()) is not None
    window = f"page_size=1000&date_after_unix={sent - 120}&date_before_unix={sent + 900}"
    assert desk.paths == [
        f"GET /v1/history?{window}",
        f"GET /v1/history?{window}&start_after_history_item_id=a",
    ]


async def test_none_is_none() -> None:
    assert await found(told(*OTHERS)) is None
    assert await found(told()) is None


async def test_a_voice_that_is_not_known_does_not_matter() -> None:
    assert await found(told(item("ours", voice_id="v9")), prepared={}) is not None
    assert await found(told(item("ours", text=f" {TEXT}\n")), prepared={}, sent_at=None) is not None


@pytest.mark.parametrize("items", [(item("a"), item("b")), (item("a", voice_id="v9"),)])
async def test_what_is_not_certain_goes_to_a_person(items: Any) -> None:
    assert await found(told(*items)) == Candidates(tuple(each["history_item_id"] for each in items))


async def test_an_endless_history_goes_to_a_person() -> None:
    with pytest.raises(InDoubt, match="too long"):
        await found(told(item("other", text="x"), more=True))


# ── complaints ─────────────────────────────────────────────────────────────────────────────────


def detail(code: str, says: str = "It says.", name: str = "status") -> dict[str, Any]:
    return {"detail": {name: code, "message": says}}


@pytest.mark.parametrize(
    ("status", "body", "kind", "because"),
    [
        (401, detail("quota_exceeded"), Unavailable, "credit"),
        (401, detail("quota_exceeded", name="code"), Unavailable, "credit"),
        (402, detail("payment_required"), Unavailable, "credit"),
        (401, detail("invalid_api_key"), Unavailable, "key"),
        (401, detail("detected_unusual_activity"), Unavailable, "key"),
        (403, detail("missing_permissions"), Unavailable, "key"),
        (404, detail("voice_not_found"), Unsuitable, None),
        (400, detail("max_character_limit_exceeded"), Unsuitable, None),
        (400, detail("model_not_found"), Unavailable, "model"),
        (400, detail("content_against_policy"), Refused, None),
        (403, detail("text_moderation_failed"), Refused, None),
        (400, detail("bad", "It appears to have violated our Terms of Service."), Refused, None),
        (
            422,
            {"detail": [{"loc": ["body", "text"], "msg": "Field required", "type": "missing"}]},
            Unsuitable,
            None,
        ),
        (400, {"detail": "It says."}, Unsuitable, None),
    ],
)
def test_a_complaint_is_understood(status: int, body: Any, kind: Any, because: str | None) -> None:
    error = ADAPTER.explain(refused(status, body, request_id="r-1"))
    assert type(error) is kind
    assert error.request_id == "r-1"
    assert error.vendor_says
    assert getattr(error, "because", None) == because


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (429, detail("too_many_concurrent_requests")),
        (429, detail("system_busy")),
        (500, detail("internal_server_error")),
        (404, {"detail": "Not Found"}),
        (401, b"<html>"),
        (401, "[" * 10_000),
    ],
)
def test_the_rest_is_left_to_the_house(status: int, body: Any) -> None:
    assert ADAPTER.explain(refused(status, body)) is None


@pytest.mark.parametrize(
    "body", ["null", "[]", "3", '{"detail": null}', '{"detail": 4}', '{"detail": [1, null]}']
)
def test_an_odd_complaint_is_survived(body: str) -> None:
    for status in (400, 401, 402, 403, 404, 422, 500):
        error = ADAPTER.explain(refused(status, body))
        assert error is None or isinstance(error, PlatformError)


async def test_what_is_left_is_told() -> None:
    plan = {"tier": "starter", "character_count": 1500, "character_limit": 30000, "status": "active"}
    desk = PostRoom(plan)
    assert (await ADAPTER.standing(desk.http)).left == "28,500 characters"
    assert desk.paths == ["GET /v1/user/subscription"]
