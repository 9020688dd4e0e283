"""What a line of the log is about: said once where a piece of work begins, and written on every line of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["log_about", "subject"]

_NOTHING: Mapping[str, str] = {}
_subject: ContextVar[Mapping[str, str]] = ContextVar("subject", default=_NOTHING)


@contextmanager
def log_about(**words: str | None) -> Iterator[None]:
    """Every line that is logged inside, in whatever task it begins, says what it is about, such as job="job_1"."""
    before = _subject.set({**_subject.get(), **{name: word for name, word in words.items() if word}})
    try:
        yield
    finally:
        _subject.reset(before)


def subject() -> Mapping[str, str]:
    """What the work at hand is about."""
    return _subject.get()
