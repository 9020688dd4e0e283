"""Requests are signed as each vendor wants it, only where our key may be shown, and nobody sees with what."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from loose_server import Asked, LooseServer, answer, serving

from agentes.wire.auth import sign_in
from config.secrets import SecretManager
from shared_knowledge.catalogue import Catalogue
from shared_knowledge.errors import BadRequest, Broken, MissingSecret, Unavailable, Unreachable
from shared_knowledge.platform_facts import Platform

CANARY = "cnry-7Qx2mVb9Lk4Tz8Wd3Rp6"
VARIABLE = "GOOGLE_APPLICATION_CREDENTIALS"


def facts(platform: str) -> Platform:
    return Catalogue.load().platform(platform)


def signature(platform: str, environ: dict[str, str], here: str = "", **told: Any) -> httpx.Auth:
    about = facts(platform)
    told = {"sandbox_url": None, **told}
    return sign_in(about, SecretManager(environ), here=here or about.base_url, **told)


async def signed(auth: httpx.Auth, url: str) -> httpx.Headers:
    """The headers a request to that address leaves with."""
    seen: list[httpx.Headers] = []

    def door(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers)
        return httpx.Response(200)

    async with httpx.AsyncClient(transport=httpx.MockTransport(door), auth=auth) as http:
        await http.get(url)
    return seen[0]


# ── keys in headers ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("platform", "variable", "header", "value"),
    [
        ("openai_images", "OPENAI_API_KEY", "authorization", f"Bearer {CANARY}"),
        ("google_images", "GEMINI_API_KEY", "x-goog-api-key", CANARY),
        ("bfl_flux", "BFL_API_KEY", "x-key", CANARY),
        ("pika", "FAL_KEY", "authorization", f"Key {CANARY}"),
        ("elevenlabs", "ELEVENLABS_API_KEY", "xi-api-key", CANARY),
        ("azure_speech", "AZURE_SPEECH_KEY", "ocp-apim-subscription-key", CANARY),
        ("runway", "RUNWAYML_API_SECRET", "authorization", f"Bearer {CANARY}"),
    ],
)
async def test_a_key_stands_in_the_header_the_vendor_reads(
    platform: str, variable: str, header: str, value: str
) -> None:
    here = "https://westeurope.tts.speech.microsoft.com" if platform == "azure_speech" else ""
    auth = signature(platform, {variable: CANARY}, here)
    assert (await signed(auth, here or facts(platform).base_url))[header] == value


def test_every_platform_that_is_not_local_can_be_signed_in_to(tmp_path: Path) -> None:
    for about in Catalogue.load().platforms:
        if not about.local:
            environ = {name.name: "sandbox" for name in about.secrets}
            auth = sign_in(
                about, SecretManager(environ), here=about.base_url, sandbox_url="http://127.0.0.1:9"
            )
            assert isinstance(auth, httpx.Auth)


@pytest.mark.parametrize("platform", ["openai_images", "kling", "google_veo"])
def test_a_missing_key_is_named(platform: str) -> None:
    with pytest.raises(MissingSecret) as missing:
        signature(platform, {})
    wanted = [each.name for each in facts(platform).secrets if each.hidden] or [VARIABLE]
    assert missing.value.names == (wanted[0],)


# ── where a key may be shown ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "url",
    [
        "https://api.bfl.ai/v1/get_result?id=1",
        "https://api.us1.bfl.ai/v1/get_result?id=1",
        "http://127.0.0.1:9100/bfl_flux/v1/get_result?id=1",
    ],
)
async def test_a_key_goes_to_the_vendors_hosts_and_to_the_address_that_was_set(url: str) -> None:
    auth = signature("bfl_flux", {"BFL_API_KEY": CANARY}, "http://127.0.0.1:9100/bfl_flux")
    assert (await signed(auth, url))["x-key"] == CANARY


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/v1/get_result",
        "https://bfl.ai.evil.example/",
        "https://evilbfl.ai/",
        "https://api.bfl.ai@evil.example/",
        "http://api.bfl.ai/v1/get_result",
        "https://api.bfl.ai:8443/v1/get_result",
        "http://127.0.0.1:9101/bfl_flux/",
        "https://127.0.0.1:9100/bfl_flux/",
        "http://localhost:9100/bfl_flux/",
    ],
)
async def test_a_key_is_shown_nowhere_else(url: str) -> None:
    auth = signature("bfl_flux", {"BFL_API_KEY": CANARY}, "http://127.0.0.1:9100/bfl_flux")
    with pytest.raises(Broken, match="where our key is not shown") as refused:
        await signed(auth, url)
    assert CANARY not in f"{refused.value}{refused.value.__dict__}{auth!r}{vars(auth)}"
    assert "bfl_flux.toml" in refused.value.todo


# ── Kling ──────────────────────────────────────────────────────────────────────────────────────

KLING = {"KLING_ACCESS_KEY": "ak_test", "KLING_SECRET_KEY": "sk_test_secret_" + "0123456789abcdef0123"}
VECTOR = (
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"
    ".eyJpc3MiOiJha190ZXN0IiwiZXhwIjoxODAwMDAxODAwLCJuYmYiOjE3OTk5OTk5OTV9"
    ".Osw3XWmMx3_JzoTFEzIFJ8nq2SFJSs1U3KF8Pooqs_E"
)


async def test_klings_token_is_the_one_of_the_vector() -> None:
    auth = signature("kling", KLING, clock=lambda: 1_800_000_000.9)
    headers = await signed(auth, "https://api-singapore.klingai.com/v1/videos/text2video")
    assert headers["authorization"] == f"Bearer {VECTOR}"


async def test_klings_token_is_always_fresh_and_hidden() -> None:
    now = [1_800_000_000.0]
    secrets = SecretManager(KLING)
    here = facts("kling").base_url
    auth = sign_in(facts("kling"), secrets, here=here, sandbox_url=None, clock=lambda: now[0])
    tokens = []
    for moment in (0, 60, 1700, 5000, -9000):
        now[0] = 1_800_000_000.0 + moment
        tokens.append((await signed(auth, here))["authorization"].removeprefix("Bearer "))
        claims = json.loads(base64.urlsafe_b64decode(tokens[-1].split(".")[1] + "=="))
        assert claims["nbf"] < now[0] < claims["exp"] - 1400
        assert tokens[-1] not in secrets.mask(f"authorization: Bearer {tokens[-1]}")
    assert len(set(tokens)) == 4


# ── Google ─────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, locked: bytes | None = None) -> str:
    lock = serialization.BestAvailableEncryption(locked) if locked else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock).decode()


def account(key: rsa.RSAPrivateKey, origin: str, **told: Any) -> dict[str, Any]:
    return {
        "type": "service_account",
        "project_id": "mugs",
        "private_key_id": "key-1",
        "private_key": pem(key),
        "client_email": "agentes@mugs.iam.gserviceaccount.com",
        "token_uri": f"{origin}/token",
        **told,
    }


class Counter:
    """Google's token service: it checks what is signed, and gives numbered tokens."""

    def __init__(self, key: rsa.RSAPrivateKey) -> None:
        self.key = key
        self.given = 0
        self.instead: bytes | None = None
        self.lives_s = 3600
        self.claims: dict[str, Any] = {}

    async def reply(self, asked: Asked, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.02)
        writer.write(self.instead or self.token(asked))

    def token(self, asked: Asked) -> bytes:
        form = {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}
        if form["grant_type"] == "refresh_token":
            assert (form["client_id"], form["client_secret"]) == ("person", f"{CANARY}-client")
            assert form["refresh_token"] == f"{CANARY}-refresh"
        else:
            assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
            signed, _, seal = form["assertion"].rpartition(".")
            self.key.public_key().verify(plain(seal), signed.encode(), padding.PKCS1v15(), hashes.SHA256())
            head, self.claims = (json.loads(plain(part)) for part in signed.split("."))
            assert head == {"alg": "RS256", "typ": "JWT", "kid": "key-1"}
        self.given += 1
        told = {
            "access_token": f"ya29.{CANARY}-{self.given}",
            "expires_in": self.lives_s,
            "token_type": "Bearer",
        }
        return answer(200, json.dumps(told).encode(), content_type="application/json")


def plain(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


class Google:
    """A token service, a credentials file that leads to it, and a clock."""

    def __init__(self, server: LooseServer, counter: Counter, file: Path) -> None:
        self.server = server
        self.counter = counter
        self.file = file
        self.now = 1_800_000_000.0
        self.secrets = SecretManager({VARIABLE: str(file)})

    def signature(self) -> httpx.Auth:
        return sign_in(
            facts("google_veo"),
            self.secrets,
            here="https://us-central1-aiplatform.googleapis.com",
            sandbox_url=self.server.url,
            clock=lambda: self.now,
        )

    async def bearer(self, auth: httpx.Auth) -> str:
        headers = await signed(auth, "https://us-central1-aiplatform.googleapis.com/v1/x")
        return headers["authorization"].removeprefix("Bearer ")


@asynccontextmanager
async def googles(
    key: rsa.RSAPrivateKey, tmp_path: Path, file: Callable[[str], Any] | None = None
) -> AsyncIterator[Google]:
    counter = Counter(key)
    async with serving(counter.reply) as server:
        path = tmp_path / "credentials.json"
        path.write_text(json.dumps(file(server.url) if file else account(key, server.url)))
        yield Google(server, counter, path)


async def test_a_service_account_signs_for_a_token(key: rsa.RSAPrivateKey, tmp_path: Path) -> None:
    async with googles(key, tmp_path) as google:
        assert await google.bearer(google.signature()) == f"ya29.{CANARY}-1"
        assert google.counter.claims == {
            "iss": "agentes@mugs.iam.gserviceaccount.com",
            "scope": "https://www.googleapis.com/auth/cloud-platform",
            "aud": f"{google.server.url}/token",
            "iat": 1_800_000_000,
            "exp": 1_800_003_600,
        }
        assert CANARY not in google.secrets.mask(f"Bearer ya29.{CANARY}-1")


async def test_a_persons_own_credentials_are_refreshed(key: rsa.RSAPrivateKey, tmp_path: Path) -> None:
    def person(origin: str) -> dict[str, str]:
        return {
            "type": "authorized_user",
            "client_id": "person",
            "client_secret": f"{CANARY}-client",
            "refresh_token": f"{CANARY}-refresh",
            "token_uri": f"{origin}/token",
        }

    async with googles(key, tmp_path, person) as google:
        auth = google.signature()
        assert await google.bearer(auth) == f"ya29.{CANARY}-1"
        assert CANARY not in google.secrets.mask(f"{CANARY}-client {CANARY}-refresh")


async def test_many_who_wait_ask_once_and_one_token_serves_until_five_minutes_before_its_end(
    key: rsa.RSAPrivateKey, tmp_path: Path
) -> None:
    async with googles(key, tmp_path) as google:
        auth = google.signature()
        begun = google.now
        assert len({*await asyncio.gather(*(google.bearer(auth) for _ in range(20)))}) == 1
        google.now = begun + 3299
        assert await google.bearer(auth) == f"ya29.{CANARY}-1"
        google.now = begun + 3300
        renewed = await asyncio.gather(*(google.bearer(auth) for _ in range(20)))
        assert {*renewed} == {f"ya29.{CANARY}-2"}
        assert google.counter.given == 2


async def test_a_token_that_still_serves_bridges_a_silent_token_service(
    key: rsa.RSAPrivateKey, tmp_path: Path
) -> None:
    async with googles(key, tmp_path) as google:
        auth = google.signature()
        begun = google.now
        await google.bearer(auth)
        google.counter.instead = answer(503, b"busy")
        google.now = begun + 3400
        assert await google.bearer(auth) == await google.bearer(auth) == f"ya29.{CANARY}-1"
        assert len(google.server.seen) == 2
        google.now = begun + 3590
        with pytest.raises(Unreachable, match="answered 503"):
            await google.bearer(auth)
        google.counter.instead = None
        assert await google.bearer(auth) == f"ya29.{CANARY}-2"


async def test_short_lived_tokens_are_not_asked_for_every_time(
    key: rsa.RSAPrivateKey, tmp_path: Path
) -> None:
    async with googles(key, tmp_path) as google:
        google.counter.lives_s = 120
        auth = google.signature()
        assert await google.bearer(auth) == await google.bearer(auth)
        google.now += 61
        assert await google.bearer(auth) == f"ya29.{CANARY}-2"


@pytest.mark.parametrize(
    ("said", "error", "words"),
    [
        (
            answer(400, b'{"error": "invalid_grant", "error_description": "%s"}' % CANARY.encode()),
            Unavailable,
            "invalid_grant",
        ),
        (answer(401, b"<html>no"), Unavailable, "401"),
        (answer(200, b'{"token": 1}'), Unavailable, "200"),
        (answer(200, b"{", length=99), Unreachable, "cannot be reached"),
        (answer(429, b"{}"), Unreachable, "answered 429"),
        (answer(500, b""), Unreachable, "answered 500"),
        (answer(302, b"", location="https://evil.example/"), Unavailable, "302"),
    ],
)
async def test_what_the_token_service_says_becomes_a_typed_error(
    key: rsa.RSAPrivateKey, tmp_path: Path, said: bytes, error: type[Exception], words: str
) -> None:
    async with googles(key, tmp_path) as google:
        google.secrets.remember("A_KEY", CANARY)
        google.counter.instead = said
        with pytest.raises(error) as told:
            await google.bearer(google.signature())
        assert words in str(told.value)
        assert CANARY not in f"{told.value}{told.value.__dict__}"
        if isinstance(told.value, Unavailable):
            assert told.value.because == "key"
            assert VARIABLE in told.value.what


async def test_nobody_at_the_token_service_is_unreachable(key: rsa.RSAPrivateKey, tmp_path: Path) -> None:
    async with googles(key, tmp_path) as google:
        auth = google.signature()
    with pytest.raises(Unreachable, match="cannot be reached"):
        await google.bearer(auth)


def broken_files(key: rsa.RSAPrivateKey) -> dict[str, str]:
    good = account(key, "https://oauth2.googleapis.com")
    elliptic = pem(ec.generate_private_key(ec.SECP256R1()))
    changed = {
        "no key": {"private_key": None},
        "another key": {"private_key": elliptic},
        "a locked key": {"private_key": pem(key, b"secret")},
        "a damaged key": {"private_key": pem(key)[:300] + CANARY},
        "no mail": {"client_email": ""},
        "not Google": {"token_uri": "https://evil.example/token"},
        "nearly Google": {"token_uri": "https://oauth2.googleapis.com.evil.example/token"},
        "no https": {"token_uri": "http://oauth2.googleapis.com/token"},
        "this machine": {"token_uri": "http://127.0.0.1:1/token"},
        "no address": {"token_uri": "http://[/"},
        "another type": {"type": "external_account"},
    }
    files = {why: json.dumps(good | told) for why, told in changed.items()}
    return files | {"empty": "", "no JSON": CANARY, "a list": "[]", "bytes": "\udcff\udcfe"}


BROKEN = ["no key", "another key", "a locked key", "a damaged key", "no mail", "not Google", "nearly Google"]
BROKEN += ["no https", "this machine", "no address", "another type", "empty", "no JSON", "a list", "bytes"]


@pytest.mark.parametrize("why", BROKEN)
def test_a_file_that_is_of_no_use_is_refused_by_the_name_of_its_variable(
    key: rsa.RSAPrivateKey, tmp_path: Path, why: str
) -> None:
    path = tmp_path / "credentials.json"
    path.write_text(broken_files(key)[why], errors="surrogateescape")
    with pytest.raises(BadRequest) as refused:
        signature("google_veo", {VARIABLE: str(path)}, sandbox_url="http://127.0.0.1:9")
    assert VARIABLE in refused.value.what
    assert refused.value.todo
    assert CANARY not in f"{refused.value}{refused.value.__context__}"


@pytest.mark.parametrize("name", ["gone.json", "."])
def test_a_file_that_cannot_be_read_is_refused_by_the_name_of_its_variable(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadRequest, match=f"{VARIABLE} names .* cannot be read"):
        signature("google_veo", {VARIABLE: str(tmp_path / name)})


# ── the sandbox ────────────────────────────────────────────────────────────────────────────────


async def test_at_the_sandbox_the_practice_key_stands_for_the_sandboxs_own_file(
    key: rsa.RSAPrivateKey,
) -> None:
    counter = Counter(key)

    async def reply(asked: Asked, writer: asyncio.StreamWriter) -> None:
        if asked.method == "GET":
            assert asked.target == "/_sandbox/service_account.json"
            writer.write(answer(200, json.dumps(account(key, server.url)).encode()))
        else:
            await counter.reply(asked, writer)

    async with serving(reply) as server:
        environ = {"AGENTES_SANDBOX_URL": server.url}
        auth = signature(
            "google_cloud_tts", environ, f"{server.url}/google_cloud_tts", sandbox_url=server.url
        )
        headers = await signed(auth, f"{server.url}/google_cloud_tts/v1/text:synthesize")
        assert headers["authorization"] == f"Bearer ya29.{CANARY}-1"


async def test_the_real_sandbox_gives_a_token_for_its_file(sandbox: Any) -> None:
    environ = {"AGENTES_SANDBOX_URL": sandbox.url}
    here = f"{sandbox.url}/google_cloud_tts"
    auth = signature("google_cloud_tts", environ, here, sandbox_url=sandbox.url)
    first, again = [(await signed(auth, here))["authorization"] for _ in range(2)]
    assert first == again
    assert first.startswith("Bearer ya29.")


async def test_the_sandboxs_own_file_leads_to_the_sandbox_or_nowhere(key: rsa.RSAPrivateKey) -> None:
    async def reply(_: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(200, json.dumps(account(key, "http://127.0.0.1:1")).encode()))

    async with serving(reply) as server:
        environ = {"AGENTES_SANDBOX_URL": server.url}
        auth = signature("google_cloud_tts", environ, server.url, sandbox_url=server.url)
        with pytest.raises(BadRequest, match="which is not Google"):
            await signed(auth, server.url)


async def test_the_refused_practice_key_is_shown_so_that_it_can_be_refused() -> None:
    here = "http://127.0.0.1:9100/google_cloud_tts"
    auth = signature("google_cloud_tts", {VARIABLE: "bad-key"}, here, sandbox_url="http://127.0.0.1:9100")
    assert (await signed(auth, here))["authorization"] == "Bearer bad-key"


async def test_no_log_line_shows_what_was_signed_with(
    key: rsa.RSAPrivateKey, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with googles(key, tmp_path) as google:
        auth = google.signature()
        await google.bearer(auth)
        await signed(signature("google_images", {"GOOGLE_API_KEY": CANARY}), facts("google_images").base_url)
        shown = google.secrets.mask(caplog.text)
        assert "BEGIN PRIVATE KEY" not in caplog.text
        assert CANARY not in shown
        assert CANARY not in repr(auth) + repr(vars(auth))
