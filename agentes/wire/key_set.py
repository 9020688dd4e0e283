"""The public keys with which a vendor signs what it sends us: fetched from its own address, kept for a day."""

from __future__ import annotations

import asyncio
import json
import time
from base64 import urlsafe_b64decode
from collections.abc import Callable, Sequence
from typing import Any

import httpx

from agentes.wire.guard import Dialler, Guard
from agentes.wire.network import Network
from agentes.wire.said import Unintelligible
from agentes.wire.unpacking import unpacked
from shared_knowledge.errors import BadRequest, Unreachable, Unsuitable

__all__ = ["KeySet"]

_KEPT_S = 24 * 3600.0
_ASKED_AGAIN_S = 300.0
_DEADLINE_S = 10.0
_MOST_BYTES = 64 * 1024
_MOST_KEYS = 8
_ED25519_BYTES = 32


class KeySet:
    """The Ed25519 keys at an address; asked for anew where a signature fits none, but not all the time."""

    def __init__(
        self,
        guard: Guard,
        *,
        network: Callable[[], httpx.AsyncBaseTransport] | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._network = network or (lambda: Network(Dialler(guard), fresh=True))
        self._guard = guard
        self._now = now
        self._kept: dict[str, tuple[float, Sequence[bytes]]] = {}
        self._asked: dict[str, float] = {}
        self._one_at_a_time = asyncio.Lock()

    async def keys(self, url: str, *, anew: bool = False) -> Sequence[bytes]:
        """The keys; Unreachable if there are none here and none can be had."""
        async with self._one_at_a_time:
            since, keys = self._kept.get(url, (-_KEPT_S, ()))
            is_fresh = self._now() - since < _KEPT_S
            just_asked = self._now() - self._asked.get(url, -_ASKED_AGAIN_S) < _ASKED_AGAIN_S
            if (is_fresh and not anew) or (keys and just_asked):
                return keys
            if just_asked:
                raise Unreachable("The vendor's keys could not be had a moment ago.")
            self._asked[url] = self._now()
            try:
                keys = await self._fetched(url)
            except Unreachable:
                if is_fresh:
                    return keys
                raise
            self._kept[url] = (self._now(), keys)
            return keys

    async def _fetched(self, url: str) -> Sequence[bytes]:
        try:
            async with (
                asyncio.timeout(_DEADLINE_S),
                httpx.AsyncClient(
                    transport=self._network(), timeout=_DEADLINE_S, trust_env=False, follow_redirects=False
                ) as client,
                client.stream("GET", self._guard.check_url(url)) as response,
            ):
                response.raise_for_status()
                heard = b"".join([piece async for piece in unpacked(response, _MOST_BYTES)])
        except (httpx.HTTPError, TimeoutError, OSError, Unintelligible, BadRequest, Unsuitable) as trouble:
            raise Unreachable(f"The vendor's keys cannot be had ({type(trouble).__name__}).") from None
        keys = _read(heard)
        if not keys:
            raise Unreachable("The vendor's keys are not readable.")
        return keys


def _read(heard: bytes) -> Sequence[bytes]:
    try:
        listed: Any = json.loads(heard)["keys"]
        told = [key for key in listed if key.get("kty") == "OKP" and key.get("crv") == "Ed25519"]
        keys = [urlsafe_b64decode(key["x"] + "=" * (-len(key["x"]) % 4)) for key in told[:_MOST_KEYS]]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return ()
    return tuple(key for key in keys if len(key) == _ED25519_BYTES)
