"""Every answer that is not 2xx has one meaning, and a purchase is called free only where the answer proves it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from small_house import KEY, Adapter, Hours, House, order_of

from agentes.wire.once import Call
from shared_knowledge.errors import (
    AgentesError,
    Failed,
    InDoubt,
    PlatformError,
    Refused,
    Throttled,
    Unavailable,
    Unreachable,
    Unsuitable,
)
from shared_knowledge.money import Money

ORDER = order_of(receipt={"id": "t1"})
ALL_4XX = tuple(range(400, 452))


class Vendor:
    """Gives the same answer to everything, and counts."""

    def __init__(self, status: int, *, headers: dict[str, str] | None = None, body: Any = None) -> None:
        self.calls = 0
        self._answer = (status, headers or {}, body)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.calls += 1
        status, headers, body = self._answer
        return httpx.Response(status, headers=headers, json=body)


def _house(tmp_path: Path, vendor: Vendor, **other: Any) -> House:
    return House(tmp_path, network=lambda _: httpx.MockTransport(vendor), **other)


async def _bought(house: House) -> AgentesError:
    with pytest.raises(AgentesError) as error:
        await house.http.client(Call("start")).post("/v1/tasks", json={})
    return error.value


async def _asked(house: House, kind: Any = "check") -> AgentesError:
    with pytest.raises(AgentesError) as error:
        await house.http.client(Call(kind)).get("/v1/tasks/t1")
    return error.value


@pytest.mark.parametrize(
    ("status", "kind", "because", "calls"),
    [
        (400, Unsuitable, None, 1),
        (401, Unavailable, "key", 1),
        (402, Unavailable, "credit", 1),
        (403, Unavailable, "key", 1),
        (404, Unavailable, "model", 1),
        (405, Unavailable, "model", 1),
        (408, InDoubt, None, 1),
        (409, InDoubt, None, 1),
        (410, Unavailable, "model", 1),
        (413, Unsuitable, None, 1),
        (422, Unsuitable, None, 1),
        (425, InDoubt, None, 1),
        (429, Throttled, None, 4),
        (499, InDoubt, None, 1),
        (500, InDoubt, None, 1),
        (502, InDoubt, None, 1),
        (503, InDoubt, None, 1),
        (504, InDoubt, None, 1),
        (529, InDoubt, None, 1),
        (301, Unavailable, None, 1),
        (302, Unavailable, None, 1),
        (303, Unavailable, None, 1),
        (300, InDoubt, None, 1),
        (304, InDoubt, None, 1),
        (307, InDoubt, None, 1),
        (308, InDoubt, None, 1),
    ],
)
async def test_what_an_answer_to_a_purchase_means(
    status: int, kind: type[PlatformError], because: str | None, calls: int, tmp_path: Path
) -> None:
    vendor = Vendor(status, headers={"location": "https://elsewhere.example/"})
    error = await _bought(_house(tmp_path, vendor))
    assert type(error) is kind
    assert getattr(error, "because", None) == because
    assert vendor.calls == calls
    assert isinstance(error, PlatformError)
    assert error.platform == "tiny"
    assert error.charged == (None if kind is InDoubt else 0)


@pytest.mark.parametrize("status", ALL_4XX)
async def test_no_refusal_of_a_purchase_costs_anything_nor_is_repeated(status: int, tmp_path: Path) -> None:
    vendor = Vendor(status)
    error = await _bought(_house(tmp_path, vendor))
    assert isinstance(error, PlatformError)
    assert isinstance(error, InDoubt) is (error.charged is None)
    assert vendor.calls == (4 if status == 429 else 1)


async def test_what_the_vendor_says_was_not_booked_is_sent_again(tmp_path: Path) -> None:
    vendor = Vendor(503)
    error = await _bought(_house(tmp_path, vendor, not_booked=(502, 503)))
    assert isinstance(error, Unreachable)
    assert (vendor.calls, error.charged) == (4, 0)
    vendor = Vendor(500)
    assert isinstance(await _bought(_house(tmp_path, vendor, not_booked=(502, 503))), InDoubt)
    assert vendor.calls == 1


@pytest.mark.parametrize(
    ("status", "kind", "because", "calls"),
    [
        (400, Unavailable, None, 1),
        (401, Unavailable, "key", 1),
        (402, Unavailable, "credit", 1),
        (404, Throttled, None, 4),
        (410, Throttled, None, 4),
        (408, Unreachable, None, 4),
        (409, Unreachable, None, 4),
        (425, Unreachable, None, 4),
        (429, Throttled, None, 4),
        (499, Unreachable, None, 4),
        (500, Unreachable, None, 4),
        (503, Unreachable, None, 4),
        (302, Unavailable, None, 1),
        (307, Unavailable, None, 1),
    ],
)
async def test_what_an_answer_to_a_question_means(
    status: int, kind: type[PlatformError], because: str | None, calls: int, tmp_path: Path
) -> None:
    vendor = Vendor(status, headers={"location": "https://elsewhere.example/"})
    error = await _asked(_house(tmp_path, vendor, deadline_s=200))
    assert isinstance(error, kind)
    assert getattr(error, "because", None) == because
    assert vendor.calls == calls


async def test_an_order_that_is_not_known_is_looked_for_during_a_minute(tmp_path: Path) -> None:
    hours = Hours()
    house = _house(tmp_path, Vendor(404), clock=hours, deadline_s=200)
    with pytest.raises(InDoubt, match="does not know this order"):
        await house.line.check(ORDER)
    assert sum(hours.waits) >= 60


@pytest.mark.parametrize("status", [400, 401, 402, 403, 405, 422, 302])
async def test_a_question_that_fails_never_ends_a_bought_order(status: int, tmp_path: Path) -> None:
    with pytest.raises(InDoubt, match="was bought") as doubt:
        await _house(tmp_path, Vendor(status), deadline_s=200).line.check(ORDER)
    assert "resume" in doubt.value.todo


async def test_elsewhere_a_404_means_that_it_is_gone(tmp_path: Path) -> None:
    error = await _asked(_house(tmp_path, Vendor(404)), "standing")
    assert isinstance(error, Unavailable)
    assert error.because == "model"


async def test_the_wait_is_what_the_vendor_asks_for_within_reason(tmp_path: Path) -> None:
    for said, meant in (("7", 7.0), ("99999999", 20.0), ("soon", None), ("-4", None)):
        house = _house(tmp_path, Vendor(429, headers={"retry-after": said}))
        error = await _bought(house)
        assert isinstance(error, Throttled)
        assert error.after_s == meant


async def test_who_is_told_not_to_come_back_goes_elsewhere(tmp_path: Path) -> None:
    for status in (429, 503):
        vendor = Vendor(status, headers={"x-should-retry": "false"})
        error = await _bought(_house(tmp_path, vendor, not_booked=(503,)))
        assert type(error) is Unavailable
        assert (vendor.calls, error.charged) == (1, 0)


async def test_who_is_told_to_come_back_does_so_only_where_that_is_free(tmp_path: Path) -> None:
    said = {"x-should-retry": "true"}
    vendor = Vendor(422, headers=said)
    assert isinstance(await _asked(_house(tmp_path, vendor)), Unreachable)
    assert vendor.calls == 4
    vendor = Vendor(500, headers=said)
    assert isinstance(await _bought(_house(tmp_path, vendor)), InDoubt)
    assert vendor.calls == 1


class Explains(Adapter):
    """Says what it was told to say."""

    def __init__(self, explain: Any) -> None:
        self.explain = explain


async def test_the_adapter_knows_better_than_the_table(tmp_path: Path) -> None:
    body = {"error": {"message": f"Not with {KEY} in it."}}
    vendor = Vendor(400, body=body, headers={"x-request-id": "req_5"})
    house = _house(tmp_path, vendor, adapter=Explains(lambda _: Refused("Its content rules say no.")))
    error = await _bought(house)
    assert isinstance(error, Refused)
    assert (error.platform, error.request_id, error.charged) == ("tiny", "req_5", 0)
    assert error.vendor_says == "Not with [TINY_KEY hidden] in it."


async def test_an_amount_the_adapter_knows_stands(tmp_path: Path) -> None:
    adapter = Explains(lambda _: Failed("It was made and thrown away.", charged=Money(7)))
    assert getattr(await _bought(_house(tmp_path, Vendor(400), adapter=adapter)), "charged", None) == 7
    adapter = Explains(lambda _: Failed("It broke over there."))
    assert getattr(await _bought(_house(tmp_path, Vendor(500), adapter=adapter)), "charged", 0) is None


async def test_no_adapter_can_have_a_purchase_repeated_that_may_be_booked(tmp_path: Path) -> None:
    for error in (Unreachable("again"), Throttled("again")):
        vendor = Vendor(500)
        house = _house(tmp_path, vendor, adapter=Explains(lambda _, error=error: error))
        assert isinstance(await _bought(house), InDoubt)
        assert vendor.calls == 1


@pytest.mark.parametrize("trouble", [KeyError("x"), TypeError("x"), ValueError("x"), AttributeError("x")])
async def test_an_adapter_that_does_not_understand_leaves_it_to_the_table(
    trouble: Exception, tmp_path: Path
) -> None:
    def puzzled(response: httpx.Response) -> None:
        raise trouble

    error = await _bought(_house(tmp_path, Vendor(422), adapter=Explains(puzzled)))
    assert isinstance(error, Unsuitable)


async def test_the_vendors_sentence_is_passed_on_without_the_key(tmp_path: Path) -> None:
    error = await _bought(_house(tmp_path, Vendor(422, body={"detail": f"promptText of {KEY} is too long"})))
    assert error.what == (
        "Tiny does not take this as it was asked (422). It says: “promptText of [TINY_KEY hidden] is too long”"
    )
    assert KEY not in f"{error!r}{vars(error)}"


async def test_a_refused_key_is_named(tmp_path: Path) -> None:
    error = await _bought(_house(tmp_path, Vendor(401)))
    assert "TINY_KEY" in error.todo
