"""Gemini Omni by API key: an interaction is begun in the background, and asked for until its video is there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, JsonValue

from agentes.contract import Done, Inline, Link, Pending, Standing
from agentes.wire import google
from agentes.wire.attachments import Attachment
from agentes.wire.said import Said, Unintelligible, VendorId
from shared_knowledge.errors import Failed, PlatformError, Refused
from shared_knowledge.platform_facts import Unit
from shared_knowledge.terms import terms_of
from shared_knowledge.vocabulary import Order, VideoSpec

if TYPE_CHECKING:
    import httpx

__all__ = ["Adapter"]

_LOOK_AGAIN_S = 10.0
_ENDED = {"failed", "cancelled", "incomplete", "budget_exceeded", "requires_action"}
_CONTENT_RULES = re.compile(
    r"blocked|prohibited|violat|usage guidelines|responsible ai|safety (filter|polic|reason)", re.IGNORECASE
)


class _Begun(Said):
    id: VendorId
    status: str


class _Interaction(_Begun):
    """One interaction; its steps hold what was asked, thought and made, in kinds that grow with time."""

    steps: list[dict[str, Any]] | None = None
    errors: list[dict[str, Any]] | None = None
    usage: JsonValue = None


class _Video(Said):
    inside: Annotated[str | None, Field(alias="data")] = None
    uri: Annotated[str, Field(pattern=r"^https?://", max_length=2048)] | None = None


class _Counted(Said):
    modality: str
    tokens: Annotated[int, Field(ge=0, le=10**9)]


class _Usage(Said):
    total_tokens: Annotated[int, Field(ge=0, le=10**9)]
    total_input_tokens: Annotated[int, Field(ge=0, le=10**9)]
    input_tokens_by_modality: list[_Counted] = Field(default_factory=list)
    output_tokens_by_modality: list[_Counted] = Field(default_factory=list)


class Adapter:
    """Speaks the Interactions API, in its snake_case."""

    async def start(self, http: httpx.AsyncClient, order: Order) -> Pending:
        """Begins an interaction that renders behind the scenes; without `background` the call would hang."""
        return _pending(_Begun.of(await http.post("/v1/interactions", json=_request(order))))

    async def check(self, http: httpx.AsyncClient, order: Order) -> Pending | Done:
        """Looks at the interaction; a video that is there is a link or lies in the answer, as Google likes."""
        number = _number(order)
        answer = _Interaction.of(await http.get(f"/v1/interactions/{number}", params={"stream": "false"}))
        if answer.id != number:
            raise Unintelligible("not as promised: id")
        if answer.status in _ENDED:
            raise _ended(answer)
        if answer.status != "completed":
            return _pending(answer)
        if (video := _last_video(answer.steps)) is None:
            raise _nothing_made(answer)
        return Done(video, warnings=_warnings(order), used=_used(answer.usage))

    def receipt_for(self, order: Order, number: str) -> dict[str, JsonValue]:
        """What a task of that number would have answered."""
        return {"id": number}

    async def cancel(self, http: httpx.AsyncClient, order: Order) -> None:
        """Asks for a running interaction to be stopped."""
        await http.post(f"/v1/interactions/{_number(order)}/cancel")

    async def standing(self, http: httpx.AsyncClient) -> Standing:
        """Reads the list of models, which takes a good key and costs nothing."""
        await http.get("/v1/models", params={"pageSize": "1"})
        return Standing()

    def explain(self, response: httpx.Response) -> PlatformError | None:
        """Google's errors read alike at all its doors."""
        return google.explain(response)


# ── asking ─────────────────────────────────────────────────────────────────────────────────────


def _request(order: Order) -> dict[str, JsonValue]:
    terms = terms_of(order)
    return {
        "model": order.model,
        "input": _input(order),
        "background": True,
        "store": True,
        "response_format": {
            "type": "video",
            "aspect_ratio": terms.canvas.word,
            "duration": f"{order.duration_s:g}s",
            "resolution": terms.canvas.resolution.name,
            # Over 4 MB an address alone is promised, and it needs `store` (ai.google.dev on Omni, read 2026-11-21).
            "delivery": "uri",
        },
        "generation_config": {"video_config": {"task": _task(order)}},
    }


def _task(order: Order) -> str:
    """One picture is the first frame; several can only be references."""
    if not order.inputs:
        return "text_to_video"
    return "image_to_video" if len(order.inputs) == 1 else "reference_to_video"


def _input(order: Order) -> JsonValue:
    if not order.inputs:
        return order.prompt
    pictures: list[JsonValue] = [
        {"type": "image", "mime_type": picture.mime, "data": picture.base64}
        for picture in map(Attachment.read, order.inputs)
    ]
    return [{"type": "user_input", "content": [*pictures, {"type": "text", "text": order.prompt}]}]


def _warnings(order: Order) -> tuple[str, ...]:
    assert isinstance(order.spec, VideoSpec)
    told = [] if order.spec.audio else ["Gemini Omni adds a sound track to every clip."]
    if _task(order) == "reference_to_video":
        told.append("The pictures served as references; the clip need not begin with one of them.")
    return tuple(told)


# ── reading ────────────────────────────────────────────────────────────────────────────────────


def _number(order: Order) -> str:
    return str((order.receipt or {})["id"])


def _pending(answer: _Begun) -> Pending:
    return Pending({"id": answer.id}, _LOOK_AGAIN_S, queued=answer.status == "queued")


def _made(steps: list[dict[str, Any]] | None) -> list[tuple[str, dict[str, Any]]]:
    """What the model put out since it was last spoken to, latest first, each with its place in the answer."""
    found = []
    for number, step in reversed(list(enumerate(steps or ()))):
        if step.get("type") == "user_input":
            break
        content = step.get("content") if step.get("type") == "model_output" else None
        for place, item in reversed(list(enumerate(content if isinstance(content, list) else []))):
            if isinstance(item, dict):
                found.append((f"/steps/{number}/content/{place}", item))
    return found


def _last_video(steps: list[dict[str, Any]] | None) -> Link | Inline | None:
    for pointer, item in _made(steps):
        if item.get("type") == "video":
            video = _Video.read(item)
            if video.inside:
                return Inline(f"{pointer}/data")
            if video.uri:
                return Link(video.uri, signed=True)
    return None


def _used(usage: JsonValue) -> dict[Unit, int]:
    """The tokens of the bill; what is neither input nor video is text, thoughts included.

    A count that cannot be read leaves the bill at its quoted price; the video is there all the same.
    """
    try:
        read = _Usage.read(usage)
    except Unintelligible:
        return {}
    video = sum(each.tokens for each in read.output_tokens_by_modality if each.modality.lower() == "video")
    images = sum(each.tokens for each in read.input_tokens_by_modality if each.modality.lower() == "image")
    text_in = read.total_input_tokens - images
    text_out = read.total_tokens - read.total_input_tokens - video
    if not video or min(text_in, text_out) < 0:
        return {}
    counted = {Unit.VIDEO_OUT: video, Unit.TEXT_IN: text_in, Unit.IMAGE_IN: images, Unit.TEXT_OUT: text_out}
    return {unit: count for unit, count in counted.items() if count}


def _ended(answer: _Interaction) -> PlatformError:
    words = _words(answer)
    what = {"failed": "could not make the clip", "cancelled": "stopped: it was cancelled"}
    if _CONTENT_RULES.search(words):
        return Refused("Gemini Omni refused the content.", vendor_says=words, request_id=answer.id)
    says = what.get(answer.status, f"gave up ({answer.status})")
    return Failed(f"Gemini Omni {says}.", vendor_says=words, request_id=answer.id)


def _nothing_made(answer: _Interaction) -> Exception:
    """A refusal has words where the video should be; silence, or a video that was billed, is asked for again."""
    spoken = [item["text"] for _, item in _made(answer.steps) if isinstance(item.get("text"), str)]
    words = " ".join(reversed(spoken)).strip() or _words(answer)
    if words and not _used(answer.usage):
        what = "Gemini Omni answered with words instead of a clip."
        return Refused(what, vendor_says=words, request_id=answer.id)
    return Unintelligible("not as promised: steps without a video")


def _words(answer: _Interaction) -> str:
    """Everything the vendor says about what went wrong."""
    told = (*(answer.errors or ()), *(step.get("error") for step in answer.steps or ()))
    said = [error.get("message") or error.get("code") for error in told if isinstance(error, dict)]
    return " ".join(str(each) for each in said if each)
