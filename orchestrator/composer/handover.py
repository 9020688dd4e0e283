"""The hand-over: files under readable names, untouched originals, the manifest and the report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from agentes.media.shelf import Shelf
from orchestrator.composer import placing
from orchestrator.composer.film import FILM
from orchestrator.composer.given import GIVEN
from orchestrator.composer.manifest import (
    Delegated,
    DeliveredFilm,
    Delivery,
    Original,
    Seam,
    made_here,
    result_document,
    write_manifest,
)
from orchestrator.composer.placing import file_name, keep_original, place
from orchestrator.composer.recorded import recorded
from orchestrator.composer.report import Still, write_report
from orchestrator.store.jobs import AskRow
from shared_knowledge.vocabulary import (
    Asset,
    Delegation,
    Job,
    JobState,
    Money,
    Order,
    PhotoSpec,
    Shortfall,
    Task,
)

__all__ = ["Record", "delivery", "hand_over", "result"]

_STORYBOARD = "storyboard"
_FILM_FACTS = ("width", "height", "duration_s", "fps", "frames", "lufs", "true_peak_dbtp", "quality_score")


@dataclass(frozen=True)
class Record:
    """Everything the store knows about one job."""

    job: Job
    outcomes: Mapping[str, Asset | Shortfall]
    asks: Sequence[AskRow]
    orders: Sequence[Order]
    version: str


def hand_over(record: Record, state: JobState, shelf: Shelf) -> Delivery:
    """Fills the job's folder, whole file by whole file; doing it again gives the same folder."""
    told = delivery(record, state)
    folder = Path(told.folder)
    for asset, name in _named_assets(record):
        place(folder, Path(asset.path), name)
    seams = _seams(record, shelf)
    for source, seam in seams:
        place(folder, source, f"{_STORYBOARD}/{Path(seam.path).name}")
    originals = [*_given(record), *_heard(record, shelf), *_originals(record, shelf)]
    for source, original in originals:
        keep_original(folder, source, Path(original.path).name)
    if isinstance(film := record.outcomes.get(FILM), Asset):
        place(folder, Path(film.path), placing.FILM)
        if captions := film.measured.get("captions"):
            place(folder, Path(captions), placing.CAPTIONS)
    kept = {"originals": tuple(one for _, one in originals), "seams": tuple(one for _, one in seams)}
    told = told.model_copy(update=kept)
    write_manifest(folder, told)
    write_report(folder, told, _stills(record))
    return told


def delivery(record: Record, state: JobState) -> Delivery:
    """What is handed over, with the paths it has in the job's folder."""
    job = record.job
    assert job.plan is not None, "a job is planned before it is handed over"
    assert job.quote is not None, "a job is quoted before it is handed over"
    folder = Path(job.folder)
    own = {task.id for task in job.plan.tasks}
    placed = {
        asset.task: asset.model_copy(update={"path": str(folder / name)})
        for asset, name in _named_assets(record)
    }
    shortfalls = tuple(
        outcome
        for name, outcome in record.outcomes.items()
        if isinstance(outcome, Shortfall) and (name in own or name == FILM)
    )
    platforms = {asset.platform for asset in placed.values()}
    over = bool(job.plan.film and job.plan.film.over)
    return Delivery(
        job=job.id,
        created_at=job.created_at,
        ended_at=job.ended_at or datetime.now(UTC),
        status=_status(state),
        folder=job.folder,
        plan=job.plan,
        quote=job.quote,
        assets=tuple(placed[task.id] for task in job.plan.tasks if task.id in placed),
        shortfalls=shortfalls,
        delegations=tuple(
            _delegated(ask, None if ask.task.id in own else placed.get(ask.task.id)) for ask in record.asks
        ),
        orders=tuple(record.orders),
        film=_film(record, folder),
        warnings=tuple(_warnings(record)),
        draft=all(made_here(platform) for platform in platforms) and bool(platforms or not over),
        version=record.version,
    )


def result(record: Record) -> dict[str, Any]:
    """How a job stands, as `make --json` says it; also for one that never came to a plan."""
    job = record.job
    if job.plan is None or job.quote is None:
        return {
            "job": job.id,
            "status": _status(job.state),
            "film": None,
            "folder": job.folder,
            "cost_usd": Money(0).usd,
            "quoted_usd": None,
            "ceiling_usd": None,
            "assets": [],
            "shortfalls": [],
            "warnings": [job.why] if job.why else [],
        }
    told = delivery(record, job.state)
    measured = None
    if told.film is not None:
        facts = told.film.model_dump(include={"width", "height", "duration_s", "fps", "frames"})
        measured = facts | {
            name: told.film.measured[name] for name in _FILM_FACTS if name in told.film.measured
        }
    unexplained = [job.why] if job.why and not told.shortfalls else []
    warnings = [*unexplained, *told.warnings]
    return result_document(told) | {"warnings": warnings, "film_measured": measured}


def _named_assets(record: Record) -> Iterable[tuple[Asset, str]]:
    """Every file with its readable name: the plan's own at the top, what agents asked for below."""
    tasks = record.job.plan.tasks if record.job.plan else ()
    own = {task.id for task in tasks}
    for task in tasks:
        if isinstance(asset := record.outcomes.get(task.id), Asset):
            yield asset, file_name(task, asset.mime)
    for task_id, ask in {ask.task.id: ask for ask in record.asks if ask.task.id not in own}.items():
        if isinstance(asset := record.outcomes.get(task_id), Asset):
            yield asset, f"{_STORYBOARD}/{_plain_name(ask.task, asset)}"


def _plain_name(task: Task, asset: Asset) -> str:
    return f"{task.id.replace('.', '-')}{Path(asset.path).suffix}"


def _given(record: Record) -> list[tuple[Path, Original]]:
    """The film that the person gave, byte for byte."""
    given = record.outcomes.get(GIVEN)
    if not isinstance(given, Asset):
        return []
    source = Path(given.path)
    place = Path(record.job.folder) / placing.ORIGINALS / f"{GIVEN}{source.suffix}"
    return [(source, Original(path=str(place), sha256=given.sha256, size_bytes=given.size_bytes))]


def _heard(record: Record, shelf: Shelf) -> list[tuple[Path, Original]]:
    """The sound that the person gave, byte for byte."""
    source = recorded(record.job.plan, shelf) if record.job.plan else None
    if source is None or source.stem not in (record.job.plan.given.values() if record.job.plan else ()):
        return []
    place = Path(record.job.folder) / placing.ORIGINALS / f"recording{source.suffix}"
    return [(source, Original(path=str(place), sha256=source.stem, size_bytes=source.stat().st_size))]


def _originals(record: Record, shelf: Shelf) -> list[tuple[Path, Original]]:
    """What the platforms sent, byte for byte, for each piece of each task of the plan."""
    folder = Path(record.job.folder)
    tasks = {task.id: task for task in record.job.plan.tasks} if record.job.plan else {}
    found = []
    for order in record.orders:
        asset = record.outcomes.get(order.task)
        if order.task not in tasks or order.file is None or not isinstance(asset, Asset):
            continue
        source = shelf.find(Path(order.file).stem)
        if source is None or (asset.platform, asset.model) != (order.platform, order.model):
            continue
        piece = order.piece if len(asset.pieces) > 1 else None
        name = file_name(tasks[order.task], asset.mime, piece=piece)
        original = Original(
            path=str(folder / "originals" / Path(name).with_suffix(source.suffix)),
            sha256=source.stem,
            size_bytes=source.stat().st_size,
            task=order.task,
            platform=order.platform,
            model=order.model,
        )
        found.append((source, original))
    return found


def _seams(record: Record, shelf: Shelf) -> list[tuple[Path, Seam]]:
    """The last frames that further pieces went on from, for each task of the plan."""
    folder = Path(record.job.folder) / _STORYBOARD
    found = []
    for task in record.job.plan.tasks if record.job.plan else ():
        if not isinstance(asset := record.outcomes.get(task.id), Asset):
            continue
        for number, piece in enumerate(asset.pieces, start=1):
            if piece.grown_from and (source := shelf.find(piece.grown_from)):
                seam = Seam(
                    path=str(folder / file_name(task, "image/png", piece=number)),
                    sha256=source.stem,
                    size_bytes=source.stat().st_size,
                    task=task.id,
                    platform=asset.platform,
                    model=asset.model,
                    piece=number,
                )
                found.append((source, seam))
    return found


def _stills(record: Record) -> list[Still]:
    """The storyboard: every picture a clip was grown from, in the order of its shots."""
    stills = []
    own = {task.id for task in record.job.plan.tasks} if record.job.plan else set()
    for ask in (ask for ask in record.asks if ask.task.id not in own):
        asset = record.outcomes.get(ask.task.id)
        if isinstance(asset, Asset) and isinstance(ask.task.spec, PhotoSpec):
            label = ask.task.spec.label or ask.task.id
            stills.append(Still(label, f"{_STORYBOARD}/{_plain_name(ask.task, asset)}"))
    return stills


def _film(record: Record, folder: Path) -> DeliveredFilm | None:
    film = record.outcomes.get(FILM)
    if not isinstance(film, Asset):
        return None
    return DeliveredFilm(
        path=str(folder / placing.FILM),
        sha256=film.sha256,
        size_bytes=film.size_bytes,
        width=film.width or 0,
        height=film.height or 0,
        duration_s=film.duration_s or 0.0,
        fps=film.fps or 0.0,
        frames=film.measured.get("frames", 0),
        captions=str(folder / placing.CAPTIONS) if film.measured.get("captions") else None,
        measured={name: fact for name, fact in film.measured.items() if name != "captions"},
    )


def _delegated(ask: AskRow, asset: Asset | None) -> Delegated:
    told = Delegation(
        asked_by=ask.asked_by,
        task=ask.task.id,
        medium=ask.task.medium,
        because=ask.because,
        cost=asset.cost if asset else Money(0),
    )
    return Delegated(delegation=told, asset=asset)


def _warnings(record: Record) -> Iterable[str]:
    plan, quote = record.job.plan, record.job.quote
    told = [*(plan.warnings if plan else ()), *(quote.warnings if quote else ())]
    for name, outcome in record.outcomes.items():
        if isinstance(outcome, Asset):
            told += [warning if name == FILM else f"{name}: {warning}" for warning in outcome.warnings]
    return dict.fromkeys(told)


def _status(state: JobState) -> Literal["done", "partial", "failed", "in_doubt"]:
    match state:
        case JobState.DONE:
            return "done"
        case JobState.PARTIAL:
            return "partial"
        case JobState.IN_DOUBT:
            return "in_doubt"
        case _:
            return "failed"
