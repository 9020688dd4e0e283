"""The google-genai SDK bears witness: our sandbox is Google enough for it, and our requests are its requests."""

from __future__ import annotations

import io
import json
import re
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from google import genai
from google.genai import errors, types
from google.oauth2.credentials import Credentials
from PIL import Image

from agentes.contract import Done, Inline
from agentes.photo_agent.api_integrations import google_images, vertex_images
from agentes.voice_agent.api_integrations import google_speech
from agentes.voice_agent.wording import delivery_notes
from shared_knowledge.money import Money
from shared_knowledge.vocabulary import Order, PhotoSpec, Quality, Task, VoiceSpec

if TYPE_CHECKING:
    from practice import Practice

NANO, PRO, LITE = "gemini-nano-banana-2.1", "gemini-3-pro-image", "gemini-3.1-flash-lite-image"
FLASH_TTS, LITE_TTS = "gemini-3.8-flash-tts", "gemini-3.8-flash-lite-tts"
WORDS, TEXT = "A mug on a table.", "Uma caneca feita à mão."


def client(sandbox: Practice, platform: str, key: str = "sandbox") -> genai.Client:
    """The SDK, with nothing but its address and key changed."""
    options = types.HttpOptions(base_url=f"{sandbox.url}/{platform}")
    if platform != "vertex_images":
        return genai.Client(api_key=key, http_options=options)
    return genai.Client(
        enterprise=True,
        project="my-project",
        location="global",
        credentials=Credentials(key),
        http_options=options,
    )


@pytest.fixture(params=["google_images", "vertex_images"])
def door(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def images(sandbox: Practice, door: str) -> Iterator[genai.Client]:
    with client(sandbox, door) as opened:
        yield opened


@pytest.fixture
def speech(sandbox: Practice) -> Iterator[genai.Client]:
    with client(sandbox, "google_speech") as opened:
        yield opened


def image_config(ratio: str = "9:16", size: str | None = "1K", level: str | None = None, **more: Any) -> Any:
    return types.GenerateContentConfig(
        response_modalities=["IMAGE"],
        image_config=types.ImageConfig(aspect_ratio=ratio, image_size=size, **more),
        thinking_config=types.ThinkingConfig(thinking_level=types.ThinkingLevel(level)) if level else None,
    )


def speech_config(voice: str = "Kore", language: str = "pt-BR") -> Any:
    chosen = types.VoiceConfig(voice=voice)
    return types.GenerateContentConfig(
        response_modalities=["AUDIO"],
        speech_config=types.SpeechConfig(language_code=language, voice_config=chosen),
    )


def spoken(text: str, style: str) -> list[types.Content]:
    part = types.Part(text=text, speech_metadata=types.SpeechMetadata(style=style))
    return [types.Content(role="user", parts=[part])]


def blob(answer: types.GenerateContentResponse) -> types.Blob:
    assert answer.candidates
    content = answer.candidates[0].content
    assert content is not None
    assert content.parts
    found = content.parts[-1].inline_data
    assert found is not None
    return found


# ── runs ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("model", "mime", "ratio", "size"),
    [
        (NANO, "image/jpeg", "9:16", (768, 1376)),
        (PRO, "image/png", "1:1", (1024, 1024)),
        (LITE, "image/jpeg", "16:9", (1376, 768)),
    ],
)
def test_a_picture_is_made(
    sandbox: Practice,
    images: genai.Client,
    door: str,
    model: str,
    mime: str,
    ratio: str,
    size: tuple[int, int],
) -> None:
    answer = images.models.generate_content(model=model, contents=WORDS, config=image_config(ratio, None))
    found = blob(answer)
    assert found.mime_type == mime
    assert found.data is not None
    with Image.open(io.BytesIO(found.data)) as picture:
        assert picture.size == size
        assert picture.get_format_mimetype() == mime
    usage = answer.usage_metadata
    assert usage is not None
    assert usage.candidates_token_count == 1120
    assert usage.traffic_type == (types.TrafficType.ON_DEMAND if door == "vertex_images" else None)
    [line] = sandbox.ledger()
    assert (line["platform"], line["model"], line["id"]) == (door, model, answer.response_id)
    assert Money.dollars(line["usd"]) >= Money.dollars("0.0336")


def test_a_picture_is_made_from_pictures(sandbox: Practice, images: genai.Client) -> None:
    shown = io.BytesIO()
    Image.new("RGB", (64, 64), "teal").save(shown, "PNG")
    part = types.Part.from_bytes(data=shown.getvalue(), mime_type="image/png")
    answer = images.models.generate_content(model=NANO, contents=[part, part, WORDS], config=image_config())
    assert answer.usage_metadata is not None
    counted = answer.usage_metadata.prompt_tokens_details or []
    assert {count.modality: count.token_count for count in counted}[types.MediaModality.IMAGE] == 2240
    assert blob(answer).data


@pytest.mark.parametrize(
    ("model", "mime"), [(FLASH_TTS, "audio/wav"), (LITE_TTS, "audio/L16;codec=pcm;rate=24000")]
)
def test_speech_is_made(sandbox: Practice, speech: genai.Client, model: str, mime: str) -> None:
    answer = speech.models.generate_content(
        model=model, contents=spoken(TEXT, "warm"), config=speech_config()
    )
    found = blob(answer)
    assert found.mime_type == mime
    assert found.data is not None
    if mime == "audio/wav":
        with wave.open(io.BytesIO(found.data)) as sound:
            assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (24_000, 1, 2)
            seconds = sound.getnframes() / 24_000
    else:
        assert not found.data.startswith(b"RIFF")
        seconds = len(found.data) / 48_000
    assert 1 < seconds < 4
    assert answer.usage_metadata is not None
    assert answer.usage_metadata.candidates_token_count == pytest.approx(seconds * 25, abs=1)
    assert [line["model"] for line in sandbox.ledger()] == [model]


def test_two_speakers_and_older_voice_names_are_understood(speech: genai.Client) -> None:
    voices = [
        types.VoiceConfig(prebuilt_voice_config=types.PrebuiltVoiceConfig(voice_name=n))
        for n in ("Kore", "Puck")
    ]
    pair = [
        types.SpeakerVoiceConfig(speaker=n, voice_config=v)
        for n, v in zip(("Ana", "Rui"), voices, strict=True)
    ]
    config = types.GenerateContentConfig(
        response_modalities=["AUDIO"],
        speech_config=types.SpeechConfig(
            multi_speaker_voice_config=types.MultiSpeakerVoiceConfig(speaker_voice_configs=pair)
        ),
    )
    parts = [
        types.Part(text=text, speech_metadata=types.SpeechMetadata(speaker=who))
        for who, text in (("Ana", "Olá."), ("Rui", "Oi."))
    ]
    answer = speech.models.generate_content(
        model=FLASH_TTS, contents=[types.Content(role="user", parts=parts)], config=config
    )
    assert blob(answer).data


def test_refusals_have_status_200_and_two_shapes(sandbox: Practice, images: genai.Client, door: str) -> None:
    sandbox.fault(door, "start", "refuse", times=2)
    blocked = images.models.generate_content(model=NANO, contents=WORDS, config=image_config())
    assert blocked.prompt_feedback is not None
    assert blocked.prompt_feedback.block_reason is types.BlockedReason.PROHIBITED_CONTENT
    assert not blocked.candidates
    stopped = images.models.generate_content(model=PRO, contents=WORDS, config=image_config())
    assert stopped.candidates
    assert stopped.candidates[0].finish_reason is types.FinishReason.IMAGE_SAFETY
    assert not stopped.parts
    assert sandbox.ledger() == []


def test_no_picture_has_status_200_too(sandbox: Practice, images: genai.Client, door: str) -> None:
    sandbox.fault(door, "start", "fail")
    sandbox.fault(door, "start", "no_output", nth=2)
    failed = images.models.generate_content(model=NANO, contents=WORDS, config=image_config())
    assert failed.candidates
    assert failed.candidates[0].finish_reason is types.FinishReason.NO_IMAGE
    assert failed.usage_metadata is not None
    assert failed.usage_metadata.prompt_token_count
    empty = images.models.generate_content(model=NANO, contents=WORDS, config=image_config())
    assert not empty.parts


def test_a_bad_key_is_refused(sandbox: Practice, door: str) -> None:
    with client(sandbox, door, "bad-key") as opened, pytest.raises(errors.ClientError) as refused:
        opened.models.generate_content(model=NANO, contents=WORDS, config=image_config())
    expected = (401, "UNAUTHENTICATED") if door == "vertex_images" else (400, "INVALID_ARGUMENT")
    assert (refused.value.code, refused.value.status) == expected
    reason = refused.value.details["error"]["details"][0]["reason"]
    assert reason == ("ACCESS_TOKEN_TYPE_UNSUPPORTED" if door == "vertex_images" else "API_KEY_INVALID")


def test_a_throttle_names_its_delay_and_is_not_repeated(
    sandbox: Practice, images: genai.Client, door: str
) -> None:
    sandbox.fault(door, "start", "429:retry_after=2")
    with pytest.raises(errors.ClientError) as throttled:
        images.models.generate_content(model=NANO, contents=WORDS, config=image_config())
    assert (throttled.value.code, throttled.value.status) == (429, "RESOURCE_EXHAUSTED")
    assert throttled.value.details["error"]["details"][-1]["retryDelay"] == "2s"
    assert [seen.status for seen in sandbox.seen] == [429]


def test_an_error_in_a_list_is_unwrapped(sandbox: Practice, images: genai.Client, door: str) -> None:
    sandbox.fault(door, "start", "503")
    with pytest.raises(errors.ServerError) as broken:
        images.models.generate_content(model=NANO, contents=WORDS, config=image_config())
    assert (broken.value.code, broken.value.status) == (503, "UNAVAILABLE")


@pytest.mark.parametrize(
    ("model", "config"),
    [
        (NANO, image_config(size="512")),
        (NANO, image_config("2:1")),
        (NANO, image_config(level="LOW")),
        (PRO, image_config("1:4")),
        (LITE, image_config(size="2K")),
        ("gemini-2.5-flash-image", image_config(size="1K")),
        (NANO, types.GenerateContentConfig(response_modalities=["AUDIO"])),
    ],
)
def test_a_wrong_request_is_refused(sandbox: Practice, images: genai.Client, model: str, config: Any) -> None:
    with pytest.raises(errors.ClientError) as refused:
        images.models.generate_content(model=model, contents=WORDS, config=config)
    assert refused.value.code == 400
    assert sandbox.ledger() == []


def test_a_model_that_is_gone_is_not_found(images: genai.Client) -> None:
    with pytest.raises(errors.ClientError) as gone:
        images.models.generate_content(model="imagen-4.0-generate-001", contents=WORDS)
    assert gone.value.code == 404


def test_the_models_are_listed(images: genai.Client) -> None:
    assert NANO in " ".join(model.name or "" for model in images.models.list(config={"page_size": 50}))


def test_speech_is_refused_throttled_and_denied_alike(sandbox: Practice, speech: genai.Client) -> None:
    def say(model: str, by: genai.Client = speech) -> types.GenerateContentResponse:
        return by.models.generate_content(model=model, contents=spoken(TEXT, "warm"), config=speech_config())

    sandbox.fault("google_speech", "start", "refuse", times=2)
    sandbox.fault("google_speech", "start", "429", nth=3)
    sandbox.fault("google_speech", "start", "fail", nth=4)
    feedback = say(FLASH_TTS).prompt_feedback
    assert feedback is not None
    assert feedback.block_reason is types.BlockedReason.PROHIBITED_CONTENT
    stopped = say(LITE_TTS).candidates
    assert stopped
    assert stopped[0].finish_reason is types.FinishReason.PROHIBITED_CONTENT
    with pytest.raises(errors.ClientError, match="RESOURCE_EXHAUSTED"):
        say(FLASH_TTS)
    failed = say(FLASH_TTS).candidates
    assert failed
    assert failed[0].finish_reason is types.FinishReason.OTHER
    with (
        client(sandbox, "google_speech", "bad-key") as stranger,
        pytest.raises(errors.ClientError, match="API_KEY"),
    ):
        say(FLASH_TTS, stranger)
    with pytest.raises(errors.ClientError, match="400"):
        speech.models.generate_content(model=FLASH_TTS, contents=TEXT, config=speech_config("Nobody"))


# ── the same task, asked for by the SDK and by us ──────────────────────────────────────────────


async def ours(sandbox: Practice, platform: str, adapter: Any, order: Order) -> Done:
    """Our adapter's request, over a bare client that signs and fills in names as the wire does."""

    async def fill_in(request: httpx.Request) -> None:
        path = request.url.raw_path.replace(b"%7Bproject%7D", b"my-project").replace(
            b"%7Blocation%7D", b"global"
        )
        request.url = request.url.copy_with(raw_path=path)

    signed = (
        {"authorization": "Bearer sandbox"} if platform == "vertex_images" else {"x-goog-api-key": "sandbox"}
    )
    async with httpx.AsyncClient(
        base_url=f"{sandbox.url}/{platform}", headers=signed, event_hooks={"request": [fill_in]}
    ) as http:
        done: Done = await adapter.start(http, order)
    return done


def compare(sandbox: Practice) -> None:
    """The last two calls are one, but for what is listed here."""
    theirs, mine = sandbox.seen[-2:]
    assert (theirs.status, mine.status) == (200, 200)
    assert mine.method == theirs.method
    # The SDK says v1 by default; whether v1 takes every field of pictures is not confirmed, so we say v1beta.
    assert mine.path == re.sub(r"^/v1/", "/v1beta/", theirs.path)
    assert mine.query == theirs.query
    for header in ("content-type", "x-goog-api-key", "authorization"):
        assert mine.headers.get(header) == theirs.headers.get(header)
    assert json.loads(mine.body) == in_one_style(json.loads(theirs.body))


def in_one_style(value: Any) -> Any:
    """The SDK mixes thinking_level with thinkingConfig, and writes base64 with the letters for addresses.

    Google takes either of each; we keep to camel case and to the plain letters.
    """
    if isinstance(value, list):
        return [in_one_style(each) for each in value]
    if not isinstance(value, dict):
        return value
    told = {
        re.sub(r"_([a-z])", lambda m: m[1].upper(), name): in_one_style(each) for name, each in value.items()
    }
    if isinstance(told.get("data"), str):
        told["data"] = told["data"].replace("-", "+").replace("_", "/")
    return told


def picture_order(platform: str, model: str, *, inputs: tuple[str, ...] = (), **spec: Any) -> Order:
    return Order(
        id="ord_1", job="job_1", task="photo-1", piece=1, attempt=1, platform=platform, model=model,
        price=Money(33_600), prompt=WORDS, spec=PhotoSpec(subject="a mug", **spec), inputs=inputs,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("model", "ratio", "quality", "size", "level"),
    [
        (NANO, "9:16", Quality.STANDARD, "1K", "MINIMAL"),
        (NANO, "21:9", Quality.HIGH, "2K", "MEDIUM"),
        (PRO, "4:5", Quality.STANDARD, "1K", None),
        (LITE, "16:9", Quality.DRAFT, None, None),
    ],
)
async def test_our_request_for_a_picture_is_the_sdks(
    sandbox: Practice,
    images: genai.Client,
    door: str,
    model: str,
    ratio: str,
    quality: Quality,
    size: str,
    level: str,
) -> None:
    # On Vertex the kind of file can be chosen, and we choose the one without losses.
    chosen = {"output_mime_type": "image/png"} if door == "vertex_images" else {}
    config = image_config(ratio, size, level, **chosen)
    config.seed = 7
    images.models.generate_content(model=model, contents=WORDS, config=config)
    adapter = {"google_images": google_images, "vertex_images": vertex_images}[door].Adapter()
    order = picture_order(door, model, aspect_ratio=ratio, quality=quality, seed=7)
    done = await ours(sandbox, door, adapter, order)
    compare(sandbox)
    assert done.media == Inline("/candidates/0/content/parts/0/inlineData/data")


async def test_our_request_for_an_edit_is_the_sdks(
    sandbox: Practice, images: genai.Client, door: str, tmp_path: Path
) -> None:
    Image.new("RGB", (64, 64), "teal").save(tmp_path / "a.png")
    Image.new("RGB", (64, 64), "navy").save(tmp_path / "b.jpg")
    paths = (tmp_path / "a.png", tmp_path / "b.jpg")
    shown: list[Any] = [
        types.Part.from_bytes(data=path.read_bytes(), mime_type=mime)
        for path, mime in zip(paths, ("image/png", "image/jpeg"), strict=True)
    ]
    chosen = {"output_mime_type": "image/png"} if door == "vertex_images" else {}
    config = image_config("1:1", "1K", "MINIMAL", **chosen)
    images.models.generate_content(model=NANO, contents=[*shown, WORDS], config=config)
    adapter = {"google_images": google_images, "vertex_images": vertex_images}[door].Adapter()
    inputs = tuple(str(path) for path in paths)
    await ours(
        sandbox, door, adapter, picture_order(door, NANO, inputs=inputs, references=("a.png", "b.jpg"))
    )
    compare(sandbox)


async def test_our_request_for_speech_is_the_sdks(sandbox: Practice, speech: genai.Client) -> None:
    spec = VoiceSpec(script=TEXT, language="pt-BR", gender="male", style="cheerful")
    style = delivery_notes(Task(id="voice-1", spec=spec))
    config = speech_config("Charon")
    speech.models.generate_content(model=LITE_TTS, contents=spoken(TEXT, style), config=config)
    order = Order(
        id="ord_1", job="job_1", task="voice-1", piece=1, attempt=1, platform="google_speech", model=LITE_TTS,
        price=Money(2_000), prompt=TEXT, spec=spec,
    )  # fmt: skip
    done = await ours(sandbox, "google_speech", google_speech.Adapter(), order)
    compare(sandbox)
    assert done.media == Inline("/candidates/0/content/parts/0/inlineData/data", pcm_rate=24_000)
