"""Vertex AI, as far as it films: Veo, begun as a long-running prediction and asked for with a POST."""

from __future__ import annotations

import base64
from typing import Any

from agentes.sandbox.kernel.calls import Answer, Call
from agentes.sandbox.kernel.fake import Fake, Trouble, on
from agentes.sandbox.kernel.house import Stage, Work

__all__ = ["Vendor"]

_MODELS = {
    "veo-3.1-lite-generate-001": ("720p", "1080p"),
    "veo-3.1-fast-generate-001": ("720p", "1080p", "4k"),
    "veo-3.1-generate-001": ("720p", "1080p", "4k"),
}
_SIDES = {"720p": (1280, 720), "1080p": (1920, 1080), "4k": (3840, 2160)}
_INSTANCE: dict[str, type] = {"prompt": str, "image": dict, "lastFrame": dict, "referenceImages": list}
_PARAMETERS: dict[str, type] = {
    "sampleCount": int,
    "durationSeconds": int,
    "aspectRatio": str,
    "resolution": str,
    "generateAudio": bool,
    "negativePrompt": str,
    "seed": int,
    "personGeneration": str,
    "enhancePrompt": bool,
    "fps": int,
}
_DEFAULTS: dict[str, Any] = {
    "durationSeconds": 8,
    "aspectRatio": "16:9",
    "resolution": "720p",
    "generateAudio": True,
}
_PICTURES = {"image/png": b"\x89PNG", "image/jpeg": b"\xff\xd8\xff"}
_HOME = "/v1beta1/projects/{project}/locations/{location}/publishers/google/models/{model}"
_KEPT_BACK = (
    "The generated video was filtered because it violated the usage guidelines. Support code: 29578790."
)


class Vendor(Fake):
    """What the content rules keep back is done, without an error and without a video."""

    refuses_late = True

    @on("start", "POST", _HOME + ":predictLongRunning")
    async def begin(self, call: Call) -> Answer:
        """Takes one clip."""
        model = call.params["model"]
        if model not in _MODELS:
            return self.complain(Trouble.RETIRED, call)
        asked: dict[str, Any] = call.json
        _insist(set(asked) <= {"instances", "parameters", "labels"}, "unknown field")
        [instance] = asked["instances"]
        form = _DEFAULTS | _checked(asked.get("parameters", {}), _PARAMETERS)
        _check_instance(_checked(instance, _INSTANCE), form["durationSeconds"])
        _insist(form["durationSeconds"] in (4, 6, 8), "durationSeconds")
        _insist(form["aspectRatio"] in ("16:9", "9:16"), "aspectRatio")
        _insist(form["resolution"] in _MODELS[model], "resolution")
        _insist(form.get("sampleCount", 1) == 1, "one clip at a time is played here")
        _insist(0 <= form.get("seed", 0) < 2**32, "seed")
        _insist(
            form.get("personGeneration", "allow_adult") in ("dont_allow", "allow_adult"), "personGeneration"
        )
        terms = {"resolution": form["resolution"], "audio": form["generateAudio"]}
        usd = self.house.price(model, times=form["durationSeconds"], **terms)
        home = call.path.removeprefix("/v1beta1/").removesuffix(":predictLongRunning")
        name = f"{home}/operations/{self.house.new_id(uuid=True)}"
        self.house.begin(call, model=model, usd=usd, number=name, form=form)
        return Answer.of({"name": name})

    @on("check", "POST", _HOME + ":fetchPredictOperation")
    async def look(self, call: Call) -> Answer:
        """An operation as it stands; `done` is absent until it is."""
        work = self.house.works.get(call.json["operationName"])
        if work is None or work.model != call.params["model"]:
            return self.complain(Trouble.NOT_FOUND, call)
        stage = self.house.stage(work, call)
        if stage in (Stage.WAITING, Stage.RUNNING):
            return Answer.of({"name": work.number})
        done: dict[str, Any] = {"name": work.number, "done": True}
        if stage is Stage.DONE:
            done["response"] = {"@type": _TYPE, "raiMediaFilteredCount": 0, **await self._videos(work)}
        elif stage is Stage.REFUSED:
            filtered = {"raiMediaFilteredCount": 1, "raiMediaFilteredReasons": [_KEPT_BACK]}
            done["response"] = {"@type": _TYPE, **filtered}
        else:
            done["error"] = {
                "code": 13,
                "message": "Video generation failed due to an internal server issue.",
            }
        return Answer.of(done)

    @on("free", "GET", "/v1beta1/publishers/google/models/{model}")
    async def model(self, call: Call) -> Answer:
        """What is published about a model."""
        if call.params["model"] not in _MODELS:
            return self.complain(Trouble.NOT_FOUND, call)
        return Answer.of({"name": f"publishers/google/models/{call.params['model']}", "versionId": "default"})

    def complain(
        self, trouble: Trouble, call: Call, *, status: int = 0, retry_after_s: float | None = None
    ) -> Answer:
        """Google's errors: a number, a word in capitals, a sentence, and details for machines."""
        match trouble:
            case Trouble.BAD_KEY:
                return _error(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
            case Trouble.THROTTLED:
                wait = f"{retry_after_s or 0:g}s"
                again = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": wait}
                details = () if retry_after_s is None else (again,)
                return _error(
                    429, "RESOURCE_EXHAUSTED", "Quota exceeded for online_prediction_requests.", *details
                )
            case Trouble.OUT_OF_CREDIT:
                why = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "BILLING_DISABLED"}
                return _error(
                    403, "PERMISSION_DENIED", "This API method requires billing to be enabled.", why
                )
            case Trouble.RETIRED:
                return _error(
                    404, "NOT_FOUND", "Publisher Model was not found or your project has no access to it."
                )
            case Trouble.NOT_FOUND | Trouble.EXPIRED:
                return _error(404, "NOT_FOUND", "The operation was not found.")
            case Trouble.REFUSED:
                return _error(
                    400, "INVALID_ARGUMENT", "The prompt violates the usage guidelines of Vertex AI."
                )
            case Trouble.BROKEN | Trouble.FAILED:
                word = "UNAVAILABLE" if status in (502, 503) else "INTERNAL"
                return _error(status or 500, word, "An internal error has occurred.")
            case _:
                return _error(400, "INVALID_ARGUMENT", "Request contains an invalid argument.")

    async def _videos(self, work: Work) -> dict[str, Any]:
        if work.twist == "no_output":
            return {}
        form = work.told["form"]
        width, height = _SIDES[form["resolution"]]
        if form["aspectRatio"] == "9:16":
            width, height = height, width
        sound, seconds = form["generateAudio"], form["durationSeconds"]
        content = await self.house.clip(work, width, height, seconds, sound=sound)
        video = {"bytesBase64Encoded": base64.b64encode(content).decode(), "mimeType": "video/mp4"}
        return {"videos": [video]}


_TYPE = "type.googleapis.com/cloud.ai.large_models.vision.GenerateVideoResponse"


def _insist(good: bool, why: str) -> None:
    if not good:
        raise ValueError(why)


def _checked(told: dict[str, Any], known: dict[str, type]) -> dict[str, Any]:
    """The same, if every name in it is known and of its type; a number in quotes is none, nor is true."""
    for name, value in told.items():
        _insist(type(value) is known[name], f"{name} is not {known[name].__name__}")
    return told


def _check_instance(instance: dict[str, Any], seconds: int) -> None:
    _insist(bool(instance["prompt"]), "prompt")
    _insist("lastFrame" not in instance or "image" in instance, "lastFrame needs image")
    references = instance.get("referenceImages", [])
    _insist(not references or (seconds == 8 and "image" not in instance), "referenceImages")
    _insist(all(each["referenceType"] == "ASSET" for each in references), "referenceType")
    pictures = [instance[place] for place in ("image", "lastFrame") if place in instance]
    for picture in (*pictures, *(each["image"] for each in references)):
        content = base64.b64decode(picture["bytesBase64Encoded"], validate=True)
        _insist(content.startswith(_PICTURES[picture["mimeType"]]), "the bytes are not of their mimeType")


def _error(status: int, word: str, message: str, *details: dict[str, str]) -> Answer:
    body = {"code": status, "message": message, "status": word, "details": list(details)}
    return Answer.of({"error": body}, status)
