"""No address in any field of any request leads inside, and nothing is dialled to find out."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from small_service import SmallService

PRIVATE_HOSTS = [
    "127.0.0.1", "localhost", "LOCALHOST", "localhost.", "[::1]", "0.0.0.0", "0", "127.1", "127.0.1",
    "2130706433", "0x7f000001", "0177.0.0.1", "0x7f.1", "017700000001", "0x7F.0.0.1", "127.0.0.1.",
    "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.0.1", "192.168.255.255",
    "100.64.0.1", "100.127.255.255", "169.254.169.254", "169.254.170.2", "168.63.129.16", "[fd00:ec2::254]",
    "[fc00::1]", "metadata.localhost", "[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]",
    "[64:ff9b::a9fe:a9fe]", "[64:ff9b:1::1]", "[2002:a9fe:a9fe::1]", "[2002:7f00:1::]", "[2001::1]",
    "[2001:0:4136:e378::1]", "[::127.0.0.1]", "[::ffff:0:127.0.0.1]", "[::ffff:127.0.0.1]", "[::]",
    "224.0.0.1", "239.1.1.1", "255.255.255.255", "240.0.0.1", "[fec0::1]", "[fe80::1%25lo]", "[fe80::1]",
    "[ff02::1]", "192.88.99.1", "192.0.2.1", "198.51.100.7", "203.0.113.9", "198.18.0.1", "198.19.255.255",
    "192.0.0.8", "[2001:db8::1]", "[3fff::1]", "[5f00::1]", "[100::1]", "127。0。0。1", "127．0．0．1",
    "①②⑦.0.0.1", "⑯⑨.254.169.254", "0x7f.0x0.0x0.0x1", "127.00.00.01", "0000.0000.0000.0000", "1", "3232235521",
    "0xa9fea9fe", "2852039166", "0251.0376.0251.0376", "169.254.43518", "169.16689662",
]  # fmt: skip
ODD_FORMS = [
    "http://ok@127.0.0.1/", "https://ok@127.0.0.1/", "https://ok:s3cr3t@example.com/", "https://evil\\@127.0.0.1/",
    "https://example.com%2f@127.0.0.1/", "https://example.com#@127.0.0.1/@", "https://exam\tple.com/",
    "https://127.0.0.1\r\nHost: x/", "https://example.com\n/", "https://example.com%00.evil.com/",
    "file:///etc/passwd", "gopher://example.com/", "ftp://example.com/", "data:text/plain,hello",
    "javascript:alert(1)", "http:127.0.0.1", "https:127.0.0.1", "https:///x", "https://", "//example.com/x",
    "example.com", "http://example.com/", "http://example.com:443/", "https://example.com:0/",
    "https://example.com:22/", "https://example.com:25/", "https://example.com:80/", "https://example.com:6379/",
    "https://example.com:99999/", "https://example.com:x/", "https://[::1", "https://*/", "https://-example.com/",
    "https://exa$mple.com/", "https://exam ple.com/", "https://example.com\\.evil.com/", "", " ",
    "https://" + "a" * 3000 + ".com/", "unix:///run/docker.sock", "ldap://127.0.0.1/", "dict://127.0.0.1:6379/",
    "https://xn--a/", "concat:a|b", "subfile,,start,0,:/etc/passwd", "-y.mp4", "../../etc/passwd",
]  # fmt: skip
PAYLOADS = [*(f"https://{host}/x.mp4" for host in PRIVATE_HOSTS), *ODD_FORMS]
ENTRIES: dict[str, tuple[str, str, Any]] = {
    "video_url": ("POST", "/pipeline/run", lambda url: {"video_url": url}),
    "callback_url": ("POST", "/pipeline/run", lambda url: {"brief": "a mug", "callback_url": url}),
    "callback of a film": (
        "POST",
        "/pipeline/run",
        lambda url: {"video_url": "https://example.com/a.mp4", "callback_url": url},
    ),
    "videos": ("POST", "/pipeline/batch", lambda url: {"videos": [{"url": url}]}),
    "callback of a video": (
        "POST",
        "/pipeline/batch",
        lambda url: {"videos": [{"url": "https://example.com/a.mp4", "callback_url": url}]},
    ),
    "runs": ("POST", "/pipeline/batch", lambda url: {"runs": [{"video_url": url}]}),
    "webhook": ("POST", "/webhooks/register", lambda url: {"url": url}),
    "changed webhook": ("PUT", "/webhooks/{webhook}", lambda url: {"url": url}),
    "changed callback": ("PUT", "/jobs/{job}", lambda url: {"callback_url": url}),
}


@pytest.fixture
def dialled(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[object]]:
    """Whatever anybody in this process looks up or calls."""
    calls: list[object] = []

    def watch(name: str) -> Any:
        def called(*given: object, **_: object) -> Any:
            calls.append((name, given))
            raise OSError("nobody is called here")

        return called

    for name in ("getaddrinfo", "gethostbyname", "gethostbyaddr", "create_connection"):
        monkeypatch.setattr(socket, name, watch(name))
    yield calls
    assert calls == []


def test_there_are_enough_payloads() -> None:
    assert len(set(PAYLOADS)) >= 120


@pytest.mark.parametrize("entry", ENTRIES)
async def test_an_address_that_leads_inside_is_refused_and_nothing_is_called(
    small: SmallService, dialled: list[object], entry: str
) -> None:
    key = await small.key()
    hook = await small.ask("POST", "/webhooks/register", key, json={"url": "https://example.com/h"})
    job = await small.run(key)
    begun = len(small.still.begun)
    method, path, body = ENTRIES[entry]
    path = path.format(webhook=hook.json()["webhook_id"], job=job)
    for url in PAYLOADS:
        answer = await small.ask(method, path, key, json=body(url))
        assert answer.status_code == 400, (url, answer.text)
        error = answer.json()["error"]
        assert any(name.endswith("url") for name in error["details"]), error
        assert "s3cr3t" not in answer.text
    assert len(small.still.begun) == begun
    assert [hook.url for hook in small.service.outbox.list("acme")] == ["https://example.com/h"]


@pytest.mark.parametrize("host", ["api.example", "API.example", "api.example:443"])
async def test_our_own_address_is_nobody_to_tell(small: SmallService, host: str) -> None:
    key = await small.key()
    body = {"url": f"https://{host}/webhooks"}
    answer = await small.ask("POST", "/webhooks/register", key, json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "URL_NOT_ALLOWED")


async def test_ordinary_addresses_pass(small: SmallService, dialled: list[object]) -> None:
    key = await small.key()
    for url in ("https://example.com/a.mp4?x=1", "https://files.example.com:8443/a", "https://8.8.8.8/x"):
        assert (await small.ask("POST", "/pipeline/run", key, json={"video_url": url})).status_code == 202
        assert (await small.ask("POST", "/webhooks/register", key, json={"url": url})).status_code == 201
