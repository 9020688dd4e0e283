"""The log: one line a record, nothing secret in it, whoever wrote it."""

from __future__ import annotations

import asyncio
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

from config.log_context import log_about
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


async def test_a_line_says_what_it_is_about_in_every_task_of_the_work(
    mask: Callable[[str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    set_up_log(mask, level="INFO", as_json=True)

    async def work(job: str) -> None:
        with log_about(job=job, tenant=None, level="never in the way"):
            await asyncio.gather(asyncio.to_thread(logging.getLogger("a").info, "made"), _deeper())

    async def _deeper() -> None:
        with log_about(task=f"photo of {CANARY}"):
            logging.getLogger("a").info("asked")

    with log_about(request="req_1"):
        await asyncio.gather(work("j1"), work("j2"))
    logging.getLogger("a").info("over")
    set_up_log(mask, level="INFO")
    with log_about(job="j3\n"):
        logging.getLogger("a").info("plain", extra={"job": "j4"})
    *lines, last = capsys.readouterr().err.splitlines()
    said = [json.loads(line) for line in lines]
    assert [(one["message"], one.get("request"), one["level"]) for one in said[:-1]] == [
        (one["message"], "req_1", "INFO") for one in said[:-1]
    ]
    assert sorted((one["message"], one["job"]) for one in said[:-1]) == [
        ("asked", "j1"), ("asked", "j2"), ("made", "j1"), ("made", "j2"),
    ]  # fmt: skip
    assert {one.get("task") for one in said[:-1]} == {None, "photo of [FAL_KEY hidden]"}
    assert not {"request", "job", "tenant"} & said[-1].keys()
    assert last.endswith("INFO a: plain job=j4")
