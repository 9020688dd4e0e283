"""The elevenlabs package bears witness: our sandbox satisfies it, and our adapter asks as it asks."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from elevenlabs import VoiceSettings
from elevenlabs.client import ElevenLabs
from elevenlabs.core.api_error import ApiError

from agentes.contract import Candidates, Done, Link
from agentes.media import probe
from agentes.media.shelf import Shelf
from agentes.voice_agent.api_integrations.elevenlabs import Adapter
from agentes.wire.exchange import Exchange
from config.secrets import SecretManager
from config.settings import Settings
from shared_knowledge.catalogue import Catalogue
from shared_knowledge.errors import InDoubt, PlatformError, Refused, Unavailable, Unsuitable
from shared_knowledge.tariff import bill
from shared_knowledge.vocabulary import Money, Order, VoiceSpec

if TYPE_CHECKING:
    from practice import Practice

    from agentes.contract import Line
    from agentes.sandbox.kernel.sandbox import Seen

TEXT = "Uma caneca feita à mão. Perto do mar!"
FORMAT = "mp3_44100_128"
MODELS = Catalogue.load().platform("elevenlabs").models
OUR_OWN = {  # no client sends these alike, and no vendor reads them
    "host": "an address",
    "connection": "of the library",
    "content-length": "follows from the spaces in the JSON",
    "user-agent": "names the sender",
    "accept": "the library's own",
    "accept-encoding": "which compressions the library can undo",
}


@pytest.fixture
def client(sandbox: Practice) -> Iterator[Callable[..., ElevenLabs]]:
    """The SDK with nothing but base URL and key changed."""
    opened: list[httpx.Client] = []

    def open_client(key: str = "sandbox") -> ElevenLabs:
        opened.append(httpx.Client(timeout=20))
        return ElevenLabs(base_url=f"{sandbox.url}/elevenlabs", api_key=key, httpx_client=opened[-1])

    yield open_client
    for http in opened:
        http.close()


def order(model: str = "eleven_v4", number: str = "ord_1", **spec: Any) -> Order:
    said = VoiceSpec(**{"script": TEXT, "language": "pt-BR", "gender": "female", **spec})
    return Order(
        id=number, job="job", task="voice-1", piece=1, attempt=1, platform="elevenlabs", model=model,
        price=Money(3_000), prompt=said.script, spec=said, sent_at=datetime.now(UTC),
    )  # fmt: skip


async def ours(sandbox: Practice, ask: Callable[[httpx.AsyncClient], Any]) -> Any:
    """What our adapter asks and hears, over a plain client that signs."""
    headers = {"xi-api-key": "sandbox"}
    async with httpx.AsyncClient(base_url=f"{sandbox.url}/elevenlabs", headers=headers) as http:
        return await ask(http)


def told(seen: Seen) -> tuple[Any, ...]:
    """A request without what differs for a reason: the headers in OUR_OWN, and the SDK's report on itself."""
    headers = {
        name: value
        for name, value in seen.headers.items()
        if name not in OUR_OWN and not name.startswith("x-fern-")
    }
    if not seen.body:
        headers.pop("content-type", None)
    return seen.method, seen.path, dict(seen.query), headers, json.loads(seen.body) if seen.body else None


# ── the SDK against the sandbox ────────────────────────────────────────────────────────────────


def jandira(sdk: ElevenLabs) -> str:
    """A voice as a person would look for it."""
    (found,) = (voice for voice in sdk.voices.search(page_size=100).voices if voice.name == "Jandira")
    return found.voice_id


def test_a_voice_from_start_to_finish(sandbox: Practice, client: Callable[..., ElevenLabs]) -> None:
    sdk = client()
    voice = jandira(sdk)
    spoken = {"text": TEXT, "model_id": "eleven_v4", "output_format": FORMAT, "language_code": "pt"}
    sound = b"".join(sdk.text_to_speech.convert(voice, **spoken))
    assert sound[:3] == b"ID3"
    assert b"".join(sdk.text_to_speech.stream(voice, **spoken)) == sound
    timed = sdk.text_to_speech.convert_with_timestamps(voice, **spoken)
    assert base64.b64decode(timed.audio_base_64) == sound
    assert timed.alignment is not None
    assert "".join(timed.alignment.characters) == TEXT
    ends = timed.alignment.character_end_times_seconds
    assert 2 < ends[-1] < 5
    assert ends == sorted(ends)
    assert [line["model"] for line in sandbox.ledger()] == ["eleven_v4"] * 3
    assert {line["usd"] for line in sandbox.ledger()} == {Money.dollars("0.00296").usd}


def test_the_headers_say_what_it_cost(sandbox: Practice, client: Callable[..., ElevenLabs]) -> None:
    sdk = client()
    with sdk.text_to_speech.with_raw_response.convert(
        jandira(sdk), text=TEXT, model_id="eleven_flash_v2_5"
    ) as response:
        sound = b"".join(response.data)
        headers = response.headers
    assert sound
    assert headers["character-cost"] == "19"
    assert headers["maximum-concurrent-requests"] == "3"
    assert headers["request-id"] == sandbox.ledger()[0]["request_id"]
    assert sdk.history.get(headers["history-item-id"]).request_id == headers["request-id"]


def test_what_was_spoken_is_in_the_history(client: Callable[..., ElevenLabs]) -> None:
    sdk = client()
    voice = jandira(sdk)
    sounds = [
        b"".join(sdk.text_to_speech.convert(voice, text=text, model_id="eleven_v3")) for text in ("Um.", TEXT)
    ]
    listed = sdk.history.list(voice_id=voice, model_id="eleven_v3", source="TTS")
    assert [item.text for item in listed.history] == [TEXT, "Um."]
    assert not listed.has_more
    (second,) = sdk.history.list(search="caneca").history
    assert b"".join(sdk.history.get_audio(second.history_item_id)) == sounds[1]
    assert second.character_count_change_to - second.character_count_change_from == len(TEXT)
    assert sdk.history.list(page_size=1).has_more
    rest = sdk.history.list(page_size=1, start_after_history_item_id=second.history_item_id)
    assert [item.text for item in rest.history] == ["Um."]
    assert sdk.history.list(date_after_unix=second.date_unix + 1).history == []
    assert sdk.user.subscription.get().character_count == len(TEXT) + 3


def test_voices_come_in_pages_and_models_say_how_much_they_read(client: Callable[..., ElevenLabs]) -> None:
    sdk = client()
    first = sdk.voices.search()
    assert (len(first.voices), first.has_more) == (10, True)
    second = sdk.voices.search(next_page_token=first.next_page_token)
    assert not second.has_more
    assert len({voice.voice_id for voice in (*first.voices, *second.voices)}) == first.total_count
    women = sdk.voices.search(gender="female", language="pt").voices
    assert {voice.name for voice in women} == {"Tavira", "Jandira"}
    locales = {verified.locale for voice in women for verified in voice.verified_languages or ()}
    assert locales == {"pt-PT", "pt-BR"}
    reads = {model.model_id: model.maximum_text_length_per_request for model in sdk.models.list()}
    stated = {model.id: model.prompt.most for model in MODELS if model.prompt}
    assert reads == stated


@pytest.mark.parametrize(
    ("do", "status", "code"),
    [
        ("refuse", 400, "content_against_policy"),
        ("429:retry_after=0.01", 429, "too_many_concurrent_requests"),
        ("out_of_credit", 401, "quota_exceeded"),
        ("retired", 400, "model_not_found"),
        ("fail", 500, "internal_server_error"),
        ("503", 503, "system_busy"),
    ],
)
def test_troubles_are_what_the_sdk_takes_them_for(
    sandbox: Practice, client: Callable[..., ElevenLabs], do: str, status: int, code: str
) -> None:
    sdk = client()
    voice = jandira(sdk)
    sandbox.fault("elevenlabs", "start", do)
    with pytest.raises(ApiError) as error:
        b"".join(sdk.text_to_speech.convert(voice, text=TEXT))
    assert error.value.status_code == status
    assert error.value.body["detail"]["status"] == code
    assert sandbox.ledger() == []
    assert [seen.kind for seen in sandbox.seen] == ["free", "start"], "sound is not asked for twice"


def test_a_bad_key_is_refused(sandbox: Practice, client: Callable[..., ElevenLabs]) -> None:
    with pytest.raises(ApiError) as error:
        client("bad-key").voices.search()
    assert error.value.status_code == 401
    assert error.value.body["detail"]["status"] == "invalid_api_key"


@pytest.mark.parametrize(
    ("wish", "status", "says"),
    [
        ({"output_format": "wav_44100"}, 403, "needs the Pro tier"),
        ({"output_format": "mp3_44100_192"}, 403, "needs the Creator tier"),
        ({"output_format": "flac"}, 422, "not an output format"),
        ({"model_id": "eleven_v9"}, 400, "does not exist"),
        ({"text": ""}, 422, "not valid"),
        ({"text": "x" * 5001, "model_id": "eleven_v3"}, 400, "eleven_v3 reads 5000"),
        ({"seed": -1}, 422, "not valid"),
        ({"voice_settings": VoiceSettings(speed=1.3)}, 422, "not valid"),
        ({"language_code": "pt-BR"}, 422, "not valid"),
    ],
)
def test_a_wrong_request_is_refused(
    sandbox: Practice, client: Callable[..., ElevenLabs], wish: Any, status: int, says: str
) -> None:
    sdk = client()
    with pytest.raises(ApiError) as error:
        b"".join(sdk.text_to_speech.convert(jandira(sdk), **{"text": TEXT, **wish}))
    assert error.value.status_code == status
    assert says in json.dumps(error.value.body)
    assert sandbox.ledger() == []


def test_an_unknown_voice_is_not_a_model_that_is_gone(client: Callable[..., ElevenLabs]) -> None:
    with pytest.raises(ApiError) as error:
        client().text_to_speech.convert_with_timestamps("nobody", text=TEXT)
    assert error.value.status_code == 404
    assert isinstance(Adapter().explain(httpx.Response(404, json=error.value.body)), Unsuitable)


# ── our adapter asks as the SDK asks ───────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("model", "spec", "same"),
    [
        ("eleven_v4", {}, {"language_code": "pt"}),
        ("eleven_multilingual_v2", {"seed": 11}, {"seed": 11}),
        (
            "eleven_flash_v2_5",
            {"at_most_s": 0.5},
            {"language_code": "pt", "voice_settings": VoiceSettings(speed=1.2)},
        ),
    ],
)
async def test_speech_is_ordered_alike(
    sandbox: Practice, client: Callable[..., ElevenLabs], model: str, spec: Any, same: Any
) -> None:
    adapter = Adapter()
    prepared = await ours(sandbox, lambda http: adapter.prepare(http, order(model, **spec)))
    voice = prepared.prepared["voice"]
    assert voice == jandira(client())
    await ours(sandbox, lambda http: adapter.start(http, prepared))
    client().text_to_speech.convert_with_timestamps(
        voice, text=TEXT, model_id=model, output_format=FORMAT, **same
    )
    mine, theirs = (told(seen) for seen in sandbox.seen if seen.kind == "start")
    assert mine == theirs


async def test_questions_are_asked_alike(sandbox: Practice, client: Callable[..., ElevenLabs]) -> None:
    adapter, sdk, placed = Adapter(), client(), order()
    assert placed.sent_at is not None
    sent = int(placed.sent_at.timestamp())
    for ask in (
        lambda http: adapter.prepare(http, placed),
        lambda http: adapter.find(http, placed),
        lambda http: adapter.standing(http),
    ):
        await ours(sandbox, ask)
    mine = [told(seen) for seen in sandbox.seen]
    sdk.voices.search(page_size=100, gender="female")
    sdk.history.list(page_size=1000, date_after_unix=sent - 120, date_before_unix=sent + 900)
    sdk.user.subscription.get()
    assert [told(seen) for seen in sandbox.seen][len(mine) :] == mine


# ── our adapter over the wire ──────────────────────────────────────────────────────────────────


@asynccontextmanager
async def line(sandbox: Practice, folder: Path, key: str = "sandbox") -> AsyncIterator[Line]:
    """The line the engine is given, to the sandbox."""
    environment = {
        "AGENTES_SANDBOX_URL": sandbox.url,
        "AGENTES_HOME": str(folder),
        "ELEVENLABS_API_KEY": key,
    }
    secrets = SecretManager(environment)
    exchange = Exchange(
        Catalogue.load(), secrets, Settings.read(environment), Shelf(folder / "shelf", folder / "desks")
    )
    async with exchange.connect("elevenlabs") as opened:
        yield opened


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.id)
async def test_every_model_on_offer_speaks(sandbox: Practice, tmp_path: Path, model: Any) -> None:
    language = "pt-BR" if model.speaks("pt-BR") else "en-US"
    async with line(sandbox, tmp_path) as opened:
        placed = await opened.prepare(order(model.id, language=language))
        done = await opened.start(placed)
        assert isinstance(done, Done)
        assert done.warnings == ()
        file = await opened.collect(placed, done)
    measured = await probe.measure(file)
    words: Any = done.measured["words"]
    assert [word for _, _, word in words] == TEXT.split()
    assert measured.duration_s == pytest.approx(words[-1][1], abs=0.1)
    (entry,) = sandbox.ledger()
    assert bill(model, done.used, datetime.now(UTC).date()) == Money.dollars(entry["usd"])


@pytest.mark.parametrize("do", ["reset_after", "html", "empty", "bad_json", "truncate", "no_output"])
async def test_a_lost_answer_is_found_and_paid_once(sandbox: Practice, tmp_path: Path, do: str) -> None:
    async with line(sandbox, tmp_path) as opened:
        placed = await opened.prepare(order())
        sandbox.fault("elevenlabs", "start", do)
        with pytest.raises(InDoubt):
            await opened.start(placed)
        assert len(sandbox.ledger()) == 1
        found = await opened.find(placed)  # type: ignore[attr-defined]
        assert isinstance(found, Done)
        assert isinstance(found.media, Link)
        assert found.measured["words"]
        file = await opened.collect(placed, found)
        assert (await probe.measure(file)).duration_s is not None
        assert len(sandbox.ledger()) == 1


async def test_what_never_arrived_is_not_found(sandbox: Practice, tmp_path: Path) -> None:
    async with line(sandbox, tmp_path) as opened:
        placed = await opened.prepare(order())
        sandbox.fault("elevenlabs", "start", "500")
        with pytest.raises(InDoubt):
            await opened.start(placed)
        assert await opened.find(placed) is None  # type: ignore[attr-defined]
        await opened.start(placed)
        earlier = placed.model_copy(update={"sent_at": datetime.now(UTC) - timedelta(hours=1)})
        assert await opened.find(earlier) is None  # type: ignore[attr-defined]
        await opened.start(placed)
        both = await opened.find(placed)  # type: ignore[attr-defined]
        assert isinstance(both, Candidates)
        assert len(both.numbers) == 2


@pytest.mark.parametrize(
    ("do", "kind", "because"),
    [("refuse", Refused, None), ("out_of_credit", Unavailable, "credit"), ("retired", Unavailable, "model")],
)
async def test_trouble_is_understood(
    sandbox: Practice, tmp_path: Path, do: str, kind: type[PlatformError], because: str | None
) -> None:
    async with line(sandbox, tmp_path) as opened:
        placed = await opened.prepare(order())
        sandbox.fault("elevenlabs", "start", do)
        with pytest.raises(kind) as error:
            await opened.start(placed)
    assert getattr(error.value, "because", None) == because
    assert error.value.request_id
    assert error.value.vendor_says


async def test_a_bad_key_is_told(sandbox: Practice, tmp_path: Path) -> None:
    async with line(sandbox, tmp_path, "bad-key") as opened:
        with pytest.raises(Unavailable) as error:
            await opened.standing()  # type: ignore[attr-defined]
    assert error.value.because == "key"


async def test_throttled_it_is_asked_again(sandbox: Practice, tmp_path: Path) -> None:
    async with line(sandbox, tmp_path) as opened:
        placed = await opened.prepare(order())
        sandbox.fault("elevenlabs", "start", "429:retry_after=0.01")
        await opened.start(placed)
        done = await asyncio.gather(
            *(
                opened.start(order(number=f"ord_{n}").model_copy(update={"prepared": placed.prepared}))
                for n in range(2, 4)
            )
        )
    assert len(done) == 2
    assert len(sandbox.ledger()) == 3
