"""One log, plain or JSON lines, in which no secret appears: it is masked where the last word is written.

Masking sits in the formatter, after the message, the arguments and the exception have become one
text, so that no library can slip a key past it.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from config.log_context import subject

__all__ = ["set_up_log"]

_TALKATIVE = ("httpx", "httpcore", "httpx2", "httpcore2", "urllib3", "langsmith")
_OWN_WORDS = frozenset({"time", "level", "logger", "message", "exception", "attached"})
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}
_log = logging.getLogger(__name__)


def set_up_log(
    mask: Callable[[str], str],
    *,
    level: int | str = logging.WARNING,
    as_json: bool = False,
    file: Path | None = None,
) -> None:
    """Sends every log record, masked, to stderr or to a file; calling it again replaces the first."""
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler.formatter, _Masked)]:
        root.removeHandler(handler)
        handler.close()
    handler = _handler(file)
    handler.setFormatter(_Masked(mask, _json_line if as_json else _plain_line))
    root.addHandler(handler)
    root.setLevel(level)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(True)
    sys.excepthook = _log_uncaught
    threading.excepthook = _log_uncaught_in_thread


def _handler(file: Path | None) -> logging.Handler:
    if file is None:
        return logging.StreamHandler()
    file.parent.mkdir(parents=True, exist_ok=True)
    return logging.FileHandler(file, encoding="utf-8", errors="backslashreplace", delay=True)


class _Masked(logging.Formatter):
    """Writes a record as one text, traceback included, and only then hides what must not be seen."""

    def __init__(self, mask: Callable[[str], str], line: Callable[[logging.LogRecord, str], str]) -> None:
        super().__init__()
        self._mask = mask
        self._line = line

    def format(self, record: logging.LogRecord) -> str:
        raised = self.formatException(record.exc_info) if record.exc_info and record.exc_info[0] else ""
        stack = self.formatStack(record.stack_info) if record.stack_info else ""
        trouble = "\n".join(part for part in (raised or record.exc_text, stack) if part)
        return self._mask(self._line(record, trouble))


def _plain_line(record: logging.LogRecord, trouble: str) -> str:
    extras = "".join(f" {name}={value}" for name, value in {**subject(), **_extras(record)}.items())
    head = f"{_when(record)} {record.levelname} {record.name}: {record.getMessage()}{extras}"
    below = trouble.split("\n") if trouble else []
    return "\n".join(_visible(line) for line in [head, *below])


def _json_line(record: logging.LogRecord, trouble: str) -> str:
    entry = {
        "time": _when(record),
        "level": record.levelname,
        "logger": record.name,
        "message": record.getMessage(),
        **{name: word for name, word in subject().items() if name not in _OWN_WORDS},
    }
    if trouble:
        entry["exception"] = trouble
    return json.dumps(entry | {"attached": _extras(record)} if _extras(record) else entry, default=str)


def _when(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _extras(record: logging.LogRecord) -> dict[str, object]:
    return {name: value for name, value in vars(record).items() if name not in _STANDARD}


def _visible(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def _log_uncaught(kind: type[BaseException], wrong: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, wrong, trace)
        return
    _log.critical("uncaught %s", kind.__name__, exc_info=(kind, wrong, trace))


def _log_uncaught_in_thread(failed: threading.ExceptHookArgs) -> None:
    if failed.exc_value is not None and not issubclass(failed.exc_type, SystemExit):
        _log_uncaught(failed.exc_type, failed.exc_value, failed.exc_traceback)
