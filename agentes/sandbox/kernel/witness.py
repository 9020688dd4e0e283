"""What the sandbox has seen: the newest calls to its platforms, as they came in, and what each came to."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from agentes.sandbox.kernel.calls import Call

__all__ = ["Seen", "Witness"]

_MOST_CALLS = 2000
_MOST_BYTES = 256 * 1024 * 1024


@dataclass
class Seen:
    """A call to a platform: as it came in, then of what kind it was, the answer's status, what was made to go wrong."""

    platform: str
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    kind: str = ""
    status: int = 0
    fault: str = ""
    why: str = ""
    at: datetime = field(default_factory=lambda: datetime.now(UTC))


class Witness:
    """Remembers calls in order; the oldest are forgotten when there are too many, or when they are too large."""

    def __init__(self) -> None:
        self._seen: deque[Seen] = deque()
        self._bytes = 0

    def __iter__(self) -> Iterator[Seen]:
        return iter(self._seen)

    def note(self, platform: str, call: Call) -> Seen:
        """Remembers a call; what becomes of it is filled in later."""
        seen = Seen(platform, call.method, call.path, call.query, call.headers, call.body)
        self._seen.append(seen)
        self._bytes += len(seen.body)
        while len(self._seen) > _MOST_CALLS or (self._bytes > _MOST_BYTES and len(self._seen) > 1):
            self._bytes -= len(self._seen.popleft().body)
        return seen

    def clear(self) -> None:
        """Forgets everything."""
        self._seen.clear()
        self._bytes = 0
