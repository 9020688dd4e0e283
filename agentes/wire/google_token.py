"""Google's way in: a file that says who we are is exchanged for a token that lives an hour.

The file is a service account's key, which signs, or a person's own credentials, which are refreshed.
The token is asked for once however many wait for it, and renewed before it ends.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import httpx
from pydantic import BaseModel, ConfigDict, Field, SecretStr, TypeAdapter, ValidationError

from agentes.wire.guard import Dialler, Guard
from agentes.wire.network import Network
from agentes.wire.said import Said, Unintelligible
from agentes.wire.web_token import web_token
from config.secrets import Secret, SecretManager
from shared_knowledge.errors import BadRequest, MissingSecret, TryAgain, Unavailable, Unreachable

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

__all__ = ["GoogleToken"]

_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_USUAL_ADDRESS = "https://oauth2.googleapis.com/token"
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_ASSERTION_LIVES_S = 3600
_EARLY_S = 300
_NOT_AGAIN_FOR_S = 30
_DEADLINE_S = 30.0
_PRACTICE_KEY, _REFUSED_PRACTICE_KEY = "sandbox", "bad-key"
_PRACTICE_FILE = "/_sandbox/service_account.json"
_TODO = "It names the JSON key of a service account, or what `gcloud auth application-default login` wrote."


class _Credentials(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    token_uri: str = _USUAL_ADDRESS


class _ServiceAccount(_Credentials):
    type: Literal["service_account"]
    client_email: str = Field(min_length=1)
    private_key: SecretStr
    private_key_id: str = ""

    @cached_property
    def key(self) -> RSAPrivateKey:
        """The key as it signs; a ValueError if it is none."""
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric import rsa
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        try:
            key = load_pem_private_key(self.private_key.get_secret_value().encode(), password=None)
        except (TypeError, UnsupportedAlgorithm):
            raise ValueError("a locked or an unknown key") from None
        if not isinstance(key, rsa.RSAPrivateKey):
            raise ValueError("no RSA key")  # noqa: TRY004 - what is wrong is the file, not the call
        return key

    def grant(self, now: int) -> dict[str, str]:
        """What is sent in exchange for a token."""
        kid = {"kid": self.private_key_id} if self.private_key_id else {}
        claims = {
            "iss": self.client_email,
            "scope": _SCOPE,
            "aud": self.token_uri,
            "iat": now,
            "exp": now + _ASSERTION_LIVES_S,
        }
        assertion = web_token({"alg": "RS256", "typ": "JWT", **kid}, claims, self._seal)
        return {"grant_type": _GRANT, "assertion": assertion}

    def _seal(self, signed: bytes) -> bytes:
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
        from cryptography.hazmat.primitives.hashes import SHA256

        return self.key.sign(signed, PKCS1v15(), SHA256())


class _PersonsOwn(_Credentials):
    type: Literal["authorized_user"]
    client_id: str = Field(min_length=1)
    client_secret: SecretStr
    refresh_token: SecretStr

    def grant(self, now: int) -> dict[str, str]:
        """What is sent in exchange for a token."""
        return {
            "grant_type": "refresh_token",
            "client_id": self.client_id,
            "client_secret": self.client_secret.get_secret_value(),
            "refresh_token": self.refresh_token.get_secret_value(),
        }


_File = _ServiceAccount | _PersonsOwn
_FILE: TypeAdapter[_File] = TypeAdapter(Annotated[_File, Field(discriminator="type")])


class _Token(Said):
    access_token: str = Field(min_length=1)
    expires_in: int = Field(gt=0)


class _Complaint(Said):
    error: str
    error_description: str = ""


class GoogleToken:
    """The token that one credentials file stands for; MissingSecret or BadRequest if there is no such file."""

    def __init__(
        self,
        secrets: SecretManager,
        *names: str,
        sandbox_url: str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._secrets = secrets
        self._name = names[0]
        self._sandbox = httpx.URL(sandbox_url) if sandbox_url else None
        self._clock = clock
        self._lock = asyncio.Lock()
        self._file: _File | None = None
        self._token: Secret | None = None
        self._fresh_until = self._ends_at = 0.0
        value = secrets.plain(*names)
        if value is None:
            raise MissingSecret(self._name)
        if self._sandbox is not None and value == _REFUSED_PRACTICE_KEY:
            self._token, self._fresh_until = Secret(value, self._name), float("inf")
        elif self._sandbox is None or value != _PRACTICE_KEY:
            self._file = self._read(Path(value).expanduser())

    async def current(self) -> Secret:
        """The token: fetched if there is none, renewed five minutes before it ends."""
        if self._token is None or self._clock() >= self._fresh_until:
            async with self._lock:
                if self._token is None or self._clock() >= self._fresh_until:
                    return await self._renewed()
        return self._token

    async def _renewed(self) -> Secret:
        try:
            async with asyncio.timeout(_DEADLINE_S):
                told = await self._exchange()
        except (TryAgain, TimeoutError) as error:
            if self._token is not None and self._clock() < self._ends_at - _NOT_AGAIN_FOR_S:
                self._fresh_until = self._clock() + _NOT_AGAIN_FOR_S
                return self._token
            if isinstance(error, TryAgain):
                raise
            raise _unreachable(f"gave no answer within {_DEADLINE_S:.0f} s") from None
        self._token = self._secrets.remember(f"{self._name} token", told.access_token)
        self._ends_at = self._clock() + told.expires_in
        self._fresh_until = self._ends_at - min(_EARLY_S, told.expires_in / 2)
        return self._token

    async def _exchange(self) -> _Token:
        ours = [] if self._sandbox is None else [self._sandbox.netloc.decode("ascii")]
        network = Network(Dialler(Guard(ours)), fresh=True)
        async with httpx.AsyncClient(transport=network, trust_env=False, timeout=_DEADLINE_S) as http:
            file = self._file or await self._practice_file(http)
            return await self._asked(http.post(file.token_uri, data=file.grant(int(self._clock()))), _Token)

    async def _practice_file(self, http: httpx.AsyncClient) -> _File:
        assert self._sandbox is not None
        address = self._sandbox.copy_with(path=self._sandbox.path.rstrip("/") + _PRACTICE_FILE)
        self._file = self._checked(_told((await _answer(http.get(address))).content))
        return self._file

    async def _asked(self, question: Awaitable[httpx.Response], shape: type[_Token]) -> _Token:
        answer = await _answer(question)
        try:
            if answer.is_success:
                return shape.of(answer)
            complaint = _Complaint.of(answer)
        except Unintelligible:
            complaint = _Complaint(error=f"its answer ({answer.status_code}) could not be read")
        raise Unavailable(
            f"Google gives no token for the file that {self._name} names: {self._shown(complaint.error)}.",
            because="key",
            vendor_says=self._shown(complaint.error_description),
            todo="Make a new key or sign in again; where this machine's clock is wrong, that is the reason.",
        )

    def _read(self, path: Path) -> _File:
        try:
            content = path.read_bytes()
        except OSError as error:
            raise BadRequest(
                f"{self._name} names {path}, which cannot be read: {error.strerror or error}.", todo=_TODO
            ) from error
        return self._checked(_told(content))

    def _checked(self, file: _File | None) -> _File:
        """The file, if it leads to Google's tokens and nowhere else; what it holds is hidden from now on."""
        if file is None:
            raise self._useless("it is neither a service account's key nor a person's credentials")
        try:
            address = httpx.URL(file.token_uri)
            if isinstance(file, _ServiceAccount):
                assert file.key
            else:
                self._secrets.remember(self._name, file.refresh_token.get_secret_value())
                self._secrets.remember(self._name, file.client_secret.get_secret_value())
        except (httpx.InvalidURL, ValueError):
            raise self._useless("what it holds is damaged") from None
        host = address.raw_host.decode("ascii")
        googles = address.scheme == "https" and address.port is None and host.endswith(".googleapis.com")
        practice = self._sandbox is not None and address.netloc == self._sandbox.netloc
        if not googles and not practice:
            raise self._useless(f"it would send us to {host[:100]}, which is not Google")
        return file

    def _useless(self, why: str) -> BadRequest:
        return BadRequest(f"The file that {self._name} names is of no use: {why}.", todo=_TODO)

    def _shown(self, text: str) -> str:
        return self._secrets.mask("".join(each for each in text[:200] if each.isprintable()))


def _told(content: bytes) -> _File | None:
    try:
        return _FILE.validate_json(content)
    except ValidationError:
        return None


async def _answer(question: Awaitable[httpx.Response]) -> httpx.Response:
    try:
        answer = await question
    except httpx.HTTPError as error:
        raise _unreachable(f"cannot be reached ({type(error).__name__})") from None
    if answer.status_code == 429 or answer.status_code >= 500:
        raise _unreachable(f"answered {answer.status_code}")
    return answer


def _unreachable(why: str) -> Unreachable:
    return Unreachable(f"Google's token service {why}; nothing was sent to the platform.")
