"""Google's own client films in the sandbox, by both its roads, and asks for it as our adapters do."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from film_orders import PROMPT, film_order, picture, with_receipt
from google import genai
from google.genai import errors, types
from google.genai._interactions import BadRequestError
from google.oauth2.credentials import Credentials
from practice import Practice

from agentes.contract import Done, Inline, Link
from agentes.sandbox.kernel.sandbox import Seen
from agentes.video_agent.api_integrations import google_omni, google_veo
from shared_knowledge.catalogue import Catalogue
from shared_knowledge.platform_facts import Unit
from shared_knowledge.tariff import bill
from shared_knowledge.vocabulary import Order

OMNI, VEO = "gemini-omni-1.1-flash", "veo-3.1-lite-generate-001"
FORM = {"type": "video", "aspect_ratio": "9:16", "duration": "4s", "resolution": "720p", "delivery": "uri"}
WISH: dict[str, Any] = {
    "model": OMNI,
    "input": PROMPT,
    "background": True,
    "store": True,
    "response_format": FORM,
    "generation_config": {"video_config": {"task": "text_to_video"}},
}
SILENT = types.GenerateVideosConfig(
    number_of_videos=1, duration_seconds=4, aspect_ratio="9:16", resolution="720p", generate_audio=False
)
SOURCE = types.GenerateVideosSource(prompt=PROMPT)

# What may differ, and why.
MANNERS = {
    "user-agent": "who is asking",
    "x-goog-api-client": "who is asking, once more",
    "accept": "we take whatever comes, and look at its first bytes",
    "accept-encoding": "each library names what it can unpack",
    "content-length": "spaces in JSON",
}


@pytest.fixture
def omni(sandbox: Practice) -> Iterator[genai.Client]:
    with genai.Client(api_key="sandbox", http_options=address(sandbox, "google_omni")) as client:
        yield client


@pytest.fixture
def veo(sandbox: Practice) -> Iterator[genai.Client]:
    with vertex(sandbox, "sandbox") as client:
        yield client


def address(sandbox: Practice, platform: str) -> types.HttpOptions:
    return types.HttpOptions(base_url=f"{sandbox.url}/{platform}")


def vertex(sandbox: Practice, key: str) -> genai.Client:
    return genai.Client(
        enterprise=True,
        project="my-project",
        location="us-central1",
        credentials=Credentials(key),
        http_options=address(sandbox, "google_veo"),
    )


# ── Gemini Omni, through the Interactions API ──────────────────────────────────────────────────


def test_omni_films_from_start_to_finish(omni: genai.Client, sandbox: Practice) -> None:
    begun = omni.interactions.create(**WISH)
    assert begun.status == "in_progress"
    done = omni.interactions.get(begun.id)
    assert done.status == "completed"
    # The client knows its files by an https address; the sandbox has none, so the name is taken out of it here.
    name = re.search(r"files/\w+", done.output_video.uri)
    assert name is not None
    content = omni.files.download(file=name[0])
    assert content[4:8] == b"ftyp"
    [tokens] = done.usage.output_tokens_by_modality
    assert (tokens.modality, tokens.tokens) == ("video", 4 * 5792)
    assert [line["model"] for line in sandbox.ledger()] == [OMNI]


def test_omni_puts_the_film_into_the_answer_if_asked(omni: genai.Client) -> None:
    begun = omni.interactions.create(**{**WISH, "response_format": {**FORM, "delivery": "inline"}})
    done = omni.interactions.get(begun.id)
    assert done.output_video.data.startswith("AAAA")


def test_omni_refuses_in_words(omni: genai.Client, sandbox: Practice) -> None:
    sandbox.fault("google_omni", "start", "refuse")
    done = omni.interactions.get(omni.interactions.create(**WISH).id)
    assert done.status == "completed"
    assert done.output_video is None
    assert "usage guidelines" in done.output_text


def test_omni_fails_with_errors(omni: genai.Client, sandbox: Practice) -> None:
    sandbox.fault("google_omni", "start", "fail")
    done = omni.interactions.get(omni.interactions.create(**WISH).id)
    assert done.status == "failed"
    assert [error.message for error in done.errors] == ["The video could not be generated."]


def test_omni_can_be_stopped(omni: genai.Client) -> None:
    begun = omni.interactions.create(**WISH)
    assert omni.interactions.cancel(begun.id).status == "cancelled"


def test_omni_turns_a_bad_key_away(sandbox: Practice) -> None:
    stranger = genai.Client(api_key="bad-key", http_options=address(sandbox, "google_omni"))
    with stranger as client, pytest.raises(BadRequestError, match="API key not valid"):
        client.interactions.create(**WISH)
    assert sandbox.ledger() == []


def test_omni_is_asked_again_after_a_throttle(omni: genai.Client, sandbox: Practice) -> None:
    sandbox.fault("google_omni", "start", "429")
    omni.interactions.create(**WISH)
    assert [call.status for call in sandbox.seen] == [429, 200]
    assert len(sandbox.ledger()) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"response_format": {**FORM, "duration": "8"}},
        {"response_format": {**FORM, "duration": "12s"}},
        {"response_format": {**FORM, "aspect_ratio": "1:1"}},
        {"store": False},
        {"generation_config": {"video_config": {"task": "image_to_video"}}},
        {
            "input": [
                {"type": "image", "mime_type": "image/png", "data": "AAAA"},
                {"type": "text", "text": "x"},
            ]
        },
    ],
)
def test_omni_is_strict(omni: genai.Client, sandbox: Practice, wrong: dict[str, Any]) -> None:
    with pytest.raises(BadRequestError, match="invalid argument"):
        omni.interactions.create(**{**WISH, **wrong})
    assert sandbox.ledger() == []


# ── Veo, on Vertex AI ──────────────────────────────────────────────────────────────────────────


def test_veo_films_from_start_to_finish(veo: genai.Client, sandbox: Practice) -> None:
    operation = veo.models.generate_videos(model=VEO, source=SOURCE, config=SILENT)
    assert not operation.done
    operation = veo.operations.get(operation)
    assert operation.done
    [made] = operation.response.generated_videos
    assert made.video.video_bytes[4:8] == b"ftyp"
    assert [(line["model"], line["usd"]) for line in sandbox.ledger()] == [(VEO, "0.200000")]


def test_veo_keeps_a_film_back_without_an_error(veo: genai.Client, sandbox: Practice) -> None:
    sandbox.fault("google_veo", "start", "refuse")
    operation = veo.operations.get(veo.models.generate_videos(model=VEO, source=SOURCE))
    assert operation.done
    assert operation.error is None
    assert operation.response.generated_videos is None
    assert operation.response.rai_media_filtered_count == 1


def test_veo_fails_with_a_number(veo: genai.Client, sandbox: Practice) -> None:
    sandbox.fault("google_veo", "start", "fail")
    operation = veo.operations.get(veo.models.generate_videos(model=VEO, source=SOURCE))
    assert operation.error["code"] == 13


def test_veo_turns_a_bad_key_away(sandbox: Practice) -> None:
    with vertex(sandbox, "bad-key") as client, pytest.raises(errors.ClientError) as turned_away:
        client.models.generate_videos(model=VEO, source=SOURCE)
    assert turned_away.value.code == 401
    assert sandbox.ledger() == []


def test_veo_is_not_asked_again_after_a_throttle(veo: genai.Client, sandbox: Practice) -> None:
    sandbox.fault("google_veo", "start", "429:retry_after=2")
    with pytest.raises(errors.ClientError) as throttled:
        veo.models.generate_videos(model=VEO, source=SOURCE)
    assert (throttled.value.code, throttled.value.status) == (429, "RESOURCE_EXHAUSTED")
    assert len(sandbox.seen) == 1


def test_veo_does_not_know_a_model_that_is_gone(veo: genai.Client) -> None:
    with pytest.raises(errors.ClientError) as gone:
        veo.models.generate_videos(model="veo-3.0-generate-001", source=SOURCE)
    assert gone.value.code == 404


@pytest.mark.parametrize("wrong", [{"duration_seconds": 5}, {"aspect_ratio": "1:1"}, {"resolution": "4k"}])
def test_veo_is_strict(veo: genai.Client, sandbox: Practice, wrong: dict[str, Any]) -> None:
    with pytest.raises(errors.ClientError) as unfit:
        veo.models.generate_videos(model=VEO, source=SOURCE, config=SILENT.model_copy(update=wrong))
    assert unfit.value.code == 400
    assert sandbox.ledger() == []


# ── the same task, asked by both ───────────────────────────────────────────────────────────────


async def ours(sandbox: Practice, adapter: Any, order: Order) -> tuple[Order, Done]:
    """Our adapter over a plain client, signed, and with the project where the wire would put it."""

    async def fill_in(request: httpx.Request) -> None:
        path = request.url.raw_path.replace(b"%7Bproject%7D", b"my-project")
        request.url = request.url.copy_with(raw_path=path.replace(b"%7Blocation%7D", b"us-central1"))

    signed = {"authorization": "Bearer sandbox"}
    if order.platform == "google_omni":
        signed = {"x-goog-api-key": "sandbox"}
    base = f"{sandbox.url}/{order.platform}"
    async with httpx.AsyncClient(base_url=base, headers=signed, event_hooks={"request": [fill_in]}) as http:
        pending = await adapter.start(http, order)
        started = with_receipt(order, **pending.receipt)
        done = await adapter.check(http, started)
    assert isinstance(done, Done)
    return started, done


def said(call: Seen, number: str) -> dict[str, Any]:
    """What a call says, without its manners and its number."""
    headers = {name: text for name, text in call.headers.items() if name not in MANNERS}
    if not call.body:
        headers.pop("content-type", None)  # theirs names the kind of a body that is not there
    body = call.body.decode().replace(number, "NUMBER")
    return {
        "line": f"{call.method} {call.path}".replace(number, "NUMBER"),
        "query": dict(call.query),
        "headers": headers,
        "body": json.loads(body) if body else None,
    }


@pytest.mark.parametrize("pictures", [0, 1, 2])
async def test_omni_is_asked_in_the_same_words(
    omni: genai.Client, sandbox: Practice, tmp_path: Path, pictures: int
) -> None:
    order = film_order("google_omni", OMNI, seconds=4, inputs=paths(tmp_path, pictures))
    content: list[dict[str, Any]] = [
        {"type": "image", "mime_type": "image/png", "data": b64encode(Path(path).read_bytes()).decode()}
        for path in order.inputs
    ]
    wish = dict(WISH)
    if content:
        wish["input"] = [{"type": "user_input", "content": [*content, {"type": "text", "text": PROMPT}]}]
        task = "image_to_video" if pictures == 1 else "reference_to_video"
        wish["generation_config"] = {"video_config": {"task": task}}
    begun = omni.interactions.create(**wish)
    omni.interactions.get(begun.id)
    omni.interactions.cancel(begun.id)
    theirs = [said(call, begun.id) for call in sandbox.seen]
    sandbox.reset()
    started, done = await ours(sandbox, google_omni.Adapter(), order)
    number = str((started.receipt or {})["id"])
    assert [said(call, number) for call in sandbox.seen] == theirs[:2]
    assert isinstance(done.media, Link)
    assert done.media.signed
    check_the_bill(done, sandbox)


def check_the_bill(done: Done, sandbox: Practice) -> None:
    """What the tokens come to by our price list is what the vendor wrote on its bill."""
    model = Catalogue.load().platform("google_omni").model(OMNI)
    assert model is not None
    assert done.used[Unit.VIDEO_OUT] == 4 * 5792
    charged = bill(model, done.used, model.prices[0].seen_on)
    assert charged is not None
    assert [line["usd"] for line in sandbox.ledger()] == [charged.usd]


async def test_omni_is_stopped_in_the_same_words(omni: genai.Client, sandbox: Practice) -> None:
    begun = omni.interactions.create(**WISH)
    omni.interactions.cancel(begun.id)
    theirs = said(sandbox.seen[-1], begun.id)
    started = with_receipt(film_order("google_omni", OMNI, seconds=4), id=begun.id)
    base = f"{sandbox.url}/google_omni"
    async with httpx.AsyncClient(base_url=base, headers={"x-goog-api-key": "sandbox"}) as http:
        await google_omni.Adapter().cancel(http, started)
    assert said(sandbox.seen[-1], begun.id) == theirs


@pytest.mark.parametrize("pictures", [0, 1, 2])
async def test_veo_is_asked_in_the_same_words(
    veo: genai.Client, sandbox: Practice, tmp_path: Path, pictures: int
) -> None:
    inputs = paths(tmp_path, pictures)
    wishes: dict[str, Any] = {"negative": ("text", "logos"), "seed": 77, "audio": True}
    order = film_order("google_veo", VEO, seconds=8, ratio="16:9", inputs=inputs, **wishes)
    frames = [types.Image(image_bytes=Path(path).read_bytes(), mime_type="image/png") for path in inputs]
    config = types.GenerateVideosConfig(
        number_of_videos=1,
        duration_seconds=8,
        aspect_ratio="16:9",
        resolution="720p",
        generate_audio=True,
        negative_prompt="text, logos",
        seed=77,
        last_frame=frames[1] if pictures > 1 else None,
    )
    source = types.GenerateVideosSource(prompt=PROMPT, image=frames[0] if frames else None)
    operation = veo.models.generate_videos(model=VEO, source=source, config=config)
    veo.operations.get(operation)
    theirs = [said(call, str(operation.name)) for call in sandbox.seen]
    sandbox.reset()
    started, done = await ours(sandbox, google_veo.Adapter(), order)
    number = str((started.receipt or {})["operation"])
    assert [said(call, number) for call in sandbox.seen] == theirs
    assert done.media == Inline("/response/videos/0/bytesBase64Encoded")


def paths(folder: Path, count: int) -> tuple[str, ...]:
    return tuple(picture(folder, f"{number}.png") for number in range(count))
