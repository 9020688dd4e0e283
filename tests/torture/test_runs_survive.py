"""The network is gone for an hour, clocks jump, a person presses Ctrl-C: the next run goes on, and nothing is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import time_machine
from fault_runs import bought_once, lived
from fault_world import Watch
from leaping_time import LeapingLoop
from passing import Toxic
from practising import Counter as Till
from practising import exchange_to
from scenarios import model_of, offer_of, task_of

from shared_knowledge.caps import Limits
from shared_knowledge.catalogue import Catalogue
from shared_knowledge.vocabulary import Asset, Money, OrderState, Shortfall

if TYPE_CHECKING:
    from practice import Practice

S = OrderState
_HOUR_S = 3600.0
_PLATFORMS = ("runway", "openai_images", "elevenlabs")


# ── the network ────────────────────────────────────────────────────────────────────────────────


class NobodyThere(Watch):
    """From some moment of the first run on, every connection is refused for an hour."""

    sittings = 10

    def __init__(self, when: OrderState | None) -> None:
        super().__init__()
        self._when = when

    def before(self, sitting: int, home: Path) -> None:
        if sitting == 1 and self._when is None:
            self._go()
        if sitting > 1:
            _loop().leap(600.0)

    def moved(self, state: OrderState, sitting: int) -> None:
        if sitting == 1 and state is self._when:
            self._go()

    def _go(self) -> None:
        self.gone_until_s = _loop().time() + _HOUR_S


def _loop() -> LeapingLoop:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, LeapingLoop)
    return loop


@pytest.mark.parametrize("when", [None, S.SENDING, S.SUBMITTED, S.READY])
@pytest.mark.parametrize("platform", _PLATFORMS)
def test_the_network_is_gone_for_an_hour(platform: str, when: OrderState | None) -> None:
    story = lived(lambda: NobodyThere(when), platform)
    bought_once(story)
    failed = [sitting.outcome for sitting in story.sittings[:-1]]
    assert all(isinstance(outcome, Shortfall) and outcome.why for outcome in failed)
    assert all(passed.sitting in (1, len(story.sittings)) for passed in story.passed), "it was dark"


# ── clocks ─────────────────────────────────────────────────────────────────────────────────────


class ClockSet(Watch):
    """The clock on the wall is set as the order comes to a state, or after the first run; later it is set right."""

    def __init__(self, traveller: time_machine.Coordinates, by_s: float, when: OrderState | None) -> None:
        super().__init__()
        self._traveller = traveller
        self._by = timedelta(seconds=by_s)
        self._when = when

    def moved(self, state: OrderState, sitting: int) -> None:
        if sitting == 1 and state is self._when:
            self._traveller.shift(self._by)

    def after(self, sitting: int, home: Path) -> None:
        if self._when is None and sitting < 3:
            self._traveller.shift(self._by if sitting == 1 else -self._by)


@pytest.fixture
def wall() -> Iterator[time_machine.Coordinates]:
    with time_machine.travel(datetime.now(UTC), tick=True) as traveller:
        yield traveller


@pytest.mark.parametrize("when", [S.SENDING, S.SUBMITTED, S.READY])
@pytest.mark.parametrize("by_s", [_HOUR_S, -_HOUR_S, 86_400.0, -86_400.0])
def test_a_clock_that_jumps_moves_no_deadline(
    by_s: float, when: OrderState, wall: time_machine.Coordinates
) -> None:
    story = lived(lambda: ClockSet(wall, by_s, when), "runway")
    bought_once(story)
    assert len(story.sittings) == 1


@pytest.mark.parametrize("by_s", [_HOUR_S, -_HOUR_S])
@pytest.mark.parametrize("platform", ["kling", "luma", "elevenlabs", "openai_images"])
def test_a_lost_order_is_looked_for_whatever_the_clock_says(
    platform: str, by_s: float, wall: time_machine.Coordinates
) -> None:
    """Also one that was sent, by the clock, in an hour from now."""
    lost = Toxic(platform, "start", "die")
    faults = (
        (lost, Toxic(platform, "find", "no_status:503", times=30)) if platform != "openai_images" else (lost,)
    )
    story = lived(lambda: ClockSet(wall, by_s, None), platform, *faults)
    assert len(story.ledger) == 1
    assert isinstance(story.sittings[-1].outcome, Asset) is (platform != "openai_images")


async def test_each_day_has_its_own_purse_whatever_the_clock_does(
    sandbox: Practice, tmp_path: Path, wall: time_machine.Coordinates
) -> None:
    platform = Catalogue.load().platform("openai_images")
    task, offer = task_of(platform, model_of(platform)), offer_of(platform, model_of(platform))
    for_one = Money(int(offer.price or 0) * 3 // 2)
    till = Till(exchange_to(platform, tmp_path, sandbox=sandbox.url), tmp_path, limits=Limits(a_day=for_one))
    wall.move_to(datetime(2026, 11, 20, 23, 59, 50, tzinfo=UTC))

    async def buys(job: str) -> bool:
        outcome = await till.perform(task, offer, job=job)
        assert isinstance(outcome, Asset) or outcome.kind == "over_budget"
        return isinstance(outcome, Asset)

    assert await buys("job_1")
    assert not await buys("job_2")
    wall.shift(timedelta(hours=1))
    assert await buys("job_3")
    assert not await buys("job_4")
    wall.shift(timedelta(hours=-1))
    assert not await buys("job_5"), "yesterday's purse was empty yesterday"
    till.database.close()
    assert len(sandbox.ledger()) == 2


# ── Ctrl-C ─────────────────────────────────────────────────────────────────────────────────────


class StoppedAt(Watch):
    """A person presses Ctrl-C as the order comes to a state."""

    def __init__(self, when: OrderState) -> None:
        super().__init__()
        self._when = when

    def moved(self, state: OrderState, sitting: int) -> None:
        if sitting == 1 and state is self._when and self.work is not None:
            self.work.cancel()


@pytest.mark.parametrize("when", [S.SENDING, S.SUBMITTED, S.READY, S.STORED, S.SETTLED])
@pytest.mark.parametrize("platform", ["runway", "elevenlabs"])
def test_stopped_at_every_step(platform: str, when: OrderState) -> None:
    story = lived(lambda: StoppedAt(when), platform)
    bought_once(story)
