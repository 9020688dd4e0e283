"""Orders for clips, as the engine would hand them to a platform, and a door that adapters can be tested at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
from PIL import Image

from shared_knowledge.vocabulary import Money, Order, Quality, Shot, VideoIntent, VideoSpec, pixels

__all__ = ["PROMPT", "asked", "door", "film_order", "picture", "with_receipt"]

PROMPT = "A ceramic mug on an oak table. The camera moves in slowly."


def film_order(
    platform: str,
    model: str,
    *,
    seconds: float = 5,
    ratio: str = "9:16",
    inputs: tuple[str, ...] = (),
    **wishes: Any,
) -> Order:
    """One clip, silent and in standard quality unless wished otherwise."""
    size = pixels(ratio, 720)
    spec = VideoSpec(
        intent=VideoIntent.IMAGE_TO_VIDEO if inputs else VideoIntent.TEXT_TO_VIDEO,
        subject="a ceramic mug",
        shots=(Shot(label="mug", scene="on an oak table", duration_s=seconds),),
        duration_s=seconds,
        aspect_ratio=ratio,
        width=size.width,
        height=size.height,
        **{"quality": Quality.STANDARD, **wishes},
    )
    return Order(
        id="ord_film",
        job="job_film",
        task="video-1",
        piece=1,
        attempt=1,
        platform=platform,
        model=model,
        price=Money.dollars("1"),
        prompt=PROMPT,
        spec=spec,
        duration_s=seconds,
        inputs=inputs,
    )


def with_receipt(order: Order, **receipt: Any) -> Order:
    """The same order, started."""
    return order.model_copy(update={"receipt": receipt})


def picture(folder: Path, name: str = "first.png", size: tuple[int, int] = (36, 64)) -> str:
    """A small real picture."""
    path = folder / name
    Image.new("RGB", size, "teal").save(path)
    return str(path)


def door(
    answer: Callable[[httpx.Request], httpx.Response] | Mapping[str, Any], status: int = 200
) -> tuple[httpx.AsyncClient, list[httpx.Request]]:
    """A client whose every request gets that answer, and the list of what it was asked."""
    seen: list[httpx.Request] = []

    def reply(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return answer(request) if callable(answer) else httpx.Response(status, json=answer)

    base = "http://127.0.0.1:9100/vendor"
    return httpx.AsyncClient(transport=httpx.MockTransport(reply), base_url=base), seen


def asked(status: int, body: Any = None, *, verb: str = "POST", **headers: str) -> httpx.Response:
    """An answer as `explain` meets it; a body of bytes or text is sent as it is."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = httpx.Request(verb, "https://vendor.example/x")
    if isinstance(body, bytes | str):
        return httpx.Response(status, content=body, headers=named, request=request)
    return httpx.Response(status, json=body, headers=named, request=request)
