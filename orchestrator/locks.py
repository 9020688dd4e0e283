"""One lock per job, held by the kernel: it goes with the process, however the process goes."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shared_knowledge.errors import BadRequest

__all__ = ["is_locked", "only_one"]


@contextmanager
def only_one(home: Path, job_id: str) -> Iterator[None]:
    """Holds the job's lock; BadRequest if another process has it."""
    file = _file(home, job_id)
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BadRequest(
                f"Job {job_id} is already running.", todo=f"Watch it with `agentes show {job_id}`."
            ) from error
        yield


def is_locked(home: Path, job_id: str) -> bool:
    """Whether any process on this machine holds the job's lock."""
    file = _file(home, job_id)
    if not file.exists():
        return False
    with file.open("r") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def _file(home: Path, job_id: str) -> Path:
    return home / "locks" / f"{job_id}.lock"
