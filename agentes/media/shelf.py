"""Where files live: finished ones by their digest, unfinished ones on the desk of their order."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from shared_knowledge.errors import Broken
from shared_knowledge.vocabulary import Frozen

__all__ = ["Shelf", "Stored", "disk_in_words"]

_CHUNK = 1 << 20


@contextmanager
def disk_in_words(what: str) -> Iterator[None]:
    """Turns trouble with the disk into a sentence that says what could not be done, and what to do."""
    try:
        yield
    except OSError as error:
        raise Broken(
            f"{what}: {error.strerror or error}.",
            todo="Free some space and run `agentes resume`; what was paid for is not bought again.",
        ) from error


class Stored(Frozen):
    """A file on the shelf: its digest is its name."""

    sha256: str
    size_bytes: int
    path: str


class Shelf:
    """A folder of finished files that nobody may change, and the desks where new ones are made."""

    def __init__(self, shelf: Path, desks: Path) -> None:
        self._shelf = shelf
        self._desks = desks

    def desk(self, order_id: str) -> Path:
        """The working folder of one order; the same one after a restart."""
        desk = self._desks / order_id
        try:
            desk.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Broken(
                f"The working folder {desk} cannot be made: {error.strerror}.",
                todo="Choose a writable folder with AGENTES_HOME.",
            ) from error
        return desk

    def clear(self, order_id: str) -> None:
        """Takes an order's desk away, with whatever half-made things lie on it."""
        shutil.rmtree(self._desks / order_id, ignore_errors=True)

    def put(self, file: Path) -> Stored:
        """Puts a finished file on the shelf, whole and synced, under its digest; it also stays where it was."""
        with disk_in_words("The file could not be kept on the shelf"):
            digest, size = _digest(file)
            place = self.path(digest, file.suffix)
            if not place.exists():
                place.parent.mkdir(parents=True, exist_ok=True)
                _link_or_copy(file, place)
                _sync_folder(place.parent)
        return Stored(sha256=digest, size_bytes=size, path=str(place))

    def path(self, sha256: str, suffix: str) -> Path:
        """Where a file of that digest and ending stands, or would stand."""
        return self._shelf / sha256[:2] / f"{sha256}{suffix}"

    def find(self, sha256: str) -> Path | None:
        """The file of that digest, if it is on the shelf."""
        return next((self._shelf / sha256[:2]).glob(f"{sha256}.*"), None)


def _digest(file: Path) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    with file.open("rb") as whole:
        while chunk := whole.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
    return digest.hexdigest(), size


def _link_or_copy(file: Path, place: Path) -> None:
    file.chmod(0o444)
    with file.open("rb") as made:
        os.fsync(made.fileno())
    try:
        place.hardlink_to(file)
    except FileExistsError:
        return
    except OSError:  # the shelf is on another disk, or on one without links
        part = place.with_name(f"{uuid4().hex}.part")
        try:
            with part.open("xb") as copy, file.open("rb") as made:
                shutil.copyfileobj(made, copy, _CHUNK)
                copy.flush()
                os.fchmod(copy.fileno(), 0o444)
                os.fsync(copy.fileno())
            part.replace(place)
        finally:
            part.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
