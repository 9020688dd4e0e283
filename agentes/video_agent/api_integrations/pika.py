"""Pika, through fal's queue: a request is put in line, watched at the addresses fal gives back, and fetched."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, JsonValue

from agentes.contract import Done, Link, Pending
from agentes.wire.attachments import Attachment
from agentes.wire.said import Said, VendorId
from shared_knowledge.errors import Failed, PlatformError, Refused, Unavailable, Unsuitable
from shared_knowledge.terms import terms_of
from shared_knowledge.vocabulary import Money, Order, VideoSpec

if TYPE_CHECKING:
    import httpx

__all__ = ["Adapter"]

_LOOK_AGAIN_S = 3.0
_PURSE = re.compile(r"exhausted balance|top[ _]up|insufficient (balance|credit)", re.IGNORECASE)
_CONTENT_RULES = ("content_policy_violation",)
_Address = Annotated[str, Field(pattern=r"^https?://[^\s]+$", max_length=2048)]


class _Queued(Said):
    """The addresses lie on another path than the model's own, so they are taken as they come."""

    request_id: VendorId
    status_url: _Address
    response_url: _Address
    cancel_url: _Address


class _Status(Said):
    status: str
    error: JsonValue = None
    error_type: JsonValue = None


class _Video(Said):
    url: _Address


class _Result(Said):
    video: _Video | None = None


class Adapter:
    """Speaks fal's queue, with the fields of Pika's models."""

    async def start(self, http: httpx.AsyncClient, order: Order) -> Pending:
        """Puts the request in line."""
        hook = order.prepared.get("hook")
        calls_back = {"fal_webhook": str(hook)} if hook else None
        put = _Queued.of(await http.post(f"/{order.model}", params=calls_back, json=_request(order)))
        return Pending(put.model_dump(mode="json"), _LOOK_AGAIN_S, queued=True)

    async def check(self, http: httpx.AsyncClient, order: Order) -> Pending | Done:
        """Looks at the line, and fetches the result once it is there: COMPLETED may also be a failure."""
        receipt = dict(order.receipt or {})
        answer = _Status.of(await http.get(str(receipt["status_url"]), params={"logs": "false"}))
        if answer.status != "COMPLETED":
            return Pending(receipt, _LOOK_AGAIN_S, queued=answer.status == "IN_QUEUE")
        try:
            fetched = await http.get(str(receipt["response_url"]))
        except (Unsuitable, Failed) as verdict:  # on the run, and not on our question
            verdict.charged = order.price if verdict.charged is None else verdict.charged
            raise
        if answer.error or answer.error_type:
            says = str(answer.error or answer.error_type)
            number = str(receipt["request_id"])
            raise Failed("Pika could not make the clip.", vendor_says=says, request_id=number)
        video = _Result.of(fetched).video
        if video is None:
            return Pending(receipt, _LOOK_AGAIN_S, bare=True)
        return Done(Link(video.url), warnings=_warnings(order))

    def receipt_for(self, order: Order, number: str) -> dict[str, JsonValue]:
        """The addresses of a request of that number; they name only the owner and the app."""
        place = f"/{'/'.join(order.model.split('/')[:2])}/requests/{number}"
        urls = {"status_url": f"{place}/status", "response_url": place, "cancel_url": f"{place}/cancel"}
        return {"request_id": number, **urls}

    async def cancel(self, http: httpx.AsyncClient, order: Order) -> None:
        """Takes the request out of the line, or asks its runner to stop."""
        await http.put(str((order.receipt or {})["cancel_url"]))

    def explain(self, response: httpx.Response) -> PlatformError | None:
        """fal's two shapes: a list of what is wrong with the input, or a sentence with the kind of failure."""
        body = _json(response)
        detail = body.get("detail")
        number = response.headers.get("x-fal-request-id", "")
        if isinstance(detail, list):
            return _about_input(response, detail, number)
        says = detail if isinstance(detail, str) else ""
        if response.status_code in (402, 403) and _PURSE.search(says):
            return Unavailable(
                "The balance at fal is used up.",
                because="credit",
                vendor_says=says,
                request_id=number,
                todo="Top it up at fal.ai/dashboard/billing.",
                charged=Money(0) if _verb(response) == "POST" else None,
            )
        kind = body.get("error_type") or response.headers.get("x-fal-error-type")
        if not isinstance(kind, str) or _verb(response) != "GET":
            return None
        if response.status_code >= 500 or kind == "client_cancelled":
            free = Money(0) if response.status_code >= 500 else None
            what = f"fal could not run Pika ({kind})."
            return Failed(what, vendor_says=says, request_id=number, charged=free)
        return None


def _request(order: Order) -> dict[str, JsonValue]:
    """Version 2.2 wants its seconds as text, older ones as a number; a picture brings its own shape."""
    assert isinstance(order.spec, VideoSpec)
    terms = terms_of(order)
    seconds = f"{order.duration_s:g}"
    asked: dict[str, JsonValue] = {
        "prompt": order.prompt,
        "resolution": terms.canvas.resolution.name,
        "duration": seconds if "/v2.2/" in order.model else int(seconds),
    }
    if order.inputs:
        asked["image_url"] = Attachment.read(order.inputs[0]).inline_uri
    else:
        asked["aspect_ratio"] = terms.canvas.word
    if order.spec.negative:
        asked["negative_prompt"] = ", ".join(order.spec.negative)
    if order.spec.seed:
        asked["seed"] = order.spec.seed
    return asked


def _warnings(order: Order) -> tuple[str, ...]:
    more = len(order.inputs) - 1
    return (f"Pika takes one picture; {more} more stayed out.",) if more > 0 else ()


def _json(response: httpx.Response) -> dict[str, JsonValue]:
    try:
        body = response.json()
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _verb(response: httpx.Response) -> str:
    """With a POST a request is put in line, so nothing was run yet; the rest only look."""
    try:
        return response.request.method
    except RuntimeError:
        return ""


def _about_input(response: httpx.Response, detail: list[JsonValue], number: str) -> PlatformError | None:
    """An input that was refused or found unfit; fal may charge it once a runner has looked at it."""
    told = [entry for entry in detail if isinstance(entry, dict)]
    says = "; ".join(text for entry in told if isinstance(text := entry.get("msg"), str))
    at_the_door, broken = _verb(response) == "POST", response.status_code >= 500
    if not told or (at_the_door and broken):
        return None
    free = Money(0) if at_the_door or broken else None
    if any(entry.get("type") in _CONTENT_RULES for entry in told):
        return Refused("Pika refused the content.", vendor_says=says, request_id=number, charged=free)
    if broken or response.headers.get("x-fal-retryable") == "true":
        return Failed("Pika could not make the clip.", vendor_says=says, request_id=number, charged=free)
    return Unsuitable("Pika found the request unfit.", vendor_says=says, request_id=number, charged=free)
