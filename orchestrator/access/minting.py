"""Keys are drawn by lot and shown once; what is kept is a digest, and a hint by which a person tells them apart."""

from __future__ import annotations

import secrets
from hashlib import sha256
from typing import NamedTuple

__all__ = ["Minted", "digest_of", "mint", "name_by_lot"]

_RANDOM_BYTES = 32  # 43 letters that need no escape in an address
_LIVE, _TEST = "sk_live_", "sk_test_"
_HINT = 4


class Minted(NamedTuple):
    """A key and what is kept of it."""

    key: str
    digest: str
    hint: str

    def __repr__(self) -> str:
        return f"Minted({self.hint})"


def mint(*, test: bool) -> Minted:
    """A key that nobody can guess."""
    prefix = _TEST if test else _LIVE
    key = prefix + secrets.token_urlsafe(_RANDOM_BYTES)
    return Minted(key, digest_of(key), f"{prefix}…{key[-_HINT:]}")


def digest_of(key: str) -> str:
    """What is kept of a key; of whatever somebody sends as one, without a look at it."""
    return sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def name_by_lot(kind: str) -> str:
    """A name such as key_3f2a9c017be45d68 that nothing else has."""
    return f"{kind}_{secrets.token_hex(8)}"
