"""A vendor is heard by its signature, once, and whatever else comes is turned away with a word and no more."""

from __future__ import annotations

import base64
import hashlib
import json
import random
from collections.abc import Sequence
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from standardwebhooks.webhooks import Webhook

from orchestrator.webhooks.incoming import HookRefused, Incoming
from shared_knowledge.catalogue import Catalogue
from shared_knowledge.errors import Unreachable
from shared_knowledge.platform_facts import Hooks

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = PRIVATE.public_key().public_bytes_raw()
NOW = 1_800_000_000
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
PLATFORMS = [
    *Catalogue.load().platforms,
    Catalogue.load()
    .platform("luma")
    .model_copy(
        update={
            "id": "replicate",
            "hooks": Hooks(by="standard_webhooks", secret="REPLICATE_WEBHOOK_SECRET", number=("id",)),
        }
    ),
]


class Desk:
    """Hears hints, and hands out keys."""

    def __init__(self) -> None:
        self.hints: list[tuple[str, str]] = []
        self.keys: list[bytes] = [PUBLIC]
        self.asked = 0
        self.time = float(NOW)
        self.secret: str | None = SECRET
        self.incoming = Incoming(
            PLATFORMS,
            self.hint,
            keys=self.get,
            secret=lambda name: self.secret if name == "REPLICATE_WEBHOOK_SECRET" else None,
            now=lambda: self.time,
        )

    async def hint(self, platform: str, number: str) -> None:
        self.hints.append((platform, number))

    async def get(self, url: str, *, anew: bool = False) -> Sequence[bytes]:
        assert url == "https://rest.fal.ai/.well-known/jwks.json"
        self.asked += 1
        if not self.keys:
            raise Unreachable("nobody there")
        return self.keys


@pytest.fixture
def desk() -> Desk:
    return Desk()


def from_fal(body: bytes, *, request: str = "req1", at: int = NOW, **other: str) -> dict[str, str]:
    said = "\n".join([request, "user1", str(at), hashlib.sha256(body).hexdigest()]).encode()
    return {
        "X-Fal-Webhook-Request-Id": request,
        "X-Fal-Webhook-User-Id": "user1",
        "X-Fal-Webhook-Timestamp": str(at),
        "X-Fal-Webhook-Signature": PRIVATE.sign(said).hex(),
        **other,
    }


def from_replicate(body: bytes, *, message: str = "msg_1", at: int = NOW) -> dict[str, str]:
    from datetime import UTC, datetime

    signature = Webhook(SECRET).sign(message, datetime.fromtimestamp(at, UTC), body.decode())
    return {"webhook-id": message, "webhook-timestamp": str(at), "webhook-signature": signature}


DONE = json.dumps(
    {"request_id": "req1", "status": "OK", "payload": {"video": {"url": "https://evil"}}}
).encode()
TASK = json.dumps({"code": 0, "data": {"task_id": "8402", "task_status": "succeed"}}).encode()
MADE = json.dumps({"id": "gen-7", "state": "completed"}).encode()


# ── who is believed ────────────────────────────────────────────────────────────────────────────────


async def test_a_known_signature_is_good(desk: Desk) -> None:
    """The vector that is on file: a key of counting bytes, and a body of which only the digest is told."""
    from orchestrator.webhooks.incoming import _is_signed_with

    digest = "009a6f8dc681f105b520c2fe54aaf96d1ff81268c320ba9923d7b3d39da99354"
    signature = bytes.fromhex(
        "2cc55ee53144f03c8ad319e87136b4aabaa6b5301fef0c97d5363497e43f2e03"
        "74c051087b4d15d308cec96cf781f40eb5f72c5615f7d362500c515cfb625603"
    )
    key = base64.urlsafe_b64decode("A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=")
    assert key == PUBLIC
    assert _is_signed_with([key], signature, f"req1\nuser1\n1800000000\n{digest}".encode())
    assert not _is_signed_with([key], signature, f"req2\nuser1\n1800000000\n{digest}".encode())


@pytest.mark.parametrize(
    ("platform", "headers", "body", "number"),
    [
        ("pika", from_fal(DONE), DONE, "req1"),
        ("kling", {}, TASK, "8402"),
        ("kling", {}, b'{"task_id": 8402}', "8402"),
        ("luma", {}, MADE, "gen-7"),
        ("replicate", from_replicate(MADE), MADE, "gen-7"),
    ],
)
async def test_each_vendor_in_its_own_way(
    desk: Desk, platform: str, headers: dict[str, str], body: bytes, number: str
) -> None:
    assert await desk.incoming.receive(platform, headers, body) == 200
    assert desk.hints == [(platform, number)]


async def test_names_of_headers_have_no_case(desk: Desk) -> None:
    headers = {name.lower(): value for name, value in from_fal(DONE).items()}
    assert await desk.incoming.receive("pika", headers, DONE) == 200


async def test_a_word_is_heard_once(desk: Desk) -> None:
    for platform, headers, body in (
        ("pika", from_fal(DONE), DONE),
        ("kling", {}, TASK),
        ("replicate", from_replicate(MADE), MADE),
    ):
        for _ in range(3):
            assert await desk.incoming.receive(platform, headers, body) == 200
    assert len(desk.hints) == 3
    assert not (await desk.incoming.hear("kling", {}, TASK)).is_new


async def test_after_ten_minutes_it_is_another(desk: Desk) -> None:
    for at in (0, 599, 601):
        desk.time = NOW + at
        await desk.incoming.receive("kling", {}, TASK)
    assert len(desk.hints) == 2


async def test_so_many_words_are_remembered_and_no_more(desk: Desk) -> None:
    for n in range(10_050):
        await desk.incoming.receive("luma", {}, b'{"id": "gen-%d"}' % n)
    assert len(desk.incoming._heard) == 10_000


async def test_keys_that_have_changed_are_asked_for_anew(desk: Desk) -> None:
    other = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    desk.keys = [other, b"no key", PUBLIC]
    assert await desk.incoming.receive("pika", from_fal(DONE), DONE) == 200
    desk.keys = [other]
    assert await desk.incoming.receive("pika", from_fal(DONE, request="req2"), DONE) == 401
    assert desk.asked == 3


async def test_without_keys_the_vendor_is_asked_to_come_again(desk: Desk) -> None:
    desk.keys = []
    assert await desk.incoming.receive("pika", from_fal(DONE), DONE) == 503
    assert not desk.hints


async def test_without_a_secret_nobody_listens(desk: Desk) -> None:
    desk.secret = None
    assert await desk.incoming.receive("replicate", from_replicate(MADE), MADE) == 404


@pytest.mark.parametrize("platform", ["runway", "nobody", "", "../../etc", "draft_clip", "x" * 5000])
async def test_for_others_nobody_listens(desk: Desk, platform: str) -> None:
    assert await desk.incoming.receive(platform, from_fal(DONE), DONE) == 404


# ── who is not ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "headers",
    [
        {},
        from_fal(b"other words"),
        from_fal(DONE, at=NOW - 301),
        from_fal(DONE, at=NOW + 301),
        from_fal(DONE) | {"X-Fal-Webhook-Request-Id": "req2"},
        from_fal(DONE) | {"X-Fal-Webhook-User-Id": "user2"},
        from_fal(DONE) | {"X-Fal-Webhook-Timestamp": str(NOW - 1)},
        from_fal(DONE) | {"X-Fal-Webhook-Timestamp": "١٨٠٠٠٠٠٠٠٠"},
        from_fal(DONE) | {"X-Fal-Webhook-Timestamp": "1e9"},
        from_fal(DONE) | {"X-Fal-Webhook-Timestamp": "-1"},
        from_fal(DONE) | {"X-Fal-Webhook-Timestamp": "9" * 400},
        from_fal(DONE) | {"X-Fal-Webhook-Signature": ""},
        from_fal(DONE) | {"X-Fal-Webhook-Signature": "00" * 64},
        from_fal(DONE) | {"X-Fal-Webhook-Signature": "zz" * 64},
        from_fal(DONE) | {"X-Fal-Webhook-Signature": "\udcff" * 128},
        from_fal(DONE) | {"X-Fal-Webhook-Request-Id": "a\nb"},
        from_fal(DONE) | {"X-Fal-Webhook-Request-Id": "x" * 9000},
    ],
)
async def test_a_forged_word_is_not_believed(desk: Desk, headers: dict[str, str]) -> None:
    assert await desk.incoming.receive("pika", headers, DONE) == 401
    assert not desk.hints
    assert await desk.incoming.receive("pika", from_fal(DONE), DONE) == 200


@pytest.mark.parametrize(
    "changed",
    [
        {"webhook-id": "msg_2"},
        {"webhook-id": ""},
        {"webhook-timestamp": str(NOW - 301)},
        {"webhook-timestamp": str(NOW + 301)},
        {"webhook-timestamp": "abc"},
        {"webhook-timestamp": ""},
        {"webhook-timestamp": "²"},
        {"webhook-signature": ""},
        {"webhook-signature": "abc"},
        {"webhook-signature": "v1,"},
        {"webhook-signature": "v1,\udcff\udcfe"},
        {"webhook-signature": "v1a," + from_replicate(MADE)["webhook-signature"][3:]},
        {"webhook-signature": "v1,AAAA " * 8 + from_replicate(MADE)["webhook-signature"]},
        {"webhook-signature": "v1,AAAA " * 1000 + from_replicate(MADE)["webhook-signature"]},
    ],
)
async def test_a_forged_standard_webhook_is_not_believed(desk: Desk, changed: dict[str, str]) -> None:
    assert await desk.incoming.receive("replicate", from_replicate(MADE) | changed, MADE) == 401
    assert not desk.hints


async def test_one_good_signature_among_a_few_is_enough(desk: Desk) -> None:
    headers = from_replicate(MADE)
    headers["webhook-signature"] = "v1,AAAA v2,x " + headers["webhook-signature"] + " v1,BBBB"
    assert await desk.incoming.receive("replicate", headers, MADE) == 200


GARBAGE = [
    b"",
    b"\xff\xfe\x00",
    b"null",
    b"5",
    b'"req1"',
    b"[]",
    b"{}",
    b'{"request_id": null, "id": null, "data": null}',
    b'{"request_id": true, "id": true, "task_id": true}',
    b'{"request_id": 1.5, "id": [], "task_id": {}}',
    b'{"request_id": "", "id": "", "task_id": ""}',
    b'{"request_id": "../ x", "id": "a b", "task_id": "\\u0000"}',
    b'{"request_id": "' + b"x" * 300 + b'", "id": "\xc3\xa9", "data": {"task_id": []}}',
    b'{"data": "task_id", "id": NaN}',
    b"{" * 100_000,
    b"[" * 100_000,
    b'{"id": ' + b"9" * 5000 + b"}",
    b"\xef\xbb\xbf{}",
    b"--boundary\r\nContent-Disposition: form-data\r\n\r\nx",
]


@pytest.mark.parametrize("body", GARBAGE)
async def test_what_cannot_be_read_is_refused_in_words(desk: Desk, body: bytes) -> None:
    for platform, headers in (("pika", from_fal(body)), ("kling", {}), ("luma", {})):
        assert await desk.incoming.receive(platform, headers, body) == 400
    assert not desk.hints
    with pytest.raises(HookRefused, match=r"\w+ \w+"):
        await desk.incoming.hear("kling", {}, body)


async def test_more_than_a_hook_can_hold_is_not_read(desk: Desk) -> None:
    assert await desk.incoming.receive("kling", {}, b'{"task_id": "1"}' + b" " * 300_000) == 413


async def test_no_bytes_whatsoever_are_an_exception(desk: Desk) -> None:
    dice = random.Random(5)
    whole = [DONE, TASK, MADE]
    for _ in range(1500):
        body = bytearray(dice.choice(whole))
        for _ in range(dice.randrange(1, 6)):
            body[dice.randrange(len(body))] = dice.randrange(256)
        headers: dict[str, Any] = {
            name: "".join(chr(dice.randrange(1, 256)) for _ in range(dice.randrange(200)))
            for name in (*from_fal(DONE), *from_replicate(MADE))
            if dice.random() < 0.8
        }
        for platform in ("pika", "kling", "luma", "replicate"):
            assert await desk.incoming.receive(platform, headers, bytes(body)) in (200, 400, 401)
