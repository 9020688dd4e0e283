"""The folder a person finds at the end: decided and claimed before any work is done."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from platform import node

from orchestrator.composer.placing import LONGEST_NAME, ORIGINALS, is_device, plain_ascii
from shared_knowledge.errors import BadRequest

__all__ = ["MARKER", "give_back", "open_folder", "slug"]

MARKER = ".agentes-job"

_ROOM_BYTES = 32 << 20
_LONGEST_SLUG = 64
_MOST_RUNS = 999
_CLAIMED_BY_NOW_S = 60.0
_DESKTOP_NOISE = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})


def open_folder(
    wanted: Path | None,
    job_id: str,
    title: str,
    *,
    is_known: Callable[[str], bool] = lambda _: True,
    room_bytes: int = _ROOM_BYTES,
) -> Path:
    """Claims a folder for this job, or finds the one it already has; BadRequest if none can be used.

    An empty folder may carry the mark of a job that `is_known` to nobody: it was killed while it claimed it.
    """
    folder = wanted or Path(slug(title, job_id))
    try:
        folder = _asked_for(wanted, job_id, title)
        if wanted is not None and os.path.lexists(folder) and not folder.is_dir():
            raise BadRequest.about_folder(folder, "this is a file, not a folder", "Name another with --out.")
        for candidate in _same_name(folder):
            if _owner(candidate) == job_id:
                _sweep(candidate)
                _prove_room(candidate, room_bytes)
                _prove_writable(candidate)
                return candidate
        for candidate in _numbered(folder):
            if not is_known(_owner(candidate) or job_id):
                _disown(candidate)
            if _claim(candidate, job_id, room_bytes):
                return candidate
    except (OSError, ValueError, RuntimeError) as trouble:
        raise _unusable(folder, trouble) from trouble
    raise BadRequest.about_folder(
        folder, f"it and {_MOST_RUNS} folders like it hold other work", "Name another with --out."
    )


def give_back(folder: Path, job_id: str) -> None:
    """Takes a claimed folder away again if nothing was put into it; never touches one that is used."""
    with contextlib.suppress(OSError):
        if _owner(folder) == job_id and all(entry.name == MARKER for entry in folder.iterdir()):
            (folder / MARKER).unlink()
            folder.rmdir()


def slug(title: str, job_id: str) -> str:
    """A readable, safe folder name in plain ASCII; the job's id where the title has no such letters."""
    folded = plain_ascii(title).lower().replace("'", "")
    words = re.findall(r"[a-z0-9]+", folded)
    name = ""
    for word in words:
        longer = f"{name}-{word}" if name else word[:_LONGEST_SLUG]
        if len(longer) > _LONGEST_SLUG:
            break
        name = longer
    if not name:
        tail = "".join(re.findall(r"[a-z0-9]+", plain_ascii(job_id).lower()))[-8:]
        return f"film-{tail}" if tail else "film"
    return f"{name}-film" if is_device(name) else name


def _asked_for(wanted: Path | None, job_id: str, title: str) -> Path:
    here = Path.cwd()
    if wanted is None:
        return here / slug(title, job_id)
    folder = wanted.expanduser()
    folder = folder.resolve() if ".." in folder.parts else folder.absolute()
    # "--out ." means "in here": a folder beside the one a person stands in would surprise.
    return folder / slug(title, job_id) if folder in (here, *here.parents) else folder


def _numbered(folder: Path) -> Iterator[Path]:
    yield folder
    for number in range(2, _MOST_RUNS + 1):
        yield folder.with_name(f"{folder.name}-{number}")


def _same_name(folder: Path) -> Iterator[Path]:
    yield folder
    numbered = re.compile(re.escape(folder.name) + r"-(?a:\d{1,3})")
    with contextlib.suppress(OSError):
        yield from sorted(entry for entry in folder.parent.iterdir() if numbered.fullmatch(entry.name))


def _owner(folder: Path) -> str | None:
    return next(iter(_mark_of(folder)), None)


def _mark_of(folder: Path) -> list[str]:
    """Whose a folder is, and which process of which machine said so."""
    try:
        return (folder / MARKER).read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return []


def _disown(folder: Path) -> None:
    """Takes off the mark of a job that never came to be, unless whoever made it may still be about to begin it."""
    marker = folder / MARKER
    with contextlib.suppress(OSError):
        if _is_dead(_mark_of(folder)[1:]) or time.time() - marker.stat().st_mtime > _CLAIMED_BY_NOW_S:
            marker.unlink()


def _is_dead(claimer: list[str]) -> bool:
    if len(claimer) != 2 or claimer[0] != node() or not claimer[1].isdecimal():
        return False
    try:
        os.kill(int(claimer[1]), 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return False


def _claim(folder: Path, job_id: str, room_bytes: int) -> bool:
    if os.path.lexists(folder) and not folder.is_dir():
        return False
    made: list[Path] = []
    try:
        _make(folder, made)
        if any(entry.name not in _DESKTOP_NOISE for entry in folder.iterdir()):
            return False
        _prove_room(folder, room_bytes)
        _mark(folder / MARKER, job_id)
    except FileExistsError:
        return False
    except OSError:
        with contextlib.suppress(OSError):
            for step in made:
                step.rmdir()
        raise
    return True


def _make(folder: Path, made: list[Path]) -> None:
    step = folder
    while not step.exists():
        made.append(step)
        step = step.parent
    folder.mkdir(parents=True, exist_ok=True)


def _mark(marker: Path, job_id: str) -> None:
    with marker.open("x", encoding="utf-8") as mark:
        try:
            mark.write(f"{job_id}\n{node()}\n{os.getpid()}\n")
            mark.flush()
        except OSError:
            marker.unlink()
            raise


def _sweep(folder: Path) -> None:
    for part in (*folder.glob("*.part"), *folder.glob("*/*.part")):
        part.unlink(missing_ok=True)


def _prove_room(folder: Path, room_bytes: int) -> None:
    """Raises the OSError that would otherwise come in the middle of the work."""
    with contextlib.suppress(FileNotFoundError):
        (folder / ORIGINALS / ("x" * (LONGEST_NAME + len(".part")))).lstat()
    if shutil.disk_usage(folder).free < room_bytes:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _prove_writable(folder: Path) -> None:
    probe = folder / f"{MARKER}.part"
    probe.touch()
    probe.unlink()


def _unusable(folder: Path, trouble: Exception) -> BadRequest:
    elsewhere = "Name a folder you can write to with --out."
    why, todo = {
        errno.EACCES: ("you may not write there", elsewhere),
        errno.EPERM: ("you may not write there", elsewhere),
        errno.EROFS: ("this disk is read-only", elsewhere),
        errno.ENOTDIR: ("a part of this path is a file, not a folder", "Name another with --out."),
        errno.ENOENT: ("it cannot be made there", elsewhere),
        errno.ENAMETOOLONG: ("this path is too long", "Name a shorter one with --out."),
        errno.ELOOP: ("its links lead round in a circle", "Name another with --out."),
        errno.ENOSPC: ("there is no room on this disk", "Free some space, or name another with --out."),
        errno.EDQUOT: ("your disk quota is used up", "Free some space, or name another with --out."),
    }.get(
        getattr(trouble, "errno", None) or 0,
        (f"it cannot be used ({getattr(trouble, 'strerror', None) or trouble})", elsewhere),
    )
    shown = str(folder).replace("\0", "\N{SYMBOL FOR NULL}")
    return BadRequest.about_folder(Path(shown if len(shown) <= 200 else f"{shown[:197]}…"), why, todo)
