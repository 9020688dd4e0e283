"""How a receiver knows that a webhook is ours: two signatures over the very bytes, in two customs.

`X-AIPROD-Signature` is the hex HMAC-SHA256 of the body. The other three headers are those of Standard
Webhooks, and cover the id and the moment too, so that an old letter cannot be sent again by somebody else.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Sequence
from secrets import token_bytes

__all__ = [
    "DELIVERY",
    "MOST_SIGNATURES",
    "SIGNATURE",
    "TOLERANCE_S",
    "headers_of",
    "is_signed",
    "new_secret",
]

SIGNATURE = "X-AIPROD-Signature"
DELIVERY = "X-AIPROD-Delivery"
"""Names the delivery; whatever comes back to us with it goes round in a circle, and is refused."""
MOST_SIGNATURES = 8
TOLERANCE_S = 300

_PREFIX = "whsec_"
_SECRET_BYTES = 32


def new_secret() -> str:
    """A secret nobody has had before: `whsec_` and 32 random bytes."""
    return _PREFIX + b64encode(token_bytes(_SECRET_BYTES)).decode()


def headers_of(
    body: bytes, *, message: str, delivery: str, event: str, sent_at: int, secrets: Sequence[str]
) -> dict[str, str]:
    """The headers of one attempt. While two secrets are good, both sign; the first one leads."""
    standard = " ".join(f"v1,{_standard(secret, message, sent_at, body)}" for secret in secrets)
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "AIPROD-Webhooks/1",
        SIGNATURE: _plain(secrets[0], body),
        DELIVERY: delivery,
        "X-AIPROD-Event": event,
        "webhook-id": message,
        "webhook-timestamp": str(sent_at),
        "webhook-signature": standard,
    }
    if len(secrets) > 1:
        headers[f"{SIGNATURE}-Other"] = _plain(secrets[1], body)
    return headers


def is_signed(
    body: bytes, *, secrets: Sequence[str], message: str, sent_at: str, signatures: str, now: float
) -> bool:
    """Whether one of the first signatures of a Standard Webhook is good, and it was sent just now."""
    if not sent_at.isascii() or not sent_at.isdigit() or abs(now - int(sent_at[:12])) > TOLERANCE_S:
        return False
    offered = [each.partition(",") for each in signatures.split(" ", MOST_SIGNATURES)[:MOST_SIGNATURES]]
    good = [_standard(secret, message, int(sent_at), body).encode() for secret in secrets]
    return any(
        version == "v1" and hmac.compare_digest(code.encode("utf-8", "replace"), each)
        for version, _, code in offered
        for each in good
    )


def _plain(secret: str, body: bytes) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def _standard(secret: str, message: str, sent_at: int, body: bytes) -> str:
    signed = b".".join([message.encode("utf-8", "replace"), str(sent_at).encode(), body])
    return b64encode(hmac.new(_key(secret), signed, hashlib.sha256).digest()).decode()


def _key(secret: str) -> bytes:
    try:
        return b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (NotBase64, ValueError):
        return secret.encode()
