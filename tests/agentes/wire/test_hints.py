"""What vendors say beside their answers is understood in all its spellings, and nonsense is not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from agentes.wire.hints import advised_to_repeat, asked_wait_s, request_number, seconds_in, told_in


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("20", 20),
        ("1.5", 1.5),
        ("0", 0),
        ("20ms", 0.02),
        ("34.074824224s", 34.074824224),
        ("6m0s", 360),
        ("1h2m3s", 3723),
        (" 7 ", 7),
    ],
)
def test_spans_are_read(text: str, seconds: float) -> None:
    assert seconds_in(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text", ["", "soon", "-1", "1e9", "NaN", "inf", "٣", "5 minutes", "s", "1s!", "1_000", "9" * 400]
)
def test_what_is_no_span_is_none(text: str) -> None:
    assert seconds_in(text) is None


def _wait(**headers: str) -> float | None:
    return asked_wait_s(httpx.Response(429, headers={k.replace("_", "-"): v for k, v in headers.items()}))


def test_the_wait_is_read_from_any_header() -> None:
    assert _wait(retry_after="7") == 7
    assert _wait(retry_after_ms="250", retry_after="7") == 0.25
    assert _wait(retry_after_ms="soon", retry_after="7") == 7
    assert _wait() is None


def test_a_moment_counts_from_their_clock_if_they_show_one() -> None:
    then = datetime(2031, 1, 1, 12, 0, 30, tzinfo=UTC)
    assert _wait(retry_after=format_datetime(then), date=format_datetime(then - timedelta(seconds=30))) == 30
    assert _wait(retry_after=format_datetime(then), date="yesterday") is not None
    soon = datetime.now(UTC) + timedelta(seconds=60)
    assert 50 < (_wait(retry_after=format_datetime(soon, usegmt=True)) or 0) <= 60
    assert _wait(retry_after="Wed, 21 Oct 2015 07:28:00 GMT") == 0


@pytest.mark.parametrize("garbage", ["soon", "-5", "NaN", "Wed, 99 Foo 2026", "\x00", "1,5", "9" * 400])
def test_a_wait_that_is_none(garbage: str) -> None:
    assert _wait(retry_after=garbage) is None


def test_google_says_it_in_the_body() -> None:
    detail = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.5s"}
    assert asked_wait_s(httpx.Response(429, json={"error": {"details": [{"x": 1}, detail]}})) == 34.5


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"details": {"retryDelay": "1s"}}},
        {"error": {"details": [{"retryDelay": 5}]}},
        {"error": {"details": [{"retryDelay": "soon"}]}},
        {"error": "retryDelay"},
        ["retryDelay"],
    ],
)
def test_google_may_say_nonsense(body: Any) -> None:
    assert asked_wait_s(httpx.Response(429, json=body)) is None
    assert asked_wait_s(httpx.Response(429, content=b'{"retryDelay')) is None


@pytest.mark.parametrize(("said", "meant"), [("true", True), ("FALSE", False), ("maybe", None), ("", None)])
def test_advice_to_repeat(said: str, meant: bool | None) -> None:
    assert advised_to_repeat(httpx.Response(500, headers={"x-should-retry": said})) is meant
    assert advised_to_repeat(httpx.Response(500)) is None


def test_the_number_of_a_request() -> None:
    assert request_number(httpx.Response(200, headers={"x-request-id": "req_1", "cf-ray": "x"})) == "req_1"
    assert request_number(httpx.Response(200, headers={"cf-ray": "8f"})) == "8f"
    assert request_number(httpx.Response(200)) == ""
    assert len(request_number(httpx.Response(200, headers={"request-id": "x" * 5000}))) == 128


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"error": {"message": "Too long.", "code": 3}}, "Too long."),
        ({"error": "Too long."}, "Too long."),
        ({"detail": {"status": "x", "message": "Too long."}}, "Too long."),
        ({"detail": [{"loc": ["body"], "msg": "Too long."}]}, "Too long."),
        ([{"error": {"message": "Too long."}}], "Too long."),
        ({"code": 1201, "message": "Too long.", "request_id": "x"}, "Too long."),
        ({"errors": ["Too long."]}, "Too long."),
        ("Too long.", "Too long."),
        ({"error": {"message": "two\nlines \x00 of\ttext"}}, "two lines of text"),
        ({"error": {"message": None}}, ""),
        ({"other": "x"}, ""),
        ([], ""),
        (None, ""),
        (7, ""),
    ],
)
def test_the_vendors_own_sentence(body: Any, sentence: str) -> None:
    assert told_in(httpx.Response(400, json=body)) == sentence


def test_no_sentence_is_found_where_none_is() -> None:
    for content in (b"", b"<html>no</html>", b"\xff\xfe", b"[" * 100_000, b'{"error":' * 5000):
        assert told_in(httpx.Response(400, content=content)) == ""


def test_a_sentence_is_kept_short() -> None:
    assert told_in(httpx.Response(400, json={"message": "x" * 5000})) == "x" * 299 + "…"
