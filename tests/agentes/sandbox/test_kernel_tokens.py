"""Google's counter gives tokens for what its service account really signed, and says in Google's words why not."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import google.auth.transport.requests
import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from google.oauth2 import service_account
from practice import Practice
from tiny_vendor import PLAIN, TinyVendor

from agentes.sandbox.kernel.sandbox import Sandbox

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
Account = dict[str, str]


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with (
        Sandbox(fakes={"tiny": TinyVendor}) as sandbox,
        httpx.AsyncClient(verify=PLAIN, base_url=sandbox.url, timeout=10) as client,
    ):
        yield client


def coded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def signed(account: Account, key: RSAPrivateKey | None = None, alg: str = "RS256", **changed: Any) -> str:
    now = int(time.time())
    claims = {
        "iss": account["client_email"],
        "aud": account["token_uri"],
        "scope": SCOPE,
        "iat": now,
        "exp": now + 3600,
    }
    parts = [{"alg": alg, "typ": "JWT", "kid": account["private_key_id"]}, claims | changed]
    text = ".".join(coded(json.dumps(part).encode()) for part in parts)
    if key is None:
        own = load_pem_private_key(account["private_key"].encode(), None)
        assert isinstance(own, RSAPrivateKey)
        key = own
    return f"{text}.{coded(key.sign(text.encode(), PKCS1v15(), SHA256()))}"


async def account_of(http: httpx.AsyncClient) -> Account:
    account: Account = (await http.get("/_sandbox/service_account.json")).json()
    return account


async def test_a_signed_assertion_is_worth_a_token(http: httpx.AsyncClient) -> None:
    account = await account_of(http)
    assert account["type"] == "service_account"
    assert account == await account_of(http)
    answer = await http.post(account["token_uri"], data={"grant_type": GRANT, "assertion": signed(account)})
    token = answer.json()
    assert (token["expires_in"], token["token_type"]) == (3600, "Bearer")
    headers = {"Authorization": f"Bearer {token['access_token']}"}
    assert (await http.get("/tiny/v1/me", headers=headers)).json() == {"key": token["access_token"]}


async def test_a_token_runs_out(http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    account = await account_of(http)
    form = {"grant_type": GRANT, "assertion": signed(account)}
    tokens = [(await http.post("/_sandbox/token", data=form)).json()["access_token"] for _ in range(2)]
    assert tokens[0] != tokens[1]
    headers = {"Authorization": f"Bearer {tokens[0]}"}
    later = time.time() + 3601
    monkeypatch.setattr("agentes.sandbox.kernel.google_token.time.time", lambda: later)
    assert (await http.get("/tiny/v1/me", headers=headers)).status_code == 401


@pytest.mark.parametrize(
    ("spoil", "error", "sentence"),
    [
        (lambda a: signed(a, iss="somebody@else"), "invalid_grant", "account not found"),
        (lambda a: signed(a, aud="https://elsewhere"), "invalid_grant", "audience"),
        (lambda a: signed(a, exp=time.time() - 1), "invalid_grant", "short-lived"),
        (lambda a: signed(a, exp=time.time() + 9000), "invalid_grant", "short-lived"),
        (lambda a: signed(a, iat=time.time() + 900, exp=time.time() + 1000), "invalid_grant", "short-lived"),
        (lambda a: signed(a, scope="openid"), "invalid_scope", "scope"),
        (lambda a: signed(a, alg="HS256"), "invalid_grant", "RS256"),
        (lambda a: signed(a, key=generate_private_key(65537, 2048)), "invalid_grant", "Signature"),
        (lambda a: signed(a)[:-8] + "AAAAAAAA", "invalid_grant", "Signature"),
        (lambda a: signed(a, exp="soon"), "invalid_grant", "not a JWT"),
        (lambda a: "a.b", "invalid_grant", "not a JWT"),
        (lambda a: "", "invalid_grant", "not a JWT"),
        (lambda a: "é.{}.!", "invalid_grant", "not a JWT"),
    ],
)
async def test_a_spoilt_assertion_is_refused(
    http: httpx.AsyncClient, spoil: Callable[[Account], str], error: str, sentence: str
) -> None:
    account = await account_of(http)
    answer = await http.post("/_sandbox/token", data={"grant_type": GRANT, "assertion": spoil(account)})
    assert answer.status_code == 400
    assert answer.json()["error"] == error
    assert sentence in answer.json()["error_description"]


async def test_other_grants(http: httpx.AsyncClient) -> None:
    refresh = {"grant_type": "refresh_token", "client_id": "c", "client_secret": "s", "refresh_token": "r"}
    assert (await http.post("/_sandbox/token", data=refresh)).json()["access_token"].startswith("ya29.")
    refused = [
        refresh | {"refresh_token": "bad-key"},
        refresh | {"client_id": ""},
        {"grant_type": "password"},
        {},
    ]
    errors = [(await http.post("/_sandbox/token", data=form)).json()["error"] for form in refused]
    assert errors == ["invalid_grant", "invalid_request", "unsupported_grant_type", "unsupported_grant_type"]


def test_googles_own_library_is_content(sandbox: Practice) -> None:
    account = httpx.get(f"{sandbox.url}/_sandbox/service_account.json").json()
    credentials = service_account.Credentials.from_service_account_info(account, scopes=[SCOPE])  # type: ignore[no-untyped-call]
    credentials.refresh(google.auth.transport.requests.Request())  # type: ignore[no-untyped-call]
    assert credentials.token.startswith("ya29.sandbox-")
    assert not credentials.expired
