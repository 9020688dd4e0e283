"""The runwayml package bears witness: our sandbox satisfies it, our adapters ask as it asks, our sizes are its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any, Literal, Required, get_args, get_origin, get_type_hints

import httpx
import pytest
import runwayml
import runwayml.lib.polling
from film_orders import PROMPT, film_order, picture, with_receipt
from PIL import Image
from practice import Practice
from runwayml import RunwayML
from runwayml.lib.polling import TaskFailedError
from runwayml.types.image_to_video_create_params import ImageToVideoCreateParams
from runwayml.types.text_to_image_create_params import TextToImageCreateParams
from runwayml.types.text_to_video_create_params import TextToVideoCreateParams
from runwayml.types.video_to_video_create_params import VideoToVideoCreateParams

from agentes.contract import Done, Link, Pending
from agentes.media import probe
from agentes.photo_agent.api_integrations import runway_images
from agentes.sandbox.kernel.witness import Seen
from agentes.sandbox.runway_manual import PICTURES, QUALITIES, RESOLUTIONS, VIDEOS
from agentes.video_agent.api_integrations import runway
from shared_knowledge.canvas import ratio_of
from shared_knowledge.catalogue import Catalogue
from shared_knowledge.platform_facts import Audio, Mode
from shared_knowledge.tariff import weigh
from shared_knowledge.vocabulary import Money, Order, PhotoIntent, PhotoSpec

VERSION = {"X-Runway-Version": "2024-11-06"}
OUR_OWN = {
    "host": "an address",
    "connection": "of the library",
    "content-length": "follows from the body",
    "user-agent": "names the sender",
    "accept-encoding": "which compressions the library can undo",
    "accept": "the SDK names what it parses; we take what comes and look at it",
}
Client = Callable[..., RunwayML]


@pytest.fixture
def client(sandbox: Practice, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """The SDK with nothing but base URL and key changed, and less patient when it waits."""
    monkeypatch.setattr(runwayml.lib.polling, "POLL_TIME", 0.01)
    monkeypatch.setattr(runwayml.lib.polling, "POLL_JITTER", 0)
    opened: list[RunwayML] = []

    def open_client(platform: str = "runway", key: str = "sandbox", max_retries: int = 0) -> RunwayML:
        sdk = RunwayML(base_url=f"{sandbox.url}/{platform}", api_key=key, max_retries=max_retries)
        opened.append(sdk)
        return sdk

    yield open_client
    for sdk in opened:
        sdk.close()


# ── the SDK against the sandbox ────────────────────────────────────────────────────────────────


def fetched(url: str, into: Path) -> Path:
    into.write_bytes(httpx.get(url).content)
    return into


async def test_a_clip_from_start_to_finish(sandbox: Practice, client: Client, tmp_path: Path) -> None:
    task = client().text_to_video.create(
        model="veo3.1", prompt_text=PROMPT, ratio="720:1280", duration=4, audio=True
    )
    assert task.estimated_cost.credits == 160
    done = task.wait_for_task_output()
    assert done.status == "SUCCEEDED"
    assert done.cost.credits == 160
    clip = fetched(done.output[0], tmp_path / "clip.mp4")
    found = await probe.measure(clip)
    assert (found.width, found.height, found.has_audio) == (720, 1280, True)
    assert found.duration_s == pytest.approx(4, abs=0.2)
    [line] = sandbox.ledger()
    assert (line["platform"], line["model"], line["id"]) == ("runway", "veo3.1", task.id)
    assert line["usd"] == "1.600000"


async def test_a_picture_from_start_to_finish(sandbox: Practice, client: Client, tmp_path: Path) -> None:
    task = client("runway_images").text_to_image.create(
        model="gen4_image", prompt_text="A mug.", ratio="1080:1440"
    )
    done = task.wait_for_task_output()
    assert done.status == "SUCCEEDED"
    found = await probe.measure(fetched(done.output[0], tmp_path / "picture.png"))
    assert (found.width, found.height) == (1080, 1440)
    assert [line["platform"] for line in sandbox.ledger()] == ["runway_images"]


def test_an_upload_is_found_again(sandbox: Practice, client: Client, tmp_path: Path) -> None:
    sdk = client()
    uploaded = sdk.uploads.create_ephemeral(file=Path(picture(tmp_path)))
    assert uploaded.uri.startswith("runway://")
    wish: dict[str, Any] = {"model": "gen4_turbo", "prompt_text": PROMPT, "ratio": "960:960", "duration": 5}
    sdk.image_to_video.create(prompt_image=uploaded.uri, **wish).wait_for_task_output()
    with pytest.raises(runwayml.BadRequestError):
        sdk.image_to_video.create(prompt_image="runway://uploads/nobody", **wish)
    assert len(sandbox.ledger()) == 1


@pytest.mark.parametrize(
    ("do", "code", "charged"),
    [("refuse", "SAFETY.INPUT.TEXT", 25), ("fail", "INTERNAL.BAD_OUTPUT.CODE01", 0)],
)
def test_a_task_that_fails_says_why(
    sandbox: Practice, client: Client, tmp_path: Path, do: str, code: str, charged: int
) -> None:
    sandbox.fault("runway", "start", do)
    sdk = client()
    image = sdk.uploads.create_ephemeral(file=Path(picture(tmp_path))).uri
    task = sdk.image_to_video.create(
        model="gen4_turbo", prompt_text=PROMPT, prompt_image=image, ratio="720:1280", duration=5
    )
    with pytest.raises(TaskFailedError) as caught:
        task.wait_for_task_output()
    failed = caught.value.task_details
    assert failed.status == "FAILED"
    assert (failed.failure_code, failed.cost.credits) == (code, charged)
    assert len(sandbox.ledger()) == 1


def wish(sdk: RunwayML) -> Any:
    return sdk.text_to_video.create(model="gen4.5", prompt_text=PROMPT, ratio="720:1280", duration=2)


def test_a_bad_key_is_refused(sandbox: Practice, client: Client) -> None:
    with pytest.raises(runwayml.AuthenticationError):
        wish(client(key="bad-key"))
    assert sandbox.ledger() == []


@pytest.mark.parametrize(
    ("do", "kind"),
    [
        ("429", runwayml.RateLimitError),
        ("out_of_credit", runwayml.BadRequestError),
        ("retired", runwayml.NotFoundError),
        ("503", runwayml.InternalServerError),
    ],
)
def test_troubles_are_what_the_sdk_takes_them_for(
    sandbox: Practice, client: Client, do: str, kind: type[runwayml.APIStatusError]
) -> None:
    sandbox.fault("runway", "start", do)
    with pytest.raises(kind) as caught:
        wish(client())
    assert isinstance(caught.value.body, dict)
    assert caught.value.body.keys() == {"error"}
    assert sandbox.ledger() == []


def test_a_throttled_sdk_tries_again_and_gets_it(sandbox: Practice, client: Client) -> None:
    sandbox.fault("runway", "start", "429:retry_after=0.01")
    wish(client(max_retries=1))
    assert [seen.status for seen in sandbox.seen] == [429, 200]
    assert len(sandbox.ledger()) == 1


def test_what_was_cancelled_cannot_be_fetched_again(client: Client) -> None:
    sdk = client()
    task = wish(sdk)
    assert sdk.tasks.delete(task.id) is None
    with pytest.raises(runwayml.NotFoundError):
        sdk.tasks.retrieve(task.id)


def test_a_finished_task_may_have_no_file(sandbox: Practice, client: Client) -> None:
    sandbox.fault("runway", "check", "no_output")
    done = wish(client()).wait_for_task_output()
    assert done.output == []


def test_the_organization_knows_its_credits_and_limits(client: Client) -> None:
    told = client().organization.retrieve()
    assert told.credit_balance == 12_345
    assert told.tier.models["gen4.5"].max_daily_generations == 200


@pytest.mark.parametrize(
    "wrong",
    [
        {"model": "gen3a_turbo"},
        {"ratio": "9:16"},
        {"duration": "5"},
        {"duration": 11},
        {"duration": 5.5},
        {"prompt_text": ""},
        {"prompt_text": "😀" * 501},
        {"seed": "7"},
        {"extra_body": {"audio": False}},
        {"extra_headers": {"X-Runway-Version": "2023-01-01"}},
    ],
    ids=str,
)
def test_a_wrong_request_is_refused_and_not_booked(
    sandbox: Practice, client: Client, wrong: dict[str, Any]
) -> None:
    right: dict[str, Any] = {"model": "gen4.5", "prompt_text": PROMPT, "ratio": "720:1280", "duration": 5}
    with pytest.raises(runwayml.BadRequestError):
        client().text_to_video.create(**right | wrong)
    assert sandbox.ledger() == []


# ── our adapters ask as it asks ────────────────────────────────────────────────────────────────


def told(seen: Seen) -> tuple[Any, ...]:
    """A request without the headers in OUR_OWN, and without what the SDK reports about its own machine."""
    headers = {
        name: value
        for name, value in seen.headers.items()
        if name not in OUR_OWN and not name.startswith("x-stainless-")
    }
    body = json.loads(seen.body) if seen.body else None
    if seen.method in ("GET", "DELETE"):
        headers.pop("content-type", None)  # the SDK names one for a body that is not there
    return seen.method, seen.path, dict(seen.query), headers, body


def signed(request: httpx.Request) -> httpx.Request:
    request.headers["Authorization"] = "Bearer sandbox"
    return request


def our_client(sandbox: Practice, platform: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=f"{sandbox.url}/{platform}", headers=VERSION, auth=signed)


async def ours(sandbox: Practice, adapter: Any, order: Order) -> list[Seen]:
    """What our adapter sends, and that the sandbox takes it."""
    before = len(sandbox.seen)
    async with our_client(sandbox, order.platform) as http:
        order = await adapter.prepare(http, order)
        answer = await adapter.start(http, order)
        assert isinstance(answer, Pending)
        await adapter.check(http, with_receipt(order, **answer.receipt))
    return sandbox.seen[before:]


async def test_our_adapter_brings_a_clip_home(sandbox: Practice) -> None:
    order = film_order("runway", "gen4.5", seconds=2)
    async with our_client(sandbox, "runway") as http:
        pending = await runway.Adapter().start(http, order)
        done = await runway.Adapter().check(http, with_receipt(order, **pending.receipt))
        assert isinstance(done, Done)
        assert isinstance(done.media, Link)
        assert done.cost == Money.dollars("0.24")
        assert (await http.get(done.media.url)).content[4:8] == b"ftyp"


VIDEO_ORDERS: dict[str, Callable[[str, str], Order]] = {
    "words": lambda a, b: film_order("runway", "gen4.5", seconds=7, seed=42),
    "silent": lambda a, b: film_order("runway", "veo3.1_fast", seconds=8),
    "sound": lambda a, b: film_order("runway", "kling3.0_standard", ratio="16:9", audio=True),
    "a first frame": lambda a, b: film_order("runway", "gen4_turbo", ratio="1:1", inputs=(a,)),
    "first and last": lambda a, b: film_order("runway", "seedance2", seed=7, inputs=(a, b)),
    "references instead": lambda a, b: film_order("runway", "seedance2_5", inputs=(a, b, a)),
    "references beside": lambda a, b: film_order("runway", "klingO3_pro", inputs=(a, b, a)),
    "ratio and resolution": lambda a, b: film_order("runway", "hailuo3"),
    "resolution alone": lambda a, b: film_order("runway", "h3_max", inputs=(a,)),
}


@pytest.mark.parametrize("name", VIDEO_ORDERS)
async def test_a_clip_is_asked_for_alike(
    sandbox: Practice, client: Client, tmp_path: Path, name: str
) -> None:
    sandbox.fault("runway", "check", "stuck", times=2)  # no clip need be made of it
    order = VIDEO_ORDERS[name](picture(tmp_path), picture(tmp_path, "last.png", (64, 36)))
    start, check = await ours(sandbox, runway.Adapter(), order)
    sdk = client()
    make = getattr(sdk, start.path.rpartition("/")[2]).create
    task = make(**in_python(json.loads(start.body)))
    sdk.tasks.retrieve(task.id)
    theirs_start, theirs_check = sandbox.seen[-2:]
    assert told(theirs_start) == told(start)
    assert told(theirs_check)[3:] == told(check)[3:]
    assert theirs_check.path.rpartition("/")[0] == check.path.rpartition("/")[0]


async def test_every_model_is_taken_as_our_adapter_asks_and_costs_what_was_quoted(
    sandbox: Practice, tmp_path: Path
) -> None:
    first, priced = picture(tmp_path), set()
    async with our_client(sandbox, "runway") as http:
        for model in Catalogue.load().platform("runway").models:
            seconds = (model.durations_s or (5,))[0]
            for inputs in ((), (first,)):
                if (Mode.IMAGE_TO_VIDEO if inputs else Mode.TEXT_TO_VIDEO) not in model.modes:
                    continue
                for quality, audio in product(model.quality, (False, model.audio is not Audio.NEVER)):
                    order = film_order(
                        "runway", model.id, seconds=seconds, inputs=inputs, quality=quality, audio=audio
                    )
                    if model.id == "h3_max" and not inputs:
                        continue  # no shape can be told, so it is only ever asked with a picture
                    await runway.Adapter().start(http, order)
                    quoted = weigh(model, order.spec, datetime.now(UTC).date(), pictures=inputs).price
                    if quoted is not None:
                        assert sandbox.ledger()[-1]["usd"] == quoted.usd, model.id
                        priced.add(model.id)
    assert {call.status for call in sandbox.seen} == {200}
    unquoted = {"aleph2", "hailuo3"}  # one needs a clip, of the other no length is on file
    assert priced | unquoted == {m.id for m in Catalogue.load().platform("runway").models if m.prices}


async def test_every_picture_model_is_taken_as_our_adapter_asks(sandbox: Practice, tmp_path: Path) -> None:
    reference = picture(tmp_path)
    async with our_client(sandbox, "runway_images") as http:
        for model in Catalogue.load().platform("runway_images").models:
            for inputs, quality in product(((), (reference,)), model.quality):
                if (Mode.EDIT if inputs else Mode.TEXT_TO_IMAGE) in model.modes:
                    order = photo(model.id, inputs=inputs, quality=quality, seed=1)
                    await runway_images.Adapter().start(http, order)
    assert {call.status for call in sandbox.seen} == {200}


@pytest.mark.parametrize("references", [0, 2])
async def test_a_picture_is_asked_for_alike(
    sandbox: Practice, client: Client, tmp_path: Path, references: int
) -> None:
    inputs = tuple(picture(tmp_path, f"{number}.png") for number in range(references))
    order = photo("gen4_image", inputs=inputs, seed=3)
    start, _ = await ours(sandbox, runway_images.Adapter(), order)
    client("runway_images").text_to_image.create(**in_python(json.loads(start.body)))
    assert told(sandbox.seen[-1]) == told(start)


async def test_cancelling_standing_and_uploading_are_asked_for_alike(
    sandbox: Practice, client: Client, tmp_path: Path
) -> None:
    sandbox.fault("runway", "check", "stuck")
    heavy = tmp_path / "reference.png"
    Image.effect_noise((2300, 2000), 90).save(heavy)
    assert heavy.stat().st_size > 3_700_000
    seen = await ours(
        sandbox, runway.Adapter(), film_order("runway", "gen4_turbo", seconds=2, inputs=(str(heavy),))
    )
    assert [each.path for each in seen[:3]] == ["/v1/uploads", seen[1].path, "/v1/image_to_video"]
    assert json.loads(seen[2].body)["promptImage"][0]["uri"].startswith("runway://")
    async with our_client(sandbox, "runway") as http:
        order = with_receipt(film_order("runway", "gen4_turbo"), id=seen[3].path.rpartition("/")[2])
        await runway.Adapter().cancel(http, order)
        assert (await runway.Adapter().standing(http)).left == "12,345 credits"
    mine = [*seen[:2], *sandbox.seen[-2:]]
    sdk = client()
    task = wish(sdk)
    count = len(sandbox.seen)
    sdk.uploads.create_ephemeral(file=heavy)
    sdk.tasks.delete(task.id)
    sdk.organization.retrieve()
    theirs = sandbox.seen[count:]
    assert told(theirs[0]) == told(mine[0])
    assert "authorization" not in theirs[1].headers
    assert "authorization" not in mine[1].headers
    assert [len(each.body) for each in (theirs[1], mine[1])] == [pytest.approx(len(mine[1].body), abs=20)] * 2
    assert theirs[2].method == mine[2].method == "DELETE"
    assert told(theirs[3]) == told(mine[3])


def in_python(body: dict[str, Any]) -> dict[str, Any]:
    """A body as the SDK's arguments: names with underscores."""
    return {"".join(f"_{c.lower()}" if c.isupper() else c for c in name): body[name] for name in body}


def photo(model: str, *, inputs: tuple[str, ...] = (), **more: Any) -> Order:
    intent = PhotoIntent.EDIT if inputs else PhotoIntent.HERO
    spec = PhotoSpec(subject="a mug", aspect_ratio="3:4", intent=intent, **more)
    clip = film_order("runway_images", model, inputs=inputs)
    return clip.model_copy(update={"spec": spec, "task": "photo-1", "duration_s": None, "prompt": "A mug."})


# ── what the types say ─────────────────────────────────────────────────────────────────────────


def words(annotation: Any) -> list[str]:
    """The words a field may be, wherever they stand in its type."""
    if get_origin(annotation) is Literal:
        return [word for word in get_args(annotation) if isinstance(word, str)]
    return [word for part in get_args(annotation) for word in words(part)]


def on_the_wire(name: str, annotation: Any) -> str:
    for note in getattr(annotation, "__metadata__", ()):
        return str(note.alias)
    for part in get_args(annotation):
        if (found := on_the_wire("", part)) != "":
            return found
    return name


def sheets(params: Any) -> dict[str, dict[str, Any]]:
    """The SDK's own types: by model, by field on the wire, the annotation."""
    found = {}
    for kind in get_args(params):
        hints = get_type_hints(kind, include_extras=True)
        [model] = words(hints.pop("model"))
        found[model] = {on_the_wire(name, hint): hint for name, hint in hints.items()}
    return found


TYPES = {
    "text_to_video": sheets(TextToVideoCreateParams),
    "image_to_video": sheets(ImageToVideoCreateParams),
    "video_to_video": sheets(VideoToVideoCreateParams),
}
STILLS = sheets(TextToImageCreateParams)


@pytest.mark.parametrize("way", TYPES)
def test_the_sandbox_knows_every_model_and_field_of_the_sdk(way: str) -> None:
    assert VIDEOS[way].keys() == TYPES[way].keys()
    for model, sheet in VIDEOS[way].items():
        compare(sheet.fields, sheet.ratios, TYPES[way][model])
        if "resolution" in TYPES[way][model]:
            assert set(words(TYPES[way][model]["resolution"])) == set(RESOLUTIONS[model])


def test_the_sandbox_knows_the_pictures_of_the_sdk() -> None:
    assert {model.id for model in Catalogue.load().platform("runway_images").models} == PICTURES.keys()
    for model, sheet in PICTURES.items():
        compare(sheet.fields, sheet.ratios, STILLS[model])
        assert set(words(STILLS[model].get("quality"))) == set(QUALITIES.get(model, ()))


def compare(fields: str, ratios: str, typed: dict[str, Any]) -> None:
    needed = {name for name, hint in typed.items() if get_origin(hint) is Required}
    assert set(fields.split()) == {f"{name}*" if name in needed else name for name in typed}
    assert set(ratios.split()) == set(words(typed.get("ratio")))


@pytest.mark.parametrize("platform", ["runway", "runway_images"])
def test_every_size_of_the_catalogue_is_one_of_the_sdks_and_has_its_shape(platform: str) -> None:
    stills = platform == "runway_images"
    from_words = STILLS if stills else TYPES["text_to_video"]
    from_pictures = STILLS if stills else TYPES["image_to_video"]
    for model in Catalogue.load().platform(platform).models:
        image = from_pictures.get(model.id, {}).get("ratio")
        text = from_words.get(model.id, {}).get("ratio", image)
        for size in model.resolutions:
            if model.id == "h3_max":
                continue  # it is told no ratio
            assert set(size.ratios.values()) <= set(words(text)), model.id
            assert set(size.image_ratios.values()) <= set(words(image)), model.id
            for name, word in (*size.ratios.items(), *size.image_ratios.items()):
                assert abs(ratio_of(word) / ratio_of(name) - 1) < 0.02, (model.id, word)
            named = TYPES["text_to_video"].get(model.id, {}).get("resolution")
            assert not named or size.name in words(named)


def test_what_has_sound_and_length_to_choose_is_so_in_the_catalogue() -> None:
    for model in Catalogue.load().platform("runway").models:
        typed = TYPES["text_to_video"].get(model.id) or TYPES["image_to_video"].get(model.id) or {}
        assert ("audio" in typed) is (model.audio == "optional"), model.id
        sheet = VIDEOS["text_to_video"].get(model.id)
        assert not sheet or set(model.durations_s) <= set(sheet.lengths)
