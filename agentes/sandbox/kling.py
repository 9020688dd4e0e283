"""Kling as its manual tells it: a token signed by the caller, tasks that are listed, `succeed` at the end."""

from __future__ import annotations

import base64
import binascii
import io
import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

from agentes.sandbox.kernel.calls import Answer, Call
from agentes.sandbox.kernel.fake import Fake, Trouble, on
from agentes.sandbox.kernel.house import Stage, Work

__all__ = ["Vendor"]

_MODELS = (
    "kling-v1", "kling-v1-5", "kling-v1-6", "kling-v2-master", "kling-v2-1", "kling-v2-1-master",
    "kling-v2-5-turbo", "kling-v2-6", "kling-v3",
)  # fmt: skip
_KINDS = ("text2video", "image2video")
_WITH_SOUND = ("kling-v2-6", "kling-v3")
_FIELDS = {
    "model_name", "prompt", "negative_prompt", "mode", "duration", "sound", "cfg_scale", "callback_url",
    "external_task_id", "aspect_ratio",
}  # fmt: skip
_PICTURES = {"image", "image_tail"}
_SHORT_SIDE = {"std": 720, "pro": 1080}
_MOST_CHARACTERS = 2500
_MOST_BYTES = 10 * 1024 * 1024
_SHORTEST_SIDE = 300
_STEEPEST = 2.5
_AT_ONCE = 20
_KEPT_S = 30 * 24 * 3600
_MICROS_PER_UNIT = 140_000  # a pack of units is sold at $0.14 each: three are five silent seconds of v3
_WORDS = {
    Stage.WAITING: "submitted",
    Stage.RUNNING: "processing",
    Stage.DONE: "succeed",
    Stage.FAILED: "failed",
}
_SAYS = {
    1000: "Authentication failed",
    1001: "Authorization is empty",
    1002: "Authorization is invalid",
    1003: "Authorization is not yet valid",
    1004: "Authorization has expired",
    1102: "Resource pack depleted or expired",
    1201: "Invalid request parameters",
    1202: "The requested method is invalid",
    1203: "The requested resource does not exist",
    1301: "The content triggered the content security policy of the platform",
    1302: "API request rate limit exceeded",
    1303: "parallel task over resource pack limit",
    5000: "Internal server error",
    5001: "Service temporarily unavailable",
}


class Vendor(Fake):
    """Under `/v1/videos/{text2video|image2video}`: POST makes a task, GET lists them, GET with a number asks."""

    def key(self, call: Call) -> str | None:
        """The access key in a token that holds; a secret nobody here knows cannot be checked."""
        return self._verdict(call)[0]

    @on("start", "POST", "/v1/videos/text2video")
    async def text2video(self, call: Call) -> Answer:
        """A clip out of words."""
        wanted = _legal(call.json, _FIELDS)
        if not wanted.get("prompt"):
            raise ValueError("prompt is missing")
        return self._begin(call, wanted, "text2video", _ratio(wanted.get("aspect_ratio", "16:9")))

    @on("start", "POST", "/v1/videos/image2video")
    async def image2video(self, call: Call) -> Answer:
        """A clip out of a first picture, a last one, or both; its shape is the picture's."""
        wanted = _legal(call.json, _FIELDS | _PICTURES)
        shapes = [_shape(wanted[name]) for name in ("image", "image_tail") if wanted.get(name)]
        if not shapes:
            raise ValueError("image or image_tail is needed")
        return self._begin(
            call, wanted, "image2video", shapes[0] or _ratio(wanted.get("aspect_ratio", "16:9"))
        )

    @on("check", "GET", "/v1/videos/{kind}/{number}")
    async def task(self, call: Call) -> Answer:
        """How one task stands; only under the path it was made with."""
        work = self.house.works.get(call.params["number"])
        if work is None or work.told["kind"] != call.params["kind"]:
            return self._no(404, 1203)
        return self._yes(await self._envelope(work, call))

    @on("find", "GET", "/v1/videos/{kind}")
    async def tasks(self, call: Call) -> Answer:
        """The tasks of that path, the newest first."""
        if call.params["kind"] not in _KINDS:
            return self._no(404, 1202)
        page, size = int(call.query.get("pageNum", "1")), int(call.query.get("pageSize", "30"))
        if not 1 <= page <= 1000 or not 1 <= size <= 500:
            raise ValueError("pageNum is 1 to 1000, pageSize 1 to 500")
        kind, plain = call.params["kind"], replace(call, twist=None)
        newest = reversed(self.house.works.values())
        known = [w for w in newest if w.told["kind"] == kind and self.house.shows(call, w.begun_at)]
        here = known[(page - 1) * size : page * size]
        return self._yes([await self._envelope(work, plain) for work in here])

    @on("free", "GET", "/account/costs")
    async def costs(self, call: Call) -> Answer:
        """The packs that were bought; what is left of them is told late."""
        if int(call.query["start_time"]) > int(call.query["end_time"]):
            raise ValueError("start_time is later than end_time")
        bought = self._now_ms() - 86_400_000
        pack = {
            "resource_pack_name": "Video generation, 1,000 units",
            "resource_pack_id": "sandbox",
            "resource_pack_type": "decreasing_total",
            "total_quantity": 1000.0,
            "remaining_quantity": 1000.0,
            "purchase_time": bought,
            "effective_time": bought,
            "invalid_time": bought + 90 * 86_400_000,
            "status": "online",
        }
        return self._yes({"code": 0, "msg": "success", "resource_pack_subscribe_infos": [pack]})

    def complain(
        self, trouble: Trouble, call: Call, *, status: int = 0, retry_after_s: float | None = None
    ) -> Answer:
        """The same envelope as ever, with a code that is not 0; 429 may mean an empty purse."""
        waiting = {} if retry_after_s is None else {"retry_after": f"{retry_after_s:g}"}
        match trouble:
            case Trouble.BAD_KEY:
                return self._no(401, self._verdict(call)[1] or 1000)
            case Trouble.THROTTLED:
                return self._no(429, 1302, **waiting)
            case Trouble.OUT_OF_CREDIT:
                return self._no(429, 1102)
            case Trouble.RETIRED:
                return self._no(404, 1203)
            case Trouble.REFUSED:
                return self._no(400, 1301)
            case Trouble.BAD_REQUEST:
                return self._no(400, 1201)
            case Trouble.NOT_FOUND:
                return self._no(404, 1202)
            case Trouble.EXPIRED:
                return Answer.expired()
            case Trouble.FAILED | Trouble.BROKEN if status != 502:
                return self._no(status or 500, 5001 if status == 503 else 5000, **waiting)
            case _:
                return Answer.text("<html><h1>502 Bad Gateway</h1></html>", 502, "text/html")

    def _begin(self, call: Call, wanted: dict[str, Any], kind: str, shape: tuple[int, int]) -> Answer:
        if wanted.get("model_name", "kling-v1") not in _MODELS:
            return self._no(404, 1203)
        own = wanted.get("external_task_id")
        if own and any(work.told["own"] == own for work in self.house.works.values()):
            raise ValueError("external_task_id was used before")
        plain = replace(call, twist=None)
        stages = [self.house.stage(work, plain) for work in self.house.works.values()]
        if sum(stage in (Stage.WAITING, Stage.RUNNING) for stage in stages) >= _AT_ONCE:
            return self._no(429, 1303)
        model, mode = wanted.get("model_name", "kling-v1"), wanted.get("mode", "std")
        seconds, sound = int(wanted.get("duration", "5")), wanted.get("sound") == "on"
        usd = self.house.price(
            model, times=1 if model == "kling-v2-5-turbo" else seconds, seconds=seconds, audio=sound,
            resolution=mode if model == "kling-v2-5-turbo" else f"{_SHORT_SIDE[mode]}p",
        )  # fmt: skip
        size = _sides(shape, _SHORT_SIDE[mode])
        work = self.house.begin(
            call, model=model, usd=usd, number=self.house.new_id(),
            kind=kind, own=own or "", size=size, seconds=seconds, sound=sound, at=self._now_ms(),
        )  # fmt: skip
        told = {
            "task_id": work.number,
            "task_status": "submitted",
            "task_info": {"external_task_id": own or ""},
        }
        return self._yes({**told, "created_at": work.told["at"], "updated_at": work.told["at"]})

    async def _envelope(self, work: Work, call: Call) -> dict[str, Any]:
        stage = self.house.stage(work, call)
        told: dict[str, Any] = {
            "task_id": work.number,
            "task_status": _WORDS[stage],
            "task_status_msg": "",
            "task_info": {"external_task_id": work.told["own"]},
            "created_at": work.told["at"],
            "updated_at": self._now_ms(),
        }
        if stage is Stage.FAILED:
            told["task_status_msg"] = "The generation failed, please try again"
        elif stage is Stage.DONE:
            videos = [] if work.twist == "no_output" else [await self._video(work)]
            told["task_result"] = {"videos": videos}
            told["final_unit_deduction"] = str(
                round(Decimal(int(work.usd)) / _MICROS_PER_UNIT, 2).normalize()
            )
        return told

    async def _video(self, work: Work) -> dict[str, str]:
        width, height = work.told["size"]
        seconds = work.told["seconds"]
        clip = await self.house.clip(work, width, height, seconds, sound=work.told["sound"])
        url = self.house.keep(work, clip, "video/mp4", expires_in_s=_KEPT_S)
        return {"id": f"v-{work.number}", "url": url, "duration": f"{seconds}.0"}

    def _verdict(self, call: Call) -> tuple[str | None, int]:
        """Whose token it is and 0, or None and what is wrong with it."""
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        if not token:
            return None, 1001
        try:
            head, claims, signature = token.split(".")
            header, claim = json.loads(_decoded(head)), json.loads(_decoded(claims))
            whole = scheme == "Bearer" and header["alg"] == "HS256" and len(_decoded(signature)) == 32
            iss, exp, nbf = claim["iss"], claim["exp"], claim["nbf"]
        except (ValueError, LookupError, TypeError):
            return None, 1002
        if not whole or not isinstance(iss, str) or not iss or type(exp) is not int or type(nbf) is not int:
            return None, 1002
        if nbf > self.house.now():
            return None, 1003
        return (None, 1004) if exp <= self.house.now() else (iss, 0)

    def _now_ms(self) -> int:
        return int(self.house.now() * 1000)

    def _yes(self, told: Any) -> Answer:
        number = self.house.new_id(uuid=True)
        return Answer.of({"code": 0, "message": "SUCCEED", "request_id": number, "data": told})

    def _no(self, status: int, code: int, **headers: str) -> Answer:
        number = self.house.new_id(uuid=True)
        return Answer.of({"code": code, "message": _SAYS[code], "request_id": number}, status, **headers)


def _legal(wanted: Any, fields: set[str]) -> dict[str, Any]:
    """A request whose fields are all as the manual says; a ValueError if one is not."""
    if not isinstance(wanted, dict) or not all(
        isinstance(wanted[name], str) for name in wanted.keys() - {"cfg_scale"}
    ):
        raise ValueError("the body is an object of texts; only cfg_scale is a number")
    model = wanted.get("model_name", "kling-v1")
    lengths = range(3, 16) if model == "kling-v3" else (5, 10)
    scale = wanted.get("cfg_scale", 0.5)
    wrong = {
        "unknown fields": wanted.keys() - fields,
        "prompt": len(wanted.get("prompt", "")) > _MOST_CHARACTERS,
        "negative_prompt": len(wanted.get("negative_prompt", "")) > _MOST_CHARACTERS,
        "mode": wanted.get("mode", "std") not in _SHORT_SIDE,
        "duration": wanted.get("duration", "5") not in map(str, lengths),
        "aspect_ratio": wanted.get("aspect_ratio", "16:9") not in ("16:9", "9:16", "1:1"),
        "sound": wanted.get("sound", "off") not in ("on", "off") or ("sound" in wanted and model not in _WITH_SOUND),
        "cfg_scale": type(scale) not in (int, float) or not 0 <= scale <= 1 or (
            "cfg_scale" in wanted and model.startswith("kling-v2")
        ),
    }  # fmt: skip
    if found := [name for name, is_wrong in wrong.items() if is_wrong]:
        raise ValueError(f"wrong: {', '.join(found)}")
    return wanted


def _shape(picture: str) -> tuple[int, int] | None:
    """Width and height of a picture in bare base64; None for one at an address, which is taken on trust."""
    from PIL import Image, UnidentifiedImageError

    if picture.startswith(("https://", "http://")):
        return None
    try:
        content = base64.b64decode(picture, validate=True)  # a `data:` prefix is no base64
        with Image.open(io.BytesIO(content)) as image:
            kind, (width, height) = image.format, image.size
    except (binascii.Error, UnidentifiedImageError, OSError) as error:
        raise ValueError("the picture is neither an address nor bare base64 of a picture") from error
    if kind not in ("PNG", "JPEG") or len(content) > _MOST_BYTES or min(width, height) < _SHORTEST_SIDE:
        raise ValueError("a picture is jpg or png, at most 10 MB, each side at least 300 px")
    if max(width, height) > _STEEPEST * min(width, height):
        raise ValueError("a picture is between 1:2.5 and 2.5:1")
    return width, height


def _ratio(word: str) -> tuple[int, int]:
    across, down = word.split(":")
    return int(across), int(down)


def _sides(shape: tuple[int, int], short: int) -> tuple[int, int]:
    """Even sides of that shape, the short one given; what is nearly 16:9, 9:16 or 1:1 is exactly that."""
    ratio = shape[0] / shape[1]
    ratio = next((near for near in (16 / 9, 9 / 16, 1.0) if abs(ratio / near - 1) < 0.02), ratio)
    long = 2 * round(short * max(ratio, 1 / ratio) / 2)
    return (long, short) if ratio > 1 else (short, long)


def _decoded(part: str) -> bytes:
    """A part of a token: base64url without its padding."""
    return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
