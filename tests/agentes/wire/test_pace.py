"""No platform is asked faster than it takes, and what its answers say is heeded before it has to refuse."""

from __future__ import annotations

import asyncio
from collections import deque

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_house import Hours

from agentes.wire.pace import Lane, Pace
from shared_knowledge.errors import Throttled

ASK = httpx.Request("POST", "https://api.tiny.example/v1")


def _answer(status: int = 200, **headers: object) -> httpx.Response:
    return httpx.Response(status, headers={k.replace("_", "-"): str(v) for k, v in headers.items()})


@settings(max_examples=40, deadline=None)
@given(per_minute=st.integers(1, 120), pauses=st.lists(st.floats(0, 20), min_size=1, max_size=150))
async def test_never_more_in_a_minute_than_the_price_list_says(per_minute: int, pauses: list[float]) -> None:
    hours = Hours()
    lane = Lane("Tiny", hours, per_minute=per_minute, patience_s=1e9)
    sent: deque[float] = deque()
    for pause in pauses:
        hours.time_s += pause
        await lane.enter()
        lane.leave()
        sent.append(hours.time_s)
        while sent[0] <= hours.time_s - 60:
            sent.popleft()
        assert len(sent) <= per_minute


async def test_a_handful_may_go_at_once() -> None:
    hours = Hours()
    lane = Lane("Tiny", hours, per_minute=50)
    for _ in range(5):
        await lane.enter()
    assert hours.waits == []
    await lane.enter()
    assert hours.waits == [pytest.approx(60 / 45)]


async def test_without_limits_nobody_waits() -> None:
    hours = Hours()
    lane = Lane("Tiny", hours)
    for _ in range(1000):
        await lane.enter()
    assert hours.waits == []


class Vendor(httpx.AsyncBaseTransport):
    """Answers when it is told to; knows how many it is busy with."""

    def __init__(self, answer: httpx.Response | None = None) -> None:
        self.busy = self.busiest = self.calls = 0
        self.go = asyncio.Event()
        self.answer = answer

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.calls += 1
        self.busy += 1
        self.busiest = max(self.busy, self.busiest)
        try:
            await self.go.wait()
        finally:
            self.busy -= 1
        return self.answer or _answer()


async def test_so_many_at_once_and_the_next_in_turn() -> None:
    vendor, lane = Vendor(), Lane("Tiny", Hours(), at_once=2)
    pace = Pace(vendor, lane)
    calls = [asyncio.create_task(pace.handle_async_request(ASK)) for _ in range(7)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert vendor.busy == 2
    vendor.go.set()
    await asyncio.gather(*calls)
    assert (vendor.calls, vendor.busiest) == (7, 2)


async def test_who_goes_away_while_waiting_takes_no_place() -> None:
    vendor, lane = Vendor(), Lane("Tiny", Hours(), at_once=1)
    pace = Pace(vendor, lane)
    calls = [asyncio.create_task(pace.handle_async_request(ASK)) for _ in range(4)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    calls[1].cancel()
    await asyncio.sleep(0)
    vendor.go.set()
    await asyncio.sleep(0)
    calls[2].cancel()  # perhaps it was just given its place
    ended = await asyncio.gather(*calls, return_exceptions=True)
    assert isinstance(ended[3], httpx.Response)
    await asyncio.wait_for(pace.handle_async_request(ASK), 1)
    assert vendor.busiest == 1


async def test_a_failed_call_gives_its_place_back() -> None:
    class Fails(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            raise httpx.ReadError("no")

    pace = Pace(Fails(), Lane("Tiny", Hours(), at_once=1))
    for _ in range(3):
        with pytest.raises(httpx.ReadError):
            await asyncio.wait_for(pace.handle_async_request(ASK), 1)


async def test_the_vendors_own_count_of_places_is_believed() -> None:
    lane = Lane("Tiny", Hours(), at_once=2)
    lane.heard(_answer(current_concurrent_requests=1, maximum_concurrent_requests=10))
    for _ in range(10):
        await asyncio.wait_for(lane.enter(), 1)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(lane.enter(), 0.01)


async def test_strangers_with_our_key_take_places_too() -> None:
    lane = Lane("Tiny", Hours(), at_once=10)
    lane.heard(_answer(current_concurrent_requests=4, maximum_concurrent_requests=5))
    await lane.enter()
    await asyncio.wait_for(lane.enter(), 1)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(lane.enter(), 0.01)


@pytest.mark.parametrize(
    "headers",
    [
        {"x_ratelimit_remaining_requests": 0, "x_ratelimit_reset_requests": "6s"},
        {"x_ratelimit_remaining": 0, "x_ratelimit_reset": "6"},
        {"ratelimit_remaining": "0", "ratelimit_reset": "6"},
        {"ratelimit": '"default";r=0;t=6'},
        {"ratelimit": "limit=10, remaining=0, reset=6"},
    ],
)
async def test_who_is_told_that_nothing_is_left_waits_before_being_refused(
    headers: dict[str, object],
) -> None:
    hours = Hours()
    lane = Lane("Tiny", hours)
    lane.heard(_answer(**headers))
    await lane.enter()
    assert hours.waits == [pytest.approx(6)]
    lane.leave()
    hours.time_s += 100
    await lane.enter()
    assert len(hours.waits) == 1


async def test_a_refusal_with_a_wait_holds_the_others_back_too() -> None:
    hours = Hours()
    lane = Lane("Tiny", hours)
    lane.heard(_answer(429, retry_after=9))
    await lane.enter()
    assert hours.waits == [9]


@pytest.mark.parametrize(
    "headers",
    [
        {"x_ratelimit_remaining_requests": "many", "x_ratelimit_reset_requests": "6s"},
        {"x_ratelimit_remaining_requests": "0", "x_ratelimit_reset_requests": "soon"},
        {"x_ratelimit_remaining_requests": "-1", "x_ratelimit_reset_requests": "6s"},
        {"x_ratelimit_remaining": "0", "x_ratelimit_reset": "1795000000"},
        {"ratelimit": "full"},
        {"maximum_concurrent_requests": "0"},
        {"maximum_concurrent_requests": "nan"},
        {"x_ratelimit_remaining_requests": "5" * 500},
    ],
)
async def test_nonsense_is_not_heeded(headers: dict[str, object]) -> None:
    hours = Hours()
    lane = Lane("Tiny", hours)
    lane.heard(_answer(**headers))
    for _ in range(20):
        await lane.enter()
    assert hours.waits == []


async def test_what_nobody_has_patience_for_is_said_at_once_and_takes_no_turn() -> None:
    hours = Hours()
    lane = Lane("Tiny", hours, per_minute=1, patience_s=30)
    await lane.enter()
    for _ in range(3):
        with pytest.raises(Throttled, match="takes nothing for another 60 s") as tired:
            await lane.enter()
        assert tired.value.after_s == 60
    hours.time_s += 60
    await lane.enter()
    assert hours.waits == []


class Windowed(httpx.AsyncBaseTransport):
    """A vendor that takes so many in each window, says so, and refuses the rest."""

    def __init__(self, hours: Hours, most: int, window_s: float) -> None:
        self._hours, self._most, self._window_s = hours, most, window_s
        self._window, self._taken = -1, 0
        self.refused = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        window, gone_s = divmod(self._hours.time_s, self._window_s)
        if window != self._window:
            self._window, self._taken = int(window), 0
        self._taken += 1
        await asyncio.sleep(0)
        self.refused += self._taken > self._most
        return _answer(
            200 if self._taken <= self._most else 429,
            x_ratelimit_limit_requests=self._most,
            x_ratelimit_remaining_requests=max(0, self._most - self._taken),
            x_ratelimit_reset_requests=f"{int(1000 * (self._window_s - gone_s)) + 1}ms",
        )


@pytest.mark.parametrize("workers", [1, 4])
async def test_a_vendor_that_says_what_is_left_never_has_to_refuse(workers: int) -> None:
    hours = Hours(start_s=0)
    vendor = Windowed(hours, most=10, window_s=30)
    pace = Pace(vendor, Lane("Tiny", hours, patience_s=1e9))

    async def worker() -> None:
        for _ in range(100 // workers):
            await pace.handle_async_request(ASK)
            hours.time_s += 0.1

    await asyncio.gather(*(worker() for _ in range(workers)))
    assert vendor.refused == 0
