"""What is answered: the shape of every good answer, as the document of the service promises it."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import Field, JsonValue, PlainSerializer, WithJsonSchema

from orchestrator.composer.documents import utc
from shared_knowledge.vocabulary import Brand, Frozen, JobState

__all__ = [
    "STATUS",
    "Accepted",
    "AssetLink",
    "AuditEntry",
    "BatchAccepted",
    "BatchStanding",
    "Cancelled",
    "Changed",
    "CustomsShown",
    "Deleted",
    "Delivered",
    "ErrorAnswer",
    "ErrorSaid",
    "Health",
    "JobRow",
    "JobStanding",
    "KeyMade",
    "KeyShown",
    "Missing",
    "Page",
    "PageNumbers",
    "PlanAnswer",
    "PresetShown",
    "QuoteShown",
    "Ready",
    "Result",
    "Status",
    "Tested",
    "Usage",
    "UsageDay",
    "WebhookMade",
    "WebhookShown",
    "Wiped",
    "page_of",
]

T = TypeVar("T")

Status = Literal["PENDING", "PROCESSING", "COMPLETED", "FAILED", "CANCELLED"]
STATUS: dict[JobState, Status] = {
    JobState.QUEUED: "PENDING",
    JobState.AWAITING_APPROVAL: "PENDING",
    JobState.PAUSED: "PENDING",
    JobState.RUNNING: "PROCESSING",
    JobState.DONE: "COMPLETED",
    JobState.PARTIAL: "COMPLETED",
    JobState.FAILED: "FAILED",
    JobState.IN_DOUBT: "FAILED",
    JobState.CANCELLED: "CANCELLED",
}

Moment = Annotated[
    datetime,
    PlainSerializer(utc, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
_Number = Annotated[
    Decimal,
    PlainSerializer(lambda exact: float(exact), return_type=float),
    WithJsonSchema({"type": "number", "minimum": 0}),
]
_Usd = Annotated[str, Field(pattern=r"^[0-9]+\.[0-9]{6}$", description="Dollars, exact to six decimals.")]


class ErrorSaid(Frozen):
    """What went wrong."""

    type: str
    message: str
    code: str
    details: dict[str, str] | None = None
    retry_after: int | None = None
    request_id: str


class ErrorAnswer(Frozen):
    """An error, as every client reads it."""

    error: ErrorSaid


class PageNumbers(Frozen):
    """Where in a list one is."""

    page: int
    limit: int
    total: int
    pages: int
    has_next: bool
    has_previous: bool


class Page(Frozen, Generic[T]):
    """Some of a list, and where one is in it."""

    items: tuple[T, ...]
    pagination: PageNumbers


def page_of(page: int, limit: int, total: int) -> PageNumbers:
    """The numbers of one page of a list so long."""
    pages = -(-total // limit)
    return PageNumbers(
        page=page, limit=limit, total=total, pages=pages, has_next=page < pages, has_previous=page > 1
    )


# ── jobs ───────────────────────────────────────────────────────────────────────────────────────


class Accepted(Frozen):
    """A job in our keeping."""

    job_id: str
    status: Status
    estimated_duration_seconds: int = Field(
        description="How long your last jobs took on average; 300 before there are any."
    )
    created_at: Moment
    callback_secret: str | None = Field(
        None, description="With this, what `callback_url` hears is signed as a webhook's deliveries are."
    )


class BatchAccepted(Frozen):
    """Many jobs in our keeping, in the order in which they were asked."""

    batch_id: str
    total: int
    jobs: tuple[Accepted, ...]


class BatchStanding(Frozen):
    """How the jobs of a batch stand."""

    batch_id: str
    total: int
    counts: dict[Status, int]
    jobs: tuple[dict[str, str], ...]


class AssetLink(Frozen):
    """A file that was made, with an address that opens it for a day without a key."""

    name: str
    url: str
    mime: str
    size_bytes: int
    sha256: str
    medium: str
    width: int | None = None
    height: int | None = None
    duration_s: float | None = None
    platform: str
    model: str
    cost_usd: _Usd
    warnings: tuple[str, ...] = ()


class Missing(Frozen):
    """What could not be made, and why."""

    task: str
    why: str


class Result(Frozen):
    """What came of a job."""

    video_url: str | None = Field(
        description="The film; opens without a key for a day. Ask again for a new link."
    )
    cost_estimate: _Number = Field(description="What the ledger says it cost, in dollars.")
    quality_score: float | None = Field(
        description="0 to 1, computed from what was measured in the film; null where nothing was measured."
    )
    processing_time_seconds: int
    cost_usd: _Usd
    assets: tuple[AssetLink, ...] = ()
    shortfalls: tuple[Missing, ...] = ()


class QuoteShown(Frozen):
    """The promise a job waits with."""

    hash: str
    estimate_usd: _Usd
    ceiling_usd: _Usd
    expires_at: str
    questions: tuple[str, ...] = Field(
        description="What the brief leaves open. A yes takes it as it was understood; the plan tells how."
    )


class JobRow(Frozen):
    """A job in a list."""

    job_id: str
    status: Status
    created_at: Moment
    ended_at: Moment | None
    error: str | None


class JobStanding(Frozen):
    """How a job stands, and what came of it."""

    job_id: str
    status: Status
    state: str = Field(description="The same, told apart more finely.")
    progress: int = Field(ge=0, le=100, description="Of the tasks, how many per cent are done.")
    created_at: Moment
    ended_at: Moment | None
    preset: str | None
    batch_id: str | None
    metadata: dict[str, JsonValue] | None
    result: Result | None
    error: str | None
    approval: QuoteShown | None = Field(description="What it waits for, where it waits for a yes.")
    erased_at: Moment | None = None


class Changed(Frozen):
    """A job after a change."""

    job_id: str
    status: Status
    metadata: dict[str, JsonValue] | None
    callback_url: str | None
    callback_secret: str | None = None


class Cancelled(Frozen):
    """A job that was cancelled; what was already made or charged stays in the ledger."""

    job_id: str
    status: Status
    reason: str | None


class PlanAnswer(Frozen):
    """What would be done, by whom, for how much, as `agentes plan --json` says it."""

    brief: str
    brief_language: str
    understanding: dict[str, Any]
    coverage: tuple[dict[str, Any], ...]
    tasks: tuple[dict[str, Any], ...]
    estimate_usd: _Usd
    ceiling_usd: _Usd
    oldest_price: str | None
    assumptions: tuple[str, ...]
    questions: tuple[str, ...]
    warnings: tuple[str, ...]
    quote: dict[str, str]
    obstacle: str | None = Field(None, description="Why it could not be run as it is.")


class PresetShown(Frozen):
    """A ready-made brief."""

    id: str
    name: str
    description: str
    brief: str
    ratio: str
    duration_s: float | None
    quality: str
    voice: bool
    captions: bool
    photos: int
    shots: int


# ── webhooks, keys, account ────────────────────────────────────────────────────────────────────


class WebhookShown(Frozen):
    """An address that is told; its secret was shown when it was made."""

    webhook_id: str
    url: str | None
    events: tuple[str, ...]
    active: bool
    created_at: Moment
    switched_off_because: str | None


class WebhookMade(WebhookShown):
    """An address that is told from now on, with the secret its deliveries are signed with."""

    secret: str | None = Field(description="Shown now and never again; null when an answer is repeated.")


class Tested(Frozen):
    """What became of a test delivery."""

    webhook_id: str
    delivery_id: str
    status: str


class Delivered(Frozen):
    """One message to one webhook, and how far it came."""

    delivery_id: str
    message_id: str
    event: str
    job_id: str | None
    state: Literal["due", "paused", "delivered", "failed"]
    attempts: int
    due_at: Moment
    created_at: Moment
    ended_at: Moment | None


class Deleted(Frozen):
    """Something that is no more."""

    id: str
    deleted: Literal[True] = True


class KeyShown(Frozen):
    """A key as its owner sees it: everything but the key."""

    key_id: str
    name: str
    hint: str
    tier: str
    environment: Literal["live", "test"]
    scopes: tuple[str, ...]
    state: str
    created_at: Moment
    expires_at: Moment | None
    revoked_at: Moment | None
    last_used_at: Moment | None


class KeyMade(Frozen):
    """A key at the only moment it can be read."""

    key_id: str
    key: str | None = Field(description="Shown now and never again; null when an answer is repeated.")
    name: str
    tier: str
    environment: Literal["live", "test"]
    scopes: tuple[str, ...]
    created_at: Moment
    expires_at: Moment | None


class AuditEntry(Frozen):
    """One thing that was done with a key, or to one."""

    at: Moment
    by: str
    what: str
    subject: str | None
    note: str | None


class UsageDay(Frozen):
    """One day of yours."""

    day: str
    requests: int
    jobs: int
    spent_usd: _Usd
    reserved_usd: _Usd


class Usage(Frozen):
    """What was used since a day, and how much may be."""

    tier: str
    environment: Literal["live", "test"]
    since: str
    until: str
    requests: int
    jobs: int
    jobs_by_status: dict[Status, int]
    spent_usd: _Usd
    reserved_usd: _Usd
    days: tuple[UsageDay, ...]
    limits: dict[str, int | bool | None] = Field(description="Of your tier; null is without limit.")


class CustomsShown(Frozen):
    """What is settled for every job of yours."""

    use: tuple[str, ...]
    avoid: tuple[str, ...]
    budget_usd: _Usd | None
    retention_days: int | None
    brand: Brand | None


class Wiped(Frozen):
    """What was erased. Days and amounts stay in the ledger, without a word of what they were for."""

    jobs: int
    files: int
    before: Moment
    left: tuple[str, ...] = Field(
        description="Jobs that are still under way, or whose orders are not settled."
    )


class Health(Frozen):
    """The process answers."""

    status: Literal["ok"] = "ok"
    version: str
    timestamp: Moment


class Ready(Frozen):
    """Whether jobs can be taken."""

    status: Literal["ready", "not ready"]
    checks: dict[str, str]
