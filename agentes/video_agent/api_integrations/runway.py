"""Runway: its own models and those it hosts, each with the fields that very model takes; work that waits in line."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import httpx
from pydantic import Field, JsonValue

from agentes.contract import Done, Link, Pending, Standing
from agentes.wire.attachments import Attachment
from agentes.wire.said import Said, Unintelligible, VendorId
from shared_knowledge.canvas import Canvas
from shared_knowledge.errors import Failed, PlatformError, Refused, Unavailable, Unsuitable
from shared_knowledge.platform_facts import Audio, Mode
from shared_knowledge.terms import terms_of
from shared_knowledge.vocabulary import Money, Order

__all__ = ["Adapter"]

_LOOK_AGAIN_S = 6.0
_MOST_INLINE = 3_700_000  # a `data:` address may have 5 MB, and base64 adds a third
_CLIPS = (".mp4", ".mov", ".webm")
_TEXT, _IMAGE, _VIDEO = Mode.TEXT_TO_VIDEO, Mode.IMAGE_TO_VIDEO, Mode.VIDEO_TO_VIDEO

_SEEDED = frozenset(
    {
        *("gen4_turbo", "gen4.5", "aleph2", "veo3.1", "veo3.1_fast", "h3_max"),
        *("seedance2", "seedance2_fast", "seedance2_mini", "seedance2_5"),
    }
)
_REFERS_BESIDE = frozenset({"klingO3_standard", "klingO3_pro", "klingO3_4k", "kling_4"})
_REFERS_INSTEAD = frozenset(
    {"seedance2", "seedance2_fast", "seedance2_mini", "seedance2_5", "wan3", "wan3_prime"}
)
_TAKES_LAST = (
    {"veo3.1", "veo3.1_fast", "gemini_omni_flash_1.1", "h3_max", "kling2.5_turbo_pro"}
    | {"kling3.0_standard", "kling3.0_pro", "kling3.0_4k"}
    | _REFERS_BESIDE
    | _REFERS_INSTEAD
)  # hailuo3 has one too, for 2 credits that are not in its price
_VIDEO_URI = frozenset({"aleph2", "gemini_omni_flash", "gemini_omni_flash_1.1", "kling_4"})
_KEEPS_LENGTH = frozenset(
    {"aleph2", "gemini_omni_flash", "kling_4", "klingO3_standard", "klingO3_pro", "klingO3_4k"}
)

_CONTENT = re.compile(r"(?i)moderat|safety|content polic|not allowed|inappropriate|prohibited")
_PURSE = re.compile(r"(?i)(not|n't|in)\s*(have )?(enough|sufficient) credits|out of credits|credit balance")


class _Started(Said):
    id: VendorId


class _Charge(Said):
    credits: Decimal = Field(ge=0, le=10_000_000)

    @property
    def money(self) -> Money:
        """A credit is a cent."""
        return Money.at_least(self.credits / 100)


class _Task(Said):
    id: VendorId
    status: str
    output: list[str | None] | None = None
    failure: str | None = None
    failure_code: str | None = Field(default=None, alias="failureCode")
    cost: _Charge | None = None


class _Slot(Said):
    upload_url: str = Field(alias="uploadUrl", pattern=r"^https?://")
    fields: dict[str, str]
    uri: str = Field(alias="runwayUri", pattern=r"^runway://[!-~]{1,2000}$")


class _Organization(Said):
    credit_balance: Decimal = Field(alias="creditBalance")


class Adapter:
    """Speaks Runway."""

    async def prepare(self, http: httpx.AsyncClient, order: Order) -> Order:
        """Uploads what is too heavy to travel inside the request."""
        uploads: dict[str, JsonValue] = {}
        for path in order.inputs:
            file = Attachment.read(path)
            if len(file.content) > _MOST_INLINE:
                uploads[path] = await _upload(http, file)
        return order.model_copy(update={"prepared": {"uploads": uploads}}) if uploads else order

    async def start(self, http: httpx.AsyncClient, order: Order) -> Pending:
        """The task, on the endpoint that fits what it is made from."""
        way, wanted = _wanted(order)
        started = _Started.of(await http.post(f"/v1/{way}", json=wanted))
        return Pending({"id": started.id}, _LOOK_AGAIN_S)

    async def check(self, http: httpx.AsyncClient, order: Order) -> Pending | Done:
        """How the task stands; a throttled one waits its turn."""
        task_id = (order.receipt or {})["id"]
        task = _Task.of(await http.get(f"/v1/tasks/{task_id}"))
        if task.id != task_id:
            raise Unintelligible("an answer about another task")
        charged = task.cost.money if task.cost else None
        match task.status:
            case "SUCCEEDED":
                url = next((url for url in task.output or () if url), None)
                if url is None:
                    return Pending({"id": task.id}, _LOOK_AGAIN_S, bare=True)
                return Done(Link(url), warnings=_unsaid(order), cost=charged)
            case "FAILED":
                raise _failure(task, charged)
            case "CANCELLED":
                raise Failed("The task was cancelled at Runway.", request_id=task.id, charged=charged)
            case _:
                return Pending({"id": task.id}, _LOOK_AGAIN_S, queued=task.status == "THROTTLED")

    def receipt_for(self, order: Order, number: str) -> dict[str, JsonValue]:
        """What a task of that number would have answered."""
        return {"id": number}

    async def cancel(self, http: httpx.AsyncClient, order: Order) -> None:
        """Stops the task; what already runs is charged all the same."""
        await http.delete(f"/v1/tasks/{(order.receipt or {})['id']}")

    async def standing(self, http: httpx.AsyncClient) -> Standing:
        """The credits that are left."""
        organization = _Organization.of(await http.get("/v1/organization"))
        return Standing(left=f"{organization.credit_balance:,} credits")

    def explain(self, response: httpx.Response) -> PlatformError | None:
        """429 to a purchase is the quota of the day, which no seconds of waiting bring back; 400 may be content."""
        says = _complaint(response)
        if not _is_purchase(response):
            return None
        if response.status_code == 429 and "retry-after" not in response.headers:
            return Unavailable(
                "Runway's daily quota for this model is used up.",
                todo="It comes back over the next 24 hours; a higher tier has a larger one.",
                vendor_says=says,
                charged=Money(0),
            )
        if response.status_code in (400, 402, 403, 422) and _PURSE.search(says):
            return Unavailable(
                "Runway has no credits left.",
                because="credit",
                todo="Buy some in its developer portal.",
                vendor_says=says,
                charged=Money(0),
            )
        if response.status_code in (400, 422) and _CONTENT.search(says):
            return Refused("Runway does not make this.", vendor_says=says, charged=Money(0))
        return None


# ── what is asked for ──────────────────────────────────────────────────────────────────────────


def _wanted(order: Order) -> tuple[Mode, dict[str, Any]]:
    """The endpoint and the body: never a field that this model does not take there."""
    terms = terms_of(order)
    uris = [_uri(order, path) for path in order.inputs]
    wanted: dict[str, Any] = {"model": order.model, "promptText": order.prompt}
    if order.inputs and order.inputs[0].lower().endswith(_CLIPS):
        way = _VIDEO
        wanted |= _from_clip(order.model, uris)
    elif len(uris) > 2 and order.model in _REFERS_INSTEAD:
        way = _TEXT
        wanted["references"] = [{"uri": uri} for uri in uris]
    elif uris:
        way = _IMAGE
        wanted |= _from_pictures(order.model, uris)
    else:
        way = _TEXT
    if way not in terms.model.modes:
        raise Unsuitable(f"{order.model} has no {way.replace('_', ' ')}.", charged=Money(0))
    wanted |= _size(order.model, way, terms.canvas)
    if way is not _VIDEO or order.model not in _KEEPS_LENGTH:
        wanted["duration"] = round(order.duration_s or 0)
    if way is _VIDEO and order.model.startswith("klingO3"):
        wanted["providerSettings"] = {"keepOriginalSound": terms.sound}
    elif terms.model.audio is Audio.OPTIONAL:
        wanted["audio"] = terms.sound
    if order.spec.seed and order.model in _SEEDED:
        wanted["seed"] = order.spec.seed
    return way, wanted


def _uri(order: Order, path: str) -> str:
    uploads = order.prepared.get("uploads")
    uploaded = uploads.get(path) if isinstance(uploads, dict) else None
    return uploaded if isinstance(uploaded, str) else Attachment.read(path).inline_uri


def _from_pictures(model: str, uris: list[str]) -> dict[str, Any]:
    """The first picture opens the clip, the second closes it, the rest is referred to, where the model can."""
    frames = [{"uri": uris[0], "position": "first"}]
    if len(uris) > 1 and model in _TAKES_LAST:
        frames.append({"uri": uris[1], "position": "last"})
    beside = [{"uri": uri} for uri in uris[2:]] if model in _REFERS_BESIDE else []
    return {"promptImage": frames} | ({"references": beside} if beside else {})


def _from_clip(model: str, uris: list[str]) -> dict[str, Any]:
    wanted: dict[str, Any] = {"videoUri" if model in _VIDEO_URI else "promptVideo": uris[0]}
    if model == "gemini_omni_flash_1.1":
        wanted["mode"] = "reference"
    if uris[1:] and model != "aleph2":
        wanted["references"] = [{"uri": uri} for uri in uris[1:]]
    return wanted


def _size(model: str, way: Mode, canvas: Canvas) -> dict[str, str]:
    """The size, in the words of this model and endpoint; nothing where it follows what was sent along."""
    tier = canvas.resolution.word or canvas.resolution.name
    match model, way:
        case ("hailuo3", _) | ("grok_imagine_1_5", Mode.TEXT_TO_VIDEO):
            return {"ratio": canvas.word, "resolution": tier}
        case ("h3_max", _) | ("grok_imagine_1_5" | "happyhorse_1_0", Mode.IMAGE_TO_VIDEO):
            return {"resolution": tier}
        case ("kling_4", Mode.IMAGE_TO_VIDEO | Mode.VIDEO_TO_VIDEO) | (
            "wan3" | "wan3_prime" | "grok_imagine_1_5_lite",
            Mode.IMAGE_TO_VIDEO,
        ):
            return {"ratio": f"auto_{tier}"}
        case ("kling2.5_turbo_pro", Mode.IMAGE_TO_VIDEO):
            return {}
        case (_, Mode.VIDEO_TO_VIDEO) if model in _KEEPS_LENGTH:
            return {}
        case _:
            return {"ratio": canvas.word}


def _unsaid(order: Order) -> tuple[str, ...]:
    """What the person should know that could not be told to this model."""
    count = len(order.inputs)
    if count < 2 or order.inputs[0].lower().endswith(_CLIPS) or order.model in _REFERS_BESIDE:
        return ()
    most = count if order.model in _REFERS_INSTEAD else 2 if order.model in _TAKES_LAST else 1
    if count <= most:
        return ()
    pictures = "one picture" if most == 1 else f"{most} pictures"
    return (f"{order.model} starts from {pictures}; {count - most} more could not be sent along.",)


async def _upload(http: httpx.AsyncClient, file: Attachment) -> str:
    """Puts a file where Runway finds it for a while; the store it goes to must not see our key."""
    slot = _Slot.of(await http.post("/v1/uploads", json={"filename": file.name, "type": "ephemeral"}))
    form = {"file": (file.name, file.content, file.mime)}
    await http.post(slot.upload_url, data=slot.fields, files=form, auth=httpx.Auth())
    return slot.uri


# ── what went wrong ────────────────────────────────────────────────────────────────────────────


def _failure(task: _Task, charged: Money | None) -> PlatformError:
    """SAFETY is about content, and is not refunded when it is about what was sent in; ASSET is a file of ours."""
    code = task.failure_code or ""
    says = " ".join(part for part in (task.failure or "", f"({code})" if code else "") if part)[:500]
    if "SAFETY" in code.split("."):
        return Refused("Runway does not make this.", vendor_says=says, request_id=task.id, charged=charged)
    if code.startswith("ASSET"):
        what = "Runway cannot use a file that was sent along."
        return Unsuitable(what, vendor_says=says, request_id=task.id, charged=charged)
    return Failed("Runway could not make it.", vendor_says=says, request_id=task.id, charged=charged)


def _is_purchase(response: httpx.Response) -> bool:
    """Whether it answers a purchase, which is then refused; a question that fails says nothing about the task."""
    try:
        return "_to_" in response.request.url.path.rpartition("/")[2]
    except RuntimeError:
        return True


def _complaint(response: httpx.Response) -> str:
    """The sentence of an error body, wherever it stands."""
    try:
        body = response.json()
    except (ValueError, RecursionError):
        return ""
    said = body.get("error") if isinstance(body, dict) else None
    if isinstance(said, dict):
        said = said.get("message")
    return said[:500] if isinstance(said, str) else ""
