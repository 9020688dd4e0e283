"""Access: who may ask, how much of it and how often; every face asks here before it asks the Studio."""

from orchestrator.access.caller import SCOPES, Caller, KeyRow, NewKey, UnknownKey
from orchestrator.access.idempotency import (
    AlreadyAnswered,
    Answer,
    Begun,
    Idempotency,
    Verdict,
    name_of,
    request_digest,
)
from orchestrator.access.keys import Keys
from orchestrator.access.limiter import UNLIMITED, Limiter, LimiterHere, SharedLimiter, Standing, open_limiter
from orchestrator.access.room import TooManyJobs, insist_on_room
from orchestrator.access.tenants import TenantRow, Tenants
from orchestrator.access.tiers import TIERS, Tier, TierName
from orchestrator.access.trail import Deed, Trail, note_deed
from orchestrator.access.usage import Usage, UsageRow
from orchestrator.access.wanted import BeyondTheKey

__all__ = [
    "SCOPES",
    "TIERS",
    "UNLIMITED",
    "AlreadyAnswered",
    "Answer",
    "Begun",
    "BeyondTheKey",
    "Caller",
    "Deed",
    "Idempotency",
    "KeyRow",
    "Keys",
    "Limiter",
    "LimiterHere",
    "NewKey",
    "SharedLimiter",
    "Standing",
    "TenantRow",
    "Tenants",
    "Tier",
    "TierName",
    "TooManyJobs",
    "Trail",
    "UnknownKey",
    "Usage",
    "UsageRow",
    "Verdict",
    "insist_on_room",
    "name_of",
    "note_deed",
    "open_limiter",
    "request_digest",
]
