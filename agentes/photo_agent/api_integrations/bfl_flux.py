"""Black Forest Labs FLUX: a picture is ordered, asked after where the answer says, and taken within ten minutes."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

import httpx
from pydantic import Field, JsonValue

from agentes.contract import Done, Link, Pending
from agentes.wire.attachments import Attachment
from agentes.wire.said import Said, Unintelligible, VendorId
from shared_knowledge.errors import Failed, PlatformError, Refused, Unsuitable
from shared_knowledge.terms import terms_of
from shared_knowledge.vocabulary import Money, Order

__all__ = ["Adapter"]

_LOOK_AGAIN_S = 1.0
_CREDIT_USD = Decimal("0.01")

_Credits = Annotated[float, Field(ge=0, le=10_000, allow_inf_nan=False)] | None


class _Started(Said):
    id: VendorId
    polling_url: str = Field(pattern=r"^https?://[^\s]{1,2000}$")
    cost: _Credits = None


class _Sample(Said):
    sample: str | None = None


class _Result(Said):
    status: str
    id: VendorId | None = None
    result: Any = None
    details: Any = None
    cost: _Credits = None


class _Error(Said):
    detail: Any = None


class Adapter:
    """Speaks the API of Black Forest Labs."""

    async def start(self, http: httpx.AsyncClient, order: Order) -> Pending:
        """A picture from words, or from words and up to eight pictures."""
        started = _Started.of(await http.post(f"/v1/{order.model}", json=_wanted(order)))
        receipt: dict[str, JsonValue] = {"id": started.id, "polling_url": started.polling_url}
        if started.cost is not None:
            receipt["credits"] = started.cost
        return Pending(receipt, _LOOK_AGAIN_S)

    async def check(self, http: httpx.AsyncClient, order: Order) -> Pending | Done:
        """How it stands; what it says of content comes as a good answer."""
        receipt = order.receipt or {}
        found = _Result.of(await http.get(str(receipt["polling_url"])))
        if found.id not in (None, receipt["id"]):
            raise Unintelligible("it is about another picture")
        match found.status:
            case "Ready":
                sample = _Sample.read(found.result or {}).sample
                if not sample:
                    return Pending(receipt, _LOOK_AGAIN_S, bare=True)
                charged = receipt.get("credits") if found.cost is None else found.cost
                paid = isinstance(charged, int | float)
                return Done(
                    Link(sample),
                    warnings=_left_out(order),
                    cost=Money.at_least(Decimal(str(charged)) * _CREDIT_USD) if paid else None,
                )
            case "Request Moderated":
                raise Refused("FLUX refuses these words or pictures.", **_told(found, receipt))
            case "Content Moderated":
                raise Refused("FLUX made a picture that its rules hold back.", **_told(found, receipt))
            case "Error" | "Failed":
                raise Failed("FLUX could not make the picture.", **_told(found, receipt))
            case "Task not found":
                raise Unintelligible("the task is not found")
        return Pending(receipt, _LOOK_AGAIN_S)

    def explain(self, response: httpx.Response) -> PlatformError | None:
        """A request it cannot read is told field by field; all else is as usual."""
        if response.status_code not in (400, 422):
            return None
        try:
            says = _sentences(_Error.of(response).detail)
        except Unintelligible:
            return None
        if "moderat" in says.casefold():
            return Refused("FLUX refuses these words or pictures.", vendor_says=says)
        return Unsuitable("FLUX cannot make the picture as asked.", vendor_says=says)


def _wanted(order: Order) -> dict[str, JsonValue]:
    terms = terms_of(order)
    canvas = terms.canvas
    wanted: dict[str, JsonValue] = {"prompt": order.prompt, "output_format": "png"}
    if canvas.word == f"{canvas.width}x{canvas.height}":
        wanted |= {"width": canvas.width, "height": canvas.height}
    else:  # the older models are told the shape alone
        wanted["aspect_ratio"] = canvas.word
    if order.spec.seed:
        wanted["seed"] = order.spec.seed
    for number, path in enumerate(order.inputs[: terms.model.references], start=1):
        wanted["input_image" if number == 1 else f"input_image_{number}"] = Attachment.read(path).base64
    return wanted


def _left_out(order: Order) -> tuple[str, ...]:
    spare = len(order.inputs) - terms_of(order).model.references
    return (f"{order.model} takes fewer pictures; {spare} had no place.",) if spare > 0 else ()


def _told(found: _Result, receipt: dict[str, JsonValue]) -> dict[str, Any]:
    return {"request_id": str(receipt["id"]), "vendor_says": _sentences(found.details)}


def _sentences(told: Any) -> str:
    """Whatever a `detail` holds, as one short text."""
    if isinstance(told, str):
        return told[:500]
    if isinstance(told, dict):
        told = [told["msg"]] if "msg" in told else list(told.values())
    if isinstance(told, list):
        return "; ".join(filter(None, (_sentences(one) for one in told[:5])))[:500]
    return ""
