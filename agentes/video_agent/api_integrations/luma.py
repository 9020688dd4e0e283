"""Luma: Ray 2 by its own API, from words alone; a lost order is found again in the list of what was asked for."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
from pydantic import JsonValue

from agentes.contract import Candidates, Done, Link, Pending, Standing
from agentes.wire.said import Said, Unintelligible, VendorId
from shared_knowledge.errors import Failed, InDoubt, PlatformError, Refused, Unavailable, Unsuitable
from shared_knowledge.terms import terms_of
from shared_knowledge.vocabulary import Money, Order

__all__ = ["Adapter"]

_LOOK_AGAIN_S = 5.0
_HERE = "/dream-machine/v1"
_PAGE = 100
_PAGES_MOST = 10
_EARLIER, _LATER = timedelta(minutes=2), timedelta(minutes=15)  # two clocks may differ

_CONTENT = re.compile(r"(?i)moderat|safety|content polic|not allowed|inappropriate|prohibited")
_PURSE = re.compile(r"(?i)(not enough|insufficient|no) credits")


class _Assets(Said):
    video: str | None = None


class _Generation(Said):
    id: VendorId
    state: str
    failure_reason: str | None = None
    assets: _Assets | None = None


class _Asked(Said):
    model: str | None = None
    prompt: str | None = None
    aspect_ratio: str | None = None
    duration: str | None = None
    resolution: str | None = None


class _Listed(_Generation):
    created_at: datetime
    request: _Asked | None = None


class _Page(Said):
    generations: list[_Listed]
    has_more: bool | None = None


class _Credits(Said):
    credit_balance: Decimal


class Adapter:
    """Speaks Luma."""

    async def start(self, http: httpx.AsyncClient, order: Order) -> Pending:
        """The generation, of exactly this size and length."""
        if order.inputs:
            raise Unsuitable("Luma takes pictures by public address only.", charged=Money(0))
        started = _Generation.of(await http.post(f"{_HERE}/generations/video", json=_wanted(order)))
        return Pending({"id": started.id}, _LOOK_AGAIN_S, queued=started.state == "queued")

    async def check(self, http: httpx.AsyncClient, order: Order) -> Pending | Done:
        """How the generation stands."""
        number = (order.receipt or {})["id"]
        generation = _Generation.of(await http.get(f"{_HERE}/generations/{number}"))
        if generation.id != number:
            raise Unintelligible("an answer about another generation")
        return _standing_of(generation)

    async def find(self, http: httpx.AsyncClient, order: Order) -> Pending | Done | Candidates | None:
        """The one generation that was asked for in these words, at that time; or several of which nothing tells."""
        wanted = _Asked.read(_wanted(order))
        found = [each for each in await _listed(http, order) if each.request == wanted]
        if len(found) > 1:
            return Candidates(tuple(each.id for each in found))
        return _standing_of(found[0]) if found else None

    def receipt_for(self, order: Order, number: str) -> dict[str, JsonValue]:
        """What a task of that number would have answered."""
        return {"id": number}

    async def cancel(self, http: httpx.AsyncClient, order: Order) -> None:
        """Deletes the generation."""
        await http.delete(f"{_HERE}/generations/{(order.receipt or {})['id']}")

    async def standing(self, http: httpx.AsyncClient) -> Standing:
        """The credits that are left, which are cents."""
        balance = _Credits.of(await http.get(f"{_HERE}/credits")).credit_balance
        return Standing(left=f"${balance / 100:,.2f}")

    def explain(self, response: httpx.Response) -> PlatformError | None:
        """400 may be about content or about money."""
        says = _complaint(response)
        if response.status_code not in (400, 402, 403, 422):
            return None
        if _PURSE.search(says):
            return Unavailable(
                "Luma has no credits left.", because="credit", vendor_says=says, charged=Money(0)
            )
        if _CONTENT.search(says):
            return Refused("Luma does not make this.", vendor_says=says, charged=Money(0))
        return None


def _wanted(order: Order) -> dict[str, Any]:
    terms = terms_of(order)
    hook = order.prepared.get("hook")
    return {
        **({"callback_url": hook} if hook else {}),
        "model": order.model,
        "prompt": order.prompt,
        "aspect_ratio": terms.canvas.word,
        "duration": f"{round(order.duration_s or 0)}s",
        "resolution": terms.canvas.resolution.name,
    }


def _standing_of(generation: _Generation) -> Pending | Done:
    match generation.state:
        case "completed":
            url = generation.assets.video if generation.assets else None
            if not url:
                return Pending({"id": generation.id}, _LOOK_AGAIN_S, bare=True)
            return Done(Link(url))
        case "failed":
            says = (generation.failure_reason or "")[:500]
            kind = Refused if _CONTENT.search(says) else Failed
            what = "Luma does not make this." if kind is Refused else "Luma could not make it."
            raise kind(what, vendor_says=says, request_id=generation.id)
        case state:
            return Pending({"id": generation.id}, _LOOK_AGAIN_S, queued=state == "queued")


async def _listed(http: httpx.AsyncClient, order: Order) -> list[_Listed]:
    """What was started about when the order was sent; the list has the newest first."""
    sent = order.sent_at or datetime.now(UTC)
    near: list[_Listed] = []
    for number in range(_PAGES_MOST):
        page = _Page.of(
            await http.get(f"{_HERE}/generations", params={"limit": _PAGE, "offset": number * _PAGE})
        )
        times = [_in_utc(each.created_at) for each in page.generations]
        near += [
            each
            for each, moment in zip(page.generations, times, strict=True)
            if sent - _EARLIER <= moment <= sent + _LATER
        ]
        if not page.has_more or not times or min(times) < sent - _EARLIER:
            return near
    raise InDoubt("The list of Luma is too long to be searched for one order.")


def _in_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _complaint(response: httpx.Response) -> str:
    """The sentence of an error body."""
    try:
        body = response.json()
    except (ValueError, RecursionError):
        return ""
    said = body.get("detail", body.get("error")) if isinstance(body, dict) else None
    return said[:500] if isinstance(said, str) else ""
