"""Each call leaves one line without a key in it, numbers for whoever counts, and no cookie."""

from __future__ import annotations

import logging

import httpx
import pytest
from small_house import KEY, Hours

from agentes.wire.trace import Counted, Notices, Trace
from shared_knowledge.errors import Unreachable

LOG = "agentes.wire.trace"


def _trace(answer: httpx.Response | Exception, counted: list[Counted] | None = None) -> tuple[Trace, Notices]:
    hours, notices = Hours(), Notices("Tiny")

    def below(request: httpx.Request) -> httpx.Response:
        hours.time_s += 0.25
        if isinstance(answer, Exception):
            raise answer
        return answer

    trace = Trace(
        httpx.MockTransport(below),
        notices=notices,
        platform="tiny",
        clock=hours,
        mask=lambda text: text.replace(KEY, "[hidden]"),
        count=counted.append if counted is not None else None,
    )
    return trace, notices


def _ask(path: str = "/v1/tasks/t1") -> httpx.Request:
    return httpx.Request("GET", f"https://api.tiny.example{path}?key={KEY}")


async def test_one_line_a_call_without_the_query(caplog: pytest.LogCaptureFixture) -> None:
    trace, _ = _trace(httpx.Response(200, content=b"12345", headers={"x-request-id": "req_9"}))
    with caplog.at_level(logging.DEBUG, logger=LOG):
        await trace.handle_async_request(_ask(f"/v1/{KEY}/x"))
    (line,) = [record.getMessage() for record in caplog.records if record.name == LOG]
    assert line == "tiny: GET api.tiny.example/v1/[hidden]/x 200 250 ms 5 bytes request req_9"


async def test_no_line_where_nobody_reads_it(caplog: pytest.LogCaptureFixture) -> None:
    trace, _ = _trace(httpx.Response(200))
    with caplog.at_level(logging.INFO, logger=LOG):
        await trace.handle_async_request(_ask())
    assert not [record for record in caplog.records if record.name == LOG]


async def test_whoever_counts_is_told_of_answers_and_of_none() -> None:
    counted: list[Counted] = []
    trace, _ = _trace(httpx.Response(503, content=b"xx"), counted)
    await trace.handle_async_request(_ask())
    trace, _ = _trace(Unreachable("no"), counted)
    with pytest.raises(Unreachable):
        await trace.handle_async_request(_ask())
    assert counted == [
        Counted("tiny", "GET", "api.tiny.example", "/v1/tasks/t1", 503, pytest.approx(250), 2, "", ""),
        Counted(
            "tiny", "GET", "api.tiny.example", "/v1/tasks/t1", None, pytest.approx(250), 0, "", "Unreachable"
        ),
    ]


async def test_no_cookie_comes_in() -> None:
    trace, _ = _trace(httpx.Response(200, headers=[("Set-Cookie", "a=1"), ("set-cookie", "b=2"), ("x", "y")]))
    answer = await trace.handle_async_request(_ask())
    assert answer.headers.multi_items() == [("x", "y")]


async def test_what_will_be_switched_off_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    answer = httpx.Response(
        200,
        json={"models": [{"id": "a", "shutdown_date": "2027-01-31"}, {"id": "b", "shutdown_date": None}]},
        headers={"Deprecation": "@1790000000", "Sunset": "Sun, 31 Jan 2027 00:00:00 GMT"},
    )
    trace, notices = _trace(answer)
    for number in range(3):
        await trace.handle_async_request(_ask(f"/v1/tasks/{number}"))
    assert notices.told == [
        "deprecation @1790000000 (api.tiny.example)",
        "sunset Sun, 31 Jan 2027 00:00:00 GMT (api.tiny.example)",
        "shutdown_date 2027-01-31 (api.tiny.example)",
    ]
    assert [record.levelname for record in caplog.records if record.name == LOG] == ["WARNING"] * 3


@pytest.mark.parametrize(
    "content",
    [
        b'{"shutdown_date"',
        b'{"shutdown_date": {"a": 1}}',
        b'"shutdown_date"',
        b"[" * 9999 + b'"shutdown_date"',
    ],
)
async def test_news_that_nobody_understands_are_none(content: bytes) -> None:
    trace, notices = _trace(httpx.Response(200, content=content))
    await trace.handle_async_request(_ask())
    assert notices.told == []
