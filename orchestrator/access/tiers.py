"""The tiers: how many requests a minute, how many at once, how many jobs side by side, and whether in batches."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple

__all__ = ["TIERS", "Tier", "TierName"]

TierName = Literal["free", "pro", "enterprise"]


class Tier(NamedTuple):
    """What a tenant may ask of the service; None is without limit."""

    requests_a_minute: int | None
    burst: int | None
    concurrent_jobs: int
    may_batch: bool


TIERS: Mapping[str, Tier] = MappingProxyType(
    {
        "free": Tier(requests_a_minute=10, burst=5, concurrent_jobs=2, may_batch=False),
        "pro": Tier(requests_a_minute=100, burst=50, concurrent_jobs=10, may_batch=True),
        "enterprise": Tier(requests_a_minute=None, burst=None, concurrent_jobs=50, may_batch=True),
    }
)
