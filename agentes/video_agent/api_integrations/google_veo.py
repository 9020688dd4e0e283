"""Veo on Vertex AI: a long-running operation is begun with one POST and asked for with another."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, JsonValue

from agentes.contract import Done, Inline, Pending, Standing
from agentes.wire import google
from agentes.wire.attachments import Attachment
from agentes.wire.said import Said, Unintelligible, VendorName
from shared_knowledge.errors import Failed, PlatformError, Refused, Unsuitable
from shared_knowledge.terms import terms_of
from shared_knowledge.vocabulary import Order, VideoSpec

if TYPE_CHECKING:
    import httpx

__all__ = ["Adapter"]

_LOOK_AGAIN_S = 10.0
_HOME = "/v1beta1/projects/{project}/locations/{location}/publishers/google/models"
_CONTENT_RULES = re.compile(
    r"blocked|prohibited|violat|usage guidelines|responsible ai|safety (filter|polic|reason)", re.IGNORECASE
)
_INVALID = 3


class _Begun(Said):
    name: VendorName


class _Filmed(Said):
    """`raiMediaFiltered…` counts what the content rules kept back; a clip kept back is no error to Google."""

    videos: list[dict[str, Any]] | None = None
    kept_back: Annotated[int, Field(alias="raiMediaFilteredCount", ge=0)] = 0
    reasons: Annotated[list[str] | None, Field(alias="raiMediaFilteredReasons")] = None


class _Trouble(Said):
    code: int = 0
    message: str = ""


class _Operation(Said):
    name: VendorName | None = None
    done: bool = False
    error: _Trouble | None = None
    response: _Filmed | None = None


class Adapter:
    """Speaks Vertex AI's long-running predictions, in camelCase."""

    async def start(self, http: httpx.AsyncClient, order: Order) -> Pending:
        """Begins one clip."""
        begun = _Begun.of(await http.post(f"{_HOME}/{order.model}:predictLongRunning", json=_request(order)))
        return Pending({"operation": begun.name}, _LOOK_AGAIN_S)

    def receipt_for(self, order: Order, number: str) -> dict[str, JsonValue]:
        """What an operation of that full name would have answered."""
        return {"operation": number}

    async def check(self, http: httpx.AsyncClient, order: Order) -> Pending | Done:
        """Looks at the operation, which Vertex AI wants asked for with a POST."""
        name = str((order.receipt or {})["operation"])
        path = f"{_HOME}/{order.model}:fetchPredictOperation"
        answer = _Operation.of(await http.post(path, json={"operationName": name}))
        if answer.name is not None and _number(answer.name) != _number(name):
            raise Unintelligible("not as promised: name")
        if answer.error is not None:
            raise _failed(answer.error)
        if not answer.done:
            return Pending({"operation": name}, _LOOK_AGAIN_S)
        filmed = answer.response or _Filmed()
        video = next(iter(filmed.videos or ()), {})
        if isinstance(video.get("bytesBase64Encoded"), str):
            return Done(Inline("/response/videos/0/bytesBase64Encoded"), warnings=_warnings(order))
        if filmed.kept_back or filmed.reasons:
            reasons = " ".join(filmed.reasons or ())
            raise Refused("Veo made a clip and its content rules kept it back.", vendor_says=reasons)
        if video:
            raise Unintelligible("not as promised: response.videos")
        return Pending({"operation": name}, _LOOK_AGAIN_S, bare=True)

    async def standing(self, http: httpx.AsyncClient) -> Standing:
        """Reads what Google publishes about a model, which takes a good sign-in and costs nothing."""
        await http.get("/v1beta1/publishers/google/models/veo-3.1-lite-generate-001")
        return Standing()

    def explain(self, response: httpx.Response) -> PlatformError | None:
        """Google's errors read alike at all its doors."""
        return google.explain(response)


def _request(order: Order) -> dict[str, JsonValue]:
    """`personGeneration` stays out: which of its values a project may send is Google's to say."""
    assert isinstance(order.spec, VideoSpec)
    assert order.duration_s is not None
    terms = terms_of(order)
    instance: dict[str, JsonValue] = {"prompt": order.prompt}
    for place, path in zip(("image", "lastFrame"), order.inputs, strict=False):
        picture = Attachment.read(path)
        instance[place] = {"bytesBase64Encoded": picture.base64, "mimeType": picture.mime}
    parameters: dict[str, JsonValue] = {
        "sampleCount": 1,
        "durationSeconds": int(order.duration_s),
        "aspectRatio": terms.canvas.word,
        "resolution": terms.canvas.resolution.name,
        "generateAudio": terms.sound,
    }
    if order.spec.negative:
        parameters["negativePrompt"] = ", ".join(order.spec.negative)
    if order.spec.seed:
        parameters["seed"] = order.spec.seed
    return {"instances": [instance], "parameters": parameters}


def _number(name: str) -> str:
    """The last part of an operation's name; the project before it may be a word here and a number there."""
    return name.rpartition("/")[2]


def _warnings(order: Order) -> tuple[str, ...]:
    told = []
    if len(order.inputs) > 1:
        told.append("The clip begins with the first picture and ends with the second.")
    if len(order.inputs) > 2:
        told.append(f"Veo takes two pictures; {len(order.inputs) - 2} more stayed out.")
    return tuple(told)


def _failed(trouble: _Trouble) -> PlatformError:
    """An operation that ended in one of Google's numbered errors."""
    says = trouble.message
    if trouble.code == _INVALID and _CONTENT_RULES.search(says):
        return Refused("Veo refused the content.", vendor_says=says)
    if trouble.code == _INVALID:
        return Unsuitable("Veo found the request unfit.", vendor_says=says)
    return Failed("Veo could not make the clip.", vendor_says=says)
