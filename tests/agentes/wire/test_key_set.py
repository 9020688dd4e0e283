"""A vendor's public keys are fetched when they are needed, kept for a day, and never taken for what they are not."""

from __future__ import annotations

import json

import httpx
import pytest

from agentes.wire.guard import Guard
from agentes.wire.key_set import KeySet
from shared_knowledge.errors import Unreachable

URL = "https://vendor.example/.well-known/jwks.json"
X = "A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg"
KEY = {"kty": "OKP", "crv": "Ed25519", "x": X}


class Vendor:
    """Publishes keys, and counts who asks."""

    def __init__(self, *answers: httpx.Response | Exception | bytes | dict[str, object]) -> None:
        self.answers = list(answers)
        self.asked = 0
        self.time = 1000.0
        self.keys = KeySet(Guard(), network=lambda: httpx.MockTransport(self._answer), now=lambda: self.time)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, httpx.Response):
            return answer
        return httpx.Response(
            200, content=answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        )


async def test_they_are_kept_for_a_day() -> None:
    vendor = Vendor({"keys": [KEY]}, {"keys": [KEY, KEY]})
    for _ in range(3):
        (key,) = await vendor.keys.keys(URL)
        assert len(key) == 32
    assert vendor.asked == 1
    vendor.time += 25 * 3600
    assert len(await vendor.keys.keys(URL)) == 2


async def test_new_ones_are_asked_for_but_not_all_the_time() -> None:
    vendor = Vendor({"keys": [KEY]}, {"keys": [KEY, KEY]})
    await vendor.keys.keys(URL)
    assert len(await vendor.keys.keys(URL, anew=True)) == 1
    vendor.time += 301
    assert len(await vendor.keys.keys(URL, anew=True)) == 2
    for _ in range(5):
        await vendor.keys.keys(URL, anew=True)
    assert vendor.asked == 2


async def test_those_at_hand_are_good_while_no_others_can_be_had() -> None:
    vendor = Vendor({"keys": [KEY]}, httpx.ConnectError("away"))
    await vendor.keys.keys(URL)
    vendor.time += 301
    assert len(await vendor.keys.keys(URL, anew=True)) == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\xff\xfe",
        b"[" * 50_000,
        b"x" * 70_000,
        b"[]",
        b'{"keys": 5}',
        b'{"keys": [5]}',
        b'{"keys": []}',
        {"keys": [{"kty": "RSA", "n": "1"}]},
        {"keys": [{**KEY, "x": "AAAA"}]},
        {"keys": [{**KEY, "x": "é"}]},
        {"keys": [{**KEY, "x": 7}]},
        httpx.Response(302, headers={"location": "https://127.0.0.1/"}),
        httpx.Response(500),
        httpx.ConnectError("away"),
        httpx.ReadTimeout("slow"),
    ],
)
async def test_where_there_are_none_that_is_said(
    answer: httpx.Response | Exception | bytes | dict[str, object],
) -> None:
    vendor = Vendor(answer, {"keys": [KEY]})
    with pytest.raises(Unreachable, match="keys"):
        await vendor.keys.keys(URL)
    with pytest.raises(Unreachable, match="a moment ago"):
        await vendor.keys.keys(URL)
    assert vendor.asked == 1


async def test_of_a_thousand_keys_a_few_are_looked_at() -> None:
    assert len(await Vendor({"keys": [KEY] * 300}).keys.keys(URL)) == 8


async def test_an_address_inside_is_never_asked() -> None:
    vendor = Vendor()
    with pytest.raises(Unreachable):
        await vendor.keys.keys("https://127.0.0.1/jwks.json")
    assert vendor.asked == 0
