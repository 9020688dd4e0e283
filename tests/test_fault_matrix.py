"""Every platform meets every fault, on its start, its checks and its downloads, through real sockets.

What must come of a fault is written once, for all platforms: how it ends, what may have been bought, and
what a failure is said to have cost.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from practising import Counter, exchange_to
from scenarios import NO_CONTENT_RULES, model_of, offer_of, order_of, task_of
from walking import Ended, walk

from shared_knowledge.catalogue import Catalogue
from shared_knowledge.errors import PlatformError
from shared_knowledge.platform_facts import Platform, Unit
from shared_knowledge.vocabulary import Asset, Money

if TYPE_CHECKING:
    from practice import Practice

PLATFORMS = [platform for platform in Catalogue.load().platforms if not platform.local]
_PASSING = (
    "429",
    "500",
    "502",
    "503",
    "reset_before",
    "reset_after",
    "truncate",
    "html",
    "empty",
    "bad_json",
)
_LOST = ("reset_before", "reset_after", "truncate", "html", "empty", "bad_json")
_FILES_BY_LINK = ("bfl_flux", "runway_images", "google_omni", "kling", "luma", "pika", "runway")


@dataclass(frozen=True)
class Row:
    """A fault, and what may come of it."""

    on: str
    do: str
    outcomes: frozenset[str]
    booked: frozenset[int] = frozenset({1})
    free: bool = False
    because: str | None = None


def rows(platform: Platform) -> Iterator[Row]:
    """What a platform may meet."""
    made, doubt = frozenset({"made"}), frozenset({"InDoubt"})
    nothing, either = frozenset({0}), frozenset({0, 1})
    yield Row("start", "429", frozenset({"made", "Unavailable"}), either, free=True)
    yield Row("start", "out_of_credit", frozenset({"Unavailable"}), nothing, free=True, because="credit")
    # A voice that is gone is, in Azure's words, a request like any other bad one.
    gone = "Unsuitable" if platform.id == "azure_speech" else "Unavailable"
    yield Row("start", "retired", frozenset({gone}), nothing, free=True, because="model")
    for status in ("500", "502", "503"):
        harmless = int(status) in platform.not_booked
        yield Row("start", status, made if harmless else doubt, frozenset({1}) if harmless else nothing)
    for lost in _LOST:
        yield Row("start", lost, doubt, nothing if lost == "reset_before" else frozenset({1}))
    refused = frozenset({"Unsuitable" if platform.id in NO_CONTENT_RULES else "Refused"})
    yield Row("start", "refuse", refused, either)
    yield Row("start", "fail", frozenset({"Failed", "InDoubt"}), either)
    yield Row("start", "no_output", frozenset({"Failed", "InDoubt", "Refused", "endless"}))
    wrong = frozenset({"Unsuitable"})
    yield Row("start", "wrong_size", made if platform.medium == "voice" else wrong)
    yield Row("start", "wrong_length", wrong if platform.medium == "video" else made)
    if platform.look_again_s:
        yield Row("start", "stuck", frozenset({"endless"}))
        for passing in _PASSING:
            yield Row("check", passing, made)
    if platform.id in _FILES_BY_LINK:
        yield Row("start", "expired", frozenset({"LinkExpired"}))
        for passing in _PASSING:
            yield Row("download", passing, made)
        yield Row("download", "expired", made)


# What passes while one asks or fetches is borne by the wire, which is the same for all: by default at five platforms.
_BORNE_BY_THE_WIRE = ("runway", "elevenlabs", "openai_images", "kling", "google_veo")


def _case(platform: Platform, row: Row) -> Any:
    alike = row.on != "start" and row.do in _PASSING and platform.id not in _BORNE_BY_THE_WIRE
    name = f"{platform.id}-{row.on}-{row.do}"
    return pytest.param(platform, row, id=name, marks=pytest.mark.torture if alike else ())


CASES = [_case(platform, row) for platform in PLATFORMS for row in rows(platform)]


@pytest.mark.parametrize(("platform", "row"), CASES)
async def test_what_comes_of_it(platform: Platform, row: Row, sandbox: Practice, tmp_path: Path) -> None:
    sandbox.fault(platform.id, row.on, row.do)
    async with exchange_to(platform, tmp_path, sandbox=sandbox.url).connect(platform.id) as line:
        ended = await walk(line, order_of(platform, model_of(platform), tmp_path))
    assert ended.outcome in row.outcomes, ended.error
    assert len(sandbox.ledger()) in row.booked
    if ended.error is not None:
        _says_what_is_known(ended, row, platform)


# One that queues and one that answers at once and can be looked into by default; all of them in `torture`.
_SAMPLE = ("runway", "elevenlabs")


@pytest.mark.parametrize(
    ("platform", "row"),
    [
        pytest.param(
            *case.values, id=case.id, marks=() if case.values[0].id in _SAMPLE else pytest.mark.torture
        )
        for case in CASES
    ],
)
async def test_every_charge_is_covered(
    platform: Platform, row: Row, sandbox: Practice, tmp_path: Path
) -> None:
    """What the vendor's billing book says stands in ours: spent, written off, or still set aside."""
    sandbox.fault(platform.id, row.on, row.do)
    counter = Counter(exchange_to(platform, tmp_path, sandbox=sandbox.url), tmp_path)
    model = model_of(platform)
    given = order_of(platform, model, tmp_path).inputs
    picture = Path(given[0]) if given else None
    outcome = await counter.perform(task_of(platform, model, picture), offer_of(platform, model, picture))
    assert len(sandbox.ledger()) <= len(counter.book.orders("job_1"))
    if row.outcomes == {"made"}:
        assert isinstance(outcome, Asset), outcome
        assert len(sandbox.ledger()) == 1
    # The book does not know what is given back for a failure, nor how long a voice was thought to be.
    guessed = any(price.unit in (Unit.SECOND, Unit.AUDIO_OUT) for price in model.prices)
    if row.do == "fail" or (platform.medium == "voice" and guessed):
        return
    charged = sum(Money.dollars(entry["usd"]) for entry in sandbox.ledger())
    assert counter.covered() >= charged
    if row.outcomes == {"made"}:
        assert counter.covered() == charged
    if row.free:
        assert counter.covered() == charged, "what was refused at the door holds nothing"


def _says_what_is_known(ended: Ended, row: Row, platform: Platform) -> None:
    error = ended.error
    if isinstance(error, PlatformError) and not row.do.startswith("wrong_"):  # those are the probe's words
        assert error.platform == platform.id
    if row.free:
        assert isinstance(error, PlatformError)
        assert error.charged == 0, "what provably cost nothing must say so, or it is booked in full"
    if row.because and ended.outcome == "Unavailable":
        assert getattr(error, "because", None) == row.because
    if ended.outcome == "InDoubt":
        assert "review" in str(error), "a person must be told what to do"
