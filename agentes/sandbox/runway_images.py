"""Runway's pictures: the same desk, the same tasks, one endpoint more."""

from __future__ import annotations

import re

from agentes.sandbox.kernel.calls import Answer, Call
from agentes.sandbox.kernel.fake import on
from agentes.sandbox.kernel.house import Work
from agentes.sandbox.runway import Vendor as Runway
from agentes.sandbox.runway_manual import PICTURES, QUALITIES

__all__ = ["Vendor"]

_TAG = re.compile(r"[A-Za-z][A-Za-z0-9_]{2,15}")
_DAY_S = 86_400.0
_SQUARE = "1024:1024"


class Vendor(Runway):
    """`POST /v1/text_to_image`, then `GET /v1/tasks/{id}`."""

    @on("start", "POST", "/v1/text_to_image")
    async def make_picture(self, call: Call) -> Answer:
        """A picture out of words and references."""
        asked = self._checked(call, PICTURES, QUALITIES)
        references = asked.get("referenceImages", [])
        tags = [each["tag"] for each in references if "tag" in each]
        if not all(_TAG.fullmatch(tag) for tag in tags) or len(set(tags)) != len(tags):
            return self._bad("a tag has 3 to 16 letters, digits and underscores, and is given once")
        if asked["model"] == "gen4_image_turbo" and not references:
            return self._bad("gen4_image_turbo needs one to three referenceImages")
        word = asked.get("ratio", _SQUARE)
        word = _SQUARE if word.startswith("auto") else word
        width, height = (int(side) for side in word.split(":"))
        count = asked.get("outputCount", 1)
        usd = self.house.price(
            asked["model"], times=count, references=len(references), quality=asked.get("quality")
        )
        return self._taken(call, asked["model"], usd, size=(width, height))

    async def _output(self, work: Work) -> str:
        width, height = work.told["size"]
        picture = await self.house.picture(work, width, height)
        return self.house.keep(work, picture, "image/png", expires_in_s=_DAY_S)
