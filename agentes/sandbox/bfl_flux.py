"""Black Forest Labs as its manual tells it: a task, an address to ask elsewhere, a file for ten minutes."""

from __future__ import annotations

import base64
import binascii
import io
import math
import re
from dataclasses import dataclass, replace
from typing import Any

from agentes.sandbox.kernel.calls import Answer, Call
from agentes.sandbox.kernel.fake import Fake, Trouble, on
from agentes.sandbox.kernel.house import Stage, Work

__all__ = ["Vendor"]


@dataclass(frozen=True)
class _Line:
    """What one line of models takes: fields of its own, pictures, and how its size is told."""

    own: frozenset[str]
    pictures: int = 0
    step: int = 0
    least: int = 64
    most: int = 0
    megapixels: float = 4.0
    by_shape: bool = False
    safety: int = 6
    form: str = "jpeg"


_FLUX_2 = _Line(frozenset({"disable_pup"}), pictures=8, step=16, safety=5)
_KONTEXT = _Line(
    frozenset({"aspect_ratio", "prompt_upsampling"}), pictures=4, by_shape=True, megapixels=1, form="png"
)
_LINES = {
    "flux-2-pro": _FLUX_2,
    "flux-2-max": _FLUX_2,
    "flux-2-flex": replace(_FLUX_2, own=frozenset({"prompt_upsampling", "guidance", "steps"})),
    "flux-2-klein-4b": replace(_FLUX_2, own=frozenset(), pictures=4),
    "flux-2-klein-9b": replace(_FLUX_2, own=frozenset(), pictures=4),
    "flux-pro-1.1": _Line(frozenset({"prompt_upsampling"}), step=32, least=256, most=1440),
    "flux-dev": _Line(frozenset({"prompt_upsampling", "guidance", "steps"}), step=32, least=256, most=1440),
    "flux-pro-1.1-ultra": _Line(frozenset({"aspect_ratio", "raw", "prompt_upsampling"}), by_shape=True),
    "flux-kontext-pro": _KONTEXT,
    "flux-kontext-max": _KONTEXT,
}
_FIELDS = {"prompt", "seed", "safety_tolerance", "output_format", "webhook_url", "webhook_secret"}
_AT_ONCE = 24
_KEPT_S = 600
_MICROS_PER_CREDIT = 10_000
_WORDS = {Stage.WAITING: "Pending", Stage.RUNNING: "Generating", Stage.DONE: "Ready", Stage.FAILED: "Error"}


class _Unfit(ValueError):
    """A field that is not as the manual says."""

    def __init__(self, field: str, message: str, kind: str = "value_error") -> None:
        super().__init__(message)
        self.detail = {"loc": ["body", field], "msg": message, "type": kind}


class Vendor(Fake):
    """`POST /v1/{model}` starts; the `polling_url` of its answer tells, moderation included, with HTTP 200."""

    refuses_late = True

    def key(self, call: Call) -> str | None:
        """The header `x-key`, for asking too."""
        return call.headers.get("x-key")

    @on("start", "POST", "/v1/{model}")
    async def start(self, call: Call) -> Answer:
        """A task, and the address at which to ask for it."""
        model = call.params["model"]
        if model not in _LINES:
            return Answer.of({"detail": "Not Found"}, 404)
        if self._active(call) >= _AT_ONCE:
            return Answer.of({"detail": f"Too many active tasks; at most {_AT_ONCE}."}, 429)
        try:
            wanted, line = call.json, _LINES[model]
            shown = _checked(wanted, line)
            width, height = _size(wanted, line)
        except _Unfit as unfit:
            return Answer.of({"detail": [unfit.detail]}, 422)
        made = 1.0 if line.by_shape or line.most else width * height / 1_000_000
        usd = self.house.price(model, times=made, references=shown)
        number = self.house.new_id(uuid=True)
        form = wanted.get("output_format") or line.form
        self.house.begin(
            call, model=model, usd=usd, number=number, size=(width, height), form=form, prompt=wanted["prompt"],
            seed=wanted.get("seed") or 42,
        )  # fmt: skip
        told = {"id": number, "polling_url": f"{call.here}/cluster/eu4/v1/get_result?id={number}"}
        counted = {"input_mp": shown, "output_mp": math.ceil(made)}
        return Answer.of({**told, "cost": int(usd) / _MICROS_PER_CREDIT, **counted})

    @on("check", "GET", "/cluster/eu4/v1/get_result")
    async def result(self, call: Call) -> Answer:
        """How a task stands, at the address that came with it."""
        work = self.house.works.get(call.query.get("id", ""))
        if work is None:
            return self._told(call.query.get("id", ""), "Task not found")
        stage = self.house.stage(work, call)
        if stage is Stage.REFUSED:
            if call.twist == "refuse":
                work.told["seen"] = True
            where = "Content" if work.told.get("seen") else "Request"
            return self._told(
                work.number, f"{where} Moderated", details={"Moderation Reasons": ["Safety Filter"]}
            )
        if stage is Stage.FAILED:
            return self._told(work.number, "Error", details={"error": "The task failed."})
        if stage is not Stage.DONE:
            return self._told(work.number, _WORDS[stage], progress=0.0 if stage is Stage.WAITING else 0.5)
        return self._told(work.number, "Ready", await self._sample(work))

    @on("check", "GET", "/v1/get_result")
    async def result_elsewhere(self, call: Call) -> Answer:
        """Another cluster than the one that has the task does not know it."""
        return self._told(call.query.get("id", ""), "Task not found")

    @on("free", "GET", "/v1/credits")
    async def credits(self, call: Call) -> Answer:
        """What is left, in credits of a cent."""
        return Answer.of({"credits": 1000.0})

    def complain(
        self, trouble: Trouble, call: Call, *, status: int = 0, retry_after_s: float | None = None
    ) -> Answer:
        """`{"detail": …}`: a sentence, or a list of the fields that are wrong."""
        waiting = {} if retry_after_s is None else {"retry_after": f"{retry_after_s:g}"}
        match trouble:
            case Trouble.BAD_KEY:
                return Answer.of({"detail": "Not authenticated - Invalid Authentication"}, 403)
            case Trouble.OUT_OF_CREDIT:
                return Answer.of({"detail": "Insufficient credits"}, 402)
            case Trouble.THROTTLED:
                return Answer.of({"detail": "Rate limit exceeded"}, 429, **waiting)
            case Trouble.RETIRED | Trouble.NOT_FOUND:
                return Answer.of({"detail": "Not Found"}, 404)
            case Trouble.EXPIRED:
                return Answer.expired()
            case Trouble.BAD_REQUEST | Trouble.REFUSED:
                detail = {"loc": ["body"], "msg": "Input should be a valid object", "type": "json_invalid"}
                return Answer.of({"detail": [detail]}, 422)
            case _:
                return Answer.of({"detail": "Internal Server Error"}, status or 500, **waiting)

    def _active(self, call: Call) -> int:
        plain = replace(call, twist=None)
        stages = [self.house.stage(work, plain) for work in self.house.works.values()]
        return sum(stage in (Stage.WAITING, Stage.RUNNING) for stage in stages)

    async def _sample(self, work: Work) -> dict[str, Any]:
        if work.twist == "no_output":
            return {}
        kind = f"image/{work.told['form']}"
        width, height = work.told["size"]
        picture = await self.house.picture(work, width, height, kind)
        url = self.house.keep(work, picture, kind, name=f"sample.{work.told['form']}", expires_in_s=_KEPT_S)
        told = {"prompt": work.told["prompt"], "seed": work.told["seed"], "start_time": work.begun_at}
        return {
            "sample": url,
            **told,
            "end_time": self.house.now(),
            "duration": self.house.now() - work.begun_at,
        }

    def _told(self, number: str, status: str, result: dict[str, Any] | None = None, **more: Any) -> Answer:
        known = {
            "id": number,
            "status": status,
            "result": result,
            "progress": None,
            "details": None,
            "preview": None,
        }
        return Answer.of({**known, **more})


def _checked(wanted: Any, line: _Line) -> int:
    """The whole megapixels of the pictures sent along; an _Unfit if a field is not as it should be."""
    if not isinstance(wanted, dict):
        raise _Unfit("", "Input should be a valid object", "json_invalid")
    slots = ["input_image", *(f"input_image_{number}" for number in range(2, line.pictures + 1))][
        : line.pictures
    ]
    sides = {"width", "height"} if line.step else set()
    for name in wanted.keys() - _FIELDS - line.own - sides - set(slots):
        raise _Unfit(name, "Extra inputs are not taken by this model", "extra_forbidden")
    if not isinstance(wanted.get("prompt"), str) or not wanted["prompt"]:
        raise _Unfit("prompt", "Field required", "missing")
    for name, most in (("safety_tolerance", line.safety), ("seed", 2**63)):
        value = wanted.get(name, 0)
        if value is not None and (type(value) is not int or not 0 <= value <= most):
            raise _Unfit(name, f"Input should be a whole number from 0 to {most}", "int_parsing")
    if wanted.get("output_format") not in (None, "jpeg", "png", "webp"):
        raise _Unfit("output_format", "Input should be 'jpeg', 'png' or 'webp'", "enum")
    if not str(wanted.get("webhook_url") or "https://").startswith("https://"):
        raise _Unfit("webhook_url", "Input should be a valid URL", "url_parsing")
    shown = [name for name in slots if wanted.get(name)]
    if shown != slots[: len(shown)]:
        raise _Unfit(shown[-1], "The slots of pictures are filled in order")
    return sum(_megapixels(name, wanted[name]) for name in shown)


def _megapixels(name: str, picture: Any) -> int:
    """The whole megapixels of a picture in base64; one at an address counts as one."""
    from PIL import Image, UnidentifiedImageError

    if isinstance(picture, str) and picture.startswith(("https://", "http://")):
        return 1
    try:
        with Image.open(io.BytesIO(base64.b64decode(picture, validate=True))) as image:
            return math.ceil(image.width * image.height / 1_000_000)
    except (binascii.Error, UnidentifiedImageError, OSError, TypeError, ValueError) as error:
        raise _Unfit(name, "Input should be a URL or an image in base64") from error


def _size(wanted: dict[str, Any], line: _Line) -> tuple[int, int]:
    """Width and height: told in pixels, or worked out from a shape."""
    if line.by_shape:
        match = re.fullmatch(r"([1-9]\d?):([1-9]\d?)", str(wanted.get("aspect_ratio") or "16:9"))
        ratio = int(match[1]) / int(match[2]) if match else 0
        if not 9 / 21 <= ratio <= 21 / 9:
            raise _Unfit("aspect_ratio", "Input should be a ratio between 21:9 and 9:21")
        across = math.sqrt(line.megapixels * 1_000_000 * ratio)
        return 16 * round(across / 16), 16 * round(across / ratio / 16)
    sides = []
    for name in ("width", "height"):
        side = wanted.get(name) or 1024
        if type(side) is not int or side % line.step or side < line.least or side > (line.most or side):
            raise _Unfit(
                name, f"Input should be a multiple of {line.step} of at least {line.least}", "multiple_of"
            )
        sides.append(side)
    if sides[0] * sides[1] > line.megapixels * 1024 * 1024:
        raise _Unfit("width", f"At most {line.megapixels:g} megapixels")
    return sides[0], sides[1]
