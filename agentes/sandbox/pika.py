"""fal's queue with Pika's models in it: submit, watch, fetch, at addresses that fal makes up itself."""

from __future__ import annotations

import base64
import io
from typing import Any

from agentes.sandbox.kernel.calls import Answer, Call
from agentes.sandbox.kernel.fake import Fake, Trouble, on
from agentes.sandbox.kernel.house import Stage, Work

__all__ = ["Vendor"]

_TEXT, _IMAGE = "text-to-video", "image-to-video"
_MODELS = {
    f"fal-ai/pika/{version}/{mode}": (version, mode)
    for version in ("v2.2", "v2.1", "v2/turbo")
    for mode in (_TEXT, _IMAGE)
}
_SHAPES = {
    "16:9": (16, 9),
    "9:16": (9, 16),
    "1:1": (1, 1),
    "4:5": (4, 5),
    "5:4": (5, 4),
    "3:2": (3, 2),
    "2:3": (2, 3),
}
_SIDES = {"720p": 720, "1080p": 1080}
_KINDS = {"image/png": b"\x89PNG", "image/jpeg": b"\xff\xd8\xff", "image/webp": b"RIFF"}
_MOST_BYTES = 10_000_000
_REQUEST = "/{owner}/{alias}/requests/{number}"
_FLAGGED = "The content could not be processed because it contained material flagged by a content checker."


class Vendor(Fake):
    """The queue knows no failure of its own: a request is COMPLETED, and its result is an error."""

    refuses_late = True

    def key(self, call: Call) -> str | None:
        """The scheme is `Key`; `Bearer` opens nothing."""
        scheme, _, key = call.headers.get("authorization", "").partition(" ")
        return key.strip() if scheme == "Key" else None

    @on("start", "POST", "/{model:rest}")
    async def submit(self, call: Call) -> Answer:
        """Puts the input of a model, as it is, into the queue."""
        model = call.params["model"]
        if model not in _MODELS:
            return self.complain(Trouble.RETIRED, call)
        version, mode = _MODELS[model]
        asked: dict[str, Any] = call.json
        form = _checked(asked, version, mode)
        size = _size(asked, form, mode)
        terms = {"seconds": form["seconds"], "resolution": form["resolution"]}
        number = self.house.new_id(uuid=True)
        usd = self.house.price(model, **terms)
        work = self.house.begin(call, model=model, usd=usd, number=number, size=size, seconds=form["seconds"])
        head = {"status": "IN_QUEUE", "request_id": number, "queue_position": 0}
        return Answer.of({**head, **_addresses(work)}, x_fal_request_id=number)

    @on("check", "GET", _REQUEST + "/status")
    async def status(self, call: Call) -> Answer:
        """How far it is: 202 while it waits or runs, 200 once it is over, well or badly."""
        work = self._work(call)
        if work is None:
            return self.complain(Trouble.NOT_FOUND, call)
        stage = self.house.stage(work, call)
        head = {"request_id": work.number, **_addresses(work)}
        number = work.number
        if stage is Stage.WAITING:
            return Answer.of(
                {"status": "IN_QUEUE", "queue_position": 0, **head}, 202, x_fal_request_id=number
            )
        logs: list[str] | None = [] if call.query.get("logs") in ("1", "true") else None
        if stage is Stage.RUNNING:
            return Answer.of({"status": "IN_PROGRESS", "logs": logs, **head}, 202, x_fal_request_id=number)
        work.told["stage"] = stage
        over = {"status": "COMPLETED", "logs": logs, "metrics": {"inference_time": 1.0}, **head}
        if stage is Stage.REFUSED:
            over["error"] = _FLAGGED
        elif stage is not Stage.DONE:
            over |= {"error": "The request failed.", "error_type": _KIND[stage][1]}
        return Answer.of(over, x_fal_request_id=number)

    @on("free", "GET", _REQUEST)
    async def result(self, call: Call) -> Answer:
        """The second half of a look: the clip's address, or the error that the status only hinted at."""
        work = self._work(call)
        if work is None or "stage" not in work.told:
            return self.complain(Trouble.NOT_FOUND, call)
        number, stage = work.number, work.told["stage"]
        if stage is Stage.REFUSED:
            return _list("content_policy_violation", _FLAGGED, x_fal_request_id=number)
        if stage is not Stage.DONE:
            status, kind = _KIND[stage]
            names = {"x_fal_request_id": number, "x_fal_error_type": kind}
            return Answer.of({"detail": "The request failed.", "error_type": kind}, status, **names)
        if work.twist == "no_output":
            return Answer.of({"video": None}, x_fal_request_id=number)
        width, height = work.told["size"]
        content = await self.house.clip(work, width, height, work.told["seconds"])
        url = self.house.keep(work, content, "video/mp4", expires_in_s=7 * 86400)
        video = {"content_type": "video/mp4", "file_name": "output.mp4", "file_size": len(content)}
        return Answer.of({"video": {"url": url, **video}}, x_fal_request_id=number)

    @on("cancel", "PUT", _REQUEST + "/cancel")
    async def cancel(self, call: Call) -> Answer:
        """Takes a request out of the queue, or asks its runner to stop."""
        work = self._work(call)
        if work is None:
            return Answer.of({"status": "NOT_FOUND"}, 404)
        if "stage" in work.told:
            return Answer.of({"status": "ALREADY_COMPLETED"}, 400)
        work.cancelled = True
        return Answer.of({"status": "CANCELLATION_REQUESTED"}, 202)

    def complain(
        self, trouble: Trouble, call: Call, *, status: int = 0, retry_after_s: float | None = None
    ) -> Answer:
        """Two shapes: a sentence of the platform, or a list of what is wrong with the input."""
        match trouble:
            case Trouble.BAD_KEY:
                return _sentence(401, "Authentication is required to access this application.")
            case Trouble.THROTTLED:
                wait = {} if retry_after_s is None else {"retry_after": f"{retry_after_s:g}"}
                return Answer.of({"detail": "Too many requests."}, 429, **wait)
            case Trouble.OUT_OF_CREDIT:
                # So worded in fal's own issue tracker, 2026; their manual names no status.
                purse = "Exhausted balance. Top up your balance at fal.ai/dashboard/billing."
                return _sentence(403, f"User is locked. Reason: {purse}")
            case Trouble.RETIRED | Trouble.NOT_FOUND:
                return _sentence(404, "Not found.")
            case Trouble.REFUSED:
                return _list("content_policy_violation", _FLAGGED)
            case Trouble.EXPIRED:
                return Answer.expired()
            case Trouble.BROKEN:
                return Answer.text(
                    f"<html><center><h1>{status}</h1></center><hr>nginx</html>", status, "text/html"
                )
            case Trouble.FAILED:
                kind = _KIND[Stage.FAILED][1]
                return Answer.of(
                    {"detail": "The request failed.", "error_type": kind}, 500, x_fal_error_type=kind
                )
            case _:
                return _list("value_error", "Input should be as the schema says.")

    def _work(self, call: Call) -> Work | None:
        """The addresses keep only the owner and the first part of a model's name."""
        work = self.house.works.get(call.params["number"])
        home = f"{call.params['owner']}/{call.params['alias']}/"
        return work if work is not None and work.model.startswith(home) else None


_KIND = {Stage.FAILED: (500, "runner_server_error"), Stage.CANCELLED: (499, "client_cancelled")}


def _insist(good: bool, why: str) -> None:
    if not good:
        raise ValueError(why)


def _addresses(work: Work) -> dict[str, str]:
    home = f"{work.here}/fal-ai/pika/requests/{work.number}"
    return {"response_url": home, "status_url": f"{home}/status", "cancel_url": f"{home}/cancel"}


def _checked(asked: dict[str, Any], version: str, mode: str) -> dict[str, Any]:
    """Resolution and seconds of an input that has only known fields of their types."""
    known: dict[str, type] = {"prompt": str, "negative_prompt": str, "resolution": str, "seed": int}
    known["aspect_ratio" if mode == _TEXT else "image_url"] = str
    known["duration"] = str if version == "v2.2" else int
    for name, value in asked.items():
        _insist(type(value) is known[name], f"{name} is not {known[name].__name__}")
    _insist(bool(asked["prompt"]), "prompt")
    seconds = asked.get("duration", known["duration"](5))
    _insist(seconds in (("5", "10") if version == "v2.2" else (5,)), "duration")
    resolution = asked.get("resolution", "720p")
    _insist(resolution in _SIDES, "resolution")
    return {"resolution": resolution, "seconds": int(seconds)}


def _size(asked: dict[str, Any], form: dict[str, Any], mode: str) -> tuple[int, int]:
    """The clip's sides: of the ratio that was asked for, or of the picture that was sent."""
    across, down = (
        _SHAPES[asked.get("aspect_ratio", "16:9")] if mode == _TEXT else _picture(asked["image_url"])
    )
    short = _SIDES[form["resolution"]]
    long = short * max(across, down) // min(across, down) // 2 * 2
    return (long, short) if across > down else (short, long)


def _picture(address: str) -> tuple[int, int]:
    """The sides of a picture in a `data:` address; others would have to be fetched."""
    from PIL import Image

    head, _, text = address.partition(";base64,")
    content = base64.b64decode(text, validate=True)
    _insist(len(content) <= _MOST_BYTES, "image_url is too large")
    _insist(content.startswith(_KINDS[head.removeprefix("data:")]), "image_url is not of its kind")
    with Image.open(io.BytesIO(content)) as picture:
        return picture.size


def _sentence(status: int, detail: str) -> Answer:
    return Answer.of({"detail": detail}, status)


def _list(kind: str, message: str, **names: str) -> Answer:
    entry = {
        "loc": ["body", "prompt"],
        "msg": message,
        "type": kind,
        "url": f"https://docs.fal.ai/errors#{kind}",
    }
    return Answer.of({"detail": [entry]}, 422, x_fal_retryable="false", **names)
