"""One connection, opened again where it broke off, for as long as there is patience."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from shared_knowledge.errors import LedgerAway

__all__ = ["Lost", "Redial"]

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.05, 2.0

T = TypeVar("T")


class Lost(LedgerAway):
    """The connection broke off; unless it was while committing, another one may do the same again."""


class _Closes(Protocol):
    def close(self) -> None: ...


C = TypeVar("C", bound=_Closes)


class Redial(Generic[C]):
    """A connection for work that may be done again from its beginning."""

    def __init__(self, dial: Callable[[], C], *, patience_s: float, ending: threading.Event) -> None:
        self._dial = dial
        self._patience_s = patience_s
        self._ending = ending  # whoever wants to leave does not wait for a database
        self._connection: C | None = None

    @property
    def connection(self) -> C:
        """The connection, dialled once."""
        if self._connection is None:
            self._connection = self._dial()
        return self._connection

    @property
    def is_open(self) -> bool:
        """Whether there is a connection at the moment."""
        return self._connection is not None

    def use(self, work: Callable[[C], T]) -> T:
        """What the work answers; it is done again on another connection while there is patience."""
        until = time.monotonic() + self._patience_s
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                return work(self.connection)
            except Lost:
                self.drop()
                if time.monotonic() + pause_s > until or self._ending.wait(pause_s):
                    raise
                pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)

    def drop(self) -> None:
        """Closes the connection; the next work dials again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
