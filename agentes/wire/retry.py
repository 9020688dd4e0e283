"""The one place that repeats: what may be done again is, a few times, further and further apart.

It trusts the names of errors: TryAgain is raised below only where repeating is free, be it a read, a
purchase that never left, or one that was provably refused. Anything else passes through.
"""

from __future__ import annotations

from functools import partial

import httpx
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type

from agentes.wire.clock import Clock, Tally
from shared_knowledge.errors import Throttled, TryAgain

__all__ = ["Budget", "Retry"]

_TRIES = 4
_BASE_S = 0.5
_CAP_S = 30.0
_WINDOW_S = 60
_SHARE = 0.1
_FLOOR = 10


class Budget:
    """How much may be repeated: a tenth of the calls of the last minute, or a handful where there are few."""

    def __init__(self, clock: Clock) -> None:
        self._tally = Tally(_WINDOW_S, clock.now)

    def called(self) -> None:
        """Counts a first try."""
        self._tally.add(ones=1)

    def may_repeat(self) -> bool:
        """Takes one repetition out of the budget, if one is left."""
        self._tally.add()
        if self._tally.others + 1 > max(_FLOOR, _SHARE * self._tally.ones):
            return False
        self._tally.add(others=1)
        return True


class Retry(httpx.AsyncBaseTransport):
    """Repeats what may be repeated, with full jitter, never sooner than the vendor asked."""

    def __init__(
        self, inner: httpx.AsyncBaseTransport, budget: Budget, *, clock: Clock, patience_s: float
    ) -> None:
        self._inner = inner
        self._budget = budget
        self._clock = clock
        self._patience_s = patience_s

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The first answer that came, or the error of the last try."""
        self._budget.called()
        try:
            return await self._inner.handle_async_request(request)
        except TryAgain as error:
            first = error
        return await self._again(request, first)

    async def _pause(self, request: httpx.Request, seconds: float) -> None:
        """Lets time pass in which nothing is under way: whoever wants to stop may stop now."""
        call = request.extensions.get("call")
        if call is not None:
            call.left = False
        await self._clock.sleep(seconds)

    async def _again(self, request: httpx.Request, first: TryAgain) -> httpx.Response:
        until = self._clock.now() + self._patience_s

        def enough(state: RetryCallState) -> bool:
            too_late = self._clock.now() + state.upcoming_sleep > until
            return state.attempt_number >= _TRIES or too_late or not self._budget.may_repeat()

        tries = AsyncRetrying(
            retry=retry_if_exception_type(TryAgain),
            stop=enough,
            wait=self._pause_s,
            sleep=partial(self._pause, request),
            reraise=True,
        )
        begun: TryAgain | None = first
        async for attempt in tries:
            with attempt:
                if begun is not None:
                    error, begun = begun, None
                    raise error
                return await self._inner.handle_async_request(request)
        raise AssertionError("the last try either answers or raises")

    def _pause_s(self, state: RetryCallState) -> float:
        backoff_s = self._clock.up_to(min(_CAP_S, _BASE_S * 2 ** (state.attempt_number - 1)))
        error = state.outcome.exception() if state.outcome else None
        asked_s = error.after_s if isinstance(error, Throttled) else None
        # A crowd that was told the same moment does not come back in the same moment.
        return (
            backoff_s
            if asked_s is None
            else max(asked_s, backoff_s) + self._clock.up_to(min(1.0, asked_s / 10))
        )

    async def aclose(self) -> None:
        """Closes what is below."""
        await self._inner.aclose()
