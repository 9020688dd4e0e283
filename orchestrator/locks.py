"""One lock per job, held by the kernel: it goes with the process, however the process goes."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from agentes.media.shelf import disk_in_words
from shared_knowledge.errors import BadRequest

__all__ = ["is_locked", "only_one"]

_A_LOOK_TAKES_S = 0.01
_LOOKS = 20


@contextmanager
def only_one(home: Path, job_id: str) -> Iterator[None]:
    """Holds the job's lock; BadRequest if another process has it."""
    file = _file(home, job_id)
    with disk_in_words(f"The lock of job {job_id} cannot be taken"):
        file.parent.mkdir(parents=True, exist_ok=True)
        lock = file.open("w")
    with lock:
        if not _taken(lock):
            raise BadRequest(
                f"Job {job_id} is already running.", todo=f"Watch it with `agentes show {job_id}`."
            )
        yield


def is_locked(home: Path, job_id: str) -> bool:
    """Whether any process on this machine holds the job's lock."""
    file = _file(home, job_id)
    if not file.exists():
        return False
    with disk_in_words(f"The lock of job {job_id} cannot be looked at"), file.open("r") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def _taken(lock: IO[str]) -> bool:
    """Whoever only looks holds the lock for a moment too, so one refusal proves nothing."""
    for _ in range(_LOOKS):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_A_LOOK_TAKES_S)
        else:
            return True
    return False


def _file(home: Path, job_id: str) -> Path:
    return home / "locks" / f"{job_id}.lock"
