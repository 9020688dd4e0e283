"""Runway images: Gen-4 and the picture models it hosts, from words and from references."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import httpx
from pydantic import Field, JsonValue

from agentes.contract import Done, Link, Pending, Standing
from agentes.wire.attachments import Attachment
from agentes.wire.said import Said, Unintelligible, VendorId
from shared_knowledge.errors import Failed, PlatformError, Refused, Unavailable, Unsuitable
from shared_knowledge.platform_facts import Mode
from shared_knowledge.terms import terms_of
from shared_knowledge.vocabulary import Money, Order, PhotoIntent, PhotoSpec

__all__ = ["Adapter"]

_LOOK_AGAIN_S = 6.0
_MOST_INLINE = 3_700_000  # a `data:` address may have 5 MB, and base64 adds a third

_SEEDED = frozenset({"gen4_image", "gen4_image_turbo", "bria_fibo_1_5", "recraft_v4_1_flash"})
_TAGGED = frozenset({"gen4_image", "gen4_image_turbo"})
_MAKES_ONE = frozenset({"gen4_image", "gen4_image_turbo", "bria_fibo_1_5"})
_EDITS_ONE = frozenset({"grok_imagine_image_2"})

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
    """Speaks Runway about pictures."""

    async def prepare(self, http: httpx.AsyncClient, order: Order) -> Order:
        """Uploads what is too heavy to travel inside the request."""
        uploads: dict[str, JsonValue] = {}
        for path in order.inputs:
            file = Attachment.read(path)
            if len(file.content) > _MOST_INLINE:
                uploads[path] = await _upload(http, file)
        return order.model_copy(update={"prepared": {"uploads": uploads}}) if uploads else order

    async def start(self, http: httpx.AsyncClient, order: Order) -> Pending:
        """The task, for one picture."""
        started = _Started.of(await http.post("/v1/text_to_image", json=_wanted(order)))
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
                return Done(Link(url), cost=charged)
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


def _wanted(order: Order) -> dict[str, Any]:
    """The body: never a field that this model does not take."""
    assert isinstance(order.spec, PhotoSpec)
    terms = terms_of(order)
    references = [_reference(order, path, number) for number, path in enumerate(order.inputs, start=1)]
    if (Mode.EDIT if references else Mode.TEXT_TO_IMAGE) not in terms.model.modes:
        lacking = "takes no reference" if references else "needs a reference picture"
        raise Unsuitable(f"{order.model} {lacking}.", charged=Money(0))
    wanted: dict[str, Any] = {
        "model": order.model,
        "promptText": order.prompt,
        "ratio": terms.canvas.word,
    }
    if references:
        wanted["referenceImages"] = references
    if len(references) == 1 and order.model in _EDITS_ONE:
        wanted["edit"] = order.spec.intent is PhotoIntent.EDIT
    if terms.setting is not None:
        wanted["quality"] = terms.setting
    if order.model not in _MAKES_ONE:
        wanted["outputCount"] = 1
    if order.spec.seed and order.model in _SEEDED:
        wanted["seed"] = order.spec.seed
    return wanted


def _reference(order: Order, path: str, number: int) -> dict[str, str]:
    """A picture, under a name the words may call it by (`@image_1`) where the model knows names."""
    uploads = order.prepared.get("uploads")
    uploaded = uploads.get(path) if isinstance(uploads, dict) else None
    uri = uploaded if isinstance(uploaded, str) else Attachment.read(path).inline_uri
    return {"uri": uri, "tag": f"image_{number}"} if order.model in _TAGGED else {"uri": uri}


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
