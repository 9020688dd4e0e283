"""What an answer says beside its content: how long to wait, whether to come back, its number, its complaint."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

__all__ = ["advised_to_repeat", "asked_wait_s", "request_number", "seconds_in", "told_in"]

_NUMBER = re.compile(r"\d{1,20}(?:\.\d{1,9})?", re.ASCII)
_SPAN = re.compile(r"(\d{1,12}(?:\.\d{1,9})?)(ms|s|m|h|d)", re.ASCII)
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_REQUEST_NUMBERS = (
    "x-request-id",
    "request-id",
    "x-requestid",
    "x-fal-request-id",
    "apim-request-id",
    "x-amzn-requestid",
    "x-goog-request-id",
    "x-amz-cf-id",
    "cf-ray",
)
_TELLING = (
    "message",
    "msg",
    "detail",
    "error_description",
    "description",
    "error",
    "errors",
    "reason",
    "title",
)
_LONGEST = 300
_DEEPEST = 6


def seconds_in(text: str) -> float | None:
    """The seconds a word such as "20", "1.5s", "6m0s" or "20ms" means; None if it means none."""
    text = text.strip().lower()
    if _NUMBER.fullmatch(text):
        return float(text)
    steps = _SPAN.findall(text)
    if not steps or "".join(number + unit for number, unit in steps) != text:
        return None
    return sum(float(number) * _SECONDS[unit] for number, unit in steps)


def asked_wait_s(response: httpx.Response) -> float | None:
    """How long the vendor asks us to wait, in any of the ways in use; nonsense counts as not asked."""
    headers = response.headers
    exact = headers.get("retry-after-ms", "").strip()
    if _NUMBER.fullmatch(exact):
        return float(exact) / 1000
    asked = headers.get("retry-after", "").strip()
    if asked:
        in_seconds = seconds_in(asked)
        return _until(asked, headers.get("date")) if in_seconds is None else in_seconds
    return _retry_delay(response)


def advised_to_repeat(response: httpx.Response) -> bool | None:
    """What the vendor says about coming back with the same request; None if it says nothing."""
    return {"true": True, "false": False}.get(response.headers.get("x-should-retry", "").strip().lower())


def request_number(response: httpx.Response) -> str:
    """The number by which the vendor's support finds this call; empty if there is none."""
    for name in _REQUEST_NUMBERS:
        number = response.headers.get(name)
        if number:
            return "".join(each for each in number[:128] if each.isprintable())
    return ""


def told_in(response: httpx.Response) -> str:
    """The vendor's own sentence in an error body: one line, not too long; empty if there is none."""
    body = _read(response)
    told = next(_sentences(body, 0), "") if body is not None else ""
    line = " ".join("".join(each if each.isprintable() else " " for each in told).split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def _until(moment: str, their_now: str | None) -> float | None:
    until = _moment(moment)
    if until is None:
        return None
    return max(0.0, (until - (_moment(their_now or "") or datetime.now(UTC))).total_seconds())


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _retry_delay(response: httpx.Response) -> float | None:
    """Google says it in the body, sometimes inside a list of one: error.details[] of the type RetryInfo."""
    if not response.is_closed or b"retryDelay" not in response.content:
        return None
    body = _read(response)
    body = body[0] if isinstance(body, list) and len(body) == 1 else body
    error = body.get("error") if isinstance(body, dict) else None
    details = error.get("details") if isinstance(error, dict) else None
    for detail in details if isinstance(details, list) else []:
        delay = detail.get("retryDelay") if isinstance(detail, dict) else None
        if isinstance(delay, str) and (wait := seconds_in(delay)) is not None:
            return wait
    return None


def _read(response: httpx.Response) -> Any:
    try:
        return json.loads(response.content)
    except (ValueError, RecursionError):
        return None


def _sentences(body: Any, depth: int) -> Iterator[str]:
    if isinstance(body, str):
        if body.strip():
            yield body
    elif depth > _DEEPEST:
        return
    elif isinstance(body, list):
        for each in body[:4]:
            yield from _sentences(each, depth + 1)
    elif isinstance(body, dict):
        for name in _TELLING:
            if name in body:
                yield from _sentences(body[name], depth + 1)
