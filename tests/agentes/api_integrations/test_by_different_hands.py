"""Kling, FLUX and Azure have no SDK to bear witness: adapter and sandbox, by different hands, must meet on the wire."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image
from post_room import clip, order, picture, voice

from agentes.contract import Done, Pending
from agentes.media import probe
from agentes.media.shelf import Shelf
from agentes.wire.exchange import Exchange
from config.secrets import SecretManager
from config.settings import Settings
from shared_knowledge.catalogue import Catalogue
from shared_knowledge.errors import Failed, InDoubt, PlatformError, Refused, Unavailable, Unsuitable
from shared_knowledge.tariff import weigh
from shared_knowledge.terms import terms_of
from shared_knowledge.vocabulary import Money, Order, VideoSpec, VoiceSpec

if TYPE_CHECKING:
    from practice import Practice

    from agentes.wire.line import WireLine

PLATFORMS = ("kling", "bfl_flux", "azure_speech")
NUMBERS = count(1)


def wanted(platform: str, model: str, *pictures: str) -> Order:
    """An order of that platform's medium, with a number of its own."""
    spec: Any = {"kling": clip, "bfl_flux": picture, "azure_speech": voice}[platform]()
    if not isinstance(spec, VoiceSpec):
        spec = spec.model_copy(update={"references": pictures})
    length = {"duration_s": 5} if isinstance(spec, VideoSpec) else {}
    number = f"ord_{next(NUMBERS):020d}"
    return order(
        platform, model, spec, "Bom dia!", id=number, inputs=pictures, sent_at=datetime.now(UTC), **length
    )


def price(placed: Order) -> Money | None:
    """What the order costs by the catalogue; None if it is not on offer."""
    model = Catalogue.load().platform(placed.platform).model(placed.model)
    assert model is not None
    weighed = weigh(model, placed.spec, datetime.now(UTC).date())
    return None if weighed.why_not else weighed.price


ON_OFFER = [
    pytest.param(name, model.id, pictures, id=f"{name}:{model.id}:{pictures}")
    for name in PLATFORMS
    for model in Catalogue.load().platform(name).models
    for pictures in ((0,) if name == "azure_speech" else (0, 1, 2))
    if price(wanted(name, model.id, *map(str, range(pictures)))) is not None
]


@asynccontextmanager
async def line(
    sandbox: Practice, folder: Path, platform: str, key: str = "sandbox"
) -> AsyncIterator[WireLine]:
    """The line the engine is given, to the sandbox."""
    names = (secret.name for secret in Catalogue.load().platform(platform).secrets if secret.hidden)
    environment = {"AGENTES_SANDBOX_URL": sandbox.url, "AGENTES_HOME": str(folder)} | dict.fromkeys(
        names, key
    )
    shelf = Shelf(folder / "shelf", folder / "desks")
    exchange = Exchange(Catalogue.load(), SecretManager(environment), Settings.read(environment), shelf)
    async with exchange.connect(platform) as opened:
        yield opened


async def bought(opened: WireLine, placed: Order) -> tuple[Order, Done]:
    placed = await opened.prepare(placed)
    answer = await opened.start(placed)
    for _ in range(4):
        if isinstance(answer, Done):
            return placed, answer
        placed = placed.model_copy(update={"receipt": answer.receipt})
        answer = await opened.check(placed)
    raise AssertionError(f"still {answer}")


@pytest.mark.parametrize(("platform", "model", "pictures"), ON_OFFER)
async def test_what_is_on_offer_is_made_as_it_was_priced(
    sandbox: Practice, tmp_path: Path, platform: str, model: str, pictures: int
) -> None:
    paths = [str(tmp_path / f"{number}.png") for number in range(pictures)]
    for path in paths:
        Image.new("RGB", (720, 1280), "teal").save(path)
    placed = wanted(platform, model, *paths)
    async with line(sandbox, tmp_path, platform) as opened:
        placed, done = await bought(opened, placed)
        file = await opened.collect(placed, done)
    assert done.warnings == ()
    (entry,) = sandbox.ledger()
    charged = Money.dollars(entry["usd"])
    assert charged == price(placed)
    assert done.cost in (None, charged)
    found = await probe.measure(file)
    if platform == "azure_speech":
        assert found.duration_s
        return
    canvas = terms_of(placed).canvas
    if canvas.width and canvas.height and canvas.word == f"{canvas.width}x{canvas.height}":
        assert (found.width, found.height) == (canvas.width, canvas.height)
    assert found.width is not None
    assert found.height is not None
    assert found.width / found.height == pytest.approx(9 / 16, rel=0.02)
    assert found.duration_s in (None, pytest.approx(5, abs=0.1))


@pytest.mark.parametrize(
    ("platform", "on", "do", "kind", "because"),
    [
        ("kling", "start", "refuse", Refused, None),
        ("kling", "check", "refuse", Refused, None),
        ("kling", "check", "fail", Failed, None),
        ("kling", "start", "out_of_credit", Unavailable, "credit"),
        ("kling", "start", "retired", Unavailable, "model"),
        ("bfl_flux", "start", "refuse", Refused, None),
        ("bfl_flux", "check", "refuse", Refused, None),
        ("bfl_flux", "check", "fail", Failed, None),
        ("bfl_flux", "start", "out_of_credit", Unavailable, "credit"),
        ("bfl_flux", "start", "retired", Unavailable, "model"),
        ("azure_speech", "start", "retired", Unsuitable, None),
        ("azure_speech", "start", "503", InDoubt, None),
    ],
)
async def test_trouble_is_understood(
    sandbox: Practice,
    tmp_path: Path,
    platform: str,
    on: str,
    do: str,
    kind: type[PlatformError],
    because: Any,
) -> None:
    model = {"kling": "kling-v3", "bfl_flux": "flux-2-pro", "azure_speech": "neural"}[platform]
    sandbox.fault(platform, on, do)
    async with line(sandbox, tmp_path, platform) as opened:
        with pytest.raises(kind) as error:
            await bought(opened, wanted(platform, model))
    assert type(error.value) is kind
    assert getattr(error.value, "because", None) == because


@pytest.mark.parametrize("platform", ["kling", "azure_speech"])
async def test_a_key_is_known_to_be_good_or_bad(sandbox: Practice, tmp_path: Path, platform: str) -> None:
    async with line(sandbox, tmp_path, platform) as opened:
        assert await opened.standing() is not None
    async with line(sandbox, tmp_path, platform, "bad-key") as opened:
        with pytest.raises(Unavailable) as error:
            await opened.standing()
    assert error.value.because == "key"


@pytest.mark.parametrize("do", ["reset_after", "truncate", "bad_json"])
async def test_a_lost_clip_is_found_by_our_number(sandbox: Practice, tmp_path: Path, do: str) -> None:
    sandbox.fault("kling", "start", do)
    async with line(sandbox, tmp_path, "kling") as opened:
        placed = wanted("kling", "kling-v3")
        with pytest.raises(InDoubt):
            await opened.start(placed)
        await opened.start(wanted("kling", "kling-v3"))
        assert await opened.find(wanted("kling", "kling-v3")) is None
        found = await opened.find(placed)
        assert isinstance(found, Pending)
        done = await opened.check(placed.model_copy(update={"receipt": found.receipt}))
        assert isinstance(done, Done)
        assert (await probe.measure(await opened.collect(placed, done))).duration_s
    assert len(sandbox.ledger()) == 2
