"""A platform that keeps failing is left alone, then asked by one call alone: against a model of that promise."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from how_long import a_taste, everything
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from virtual_time import VirtualLoop

from agentes.wire.breaker import Breaker, Circuit
from agentes.wire.clock import Clock
from shared_knowledge.errors import (
    Garbled,
    InDoubt,
    PlatformError,
    Refused,
    Throttled,
    Unavailable,
    Unreachable,
    Unsuitable,
)

ASK = httpx.Request("GET", "https://api.tiny.example/v1")

ILL = [lambda: Unreachable("?"), lambda: Garbled("?"), lambda: InDoubt("?"), lambda: Throttled("busy")]
WELL = [
    lambda: None,
    lambda: Refused("no"),
    lambda: Unsuitable("no"),
    lambda: Unavailable("gone", because="model"),
]
KEY = [lambda: Unavailable("no", because="key")]
CREDIT = [lambda: Unavailable("no", because="credit")]
LATER = [lambda: Throttled("later", after_s=3.0)]
ENDS = {
    "ill": ILL,
    "well": WELL,
    "key": KEY,
    "credit": CREDIT,
    "later": LATER,
    "gone": [asyncio.CancelledError],
}


class Door:
    """The promise in plain words: five failures and half of all in thirty seconds shut it; one knocks, then all."""

    def __init__(self) -> None:
        self.heard: list[tuple[float, bool]] = []
        self.shut_until: float | None = None
        self.shut_by = ""
        self.rest_s = 30.0
        self.somebody_knocks = False

    def who_may(self, now: float, *, paid: bool) -> str:
        if self.shut_until is None or (self.shut_by == "credit" and not paid):
            return "anybody"
        if now < self.shut_until or self.somebody_knocks:
            return "nobody"
        return "one"

    def shut(self, now: float, seconds: float, by: str) -> None:
        self.shut_until, self.shut_by = now + seconds, by

    def hear(self, how: str, now: float, *, knocked: bool) -> None:
        if knocked:
            self.somebody_knocks = False
        match how:
            case "key":
                self.shut(now, 600, "key")
            case "credit":
                self.shut(now, 900, "credit")
            case "ill" if knocked:
                self.heard.append((now, False))
                self.rest_s = min(300.0, 2 * self.rest_s)
                self.shut(now, self.rest_s, "resting")
            case "ill":
                self.heard.append((now, False))
                lately = [went_well for at, went_well in self.heard if at > now - 30]
                failures = lately.count(False)
                if self.shut_until is None and failures >= 5 and failures >= len(lately) / 2:
                    self.shut(now, self.rest_s, "resting")
            case "well" if knocked:
                self.heard, self.shut_until, self.rest_s = [], None, 30.0
            case "well":
                self.heard.append((now, True))


class Vendor(httpx.AsyncBaseTransport):
    """Keeps every call waiting until the machine says how it ends."""

    def __init__(self) -> None:
        self.newest: asyncio.Future[httpx.Response] | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.newest = asyncio.get_running_loop().create_future()
        return await self.newest


class BreakerMachine(RuleBasedStateMachine):
    """Calls that begin, overlap and end in every way, while time passes; the door does as the model says."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = VirtualLoop()
        clock = Clock(now=self.loop.time, sleep=asyncio.sleep)
        self.circuit = Circuit("Tiny", clock)
        self.vendor = Vendor()
        self.ways = {paid: Breaker(self.vendor, self.circuit, paid=paid) for paid in (False, True)}
        self.door = Door()
        self.under_way: list[tuple[asyncio.Task[httpx.Response], asyncio.Future[httpx.Response], bool]] = []

    def teardown(self) -> None:
        for call, _, _ in self.under_way:
            call.cancel()
        self.loop.settle()
        self.loop.close()

    @rule(paid=st.booleans())
    def somebody_calls(self, paid: bool) -> None:
        expected = self.door.who_may(self.loop.time(), paid=paid)
        self.vendor.newest = None
        call = self.loop.create_task(self.ways[paid].handle_async_request(ASK))
        self.loop.settle()
        answer = self.vendor.newest
        if expected == "nobody":
            assert answer is None, "the vendor was asked although the door is shut"
            error = call.exception()
            assert isinstance(error, Unavailable)
            assert error.because == self.door.shut_by
            assert error.charged == (0 if paid else None), "what was not asked costs nothing, and says so"
        else:
            assert answer is not None, f"nobody was asked, but {expected} may"
            self.under_way.append((call, answer, expected == "one"))
            self.door.somebody_knocks |= expected == "one"

    @precondition(lambda self: self.under_way)
    @rule(which=st.integers(0, 9), how=st.sampled_from(sorted(ENDS)), kind=st.integers(0, 9))
    def a_call_ends(self, which: int, how: str, kind: int) -> None:
        self.end(which, how, kind)

    @precondition(lambda self: self.door.shut_until is None)
    @rule(times=st.integers(1, 6), how=st.sampled_from(["ill", "ill", "well"]))
    def one_after_the_other(self, times: int, how: str) -> None:
        for _ in range(times):
            if self.door.shut_until is None:
                self.somebody_calls(paid=False)
                self.end(-1, how, 0)

    def end(self, which: int, how: str, kind: int) -> None:
        call, answer, knocked = self.under_way.pop(which % len(self.under_way))
        error: BaseException | None = ENDS[how][kind % len(ENDS[how])]()
        if isinstance(error, asyncio.CancelledError):
            call.cancel()
        elif error is None:
            answer.set_result(httpx.Response(200))
        else:
            answer.set_exception(error)
        self.loop.settle()
        assert call.cancelled() or call.exception() is error, "the breaker hands on what came from below"
        assert error is None or not isinstance(error, PlatformError) or call.exception() is error
        self.door.hear(how, self.loop.time(), knocked=knocked)

    @rule(seconds=st.sampled_from([1, 2, 5, 14, 29]))
    def time_passes(self, seconds: int) -> None:
        self.loop.advance(seconds)

    @precondition(lambda self: self.door.shut_until is not None and not self.door.somebody_knocks)
    @rule(
        hows=st.lists(
            st.sampled_from(["ill", "ill", "ill", "well", "gone", "later", "key", "credit"]), max_size=5
        ),
        paid=st.booleans(),
    )
    def somebody_knocks_when_the_rest_is_over(self, hows: list[str], paid: bool) -> None:
        for how in hows:
            self.loop.advance(max(0.0, (self.door.shut_until or 0) - self.loop.time() - 1))
            self.somebody_calls(paid=paid)
            self.loop.advance(1)
            self.somebody_calls(paid=True)
            if self.door.somebody_knocks:
                self.somebody_calls(paid=paid)
                self.end([knocks for _, _, knocks in self.under_way].index(True), how, 0)

    @invariant()
    def it_says_how_long_it_rests(self) -> None:
        until = self.door.shut_until
        left_s = 0.0 if until is None else max(0.0, until - self.loop.time())
        assert self.circuit.resting_s == pytest.approx(left_s)


class TestBreaker(BreakerMachine.TestCase):
    settings = a_taste(50, 40)


@pytest.mark.torture
class TestBreakerAtLength(BreakerMachine.TestCase):
    settings = everything()
