"""Whatever the catalogue offers of Google's pictures and voices is made on the sandbox, and billed as we bill it."""

from __future__ import annotations

import base64
import io
import json
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from PIL import Image

from agentes.contract import Done, Inline
from agentes.photo_agent.api_integrations import google_images, vertex_images
from agentes.voice_agent.api_integrations import google_cloud_tts, google_speech
from shared_knowledge.canvas import ratio_of
from shared_knowledge.catalogue import Catalogue
from shared_knowledge.errors import Failed, Refused, Unavailable
from shared_knowledge.money import Money
from shared_knowledge.platform_facts import Model
from shared_knowledge.tariff import bill
from shared_knowledge.terms import terms_of
from shared_knowledge.vocabulary import Order, PhotoSpec, Quality, VoiceSpec

if TYPE_CHECKING:
    from practice import Practice

TODAY = date(2026, 11, 21)
MODULES = {
    m.__name__.rpartition(".")[2]: m for m in (google_images, vertex_images, google_speech, google_cloud_tts)
}
TEXT = "Uma caneca feita à mão, para o café da manhã."


def offered(*platforms: str) -> list[Any]:
    return [
        pytest.param(platform, model, id=f"{platform}:{model.id}")
        for platform in platforms
        for model in Catalogue.load().platform(platform).models
        if model.prices and (model.retires_on is None or model.retires_on > TODAY)
    ]


def order(platform: str, model: str, spec: PhotoSpec | VoiceSpec) -> Order:
    words = spec.script if isinstance(spec, VoiceSpec) else "A mug on a table."
    return Order(
        id="ord_1", job="job_1", task="task-1", piece=1, attempt=1, platform=platform, model=model,
        price=Money(33_600), prompt=words, spec=spec,
    )  # fmt: skip


class Desk:
    """One adapter at one fake, and the last answer that passed."""

    def __init__(self, platform: str, http: httpx.AsyncClient) -> None:
        self.adapter: Any = MODULES[platform].Adapter()
        self.http = http
        self.answer: Any = None

    async def buy(self, placed: Order) -> Done:
        if hasattr(self.adapter, "prepare"):
            placed = await self.adapter.prepare(self.http, placed)
        done: Done = await self.adapter.start(self.http, placed)
        return done

    def content(self, done: Done) -> bytes:
        assert isinstance(done.media, Inline)
        found = self.answer
        for step in done.media.pointer.split("/")[1:]:
            found = found[int(step) if isinstance(found, list) else step]
        return base64.b64decode(found, validate=True)


@asynccontextmanager
async def desk(sandbox: Practice, platform: str, key: str = "sandbox") -> AsyncIterator[Desk]:
    """A bare client that signs, fills in names and raises as the wire does."""

    async def fill_in(request: httpx.Request) -> None:
        path = request.url.raw_path.replace(b"%7Bproject%7D", b"my-project").replace(
            b"%7Blocation%7D", b"global"
        )
        request.url = request.url.copy_with(raw_path=path)

    async def note(response: httpx.Response) -> None:
        await response.aread()
        if not response.is_success:
            raise opened.adapter.explain(response) or AssertionError(response.text)
        opened.answer = response.json()

    has_token = platform in ("vertex_images", "google_cloud_tts")
    signed = {"authorization": f"Bearer {key}"} if has_token else {"x-goog-api-key": key}
    hooks = {"request": [fill_in], "response": [note]}
    async with httpx.AsyncClient(
        base_url=f"{sandbox.url}/{platform}", headers=signed, event_hooks=hooks
    ) as http:
        opened = Desk(platform, http)
        yield opened


@pytest.mark.parametrize(("platform", "model"), offered("google_images", "vertex_images"))
async def test_every_picture_on_offer_is_made_in_its_size(
    sandbox: Practice, platform: str, model: Model
) -> None:
    async with desk(sandbox, platform) as at:
        for quality, ratio in zip(
            (*model.quality, Quality.STANDARD), ("9:16", "4:5", "21:9", "1:1"), strict=False
        ):
            placed = order(
                platform, model.id, PhotoSpec(subject="a mug", aspect_ratio=ratio, quality=quality)
            )
            done = await at.buy(placed)
            with Image.open(io.BytesIO(at.content(done))) as picture:
                assert picture.width / picture.height == pytest.approx(float(ratio_of(ratio)), rel=0.03)
                size = {"1K": 1, "2K": 4}[terms_of(placed).canvas.resolution.name] * 1024 * 1024
                assert picture.width * picture.height == pytest.approx(size, rel=0.05)
            today = datetime.now(UTC).date()
            assert (
                str(bill(model, done.used, today) and bill(model, done.used, today).usd)
                == sandbox.ledger()[-1]["usd"]
            )
    assert len(sandbox.ledger()) == len(sandbox.seen)


@pytest.mark.parametrize(("platform", "model"), offered("google_speech", "google_cloud_tts"))
async def test_every_voice_on_offer_speaks(sandbox: Practice, platform: str, model: Model) -> None:
    async with desk(sandbox, platform) as at:
        for gender in ("female", "male"):
            done = await at.buy(
                order(platform, model.id, VoiceSpec(script=TEXT, language="pt-BR", gender=gender))
            )
            content = at.content(done)
            if content.startswith(b"RIFF"):
                with wave.open(io.BytesIO(content)) as sound:
                    seconds = sound.getnframes() / sound.getframerate()
            else:
                assert isinstance(done.media, Inline)
                assert done.media.pcm_rate == 24_000
                seconds = len(content) / 48_000
            assert 2 < seconds < 6
            assert done.warnings == ()
    assert [line["model"] for line in sandbox.ledger()] == [model.id] * 2
    assert all(Money.dollars(line["usd"]) > 0 for line in sandbox.ledger())


@pytest.mark.parametrize("platform", MODULES)
async def test_trouble_is_understood(sandbox: Practice, platform: str) -> None:
    models = [model for model in Catalogue.load().platform(platform).models if model.prices]
    spec = PhotoSpec(subject="a mug") if "images" in platform else VoiceSpec(script=TEXT, language="pt-BR")
    first = order(platform, models[0].id, spec)
    async with desk(sandbox, platform) as at:
        sandbox.fault(platform, "start", "refuse", times=2)
        with pytest.raises(Refused) as refused:
            await at.buy(first)
        with pytest.raises(Refused):
            await at.buy(order(platform, models[1].id, spec))
        assert refused.value.vendor_says or "PROHIBITED_CONTENT" in refused.value.what
        sandbox.fault(platform, "start", "out_of_credit")
        with pytest.raises(Unavailable) as unavailable:
            await at.buy(first)
        assert unavailable.value.because == "credit"
        sandbox.fault(platform, "start", "no_output")
        with pytest.raises(Failed):
            await at.buy(first)
        sandbox.fault(platform, "start", "429:retry_after=3")
        with pytest.raises(AssertionError) as left_to_the_house:
            await at.buy(first)
        assert '"retryDelay": "3s"' in str(left_to_the_house.value)
        assert (await at.adapter.standing(at.http)).left == ""
    assert len(sandbox.ledger()) == 1


@pytest.mark.parametrize("platform", ["google_images", "google_speech"])
async def test_an_api_key_nobody_knows_is_understood(sandbox: Practice, platform: str) -> None:
    async with desk(sandbox, platform, "bad-key") as at:
        with pytest.raises(Unavailable) as refused:
            await at.adapter.standing(at.http)
        assert refused.value.because == "key"
        assert refused.value.vendor_says.startswith("API key not valid")


GOOD = {
    "input": {"text": "Olá."},
    "voice": {"languageCode": "pt-BR", "name": "pt-BR-Chirp3-HD-Kore"},
    "audioConfig": {"audioEncoding": "MP3"},
}


@pytest.mark.parametrize(
    "wrong",
    [
        {"input": {}},
        {"input": {"text": "Olá.", "ssml": "<speak>Olá.</speak>"}},
        {"input": {"text": "ã" * 2501}},
        {"input": {"text": "Olá.", "prompt": "Warmly."}},
        {"voice": {"languageCode": "pt-BR", "name": "pt-BR-Chirp3-HD-Nobody"}},
        {"voice": {"languageCode": "en-US", "name": "pt-BR-Chirp3-HD-Kore"}},
        {"voice": {"name": "pt-BR-Chirp3-HD-Kore"}},
        {"voice": {"languageCode": "pt-BR", "name": "Kore", "modelName": "gemini-9"}},
        {"audioConfig": {}},
        {"audioConfig": {"audioEncoding": "WAV"}},
        {"audioConfig": {"audioEncoding": "MP3", "speakingRate": 2.5}},
        {"audioConfig": {"audioEncoding": "MP3", "speakingRate": "1.0"}},
        {"model": "chirp"},
    ],
    ids=json.dumps,
)
def test_cloud_speech_refuses_what_google_would(sandbox: Practice, wrong: dict[str, Any]) -> None:
    at, signed = f"{sandbox.url}/google_cloud_tts/v1/text:synthesize", {"authorization": "Bearer sandbox"}
    answer = httpx.post(at, json={**GOOD, **wrong}, headers=signed)
    assert (answer.status_code, answer.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert sandbox.ledger() == []


def test_cloud_speech_bills_by_the_character_and_needs_a_token(sandbox: Practice) -> None:
    at = f"{sandbox.url}/google_cloud_tts/v1/text:synthesize"
    assert httpx.post(at, json=GOOD).status_code == 401
    assert httpx.post(at, json=GOOD, headers={"authorization": "Bearer bad-key"}).status_code == 401
    answer = httpx.post(at, json=GOOD, headers={"authorization": "Bearer sandbox"})
    assert base64.b64decode(answer.json()["audioContent"], validate=True)[:2] in (
        b"ID",
        b"\xff\xfb",
        b"\xff\xf3",
    )
    assert [line["usd"] for line in sandbox.ledger()] == ["0.000120"]


def test_cloud_voices_are_listed_by_language(sandbox: Practice) -> None:
    at, signed = f"{sandbox.url}/google_cloud_tts/v1/voices", {"authorization": "Bearer sandbox"}
    listed = httpx.get(at, params={"languageCode": "pt"}, headers=signed).json()["voices"]
    assert {code for voice in listed for code in voice["languageCodes"]} == {"pt-BR"}
    assert httpx.get(at, params={"languageCode": "xx-XX"}, headers=signed).json() == {"voices": []}
    assert len(httpx.get(at, headers=signed).json()["voices"]) > len(listed)
