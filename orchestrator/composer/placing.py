"""How files come into a delivery folder: under readable, safe names, and whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO

from shared_knowledge.errors import BadRequest, Broken
from shared_knowledge.vocabulary import PhotoSpec, Task, VoiceSpec

__all__ = [
    "CAPTIONS",
    "FILM",
    "LONGEST_NAME",
    "ORIGINALS",
    "file_name",
    "is_device",
    "keep_original",
    "place",
    "plain_ascii",
    "whole_file",
]

FILM = "film.mp4"
CAPTIONS = "captions.srt"
ORIGINALS = "originals"
LONGEST_NAME = 80

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_SAFE_NAME = re.compile(r"(?a:[A-Za-z0-9][A-Za-z0-9._-]*)")
_WINDOWS_DEVICES = re.compile(r"(?ai:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?")
_NOT_FOLDED_BY_UNICODE = str.maketrans(
    {"ß": "ss", "ẞ": "SS", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O"}
    | {"ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "þ": "th", "Þ": "Th", "ı": "i"}
)
_SUFFIXES = {
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/webp": ".webp",
    "video/mp4": ".mp4",
    "video/webm": ".webm",
    "video/quicktime": ".mov",
    "audio/wav": ".wav",
    "audio/x-wav": ".wav",
    "audio/wave": ".wav",
    "audio/vnd.wave": ".wav",
    "audio/mpeg": ".mp3",
    "audio/mp4": ".m4a",
    "audio/aac": ".aac",
    "audio/ogg": ".ogg",
    "audio/flac": ".flac",
}


def file_name(task: Task, mime: str, *, piece: int | None = None) -> str:
    """The readable name of a task's file: photo-1-hero.png, video-1.mp4, voice-1-pt-BR.wav."""
    stem = task.id
    if isinstance(task.spec, PhotoSpec) and task.spec.intent not in stem:
        stem = f"{stem}-{task.spec.intent}"
    if isinstance(task.spec, VoiceSpec):
        stem = f"{stem}-{task.spec.language}"
    if piece is not None:
        stem = f"{stem}-piece-{piece}"
    suffix = _SUFFIXES.get(mime.partition(";")[0].strip().lower(), ".bin")
    safe = re.sub(r"[^A-Za-z0-9._-]+", "-", plain_ascii(stem)).strip("-._") or "file"
    if is_device(safe):
        safe = f"file-{safe}"
    return safe[: LONGEST_NAME - len(suffix)] + suffix


def place(folder: Path, source: Path, name: str) -> Path:
    """Copies a file from the shelf under a readable name, whole or not at all."""
    target = _inside(folder, name)
    with _opened(source) as original, whole_file(target) as copy:
        _pour(original, copy)
    return target


def keep_original(folder: Path, source: Path, name: str) -> Path:
    """Keeps an untouched original, read-only: a link where that is safe, else a copy, byte for byte."""
    target = _inside(folder, f"{ORIGINALS}/{name}")
    if not _linked(source, target):
        with _opened(source) as original, whole_file(target) as copy:
            _pour(original, copy)
            target.with_name(f"{target.name}.part").chmod(0o444)
    return target


@contextmanager
def whole_file(target: Path) -> Iterator[BinaryIO]:
    """A file that gets its name only when it is complete and on disk; trouble leaves nothing behind."""
    part = target.with_name(f"{target.name}.part")
    try:
        target.parent.mkdir(exist_ok=True)
        part.unlink(missing_ok=True)
        with part.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    except OSError as trouble:
        full = trouble.errno in _FULL
        raise Broken(
            f"{target.name} could not be written to {target.parent}: "
            f"{'the disk is full' if full else trouble.strerror or trouble}.",
            todo=f"{'Free some space' if full else 'Make the folder writable'} and resume the job: "
            "nothing that was made is lost.",
        ) from trouble
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def _inside(folder: Path, name: str) -> Path:
    parts = PurePosixPath(name).parts
    good = 1 <= len(parts) <= 2 and all(
        len(part) <= LONGEST_NAME and _SAFE_NAME.fullmatch(part) and not is_device(part) for part in parts
    )
    if not good or (folder / parts[0]).is_symlink():
        raise BadRequest(
            f"{name!r} is not a safe file name inside {folder}.",
            todo="Use plain letters, digits, dots and hyphens, and no links.",
        )
    return folder.joinpath(*parts)


def _opened(source: Path) -> BinaryIO:
    try:
        return source.open("rb")
    except OSError as trouble:
        raise Broken(
            f"{source.name} cannot be read from the shelf: {trouble.strerror or trouble}.",
            todo="Resume the job: what is missing is fetched or made again.",
        ) from trouble


def _pour(original: IO[bytes], copy: IO[bytes]) -> None:
    """Lets the file system share the blocks where it can, else copies them."""
    left = os.fstat(original.fileno()).st_size
    try:
        # Some file systems answer 0 instead of refusing; what is then left is copied below.
        while left and (poured := os.copy_file_range(original.fileno(), copy.fileno(), left)):
            left -= poured
    except (AttributeError, OSError) as trouble:
        if getattr(trouble, "errno", None) in _FULL:
            raise
    if left:
        original.seek(0)
        copy.seek(0)
        copy.truncate()
        shutil.copyfileobj(original, copy, 1 << 20)


def _linked(source: Path, target: Path) -> bool:
    """A link shares its bytes with the shelf, so only what nobody may write is linked."""
    part = target.with_name(f"{target.name}.part")
    try:
        if source.is_symlink() or source.stat().st_mode & 0o222:
            return False
        target.parent.mkdir(exist_ok=True)
        part.unlink(missing_ok=True)
        part.hardlink_to(source)
        part.replace(target)
        part.unlink(missing_ok=True)
    except OSError:
        return False
    return True


def plain_ascii(text: str) -> str:
    """The same words without accents; letters that have no plain form are left out."""
    folded = unicodedata.normalize("NFKD", text.translate(_NOT_FOLDED_BY_UNICODE))
    return folded.encode("ascii", "ignore").decode("ascii")


def is_device(name: str) -> bool:
    """Whether some systems read this name as a device, not as a file."""
    return _WINDOWS_DEVICES.fullmatch(name) is not None
