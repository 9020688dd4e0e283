"""An adapter is asked for one thing, and what comes of it is an answer or an error of ours, with nothing secret in it.

What the adapter cannot read is in doubt if it was a purchase that left, and asked again if it was a question.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import httpx

from agentes.wire.breaker import Circuit
from agentes.wire.hints import request_number
from agentes.wire.once import Call
from agentes.wire.said import Unintelligible
from shared_knowledge.errors import (
    Garbled,
    InDoubt,
    NeedsPerson,
    PlatformError,
    Unavailable,
    Unsuitable,
)
from shared_knowledge.platform_facts import Platform

__all__ = ["REVIEW", "Asking"]

T = TypeVar("T")

REVIEW = "`agentes review` shows what is known and takes your decision."

_MISREAD = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
    httpx.HTTPError,
    httpx.InvalidURL,
    httpx.StreamError,
)


class Asking:
    """Asks on behalf of one platform."""

    def __init__(self, facts: Platform, circuit: Circuit, mask: Callable[[str], str]) -> None:
        self._facts = facts
        self._circuit = circuit
        self._mask = mask

    async def ask(
        self, call: Call, http: httpx.AsyncClient, question: Callable[..., Awaitable[T]], *order: Any
    ) -> T:
        """What the adapter answers, or an error of ours."""
        try:
            return await question(http, *order)
        except PlatformError as error:
            if call.answer is not None and call.answer.is_success:
                self._remember(error)
            raise self.complete(error, call) from None
        except NeedsPerson as wrong:  # a key that cannot be had only shows when a request is signed
            raise Unavailable(wrong.what, because="key", platform=self._facts.id, todo=wrong.todo) from None
        except _MISREAD as puzzled:
            what = str(puzzled) if isinstance(puzzled, Unintelligible) else type(puzzled).__name__
        # Out here, so that the first error, whose frames have seen the whole answer, is not attached.
        raise self.unreadable(call, what)

    def unreadable(self, call: Call, what: str) -> PlatformError:
        """What it means that an answer, or an order, could not be made sense of."""
        name = self._facts.name
        if not call.paid:
            error: PlatformError = Garbled(f"The answer of {name} was not understood ({what}).")
        elif not call.left:
            error = Unsuitable(
                f"The order could not be put into words for {name} ({what}); nothing was sent."
            )
        else:
            error = InDoubt(
                f"{name} took the order, but its answer was not understood ({what}).", todo=REVIEW
            )
        return self.complete(error, call)

    def complete(self, error: PlatformError, call: Call | None = None) -> PlatformError:
        """The same error with the platform's name and the number of the request, and no key in its words."""
        number = request_number(call.answer) if call is not None and call.answer is not None else ""
        error.platform = self._facts.id
        error.vendor_says = self._mask(error.vendor_says)
        error.request_id = self._mask(error.request_id or number)[:128]
        error.what = self._mask(error.what)
        error.args = (error.what,)
        return error

    def _remember(self, error: PlatformError) -> None:
        """A refused key and an empty purse are also told in answers that are good in form."""
        if isinstance(error, Unavailable) and error.because in ("key", "credit"):
            self._circuit.saw(error)
