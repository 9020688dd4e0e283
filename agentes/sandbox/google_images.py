"""Gemini images as Google serves them by API key: `POST /{v1|v1beta}/models/{model}:generateContent`, at once.

A refusal is HTTP 200 in two shapes: gemini-3-pro-image refuses the finished picture (a candidate that ends
with IMAGE_SAFETY), the other models refuse the words (`promptFeedback` and no candidate). Pro answers with
PNG, the others with JPEG; nobody can ask for either here.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agentes.sandbox.kernel.calls import Answer, Call
from agentes.sandbox.kernel.fake import Trouble, on
from agentes.sandbox.kernel.google import GeminiFake, require

__all__ = ["Pictures", "Vendor"]

_TEN = ("1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9")
_FOURTEEN = (*_TEN, "1:4", "1:8", "4:1", "8:1")
_MAGIC = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff", "image/webp": b"RIFF"}
_REFERENCE_TOKENS = 1120


@dataclass(frozen=True)
class _Model:
    """What one image model takes, and the tokens a picture of each size comes to."""

    sizes: Mapping[str, int]
    ratios: tuple[str, ...]
    takes_size: bool = True
    references: int = 14
    levels: tuple[str, ...] = ()


_MODELS = {
    "gemini-nano-banana-2.1": _Model(
        {"1K": 1120, "2K": 1680, "4K": 3770}, _FOURTEEN, levels=("MINIMAL", "MEDIUM", "HIGH")
    ),
    "gemini-3-pro-image": _Model({"1K": 1120, "2K": 1120, "4K": 2000}, _TEN),
    "gemini-3.1-flash-image": _Model({"1K": 1120}, _TEN),
    "gemini-3.1-flash-lite-image": _Model({"1K": 1120}, _TEN),
    "gemini-2.5-flash-image": _Model({"1K": 1290}, _TEN, takes_size=False, references=3),
}
_THOUGHTS = {"MINIMAL": 0, "MEDIUM": 310, "HIGH": 840}


class Pictures(GeminiFake):
    """Pictures, at either door."""

    refused_afterwards = ("gemini-3-pro-image",)
    refused_as = "IMAGE_SAFETY"
    retired: tuple[str, ...] = ()
    image_wishes = frozenset({"aspectRatio", "imageSize"})

    async def draw(self, call: Call) -> Answer:
        """One request, one picture; references are inline parts."""
        model = call.params["model"]
        takes = _MODELS.get(model)
        if takes is None or model in self.retired:
            return self.complain(Trouble.RETIRED, call)
        parts, wishes = self.request(call)
        known = {"responseModalities", "imageConfig", "thinkingConfig", "seed", "candidateCount"}
        require(set(wishes) <= known, f"unknown name in {set(wishes)}")
        kinds = wishes["responseModalities"]
        require("IMAGE" in kinds and set(kinds) <= {"TEXT", "IMAGE"}, "responseModalities")
        size, width, height, mime = self._canvas(model, takes, wishes.get("imageConfig", {}))
        require(
            all(set(part) in ({"text"}, {"inlineData"}) for part in parts), "a part is text or inlineData"
        )
        shown = [_picture(part["inlineData"]) for part in parts if "inlineData" in part]
        require(len(shown) <= takes.references, "too many references")
        counted = {
            "sent TEXT": math.ceil(sum(len(part.get("text", "").encode()) for part in parts) / 4),
            "sent IMAGE": _REFERENCE_TOKENS * len(shown),
        }
        counted = {name: tokens for name, tokens in counted.items() if tokens}
        thought = _thinks(takes, wishes.get("thinkingConfig", {}))
        if call.twist == "fail":
            ending = {"finishReason": "NO_IMAGE", "finishMessage": "The model did not generate an image."}
            return self.answer(call, model, counted, {"content": {}, **ending})
        if call.twist == "no_output":
            nothing = {"content": {"role": "model", "parts": []}, "finishReason": "STOP"}
            return self.answer(call, model, counted, nothing)
        call.slip.model = model
        content = await self.house.picture(call, width, height, mime)
        blob = {"mimeType": mime, "data": base64.b64encode(content).decode()}
        counted |= {"made IMAGE": takes.sizes[size], "thought": thought}
        made = [{"inlineData": blob, "thoughtSignature": "c2lnbmVk"}]
        if "TEXT" in kinds:
            made.insert(0, {"text": "Here is your picture."})
            counted["made TEXT"] = 6
        return self.answer(
            call, model, counted, {"content": {"role": "model", "parts": made}, "finishReason": "STOP"}
        )

    def _canvas(self, model: str, takes: _Model, image: dict[str, Any]) -> tuple[str, int, int, str]:
        """The size by name and in pixels, and the kind of file."""
        require(set(image) <= self.image_wishes, f"unknown name in {set(image)}")
        require("imageSize" not in image or takes.takes_size, f"{model} takes no imageSize")
        size, ratio = image.get("imageSize", "1K"), image.get("aspectRatio", "1:1")
        require(size in takes.sizes, f"imageSize {size!r}")
        require(ratio in takes.ratios, f"aspectRatio {ratio!r}")
        across, down = (int(side) for side in ratio.split(":"))
        shorter = {"1K": 1024, "2K": 2048, "4K": 4096}[size]
        width = _sixteenth(shorter * math.sqrt(across / down))
        height = _sixteenth(shorter * math.sqrt(down / across))
        usual = "image/png" if model == "gemini-3-pro-image" else "image/jpeg"
        mime = image.get("imageOutputOptions", {}).get("mimeType", usual)
        require(mime in ("image/png", "image/jpeg"), f"mimeType {mime!r}")
        return size, width, height, mime


class Vendor(Pictures):
    """The Developer API."""

    retired = ("gemini-3.1-flash-image",)

    @on("start", "POST", "/v1beta/models/{model}:generateContent")
    @on("start", "POST", "/v1/models/{model}:generateContent")
    async def generate(self, call: Call) -> Answer:
        """One picture."""
        return await self.draw(call)

    @on("free", "GET", "/v1beta/models")
    @on("free", "GET", "/v1/models")
    async def models(self, call: Call) -> Answer:
        """What there is, a page at a time."""
        names = [name for name in _MODELS if name not in self.retired]
        page = names[: int(call.query.get("pageSize", "50"))]
        return Answer.of({"models": [{"name": f"models/{name}", "displayName": name} for name in page]})


def _thinks(takes: _Model, thinking: dict[str, Any]) -> int:
    """The tokens of thought a level comes to."""
    require(set(thinking) <= {"thinkingLevel", "includeThoughts"}, f"unknown name in {set(thinking)}")
    level = thinking.get("thinkingLevel", "MEDIUM" if takes.levels else "MINIMAL")
    require("thinkingLevel" not in thinking or level in takes.levels, f"thinkingLevel {level!r}")
    return _THOUGHTS[level]


def _picture(blob: dict[str, Any]) -> bytes:
    letters = blob["data"].replace("-", "+").replace("_", "/")  # the SDK uses those for addresses
    content = base64.b64decode(letters, validate=True)
    require(content.startswith(_MAGIC[blob["mimeType"]]), f"this is no {blob['mimeType']}")
    return content


def _sixteenth(pixels: float) -> int:
    """Up to the next multiple of 16: 9:16 at 1K is 768x1376."""
    return 16 * math.ceil(round(pixels, 3) / 16)
