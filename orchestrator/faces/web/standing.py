"""How a job stands and what came of it, as its owner reads it: links, measured quality, the ledger's cost."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from orchestrator.composer.documents import utc
from orchestrator.composer.film import FILM
from orchestrator.faces.web.answered import (
    STATUS,
    AssetLink,
    JobRow,
    JobStanding,
    Missing,
    QuoteShown,
    Result,
)
from orchestrator.faces.web.calls import Call
from orchestrator.faces.web.errors import not_found
from orchestrator.faces.web.links import Links
from orchestrator.store.service import ServiceShelf
from orchestrator.studio import Studio
from shared_knowledge.errors import BadRequest
from shared_knowledge.vocabulary import Asset, Job, JobState, Medium, Money, Shortfall

__all__ = ["describe", "files_of", "job_of", "result_of", "row_of", "standing_of"]

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_FOLDERS = re.compile(r"(?<![\w/:])(?:/[\w.@~+-]+){2,}/?")
_MICROS = 1_000_000
_ENDS_WITH_FILES = {JobState.DONE, JobState.PARTIAL}
_UNEXPLAINED = "The job could not be done."

Outcomes = Mapping[str, Asset | Shortfall]


def job_of(call: Call) -> Job:
    """The caller's job that the path names; to anybody else it does not exist."""
    named = call.params["job_id"]
    if not _ID.fullmatch(named):
        raise not_found("Job")
    try:
        return call.service.studio.of(call.tenant, named)
    except BadRequest:
        raise not_found("Job") from None


def files_of(outcomes: Outcomes) -> dict[str, Asset]:
    """Every file of a job by the name under which it is fetched."""
    return {
        f"{task}{Path(outcome.path).suffix}": outcome
        for task, outcome in outcomes.items()
        if isinstance(outcome, Asset)
    }


def row_of(job: Job) -> JobRow:
    """A job as it stands in a list."""
    return JobRow(
        job_id=job.id,
        status=STATUS[job.state],
        created_at=job.created_at,
        ended_at=job.ended_at,
        error=_error(job),
    )


def standing_of(call: Call, job: Job) -> JobStanding:
    """How a job stands, with its result where it has ended with one."""
    service = call.service
    extras = service.shelf.extras(job.id)
    outcomes = service.studio.outcomes(job.id)
    ended = job.state in _ENDS_WITH_FILES and extras.erased_at is None
    return JobStanding(
        job_id=job.id,
        status=STATUS[job.state],
        state=job.state,
        progress=_progress(job, outcomes),
        created_at=job.created_at,
        ended_at=job.ended_at,
        preset=extras.preset,
        batch_id=extras.batch,
        metadata=extras.metadata,
        result=result_of(job, outcomes, service.shelf, service.links, call.base) if ended else None,
        error=_error(job),
        approval=_approval(job, service.studio),
        erased_at=extras.erased_at,
    )


def result_of(job: Job, outcomes: Outcomes, shelf: ServiceShelf, links: Links, base: str) -> Result:
    """What came of a job: its files under links that lapse, its cost as the ledger has it."""
    files = files_of(outcomes)
    film = _main_film(files)
    score = film[1].measured.get("quality_score") if film else None
    spent = shelf.spent(job.id)
    took = (job.ended_at or datetime.now(UTC)) - job.created_at
    return Result(
        video_url=links.sign(base, job.id, film[0]) if film else None,
        cost_estimate=Decimal(int(spent)) / _MICROS,
        quality_score=float(score) if isinstance(score, int | float) else None,
        processing_time_seconds=max(0, round(took.total_seconds())),
        cost_usd=spent.usd,
        assets=tuple(_link(name, asset, links.sign(base, job.id, name)) for name, asset in files.items()),
        shortfalls=tuple(
            Missing(task=each.task, why=_told(each.why))
            for each in outcomes.values()
            if isinstance(each, Shortfall)
        ),
    )


def describe(studio: Studio, shelf: ServiceShelf, links: Links, base: str, job_id: str) -> dict[str, Any]:
    """What is told of a finished job to whoever is called back."""
    job = studio.status(job_id)
    result = result_of(job, studio.outcomes(job_id), shelf, links, base)
    return result.model_dump(mode="json", exclude={"assets": {"__all__": {"warnings"}}})


def _main_film(files: Mapping[str, Asset]) -> tuple[str, Asset] | None:
    """The film; where none was asked for, the one clip there is."""
    clips = [(name, asset) for name, asset in files.items() if asset.medium is Medium.VIDEO]
    films = [(name, asset) for name, asset in clips if asset.task == FILM]
    return next(iter(films or (clips if len(clips) == 1 else [])), None)


def _link(name: str, asset: Asset, url: str) -> AssetLink:
    return AssetLink(
        name=name,
        url=url,
        mime=asset.mime,
        size_bytes=asset.size_bytes,
        sha256=asset.sha256,
        medium=asset.medium,
        width=asset.width,
        height=asset.height,
        duration_s=asset.duration_s,
        platform=asset.platform,
        model=asset.model,
        cost_usd=Money(asset.cost).usd,
        warnings=asset.warnings,
    )


def _progress(job: Job, outcomes: Outcomes) -> int:
    if STATUS[job.state] == "COMPLETED":
        return 100
    if job.plan is None:
        return 0
    wanted = {task.id for task in job.plan.tasks} | ({FILM} if job.plan.film else set())
    return min(99, 100 * len(wanted & outcomes.keys()) // max(1, len(wanted)))


def _error(job: Job) -> str | None:
    return _told(job.why or _UNEXPLAINED) if STATUS[job.state] == "FAILED" else None


def _told(why: str) -> str:
    """The reason without the folders of our machine, which are nobody's business."""
    return _FOLDERS.sub("…", why)


def _approval(job: Job, studio: Studio) -> QuoteShown | None:
    if job.state is not JobState.AWAITING_APPROVAL or job.quote is None:
        return None
    return QuoteShown(
        hash=job.quote.hash,
        estimate_usd=job.quote.estimate.usd,
        ceiling_usd=job.quote.ceiling.usd,
        expires_at=utc(job.quote.expires_at),
        questions=tuple(studio.open_questions(job)),
    )
