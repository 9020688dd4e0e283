"""OpenAI Images as its manual tells it: pictures made or edited at once, counted in tokens."""

from __future__ import annotations

import base64
import math
import re
from datetime import UTC, date, datetime
from typing import Any

from agentes.sandbox.kernel.calls import Answer, Call, Upload
from agentes.sandbox.kernel.fake import Fake, Trouble, on
from shared_knowledge.catalogue import Catalogue
from shared_knowledge.money import Money
from shared_knowledge.platform_facts import Model, Unit
from shared_knowledge.tariff import bill

__all__ = ["Vendor"]

_GONE = {"dall-e-2": "2026-05-12", "dall-e-3": "2026-05-12", "gpt-image-1": "2026-10-23"}
_FIXED_SIZES = ("1024x1024", "1536x1024", "1024x1536")
_SNAPSHOT = re.compile(r"-\d{4}-\d\d-\d\d$")
_FIELDS = {
    "model", "prompt", "n", "size", "quality", "background", "output_format", "output_compression",
    "moderation", "complexity", "safety_identifier", "user", "stream", "partial_images",
}  # fmt: skip
_MOST_CHARACTERS = 32_000
_MOST_IMAGES = 16
_MOST_BYTES = 50_000_000
_LETTERS_PER_TOKEN = 4
_KINDS = {
    b"\x89PNG": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"RIFF": "image/webp",
}


class _Unfit(ValueError):
    """A field that is not as the manual says."""

    def __init__(self, message: str, field: str, code: str = "invalid_value") -> None:
        super().__init__(message)
        self.field = field
        self.code = code


class Vendor(Fake):
    """`POST /v1/images/generations` takes JSON, `POST /v1/images/edits` a form; both answer with base64."""

    @on("start", "POST", "/v1/images/generations")
    async def generate(self, call: Call) -> Answer:
        """A picture out of words."""
        try:
            return await self._make(call, _read_json(call), references=0)
        except _Unfit as unfit:
            return _error(400, str(unfit), unfit.code, unfit.field)

    @on("start", "POST", "/v1/images/edits")
    async def edit(self, call: Call) -> Answer:
        """A picture out of others: one in the part `image`, several in parts named `image[]`."""
        try:
            return await self._make(call, *_read_form(call))
        except _Unfit as unfit:
            return _error(400, str(unfit), unfit.code, unfit.field)

    @on("free", "GET", "/v1/models")
    async def models(self, call: Call) -> Answer:
        """Every model, with the day it ends where that was announced."""
        known = {model.id: model.retires_on for model in Catalogue.load().platform("openai_images").models}
        told = {"object": "model", "created": 1_745_500_000, "owned_by": "system"}
        listed = [{"id": name, **told, "shutdown_date": ends and str(ends)} for name, ends in known.items()]
        return Answer.of({"object": "list", "data": listed})

    def complain(
        self, trouble: Trouble, call: Call, *, status: int = 0, retry_after_s: float | None = None
    ) -> Answer:
        """`{"error": {"message", "type", "param", "code"}}`."""
        number = {"x_request_id": self.house.new_id("req_")}
        waiting = {} if retry_after_s is None else {"retry_after": f"{retry_after_s:g}"}
        match trouble:
            case Trouble.BAD_KEY:
                return _error(401, "Incorrect API key provided.", "invalid_api_key", **number)
            case Trouble.THROTTLED:
                says = "Rate limit reached for images per minute. Please try again later."
                return _error(429, says, "rate_limit_exceeded", kind="requests", **waiting, **number)
            case Trouble.OUT_OF_CREDIT:
                says = "You exceeded your current quota, please check your plan and billing details."
                return _error(429, says, "insufficient_quota", kind="insufficient_quota", **number)
            case Trouble.RETIRED:
                return _error(404, "The model has been shut down.", "model_not_found", "model", **number)
            case Trouble.REFUSED:
                says = "Your request was rejected by the safety system. safety_violations=[violence]."
                kind = "image_generation_user_error"
                return _error(400, says, "moderation_blocked", None, kind=kind, **number)
            case Trouble.NOT_FOUND | Trouble.EXPIRED:
                return _error(404, f"Invalid URL ({call.method} {call.path})", None, **number)
            case Trouble.BAD_REQUEST:
                return _error(400, "We could not parse the body of your request.", None, **number)
            case Trouble.FAILED | Trouble.BROKEN if status != 502:
                says = "The server had an error while processing your request. Sorry about that!"
                return _error(status or 500, says, "server_error", kind="server_error", **waiting, **number)
            case _:
                return Answer.text("<html><h1>502 Bad Gateway</h1></html>", 502, "text/html")

    async def _make(self, call: Call, wanted: dict[str, Any], references: int) -> Answer:
        name = str(wanted.get("model"))
        model = Catalogue.load().platform("openai_images").model(_SNAPSHOT.sub("", name))
        today = datetime.fromtimestamp(self.house.now(), UTC).date()
        if name in _GONE or (
            model is not None and model.retires_on is not None and model.retires_on <= today
        ):
            return self.complain(Trouble.RETIRED, call)
        if model is None:
            return _error(404, f"The model '{name}' does not exist.", "model_not_found", "model")
        count, quality, width, height, form = _checked(wanted)
        if call.twist == "fail":
            return self.complain(Trouble.BROKEN, call, status=500)
        used = self._used(model, wanted["prompt"], references, count, quality, (width, height), today)
        number = self.house.new_id("req_")
        self.house.book(call, model=name, usd=bill(model, used, today) or Money(0), number=number)
        pictures = [
            await self.house.picture(call, width, height, f"image/{form}")
            for _ in range(0 if call.twist == "no_output" else count)
        ]
        told = {
            "created": int(self.house.now()),
            "background": "transparent" if wanted.get("background") == "transparent" else "opaque",
            "data": [{"b64_json": base64.b64encode(picture).decode()} for picture in pictures],
            "output_format": form,
            "quality": quality,
            "size": f"{width}x{height}",
            "usage": _usage(used),
        }
        return Answer.of(told, x_request_id=number, openai_version="2020-10-01")

    def _used(
        self,
        model: Model,
        prompt: str,
        references: int,
        count: int,
        quality: str,
        size: tuple[int, int],
        today: date,
    ) -> dict[Unit, int]:
        """The tokens of the words and pictures that came in and of those that go out, as the price list implies."""
        listed = _listed_as(model, *size)
        alone = self.house.price(model.id, quality=quality, resolution=listed)
        shown = self.house.price(model.id, quality=quality, resolution=listed, references=references) - alone

        def tokens(cost: int, unit: Unit) -> int:
            per_million = bill(model, {unit: 1_000_000}, today)
            return math.ceil(cost * 1_000_000 / per_million) if per_million else 0

        return {
            Unit.TEXT_IN: math.ceil(len(prompt) / _LETTERS_PER_TOKEN),
            Unit.IMAGE_IN: tokens(shown, Unit.IMAGE_IN),
            Unit.IMAGE_OUT: count * tokens(alone, Unit.IMAGE_OUT),
        }


def _usage(used: dict[Unit, int]) -> dict[str, Any]:
    words, shown, made = used[Unit.TEXT_IN], used[Unit.IMAGE_IN], used[Unit.IMAGE_OUT]
    return {
        "input_tokens": words + shown,
        "input_tokens_details": {"text_tokens": words, "image_tokens": shown},
        "output_tokens": made,
        "output_tokens_details": {"text_tokens": 0, "image_tokens": made},
        "total_tokens": words + shown + made,
    }


def _read_json(call: Call) -> dict[str, Any]:
    wanted = call.json
    if not isinstance(wanted, dict):
        raise _Unfit("We could not parse the JSON body of your request.", "", "")
    return wanted


def _read_form(call: Call) -> tuple[dict[str, Any], int]:
    """The fields of a form as the values they stand for, and how many pictures came along."""
    if not call.headers.get("content-type", "").startswith("multipart/form-data"):
        raise _Unfit("The request must be multipart/form-data.", "", "invalid_content_type")
    parts = dict(call.form)
    references = [*(alone := parts.pop("image", [])), *parts.pop("image[]", [])]
    if len(alone) > 1:
        raise _Unfit(
            "Duplicate parameter: 'image'. Use 'image[]' for several.", "image", "duplicate_parameter"
        )
    _insist_on_pictures(references)
    return {name: _typed(name, part) for name, part in parts.items()}, len(references)


def _checked(wanted: dict[str, Any]) -> tuple[int, str, int, int, str]:
    """Count, quality, width, height and format, all of them legal; an _Unfit if something is not."""
    for name in wanted.keys() - _FIELDS:
        raise _Unfit(f"Unknown parameter: '{name}'.", name, "unknown_parameter")
    prompt = wanted.get("prompt")
    if not isinstance(prompt, str) or not prompt.strip():
        raise _Unfit("Missing required parameter: 'prompt'.", "prompt", "missing_required_parameter")
    if len(prompt) > _MOST_CHARACTERS:
        raise _Unfit(f"'prompt' may have {_MOST_CHARACTERS} characters.", "prompt", "string_above_max_length")
    count = wanted.get("n", 1)
    if type(count) is not int or not 1 <= count <= 10:
        raise _Unfit("'n' must be an integer from 1 to 10.", "n")
    if wanted.get("stream") not in (None, False):
        raise _Unfit("Streaming is not played here.", "stream")
    quality = _one_of(wanted, "quality", ("auto", "low", "medium", "high", *_finest(wanted["model"])))
    form = _one_of(wanted, "output_format", ("png", "jpeg", "webp"))
    background = _one_of(wanted, "background", ("auto", "opaque", "transparent"))
    _one_of(wanted, "moderation", ("auto", "low"))
    if background == "transparent" and form == "jpeg":
        raise _Unfit("A transparent background needs png or webp.", "background")
    if "output_compression" in wanted and (
        form == "png"
        or type(wanted["output_compression"]) is not int
        or not 0 <= wanted["output_compression"] <= 100
    ):
        raise _Unfit("'output_compression' is 0 to 100, for jpeg and webp.", "output_compression")
    return count, "medium" if quality == "auto" else quality, *_sides(wanted), form


def _sides(wanted: dict[str, Any]) -> tuple[int, int]:
    """Any sides divisible by 16, within 3840x2160 of either turn, no steeper than 3:1; three sizes before version 2."""
    size = wanted.get("size", "auto")
    if size == "auto":
        return 1024, 1024
    match = re.fullmatch(r"([1-9]\d{1,4})x([1-9]\d{1,4})", size if isinstance(size, str) else "")
    if match is None or (not wanted["model"].startswith("gpt-image-2") and size not in _FIXED_SIZES):
        raise _Unfit(f"Invalid value: {size!r}. 'size' is WIDTHxHEIGHT or 'auto'.", "size")
    width, height = int(match[1]), int(match[2])
    long, short = max(width, height), min(width, height)
    if width % 16 or height % 16:
        raise _Unfit(f"Invalid size '{size}': both sides must be divisible by 16.", "size")
    if long > 3840 or short > 2160 or long > 3 * short:
        raise _Unfit(f"Invalid size '{size}': at most 3840x2160, from 1:3 to 3:1.", "size")
    return width, height


def _one_of(wanted: dict[str, Any], name: str, allowed: tuple[str, ...]) -> str:
    value = wanted.get(name, "png" if name == "output_format" else "auto")
    if value not in allowed:
        raise _Unfit(f"Invalid value: {value!r}. Supported values are: {', '.join(allowed)}.", name)
    return str(value)


def _finest(model: str) -> tuple[str, ...]:
    return ("xhigh", "max") if model.startswith("gpt-image-2.5-") else ()


def _listed_as(model: Model, width: int, height: int) -> str:
    """The listed size that covers these sides, with a little room: 1088x1920 counts as 1920x1080."""
    names = [resolution.name for resolution in model.resolutions]
    areas = {name: math.prod(map(int, name.split("x"))) for name in names}
    return next((name for name in names if width * height <= 1.02 * areas[name]), names[-1])


def _typed(name: str, part: list[str | Upload]) -> Any:
    """A part of a form as the value it stands for."""
    if len(part) != 1:
        raise _Unfit(f"Duplicate parameter: '{name}'.", name, "duplicate_parameter")
    if not isinstance(part[0], str):
        raise _Unfit(f"'{name}' is not a file here.", name, "invalid_type")
    return int(part[0]) if name in ("n", "output_compression") and part[0].isdigit() else part[0]


def _insist_on_pictures(references: list[str | Upload]) -> None:
    if not references:
        raise _Unfit("Missing required parameter: 'image'.", "image", "missing_required_parameter")
    if len(references) > _MOST_IMAGES:
        raise _Unfit(f"At most {_MOST_IMAGES} images.", "image", "array_above_max_length")
    for file in references:
        if not isinstance(file, Upload):
            raise _Unfit("Expected a file, got text.", "image", "invalid_type")
        kind = next((mime for start, mime in _KINDS.items() if file.content.startswith(start)), None)
        if kind is None or file.mime != kind:
            raise _Unfit(
                f"Unsupported mimetype ('{file.mime}'), or not its contents.",
                "image",
                "unsupported_file_mimetype",
            )
        if len(file.content) >= _MOST_BYTES:
            raise _Unfit("An image must be smaller than 50 MB.", "image", "image_too_large")


def _error(
    status: int,
    message: str,
    code: str | None,
    param: str | None = None,
    *,
    kind: str = "invalid_request_error",
    **headers: str,
) -> Answer:
    error = {"message": message, "type": kind, "param": param or None, "code": code or None}
    return Answer.of({"error": error}, status, **headers)
