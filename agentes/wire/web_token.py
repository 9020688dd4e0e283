"""A JSON web token: claims that whoever holds the key has sealed."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping

__all__ = ["web_token"]


def web_token(head: Mapping[str, str], claims: Mapping[str, object], seal: Callable[[bytes], bytes]) -> str:
    """The token of these claims in its compact form; `seal` signs what it is given."""
    signed = f"{_part(head)}.{_part(claims)}"
    return f"{signed}.{_base64(seal(signed.encode()))}"


def _part(claims: Mapping[str, object]) -> str:
    return _base64(json.dumps(claims, separators=(",", ":")).encode())


def _base64(plain: bytes) -> str:
    return urlsafe_b64encode(plain).rstrip(b"=").decode()
