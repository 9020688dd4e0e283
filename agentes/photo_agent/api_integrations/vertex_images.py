"""Gemini pictures by Google Cloud project: the same words as by API key, at a door with a project and a place."""

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

# The wire puts the names of the project and the place where the braces are.
_MODELS = "/v1beta1/projects/{project}/locations/{location}/publishers/google/models"
# The one model of which levels of thinking are on file; it is billed as text, so only the best quality pays for more.
_THINKER = "gemini-nano-banana-2.1"
_PNG = {"mimeType": "image/png"}


class _Models(Said):
    publisherModels: list[Any]  # noqa: N815 - Google's own name


class Adapter:
    """The Gemini image models on Vertex AI."""

    async def start(self, http: httpx.AsyncClient, order: Order) -> Done:
        """Buys one picture, which is in the answer."""
        response = await http.post(f"{_MODELS}/{order.model}:generateContent", json=_request(order))
        answer = google.Generated.of(response)
        # The last one counts: earlier ones are steps on the way.
        picture = answer.find("image")[-1]
        return Done(Inline(picture.pointer), used=answer.used(Unit.IMAGE_OUT))

    async def standing(self, http: httpx.AsyncClient) -> Standing:
        """The list of models is free, and shown to known accounts only."""
        _Models.of(await http.get("/v1beta1/publishers/google/models", params={"pageSize": 1}))
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
    image: dict[str, Any] = {"aspectRatio": terms.canvas.word, "imageOutputOptions": _PNG}
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
