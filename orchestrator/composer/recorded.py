"""The sound a person gave: kept as it came before anything is bought, so that a film can be joined without them."""

from __future__ import annotations

import shutil
from pathlib import Path

from agentes.media.shelf import Shelf, disk_in_words
from shared_knowledge.errors import BadRequest
from shared_knowledge.vocabulary import Plan, Recording

__all__ = ["keep_recording", "recorded"]


def keep_recording(recording: Recording, shelf: Shelf, desk: str) -> str:
    """Puts a copy of the person's file on the shelf, and leaves theirs alone: its digest."""
    source = Path(recording.path)
    if not source.is_file():
        raise BadRequest(
            f"{recording.path} is not there any more, and the film is to be heard with it.",
            todo=f"Put it back into {Path.cwd()}, or take it out of the brief; nothing was bought.",
        )
    try:
        with disk_in_words(f"{recording.path} could not be kept"):
            copy = shelf.desk(desk) / f"recording{source.suffix.lower()}"
            shutil.copyfile(source, copy)
            return shelf.put(copy).sha256
    finally:
        shelf.clear(desk)


def recorded(plan: Plan, shelf: Shelf) -> Path | None:
    """The file a film is heard with, if the person gave one: the copy that was kept, else theirs."""
    if plan.film is None or plan.film.recording is None:
        return None
    name = plan.film.recording.path
    kept = shelf.find(plan.given[name]) if name in plan.given else None
    return kept or Path(name).absolute()
