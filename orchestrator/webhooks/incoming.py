"""What vendors tell us: believed by its signature, heard once, and used for nothing but to look now.

The bytes are checked before anybody reads them. Whatever is in them is a hint: it wakes whoever waits for
that work, who then asks the vendor. So no forged, repeated or garbled word can settle or end anything.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple

from orchestrator.webhooks.signing import TOLERANCE_S, is_signed
from shared_knowledge.errors import AgentesError, Unreachable
from shared_knowledge.platform_facts import Hooks, Platform

__all__ = ["Heard", "HookRefused", "Incoming"]

_MOST_BYTES = 256 * 1024
_REMEMBERED_S = 600.0
_REMEMBERED_MOST = 10_000
_NUMBER = re.compile(r"[A-Za-z0-9._:/-]{1,256}", re.ASCII)
_NAME = re.compile(r"[\x21-\x7e]{1,256}", re.ASCII)
_HEX_SIGNATURE = re.compile(r"[0-9a-fA-F]{128}", re.ASCII)
_SECONDS = re.compile(r"\d{1,12}", re.ASCII)


class HookRefused(AgentesError):
    """What came is not believed, or cannot be understood; `status` is what its sender is answered."""

    def __init__(self, what: str, *, status: int) -> None:
        super().__init__(what)
        self.status = status


class Heard(NamedTuple):
    """A word that is believed: about which work of which platform, and whether it was heard before."""

    platform: str
    number: str
    is_new: bool


class Incoming:
    """Hears vendors. `keys` fetches public keys by address, `secret` looks a shared secret up by its name."""

    def __init__(
        self,
        platforms: Sequence[Platform],
        hint: Callable[[str, str], Awaitable[object]],
        *,
        keys: Callable[..., Awaitable[Sequence[bytes]]],
        secret: Callable[[str], str | None] = lambda _: None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._platforms = {platform.id: platform for platform in platforms}
        self._hint = hint
        self._keys = keys
        self._secret = secret
        self._now = now
        self._heard: OrderedDict[tuple[str, str], float] = OrderedDict()

    async def receive(self, platform: str, headers: Mapping[str, str], body: bytes) -> int:
        """Takes a word in, whatever it is; the status its sender is answered."""
        try:
            await self.hear(platform, headers, body)
        except HookRefused as refused:
            return refused.status
        return 200

    async def hear(self, platform: str, headers: Mapping[str, str], body: bytes) -> Heard:
        """Checks a word, and passes it on if it is new; HookRefused says why it is not believed."""
        facts = self._platforms.get(platform)
        if facts is None or facts.hooks is None:
            raise HookRefused(f"Nobody listens for {platform[:60]!r} here.", status=404)
        if len(body) > _MOST_BYTES:
            raise HookRefused(f"A hook has {_MOST_BYTES} bytes at most.", status=413)
        told = {name.lower(): value for name, value in headers.items()}
        name = await self._checked(facts.hooks, told, body)
        number = _number(body, facts.hooks)
        is_new = self._is_new((platform, name))
        if is_new:
            await self._hint(platform, number)
        return Heard(platform, number, is_new)

    async def _checked(self, hooks: Hooks, headers: Mapping[str, str], body: bytes) -> str:
        """By which name a word is known if it comes again; it is signed, where its vendor signs."""
        match hooks.by:
            case "fal_signature":
                return await self._signed_with_a_key(hooks, headers, body)
            case "standard_webhooks":
                return self._signed_with_a_secret(hooks, headers, body)
            case "number":  # unsigned: whoever can name the work knows what its vendor told us alone
                return hashlib.sha256(body).hexdigest()

    async def _signed_with_a_key(self, hooks: Hooks, headers: Mapping[str, str], body: bytes) -> str:
        request, user, at, signature = (
            headers.get(f"x-fal-webhook-{part}", "")
            for part in ("request-id", "user-id", "timestamp", "signature")
        )
        named = _NAME.fullmatch(request) and _NAME.fullmatch(user) and _HEX_SIGNATURE.fullmatch(signature)
        if not named or not _SECONDS.fullmatch(at):
            raise HookRefused("It carries no signature.", status=401)
        if abs(self._now() - int(at)) > TOLERANCE_S:
            raise HookRefused("It was signed at another time.", status=401)
        said = "\n".join([request, user, at, hashlib.sha256(body).hexdigest()]).encode()
        code = bytes.fromhex(signature)
        try:
            good = _is_signed_with(await self._keys(hooks.keys), code, said)
            good = good or _is_signed_with(await self._keys(hooks.keys, anew=True), code, said)
        except Unreachable as trouble:
            raise HookRefused(f"It cannot be checked now: {trouble.what}", status=503) from None
        if not good:
            raise HookRefused("Its signature is not good.", status=401)
        return request

    def _signed_with_a_secret(self, hooks: Hooks, headers: Mapping[str, str], body: bytes) -> str:
        secret = self._secret(hooks.secret)
        if not secret:
            raise HookRefused(f"{hooks.secret} is not set, so it cannot be checked.", status=404)
        message = headers.get("webhook-id", "")
        good = _NAME.fullmatch(message) and is_signed(
            body,
            secrets=[secret],
            message=message,
            sent_at=headers.get("webhook-timestamp", ""),
            signatures=headers.get("webhook-signature", ""),
            now=self._now(),
        )
        if not good:
            raise HookRefused("Its signature is not good.", status=401)
        return message

    def _is_new(self, name: tuple[str, str]) -> bool:
        now = self._now()
        while self._heard and now - next(iter(self._heard.values())) > _REMEMBERED_S:
            self._heard.popitem(last=False)
        if name in self._heard:
            return False
        self._heard[name] = now
        if len(self._heard) > _REMEMBERED_MOST:
            self._heard.popitem(last=False)
        return True


def _is_signed_with(keys: Sequence[bytes], signature: bytes, said: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    for key in keys:
        try:
            Ed25519PublicKey.from_public_bytes(key).verify(signature, said)
        except (InvalidSignature, ValueError):
            continue
        return True
    return False


def _number(body: bytes, hooks: Hooks) -> str:
    """Which work it is about, by the number its vendor gave it."""
    try:
        told: Any = json.loads(body.decode("utf-8"))
    except (UnicodeDecodeError, ValueError, RecursionError):
        raise HookRefused("It is not readable.", status=400) from None
    for path in hooks.number:
        found: Any = told
        for step in path.split("."):
            found = found.get(step) if isinstance(found, dict) else None
        found = str(found) if type(found) is int else found
        if isinstance(found, str) and _NUMBER.fullmatch(found):
            return found
    raise HookRefused("It does not say about which work it is.", status=400)
