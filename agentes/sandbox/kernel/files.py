"""The store of finished files: signed addresses on a path of their own, good until they expire."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

__all__ = ["Files", "Kept"]

_MOST_BYTES = 600 * 1024 * 1024


@dataclass(frozen=True)
class Kept:
    """A file that waits to be fetched."""

    platform: str
    content: bytes = field(repr=False)
    mime: str


class Files:
    """The files of one sandbox; the oldest go when there are too many."""

    def __init__(self, seed: int) -> None:
        self._secret = f"files of {seed}".encode()
        self._kept: dict[str, Kept] = {}
        self._bytes = 0

    def put(self, token: str, kept: Kept, name: str, expires_at: int) -> str:
        """Keeps a file and gives the path and query it is found at."""
        self._drop(token)
        self._kept[token] = kept
        self._bytes += len(kept.content)
        while self._bytes > _MOST_BYTES and len(self._kept) > 1:
            self._drop(next(iter(self._kept)))
        path = f"/_files/{kept.platform}/{token}/{quote(name)}"
        return f"{path}?Expires={expires_at}&Signature={self._signature(token, str(expires_at))}"

    def find(self, token: str, query: Mapping[str, str], now: float) -> Kept | None:
        """The file, if the address is whole and its time is not over."""
        until = query.get("Expires", "")
        if not hmac.compare_digest(self._signature(token, until), query.get("Signature", "")):
            return None
        return self._kept.get(token) if int(until) > now else None

    def clear(self) -> None:
        """Throws every file away."""
        self._kept.clear()
        self._bytes = 0

    def _drop(self, token: str) -> None:
        if (gone := self._kept.pop(token, None)) is not None:
            self._bytes -= len(gone.content)

    def _signature(self, token: str, until: str) -> str:
        return hmac.new(self._secret, f"{token} {until}".encode(), hashlib.sha256).hexdigest()
