"""Google's Interactions API, as far as it films: Gemini Omni, begun in the background and asked for by number."""

from __future__ import annotations

import base64
import math
import re
from fractions import Fraction
from typing import Any

from agentes.sandbox.kernel.calls import Answer, Call
from agentes.sandbox.kernel.fake import Fake, Trouble, on
from agentes.sandbox.kernel.house import Stage, Work
from shared_knowledge.money import Money

__all__ = ["Vendor"]

_MODELS = ("gemini-omni-1.1-flash", "gemini-omni-1.2-flash")
_FIELDS = {"model", "input", "background", "store", "stream", "response_format", "generation_config"}
_FORMAT = {"type", "aspect_ratio", "duration", "resolution", "delivery"}
_SIDES = {"360p": 360, "720p": 720, "1080p": 1080, "4k": 2160}
_TASKS = {"text_to_video": (0, 0), "image_to_video": (1, 1), "reference_to_video": (1, 10)}
_PICTURES = {"image/png": b"\x89PNG", "image/jpeg": b"\xff\xd8\xff", "image/webp": b"RIFF"}
_TOKENS_A_SECOND = 5792
_TOKENS_A_PICTURE = 1120
_USD_A_MILLION = {"video": Fraction("17.5"), "text": Fraction("1.5"), "image": Fraction("1.5")}
_WORDS = {
    Stage.WAITING: "queued",
    Stage.RUNNING: "in_progress",
    Stage.DONE: "completed",
    Stage.REFUSED: "completed",
    Stage.FAILED: "failed",
    Stage.CANCELLED: "cancelled",
}
_NO = "I can't make this video, because it could violate the usage guidelines."


class Vendor(Fake):
    """A refusal is a finished interaction that holds words; whether Google has another form for it is not known."""

    refuses_late = True

    def key(self, call: Call) -> str | None:
        """The key, in a header of its own."""
        return call.headers.get("x-goog-api-key")

    @on("start", "POST", "/v1/interactions")
    @on("start", "POST", "/v1beta/interactions")
    async def begin(self, call: Call) -> Answer:
        """Takes a film order. Without `background` the real call hangs until the film is there; here it is refused."""
        asked: dict[str, Any] = call.json
        if asked.get("model") not in _MODELS:
            return self.complain(Trouble.RETIRED, call)
        form = _checked(asked)
        words, pictures = _read_input(asked["input"])
        least, most = _TASKS[asked["generation_config"]["video_config"]["task"]]
        _insist(least <= len(pictures) <= most, "the task does not fit the number of images")
        seconds = int(form["duration"][:-1])
        counted = {
            "video": _TOKENS_A_SECOND * seconds,
            "text": math.ceil(len(words) / 4),
            "image": _TOKENS_A_PICTURE * len(pictures),
        }
        cost = sum((_USD_A_MILLION[kind] * count for kind, count in counted.items()), Fraction(0))
        usd = Money.at_least(cost / 1_000_000)
        number = self.house.new_id("v1_")
        file = self.house.new_id()
        told = {"form": form, "counted": counted, "seconds": seconds, "file": file}
        work = self.house.begin(call, model=asked["model"], usd=usd, number=number, **told)
        return Answer.of(self._resource(work, "in_progress"))

    @on("check", "GET", "/v1/interactions/{number}")
    @on("check", "GET", "/v1beta/interactions/{number}")
    async def look(self, call: Call) -> Answer:
        """An interaction as it stands; once completed, with its steps and its bill."""
        work = self.house.works.get(call.params["number"])
        if work is None:
            return self.complain(Trouble.NOT_FOUND, call)
        stage = self.house.stage(work, call)
        found = self._resource(work, _WORDS[stage])
        if stage is Stage.FAILED:
            found["errors"] = [{"code": "internal", "message": "The video could not be generated."}]
        if stage is Stage.REFUSED:
            found["steps"] = [_THOUGHT, {"type": "model_output", "content": [{"type": "text", "text": _NO}]}]
            found["usage"] = _usage({**work.told["counted"], "video": 0})
        if stage is Stage.DONE:
            made = [] if work.twist == "no_output" else [await self._video(work)]
            found["steps"] = [_THOUGHT, {"type": "model_output", "content": made}]
            found["usage"] = _usage(work.told["counted"])
        return Answer.of(found)

    @on("cancel", "POST", "/v1/interactions/{number}/cancel")
    async def cancel(self, call: Call) -> Answer:
        """Stops a background interaction."""
        work = self.house.works.get(call.params["number"])
        if work is None:
            return self.complain(Trouble.NOT_FOUND, call)
        work.cancelled = True
        return Answer.of(self._resource(work, "cancelled"))

    @on("download", "GET", "/v1/files/{file}:download")
    @on("download", "GET", "/v1beta/files/{file}:download")
    async def download(self, call: Call) -> Answer:
        """The film itself, for the key and with `alt=media`."""
        _insist(call.query.get("alt") == "media", "only alt=media is served")
        works = [work for work in self.house.works.values() if work.told["file"] == call.params["file"]]
        if not works or works[0].twist == "expired":
            return self.complain(Trouble.EXPIRED, call)
        return Answer.file(await self._clip(works[0]), "video/mp4")

    @on("free", "GET", "/v1/models")
    async def models(self, call: Call) -> Answer:
        """What can be asked for."""
        return Answer.of({"models": [{"name": f"models/{model}"} for model in _MODELS]})

    def complain(
        self, trouble: Trouble, call: Call, *, status: int = 0, retry_after_s: float | None = None
    ) -> Answer:
        """Google's errors: a number, a word in capitals, a sentence, and details for machines."""
        match trouble:
            case Trouble.BAD_KEY:
                why = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
                return _error(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", why)
            case Trouble.THROTTLED:
                wait = f"{retry_after_s or 0:g}s"
                again = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": wait}
                details = () if retry_after_s is None else (again,)
                return _error(429, "RESOURCE_EXHAUSTED", "You exceeded your current quota.", *details)
            case Trouble.OUT_OF_CREDIT:
                why = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "BILLING_DISABLED"}
                return _error(
                    403, "PERMISSION_DENIED", "This API method requires billing to be enabled.", why
                )
            case Trouble.RETIRED:
                return _error(
                    404, "NOT_FOUND", "The model is not found, or is not supported for interactions."
                )
            case Trouble.NOT_FOUND | Trouble.EXPIRED:
                return _error(404, "NOT_FOUND", "Requested entity was not found.")
            case Trouble.REFUSED:
                return _error(
                    400, "INVALID_ARGUMENT", "The prompt was blocked: it violates the usage guidelines."
                )
            case Trouble.BROKEN | Trouble.FAILED:
                word = "UNAVAILABLE" if status in (502, 503) else "INTERNAL"
                return _error(status or 500, word, "An internal error has occurred.")
            case _:
                return _error(400, "INVALID_ARGUMENT", "Request contains an invalid argument.")

    def _resource(self, work: Work, status: str) -> dict[str, Any]:
        return {
            "id": work.number,
            "object": "interaction",
            "model": work.model,
            "status": status,
            "created": "2026-11-21T00:00:00Z",
            "updated": "2026-11-21T00:00:00Z",
        }

    async def _video(self, work: Work) -> dict[str, str]:
        """By address or inside the answer, as the order said; Google itself has been seen to do either."""
        video = {"type": "video", "mime_type": "video/mp4"}
        if work.told["form"]["delivery"] == "uri":
            return {**video, "uri": f"{work.here}/v1beta/files/{work.told['file']}:download?alt=media"}
        return {**video, "data": base64.b64encode(await self._clip(work)).decode()}

    async def _clip(self, work: Work) -> bytes:
        form = work.told["form"]
        short = _SIDES[form["resolution"]]
        long = short * 16 // 9 // 2 * 2
        width, height = (long, short) if form["aspect_ratio"] == "16:9" else (short, long)
        return await self.house.clip(work, width, height, work.told["seconds"], sound=True)


_THOUGHT = {"type": "thought", "summary": [{"type": "text", "text": "Planning the shot."}]}


def _insist(good: bool, why: str) -> None:
    if not good:
        raise ValueError(why)


def _checked(asked: dict[str, Any]) -> dict[str, Any]:
    """The response format of an order that has only known fields with legal values."""
    _insist(set(asked) <= _FIELDS, "unknown field")
    _insist(asked["background"] is True and asked.get("stream", False) is False, "only background is served")
    form: dict[str, Any] = asked["response_format"]
    _insist(set(form) <= _FORMAT and form["type"] == "video", "response_format")
    _insist(form["aspect_ratio"] in ("16:9", "9:16"), "aspect_ratio")
    seconds = re.fullmatch(r"([1-9]\d?)s", form["duration"])
    _insist(seconds is not None and 3 <= int(seconds[1]) <= 10, "duration")
    form = {"resolution": "720p", "delivery": "inline", **form}
    _insist(form["resolution"] in _SIDES, "resolution")
    _insist(form["delivery"] in ("inline", "uri"), "delivery")
    _insist(form["delivery"] == "inline" or asked.get("store", True) is True, "uri needs store")
    return form


def _read_input(told: Any) -> tuple[str, list[bytes]]:
    """The words and the pictures; a list holds one turn of the user, or its content alone."""
    if isinstance(told, str):
        _insist(bool(told), "input is empty")
        return told, []
    if told[0].get("type") == "user_input":
        _insist(len(told) == 1, "one turn")
        told = told[0]["content"]
    words, pictures = "", []
    for item in told:
        if item["type"] == "text":
            words += item["text"]
        else:
            _insist(item["type"] == "image", "only images and text are taken here")
            picture = base64.b64decode(item["data"], validate=True)
            _insist(picture.startswith(_PICTURES[item["mime_type"]]), "the data is not of its mime_type")
            pictures.append(picture)
    _insist(bool(words), "input without words")
    return words, pictures


def _usage(counted: dict[str, int]) -> dict[str, Any]:
    """The bill in tokens, in all and by modality."""
    sent = counted["text"] + counted["image"]
    by_sent = [{"modality": kind, "tokens": counted[kind]} for kind in ("text", "image") if counted[kind]]
    return {
        "total_input_tokens": sent,
        "input_tokens_by_modality": by_sent,
        "total_output_tokens": counted["video"],
        "output_tokens_by_modality": [{"modality": "video", "tokens": counted["video"]}],
        "total_thought_tokens": 0,
        "total_tokens": sent + counted["video"],
    }


def _error(status: int, word: str, message: str, *details: dict[str, str]) -> Answer:
    body = {"code": status, "message": message, "status": word, "details": list(details)}
    return Answer.of({"error": body}, status)
