"""One lock per job: it goes with the process that has it, however the process goes."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO, Protocol

from agentes.media.shelf import disk_in_words
from shared_knowledge.errors import BadRequest

__all__ = ["FileLocks", "Locks", "SharedLocks", "open_locks"]

_A_LOOK_TAKES_S = 0.01
_LOOKS = 20


class Locks(Protocol):
    """Whoever shares the ledger shares these."""

    def only_one(self, job_id: str) -> AbstractContextManager[None]:
        """Holds the job's lock; BadRequest if another run has it."""

    def is_locked(self, job_id: str) -> bool:
        """Whether any run, of this process or another, holds the job's lock."""


def open_locks(database_url: str) -> Locks:
    """The locks that belong to a ledger: held by its server, or by the kernel beside its file."""
    if database_url.startswith("postgresql://"):
        return SharedLocks(database_url)
    return FileLocks(Path(database_url.removeprefix("sqlite:///")).parent)


class FileLocks:
    """Locks of one machine, held by its kernel on files of a folder."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "locks"

    @contextmanager
    def only_one(self, job_id: str) -> Iterator[None]:
        """Holds the job's lock; BadRequest if another run has it."""
        with disk_in_words(f"The lock of job {job_id} cannot be taken"):
            self._folder.mkdir(parents=True, exist_ok=True)
            lock = self._file(job_id).open("w")
        with lock:
            _insist(lambda: _flock(lock), job_id)
            yield

    def is_locked(self, job_id: str) -> bool:
        """Whether any run on this machine holds the job's lock."""
        file = self._file(job_id)
        if not file.exists():
            return False
        with disk_in_words(f"The lock of job {job_id} cannot be looked at"), file.open("r") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
            return False

    def _file(self, job_id: str) -> Path:
        return self._folder / f"{job_id}.lock"


class SharedLocks:
    """Locks of many machines, held by the server they share."""

    def __init__(self, url: str) -> None:
        from orchestrator.store.advisory import AdvisoryLocks

        self._locks = AdvisoryLocks(url)

    @contextmanager
    def only_one(self, job_id: str) -> Iterator[None]:
        """Holds the job's lock; BadRequest if another run has it."""
        _insist(lambda: self._locks.take(job_id), job_id)
        try:
            yield
        finally:
            self._locks.let_go(job_id)

    def is_locked(self, job_id: str) -> bool:
        """Whether any run, on whatever machine, holds the job's lock."""
        return self._locks.is_taken(job_id)

    def close(self) -> None:
        """Lets go of every lock."""
        self._locks.close()


def _insist(take: Callable[[], bool], job_id: str) -> None:
    """One refusal proves nothing: a file is held by whoever looks, and a server takes a moment to see a death."""
    for _ in range(_LOOKS):
        if take():
            return
        time.sleep(_A_LOOK_TAKES_S)
    raise BadRequest(f"Job {job_id} is already running.", todo=f"Watch it with `agentes show {job_id}`.")


def _flock(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
