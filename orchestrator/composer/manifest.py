"""Everything that is known about a delivery, as one frozen fact and as one JSON file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePath
from typing import Any, Literal

from pydantic import AwareDatetime, Field

from orchestrator.composer.documents import as_json, plan_document, quote_document, unique, utc
from orchestrator.composer.placing import whole_file
from shared_knowledge.vocabulary import (
    Asset,
    Delegation,
    Frozen,
    Money,
    Order,
    OrderState,
    PaidPiece,
    Plan,
    Quote,
    Shortfall,
)

__all__ = [
    "MANIFEST",
    "Delegated",
    "DeliveredFilm",
    "Delivery",
    "Original",
    "Seam",
    "made_here",
    "manifest_document",
    "result_document",
    "source_kind",
    "write_manifest",
]

MANIFEST = "manifest.json"

_HELD = frozenset({OrderState.RESERVED, OrderState.SENDING, OrderState.SUBMITTED, OrderState.READY}) | {
    OrderState.STORED,
    OrderState.IN_DOUBT,
    OrderState.NEEDS_REVIEW,
}
_IPTC_SOURCE = "http://cv.iptc.org/newscodes/digitalsourcetype/"


class Delegated(Frozen):
    """One ask between agents and the file it brought, if it brought one."""

    delegation: Delegation
    asset: Asset | None = None


class Original(Frozen):
    """A file kept byte for byte as it came: from a platform, or from the person who asked."""

    path: str
    sha256: str
    size_bytes: int
    task: str | None = None
    platform: str | None = None
    model: str | None = None


class Seam(Original):
    """The last frame of a piece, from which the next one, number `piece`, was grown; taken here, at no cost."""

    piece: int


class DeliveredFilm(Frozen):
    """The finished film and what was measured in it."""

    path: str
    sha256: str
    size_bytes: int
    width: int
    height: int
    duration_s: float
    fps: float
    frames: int | None = None
    captions: str | None = None
    measured: dict[str, Any] = Field(default_factory=dict)


class Delivery(Frozen):
    """What is handed over at the end of a job; every path lies in its folder."""

    job: str
    created_at: AwareDatetime
    ended_at: AwareDatetime | None = None
    status: Literal["done", "partial", "failed", "in_doubt"]
    folder: str
    plan: Plan
    quote: Quote
    assets: tuple[Asset, ...] = ()
    shortfalls: tuple[Shortfall, ...] = ()
    delegations: tuple[Delegated, ...] = ()
    orders: tuple[Order, ...] = ()
    originals: tuple[Original, ...] = ()
    seams: tuple[Seam, ...] = ()
    film: DeliveredFilm | None = None
    warnings: tuple[str, ...] = ()
    draft: bool
    version: str

    def spent_on(self, task: str) -> Money:
        """What a task cost, by its orders; by what its file says where it was not bought in this job."""
        orders = [order for order in self.orders if order.task == task]
        if orders:
            return Money(sum(order.cost or 0 for order in orders))
        assets = (*self.assets, *(asked.asset for asked in self.delegations if asked.asset))
        return Money(sum(asset.cost for asset in assets if asset.task == task))

    @property
    def tasks(self) -> tuple[str, ...]:
        """Every task money may have gone to: the plan's, then those agents asked of each other."""
        asked = (one.delegation.task for one in self.delegations)
        bought = (order.task for order in self.orders)
        return tuple(unique((*(task.id for task in self.plan.tasks), *asked, *bought)))

    @property
    def cost(self) -> Money:
        """What the whole job cost, failures that were charged included."""
        return Money(sum(self.spent_on(task) for task in self.tasks))

    @property
    def held(self) -> Money:
        """What is still set aside for orders nobody has settled."""
        return Money(sum(order.price for order in self.orders if order.state in _HELD))

    @property
    def prompts(self) -> dict[str, str]:
        """The last words sent for each task."""
        return {asset.task: asset.prompt for asset in self.assets if asset.prompt} | {
            order.task: order.prompt for order in self.orders
        }

    def name(self, path: str) -> str | None:
        """Where a file lies inside the folder, or None if it lies elsewhere."""
        given = PurePath(path)
        within = given.relative_to(self.folder) if given.is_relative_to(self.folder) else given
        return None if within.is_absolute() or ".." in within.parts else within.as_posix()


def made_here(platform: str) -> bool:
    """Whether a platform is one of the drafts on this machine."""
    return platform.startswith("draft_")


def source_kind(platforms: Iterable[str], *, film: bool = False) -> str:
    """The IPTC digital source type of a file made by these platforms."""
    if all(made_here(platform) for platform in platforms):
        return f"{_IPTC_SOURCE}algorithmicMedia"
    kind = "compositeWithTrainedAlgorithmicMedia" if film else "trainedAlgorithmicMedia"
    return _IPTC_SOURCE + kind


def result_document(delivery: Delivery) -> dict[str, Any]:
    """What `agentes make --json` prints."""
    return {
        "job": delivery.job,
        "status": delivery.status,
        "film": delivery.film.path if delivery.film else None,
        "folder": delivery.folder,
        "cost_usd": delivery.cost.usd,
        "quoted_usd": delivery.quote.estimate.usd,
        "ceiling_usd": delivery.quote.ceiling.usd,
        "assets": [_asset(asset) for asset in delivery.assets],
        "shortfalls": [
            {
                "task": shortfall.task,
                "why": shortfall.why,
                "kind": shortfall.kind,
                "tried": [tried.model_dump(mode="json") for tried in shortfall.tried],
            }
            for shortfall in delivery.shortfalls
        ],
        "warnings": list(delivery.warnings),
    }


def manifest_document(delivery: Delivery) -> dict[str, Any]:
    """The whole story of a delivery: the result, and everything that explains it."""
    film = delivery.plan.film
    return result_document(delivery) | {
        "draft": delivery.draft,
        "held_usd": delivery.held.usd,
        "created_at": utc(delivery.created_at),
        "ended_at": utc(delivery.ended_at) if delivery.ended_at else None,
        "program": {"name": "agentes", "version": delivery.version},
        "plan": plan_document(delivery.plan, delivery.quote, delivery.prompts),
        "canvas": film.model_dump(mode="json") if film else None,
        "budget_usd": delivery.plan.budget.usd if delivery.plan.budget is not None else None,
        "quotes": [quote_document(delivery.quote)],
        "delegations": _tree(delivery),
        "orders": [_order(order) for order in delivery.orders],
        "prompts": [
            {"task": order.task, "order": order.id, "platform": order.platform, "prompt": order.prompt}
            for order in delivery.orders
        ],
        "measurements": _measurements(delivery),
        "provenance": _provenance(delivery),
    }


def write_manifest(folder: Path, delivery: Delivery) -> Path:
    """Writes manifest.json whole; the same delivery gives the same bytes."""
    target = folder / MANIFEST
    text = json.dumps(manifest_document(delivery), ensure_ascii=False, indent=2, allow_nan=False)
    with whole_file(target) as file:
        file.write(f"{text}\n".encode("utf-8", "backslashreplace"))
    return target


def _asset(asset: Asset) -> dict[str, Any]:
    return {
        "task": asset.task,
        "medium": asset.medium.value,
        "path": asset.path,
        "sha256": asset.sha256,
        "mime": asset.mime,
        "width": asset.width,
        "height": asset.height,
        "duration_s": asset.duration_s,
        "platform": asset.platform,
        "model": asset.model,
        "cost_usd": asset.cost.usd,
        "pieces": [_piece(piece) for piece in asset.pieces],
        "warnings": list(asset.warnings),
    }


def _piece(piece: PaidPiece) -> dict[str, Any]:
    grown = {} if piece.grown_from is None else {"grown_from": piece.grown_from}
    return {"s": piece.duration_s, "cost_usd": piece.cost.usd, **grown}


def _order(order: Order) -> dict[str, Any]:
    return {
        "id": order.id,
        "task": order.task,
        "piece": order.piece,
        "attempt": order.attempt,
        "platform": order.platform,
        "model": order.model,
        "state": order.state.value,
        "price_usd": order.price.usd,
        "cost_usd": None if order.cost is None else order.cost.usd,
        "why": order.why,
    }


def _tree(delivery: Delivery) -> list[dict[str, Any]]:
    """Who asked whom: each ask holds the asks that were made to fulfil it; the plan's own work costs no more."""
    own = {asset.task: asset for asset in delivery.assets}
    asked_for = {one.delegation.task for one in delivery.delegations} - set(own)
    below: dict[str, list[Delegated]] = {}
    for one in delivery.delegations:
        below.setdefault(one.delegation.asked_by, []).append(one)

    def branch(one: Delegated, above: frozenset[str]) -> dict[str, Any]:
        delegation, asset = one.delegation, one.asset or own.get(one.delegation.task)
        known = delegation.task in above or delegation.task in own
        deeper = [] if known else below.get(delegation.task, [])
        return {
            "asked_by": delegation.asked_by,
            "task": delegation.task,
            "medium": delegation.medium.value,
            "because": delegation.because,
            "cost_usd": delegation.cost.usd,
            "asset": _asset(asset) if asset else None,
            "asked": [branch(next_one, above | {delegation.task}) for next_one in deeper],
        }

    roots = [one for one in delivery.delegations if one.delegation.asked_by not in asked_for]
    return [branch(one, frozenset()) for one in roots]


def _measurements(delivery: Delivery) -> dict[str, Any]:
    measured: dict[str, Mapping[str, Any]] = {}
    if film := delivery.film:
        facts = film.model_dump(include={"size_bytes", "width", "height", "duration_s", "fps", "frames"})
        measured[delivery.name(film.path) or film.path] = facts | film.measured
    for asset in (*delivery.assets, *(one.asset for one in delivery.delegations if one.asset)):
        facts = asset.model_dump(include={"size_bytes", "width", "height", "duration_s", "fps"})
        known = {name: fact for name, fact in facts.items() if fact is not None}
        measured[delivery.name(asset.path) or asset.path] = known | asset.measured
    return {name: as_json(facts) for name, facts in measured.items()}


def _provenance(delivery: Delivery) -> list[dict[str, Any]]:
    """Every file in the folder that can be vouched for: who made it, how, and its digest."""
    assets = (*delivery.assets, *(one.asset for one in delivery.delegations if one.asset))
    files: list[dict[str, Any]] = []

    def vouch(path: str, sha256: str, size_bytes: int, **made: Any) -> None:
        name = delivery.name(path) or path
        files.append({"file": name, "sha256": sha256, "size_bytes": size_bytes, **made})

    if film := delivery.film:
        kind = source_kind((asset.platform for asset in assets), film=True)
        if delivery.plan.film and delivery.plan.film.over and kind == source_kind(()):
            kind = f"{_IPTC_SOURCE}composite"
        vouch(film.path, film.sha256, film.size_bytes, made_by="agentes", source_kind=kind)
    for asset in assets:
        made = {"task": asset.task, "made_by": asset.platform, "model": asset.model}
        kind = source_kind([asset.platform])
        vouch(asset.path, asset.sha256, asset.size_bytes, **made, source_kind=kind)
    for seam in delivery.seams:
        kind = source_kind([seam.platform or ""])
        vouch(
            seam.path,
            seam.sha256,
            seam.size_bytes,
            task=seam.task,
            made_by=seam.platform,
            model=seam.model,
            source_kind=kind,
            begins_piece=seam.piece,
        )
    for original in delivery.originals:
        made_by = original.platform or "the person who asked"
        source = source_kind([original.platform]) if original.platform else None
        vouch(
            original.path,
            original.sha256,
            original.size_bytes,
            task=original.task,
            made_by=made_by,
            model=original.model,
            source_kind=source,
            original=True,
        )
    return files
