"""Google's counter for access tokens: it hands out a service account, and checks what is signed with its key."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from agentes.sandbox.kernel.calls import Answer

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

__all__ = ["TokenCounter"]

_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_AUDIENCE = "https://oauth2.googleapis.com/token"  # google-auth writes this one, whatever token_uri says
_LASTS_S = 3600
_SKEW_S = 300
_PROJECT = "sandbox"
_ACCOUNT = f"agentes@{_PROJECT}.iam.gserviceaccount.com"
_KEY_ID = "5a4dbb0c" * 5


class _Denied(Exception):
    """Why no token is given: OAuth's word, and a sentence."""

    def __init__(self, word: str, sentence: str) -> None:
        super().__init__(sentence)
        self.answer = Answer.of({"error": word, "error_description": sentence}, 400)


class TokenCounter:
    """One sandbox's service account and the tokens it was given."""

    def __init__(self) -> None:
        self._key: RSAPrivateKey | None = None
        self._making = asyncio.Lock()
        self._until: dict[str, float] = {}

    async def service_account(self, origin: str) -> Answer:
        """A key file as Google's console gives it, whose token address is here."""
        from cryptography.hazmat.primitives import serialization as form

        key = await self._own_key()
        pem = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
        file = {
            "type": "service_account",
            "project_id": _PROJECT,
            "private_key_id": _KEY_ID,
            "private_key": pem.decode(),
            "client_email": _ACCOUNT,
            "client_id": "100000000000000000001",
            "auth_uri": f"{origin}/_sandbox/auth",
            "token_uri": f"{origin}/_sandbox/token",
            "universe_domain": "googleapis.com",
        }
        return Answer(200, {"content-type": "application/json"}, json.dumps(file, indent=2).encode())

    async def token(self, origin: str, body: bytes) -> Answer:
        """A bearer token for a signed assertion or a refresh token; what is wrong with it otherwise."""
        form = {name: values[0] for name, values in parse_qs(body.decode("latin-1")).items()}
        try:
            await self._check(form, f"{origin}/_sandbox/token")
        except _Denied as denied:
            return denied.answer
        token = f"ya29.sandbox-{len(self._until) + 1:04d}"
        self._until[token] = time.time() + _LASTS_S
        return Answer.of({"access_token": token, "expires_in": _LASTS_S, "token_type": "Bearer"})

    def has_run_out(self, token: str) -> bool:
        """Whether a token was given here and is not good any more."""
        return self._until.get(token, float("inf")) <= time.time()

    async def _check(self, form: Mapping[str, str], address: str) -> None:
        match form.get("grant_type"):
            case "refresh_token":
                self._check_refresh(form)
            case grant if grant == _GRANT:
                await self._check_assertion(form.get("assertion", ""), address)
            case grant:
                raise _Denied("unsupported_grant_type", f"Invalid grant_type: {grant or ''}")

    def _check_refresh(self, form: Mapping[str, str]) -> None:
        for name in ("client_id", "client_secret", "refresh_token"):
            if not form.get(name):
                raise _Denied("invalid_request", f"Missing required parameter: {name}")
        if form["refresh_token"] == "bad-key":  # noqa: S105 - the key that every fake refuses
            raise _Denied("invalid_grant", "Token has been expired or revoked.")

    async def _check_assertion(self, assertion: str, address: str) -> None:
        signed, _, signature = assertion.rpartition(".")
        try:
            head, claims = (json.loads(_decoded(part)) for part in signed.split("."))
            sealed = _decoded(signature)
            about = dict(claims), str(head["alg"]), float(claims["iat"]), float(claims["exp"])
        except (ValueError, TypeError, LookupError) as error:
            raise _Denied(
                "invalid_grant", "Bad Request: the assertion is not a JWT with iat and exp."
            ) from error
        named, algorithm, issued, expires = about
        if algorithm != "RS256":
            raise _Denied("invalid_grant", "Invalid JWT: the algorithm must be RS256.")
        if named.get("iss") != _ACCOUNT:
            raise _Denied("invalid_grant", "Invalid grant: account not found")
        if not await self._is_mine(signed.encode("ascii"), sealed):
            raise _Denied("invalid_grant", "Invalid JWT Signature.")
        if named.get("aud") not in (address, _AUDIENCE):
            raise _Denied("invalid_grant", f"Invalid JWT: audience must be {address}.")
        now = time.time()
        if expires <= now or issued > now + _SKEW_S or expires - issued > _LASTS_S + _SKEW_S:
            raise _Denied(
                "invalid_grant",
                "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. "
                "Check your iat and exp values in the JWT claim.",
            )
        if _SCOPE not in str(named.get("scope", "")).split():
            raise _Denied("invalid_scope", "Invalid OAuth scope or ID token audience provided.")

    async def _is_mine(self, signed: bytes, signature: bytes) -> bool:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
        from cryptography.hazmat.primitives.hashes import SHA256

        key = await self._own_key()
        try:
            key.public_key().verify(signature, signed, PKCS1v15(), SHA256())
        except InvalidSignature:
            return False
        return True

    async def _own_key(self) -> RSAPrivateKey:
        from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

        async with self._making:
            if self._key is None:
                self._key = await asyncio.to_thread(generate_private_key, 65537, 2048)
        return self._key


def _decoded(part: str) -> bytes:
    """URL-safe base64 without its padding; a ValueError for anything else."""
    return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
