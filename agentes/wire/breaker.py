"""A platform that fails again and again is left alone for a while, and then asked by one call alone."""

from __future__ import annotations

from typing import Literal

import httpx

from agentes.wire.clock import Clock, Tally
from shared_knowledge.errors import InDoubt, PlatformError, Throttled, Unavailable, Unreachable
from shared_knowledge.money import Money

__all__ = ["Breaker", "Circuit"]

_WINDOW_S = 30
_FAILURES = 5
_SHARE = 0.5
_REST_S = 30.0
_LONGEST_REST_S = 300.0
_KEY_S = 600.0
_CREDIT_S = 900.0

Why = Literal["resting", "key", "credit"]


class Circuit:
    """How it has gone lately with one platform and one key, and whether it is to be left alone."""

    def __init__(self, platform: str, clock: Clock) -> None:
        self._platform = platform
        self._now = clock.now
        self._tally = Tally(_WINDOW_S, clock.now)
        self._until: float | None = None
        self._why: Why = "resting"
        self._rest_s = _REST_S
        self._asking = False

    @property
    def resting_s(self) -> float:
        """For how long it is still left alone; 0 where it may be asked."""
        return 0.0 if self._until is None else max(0.0, self._until - self._now())

    def admit(self, *, paid: bool) -> bool:
        """Lets a call through, or raises Unavailable; True for the one call that finds out how it stands now."""
        if self._until is None or (self._why == "credit" and not paid):
            return False
        if self.resting_s or self._asking:
            raise self._closed(paid=paid)
        self._asking = True
        return True

    def went_well(self, *, asking: bool) -> None:
        """The vendor answered."""
        self._tally.add(ones=1)
        if asking:
            self._asking, self._until, self._rest_s = False, None, _REST_S
            self._tally.clear()

    def saw(self, error: PlatformError, *, asking: bool = False) -> None:
        """The vendor did not do what was asked: was that its health, our key, our purse, or only this order?"""
        if asking:
            self._asking = False
        if isinstance(error, Unavailable) and error.because in ("key", "credit"):
            self._rest(_KEY_S if error.because == "key" else _CREDIT_S, error.because)
        elif isinstance(error, Unreachable | InDoubt) or (
            isinstance(error, Throttled) and error.after_s is None
        ):
            self._failed(again=asking)
        elif not isinstance(error, Throttled):
            self.went_well(asking=asking)

    def let_go(self) -> None:
        """The one call was cancelled: the next may ask."""
        self._asking = False

    def _failed(self, *, again: bool) -> None:
        self._tally.add(others=1)
        if again:
            self._rest_s = min(_LONGEST_REST_S, 2 * self._rest_s)
            self._rest(self._rest_s, "resting")
        elif self._until is None:
            failures, all_calls = self._tally.others, self._tally.ones + self._tally.others
            if failures >= _FAILURES and failures >= _SHARE * all_calls:
                self._rest(self._rest_s, "resting")

    def _rest(self, rest_s: float, why: Why) -> None:
        self._until = self._now() + rest_s
        self._why = why

    def _closed(self, *, paid: bool) -> Unavailable:
        reason = {
            "resting": "too many calls failed",
            "key": "it refused the key",
            "credit": "its purse is empty",
        }[self._why]
        return Unavailable(
            f"{self._platform} is left alone for another {self.resting_s:.0f} s: {reason}.",
            because=self._why,
            charged=Money(0) if paid else None,
        )


class Breaker(httpx.AsyncBaseTransport):
    """Asks the circuit before each call, and tells it how the call went."""

    def __init__(self, inner: httpx.AsyncBaseTransport, circuit: Circuit, *, paid: bool) -> None:
        self._inner = inner
        self._circuit = circuit
        self._paid = paid

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer from below, or Unavailable without having asked."""
        asking = self._circuit.admit(paid=self._paid)
        try:
            response = await self._inner.handle_async_request(request)
        except PlatformError as error:
            self._circuit.saw(error, asking=asking)
            raise
        except BaseException:
            if asking:
                self._circuit.let_go()
            raise
        self._circuit.went_well(asking=asking)
        return response

    async def aclose(self) -> None:
        """Closes what is below."""
        await self._inner.aclose()
