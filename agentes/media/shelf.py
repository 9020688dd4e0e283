"""Where files live: finished ones by their digest, unfinished ones on the desk of their order.

A shelf may be shared by many machines: then every finished file is also in a bucket, and the folder
here holds what this machine has made or needed lately. A digest is all it takes to fetch a file.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from shared_knowledge.errors import Broken
from shared_knowledge.vocabulary import Frozen

if TYPE_CHECKING:
    from agentes.media.bucket import Bucket

__all__ = ["Shelf", "Stored", "disk_in_words"]

_CHUNK = 1 << 20
_HERE_MOST = 20 << 30
_IN_USE_S = 3600.0
_DIGEST = re.compile(r"[0-9a-f]{64}")


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
    """A folder of finished files that nobody may change, and the desks where new ones are made.

    With a bucket, the folder is this machine's copy of it, and holds `here_most` bytes or a little more.
    """

    def __init__(
        self, shelf: Path, desks: Path, bucket: Bucket | None = None, *, here_most: int = _HERE_MOST
    ) -> None:
        self._shelf = shelf
        self._desks = desks
        self._bucket = bucket
        self._here_most = here_most
        self._here: int | None = None

    @property
    def is_shared(self) -> bool:
        """Whether other machines find here what this one puts, and the other way round."""
        return self._bucket is not None

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

    def desks(self) -> list[str]:
        """The names of all that have a desk on this machine, in use or left behind."""
        return sorted(desk.name for desk in self._desks.iterdir()) if self._desks.is_dir() else []

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
        if self._bucket is not None:
            self._bucket.put(self._name(place), place)
            self._make_room(size)
        return Stored(sha256=digest, size_bytes=size, path=str(place))

    def path(self, sha256: str, suffix: str) -> Path:
        """Where a file of that digest and ending stands, or would stand."""
        return self._shelf / sha256[:2] / f"{sha256}{suffix}"

    def here(self, file: str | Path) -> Path:
        """The same file on this machine, fetched by the digest in its name if it is only elsewhere.

        What is no file of the shelf, or is nowhere, comes back as it was asked for.
        """
        asked = Path(file)
        if not _DIGEST.fullmatch(asked.stem):
            return asked
        place = self.path(asked.stem, asked.suffix)
        for known in dict.fromkeys((asked, place)):
            if known.is_file():
                self._note_use(known)
                return known
        if self._bucket is None:
            return asked
        with disk_in_words(f"{asked.name} could not be fetched from the bucket"):
            brought = self._bucket.bring(self._name(place), place, asked.stem)
            if brought:
                self._make_room(place.stat().st_size)
        return place if brought else asked

    def find(self, sha256: str) -> Path | None:
        """The file of that digest, if it is on the shelf."""
        known = next((self._shelf / sha256[:2]).glob(f"{sha256}.*"), None)
        if known is not None or self._bucket is None:
            return known
        name = self._bucket.name_of(f"{sha256[:2]}/{sha256}.")
        if name is None:
            return None
        found = self.here(self._shelf / name)
        return found if found.is_file() else None

    def remove(self, file: str | Path) -> None:
        """Takes a finished file off the shelf for good, here and in the bucket."""
        asked = Path(file)
        if not _DIGEST.fullmatch(asked.stem):
            return
        place = self.path(asked.stem, asked.suffix)
        for known in (asked, place):
            known.unlink(missing_ok=True)
        if self._bucket is not None:
            self._bucket.take_away(self._name(place))

    def try_out(self) -> str:
        """Writes a few bytes, reads them again and takes them away, here and in the bucket; says where that was."""
        with disk_in_words("The shelf cannot be written to"):
            self._shelf.mkdir(parents=True, exist_ok=True)
            trial = self._shelf / f"{uuid4().hex}.part"
            words = uuid4().bytes
            try:
                trial.write_bytes(words)
                if self._bucket is not None:
                    name = f"trials/{trial.stem}"
                    self._bucket.put(name, trial)
                    self._bucket.bring(name, trial, hashlib.sha256(words).hexdigest())
                    self._bucket.take_away(name)
            finally:
                trial.unlink(missing_ok=True)
        return str(self._shelf) if self._bucket is None else f"{self._bucket.where}, copies in {self._shelf}"

    def _name(self, place: Path) -> str:
        return place.relative_to(self._shelf).as_posix()

    def _note_use(self, file: Path) -> None:
        if self._bucket is None:
            return
        try:
            os.utime(file, ns=(time.time_ns(), file.stat().st_mtime_ns))
        except OSError:  # it is somebody else's file, and they will not take it away
            return

    def _make_room(self, more: int) -> None:
        """Lets go of copies that nobody has used for longest; what is in the bucket can be fetched again."""
        if self._here is None:
            self._here = sum(size for _, size, _ in self._copies())
        else:
            self._here += more
        if self._here <= self._here_most:
            return
        unused = sorted(copy for copy in self._copies() if copy[0] < time.time() - _IN_USE_S)
        for _, size, file in unused:
            if self._here <= self._here_most:
                return
            file.unlink(missing_ok=True)
            self._here -= size

    def _copies(self) -> Iterator[tuple[float, int, Path]]:
        for file in self._shelf.glob("??/*"):
            if file.suffix != ".part":
                try:
                    found = file.stat()
                except FileNotFoundError:
                    continue
                yield found.st_atime, found.st_size, file


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
