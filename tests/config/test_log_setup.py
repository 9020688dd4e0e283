"""The log: one line a record, nothing secret in it, whoever wrote it."""

from __future__ import annotations

import json
import logging
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest
from pydantic import BaseModel

from config.log_setup import set_up_log
from config.secrets import SecretManager

CANARY = "cnry-8f3a91c7e2d64b05-9d1e"


@pytest.fixture
def mask() -> Callable[[str], str]:
    secrets = SecretManager({})
    secrets.remember("FAL_KEY", CANARY)
    return secrets.mask


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    before = (root.level, root.handlers[:], sys.excepthook, threading.excepthook)
    yield
    for handler in [each for each in root.handlers if each not in before[1]]:
        root.removeHandler(handler)
        handler.close()
    root.level, root.handlers, sys.excepthook, threading.excepthook = before
    logging.captureWarnings(False)


@pytest.mark.parametrize("as_json", [False, True])
def test_a_key_leaves_by_no_door(
    mask: Callable[[str], str], as_json: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    class Order(BaseModel):
        number: int

    set_up_log(mask, level="DEBUG", as_json=as_json)
    log = logging.getLogger("door")
    log.info("key %s", CANARY)
    log.info(f"key {CANARY}")  # noqa: G004, RUF100 - whatever a library may do
    log.info("headers %r", {"x-api-key": CANARY})
    log.info("bytes %r", CANARY.encode())
    log.info("cut short: %s", CANARY[:18])
    log.info("attached", extra={"url": f"https://a.example/?key={CANARY}"})
    log.info("stack", stack_info=True)
    try:
        Order(number=CANARY)
    except ValueError:
        log.exception("it was refused")
    wrong = ConnectionError(f"GET https://a.example/?key={CANARY}")
    wrong.__cause__ = KeyError(CANARY)
    log.warning("no answer", exc_info=wrong)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn(f"deprecated: {CANARY}", stacklevel=1)
    written = capsys.readouterr().err
    assert CANARY[:12] not in written
    assert written.count("[FAL_KEY hidden]") >= 9
    assert "ValidationError" in written
    assert "ConnectionError" in written
    assert "KeyError" in written
    assert "Stack (most recent call last)" in written


def test_uncaught_errors_go_through_the_mask_as_well(
    mask: Callable[[str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    def fall() -> None:
        raise RuntimeError(f"with {CANARY}")

    set_up_log(mask)
    try:
        fall()
    except RuntimeError as wrong:
        sys.excepthook(type(wrong), wrong, wrong.__traceback__)
    falling = threading.Thread(target=fall)
    falling.start()
    falling.join()
    written = capsys.readouterr().err
    assert written.count("RuntimeError: with [FAL_KEY hidden]") == 2
    assert CANARY not in written


def test_ctrl_c_keeps_its_usual_face(mask: Callable[[str], str], capsys: pytest.CaptureFixture[str]) -> None:
    set_up_log(mask)
    sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert capsys.readouterr().err.strip() == "KeyboardInterrupt"


def test_json_lines_hold_time_level_logger_and_what_was_attached(
    mask: Callable[[str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    set_up_log(mask, level="INFO", as_json=True)
    logging.getLogger("agentes.wire").info("líne\nbreak", extra={"job": "j1", "when": Path("x")})
    logging.getLogger("agentes.wire").error("plain")
    first, second = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert datetime.fromisoformat(first.pop("time")).utcoffset() is not None
    assert first == {
        "level": "INFO",
        "logger": "agentes.wire",
        "message": "líne\nbreak",
        "attached": {"job": "j1", "when": "x"},
    }
    assert "attached" not in second


def test_a_plain_record_is_one_line_without_hidden_characters(
    mask: Callable[[str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    set_up_log(mask, level="INFO")
    logging.getLogger("a").info(
        "brief: %s", "one\n2026 CRITICAL forged\x1b[31m \u202ereversed", extra={"job": "j1"}
    )
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("INFO a: brief: one\\n2026 CRITICAL forged\\x1b[31m \\u202ereversed job=j1")


def test_setting_up_again_replaces_the_first(
    mask: Callable[[str], str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    set_up_log(mask)
    set_up_log(mask, as_json=True)
    logging.getLogger("a").warning("once")
    assert len(capsys.readouterr().err.splitlines()) == 1
    set_up_log(mask, file=tmp_path / "logs" / "agentes.log")
    logging.getLogger("a").warning("key %s", CANARY)
    assert capsys.readouterr().err == ""
    assert "key [FAL_KEY hidden]" in (tmp_path / "logs" / "agentes.log").read_text()


def test_others_keep_their_handlers(mask: Callable[[str], str]) -> None:
    own = logging.NullHandler()
    logging.getLogger().addHandler(own)
    set_up_log(mask)
    assert own in logging.getLogger().handlers


def test_http_libraries_are_silenced_even_when_all_else_is_shown(mask: Callable[[str], str]) -> None:
    set_up_log(mask, level="DEBUG")
    for name in ("httpx", "httpcore", "httpcore.http11", "httpx2"):
        assert logging.getLogger(name).getEffectiveLevel() == logging.WARNING
