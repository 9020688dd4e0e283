"""What may be asked: the bodies and parameters of every request, and nothing beyond them."""

from __future__ import annotations

import json
import re
import unicodedata
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    Discriminator,
    Field,
    JsonValue,
    StringConstraints,
    Tag,
    WithJsonSchema,
)

from shared_knowledge.money import Money
from shared_knowledge.narrated_words import address_of, language_tag, one_of, spoken_words
from shared_knowledge.vocabulary import Brand, Choice, Frozen, Medium, MusicStyle, Quality

__all__ = [
    "FORMS",
    "Approval",
    "Batch",
    "BatchVideo",
    "BrandWish",
    "BriefRun",
    "CustomsChange",
    "ErasureQuery",
    "EventsQuery",
    "JobChange",
    "LinkQuery",
    "ManyRuns",
    "NarrationRun",
    "NewKeyAsked",
    "NewWebhook",
    "PageQuery",
    "PlanAsked",
    "PresetRun",
    "Rotation",
    "Run",
    "SortedPageQuery",
    "UsageQuery",
    "VideoBatch",
    "WebhookChange",
    "choices",
]

FORMS = frozenset({"(film)", "(brief)", "(preset)", "(videos)", "(runs)"})

_LONGEST_BRIEF = 8_000
_LONGEST_ADDRESS = 2_000
_LONGEST_METADATA = 16_384
_MOST_JOBS = 100
_AMOUNT = r"^[0-9]{1,6}(\.[0-9]{1,6})?$"
_CHOICE = r"^((photo|video|voice)=)?[a-z][a-z0-9_]{0,62}(:[A-Za-z0-9][A-Za-z0-9._-]{0,126})?$"
_DATE_AND_TIME = r"(?a:\d{4}-\d\d-\d\d[Tt]\d\d:\d\d)"
_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn"}
_JOINERS = {"\n", "\t", "\u200d", "\ufe0f"}
_SEEN = (
    r"[^\u0000-\u0020\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e"
    r"\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufe00-\ufe0f\ufeff]"
)


def _plain_words(text: str) -> str:
    composed = unicodedata.normalize("NFC", text)
    kept = "".join(
        letter for letter in composed if letter in _JOINERS or unicodedata.category(letter) not in _INVISIBLE
    ).strip()
    if not kept.strip("\u200d\ufe0f \n\t"):
        raise ValueError("Must have words that can be read")
    return kept


def _amount(value: Any) -> Any:
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = repr(value)
    if not isinstance(value, str) or not re.fullmatch(_AMOUNT, value):
        raise ValueError("Must be an amount in dollars, such as 2 or 0.50")
    return Money.dollars(value)


def _moment(value: Any) -> Any:
    try:
        if isinstance(value, str) and re.match(_DATE_AND_TIME, value):
            return datetime.fromisoformat(value)
    except ValueError:
        value = None
    if isinstance(value, datetime):
        return value
    raise ValueError("Must be a moment, such as 2026-11-21T12:00:00Z")


def _metadata(value: dict[str, JsonValue] | None) -> dict[str, JsonValue] | None:
    if value is None:
        return None
    try:
        size = len(json.dumps(value, allow_nan=False))
    except ValueError:
        raise ValueError("Must hold numbers that can be written down") from None
    if size > _LONGEST_METADATA:
        raise ValueError(f"Must be at most {_LONGEST_METADATA} characters of JSON")
    return value


def choices(names: tuple[str, ...]) -> tuple[Choice, ...]:
    """The platforms that are meant by names such as ID, MEDIUM=ID or ID:MODEL."""
    read = []
    for name in names:
        medium, _, rest = name.rpartition("=")
        platform, _, model = rest.partition(":")
        read.append(Choice(platform=platform, medium=Medium(medium) if medium else None, model=model or None))
    return tuple(read)


def _shown(most: int) -> dict[str, Any]:
    """How the document tells of words that must have something in them that can be seen."""
    return {"type": "string", "minLength": 1, "maxLength": most, "pattern": _SEEN}


_Words = Annotated[
    str,
    StringConstraints(max_length=_LONGEST_BRIEF),
    AfterValidator(_plain_words),
    WithJsonSchema(_shown(_LONGEST_BRIEF)),
]
_Subject = Annotated[
    str, StringConstraints(max_length=300), AfterValidator(_plain_words), WithJsonSchema(_shown(300))
]
_Name = Annotated[
    str, StringConstraints(max_length=100), AfterValidator(_plain_words), WithJsonSchema(_shown(100))
]
_Address = Annotated[
    str,
    AfterValidator(address_of),
    WithJsonSchema(
        {"type": "string", "format": "iri", "maxLength": _LONGEST_ADDRESS, "pattern": "^https?://"}
    ),
]
_Language = Annotated[
    str,
    AfterValidator(language_tag),
    WithJsonSchema(
        {
            "type": "string",
            "description": "A 2-letter code, with a region if need be",
            "pattern": "^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8}){0,3}$",
        }
    ),
]
_Spoken = Annotated[
    str | None,
    AfterValidator(spoken_words),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "maxLength": _LONGEST_BRIEF, "pattern": "[A-Za-z0-9]|[^\\x00-\\x7f]"},
                {"type": "null"},
            ]
        }
    ),
]
_Style = Annotated[
    MusicStyle,
    BeforeValidator(one_of(MusicStyle, "style")),
    WithJsonSchema({"enum": [*map(str, MusicStyle), None]}),
]
_Dollars = Annotated[
    Money | None,
    BeforeValidator(lambda value: None if value is None else _amount(value)),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": _AMOUNT},
                {"type": "number", "minimum": 0, "maximum": 999_999},
                {"type": "null"},
            ]
        }
    ),
]
_Moment = Annotated[AwareDatetime, BeforeValidator(_moment)]
_Platforms = Annotated[tuple[Annotated[str, StringConstraints(pattern=_CHOICE)], ...], Field(max_length=20)]
_Metadata = Annotated[dict[str, JsonValue] | None, AfterValidator(_metadata)]
_Callback = Annotated[
    str | None,
    AfterValidator(lambda value: None if value is None else address_of(value)),
    WithJsonSchema(
        {"anyOf": [{"type": "string", "format": "iri", "maxLength": _LONGEST_ADDRESS}, {"type": "null"}]}
    ),
    Field(description="An https address that is told how the job ends."),
]
_Colour = Annotated[str, StringConstraints(pattern=r"^#[0-9A-Fa-f]{6}$")]
_Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
_Event = Literal["job.started", "job.progress", "job.completed", "job.failed", "job.cancelled"]


# ── jobs ───────────────────────────────────────────────────────────────────────────────────────


class _ToldAbout(Frozen):
    callback_url: _Callback = None
    metadata: _Metadata = None


class NarrationRun(_ToldAbout):
    """A film of yours, with words spoken over it and music laid beneath. With a `video_url` alone, the film is
    checked, brought to the right loudness, stored and linked."""

    video_url: _Address
    voice_text: _Spoken = None
    voice_language: _Language = "en"
    music_style: _Style = MusicStyle.NONE
    preset: _Id | None = None
    captions: bool = True


class _Bought(_ToldAbout):
    budget_usd: _Dollars = Field(None, description="The most the job may cost; the words can only lower it.")
    quality: Quality | None = None
    draft: bool = Field(False, description="Only the free platforms of the service's own machine.")
    use: _Platforms = Field((), description="Only these platforms: ID, MEDIUM=ID or ID:MODEL.")
    avoid: _Platforms = Field((), description="Never these platforms.")
    on_refusal: Literal["stop", "elsewhere"] = "stop"
    on_doubt: Literal["hold", "buy-again"] = "hold"
    approval: Literal["ask", "given"] = Field(
        "given",
        description="With `ask`, the job waits with its quote for `POST /jobs/{job_id}/approve`. It waits, too, "
        "where something would be paid for that the brief leaves open.",
    )


class _Told(_Bought):
    brief: _Words
    from_job: _Id | None = Field(
        None,
        description="A job of yours that has ended, and that the brief changes: what stays the same is kept, and costs "
        "nothing.",
    )


class BriefRun(_Told):
    """A brief in plain words, made into pictures, clips, voices and a film."""

    quote: _Id | None = Field(
        None, description="The hash of a quote of `POST /plan`: exactly this, or nothing."
    )


class PresetRun(_Bought):
    """A ready-made brief about a subject of yours."""

    preset: _Id
    subject: _Subject
    voice_language: _Language = "en"


def _form(asked: Any) -> str:
    named = asked if isinstance(asked, dict) else {}
    if "brief" in named:
        return "(brief)"
    return "(preset)" if "subject" in named and "video_url" not in named else "(film)"


Run = Annotated[
    Annotated[NarrationRun, Tag("(film)")]
    | Annotated[BriefRun, Tag("(brief)")]
    | Annotated[PresetRun, Tag("(preset)")],
    Discriminator(_form),
]


class BatchVideo(_ToldAbout):
    """One film of a batch; what it leaves out is as the batch says."""

    url: _Address
    voice_text: _Spoken = None
    voice_language: _Language | None = None
    music_style: _Style | None = None
    preset: _Id | None = None
    captions: bool | None = None


class VideoBatch(_ToldAbout):
    """Many films at once; what stands beside `videos` holds for each that does not say otherwise."""

    videos: Annotated[tuple[BatchVideo, ...], Field(min_length=1, max_length=_MOST_JOBS)]
    voice_text: _Spoken = None
    voice_language: _Language = "en"
    music_style: _Style = MusicStyle.NONE
    preset: _Id | None = None
    captions: bool = True


class ManyRuns(Frozen):
    """Many runs at once, each as it would be asked of `POST /pipeline/run`."""

    runs: Annotated[tuple[Run, ...], Field(min_length=1, max_length=_MOST_JOBS)]


def _batch_form(asked: Any) -> str:
    return "(runs)" if isinstance(asked, dict) and "runs" in asked else "(videos)"


Batch = Annotated[
    Annotated[VideoBatch, Tag("(videos)")] | Annotated[ManyRuns, Tag("(runs)")], Discriminator(_batch_form)
]


class PlanAsked(_Told):
    """A brief to be understood and priced; nothing is bought."""


class JobChange(Frozen):
    """What may be changed: `metadata` at any time, `callback_url` while the job is PENDING. Null takes it away."""

    metadata: _Metadata = None
    callback_url: _Callback = None


class Approval(Frozen):
    """Yes or no to the quote a job waits with."""

    approve: bool = True
    quote: _Id | None = Field(
        None, description="The hash of the quote that is meant; 409 if it is another now."
    )


# ── webhooks and keys ──────────────────────────────────────────────────────────────────────────


class NewWebhook(Frozen):
    """An address that wants to be told."""

    url: _Address
    events: Annotated[tuple[_Event, ...], Field(min_length=1, max_length=5)] = (
        "job.started",
        "job.progress",
        "job.completed",
        "job.failed",
        "job.cancelled",
    )
    active: bool = True


class WebhookChange(Frozen):
    """What changes; what is left out stays."""

    url: _Address | None = None
    events: Annotated[tuple[_Event, ...], Field(min_length=1, max_length=5)] | None = None
    active: bool | None = None


class NewKeyAsked(Frozen):
    """A key to be made: it can do no more than the key that makes it."""

    name: _Name
    scopes: (
        Annotated[
            tuple[Literal["jobs:read", "jobs:write", "webhooks", "keys", "usage"], ...], Field(min_length=1)
        ]
        | None
    ) = None
    expires_at: _Moment | None = None
    environment: Literal["live", "test"] | None = Field(
        None, description="Left out: as that of the asking key."
    )


class BrandWish(Brand):
    """How what is made looks and sounds where a brief does not say otherwise."""

    palette: Annotated[tuple[_Colour, ...], Field(max_length=6)] = Field(
        (), description="Colours, as #rrggbb, where a brief names none."
    )
    look: _Subject | None = Field(None, description="What every picture and clip shows beside its own words.")
    never: Annotated[tuple[_Name, ...], Field(max_length=20)] = Field((), description="What nothing shows.")
    voice_style: _Name | None = Field(None, description="How voices speak where a brief does not say.")


class CustomsChange(Frozen):
    """What is settled for every job of yours; what is left out, or null, is not settled."""

    use: _Platforms = Field((), description="Where a job names none: only these platforms.")
    avoid: _Platforms = Field((), description="Never these platforms, whatever a job says.")
    budget_usd: _Dollars = Field(None, description="The most any job may cost; a job can only lower it.")
    retention_days: Annotated[int, Field(ge=1, le=3_650)] | None = Field(
        None, description="After so many days the content of a job is erased, as `DELETE /me/data` does."
    )
    brand: BrandWish | None = None


class Rotation(Frozen):
    """How long the old key goes on beside the new one."""

    overlap_seconds: Annotated[int, Field(ge=0, le=604_800)] = 0


# ── parameters ─────────────────────────────────────────────────────────────────────────────────


class PageQuery(Frozen):
    """Which page of a list."""

    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    limit: Annotated[int, Field(ge=1, le=100)] = 10


class SortedPageQuery(PageQuery):
    """Which page of a list, in which order."""

    sort: Literal["created_at", "-created_at", "status", "-status"] = "-created_at"


class LinkQuery(Frozen):
    """What a signed link carries in place of a key."""

    expires: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,12}$")] | None = None
    signature: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] | None = None


class EventsQuery(Frozen):
    """From where on to tell."""

    after: Annotated[int, Field(ge=0, le=2**53)] | None = None


class UsageQuery(Frozen):
    """Since which day."""

    days: Annotated[int, Field(ge=1, le=366)] = 30


class ErasureQuery(Frozen):
    """What is to be erased: everything taken before a moment, or, without one, everything."""

    before: _Moment | None = None
