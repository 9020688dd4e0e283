"""Kling: clips of 3 to 15 seconds from words or from a picture; every task carries our own number."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any

import httpx
from pydantic import Field, JsonValue

from agentes.contract import Candidates, Done, Link, Pending, Standing
from agentes.wire.attachments import Attachment
from agentes.wire.said import Said, Unintelligible, VendorId
from shared_knowledge.errors import (
    Failed,
    InDoubt,
    PlatformError,
    Refused,
    Throttled,
    Unavailable,
    Unsuitable,
)
from shared_knowledge.platform_facts import Audio
from shared_knowledge.terms import terms_of
from shared_knowledge.vocabulary import Medium, Money, Order

__all__ = ["Adapter"]

_LOOK_AGAIN_S = 10.0
_PAGE = 30
_PAGES_MOST = 100
_HOUR_MS = 3_600_000
_PICTURES = ("image", "image_tail")
_RISK = ("risk control", "content policy", "sensitive", "violat")

_Number = str | int | Annotated[float, Field(allow_inf_nan=False)] | None


class _Envelope(Said):
    code: int
    message: str | None = None
    request_id: str | None = None
    told: Any = Field(default=None, alias="data")


class _Named(Said):
    external_task_id: str | None = None


class _Video(Said):
    url: str = Field(min_length=1)


class _Videos(Said):
    videos: list[_Video] | None = None


class _Task(Said):
    task_id: VendorId
    task_status: str
    task_status_msg: str | None = None
    task_info: _Named | None = None
    task_result: _Videos | None = None
    created_at: int | None = None
    final_unit_deduction: _Number = None


class Adapter:
    """Speaks Kling's own API."""

    async def start(self, http: httpx.AsyncClient, order: Order) -> Pending:
        """A clip from words, or from a first picture and perhaps a last."""
        response = await http.post(_path(order), json=_wanted(order))
        envelope = _Envelope.of(response)
        if envelope.code:
            error = _error(envelope)
            if error is None:
                raise Unintelligible(f"the answer has the code {envelope.code}")
            error.charged = Money(0)
            raise error
        task = _Task.read(envelope.told)
        receipt: dict[str, JsonValue] = {"path": _path(order), "task_id": task.task_id}
        return Pending(receipt, _LOOK_AGAIN_S, queued=task.task_status == "submitted")

    async def check(self, http: httpx.AsyncClient, order: Order) -> Pending | Done:
        """How the task stands; it is asked where it was sent."""
        receipt = order.receipt or {}
        envelope = _Envelope.of(await http.get(f"{receipt['path']}/{receipt['task_id']}"))
        if envelope.code:
            error = _error(envelope)
            raise error if isinstance(error, Refused) else Unintelligible(f"the code {envelope.code}")
        task = _Task.read(envelope.told)
        if task.task_id != receipt["task_id"]:
            raise Unintelligible("it is about another task")
        if task.task_status == "failed":
            raise _failure(task, envelope.request_id or "")
        if task.task_status != "succeed":
            return Pending(receipt, _LOOK_AGAIN_S, queued=task.task_status == "submitted")
        videos = task.task_result.videos if task.task_result else None
        if not videos:
            return Pending(receipt, _LOOK_AGAIN_S, bare=True)
        units = task.final_unit_deduction
        return Done(
            Link(videos[0].url),
            warnings=_left_out(order),
            measured={} if units is None else {"units_deducted": units},
        )

    async def find(self, http: httpx.AsyncClient, order: Order) -> Pending | Candidates | None:
        """The one task in the list that carries our number; or all that do, if a number was not unique after all."""
        found = [task async for task in _listed(http, order) if _number(task) == order.id]
        if len(found) > 1:
            return Candidates(tuple(task.task_id for task in found))
        if not found:
            return None
        return Pending({"path": _path(order), "task_id": found[0].task_id}, 0.0)

    def receipt_for(self, order: Order, number: str) -> dict[str, JsonValue]:
        """What a task of that number would have answered."""
        return {"path": _path(order), "task_id": number}

    async def standing(self, http: httpx.AsyncClient) -> Standing:
        """That the keys work; what is left of a pack lags by half a day, so it is not told."""
        envelope = _Envelope.of(await http.get("/v1/videos/text2video", params={"pageNum": 1, "pageSize": 1}))
        if envelope.code:
            raise _error(envelope) or Unintelligible(f"the answer has the code {envelope.code}")
        return Standing()

    def explain(self, response: httpx.Response) -> PlatformError | None:
        """The code inside says more than the status: 429 is an empty purse as often as haste."""
        try:
            envelope = _Envelope.of(response)
        except Unintelligible:
            return None
        error = _error(envelope)
        if isinstance(error, Throttled) and "retry-after" in response.headers:
            return None
        return error


def _path(order: Order) -> str:
    return "/v1/videos/image2video" if order.inputs else "/v1/videos/text2video"


def _wanted(order: Order) -> dict[str, JsonValue]:
    terms = terms_of(order)
    assert order.duration_s is not None
    wanted: dict[str, JsonValue] = {
        "model_name": order.model,
        "prompt": order.prompt,
        "mode": terms.canvas.resolution.word or terms.setting or "std",
        "duration": f"{order.duration_s:g}",
        "external_task_id": order.id,
    }
    if not order.inputs:
        wanted["aspect_ratio"] = terms.canvas.word
    for name, path in zip(_PICTURES, order.inputs, strict=False):  # the first picture gives the shape
        wanted[name] = Attachment.read(path).base64
    if terms.model.audio is Audio.OPTIONAL:
        wanted["sound"] = "on" if terms.sound else "off"
    if order.spec.medium is Medium.VIDEO and order.spec.negative:
        wanted["negative_prompt"] = ", ".join(order.spec.negative)
    if hook := order.prepared.get("hook"):
        wanted["callback_url"] = hook
    return wanted


def _left_out(order: Order) -> tuple[str, ...]:
    spare = len(order.inputs) - len(_PICTURES)
    return (f"Kling takes a first and a last picture; {spare} more had no place.",) if spare > 0 else ()


def _number(task: _Task) -> str | None:
    return task.task_info.external_task_id if task.task_info else None


async def _listed(http: httpx.AsyncClient, order: Order) -> AsyncIterator[_Task]:
    """The account's tasks of this kind, page by page; no further back than the order, if they come newest first."""
    sent_ms = order.sent_at.timestamp() * 1000 if order.sent_at else 0.0
    last_ms, newest_first = None, True
    for number in range(1, _PAGES_MOST + 1):
        envelope = _Envelope.of(await http.get(_path(order), params={"pageNum": number, "pageSize": _PAGE}))
        if envelope.code or not isinstance(envelope.told, list):
            raise Unintelligible(f"the list has the code {envelope.code}")
        for told in envelope.told:
            task = _Task.read(told)
            yield task
            newest_first = (
                newest_first and task.created_at is not None and task.created_at <= (last_ms or 1e18)
            )
            last_ms = task.created_at
        if len(envelope.told) < _PAGE or (newest_first and (last_ms or 0) < sent_ms - _HOUR_MS):
            return
    raise InDoubt(f"The list of Kling is too long to be searched for order {order.id}.")


def _failure(task: _Task, request_id: str) -> PlatformError:
    """Why a task failed; it is known to be free only where it says that nothing was deducted."""
    says = (task.task_status_msg or "")[:500]
    refused = any(sign in says.casefold() for sign in _RISK)
    kind: type[PlatformError] = Refused if refused else Failed
    what = "Kling refuses this clip." if refused else "Kling could not make the clip."
    free = str(task.final_unit_deduction) in {"0", "0.0"}
    return kind(what, request_id=request_id, vendor_says=says, charged=Money(0) if free else None)


def _error(envelope: _Envelope) -> PlatformError | None:
    """The vendor's table of codes; what is left to the house are lost paths and troubles of its servers."""
    told: dict[str, Any] = {
        "vendor_says": (envelope.message or "")[:500],
        "request_id": envelope.request_id or "",
    }
    match envelope.code:
        case 1003 | 1004:
            return Unavailable(
                "Kling finds the signed token too early or too late.",
                because="key",
                todo="Set this machine's clock.",
                **told,
            )
        case 1000 | 1001 | 1002:
            return Unavailable("Kling does not accept the keys.", because="key", **told)
        case 1101 | 1102:
            return Unavailable("The Kling account has no units left.", because="credit", **told)
        case 1103:
            return Unavailable("The Kling account may not use this model.", because="model", **told)
        case 1304:
            return Unavailable("Kling lets only listed addresses in.", because="key", **told)
        case 1200 | 1201 if "external_task_id" in told["vendor_says"]:
            return InDoubt("Kling has a task with this number already.", **told)
        case 1200 | 1201:
            return Unsuitable("Kling cannot make the clip as asked.", **told)
        case 1300 | 1301:
            return Refused("Kling refuses this clip.", **told)
        case 1302 | 1303:
            return Throttled("Kling is busy with other tasks of this account.", after_s=1.0, **told)
    return None
