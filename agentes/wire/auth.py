"""How a request shows who sends it, as the catalogue says; with what is known only while it is being signed.

A signature is put on requests to the platform's own hosts and to the address a person has set for it,
and on no other: whatever a vendor's answer names as the next address, our key does not follow it there.
"""

from __future__ import annotations

import hmac
import time
from abc import abstractmethod
from collections.abc import AsyncGenerator, Callable, Generator

import httpx

from agentes.wire.google_token import GoogleToken
from agentes.wire.web_token import web_token
from config.secrets import Secret, SecretManager
from shared_knowledge.errors import Broken
from shared_knowledge.platform_facts import Platform, SignIn

__all__ = ["sign_in"]

_KLING_LIVES_S = 1800
_KLING_BACKDATED_S = 5
_KLING_SIGNED_ANEW_S = 300


def sign_in(
    facts: Platform,
    secrets: SecretManager,
    *,
    here: str,
    sandbox_url: str | None,
    clock: Callable[[], float] = time.time,
) -> httpx.Auth:
    """The signature for a platform that is reached `here`; MissingSecret or BadRequest if it cannot be given.

    Keep it as long as the platform is used: a token of Google's is fetched once and renewed in time.
    """
    assert facts.sign_in is not None
    door = _Door(facts, httpx.URL(here))
    match facts.sign_in.by:
        case "header":
            return _HeaderKey(door, facts.sign_in, _keys(facts, secrets)[0])
        case "kling_token":
            access, secret = _keys(facts, secrets)
            return _KlingToken(door, access, secret, secrets, clock)
        case "google_token":
            names = next(s for s in facts.secrets if s.name == "GOOGLE_APPLICATION_CREDENTIALS")
            token = GoogleToken(secrets, names.name, *names.older, sandbox_url=sandbox_url, clock=clock)
            return _GoogleSignature(door, token)


def _keys(facts: Platform, secrets: SecretManager) -> list[Secret]:
    return [secrets.require(each.name, *each.older) for each in facts.secrets if each.hidden]


class _Door:
    """Where our key may be shown."""

    def __init__(self, facts: Platform, here: httpx.URL) -> None:
        self._facts = facts
        self._here = here

    def check(self, url: httpx.URL) -> None:
        if _place(url) == _place(self._here):
            return
        host = url.raw_host.decode("ascii")
        if url.scheme == "https" and url.port is None and self._facts.may_see_key(host):
            return
        raise Broken(
            f"{self._facts.name} named an address at {host[:100]}, where our key is not shown.",
            todo=f"If that host is theirs, it belongs into key_hosts of {self._facts.id}.toml.",
        )


def _place(url: httpx.URL) -> tuple[str, bytes, int | None]:
    return url.scheme, url.raw_host.rstrip(b"."), url.port


class _Signature(httpx.Auth):
    """Signs what goes through the door, at the very moment it goes."""

    def __init__(self, door: _Door) -> None:
        self._door = door

    @abstractmethod
    async def sign(self, request: httpx.Request) -> None:
        """Puts the signature on a request."""

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """One request, signed; nothing is asked twice."""
        self._door.check(request.url)
        await self.sign(request)
        yield request

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Never: the wire is asynchronous."""
        raise RuntimeError("the wire is asynchronous")


class _HeaderKey(_Signature):
    def __init__(self, door: _Door, how: SignIn, key: Secret) -> None:
        super().__init__(door)
        self._how = how
        self._key = key

    async def sign(self, request: httpx.Request) -> None:
        request.headers[self._how.header] = f"{self._how.prefix}{self._key.reveal()}"


class _KlingToken(_Signature):
    """A JSON web token, signed here; it lives for half an hour, while a clip may take longer."""

    def __init__(
        self, door: _Door, access: Secret, secret: Secret, secrets: SecretManager, clock: Callable[[], float]
    ) -> None:
        super().__init__(door)
        self._access = access
        self._secret = secret
        self._secrets = secrets
        self._clock = clock
        self._token: Secret | None = None
        self._signed_at = 0

    async def sign(self, request: httpx.Request) -> None:
        now = int(self._clock())
        # Every token is remembered so that it can be hidden, so one serves a while; a clock set back ends it.
        if self._token is None or not 0 <= now - self._signed_at < _KLING_SIGNED_ANEW_S:
            self._token = self._secrets.remember(f"{self._secret.name} token", self._made(now))
            self._signed_at = now
        request.headers["Authorization"] = f"Bearer {self._token.reveal()}"

    def _made(self, now: int) -> str:
        claims = {
            "iss": self._access.reveal(),
            "exp": now + _KLING_LIVES_S,
            "nbf": now - _KLING_BACKDATED_S,
        }
        return web_token({"alg": "HS256", "typ": "JWT"}, claims, self._seal)

    def _seal(self, signed: bytes) -> bytes:
        return hmac.digest(self._secret.reveal().encode(), signed, "sha256")


class _GoogleSignature(_Signature):
    def __init__(self, door: _Door, token: GoogleToken) -> None:
        super().__init__(door)
        self._token = token

    async def sign(self, request: httpx.Request) -> None:
        token = await self._token.current()
        request.headers["Authorization"] = f"Bearer {token.reveal()}"
