"""Luma's Dream Machine as its SDK knows it: generations that are queued, dreaming, completed or failed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from agentes.sandbox.kernel.calls import Answer, Call
from agentes.sandbox.kernel.fake import Fake, Trouble, on
from agentes.sandbox.kernel.house import Stage, Work

__all__ = ["Vendor"]

_HERE = "/dream-machine/v1"
_RATIOS = {"1:1", "16:9", "9:16", "4:3", "3:4", "21:9", "9:21"}
_SIDES = {"540p": 540, "720p": 720, "1080p": 1080, "4k": 2160}
_MODELS = {"ray-2", "ray-flash-2"}
_LENGTHS = {"5s": 5, "9s": 9}
_FIELDS = {
    *("model", "prompt", "aspect_ratio", "duration", "resolution", "loop", "keyframes"),
    *("callback_url", "concepts", "generation_type"),
}
_STATES = {
    Stage.WAITING: "queued",
    Stage.RUNNING: "dreaming",
    Stage.DONE: "completed",
    Stage.CANCELLED: "failed",
    Stage.FAILED: "failed",
    Stage.REFUSED: "failed",
}
_REASONS = {
    Stage.FAILED: "The generation failed.",
    Stage.REFUSED: "The prompt did not pass content moderation.",
}


class Vendor(Fake):
    """`POST /generations/video`, `GET /generations/{id}`; everything ever asked for is in the list."""

    refuses_late = True

    @on("start", "POST", f"{_HERE}/generations/video")
    async def make_video(self, call: Call) -> Answer:
        """A clip; pictures are given by address."""
        asked: dict[str, Any] = call.json
        if asked.keys() - _FIELDS or not isinstance(asked.get("prompt"), str):
            return self._bad("prompt is needed, and no field that is not in the manual")
        if asked.get("aspect_ratio", "16:9") not in _RATIOS:
            return self._bad("aspect_ratio")
        if asked.get("duration", "5s") not in _LENGTHS:
            return self._bad("duration")
        if asked["model"] not in _MODELS or asked.get("resolution", "720p") not in _SIDES:
            return self._bad("model or resolution")
        for frame in (asked.get("keyframes") or {}).values():
            if frame["type"] == "image" and not frame["url"].startswith("https://"):
                return self._bad("keyframes are images at https addresses")
        seconds = _LENGTHS[asked.get("duration", "5s")]
        usd = self.house.price(asked["model"], times=seconds, resolution=asked.get("resolution"))
        number = self.house.new_id(uuid=True)
        work = self.house.begin(call, model=asked["model"], usd=usd, number=number, asked=asked)
        return Answer.of(self._told(work, Stage.WAITING), 201)

    @on("check", "GET", f"{_HERE}/generations/{{id}}")
    async def look(self, call: Call) -> Answer:
        """One generation."""
        work = self.house.works.get(call.params["id"])
        if work is None:
            return self.complain(Trouble.NOT_FOUND, call)
        stage = self.house.stage(work, call)
        told = self._told(work, stage)
        if stage is Stage.DONE and work.twist != "no_output":
            told["assets"] = {"video": await self._video(work)}
        return Answer.of(told)

    @on("find", "GET", f"{_HERE}/generations")
    async def list_all(self, call: Call) -> Answer:
        """All of them, the newest first, by `limit` and `offset`."""
        limit, offset = int(call.query.get("limit", "10")), int(call.query.get("offset", "0"))
        known = [work for work in self.house.works.values() if self.house.shows(call, work.begun_at)]
        newest = known[::-1]
        page = [self._told(work, Stage.RUNNING) for work in newest[offset : offset + limit]]
        return Answer.of(
            {
                "generations": page,
                "count": len(page),
                "has_more": offset + limit < len(newest),
                "limit": limit,
                "offset": offset,
            }
        )

    @on("cancel", "DELETE", f"{_HERE}/generations/{{id}}")
    async def drop(self, call: Call) -> Answer:
        """A deleted generation is gone."""
        if self.house.works.pop(call.params["id"], None) is None:
            return self.complain(Trouble.NOT_FOUND, call)
        return Answer(204)

    @on("free", "GET", f"{_HERE}/credits")
    async def credits(self, call: Call) -> Answer:
        """What is left, in cents."""
        return Answer.of({"credit_balance": 123450.0})

    @on("free", "GET", f"{_HERE}/ping")
    async def ping(self, call: Call) -> Answer:
        """Whether anybody is there."""
        return Answer.of({"message": "pong"})

    def complain(
        self, trouble: Trouble, call: Call, *, status: int = 0, retry_after_s: float | None = None
    ) -> Answer:
        """One sentence under `detail`."""
        told = {} if retry_after_s is None else {"retry_after": f"{retry_after_s:g}"}
        match trouble:
            case Trouble.BAD_KEY:
                return Answer.of({"detail": "Invalid API key"}, 403)
            case Trouble.THROTTLED:
                return Answer.of({"detail": "Too many requests"}, 429, **told)
            case Trouble.OUT_OF_CREDIT:
                return Answer.of({"detail": "Insufficient credits"}, 400)
            case Trouble.RETIRED | Trouble.NOT_FOUND:
                return Answer.of({"detail": "Not found"}, 404)
            case Trouble.REFUSED:
                return self._bad(_REASONS[Stage.REFUSED])
            case Trouble.EXPIRED:
                return Answer.expired()
            case Trouble.BROKEN | Trouble.FAILED:
                return Answer.of({"detail": "Internal server error"}, status or 500)
            case _:
                return self._bad("The request is not valid")

    def _told(self, work: Work, stage: Stage) -> dict[str, Any]:
        created = datetime.fromtimestamp(work.begun_at, UTC).isoformat(timespec="milliseconds")
        return {
            "id": work.number,
            "generation_type": "video",
            "state": _STATES[stage],
            "failure_reason": _REASONS.get(stage),
            "created_at": created.replace("+00:00", "Z"),
            "assets": None,
            "model": work.model,
            "request": {"generation_type": "video", **work.told["asked"]},
        }

    async def _video(self, work: Work) -> str:
        asked = work.told["asked"]
        across, down = (int(side) for side in asked.get("aspect_ratio", "16:9").split(":"))
        short = _SIDES[asked.get("resolution", "720p")]
        longer = 2 * round(short * max(across, down) / min(across, down) / 2)
        width, height = (longer, short) if across > down else (short, longer)
        clip = await self.house.clip(work, width, height, _LENGTHS[asked.get("duration", "5s")])
        return self.house.keep(work, clip, "video/mp4", expires_in_s=86_400.0)

    def _bad(self, why: str) -> Answer:
        return Answer.of({"detail": why}, 400)
