"""Gemini pictures by API key: one request, one picture; what is sent along stands before the words."""

from __future__ import annotations

from typing import Any

import httpx

from agentes.contract import Done, Inline, Standing
from agentes.wire import google
from agentes.wire.attachments import Attachment
from agentes.wire.said import Said
from shared_knowledge.errors import PlatformError
from shared_knowledge.platform_facts import Unit
from shared_knowledge.terms import terms_of
from shared_knowledge.vocabulary import Order, Quality

__all__ = ["Adapter"]

# The one model of which levels of thinking are on file; it is billed as text, so only the best quality pays for more.
_THINKER = "gemini-nano-banana-2.1"


class _Models(Said):
    models: list[Any]


class Adapter:
    """The Gemini image models at the Developer API."""

    async def start(self, http: httpx.AsyncClient, order: Order) -> Done:
        """Buys one picture, which is in the answer."""
        response = await http.post(f"/v1beta/models/{order.model}:generateContent", json=_request(order))
        answer = google.Generated.of(response)
        # The last one counts: earlier ones are steps on the way.
        picture = answer.find("image")[-1]
        return Done(Inline(picture.pointer), used=answer.used(Unit.IMAGE_OUT))

    async def standing(self, http: httpx.AsyncClient) -> Standing:
        """The list of models is free, and shown to known keys only."""
        _Models.of(await http.get("/v1beta/models", params={"pageSize": 1}))
        return Standing()

    def explain(self, response: httpx.Response) -> PlatformError | None:
        """Google's error in our words."""
        return google.explain(response)


def _request(order: Order) -> dict[str, Any]:
    terms = terms_of(order)
    shown = [Attachment.read(path) for path in order.inputs]
    parts: list[dict[str, Any]] = [
        {"inlineData": {"mimeType": one.mime, "data": one.base64}} for one in shown
    ]
    image = {"aspectRatio": terms.canvas.word}
    if terms.canvas.resolution.word:
        image["imageSize"] = terms.canvas.resolution.word
    wishes: dict[str, Any] = {"responseModalities": ["IMAGE"], "imageConfig": image}
    if order.model == _THINKER:
        level = "MEDIUM" if order.spec.quality is Quality.HIGH else "MINIMAL"
        wishes["thinkingConfig"] = {"thinkingLevel": level}
    if order.spec.seed:
        wishes["seed"] = order.spec.seed
    contents = [{"role": "user", "parts": [*parts, {"text": order.prompt}]}]
    return {"contents": contents, "generationConfig": wishes}
