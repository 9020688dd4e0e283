"""A file gets its name only when it is whole and on the disk; until then it is called `.part`."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from shared_knowledge.errors import Broken

__all__ = ["Part", "sync_folder"]


class Part:
    """A file on its way; every method blocks, and none leaves half a file under the final name."""

    def __init__(self, path: Path) -> None:
        self.path = path.with_name(f"{path.name}.part")
        self.size = 0
        # A cancelled task leaves its thread writing: whoever comes after waits for it here.
        self._lock = threading.Lock()
        with _in_words(path):
            self.path.unlink(missing_ok=True)
            self._file = self.path.open("x+b")

    def add(self, chunks: Iterable[bytes]) -> None:
        """Writes on where the last writing ended."""
        with self._lock, _in_words(self.path):
            for chunk in chunks:
                self._file.write(chunk)
                self.size += len(chunk)

    def restart(self) -> None:
        """Forgets what was written."""
        with self._lock, _in_words(self.path):
            self._file.seek(0)
            self._file.truncate()
            self.size = 0

    def cut(self, size: int) -> None:
        """Leaves off what is beyond a size."""
        with self._lock, _in_words(self.path):
            self._file.truncate(size)
            self._file.seek(0, os.SEEK_END)
            self.size = size

    def overwrite_beginning(self, head: bytes) -> None:
        """Puts other bytes where the file begins."""
        with self._lock, _in_words(self.path):
            self._file.seek(0)
            self._file.write(head)
            self._file.seek(0, os.SEEK_END)

    def finish(self, path: Path) -> Path:
        """Syncs the file, gives it its name, and syncs the folder: from here on it survives a crash."""
        with self._lock, _in_words(path):
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self.path.replace(path)
            sync_folder(path.parent)
        return path

    def leave(self) -> None:
        """Closes the file and lets it lie as it is, under its `.part` name."""
        with self._lock, _in_words(self.path):
            self._file.close()

    def drop(self) -> None:
        """Takes the unfinished file away; one that has its name already stays."""
        try:
            self.leave()
        finally:
            self.path.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Sees to it that what was named or unnamed in a folder stays so through a crash."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _in_words(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Broken(
            f"{path.name} could not be written: {error.strerror or error}.",
            todo="Free some space and run `agentes resume`; what was paid for is not bought again.",
        ) from error
