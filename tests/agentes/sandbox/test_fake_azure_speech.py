"""The sandbox's Azure Speech speaks as the vendor's manual: markup that is really read, and statuses without words."""

from __future__ import annotations

import io
import wave
from collections.abc import Iterator

import httpx
import pytest
from practice import Practice

SPEAK = "/cognitiveservices/v1"
RIFF = "riff-24khz-16bit-mono-pcm"
HEADERS = {
    "ocp-apim-subscription-key": "sandbox",
    "content-type": "application/ssml+xml",
    "x-microsoft-outputformat": RIFF,
    "user-agent": "agentes",
}


def ssml(
    text: str = "Olá, mundo &amp; Lua.", voice: str = "pt-BR-FranciscaNeural", language: str = "pt-BR"
) -> str:
    return (
        f"<speak version='1.0' xmlns='http://www.w3.org/2001/10/synthesis' "
        f"xmlns:mstts='https://www.w3.org/2001/mstts' xml:lang='{language}'>"
        f"<voice name='{voice}'>{text}</voice></speak>"
    )


@pytest.fixture
def http(sandbox: Practice) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{sandbox.url}/azure_speech", headers=HEADERS) as client:
        yield client


def seconds(sound: bytes) -> float:
    with wave.open(io.BytesIO(sound)) as wav:
        assert (wav.getnchannels(), wav.getsampwidth()) == (1, 2)
        return wav.getnframes() / wav.getframerate()


def test_markup_becomes_sound_and_is_billed_by_its_letters(sandbox: Practice, http: httpx.Client) -> None:
    answer = http.post(SPEAK, content=ssml()).raise_for_status()
    assert answer.headers["content-type"] == "audio/x-wav"
    assert 0.5 < seconds(answer.content) < 4
    (line,) = sandbox.ledger()
    assert (line["model"], line["usd"]) == ("neural", "0.000255")  # the 17 letters of "Olá, mundo & Lua."
    assert line["request_id"] == answer.headers["x-requestid"]


@pytest.mark.parametrize(
    ("form", "mime", "begins"),
    [
        ("riff-48khz-16bit-mono-pcm", "audio/x-wav", b"RIFF"),
        ("audio-24khz-48kbitrate-mono-mp3", "audio/mpeg", None),
        ("audio-24khz-160kbitrate-mono-mp3", "audio/mpeg", None),
        ("audio-48khz-192kbitrate-mono-mp3", "audio/mpeg", None),
        ("ogg-24khz-16bit-mono-opus", "audio/ogg; codecs=opus", b"OggS"),
    ],
)
def test_the_sound_is_of_the_kind_that_was_asked_for(
    http: httpx.Client, form: str, mime: str, begins: bytes | None
) -> None:
    answer = http.post(SPEAK, content=ssml(), headers={"x-microsoft-outputformat": form}).raise_for_status()
    assert answer.headers["content-type"] == mime
    if begins:
        assert answer.content.startswith(begins)
    else:
        assert answer.content[:3] == b"ID3" or answer.content[0] == 0xFF
    assert len(answer.content) > 2000


def test_a_bare_format_has_no_header(http: httpx.Client) -> None:
    raw = {"x-microsoft-outputformat": "raw-24khz-16bit-mono-pcm"}
    assert (
        http.post(SPEAK, content=ssml(), headers=raw).content == http.post(SPEAK, content=ssml()).content[44:]
    )


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"content-type": "application/xml"}, 415),
        ({"content-type": "text/plain"}, 415),
        ({"x-microsoft-outputformat": "mp3"}, 400),
        ({"x-microsoft-outputformat": "audio-24khz-192kbitrate-mono-mp3"}, 400),
        ({"user-agent": ""}, 400),
        ({"user-agent": "a" * 255}, 400),
        ({"ocp-apim-subscription-key": ""}, 401),
        ({"ocp-apim-subscription-key": "bad-key"}, 401),
    ],
    ids=str,
)
def test_every_header_is_wanted(
    sandbox: Practice, http: httpx.Client, headers: dict[str, str], status: int
) -> None:
    assert http.post(SPEAK, content=ssml(), headers=headers).status_code == status
    missing = {name: value for name, value in HEADERS.items() if name not in headers}
    with httpx.Client(base_url=http.base_url) as bare:
        request = bare.build_request("POST", SPEAK, content=ssml(), headers=missing)
        if "user-agent" not in missing:
            del request.headers["user-agent"]
        assert bare.send(request).status_code == status
    assert sandbox.ledger() == []


def test_a_token_signs_in_as_well_as_a_key(http: httpx.Client) -> None:
    with httpx.Client(base_url=http.base_url, headers={"authorization": "Bearer token"}) as bearer:
        assert bearer.get("/cognitiveservices/voices/list").status_code == 200
    assert httpx.get(f"{http.base_url}cognitiveservices/voices/list").status_code == 401


@pytest.mark.parametrize(
    "markup",
    [
        "Olá.",
        ssml("a & b"),
        ssml("a < b"),
        ssml(""),
        ssml(voice="pt-BR-NinguemNeural"),
        ssml(language=""),
        ssml().replace("version='1.0'", "version='2.0'"),
        ssml().replace("http://www.w3.org/2001/10/synthesis", "http://other.example"),
        ssml().replace("<voice", "Olá <voice"),
        ssml().replace("</speak>", "<voice name='pt-BR-AntonioNeural'>Oi</voice>" * 50 + "</speak>"),
        ssml("<prosody rate='quickly'>Olá</prosody>"),
        "<speak version='1.0' xmlns='http://www.w3.org/2001/10/synthesis' xml:lang='pt-BR'>Olá</speak>",
        "<ssml/>",
    ],
    ids=range(13),
)
def test_markup_that_is_not_as_the_manual_says_is_refused(
    sandbox: Practice, http: httpx.Client, markup: str
) -> None:
    answer = http.post(SPEAK, content=markup.encode())
    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("text/plain")
    assert sandbox.ledger() == []


def test_the_rest_of_the_markup_is_understood(sandbox: Practice, http: httpx.Client) -> None:
    inside = (
        "<mstts:express-as style='calm'><prosody rate='+10%'><s>Olá, <break time='200ms'/>mundo.</s>"
        "</prosody></mstts:express-as>"
    )
    two = ssml(inside).replace("</speak>", "<voice name='pt-BR-AntonioNeural'>Sim.</voice></speak>")
    assert http.post(SPEAK, content=two.encode()).status_code == 200
    assert len(sandbox.ledger()) == 1


def test_the_dearer_voices_are_billed_as_such(sandbox: Practice, http: httpx.Client) -> None:
    http.post(SPEAK, content=ssml("Olá!", "pt-BR-Thalita:DragonHDLatestNeural").encode()).raise_for_status()
    assert [(line["model"], line["usd"]) for line in sandbox.ledger()] == [("neural-hd", "0.000120")]


def test_what_is_longer_than_ten_minutes_is_cut_without_a_word(sandbox: Practice, http: httpx.Client) -> None:
    text = "Esta frase dura mais ou menos quatro segundos, e vem outra vez. " * 200
    headers = {"x-microsoft-outputformat": "riff-8khz-16bit-mono-pcm"}
    answer = http.post(SPEAK, content=ssml(text).encode(), headers=headers)
    assert answer.status_code == 200
    assert seconds(answer.content) == pytest.approx(600, rel=0.02)
    assert sandbox.ledger()[0]["usd"] == "0.191985"  # the whole text, not what is heard of it


def test_the_voices_are_listed_as_the_manual_lists_them(sandbox: Practice, http: httpx.Client) -> None:
    voices = {voice["ShortName"]: voice for voice in http.get("/cognitiveservices/voices/list").json()}
    francisca, antonio = voices["pt-BR-FranciscaNeural"], voices["pt-BR-AntonioNeural"]
    assert (francisca["Gender"], antonio["Gender"]) == ("Female", "Male")
    assert (francisca["Locale"], francisca["Status"], francisca["StyleList"]) == ("pt-BR", "GA", ["calm"])
    assert int(francisca["WordsPerMinute"]) > 0
    assert "StyleList" not in antonio
    for language in ("en", "es", "fr", "de", "it", "pt", "ja"):
        genders = {voice["Gender"] for voice in voices.values() if voice["Locale"].startswith(f"{language}-")}
        assert genders == {"Female", "Male"}
    for voice in voices.values():
        assert {"ShortName", "Gender", "Locale", "WordsPerMinute", "Status", "VoiceType"} <= voice.keys()
    assert sandbox.ledger() == []


@pytest.mark.parametrize(
    ("do", "status"),
    [
        ("429", 429),
        ("out_of_credit", 429),
        ("retired", 400),
        ("refuse", 400),
        ("502", 502),
        ("503", 503),
        ("fail", 502),
    ],
)
def test_troubles_are_statuses_and_nothing_to_parse(
    sandbox: Practice, http: httpx.Client, do: str, status: int
) -> None:
    sandbox.fault("azure_speech", "start", do)
    answer = http.post(SPEAK, content=ssml().encode())
    assert answer.status_code == status
    assert not answer.text.startswith("{")
    assert sandbox.ledger() == []


def test_patience_is_asked_for_in_seconds(sandbox: Practice, http: httpx.Client) -> None:
    sandbox.fault("azure_speech", "start", "429:retry_after=3")
    assert http.post(SPEAK, content=ssml().encode()).headers["retry-after"] == "3"


def test_an_empty_sound_was_paid_for_all_the_same(sandbox: Practice, http: httpx.Client) -> None:
    sandbox.fault("azure_speech", "start", "no_output")
    answer = http.post(SPEAK, content=ssml().encode())
    assert (answer.status_code, answer.content) == (200, b"")
    assert len(sandbox.ledger()) == 1


def test_an_unknown_path_is_not_there(http: httpx.Client) -> None:
    assert http.get("/cognitiveservices/v2").status_code == 404
