"""Runway as its manual has it: tasks that wait, run and end, and may be charged even when they fail."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from agentes.sandbox.kernel.calls import Answer, Call, Upload
from agentes.sandbox.kernel.fake import Fake, Trouble, on
from agentes.sandbox.kernel.house import House, Stage, Work
from agentes.sandbox.runway_manual import RESOLUTIONS, VIDEOS, Sheet
from shared_knowledge.money import Money

__all__ = ["Vendor"]

_VERSION = "2024-11-06"
_MOST_INLINE = 5_000_000
_DAY_S = 86_400.0
_USUAL_S = 5
_FIRST_AND_LAST = ("first", "last")
_MEDIA = ("promptImage", "promptVideo", "videoUri", "references", "referenceImages")
_BOOLS, _INTS = ("audio", "draft"), ("seed", "outputCount")
_SOUNDING = ("gemini_omni_flash", "gemini_omni_flash_1.1")
_TIERS = ((600_000, "480p"), (1_500_000, "720p"), (3_000_000, "1080p"))


class Vendor(Fake):
    """`POST` a task to the endpoint of its kind, `GET /v1/tasks/{id}` until it has ended."""

    refuses_late = True

    def __init__(self, house: House) -> None:
        super().__init__(house)
        self._uploads: dict[str, bytes] = {}

    @on("start", "POST", "/v1/text_to_video")
    @on("start", "POST", "/v1/image_to_video")
    @on("start", "POST", "/v1/video_to_video")
    async def make_video(self, call: Call) -> Answer:
        """A clip out of words, pictures or another clip."""
        way = call.path.rpartition("/")[2]
        asked = self._checked(call, VIDEOS[way], RESOLUTIONS)
        model, seconds = asked["model"], asked.get("duration", _USUAL_S)
        seconds = _USUAL_S if seconds == "auto" else seconds
        width, height = self._canvas(asked)
        tier = str(asked.get("resolution", "")).lower() or _tier(width, height)
        speaks = "audio" in VIDEOS[way][model].fields.split() and asked.get("audio", True)
        sound = speaks or model in _SOUNDING
        pictures = len(self._media(asked, "promptImage")) + len(self._media(asked, "references"))
        usd = self.house.price(model, times=seconds, references=pictures, resolution=tier, audio=sound)
        return self._taken(call, model, usd, size=(width, height), seconds=seconds, sound=sound)

    @on("check", "GET", "/v1/tasks/{id}")
    async def look(self, call: Call) -> Answer:
        """How a task stands; its files' addresses are fresh each time."""
        work = self.house.works.get(call.params["id"])
        if work is None:
            return self.complain(Trouble.NOT_FOUND, call)
        stage = self.house.stage(work, call)
        task: dict[str, Any] = {"id": work.number, "createdAt": _moment(work.begun_at)}
        match stage:
            case Stage.WAITING:
                work.told["looks"] = work.told.get("looks", 0) + 1
                status = "PENDING" if work.told["looks"] == 1 else "THROTTLED"
                return Answer.of(task | {"status": status, "estimatedCost": _credits(work.usd)})
            case Stage.RUNNING:
                running = {"status": "RUNNING", "progress": 0.5, "estimatedCost": _credits(work.usd)}
                return Answer.of(task | running)
            case Stage.FAILED:
                why = {
                    "failure": "An unexpected error occurred.",
                    "failureCode": "INTERNAL.BAD_OUTPUT.CODE01",
                }
                return Answer.of(task | {"status": "FAILED", **why, "cost": _credits(Money(0))})
            case Stage.REFUSED:
                why = {
                    "failure": "The text prompt did not pass moderation.",
                    "failureCode": "SAFETY.INPUT.TEXT",
                }
                return Answer.of(task | {"status": "FAILED", **why, "cost": _credits(work.usd)})
            case _:
                output = [] if work.twist == "no_output" else [await self._output(work)]
                done = {"status": "SUCCEEDED", "output": output, "cost": _credits(work.usd)}
                return Answer.of(task | done)

    @on("cancel", "DELETE", "/v1/tasks/{id}")
    async def stop(self, call: Call) -> Answer:
        """What was aborted or deleted cannot be fetched again."""
        if self.house.works.pop(call.params["id"], None) is None:
            return self.complain(Trouble.NOT_FOUND, call)
        return Answer(204)

    @on("free", "POST", "/v1/uploads")
    async def offer_upload(self, call: Call) -> Answer:
        """A place to put a file, and the address it then has here."""
        if not isinstance(call.json["filename"], str) or call.json["type"] != "ephemeral":
            return self._bad("filename and type 'ephemeral' are needed")
        number = self.house.new_id()
        fields = {"key": f"uploads/{number}", "policy": "eyJleHBpcmF0aW9uIjoi", "x-amz-signature": "0" * 16}
        url = f"{call.here}/upload-store/{number}"
        return Answer.of({"uploadUrl": url, "fields": fields, "runwayUri": f"runway://uploads/{number}"})

    @on("free", "POST", "/upload-store/{number}", keyless=True)
    async def store(self, call: Call) -> Answer:
        """Not Runway's own: a store that reads the form in order, and no key of Runway's."""
        if "authorization" in call.headers:
            return Answer.text("<Error><Code>InvalidArgument</Code></Error>", 400, "application/xml")
        *fields, last = call.form
        file = call.form[last][0]
        if last != "file" or not isinstance(file, Upload) or "x-amz-signature" not in fields:
            return Answer.text("<Error><Code>AccessDenied</Code></Error>", 403, "application/xml")
        self._uploads[f"runway://uploads/{call.params['number']}"] = file.content
        return Answer(204)

    @on("free", "GET", "/v1/organization")
    async def organization(self, call: Call) -> Answer:
        """What is left, and how much may run."""
        limits = {"maxConcurrentGenerations": 2, "maxDailyGenerations": 200}
        models = {model: limits for book in VIDEOS.values() for model in book}
        tier = {"maxMonthlyCreditSpend": 10_000, "models": models}
        usage = {"models": {work.model: {"dailyGenerations": 1} for work in self.house.works.values()}}
        return Answer.of({"creditBalance": 12_345, "tier": tier, "usage": usage})

    def complain(
        self, trouble: Trouble, call: Call, *, status: int = 0, retry_after_s: float | None = None
    ) -> Answer:
        """One sentence under `error`; 429 is the quota of the day."""
        told = {} if retry_after_s is None else {"retry_after": f"{retry_after_s:g}"}
        match trouble:
            case Trouble.BAD_KEY:
                return Answer.of({"error": "The API key you provided is not valid."}, 401)
            case Trouble.THROTTLED:
                words = "You have reached your daily task limit for this model."
                return Answer.of({"error": words}, 429, **told)
            case Trouble.OUT_OF_CREDIT:
                return Answer.of({"error": "You do not have enough credits to run this task."}, 400)
            case Trouble.RETIRED:
                return Answer.of({"error": "This model is no longer available."}, 404)
            case Trouble.REFUSED:
                return Answer.of({"error": "The input did not pass content moderation."}, 400)
            case Trouble.NOT_FOUND:
                return Answer.of({"error": "Not found."}, 404)
            case Trouble.EXPIRED:
                return Answer.expired()
            case Trouble.BROKEN | Trouble.FAILED:
                return Answer.of({"error": "Something went wrong on our side."}, status or 500)
            case _:
                return self._bad("Validation of body failed.")

    # ── reading a request ──────────────────────────────────────────────────────────────────────

    def _checked(
        self, call: Call, book: Mapping[str, Sheet], words: Mapping[str, tuple[str, ...]]
    ) -> dict[str, Any]:
        """The body, if it is one that its model takes; else a ValueError, which is answered with 400."""
        if call.headers.get("x-runway-version") != _VERSION:
            raise ValueError(f"X-Runway-Version must be {_VERSION}")
        asked: dict[str, Any] = call.json
        sheet = book[asked["model"]]
        taken = {field.rstrip("*") for field in sheet.fields.split()} | {"model"}
        needed = {field.rstrip("*") for field in sheet.fields.split() if field.endswith("*")}
        if unknown := asked.keys() - taken:
            raise ValueError(f"{asked['model']} takes no {', '.join(sorted(unknown))}")
        if missing := needed - asked.keys():
            raise ValueError(f"{', '.join(sorted(missing))} is missing")
        _insist(asked, "promptText", lambda text: 0 < len(text.encode("utf-16-le")) // 2 <= sheet.prompt)
        _insist(asked, "ratio", lambda word: not sheet.ratios or word in sheet.ratios.split())
        _insist(asked, "resolution", lambda word: word in words[asked["model"]])
        _insist(asked, "quality", lambda word: word in words[asked["model"]])
        _insist(asked, "duration", lambda seconds: _is_length(seconds, sheet, asked["model"]))
        for field in _BOOLS:
            _insist(asked, field, lambda flag: type(flag) is bool)
        for field in _INTS:
            _insist(asked, field, lambda number: type(number) is int and 0 <= number < 2**32)
        for field in _MEDIA:
            if len(self._media(asked, field)) > sheet.pictures:
                raise ValueError(f"{field} has more than {sheet.pictures}")
        return asked

    def _media(self, asked: Mapping[str, Any], field: str) -> list[bytes]:
        """The files of a field: one address, or a list of objects with `uri` and, for frames, `position`."""
        told = asked.get(field, [])
        uris = [told] if isinstance(told, str) else [each["uri"] for each in told]
        places = [each["position"] for each in told if not isinstance(each, str) and "position" in each]
        if places and (places != [*_FIRST_AND_LAST[: len(places)]] or len(places) != len(uris)):
            raise ValueError("frames are first, or first and last, and are not mixed with references")
        return [self._file(uri) for uri in uris]

    def _file(self, uri: str) -> bytes:
        if uri.startswith("runway://"):
            content = self._uploads[uri]
        elif uri.startswith("https://") and len(uri) <= 2048:
            return b""
        else:
            head, _, coded = uri.partition(";base64,")
            content = base64.b64decode(coded, validate=True)
            if not head.startswith(("data:image/", "data:video/")) or len(uri) > _MOST_INLINE:
                raise ValueError("a data URI holds a picture or a clip and has 5 MB at most")
        if not _is_media(content):
            raise ValueError("neither JPEG, PNG, WebP nor a clip")
        return content

    def _canvas(self, asked: Mapping[str, Any]) -> tuple[int, int]:
        """The sides of what will be made: as told in pixels, by ratio and tier, or as the first picture has them."""
        ratio = str(asked.get("ratio", "adaptive"))
        short = {"2k": 1440}.get(str(asked.get("resolution", "720p")).lower())
        short = short or int(str(asked.get("resolution", "720p")).lower().rstrip("p"))
        if ratio.startswith("auto_") or ratio == "adaptive":
            short = int(ratio[5:-1]) if ratio.startswith("auto_") else short
            shown = self._media(asked, "promptImage") or self._media(asked, "references")
            across, down = _sides(shown[0]) if shown and shown[0] else (16, 9)
        else:
            across, down = (int(side) for side in ratio.split(":"))
            if min(across, down) > 100:
                return across, down
        longer = 2 * round(short * max(across, down) / min(across, down) / 2)
        return (longer, short) if across > down else (short, longer)

    # ── making ─────────────────────────────────────────────────────────────────────────────────

    def _taken(self, call: Call, model: str, usd: Money, **told: Any) -> Answer:
        number = self.house.new_id(uuid=True)
        self.house.begin(call, model=model, usd=usd, number=number, **told)
        return Answer.of({"id": number, "estimatedCost": _credits(usd)})

    async def _output(self, work: Work) -> str:
        width, height = work.told["size"]
        seconds, sound = work.told["seconds"], work.told["sound"]
        clip = await self.house.clip(work, width, height, seconds, sound=sound)
        return self.house.keep(work, clip, "video/mp4", expires_in_s=_DAY_S)

    def _bad(self, why: str) -> Answer:
        return Answer.of({"error": why}, 400)


def _insist(asked: Mapping[str, Any], field: str, fits: Any) -> None:
    if field in asked and not fits(asked[field]):
        raise ValueError(f"{field} is not what {asked['model']} takes")


def _is_length(seconds: Any, sheet: Sheet, model: str) -> bool:
    if seconds == "auto":
        return model.startswith("seedance") or model == "gemini_omni_flash_1.1"
    return type(seconds) is int and seconds in sheet.lengths


def _is_media(content: bytes) -> bool:
    webp = content[:4] == b"RIFF" and content[8:12] == b"WEBP"
    clip = content[4:8] == b"ftyp" or content[:4] == b"\x1aE\xdf\xa3"
    return content.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")) or webp or clip


def _sides(picture: bytes) -> tuple[int, int]:
    from PIL import Image

    with Image.open(io.BytesIO(picture)) as opened:
        return opened.size


def _tier(width: int, height: int) -> str:
    return next((name for most, name in _TIERS if width * height < most), "4k")


def _credits(usd: Money) -> dict[str, float]:
    """A credit is a cent."""
    whole, rest = divmod(int(usd), 10_000)
    return {"credits": whole + rest / 10_000 if rest else whole}


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
