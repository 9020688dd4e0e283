"""A vendor that nobody has heard of: small, and with one of everything, to try the kernel on."""

from __future__ import annotations

import ssl

from agentes.sandbox.kernel.calls import Answer, Call
from agentes.sandbox.kernel.fake import Fake, Trouble, on
from agentes.sandbox.kernel.house import Stage
from shared_knowledge.money import Money

__all__ = ["CENT", "PLAIN", "LateVendor", "TinyVendor"]

CENT = Money(10_000)
PLAIN = ssl.SSLContext(
    ssl.PROTOCOL_TLS_CLIENT
)  # no client here meets a certificate, and reading them all is slow
_STATUS = {Trouble.BAD_KEY: 401, Trouble.THROTTLED: 429, Trouble.OUT_OF_CREDIT: 402, Trouble.NOT_FOUND: 404}


class TinyVendor(Fake):
    """Pictures at once, clips in a queue."""

    def complain(
        self, trouble: Trouble, call: Call, *, status: int = 0, retry_after_s: float | None = None
    ) -> Answer:
        code = 403 if trouble is Trouble.EXPIRED else status or _STATUS.get(trouble, 400)
        named = {} if retry_after_s is None else {"retry_after": f"{retry_after_s:g}"}
        return Answer.of({"trouble": trouble}, code, x_request_id="req-no", **named)

    @on("start", "POST", "/v1/pictures")
    async def picture(self, call: Call) -> Answer:
        wanted = call.json
        width, height = int(wanted["width"]), int(wanted["height"])
        number = self.house.new_id("pic_")
        self.house.book(call, model="tiny-1", usd=CENT, number=number)
        if wanted.get("break"):
            raise ValueError("after it was booked")
        content = await self.house.picture(call, width, height)
        url = self.house.keep(call, content, "image/png")
        return Answer.of({"id": number, "url": url}, x_request_id=f"req-{number}")

    @on("start", "POST", "/v1/clips")
    async def clip(self, call: Call) -> Answer:
        number = self.house.new_id("clip_", uuid=True)
        work = self.house.begin(
            call, model="tiny-film", usd=CENT * 5, number=number, seconds=call.json["seconds"]
        )
        return Answer.of({"id": work.number}, request_id=f"req-{number}")

    @on("check", "GET", "/v1/clips/{number}")
    async def look(self, call: Call) -> Answer:
        work = self.house.works.get(call.params["number"])
        if work is None:
            return self.complain(Trouble.NOT_FOUND, call)
        stage = self.house.stage(work, call)
        url = None
        if stage is Stage.DONE and work.twist != "no_output":
            content = await self.house.clip(work, 64, 96, work.told["seconds"], fps=8)
            url = self.house.keep(work, content, "video/mp4", name="a clip.mp4", expires_in_s=60)
        return Answer.of({"stage": stage, "url": url})

    @on("download", "GET", "/v1/clips/{number}/content")
    async def content(self, call: Call) -> Answer:
        size = int(call.query.get("size", "256"))
        return Answer.file((bytes(range(256)) * (size // 256 + 1))[:size], "video/mp4")

    @on("find", "GET", "/v1/clips")
    async def list(self, call: Call) -> Answer:
        known = [name for name, work in self.house.works.items() if self.house.shows(call, work.begun_at)]
        return Answer.of({"clips": known, "page": call.query.get("page")})

    @on("cancel", "DELETE", "/v1/clips/{number}")
    async def cancel(self, call: Call) -> Answer:
        self.house.works[call.params["number"]].cancelled = True
        return Answer(204)

    @on("free", "GET", "/v1/me")
    async def me(self, call: Call) -> Answer:
        return Answer.of({"key": self.key(call)})

    @on("free", "GET", "/v1/clips/latest")
    async def latest(self, call: Call) -> Answer:
        return Answer.of({"clip": None})

    @on("free", "GET", "/open/{name:rest}", keyless=True)
    async def open(self, call: Call) -> Answer:
        return Answer.of({"name": call.params["name"], "here": call.here})

    @on("free", "POST", "/v1/models/{model}:predict")
    async def predict(self, call: Call) -> Answer:
        return Answer.of({"model": call.params["model"], "length": len(call.body)})

    @on("free", "POST", "/v1/form")
    async def form(self, call: Call) -> Answer:
        shown = {
            name: [v if isinstance(v, str) else [v.name, v.mime, v.content.hex()] for v in values]
            for name, values in call.form.items()
        }
        return Answer.of(shown)

    @on("free", "GET", "/v1/broken")
    async def broken(self, call: Call) -> Answer:
        return Answer.of(1 / len(call.body))


class LateVendor(TinyVendor):
    """Refuses content only when the work is done."""

    refuses_late = True
