"""Every platform of the catalogue lives through every scenario, against the sandbox and from its cassettes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from practising import exchange_to
from scenarios import SCENARIOS, Scenario, live_models, model_of, order_of
from walking import Ended, walk

from cassettes import cassette_of, recorder
from shared_knowledge.catalogue import Catalogue
from shared_knowledge.platform_facts import Model, Platform

if TYPE_CHECKING:
    from practice import Practice

PLATFORMS = [platform for platform in Catalogue.load().platforms if not platform.local]
WALKS = [
    pytest.param(platform, scenario, id=f"{platform.id}-{scenario.name}")
    for platform in PLATFORMS
    for scenario in SCENARIOS
    if scenario.concerns(platform)
]
RECORDED = [walk for walk in WALKS if walk.values[1].recorded]  # type: ignore[attr-defined]


@pytest.mark.parametrize(("platform", "scenario"), WALKS)
async def test_against_the_sandbox(
    platform: Platform, scenario: Scenario, sandbox: Practice, tmp_path: Path
) -> None:
    for fault in scenario.faults:
        sandbox.fault(platform.id, fault.on, fault.do, times=fault.times)
    exchange = exchange_to(platform, tmp_path, sandbox=sandbox.url, key=scenario.key)
    async with exchange.connect(platform.id) as line:
        ended = await walk(line, order_of(platform, model_of(platform), tmp_path))
    _judge(ended, scenario, platform)
    bought = [entry for entry in sandbox.ledger() if entry["platform"] == platform.id]
    assert len(bought) <= scenario.most_bought
    assert len(bought) == 1 or not scenario.surely_bought


@pytest.mark.parametrize(("platform", "scenario"), RECORDED)
async def test_from_its_cassette(platform: Platform, scenario: Scenario, tmp_path: Path) -> None:
    file = cassette_of(platform, scenario.name)
    assert file.is_file(), f"{file.name} is missing: `make record` makes it"
    async with (
        exchange_to(platform, tmp_path, key=scenario.key) as exchange,
        exchange.connect(platform.id) as line,
    ):
        with recorder(file) as cassette:
            ended = await walk(line, order_of(platform, model_of(platform), tmp_path))
    _judge(ended, scenario, platform)
    assert cassette.all_played, "a part of the recording was never asked for"


@pytest.mark.parametrize(
    ("platform", "model"),
    [pytest.param(p, m, id=f"{p.id}:{m.id}") for p, m in live_models()],
)
async def test_every_live_and_priced_model_makes_what_was_ordered(
    platform: Platform, model: Model, sandbox: Practice, tmp_path: Path
) -> None:
    async with exchange_to(platform, tmp_path, sandbox=sandbox.url).connect(platform.id) as line:
        ended = await walk(line, order_of(platform, model, tmp_path))
    assert ended.outcome == "made", ended.error
    (entry,) = sandbox.ledger()
    assert (entry["platform"], entry["model"]) == (platform.id, model.id)


def _judge(ended: Ended, scenario: Scenario, platform: Platform) -> None:
    assert ended.outcome in scenario.expected(platform), ended.error
    if scenario.name == "slow":
        assert ended.looks > 2
    if scenario.name == "bad_key":
        assert getattr(ended.error, "because", None) == "key"
    if ended.error is not None:
        assert getattr(ended.error, "platform", "") != ""
        assert scenario.key == "sandbox" or "bad-key" not in str(ended.error)
