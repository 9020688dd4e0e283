"""Links that open one file for a while, without a key: whoever has the link has the file, until it lapses."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable
from hashlib import sha256
from urllib.parse import quote

from orchestrator.faces.web.errors import Refusal

__all__ = ["Links"]

_A_DAY_S = 86_400
_LONGEST_S = 7 * _A_DAY_S


class Links:
    """Signs and checks links with the seal of the ledger, so that any process that shares it can open them."""

    def __init__(self, seal: Callable[[], bytes], now: Callable[[], float] = time.time) -> None:
        self._seal = seal
        self._now = now

    def sign(self, base: str, job: str, name: str, lasts_s: int = _A_DAY_S) -> str:
        """The address of a file of a job, good for so long."""
        expires = int(self._now()) + min(lasts_s, _LONGEST_S)
        path = f"/jobs/{quote(job, safe='')}/assets/{quote(name, safe='')}"
        return f"{base}{path}?expires={expires}&signature={self._signature(job, name, str(expires))}"

    def check(self, job: str, name: str, expires: str, signature: str) -> None:
        """Passes what was signed here and has not lapsed; what it opens is not looked at before."""
        good = hmac.compare_digest(self._signature(job, name, expires).encode(), signature.encode())
        if not good:
            raise Refusal(403, "This link is not one of ours", code="INVALID_LINK")
        if int(expires) <= self._now():
            raise Refusal(403, "This link has lapsed; ask for the job again", code="LINK_LAPSED")

    def _signature(self, job: str, name: str, expires: str) -> str:
        said = "\n".join(("asset", job, name, expires)).encode("utf-8", "replace")
        return hmac.new(self._seal(), said, sha256).hexdigest()
