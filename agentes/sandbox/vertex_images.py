"""Gemini images on Vertex AI: the same body by project and location, with a bearer token, and a choice of file kind."""

from __future__ import annotations

import re

from agentes.sandbox.google_images import Pictures
from agentes.sandbox.kernel.calls import Answer, Call
from agentes.sandbox.kernel.fake import Fake, Trouble, on
from agentes.sandbox.kernel.google import require, said

__all__ = ["Vendor"]

_MODELS = "projects/{project}/locations/{location}/publishers/google/models/{model}:generateContent"
_INFO = "type.googleapis.com/google.rpc.ErrorInfo"


class Vendor(Pictures):
    """The door of Google Cloud projects."""

    image_wishes = Pictures.image_wishes | {"imageOutputOptions", "personGeneration", "prominentPeople"}

    @on("start", "POST", f"/v1beta1/{_MODELS}")
    @on("start", "POST", f"/v1/{_MODELS}")
    async def generate(self, call: Call) -> Answer:
        """One picture."""
        for name in ("project", "location"):
            require(re.fullmatch(r"[a-z0-9][a-z0-9-]*", call.params[name]), f"this is no {name}")
        return await self.draw(call)

    @on("free", "GET", "/v1beta1/publishers/google/models")
    async def models(self, call: Call) -> Answer:
        """What Google publishes."""
        names = ("gemini-nano-banana-2.1", "gemini-3-pro-image")[: int(call.query.get("pageSize", "50"))]
        return Answer.of(
            {"publisherModels": [{"name": f"publishers/google/models/{name}"} for name in names]}
        )

    def complain(
        self, trouble: Trouble, call: Call, *, status: int = 0, retry_after_s: float | None = None
    ) -> Answer:
        """Tokens are refused with 401, a project without billing with 403."""
        match trouble:
            case Trouble.BAD_KEY:
                reason = "ACCESS_TOKEN_TYPE_UNSUPPORTED" if self.key(call) else "CREDENTIALS_MISSING"
                words = "Request had invalid authentication credentials."
                return said(401, "UNAUTHENTICATED", words, {"@type": _INFO, "reason": reason})
            case Trouble.OUT_OF_CREDIT:
                words = "This API method requires billing to be enabled."
                return said(403, "PERMISSION_DENIED", words, {"@type": _INFO, "reason": "BILLING_DISABLED"})
            case _:
                return super().complain(trouble, call, status=status, retry_after_s=retry_after_s)

    def key(self, call: Call) -> str | None:
        """The word after `Bearer`."""
        return Fake.key(self, call)

    def traffic(self) -> dict[str, str]:
        """Here the traffic has a type, not a tier."""
        return {"trafficType": "ON_DEMAND"}
