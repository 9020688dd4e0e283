"""A vendor on paper: answers laid out beforehand, and every request an adapter sent."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx

from shared_knowledge.vocabulary import Money, Order, PhotoSpec, Shot, Spec, VideoSpec, VoiceSpec

__all__ = ["SENT_AT", "PostRoom", "clip", "order", "picture", "refused", "voice"]

SENT_AT = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
Answers = Callable[[httpx.Request], httpx.Response]


class PostRoom:
    """A client whose requests end here; what is laid out is answered in order, the last again and again."""

    def __init__(self, *answers: Any, base_url: str = "https://vendor.example") -> None:
        self._answers = [a if isinstance(a, httpx.Response) else httpx.Response(200, json=a) for a in answers]
        self.requests: list[httpx.Request] = []
        self.http = httpx.AsyncClient(base_url=base_url, transport=httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        told = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return httpx.Response(told.status_code, headers=told.headers, content=told.content)

    @property
    def body(self) -> Any:
        """The JSON of the last request."""
        return json.loads(self.requests[-1].content)

    @property
    def paths(self) -> list[str]:
        """Verb and address of every request, without the host."""
        return [f"{request.method} {request.url.raw_path.decode()}" for request in self.requests]


def order(platform: str, model: str, spec: Spec, prompt: str = "A mug.", **more: Any) -> Order:
    """A piece on its way to a platform."""
    return Order(
        **{
            "id": "ord_0123456789abcdef0123",
            "job": "job",
            "task": f"{spec.medium}-1",
            "piece": 1,
            "attempt": 1,
            "platform": platform,
            "model": model,
            "price": Money(100_000),
            "prompt": prompt,
            "spec": spec,
            "sent_at": SENT_AT,
            **more,
        }
    )


def picture(**more: Any) -> PhotoSpec:
    """A picture that is wanted."""
    return PhotoSpec(**{"subject": "mug", "aspect_ratio": "9:16", **more})


def clip(**more: Any) -> VideoSpec:
    """A clip that is wanted."""
    shots = (Shot(label="all", scene="mug", duration_s=5),)
    return VideoSpec(**{"subject": "mug", "shots": shots, "duration_s": 5, "aspect_ratio": "9:16", **more})


def voice(**more: Any) -> VoiceSpec:
    """Words that are to be spoken."""
    return VoiceSpec(**{"script": "Bom dia!", "language": "pt-BR", **more})


def refused(status: int, body: Any, **headers: str) -> httpx.Response:
    """An answer that is none: JSON, or text as it is."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if isinstance(body, str | bytes):
        return httpx.Response(status, headers=named, content=body)
    return httpx.Response(status, headers=named, json=body)
