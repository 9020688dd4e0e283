"""OpenAI speech: one request, and the answer's body is the sound; the whole of it ends on 2027-01-06."""

from __future__ import annotations

from typing import Any

import httpx
from pydantic import Field, JsonValue

from agentes.contract import Body, Done, Standing
from agentes.voice_agent.wording import delivery_notes, speaking_rate
from agentes.wire.said import Said
from shared_knowledge.catalogue import Catalogue
from shared_knowledge.errors import PlatformError, Refused, Unavailable, Unsuitable
from shared_knowledge.vocabulary import Order, Task, VoiceSpec

__all__ = ["Adapter"]

# The voices speak every language; the vendor recommends marin and cedar, which the older models do not have.
_VOICES = {"female": "marin", "male": "cedar", None: "marin"}
_OLDER_VOICES = {"female": "nova", "male": "onyx", None: "nova"}
_REFUSALS = ("moderation_blocked", "content_policy_violation")
_EMPTY_PURSES = (
    "insufficient_quota", "billing_hard_limit_reached", "credit_balance_exhausted",
    "organization_spend_limit_exceeded", "project_spend_limit_exceeded", "organization_usage_limit_exceeded",
)  # fmt: skip


class _Model(Said):
    id: str
    shutdown_date: str | None = None


class _Models(Said):
    models: list[_Model] = Field(alias="data")


class Adapter:
    """Speaks OpenAI speech."""

    async def start(self, http: httpx.AsyncClient, order: Order) -> Done:
        """The text, spoken."""
        await http.post("/v1/audio/speech", json=_wanted(order))
        return Done(Body(), measured={"voice": _voice(order)})

    async def standing(self, http: httpx.AsyncClient) -> Standing:
        """The list of models is free, and says which of ours are to end."""
        known = {model.id for model in Catalogue.load().platform("openai_speech").models}
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
            return Unavailable("OpenAI does not let this key make speech.", because="key", **told)
        if error and response.status_code in (400, 422):
            return Unsuitable("OpenAI cannot speak this text as asked.", **told)
        return None


def _wanted(order: Order) -> dict[str, JsonValue]:
    """An mp3, because this vendor's wav states no length in its header, and its pcm could be anything."""
    spec = _spec(order)
    wanted: dict[str, JsonValue] = {
        "model": order.model,
        "input": order.prompt,
        "voice": _voice(order),
        "response_format": "mp3",
    }
    if not _is_older(order):
        wanted["instructions"] = delivery_notes(Task(id=order.task, spec=spec))
    if (rate := speaking_rate(spec)) != 1.0:  # 0.85 to 1.2; the vendor takes 0.25 to 4
        wanted["speed"] = rate
    return wanted


def _spec(order: Order) -> VoiceSpec:
    assert isinstance(order.spec, VoiceSpec)
    return order.spec


def _is_older(order: Order) -> bool:
    return order.model.startswith("tts-1")


def _voice(order: Order) -> str:
    return (_OLDER_VOICES if _is_older(order) else _VOICES)[_spec(order).gender]


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
