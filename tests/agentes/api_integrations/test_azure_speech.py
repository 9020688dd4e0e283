"""Azure's adapter: the voice it chooses from the list, the markup it writes, and what passes for sound."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import httpx
import pytest
from post_room import PostRoom, order, refused, voice

from agentes.contract import Body
from agentes.voice_agent.api_integrations.azure_speech import Adapter
from agentes.wire.said import Unintelligible
from shared_knowledge.errors import Unavailable, Unsuitable
from shared_knowledge.vocabulary import Order, VoiceIntent

ADAPTER = Adapter()
LANG = "{http://www.w3.org/XML/1998/namespace}lang"


def known(name: str, gender: str = "Female", status: str = "GA", **more: Any) -> dict[str, Any]:
    locale = "-".join(name.split("-")[:2])
    return {"ShortName": name, "Locale": locale, "Gender": gender, "Status": status, "StyleList": [], **more}


VOICES = [
    known("de-DE-KatjaNeural"),
    known("en-AU-NatashaNeural"),
    known("en-US-Ava:DragonHDLatestNeural"),
    known("en-US-GuyNeural", "Male"),
    known("en-US-JennyNeural"),
    known("es-MX-DaliaNeural"),
    known("pt-BR-Thalita:DragonHDLatestNeural"),
    known("pt-BR-NewNeural", status="Preview"),
    known("pt-BR-BrendaNeural"),
    known("pt-BR-AntonioNeural", "Male"),
    known("pt-BR-FranciscaNeural", WordsPerMinute="129"),
    known("pt-PT-RaquelNeural"),
]


def speech(model: str = "neural", prompt: str = "Bom dia!", **more: Any) -> Order:
    spec = voice(**more.pop("spec", {}))
    return order("azure_speech", model, spec, prompt, **more)


def chosen(name: str = "pt-BR-FranciscaNeural", locale: str = "pt-BR", **more: Any) -> dict[str, Any]:
    return {"voice": name, "locale": locale, **more}


def sound(**headers: str) -> httpx.Response:
    return httpx.Response(200, headers={"content-type": "audio/x-wav", **headers}, content=b"")


# ── the voice ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("model", "spec", "name", "doubt"),
    [
        ("neural", {}, "pt-BR-FranciscaNeural", ""),
        ("neural", {"gender": "female"}, "pt-BR-FranciscaNeural", ""),
        ("neural", {"gender": "male"}, "pt-BR-AntonioNeural", ""),
        ("neural", {"language": "pt"}, "pt-BR-FranciscaNeural", ""),
        ("neural", {"language": "pt-PT"}, "pt-PT-RaquelNeural", ""),
        ("neural", {"language": "pt-PT", "gender": "male"}, "pt-PT-RaquelNeural", "no male voice for pt-PT"),
        ("neural", {"style": "cheerful"}, "pt-BR-FranciscaNeural", "not told how to speak (cheerful)"),
        ("neural", {"language": "pt-AO"}, "pt-BR-FranciscaNeural", "no voice for pt-AO"),
        ("neural", {"language": "en"}, "en-US-GuyNeural", ""),
        ("neural", {"language": "en", "gender": "female"}, "en-US-JennyNeural", ""),
        ("neural", {"language": "de"}, "de-DE-KatjaNeural", ""),
        ("neural", {"language": "es"}, "es-MX-DaliaNeural", ""),
        ("neural-hd", {}, "pt-BR-Thalita:DragonHDLatestNeural", ""),
        ("neural-hd", {"language": "en-US"}, "en-US-Ava:DragonHDLatestNeural", ""),
    ],
)
async def test_the_voice_is_of_the_language_the_gender_and_the_family(
    model: str, spec: Any, name: str, doubt: str
) -> None:
    desk = PostRoom(VOICES)
    prepared = (await ADAPTER.prepare(desk.http, speech(model, spec=spec))).prepared
    assert prepared["voice"] == name
    assert prepared["locale"] == name[:5]
    assert ("doubts" in prepared) == bool(doubt)
    assert doubt in str(prepared.get("doubts"))
    assert desk.paths == ["GET /cognitiveservices/voices/list"]


@pytest.mark.parametrize(
    ("model", "language"), [("neural", "sw-KE"), ("neural-hd", "de-DE"), ("neural-hd", "es")]
)
async def test_a_language_the_region_does_not_speak_is_bought_elsewhere(model: str, language: str) -> None:
    with pytest.raises(Unsuitable, match=rf"no {model} voice for {language}"):
        await ADAPTER.prepare(PostRoom(VOICES).http, speech(model, spec={"language": language}))


async def test_what_would_be_cut_is_not_ordered() -> None:
    desk = PostRoom(VOICES)
    with pytest.raises(Unsuitable, match="longer than 10 minutes"):
        await ADAPTER.prepare(desk.http, speech(prompt="Uma frase que se repete. " * 700))
    assert desk.requests == []


@pytest.mark.parametrize(
    "answer", [{}, "x", [1], [{"ShortName": "a b", "Locale": "x"}], refused(200, b"<html>")]
)
async def test_a_list_that_is_none(answer: Any) -> None:
    with pytest.raises(Unintelligible):
        await ADAPTER.prepare(PostRoom(answer).http, speech())


async def test_an_odd_voice_is_left_out() -> None:
    desk = PostRoom([{"ShortName": None}, 3, *VOICES])
    assert (await ADAPTER.prepare(desk.http, speech())).prepared["voice"] == "pt-BR-FranciscaNeural"


async def test_the_list_tells_that_the_key_works() -> None:
    assert (await ADAPTER.standing(PostRoom(VOICES).http)).left == "12 voices"


# ── the markup ─────────────────────────────────────────────────────────────────────────────────


async def markup(placed: Order) -> str:
    desk = PostRoom(sound())
    await ADAPTER.start(desk.http, placed)
    return desk.requests[0].content.decode()


async def test_one_request_in_speech_markup() -> None:
    desk = PostRoom(sound())
    done = await ADAPTER.start(desk.http, speech(prepared=chosen(doubts=["Hm."])))
    assert done.media == Body()
    assert done.warnings == ("Hm.",)
    (request,) = desk.requests
    assert (request.method, request.url.path) == ("POST", "/cognitiveservices/v1")
    assert request.headers["content-type"] == "application/ssml+xml"
    assert request.headers["x-microsoft-outputformat"] == "riff-24khz-16bit-mono-pcm"
    assert request.content.decode() == (
        '<speak version="1.0" xmlns="http://www.w3.org/2001/10/synthesis" xml:lang="pt-BR">'
        '<voice name="pt-BR-FranciscaNeural">Bom dia!</voice></speak>'
    )


HARD = 'Café <quente> & pão: "sempre" ]]> \u0007\uffff😀, {{ 7 * 7 }} &amp; <break time="9s"/>!'


async def test_the_markup_is_well_formed_whatever_is_said() -> None:
    told = await markup(speech(prompt=HARD, prepared=chosen(), spec={"at_most_s": 0.2}))
    speak = ElementTree.fromstring(told)
    assert speak.get(LANG) == "pt-BR"
    voices = speak.findall("{*}voice")
    assert [each.get("name") for each in voices] == ["pt-BR-FranciscaNeural"]
    assert "".join(speak.itertext()) == HARD.replace("\u0007\uffff", "  ")
    pace = speak.find(".//{*}prosody")
    assert pace is not None
    assert pace.get("rate") == "+20%"
    assert speak.findall(".//{*}break") == []


async def test_turns_of_a_dialogue_are_set_apart() -> None:
    spec = {"script": "Ana: Oi!\nRui: Olá.", "intent": VoiceIntent.DIALOGUE}
    told = await markup(speech(prompt="Oi!\n\nOlá.", prepared=chosen(), spec=spec))
    assert '>Oi!<break time="400ms"/>Olá.<' in told


async def test_a_slow_voice_is_told_so() -> None:
    told = await markup(speech(prepared=chosen(), spec={"duration_s": 30}))
    assert '<prosody rate="-15%">' in told


async def test_nothing_is_sent_without_a_voice() -> None:
    desk = PostRoom(sound())
    with pytest.raises(Unsuitable, match="No Azure voice was chosen"):
        await ADAPTER.start(desk.http, speech())
    assert desk.requests == []


# ── the answer ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", ["text/html", "application/json", "application/xml", ""])
async def test_what_is_no_sound_is_no_answer(kind: str) -> None:
    with pytest.raises(Unintelligible):
        await ADAPTER.start(PostRoom(sound(**{"content-type": kind})).http, speech(prepared=chosen()))


@pytest.mark.parametrize("kind", ["audio/wav", "audio/x-wav; charset=binary", "application/octet-stream"])
async def test_sound_comes_under_several_names(kind: str) -> None:
    done = await ADAPTER.start(PostRoom(sound(**{"content-type": kind})).http, speech(prepared=chosen()))
    assert done.media == Body()


# ── complaints ─────────────────────────────────────────────────────────────────────────────────


def test_a_wrong_region_looks_like_a_wrong_key() -> None:
    error = ADAPTER.explain(refused(401, b""))
    assert isinstance(error, Unavailable)
    assert error.because == "key"
    assert "AZURE_SPEECH_REGION" in error.todo
    unsuitable = ADAPTER.explain(refused(400, "Voice is not supported"))
    assert isinstance(unsuitable, Unsuitable)
    assert unsuitable.vendor_says == "Voice is not supported"


@pytest.mark.parametrize("status", [403, 404, 415, 429, 500, 502, 503])
def test_the_rest_is_left_to_the_house(status: int) -> None:
    assert ADAPTER.explain(refused(status, b"\xff\xfe\x00")) is None
    assert ADAPTER.explain(refused(400, b"\xff\xfe\x00")) is not None
