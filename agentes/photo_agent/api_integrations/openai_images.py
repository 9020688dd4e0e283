"""OpenAI Images: one request, one picture in the answer, and the tokens it took."""

from __future__ import annotations

from typing import Any

import httpx
from pydantic import Field

from agentes.contract import Done, Inline, Standing
from agentes.wire.attachments import Attachment
from agentes.wire.said import Said, Unintelligible
from shared_knowledge.catalogue import Catalogue
from shared_knowledge.errors import Failed, PlatformError, Refused, Unavailable, Unsuitable
from shared_knowledge.platform_facts import Unit
from shared_knowledge.terms import terms_of
from shared_knowledge.vocabulary import Order

__all__ = ["Adapter"]

_REFUSALS = ("moderation_blocked", "content_policy_violation")
_EMPTY_PURSES = (
    "insufficient_quota", "billing_hard_limit_reached", "credit_balance_exhausted",
    "organization_spend_limit_exceeded", "project_spend_limit_exceeded", "organization_usage_limit_exceeded",
)  # fmt: skip


class _Picture(Said):
    b64_json: str | None = None


class _Came(Said):
    text_tokens: int = Field(ge=0)
    image_tokens: int = Field(ge=0)


class _Usage(Said):
    input_tokens_details: _Came
    output_tokens: int = Field(ge=0)


class _Made(Said):
    pictures: list[_Picture] | None = Field(default=None, alias="data")
    usage: Any = None
    quality: Any = None


class _Model(Said):
    id: str
    shutdown_date: str | None = None


class _Models(Said):
    models: list[_Model] = Field(alias="data")


class Adapter:
    """Speaks OpenAI Images."""

    async def start(self, http: httpx.AsyncClient, order: Order) -> Done:
        """Makes a picture, or edits those that were sent along."""
        wanted = _wanted(order)
        if order.inputs:
            part = "image" if len(order.inputs) == 1 else "image[]"
            shown = [Attachment.read(path) for path in order.inputs]
            files = [(part, (one.name, one.content, one.mime)) for one in shown]
            response = await http.post("/v1/images/edits", data=wanted, files=files)
        else:
            response = await http.post("/v1/images/generations", json=wanted)
        made = _Made.of(response)
        if not made.pictures or not made.pictures[0].b64_json:
            raise Failed("OpenAI answered without a picture.")
        warnings: tuple[str, ...] = ()
        if made.quality not in (None, wanted["quality"]):
            warnings = (f"OpenAI made it in {made.quality} quality; {wanted['quality']} was asked for.",)
        return Done(Inline("/data/0/b64_json"), warnings=warnings, used=_counted(made.usage))

    async def standing(self, http: httpx.AsyncClient) -> Standing:
        """The list of models is free, and says which of ours are to end."""
        known = {model.id for model in Catalogue.load().platform("openai_images").models}
        listed = _Models.of(await http.get("/v1/models")).models
        ending = sorted(
            f"{model.id} until {model.shutdown_date}"
            for model in listed
            if model.id in known and model.shutdown_date
        )
        return Standing(left=", ".join(ending))

    def explain(self, response: httpx.Response) -> PlatformError | None:
        """429 may be an empty purse, 400 a refusal; waiting and server trouble are the house's."""
        error = _error_in(response)
        code, kind, told = str(error.get("code")), str(error.get("type")), _told(response, error)
        if code in _EMPTY_PURSES or kind == "insufficient_quota":
            return Unavailable("The OpenAI account has no money left.", because="credit", **told)
        if code in _REFUSALS:
            return Refused("OpenAI's content rules said no.", **told)
        if code == "model_not_found":
            return Unavailable("OpenAI does not have this model for this key.", because="model", **told)
        if error and response.status_code == 403:
            return Unavailable("OpenAI does not let this key make pictures.", because="key", **told)
        if error and response.status_code in (400, 422):
            return Unsuitable("OpenAI cannot make this picture as asked.", **told)
        return None


def _wanted(order: Order) -> dict[str, str]:
    terms = terms_of(order)
    return {
        "model": order.model,
        "prompt": order.prompt,
        "size": terms.canvas.word,
        "quality": terms.setting or "medium",
        "background": "opaque",
        "output_format": "png",
    }


def _counted(usage: Any) -> dict[Unit, int]:
    """The tokens by unit of the price list; none if they are not told as promised, for the picture is there."""
    try:
        told = _Usage.read(usage)
    except Unintelligible:
        return {}
    came = told.input_tokens_details
    # Whatever went out counts as picture, which is the dearest it can be.
    counted = {
        Unit.TEXT_IN: came.text_tokens,
        Unit.IMAGE_IN: came.image_tokens,
        Unit.IMAGE_OUT: told.output_tokens,
    }
    return {unit: tokens for unit, tokens in counted.items() if tokens}


def _error_in(response: httpx.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except ValueError:
        return {}
    error = body.get("error") if isinstance(body, dict) else None
    return error if isinstance(error, dict) else {}


def _told(response: httpx.Response, error: dict[str, Any]) -> dict[str, Any]:
    """Their sentence, and the number their support will ask for."""
    says = error.get("message")
    return {
        "vendor_says": says[:500] if isinstance(says, str) else "",
        "request_id": response.headers.get("x-request-id", ""),
    }
