"""The one place where an answer that is not 2xx becomes an error: the adapter is asked, then the house table.

What an error is called decides what happens: TryAgain is repeated above, so on a purchase it is said
only where the answer proves that nothing was booked.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import httpx

from agentes.wire.hints import advised_to_repeat, asked_wait_s, request_number, told_in
from agentes.wire.once import Call
from shared_knowledge.errors import (
    InDoubt,
    PlatformError,
    Throttled,
    TryAgain,
    Unavailable,
    Unreachable,
    Unsuitable,
)
from shared_knowledge.money import Money
from shared_knowledge.platform_facts import Platform

__all__ = ["Gone", "Unknown", "Verdict"]

Explain = Callable[[httpx.Response], PlatformError | None]

_UNCLEAR = frozenset({408, 409, 425, 499})
_GONE = frozenset({404, 405, 410})
_STAYS = frozenset({301, 302, 303})
_LOOK_UP_AGAIN_S = 20.0
_REVIEW = "`agentes review` shows what is known and takes your decision."

_log = logging.getLogger(__name__)


class Unknown(Throttled):
    """The vendor does not know the order that is asked about; some forget for a moment."""


class Gone(Unavailable):
    """The vendor does not know the order that it was told to stop."""


class Verdict(httpx.AsyncBaseTransport):
    """Lets good answers through and turns every other into an error that says what should happen next."""

    def __init__(
        self,
        inner: httpx.AsyncBaseTransport,
        facts: Platform,
        *,
        explain: Explain,
        mask: Callable[[str], str],
    ) -> None:
        self._inner = inner
        self._facts = facts
        self._explain = explain
        self._mask = mask

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """A 2xx answer, or an error of ours."""
        response = await self._inner.handle_async_request(request)
        if response.is_success:
            return response
        raise self._judged(request.extensions["call"], response)

    def _judged(self, call: Call, response: httpx.Response) -> PlatformError:
        error = self._explained(response)
        if error is None or self._proves_nothing(error, call, response):
            error = self._by_the_table(call, response)
        if isinstance(error, Throttled):
            asked_s = asked_wait_s(response) if error.after_s is None else error.after_s
            error.after_s = None if asked_s is None else min(max(0.0, asked_s), self._facts.deadline_s)
        if call.paid and error.charged is None and self._is_free(error, response):
            error.charged = Money(0)
        error.platform = error.platform or self._facts.id
        error.request_id = error.request_id or request_number(response)
        error.vendor_says = self._mask(error.vendor_says or told_in(response))
        return error

    def _explained(self, response: httpx.Response) -> PlatformError | None:
        try:
            return self._explain(response)
        except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as puzzled:
            _log.warning("%s: an error body was not understood (%s)", self._facts.id, type(puzzled).__name__)
            return None

    def _proves_nothing(self, error: PlatformError, call: Call, response: httpx.Response) -> bool:
        """Whether the adapter's reading must give way: a purchase is not free, nor to be repeated, by words alone."""
        if isinstance(error, TryAgain):
            return not self._may_repeat(call, response)
        free = error.charged is not None or isinstance(error, InDoubt) or self._is_free(error, response)
        return call.paid and not free

    def _is_free(self, error: PlatformError, response: httpx.Response) -> bool:
        """Whether the answer itself proves that nothing was booked."""
        status = response.status_code
        refused = (status in _STAYS or 400 <= status < 500) and status not in _UNCLEAR
        return not isinstance(error, InDoubt) and (refused or status in self._facts.not_booked)

    def _may_repeat(self, call: Call, response: httpx.Response) -> bool:
        if advised_to_repeat(response) is False:
            return False
        return not call.paid or response.status_code == 429 or response.status_code in self._facts.not_booked

    def _by_the_table(self, call: Call, response: httpx.Response) -> PlatformError:
        status, name = response.status_code, self._facts.name
        match status:
            case 401 | 403:
                keys = ", ".join(secret.name for secret in self._facts.secrets if secret.hidden)
                return Unavailable(
                    f"{name} refuses the key ({status}).",
                    because="key",
                    todo=f"Is {keys or 'the account'} right, and may it do this?",
                )
            case 402:
                return Unavailable(
                    f"The purse at {name} is empty ({status}).", because="credit", todo="Top it up there."
                )
            case 429:
                return self._busy(call, response)
        if status in self._facts.not_booked or (not call.paid and self._passes(response)):
            return self._busy(call, response)
        if status in _UNCLEAR or status >= 500 or not 400 <= status < 500:
            return self._unclear(call, status)
        if status in _GONE:
            return self._gone(call, status)
        what = f"{name} does not take this as it was asked ({status}).{self._quoted(response)}"
        return Unavailable(what) if call.looks else Unsuitable(what)

    def _passes(self, response: httpx.Response) -> bool:
        """Whether the same question may be answered better a little later."""
        status = response.status_code
        return status in _UNCLEAR or status >= 500 or advised_to_repeat(response) is True

    def _busy(self, call: Call, response: httpx.Response) -> PlatformError:
        status, name = response.status_code, self._facts.name
        if not self._may_repeat(call, response):
            return Unavailable(f"{name} cannot be asked again soon ({status}).{self._quoted(response)}")
        asked_s = asked_wait_s(response)
        if status == 429 or asked_s is not None:
            return Throttled(f"{name} asks for patience ({status}).", after_s=asked_s)
        return Unreachable(f"{name} has trouble of its own ({status}).")

    def _unclear(self, call: Call, status: int) -> PlatformError:
        name = self._facts.name
        if not call.paid:
            return Unavailable(f"{name} does not answer where it was asked ({status}).")
        if status in _STAYS:
            return Unavailable(
                f"{name} sends orders elsewhere now ({status}), and they are not sent after it."
            )
        return InDoubt(f"{name} may or may not have booked this order: it answered {status}.", todo=_REVIEW)

    def _gone(self, call: Call, status: int) -> PlatformError:
        name = self._facts.name
        if call.kind == "last_look":
            return Gone(f"{name} knows nothing of this order any more ({status}).")
        if call.kind == "check":
            return Unknown(f"{name} does not know this order ({status}).", after_s=_LOOK_UP_AGAIN_S)
        return Unavailable(f"{name} no longer has what was asked for ({status}).", because="model")

    def _quoted(self, response: httpx.Response) -> str:
        told = self._mask(told_in(response))
        return f" It says: “{told}”" if told else ""

    async def aclose(self) -> None:
        """Closes what is below."""
        await self._inner.aclose()
