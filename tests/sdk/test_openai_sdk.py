"""The openai package bears witness: our sandbox satisfies it, and our adapters ask as it asks."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Awaitable, Callable, Iterator
from email.parser import BytesParser
from email.policy import HTTP
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
import time_machine
from PIL import Image
from practice import Practice

from agentes.contract import Done
from agentes.photo_agent.api_integrations import openai_images
from agentes.sandbox.kernel.sandbox import Seen
from agentes.voice_agent.api_integrations import openai_speech
from agentes.voice_agent.wording import delivery_notes
from shared_knowledge.platform_facts import Unit
from shared_knowledge.vocabulary import Money, Order, PhotoSpec, Quality, Spec, Task, VoiceSpec

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:openai")  # speech ends in January

SCRIPT = "Feita à mão, perto do mar."
PRICED = {"size": "1024x1536", "quality": "medium", "background": "opaque", "output_format": "png"}
OUR_OWN = {  # no client sends these alike, and no vendor reads them
    "host": "an address",
    "connection": "of the library",
    "content-length": "follows from the body",
    "user-agent": "names the sender",
    "accept-encoding": "which compressions the library can undo",
    "accept": "the SDK names what it parses; we take what comes and look at it",
}


@pytest.fixture
def client(sandbox: Practice) -> Iterator[Callable[..., openai.OpenAI]]:
    """The SDK with nothing but base URL and key changed."""
    opened: list[openai.OpenAI] = []

    def open_client(platform: str, key: str = "sandbox", max_retries: int = 0) -> openai.OpenAI:
        sdk = openai.OpenAI(base_url=f"{sandbox.url}/{platform}/v1", api_key=key, max_retries=max_retries)
        opened.append(sdk)
        return sdk

    yield open_client
    for sdk in opened:
        sdk.close()


def order(platform: str, model: str, spec: Spec, prompt: str, inputs: tuple[str, ...] = ()) -> Order:
    return Order(
        id="ord_1",
        job="job",
        task="task1",
        piece=1,
        attempt=1,
        platform=platform,
        model=model,
        price=Money(1000),
        prompt=prompt,
        spec=spec,
        inputs=inputs,
    )


def photo(inputs: tuple[str, ...] = ()) -> Order:
    spec = PhotoSpec(subject="mug", aspect_ratio="2:3", quality=Quality.STANDARD)
    return order("openai_images", "gpt-image-2.5-flare", spec, "A mug.", inputs)


async def ours(sandbox: Practice, adapter: Any, wanted: Order) -> Done:
    headers = {"authorization": "Bearer sandbox"}
    async with httpx.AsyncClient(base_url=f"{sandbox.url}/{wanted.platform}", headers=headers) as http:
        done: Done = await adapter.start(http, wanted)
        return done


def pictures(folder: Path, count: int) -> list[tuple[str, bytes, str]]:
    """Files as the SDK takes them, named as our adapter names what it sends along."""
    files = []
    for number in range(count):
        path = folder / f"{number}.png"
        Image.new("RGB", (64 + number, 64), "teal").save(path)
        files.append(("reference.png", path.read_bytes(), "image/png"))
    return files


def body_of(seen: Seen) -> Any:
    """What a request says, without what only marks its borders."""
    kind = seen.headers["content-type"]
    if kind.startswith("application/json"):
        return json.loads(seen.body)
    parts = (
        BytesParser(policy=HTTP).parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + seen.body).iter_parts()
    )
    return sorted(
        (
            str(part.get_param("name", header="content-disposition")),
            part.get_filename() or "",
            part.get_content_type() if part.get_filename() else "",
            part.get_payload(decode=True),
        )
        for part in parts
    )


def told(seen: Seen) -> tuple[Any, ...]:
    """A request without what differs for a reason: the border marks of a form, and the headers in OUR_OWN."""
    headers = {
        name: value.partition("; boundary=")[0]
        for name, value in seen.headers.items()
        if name not in OUR_OWN and not name.startswith("x-stainless-")  # the SDK reports its own machine
    }
    return seen.method, seen.path, dict(seen.query), headers, body_of(seen)


# ── the SDK against the sandbox ────────────────────────────────────────────────────────────────


def test_a_picture_from_start_to_finish(sandbox: Practice, client: Callable[..., openai.OpenAI]) -> None:
    made = client("openai_images").images.generate(
        model="gpt-image-2.5-flare", prompt="A mug.", n=2, **PRICED
    )
    assert made.data is not None
    for picture in made.data:
        assert Image.open(io.BytesIO(base64.b64decode(picture.b64_json or ""))).size == (1024, 1536)
    assert made.usage is not None
    assert made.usage.total_tokens == made.usage.input_tokens + made.usage.output_tokens
    assert (made.size, made.quality, made.background, made.output_format) == tuple(PRICED.values())
    (line,) = sandbox.ledger()
    assert (line["model"], line["request_id"]) == ("gpt-image-2.5-flare", made._request_id)


def test_an_edit_from_start_to_finish(
    sandbox: Practice, client: Callable[..., openai.OpenAI], tmp_path: Path
) -> None:
    files = pictures(tmp_path, 2)
    made = client("openai_images").images.edit(
        image=files, model="gpt-image-2", prompt="A mug.", size="1088x1920"
    )
    assert made.data is not None
    assert made.usage is not None
    assert made.usage.input_tokens_details.image_tokens > 0
    picture = Image.open(io.BytesIO(base64.b64decode(made.data[0].b64_json or "")))
    assert picture.size == (1088, 1920)
    assert len(sandbox.ledger()) == 1


@pytest.mark.parametrize("model", ["gpt-4o-mini-tts", "tts-1-hd"])
def test_a_voice_from_start_to_finish(
    sandbox: Practice, client: Callable[..., openai.OpenAI], model: str
) -> None:
    speech = client("openai_speech").audio.speech
    sound = speech.create(model=model, voice="nova", input=SCRIPT, response_format="wav").content
    assert sound[:12] == b"RIFF\xff\xff\xff\xffWAVE"  # it does not know its length when it begins
    samples = speech.create(model=model, voice="nova", input=SCRIPT, response_format="pcm").content
    assert sound[44:] == samples
    assert 1 < len(samples) / 2 / 24_000 < 4
    assert speech.create(model=model, voice="nova", input=SCRIPT).content[:3] in (b"ID3", b"\xff\xfb\x94")
    assert len(sandbox.ledger()) == 3


def test_the_models_say_when_they_end(client: Callable[..., openai.OpenAI]) -> None:
    ends = {model.id: model.shutdown_date for model in client("openai_images").models.list()}
    assert ends["gpt-image-1.5"] == "2026-12-01"
    assert ends["gpt-image-2.5-sunburst"] is None
    assert {model.shutdown_date for model in client("openai_speech").models.list()} == {"2027-01-06"}


Wish = Callable[[openai.OpenAI], Any]
WISHES: dict[str, Wish] = {
    "openai_images": lambda sdk: sdk.images.generate(model="gpt-image-2", prompt="A mug."),
    "openai_speech": lambda sdk: sdk.audio.speech.create(model="tts-1", voice="nova", input=SCRIPT),
}


@pytest.mark.parametrize("platform", WISHES)
@pytest.mark.parametrize(
    ("do", "expected", "codes"),
    [
        ("refuse", openai.BadRequestError, {"moderation_blocked", "content_policy_violation"}),
        ("429:retry_after=0.01", openai.RateLimitError, {"rate_limit_exceeded"}),
        ("out_of_credit", openai.RateLimitError, {"insufficient_quota"}),
        ("retired", openai.NotFoundError, {"model_not_found"}),
        ("503", openai.InternalServerError, {"server_error"}),
        ("502", openai.InternalServerError, {None}),
        ("fail", openai.InternalServerError, {"server_error"}),
    ],
)
def test_troubles_are_what_the_sdk_takes_them_for(
    sandbox: Practice,
    client: Callable[..., openai.OpenAI],
    platform: str,
    do: str,
    expected: type[openai.APIStatusError],
    codes: set[str | None],
) -> None:
    sandbox.fault(platform, "start", do)
    with pytest.raises(expected) as caught:
        WISHES[platform](client(platform))
    assert caught.value.code in codes
    assert (caught.value.request_id or "").startswith("req_") or do == "502"
    assert sandbox.ledger() == []


@pytest.mark.parametrize("platform", WISHES)
def test_a_bad_key_is_refused(sandbox: Practice, client: Callable[..., openai.OpenAI], platform: str) -> None:
    with pytest.raises(openai.AuthenticationError) as caught:
        WISHES[platform](client(platform, "bad-key"))
    assert caught.value.code == "invalid_api_key"
    assert sandbox.ledger() == []


@pytest.mark.parametrize("platform", WISHES)
def test_a_throttled_sdk_tries_again_and_gets_it(
    sandbox: Practice, client: Callable[..., openai.OpenAI], platform: str
) -> None:
    sandbox.fault(platform, "start", "429:retry_after=0.01")
    WISHES[platform](client(platform, max_retries=1))
    assert len(sandbox.ledger()) == 1
    assert [seen.status for seen in sandbox.seen] == [429, 200]


@pytest.mark.parametrize(
    "wrong",
    [
        {"size": "1080x1920"},
        {"size": "3840x1024"},
        {"size": "1088x1920", "model": "gpt-image-1.5"},
        {"quality": "hd"},
        {"quality": "max"},
        {"response_format": "url"},
        {"style": "vivid"},
        {"n": 11},
        {"output_format": "gif"},
        {"background": "transparent", "output_format": "jpeg"},
        {"output_compression": 50},
        {"prompt": ""},
        {"prompt": "x" * 32_001},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_a_wrong_picture_is_refused_and_not_booked(
    sandbox: Practice, client: Callable[..., openai.OpenAI], wrong: dict[str, Any]
) -> None:
    wish = {"model": "gpt-image-2", "prompt": "A mug.", **wrong}
    with pytest.raises(openai.BadRequestError) as caught:
        client("openai_images").images.generate(**wish)
    assert caught.value.param == next(iter(wrong))
    assert sandbox.ledger() == []


@pytest.mark.parametrize("model", ["dall-e-3", "gpt-image-1", "gpt-image-9"])
def test_a_model_that_is_gone_is_not_found(client: Callable[..., openai.OpenAI], model: str) -> None:
    with pytest.raises(openai.NotFoundError):
        client("openai_images").images.generate(model=model, prompt="A mug.")


def test_a_model_is_there_until_its_last_day(sandbox: Practice, client: Callable[..., openai.OpenAI]) -> None:
    images = client("openai_images").images
    for today, alive in (("2026-11-30", True), ("2026-12-01", False)):
        with time_machine.travel(f"{today}T12:00:00Z"):
            if alive:
                images.generate(model="gpt-image-1.5", prompt="A mug.")
            else:
                with pytest.raises(openai.NotFoundError):
                    images.generate(model="gpt-image-1.5", prompt="A mug.")
    assert len(sandbox.ledger()) == 1


def test_an_edit_is_a_form_with_one_part_image_or_several_with_brackets(sandbox: Practice) -> None:
    address, headers = f"{sandbox.url}/openai_images/v1/images/edits", {"authorization": "Bearer sandbox"}
    fields = {"model": "gpt-image-2", "prompt": "A mug."}
    file = ("a.png", b"\x89PNG\r\n", "image/png")
    assert httpx.post(address, headers=headers, json=fields).status_code == 400
    assert httpx.post(address, headers=headers, data=fields, files={"mask": file}).status_code == 400
    assert httpx.post(address, headers=headers, data=fields, files=[("image", file)] * 2).status_code == 400
    assert httpx.post(address, headers=headers, data=fields, files=[("image[]", file)] * 2).status_code == 200
    assert len(sandbox.ledger()) == 1


def test_what_is_no_picture_cannot_be_edited(sandbox: Practice, client: Callable[..., openai.OpenAI]) -> None:
    for file in (
        ("a.png", b"no picture", "image/png"),
        ("a.png", b"\x89PNG", "image/webp"),
        ("a", b"", "x/y"),
    ):
        with pytest.raises(openai.BadRequestError):
            client("openai_images").images.edit(image=file, model="gpt-image-2", prompt="A mug.")
    many = [("a.png", b"\x89PNG\r\n", "image/png")] * 17
    with pytest.raises(openai.BadRequestError):
        client("openai_images").images.edit(image=many, model="gpt-image-2", prompt="A mug.")
    assert sandbox.ledger() == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"voice": "marin"},
        {"voice": "zoe"},
        {"input": "x" * 4097},
        {"instructions": "softly"},
        {"speed": 5.0},
        {"response_format": "ogg"},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_a_wrong_voice_is_refused_and_not_booked(
    sandbox: Practice, client: Callable[..., openai.OpenAI], wrong: dict[str, Any]
) -> None:
    wish = {"model": "tts-1", "voice": "nova", "input": SCRIPT, **wrong}
    with pytest.raises(openai.BadRequestError):
        client("openai_speech").audio.speech.create(**wish)
    assert sandbox.ledger() == []


# ── our adapters ask as the SDK asks ───────────────────────────────────────────────────────────


async def parity(sandbox: Practice, sdk: Callable[[], Any], adapter: Awaitable[Done]) -> Done:
    """Runs both and compares what came in; returns what our adapter made of its answer."""
    sdk()
    done = await adapter
    theirs, mine = sandbox.seen
    assert told(mine) == told(theirs)
    assert (theirs.status, mine.status) == (200, 200)
    return done


async def test_generating_is_asked_alike(sandbox: Practice, client: Callable[..., openai.OpenAI]) -> None:
    images = client("openai_images").images
    done = await parity(
        sandbox,
        lambda: images.generate(model="gpt-image-2.5-flare", prompt="A mug.", **PRICED),
        ours(sandbox, openai_images.Adapter(), photo()),
    )
    assert done.used[Unit.IMAGE_OUT] == 343  # the price list's picture, in tokens


@pytest.mark.parametrize("count", [1, 2])
async def test_editing_is_asked_alike(
    sandbox: Practice, client: Callable[..., openai.OpenAI], tmp_path: Path, count: int
) -> None:
    files = pictures(tmp_path, count)
    shown: Any = files[0] if count == 1 else files
    images = client("openai_images").images
    done = await parity(
        sandbox,
        lambda: images.edit(image=shown, model="gpt-image-2.5-flare", prompt="A mug.", **PRICED),
        ours(
            sandbox, openai_images.Adapter(), photo(tuple(str(tmp_path / f"{n}.png") for n in range(count)))
        ),
    )
    assert done.used[Unit.IMAGE_IN] == count * 1756


@pytest.mark.parametrize("model", ["gpt-4o-mini-tts", "tts-1"])
async def test_speaking_is_asked_alike(
    sandbox: Practice, client: Callable[..., openai.OpenAI], model: str
) -> None:
    spec = VoiceSpec(script=SCRIPT, language="pt-BR", gender="male", at_most_s=1)
    mini = model == "gpt-4o-mini-tts"
    wish: dict[str, Any] = {"voice": "cedar" if mini else "onyx", "speed": 1.2, "response_format": "mp3"}
    if mini:
        wish["instructions"] = delivery_notes(Task(id="task1", spec=spec))
    speech = client("openai_speech").audio.speech
    await parity(
        sandbox,
        lambda: speech.create(model=model, input=SCRIPT, **wish),
        ours(sandbox, openai_speech.Adapter(), order("openai_speech", model, spec, SCRIPT)),
    )


async def test_what_our_adapter_counts_is_what_the_sandbox_books(sandbox: Practice) -> None:
    done = await ours(sandbox, openai_images.Adapter(), photo())
    micros = {Unit.TEXT_IN: 5, Unit.IMAGE_IN: 8, Unit.IMAGE_OUT: 30}
    counted = Money(sum(tokens * micros[unit] for unit, tokens in done.used.items()))
    assert [line["usd"] for line in sandbox.ledger()] == [counted.usd]
