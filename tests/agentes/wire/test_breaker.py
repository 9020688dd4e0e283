"""A platform that fails is left alone, asked again by one call, and believed when that one comes back well."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from small_house import Hours

from agentes.wire.breaker import Breaker, Circuit
from shared_knowledge.errors import (
    InDoubt,
    PlatformError,
    Refused,
    Throttled,
    Unavailable,
    Unreachable,
    Unsuitable,
)

ASK = httpx.Request("GET", "https://api.tiny.example/v1")


class Below(httpx.AsyncBaseTransport):
    """Raises what it is told, or answers; may be made to wait."""

    def __init__(self) -> None:
        self.error: PlatformError | None = None
        self.calls = 0
        self.gate: asyncio.Event | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.calls += 1
        if self.gate:
            await self.gate.wait()
        if self.error:
            raise self.error
        return httpx.Response(200)


class Room:
    """A circuit with its two layers."""

    def __init__(self) -> None:
        self.hours = Hours()
        self.circuit = Circuit("Tiny", self.hours)
        self.below = Below()
        self.questions = Breaker(self.below, self.circuit, paid=False)
        self.purchases = Breaker(self.below, self.circuit, paid=True)

    async def ask(self, *, error: PlatformError | None = None, paid: bool = False) -> str:
        self.below.error = error
        try:
            await (self.purchases if paid else self.questions).handle_async_request(ASK)
        except PlatformError as raised:
            return "asked" if raised is error else f"not asked: {getattr(raised, 'because', '')}"
        return "asked"


@pytest.fixture
def room() -> Room:
    return Room()


async def test_five_failures_in_a_row_close_the_door(room: Room) -> None:
    for _ in range(5):
        assert await room.ask(error=Unreachable("no")) == "asked"
    assert await room.ask() == "not asked: resting"
    assert await room.ask(paid=True) == "not asked: resting"
    assert room.below.calls == 5
    assert room.circuit.resting_s == 30


async def test_a_purchase_that_was_not_even_asked_costs_nothing(room: Room) -> None:
    for _ in range(5):
        await room.ask(error=InDoubt("?"))
    with pytest.raises(Unavailable) as shut:
        await room.purchases.handle_async_request(ASK)
    assert (shut.value.charged, shut.value.because) == (0, "resting")
    with pytest.raises(Unavailable, match="30 s") as shut:
        await room.questions.handle_async_request(ASK)
    assert shut.value.charged is None


async def test_half_of_the_calls_must_fail(room: Room) -> None:
    for _ in range(6):
        await room.ask()
    for _ in range(5):
        await room.ask(error=Unreachable("no"))
    assert await room.ask() == "asked"
    for _ in range(2):
        await room.ask(error=Unreachable("no"))
    assert await room.ask() == "not asked: resting"


async def test_failures_long_ago_are_forgotten(room: Room) -> None:
    for _ in range(12):
        await room.ask(error=Unreachable("no"))
        room.hours.time_s += 8
    assert await room.ask() == "asked"


@pytest.mark.parametrize(
    "error",
    [Refused("no"), Unsuitable("no"), Throttled("wait", after_s=1), Unavailable("x", because="model")],
)
async def test_an_answer_we_do_not_like_is_not_a_failure(error: PlatformError, room: Room) -> None:
    for _ in range(20):
        assert await room.ask(error=error) == "asked"


async def test_impatience_without_a_reason_is_one(room: Room) -> None:
    for _ in range(5):
        await room.ask(error=Throttled("wait"))
    assert await room.ask() == "not asked: resting"


async def test_exactly_one_call_finds_out(room: Room) -> None:
    for _ in range(5):
        await room.ask(error=Unreachable("no"))
    room.hours.time_s += 30
    assert room.circuit.resting_s == 0
    room.below.gate = asyncio.Event()
    first = asyncio.create_task(room.ask())
    await asyncio.sleep(0)
    assert [await room.ask() for _ in range(5)] == ["not asked: resting"] * 5
    room.below.gate.set()
    assert await first == "asked"
    assert [await room.ask() for _ in range(5)] == ["asked"] * 5


async def test_a_rest_that_did_not_help_is_followed_by_a_longer_one(room: Room) -> None:
    for _ in range(5):
        await room.ask(error=Unreachable("no"))
    rests = []
    for _ in range(6):
        room.hours.time_s += room.circuit.resting_s
        assert await room.ask(error=Unreachable("no")) == "asked"
        rests.append(room.circuit.resting_s)
    assert rests == [60, 120, 240, 300, 300, 300]


async def test_a_call_that_was_cancelled_found_out_nothing(room: Room) -> None:
    for _ in range(5):
        await room.ask(error=Unreachable("no"))
    room.hours.time_s += 30
    room.below.gate = asyncio.Event()
    first = asyncio.create_task(room.ask())
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    room.below.gate = None
    assert await room.ask() == "asked"


async def test_a_refused_key_stops_everything_for_ten_minutes(room: Room) -> None:
    await room.ask(error=Unavailable("no", because="key"), paid=True)
    assert await room.ask() == "not asked: key"
    assert await room.ask(paid=True) == "not asked: key"
    room.hours.time_s += 599
    assert await room.ask() == "not asked: key"
    room.hours.time_s += 1
    assert await room.ask() == "asked"


async def test_an_empty_purse_stops_purchases_for_a_quarter_of_an_hour_and_no_questions(room: Room) -> None:
    await room.ask(error=Unavailable("no", because="credit"), paid=True)
    assert await room.ask(paid=True) == "not asked: credit"
    assert await room.ask() == "asked"
    assert await room.ask(paid=True) == "not asked: credit"
    assert room.circuit.resting_s == 900
    room.hours.time_s += 900
    assert await room.ask(paid=True) == "asked"


class AnyDay(RuleBasedStateMachine):
    """Calls that go well and badly, side by side, in any order, with time passing."""

    def __init__(self) -> None:
        super().__init__()
        self.hours = Hours()
        self.circuit = Circuit("Tiny", self.hours)
        self.finding_out = 0
        self.under_way: list[bool] = []

    @rule(paid=st.booleans())
    def begins(self, paid: bool) -> None:
        resting = self.circuit.resting_s > 0
        try:
            asking = self.circuit.admit(paid=paid)
        except Unavailable:
            assert resting or self.finding_out
        else:
            assert not resting
            self.finding_out += asking
            self.under_way.append(asking)

    @rule(well=st.booleans(), cancelled=st.booleans())
    def ends(self, well: bool, cancelled: bool) -> None:
        if not self.under_way:
            return
        asking = self.under_way.pop(0)
        self.finding_out -= asking
        if cancelled:
            if asking:
                self.circuit.let_go()
        elif well:
            self.circuit.went_well(asking=asking)
        else:
            self.circuit.saw(Unreachable("no"), asking=asking)

    @rule(seconds=st.integers(1, 90))
    def time_passes(self, seconds: int) -> None:
        self.hours.time_s += seconds

    @invariant()
    def one_at_most_finds_out(self) -> None:
        assert self.finding_out in (0, 1)
        assert 0 <= self.circuit.resting_s <= 300


TestAnyDay = AnyDay.TestCase
TestAnyDay.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
